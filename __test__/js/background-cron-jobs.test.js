/** Cron jobs by name: CronManager, the jobs of plugins, the manager of a database. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CRON_PRESETS,
  CronManager,
  createCronManager,
  Database,
  getCronManager,
  intervalToCron,
  nextCronDate,
  Plugin,
  PluginError,
  resetCronManager,
  ValidationError
} from 's3db-native';
import { calls } from './support/background.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

test('spec05_18 a cron manager lists, runs and stops jobs', async () => {
  const manager = new CronManager();
  const runs = calls();
  const daily = await manager.schedule('@daily', (run) => runs.note(run.name), 'daily', { timezone: 'Europe/Berlin' });
  manager.scheduleInterval(60_000, () => {}, 'often');
  assert.deepEqual([manager.list(), daily.active, manager.get('daily')], [['daily', 'often'], true, daily]);
  assert.equal((await manager.run('daily')).status, 'done');
  assert.deepEqual([runs.seen, manager.stats('daily').runs, manager.has('often')], [[['daily']], 1, true]);
  const { totalJobs, jobs, isDestroyed } = manager.getStats();
  assert.deepEqual([totalJobs, isDestroyed], [2, false]);
  assert.deepEqual(
    jobs.map(({ name, expression, runs: count }) => [name, expression, count]),
    [
      ['daily', '@daily', 1],
      ['often', 'every 60000 ms', 0]
    ]
  );
  assert.ok(jobs[0].uptime >= 0 && jobs[0].nextRunAt > Date.now());
  assert.throws(() => manager.schedule('@daily', () => {}, 'daily'), { name: 'PluginError', message: /already exists/ });
  assert.deepEqual([await manager.stop('often'), await manager.stop('often')], [true, false]);
  assert.deepEqual([manager.list(), manager.get('often')], [['daily'], undefined]);
  assert.throws(() => manager.stats('often'), PluginError);
  // A job that was stopped by its handle is gone as well.
  await daily.stop();
  assert.equal(manager.getStats().totalJobs, 0);
  manager.schedule('@daily', () => {}, 'daily');
  await manager.shutdown();
  assert.deepEqual([manager.isDestroyed(), manager.getStats()], [true, { totalJobs: 0, jobs: [], isDestroyed: true }]);
  assert.throws(() => manager.schedule('@daily', () => {}, 'late'), { name: 'PluginError', statusCode: 409 });
});

test('spec05_18 jobs of a disabled manager run only when they are told to', async () => {
  const manager = createCronManager({ disabled: true });
  const runs = [];
  const job = manager.scheduleInterval(1, () => runs.push('every'), 'every');
  manager.schedule('* * * * * *', () => Promise.reject(new Error('no')), 'cron');
  assert.deepEqual([manager.list(), job.stats().nextRunAt], [['every', 'cron'], null]);
  assert.deepEqual([await manager.run('every'), runs], [{ status: 'done', attempts: 1 }, ['every']]);
  assert.equal((await manager.run('cron')).error.message, 'no');
  assert.throws(() => manager.schedule('not cron', () => {}, 'bad'), { name: 'ValidationError' });
  assert.throws(() => manager.scheduleInterval(0, () => {}, 'bad'), { name: 'ValidationError' });
  assert.equal(await manager.stopAll(), 2);
  await manager.shutdown();
});

test('spec05_18 the shared cron manager is one until it is reset', async () => {
  const first = getCronManager({ shutdownTimeout: 100 });
  assert.equal(getCronManager(), first);
  assert.equal(getCronManager({ shutdownTimeout: 100 }), first);
  assert.throws(() => getCronManager({ shutdownTimeout: 200 }), { name: 'ValidationError', field: 'shutdownTimeout' });
  assert.notEqual(createCronManager(), createCronManager());
  await resetCronManager();
  assert.equal(first.isDestroyed(), true);
  assert.notEqual(getCronManager(), first);
  await resetCronManager();
});

test('spec05_18 wrong options of managers name the field and the remedy', () => {
  assert.throws(
    () => new CronManager({ disabeld: true }),
    (error) => error.field === 'disabeld' && /'disabled'/.test(error.suggestion)
  );
  assert.throws(() => new CronManager({ shutdownTimeout: 'soon' }), { name: 'ValidationError', field: 'shutdownTimeout' });
  assert.throws(() => new CronManager(null), ValidationError);
  assert.throws(() => new CronManager().schedule('@daily', () => {}), { name: 'ValidationError', field: 'name' });
  assert.throws(() => new Database({ connectionString: 'memory://a/b', cronManager: {} }), {
    name: 'DatabaseError',
    option: 'cronManager'
  });
  assert.throws(() => new Database({ connectionString: 'memory://a/b', processManager: 1 }), {
    name: 'DatabaseError',
    option: 'processManager'
  });
});

test('spec05_18 presets are cron expressions, and intervals have the nearest one', () => {
  assert.equal(Object.keys(CRON_PRESETS).length, 20);
  for (const expression of Object.values(CRON_PRESETS)) assert.ok(nextCronDate(expression), expression);
  // As s3db.js 19.5.10 gives them.
  const expected = {
    500: '*/1 * * * * *',
    1000: '*/1 * * * * *',
    1500: '*/1 * * * * *',
    7000: '*/7 * * * * *',
    30000: '*/30 * * * * *',
    60000: '*/1 * * * *',
    90000: '*/1 * * * *',
    300000: '*/5 * * * *',
    3600000: '0 */1 * * *',
    7200000: '0 */2 * * *',
    86400000: '0 0 */1 * *',
    172800000: '0 0 */2 * *',
    '-5': '*/1 * * * * *'
  };
  for (const [ms, expression] of Object.entries(expected)) assert.equal(intervalToCron(Number(ms)), expression, ms);
  assert.throws(() => intervalToCron('x'), { name: 'ValidationError', field: 'ms' });
});

class JobsPlugin extends Plugin {
  runs = calls();

  async onStart() {
    this.cron = this.scheduleCron('0 3 * * *', () => {}, 'nightly', { timezone: 'Europe/Berlin' });
    this.interval = this.scheduleInterval(60_000, () => this.runs.note(), 'nightly');
    this.unnamed = this.cronManager.scheduleInterval(60_000, () => {});
    this.other = this.background.every(60_000, () => {}, { name: 'other' });
  }
}

test('spec05_18 scheduleCron and scheduleInterval start jobs that stopAllCronJobs and the end of the plugin stop', async () => {
  const database = new Database({ connectionString: 'memory://jobs/plugin', logger: quiet });
  await database.connect();
  const plugin = await database.usePlugin(new JobsPlugin());
  const names = ['nightly', 'nightly-2', 'interval'];
  assert.deepEqual([plugin.cron.name, plugin.interval.name, plugin.unnamed.name], names);
  assert.deepEqual(plugin.cronManager.list(), names);
  assert.deepEqual(database.cronManager.list(), ['jobs-nightly', 'jobs-nightly-2', 'jobs-interval']);
  assert.equal(await plugin.stopAllCronJobs(), 3);
  assert.deepEqual([plugin.cron.active, plugin.interval.active, plugin.unnamed.active, plugin.other.active], [false, false, false, true]);
  assert.deepEqual([await plugin.stopAllCronJobs(), database.cronManager.list()], [0, []]);
  await plugin.stop();
  await plugin.start();
  assert.deepEqual(plugin.cronManager.list(), names);
  await plugin.stop();
  assert.deepEqual([plugin.cronManager.list(), plugin.cron.active], [[], false]);
  const own = database.cronManager;
  await database.disconnect();
  assert.deepEqual([own.isDestroyed(), database.cronManager === own], [true, false]);
});

test('spec05_18 a cron manager given to databases has the jobs of their plugins', async () => {
  const cronManager = new CronManager({ disabled: true });
  const databases = ['one', 'two'].map((name) => new Database({ connectionString: `memory://jobs/${name}`, cronManager, logger: quiet }));
  const plugins = [];
  for (const database of databases) {
    await database.connect();
    plugins.push(await database.usePlugin(new JobsPlugin()));
    assert.equal(database.cronManager, cronManager);
  }
  assert.equal(cronManager.list().length, 6);
  // Disabled for plugins, too.
  assert.equal(plugins[0].interval.kind, 'disabled');
  await cronManager.run('jobs-nightly-2');
  assert.equal(plugins[0].runs.seen.length, 1);
  await databases[0].disconnect();
  assert.deepEqual([cronManager.list().length, cronManager.isDestroyed()], [3, false]);
  await cronManager.shutdown();
  assert.equal(plugins[1].cron.active, false);
  await databases[1].disconnect();
});
