// What is refused is often logged: errors never carry values of `secret` and `password` attributes (decision 24).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ConnectionString, Database, S3Client } from '../../js/index.js';
import { connectDatabase } from './support/databases.js';

const SECRETS = /CONFIDENTIAL/;

/** Every way an error is written down. */
const texts = (error) => [
  error.message,
  String(error.stack),
  inspect(error, { depth: 20 }),
  JSON.stringify(error),
  JSON.stringify(error.data)
];

async function refusal(work) {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('expected a refusal');
}

const attributes = {
  token: 'secret|optional|pattern:^ok',
  pin: { type: 'secretNumber', optional: true, max: 10 },
  password: 'password|optional|min:50',
  profile: { api: { key: 'secret|optional|min:50' }, name: 'string|optional' },
  keys: { type: 'array', items: 'secret|min:50', optional: true },
  either: [{ type: 'secret', min: 50, optional: true }, { type: 'boolean' }],
  age: 'number|optional'
};

const bad = {
  id: 'r1',
  token: 'CONFIDENTIAL1',
  password: 'CONFIDENTIAL2',
  profile: { api: { key: 'CONFIDENTIAL3' }, name: 'Ana' },
  keys: ['CONFIDENTIAL4'],
  either: 'CONFIDENTIAL5',
  age: 'old'
};

test('decision 24: a refused record shows no secret, and all else that was given', async () => {
  const database = await connectDatabase({ passphrase: 'p' });
  const users = await database.createResource({ name: 'users', attributes });
  const bulk = await users.insertMany([bad]).catch((error) => ({ errors: [{ error }] }));
  const error = await refusal(() => users.insert(bad));
  assert.equal(error.name, 'InvalidResourceItem');
  for (const each of [error, bulk.errors?.[0]?.error ?? error]) for (const text of texts(each)) assert.doesNotMatch(text, SECRETS);
  const { attributes: shown } = error.data;
  assert.equal(shown.age, 'old');
  assert.deepEqual(shown.profile, { api: { key: '[redacted]' }, name: 'Ana' });
  assert.deepEqual(
    [shown.token, shown.password, shown.keys, shown.either],
    Array.from({ length: 4 }, () => '[redacted]')
  );
  const age = error.data.validation.find(({ field }) => field === 'age');
  assert.equal(age.actual, 'old');
  const token = error.data.validation.find(({ field }) => field === 'token');
  assert.deepEqual([token.type, token.actual], ['stringPattern', '[redacted]']);
  // The caller's own record is left alone.
  assert.equal(bad.profile.api.key, 'CONFIDENTIAL3');
});

test('decision 24: a refused update, patch and replace show no secret, in paths neither', async () => {
  const database = await connectDatabase({ passphrase: 'p' });
  const users = await database.createResource({ name: 'users', attributes });
  await users.insert({ id: 'r1', age: 1, either: true });
  const { id, ...changes } = bad;
  for (const work of [
    () => users.update(id, changes),
    () => users.update(id, { token: 'CONFIDENTIAL' }),
    () => users.update(id, { 'profile.api.key': 'CONFIDENTIAL', age: 'x' }),
    () => users.patch(id, changes),
    () => users.replace(id, changes)
  ]) {
    const error = await refusal(work);
    for (const text of texts(error)) assert.doesNotMatch(text, SECRETS, String(work));
  }
  const limited = await database.createResource({ name: 'limited', attributes, behavior: 'enforce-limits' });
  await limited.insert({ id, age: 1, either: true });
  const patched = await refusal(() => limited.patch(id, { token: 'CONFIDENTIAL', password: 'CONFIDENTIAL' }));
  assert.equal(patched.name, 'ValidationError');
  for (const text of texts(patched)) assert.doesNotMatch(text, SECRETS);
  const { _etag } = await users.get(id);
  const outcome = await users.updateConditional(id, { token: 'CONFIDENTIAL', age: 'x' }, { ifMatch: _etag });
  assert.equal(outcome.success, false);
  assert.match(outcome.error, /Validation failed/);
  assert.doesNotMatch(inspect(outcome, { depth: 9 }), SECRETS);
  const error = await refusal(() => users.update(id, { pin: 4711 }));
  for (const text of texts(error)) assert.doesNotMatch(text, /4711/);
});

test('decision 24: what is printed of databases, clients, resources and schemas shows no secret', async () => {
  const connectionString = 'https://CONFIDENTIAL1:CONFIDENTIAL2@127.0.0.1:1/bucket/app?sessionToken=CONFIDENTIAL3';
  const parts = new ConnectionString(connectionString);
  const client = new S3Client({ connectionString });
  const remote = new Database({ connectionString, passphrase: 'CONFIDENTIAL4', security: { pepper: 'CONFIDENTIAL5' } });
  const database = await connectDatabase({ passphrase: 'CONFIDENTIAL6' });
  const users = await database.createResource({ name: 'users', attributes, passphrase: 'CONFIDENTIAL7' });
  const all = [
    parts,
    client,
    client.config,
    remote,
    remote.config,
    database,
    users,
    users.schema,
    users.schema.validator,
    { database, users }
  ];
  for (const each of all) for (const depth of [0, 2, 5, null]) assert.doesNotMatch(inspect(each, { depth }), SECRETS);
  // They are told apart still, and nothing but the print is changed.
  assert.match(inspect(parts), /^ConnectionString \{.*bucket: 'bucket'/s);
  assert.match(inspect(remote), /^Database \{.*bucket: 'bucket'.*connected: false/s);
  assert.match(inspect(users), /^Resource \{.*name: 'users'.*token: 'secret/s);
  assert.match(inspect([[[{ users }]]], { depth: 3 }), /\[Resource\]/);
  assert.equal(Object.keys(parts).includes('secretAccessKey'), true);
  assert.deepEqual([parts.secretAccessKey, parts.sessionToken], ['CONFIDENTIAL2', 'CONFIDENTIAL3']);
});

test('decision 24: the error of a failing hook has its context, and prints no configuration', async () => {
  const database = await connectDatabase({ strictHooks: true, passphrase: 'CONFIDENTIAL' });
  for (const event of ['beforeCreateResource', 'afterCreateResource']) {
    const hook = () => {
      throw new Error('no');
    };
    database.addHook(event, hook);
    const config = { name: event, attributes, passphrase: 'CONFIDENTIAL' };
    const error = await refusal(() => database.createResource(config));
    assert.deepEqual([error.event, error.originalError.message, error.context.config === config], [event, 'no', true]);
    assert.equal(error.data.context, error.context);
    for (const text of texts(error)) assert.doesNotMatch(text, SECRETS);
    database.removeHook(event, hook);
  }
});
