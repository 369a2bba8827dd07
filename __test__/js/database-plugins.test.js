import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectDatabase, makeDatabase, readMetadata, reopen } from './support/databases.js';

const attributes = { name: 'string|required' };

function makePlugin(log, label, extra = {}) {
  return {
    async install(database) {
      this.database = database;
      log.push(`install ${label}`);
    },
    async start() {
      log.push(`start ${label}`);
    },
    async stop() {
      log.push(`stop ${label}`);
    },
    ...extra
  };
}

class CachePlugin {
  constructor(options) {
    this.given = options;
    this.calls = [];
  }

  setInstanceName(name) {
    this.instanceName = name;
  }

  async install(database) {
    this.database = database;
    this.calls.push('install');
  }

  async start() {
    this.calls.push('start');
  }

  async stop() {
    this.calls.push('stop');
  }

  async uninstall(options) {
    this.calls.push(['uninstall', options]);
  }
}

test('spec01_12_01_plugins_are_installed_after_metadata_is_loaded', async () => {
  const first = await connectDatabase();
  await first.createResource({ name: 'users', attributes });
  const seen = [];
  const database = makeDatabase({
    ...first.options,
    plugins: [
      {
        async install(db) {
          seen.push(db.isConnected(), Object.keys(db.resources));
          await db.createResource({ name: 'plg_x', attributes, createdBy: 'XPlugin' });
        }
      }
    ]
  });
  await database.connect();
  assert.deepEqual(seen, [true, ['users']]);
  const { resources } = await readMetadata(database);
  assert.deepEqual(Object.keys(resources).sort(), ['plg_x', 'users']);
  assert.equal(resources.plg_x.createdBy, 'XPlugin');
});

test('plugins install and start in order, and stop in reverse', async () => {
  const log = [];
  const database = makeDatabase({ plugins: [makePlugin(log, 'a'), makePlugin(log, 'b')] });
  // spec01_12_18: registered before connect, installed by it.
  await database.usePlugin(makePlugin(log, 'c'), 'third');
  const events = [];
  for (const event of ['db:plugin:installed', 'db:plugin:started', 'db:plugin:stopped'])
    database.on(event, ({ name }) => events.push(`${event.slice(10)} ${name}`));
  await database.connect();
  assert.deepEqual(log, ['install a', 'install b', 'install c', 'start a', 'start b', 'start c']);
  assert.deepEqual(Object.keys(database.plugins), ['third', 'object', 'object2']);
  log.length = 0;
  await database.disconnect();
  assert.deepEqual(log, ['stop c', 'stop b', 'stop a']);
  assert.deepEqual(events.slice(-3), ['stopped third', 'stopped object2', 'stopped object']);
  // spec01_12_15: the set is kept and installed again.
  log.length = 0;
  await database.connect();
  assert.deepEqual(log, ['install a', 'install b', 'install c', 'start a', 'start b', 'start c']);
});

test('spec01_12_19_classes_and_late_plugins_are_stopped_by_disconnect', async () => {
  const database = makeDatabase({ plugins: [CachePlugin, () => new CachePlugin('factory')] });
  await database.connect();
  const { cache, cache2 } = database.plugins;
  assert.ok(cache instanceof CachePlugin);
  assert.equal(cache.given, database);
  assert.equal(cache2.given, 'factory');
  const late = await database.usePlugin(CachePlugin, 'cacheHot');
  assert.equal(database.plugins.cacheHot, late);
  assert.equal(late.instanceName, 'cacheHot');
  await database.disconnect();
  for (const plugin of [cache, cache2, late]) assert.deepEqual(plugin.calls, ['install', 'start', 'stop']);
});

test('registry names: derived, suffixed, aliased, and found in other spellings', async () => {
  const database = await connectDatabase();
  assert.equal(database._getPluginName(new CachePlugin()), 'cache');
  class EventualConsistencyPlugin extends CachePlugin {}
  assert.equal(database._getPluginName(new EventualConsistencyPlugin()), 'eventualconsistency');
  assert.equal(database._getPluginName(new CachePlugin(), 'Mine'), 'Mine');
  const first = await database.usePlugin(new CachePlugin());
  const second = await database.use(new CachePlugin());
  assert.equal(await database.installPlugin(first), first);
  assert.deepEqual(Object.keys(database.plugins), ['cache', 'cache2']);
  assert.equal(database.plugins.CachePlugin, first);
  assert.equal(database.getPlugin('cache2'), second);
  assert.equal(database.plugins.nope, undefined);
  await assert.rejects(database.usePlugin(new CachePlugin(), 'cache'), {
    name: 'DatabaseError',
    message: "Plugin 'cache' is already registered"
  });
  await assert.rejects(database.usePlugin(null), TypeError);
});

test('spec01_12_20_uninstall_accepts_alias_in_any_case_class_name_class_and_instance', async () => {
  const database = await connectDatabase();
  const events = [];
  database.on('db:plugin:uninstalled', (payload) => events.push(payload));
  for (const target of [() => 'cacheHot', () => 'CACHEHOT', (plugin) => plugin, () => CachePlugin]) {
    const plugin = await database.usePlugin(new CachePlugin(), 'cacheHot');
    await database.uninstallPlugin(target(plugin), { purgeData: true });
    assert.deepEqual(plugin.calls, ['install', 'start', 'stop', ['uninstall', { purgeData: true }]]);
    assert.deepEqual(events.pop(), { name: 'cacheHot', plugin });
  }
  await database.usePlugin(new CachePlugin());
  await database.uninstallPlugin('CachePlugin');
  assert.deepEqual(Object.keys(database.plugins), []);
  await assert.rejects(database.uninstallPlugin('gone'), (error) => {
    assert.equal(error.message, "Plugin 'gone' not found");
    assert.deepEqual([error.operation, error.pluginName, error.availablePlugins], ['uninstallPlugin', 'gone', []]);
    return true;
  });
});

test('spec01_12_22_a_failed_install_or_start_stops_what_was_started', async () => {
  for (const [step, message] of [
    ['install', "Failed to install plugin 'object': boom"],
    ['start', "Failed to start plugin 'object2': boom"]
  ]) {
    const log = [];
    const boom = new Error('boom');
    const bad = makePlugin(log, 'bad', {
      async [step]() {
        throw boom;
      }
    });
    const plugins = step === 'install' ? [bad, makePlugin(log, 'after')] : [makePlugin(log, 'good'), bad];
    const database = makeDatabase({ plugins });
    await assert.rejects(database.connect(), (error) => {
      assert.equal(error.name, 'DatabaseError');
      assert.equal(error.message, message);
      assert.equal(error.original, boom);
      return true;
    });
    assert.equal(database.isConnected(), false);
    assert.deepEqual(
      log.filter((line) => line.startsWith('stop')),
      step === 'install' ? [] : ['stop bad', 'stop good']
    );
    assert.deepEqual(Object.keys(database.plugins), []);
  }
});

test('a failed late plugin is removed again', async () => {
  const database = await connectDatabase();
  await assert.rejects(
    database.usePlugin(
      {
        install: async () => {
          throw new Error('no');
        }
      },
      'bad'
    ),
    { message: "Failed to install plugin 'bad': no" }
  );
  assert.deepEqual(Object.keys(database.plugins), []);
});

test('a plugin object may have only some of the methods', async () => {
  const database = makeDatabase({
    plugins: [
      {},
      {
        setup(db) {
          this.db = db;
        }
      }
    ]
  });
  await database.connect();
  assert.equal(database.plugins.object2.db, database);
  await reopen(database, { plugins: [] });
});
