// What is refused is often logged: errors never carry values of `secret` and `password` attributes (decision 24).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
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
  const error = await refusal(() => users.update(id, { pin: 4711 }));
  for (const text of texts(error)) assert.doesNotMatch(text, /4711/);
});
