// The production stack of the plugin guide as it is written there, on s3s-fs with a Redis of its own: a multi-tier cache, audit,
// metrics and costs over one database that two processes could share.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AuditPlugin, CachePlugin, CostsPlugin, MetricsPlugin } from '../../js/index.js';
import { s3sFsConnectionString, temporaryDirectory, withoutS3sFs } from './support/clients.js';
import { connectDatabase, settle } from './support/databases.js';
import { startRedis, withoutRedis } from './support/redis.js';

const RECORDS = 120;
const people = Array.from({ length: RECORDS }, (_, at) => ({
  id: `user-${String(at).padStart(3, '0')}`,
  email: `user${at}@example.com`,
  city: ['Lisbon', 'Porto', 'Faro'][at % 3],
  points: at
}));

/** Which command a request of the client is counted as. */
const COUNTED = { PutObject: 'put', CopyObject: 'copy', ListObjectsV2: 'list', GetObject: 'get', HeadObject: 'head' };

describe('production stack', { skip: withoutS3sFs || withoutRedis }, () => {
  let server;
  let connectionString;
  const unhandled = [];
  const note = (error) => unhandled.push(error);

  before(async () => {
    server = await startRedis();
    connectionString = s3sFsConnectionString();
    process.on('unhandledRejection', note);
  });

  after(async () => {
    process.off('unhandledRejection', note);
    await server.kill();
  });

  /** The list of the guide, without the plugins that this version does not have; Redis joins the tiers, where processes share it. */
  function stack(directory) {
    const redis = { host: '127.0.0.1', port: server.port, connectTimeout: 500, commandTimeout: 500, retryDelay: 20, retryAttempts: 1 };
    return [
      // Performance optimization
      new CachePlugin({
        driver: 'multi',
        config: {
          strategy: 'all',
          destinations: [
            { driver: 'memory', config: { maxSize: 1000 } },
            { driver: 'redis', config: redis },
            { driver: 'filesystem', config: { path: directory } }
          ]
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
        collectInTests: true,
        flushInterval: 0,
        prometheus: { enabled: false }
      }),
      CostsPlugin
    ];
  }

  async function open(directory) {
    const database = await connectDatabase({ connectionString, plugins: stack(directory) });
    const users = await database.createResource({
      name: 'users',
      attributes: { email: 'string|required', city: 'string', points: 'number' },
      partitions: { byCity: { fields: { city: 'string' } } },
      asyncPartitions: false
    });
    return { database, users, plugins: database.plugins };
  }

  test('the production stack of the guide runs as written on s3s-fs with Redis', async () => {
    const directory = join(temporaryDirectory(), 'cache');
    const { database, users, plugins } = await open(directory);
    assert.deepEqual(Object.keys(plugins), ['cache', 'audit', 'metrics', 'costs']);

    // Every request is counted by the costs, and by nothing twice.
    const requests = {};
    let others = 0;
    database.client.on('command.request', (name) => {
      if (COUNTED[name]) requests[COUNTED[name]] = (requests[COUNTED[name]] ?? 0) + 1;
      else others += 1;
    });
    const counted = { ...database.client.costs.requests.counts };

    const inserted = await users.insertMany(people);
    assert.equal(inserted.length, RECORDS);
    assert.equal(await users.count(), RECORDS);
    assert.equal((await users.list({ partition: 'byCity', partitionValues: { city: 'Faro' } })).length, RECORDS / 3);
    assert.equal((await users.get('user-005')).points, 5);

    // Repeated reads cost no request.
    await plugins.audit.flush?.();
    await settle();
    const before = { ...requests };
    for (let turn = 0; turn < 5; turn += 1) {
      assert.equal(await users.count(), RECORDS);
      assert.equal((await users.list({ partition: 'byCity', partitionValues: { city: 'Faro' } })).length, RECORDS / 3);
      assert.equal((await users.get('user-005')).points, 5);
    }
    await settle();
    assert.deepEqual(requests, before);
    assert.ok(existsSync(directory) && readdirSync(directory).length > 0);

    // Writes are seen at once by every kind of read.
    await users.update('user-005', { points: 500, city: 'Porto' });
    await users.delete('user-002');
    assert.equal((await users.get('user-005')).points, 500);
    assert.equal(await users.count(), RECORDS - 1);
    assert.equal((await users.list({ partition: 'byCity', partitionValues: { city: 'Faro' } })).length, RECORDS / 3 - 2);
    assert.equal((await users.query({ points: 500 }))[0].id, 'user-005');

    // The audit has one entry for each change, with what was before and after.
    await plugins.audit.flush?.();
    const history = await plugins.audit.getRecordHistory('users', 'user-005');
    assert.deepEqual(history.map(({ operation }) => operation).sort(), ['insert', 'update']);
    const update = history.find(({ operation }) => operation === 'update');
    const data = (value) => (typeof value === 'string' ? JSON.parse(value) : value);
    assert.equal(data(update.oldData).points, 5);
    assert.equal(data(update.newData).points, 500);
    const stats = await plugins.audit.getAuditStats({ resourceName: 'users' });
    assert.deepEqual(
      [stats.total, stats.byOperation.insert, stats.byOperation.update, stats.byOperation.delete],
      [RECORDS + 2, RECORDS, 1, 1]
    );

    // The metrics have each call of the application once, and none of their own.
    const { resources } = plugins.metrics.metrics;
    assert.equal(
      Object.keys(resources).find((name) => name.startsWith('plg_metrics') || name.startsWith('plg_performance')),
      undefined
    );
    const { insert, update: updated, delete: deleted } = resources.users;
    assert.deepEqual([insert.count, updated.count, deleted.count, insert.errors], [RECORDS, 1, 1, 0]);
    await plugins.metrics.flushMetrics();

    // What the costs counted is what the client sent.
    await settle();
    const now = database.client.costs.requests.counts;
    for (const [method, count] of Object.entries(requests)) assert.equal(now[method] - counted[method], count, method);
    assert.equal(now.delete - counted.delete, others);
    assert.ok(database.client.costs.total > 0);
    await database.disconnect();
    assert.deepEqual(unhandled, []);
  });

  test('the stack serves right values while Redis is away and after its return, to a second instance too', async () => {
    const first = await open(join(temporaryDirectory(), 'cache'));
    const away = [];
    first.plugins.cache.driver.on('tier:error', ({ tier }) => away.push(tier));
    await first.users.insert({ id: 'shared', email: 'shared@example.com', city: 'Lisbon', points: 0 });
    let points = 0;
    const bump = async () => {
      points += 1;
      await first.users.update('shared', { points });
      assert.equal((await first.users.get('shared')).points, points);
    };
    await bump();
    assert.equal((await first.users.get('shared')).points, 1);
    await server.kill();
    for (let turn = 0; turn < 5; turn += 1) await bump();
    assert.ok(away.length > 0 && away.every((tier) => tier.includes('redis')), JSON.stringify(away));
    await server.restart();
    for (let turn = 0; turn < 5; turn += 1) await bump();
    assert.equal((await first.users.get('shared')).points, 11);
    // Another process has tiers of its own, and Redis in common.
    const second = await open(join(temporaryDirectory(), 'cache'));
    assert.equal((await second.users.get('shared')).points, 11);
    await first.plugins.audit.flush?.();
    const history = await first.plugins.audit.getRecordHistory('users', 'shared');
    assert.equal(history.filter(({ operation }) => operation === 'update').length, 11);
    await first.database.disconnect();
    await second.database.disconnect();
    assert.deepEqual(unhandled, []);
  });

  test('uninstalling the stack leaves the resources as they were', async () => {
    const { database, users, plugins } = await open(join(temporaryDirectory(), 'cache'));
    await users.upsert({ id: 'last', email: 'last@example.com', city: 'Faro', points: 1 });
    for (const name of Object.keys(plugins).reverse()) await database.uninstallPlugin(name, { purgeData: true });
    assert.deepEqual(Object.keys(database.plugins), []);
    let requests = 0;
    database.client.on('command.request', () => {
      requests += 1;
    });
    assert.equal((await users.get('last')).points, 1);
    assert.equal((await users.get('last')).points, 1);
    assert.equal(requests, 2);
    assert.equal(users.cache, undefined);
    await users.delete('last');
    await database.disconnect();
    assert.deepEqual(unhandled, []);
  });
});
