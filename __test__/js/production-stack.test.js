// The production stack of the plugin guide: a multi-tier cache, audit, metrics and costs over one database, on s3s-fs with a
// Redis of its own that is killed and restarted while the application works.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { AuditPlugin, CachePlugin, CostsPlugin, MetricsPlugin } from '../../js/index.js';
import { s3sFsConnectionString, withoutS3sFs } from './support/clients.js';
import { connectDatabase } from './support/databases.js';
import { startMeter } from './support/meter.js';
import { startRedis, withoutRedis } from './support/redis.js';

const RECORDS = 20;
const CITIES = ['Lisbon', 'Porto'];
const people = Array.from({ length: RECORDS }, (_, at) => ({
  id: `user-${String(at).padStart(2, '0')}`,
  email: `user${at}@example.com`,
  city: CITIES[at % 2],
  points: at
}));
const attributes = { email: 'string|required', city: 'string', points: 'number' };
const inFaro = { partition: 'byCity', partitionValues: { city: 'Faro' } };

/** The list of the guide without the plugins that this version does not have yet, and with its tiers shared by processes. */
function productionPlugins(port) {
  const redis = { host: '127.0.0.1', port, connectTimeout: 500, commandTimeout: 500, retryDelay: 20, retryAttempts: 1 };
  return [
    // Performance optimization
    new CachePlugin({
      driver: 'multi',
      config: {
        strategy: 'all',
        destinations: [{ driver: 'memory', config: { maxSize: 1000 } }, { driver: 'redis', config: redis }, { driver: 's3' }]
      }
    }),

    // Monitoring and compliance
    new AuditPlugin({
      includeData: true,
      trackOperations: ['inserted', 'updated', 'deleted']
    }),
    new MetricsPlugin({
      collectPerformance: true,
      trackSlowQueries: true,
      // Tests run under NODE_ENV=test, where it would rest; its records are written when the test asks for them.
      collectInTests: true,
      flushInterval: 0,
      prometheus: { enabled: false }
    }),
    CostsPlugin
  ];
}

async function open(connectionString, port) {
  const database = await connectDatabase({ connectionString, plugins: productionPlugins(port) });
  const users = await database.createResource({
    name: 'users',
    attributes,
    partitions: { byCity: { fields: { city: 'string' } } },
    asyncPartitions: false
  });
  return { database, users, ...database.plugins };
}

const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
const emitters = ({ client }) => client.eventNames().map((name) => [String(name), client.listenerCount(name)]);

test('the production stack of the guide: right results, no recursion, counts that add up, a Redis that goes and comes, nothing left behind', {
  skip: withoutS3sFs || withoutRedis
}, async (t) => {
  const unhandled = [];
  const note = (error) => unhandled.push(error);
  process.on('unhandledRejection', note);
  const redis = await startRedis();
  const meter = await startMeter(s3sFsConnectionString());
  t.after(async () => {
    process.off('unhandledRejection', note);
    await redis.kill();
    await meter.close();
  });
  // What a connection asks for before its plugins are there is counted by the meter alone.
  const uncounted = {};
  const opened = async () => {
    const before = { ...meter.counts };
    const stack = await open(meter.connectionString, redis.port);
    for (const [kind, count] of Object.entries(meter.counts)) {
      uncounted[kind] = (uncounted[kind] ?? 0) + count - (before[kind] ?? 0) - stack.costs.costs.requests.counts[kind];
    }
    return stack;
  };
  const { database, users, cache, audit, metrics, costs } = await opened();
  assert.deepEqual(Object.keys(database.plugins), ['cache', 'audit', 'metrics', 'costs']);
  const requestsOf = async (run) => {
    const before = sum(meter.counts);
    await run();
    return sum(meter.counts) - before;
  };

  // Results
  let operations = 0;
  const call = (method, ...args) => {
    operations += 1;
    return users[method](...args);
  };
  assert.equal((await call('insertMany', people)).length, RECORDS);
  await audit.flush();
  const reads = async () => [
    await call('count'),
    (await call('list', { partition: 'byCity', partitionValues: { city: 'Porto' } })).length,
    (await call('query', { points: 7 })).map(({ id }) => id),
    (await call('get', 'user-05')).points
  ];
  assert.deepEqual(await reads(), [RECORDS, RECORDS / 2, ['user-07'], 5]);
  assert.equal(await requestsOf(async () => assert.deepEqual(await reads(), [RECORDS, RECORDS / 2, ['user-07'], 5])), 0, 'from memory');
  await call('update', 'user-05', { points: 500, city: 'Faro' });
  await call('delete', 'user-02');
  assert.deepEqual(await reads(), [RECORDS - 1, RECORDS / 2 - 1, ['user-07'], 500]);
  assert.deepEqual(
    (await call('list', inFaro)).map(({ id }) => id),
    ['user-05']
  );
  assert.equal(cache.getStats().operations, operations);

  // Another process has memory of its own, and the other tiers in common.
  await audit.flush();
  const other = await opened();
  assert.equal((await other.users.list(inFaro))[0].points, 500);
  assert.ok(other.cache.driver.getStats().tiers[1].hits > 0, 'from Redis');
  await other.users.update('user-05', { points: 501 });
  assert.equal((await other.users.get('user-05')).points, 501);

  // Redis goes while readers and a writer are at work, and comes back.
  const away = [];
  cache.driver.on('tier:error', ({ tier }) => away.push(tier));
  let points = 1000;
  let running = true;
  await call('update', 'user-09', { points });
  const readers = Array.from({ length: 3 }, async () => {
    while (running) {
      const least = points;
      assert.ok((await users.get('user-09')).points >= least);
      assert.ok((await users.query({ id: 'user-09' }))[0].points >= least);
    }
  });
  const storm = Promise.all(readers);
  const work = async (times) => {
    for (let turn = 0; turn < times; turn += 1) {
      await users.update('user-09', { points: points + 1 });
      points += 1;
    }
  };
  try {
    await work(3);
    await redis.kill();
    await work(3);
    assert.ok(away.length > 0 && away.every((tier) => tier === 'L2-redis'), JSON.stringify(away));
    await redis.restart();
    await work(3);
  } finally {
    running = false;
    await storm;
  }
  assert.equal((await users.get('user-09')).points, 1009);
  assert.equal((await other.users.get('user-09')).points, 1009);
  const tier = cache.driver.getStats().tiers[1];
  for (let turn = 0; turn < 200 && cache.driver.getStats().tiers[1].sets === tier.sets; turn += 1) {
    await users.update('user-09', { points: 1009 });
    await users.get('user-09');
  }
  assert.ok(cache.driver.getStats().tiers[1].sets > tier.sets, 'Redis is used again');

  // The audit has one entry for each change, with what was before and after, and none about itself or the metrics.
  await audit.flush();
  const entry = (await audit.getRecordHistory('users', 'user-05')).find(({ operation }) => operation === 'update');
  assert.deepEqual([entry.oldData.points, entry.newData.points], [5, 500]);
  const audited = await audit.getAuditStats();
  const updates = audit.getLogs().filter(({ operation }) => operation === 'update').length;
  assert.deepEqual(Object.keys(audited.byResource), ['users']);
  assert.deepEqual([audited.byOperation.insert, audited.byOperation.delete], [RECORDS, 1]);
  // The other process made one update.
  assert.equal(audited.byOperation.update, updates + 1);

  // The metrics have each call once, and come to rest: what they store is not measured and not audited.
  const { insert, update, delete: deletes } = metrics.metrics.resources.users;
  assert.deepEqual([insert.count, update.count, deletes.count, insert.errors + update.errors + deletes.errors], [RECORDS, updates, 1, 0]);
  assert.deepEqual(Object.keys(metrics.metrics.resources).sort(), ['plg_audits', 'users']);
  assert.equal(metrics.metrics.resources.plg_audits.insert.count, RECORDS + updates + 1);
  const flush = async () => {
    await metrics.flushMetrics();
    await audit.flush();
    // References are written behind the records.
    for (const resource of Object.values(database.resources)) await resource._drain();
  };
  for (let turn = 0; turn < 2; turn += 1) await flush();
  assert.equal(await requestsOf(flush), 0, 'nothing is left to measure');
  assert.equal((await metrics.getStats()).operationsByType.insert.count, RECORDS + metrics.metricsTotals.resources.plg_audits.insert.count);

  // The costs are those of the requests that arrived.
  const [ours, theirs] = [costs, other.costs].map((plugin) => plugin.costs.requests.counts);
  for (const [kind, count] of Object.entries(meter.counts)) assert.equal(ours[kind] + theirs[kind] + (uncounted[kind] ?? 0), count, kind);
  assert.ok(sum(uncounted) < 20, JSON.stringify(uncounted));
  const { requests } = costs.costs;
  const { byCommand, byResource, totalRequests } = costs.snapshot();
  assert.equal(totalRequests, requests.total);
  assert.equal(sum(byCommand), requests.total);
  assert.ok(byResource.users.totalRequests > 0 && byResource.plg_audits.totalRequests > 0);
  const priced = Object.entries(requests.counts).reduce((total, [method, count]) => total + count * requests.prices[method], 0);
  assert.ok(Math.abs(requests.subtotal - priced) < 1e-12);

  // Nothing is left behind.
  await other.database.disconnect();
  for (const name of Object.keys(database.plugins).reverse()) {
    await database.uninstallPlugin(name, { purgeData: true, purgeResources: true });
  }
  assert.deepEqual(Object.keys(database.plugins), []);
  const plain = await connectDatabase({ connectionString: meter.connectionString });
  const bare = plain.resources.users;
  assert.deepEqual(Object.keys(database.resources), ['users']);
  // Methods that had a middleware stay dispatchers of the resource, with nothing to call but the method.
  const names = Object.getOwnPropertyNames(users).filter((name) => !Object.hasOwn(bare, name));
  assert.deepEqual(
    names.filter((name) => users[`_original_${name}`] === undefined),
    ['_pluginMiddlewares']
  );
  assert.deepEqual([[...users._middlewares.values()].flat(), Object.values(users._pluginMiddlewares).flat()], [[], []]);
  assert.deepEqual(emitters(database), emitters(plain));
  assert.equal(Object.hasOwn(database.client, 'costs'), false);
  assert.equal(await requestsOf(() => users.get('user-05')), await requestsOf(() => bare.get('user-05')));
  const keys = await plain.client.getAllKeys({ prefix: '' });
  assert.deepEqual(
    keys.filter((key) => !key.startsWith('resource=users/')),
    ['s3db.json']
  );
  const raw = new Redis({ host: '127.0.0.1', port: redis.port });
  assert.deepEqual(await raw.keys('*'), []);
  assert.equal(Number(/connected_clients:(\d+)/.exec(await raw.info('clients'))[1]), 1, 'connections are closed');
  raw.disconnect();
  assert.deepEqual(unhandled, []);
});
