// TTLPlugin (spec/11).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Plugin, PluginStorage, TTLPlugin } from '../../js/index.js';
import { cohortOf, granularityOf, mayBeDue } from '../../js/plugins/ttl/cohorts.js';
import { rejection } from './support/clients.js';
import { allKeys, connectDatabase, readMetadata, reopen, requestsOf, settle } from './support/databases.js';

const attributes = { name: 'string|required', expires: 'string|optional', at: 'number|optional', deletedat: 'string|optional' };
const PAST = () => new Date(Date.now() - 5000).toISOString();
const FUTURE = () => new Date(Date.now() + 3_600_000).toISOString();
const quiet = { logLevel: 'silent' };

async function withTtl(rule, options = {}, config = {}) {
  const database = await connectDatabase();
  const sessions = await database.createResource({ name: 'sessions', attributes, timestamps: true, paranoid: false, ...config });
  const ttl = await database.usePlugin(new TTLPlugin({ resources: { sessions: rule }, ...quiet, ...options }));
  return { database, sessions, ttl };
}

const hard = { ttl: -1, onExpire: 'hard-delete' };
const absolute = { field: 'expires', onExpire: 'hard-delete' };

function eventsOf(plugin) {
  const events = [];
  for (const name of ['record-expired', 'scan-completed', 'cleanup-error']) {
    plugin.on(`plg:ttl:${name}`, (payload) => events.push([name, payload]));
  }
  return { events, of: (name) => events.filter(([event]) => event === name).map(([, payload]) => payload) };
}

test('spec11_1_identity_and_options', async () => {
  const plugin = new TTLPlugin({ batchSize: 0 });
  assert.ok(plugin instanceof Plugin);
  assert.deepEqual(
    [plugin.name, plugin.slug, plugin.batchSize, plugin.isRunning, plugin.expirationIndex, plugin.intervals],
    ['TTLPlugin', 'ttl', 100, false, null, []]
  );
  assert.equal(plugin.indexResourceName, 'plg_ttl_expiration_index');
  assert.equal(new TTLPlugin({ namespace: 'hot-path' }).indexResourceName, 'plg_hot_path_ttl_expiration_index');
  assert.equal(new TTLPlugin({ namespace: 'x', indexResourceName: 'mine' }).indexResourceName, 'plg_mine');
  assert.equal(new TTLPlugin({ resourceNames: { index: 'plg_a' }, indexResourceName: 'b' }).indexResourceName, 'plg_a');
  for (const batchSize of [-1, 1.5, 10_001, 'x']) {
    assert.throws(() => new TTLPlugin({ batchSize }), { name: 'PluginError', message: '[TTLPlugin] Invalid batchSize', statusCode: 400 });
  }
  assert.deepEqual(plugin.config.batchSize, 100);
});

test('spec11_3_rules_are_validated_with_documented_messages', async () => {
  const database = await connectDatabase();
  for (const [rule, message] of [
    [{ onExpire: 'hard-delete' }, '[TTLPlugin] Missing TTL configuration'],
    [{ ttl: 0, onExpire: 'hard-delete' }, '[TTLPlugin] Missing TTL configuration'],
    [{ ttl: 'soon', onExpire: 'hard-delete' }, '[TTLPlugin] Missing TTL configuration'],
    [{ ttl: 5 }, '[TTLPlugin] Invalid onExpire strategy'],
    [{ ttl: 5, onExpire: 'explode' }, '[TTLPlugin] Invalid onExpire strategy'],
    [{ ttl: 5, onExpire: 'archive' }, '[TTLPlugin] Archive resource required'],
    [{ ttl: 5, onExpire: 'callback' }, '[TTLPlugin] Callback handler required'],
    [null, '[TTLPlugin] Missing TTL configuration']
  ]) {
    const error = await rejection(new TTLPlugin({ resources: { sessions: rule } }).install(database));
    assert.deepEqual([error.name, error.message, error.statusCode], ['PluginError', message, 400]);
    assert.deepEqual([error.pluginName, error.operation], ['TTLPlugin', 'validateResourceConfig']);
  }
});

test('spec11_10_14_the_given_rules_are_copied_and_completed_ones_are_readable', async () => {
  const rule = { ttl: 60, onExpire: 'soft-delete' };
  const { ttl } = await withTtl(rule);
  assert.deepEqual(rule, { ttl: 60, onExpire: 'soft-delete' });
  const { field, deleteField, granularity } = ttl.resources.sessions;
  assert.deepEqual([field, deleteField, granularity], ['_createdAt', 'deletedat', 'minute']);
});

test('spec11_4_granularities_and_cohorts', () => {
  assert.deepEqual([0, 60, 3599, 3600, 86_399, 86_400, 2_592_000, -5, '100'].map(granularityOf), [
    'day',
    'minute',
    'minute',
    'hour',
    'hour',
    'day',
    'week',
    'minute',
    'minute'
  ]);
  const time = Date.parse('2026-11-22T09:17:30Z');
  assert.deepEqual(
    ['minute', 'hour', 'day', 'week'].map((granularity) => cohortOf(granularity, time)),
    ['2026-11-22T09:17', '2026-11-22T09', '2026-11-22', '2026-W47']
  );
  assert.equal(cohortOf('week', Date.parse('2024-12-30T12:00:00Z')), '2024-W01');
});

test('spec11_10_11_weeks_around_new_year_are_looked_at', () => {
  const at = (text) => Date.parse(`${text}T12:00:00Z`);
  // The last week of 2024 is written as 2024-W01.
  assert.equal(mayBeDue('week', '2024-W52', at('2024-12-30')), true);
  assert.equal(mayBeDue('week', '2024-W01', at('2024-12-30')), true);
  assert.equal(mayBeDue('week', '2024-W52', at('2025-01-05')), true);
  assert.equal(mayBeDue('week', '2025-W03', at('2025-01-05')), false);
  assert.equal(mayBeDue('minute', '2024-12-30', at('2025-01-05')), false, 'another granularity');
});

test('spec11_5_index_entries_have_the_stored_form_of_13_6', async () => {
  const { database, sessions, ttl } = await withTtl({ ttl: 60, onExpire: 'hard-delete' });
  const before = Date.now();
  await sessions.insert({ id: 's1', name: 'a' });
  const entry = await ttl.expirationIndex.get('sessions:s1');
  assert.deepEqual([entry.resourceName, entry.recordId, entry.granularity], ['sessions', 's1', 'minute']);
  assert.ok(entry.expiresAtTimestamp >= before + 60_000 && entry.expiresAtTimestamp <= Date.now() + 60_000);
  assert.equal(entry.expiresAtCohort, new Date(entry.expiresAtTimestamp).toISOString().slice(0, 16));
  const index = 'resource=plg_ttl_expiration_index';
  assert.deepEqual((await allKeys(database, index)).sort(), [
    `${index}/data/id=sessions:s1`,
    `${index}/partition=byExpiresAtCohort/expiresAtCohort=${entry.expiresAtCohort}/id=sessions:s1`
  ]);
  assert.equal((await readMetadata(database)).resources.plg_ttl_expiration_index.createdBy, 'TTLPlugin');
});

test('spec11_7_hard_delete_removes_record_and_entry_and_tells', async () => {
  const { database, sessions, ttl } = await withTtl(hard);
  const { events, of } = eventsOf(ttl);
  await sessions.insertMany([1, 2, 3].map((n) => ({ id: `s${n}`, name: `n${n}` })));
  await ttl.runCleanup();
  assert.equal(await sessions.count(), 0);
  assert.deepEqual(await allKeys(database, 'resource=plg_ttl_expiration_index'), []);
  const stats = ttl.getStats();
  assert.deepEqual(
    [stats.totalExpired, stats.totalDeleted, stats.totalErrors, stats.totalScans, stats.resources, stats.isRunning, stats.intervals],
    [3, 3, 0, 1, 1, true, 1]
  );
  assert.ok(stats.lastScanAt && stats.lastScanDuration >= 0);
  assert.deepEqual(
    of('record-expired')
      .map(({ resource, recordId, strategy, record }) => [resource, recordId, strategy, record.name])
      .sort(),
    [1, 2, 3].map((n) => ['sessions', `s${n}`, 'hard-delete', `n${n}`])
  );
  const [scan] = of('scan-completed');
  assert.deepEqual([scan.granularity, scan.totalExpired, scan.totalProcessed, scan.cohorts.length], ['minute', 3, 3, 1]);
  assert.equal(events.filter(([name]) => name === 'cleanup-error').length, 0, 'spec11_10_15: a missing entry is success');
});

test('spec11_7_records_that_are_not_due_stay', async () => {
  const { sessions, ttl } = await withTtl({ ttl: 3000, onExpire: 'hard-delete' });
  await sessions.insert({ id: 'a', name: 'a' });
  await ttl.runCleanup();
  assert.equal((await sessions.get('a')).name, 'a');
  assert.ok(await ttl.expirationIndex.get('sessions:a'));
});

test('spec11_7_soft_delete_marks_the_record_once', async () => {
  const { sessions, ttl } = await withTtl({ ttl: -1, onExpire: 'soft-delete' });
  await sessions.insert({ id: 'a', name: 'a' });
  await ttl.runCleanup();
  const record = await sessions.get('a');
  assert.ok(!Number.isNaN(Date.parse(record.deletedat)));
  assert.equal(record.isdeleted, 'true');
  await ttl.runCleanup();
  assert.deepEqual([ttl.stats.totalSoftDeleted, ttl.stats.totalExpired], [1, 1]);
});

test('spec11_10_05_archive_is_repeatable_after_a_crash_between_copy_and_delete', async () => {
  const { database, sessions, ttl } = await withTtl({ ttl: -1, onExpire: 'archive', archiveResource: 'old' });
  await sessions.insert({ id: 'a', name: 'a' });
  await ttl.runCleanup();
  assert.deepEqual([ttl.stats.totalErrors, await sessions.count()], [1, 1], 'without the archive the record stays');
  const old = await database.createResource({
    name: 'old',
    attributes: { name: 'string', archivedAt: 'string', archivedFrom: 'string', originalId: 'string' }
  });
  const remove = sessions.delete;
  sessions.delete = async () => {
    throw new Error('crashed');
  };
  await ttl.runCleanup();
  assert.deepEqual([await sessions.count(), await old.count()], [1, 1]);
  sessions.delete = remove;
  await ttl.runCleanup();
  assert.deepEqual([await sessions.count(), await old.count()], [0, 1]);
  const [copy] = await old.list();
  assert.deepEqual([copy.name, copy.archivedFrom, copy.originalId], ['a', 'sessions', 'a']);
  assert.match(copy.id, /^arc_[\w-]{22}$/);
  assert.deepEqual([ttl.stats.totalArchived, ttl.stats.totalDeleted], [1, 1]);
});

test('spec11_3_archive_may_keep_the_id', async () => {
  const { database, sessions, ttl } = await withTtl({ ttl: -1, onExpire: 'archive', archiveResource: 'old', keepOriginalId: true });
  const old = await database.createResource({ name: 'old', attributes: { name: 'string' } });
  await sessions.insert({ id: 'a', name: 'a' });
  await ttl.runCleanup();
  assert.equal((await old.get('a')).name, 'a');
});

test('spec11_7_callbacks_decide_and_are_asked_once', async () => {
  const asked = [];
  const callback = async (record, resource) => {
    asked.push([record.id, resource.name]);
    return record.id === 'gone';
  };
  const { sessions, ttl } = await withTtl({ ttl: -1, onExpire: 'callback', callback });
  await sessions.insertMany([
    { id: 'gone', name: 'a' },
    { id: 'kept', name: 'b' }
  ]);
  await ttl.runCleanup();
  await ttl.runCleanup();
  assert.deepEqual(asked.sort(), [
    ['gone', 'sessions'],
    ['kept', 'sessions']
  ]);
  assert.deepEqual(await sessions.listIds(), ['kept']);
  assert.deepEqual([ttl.stats.totalCallbacks, ttl.stats.totalDeleted, ttl.stats.totalExpired], [2, 1, 2]);
});

test('spec11_9_retry_asks_again_and_a_callback_may_delete_itself', async () => {
  let asked = 0;
  const callback = async (record, resource) => {
    asked += 1;
    if (asked < 3) return false;
    await resource.delete(record.id);
    return true;
  };
  const { sessions, ttl } = await withTtl({ ttl: -1, onExpire: 'callback', callback, retry: true });
  await sessions.insert({ id: 'a', name: 'a' });
  for (let n = 0; n < 4; n += 1) await ttl.runCleanup();
  assert.deepEqual([asked, await sessions.count(), ttl.stats.totalErrors], [3, 0, 0]);
});

test('spec11_7_a_throwing_callback_is_an_event_and_is_asked_again', async () => {
  let asked = 0;
  const callback = async () => {
    asked += 1;
    throw new Error('not now');
  };
  const { sessions, ttl } = await withTtl({ ttl: -1, onExpire: 'callback', callback });
  const { of } = eventsOf(ttl);
  await sessions.insert({ id: 'a', name: 'a' });
  await ttl.runCleanup();
  await ttl.runCleanup();
  assert.equal(asked, 2);
  const [event] = of('cleanup-error');
  assert.deepEqual([event.granularity, event.resource, event.recordId, event.error.message], ['minute', 'sessions', 'a', 'not now']);
  assert.equal(ttl.stats.totalErrors, 2);
});

test('spec11_10_01_records_expire_after_any_time_without_a_process', async () => {
  const { database, sessions, ttl } = await withTtl({ ttl: 60, onExpire: 'hard-delete' });
  await sessions.insertMany([
    { id: 'yesterday', name: 'a' },
    { id: 'last-year', name: 'b' },
    { id: 'later', name: 'c' }
  ]);
  // As a process that went away would have left them.
  for (const [id, age] of [
    ['yesterday', 86_400_000],
    ['last-year', 365 * 86_400_000]
  ]) {
    const expiresAtTimestamp = Date.now() - age;
    await ttl.expirationIndex.update(`sessions:${id}`, { expiresAtTimestamp, expiresAtCohort: cohortOf('minute', expiresAtTimestamp) });
  }
  await database.disconnect();
  const again = await reopen(database);
  const next = await again.usePlugin(new TTLPlugin({ resources: { sessions: { ttl: 60, onExpire: 'hard-delete' } }, ...quiet }));
  await next.runCleanup();
  assert.deepEqual(await again.resources.sessions.listIds(), ['later']);
  const storage = new PluginStorage(again.client, 'ttl');
  const mark = await storage.get('plugin=ttl/sweep/minute');
  assert.ok(mark.cohort <= cohortOf('minute', Date.now()) && mark.rev);
});

test('spec11_10_01_an_expiry_that_has_passed_when_it_is_written_is_found', async () => {
  const { sessions, ttl } = await withTtl(absolute);
  await ttl.runCleanup();
  await sessions.insert({ id: 'a', name: 'a', expires: '2001-01-01T00:00:00Z' });
  await ttl.runCleanup();
  assert.equal(await sessions.count(), 0);
});

test('spec11_10_02_records_that_were_there_before_are_indexed_on_request', async () => {
  const database = await connectDatabase();
  const sessions = await database.createResource({ name: 'sessions', attributes, timestamps: true });
  await sessions.insertMany([
    { id: 'a', name: 'a', expires: PAST() },
    { id: 'b', name: 'b', expires: FUTURE() },
    { id: 'c', name: 'c' }
  ]);
  const ttl = await database.usePlugin(new TTLPlugin({ resources: { sessions: absolute }, ...quiet }));
  await ttl.runCleanup();
  assert.equal(await sessions.count(), 3);
  assert.deepEqual(await ttl.backfill('sessions'), { indexed: 2, failed: 0 });
  await ttl.runCleanup();
  assert.deepEqual(await sessions.listIds(), ['b', 'c']);
  await ttl.uninstall();
  await sessions.insert({ id: 'd', name: 'd', expires: PAST() });
  const eager = await database.usePlugin(new TTLPlugin({ resources: { sessions: absolute }, indexExisting: true, ...quiet }));
  for (let n = 0; n < 50 && (await sessions.exists('d')); n += 1) {
    await settle();
    await eager.runCleanup();
  }
  assert.deepEqual(await sessions.listIds(), ['b', 'c']);
});

test('spec11_10_03_resources_created_later_are_followed_and_patterns_match', async () => {
  const database = await connectDatabase();
  const ttl = await database.usePlugin(
    new TTLPlugin({ resources: { 'tmp_*': hard, exact: { ttl: 60, onExpire: 'hard-delete' } }, ...quiet })
  );
  assert.equal(ttl.getStats().intervals, 0);
  const tmp = await database.createResource({ name: 'tmp_a', attributes, timestamps: true });
  const exact = await database.createResource({ name: 'exact', attributes, timestamps: true });
  const other = await database.createResource({ name: 'other', attributes, timestamps: true });
  for (const resource of [tmp, exact, other]) await resource.insert({ id: 'a', name: 'a' });
  await ttl.runCleanup();
  assert.deepEqual([await tmp.count(), await exact.count(), await other.count()], [0, 1, 1]);
  assert.equal(ttl.getStats().intervals, 1);
  assert.equal(ttl.resources.tmp_a.granularity, 'minute');
});

test('spec11_12_allow_list_block_list_and_filter', async () => {
  const database = await connectDatabase();
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) await database.createResource({ name, attributes, timestamps: true });
  const ttl = await database.usePlugin(
    new TTLPlugin({
      resources: { '*': hard },
      resourceAllowlist: ['a', 'b', 'c'],
      resourceBlocklist: ['b'],
      resourceFilter: (name) => name !== 'c',
      ...quiet
    })
  );
  for (const name of names) await database.resources[name].insert({ name: 'x' });
  await ttl.runCleanup();
  assert.deepEqual(await Promise.all(names.map((name) => database.resources[name].count())), [0, 1, 1, 1]);
});

test('spec11_10_04_two_instances_act_once', async () => {
  const asked = [];
  const callback = async (record) => {
    asked.push(record.id);
    await settle();
    return true;
  };
  const { database, sessions, ttl } = await withTtl({ ttl: -1, onExpire: 'callback', callback });
  const second = await reopen(database);
  const other = await second.usePlugin(new TTLPlugin({ resources: { sessions: { ttl: -1, onExpire: 'callback', callback } }, ...quiet }));
  await sessions.insertMany(Array.from({ length: 10 }, (_, n) => ({ id: `s${n}`, name: 'x' })));
  await Promise.all([ttl.runCleanup(), other.runCleanup()]);
  assert.equal(asked.length, 10);
  assert.equal(new Set(asked).size, 10);
});

test('spec11_10_06_a_record_whose_expiry_has_moved_is_not_touched', async () => {
  const { sessions, ttl } = await withTtl(absolute);
  await sessions.insert({ id: 'a', name: 'a', expires: PAST() });
  // Moved by a process without the plugin: the index does not know.
  const plain = ttl.database.resources.sessions;
  await plain._native.update(await plain._native.read('a'), JSON.stringify({ name: 'a', expires: FUTURE() }), '{"refs":"await"}');
  await ttl.runCleanup();
  assert.equal((await sessions.get('a')).name, 'a');
  const entry = await ttl.expirationIndex.get('sessions:a');
  assert.ok(entry.expiresAtTimestamp > Date.now());
});

test('spec11_9_updates_of_the_field_move_the_expiry', async () => {
  const { database, sessions, ttl } = await withTtl(absolute);
  await sessions.insert({ id: 'a', name: 'a', expires: PAST() });
  await sessions.insert({ id: 'b', name: 'b', expires: FUTURE() });
  await sessions.insert({ id: 'c', name: 'c', expires: FUTURE() });
  await sessions.update('a', { expires: FUTURE() });
  await sessions.patch('b', { expires: PAST() });
  await sessions.update('c', { name: 'other' });
  await ttl.runCleanup();
  assert.deepEqual(await sessions.listIds(), ['a', 'c']);
  const references = (await allKeys(database, 'resource=plg_ttl_expiration_index/partition=')).map((key) => key.split('id=')[1]);
  assert.deepEqual(references.sort(), ['sessions:a', 'sessions:c'], 'one reference each');
});

test('spec11_10_06_a_record_written_anew_during_the_sweep_keeps_its_new_expiry', async () => {
  // Deleted and inserted again after its page was listed, and before it is its turn.
  for (const rule of [
    { ttl: 60, onExpire: 'callback' },
    { field: 'expires', onExpire: 'callback' }
  ]) {
    const asked = [];
    const { sessions, ttl } = await withTtl(
      {
        ...rule,
        callback: async ({ id }, resource) => {
          asked.push(id);
          if (id === 'a') {
            await resource.delete('b');
            await resource.insert({ id: 'b', name: 'new', expires: FUTURE() });
          }
          return true;
        }
      },
      { batchSize: 1 }
    );
    await sessions.insertMany(['a', 'b'].map((id) => ({ id, name: 'old', expires: PAST() })));
    for (const id of ['a', 'b']) {
      const expiresAtTimestamp = Date.now() - 1000;
      await ttl.expirationIndex.update(`sessions:${id}`, {
        expiresAtTimestamp,
        expiresAtCohort: cohortOf(ttl.resources.sessions.granularity, expiresAtTimestamp)
      });
    }
    await ttl.runCleanup();
    assert.deepEqual(asked, ['a']);
    assert.equal((await sessions.get('b')).name, 'new');
    assert.ok((await ttl.expirationIndex.get('sessions:b')).expiresAtTimestamp > Date.now());
  }
});

test('spec11_10_06_a_record_inserted_again_right_after_it_expired_keeps_its_entry', async () => {
  for (const observed of [false, true]) {
    const { database, sessions, ttl } = await withTtl(absolute);
    if (observed) ttl.expirationIndex.on('deleted-many', () => {});
    ttl.addHook('sessions', 'afterDelete', async (record) => {
      if (record.name === 'old') await sessions.insert({ id: record.id, name: 'new', expires: FUTURE() });
      return record;
    });
    await sessions.insertMany(['a', 'b'].map((id) => ({ id, name: 'old', expires: PAST() })));
    await ttl.runCleanup();
    assert.deepEqual(await sessions.listIds(), ['a', 'b']);
    assert.deepEqual(await ttl.expirationIndex.listIds(), ['sessions:a', 'sessions:b']);
    const references = await allKeys(database, 'resource=plg_ttl_expiration_index/partition=');
    assert.deepEqual(references.map((key) => key.split('/').at(-1)).sort(), ['id=sessions:a', 'id=sessions:b']);
    await sessions.deleteMany(['a', 'b']);
    assert.deepEqual(await allKeys(database, 'resource=plg_ttl_expiration_index'), [], 'and nothing else is left');
  }
});

test('spec11_10_09_entries_that_cannot_be_removed_are_reported_and_tried_again', async () => {
  const { database, sessions, ttl } = await withTtl(hard);
  const { of } = eventsOf(ttl);
  await sessions.insert({ id: 'a', name: 'a' });
  const { deleteObjects } = database.client;
  database.client.deleteObjects = async () => {
    throw new Error('not now');
  };
  await ttl.runCleanup();
  assert.equal(of('cleanup-error')[0].error.message, 'not now');
  database.client.deleteObjects = deleteObjects;
  await ttl.runCleanup();
  assert.deepEqual(await allKeys(database, 'resource=plg_ttl_expiration_index'), []);
});

test('spec11_10_07_stop_stops_and_a_running_sweep_is_awaited', async () => {
  let finished = false;
  const callback = async () => {
    await settle();
    finished = true;
    return true;
  };
  const { sessions, ttl } = await withTtl({ ttl: -1, onExpire: 'callback', callback });
  await sessions.insert({ id: 'a', name: 'a' });
  const running = ttl.runCleanup();
  await new Promise((resolve) => setImmediate(resolve));
  await ttl.stop();
  assert.deepEqual([finished, ttl.isRunning, ttl.intervals.length], [true, false, 0]);
  await running;
  await ttl.start();
  assert.deepEqual([ttl.isRunning, ttl.intervals.length], [true, 1]);
});

test('spec11_10_08_sweeps_of_a_granularity_do_not_overlap', async () => {
  let active = 0;
  let most = 0;
  const callback = async () => {
    active += 1;
    most = Math.max(most, active);
    await settle();
    active -= 1;
    return false;
  };
  const { sessions, ttl } = await withTtl({ ttl: -1, onExpire: 'callback', callback, retry: true }, { batchSize: 1 });
  await sessions.insert({ id: 'a', name: 'a' });
  await Promise.all([ttl.runCleanup(), ttl.runCleanup(), ttl._sweep('minute', { wait: 0 })]);
  assert.equal(most, 1);
});

test('spec11_10_09_requests_follow_the_expired_records', async () => {
  const database = await connectDatabase();
  const sessions = await database.createResource({ name: 'sessions', attributes, timestamps: true });
  const ttl = await database.usePlugin(new TTLPlugin({ resources: { sessions: absolute }, ...quiet }));
  const far = new Date(Date.now() + 40 * 86_400_000).toISOString();
  await sessions.insertMany(Array.from({ length: 500 }, (_, n) => ({ id: `far${n}`, name: 'x', expires: far })));
  await sessions.insertMany(Array.from({ length: 20 }, (_, n) => ({ id: `due${n}`, name: 'x', expires: PAST() })));
  const requests = await requestsOf(database, () => ttl.runCleanup());
  const total = Object.values(requests).reduce((sum, count) => sum + count, 0);
  assert.ok(total <= 20 * 8 + 20, JSON.stringify(requests));
  assert.equal(await sessions.count(), 500);
});

test('spec11_10_10_a_cohort_lists_its_own_entries_only', async () => {
  const database = await connectDatabase();
  await database.createResource({ name: 'hours', attributes, timestamps: true });
  await database.createResource({ name: 'minutes', attributes, timestamps: true });
  const ttl = await database.usePlugin(
    new TTLPlugin({
      resources: { hours: { ttl: 7200, onExpire: 'hard-delete' }, minutes: { ttl: 120, onExpire: 'hard-delete' } },
      ...quiet
    })
  );
  await database.resources.minutes.insert({ id: 'm', name: 'x' });
  const { of } = eventsOf(ttl);
  await ttl._sweep('hour', { wait: 0 });
  assert.deepEqual(of('scan-completed')[0].cohorts, []);
});

test('spec11_10_12_inserting_again_over_an_old_entry_replaces_its_expiry', async () => {
  const { sessions, ttl } = await withTtl(absolute);
  await sessions.insert({ id: 'a', name: 'a', expires: FUTURE() });
  // Deleted elsewhere, without the plugin.
  await ttl.database.client.deleteObject('resource=sessions/data/id=a');
  await sessions.insert({ id: 'a', name: 'b', expires: PAST() });
  assert.equal(ttl.stats.totalErrors, 0);
  await ttl.runCleanup();
  assert.equal(await sessions.count(), 0);
});

test('spec11_6_deletes_remove_the_entries', async () => {
  const { database, sessions, ttl } = await withTtl({ ttl: 600, onExpire: 'hard-delete' });
  await sessions.insertMany(Array.from({ length: 6 }, (_, n) => ({ id: `s${n}`, name: 'x' })));
  await sessions.delete('s0');
  await sessions.deleteMany(['s1', 's2']);
  assert.deepEqual(await ttl.expirationIndex.listIds(), ['sessions:s3', 'sessions:s4', 'sessions:s5']);
  await sessions.deleteAll();
  assert.deepEqual(await allKeys(database, 'resource=plg_ttl_expiration_index'), []);
});

test('spec11_7_missing_records_and_foreign_entries', async () => {
  const { database, sessions, ttl } = await withTtl(hard);
  await sessions.insert({ id: 'a', name: 'a' });
  await database.client.deleteObject('resource=sessions/data/id=a');
  await ttl.index.put('elsewhere', 'x', { granularity: 'minute' }, Date.now() - 1000);
  await ttl.runCleanup();
  assert.deepEqual(await ttl.expirationIndex.listIds(), ['elsewhere:x'], 'entries of resources without a rule here stay');
  assert.deepEqual([ttl.stats.totalExpired, ttl.stats.totalErrors], [0, 0]);
});

test('spec11_6_a_failing_index_does_not_fail_the_insert', async () => {
  const { sessions, ttl } = await withTtl({ field: 'expires', onExpire: 'hard-delete' });
  const { of } = eventsOf(ttl);
  await sessions.insert({ id: 'a', name: 'a', expires: 'not a date' });
  assert.equal((await sessions.get('a')).name, 'a');
  const [event] = of('cleanup-error');
  assert.deepEqual([event.resource, event.recordId, event.phase], ['sessions', 'a', 'index']);
  assert.equal(ttl.stats.totalErrors, 1);
});

test('spec11_8_edge_cases_of_rules_and_values', async () => {
  const database = await connectDatabase();
  const make = (name, config = {}) =>
    database.createResource({
      name,
      attributes: { at: 'any|optional', nested: { at: 'string|optional' }, number: 'number|optional' },
      timestamps: true,
      ...config
    });
  const rules = {
    numbers: { field: 'number', onExpire: 'hard-delete' },
    texts: { field: 'at', ttl: '100', onExpire: 'hard-delete' },
    dotted: { field: 'nested.at', ttl: 5, onExpire: 'hard-delete' },
    absolute: { field: 'at', ttl: 0, onExpire: 'hard-delete' },
    never: { ttl: 5, onExpire: 'hard-delete' }
  };
  const installed = [];
  const warned = [];
  const ttl = new TTLPlugin({
    resources: rules,
    logger: { warn: (...args) => warned.push(args.join(' ')), error() {}, info() {}, debug() {} }
  });
  ttl.on('db:plugin:installed', (payload) => installed.push(payload));
  for (const name of ['numbers', 'texts', 'dotted', 'absolute']) await make(name);
  await database.usePlugin(ttl);
  assert.deepEqual(installed, [{ plugin: 'TTLPlugin', resources: Object.keys(rules) }]);
  const { numbers, texts, dotted, absolute: byDate } = database.resources;
  const time = Date.parse('2031-05-06T07:08:09.000Z');
  await numbers.insert({ id: 'n', number: time });
  await texts.insert({ id: 't', at: new Date(time).toISOString() });
  await texts.insert({ id: 'none' });
  await dotted.insert({ id: 'd', nested: { at: new Date(time).toISOString() } });
  await byDate.insert({ id: 'a', at: new Date(time).toISOString() });
  const entries = Object.fromEntries((await ttl.expirationIndex.list()).map((entry) => [entry.id, entry]));
  assert.deepEqual(Object.keys(entries).sort(), ['absolute:a', 'numbers:n', 'texts:t'], 'dotted paths and missing values are not indexed');
  const facts = ({ expiresAtTimestamp, expiresAtCohort, granularity }) => [expiresAtTimestamp, expiresAtCohort, granularity];
  assert.deepEqual(facts(entries['numbers:n']), [time, '2031-05-06', 'day']);
  assert.deepEqual(facts(entries['absolute:a']), [time, '2031-05-06', 'day']);
  assert.deepEqual(facts(entries['texts:t']), [time + 100_000, '2031-05-06T07:09', 'minute']);
  assert.equal(ttl.stats.totalErrors, 0);
  assert.deepEqual(warned, []);
  // Without timestamps the time of the insert is that of the index.
  await make('never', { timestamps: false });
  assert.match(warned.join('\n'), /\[TTLPlugin\] WARNING: resource 'never' has no timestamps/);

  const empty = await database.usePlugin(new TTLPlugin({ namespace: 'empty', ...quiet }), 'empty');
  assert.deepEqual([empty.isRunning, empty.getStats().intervals], [true, 0]);
});

test('spec11_7_the_timers_sweep_by_themselves_and_can_be_left_out', async () => {
  const { sessions, ttl } = await withTtl(hard, { schedules: { minute: '*/5 * * * * *' }, heartbeatInterval: 5, enableCoordinator: true });
  assert.deepEqual(
    ttl.intervals.map(({ name, kind }) => [name, kind]),
    [['sweep-minute', 'cron']]
  );
  await sessions.insert({ id: 'a', name: 'a' });
  const [task] = ttl.intervals;
  assert.equal((await task.trigger()).status, 'done');
  assert.equal(await sessions.count(), 0);
  ttl._stopIntervals();
  ttl._startIntervals();
  assert.deepEqual([ttl.isRunning, ttl.getStats().intervals, ttl.intervals[0].active], [true, 1, true]);
  ttl._stopIntervals();
  assert.deepEqual([ttl.isRunning, ttl.getStats().intervals], [false, 0]);
  assert.equal((await task.trigger()).status, 'skipped');
  await sessions.insert({ id: 'b', name: 'b' });
  await ttl.runCleanup();
  assert.equal(await sessions.count(), 0);
  ttl._startIntervals();
  assert.equal(ttl.intervals[0].active, true);
});

test('spec11_10_09_a_cohort_of_more_than_one_page_is_swept_whole', async () => {
  const { database, sessions, ttl } = await withTtl(hard);
  await sessions.insertMany(Array.from({ length: 1100 }, (_, n) => ({ id: `s${n}`, name: 'x' })));
  await ttl.runCleanup();
  assert.deepEqual([await sessions.count(), ttl.stats.totalExpired, ttl.stats.totalErrors], [0, 1100, 0]);
  assert.deepEqual(await allKeys(database, 'resource=plg_ttl_expiration_index'), []);
});

test('spec11_8_cleanup_of_one_resource', async () => {
  const database = await connectDatabase();
  for (const name of ['a', 'b']) await database.createResource({ name, attributes, timestamps: true });
  const ttl = await database.usePlugin(new TTLPlugin({ resources: { a: hard, b: hard }, ...quiet }));
  for (const name of ['a', 'b']) await database.resources[name].insert({ name: 'x' });
  assert.deepEqual(await ttl.cleanupResource('a'), { resource: 'a', granularity: 'minute' });
  assert.deepEqual([await database.resources.a.count(), await database.resources.b.count()], [0, 1]);
  const error = await rejection(ttl.cleanupResource('nope'));
  assert.deepEqual([error.message, error.statusCode], ['Resource "nope" not configured in TTLPlugin', 404]);
});

test('spec11_8_uninstall_purges_marks_and_keeps_the_index_resource', async () => {
  const { database, sessions, ttl } = await withTtl(hard);
  await ttl.runCleanup();
  assert.equal((await allKeys(database, 'plugin=ttl/')).length > 0, true);
  await ttl.uninstall({ purgeData: true });
  assert.deepEqual(await allKeys(database, 'plugin=ttl/'), []);
  assert.ok(database.resources.plg_ttl_expiration_index);
  await sessions.insert({ id: 'z', name: 'z' });
  assert.equal(await database.resources.plg_ttl_expiration_index.count(), 0, 'the middlewares are gone');
});

test('spec11_8_an_instance_may_be_installed_again', async () => {
  const { database, sessions, ttl } = await withTtl(hard);
  await database.uninstallPlugin('ttl');
  assert.deepEqual([ttl.isRunning, ttl.getStats().intervals], [false, 0]);
  await sessions.insert({ id: 'unseen', name: 'a' });
  await database.usePlugin(ttl);
  assert.deepEqual([ttl.isRunning, ttl.getStats().intervals], [true, 1]);
  await sessions.insert({ id: 'seen', name: 'a' });
  await ttl.runCleanup();
  assert.deepEqual(await sessions.listIds(), ['unseen']);
});

test('spec11_13_a_wrong_clock_does_not_hide_later_expiries', async () => {
  const { database, sessions, ttl } = await withTtl(hard);
  const storage = ttl.getStorage();
  await storage.set('plugin=ttl/sweep/minute', { cohort: '2999-01-01T00:00', rev: 'x' }, { behavior: 'body-only' });
  await sessions.insert({ id: 'a', name: 'a' });
  await ttl.runCleanup();
  assert.equal(await sessions.count(), 0);
  assert.ok((await storage.get('plugin=ttl/sweep/minute')).cohort <= cohortOf('minute', Date.now()));
  assert.ok(database.isConnected());
});

test('spec11_13_a_clock_that_is_set_back_expires_nothing_early_and_loses_nothing', async (t) => {
  const { sessions, ttl } = await withTtl({ ttl: 30, onExpire: 'hard-delete' });
  const key = 'plugin=ttl/sweep/minute';
  await sessions.insert({ id: 'a', name: 'a' });
  await ttl.runCleanup();
  const { cohort } = await ttl.getStorage().get(key);
  const real = Date.now;
  const at = (ms) => t.mock.method(Date, 'now', () => real() + ms);
  const back = at(-86_400_000);
  await ttl.runCleanup();
  assert.equal(await sessions.count({ skipCache: true }), 1);
  assert.ok((await ttl.getStorage().get(key)).cohort <= cohort, 'the mark does not run ahead');
  back.mock.restore();
  await ttl.runCleanup();
  assert.equal(await sessions.count(), 1, 'not due yet');
  const later = at(31_000);
  await ttl.runCleanup();
  later.mock.restore();
  assert.deepEqual([await sessions.count(), ttl.stats.totalExpired, ttl.stats.totalErrors], [0, 1, 0]);
});

test('spec11_13_a_sweep_that_lost_its_lock_stops_and_the_next_one_goes_on_where_it_was', async (t) => {
  const asked = [];
  const real = Date.now;
  let slept = null;
  const callback = async ({ id }) => {
    asked.push(id);
    // The machine slept: the lock has run out, and another process may be at work.
    slept ??= t.mock.method(Date, 'now', () => real() + 120_000);
    return true;
  };
  const { sessions, ttl } = await withTtl({ ttl: -1, onExpire: 'callback', callback }, { batchSize: 1 });
  const { of } = eventsOf(ttl);
  const ids = Array.from({ length: 5 }, (_, n) => `s${n}`);
  await sessions.insertMany(ids.map((id) => ({ id, name: 'x' })));
  await ttl.runCleanup();
  assert.equal(asked.length, 1);
  assert.equal(await ttl.getStorage().get('plugin=ttl/sweep/minute'), null, 'no mark says that it is done');
  slept.mock.restore();
  await ttl.runCleanup();
  assert.deepEqual([...asked].sort(), ids, 'each of them once');
  assert.deepEqual([await sessions.count(), of('record-expired').length, of('cleanup-error').length], [0, 5, 0]);
});

test('spec11_7_a_store_that_fails_during_a_sweep_loses_nothing_and_rejects_nothing', async () => {
  const { database, sessions, ttl } = await withTtl(hard);
  const { of } = eventsOf(ttl);
  await sessions.insertMany(Array.from({ length: 6 }, (_, n) => ({ id: `s${n}`, name: 'x' })));
  const { listObjects } = database.client;
  database.client.listObjects = async () => {
    throw new Error('no list');
  };
  await ttl.runCleanup();
  assert.deepEqual(
    of('cleanup-error').map(({ granularity, error }) => [granularity, error.message]),
    [['minute', 'no list']]
  );
  database.client.listObjects = listObjects;
  const broken = new Set(['s1', 's4']);
  sessions.addHook('beforeDelete', (record) => {
    if (broken.has(record.id)) throw new Error('no delete');
    return record;
  });
  await ttl.runCleanup();
  assert.deepEqual(await sessions.listIds(), ['s1', 's4']);
  assert.deepEqual(await ttl.expirationIndex.listIds(), ['sessions:s1', 'sessions:s4']);
  broken.clear();
  await ttl.runCleanup();
  assert.deepEqual([await sessions.count(), await ttl.expirationIndex.count()], [0, 0]);
  assert.deepEqual([ttl.stats.totalExpired, ttl.stats.totalErrors], [6, 3]);
});

test('spec11_12_unknown_members_of_rules_and_schedules_warn_with_the_nearest', async () => {
  const database = await connectDatabase();
  const ttl = new TTLPlugin({
    resources: { sessions: { ttl: 5, onExpire: 'hard-delete', retrie: true } },
    schedules: { minut: '* * * * *' }
  });
  const warnings = [];
  ttl.on('plugin.warning', ({ message }) => warnings.push(message));
  await database.usePlugin(ttl);
  assert.deepEqual(warnings, [
    "Unknown option 'schedules.minut' for TTLPlugin; did you mean 'minute'?",
    "Unknown option 'resources.sessions.retrie' for TTLPlugin; did you mean 'retry'?"
  ]);
});

test('hooks and other plugins see what the sweep does', async () => {
  const { sessions, ttl } = await withTtl(hard);
  const deleted = [];
  sessions.addHook('beforeDelete', (data) => {
    deleted.push(data.id);
    return data;
  });
  await sessions.insert({ id: 'a', name: 'a' });
  await ttl.runCleanup();
  assert.deepEqual(deleted, ['a']);
});
