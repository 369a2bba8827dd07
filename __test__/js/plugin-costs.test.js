import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { CostsPlugin, Database, MemoryClient, Plugin, PluginError, S3Client } from '../../js/index.js';
import { priceTable, STORAGE_CLASSES } from '../../js/plugins/costs.js';
import { s3ConnectionString, withoutS3 } from './support/clients.js';
import { connectDatabase, makeDatabase, requestsOf } from './support/databases.js';
import { runPage } from './support/docs.js';
import { plainClient } from './support/object-clients.js';

const attributes = { name: 'string|required' };
const GIB = 2 ** 30;

/** A connected database, its resource and its costs. */
async function withCosts(options = {}, plugin = new CostsPlugin()) {
  const database = await connectDatabase({ ...options, plugins: [plugin] });
  const users = await database.createResource({ name: 'users', attributes });
  return { database, users, plugin: Object.values(database.plugins)[0], costs: database.client.costs };
}

/** What `run` adds to the counters of the costs, by method. */
async function countsOf(costs, run) {
  const before = { ...costs.requests.counts };
  await run();
  const counts = {};
  for (const [method, count] of Object.entries(costs.requests.counts)) if (count > before[method]) counts[method] = count - before[method];
  return counts;
}

const near = (actual, expected) =>
  assert.ok(Math.abs(actual - expected) <= 1e-12 + Math.abs(expected) * 1e-9, `${actual} is not ${expected}`);

test('spec12_c1_identity_options_and_config', async () => {
  const plugin = new CostsPlugin();
  assert.deepEqual(plugin.config, { considerFreeTier: false, region: 'us-east-1' });
  assert.deepEqual([plugin.name, plugin.slug], ['CostsPlugin', 'costs']);
  assert.deepEqual(new CostsPlugin({ region: 'eu-west-1', considerFreeTier: true, trackStorage: true }).config, {
    considerFreeTier: true,
    region: 'eu-west-1',
    trackStorage: true
  });
  assert.throws(
    () => new CostsPlugin({ storageClass: 'COLD' }),
    (error) => error instanceof PluginError && error.statusCode === 400 && STORAGE_CLASSES.every((name) => error.suggestion.includes(name))
  );
  assert.throws(() => new CostsPlugin({ costThreshold: 'much' }), /costThreshold/);
  assert.throws(() => new CostsPlugin({ maxHistoryPoints: -1 }), /maxHistoryPoints/);
});

test('spec12_c2_cost_object_has_the_documented_shape', () => {
  const plugin = new CostsPlugin();
  const prices = { put: 0.000005, copy: 0.000005, list: 0.000005, post: 0.000005, get: 4e-7, select: 4e-7, delete: 4e-7, head: 4e-7 };
  const { usage, ...costs } = JSON.parse(JSON.stringify(plugin.costs));
  assert.deepEqual(costs, {
    total: 0,
    requests: {
      prices,
      total: 0,
      counts: { put: 0, post: 0, copy: 0, list: 0, get: 0, select: 0, delete: 0, head: 0 },
      totalEvents: 0,
      events: {
        PutObjectCommand: 0,
        GetObjectCommand: 0,
        CopyObjectCommand: 0,
        HeadObjectCommand: 0,
        DeleteObjectCommand: 0,
        DeleteObjectsCommand: 0,
        ListObjectsV2Command: 0
      },
      errors: 0,
      subtotal: 0
    },
    storage: {
      totalBytes: 0,
      totalGB: 0,
      netBytes: 0,
      tiers: [
        { limit: 51200, pricePerGB: 0.023 },
        { limit: 512000, pricePerGB: 0.022 },
        { limit: 999999999, pricePerGB: 0.021 }
      ],
      currentTier: 0,
      subtotal: 0
    },
    dataTransfer: {
      inBytes: 0,
      inGB: 0,
      inCost: 0,
      outBytes: 0,
      outGB: 0,
      tiers: [
        { limit: 10240, pricePerGB: 0.09 },
        { limit: 51200, pricePerGB: 0.085 },
        { limit: 153600, pricePerGB: 0.07 },
        { limit: 999999999, pricePerGB: 0.05 }
      ],
      freeTierGB: 100,
      freeTierUsed: 0,
      currentTier: 0,
      subtotal: 0
    }
  });
  assert.equal(usage.totalEvents, 0);
  assert.deepEqual(plugin.map, {
    PutObjectCommand: 'put',
    GetObjectCommand: 'get',
    CopyObjectCommand: 'copy',
    HeadObjectCommand: 'head',
    DeleteObjectCommand: 'delete',
    DeleteObjectsCommand: 'delete',
    ListObjectsV2Command: 'list'
  });
});

test('spec12_c3_add_request_counts_sizes_and_prices', () => {
  const plugin = new CostsPlugin();
  plugin.addRequest('PutObjectCommand', 'put', {}, { Body: 'héllo' });
  plugin.addRequest('PutObjectCommand', 'put', {}, { body: Buffer.alloc(10) });
  plugin.addRequest('GetObjectCommand', 'get', { httpResponse: { headers: { 'content-length': '100' } } });
  plugin.addRequest('GetObjectCommand', 'get', { ContentLength: 5 });
  plugin.addRequest('NobodyKnowsCommand', 'put');
  const { requests, storage, dataTransfer, total } = plugin.costs;
  assert.deepEqual([requests.total, requests.totalEvents, requests.counts.put, requests.counts.get], [4, 4, 2, 2]);
  assert.deepEqual([requests.events.PutObjectCommand, requests.events.GetObjectCommand], [2, 2]);
  assert.deepEqual([storage.totalBytes, dataTransfer.inBytes, dataTransfer.outBytes], [16, 16, 105]);
  near(requests.subtotal, 2 * 0.000005 + 2 * 0.0000004);
  near(storage.subtotal, (16 / GIB) * 0.023);
  near(dataTransfer.subtotal, (105 / GIB) * 0.09);
  near(total, requests.subtotal + storage.subtotal + dataTransfer.subtotal);
});

test('spec12_c3_tiers_are_walked_by_capacity', () => {
  const plugin = new CostsPlugin();
  const storage = { totalGB: 60_000, tiers: plugin.costs.storage.tiers };
  near(plugin.calculateStorageCost(storage), 51_200 * 0.023 + 8800 * 0.022);
  assert.equal(storage.currentTier, 1);
  const transfer = { outGB: 20_000, tiers: plugin.costs.dataTransfer.tiers, freeTierGB: 100, freeTierUsed: 0 };
  near(plugin.calculateDataTransferCost(transfer), 10_240 * 0.09 + 9760 * 0.085);
  assert.deepEqual([transfer.currentTier, transfer.freeTierUsed], [1, 0]);
  const huge = { totalGB: 2e9, tiers: plugin.costs.storage.tiers };
  near(plugin.calculateStorageCost(huge), 51_200 * 0.023 + 460_800 * 0.022 + (2e9 - 512_000) * 0.021);
  plugin.trackStorage(GIB);
  plugin.trackDataTransferIn(GIB);
  plugin.trackDataTransferOut(2 * GIB);
  assert.deepEqual([plugin.costs.storage.totalGB, plugin.costs.dataTransfer.inGB, plugin.costs.dataTransfer.outGB], [1, 1, 2]);
  near(plugin.costs.total, 0.023 + 0.18);
});

test('spec12_c3_every_request_is_counted_once_bulk_ones_included', async () => {
  const { database, users, costs } = await withCosts();
  const rows = Array.from({ length: 50 }, (_, i) => ({ id: `u${i}`, name: `n${i}` }));
  for (const [run, least] of [
    [() => users.insert({ id: 'a', name: 'A' }), { put: 1 }],
    [() => users.insertMany(rows), { put: 50 }],
    [() => users.get('a'), { get: 1 }],
    [() => users.getMany(rows.map(({ id }) => id)), { get: 50 }],
    [() => users.update('a', { name: 'B' }), { get: 1, put: 1 }],
    [() => users.patch('a', { name: 'C' }), {}],
    [() => users.delete('a'), { delete: 2 }],
    [() => users.deleteMany(rows.map(({ id }) => id)), { delete: 1 }],
    [() => users.list(), { list: 1 }]
  ]) {
    let counts;
    const requests = await requestsOf(database, async () => {
      counts = await countsOf(costs, run);
    });
    const sum = (values) => Object.values(values).reduce((a, b) => a + b, 0);
    assert.equal(sum(counts), sum(requests), `${run}: ${JSON.stringify({ counts, requests })}`);
    for (const [method, count] of Object.entries(least)) assert.equal(counts[method], count, `${run} ${method}`);
  }
});

test('spec12_c3_the_fast_path_of_the_engine_stays_on', async () => {
  const { database } = await withCosts();
  const { nativeStoreOf } = await import('../../js/client/index.js');
  assert.notEqual(nativeStoreOf(database.client), null);
  assert.equal(database.client.listenerCount('cl:response'), 0);
});

test('spec12_c3_direct_calls_of_a_memory_client_count_as_on_s3', async () => {
  const client = new MemoryClient();
  const database = makeDatabase({ client, plugins: [CostsPlugin] });
  await database.connect();
  const { costs } = client;
  assert.deepEqual(await countsOf(costs, () => client.putObject({ key: 'k', body: 'abc' })), { put: 1 });
  assert.deepEqual(await countsOf(costs, () => client.putObject({ key: 'k2', body: 'abc', ifNoneMatch: '*' })), { put: 1 });
  assert.deepEqual(await countsOf(costs, () => client.getObject('k')), { get: 1 });
  assert.deepEqual(await countsOf(costs, () => client.headObject('k')), { head: 1 });
  assert.deepEqual(await countsOf(costs, () => client.copyObject({ from: 'k', to: 'c' })), { copy: 1 });
  assert.deepEqual(await countsOf(costs, () => client.listObjects({ prefix: '' })), { list: 1 });
  assert.deepEqual(await countsOf(costs, () => client.deleteObjects(['c'])), { delete: 1 });
  assert.equal(costs.requests.events.DeleteObjectsCommand, 1);
  assert.ok(costs.dataTransfer.inBytes >= 6 && costs.dataTransfer.outBytes >= 3);
});

test('spec12_c3_real_s3_is_counted_once', { skip: withoutS3 }, async () => {
  const database = new Database({ connectionString: s3ConnectionString(), plugins: [CostsPlugin] });
  await database.connect();
  try {
    const users = await database.createResource({ name: 'users', attributes });
    const { costs } = database.client;
    assert.deepEqual(await countsOf(costs, () => users.insertMany([{ name: 'a' }, { name: 'b' }, { name: 'c' }])), { put: 3 });
    assert.equal(costs.usage.byResource.users.byMethod.put, 3);
  } finally {
    await database.disconnect();
  }
});

test('spec12_c4_static_plugin_in_the_list_by_class_and_through_use_plugin', async () => {
  const listed = await connectDatabase({ plugins: [CostsPlugin], passphrase: 'very-private' });
  assert.ok(listed.plugins.costs instanceof CostsPlugin);
  assert.deepEqual(listed.plugins.costs.config, { considerFreeTier: false, region: 'us-east-1' }, 'the database is no option');
  const database = await connectDatabase();
  const plugin = await database.usePlugin(CostsPlugin);
  assert.equal(plugin.costs, database.client.costs);
  await database.createResource({ name: 'users', attributes });
  assert.ok(database.client.costs.requests.counts.put > 0);
});

test('spec12_c4_setup_installs_or_reconfigures', async () => {
  const database = await connectDatabase();
  const plugin = await CostsPlugin.setup(database, { considerFreeTier: true });
  assert.equal(plugin.config.considerFreeTier, true);
  const again = await CostsPlugin.setup(database, { customPricing: { put: 1 } });
  assert.equal(again, plugin);
  assert.deepEqual([again.config.considerFreeTier, database.client.costs.requests.prices.put], [true, 1]);
  await assert.rejects(CostsPlugin.setup(database, { customPricing: { put: -1 } }), /customPricing.put/);
  assert.equal(database.client.costs.requests.prices.put, 1, 'a refused change changes nothing');
});

test('spec12_c4_static_default_prices_are_copied_by_new_instances', () => {
  const before = CostsPlugin.costs.requests.prices.get;
  try {
    CostsPlugin.costs.requests.prices.get = 0.5;
    CostsPlugin.costs.storage.tiers[0].pricePerGB = 9;
    const plugin = new CostsPlugin();
    assert.equal(plugin.costs.requests.prices.get, 0.5);
    assert.equal(plugin.costs.storage.tiers[0].pricePerGB, 9);
    plugin.costs.requests.prices.get = 7;
    assert.equal(CostsPlugin.costs.requests.prices.get, 0.5);
  } finally {
    CostsPlugin.costs.requests.prices.get = before;
    CostsPlugin.costs.storage.tiers[0].pricePerGB = 0.023;
  }
});

test('spec12_c4_reset_aliases_and_one_object', async () => {
  const { database, users, plugin, costs } = await withCosts();
  await users.insert({ name: 'x' });
  assert.equal(plugin.costs, costs);
  assert.equal(plugin.getCosts(), costs);
  assert.equal(costs.requests.put, costs.requests.counts.put);
  assert.equal(costs.prices, costs.requests.prices);
  for (const key of ['reset', 'prices', 'pricing']) assert.ok(!Object.keys(costs).includes(key), key);
  assert.ok({ ...costs }.total > 0, 'it spreads');
  costs.reset();
  assert.deepEqual([costs.total, costs.requests.total, costs.usage.points.length], [0, 0, 0]);
  await users.insert({ name: 'y' });
  assert.equal(database.client.costs.requests.counts.put, 1);
  plugin.resetCosts();
  assert.equal(costs.requests.counts.put, 0);
});

test('spec12_c4_custom_prices_thresholds_and_regions', async () => {
  const plugin = new CostsPlugin({
    customPricing: {
      put: 0.01,
      requests: { get: 0.02 },
      storage: 0.1,
      dataTransfer: { tiers: [{ limit: 10, pricePerGB: 1 }], freeTierGB: 3 }
    }
  });
  const { requests, storage, dataTransfer } = plugin.costs;
  assert.deepEqual([requests.prices.put, requests.prices.get, requests.prices.head], [0.01, 0.02, 4e-7]);
  assert.deepEqual(
    storage.tiers.map(({ pricePerGB }) => pricePerGB),
    [0.1, 0.1, 0.1]
  );
  assert.deepEqual([dataTransfer.tiers, dataTransfer.freeTierGB], [[{ limit: 10, pricePerGB: 1 }], 3]);
  assert.throws(() => new CostsPlugin({ customPricing: { gte: 1 } }), /customPricing.gte/);
  assert.throws(() => new CostsPlugin({ customPricing: { storage: 'dear' } }), /customPricing.storage/);
  assert.throws(() => new CostsPlugin({ customPricing: 3 }), /customPricing/);

  assert.equal(new CostsPlugin({ region: 'sa-east-1' }).costs.requests.prices.put, 0.000007);
  assert.equal(new CostsPlugin({ region: 'sa-east-1' }).costs.pricing.region, 'sa-east-1');
  assert.match(new CostsPlugin().costs.pricing.asOf, /^\d{4}-\d\d$/);
  assert.deepEqual(new CostsPlugin({ storageClass: 'STANDARD_IA' }).costs.storage.tiers, [{ limit: 999999999, pricePerGB: 0.0125 }]);
  assert.equal(priceTable('garage').region, 'us-east-1', 'regions of other providers are priced like us-east-1, and say so');

  const alarm = new CostsPlugin({ costThreshold: 0.000008 });
  const alerts = [];
  alarm.on('plg:costs:threshold', (alert) => alerts.push(alert));
  alarm.addRequest('PutObjectCommand', 'put');
  assert.equal(alerts.length, 0);
  for (let i = 0; i < 3; i += 1) alarm.addRequest('PutObjectCommand', 'put');
  assert.equal(alerts.length, 1);
  assert.equal(alerts[0].threshold, 0.000008);
  alarm.resetCosts();
  for (let i = 0; i < 3; i += 1) alarm.addRequest('PutObjectCommand', 'put');
  assert.equal(alerts.length, 2, 'once per crossing');
  const silent = new CostsPlugin({ costThreshold: 0, alertOnThreshold: false });
  silent.on('plg:costs:threshold', (alert) => alerts.push(alert));
  silent.addRequest('PutObjectCommand', 'put');
  assert.equal(alerts.length, 2);
});

test('spec12_c4_the_threshold_is_seen_without_reading_the_costs', async () => {
  const plugin = new CostsPlugin({ costThreshold: 0.000001 });
  const alerted = new Promise((resolve) => plugin.once('plg:costs:threshold', resolve));
  const { users } = await withCosts({}, plugin);
  await users.insert({ name: 'x' });
  const keepAlive = setTimeout(() => {}, 60_000);
  assert.ok((await alerted).total > 0.000001);
  clearTimeout(keepAlive);
});

test('spec12_c4_looking_at_the_counters_is_background_work_whose_failures_are_plugin_events', async () => {
  const plugin = new CostsPlugin({ costThreshold: 0.000001 });
  const { users } = await withCosts({}, plugin);
  const failures = [];
  plugin.on('plugin.error', (failure) => failures.push(failure));
  plugin.on('plg:costs:threshold', () => {
    throw new Error('listener');
  });
  await users.insert({ name: 'x' });
  const task = plugin.background.get('sample');
  while (failures.length === 0) await task.trigger();
  assert.deepEqual([failures[0].task, failures[0].error.message], ['sample', 'listener']);
  plugin.removeAllListeners('plg:costs:threshold');
  await plugin.stop();
  assert.deepEqual([task.active, plugin.background.tasks.length], [false, 0]);
});

test('spec12_c5_d1_the_free_tier_is_used_once', () => {
  const plugin = new CostsPlugin({ considerFreeTier: true });
  for (let i = 0; i < 60; i += 1) plugin.trackDataTransferOut(GIB);
  assert.deepEqual([plugin.costs.dataTransfer.freeTierUsed, plugin.costs.dataTransfer.subtotal], [60, 0]);
  for (let i = 0; i < 60; i += 1) plugin.trackDataTransferOut(GIB);
  assert.equal(plugin.costs.dataTransfer.freeTierUsed, 100);
  near(plugin.costs.dataTransfer.subtotal, 20 * 0.09);
});

test('spec12_c5_d2_net_bytes_follow_overwrites_and_deletes', async () => {
  const { database, costs } = await withCosts();
  const { client } = database;
  const before = costs.storage.netBytes;
  const written = costs.storage.totalBytes;
  await client.putObject({ key: 'resource=x/a', body: 'x'.repeat(100) });
  await client.putObject({ key: 'resource=x/a', body: 'x'.repeat(40) });
  assert.equal(costs.storage.netBytes - before, 40);
  assert.equal(costs.storage.totalBytes - written, 140, 'bytes written, as in 13.6');
  await client.deleteObject('resource=x/a');
  assert.equal(costs.storage.netBytes, before);
});

test('spec12_c5_d3_one_collector_per_client_detached_on_stop', async () => {
  const database = await connectDatabase({ plugins: [new CostsPlugin(), new CostsPlugin()] });
  const users = await database.createResource({ name: 'users', attributes });
  const [first, second] = [database.plugins.costs, database.plugins.costs2];
  assert.equal(first.costs, second.costs);
  assert.deepEqual(await countsOf(first.costs, () => users.insert({ name: 'x' })), { put: 1 });
  await database.uninstallPlugin('costs2');
  assert.equal(database.client.costs, first.costs, 'the other plugin still counts');
  await first.stop();
  const stopped = first.costs.requests.total;
  await users.insert({ name: 'y' });
  assert.equal(first.costs.requests.total, stopped, 'readable, and still');
  await first.start();
  await users.insert({ name: 'z' });
  assert.equal(first.costs.requests.total, stopped + 1, 'goes on after a restart');
  await database.uninstallPlugin('costs');
  assert.equal(database.client.costs, undefined);
});

test('spec12_c5_d3_listeners_of_foreign_transports_go_on_stop', async () => {
  const client = new S3Client({ connectionString: 's3://key:secret@my-bucket/x', AwsS3Client: { send: async () => ({}), config: {} } });
  const plugin = new CostsPlugin();
  await plugin.install({ client, resources: {}, emit() {} });
  await plugin.start();
  await client.putObject({ key: 'a', body: 'abc' });
  assert.deepEqual([plugin.costs.requests.counts.put, plugin.costs.storage.totalBytes], [1, 3]);
  await plugin.stop();
  await client.putObject({ key: 'b', body: 'abc' });
  assert.equal(plugin.costs.requests.counts.put, 1);
  assert.equal(client.listenerCount('cl:response'), 0);
});

test('spec12_c5_d4_copies_and_streams_add_what_is_known', async () => {
  const { database, costs } = await withCosts();
  const before = costs.storage.totalBytes;
  await database.client.putObject({ key: 'resource=x/a', body: 'x'.repeat(50) });
  await database.client.copyObject({ from: 'resource=x/a', to: 'resource=x/b' });
  assert.equal(costs.storage.totalBytes - before, 100);
  const plugin = new CostsPlugin();
  plugin.addRequest('PutObjectCommand', 'put', {}, { Body: { pipe() {} }, ContentLength: 7 });
  assert.equal(plugin.costs.storage.totalBytes, 7);
});

test('spec12_c5_d5_failed_requests_are_counted_and_told_apart', async () => {
  const { database, users, costs } = await withCosts();
  const { errors } = costs.requests;
  assert.deepEqual(await countsOf(costs, () => assert.rejects(users.get('nobody'))), { get: 1 });
  assert.equal(costs.requests.errors, errors + 1);
  assert.equal(await database.client.exists('nothing'), false);
  assert.equal(costs.requests.errors, errors + 2);
  const client = new S3Client({
    connectionString: 's3://key:secret@my-bucket/x',
    AwsS3Client: { config: {}, send: async () => Promise.reject(Object.assign(new Error('no'), { name: 'AccessDenied' })) }
  });
  const plugin = new CostsPlugin();
  await plugin.install({ client, resources: {}, emit() {} });
  await assert.rejects(client.getObject('a'));
  assert.deepEqual([plugin.costs.requests.counts.get, plugin.costs.requests.errors], [1, 1]);
});

test('spec12_c5_d6_reading_the_costs_does_not_count_again', async () => {
  const { users, costs } = await withCosts();
  await users.insert({ name: 'x' });
  const { total } = costs;
  for (let i = 0; i < 10; i += 1) assert.equal(costs.total, total);
});

test('spec12_c5_d7_multipart_tagging_and_other_commands_are_mapped', () => {
  const plugin = new CostsPlugin();
  plugin.addRequest('UploadPartCommand', undefined, {}, { Body: 'abc' });
  plugin.addRequest('CompleteMultipartUploadCommand');
  plugin.addRequest('GetObjectTaggingCommand');
  plugin.addRequest('SelectObjectContentCommand');
  const { counts, events } = plugin.costs.requests;
  assert.deepEqual([counts.put, counts.post, counts.get, counts.select], [1, 1, 1, 1]);
  assert.equal(events.UploadPartCommand, 1);
  assert.equal(JSON.parse(JSON.stringify(events)).CompleteMultipartUploadCommand, 1);
});

test('spec12_c5_life_cycle_numbers_survive_disconnect_and_nothing_is_stored', async () => {
  const database = await connectDatabase({ plugins: [new CostsPlugin()] });
  await database.createResource({ name: 'users', attributes });
  const plugin = database.plugins.costs;
  assert.deepEqual((await database.client.getAllKeys({ prefix: 'plugin=' })).length, 0);
  const { total } = plugin.costs.requests;
  await database.disconnect();
  assert.ok(plugin.costs.requests.total >= total);
  const after = plugin.costs.requests.total;
  await database.connect();
  assert.ok(plugin.costs.requests.total > after || plugin.costs.requests.total === after);
  await database.resource('users').insert({ name: 'x' });
  assert.ok(plugin.costs.requests.total > after);
});

test('spec12_c5_own_clients_are_counted_at_their_methods', async () => {
  const { users, costs } = await withCosts({ client: plainClient() });
  assert.equal((await countsOf(costs, () => users.insert({ name: 'x' }))).put, 1);
});

test('spec12_c5_install_without_a_client_does_nothing', async () => {
  const plugin = new CostsPlugin();
  await plugin.install({ resources: {}, emit() {} });
  await plugin.start();
  await plugin.stop();
  await plugin.uninstall();
  assert.equal(plugin.costs.total, 0);
  const emitter = new EventEmitter();
  const other = new CostsPlugin();
  await other.install({ client: emitter, resources: {}, emit() {} });
  await other.start();
  emitter.emit('cl:response', 'PutObjectCommand', {}, { Body: 'abc', Key: 'app/resource=r/data/id=1' });
  assert.equal(emitter.costs.usage.byResource.r.totalRequests, 1);
  await other.stop();
});

test('spec12_c7_usage_by_resource_and_plugin_snapshots_and_estimates', async () => {
  class Heavy extends Plugin {
    async estimateUsage({ days, perDay = 10 }) {
      return { totalRequests: days * perDay };
    }
  }
  const { database, users, plugin, costs } = await withCosts();
  const orders = await database.createResource({ name: 'orders', attributes });
  costs.reset();
  await users.insertMany([{ name: 'a' }, { name: 'b' }]);
  await orders.insert({ name: 'o' });
  await database.client.putObject({ key: 'plugin=cache/x', body: 'abc' });
  const { byResource, byPlugin, points, totalEvents } = costs.usage;
  assert.deepEqual([byResource.users.totalRequests, byResource.orders.byMethod, byPlugin.cache.bytesIn], [2, { put: 1 }, 3]);
  assert.equal(totalEvents, 4);
  assert.deepEqual(Object.keys(points[0]).sort(), [
    'bytesIn',
    'bytesOut',
    'command',
    'count',
    'key',
    'method',
    'plugin',
    'requestCost',
    'resource',
    'timestamp'
  ]);
  const all = plugin.snapshot();
  assert.deepEqual([all.totalRequests, all.byMethod, all.byCommand], [4, { put: 4 }, { PutObjectCommand: 4 }]);
  near(all.requestCost, 4 * 0.000005);
  assert.equal(plugin.snapshot({ resource: 'users' }).totalRequests, 2);
  assert.equal(plugin.snapshot({ plugin: 'cache' }).totalRequests, 1);
  assert.equal(plugin.snapshot({ from: 0, to: 1 }).totalRequests, 0);
  assert.throws(() => plugin.snapshot({ from: 'yesterday-ish' }), PluginError);

  await database.usePlugin(new Heavy(), 'heavy');
  const estimate = await plugin.estimate({
    days: 2,
    observedWindowMs: 86_400_000,
    requestMultiplier: 3,
    pluginAssumptions: { heavy: { perDay: 7 } }
  });
  assert.deepEqual([estimate.windowDays, estimate.observedWindowMs, estimate.requestMultiplier], [2, 86_400_000, 3]);
  assert.equal(estimate.projected.totalRequests, 24);
  near(estimate.projected.requestCost, 24 * 0.000005);
  assert.deepEqual([estimate.projected.pluginProjectedRequests, estimate.projected.combinedRequests], [14, 38]);
  assert.deepEqual((await plugin.estimate({ includePluginEstimates: false })).pluginEstimates, {});
  await assert.rejects(plugin.estimate({ days: 0 }), PluginError);
});

test('spec12_c7_history_is_bounded', () => {
  const plugin = new CostsPlugin({ maxHistoryPoints: 1000 });
  for (let i = 0; i < 3000; i += 1) plugin.addRequest('GetObjectCommand', 'get', {}, { Key: `k${i}` });
  assert.ok(plugin.costs.usage.points.length <= 1000);
  assert.equal(plugin.costs.usage.totalEvents, 3000);
});

test('spec12_c_unknown_options_warn_with_the_nearest', async () => {
  const warnings = [];
  const database = makeDatabase({ plugins: [new CostsPlugin({ considerFreeTeir: true })] });
  database.on('db:warning', (warning) => warnings.push(warning));
  await database.connect();
  assert.deepEqual(
    warnings.map(({ code, details }) => [code, details.nearest]),
    [['UNKNOWN_OPTION', 'considerFreeTier']]
  );
  const strict = makeDatabase({ strictOptions: true, plugins: [new CostsPlugin({ considerFreeTeir: true })] });
  await assert.rejects(strict.connect(), /considerFreeTeir/);
});

test('spec12_c_two_databases_count_apart', async () => {
  const one = await withCosts();
  const two = await withCosts();
  assert.deepEqual(await countsOf(two.costs, () => one.users.insert({ name: 'x' })), {});
});

test('spec12_c_the_snippets_of_the_costs_page_run', async () => {
  const { programs, compared } = await runPage('costs.md');
  assert.deepEqual([programs, compared >= 9], [1, true]);
});
