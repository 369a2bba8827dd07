// The plugin guide: dependencies, getting started, timing, patterns, hooks and events, troubleshooting.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AnalyticsNotEnabledError,
  Database,
  PartitionError,
  PLUGIN_DEPENDENCIES,
  Plugin,
  PluginError,
  requirePluginDependency,
  tryFn,
  ValidationError
} from '../../../js/index.js';
import dependencies, { getPluginDependencyReport } from '../../../js/plugins/concerns/plugin-dependencies.js';
import { resolveResourceName } from '../../../js/plugins/concerns/resource-names.js';
import { settle } from '../support/databases.js';
import { guide } from '../support/guide.js';

const attributes = { name: 'string|required' };

guide(13, 'storage keys plugin=<slug>--<namespace>/...', async ({ connect }) => {
  class CachePlugin extends Plugin {}
  const database = await connect();
  const plugin = await database.usePlugin(new CachePlugin({ namespace: 'analytics' }));
  const storage = plugin.getStorage();
  await storage.put(storage.getPluginKey(null, 'x'), { a: 1 });
  assert.equal(await database.client.exists('plugin=cache--analytics/x'), true);
});

guide(14, 'internal resources plg_<namespace>_<plugin>_*', async () => {
  assert.equal(resolveResourceName('audit', { defaultName: 'plg_audits' }, { namespace: 'tenant-a' }), 'plg_tenant_a_audits');
});

guide(21, 'resourceNames overrides keep the prefix plg_', async () => {
  assert.equal(resolveResourceName('fulltext', { defaultName: 'plg_x', override: 'users_idx' }), 'plg_users_idx');
});

guide(41, 'the dependency matrix', async () => {
  const range = (id, pkg) => PLUGIN_DEPENDENCIES[id].dependencies[pkg].version;
  assert.equal(range('postgresql-replicator', 'pg'), '^8.0.0');
  assert.equal(range('bigquery-replicator', '@google-cloud/bigquery'), '^7.0.0');
  assert.equal(range('sqs-replicator', '@aws-sdk/client-sqs'), '^3.0.0');
  assert.equal(range('sqs-consumer', '@aws-sdk/client-sqs'), '^3.0.0');
  assert.equal(range('rabbitmq-consumer', 'amqplib'), '^0.10.0');
  assert.equal(range('tfstate-plugin', 'node-cron'), '^4.0.0');
});

/** Runs in an application without any packages. */
async function elsewhere(run) {
  const home = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 's3db-app-'));
  process.chdir(folder);
  try {
    await run();
  } finally {
    process.chdir(home);
    rmSync(folder, { recursive: true, force: true });
  }
}

guide(42, 'the text of the error about missing dependencies', async () => {
  await elsewhere(async () => {
    await assert.rejects(requirePluginDependency('bigquery-replicator'), (error) => {
      for (const phrase of [
        'BigQuery Replicator - Missing dependencies detected!',
        'Missing dependency: @google-cloud/bigquery',
        'Required: ^7.0.0',
        'Install: pnpm add @google-cloud/bigquery',
        'Quick fix - Run all install commands:'
      ]) {
        assert.ok(error.message.includes(phrase), phrase);
      }
      return true;
    });
  });
});

guide(43, 'installed versions are checked against the range', async () => {
  const { dependencies: packages } = PLUGIN_DEPENDENCIES['turso-replicator'];
  PLUGIN_DEPENDENCIES.probe = {
    name: 'Probe',
    docsUrl: '',
    dependencies: { semver: { ...packages['@libsql/client'], version: '^8.0.0' } }
  };
  try {
    assert.deepEqual((await requirePluginDependency('probe', { throwOnError: false })).incompatible, ['semver']);
    PLUGIN_DEPENDENCIES.probe.dependencies.semver.version = '^7.1.0';
    assert.equal((await requirePluginDependency('probe')).valid, true);
  } finally {
    delete PLUGIN_DEPENDENCIES.probe;
  }
});

guide(44, 'getPluginDependencyReport from plugins/concerns/plugin-dependencies', async () => {
  assert.match(await getPluginDependencyReport(), /S3DB\.JS - Plugin Dependency Status Report/);
  assert.equal(dependencies, requirePluginDependency);
});

class Simple extends Plugin {
  constructor(options) {
    super(options);
    this.log = [];
  }
  async onInstall() {
    this.log.push('install');
  }
  async onStart() {
    this.log.push('start');
  }
}

guide(45, 'usePlugin(instance) after connect', async ({ connect }) => {
  const database = await connect();
  const plugin = new Simple();
  assert.equal(await database.usePlugin(plugin), plugin);
  assert.deepEqual(plugin.log, ['install', 'start']);
});

guide(46, 'constructor plugins are initialised during connect', async ({ make }) => {
  const plugin = new Simple();
  const database = make({ plugins: [plugin] });
  assert.deepEqual(plugin.log, []);
  await database.connect();
  assert.deepEqual(plugin.log, ['install', 'start']);
});

/** The guide's pattern of deferred setup. */
class MyResourcePlugin extends Plugin {
  constructor(options) {
    super(options);
    this.config = options;
    this.setups = 0;
  }

  async onSetup() {
    this.targetResource = this.database.resources[this.config.resource];

    if (!this.targetResource) {
      // Resource doesn't exist - defer setup
      this.deferredSetup = true;
      this.watchForResource();
      return;
    }

    // Resource exists - complete setup now
    await this.completeSetup();
  }

  watchForResource() {
    this.database.addHook('afterCreateResource', async ({ resource, config }) => {
      if (config.name === this.config.resource && this.deferredSetup) {
        this.targetResource = resource;
        this.deferredSetup = false;
        await this.completeSetup();
      }
    });
  }

  async completeSetup() {
    this.setups += 1;
    this.targetResource.add = async (id, amount) => {
      const { stock } = await this.targetResource.get(id);
      return this.targetResource.update(id, { stock: stock + amount });
    };
  }
}

const products = { name: 'products', attributes: { id: 'string|optional', name: 'string|required', stock: 'number|default:0' } };

guide(47, 'plugins before resources complete their setup on createResource, once', async ({ connect }) => {
  const database = await connect();
  const plugin = await database.usePlugin(new MyResourcePlugin({ resource: 'products' }));
  assert.equal(plugin.setups, 0);
  const resource = await database.createResource(products);
  await database.createResource(products);
  assert.equal(typeof resource.add, 'function');
  assert.equal(plugin.setups, 1);
});

guide(48, 'plugins after resources have their methods at once', async ({ connect }) => {
  const database = await connect();
  const resource = await database.createResource(products);
  await database.usePlugin(new MyResourcePlugin({ resource: 'products' }));
  await resource.insert({ id: 'product-1', name: 'x' });
  assert.equal((await resource.add('product-1', 10)).stock, 10);
});

guide(50, 'onSetup() is the setup hook', async ({ connect }) => {
  const database = await connect();
  await database.createResource(products);
  assert.equal((await database.usePlugin(new MyResourcePlugin({ resource: 'products' }))).setups, 1);
});

guide(51, "database.addHook('afterCreateResource', ({ resource, config }))", async ({ connect }) => {
  const database = await connect();
  const seen = [];
  database.addHook('afterCreateResource', async ({ resource, config }) => seen.push(resource.name, config.name));
  await database.createResource({ name: 'users', attributes });
  assert.deepEqual(seen, ['users', 'users']);
});

guide(52, "database.addHook('beforeCreateResource', ({ config })) may change the configuration", async ({ connect }) => {
  const database = await connect();
  database.addHook('beforeCreateResource', async ({ config }) => {
    config.timestamps = true;
  });
  const users = await database.createResource({ name: 'users', attributes });
  assert.ok((await users.insert({ name: 'a' })).createdAt);
});

guide(53, "database.addHook('beforeInsert', async (data) => ...) applies to every resource", async ({ connect }) => {
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  database.addHook('beforeInsert', async (data) => ({ ...data, name: data.name.toUpperCase() }));
  const later = await database.createResource({ name: 'later', attributes });
  assert.equal((await users.insert({ name: 'a' })).name, 'A');
  assert.equal((await later.insert({ name: 'b' })).name, 'B');
});

guide(54, 'ValidationError and PluginError keep statusCode, retriable, suggestion and metadata', async () => {
  const invalid = new ValidationError('MyCustomPlugin requires a target resource', {
    statusCode: 400,
    retriable: false,
    suggestion: 'Pass { resource: "my-resource" } when instantiating the plugin.'
  });
  assert.deepEqual(
    [invalid.statusCode, invalid.retriable, invalid.suggestion],
    [400, false, 'Pass { resource: "my-resource" } when instantiating the plugin.']
  );
  const unknown = new PluginError('Unknown driver "x"', {
    statusCode: 400,
    retriable: false,
    suggestion: 'Choose one of: memory | redis.',
    metadata: { availableDrivers: ['memory', 'redis'] }
  });
  assert.deepEqual(
    [unknown.statusCode, unknown.retriable, unknown.suggestion, unknown.metadata],
    [400, false, 'Choose one of: memory | redis.', { availableDrivers: ['memory', 'redis'] }]
  );
});

guide(55, "this.emit('plugin.started', { name }) and other events of the plugin's own", async ({ connect }) => {
  class Emitting extends Plugin {
    async onStart() {
      this.emit('plugin.started', { name: this.name });
      this.emit('cache.hit', { key: 'a', value: 1 });
    }
  }
  const plugin = new Emitting();
  const seen = [];
  plugin.on('plugin.started', (event) => seen.push(event));
  plugin.on('cache.hit', (event) => seen.push(event));
  await (await connect()).usePlugin(plugin);
  assert.deepEqual(seen, [{ name: 'Emitting' }, { key: 'a', value: 1 }]);
});

guide(56, 'patching resource methods in a plugin', async ({ connect }) => {
  class Interceptor extends Plugin {
    async onInstall() {
      this.log = [];
      const { users } = this.database.resources;
      this.interceptOperation(users, 'insert');
      const plugin = this;
      users.newMethod = async function (...args) {
        return plugin.processMethod(this, ...args);
      };
    }
    interceptOperation(resource, operation) {
      const plugin = this;
      const original = resource[operation];

      resource[operation] = async function (...args) {
        // Pre-processing
        await plugin.beforeOperation(operation, args);

        // Call original
        const result = await original.apply(this, args);

        // Post-processing
        await plugin.afterOperation(operation, result);

        return result;
      };
    }
    async beforeOperation(operation) {
      this.log.push(`before ${operation}`);
    }
    async afterOperation(operation, result) {
      this.log.push(`after ${operation} ${result.name}`);
    }
    async processMethod(resource, ...args) {
      return [resource.name, ...args];
    }
  }
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  const plugin = await database.usePlugin(new Interceptor());
  await users.insertMany([{ name: 'a' }]);
  assert.deepEqual(plugin.log, ['before insert', 'after insert a']);
  assert.deepEqual(await users.newMethod(1, 2), ['users', 1, 2]);
});

guide(57, "resource.on('inserted') and resource.on('updated')", async ({ connect }) => {
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  const seen = [];
  users.on('inserted', async (data) => seen.push(data.name));
  users.on('updated', async (data) => seen.push(data.id, data.$before.name, data.$after.name));
  await users.insert({ id: 'a', name: 'x' });
  await users.update('a', { name: 'y' });
  while (seen.length < 4) await settle();
  assert.deepEqual(seen, ['x', 'a', 'x', 'y']);
});

guide(81, 'this.database.resources[name] is undefined when missing', async ({ connect }) => {
  const database = await connect();
  for (const name of ['nope', 'constructor', 'toString', '__proto__']) assert.equal(database.resources[name], undefined);
});

guide(82, "const [ok, err, value] = await tryFn(...), and emit('plugin.error', err)", async ({ connect }) => {
  const plugin = await (await connect()).usePlugin(new Simple());
  const errors = [];
  plugin.on('plugin.error', (error) => errors.push(error.message));
  const [ok, err, result] = await tryFn(() => Promise.reject(new Error('failed')));
  if (!ok) plugin.emit('plugin.error', err);
  assert.deepEqual([ok, result, errors], [false, undefined, ['failed']]);
  assert.deepEqual(await tryFn(async () => 5), [true, null, 5]);
});

guide(83, 'plugins are installed one after the other, in order', async ({ connect }) => {
  const log = [];
  class Slow extends Plugin {
    async onInstall() {
      log.push(`${this.options.n} begins`);
      await new Promise((resolve) => setTimeout(resolve, 20 / this.options.n));
      log.push(`${this.options.n} ends`);
    }
  }
  await connect({ plugins: [new Slow({ n: 1 }), new Slow({ n: 2 }), new Slow({ n: 3 })] });
  assert.deepEqual(log, ['1 begins', '1 ends', '2 begins', '2 ends', '3 begins', '3 ends']);
});

guide(84, 'error.description has diagnostics', async () => {
  for (const error of [
    new AnalyticsNotEnabledError({ resourceName: 'users', field: 'balance' }),
    new PartitionError('bad', { partitionName: 'p' }),
    new PluginError('bad', { pluginName: 'p' })
  ]) {
    assert.equal(typeof error.description, 'string');
    assert.ok(error.description.length > 0);
  }
});

guide(86, 'the error of a partition on a missing field names what there is', async ({ connect }) => {
  const database = await connect();
  await assert.rejects(
    database.createResource({
      name: 'users',
      attributes: { id: 'string|optional', country: 'string|required' },
      partitions: { byRegion: { fields: { region: 'string' } } }
    }),
    (error) => {
      assert.ok(error.message.includes("Partition 'byRegion' uses field 'region' which does not exist"), error.message);
      assert.ok(error.message.includes('Available fields: '), error.message);
      assert.match(error.description, /country/);
      return true;
    }
  );
});

guide(87, 'strictValidation: false skips that check', async ({ connect }) => {
  const config = { name: 'users', attributes, partitions: { byRegion: { fields: { region: 'string' } } } };
  const database = await connect({ strictValidation: false });
  const users = await database.createResource(config);
  assert.equal((await users.insert({ name: 'a' })).name, 'a');
  const again = await connect({ strictValidation: false });
  assert.ok(again.resources.users);
});

guide(88, "new Database({ bucket: 'my-bucket', plugins }) without credentials", async () => {
  const database = new Database({ bucket: 'my-bucket', plugins: [new Simple()] });
  assert.equal(database.bucket, 'my-bucket');
  assert.equal(database.pluginList.length, 1);
});

guide(92, 'plugins may look for methods that exist, and built-in ones never replace them', async ({ connect }) => {
  class Careful extends Plugin {
    async onInstall() {
      const { users } = this.database.resources;
      if (users.addBalance) {
        this.emit('plugin.warning', 'Method addBalance already exists');
        return;
      }
      users.addBalance = async () => 'plugin';
    }
  }
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  users.addBalance = async () => 'mine';
  const plugin = new Careful();
  const warnings = [];
  plugin.on('plugin.warning', (text) => warnings.push(text));
  await database.usePlugin(plugin);
  assert.deepEqual([await users.addBalance(), warnings], ['mine', ['Method addBalance already exists']]);
});
