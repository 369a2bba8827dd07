import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditPlugin, Database, MetricsPlugin, PluginError } from '../../js/index.js';
import { AuditError } from '../../js/plugins/audit.js';
import { s3ConnectionString, withoutS3 } from './support/clients.js';
import { allKeys, connectDatabase, makeDatabase, readObject, reopen, requestsOf, settle } from './support/databases.js';
import { runPage } from './support/docs.js';
import { plainClient } from './support/object-clients.js';

const attributes = { name: 'string|required' };

/** A connected database with the plugin, a resource, and the plugin's log. */
async function withAudit(options = {}, { config = {}, ...databaseOptions } = {}) {
  const database = await connectDatabase({ ...databaseOptions, plugins: [new AuditPlugin(options)] });
  const users = await database.createResource({ name: 'users', attributes, ...config });
  const audit = database.plugins.audit;
  return { database, users, audit, log: database.resources[audit.auditResourceName] };
}

/** Silences and collects warnings of the console while `run` runs. */
async function collectWarnings(run) {
  const { warn } = console;
  const warnings = [];
  console.warn = (...args) => warnings.push(args);
  try {
    await run();
  } finally {
    console.warn = warn;
  }
  return warnings;
}

const brief = ({ operation, recordId }) => `${operation} ${recordId}`;

test('spec12_a1_identity_options_and_config', async () => {
  const plugin = new AuditPlugin();
  assert.deepEqual(plugin.config, { includeData: true, includePartitions: true, maxDataSize: 10000 });
  assert.deepEqual(
    [plugin.name, plugin.slug, plugin.auditResource, plugin.auditResourceName],
    ['AuditPlugin', 'audit', null, 'plg_audits']
  );
  assert.equal(new AuditPlugin({ maxDataSize: undefined }).config.maxDataSize, undefined);
  assert.equal(new AuditPlugin({ maxDataSize: 0 }).config.maxDataSize, 0);
  assert.equal(new AuditPlugin({ resourceName: 'trail' }).auditResourceName, 'plg_trail');
  assert.equal(new AuditPlugin({ resourceName: 'trail', resourceNames: { audit: 'plg_other' } }).auditResourceName, 'plg_other');
  assert.equal(new AuditPlugin({ namespace: 'Tenant A' }).auditResourceName, 'plg_tenant_a_audits');
  assert.equal(new AuditPlugin({ instanceId: 'x', resourceName: 'trail' }).auditResourceName, 'plg_trail', 'overrides are not namespaced');
  for (const bad of [
    { mode: 'quick' },
    { format: 'csv' },
    { maxDataSize: -1 },
    { operations: ['inserts'] },
    { getMetadata: 3 },
    { batchSize: 0 }
  ]) {
    assert.throws(
      () => new AuditPlugin(bad),
      (error) => error instanceof PluginError && error.statusCode === 400 && error.message.includes(Object.keys(bad)[0]),
      JSON.stringify(bad)
    );
  }
});

test('spec12_a2_the_log_resource_and_the_stored_record', async () => {
  const { database, users, audit, log } = await withAudit(
    {},
    { config: { attributes: { ...attributes, city: 'string|optional' }, partitions: { byCity: { fields: { city: 'string' } } } } }
  );
  const metadata = JSON.parse((await readObject(database, 's3db.json')).body);
  const { createdBy, versions, currentVersion } = metadata.resources.plg_audits;
  assert.equal(createdBy, 'AuditPlugin');
  const { behavior, attributes: stored } = versions[currentVersion];
  assert.equal(behavior, 'body-overflow');
  assert.equal(Object.values(stored).filter((rule) => rule === 'string|required').length, 6);
  assert.deepEqual(log.config.partitions, {
    byDate: { fields: { createdAt: 'string|maxlength:10' } },
    byResource: { fields: { resourceName: 'string' } }
  });

  await users.insert({ id: 'u1', name: 'Ada', city: 'Rome' });
  await audit.flush();
  const [id] = await log.listIds();
  assert.match(id, /^audit-\d{13}-[0-9a-z]{9}$/);
  const { metadata: object, body } = await readObject(database, `resource=plg_audits/data/id=${id}`);
  const codes = Object.fromEntries(Object.entries(log.schema.map).map(([name, code]) => [name, object[code]]));
  assert.equal(body, '');
  assert.deepEqual(
    [codes.resourceName, codes.operation, codes.recordId, codes.userId, codes.partition],
    ['users', 'insert', 'u1', 'system', 'byCity']
  );
  assert.equal(codes.newData, '{"name":"Ada","city":"Rome","id":"u1"}');
  assert.equal(codes.partitionValues, '{"byCity":{"city":"Rome"}}');
  assert.equal(codes.metadata, '{"source":"audit-plugin","version":"2.0"}');
  assert.equal(codes.oldData, undefined);
  assert.match(codes.createdAt, /^\d{4}-\d\d-\d\d$/);
  const keys = await allKeys(database, 'resource=plg_audits/partition=');
  assert.deepEqual(keys, [
    `resource=plg_audits/partition=byDate/createdAt=${codes.createdAt}/id=${id}`,
    `resource=plg_audits/partition=byResource/resourceName=users/id=${id}`
  ]);
  const read = await log.get(id);
  assert.deepEqual([read.newData.name, read.metadata.source, read.partitionValues.byCity.city], ['Ada', 'audit-plugin', 'Rome']);
});

test('spec12_a3_what_is_recorded', async () => {
  const { users, audit } = await withAudit();
  await users.insert({ id: 'a', name: 'A' });
  await users.update('a', { name: 'B' });
  await users.patch('a', { name: 'C' });
  await users.replace('a', { name: 'D' });
  await users.upsert({ id: 'a', name: 'E' });
  await users.upsert({ id: 'b', name: 'F' });
  await users.insertMany([
    { id: 'c', name: 'G' },
    { id: 'd', name: 'H' }
  ]);
  await users.delete('a');
  await users.deleteMany(['b', 'c']);
  await assert.rejects(users.insert({ name: 1 }));
  await assert.rejects(users.update('nobody', { name: 'x' }));
  const entries = await audit.getAuditLogs();
  assert.deepEqual(entries.map(brief), [
    'insert a',
    'update a',
    'update a',
    'update a',
    'update a',
    'insert b',
    'insert c',
    'insert d',
    'delete a',
    'deleteMany b',
    'deleteMany c'
  ]);
  assert.deepEqual(
    [entries[1].oldData, entries[1].newData],
    [
      { name: 'A', id: 'a' },
      { name: 'B', id: 'a' }
    ]
  );
  assert.deepEqual(entries[8].oldData, { name: 'E', id: 'a' });
  assert.deepEqual(entries[9].oldData, { name: 'F', id: 'b' });
  assert.equal(typeof users._originalDeleteMany, 'function');
});

test('spec12_a3_resources_of_before_and_later_and_of_other_plugins_but_never_its_own', async () => {
  const database = await connectDatabase();
  const early = await database.createResource({ name: 'early', attributes });
  const audit = await database.usePlugin(new AuditPlugin());
  const late = await database.createResource({ name: 'late', attributes });
  const owned = await database.createResource({ name: 'plg_other', attributes, createdBy: 'OtherPlugin' });
  for (const resource of [early, late, owned]) await resource.insert({ name: 'x' });
  const entries = await audit.getAuditLogs();
  assert.deepEqual(
    entries.map(({ resourceName }) => resourceName),
    ['early', 'late', 'plg_other']
  );
  await audit.flush();
  assert.equal(await audit.auditResource.count(), 3, 'writing the log is not logged');
});

test('spec12_a3_measurements_of_a_metrics_plugin_are_logged_only_when_they_are_named', async () => {
  const metrics = () => new MetricsPlugin({ collectInTests: true, flushInterval: 0, prometheus: { enabled: false } });
  for (const [options, logged] of [
    [{}, ['users']],
    [{ resources: ['users', 'plg_metrics'] }, ['plg_metrics', 'users']]
  ]) {
    const database = await connectDatabase({ plugins: [new AuditPlugin(options), metrics()] });
    const users = await database.createResource({ name: 'users', attributes });
    await users.insert({ name: 'x' });
    await database.plugins.metrics.flushMetrics();
    const { byResource } = await database.plugins.audit.getAuditStats();
    assert.deepEqual(Object.keys(byResource).sort(), logged);
  }
});

test('spec12_a3_truncate_partition_values_and_nested_fields', () => {
  const audit = new AuditPlugin({ maxDataSize: 60 });
  assert.deepEqual(audit.truncateData({ a: 1 }), { a: 1 });
  assert.equal(audit.truncateData(null), null);
  assert.equal(new AuditPlugin({ includeData: false }).truncateData({ a: 1 }), null);
  const cut = audit.truncateData({ a: 'x'.repeat(20), b: 'y'.repeat(100), c: 'z' });
  assert.deepEqual([cut.a, cut.b, cut.c, cut._truncated], ['x'.repeat(20), undefined, 'z', true]);
  assert.equal(cut._originalSize, JSON.stringify({ a: 'x'.repeat(20), b: 'y'.repeat(100), c: 'z' }).length);
  assert.ok(!Number.isNaN(Date.parse(cut._truncatedAt)));
  const zero = new AuditPlugin({ maxDataSize: 0 }).truncateData({ a: 1 });
  assert.deepEqual(Object.keys(zero), ['_truncated', '_originalSize', '_truncatedAt']);

  const resource = { config: { partitions: { byCity: { fields: { 'address.city': 'string' } }, byAge: { fields: { age: 'number' } } } } };
  const values = audit.getPartitionValues({ address: { city: 'Rome' } }, resource);
  assert.deepEqual(values, { byCity: { 'address.city': 'Rome' } });
  assert.equal(audit.getPartitionValues({ name: 'x' }, resource), null);
  assert.equal(new AuditPlugin({ includePartitions: false }).getPartitionValues({ age: 1 }, resource), null);
  assert.deepEqual([audit.getPrimaryPartition(values), audit.getPrimaryPartition(null)], ['byCity', null]);
  assert.equal(audit.getNestedFieldValue({ a: {} }, 'a.b.c'), undefined);
});

test('spec12_a4_queries_by_record_user_operation_time_and_partition', async () => {
  const { users, audit, database } = await withAudit(
    {},
    { config: { attributes: { ...attributes, city: 'string|optional' }, partitions: { byCity: { fields: { city: 'string' } } } } }
  );
  const orders = await database.createResource({ name: 'orders', attributes });
  let user = 'ann';
  audit.getCurrentUserId = () => user;
  await users.insert({ id: 'a', name: 'A', city: 'Rome' });
  await users.insert({ id: 'b', name: 'B', city: 'Bern' });
  user = 'bob';
  await users.update('a', { name: 'AA' });
  await orders.insert({ id: 'o', name: 'O' });
  await users.delete('b');
  const today = new Date().toISOString().slice(0, 10);
  const find = async (filter) => (await audit.getAuditLogs(filter)).map(brief);
  assert.deepEqual(await find({ resourceName: 'orders' }), ['insert o']);
  assert.deepEqual(await find({ resourceName: 'users', recordId: 'a' }), ['insert a', 'update a']);
  assert.deepEqual(await find({ operation: 'insert' }), ['insert a', 'insert b', 'insert o']);
  assert.deepEqual(await find({ operation: 'inserted', userId: 'ann' }), ['insert a', 'insert b']);
  assert.deepEqual(await find({ operation: 'deleted' }), ['delete b']);
  assert.deepEqual(await find({ userId: 'bob' }), ['update a', 'insert o', 'delete b']);
  assert.deepEqual(await find({ startDate: today }), await find());
  assert.deepEqual(await find({ startDate: today, endDate: today, resourceName: 'orders' }), ['insert o']);
  assert.deepEqual(await find({ startDate: '2001-01-01', endDate: '2001-02-01' }), []);
  assert.deepEqual(await find({ endDate: new Date(Date.now() - 3_600_000).toISOString() }), []);
  assert.deepEqual(await find({ partition: 'byCity' }), ['insert a', 'insert b', 'update a', 'delete b']);
  assert.deepEqual(await find({ limit: 2, offset: 1 }), ['insert b', 'update a']);
  assert.deepEqual(await find({ order: 'desc', limit: 2 }), ['delete b', 'insert o']);
  assert.deepEqual((await audit.getRecordHistory('users', 'b')).map(brief), ['insert b', 'delete b']);
  assert.deepEqual((await audit.getPartitionHistory('users', 'byCity')).length, 4);
  assert.deepEqual((await audit.getPartitionHistory('users', 'byCity', { city: 'Bern' })).map(brief), ['insert b', 'delete b']);
  const stats = await audit.getAuditStats();
  assert.deepEqual(stats, {
    total: 5,
    byOperation: { insert: 3, update: 1, delete: 1 },
    byResource: { users: 4, orders: 1 },
    byPartition: { byCity: 4 },
    byUser: { ann: 2, bob: 3 },
    timeline: { [today]: 5 }
  });
  assert.equal((await audit.getAuditStats({ limit: 2 })).total, 2);
  for (const bad of [{ startDate: 'soon' }, { limit: -1 }, { order: 'up' }]) await assert.rejects(audit.getAuditLogs(bad), PluginError);
  assert.deepEqual(await new AuditPlugin().getAuditLogs(), []);
  assert.deepEqual(audit._generateDateRange('2024-02-28', '2024-03-01'), ['2024-02-28', '2024-02-29', '2024-03-01']);
});

test('spec12_a4_log_audit_in_both_forms', async () => {
  const { audit } = await withAudit();
  await audit.logAudit({ resourceName: 'r', operation: 'export', recordId: 7, newData: { a: 1 }, oldData: null, partition: null });
  await audit.logAudit('insert', 'r', 'x', { b: 2 }, { c: 3 });
  const [first, second] = await audit.getAuditLogs();
  assert.deepEqual([first.operation, first.recordId, first.newData], ['export', '7', { a: 1 }]);
  assert.ok(!('oldData' in first) && !('partition' in first));
  assert.deepEqual([second.resourceName, second.newData, second.oldData], ['r', { b: 2 }, { c: 3 }]);
  await new AuditPlugin().logAudit('insert', 'r', 'x');
});

test('spec12_a5_users_metadata_and_filters', async () => {
  const { users, audit, database } = await withAudit({
    getCurrentUserId: async () => 'later',
    getMetadata: ({ operation }) => ({ ip: '10.0.0.1', operation }),
    excludeResources: ['secrets'],
    trackOperations: ['inserted', 'deleted'],
    shouldAudit: ({ data }) => data.name !== 'skip'
  });
  const secrets = await database.createResource({ name: 'secrets', attributes });
  await secrets.insert({ name: 'x' });
  await users.insert({ id: 'a', name: 'A' });
  await users.insert({ id: 's', name: 'skip' });
  await users.update('a', { name: 'B' });
  await users.deleteMany(['a']);
  const entries = await audit.getAuditLogs();
  assert.deepEqual(entries.map(brief), ['insert a', 'deleteMany a']);
  assert.equal(entries[0].userId, 'later');
  assert.deepEqual(entries[0].metadata, { source: 'audit-plugin', version: '2.0', ip: '10.0.0.1', operation: 'insert' });
  audit.getCurrentUserId = () => 'property';
  await users.insert({ id: 'c', name: 'C' });
  assert.equal((await audit.getRecordHistory('users', 'c'))[0].userId, 'property', 'the property wins');

  const only = await withAudit({ resources: ['orders'], operations: ['insert'] });
  const orders = await only.database.createResource({ name: 'orders', attributes });
  await only.users.insert({ name: 'x' });
  await orders.insert({ id: 'o', name: 'x' });
  await orders.delete('o');
  assert.deepEqual((await only.audit.getAuditLogs()).map(brief), ['insert o']);
});

test('spec12_a5_enabled_false_does_nothing', async () => {
  const database = await connectDatabase({ plugins: [new AuditPlugin({ enabled: false })] });
  const users = await database.createResource({ name: 'users', attributes });
  await users.insert({ name: 'x' });
  assert.equal(database.resources.plg_audits, undefined);
  assert.deepEqual([database.plugins.audit.getLogs(), await database.plugins.audit.getAuditLogs()], [[], []]);
  assert.equal(await database.plugins.audit.cleanupOldAudits(), 0);
});

test('spec12_a5_loggers_see_every_entry', async () => {
  const lines = [];
  const entries = [];
  const { log } = console;
  console.log = (line) => lines.push(line);
  try {
    const { users, audit } = await withAudit({ logToConsole: true, customLogger: (entry) => entries.push(entry) });
    await users.insert({ id: 'a', name: 'private' });
    await audit.flush();
  } finally {
    console.log = log;
  }
  assert.equal(lines.length, 1);
  assert.ok(lines[0].includes('insert users/a') && !lines[0].includes('private'));
  assert.deepEqual(entries.map(brief), ['insert a']);
});

test('spec12_a5_get_logs_is_synchronous_and_complete_when_the_write_resolves', async () => {
  const { users, audit } = await withAudit({ driver: 'memory' });
  assert.equal(audit.config.driver, 'memory');
  await users.insert({ id: 'a', name: 'A' });
  assert.equal(audit.getLogs().length, 1);
  assert.deepEqual(audit.getLogs()[0].newData, { name: 'A', id: 'a' });
  await users.insertMany(Array.from({ length: 1100 }, (_, i) => ({ id: `m${i}`, name: 'x' })));
  assert.equal(audit.getLogs().length, 1000, 'the newest 1000');
  assert.match(audit.getLogs().at(-1).recordId, /^m\d+$/);
  assert.equal((await audit.getAuditLogs({ limit: null })).length, 1101, 'all are stored');
});

test('spec12_a6_d1_reads_page_through_everything', async () => {
  const { users, audit } = await withAudit();
  await users.insertMany(Array.from({ length: 450 }, (_, i) => ({ id: `m${i}`, name: 'x' })));
  const today = new Date().toISOString().slice(0, 10);
  assert.equal((await audit.getAuditLogs({ startDate: today, limit: 1000 })).length, 450);
  assert.equal((await audit.getAuditLogs({ startDate: today })).length, 100, 'the default limit applies last');
  assert.equal((await audit.getAuditLogs({ recordId: 'm449' })).length, 1);
  assert.equal((await audit.getAuditLogs({ operation: 'insert', offset: 440 })).length, 10);
});

test('spec12_a6_d2_cleanup_reads_the_days_that_exist_and_deletes_them_whole', async () => {
  const { database, users, audit, log } = await withAudit();
  for (const [day, count] of [
    ['2019-05-01', 3],
    ['2020-01-31', 2]
  ]) {
    for (let i = 0; i < count; i += 1) {
      const ms = Date.parse(day) + i;
      const record = {
        resourceName: 'users',
        operation: 'insert',
        recordId: `r${i}`,
        timestamp: new Date(ms).toISOString(),
        createdAt: day
      };
      await log.insert({ id: `audit-${ms}-abc`, ...record });
    }
  }
  await users.insert({ name: 'now' });
  await audit.flush();
  let deleted;
  const requests = await requestsOf(database, async () => {
    deleted = await audit.cleanupOldAudits(90);
  });
  assert.equal(deleted, 5);
  assert.ok(requests.ListObjectsV2 <= 6, JSON.stringify(requests));
  assert.ok((requests.DeleteObjects ?? 0) >= 2 && !requests.DeleteObject, 'batches');
  assert.equal(await log.count(), 1);
  assert.equal((await allKeys(database, 'resource=plg_audits/partition=byDate/createdAt=20')).length, 1, 'references are gone too');
  assert.equal(await audit.cleanupOldAudits(90), 0);
});

test('spec12_a5_retention_runs_as_background_work_whose_failures_are_plugin_events', async () => {
  const { audit, log } = await withAudit({ retentionDays: 5 });
  const old = new Date(Date.now() - 10 * 86_400_000).toISOString();
  const entry = { resourceName: 'users', operation: 'insert', recordId: 'a', timestamp: old, createdAt: old.slice(0, 10) };
  await log.insert({ ...entry, id: `audit-${Date.parse(old)}-000000000` });
  await log._drain();
  const task = audit.background.get('cleanup');
  /** A run beside one that is under way, as the first one may be, is skipped. */
  const run = async () => {
    for (;;) {
      const { status } = await task.trigger();
      if (status !== 'skipped') return status;
      await settle();
    }
  };
  assert.equal(await run(), 'done');
  assert.equal(await log.count(), 0);
  const failures = [];
  audit.on('plugin.error', (failure) => failures.push(failure));
  log.listIds = async () => {
    throw new Error('not now');
  };
  await log.insert({ ...entry, id: `audit-${Date.parse(old)}-000000001` });
  await log._drain();
  assert.equal(await run(), 'failed');
  assert.deepEqual(
    failures.map(({ task: name, error }) => [name, error.message]),
    [['cleanup', 'not now']]
  );
  await audit.stop();
  assert.deepEqual([task.active, audit.background.tasks.length], [false, 0]);
  delete log.listIds;
  await audit.start();
  assert.equal(audit.background.get('cleanup').active, true);
  await audit.stop();
});

test('spec12_a6_d2_two_instances_that_clean_up_at_once_delete_each_entry_and_reject_nothing', async () => {
  const { database, audit, log } = await withAudit();
  const other = await reopen(database, { plugins: [new AuditPlugin()] });
  const old = new Date(Date.now() - 10 * 86_400_000).toISOString();
  const entry = { resourceName: 'users', operation: 'insert', recordId: 'a', timestamp: old, createdAt: old.slice(0, 10) };
  const ids = Array.from({ length: 40 }, (_, n) => `audit-${Date.parse(old)}-${String(n).padStart(9, '0')}`);
  await log.insertMany(ids.map((id) => ({ ...entry, id })));
  await log._drain();
  await log.insert({ ...entry, id: `audit-${Date.now()}-000000000`, createdAt: new Date().toISOString().slice(0, 10) });
  await log._drain();
  await Promise.all([audit.cleanupOldAudits(5), other.plugins.audit.cleanupOldAudits(5)]);
  assert.equal(await log.count(), 1);
  assert.equal((await allKeys(database, 'resource=plg_audits/')).length, 3, 'and no reference is left');
});

test('spec12_a6_d10_a_clock_that_is_set_back_keeps_the_order_of_entries', async (t) => {
  const { users, audit } = await withAudit();
  await users.insert({ id: 'a', name: 'first' });
  const real = Date.now;
  const mock = t.mock.method(Date, 'now', () => real() - 3_600_000);
  await users.update('a', { name: 'second' });
  mock.mock.restore();
  await users.update('a', { name: 'third' });
  const history = await audit.getRecordHistory('users', 'a');
  assert.deepEqual(
    history.map(({ newData }) => newData.name),
    ['first', 'second', 'third']
  );
});

test('spec12_a6_d3_delete_many_gives_exactly_one_entry_per_id', async () => {
  const { users, audit } = await withAudit();
  await users.insertMany([
    { id: 'a', name: 'A' },
    { id: 'b', name: 'B' }
  ]);
  const warnings = await collectWarnings(() => users.deleteMany(['a', 'b', 'a', 'gone']));
  await settle();
  assert.deepEqual(warnings, []);
  const entries = (await audit.getAuditLogs()).filter(({ operation }) => operation !== 'insert');
  assert.deepEqual(entries.map(brief), ['deleteMany a', 'deleteMany b', 'deleteMany gone']);
  assert.deepEqual(entries[2].oldData, { id: 'gone' });
});

test('spec12_a6_d4_pending_writes_are_retried_reported_and_flushed_on_stop', async () => {
  const { database, users, audit, log } = await withAudit();
  const { insert } = log;
  let failures = 1;
  log.insert = async (record) => {
    if (failures > 0) {
      failures -= 1;
      throw new Error('no room');
    }
    return insert(record);
  };
  await users.insert({ id: 'a', name: 'A' });
  await database.disconnect();
  const again = await reopen(database, { plugins: [new AuditPlugin()] });
  assert.deepEqual((await again.plugins.audit.getAuditLogs()).map(brief), ['insert a'], 'disconnect waits for the retry');
  assert.equal(failures, 0);
  assert.equal(audit.getLogs().length, 1);
});

test('spec12_a6_d4_a_write_that_fails_for_good_is_an_event_and_never_the_operation', async () => {
  const { users, audit, log } = await withAudit({ mode: 'sync' });
  log.insert = async () => {
    throw new Error('disk full');
  };
  const lost = [];
  audit.on('plg:audit:log-failed', (event) => lost.push(event));
  const warnings = await collectWarnings(async () => {
    const record = await users.insert({ id: 'a', name: 'A' });
    assert.equal(record.name, 'A');
  });
  assert.deepEqual(warnings, [['Audit logging failed:', 'disk full']]);
  assert.deepEqual(
    lost.map(({ entry, error }) => [brief(entry), error.message]),
    [['insert a', 'disk full']]
  );
});

test('spec12_a6_d4_sync_mode_waits_for_the_write', async () => {
  const { users, log } = await withAudit({ mode: 'sync' });
  await users.insert({ id: 'a', name: 'A' });
  assert.equal(await log.count(), 1);
  await users.update('a', { name: 'B' });
  assert.equal(await log.count(), 2);
  await users.insertMany(Array.from({ length: 30 }, (_, i) => ({ id: `m${i}`, name: 'x' })));
  assert.equal(await log.count(), 32);
  await users.delete('a');
  assert.equal(await log.count(), 33);
});

test('spec12_a6_d5_snapshots_hold_the_record_alone', async () => {
  const { users, audit } = await withAudit();
  await users.insert({ id: 'a', name: 'A' });
  await users.update('a', { name: 'B' });
  for (const { oldData, newData } of await audit.getAuditLogs()) {
    for (const snapshot of [oldData, newData].filter(Boolean)) assert.deepEqual(Object.keys(snapshot).sort(), ['id', 'name']);
  }
});

test('spec12_a6_d6_secrets_never_reach_the_log', async () => {
  const { database, users, audit } = await withAudit(
    {},
    {
      passphrase: 'long passphrase',
      bcryptRounds: 4,
      config: {
        attributes: {
          name: 'string',
          token: 'secret|optional',
          login: 'password|optional',
          deep: { inner: { key: 'secret|optional', open: 'string|optional' } },
          keys: 'array|items:secret|optional'
        }
      }
    }
  );
  await users.insert({
    id: 'a',
    name: 'A',
    token: 'hush-1',
    login: 'hush-2',
    deep: { inner: { key: 'hush-3', open: 'fine' } },
    keys: ['hush-4']
  });
  await users.update('a', { token: 'hush-5' });
  await users.delete('a');
  const entries = await audit.getAuditLogs();
  assert.equal(entries.length, 3);
  const text = JSON.stringify([entries, audit.getLogs()]);
  assert.ok(!text.includes('hush') && !text.includes('$2b$'), text);
  assert.deepEqual(
    [entries[0].newData.token, entries[0].newData.login, entries[0].newData.deep.inner.key],
    ['[REDACTED]', '[REDACTED]', '[REDACTED]']
  );
  assert.equal(entries[0].newData.deep.inner.open, 'fine');
  for (const key of await allKeys(database, 'resource=plg_audits/data')) {
    assert.ok(!JSON.stringify(await readObject(database, key)).includes('hush'), key);
  }
});

test('spec12_a6_d7_delete_many_reads_in_bulk', async () => {
  const { users, database } = await withAudit();
  await users.insertMany(Array.from({ length: 20 }, (_, i) => ({ id: `m${i}`, name: 'x' })));
  await database.plugins.audit.flush();
  const gets = [];
  users.get = async (id) => gets.push(id);
  delete users.get;
  const requests = await requestsOf(database, () => users.deleteMany(Array.from({ length: 20 }, (_, i) => `m${i}`)));
  assert.ok(requests.GetObject >= 20, 'each is read');
  assert.deepEqual(gets, []);
});

test('spec12_a6_d8_a_resource_is_followed_once', async () => {
  const { database, users, audit } = await withAudit();
  const again = await database.createResource({ name: 'users', attributes });
  assert.equal(again, users);
  audit.setupResourceAuditing(users);
  audit.installEventListenersForResource(users);
  await users.insert({ id: 'a', name: 'A' });
  await users.deleteMany(['a']);
  assert.deepEqual(audit.getLogs().map(brief), ['insert a', 'deleteMany a']);
});

test('spec12_a6_d9_stop_and_uninstall_restore_the_resource', async () => {
  const { database, users, audit } = await withAudit();
  assert.ok(Object.hasOwn(users, '_originalDeleteMany'));
  const original = users._originalDeleteMany;
  await audit.stop();
  assert.equal(users.deleteMany, original);
  assert.ok(!Object.hasOwn(users, '_originalDeleteMany'));
  await users.insert({ name: 'unseen' });
  assert.equal(audit.getLogs().length, 0);
  await audit.start();
  await users.insert({ name: 'seen' });
  assert.equal(audit.getLogs().length, 1);
  await database.uninstallPlugin('audit');
  await users.insert({ name: 'unseen' });
  await database.createResource({ name: 'later', attributes });
  assert.equal(audit.getLogs().length, 1);
  assert.equal(users.deleteMany, original);
  assert.notEqual(database.resources.plg_audits, undefined, 'the log itself stays');
});

test('spec12_a6_d10_ids_sort_in_order_within_a_millisecond', async () => {
  const { users, audit } = await withAudit();
  await users.insertMany(Array.from({ length: 500 }, (_, i) => ({ id: `m${i}`, name: 'x' })));
  const ids = audit.getLogs().map(({ id }) => id);
  assert.deepEqual(ids, [...ids].sort());
  assert.equal(new Set(ids).size, 500);
  assert.ok(ids.every((id) => /^audit-\d{13}-[0-9a-z]{9}$/.test(id)));
});

test('spec12_a6_d11_user_functions_that_throw_are_reported', async () => {
  const fail = () => {
    throw new Error('user code');
  };
  const { database, users, audit } = await withAudit({ getMetadata: async () => fail(), shouldAudit: fail, customLogger: fail });
  const errors = [];
  database.on('plugin.error', ({ operation, error }) => errors.push(`${operation}: ${error.message}`));
  audit.getCurrentUserId = fail;
  await users.insert({ id: 'a', name: 'A' });
  const [entry] = await audit.getAuditLogs();
  assert.deepEqual([entry.userId, entry.metadata.source], ['system', 'audit-plugin']);
  assert.deepEqual(errors.sort(), [
    'customLogger: user code',
    'getCurrentUserId: user code',
    'getMetadata: user code',
    'shouldAudit: user code'
  ]);
});

test('spec12_a7_batch_format_stays_within_twice_the_requests', async () => {
  const rows = Array.from({ length: 500 }, (_, i) => ({ id: `m${i}`, name: `n${i}` }));
  const plain = await connectDatabase();
  const users = await plain.createResource({ name: 'users', attributes });
  const without = await requestsOf(plain, () => users.insertMany(rows));
  const audited = await withAudit({ format: 'batch' });
  const withLog = await requestsOf(audited.database, async () => {
    await audited.users.insertMany(rows);
    await audited.audit.flush();
  });
  const sum = (requests) => Object.values(requests).reduce((a, b) => a + b, 0);
  assert.ok(sum(withLog) <= 2 * sum(without), `${sum(withLog)} for ${sum(without)}`);
  const entries = await audited.audit.getAuditLogs({ limit: null });
  assert.equal(entries.length, 500);
  assert.deepEqual([brief(entries[499]), entries[499].newData], ['insert m499', { name: 'n499', id: 'm499' }]);
  assert.equal((await audited.audit.getRecordHistory('users', 'm77')).length, 1);
  assert.equal((await audited.audit.getAuditStats()).byOperation.insert, 500);
});

test('spec12_a7_an_entry_of_the_default_format_is_a_record_and_its_two_references', async () => {
  const { database, users, audit } = await withAudit();
  const requests = await requestsOf(database, async () => {
    await users.insertMany(Array.from({ length: 50 }, (_, i) => ({ id: `m${i}`, name: `n${i}` })));
    await audit.flush();
  });
  assert.deepEqual(requests, { PutObject: 200 });
  const keys = await allKeys(database, 'resource=plg_audits/');
  const count = (part) => keys.filter((key) => key.includes(part)).length;
  assert.deepEqual([count('/data/'), count('/partition=byDate/'), count('/partition=byResource/resourceName=users/')], [50, 50, 50]);
});

test('spec12_a7_the_native_bulk_path_stays_on', async () => {
  const { users } = await withAudit();
  const { decideBulk } = await import('../../js/resource/bulk.js');
  for (const operation of ['insertMany', 'getMany', 'getAll', 'query'])
    assert.deepEqual(decideBulk(users, operation), { allowed: true, reason: '' });
});

test('spec12_a7_records_of_13_6_are_read', async () => {
  const { audit, log } = await withAudit();
  const update = { name: 'B', $before: { name: 'A' }, $after: { name: 'B' } };
  await log.insert({
    id: 'audit-1700000000000-k3j2h1g0f',
    userId: 'system',
    timestamp: '2023-11-14T22:13:20.000Z',
    createdAt: '2023-11-14',
    metadata: '{"source":"audit-plugin","version":"2.0"}',
    resourceName: 'users',
    operation: 'update',
    recordId: 'x',
    newData: JSON.stringify(update)
  });
  const [entry] = await audit.getAuditLogs({ startDate: '2023-11-14', endDate: '2023-11-14' });
  assert.deepEqual([entry.recordId, entry.newData], ['x', update]);
  assert.equal((await audit.getAuditLogs({ startDate: '2023-11-15' })).length, 0);
});

test('spec12_a7_a_full_queue_makes_operations_wait', async () => {
  const { LogQueue } = await import('../../js/plugins/audit/log-queue.js');
  let release;
  const gate = new Promise((resolve) => {
    release = resolve;
  });
  const queue = new LogQueue({ write: () => gate.then(() => []), failed: () => {}, limit: 2 });
  assert.equal(queue.push({ n: 1 }).room, undefined);
  assert.equal(queue.push({ n: 2 }).room, undefined);
  const { room } = queue.push({ n: 3 });
  assert.ok(room instanceof Promise);
  let resumed = false;
  room.then(() => {
    resumed = true;
  });
  await settle();
  assert.equal(resumed, false);
  release();
  await room;
  await queue.flush();
  assert.equal(queue.size, 0);
});

test('spec12_a1_two_instances_in_one_database_keep_apart', async () => {
  const database = await connectDatabase({ plugins: [new AuditPlugin(), new AuditPlugin({ namespace: 'Second' })] });
  const users = await database.createResource({ name: 'users', attributes });
  await users.insert({ id: 'a', name: 'A' });
  await users.deleteMany(['a']);
  const [first, second] = [database.plugins.audit, database.plugins.audit2];
  assert.deepEqual([first.auditResourceName, second.auditResourceName], ['plg_audits', 'plg_second_audits']);
  for (const audit of [first, second]) assert.deepEqual((await audit.getAuditLogs()).map(brief), ['insert a', 'deleteMany a']);
  const aliased = await database.usePlugin(new AuditPlugin(), 'auditEU');
  assert.equal(aliased.auditResourceName, 'plg_auditeu_audits');
});

test('spec12_a_the_plugin_guide_sample', async () => {
  const database = await connectDatabase();
  const audit = new AuditPlugin({ driver: 'memory' });
  await database.usePlugin(audit);
  const resource = await database.createResource({ name: 'test', attributes: { id: 'string|required', data: 'string' } });
  await resource.insert({ id: '1', data: 'test' });
  assert.equal(audit.getLogs().length, 1);
});

test('spec12_a_clients_of_users_own', async () => {
  const { users, audit } = await withAudit({}, { client: plainClient() });
  await users.insert({ id: 'a', name: 'A' });
  await users.delete('a');
  assert.deepEqual((await audit.getAuditLogs()).map(brief), ['insert a', 'delete a']);
  assert.equal(await audit.cleanupOldAudits(), 0);
});

test('spec12_a_on_s3', { skip: withoutS3 }, async () => {
  const database = new Database({ connectionString: s3ConnectionString(), plugins: [new AuditPlugin()] });
  await database.connect();
  try {
    const users = await database.createResource({ name: 'users', attributes });
    const { audit } = database.plugins;
    await users.insertMany([
      { id: 'a', name: 'A' },
      { id: 'b', name: 'B' }
    ]);
    await users.update('a', { name: 'AA' });
    await users.deleteMany(['a', 'b']);
    assert.deepEqual((await audit.getAuditLogs()).map(brief), ['insert a', 'insert b', 'update a', 'deleteMany a', 'deleteMany b']);
    assert.equal((await audit.getRecordHistory('users', 'a')).length, 3);
  } finally {
    await database.disconnect();
  }
});

test('spec12_a_unknown_options_warn_with_the_nearest', async () => {
  const warnings = [];
  const database = makeDatabase({ plugins: [new AuditPlugin({ includDatas: true })] });
  database.on('db:warning', (warning) => warnings.push(warning));
  await database.connect();
  assert.deepEqual(
    warnings.map(({ details }) => details.nearest),
    ['includeData']
  );
});

test('spec12_4_audit_error', () => {
  const error = new AuditError('no', { resourceName: 'users', auditId: 'x' });
  assert.deepEqual([error.data.operation, error.data.auditId, error.retriable, error.statusCode], ['unknown', 'x', false, 500]);
  assert.ok(error.description.includes("'unknown'") && error.suggestion && error.toJson().data.resourceName === 'users');
});

test('spec12_a_the_snippets_of_the_audit_page_run', async () => {
  const { programs, compared } = await runPage('audit.md');
  assert.deepEqual([programs, compared], [1, 7]);
});
