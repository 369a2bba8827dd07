/** Mistakes of a first day: each error or warning names what is wrong and the way out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachedAt } from '../../js/database/metadata.js';
import { fromNative } from '../../js/errors/from-native.js';
import { BehaviorError, Database, PermissionError, Plugin } from '../../js/index.js';
import { connectDatabase } from './support/databases.js';

const collectWarnings = (db) => {
  const warnings = [];
  db.on('db:warning', (warning) => warnings.push(warning));
  return warnings;
};

const ATTRIBUTES = { name: 'string|required', age: 'number|optional' };

for (const behavior of ['user-managed', 'body-overflow']) {
  test(`a taken id says so and names the ways out (${behavior})`, async () => {
    const db = await connectDatabase();
    const users = await db.createResource({ name: 'users', attributes: ATTRIBUTES, behavior });
    await users.insert({ id: 'ada', name: 'Ada' });
    await assert.rejects(users.insert({ id: 'ada', name: 'Other' }), (error) => {
      assert.equal(error.statusCode, 409);
      assert.match(error.suggestion, /another id/);
      assert.match(error.suggestion, /upsert\(\)/);
      return true;
    });
    const { errors } = await users.insertMany([{ id: 'ada', name: 'Other' }]);
    assert.match(errors[0].error.suggestion, /another id/);
    await assert.rejects(users.insert({ age: 1 }), {
      statusCode: 422,
      suggestion: 'Correct the fields listed in `validation` and try again.'
    });
  });
}

test('a number as the id to read names the text to pass', async () => {
  const db = await connectDatabase();
  const users = await db.createResource({ name: 'users', attributes: ATTRIBUTES });
  await users.insert({ id: 5, name: 'Five' });
  await assert.rejects(users.get(5), (error) => {
    assert.equal(error.message, 'Resource id cannot be empty');
    assert.match(error.suggestion, /pass '5'/);
    return true;
  });
  assert.equal((await users.get('5')).name, 'Five');
});

test('validate of what is no record says so instead of failing inside', async () => {
  const db = await connectDatabase();
  const users = await db.createResource({ name: 'users', attributes: ATTRIBUTES });
  for (const [value, name] of [
    [undefined, 'undefined'],
    [null, 'null'],
    ['Ada', 'string']
  ]) {
    const result = await users.validate(value);
    assert.equal(result.isValid, false);
    assert.equal(result.original, value);
    assert.deepEqual(
      result.errors.map(({ message }) => message),
      [`A record must be an object, got ${name}`]
    );
    await assert.rejects(users.validate(value, { throwOnError: true }), { message: 'Validation failed', invalidData: value });
  }
});

test('an unknown behaviour lists those there are', async () => {
  const db = await connectDatabase();
  const notes = await db.createResource({ name: 'notes', attributes: ATTRIBUTES, behavior: 'body-overfow' });
  await assert.rejects(notes.insert({ name: 'x' }), (error) => {
    assert.ok(error instanceof BehaviorError);
    assert.match(error.suggestion, /^Use one of: user-managed, .*body-overflow/);
    return true;
  });
});

test('a misspelt option of a resource is a warning with the right name, an error under strictOptions', async () => {
  const db = await connectDatabase();
  const warnings = collectWarnings(db);
  const users = await db.createResource({ name: 'users', attributes: ATTRIBUTES, timestmps: true, partition: {}, tenant: 'a' });
  assert.deepEqual(
    warnings.map(({ code, resource, details }) => [code, resource, details.option, details.nearest]),
    [
      ['UNKNOWN_OPTION', 'users', 'timestmps', 'timestamps'],
      ['UNKNOWN_OPTION', 'users', 'partition', 'partitions']
    ]
  );
  assert.equal(users.$schema.timestmps, true, 'still kept in $schema');
  const strict = await connectDatabase({ strictOptions: true });
  await assert.rejects(strict.createResource({ name: 'users', attributes: ATTRIBUTES, timestmps: true }), {
    name: 'ResourceError',
    option: 'timestmps',
    message: "Unknown option 'timestmps' for resource 'users'; did you mean 'timestamps'?"
  });
  await strict.createResource({ name: 'users', attributes: ATTRIBUTES, tenant: 'a' });
});

test('a hook of an unknown name is ignored with a warning', async () => {
  const db = await connectDatabase();
  const warnings = collectWarnings(db);
  const users = await db.createResource({ name: 'users', attributes: ATTRIBUTES });
  users.addHook('beforInsert', () => assert.fail('not called'));
  users.addHook('beforeInsert', (data) => data);
  await users.insert({ name: 'Ada' });
  assert.deepEqual(
    warnings.map(({ code, details }) => [code, details.option, details.nearest]),
    [['UNKNOWN_HOOK', 'beforInsert', 'beforeInsert']]
  );
});

test('a list of a partition, or by a field, that does not exist is a warning with the right name', async () => {
  const db = await connectDatabase();
  const warnings = collectWarnings(db);
  const partitions = { byCity: { fields: { 'address.city': 'string' } }, byAge: { fields: { age: 'number' } } };
  const users = await db.createResource({
    name: 'users',
    attributes: { ...ATTRIBUTES, address: { city: 'string|optional' } },
    partitions,
    asyncPartitions: false
  });
  await users.insert({ id: 'ada', name: 'Ada', age: 36, address: { city: 'London' } });
  assert.equal((await users.list({ partition: 'byAge', partitionValues: { age: 36 } })).length, 1);
  assert.equal((await users.list({ partition: 'byCity', partitionValues: { 'address.city': 'London' } })).length, 1);
  await users.list({ partition: 'byAge' });
  assert.deepEqual(warnings, []);
  for (let times = 0; times < 2; times += 1) {
    assert.deepEqual(await users.list({ partition: 'byAgee', partitionValues: { age: 36 } }), []);
    assert.equal((await users.list({ partition: 'byAge', partitionValues: { agee: 1 } })).length, 1);
  }
  assert.deepEqual(
    warnings.map(({ code, details }) => [code, details.option, details.nearest]),
    [
      ['UNKNOWN_PARTITION', 'byAgee', 'byAge'],
      ['UNKNOWN_PARTITION_FIELD', 'byAge.agee', 'age']
    ]
  );
});

for (const method of ['listIds', 'count', 'page']) {
  test(`${method} tells of values for what is no field of the partition`, async () => {
    const db = await connectDatabase();
    const warnings = collectWarnings(db);
    const users = await db.createResource({ name: 'users', attributes: ATTRIBUTES, partitions: { byAge: { fields: { age: 'number' } } } });
    await users[method]({ partition: 'byAge', partitionValues: { age: 1 } });
    assert.deepEqual(warnings, []);
    await users[method]({ partition: 'byAge', partitionValues: { agee: 1 } });
    assert.deepEqual(
      warnings.map(({ code, details }) => [code, details.option]),
      [['UNKNOWN_PARTITION_FIELD', 'byAge.agee']]
    );
  });
}

test('a function that makes no plugin is refused by what it returned', async () => {
  const db = await connectDatabase();
  await assert.rejects(
    db.usePlugin(() => {}),
    /must return a plugin, it returned undefined/
  );
  await assert.rejects(
    db.usePlugin(async () => new Plugin()),
    /must return a plugin, it returned a promise/
  );
  await db.usePlugin(() => ({ name: 'made', install() {}, start() {} }));
});

test('the remedy for a store that is away names the host that was asked', () => {
  const asked = 'GetObject failed: no such host (host s3.eu-west-9.amazonaws.com)';
  assert.equal(reachedAt('https://s3.us-east-1.amazonaws.com', asked), 's3.eu-west-9.amazonaws.com');
  assert.equal(reachedAt('http://K:S@localhost:9000', 'refused (host localhost:9000)'), 'http://***@localhost:9000');
  assert.equal(reachedAt(undefined, 'no host in it'), undefined);
});

for (const scheme of ['ftp', 'wss', 's4']) {
  test(`the scheme ${scheme} is named, with those there are`, () => {
    assert.throws(() => new Database({ connectionString: `${scheme}://KEY:SECRET@host/bucket` }), {
      name: 'ConnectionStringError',
      field: 'connectionString',
      message: `Unknown scheme '${scheme}:' in connection string`,
      suggestion: 'Use s3://, http://, https://, memory:// or file://.'
    });
  });
}

test('a folder without permissions is no matter of policies', () => {
  const report = {
    kind: 'Permission',
    code: 'AccessDenied',
    status: 403,
    message: 'file store: read failed: Permission denied (os error 13)'
  };
  const ofFiles = fromNative(report, { bucket: 'b', key: 'k' });
  assert.ok(ofFiles instanceof PermissionError);
  assert.match(ofFiles.suggestion, /directory that this process can make, read and write/);
  const ofS3 = fromNative({ ...report, message: 'Forbidden' }, { bucket: 'b', key: 'k' });
  assert.match(ofS3.suggestion, /policies/);
});
