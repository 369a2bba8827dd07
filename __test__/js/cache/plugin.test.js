import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  CacheError,
  CachePlugin,
  FilesystemCache,
  MemoryCache,
  MultiTierCache,
  PartitionAwareFilesystemCache,
  Plugin,
  PluginError,
  RedisCache,
  S3Cache
} from '../../../js/index.js';
import { attributes, partitions, SlowDriver, withCache } from '../support/cache.js';
import { temporaryDirectory } from '../support/clients.js';
import { allKeys, connectDatabase, makeDatabase, reopen } from '../support/databases.js';

test('spec10_02 config has the documented members and defaults', () => {
  const plugin = new CachePlugin();
  assert.deepEqual(Object.keys(plugin.config), [
    ...['driver', 'drivers', 'isMultiTier', 'promoteOnHit', 'strategy', 'fallbackOnError', 'config', 'include', 'exclude'],
    ...[
      'includePartitions',
      'partitionStrategy',
      'partitionAware',
      'trackUsage',
      'preloadRelated',
      'retryAttempts',
      'retryDelay',
      'verbose'
    ]
  ]);
  const { config, ...rest } = plugin.config;
  assert.deepEqual(rest, {
    driver: 's3',
    drivers: undefined,
    isMultiTier: false,
    promoteOnHit: true,
    strategy: 'write-through',
    fallbackOnError: true,
    include: null,
    exclude: [],
    includePartitions: true,
    partitionStrategy: 'hierarchical',
    partitionAware: true,
    trackUsage: true,
    preloadRelated: true,
    retryAttempts: 3,
    retryDelay: 100,
    verbose: false
  });
  assert.deepEqual(config, { ttl: undefined, maxSize: undefined, maxMemoryBytes: undefined, maxMemoryPercent: undefined });
  assert.ok(plugin instanceof Plugin);
  assert.equal(plugin.driver, undefined);
  assert.deepEqual(Object.keys(plugin.stats), ['hits', 'misses', 'writes', 'deletes', 'errors', 'startTime']);
  const given = new CachePlugin({ type: 'memory', ttl: 5, maxSize: 6, config: { ttl: 7, bucket: 'b' }, retryAttempts: 0, retryDelay: 0 });
  assert.deepEqual(
    [
      given.config.driver,
      given.config.config.ttl,
      given.config.config.maxSize,
      given.config.config.bucket,
      given.config.retryAttempts,
      given.config.retryDelay
    ],
    ['memory', 7, 6, 'b', 3, 100]
  );
});

test('spec10_02 unknown drivers, strategies and policies are refused with the valid ones', () => {
  const refused = (options, message, valid) =>
    assert.throws(
      () => new CachePlugin(options),
      (error) =>
        error instanceof CacheError &&
        error instanceof PluginError &&
        error.statusCode === 400 &&
        error.message === message &&
        valid.test(error.suggestion)
    );
  refused({ driver: 'memcached' }, 'Unknown cache driver: memcached', /memory, filesystem, s3, redis, multi/);
  refused({ drivers: [{ driver: 'memory' }, { driver: 'disk' }] }, 'Unknown cache driver: disk', /memory/);
  refused({ driver: {} }, 'Invalid cache driver: it has no get, set, clear', /get\(key\)/);
  refused({ strategy: 'never' }, 'Invalid cache strategy: never', /write-through, lazy-promotion/);
  refused({ driver: 'multi' }, "The 'multi' cache driver needs its tiers", /destinations/);
  refused({ methodPolicies: { gett: true } }, 'Unknown method in methodPolicies: gett', /'get'/);
  refused({ include: 'users' }, 'include must be an array of resource names', /include: \['users'\]/);
  const error = new CacheError('x', { key: 'k' });
  assert.deepEqual([error.name, error.context === error.data, error.data.key, error.statusCode], ['CacheError', true, 'k', 500]);
});

test('spec10_02 unknown options warn once with the nearest valid one, and are refused under strictOptions', async () => {
  const warnings = [];
  const plugin = new CachePlugin({ driver: 'memory', excludes: [], config: { maxSzie: 5, logEvictions: true } });
  plugin.on('plugin.warning', (warning) => warnings.push(warning.message));
  await connectDatabase({ plugins: [plugin] });
  assert.deepEqual(warnings, [
    "Unknown option 'excludes' for CachePlugin; did you mean 'exclude'?",
    "Unknown option 'config.maxSzie' for CachePlugin; did you mean 'maxSize'?"
  ]);
  const nested = new CachePlugin({
    drivers: [
      { driver: 'memory', tll: 5, config: { maxSzie: 1 } },
      { driver: 'redis', config: { connectionName: 'of ioredis' } }
    ],
    methodPolicies: { get: { ttlMS: 5 } }
  });
  warnings.length = 0;
  nested.on('plugin.warning', (warning) => warnings.push(warning.message));
  await connectDatabase({ plugins: [nested] });
  assert.deepEqual(warnings, [
    "Unknown option 'drivers[0].tll' for CachePlugin; did you mean 'ttl'?",
    "Unknown option 'drivers[0].config.maxSzie' for CachePlugin; did you mean 'maxSize'?",
    "Unknown option 'methodPolicies.get.ttlMS' for CachePlugin; did you mean 'ttlMs'?"
  ]);
  for (const options of [
    { driver: 'memory', ttll: 1 },
    { driver: 'memory', config: { ttll: 1 } },
    { drivers: [{ driver: 'memory', config: { ttll: 1 } }] }
  ]) {
    const strict = makeDatabase({ strictOptions: true, plugins: [new CachePlugin(options)] });
    await assert.rejects(strict.connect(), (error) => error.original instanceof PluginError && error.original.statusCode === 400);
  }
});

test('spec10_02 every driver is built with its options', async () => {
  const directory = temporaryDirectory();
  const build = async (options) => {
    const plugin = new CachePlugin(options);
    await connectDatabase({ plugins: [plugin] });
    return plugin.driver;
  };
  const memory = await build({ driver: 'memory', maxSize: 5, config: { evictionPolicy: 'lru' } });
  assert.ok(memory instanceof MemoryCache);
  assert.deepEqual([memory.maxSize, memory.evictionPolicy, memory.ttl], [5, 'lru', 300_000]);
  const s3 = await build({});
  assert.ok(s3 instanceof S3Cache);
  assert.deepEqual([s3.ttlMs, s3.keyPrefix], [0, 'cache']);
  const aware = await build({ driver: 'filesystem', partitionStrategy: 'flat', config: { directory } });
  assert.ok(aware instanceof PartitionAwareFilesystemCache);
  assert.deepEqual([aware.partitionStrategy, aware.trackUsage, aware.preloadRelated, aware.config.ttl], ['flat', true, true, 3_600_000]);
  const plain = await build({ driver: 'filesystem', partitionAware: false, config: { path: directory } });
  assert.ok(plain instanceof FilesystemCache && !(plain instanceof PartitionAwareFilesystemCache));
  const redis = await build({ driver: 'redis', ttl: 1000, config: { port: 1 } });
  assert.ok(redis instanceof RedisCache);
  assert.deepEqual([redis.ttlMs, redis.config.port], [1000, 1]);
  const tiers = await build({
    drivers: [
      { driver: 'memory', ttl: 7, maxSize: 2, config: { maxSize: 3 } },
      { driver: 's3', name: 'cold' }
    ]
  });
  assert.ok(tiers instanceof MultiTierCache);
  assert.deepEqual(
    tiers.drivers.map(({ name }) => name),
    ['L1-memory', 'cold']
  );
  assert.deepEqual([tiers.drivers[0].instance.ttl, tiers.drivers[0].instance.maxSize], [7, 3]);
  const own = new MemoryCache();
  assert.equal(await build({ driver: own }), own);
});

test('spec10_13 the multi driver of the plugin guide runs as written', async () => {
  const directory = join(temporaryDirectory(), 'cache');
  const { users, plugin } = await withCache({
    driver: 'multi',
    config: {
      strategy: 'all',
      destinations: [
        { driver: 'memory', config: { maxSize: 1000 } },
        { driver: 'filesystem', config: { path: directory } }
      ]
    }
  });
  assert.deepEqual([plugin.config.strategy, plugin.config.isMultiTier], ['write-through', true]);
  await users.insert({ id: 'u1', name: 'a' });
  await users.get('u1');
  assert.ok(existsSync(join(directory, 'resource=users', 'action=get')));
  assert.equal((await users.get('u1')).name, 'a');
  assert.equal(plugin.stats.hits, 1);
});

test('spec10_03 resources gain the documented members, once', async () => {
  const { users, plugin, database } = await withCache();
  assert.equal(database.plugins.cache, plugin);
  assert.deepEqual(Object.keys(users.cacheInstances), ['cache']);
  assert.equal(users.cache, plugin.driver);
  assert.ok(!Object.keys(users).includes('cache') && Object.keys(users).includes('cacheInstances'));
  assert.deepEqual(
    [users.getCacheDriver() === plugin.driver, users.getCacheDriver('cache') === plugin.driver, users.getCacheDriver('none')],
    [true, true, null]
  );
  assert.equal(await users.cacheKeyFor({ action: 'list' }), 'resource=users/action=list.json.gz');
  assert.equal(await users.getCacheKeyResolver('cache')({ action: 'get', params: { id: 'u1' } }), await users.cacheKeyFor({ id: 'u1' }));
  assert.equal(users.getCacheKeyResolver('none'), null);
  const lengths = () => [...users._middlewares.values()].map((chain) => chain.length);
  const before = lengths();
  await database.createResource({ name: 'users', attributes, partitions, asyncPartitions: false });
  plugin.installResourceHooksForResource(users);
  plugin.installResourceHooks();
  assert.deepEqual(lengths(), before);
  assert.equal(users.clearPartitionCache, undefined);
});

test('spec10_03 which resources are cached', async () => {
  const { database, plugin } = await withCache({ exclude: ['secret'] });
  for (const name of ['secret', 'plain', 'plg_own']) await database.createResource({ name, attributes: { a: 'string' } });
  await database.createResource({ name: 'made', attributes: { a: 'string' }, createdBy: 'AuditPlugin' });
  assert.deepEqual(
    ['users', 'secret', 'plain', 'plg_own', 'made'].map((name) => [
      plugin.shouldCacheResource(name),
      Boolean(database.resources[name].cacheInstances)
    ]),
    [
      [true, true],
      [false, false],
      [true, true],
      [false, false],
      [false, false]
    ]
  );
  const listed = await withCache({ include: ['plg_own', 'made', 'secret'], exclude: ['secret'] });
  assert.deepEqual(
    ['users', 'plg_own', 'secret'].map((name) => listed.plugin.shouldCacheResource(name)),
    [false, true, false]
  );
});

test('spec10_03 resources restored from the bucket are cached too', async () => {
  const first = await withCache();
  await first.users.insert({ id: 'u1', name: 'a' });
  const plugin = new CachePlugin({ driver: 'memory' });
  const database = await reopen(first.database, { plugins: [plugin], client: first.database.client });
  const { users } = database.resources;
  await users.get('u1');
  await users.get('u1');
  assert.equal(plugin.stats.hits, 1);
});

test('spec10_03 several instances are named by alias, slug, namespace and registry name, as the guide shows', async () => {
  const database = await connectDatabase();
  const users = await database.createResource({ name: 'users', attributes });
  const hot = await database.usePlugin(new CachePlugin({ driver: 'memory', namespace: 'hot-path' }), 'cacheHot');
  const cold = await database.usePlugin(new CachePlugin({ driver: 's3', namespace: 'analytics' }), 'cacheCold');
  assert.equal(database.plugins.cacheHot, hot);
  for (const name of ['cacheHot', 'cache--hot-path', 'hot-path']) assert.equal(users.getCacheDriver(name), hot.driver, name);
  for (const name of ['cacheCold', 'cache--analytics', 'analytics']) assert.equal(users.getCacheDriver(name), cold.driver, name);
  assert.equal(await users.getCacheKeyResolver('cache--analytics')({ action: 'list' }), 'resource=users/action=list.json.gz');
  assert.equal(users.cache, hot.driver);
  await users.insert({ id: 'u1', name: 'a' });
  await users.get('u1');
  assert.ok((await allKeys(database)).some((key) => key.startsWith('plugin=cache--analytics/cache/resource=users/action=get/')));
  await users.get('u1');
  assert.deepEqual([hot.stats.hits, cold.stats.hits, cold.stats.misses > 0], [1, 0, true]);
  await users.update('u1', { name: 'b' });
  assert.equal((await users.get('u1')).name, 'b');
  await database.uninstallPlugin('cacheHot');
  assert.deepEqual(Object.keys(users.cacheInstances), ['cacheCold']);
  assert.equal(users.cache, cold.driver);
  assert.equal((await users.get('u1')).name, 'b');
  await database.uninstallPlugin(cold, { purgeData: true });
  assert.deepEqual([users.cache, users.cacheInstances, users.getCacheDriver], [undefined, undefined, undefined]);
  assert.deepEqual(
    (await allKeys(database)).filter((key) => key.startsWith('plugin=')),
    []
  );
  assert.ok([...users._middlewares.values()].every((chain) => chain.length === 0));
});

test('spec10_03 two instances without names are kept apart', async () => {
  const one = new CachePlugin({ driver: 'memory' });
  const two = new CachePlugin({ driver: 'memory' });
  const database = await connectDatabase({ plugins: [one, two] });
  const users = await database.createResource({ name: 'users', attributes });
  assert.deepEqual(Object.keys(users.cacheInstances), ['cache', 'cache2']);
  assert.equal(users.getCacheDriver('cache2'), two.driver);
});

test('spec10_14_18 a stopped plugin lets reads through and closes what it opened', async () => {
  const { users, plugin, requests } = await withCache();
  await users.insert({ id: 'u1', name: 'a' });
  await users.get('u1');
  let closed = 0;
  plugin.driver.close = async () => {
    closed += 1;
  };
  await plugin.stop();
  assert.equal(closed, 1);
  assert.equal(await requests(() => users.get('u1')), 1);
  await plugin.start();
  assert.equal(await requests(() => users.get('u1')), 0);
});

test('spec10_14_18 writes while the plugin is stopped leave nothing old for its next start', async () => {
  for (const options of [{}, { driver: 's3' }]) {
    const { users, plugin } = await withCache(options);
    await users.insert({ id: 'u1', name: 'a' });
    await users.get('u1');
    await users.list();
    await plugin.stop();
    await users.update('u1', { name: 'b' });
    await plugin.start();
    for (let i = 0; i < 5; i += 1) {
      assert.equal((await users.get('u1')).name, 'b');
      assert.equal((await users.list())[0].name, 'b');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await users.get('u1');
    const { hits } = plugin.stats;
    await users.get('u1');
    assert.equal(plugin.stats.hits, hits + 1);
  }
});

test('spec10_13 enabled switches reads off and leaves clears on', async () => {
  const { users, plugin, requests } = await withCache();
  await users.insert({ id: 'u1', name: 'a' });
  await users.get('u1');
  assert.deepEqual([plugin.enabled, plugin.driver.enabled], [true, true]);
  for (const owner of [plugin, plugin.driver]) {
    owner.enabled = false;
    assert.equal(await requests(() => users.get('u1')), 1);
    await users.update('u1', { name: `off ${owner === plugin}` });
    owner.enabled = true;
    assert.match((await users.get('u1')).name, /off/);
  }
});

test('spec10_07 statistics, and operations as the guide counts them', async () => {
  const { users, plugin } = await withCache();
  const fresh = plugin.getStats();
  assert.deepEqual(
    [fresh.hits, fresh.total, fresh.hitRate, fresh.missRate, fresh.uptimeFormatted, fresh.hitsPerSecond, fresh.operations],
    [0, 0, '0.00%', '0.00%', '0s', 0, 0]
  );
  await users.insert({ id: '1', name: 'test' });
  assert.equal(plugin.getStats().operations, 1);
  await users.get('1');
  for (let i = 0; i < 3; i += 1) await users.get('1');
  const { hits, misses, total, hitRate, missRate, hitRateDecimal, operations, startTime } = plugin.getStats();
  assert.deepEqual([hits, misses, total, hitRate, missRate, hitRateDecimal, operations], [3, 1, 4, '75.00%', '25.00%', 0.75, 5]);
  assert.match(startTime, /^\d{4}-\d\d-\d\dT/);
  for (const call of [
    () => users.page({ size: 1 }),
    () => users.query({ n: 1 }),
    () => users.list(),
    () => users.getAll(),
    () => users.getMany(['1']),
    () => users.patch('1', { n: 2 }),
    () => users.upsert({ id: '1', name: 'x' }),
    () => users.insertMany([{ name: 'y' }])
  ]) {
    const before = plugin.getStats().operations;
    await call();
    assert.equal(plugin.getStats().operations, before + 1, String(call));
  }
  plugin.resetStats();
  assert.deepEqual([plugin.getStats().total, plugin.getStats().operations, plugin.stats.writes], [0, 0, 0]);
  assert.equal(plugin._formatUptime(90_061), '1d 1h 1m 1s');
  assert.equal(plugin._formatUptime(3600), '1h');
  assert.equal(plugin._formatUptime(0), '0s');
});

test('spec10_07 getCacheStats, clearAllCache and its alias', async () => {
  assert.equal(await new CachePlugin({ driver: 'memory' }).getCacheStats(), null);
  const { users, plugin } = await withCache({ config: { enableStats: true } });
  await users.count();
  const { size, keys, driver, stats } = await plugin.getCacheStats();
  assert.deepEqual([size, keys, driver, stats.sets], [1, ['resource=users/action=count.json.gz'], 'MemoryCache', 1]);
  await plugin.driver.set('resource=other/x', 1);
  await plugin.clearAllCache();
  assert.deepEqual(await plugin.driver.keys(), ['resource=other/x']);
  await users.count();
  await plugin.clearCache();
  assert.equal((await plugin.driver.keys()).length, 1);
});

test('spec10_07 warming reads pages and partitions', async () => {
  const { users, plugin, requests } = await withCache({ config: { maxSize: 0 } });
  await users.insertMany(Array.from({ length: 150 }, (_, i) => ({ id: `u${i}`, name: 'x', region: i % 2 ? 'US' : 'BR' })));
  assert.deepEqual(await plugin.warmCache('users', { sampleSize: 120 }), {
    resourceName: 'users',
    recordsSampled: 120,
    partitionsWarmed: 1
  });
  assert.equal(await requests(() => users.list({ partition: 'byRegion', partitionValues: { region: 'US' } })), 0);
  assert.equal(await requests(() => users.page({ offset: 100, size: 100 })), 0);
  assert.equal((await plugin.warmCache('users', { includePartitions: false })).partitionsWarmed, 0);
  await assert.rejects(plugin.warmCache('none'), (error) => {
    assert.ok(error instanceof CacheError && error.message.includes('Resource not found for cache warming'));
    return error.data.availableResources.includes('users') && error.context === error.data;
  });
});

test('spec10_07 usage is analysed with the partition-aware driver', async () => {
  const memory = await withCache();
  assert.match((await memory.plugin.analyzeCacheUsage()).message, /only available with PartitionAwareFilesystemCache/);
  const { users, plugin } = await withCache({ driver: 'filesystem', config: { directory: temporaryDirectory() } });
  await users.insert({ id: 'u1', name: 'a', region: 'US' });
  const place = { partition: 'byRegion', partitionValues: { region: 'US' } };
  for (let i = 0; i < 12; i += 1) await users.list(place);
  const report = await plugin.analyzeCacheUsage();
  assert.equal(report.totalResources, 1);
  assert.ok(report.resourceStats.users.usage.byRegion.count >= 12);
  assert.deepEqual(
    report.summary.mostUsedPartitions.map(({ resource, partition }) => [resource, partition]),
    [['users', 'byRegion']]
  );
  assert.equal(report.summary.suggestedOptimizations.length, 3);
  assert.ok((await users.getPartitionCacheStats('byRegion')).usage.byRegion.count >= 12);
  assert.equal((await users.getCacheRecommendations())[0].recommendation, 'preload');
  assert.equal(await users.warmPartitionCache(['byRegion']), 1);
  assert.equal(await plugin.warmCache('users'), 1);
  assert.equal(await users.clearPartitionCache('byRegion', { region: 'US' }), true);
  const { misses } = plugin.stats;
  await users.list(place);
  assert.ok(plugin.stats.misses > misses);
});

test('spec10_16 a cache namespace warms, invalidates and passes on to its driver', async () => {
  const { users, plugin, requests } = await withCache();
  await users.insert({ id: 'u1', name: 'a', n: 1 });
  const cache = users.getCacheNamespace();
  assert.equal(users.getCacheNamespace('none'), null);
  assert.deepEqual(Object.keys(users.cacheNamespaces), ['cache']);
  assert.deepEqual(
    [cache.driver === plugin.driver, cache.instanceKey, cache.driverName, cache.getDriver() === plugin.driver],
    [true, 'cache', 'memory', true]
  );
  assert.equal(await cache.keyFor('list'), await cache.resolve({ action: 'list' }));
  assert.equal((await cache.warmItem('u1', { returnData: true })).name, 'a');
  assert.equal(await cache.warmMany(['u1']), true);
  await cache.warmList();
  await cache.warmPage({ size: 5 });
  await cache.warmQuery({ n: 1 });
  await cache.warmCount();
  await cache.warmPartition('byRegion', { region: 'US' });
  await cache.warm();
  for (const read of [
    () => users.get('u1'),
    () => users.list(),
    () => users.page({ size: 5 }),
    () => users.query({ n: 1 }),
    () => users.count()
  ]) {
    assert.equal(await requests(read), 0);
  }
  await cache.invalidate('u1');
  assert.equal(await requests(() => users.get('u1')), 1);
  await plugin.driver.set('resource=others/x', 1);
  await cache.clear();
  assert.deepEqual(await cache.keys(), ['resource=others/x']);
  assert.equal(cache.stats().operations, plugin.getStats().operations);
  assert.equal(cache.maxSize, 1000);
  await assert.rejects(cache.invalidate({ id: 5 }), CacheError);
});

test('spec10_16 memory events reach the plugin', async () => {
  const { users, plugin } = await withCache({ config: { maxSize: 1 } });
  const events = [];
  plugin.on('cache:memoryEvict', (event) => events.push(event.evicted));
  await users.count();
  await users.exists('a');
  assert.deepEqual(events, [1]);
});

test('spec05_19_16 a database that is disconnected and connected again is cached again', async () => {
  const { database, plugin } = await withCache();
  await database.disconnect();
  await database.connect();
  const users = database.resources.users ?? (await database.createResource({ name: 'users', attributes }));
  await users.count();
  await users.count();
  assert.ok(plugin.stats.hits >= 1);
  assert.equal(users.cache, plugin.driver);
});

test('spec10_03 a plugin installed directly has its slug as key', async () => {
  const database = await connectDatabase();
  const users = await database.createResource({ name: 'users', attributes });
  const plugin = new CachePlugin({ driver: new SlowDriver(), namespace: 'own' });
  await plugin.install(database);
  assert.deepEqual(Object.keys(users.cacheInstances), ['cache--own']);
  await users.count();
  await users.count();
  assert.equal(plugin.stats.hits, 1);
  await plugin.uninstall();
  assert.equal(users.cacheInstances, undefined);
});
