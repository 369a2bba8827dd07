import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { test } from 'node:test';
import { AuditPlugin, CachePlugin, CostsPlugin, Database, MetricsPlugin, PluginError, S3Client } from '../../js/index.js';
import { Histogram } from '../../js/plugins/metrics/histogram.js';
import { MetricsError } from '../../js/plugins/metrics.js';
import { decideBulk } from '../../js/resource/bulk.js';
import { s3ConnectionString, withoutS3 } from './support/clients.js';
import { connectDatabase, makeDatabase, readMetadata, reopen, requestsOf } from './support/databases.js';
import { runPage } from './support/docs.js';
import { plainClient } from './support/object-clients.js';

const attributes = { name: 'string|required' };
const quiet = { flushInterval: 0, prometheus: { enabled: false } };

/** A connected database with the plugin and a resource. */
async function withMetrics(options = {}, databaseOptions = {}) {
  const database = await connectDatabase({ ...databaseOptions, plugins: [new MetricsPlugin({ ...quiet, ...options })] });
  const users = await database.createResource({ name: 'users', attributes });
  return { database, users, metrics: database.plugins.metrics };
}

/** What promtool checks: names, labels, types before samples, one block per family, no series twice, values that are numbers. */
function parseExposition(text) {
  assert.ok(text.endsWith('\n'));
  const types = new Map();
  const series = new Map();
  let family = null;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const meta = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (meta) {
      if (meta[1] === 'TYPE') {
        assert.ok(!types.has(meta[2]), `${meta[2]} is one block`);
        assert.match(meta[3], /^(counter|gauge|histogram|summary|untyped)$/);
        types.set(meta[2], meta[3]);
      }
      family = meta[2];
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$/.exec(line);
    assert.ok(sample, line);
    assert.equal(sample[1], family, 'samples follow their type');
    assert.ok(!Number.isNaN(Number(sample[3])), line);
    // One name of s3db.js 21 is not as promtool would have it.
    const named = family.endsWith('_total') || family === 's3db_pool_task_execution_total_seconds';
    if (types.get(family) === 'counter') assert.ok(named, family);
    const key = `${sample[1]}${sample[2] ?? ''}`;
    assert.ok(!series.has(key), `${key} appears once`);
    series.set(key, Number(sample[3]));
  }
  return series;
}

/** Status, headers and text of a request to the exporter. */
function ask(server, path, method = 'GET') {
  const { port } = server.address();
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    sent.on('error', reject).end();
  });
}

test('spec12_b1_identity_options_and_config', () => {
  const plugin = new MetricsPlugin();
  assert.deepEqual(plugin.config, {
    collectPerformance: true,
    collectErrors: true,
    collectUsage: true,
    retentionDays: 30,
    flushInterval: 60000,
    prometheus: { enabled: true, mode: 'auto', port: 9090, path: '/metrics', includeResourceLabels: true }
  });
  assert.deepEqual(
    [plugin.name, plugin.slug, plugin.flushTimer, plugin.metricsServer, plugin.metricsResource],
    ['MetricsPlugin', 'metrics', null, null, null]
  );
  assert.deepEqual(plugin.resourceNames, { metrics: 'plg_metrics', errors: 'plg_metrics_errors', performance: 'plg_metrics_performance' });
  assert.equal(new MetricsPlugin({ namespace: 'Shop 1' }).resourceNames.errors, 'plg_shop_1_metrics_errors');
  assert.equal(new MetricsPlugin({ resources: { metrics: 'old' } }).resourceNames.metrics, 'plg_old');
  assert.equal(new MetricsPlugin({ resourceNames: { metrics: 'mine' } }).resourceNames.metrics, 'plg_mine');
  assert.deepEqual(Object.keys(plugin.metrics), ['operations', 'resources', 'errors', 'performance', 'startTime']);
  assert.deepEqual(Object.keys(plugin.metrics.operations), ['insert', 'update', 'delete', 'get', 'list', 'count']);
  for (const bad of [
    { prometheus: { mode: 'push' } },
    { prometheus: { port: -1 } },
    { prometheus: { path: 'metrics' } },
    { sampleRate: 2 },
    { flushInterval: 'often' },
    { batchSize: 0 },
    { alertThresholds: { errors: 1 } },
    { onSlowQuery: true }
  ]) {
    assert.throws(
      () => new MetricsPlugin(bad),
      (error) => error instanceof PluginError && error.statusCode === 400,
      JSON.stringify(bad)
    );
  }
});

test('spec12_b2_resources_have_the_attributes_and_order_of_13_6', async () => {
  const { database } = await withMetrics();
  const { resources } = await readMetadata(database);
  const shape = (name) => {
    const { createdBy, versions, currentVersion, partitions } = resources[name];
    const { attributes: rules, behavior } = versions[currentVersion];
    assert.deepEqual([createdBy, behavior], ['MetricsPlugin', 'body-overflow']);
    assert.deepEqual(Object.keys(versions[currentVersion].partitions ?? partitions), ['byDate']);
    return Object.keys(rules).join();
  };
  assert.equal(shape('plg_metrics'), 'id,type,resourceName,operation,count,totalTime,errors,avgTime,timestamp,metadata,createdAt');
  assert.equal(shape('plg_metrics_errors'), 'id,resourceName,operation,error,timestamp,metadata,createdAt');
  assert.equal(shape('plg_metrics_performance'), 'id,resourceName,operation,duration,timestamp,metadata,createdAt');
});

test('spec12_b2_every_measured_method_counts_and_errors_are_rethrown', async () => {
  const { users, metrics } = await withMetrics();
  await users.insert({ id: 'a', name: 'A' });
  await users.update('a', { name: 'B' });
  assert.equal((await users.get('a')).name, 'B');
  await users.getMany(['a']);
  await users.getAll();
  await users.listIds();
  await users.count();
  await assert.rejects(users.get('nobody'), { name: 'NoSuchKey' });
  await users.delete('a');
  await users.deleteMany(['a']);
  const { operations, resources, errors, performance } = metrics.metrics;
  const counts = Object.fromEntries(Object.entries(operations).map(([name, { count }]) => [name, count]));
  assert.deepEqual(counts, { insert: 1, update: 1, delete: 2, get: 3, list: 2, count: 1 });
  assert.deepEqual(resources.users, operations);
  assert.equal(operations.get.errors, 1);
  assert.deepEqual(
    errors.map(({ resourceName, operation, error }) => [resourceName, operation, error.includes('nobody')]),
    [['users', 'get', true]]
  );
  assert.equal(performance.length, 10);
  assert.ok(performance.every(({ duration, timestamp }) => duration > 0 && !Number.isNaN(Date.parse(timestamp))));
  assert.equal(typeof users._insert, 'function');
  await users._insert({ name: 'unmeasured' });
  assert.equal(metrics.metrics.operations.insert.count, 1);
  await users.page({ size: 2 });
  assert.deepEqual([metrics.metrics.operations.list.count, metrics.metrics.operations.count.count], [4, 2], 'nested calls count too');
});

test('spec12_b2_bulk_inserts_stay_native_and_count_as_many', async () => {
  const { database, users, metrics } = await withMetrics();
  for (const operation of ['insertMany', 'getMany', 'getAll', 'listMain', 'query']) {
    assert.deepEqual(decideBulk(users, operation), { allowed: true, reason: '' }, operation);
  }
  const plain = await connectDatabase();
  const other = await plain.createResource({ name: 'users', attributes });
  const rows = Array.from({ length: 100 }, (_, i) => ({ id: `m${i}`, name: 'x' }));
  const [measured, bare] = [
    await requestsOf(database, () => users.insertMany([...rows, { name: 3 }])),
    await requestsOf(plain, () => other.insertMany(rows))
  ];
  assert.deepEqual(measured, bare, 'measuring costs no request');
  assert.deepEqual([metrics.metrics.operations.insert.count, metrics.metrics.operations.insert.errors], [101, 1]);
  assert.equal(metrics.getOperationMetrics('insert').count, 101);
});

test('spec12_b3_flush_stores_the_records_of_13_6_and_aggregates', async () => {
  const { users, metrics } = await withMetrics();
  for (let i = 0; i < 20; i += 1) await users.insert({ name: 'x' });
  for (let i = 0; i < 5; i += 1) await assert.rejects(users.get('nobody'));
  await metrics.flushMetrics();
  const records = await metrics.getMetrics();
  assert.deepEqual(records.map(({ resourceName, operation, count, errors }) => `${resourceName} ${operation} ${count} ${errors}`).sort(), [
    'global get 5 5',
    'global insert 20 0',
    'users get 5 5',
    'users insert 20 0'
  ]);
  const [record] = records;
  assert.match(record.id, /^metrics-\d{13}-[0-9a-z]+$/);
  assert.equal(record.type, 'operation');
  assert.ok(Math.abs(record.avgTime - record.totalTime / record.count) < 1e-9);
  assert.equal(record.createdAt, record.timestamp.slice(0, 10));
  assert.deepEqual([...new Set(records.map(({ metadata }) => JSON.stringify(metadata)))].sort(), [
    '{"global":"true"}',
    '{"resource":"true"}'
  ]);
  const times = await metrics.getPerformanceLogs();
  assert.equal(times.length, 2, 'one per resource and operation');
  const insert = times.find(({ operation }) => operation === 'insert');
  assert.deepEqual([insert.metadata.perf, insert.metadata.count], ['true', 20]);
  assert.ok(
    insert.metadata.min <= insert.metadata.p50 && insert.metadata.p50 <= insert.metadata.p99 && insert.metadata.p99 <= insert.metadata.max
  );
  const errors = await metrics.getErrorLogs();
  assert.equal(errors.length, 1, 'one per distinct error');
  assert.deepEqual([errors[0].operation, errors[0].metadata.count, typeof errors[0].stack], ['get', 5, 'string']);
  assert.equal(metrics.metrics.operations.insert.count, 0, 'counted since the last flush');
  assert.deepEqual(Object.keys(metrics.metrics.resources), ['users'], 'names stay');
  await metrics.flushMetrics();
  assert.equal((await metrics.getMetrics()).length, 4, 'nothing to store, nothing stored');
});

test('spec12_b4_queries_filter_page_and_sort', async () => {
  const { users, metrics } = await withMetrics();
  await users.insert({ id: 'a', name: 'A' });
  await metrics.flushMetrics();
  await users.get('a');
  await metrics.flushMetrics();
  const day = new Date().toISOString().slice(0, 10);
  assert.equal((await metrics.getMetrics({ resourceName: 'users' })).length, 2);
  assert.deepEqual(
    (await metrics.getMetrics({ resourceName: 'users' })).map(({ operation }) => operation),
    ['get', 'insert'],
    'newest first'
  );
  assert.equal((await metrics.getMetrics({ operation: 'get', startDate: day, endDate: day })).length, 2);
  assert.equal((await metrics.getMetrics({ startDate: '2001-01-01', endDate: '2001-01-02' })).length, 0);
  assert.equal((await metrics.getMetrics({ limit: 1, offset: 3 })).length, 1);
  assert.equal((await metrics.getMetrics({ limit: 1, offset: 4 })).length, 0);
  assert.equal((await metrics.getPerformanceLogs({ operation: 'insert' })).length, 1);
  await assert.rejects(metrics.getMetrics({ startDate: 'soon' }), PluginError);
  const idle = new MetricsPlugin();
  assert.deepEqual([...(await idle.getMetrics()), ...(await idle.getErrorLogs()), ...(await idle.getPerformanceLogs())], []);
});

test('spec12_b5_exposition_is_valid_and_monotonic', async () => {
  const { database, users, metrics } = await withMetrics();
  const odd = await database.createResource({ name: 'user-orders', attributes });
  await database.createResource({ name: 'user_orders', attributes }).then((resource) => resource.insert({ name: 'x' }));
  await odd.insert({ name: 'x' });
  await users.insert({ name: 'x' });
  await assert.rejects(users.get('nobody'));
  const before = parseExposition(metrics.getPrometheusMetrics());
  assert.equal(before.get('s3db_operations_total{operation="insert",resource="_global"}'), 3);
  assert.equal(before.get('s3db_operation_errors_total{operation="get",resource="users"}'), 1);
  assert.ok(before.get('s3db_operation_duration_seconds{operation="insert",resource="users"}') > 0, 'sub-millisecond calls count');
  assert.equal(before.get('s3db_resources_total'), 3);
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.equal(before.get(`s3db_info{version="${version}",node_version="${process.version}"}`), 1);
  await metrics.flushMetrics();
  await users.insert({ name: 'y' });
  const after = parseExposition(metrics.getPrometheusMetrics());
  for (const [key, value] of before) {
    if (/^s3db_operation(s|_errors)_total/.test(key)) assert.ok(after.get(key) >= value, `${key} went back`);
  }
  assert.equal(after.get('s3db_operations_total{operation="insert",resource="_global"}'), 4);
  const fewer = new MetricsPlugin({ prometheus: { includeResourceLabels: false } });
  fewer.recordOperation('users', 'get', 1);
  assert.ok(![...parseExposition(fewer.getPrometheusMetrics()).keys()].some((key) => key.includes('resource="users"')));
});

test('spec12_b5_standalone_server', async () => {
  const { users, metrics, database } = await withMetrics({ prometheus: { mode: 'standalone', port: 0 } });
  await users.insert({ name: 'x' });
  const server = metrics.metricsServer;
  assert.equal(server.address().address, '127.0.0.1', 'not open to the network by default');
  const answer = await ask(server, '/metrics');
  assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(answer.text));
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
  parseExposition(answer.text);
  assert.equal((await ask(server, '/metrics?x=1')).status, 200);
  const head = await ask(server, '/metrics', 'HEAD');
  assert.deepEqual([head.status, head.text], [200, '']);
  assert.equal((await ask(server, '/metrics', 'OPTIONS')).status, 204);
  const missing = await ask(server, '/other');
  assert.deepEqual([missing.status, missing.text], [404, 'Not Found']);
  assert.equal((await ask(server, '/metrics', 'POST')).status, 404);
  metrics.getPrometheusMetrics = () => {
    throw new Error('no text');
  };
  const failed = await ask(server, '/metrics');
  assert.deepEqual([failed.status, failed.text], [500, 'Internal Server Error']);
  await database.disconnect();
  assert.equal(server.listening, false);
});

test('spec12_b5_a_taken_port_is_reported_and_does_not_stop_the_database', async () => {
  const first = await withMetrics({ prometheus: { mode: 'standalone', port: 0 } });
  const { port } = first.metrics.metricsServer.address();
  const errors = [];
  const database = makeDatabase({ plugins: [new MetricsPlugin({ flushInterval: 0, logLevel: 'silent', prometheus: { port } })] });
  database.on('plugin.error', ({ operation, error }) => errors.push([operation, error.code]));
  await database.connect();
  assert.deepEqual(errors, [['prometheus', 'EADDRINUSE']]);
  assert.equal(database.plugins.metrics.metricsServer, null);
});

test('spec12_b5_integrated_mode_adds_a_route_or_says_what_is_missing', async () => {
  await assert.rejects(
    connectDatabase({ plugins: [new MetricsPlugin({ flushInterval: 0, prometheus: { mode: 'integrated' } })] }),
    /prometheus\.mode=integrated requires API Plugin to be active/
  );
  const routes = new Map();
  class ApiPlugin {
    server = { app: { get: (path, handler) => routes.set(path, handler) } };
    install() {}
    start() {}
    stop() {}
  }
  const database = await connectDatabase({
    plugins: [new ApiPlugin(), new MetricsPlugin({ flushInterval: 0, prometheus: { path: '/stats' } })]
  });
  assert.equal(database.plugins.metrics.metricsServer, null, 'auto finds the running API');
  const context = { body: (...args) => args };
  const [text, status, headers] = routes.get('/stats')(context);
  assert.deepEqual([status, headers['Content-Type']], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  parseExposition(text);
  const express = {
    headers: {},
    setHeader: (name, value) => Object.assign(express.headers, { [name]: value }),
    end: (body) => Object.assign(express, { body })
  };
  routes.get('/stats')({}, express);
  parseExposition(express.body);
});

test('spec12_b6_the_prometheus_options_are_merged_deep', () => {
  const { prometheus } = new MetricsPlugin({ prometheus: { mode: 'standalone', port: 9191 } }).config;
  assert.deepEqual(prometheus, { enabled: true, mode: 'standalone', port: 9191, path: '/metrics', includeResourceLabels: true });
});

test('spec12_b6_members_of_get_metrics_summaries_and_exports', async () => {
  const { users, metrics, database } = await withMetrics();
  class CachePlugin {
    name = 'CachePlugin';
    install() {}
    getStats() {
      return { hits: 3, misses: 1 };
    }
  }
  await database.usePlugin(new CachePlugin());
  await users.insert({ id: 'a', name: 'A' });
  await users.get('a');
  await assert.rejects(users.get('nobody'));
  const result = await metrics.getMetrics();
  assert.ok(Array.isArray(result) && result.length === 0);
  assert.deepEqual(Object.keys(result), []);
  assert.equal(result.performance.totalRequests, 3);
  assert.deepEqual([result.usage.mostActiveResource, result.usage.resources.users.get], ['users', 2]);
  assert.deepEqual([result.errors.total, result.errors.byResource], [1, { users: 1 }]);
  assert.deepEqual(result.cache, { hits: 3, misses: 1, hitRate: 0.75 });
  assert.equal(result.operations.insert.count, 1);
  const summary = metrics.getResourceMetrics('users');
  assert.deepEqual(Object.keys(summary), ['count', 'errors', 'totalTime', 'avgTime', 'minTime', 'maxTime', 'p50', 'p95', 'p99']);
  assert.deepEqual([summary.count, summary.errors, metrics.getOperationMetrics('get').count], [3, 1, 2]);
  assert.deepEqual([metrics.getResourceMetrics('__proto__').count, metrics.getOperationMetrics('none').count], [0, 0]);
  metrics.trackOperation('insert', '=cmd,"x"', 5, false);
  assert.equal(JSON.parse(metrics.exportMetrics()).operations.length, 3);
  const csv = metrics.exportMetrics('csv').trim().split('\n');
  assert.deepEqual([csv.length, csv[0].startsWith('resource,operation,count')], [4, true]);
  assert.ok(csv[3].startsWith(`"'=cmd,""x""",insert,1,1,5`), csv[3]);
  assert.match(metrics.exportMetrics('xml'), /<operation resource="=cmd,&quot;x&quot;" operation="insert" count="1" errors="1"/);
  assert.throws(() => metrics.exportMetrics('yaml'), /json, csv, xml|Unknown format/);
  metrics.clearMetrics();
  assert.deepEqual([metrics.metricsTotals.operations.get.count, metrics.getResourceMetrics('users').count], [0, 0]);
});

test('spec12_b6_disabled_sampled_slow_and_alerting', async () => {
  const off = await withMetrics({ enabled: false, prometheus: { enabled: true, mode: 'standalone', port: 0 } });
  await off.users.insert({ name: 'x' });
  assert.deepEqual(
    [off.metrics.metrics.operations.insert.count, off.database.resources.plg_metrics, off.metrics.metricsServer],
    [0, undefined, null]
  );

  const slow = [];
  const alerts = [];
  const rates = [];
  const { users, metrics } = await withMetrics({
    sampleRate: 0,
    trackSlowQueries: true,
    slowQueryThreshold: 0,
    onSlowQuery: (call) => slow.push(call),
    alertThresholds: { errorRate: 0.4, averageResponseTime: 1e9 },
    onHighErrorRate: (alert) => rates.push(alert),
    onThresholdExceeded: (alert) => alerts.push(alert)
  });
  metrics.on('plg:metrics:threshold', (alert) => alerts.push(alert));
  await users.insert({ id: 'a', name: 'A' });
  await assert.rejects(users.get('nobody'));
  assert.deepEqual(metrics.metrics.performance, [], 'not sampled');
  assert.equal(metrics.metrics.operations.insert.count, 1, 'counters are complete');
  assert.deepEqual(
    slow.map(({ operation, resourceName }) => `${operation} ${resourceName}`),
    ['insert users', 'get users']
  );
  await metrics.flushMetrics();
  assert.deepEqual(alerts, [
    { metric: 'errorRate', value: 0.5, threshold: 0.4 },
    { metric: 'errorRate', value: 0.5, threshold: 0.4 }
  ]);
  assert.deepEqual(rates, [{ errorRate: 0.5, threshold: 0.4, count: 2, errors: 1 }]);
  const records = await metrics.getPerformanceLogs();
  assert.deepEqual(
    records.map(({ metadata }) => metadata),
    [
      { perf: 'true', slow: 'true' },
      { perf: 'true', slow: 'true' }
    ]
  );
  const untimed = await withMetrics({ trackLatency: false, trackErrors: false });
  await assert.rejects(untimed.users.get('nobody'));
  assert.deepEqual(
    [untimed.metrics.metrics.performance, untimed.metrics.metrics.errors, untimed.metrics.metrics.operations.get.errors],
    [[], [], 1]
  );
});

test('spec12_b6_user_callbacks_that_throw_are_reported', async () => {
  const { database, users } = await withMetrics({
    trackSlowQueries: true,
    slowQueryThreshold: 0,
    onSlowQuery: () => {
      throw new Error('user code');
    }
  });
  const errors = [];
  database.on('plugin.error', ({ operation, error }) => errors.push(`${operation}: ${error.message}`));
  assert.equal((await users.insert({ name: 'x' })).name, 'x');
  assert.deepEqual(errors, ['onSlowQuery: user code']);
});

test('spec12_b6_metrics_are_flushed_on_stop_and_by_the_timer', async () => {
  const { database, users, metrics } = await withMetrics();
  await users.insert({ name: 'x' });
  await database.disconnect();
  const again = await reopen(database, { plugins: [new MetricsPlugin({ ...quiet, flushInterval: 20 })] });
  assert.equal((await again.plugins.metrics.getStats()).totalOperations, 1);
  await again.resource('users').insert({ name: 'y' });
  const deadline = Date.now() + 10_000;
  while ((await again.plugins.metrics.getStats()).totalOperations < 2 && Date.now() < deadline) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  assert.equal((await again.plugins.metrics.getStats()).operationsByType.insert.count, 2);
  assert.equal(metrics.flushTimer, null);
});

test('spec12_b6_unknown_members_of_options_warn_with_the_nearest', async () => {
  const plugin = new MetricsPlugin({ ...quiet, prometheus: { enabled: false, prot: 1 }, resourceNames: { metric: 'x' }, sampelRate: 1 });
  const warnings = [];
  plugin.on('plugin.warning', ({ message }) => warnings.push(message));
  await connectDatabase({ plugins: [plugin] });
  assert.deepEqual(warnings, [
    "Unknown option 'sampelRate' for MetricsPlugin; did you mean 'sampleRate'?",
    "Unknown option 'prometheus.prot' for MetricsPlugin; did you mean 'port'?",
    "Unknown option 'resourceNames.metric' for MetricsPlugin; did you mean 'metrics'?"
  ]);
});

test('spec12_c7_the_flush_is_background_work_under_its_name', async () => {
  const { database, users, metrics } = await withMetrics({ flushInterval: 3_600_000, flushJobName: 'metrics-flush' });
  const task = metrics.background.get('metrics-flush');
  assert.equal(metrics.flushTimer, task);
  metrics.startFlushTimer();
  assert.equal(metrics.background.tasks.length, 1, 'one at a time');
  await users.insert({ name: 'x' });
  assert.equal((await task.trigger()).status, 'done');
  assert.equal((await metrics.getStats()).totalOperations, 1);
  await metrics.stop();
  assert.deepEqual([metrics.flushTimer, task.active, metrics.background.tasks.length], [null, false, 0]);
  await metrics.start();
  assert.equal(metrics.flushTimer.active, true);
  assert.throws(() => new MetricsPlugin({ flushJobName: '' }), { name: 'PluginError', statusCode: 400, option: 'flushJobName' });
  await database.disconnect();
});

test('spec12_b7_d1_no_recursion_however_often_a_resource_is_hooked', async () => {
  const database = await connectDatabase({ plugins: [new MetricsPlugin(quiet), new MetricsPlugin({ ...quiet, namespace: 'two' })] });
  const users = await database.createResource({ name: 'users', attributes });
  await database.createResource({ name: 'users', attributes });
  const [first, second] = [database.plugins.metrics, database.plugins.metrics2];
  first.installResourceHooks(users);
  await users.insert({ name: 'x' });
  for (const each of [first, second]) {
    assert.equal(each.metrics.operations.insert.count, 1);
    await each.flushMetrics();
    assert.deepEqual(Object.keys(each.metrics.resources), ['users'], 'own resources and those of others like it are not measured');
  }
  assert.deepEqual([first.isInternalResource('plg_metrics'), first.isInternalResource('users')], [true, false]);
});

test('spec12_b7_d2_new_resources_are_tracked_under_an_alias', async () => {
  const database = await connectDatabase();
  const plugin = await database.usePlugin(new MetricsPlugin(quiet), 'watch');
  assert.equal(plugin.resourceNames.metrics, 'plg_watch_metrics');
  const users = await database.createResource({ name: 'users', attributes });
  await users.insert({ name: 'x' });
  assert.equal(plugin.metrics.resources.users.insert.count, 1);
});

test('spec12_b7_d3_buffers_and_flushes_are_bounded', async () => {
  const { database, metrics } = await withMetrics();
  for (let i = 0; i < 5000; i += 1) {
    metrics.recordOperation('users', 'get', i % 50, true);
    metrics.recordError('users', 'get', new Error(`number ${i}`));
  }
  assert.deepEqual([metrics.metrics.performance.length, metrics.metrics.errors.length], [1000, 1000]);
  assert.equal(metrics.metrics.errors.at(-1).error, 'number 4999');
  const requests = await requestsOf(database, () => metrics.flushMetrics());
  assert.ok(requests.PutObject <= 2 * 1003, JSON.stringify(requests));
  assert.equal((await metrics.getErrorLogs({ limit: null })).length, 1000);
  const histogram = new Histogram();
  for (let i = 0; i < 100_000; i += 1) histogram.add(i / 10);
  assert.ok(histogram.buckets.size < 37 * 32);
});

test('spec12_b7_d3_percentiles_are_right_to_a_few_percent', () => {
  const histogram = new Histogram();
  for (let i = 1; i <= 10_000; i += 1) histogram.add(i / 10);
  for (const share of [0.5, 0.9, 0.95, 0.99]) {
    const exact = share * 1000;
    assert.ok(Math.abs(histogram.quantile(share) - exact) / exact < 0.04, `${share}: ${histogram.quantile(share)}`);
  }
  assert.deepEqual([histogram.min, histogram.max, histogram.count], [0.1, 1000, 10_000]);
  assert.equal(new Histogram().quantile(0.5), 0);
  const merged = new Histogram().merge(histogram).merge(new Histogram());
  assert.equal(merged.quantile(0.95), histogram.quantile(0.95));
  const extreme = new Histogram();
  extreme.add(0);
  extreme.add(1e12);
  assert.deepEqual([extreme.quantile(0.01), extreme.count], [0.001015625, 2]);
});

test('spec12_b7_d5_stats_sum_every_record_once', async () => {
  const { users, metrics } = await withMetrics();
  await users.insert({ id: 'a', name: 'A' });
  for (let i = 0; i < 60; i += 1) {
    await users.get('a');
    await metrics.flushMetrics();
  }
  const stats = await metrics.getStats();
  assert.deepEqual([stats.period, stats.totalOperations, stats.totalErrors], ['24h', 61, 0]);
  assert.equal(stats.operationsByType.get.count, 60);
  assert.equal(stats.resources.users.count, 61);
  assert.ok(stats.uptime.duration >= 0 && stats.avgResponseTime > 0);
});

test('spec12_b7_d6_what_cannot_be_stored_is_kept_and_reported', async () => {
  const { users, metrics } = await withMetrics({ logLevel: 'silent', trackSlowQueries: true, slowQueryThreshold: 0 });
  await users.insert({ name: 'x' });
  await assert.rejects(users.get('nobody'));
  const original = {};
  for (const key of ['metricsResource', 'errorsResource', 'performanceResource']) {
    original[key] = metrics[key].insert;
    metrics[key].insert = async () => {
      throw new Error('read only');
    };
  }
  const events = [];
  metrics.on('plg:metrics:flush-error', (event) => events.push(event));
  await Promise.all([metrics.flushMetrics(), metrics.flushMetrics()]);
  assert.deepEqual(
    events.map(({ error, pending }) => [error.message, pending]),
    [['read only', 9]],
    'one flush at a time'
  );
  await users.insert({ name: 'y' });
  for (const [key, insert] of Object.entries(original)) metrics[key].insert = insert;
  await metrics.flushMetrics();
  const records = await metrics.getMetrics({ resourceName: 'users' });
  assert.deepEqual(records.map(({ operation, count }) => `${operation} ${count}`).sort(), ['get 1', 'insert 2']);
  assert.equal((await metrics.getErrorLogs()).length, 1);
  assert.equal((await metrics.getPerformanceLogs()).filter(({ metadata }) => metadata.slow).length, 3);
  assert.equal(metrics.metricsTotals.operations.insert.count, 2, 'totals are not counted twice');
});

test('spec12_b7_d7_d8_reads_and_cleanup_go_by_day', async () => {
  const { database, users, metrics } = await withMetrics({ retentionDays: 10 });
  const old = { type: 'operation', resourceName: 'users', operation: 'get', count: 1, totalTime: 1, errors: 0, avgTime: 1, metadata: {} };
  for (let i = 0; i < 30; i += 1) {
    await metrics.metricsResource.insert({
      id: `metrics-1577836800000-${i}`,
      ...old,
      timestamp: '2020-01-01T00:00:00.000Z',
      createdAt: '2020-01-01'
    });
  }
  await users.insert({ name: 'x' });
  await metrics.flushMetrics();
  let found;
  const requests = await requestsOf(database, async () => {
    found = await metrics.getMetrics({ startDate: new Date().toISOString().slice(0, 10) });
  });
  assert.equal(found.length, 2);
  assert.ok((requests.GetObject ?? 0) <= 2, JSON.stringify(requests));
  assert.equal((await metrics.getMetrics()).length, 32);
  assert.equal(await metrics.cleanupOldData(), undefined);
  assert.equal((await metrics.getMetrics()).length, 2);
});

test('spec12_b7_d9_allowlists_and_cors_are_configured', async () => {
  const closed = await withMetrics({
    prometheus: { mode: 'standalone', port: 0, ipAllowlist: ['10.9.8.0/24'], cors: 'https://ops.example' }
  });
  const { metricsServer } = closed.metrics;
  const refused = await ask(metricsServer, '/metrics');
  assert.deepEqual(
    [refused.status, refused.text, refused.headers['access-control-allow-origin']],
    [403, 'Forbidden', 'https://ops.example']
  );
  const open = await withMetrics({ prometheus: { mode: 'standalone', port: 0, ipAllowlist: ['10.9.8.0/24'], enforceIpAllowlist: false } });
  assert.equal((await ask(open.metrics.metricsServer, '/metrics')).status, 200);
  await assert.rejects(withMetrics({ prometheus: { mode: 'standalone', port: 0, ipAllowlist: ['everyone'] } }), /everyone/);
});

test('spec12_b7_d11_stop_and_uninstall_take_everything_back', async () => {
  const { database, users, metrics } = await withMetrics();
  assert.ok(Object.hasOwn(users, '_insert'));
  await metrics.stop();
  assert.equal(users.insert, users._wrapped.get('insert').wrapper);
  assert.ok(!Object.hasOwn(users, '_insert'));
  await users.insert({ name: 'x' });
  await database.createResource({ name: 'later', attributes });
  assert.equal(database.getHooks('afterCreateResource').length, 0);
  assert.equal(metrics.metrics.operations.insert.count, 0);
  await metrics.start();
  await users.insert({ name: 'y' });
  assert.equal(metrics.metrics.operations.insert.count, 1);
  await database.uninstallPlugin('metrics');
  await users.insert({ name: 'z' });
  assert.equal(metrics.metrics.operations.insert.count, 0, 'flushed when it stopped, and not counting');
});

test('spec12_b7_d13_inactive_under_node_env_test_unless_told', async () => {
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = 'test';
  try {
    const { database, users, metrics } = await withMetrics();
    await users.insert({ name: 'x' });
    assert.deepEqual([database.resources.plg_metrics, metrics.metrics.operations.insert.count, metrics.flushTimer], [undefined, 0, null]);
    await metrics.flushMetrics();
    const told = await withMetrics({ collectInTests: true });
    await told.users.insert({ name: 'x' });
    await told.metrics.flushMetrics();
    const [record] = await told.metrics.getMetrics();
    assert.deepEqual(record.metadata, {}, 'as in 13.6');
  } finally {
    if (before === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = before;
  }
});

test('spec12_b_the_guide_forms_are_accepted_without_a_warning', async () => {
  const warnings = [];
  const database = makeDatabase({
    plugins: [
      new MetricsPlugin({
        verbose: true,
        collectUsage: true,
        collectPerformance: true,
        trackLatency: true,
        trackSlowQueries: true,
        prometheus: { enabled: false }
      }),
      new MetricsPlugin({ namespace: 'b', flushIntervall: 5, prometheus: { enabled: false } })
    ]
  });
  database.on('db:warning', (warning) => warnings.push(warning.details.nearest));
  await database.connect();
  assert.deepEqual(warnings, ['flushInterval']);
});

test('spec12_b_clients_of_users_own', async () => {
  const { users, metrics } = await withMetrics({}, { client: plainClient() });
  await users.insert({ name: 'x' });
  await metrics.flushMetrics();
  assert.equal((await metrics.getStats()).totalOperations, 1);
});

test('spec12_b_on_s3', { skip: withoutS3 }, async () => {
  const database = new Database({ connectionString: s3ConnectionString(), plugins: [new MetricsPlugin(quiet)] });
  await database.connect();
  try {
    const users = await database.createResource({ name: 'users', attributes });
    await users.insertMany([{ name: 'a' }, { name: 'b' }]);
    const { metrics } = database.plugins;
    await metrics.flushMetrics();
    assert.equal((await metrics.getStats()).operationsByType.insert.count, 2);
    assert.equal((await metrics.getMetrics()).length, 2);
  } finally {
    await database.disconnect();
  }
});

test('spec12_c7_requests_of_a_pool_are_counted_and_exposed', { skip: withoutS3 }, async () => {
  const client = new S3Client({ connectionString: s3ConnectionString(), taskExecutor: { concurrency: 4 } });
  const database = await connectDatabase({ client, plugins: [new MetricsPlugin({ ...quiet, collectInTests: true })] });
  const users = await database.createResource({ name: 'users', attributes });
  const { metrics } = database.plugins;
  const before = { ...metrics.metrics.pool };
  await users.insert({ id: 'a', name: 'Ada' });
  await assert.rejects(users.get('nobody'));
  const { pool } = metrics.metrics;
  assert.equal(pool.tasksStarted, pool.tasksCompleted + pool.tasksFailed);
  assert.ok(pool.tasksCompleted > before.tasksCompleted);
  assert.ok(pool.tasksFailed > before.tasksFailed);
  assert.equal(pool.avgExecutionTime, pool.totalExecutionTime / pool.tasksStarted);
  const series = parseExposition(metrics.getPrometheusMetrics());
  assert.equal(series.get('s3db_pool_tasks_started_total'), pool.tasksStarted);
  assert.equal(series.get('s3db_pool_tasks_failed_total'), pool.tasksFailed);
  const stats = await metrics.getStats();
  assert.ok(stats.pool.tasksStarted >= pool.tasksStarted);
  await metrics.stop();
  const stopped = { ...metrics.metrics.pool };
  await users.exists('a');
  assert.deepEqual({ ...metrics.metrics.pool }, stopped);
  // Without a pool there is nothing to tell.
  const plain = await withMetrics();
  assert.equal(plain.metrics.metrics.pool, undefined);
  assert.doesNotMatch(plain.metrics.getPrometheusMetrics(), /s3db_pool/);
});

test('spec12_4_metrics_error', () => {
  const error = new MetricsError('no', { metricName: 'latency' });
  assert.deepEqual([error.data.operation, error.data.metricName, error.retriable, error.statusCode], ['unknown', 'latency', false, 500]);
  assert.ok(error.description.includes('latency') && error.suggestion && error.toJson().data.metricName === 'latency');
});

test('spec12_b_the_snippets_of_the_metrics_page_run', async () => {
  const { programs, compared } = await runPage('metrics.md');
  assert.deepEqual([programs, compared >= 6], [1, true]);
});

test('spec12_the_quick_start_of_the_guide_with_cache_audit_metrics_and_costs', async () => {
  const database = makeDatabase({
    plugins: [
      new CachePlugin({ driver: 'memory', config: { maxSize: 1000 } }),
      new AuditPlugin({ trackOperations: ['inserted', 'updated', 'deleted'] }),
      new MetricsPlugin({ trackLatency: true, prometheus: { port: 0 } }),
      CostsPlugin
    ]
  });
  await database.connect();
  const users = await database.createResource({ name: 'users', attributes: { email: 'string|required' } });
  const { id } = await users.insert({ email: 'user@example.com' });
  await users.get(id);
  await users.get(id);
  await users.deleteMany([id]);
  const { audit, metrics } = database.plugins;
  assert.deepEqual(
    audit.getLogs().map(({ operation }) => operation),
    ['insert', 'deleteMany']
  );
  assert.equal(metrics.metrics.resources.users.insert.count, 1);
  assert.ok(metrics.metrics.resources.users.get.count >= 2);
  assert.ok((await metrics.getMetrics()).cache.hits >= 1);
  assert.ok(database.client.costs.total > 0);
  assert.ok(database.client.costs.usage.byResource.plg_audits.totalRequests > 0);
  await audit.flush();
  await metrics.flushMetrics();
  assert.ok(!Object.keys(metrics.metricsTotals.resources).some((name) => name.startsWith('plg_metrics')));
  for (const name of ['audit', 'metrics', 'costs', 'cache']) await database.uninstallPlugin(name);
  assert.equal((await users.insert({ email: 'again@example.com' })).email, 'again@example.com');
  assert.equal(database.client.costs, undefined);
});
