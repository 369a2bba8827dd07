import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import defaultExport, { Database, MemoryClient, S3db } from '../../js/index.js';
import {
  allKeys,
  connectDatabase,
  freshStore,
  makeDatabase,
  readMetadata,
  readText,
  reopen,
  requestsOf,
  STORES,
  settle
} from './support/databases.js';

const attributes = { name: 'string|required', status: 'string|optional' };

test('identity of the exported classes', () => {
  assert.equal(S3db, Database);
  assert.equal(S3db.name, 'Database');
  assert.notEqual(defaultExport, S3db);
  assert.equal(defaultExport.name, 'S3db');
  assert.ok(new defaultExport({ client: new MemoryClient() }) instanceof Database);
});

test('the constructor keeps the documented properties', () => {
  const client = new MemoryClient({ bucket: 'b', keyPrefix: 'p' });
  const options = { client, verbose: 1, parallelism: '15', passphrase: '', bcryptRounds: 0, plugins: [] };
  const database = new Database(options);
  assert.equal(database.id.length, 7);
  assert.equal(database.version, '1');
  assert.equal(database.options, options);
  assert.equal(database.verbose, 1);
  assert.equal(database.parallelism, 15);
  assert.equal(database.passphrase, 'secret');
  assert.equal(database.bcryptRounds, 10);
  assert.equal(database.pluginList, options.plugins);
  assert.equal(database.plugins, database.pluginRegistry);
  assert.equal(database.savedMetadata, null);
  assert.equal(database.strictValidation, true);
  assert.deepEqual([database.bucket, database.keyPrefix, database.connectionString], ['b', 'p', undefined]);
  assert.deepEqual(Object.keys(database.config), ['version', 's3dbVersion', 'bucket', 'keyPrefix', 'parallelism', 'verbose']);
  assert.equal(makeDatabase({ client, parallelism: 'invalid' }).parallelism, 10);
  for (const method of ['connect', 'createResource', 'uploadMetadataFile', 'disconnect']) {
    const descriptor = Object.getOwnPropertyDescriptor(database, method);
    assert.ok(descriptor.writable && descriptor.enumerable, method);
  }
  assert.deepEqual(database.blankMetadataStructure().resources, {});
  assert.throws(() => new Database(), TypeError);
});

test('connection strings are built from parts, with bucket and prefix known in every case', () => {
  const parts = { bucket: 'my bucket', accessKeyId: 'K/1', secretAccessKey: 'S+2' };
  const plain = new Database(parts);
  assert.equal(plain.connectionString, 's3://K%2F1:S%2B2@my%20bucket?region=us-east-1');
  const endpoint = new Database({ ...parts, bucket: 'b', endpoint: 'http://localhost:9000/lost?x=1', forcePathStyle: true });
  assert.equal(endpoint.connectionString, 'http://K%2F1:S%2B2@localhost:9000/b?x=1&forcePathStyle=true');
  assert.equal(endpoint.bucket, 'b');
  // The default credential chain decides.
  assert.equal(new Database({ bucket: 'only' }).connectionString, 's3://only?region=us-east-1');
  for (const options of [{}, { bucket: 'half', accessKeyId: 'K' }]) {
    assert.throws(() => new Database(options), { name: 'ConnectionStringError', message: 'Invalid connection string: undefined' });
  }
});

test('an unknown option warns once, or is refused under strictOptions', async () => {
  const warnings = [];
  const database = makeDatabase({ client: new MemoryClient(), passphrse: 'x', retries: 1 });
  database.on('db:warning', (warning) => warnings.push(warning));
  await settle();
  assert.deepEqual(
    warnings.map((w) => [w.code, w.details.option]),
    [
      ['UNKNOWN_OPTION', 'passphrse'],
      ['UNKNOWN_OPTION', 'retries']
    ]
  );
  assert.ok(warnings[0].message.includes("'passphrase'"));
  assert.equal(warnings[0].message.includes('"x"'), false);
  assert.throws(() => new Database({ client: new MemoryClient(), strictOptions: true, passphrse: 'x' }), {
    name: 'DatabaseError',
    statusCode: 400
  });
});

for (const kind of STORES) {
  describe(`life cycle on the ${kind} store`, () => {
    test('connect writes blank metadata, emits events in order, and restores resources later', async () => {
      const database = makeDatabase({ connectionString: freshStore(kind) });
      const events = [];
      for (const event of ['db:metadata-uploaded', 'db:resource-definitions-changed', 'db:connected'])
        database.on(event, () => events.push(event));
      assert.equal(database.isConnected(), false);
      assert.equal(await database.connect(), undefined);
      assert.equal(database.isConnected(), true);
      assert.deepEqual(events, ['db:metadata-uploaded', 'db:connected']);
      const resource = await database.createResource({ name: 'users', attributes, timestamps: true });
      await resource.insert({ id: 'a', name: 'A' });
      const second = await reopen(database);
      assert.equal((await second.resources.users.get('a')).name, 'A');
      assert.equal(second.resources.users.database, second);
      assert.equal(second.resources.users.config.timestamps, true);
      assert.deepEqual(
        (await second.listResources()).map(({ name }) => name),
        ['users']
      );
      assert.equal(await second.getResource('users'), second.resource('users'));
    });

    test('spec01_12_14_connect_twice_keeps_instances_and_joins_the_first', async () => {
      const first = await connectDatabase({ connectionString: freshStore(kind) });
      await first.createResource({ name: 'users', attributes });
      let installs = 0;
      const database = makeDatabase({
        ...first.options,
        plugins: [
          {
            install: () => {
              installs += 1;
            }
          }
        ]
      });
      await Promise.all([database.connect(), database.connect()]);
      const { users } = database.resources;
      await database.connect();
      assert.equal(database.resources.users, users);
      assert.equal(installs, 1);
    });

    test('disconnect waits for index work, keeps hooks, drops listeners and resources', async () => {
      const database = await connectDatabase({ connectionString: freshStore(kind) });
      const resource = await database.createResource({ name: 'users', attributes, partitions: ['status'] });
      const seen = [];
      database.on('disconnected', () => seen.push('disconnected'));
      database.on('db:disconnected', () => seen.push('db:disconnected'));
      database.addHook('afterDisconnect', () => {
        seen.push('hook');
      });
      await resource.insertMany(Array.from({ length: 50 }, (_, i) => ({ name: `n${i}`, status: 's' })));
      assert.ok(database._exitListener);
      await database.disconnect();
      assert.deepEqual(seen, ['disconnected', 'db:disconnected', 'hook']);
      assert.deepEqual(database.resources, {});
      assert.deepEqual([database.savedMetadata, database._exitListener, database._exitListenerRegistered], [null, null, false]);
      assert.equal(database.listenerCount('disconnected'), 0);
      assert.equal((await allKeys(database, 'resource=users/partition=byStatus')).length, 50);
      await database.connect();
      assert.equal(await database.resources.users.count({ partition: 'byStatus' }), 50);
      assert.equal(database.getHooks('afterDisconnect').length, 1);
      assert.ok(database._exitListener);
    });

    test('deleteResource removes the definition, and objects only on request', async () => {
      const database = await connectDatabase({ connectionString: freshStore(kind) });
      const resource = await database.createResource({ name: 'users', attributes });
      await database.createResource({ name: 'other', attributes });
      await resource.insert({ id: 'a', name: 'A' });
      await database.deleteResource('users');
      assert.equal(database.resourceExists('users'), false);
      assert.deepEqual(Object.keys((await readMetadata(database)).resources), ['other']);
      assert.equal((await allKeys(database, 'resource=users/')).length, 1);
      const again = await database.createResource({ name: 'users', attributes });
      assert.equal((await again.get('a')).name, 'A');
      await database.deleteResource('users', { purgeData: true });
      assert.equal((await allKeys(database, 'resource=users/')).length, 0);
      await assert.rejects(database.getResource('users'), (error) => {
        assert.equal(error.name, 'ResourceNotFound');
        assert.ok(error.message.startsWith('Resource not found: users/users [bucket:'));
        assert.equal(error.statusCode, 404);
        return true;
      });
    });

    test('spec01_12_03_and_05_two_processes_keep_each_other_s_definitions', async () => {
      const a = await connectDatabase({ connectionString: freshStore(kind) });
      const b = await reopen(a);
      await Promise.all([a.createResource({ name: 'one', attributes }), b.createResource({ name: 'two', attributes })]);
      await a.createResource({ name: 'three', attributes });
      assert.deepEqual(Object.keys((await readMetadata(a)).resources).sort(), ['one', 'three', 'two']);
    });

    test('spec01_12_04_createResource_before_connect_keeps_what_is_stored', async () => {
      const first = await connectDatabase({ connectionString: freshStore(kind) });
      await first.createResource({ name: 'users', attributes });
      const second = makeDatabase(first.options);
      const early = await second.createResource({ name: 'early', attributes });
      assert.equal(second.isConnected(), true);
      assert.deepEqual(Object.keys((await readMetadata(second)).resources).sort(), ['early', 'users']);
      await second.connect();
      assert.equal(second.resources.early, early);
      assert.ok(second.resources.users);
    });
  });
}

test('spec01_12_02_a_read_error_rejects_connect_and_overwrites_nothing', async () => {
  const database = await connectDatabase();
  await database.createResource({ name: 'users', attributes });
  const before = await readText(database, 's3db.json');
  const second = makeDatabase(database.options);
  const failure = Object.assign(new Error('reset'), { name: 'SlowDown', code: 'SlowDown', statusCode: 503 });
  second.client.getObject = async () => {
    throw failure;
  };
  await assert.rejects(second.connect(), (error) => error === failure || error.original === failure);
  assert.equal(second.isConnected(), false);
  assert.equal(await readText(database, 's3db.json'), before);
  delete second.client.getObject;
  await second.connect();
  assert.ok(second.resources.users);
});

test('spec01_12_06_damaged_metadata_is_backed_up_and_healed', async () => {
  const database = await connectDatabase();
  await database.createResource({ name: 'users', attributes });
  const metadata = await readMetadata(database);
  metadata.resources.broken = { currentVersion: 'v1', versions: {} };
  metadata.unknown = { kept: true };
  await database.client.putObject({ key: 's3db.json', body: JSON.stringify(metadata), contentType: 'application/json' });
  const second = makeDatabase(database.options);
  const healed = [];
  second.on('db:metadata-healed', (payload) => healed.push(payload));
  await second.connect();
  assert.equal(healed.length, 1);
  assert.ok(healed[0].healingLog.includes('Removed invalid resource: broken'));
  assert.ok(healed[0].backupKey.startsWith('s3db.json.corrupted.'));
  assert.ok((await readText(second, healed[0].backupKey)).includes('broken'));
  assert.deepEqual((await readMetadata(second)).unknown, { kept: true });
});

test('spec01_12_16_definitions_changed_is_emitted_only_for_real_differences', async () => {
  const database = await connectDatabase();
  await database.createResource({ name: 'users', attributes });
  const second = makeDatabase(database.options);
  const changes = [];
  second.on('db:resource-definitions-changed', (payload) => changes.push(payload));
  await second.connect();
  assert.deepEqual(changes, []);
  assert.deepEqual(second.detectDefinitionChanges(second.savedMetadata), []);
  assert.deepEqual(
    second.detectDefinitionChanges({ resources: {} }).map((c) => c.type),
    ['new']
  );
  const gone = second.detectDefinitionChanges({ resources: { x: { currentVersion: 'v1', versions: { v1: { hash: 'h' } } } } });
  assert.deepEqual(gone[1], { type: 'deleted', resourceName: 'x', currentHash: null, savedHash: 'h', deletedVersion: 'v1' });
});

test('spec01_12_17_hooks_without_persistHooks_leave_metadata_that_needs_no_healing', async () => {
  const database = await connectDatabase();
  await database.createResource({ name: 'users', attributes, hooks: { beforeInsert: [(data) => data] } });
  assert.deepEqual((await readMetadata(database)).resources.users.versions.v1.hooks, {});
  const second = makeDatabase(database.options);
  second.on('db:metadata-healed', () => assert.fail('healed'));
  await second.connect();
  assert.equal(second.resources.users.hooks.beforeInsert.length, 0);
});

test('spec01_12_24_stored_hooks_are_signed; altered and unsigned source is refused', async () => {
  const options = { connectionString: freshStore(), persistHooks: true, passphrase: 'pp' };
  const database = await connectDatabase(options);
  await database.createResource({
    name: 'users',
    attributes,
    hooks: {
      beforeInsert: [
        function stamp(data) {
          return { ...data, status: 'hooked' };
        }
      ]
    }
  });
  const second = await connectDatabase(options);
  assert.equal((await second.resources.users.insert({ name: 'A' })).status, 'hooked');

  const metadata = await readMetadata(database);
  const [entry] = metadata.resources.users.versions.v1.hooks.beforeInsert;
  assert.equal(entry.__s3db_serialized_function, true);
  assert.match(entry.signature, /^hmac-sha256:[0-9a-f]{64}$/);
  entry.code = entry.code.replace('hooked', 'evil');
  await database.client.putObject({ key: 's3db.json', body: JSON.stringify(metadata), contentType: 'application/json' });
  const third = makeDatabase(options);
  const warnings = [];
  third.on('db:warning', ({ code }) => warnings.push(code));
  await third.connect();
  assert.deepEqual(warnings, ['HOOK_SOURCE_REFUSED']);
  assert.equal((await third.resources.users.insert({ name: 'A' })).status, undefined);
  const trusting = await connectDatabase({ ...options, trustUnsignedHooks: true });
  assert.equal((await trusting.resources.users.insert({ name: 'A' })).status, 'evil');
});

test('spec01_12_25_the_default_passphrase_warns_once', async () => {
  const database = await connectDatabase();
  const warnings = [];
  database.on('db:warning', ({ code, resource }) => warnings.push([code, resource]));
  const resource = await database.createResource({ name: 'users', attributes: { name: 'string', token: 'secret|optional' } });
  await resource.insert({ name: 'A', token: 't' });
  await resource.insert({ name: 'B', token: 't' });
  assert.deepEqual(warnings, [['DEFAULT_PASSPHRASE', 'users']]);
  const own = await connectDatabase({ passphrase: 'own' });
  own.on('db:warning', () => assert.fail('warned'));
  const quiet = await own.createResource({ name: 'users', attributes: { token: 'secret' } });
  await quiet.insert({ token: 't' });
});

test('spec01_12_38_one_process_listener_serves_all_databases', () => {
  const before = process.listenerCount('exit');
  const databases = Array.from({ length: 15 }, () => makeDatabase({ client: new MemoryClient() }));
  assert.ok(process.listenerCount('exit') <= before + 1);
  assert.equal(new Set(databases.map((d) => d._exitListener)).size, 15);
});

test('spec01_12_39_connect_needs_one_read', async () => {
  const database = await connectDatabase();
  await database.createResource({ name: 'users', attributes });
  const second = makeDatabase(database.options);
  assert.deepEqual(await requestsOf(second, () => second.connect()), { GetObject: 1 });
});

test('spec01_12_40_uploads_of_one_tick_share_a_write', async () => {
  const database = await connectDatabase();
  let uploads = 0;
  database.on('db:metadata-uploaded', () => {
    uploads += 1;
  });
  await Promise.all(Array.from({ length: 20 }, (_, i) => database.createResource({ name: `r${i}`, attributes })));
  assert.ok(uploads <= 3, `${uploads} uploads`);
  assert.equal(Object.keys((await readMetadata(database)).resources).length, 20);
});

test('spec01_12_41_orphaned_partitions_do_not_prevent_the_documented_repair', async () => {
  const database = await connectDatabase({ strictValidation: false });
  await database.createResource({ name: 'users', attributes, partitions: { byGone: { fields: { gone: 'string' } } } });
  const second = makeDatabase({ ...database.options, strictValidation: true });
  const warnings = [];
  second.on('db:warning', ({ code, resource }) => warnings.push([code, resource]));
  await second.connect();
  assert.deepEqual(warnings, [['ORPHANED_PARTITIONS', 'users']]);
  const { users } = second.resources;
  users.removeOrphanedPartitions();
  await second.uploadMetadataFile();
  const third = await reopen(second, { strictValidation: true });
  assert.deepEqual(third.resources.users.config.partitions, {});
  await assert.rejects(third.createResource({ name: 'x', attributes, partitions: { p: { fields: { gone: 'string' } } } }), {
    name: 'PartitionError',
    message: "Partition 'p' uses field 'gone' which does not exist in resource attributes. Available fields: name, status."
  });
});

test('spec01_12_42_resourceExistsWithSameHash_knows_automatic_attributes', async () => {
  const database = await connectDatabase();
  assert.deepEqual(database.resourceExistsWithSameHash({ name: 'users', attributes }), { exists: false, sameHash: false, hash: null });
  await database.createResource({ name: 'users', attributes, timestamps: true, partitions: ['status'] });
  const same = database.resourceExistsWithSameHash({ name: 'users', attributes, partitions: ['status'] });
  assert.deepEqual([same.exists, same.sameHash, same.hash], [true, true, same.existingHash]);
  assert.equal(database.resourceExistsWithSameHash({ name: 'users', attributes: { name: 'string' } }).sameHash, false);
});

test('database hooks run in order with one object, and errors are contained', async () => {
  const database = makeDatabase();
  const seen = [];
  for (const event of [...database._hookEvents]) {
    database.addHook(event, async (context) => {
      assert.equal(context.database, database);
      seen.push(`${event}:${Object.keys(context).sort()}`);
    });
  }
  await database.connect();
  await database.createResource({ name: 'users', attributes });
  await database.createResource({ name: 'users', attributes });
  await database.disconnect();
  assert.deepEqual(seen, [
    'beforeConnect:args,database',
    'afterConnect:args,database,result',
    'beforeCreateResource:config,database',
    'beforeUploadMetadata:args,database',
    'afterUploadMetadata:args,database,result',
    'afterCreateResource:config,database,resource',
    'resourceCreated:config,database,resource',
    'beforeCreateResource:config,database',
    'afterCreateResource:config,database,resource',
    'resourceUpdated:config,database,resource',
    'beforeDisconnect:args,database',
    'afterDisconnect:args,database,result'
  ]);
  assert.throws(() => database.addHook('nope', () => {}), {
    name: 'DatabaseError',
    message: 'Unknown hook event: nope',
    invalidEvent: 'nope'
  });
  assert.throws(() => database.addHook('beforeConnect', 5), { message: 'Hook function must be a function', receivedType: 'number' });
  database.clearHooks('beforeConnect');
  assert.deepEqual(database.getHooks('beforeConnect'), []);
  database.clearHooks('nope');
});

test('a failing hook is reported, or rejects under strictHooks', async () => {
  const boom = new Error('boom');
  const lenient = makeDatabase();
  const errors = [];
  lenient.on('hookError', ({ event, error }) => errors.push([event, error]));
  lenient.addHook('beforeConnect', () => {
    throw boom;
  });
  await lenient.connect();
  assert.deepEqual(errors, [['beforeConnect', boom]]);
  const strict = makeDatabase({ strictHooks: true });
  strict.addHook('beforeConnect', () => {
    throw boom;
  });
  await assert.rejects(strict.connect(), (error) => {
    assert.equal(error.message, "Hook execution failed for event 'beforeConnect': boom");
    assert.equal(error.originalError, boom);
    return true;
  });
});

test('record hooks on the database apply to present and future resources', async () => {
  const database = await connectDatabase();
  const first = await database.createResource({ name: 'first', attributes });
  const seen = [];
  const hook = (data, { resource, database: db, event }) => {
    seen.push([resource.name, db === database, event]);
    return { ...data, status: 'set' };
  };
  database.addHook('beforeInsert', hook);
  const second = await database.createResource({ name: 'second', attributes });
  assert.equal((await first.insert({ name: 'A' })).status, 'set');
  assert.equal((await second.insert({ name: 'B' })).status, 'set');
  assert.deepEqual(seen, [
    ['first', true, 'beforeInsert'],
    ['second', true, 'beforeInsert']
  ]);
  assert.deepEqual(database.getHooks('beforeInsert'), [hook]);
  database.removeHook('beforeInsert', hook);
  assert.equal((await first.insert({ name: 'C' })).status, undefined);
});

test('methods reassigned on the instance are honoured by internal calls', async () => {
  const database = await connectDatabase();
  let uploads = 0;
  const original = database.uploadMetadataFile;
  database.uploadMetadataFile = async (...args) => {
    uploads += 1;
    return original(...args);
  };
  await database.createResource({ name: 'users', attributes });
  assert.equal(uploads, 1);
});

test('a failed upload leaves memory as it was', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({ name: 'users', attributes });
  const saved = database.savedMetadata;
  const failure = Object.assign(new Error('denied'), { name: 'AccessDenied', code: 'AccessDenied', statusCode: 403 });
  database.client.putObject = async () => {
    throw failure;
  };
  // spec01_12_09: definition and version are assigned only after the write.
  const changed = { name: 'users', attributes: { ...attributes, x: 'string|optional' }, behavior: 'body-only', partitions: ['x'] };
  await assert.rejects(database.createResource(changed));
  assert.equal(resource.version, 'v1');
  assert.deepEqual(resource.attributes, attributes);
  assert.deepEqual([resource.behavior, resource.config.partitions], ['user-managed', {}]);
  assert.equal(database.savedMetadata, saved);
  delete database.client.putObject;
  await database.uploadMetadataFile();
  assert.equal(resource.version, 'v1');
  await database.createResource(changed);
  assert.deepEqual([resource.version, resource.behavior, Object.keys(resource.config.partitions)], ['v2', 'body-only', ['byX']]);
});
