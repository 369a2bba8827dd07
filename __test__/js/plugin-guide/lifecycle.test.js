// The plugin guide: quick start, life cycle, namespaces, uninstalling, attributes.
import assert from 'node:assert/strict';
import * as s3db from '../../../js/index.js';
import { Plugin, PluginStorage, requirePluginDependency } from '../../../js/index.js';
import { settle } from '../support/databases.js';
import { guide } from '../support/guide.js';

const attributes = { name: 'string|required' };

/** The plugin of the guide's section on the life cycle. */
class MyPlugin extends Plugin {
  constructor(options = {}) {
    super(options);
    this.name = 'MyPlugin';
    this.slug = 'my-plugin'; // Used for PluginStorage namespace
    this.log = [];
  }

  async onInstall() {
    this.log.push(`install ${Object.keys(this.database.resources)}`);
    const storage = this.getStorage();
    await storage.put(storage.getPluginKey(null, 'config'), { enabled: true, version: '1.0.0' });
  }

  async onStart() {
    this.log.push('start');
    this.timer = setInterval(() => this.processQueue(), 5000);
  }

  async onStop() {
    this.log.push('stop');
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    await this.flushPendingData();
  }

  async onUninstall(options = {}) {
    this.log.push(`uninstall ${JSON.stringify(options)}`);
    await this.removeHooksFromResources();
    await this.cleanupInternalState();
  }

  processQueue() {}
  async flushPendingData() {
    this.log.push('flush');
  }
  async cleanupInternalState() {}
  async doSomething() {
    const storage = this.getStorage();
    await storage.put(storage.getPluginKey(null, 'something'), { done: true });
    await storage.put(storage.getPluginKey('users', 'cache', 'u1'), { name: 'Ada' });
  }
}

guide(1, 'all plugins of the guide are importable by name from the package', async () => {
  for (const name of [
    'ApiPlugin',
    'AuditPlugin',
    'BackupPlugin',
    'CachePlugin',
    'CostsPlugin',
    'CloudInventoryPlugin',
    'EventualConsistencyPlugin',
    'FullTextPlugin',
    'GeoPlugin',
    'IdentityPlugin',
    'ImporterPlugin',
    'MetricsPlugin',
    'MLPlugin',
    'QueueConsumerPlugin',
    'RelationPlugin',
    'ReplicatorPlugin',
    'S3QueuePlugin',
    'SpiderSuitePlugin',
    'CookieFarmSuitePlugin',
    'SchedulerPlugin',
    'StateMachinePlugin',
    'TfStatePlugin',
    'TTLPlugin',
    'VectorPlugin'
  ]) {
    // biome-ignore lint/performance/noDynamicNamespaceImportAccess: the names are what is tested
    assert.ok(s3db[name].prototype instanceof Plugin, name);
  }
});

guide(5, 'plugins reach every resource, also those restored from metadata', async ({ connect }) => {
  const first = await connect();
  await first.createResource({ name: 'users', attributes });
  await first.disconnect();
  class Seeing extends Plugin {
    async onInstall() {
      this.seen = [];
      for (const resource of Object.values(this.database.resources)) this.attach(resource);
      this.database.addHook('afterCreateResource', ({ resource }) => this.attach(resource));
    }
    attach(resource) {
      resource.on('inserted', ({ name }) => this.seen.push(`${resource.name} ${name}`));
    }
  }
  const plugin = new Seeing();
  const database = await connect({ plugins: [plugin] });
  await database.createResource({ name: 'orders', attributes });
  await database.resources.users.insert({ name: 'a' });
  await database.resources.orders.insert({ name: 'b' });
  while (plugin.seen.length < 2) await settle();
  assert.deepEqual(plugin.seen, ['users a', 'orders b']);
});

guide(6, 'constructor(options) with super, this.name, this.slug as storage namespace', async ({ connect }) => {
  const database = await connect();
  const plugin = await database.usePlugin(new MyPlugin({ any: 1 }));
  assert.deepEqual([plugin.name, plugin.slug, plugin.options.any], ['MyPlugin', 'my-plugin', 1]);
  assert.equal(plugin.getStorage().getPluginKey(null, 'config'), 'plugin=my-plugin/config');
  const aliased = await database.usePlugin(new MyPlugin(), 'second');
  assert.equal(aliased.getStorage().getPluginKey(null, 'config'), 'plugin=my-plugin--second/config');
});

guide(7, 'onInstall has this.database and getStorage()', async ({ connect }) => {
  const database = await connect();
  const plugin = await database.usePlugin(new MyPlugin());
  assert.equal(plugin.database, database);
  assert.deepEqual(await plugin.getStorage().get('plugin=my-plugin/config'), { enabled: true, version: '1.0.0' });
});

guide(8, 'storage.put(key, data) is an alias of set', async ({ connect }) => {
  const database = await connect();
  const storage = new PluginStorage(database.client, 'my-plugin');
  await storage.put(storage.getPluginKey(null, 'a'), { x: 1 });
  assert.deepEqual(await storage.get(storage.getPluginKey(null, 'a')), { x: 1 });
});

guide(9, 'onStart after install, onStop always, also on disconnect', async ({ connect }) => {
  const database = await connect();
  const plugin = await database.usePlugin(new MyPlugin());
  assert.deepEqual(plugin.log, ['install ', 'start']);
  await database.disconnect();
  assert.deepEqual(plugin.log, ['install ', 'start', 'stop', 'flush']);
  assert.equal(plugin.timer, null);
});

guide(10, 'onUninstall(options) is called; hooks and wrappers are removed', async ({ connect }) => {
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  const plugin = await database.usePlugin(new MyPlugin());
  const calls = [];
  plugin.addHook('users', 'beforeInsert', () => calls.push('hook') && undefined);
  plugin.addMiddleware(users, 'insert', async (next, data) => {
    calls.push('middleware');
    return next(data);
  });
  plugin.wrapResourceMethod(users, 'insert', async (result) => {
    calls.push('wrapper');
    return result;
  });
  await users.insert({ name: 'a' });
  assert.deepEqual(calls, ['middleware', 'hook', 'wrapper']);
  await plugin.uninstall({ reason: 'test' });
  assert.ok(plugin.log.includes('uninstall {"reason":"test"}'));
  await users.insert({ name: 'b' });
  assert.equal(calls.length, 3);
});

guide(11, 'registered with usePlugin() before connect, installed at connect', async ({ make }) => {
  const database = make();
  const plugin = await database.usePlugin(new MyPlugin());
  assert.deepEqual(plugin.log, []);
  assert.equal(database.plugins.my, plugin);
  await database.connect();
  assert.deepEqual(plugin.log, ['install ', 'start']);
});

guide(12, 'several instances of a class by namespace or alias', async ({ connect }) => {
  const database = await connect();
  const a = await database.usePlugin(new MyPlugin({ namespace: 'hot-path' }), 'hot');
  const b = await database.usePlugin(new MyPlugin(), 'cold');
  const c = await database.usePlugin(new MyPlugin({ namespace: 'Third One' }));
  assert.deepEqual([a.slug, b.slug, c.slug], ['my-plugin--hot-path', 'my-plugin--cold', 'my-plugin--third-one']);
  await a.getStorage().put(a.getStorage().getPluginKey(null, 'x'), { of: 'a' });
  assert.equal(await b.getStorage().get(b.getStorage().getPluginKey(null, 'x')), null);
  await a.uninstall({ purgeData: true });
  assert.notEqual(await b.getStorage().get(b.getStorage().getPluginKey(null, 'config')), null);
});

guide(17, 'an alias derives the namespace', async ({ connect }) => {
  const database = await connect();
  const plugin = await database.usePlugin(new MyPlugin(), 'cacheHot');
  assert.equal(plugin.namespace, 'cachehot');
});

guide(18, 'db.plugins.<alias>', async ({ connect }) => {
  const database = await connect();
  const plugin = await database.usePlugin(new MyPlugin(), 'cacheHot');
  assert.equal(database.plugins.cacheHot, plugin);
});

guide(19, 'bundles call database.usePlugin() with nested options and derived aliases', async ({ connect }) => {
  class Bundle extends Plugin {
    async onInstall() {
      this.child = await this.database.usePlugin(new MyPlugin({ ...this.options.my, namespace: this.namespace }), `${this.namespace}My`);
    }
  }
  const bundle = new Bundle({ namespace: 'persona', my: { pool: 2 } });
  const database = await connect({ plugins: [bundle] });
  assert.deepEqual(bundle.child.log, ['install ', 'start']);
  assert.equal(bundle.child.options.pool, 2);
  assert.equal(database.plugins.personaMy, bundle.child);
  assert.equal(bundle.child.slug, 'my-plugin--persona');
  await database.disconnect();
  assert.ok(bundle.child.log.includes('stop'));
});

guide(20, 'requirePluginDependency() throws with install command and version', async () => {
  await assert.rejects(requirePluginDependency('turso-replicator'), (error) => {
    assert.ok(error.message.includes('pnpm add @libsql/client') && error.message.includes('Required: >=0.14.0'));
    return true;
  });
});

guide(22, 'S3DB_SKIP_PLUGIN_DEP_CHECK=1 skips the checks', async () => {
  process.env.S3DB_SKIP_PLUGIN_DEP_CHECK = '1';
  try {
    assert.equal((await requirePluginDependency('turso-replicator')).valid, true);
  } finally {
    delete process.env.S3DB_SKIP_PLUGIN_DEP_CHECK;
  }
});

guide(23, 'plugin.uninstall({ purgeData: true }) removes plugin, data, hooks, wrappers and background tasks', async ({ connect }) => {
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  const plugin = await database.usePlugin(new MyPlugin());
  await plugin.doSomething();
  let runs = 0;
  plugin.background.every(5, () => {
    runs += 1;
  });
  plugin.addHook('users', 'beforeInsert', () => {
    throw new Error('still there');
  });
  await plugin.uninstall({ purgeData: true });
  assert.equal(database.plugins.my, undefined);
  assert.equal(await users.insert({ name: 'a' }).then(({ name }) => name), 'a');
  const storage = new PluginStorage(database.client, 'my-plugin');
  assert.deepEqual([await storage.list(), await storage.listForResource('users')], [[], []]);
  const before = runs;
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.equal(runs, before);
});

guide(24, 'purging calls onUninstall, deletes all storage, and emits plugin.dataPurged', async ({ connect }) => {
  const database = await connect();
  const plugin = await database.usePlugin(new MyPlugin());
  await plugin.doSomething();
  const purged = [];
  plugin.on('plugin.dataPurged', ({ deleted }) => purged.push(`${deleted} ${plugin.log.at(-1)}`));
  await plugin.uninstall({ purgeData: true });
  assert.deepEqual(purged, ['3 uninstall {"purgeData":true}']);
  class Idle extends Plugin {}
  const idle = await database.usePlugin(new Idle());
  idle.on('plugin.dataPurged', ({ deleted }) => purged.push(deleted));
  await idle.uninstall({ purgeData: true });
  assert.equal(purged[1], 0);
});

guide(25, 'resource.removeHook(event, handler), with this.installedHooks kept by the plugin', async ({ connect }) => {
  class Hooked extends Plugin {
    async onInstall() {
      this.installedHooks = new Map();
      const handler = () => {
        throw new Error('hooked');
      };
      this.database.resources.users.addHook('beforeInsert', handler);
      this.installedHooks.set('users', [{ event: 'beforeInsert', handler }]);
    }
    async onUninstall() {
      for (const [resourceName, hooks] of this.installedHooks) {
        const resource = this.database.resources[resourceName];
        if (resource) {
          hooks.forEach((hook) => {
            resource.removeHook(hook.event, hook.handler);
          });
        }
      }
      this.removeAllListeners();
    }
  }
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  const plugin = await database.usePlugin(new Hooked());
  await assert.rejects(users.insert({ name: 'a' }), /hooked/);
  await plugin.uninstall();
  await users.insert({ name: 'a' });
});

guide(26, 'this.removeHooksFromResources() and this.removeAllHooks()', async ({ connect }) => {
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  class Hooked extends Plugin {
    async onInstall() {
      users.addHook('beforeInsert', (data) => ({ ...data, name: `${data.name}!` }));
      this.addHook('users', 'beforeInsert', (data) => ({ ...data, name: `${data.name}?` }));
      this.database.addHook('beforeCreateResource', ({ config }) => {
        config.attributes.extra = 'string|optional';
      });
    }
  }
  const plugin = await database.usePlugin(new Hooked());
  assert.equal((await users.insert({ name: 'a' })).name, 'a!?');
  plugin.removeHooksFromResources();
  assert.equal((await users.insert({ name: 'a' })).name, 'a');
  assert.ok((await database.createResource({ name: 'one', attributes: { ...attributes } })).attributes.extra);
  plugin.removeAllHooks();
  assert.equal((await database.createResource({ name: 'two', attributes: { ...attributes } })).attributes.extra, undefined);
});

guide(35, 'plugin.beforeUninstall and plugin.afterUninstall carry a date', async ({ connect }) => {
  const database = await connect();
  const plugin = await database.usePlugin(new MyPlugin());
  const dates = [];
  plugin.on('plugin.beforeUninstall', (date) => dates.push(date));
  plugin.on('plugin.afterUninstall', (date) => dates.push(date));
  await plugin.uninstall();
  assert.equal(dates.length, 2);
  assert.ok(dates.every((date) => date instanceof Date));
});

guide(36, 'new PluginStorage(database.client, slug) imported from the package', async ({ connect }) => {
  const database = await connect();
  const plugin = await database.usePlugin(new MyPlugin());
  const storage = new PluginStorage(database.client, 'my-plugin');
  assert.deepEqual(await storage.get('plugin=my-plugin/config'), await plugin.getStorage().get('plugin=my-plugin/config'));
});

guide(37, 'storage.list() is empty after a purge, intact without', async ({ connect }) => {
  const database = await connect();
  const plugin = new MyPlugin();
  await database.usePlugin(plugin);
  await plugin.doSomething();
  const storage = plugin.getStorage();
  assert.ok((await storage.list()).length > 0);
  await plugin.uninstall({ purgeData: true });
  assert.equal((await storage.list()).length, 0);
  assert.equal(plugin.timer, null);

  const kept = new MyPlugin();
  await database.usePlugin(kept);
  await kept.doSomething();
  await kept.uninstall({ purgeData: false });
  assert.ok((await new PluginStorage(database.client, 'my-plugin').list()).length > 0);
});

guide(76, 'database.uninstallPlugin(myPlugin, { purgeData: true }) takes the instance', async ({ connect }) => {
  const database = await connect();
  const plugin = await database.usePlugin(new MyPlugin());
  await database.uninstallPlugin(plugin, { purgeData: true });
  assert.ok(plugin.log.includes('uninstall {"purgeData":true}'));
  assert.deepEqual([database.plugins.my, await plugin.getStorage().list()], [undefined, []]);
});

guide(77, 'plugin.install(db) works directly, as in tests', async ({ connect }) => {
  const database = await connect();
  const plugin = new MyPlugin();
  await plugin.install(database);
  assert.deepEqual(plugin.log, ['install ']);
  assert.deepEqual(Object.keys(database.plugins), []);
  await plugin.uninstall({ purgeData: true });
  assert.deepEqual(await plugin.getStorage().list(), []);
});
