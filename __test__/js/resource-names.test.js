// Names of s3db.js that callers reach for although no guide shows them (spec/03 section 3.2).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behaviors, EncryptionError, UnknownError } from '../../js/index.js';
import { connectDatabase, freshStore, readObject, STORES } from './support/databases.js';

const BEHAVIORS = Object.keys(behaviors);
const attributes = {
  name: 'string|required',
  age: 'number|optional',
  tags: 'array|items:string|optional',
  pin: 'secret|optional',
  profile: { city: 'string|optional', bio: 'string|optional' }
};
const record = { name: 'Ana', age: 41, tags: ['a', 'b'], pin: '1234', profile: { city: 'Lisboa', bio: 'x'.repeat(40) } };

for (const store of STORES) {
  for (const behavior of BEHAVIORS) {
    test(`spec03_3_2 composeFullObjectFromWrite gives the record of what was stored (${behavior}, ${store})`, async () => {
      const database = await connectDatabase({ connectionString: freshStore(store), passphrase: 'p' });
      const resource = await database.createResource({ name: 'users', attributes, behavior });
      await resource.insert({ id: 'a', ...record });
      const { metadata, body } = await readObject(database, resource.getResourceKey('a'));
      const composed = await resource.composeFullObjectFromWrite({ id: 'a', metadata, body, behavior });
      assert.deepEqual(composed, { ...record, id: 'a' });
      await resource.update('a', { age: 42 });
      const after = await readObject(database, resource.getResourceKey('a'));
      assert.deepEqual(await resource.composeFullObjectFromWrite({ id: 'a', ...after }), { ...record, age: 42, id: 'a' });
    });
  }
}

test('spec03_3_2 composeFullObjectFromWrite of records whose data is partly in the body', async () => {
  const database = await connectDatabase({ passphrase: 'p' });
  const long = { ...record, profile: { city: 'Lisboa', bio: 'x'.repeat(4000) } };
  for (const behavior of ['user-managed', 'body-overflow']) {
    const resource = await database.createResource({ name: behavior, attributes, behavior });
    await resource.insert({ id: 'a', ...long });
    const { metadata, body } = await readObject(database, resource.getResourceKey('a'));
    assert.ok(body.length > 4000);
    assert.deepEqual(await resource.composeFullObjectFromWrite({ id: 'a', metadata, body: Buffer.from(body), behavior }), {
      ...long,
      id: 'a'
    });
  }
  const resource = database.resources['body-overflow'];
  const mapped = await resource.schema.mapper({ name: 'Bo', age: 3 });
  assert.deepEqual(await resource.composeFullObjectFromWrite({ id: 'b', metadata: mapped, body: 'no JSON' }), {
    name: 'Bo',
    age: 3,
    id: 'b'
  });
});

test('spec03_3_2 handleResourceError gives a placeholder for what cannot be decrypted and throws the rest', async () => {
  const resource = await (await connectDatabase()).createResource({ name: 'users', attributes });
  for (const message of ['Cipher job failed: x', 'OperationError']) {
    const error = new EncryptionError(message, {});
    const placeholder = { id: 'i', _decryptionFailed: true, _error: message };
    assert.deepEqual(resource.handleResourceError(error, 'i', 'main'), placeholder);
    assert.deepEqual(resource.handleResourceError(error, 'i', 'partition'), { ...placeholder, _partition: 'partition' });
  }
  const other = new UnknownError('boom');
  assert.throws(
    () => resource.handleResourceError(other, 'i', 'main'),
    (error) => error === other
  );
});

test('spec03_3_2 lists use handleResourceError of the instance', async () => {
  const resource = await (await connectDatabase()).createResource({ name: 'users', attributes });
  await resource.insertMany([
    { id: 'a', name: 'A' },
    { id: 'b', name: 'B' }
  ]);
  const get = resource.get;
  resource.get = async (id) => {
    if (id === 'a') throw new UnknownError('boom');
    return get(id);
  };
  await assert.rejects(resource.list(), /boom/);
  resource.handleResourceError = (error, id, context) => ({ id, failed: error.message, context });
  const [first, second] = await resource.list();
  assert.deepEqual(first, { id: 'a', failed: 'boom', context: 'main' });
  assert.equal(second.name, 'B');
});

test('spec03_3_2 handleListError emits list with the failure and throws; list uses that of the instance', async () => {
  const resource = await (await connectDatabase()).createResource({ name: 'users', attributes, asyncEvents: false });
  const heard = [];
  resource.on('list', (event) => heard.push(event));
  const error = new UnknownError('boom');
  assert.throws(
    () => resource.handleListError(error, { partition: 'p', partitionValues: { a: 1 } }),
    (thrown) => thrown === error
  );
  assert.deepEqual(heard, [{ partition: 'p', partitionValues: { a: 1 }, count: 0, errors: 1 }]);
  resource.listMain = async () => {
    throw error;
  };
  await assert.rejects(resource.list(), (thrown) => thrown === error);
  assert.deepEqual(heard[1], { partition: null, partitionValues: {}, count: 0, errors: 1 });
  resource.handleListError = () => [];
  assert.deepEqual(await resource.list(), []);
});

test('spec03_22 a record under body-only is never stored without a body', async () => {
  const resource = await (await connectDatabase()).createResource({
    name: 'bodies',
    attributes: { name: 'string|optional' },
    behavior: 'body-only'
  });
  const check = async (what) => {
    const { body } = await readObject(resource.database, resource.getResourceKey('a'));
    assert.ok(Object.hasOwn(JSON.parse(body), '_v'), what);
  };
  await resource.insert({ id: 'a' });
  await check('insert');
  await resource.update('a', { name: undefined });
  await check('update');
  await resource.replace('a', {});
  await check('replace');
  await resource.upsert({ id: 'a' });
  await check('upsert');
  assert.equal((await resource.get('a')).name, undefined);
});

test('spec03_3_2 members that other modules rely on are there and can be set', async () => {
  const resource = await (await connectDatabase()).createResource({ name: 'users', attributes });
  assert.ok(Array.isArray(resource._middlewareMethods) && resource._middlewares instanceof Map);
  for (const method of resource._middlewareMethods) assert.equal(typeof resource[`_original_${method}`], 'function', method);
  const functions = `_emitStandardized _attachStateMachine _normalizeGuard _checkRolesScopes _patchViaCopyObject setupPartitionHooks
    applyPartitionRule getPartitionKey getNestedFieldValue getResourceKey createPartitionReferences deletePartitionReferences
    updatePartitionReferences handlePartitionReferenceUpdates handlePartitionReferenceUpdate composeFullObjectFromWrite
    extractIdsFromKeys extractPartitionValuesFromKey buildPartitionPrefix processListResults processPartitionResults
    handleResourceError handleListError calculateContentLength extractVersionFromKey`;
  for (const name of functions.split(/\s+/)) assert.equal(typeof resource[name], 'function', name);
  assert.equal(resource._instanceId.length, 7);
  assert.equal(resource._asyncMode, true);
  const own = [
    '_pluginWrappers',
    '_pluginMiddlewares',
    '_wrapped_insert',
    '_eventualConsistencyPlugins',
    '_relations',
    '_geoConfig',
    'cache',
    'ml'
  ];
  for (const name of own) {
    const value = {};
    resource[name] = value;
    assert.equal(resource[name], value, name);
  }
  assert.equal(resource.extractVersionFromKey('resource=users/v=v3/id=a'), 'v3');
  assert.deepEqual(resource.extractIdsFromKeys(['resource=users/data/id=a/b', 'resource=users/v=1/id=c']), ['a/b', 'c']);
  assert.equal(resource.calculateContentLength('é'), 2);
});
