// Members of a database, row by row of spec/01 sections 2.2, 2.3, 2.6, 2.7, 2.8 and 2.10.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Database, MemoryClient, Plugin, ResourceNotFound } from '../../js/index.js';
import { connectDatabase, freshStore, makeDatabase, readMetadata, reopen, settle } from './support/databases.js';

const attributes = { name: 'string|required' };

test('spec01_2_3 resources is one proxy on the map for the life of the database, with own names only', async () => {
  const database = await connectDatabase();
  const { resources } = database;
  assert.deepEqual(resources, {});
  const users = await database.createResource({ name: 'users', attributes });
  assert.equal(resources.users, users);
  assert.deepEqual([Object.keys(resources), Object.entries(resources)[0][1] === users, 'users' in resources], [['users'], true, true]);
  const seen = [];
  for (const name in resources) seen.push(name);
  assert.deepEqual(seen, ['users']);
  for (const name of ['toString', 'hasOwnProperty', 'toJSON', '__proto__', 'nobody']) {
    assert.deepEqual([resources[name], name in resources, database.resourceExists(name)], [undefined, false, false], name);
  }
  resources.other = users;
  assert.equal(database._resourcesMap.other, users);
  assert.equal(delete resources.other, true);
  assert.deepEqual(Object.keys(database._resourcesMap), ['users']);
  await database.disconnect();
  assert.deepEqual([database.resources === resources, Object.keys(resources)], [true, []]);
  await database.connect();
  assert.deepEqual([database.resources === resources, Object.keys(resources)], [true, ['users']]);
});

test('spec01_12_28 a resource cannot be called __proto__, and a stored one of that name harms nothing', async () => {
  const database = await connectDatabase({ connectionString: freshStore() });
  await assert.rejects(database.createResource({ name: '__proto__', attributes }), {
    name: 'ResourceError',
    statusCode: 400,
    field: 'name'
  });
  await database.createResource({ name: 'users', attributes });
  const text = JSON.stringify(await readMetadata(database));
  const entry = JSON.stringify(JSON.parse(text).resources.users);
  await database.client.putObject({ key: 's3db.json', body: text.replace('"resources":{', `"resources":{"__proto__":${entry},`) });
  const again = await reopen(database);
  assert.deepEqual(Object.keys(again.resources), ['users']);
  assert.equal(Object.getPrototypeOf(again._resourcesMap), Object.prototype);
});

test('spec01_2_7 a missing resource is a ResourceNotFound with what there is, and what to do', async () => {
  const database = await connectDatabase({ client: new MemoryClient({ bucket: 'members' }) });
  await database.createResource({ name: 'users', attributes });
  for (const ask of [() => database.getResource('user'), async () => database.resource('user'), () => database.deleteResource('user')]) {
    await assert.rejects(ask, (error) => {
      assert.ok(error instanceof ResourceNotFound);
      assert.equal(error.message, 'Resource not found: user/user [bucket:members]');
      assert.deepEqual([error.resourceName, error.id, error.bucket, error.statusCode], ['user', 'user', 'members', 404]);
      assert.match(error.suggestion, /createResource\(\{ name: 'user'.*or use 'users'; there are: users/);
      return true;
    });
  }
  assert.throws(() => makeDatabase().resource('users'), { name: 'ResourceNotFound', suggestion: /connect\(\)/ });
});

test('spec01_2_7 detectDefinitionChanges tells new, changed and deleted definitions with their hashes', async () => {
  const database = await connectDatabase();
  for (const name of ['same', 'changed', 'gone']) await database.createResource({ name, attributes });
  const saved = await readMetadata(database);
  const hash = saved.resources.same.versions.v1.hash;
  await database.createResource({ name: 'changed', attributes: { ...attributes, age: 'number' } });
  await database.createResource({ name: 'new', attributes });
  delete database.resources.gone;
  const changed = database.generateDefinitionHash(database.resources.changed.export());
  assert.deepEqual(database.detectDefinitionChanges(saved), [
    { type: 'changed', resourceName: 'changed', currentHash: changed, savedHash: hash, fromVersion: 'v1', toVersion: 'v2' },
    { type: 'new', resourceName: 'new', currentHash: hash, savedHash: null },
    { type: 'deleted', resourceName: 'gone', currentHash: null, savedHash: hash, deletedVersion: 'v1' }
  ]);
  assert.deepEqual(
    database.detectDefinitionChanges(database.savedMetadata).map(({ type }) => type),
    ['deleted']
  );
});

test('spec01_2_7 resourceExistsWithSameHash, blankMetadataStructure and isConnected are those of 13.6', async () => {
  const database = makeDatabase();
  assert.deepEqual(database.resourceExistsWithSameHash({ name: 'users', attributes }), { exists: false, sameHash: false, hash: null });
  const { lastUpdated, ...blank } = database.blankMetadataStructure();
  assert.deepEqual(blank, { version: '1', s3dbVersion: database.s3dbVersion, resources: {} });
  assert.equal(new Date(lastUpdated).toISOString(), lastUpdated);
  assert.equal(database.isConnected(), false);
  database.savedMetadata = database.blankMetadataStructure();
  assert.equal(database.isConnected(), true);
  database.savedMetadata = null;
  await database.createResource({ name: 'users', attributes });
  assert.equal(database.isConnected(), true);
  const known = database.resourceExistsWithSameHash({ name: 'users', attributes });
  assert.deepEqual([known.exists, known.sameHash, known.hash === known.existingHash], [true, true, true]);
  const other = database.resourceExistsWithSameHash({ name: 'users', attributes: { other: 'string' } });
  assert.deepEqual([other.exists, other.sameHash, other.hash !== other.existingHash], [true, false, true]);
});

test('spec01_2_6 hooks of createResource may change the configuration; a failing one after it leaves the resource', async () => {
  const database = await connectDatabase({ strictHooks: true });
  const change = ({ config }) => {
    config.timestamps = true;
  };
  database.addHook('beforeCreateResource', change);
  const users = await database.createResource({ name: 'users', attributes });
  assert.equal(users.config.timestamps, true);
  database.removeHook('beforeCreateResource', change);
  database.addHook('afterCreateResource', () => {
    throw new Error('too late');
  });
  await assert.rejects(database.createResource({ name: 'late', attributes }), {
    name: 'DatabaseError',
    message: /afterCreateResource.*too late/
  });
  assert.ok(database.resourceExists('late'));
  assert.deepEqual(Object.keys((await readMetadata(database)).resources), ['users', 'late']);
  await assert.rejects(database._originalCreateResource(), TypeError);
});

test('spec01_2_6 works before connect, and an unknown method of middlewares is refused before metadata is written', async () => {
  const database = makeDatabase({ connectionString: freshStore() });
  const users = await database.createResource({ name: 'users', attributes });
  await users.insert({ id: 'a', name: 'A' });
  assert.equal(database.isConnected(), true);
  await database.connect();
  assert.equal(database.resources.users, users);
  await assert.rejects(database.createResource({ name: 'bad', attributes, middlewares: { nothing: () => {} } }), {
    name: 'ResourceError',
    message: 'No such method for middleware: nothing'
  });
  assert.deepEqual(Object.keys((await readMetadata(database)).resources), ['users']);
});

test('spec01_2_8 startPlugins may be called directly, twice as well; factories and plain functions make plugins', async () => {
  const made = [];
  const object = (label) => ({ install: async () => made.push(`install ${label}`), start: async () => made.push(`start ${label}`) });
  function Factory(database) {
    assert.ok(database instanceof Database);
    return object('factory');
  }
  const database = makeDatabase({ plugins: [Factory, () => object('arrow')] });
  await database.startPlugins();
  await database.startPlugins();
  assert.deepEqual(made, ['install factory', 'install arrow', 'start factory', 'start arrow']);
  await makeDatabase().startPlugins();
  await database.stopPlugins();
  assert.deepEqual(Object.keys(database.plugins), []);
});

test('spec01_2_8 names of the registry and slugs of storage keys are those that buckets have', async () => {
  class CachePlugin extends Plugin {}
  class EventualConsistencyPlugin extends Plugin {}
  class S3QueuePlugin extends Plugin {}
  const database = await connectDatabase({ plugins: [new CachePlugin(), new EventualConsistencyPlugin(), new S3QueuePlugin()] });
  const hot = await database.usePlugin(new CachePlugin(), 'cacheHot');
  assert.deepEqual(Object.keys(database.plugins), ['cache', 'eventualconsistency', 's3queue', 'cacheHot']);
  const { cache, eventualconsistency, s3queue } = database.plugins;
  assert.deepEqual(
    [cache.slug, eventualconsistency.slug, s3queue.slug, hot.slug],
    ['cache', 'eventual-consistency--eventualconsistency', 's3queue', 'cache--cachehot']
  );
  assert.equal(database.plugins, database.pluginRegistry);
  const gone = [];
  database.on('db:plugin:uninstalled', (event) => gone.push(event));
  await database.uninstallPlugin('CachePlugin');
  assert.deepEqual([gone[0].name, gone[0].plugin === cache, database.pluginList.includes(cache)], ['cache', true, false]);
});

test('spec01_2_10 bulk failures and deletions reach listeners of the database with the name of the resource', async () => {
  const database = await connectDatabase();
  const users = await database.createResource({ name: 'users', attributes });
  const events = [];
  database.on('error', (name, error, content) => events.push(['error', name, error.name, content]));
  database.on('deleted', (name, id) => events.push(['deleted', name, id]));
  await users.insertMany([{ id: 'a', name: 'A' }, { id: 'b' }, { id: 'c', name: 'C' }]);
  await users.deleteMany(['a', 'c']);
  await settle();
  assert.deepEqual(events[0], ['error', 'users', 'InvalidResourceItem', { id: 'b' }]);
  assert.deepEqual(events.slice(1).sort(), [
    ['deleted', 'users', 'a'],
    ['deleted', 'users', 'c']
  ]);
});

test('spec01_2_10 events of resources and versions carry the payloads of 13.6', async () => {
  const database = await connectDatabase();
  const events = [];
  for (const event of ['db:resource-created', 'db:resource-updated']) database.on(event, (...args) => events.push([event, ...args]));
  database.on('db:metadata-uploaded', (metadata) => events.push(['uploaded', metadata === database.savedMetadata]));
  const users = await database.createResource({ name: 'users', attributes });
  users.on('versionUpdated', (change) => events.push(['versionUpdated', change]));
  await database.createResource({ name: 'users', attributes });
  await database.createResource({ name: 'users', attributes: { ...attributes, age: 'number' } });
  await settle();
  const rest = events.filter(([name]) => name !== 'versionUpdated');
  assert.deepEqual(rest, [
    ['uploaded', true],
    ['db:resource-created', 'users'],
    ['db:resource-updated', 'users'],
    ['uploaded', true],
    ['db:resource-updated', 'users']
  ]);
  assert.deepEqual(
    events.filter(([name]) => name === 'versionUpdated'),
    [['versionUpdated', { oldVersion: 'v1', newVersion: 'v2' }]]
  );
});

test('spec01_12_5 a resource that another process deleted does not come back when this one writes something else', async () => {
  const first = await connectDatabase({ connectionString: freshStore() });
  await first.createResource({ name: 'gone', attributes });
  await first.createResource({ name: 'kept', attributes });
  const second = await reopen(first);
  await first.deleteResource('gone');
  await second.createResource({ name: 'new', attributes });
  assert.deepEqual(Object.keys((await readMetadata(second)).resources).sort(), ['kept', 'new']);
  // Declared again, it is wanted.
  await second.createResource({ name: 'gone', attributes: { ...attributes, age: 'number' } });
  assert.deepEqual(Object.keys((await readMetadata(second)).resources).sort(), ['gone', 'kept', 'new']);
});
