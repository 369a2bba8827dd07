/** Defects of 13.6 in the database that must not come back (spec/01 section 12). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Plugin } from '../../js/plugin/plugin.js';
import { connectDatabase, freshStore, makeDatabase, readMetadata, readText, reopen } from './support/databases.js';

test('spec01_12_07_a_lossy_recovery_is_backed_up_first_and_announced', async () => {
  const db = await connectDatabase();
  for (const name of ['first', 'second', 'third']) await db.createResource({ name, attributes: { a: 'string' } });
  const whole = await readText(db, 's3db.json');
  const cut = whole.slice(0, whole.lastIndexOf('}', whole.lastIndexOf('"third"')) + 1);
  await db.client.putObject({ key: 's3db.json', body: cut, contentType: 'application/json' });
  const again = makeDatabase(db.options);
  const healed = [];
  const warnings = [];
  again.on('db:metadata-healed', (event) => healed.push(event));
  again.on('db:warning', ({ code }) => warnings.push(code));
  await again.connect();
  assert.equal(healed.length, 1);
  assert.equal(await readText(again, healed[0].backupKey), cut, 'the text as it was');
  assert.deepEqual(Object.keys((await readMetadata(again)).resources), Object.keys(again.resources));
  assert.ok(Object.keys(again.resources).includes('first'));
  assert.deepEqual(warnings, ['METADATA_LOSSY_RECOVERY']);
});

test('spec01_12_15_plugins_are_kept_by_disconnect_and_installed_again_by_a_reconnect', async () => {
  const calls = [];
  class TracePlugin extends Plugin {
    async onInstall() {
      calls.push('install');
    }
    async onStart() {
      calls.push('start');
    }
    async onStop() {
      calls.push('stop');
    }
  }
  const plugin = new TracePlugin();
  const db = makeDatabase({ plugins: [plugin] });
  await db.connect();
  assert.equal(db.plugins, db.pluginRegistry);
  await db.disconnect();
  assert.deepEqual(db.pluginList, [plugin]);
  assert.equal(db.plugins, db.pluginRegistry, 'they stay one object');
  await db.connect();
  assert.equal(db.getPlugin('trace'), plugin);
  assert.deepEqual(calls, ['install', 'start', 'stop', 'install', 'start']);
});

test('spec01_12_16_a_definition_that_another_process_changed_is_announced_on_connect', async () => {
  const first = await connectDatabase();
  await first.createResource({ name: 'users', attributes: { a: 'string' } });
  const other = await reopen(first);
  const late = makeDatabase(first.options);
  const changes = [];
  late.on('db:resource-definitions-changed', (event) => changes.push(...event.changes));
  // In memory before connect, as every module of an application may do it; the file moves on meanwhile.
  const users = await late.createResource({ name: 'users', attributes: { a: 'string' } });
  await other.createResource({ name: 'users', attributes: { a: 'string', b: 'string|optional' } });
  late._loaded = null;
  await late.connect();
  assert.equal(late.resources.users, users);
  const saved = (await readMetadata(first)).resources.users;
  assert.deepEqual(changes, [
    {
      type: 'changed',
      resourceName: 'users',
      currentHash: saved.versions.v1.hash,
      savedHash: saved.versions.v2.hash,
      fromVersion: 'v2',
      toVersion: 'v3'
    }
  ]);
});

test('spec01_12_12_a_second_start_applies_costs_sizes_maps_and_modes', async () => {
  const first = await connectDatabase({ bcryptRounds: 6 });
  const config = {
    name: 'users',
    attributes: { name: 'string', gone: 'string|optional' },
    bcryptRounds: 4,
    map: { name: 'nm', gone: 'gn' },
    asyncEvents: false,
    idSize: 9,
    parallelism: 3,
    versioningEnabled: true,
    strictValidation: false,
    partitions: { byNothing: { fields: { nothing: 'string' } } }
  };
  await first.createResource(config);
  const second = await reopen(first);
  const users = await second.createResource(config);
  const { bcryptRounds, map, idSize, parallelism, versioningEnabled, strictValidation } = users;
  assert.deepEqual(
    { bcryptRounds, map, idSize, parallelism, versioningEnabled, strictValidation },
    {
      bcryptRounds: 4,
      map: { name: 'nm', gone: 'gn' },
      idSize: 9,
      parallelism: 3,
      versioningEnabled: true,
      strictValidation: false
    }
  );
  let heard = 0;
  users.on('inserted', () => {
    heard += 1;
  });
  const { id } = await users.insert({ name: 'A' });
  assert.equal(heard, 1, 'events are synchronous');
  assert.equal(id.length, 9);
  assert.equal((await second.client.headObject(users.getResourceKey(id))).Metadata.nm, 'A');
  assert.equal(users.version, 'v1');
});

test('spec01_12_22_plugins_installed_before_the_one_that_fails_are_stopped', async () => {
  const log = [];
  const plugin = (label, extra) => ({
    install: async () => log.push(`install ${label}`),
    start: async () => log.push(`start ${label}`),
    stop: async () => log.push(`stop ${label}`),
    ...extra
  });
  const failing = plugin('failing', {
    async install() {
      throw new Error('boom');
    }
  });
  const database = makeDatabase({ plugins: [plugin('one'), plugin('two'), failing, plugin('three')] });
  await assert.rejects(database.connect(), { message: "Failed to install plugin 'object': boom" });
  assert.deepEqual(log, ['install one', 'install two', 'stop two', 'stop one']);
  assert.deepEqual([Object.keys(database.plugins), database.isConnected()], [[], false]);
});

test('spec01_12_24_hooks_without_a_signature_or_in_another_place_are_refused', async () => {
  const options = { connectionString: freshStore(), persistHooks: true, passphrase: 'pp' };
  const database = await connectDatabase(options);
  const hooks = {
    beforeInsert: [
      function stamp(data) {
        return { ...data, status: 'hooked' };
      }
    ]
  };
  const attributes = { name: 'string|required', status: 'string|optional' };
  await database.createResource({ name: 'users', attributes, hooks });
  await database.createResource({ name: 'others', attributes });
  const written = await readMetadata(database);
  const variants = {
    'as s3db.js writes it': (metadata) => {
      delete metadata.resources.users.versions.v1.hooks.beforeInsert[0].signature;
    },
    'under another event': ({ resources: { users } }) => {
      users.versions.v1.hooks = { beforeUpdate: users.versions.v1.hooks.beforeInsert };
    },
    'in another resource': ({ resources: { users, others } }) => {
      others.versions.v1.hooks = users.versions.v1.hooks;
      users.versions.v1.hooks = {};
    }
  };
  for (const [what, change] of Object.entries(variants)) {
    const metadata = structuredClone(written);
    change(metadata);
    await database.client.putObject({ key: 's3db.json', body: JSON.stringify(metadata), contentType: 'application/json' });
    const again = makeDatabase(options);
    const codes = [];
    again.on('db:warning', ({ code }) => codes.push(code));
    await again.connect();
    assert.deepEqual(codes, ['HOOK_SOURCE_REFUSED'], what);
    for (const name of ['users', 'others']) {
      const { id, status } = await again.resources[name].insert({ name: 'A' });
      assert.equal(status, undefined, what);
      assert.equal((await again.resources[name].update(id, { name: 'B' })).status, undefined, what);
    }
  }
});

test('spec03_25_38_what_a_resource_retains_does_not_grow_with_their_number', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const heap = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const database = await connectDatabase();
  const create = (from, to) =>
    Promise.all(
      Array.from({ length: to - from }, (_, index) =>
        database.createResource({
          name: `r${from + index}`,
          attributes: { name: 'string|required', status: 'string|optional', n: 'number|optional' },
          partitions: ['status'],
          timestamps: true
        })
      )
    );
  await create(0, 50);
  const before = heap();
  await create(50, 250);
  const middle = heap();
  await create(250, 450);
  const [early, late] = [(middle - before) / 200, (heap() - middle) / 200];
  // Thirteen resources of s3db.js retained 145 MB.
  assert.ok(early < 200_000, `${early} bytes for each of the first`);
  assert.ok(late < 2 * early + 20_000, `${early} bytes for each of the first, ${late} for each of the last`);
  assert.equal(Object.keys(database.resources).length, 450);
});
