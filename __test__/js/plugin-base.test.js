import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { Plugin, PluginError, PluginObject } from '../../js/index.js';
import { temporaryDirectory } from './support/clients.js';
import { connectDatabase, makeDatabase, settle } from './support/databases.js';

const attributes = { name: 'string|required' };

async function withUsers(options) {
  const database = await connectDatabase(options);
  const users = await database.createResource({ name: 'users', attributes });
  return { database, users };
}

class MyPlugin extends Plugin {}
class EventualConsistencyPlugin extends Plugin {}
class S3QueuePlugin extends Plugin {}
class MyV2CachePlugin extends Plugin {}

test('spec05_06_1_slugs_come_from_class_names', () => {
  assert.equal(new MyPlugin().slug, 'my');
  assert.equal(new EventualConsistencyPlugin().slug, 'eventual-consistency');
  assert.equal(new S3QueuePlugin().slug, 's3queue');
  assert.equal(new MyV2CachePlugin().slug, 'my-v2cache');
  assert.equal(new MyPlugin({ slug: 'other' }).slug, 'other');
  const plugin = new MyPlugin();
  assert.deepEqual(
    [plugin.name, plugin.baseSlug, plugin.instanceName, plugin.namespace, plugin._namespaceExplicit, plugin._storage, plugin.database],
    ['MyPlugin', 'my', null, null, false, null, undefined]
  );
  assert.ok(plugin.hooks instanceof Map);
  assert.ok(plugin instanceof EventEmitter);
  assert.throws(() => new MyPlugin(null), TypeError);
  assert.throws(() => new MyPlugin('text'), TypeError);
});

test('spec05_16_45_static_names_win_over_the_run_time_class_name_but_not_in_subclasses', () => {
  class Minified extends Plugin {
    static pluginName = 'HotStuffPlugin';
  }
  class Below extends Minified {}
  class Slugged extends Plugin {
    static slug = 'chosen';
  }
  assert.equal(new Minified().slug, 'hot-stuff');
  assert.equal(new Minified().name, 'HotStuffPlugin');
  assert.equal(new Below().slug, 'below');
  assert.equal(new Slugged().slug, 'chosen');
});

test('spec05_06_1_namespaces_are_normalised_and_appended', () => {
  const plugin = new MyPlugin({ namespace: '  Hot Path!! ' });
  assert.deepEqual([plugin.namespace, plugin.slug, plugin._namespaceExplicit], ['hot-path', 'my--hot-path', true]);
  assert.equal(new MyPlugin({ instanceId: 7 }).slug, 'my--7');
  plugin.setInstanceName('other');
  assert.equal(plugin.slug, 'my--hot-path', 'an explicit namespace stays');
  plugin.setNamespace('', { explicit: true });
  assert.deepEqual([plugin.namespace, plugin.slug], [null, 'my']);
  plugin.setInstanceName('later');
  assert.equal(plugin.slug, 'my', 'an explicit empty namespace blocks derivation');
  const derived = new MyPlugin();
  derived.setNamespace('');
  assert.equal(derived.slug, 'my');
  derived.setInstanceName('cacheHot');
  assert.deepEqual([derived.slug, derived.instanceName], ['my--cachehot', 'cacheHot']);
  derived.setInstanceName('cacheCold');
  assert.equal(derived.slug, 'my--cachecold');
  derived.setInstanceName('my');
  assert.equal(derived.slug, 'my--cachecold');
});

test('spec05_06_1_onNamespaceChanged_runs_once_for_each_change', () => {
  const seen = [];
  class Watching extends Plugin {
    onNamespaceChanged(namespace) {
      seen.push(namespace);
    }
  }
  const plugin = new Watching({ namespace: 'A' });
  plugin.setNamespace('a');
  plugin.setNamespace('b');
  plugin.setNamespace('b', { explicit: true });
  assert.deepEqual(seen, ['a', 'b']);
});

test('spec05_06_1_an_assigned_slug_is_the_base_of_later_namespaces', async () => {
  class Assigning extends Plugin {
    constructor(options) {
      super(options);
      this.slug = 'my-plugin';
    }
  }
  class Field extends Plugin {
    slug = 'my-field';
  }
  const database = await connectDatabase();
  // Decision 60: the name that only the class gave is not appended.
  assert.equal((await database.usePlugin(new Assigning())).slug, 'my-plugin');
  assert.equal((await database.usePlugin(new Assigning(), 'alias')).slug, 'my-plugin--alias');
  assert.equal((await database.usePlugin(new Field(), 'alias2')).slug, 'my-field--alias2');
  assert.equal(new Assigning({ namespace: 'x' }).slug, 'my-plugin--x');
});

test('spec05_08_derived_namespaces_of_multi_word_plugins', async () => {
  const database = await connectDatabase();
  assert.equal((await database.usePlugin(new EventualConsistencyPlugin())).slug, 'eventual-consistency--eventualconsistency');
  assert.equal((await database.usePlugin(new S3QueuePlugin())).slug, 's3queue');
  const direct = new EventualConsistencyPlugin();
  await direct.install(database);
  assert.deepEqual([direct.slug, direct.instanceName], ['eventual-consistency', null]);
});

test('spec05_06_3_life_cycle_order_and_events', async () => {
  const log = [];
  class Logging extends Plugin {
    constructor() {
      super();
      for (const step of ['Install', 'Start', 'Stop', 'Uninstall']) {
        for (const when of ['before', 'after'])
          this.on(`plugin.${when}${step}`, (date) => log.push(`${when}${step} ${date instanceof Date}`));
      }
      this.on('plugin.started', ({ name }) => log.push(`started ${name}`));
      this.on('plugin.stopped', ({ name }) => log.push(`stopped ${name}`));
    }
    async onInstall() {
      log.push('onInstall');
    }
    async onStart() {
      log.push('onStart');
    }
    async onStop() {
      log.push('onStop');
    }
    async onUninstall(options) {
      log.push(`onUninstall ${JSON.stringify(options)}`);
    }
  }
  const database = await connectDatabase();
  const plugin = await database.usePlugin(new Logging());
  await plugin.uninstall({ purgeData: false });
  assert.deepEqual(log, [
    'beforeInstall true',
    'onInstall',
    'afterInstall true',
    'beforeStart true',
    'onStart',
    'started Logging',
    'afterStart true',
    'beforeStop true',
    'onStop',
    'stopped Logging',
    'afterStop true',
    'beforeUninstall true',
    'onUninstall {"purgeData":false}',
    'afterUninstall true'
  ]);
  assert.equal(database.plugins.logging, undefined);
});

test('plugin.started is not emitted twice when onStart emits it', async () => {
  let count = 0;
  class Emitting extends Plugin {
    async onStart() {
      this.emit('plugin.started', { name: this.name });
    }
  }
  const database = await connectDatabase();
  const plugin = new Emitting();
  plugin.on('plugin.started', () => {
    count += 1;
  });
  await database.usePlugin(plugin);
  assert.equal(count, 1);
});

test('a rejecting step propagates and its after-event does not run', async () => {
  class Failing extends Plugin {
    async onInstall() {
      this.database.addHook('beforeCreateResource', () => {});
      throw new Error('boom');
    }
  }
  const database = await connectDatabase();
  const plugin = new Failing();
  let after = false;
  plugin.on('plugin.afterInstall', () => {
    after = true;
  });
  await assert.rejects(plugin.install(database), { message: 'boom' });
  assert.equal(after, false);
  assert.deepEqual(database.getHooks('beforeCreateResource'), [], 'what it had registered is gone');
});

test('spec05_06_3_onSetup_runs_where_onInstall_is_not_overridden', async () => {
  const log = [];
  class Setup extends Plugin {
    async onSetup() {
      log.push('setup');
    }
  }
  class Both extends Setup {
    async onInstall() {
      log.push('install');
    }
  }
  const database = await connectDatabase();
  await database.usePlugin(new Setup());
  await database.usePlugin(new Both());
  await new Setup().setup(database);
  assert.deepEqual(log, ['setup', 'install', 'setup']);
});

test('spec05_06_6_layers_run_in_the_documented_order', async () => {
  const { database, users } = await withUsers();
  const plugin = await database.usePlugin(new MyPlugin());
  const log = [];
  const around =
    (name) =>
    async (next, ...args) => {
      log.push(`${name}>`);
      const result = await next(...args);
      log.push(`<${name}`);
      return result;
    };
  const after = (name) => async (result) => {
    log.push(name);
    return result;
  };
  users.addHook('beforeInsert', (data) => {
    log.push('hooks');
    return data;
  });
  users.addHook('afterInsert', (data) => {
    log.push('hooks');
    return data;
  });
  plugin.addMiddleware(users, 'insert', around('A'));
  plugin.wrapResourceMethod(users, 'insert', after('W'));
  plugin.addMiddleware(users, 'insert', around('B'));
  plugin.wrapResourceMethod('users', 'insert', after('X'));
  users.useMiddleware('insert', async (_ctx, next) => {
    log.push('R>');
    const result = await next();
    log.push('<R');
    return result;
  });
  await users.insert({ name: 'a' });
  assert.equal(log.join(' '), 'A> B> R> hooks hooks <R <B <A W X');
});

test('spec05_16_26_a_middleware_may_call_next_again_and_runs_the_rest_of_the_chain', async () => {
  const { database, users } = await withUsers();
  const plugin = await database.usePlugin(new MyPlugin());
  let inner = 0;
  let attempts = 0;
  plugin.addMiddleware(users, 'get', async (next, ...args) => {
    try {
      return await next(...args);
    } catch {
      return next(...args);
    }
  });
  plugin.addMiddleware(users, 'get', async (next, ...args) => {
    inner += 1;
    attempts += 1;
    if (attempts === 1) throw new Error('once');
    return next(...args);
  });
  const { id } = await users.insert({ name: 'a' });
  assert.equal((await users.get(id)).name, 'a');
  assert.equal(inner, 2);
});

test('a middleware may answer itself, change arguments, and is called on the receiver', async () => {
  const { database, users } = await withUsers();
  const plugin = await database.usePlugin(new MyPlugin());
  let receiver;
  plugin.addMiddleware(users, 'get', async function (next, id) {
    receiver = this;
    return id === 'short' ? 'cut' : next(`x-${id}`);
  });
  await users.insert({ id: 'x-1', name: 'a' });
  assert.equal(await users.get('short'), 'cut');
  assert.equal((await users.get('1')).id, 'x-1');
  assert.equal(receiver, users);
  plugin.wrapResourceMethod(users, 'get', function (_result, args, method) {
    assert.equal(this, users);
    assert.deepEqual([args, method], [['1'], 'get']);
    return undefined;
  });
  assert.equal(await users.get('1'), undefined, 'returning nothing loses the result');
});

test('unknown methods, resources and handlers are refused with the name of what is wrong', async () => {
  const { database, users } = await withUsers();
  const plugin = await database.usePlugin(new MyPlugin());
  assert.throws(
    () => plugin.addMiddleware(users, 'nope', () => {}),
    (error) => {
      assert.ok(error instanceof PluginError);
      assert.equal(error.message, 'Cannot add middleware to "nope"');
      assert.deepEqual([error.data.methodName, error.data.resourceName, error.statusCode], ['nope', 'users', 400]);
      return true;
    }
  );
  assert.throws(() => plugin.addMiddleware('gone', 'get', () => {}), { name: 'PluginError', message: "Resource 'gone' not found" });
  assert.throws(() => plugin.wrapResourceMethod(users, 'get', 'text'), { name: 'PluginError' });
  assert.throws(() => plugin.addHook('users', 'beforeInsert', null), { name: 'PluginError' });
});

test('spec05_06_5_plugin_hooks_run_now_and_on_resources_that_come_later', async () => {
  const { database, users } = await withUsers();
  const plugin = await database.usePlugin(new MyPlugin());
  const seen = [];
  const handler = (data) => {
    seen.push(data.name);
  };
  plugin.addHook('users', 'afterInsert', handler);
  plugin.addHook('later', 'afterInsert', handler);
  await users.insert({ name: 'a' });
  const later = await database.createResource({ name: 'later', attributes });
  await database.createResource({ name: 'later', attributes });
  await later.insert({ name: 'b' });
  assert.deepEqual(seen, ['a', 'b']);
  assert.deepEqual(plugin.hooks.get('users').get('afterInsert'), [handler]);
  plugin.removeHook('users', 'afterInsert', handler);
  await users.insert({ name: 'c' });
  await later.insert({ name: 'd' });
  assert.deepEqual(seen, ['a', 'b', 'd']);
  plugin.removeHooksFromResources();
  await later.insert({ name: 'e' });
  assert.deepEqual(seen, ['a', 'b', 'd']);
});

test('spec05_06_3_uninstall_takes_back_everything_the_plugin_registered', async () => {
  class Busy extends Plugin {
    async onInstall() {
      const { users } = this.database.resources;
      this.log = [];
      const original = users.count;
      users.count = async (...args) => {
        this.log.push('count');
        return original(...args);
      };
      users.extra = () => 'extra';
      users.cacheThing = { a: 1 };
      users.addHook('beforeInsert', () => this.log.push('hook') && undefined);
      users.useMiddleware('get', async (_ctx, next) => {
        this.log.push('middleware');
        return next();
      });
      users.on('inserted', () => this.log.push('listener'));
      this.database.on('db:resource-created', () => this.log.push('created'));
      this.database.client.on('cl:request', () => this.log.push('request'));
      this.addMiddleware(users, 'exists', async (next, id) => {
        this.log.push('layer');
        return next(id);
      });
      this.wrapResourceMethod(users, 'exists', async (result) => {
        this.log.push('wrapper');
        return result;
      });
      this.database.addHook('beforeInsert', () => this.log.push('every') && undefined);
      this.database.addHook('afterCreateResource', ({ resource }) => {
        this.log.push('after');
        resource.fromHook = () => 1;
        resource.addHook('afterInsert', () => this.log.push('late hook') && undefined);
      });
    }
  }
  const { database, users } = await withUsers();
  const mine = () => 'mine';
  users.mine = mine;
  users.addHook('beforeInsert', () => {});
  const exists = users.exists;
  const count = users.count;
  const plugin = await database.usePlugin(new Busy());
  const later = await database.createResource({ name: 'later', attributes });
  const run = async () => {
    plugin.log.length = 0;
    await users.insert({ id: 'a', name: 'a' });
    await later.insert({ id: 'a', name: 'a' });
    await users.get('a');
    await users.exists('a');
    await users.count();
    await database.createResource({ name: `more${Math.random().toString(36).slice(2, 8)}`, attributes });
    await settle();
    const log = new Set(plugin.log);
    await users.delete('a');
    await later.delete('a');
    return log;
  };
  assert.deepEqual(
    [...(await run())].sort(),
    ['after', 'count', 'created', 'every', 'hook', 'late hook', 'layer', 'listener', 'middleware', 'request', 'wrapper'].sort()
  );
  assert.equal(later.fromHook(), 1);
  await plugin.uninstall();
  assert.deepEqual([...(await run())], []);
  assert.deepEqual([users.extra, users.cacheThing, later.fromHook], [undefined, undefined, undefined]);
  assert.equal(users.exists, exists, 'the layers are off');
  assert.equal(users.count, count, 'the patched method is back');
  assert.equal(users.mine, mine);
  assert.equal(users.hooks.beforeInsert.length, 1);
  assert.equal(database.plugins.busy, undefined);
  await plugin.uninstall();
});

test('what another plugin has put over a patched method stays', async () => {
  const { database, users } = await withUsers();
  class Patching extends Plugin {
    async onInstall() {
      const before = users.customCall;
      users.customCall = () => `${this.options.tag}${before ? before() : ''}`;
    }
  }
  const first = await database.usePlugin(new Patching({ tag: 'a' }), 'a');
  const second = await database.usePlugin(new Patching({ tag: 'b' }), 'b');
  assert.equal(users.customCall(), 'ba');
  await first.uninstall();
  assert.equal(users.customCall(), 'ba');
  await second.uninstall();
  assert.equal(users.customCall(), 'a');
});

test('plain objects are taken back as well', async () => {
  const { database, users } = await withUsers();
  const plugin = {
    install(db) {
      db.resources.users.plain = () => 1;
      db.resources.users.addHook('beforeInsert', () => {});
      db.addHook('afterCreateResource', () => {});
    }
  };
  await database.usePlugin(plugin, 'plain');
  assert.equal(users.plain(), 1);
  await database.uninstallPlugin('plain');
  assert.equal(users.plain, undefined);
  assert.deepEqual([users.hooks.beforeInsert.length, database.getHooks('afterCreateResource').length], [0, 0]);
});

test('a second connect installs hooks once', async () => {
  let calls = 0;
  class Hooking extends Plugin {
    async onInstall() {
      this.database.addHook('afterCreateResource', () => {
        calls += 1;
      });
    }
  }
  const database = makeDatabase({ plugins: [new Hooking()] });
  await database.connect();
  await database.disconnect();
  await database.connect();
  await database.createResource({ name: 'users', attributes });
  assert.equal(calls, 1);
});

test('spec05_16_27_layered_methods_of_a_disconnected_database_throw_a_clear_error', async () => {
  const { database, users } = await withUsers();
  const plugin = await database.usePlugin(new MyPlugin());
  plugin.addMiddleware(users, 'get', async (next, id) => next(id));
  plugin.wrapResourceMethod(users, 'count', async (n) => n);
  await database.disconnect();
  await assert.rejects(users.get('a'), { name: 'DatabaseError', message: "Resource 'users' belongs to a disconnected database" });
  await assert.rejects(users.count(), { name: 'DatabaseError' });
});

test('spec05_16_30_a_class_plugin_gets_no_copy_of_the_database', async () => {
  let given;
  class Options extends Plugin {
    constructor(options) {
      super(options);
      given = options;
    }
  }
  const database = makeDatabase({ plugins: [Options], passphrase: 'top-secret' });
  await database.connect();
  assert.equal(given, database, 'a constructor of its own still sees it');
  assert.deepEqual(database.plugins.options.options, {});
  assert.equal(JSON.stringify(database.plugins.options.options).includes('top-secret'), false);
});

test('spec05_06_7_partition_helpers', async () => {
  const database = await connectDatabase();
  const plugin = await database.usePlugin(new MyPlugin());
  const orders = await database.createResource({
    name: 'orders',
    attributes: { region: 'string|optional', address: { city: 'string' }, at: 'string' },
    partitions: {
      byRegion: { fields: { region: 'string' } },
      byCity: { fields: { 'address.city': 'string|maxlength:3', at: 'date' } }
    }
  });
  assert.deepEqual(plugin.getPartitionValues({ address: { city: 'Lisbon' }, at: '2024-05-01T10:00:00Z' }, orders), {
    byRegion: {},
    byCity: { 'address.city': 'Lis', at: '2024-05-01' }
  });
  const plain = await database.createResource({ name: 'plain', attributes });
  assert.deepEqual(plugin.getPartitionValues({ a: 1 }, plain), {});
  assert.equal(plugin.getNestedFieldValue(null, 'a'), null);
  assert.equal(plugin.getNestedFieldValue({ a: { b: 0 } }, 'a.b'), 0);
  assert.equal(plugin.getNestedFieldValue({ a: 1 }, 'b'), null);
});

test('PluginObject is a plain object with no-op methods', async () => {
  assert.deepEqual(Object.keys(PluginObject), ['setup', 'start', 'stop']);
  const database = makeDatabase({ plugins: [PluginObject] });
  await database.connect();
  assert.deepEqual(Object.keys(database.plugins), ['object']);
});

test('unknown options of a built-in warn once, or are refused under strictOptions', async () => {
  class KnownPlugin extends Plugin {
    static pluginName = 'KnownPlugin';
    static optionNames = ['maxSize', 'ttl'];
  }
  class OwnKnown extends KnownPlugin {}
  const database = await connectDatabase();
  const warnings = [];
  database.on('db:warning', (warning) => warnings.push(warning.message));
  const plugin = new KnownPlugin({ maxsize: 1, ttl: 5, namespace: 'a' });
  const own = [];
  plugin.on('plugin.warning', ({ message }) => own.push(message));
  await database.usePlugin(plugin);
  await database.usePlugin(new OwnKnown({ whatever: 1 }));
  assert.deepEqual(own, ["Unknown option 'maxsize' for KnownPlugin; did you mean 'maxSize'?"]);
  assert.deepEqual(warnings, own);
  const strict = await connectDatabase({ strictOptions: true });
  await assert.rejects(strict.usePlugin(new KnownPlugin({ maxsize: 1 })), (error) => {
    assert.equal(error.original.name, 'PluginError');
    assert.equal(error.original.statusCode, 400);
    assert.deepEqual(error.original.data.validOptions, ['maxSize', 'ttl']);
    return true;
  });
});

test('the logger is the given one, the database one, or the console at a level', async () => {
  const lines = [];
  const logger = { warn: (...args) => lines.push(args), child: (bindings) => ({ bindings }) };
  const plugin = new MyPlugin({ logger });
  plugin.logger.warn('x');
  assert.deepEqual(lines, [['x']]);
  assert.deepEqual(plugin.getChildLogger('part', { a: 1 }), { bindings: { name: 'part', a: 1 } });
  const database = await connectDatabase({ logger });
  assert.equal((await database.usePlugin(new MyPlugin())).logger, logger);
  const quiet = new MyPlugin({ logLevel: 'silent' });
  quiet.logger.error('never');
  class Own extends Plugin {
    constructor() {
      super();
      this.logger = logger;
    }
  }
  assert.equal(new Own().logger, logger);
});

test('spec05_16_24_a_plugin_that_fails_to_stop_is_heard_and_the_others_still_stop', async () => {
  const log = [];
  class Failing extends Plugin {
    constructor(options) {
      super(options);
      // Listeners are still there while the plugin stops.
      this.on('plugin.beforeStop', () => log.push(`stopping ${options.n}`));
    }
    async onStop() {
      if (this.options.n === 2) throw new Error('cannot stop');
      log.push(`stopped ${this.options.n}`);
    }
  }
  const database = makeDatabase({ plugins: [1, 2, 3].map((n) => new Failing({ n })) });
  await database.connect();
  database.on('plugin.error', ({ name, operation, error }) => log.push(`${name} ${operation}: ${error.message}`));
  await database.disconnect();
  assert.deepEqual(log, ['stopping 3', 'stopped 3', 'stopping 2', 'failing2 stop: cannot stop', 'stopping 1', 'stopped 1']);
});

test('spec05_16_09_a_purge_reaches_what_was_stored_under_the_slug_of_the_installation', async () => {
  const database = await connectDatabase();
  const plugin = await database.usePlugin(new MyPlugin());
  const storage = plugin.getStorage();
  await storage.set(storage.getPluginKey(null, 'a'), { x: 1 });
  plugin.setNamespace('later', { explicit: true });
  await plugin.getStorage().set(plugin.getStorage().getPluginKey(null, 'b'), { x: 1 });
  const purged = [];
  plugin.on('plugin.dataPurged', ({ deleted }) => purged.push(deleted));
  await plugin.uninstall({ purgeData: true });
  assert.deepEqual(purged, [2]);
  assert.deepEqual(await database.client.getAllKeys({ prefix: 'plugin=my' }), []);
});

test('spec05_16_08_a_purge_needs_no_storage_used_in_this_process', async () => {
  const database = await connectDatabase();
  const first = await database.usePlugin(new MyPlugin());
  await first.getStorage().set(first.getStorage().getPluginKey('users', 'a'), { x: 1 });
  await first.uninstall();
  const second = await database.usePlugin(new MyPlugin());
  await second.uninstall({ purgeData: true });
  assert.deepEqual(await database.client.getAllKeys({ prefix: 'resource=users/plugin=my/' }), []);
});

test('spec05_06_3_plugin_resources_stay_unless_purged_as_well', async () => {
  class Owning extends Plugin {
    async onInstall() {
      await this.database.createResource({ name: 'plg_owned', attributes, createdBy: 'Owning' });
    }
  }
  const { database, users } = await withUsers();
  const plugin = await database.usePlugin(new Owning());
  await database.resources.plg_owned.insert({ name: 'a' });
  await plugin.uninstall({ purgeData: true });
  assert.equal(await database.resources.plg_owned.count(), 1);
  const again = await database.usePlugin(new Owning());
  await again.uninstall({ purgeResources: true });
  assert.deepEqual(Object.keys(database.resources), ['users']);
  assert.equal(users.name, 'users');
});

test('spec05_06_2_storage_needs_an_installed_plugin_and_may_have_a_driver_of_its_own', async () => {
  assert.throws(
    () => new MyPlugin().getStorage(),
    (error) => {
      assert.ok(error instanceof PluginError);
      assert.equal(error.message, 'Plugin storage unavailable until plugin is installed');
      assert.equal(error.operation, 'getStorage');
      return true;
    }
  );
  const database = await connectDatabase();
  const basePath = temporaryDirectory();
  const plugin = await database.usePlugin(new MyPlugin({ storage: { driver: 'filesystem', config: { basePath } } }));
  const storage = plugin.getStorage();
  await storage.set(storage.getPluginKey(null, 'a'), { x: 1 });
  assert.equal(plugin.getStorage(), storage);
  assert.deepEqual(await storage.get(storage.getPluginKey(null, 'a')), { x: 1 });
  assert.deepEqual(await database.client.getAllKeys({ prefix: 'plugin=' }), []);
  const wrong = await database.usePlugin(new MyPlugin({ storage: { driver: 'floppy' } }), 'wrong');
  assert.throws(
    () => wrong.getStorage(),
    (error) => {
      assert.equal(error.name, 'PluginError');
      assert.match(error.message, /Unknown storage driver "floppy"/);
      assert.match(error.suggestion, /filesystem, s3/);
      return true;
    }
  );
});

test('spec05_18_stored_namespaces_of_a_plugin_are_found', async () => {
  const database = await connectDatabase();
  for (const namespace of ['b', 'a']) {
    const plugin = await database.usePlugin(new MyPlugin({ namespace }));
    await plugin.getStorage().set(plugin.getStorage().getPluginKey(null, 'x'), { a: 1 });
  }
  const other = await database.usePlugin(new MyPlugin(), 'other');
  const warnings = [];
  other.on('plugin.warning', ({ code, details }) => warnings.push([code, details.namespaces]));
  assert.deepEqual(await other.detectAndWarnNamespaces(), ['a', 'b']);
  assert.deepEqual(warnings, [['PLUGIN_NAMESPACES', ['a', 'b']]]);
});

test('background failures of a plugin are events, and its timers end with it', async () => {
  const database = await connectDatabase();
  const plugin = await database.usePlugin(new MyPlugin({ logLevel: 'silent' }));
  const failures = [];
  plugin.on('plugin.error', ({ error, task }) => failures.push(`${task}: ${error.message}`));
  let runs = 0;
  plugin.scheduleInterval(
    5,
    () => {
      runs += 1;
      throw new Error('tick failed');
    },
    'beat'
  );
  while (failures.length === 0) await settle();
  assert.equal(failures[0], 'beat: tick failed');
  await plugin.stop();
  const before = runs;
  await settle();
  await settle();
  assert.equal(runs, before);
});
