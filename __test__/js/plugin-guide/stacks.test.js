// The plugin guide: the quick start and combinations of plugins.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AuditPlugin, CachePlugin, CostsPlugin, MetricsPlugin } from '../../../js/index.js';
import { temporaryDirectory } from '../support/clients.js';
import { settle } from '../support/databases.js';
import { guide, guideLater } from '../support/guide.js';

guide(2, 'plugins in the constructor are installed and started by connect()', async ({ make }) => {
  const db = make({
    plugins: [
      // Performance
      new CachePlugin({ driver: 'memory', config: { maxSize: 1000 } }),

      // Monitoring
      new AuditPlugin({ trackOperations: ['inserted', 'updated', 'deleted'] }),
      new MetricsPlugin({ trackLatency: true }),

      // Cost tracking (no config needed)
      CostsPlugin
    ]
  });

  await db.connect();

  // Plugins automatically enhance all resources
  const users = await db.createResource({
    name: 'users',
    attributes: { email: 'string|required' }
  });

  // Cache, audit, metrics all work automatically!
  const { id } = await users.insert({ email: 'user@example.com' });
  assert.equal((await users.get(id)).email, 'user@example.com');
  assert.equal((await users.get(id)).email, 'user@example.com');
  await settle();
  assert.deepEqual(Object.keys(db.plugins), ['cache', 'audit', 'metrics', 'costs']);
  assert.equal(db.plugins.audit.getLogs().length, 1);
  assert.ok(db.client.costs.requests.total > 0);
});

guide(3, 'CostsPlugin listed without new in plugins', async ({ make }) => {
  const db = make({ plugins: [CostsPlugin], passphrase: 'top secret passphrase' });
  await db.connect();
  assert.ok(db.plugins.costs instanceof CostsPlugin);
  assert.equal(JSON.stringify(db.plugins.costs.config ?? {}).includes('top secret'), false);
});

guide(4, 'await db.usePlugin(CostsPlugin)', async ({ connect }) => {
  const db = await connect();
  const plugin = await db.usePlugin(CostsPlugin);
  assert.ok(plugin instanceof CostsPlugin);
  assert.equal(db.plugins.costs, plugin);
});

guide(15, "getCacheDriver('cache--hot-path') after usePlugin(plugin, 'cacheHot')", async ({ connect }) => {
  const db = await connect();
  const users = await db.createResource({ name: 'users', attributes: { name: 'string' } });
  await db.usePlugin(new CachePlugin({ driver: 'memory', namespace: 'hot-path' }), 'cacheHot');
  const driver = users.getCacheDriver('cache--hot-path');
  assert.ok(driver);
  for (const name of ['cacheHot', 'hot-path', undefined]) assert.equal(users.getCacheDriver(name), driver, String(name));
});

guide(16, "getCacheKeyResolver('cache--analytics')({ action: 'list' })", async ({ connect }) => {
  const db = await connect();
  const users = await db.createResource({ name: 'users', attributes: { name: 'string' } });
  await db.usePlugin(new CachePlugin({ driver: 'memory', namespace: 'hot-path' }), 'cacheHot');
  await db.usePlugin(new CachePlugin({ driver: 's3', namespace: 'analytics' }), 'cacheCold');
  const coldKey = await users.getCacheKeyResolver('cache--analytics')({ action: 'list' });
  assert.match(coldKey, /resource=users.*action=list/);
});

guide(38, 'driver and config, with an error that lists the drivers', async ({ connect }) => {
  const db = await connect();
  const path = temporaryDirectory();
  const users = await db.createResource({ name: 'users', attributes: { name: 'string' } });
  await db.usePlugin(new CachePlugin({ driver: 'filesystem', config: { directory: path } }));
  await users.insert({ id: 'a', name: 'Ada' });
  await users.get('a');
  await settle();
  assert.ok(existsSync(path));
  await assert.rejects(
    async () => db.usePlugin(new CachePlugin({ driver: 'floppy' }), 'wrong'),
    (error) => {
      const cause = error.original ?? error;
      assert.equal(cause.name, 'CacheError');
      assert.match(`${cause.message} ${cause.suggestion}`, /memory/);
      return true;
    }
  );
});

guide(39, "CachePlugin({ driver: 'multi', config: { strategy, destinations } })", async ({ connect }) => {
  const db = await connect();
  const users = await db.createResource({ name: 'users', attributes: { name: 'string' } });
  await db.usePlugin(
    new CachePlugin({
      driver: 'multi',
      config: {
        strategy: 'all',
        destinations: [
          { driver: 'memory', config: { maxSize: 1000 } },
          { driver: 'filesystem', config: { path: join(temporaryDirectory(), 'cache') } }
        ]
      }
    })
  );
  await users.insert({ id: 'a', name: 'Ada' });
  assert.equal((await users.get('a')).name, 'Ada');
  assert.equal((await users.get('a')).name, 'Ada');
  await users.update('a', { name: 'Bob' });
  assert.equal((await users.get('a')).name, 'Bob');
});

guide(90, "the guide's sample test: cache.getStats().operations and audit.getLogs()", async ({ connect }) => {
  const database = await connect();
  const cache = new CachePlugin({ driver: 'memory' });
  const audit = new AuditPlugin({ driver: 'memory' });

  await database.usePlugin(cache);
  await database.usePlugin(audit);

  // Test combined functionality
  const resource = await database.createResource({ name: 'test', attributes: { data: 'string' } });
  await resource.insert({ id: '1', data: 'test' });

  // Verify both plugins are working
  assert.equal(cache.getStats().operations, 1);
  assert.equal(audit.getLogs().length, 1);
});

guideLater(40, 'BackupPlugin drivers filesystem, s3, multi', 'belongs to the backup plugin');
guideLater(
  49,
  'EventualConsistencyPlugin({ resource, field, mode }) and wallets.add(id, amount)',
  'belongs to the eventual consistency plugin'
);
guideLater(
  79,
  'stacks with Backup, FullText, Replicator and Scheduler',
  'belongs to these plugins; Cache multi, Audit, Metrics and Costs together are rows 2 and 39'
);
guideLater(80, 'QueueConsumer, Replicator, Scheduler and StateMachine configurations', 'belongs to these plugins');
guideLater(85, 'Analytics not enabled for <resource>.<field>', 'thrown by the eventual consistency plugin; the error class is there');
guideLater(89, 'EventualConsistencyPlugin with fields of type counter and analytics', 'belongs to the eventual consistency plugin');
guideLater(91, 'createDatabaseForTest', 'a helper of the test suite of s3db.js, not shipped there either');
