/** CoordinatorPlugin and getGlobalCoordinator in one process; several are in coordinator-processes.test.js. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoordinatorPlugin, Database, DatabaseError, MemoryClient, Plugin, PluginError } from 's3db-native';
import { Epochs } from '../../js/plugin/epochs.js';
import { calls } from './support/background.js';

/** Attempts often, leases long enough for a machine that stalls. */
const QUICK = { startupJitterMax: 0, leaseTimeout: 20_000, heartbeatInterval: 100 };

class Chief extends CoordinatorPlugin {
  log = calls();
  reasons = [];

  async onStart() {
    await this.startCoordination();
  }

  async onBecomeCoordinator(term) {
    this.term = term;
    this.log.note('begin');
    await this.options.begin?.(term);
  }

  async onStopBeingCoordinator() {
    // Nobody else can lead yet.
    this.log.note('end', await this.getStorage().isLocked('coordinator'));
  }

  async coordinatorWork(run) {
    this.log.note('work', run.fence === this.term.fence && run.epoch === this.term.epoch);
    await this.options.work?.(run);
  }
}

/** A database on `client` with a plugin; `events` are those of the plugin under `plg:coordinator:`. */
async function member(client, options = {}) {
  const database = new Database({ client, logger: { debug() {}, info() {}, warn() {}, error() {} } });
  const plugin = new Chief({ ...QUICK, ...options });
  const events = calls();
  for (const name of ['promoted', 'demoted', 'leader-changed', 'cold-start-phase', 'cold-start-complete']) {
    plugin.on(`plg:coordinator:${name}`, (payload) => events.note(name, payload));
  }
  plugin.on('plugin.error', (failure) => events.note('error', failure));
  await database.connect();
  await database.usePlugin(plugin, 'chief');
  return { database, plugin, events };
}

/** The active workers that a plugin knows of, once there are as many as expected or two seconds are over. */
async function activeWorkers(plugin, count) {
  for (let turns = 0; ; turns += 1) {
    const workers = await plugin.getActiveWorkers();
    if (workers.length === count || turns === 100) return workers;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const happened = async (notes, name, count = 1) => {
  for (;;) {
    const found = notes.seen.filter(([first]) => first === name);
    if (found.length >= count) return found[count - 1][1];
    await notes.reached(notes.seen.length + 1);
  }
};

const store = () => new MemoryClient({ bucket: 'coordinators' });

test('spec05_18 the coordinator begins, works, and ends its work before the lock is given back', async () => {
  const client = store();
  let running = 0;
  const work = async ({ signal }) => {
    running += 1;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    running -= 1;
  };
  const { database, plugin, events } = await member(client, { coordinatorWorkInterval: 10, work });
  const promoted = await happened(events, 'promoted');
  await happened(plugin.log, 'work');
  const { workerId } = plugin;
  const epoch = await plugin.getCurrentEpoch();
  assert.deepEqual(promoted, { workerId, timestamp: promoted.timestamp, pluginName: 'Chief', epoch });
  assert.deepEqual(
    [plugin.isCoordinator, await plugin.isLeader(), plugin.currentLeaderId, await plugin.getLeader()],
    [true, true, workerId, workerId]
  );
  assert.equal(plugin.term.workerId, workerId);

  const second = await member(client);
  const change = await happened(second.events, 'leader-changed');
  assert.deepEqual([change.previousLeader, change.newLeader, change.epoch], [null, workerId, epoch]);
  assert.deepEqual(
    [await second.plugin.isLeader(), await second.plugin.getLeader(), await second.plugin.getCurrentEpoch()],
    [false, workerId, epoch]
  );
  // It may hear of the leader before its own first sign of life is stored.
  assert.deepEqual(
    (await activeWorkers(second.plugin, 2)).map((worker) => [worker.workerId, worker.pluginName]),
    [
      [workerId, 'chief'],
      [second.plugin.workerId, 'chief']
    ]
  );

  assert.equal(running, 1);
  await database.disconnect();
  assert.deepEqual([running, plugin.isCoordinator, plugin.term.signal.aborted], [0, false, true]);
  assert.deepEqual(
    plugin.log.seen.map(([name]) => name),
    ['begin', 'work', 'end']
  );
  assert.deepEqual(plugin.log.seen.slice(1), [
    ['work', true],
    ['end', true]
  ]);
  const last = await happened(second.events, 'promoted');
  assert.ok(last.epoch > epoch);
  assert.deepEqual(
    (await activeWorkers(second.plugin, 1)).map((worker) => worker.workerId),
    [second.plugin.workerId]
  );
  await second.database.disconnect();
  assert.equal(events.seen.filter(([name]) => name === 'error').length, 0);
});

test('spec05_18 what a coordinator schedules in its term has the fence and ends with the term', async () => {
  const ticks = calls();
  const begin = ({ background, epoch }) => {
    background.every(1, (run) => ticks.note(run.fence === epoch, run.signal), { name: 'tick' });
    background.cron('0 3 * * *', () => {}, { name: 'nightly' });
  };
  const { database, plugin, events } = await member(store(), { begin });
  await happened(events, 'promoted');
  await ticks.reached(2);
  assert.deepEqual(
    plugin.term.background.tasks.map(({ name }) => name),
    ['tick', 'nightly']
  );
  await plugin.stop();
  assert.deepEqual([plugin.term.background.tasks, ticks.seen.every(([same]) => same)], [[], true]);
  const demoted = await happened(events, 'demoted');
  assert.equal(demoted.epoch, plugin.term.epoch);
  assert.equal(await plugin.getStorage().isLocked('coordinator'), false);
  // A plugin that starts again is elected again.
  await plugin.start();
  await happened(events, 'promoted', 2);
  await database.disconnect();
});

test('spec05_18 a coordinator whose lock is taken away is told and stops working', async () => {
  const { database, plugin, events } = await member(store(), { leaseTimeout: 1000 });
  await happened(events, 'promoted');
  const { signal } = plugin.term;
  const lost = new Promise((resolve) => signal.addEventListener('abort', resolve));
  await plugin.getStorage().deleteAll();
  const hold = setInterval(() => {}, 1000);
  await lost;
  clearInterval(hold);
  assert.deepEqual([signal.reason.reason, plugin.isCoordinator && plugin.term.signal === signal], ['lease-lost', false]);
  await happened(events, 'demoted');
  await database.disconnect();
});

test('spec05_18 who cannot begin resigns, is reported, and leaves the place to others', async () => {
  const client = store();
  const cause = new Error('no disk');
  const first = await member(client, { begin: () => Promise.reject(cause) });
  const failure = await happened(first.events, 'error');
  assert.deepEqual([failure.error, failure.plugin], [cause, 'Chief']);
  const second = await member(client);
  await happened(second.events, 'promoted');
  assert.deepEqual([first.plugin.isCoordinator, first.events.seen.some(([name]) => name === 'promoted')], [false, false]);
  await Promise.all([first.database.disconnect(), second.database.disconnect()]);
});

test('spec05_18 a cold start looks around before the election and waits before there is work', async () => {
  const fresh = new Chief();
  assert.deepEqual([fresh.coldStartPhase, fresh.coldStartCompleted], ['not_started', false]);
  const { database, plugin, events } = await member(store(), { coldStartDuration: 90, coordinatorWorkInterval: 10 });
  await happened(plugin.log, 'work');
  const names = events.seen.map(([name, { phase }]) => phase ?? name).filter((name) => name !== 'leader-changed' && name !== 'promoted');
  assert.deepEqual(names, ['observing', 'election', 'preparation', 'cold-start-complete']);
  assert.deepEqual([plugin.coldStartPhase, plugin.coldStartCompleted], ['ready', true]);
  const { duration } = events.seen.find(([name]) => name === 'cold-start-complete')[1];
  assert.ok(duration >= 85, `${duration} ms`);
  await database.disconnect();
  const skipping = await member(store(), { coldStartDuration: 3_600_000, skipColdStart: true });
  await happened(skipping.events, 'promoted');
  await skipping.database.disconnect();
});

test('spec05_18 coordination can be switched off, and stopped before it began', async () => {
  const off = await member(store(), { enableCoordinator: false });
  assert.deepEqual(
    [off.plugin.enableCoordinator, await off.plugin.getLeader(), await off.plugin.getActiveWorkers(), await off.plugin.getCurrentEpoch()],
    [false, null, [], 0]
  );
  await off.database.disconnect();
  const late = await member(store(), { startupJitterMin: 3_600_000, startupJitterMax: 3_600_000 });
  await late.database.disconnect();
  assert.deepEqual([late.plugin.log.seen, late.events.seen.length], [[], 0]);
  await assert.rejects(new Chief().startCoordination(), { name: 'PluginError', statusCode: 400, message: /Database not available/ });
});

test('spec05_18 options of a coordinator have defaults, and bad ones name the field and the remedy', () => {
  assert.deepEqual(new Chief().coordinatorConfig, {
    enableCoordinator: true,
    startupJitterMin: 0,
    startupJitterMax: 5000,
    coldStartDuration: 0,
    skipColdStart: false,
    coordinatorWorkInterval: null,
    heartbeatInterval: 5000,
    heartbeatJitter: 1000,
    leaseTimeout: 15_000,
    workerTimeout: 20_000,
    epochFencingEnabled: true,
    epochGracePeriodMs: 5000
  });
  const bad = {
    leaseTimeout: 999,
    heartbeatInterval: 'soon',
    workerTimeout: 6000,
    heartbeatJitter: 5000,
    startupJitterMax: -1,
    coordinatorWorkInterval: 0,
    enableCoordinator: 'yes',
    epochGracePeriodMs: Number.NaN
  };
  for (const [field, value] of Object.entries(bad)) {
    assert.throws(
      () => new Chief({ [field]: value }),
      (error) => error instanceof PluginError && error.field === field && error.suggestion.includes(field) && error.statusCode === 400
    );
  }
  const { heartbeatJitter, workerTimeout } = new Chief({ heartbeatInterval: 60_000 }).coordinatorConfig;
  assert.deepEqual([heartbeatJitter, workerTimeout], [1000, 122_000]);
  assert.ok(new Chief() instanceof Plugin);
});

test('spec05_18 work of the term before is accepted for a grace period, older work never', () => {
  let now = 1_000_000;
  const epochs = new Epochs(() => now);
  const judge = (epoch, age = 0) => epochs.judge(epoch, now - age, 5000).reason;
  assert.equal(judge(0), 'current');
  epochs.note(10);
  assert.deepEqual([judge(10), judge(0), judge(undefined)], ['current', 'stale', 'stale']);
  epochs.note(20);
  epochs.note(5);
  assert.deepEqual([judge(20), judge(10), judge(10, 5001), judge(5)], ['current', 'grace_period', 'stale', 'stale']);
  now += 5001;
  assert.equal(judge(10), 'stale');
  // A higher one than any seen: this process has missed an election.
  assert.deepEqual(epochs.judge(30, now, 5000), { valid: true, reason: 'current', taskEpoch: 30, currentEpoch: 30 });
  assert.equal(judge(20), 'grace_period');

  const plugin = new Chief();
  assert.deepEqual([plugin.isEpochValid(3, 0), plugin.isEpochValid(2, 0)], [true, false]);
  const open = new Chief({ epochFencingEnabled: false });
  assert.deepEqual(open.validateEpoch(-7, 0), { valid: true, reason: 'current', taskEpoch: -7, currentEpoch: 0 });
});

test('spec01_14 a global coordinator elects one process for each namespace and resigns on disconnect', async () => {
  const client = store();
  const [one, two] = [new Database({ client }), new Database({ client })];
  await Promise.all([one.connect(), two.connect()]);
  const config = { leaseTimeout: 20_000, heartbeatInterval: 100, diagnosticsEnabled: true };
  const first = await one.getGlobalCoordinator('reports', { config });
  assert.deepEqual([first.isRunning, first.namespace, await one.getGlobalCoordinator('reports')], [false, 'reports', first]);
  const terms = calls();
  const changes = calls();
  first.on('promoted', (term) => terms.note(term));
  first.on('leader:changed', (change) => changes.note(change));
  await one.getGlobalCoordinator('reports', { autoStart: true });
  await terms.reached(1);
  const [[term]] = terms.seen;
  assert.deepEqual([first.isLeader, first.currentLeaderId, first.currentEpoch], [true, first.workerId, term.epoch]);
  const [[change]] = changes.seen;
  assert.deepEqual(change, {
    namespace: 'reports',
    previousLeader: null,
    newLeader: first.workerId,
    epoch: term.epoch,
    timestamp: change.timestamp
  });
  const second = await two.getGlobalCoordinator('reports', { autoStart: true, config });
  const elsewhere = await two.getGlobalCoordinator('invoices', { autoStart: true, config });
  const other = calls();
  elsewhere.once('promoted', () => other.note());
  await other.reached(1);
  const heir = calls();
  second.on('promoted', (next) => heir.note(next.epoch));
  assert.deepEqual([await second.getLeader(), await second.getEpoch(), second.isLeader], [first.workerId, term.epoch, false]);
  // A worker is seen after its first sign of life.
  const namespaces = (await activeWorkers(second, 2)).map(({ namespace }) => namespace);
  assert.deepEqual(namespaces, ['reports', 'reports']);
  assert.equal(first.getMetrics().electionCount, 1);
  await one.disconnect();
  assert.deepEqual([first.isRunning, term.signal.aborted], [false, true]);
  await heir.reached(1);
  assert.ok(heir.seen[0][0] > term.epoch);
  await two.disconnect();

  const again = new Database({ client, strictOptions: true });
  await assert.rejects(again.getGlobalCoordinator(''), (error) => error instanceof DatabaseError && error.field === 'namespace');
  await assert.rejects(again.getGlobalCoordinator('x', { config: { leaseTimout: 1 } }), { name: 'DatabaseError', option: 'leaseTimout' });
  await assert.rejects(again.getGlobalCoordinator('x', { config: { leaseTimeout: 1 } }), { name: 'PluginError', field: 'leaseTimeout' });
  await again.getGlobalCoordinator('x', { config: { leaseTimeout: 2000 } });
  await assert.rejects(again.getGlobalCoordinator('x', { config: { leaseTimeout: 3000 } }), {
    name: 'DatabaseError',
    field: 'leaseTimeout'
  });
});
