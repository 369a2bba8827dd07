import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectDatabase, makeDatabase, readMetadata, readObject, reopen, settle } from './support/databases.js';

const attributes = { name: 'string|required', status: 'string|optional' };

test('createResource stores the definition as spec/01 3.1 shows it', async () => {
  const database = await connectDatabase();
  const created = [];
  database.on('db:resource-created', (name) => created.push(name));
  const resource = await database.createResource({ name: 'users', attributes, timestamps: true, partitions: ['status'] });
  assert.deepEqual(created, ['users']);
  assert.equal(resource.database, database);
  assert.equal(resource.version, 'v1');
  assert.equal(database.resources.users, resource);
  const metadata = await readMetadata(database);
  assert.deepEqual(Object.keys(metadata).slice(0, 4), ['version', 's3dbVersion', 'lastUpdated', 'resources']);
  assert.equal(metadata.revision.length, 22);
  const entry = metadata.resources.users;
  const partitions = {
    byStatus: { fields: { status: 'string' } },
    byCreatedDate: { fields: { createdAt: 'date|maxlength:10' } },
    byUpdatedDate: { fields: { updatedAt: 'date|maxlength:10' } }
  };
  assert.equal(entry.currentVersion, 'v1');
  assert.deepEqual(entry.partitions, partitions);
  assert.equal(entry.createdBy, 'user');
  const { hash, createdAt, bcryptRounds, ...rest } = entry.versions.v1;
  assert.match(hash, /^sha256:[0-9a-f]{64}$/);
  assert.ok(createdAt);
  assert.equal(bcryptRounds, 10);
  assert.deepEqual(rest, {
    attributes: { ...attributes, createdAt: 'string|optional', updatedAt: 'string|optional' },
    behavior: 'user-managed',
    timestamps: true,
    partitions,
    paranoid: true,
    allNestedObjectsOptional: true,
    autoDecrypt: true,
    cache: false,
    asyncEvents: true,
    hooks: {},
    idSize: 22,
    idGenerator: 22
  });
});

test('definition hashes match the observed vectors', () => {
  const database = makeDatabase();
  const hash = (definition, behavior) => database.generateDefinitionHash(definition, behavior).replace('sha256:', '');
  assert.equal(hash({ attributes: {} }), '7b72062a1a462ea2fc84e6b19d3074dcfd47313e5aa6c8f5c94c5f5ee7696f3b');
  assert.equal(hash({ attributes: { name: 'string|required' } }), '897a7c5ed1b5b5039d6d06161a3a42323acad50e17043d9aa9f9df42621febba');
  assert.equal(
    hash({
      attributes: { b: 'number', a: 'string|required' },
      behavior: 'body-overflow',
      partitions: { byB: { fields: { b: 'number' } } }
    }),
    'a6a0e1d5ae904b37b987453ae95ff25e425b5d3ac7ac824c38349a525c93cc03'
  );
  const dates = {
    byCreatedDate: { fields: { createdAt: 'date|maxlength:10' } },
    byUpdatedDate: { fields: { updatedAt: 'date|maxlength:10' } }
  };
  assert.equal(
    hash({ attributes: { a: 'string', createdAt: 'string|optional', updatedAt: 'string|optional' }, timestamps: true, partitions: dates }),
    '9350664f0cd7bd6028e6c56653cc1d70dd9fb5097da044104d3c028a81917235'
  );
  assert.equal(
    hash({ attributes: { p: { z: 'string', a: { type: 'number', min: 1, optional: undefined, custom() {} } }, é: 'string' } }),
    'ea10f8781674b8f248b8b2b587f34b4eea7970dab6b1d32304717b01169cd80f'
  );
});

test('getNextVersion counts the versions that look like one', () => {
  const database = makeDatabase();
  const next = (...names) => database.getNextVersion(Object.fromEntries(names.map((name) => [name, {}])));
  assert.deepEqual([next(), next('v0'), next('v0', 'v5'), next('v0', 'v1beta'), next('v10', 'v9')], ['v1', 'v1', 'v6', 'v2', 'v11']);
  assert.throws(() => database.getNextVersion(null), TypeError);
});

test('a changed definition gets a new version, the same one does not', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({ name: 'users', attributes });
  const versions = [];
  resource.on('versionUpdated', (payload) => versions.push(payload));
  const uploads = [];
  database.on('db:metadata-uploaded', () => uploads.push(1));
  assert.equal(await database.createResource({ name: 'users', attributes }), resource);
  assert.deepEqual([resource.version, uploads.length], ['v1', 0]);
  await database.createResource({ name: 'users', attributes: { ...attributes, age: 'number|optional' } });
  await settle();
  assert.equal(resource.version, 'v2');
  assert.deepEqual(versions, [{ oldVersion: 'v1', newVersion: 'v2' }]);
  const { versions: stored, currentVersion } = (await readMetadata(database)).resources.users;
  assert.deepEqual([Object.keys(stored), currentVersion], [['v1', 'v2'], 'v2']);
});

test('partition shorthand errors are typed', async () => {
  const database = await connectDatabase();
  await assert.rejects(database.createResource({ name: 'a', attributes, partitions: [5] }), {
    name: 'SchemaError',
    message: 'Invalid partition field type'
  });
  await assert.rejects(database.createResource({ name: 'a', attributes, partitions: ['nope'] }), {
    name: 'SchemaError',
    message: "Partition field 'nope' not found in attributes"
  });
  assert.deepEqual(database._normalizePartitions(['status', '_x', 'n'], { status: 'string|optional', _x: { type: 'number' }, n: {} }), {
    byStatus: { fields: { status: 'string' } },
    by_x: { fields: { _x: 'number' } },
    byN: { fields: { n: 'string' } }
  });
  assert.deepEqual(database._normalizePartitions(null), {});
  await assert.rejects(database.createResource(), TypeError);
  await assert.rejects(database.createResource({}), (error) => error.message.includes("Resource 'name' is required"));
});

test('concurrent createResource calls of one name return one instance', async () => {
  const database = await connectDatabase();
  const [a, b] = await Promise.all([
    database.createResource({ name: 'users', attributes }),
    database.createResource({ name: 'users', attributes })
  ]);
  assert.equal(a, b);
});

test('middlewares of a configuration: array, object, * and unknown methods', async () => {
  const database = await connectDatabase();
  const seen = [];
  const log = async (ctx, next) => {
    seen.push(ctx.method);
    return next();
  };
  const all = await database.createResource({ name: 'all', attributes, middlewares: [log] });
  await all.insert({ name: 'A' });
  const some = await database.createResource({ name: 'some', attributes, middlewares: { count: log, '*': [log] } });
  await some.count();
  assert.deepEqual(seen, ['insert', 'count', 'count']);
  await assert.rejects(database.createResource({ name: 'bad', attributes, middlewares: { nope: log } }), {
    message: 'No such method for middleware: nope'
  });
});

test('spec01_12_12_and_13_a_second_start_applies_everything_and_duplicates_nothing', async () => {
  const config = (seen) => ({
    name: 'users',
    attributes: { name: 'string', token: 'secret|optional' },
    passphrase: 'own passphrase',
    idGenerator: () => 'custom-id',
    guard: { get: ['admin'] },
    hooks: {
      beforeInsert: [
        (data) => {
          seen.push('hook');
          return data;
        }
      ]
    },
    events: {
      inserted: () => {
        seen.push('event');
      }
    },
    middlewares: {
      insert: async (_ctx, next) => {
        seen.push('middleware');
        return next();
      }
    }
  });
  const database = await connectDatabase();
  await database.createResource(config([]));
  await database.resources.users.insert({ id: 'a', name: 'A', token: 'T' });
  const second = await reopen(database);
  const seen = [];
  const resource = second.resources.users;
  assert.equal(await second.createResource(config(seen)), resource);
  await second.createResource(config(seen));
  assert.deepEqual(resource.guard, { get: ['admin'] });
  assert.equal((await resource.get('a')).token, 'T');
  assert.equal((await resource.insert({ name: 'B' })).id, 'custom-id');
  await settle();
  assert.deepEqual(seen, ['middleware', 'hook', 'event']);
});

test('hooks of other origins stay when a definition is repeated', async () => {
  const database = await connectDatabase();
  const seen = [];
  const first = (data) => {
    seen.push('first');
    return data;
  };
  const second = (data) => {
    seen.push('second');
    return data;
  };
  const resource = await database.createResource({ name: 'users', attributes, hooks: { beforeInsert: [first] } });
  resource.addHook('beforeInsert', first);
  await database.createResource({ name: 'users', attributes, hooks: { beforeInsert: [second] } });
  await database.createResource({ name: 'users', attributes, hooks: { beforeInsert: [first] } });
  await resource.insert({ name: 'A' });
  assert.deepEqual(seen, ['first', 'first', 'second']);
});

test('spec01_12_08_a_redeclaration_without_partitions_resets_them_and_deletes_nothing', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({
    name: 'users',
    attributes,
    partitions: ['status'],
    behavior: 'body-only',
    asyncPartitions: false
  });
  await resource.insert({ id: 'a', name: 'A', status: 'x' });
  await database.createResource({ name: 'users', attributes });
  assert.deepEqual(resource.config.partitions, {});
  assert.equal(resource.behavior, 'user-managed');
  assert.equal(resource.version, 'v2');
  await readObject(database, 'resource=users/partition=byStatus/status=x/id=a');
});

test('spec01_12_10_options_of_a_version_are_persisted_and_restored', async () => {
  const database = await connectDatabase();
  await database.createResource({
    name: 'users',
    attributes,
    asyncPartitions: false,
    strictPartitions: true,
    createdBy: 'MyPlugin',
    map: { name: 'nm', status: 'st' },
    paranoid: false,
    asyncEvents: false,
    idSize: 9
  });
  const { users } = (await reopen(database)).resources;
  const { asyncPartitions, strictPartitions, createdBy, paranoid, asyncEvents } = users.config;
  assert.deepEqual(
    { asyncPartitions, strictPartitions, createdBy, paranoid, asyncEvents, idSize: users.idSize, map: users.map },
    {
      asyncPartitions: false,
      strictPartitions: true,
      createdBy: 'MyPlugin',
      paranoid: false,
      asyncEvents: false,
      idSize: 9,
      map: { name: 'nm', status: 'st' }
    }
  );
  assert.ok(users.database);
});

test('spec01_12_23_guard_and_other_resource_options_are_forwarded', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({
    name: 'users',
    attributes,
    guard: ['admin'],
    strictPartitions: true,
    parallelism: 3,
    versioningEnabled: true,
    description: 'people',
    api: { enabled: true }
  });
  assert.deepEqual(resource.guard, { '*': ['admin'] });
  assert.equal(resource.config.strictPartitions, true);
  assert.equal(resource.parallelism, 3);
  assert.equal(resource.versioningEnabled, true);
  assert.ok(resource.config.partitions.byVersion);
  assert.equal(resource.$schema.description, 'people');
  assert.deepEqual(resource.$schema.api, { enabled: true });
});

test('spec01_12_28_names_are_own_properties_and_unsafe_ones_are_refused', async () => {
  const database = await connectDatabase();
  assert.equal(database.resourceExists('toString'), false);
  assert.equal(database.resources.constructor, undefined);
  assert.equal('toString' in database.resources, false);
  const resource = await database.createResource({ name: 'toString', attributes });
  await resource.insert({ id: 'a', name: 'A' });
  assert.equal(database.resources.toString, resource);
  for (const name of ['a/../b', '..', '/a', 'a//b', 'a/']) {
    await assert.rejects(database.createResource({ name, attributes }), { name: 'ResourceError' }, name);
  }
  assert.equal((await database.createResource({ name: 'a/b', attributes })).name, 'a/b');
});

test('spec03_25_07_attribute_order_of_a_stored_version_decides_its_keys', async () => {
  const database = await connectDatabase();
  const first = await database.createResource({ name: 'users', attributes: { a: 'string|optional', b: 'string|optional' } });
  await first.insert({ id: '1', a: 'AA', b: 'BB' });
  const second = await reopen(database);
  const reordered = await second.createResource({ name: 'users', attributes: { b: 'string|optional', a: 'string|optional' } });
  assert.equal(reordered.version, 'v1');
  assert.deepEqual(Object.keys(reordered.attributes), ['a', 'b']);
  const widened = await second.createResource({
    name: 'users',
    attributes: { z: 'string|optional', b: 'string|optional', a: 'string|optional' }
  });
  assert.equal(widened.version, 'v2');
  const { a, b, _v, _originalVersion, _versionMapped } = await widened.get('1');
  assert.deepEqual(
    { a, b, _v, _originalVersion, _versionMapped },
    { a: 'AA', b: 'BB', _v: 'v2', _originalVersion: '1', _versionMapped: true }
  );
  await widened.update('1', { z: 'ZZ' });
  const now = await widened.get('1');
  assert.deepEqual([now.a, now.b, now.z, '_versionMapped' in now], ['AA', 'BB', 'ZZ', false]);
  const third = await reopen(database);
  assert.equal((await third.resources.users.get('1')).z, 'ZZ');
});

test('plugin attributes survive re-declaration and restart without a new version', async () => {
  const database = await connectDatabase();
  const events = [];
  database.on('plugin-attribute-added', (payload) => events.push(payload));
  const resource = await database.createResource({ name: 'users', attributes });
  assert.throws(() => resource.addPluginAttribute('_x', 'string|optional'), {
    message: 'Plugin name is required when adding plugin attributes'
  });
  assert.throws(() => resource.addPluginAttribute('name', 'string', 'MyPlugin'), {
    message: "Attribute 'name' already exists and is not from plugin 'MyPlugin'"
  });
  assert.throws(() => resource.addPluginAttribute('_x', null, 'MyPlugin'), { name: 'ResourceError' });
  resource.addPluginAttribute('_myField', 'string|optional', 'MyPlugin');
  resource.addPluginAttribute('_index_status', { type: 'boolean', optional: true }, 'IndexingPlugin');
  resource.addPluginAttribute('_myField', 'string|optional', 'MyPlugin');
  assert.deepEqual(
    events.map((e) => [e.resource, e.attribute, e.plugin]),
    [
      ['users', '_myField', 'MyPlugin'],
      ['users', '_index_status', 'IndexingPlugin']
    ]
  );
  assert.equal(resource.schema.pluginMap._myField, 'p4eg');
  assert.equal(resource.schema.pluginMap._index_status, 'p4et');
  assert.deepEqual(resource.schema.map, { name: '0', status: '1' });
  await database.uploadMetadataFile();
  assert.equal(resource.version, 'v2');
  await resource.insert({ id: 'a', name: 'A', status: 's', _myField: 'mine', _index_status: true });
  await database.createResource({ name: 'users', attributes });
  assert.equal(resource.version, 'v2');
  assert.ok(resource.attributes._myField);

  const second = await reopen(database);
  const restored = second.resources.users;
  assert.deepEqual(restored.schema.map, { name: '0', status: '1' });
  restored.addPluginAttribute('_myField', 'string|optional', 'MyPlugin');
  restored.addPluginAttribute('_index_status', { type: 'boolean', optional: true }, 'IndexingPlugin');
  await second.createResource({ name: 'users', attributes });
  await second.uploadMetadataFile();
  assert.equal(restored.version, 'v2');
  const record = await restored.get('a');
  assert.deepEqual([record.name, record._myField, record._index_status], ['A', 'mine', true]);
  assert.throws(() => restored.removePluginAttribute('_myField', 'Other'), {
    message: "Attribute '_myField' belongs to plugin 'MyPlugin', not 'Other'"
  });
  assert.equal(restored.removePluginAttribute('name'), false);
  assert.equal(restored.removePluginAttribute('_myField'), true);
  assert.equal('_myField' in restored.attributes, false);
});

test('rewriting a record of an older version keeps its stored form as a historical copy', async () => {
  const database = await connectDatabase({ versioningEnabled: true });
  const resource = await database.createResource({ name: 'users', attributes: { a: 'string|optional', b: 'string|optional' } });
  await resource.insert({ id: '1', a: 'AA', b: 'BB' });
  const stored = await readObject(database, 'resource=users/data/id=1');
  await database.createResource({ name: 'users', attributes: { c: 'string|optional', b: 'string|optional', a: 'string|optional' } });
  await resource.update('1', { c: 'CC' });
  const copy = await readObject(database, 'resource=users/historical/id=1');
  const { _historicalTimestamp, _historicaltimestamp, ...metadata } = copy.metadata;
  assert.ok(_historicalTimestamp ?? _historicaltimestamp);
  assert.deepEqual(metadata, stored.metadata);
  assert.equal(metadata._v, 'v1');
  await resource.createHistoricalVersion('1', await resource.get('1'));
  assert.equal((await readObject(database, 'resource=users/historical/id=1')).metadata._v, 'v2');
});
