/** Settings of a stored version that a later declaration changes or leaves out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectDatabase, makeDatabase, readMetadata, reopen } from './support/databases.js';

const entryOf = async (database, name = 'users') => {
  const { currentVersion, versions } = (await readMetadata(database)).resources[name];
  return versions[currentVersion];
};

test('modes of partitions that are set back to their defaults are stored so', async () => {
  const first = await connectDatabase();
  const config = { name: 'users', attributes: { name: 'string' } };
  await first.createResource({ ...config, asyncPartitions: false, strictPartitions: true });
  const { asyncPartitions, strictPartitions } = await entryOf(first);
  assert.deepEqual({ asyncPartitions, strictPartitions }, { asyncPartitions: false, strictPartitions: true });
  const second = await reopen(first);
  await second.createResource({ ...config, asyncPartitions: true, strictPartitions: false });
  await second.uploadMetadataFile();
  const third = await reopen(second);
  assert.equal(third.resources.users.config.asyncPartitions, true);
  assert.equal(third.resources.users.config.strictPartitions, false);
});

test('options of incremental ids go with them', async () => {
  const first = await connectDatabase();
  const config = { name: 'users', attributes: { name: 'string' } };
  await first.createResource({ ...config, idGenerator: { type: 'incremental', start: 100, prefix: 'U' } });
  assert.equal((await entryOf(first)).idGeneratorOptions.start, 100);
  const second = await reopen(first);
  await second.createResource({ ...config, idGenerator: 'sid' });
  const { idGenerator, idGeneratorOptions } = await entryOf(second);
  assert.deepEqual({ idGenerator, idGeneratorOptions }, { idGenerator: 'sid', idGeneratorOptions: undefined });
});

test('records stored under a map are read by a process that declares the resource without it', async () => {
  const first = await connectDatabase();
  const attributes = { name: 'string', status: 'string' };
  const map = { name: 'nm', status: 'st' };
  const { id } = await (await first.createResource({ name: 'users', attributes, map })).insert({ name: 'Ada', status: 'new' });
  // Declared before connect, so that nothing is restored from the file first.
  const second = makeDatabase(first.options);
  const users = await second.createResource({ name: 'users', attributes });
  assert.equal((await users.get(id)).name, 'Ada');
  assert.deepEqual(users.map, map);
  const other = await users.insert({ name: 'Bob', status: 'new' });
  assert.equal((await second.client.headObject(users.getResourceKey(other.id))).Metadata.nm, 'Bob');
  assert.equal(users.version, 'v1');
});

test('another map is another version, and records of the former one stay readable', async () => {
  const first = await connectDatabase();
  const attributes = { name: 'string', status: 'string' };
  const { id } = await (await first.createResource({ name: 'users', attributes, map: { name: 'nm', status: 'st' } })).insert({
    name: 'Ada',
    status: 'new'
  });
  const second = await reopen(first);
  const users = await second.createResource({ name: 'users', attributes, map: { name: 'st', status: 'nm' } });
  assert.equal(users.version, 'v2');
  const other = await users.insert({ name: 'Bob', status: 'old' });
  const third = await reopen(second);
  for (const resource of [users, third.resources.users]) {
    const read = async (key) => {
      const { name, status } = await resource.get(key);
      return { name, status };
    };
    assert.deepEqual(await read(id), { name: 'Ada', status: 'new' });
    assert.deepEqual(await read(other.id), { name: 'Bob', status: 'old' });
  }
});
