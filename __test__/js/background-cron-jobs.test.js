/** The names of later versions: scheduleCron, scheduleInterval, stopAllCronJobs, cronManager. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PluginError } from '../../js/errors/index.js';
import { Background, createCronManager, scheduleCron, scheduleInterval, stopAllCronJobs } from '../../js/plugin/background.js';
import { calls } from './support/background.js';

test('spec05_18 scheduleCron and scheduleInterval start jobs that stopAllCronJobs stops', async () => {
  const background = new Background({ name: 'jobs' });
  const other = background.every(60_000, () => {}, { name: 'other' });
  const cron = scheduleCron(background, '0 3 * * *', () => {}, 'nightly', { timezone: 'Europe/Berlin' });
  const interval = scheduleInterval(background, 60_000, () => {}, 'nightly');
  const unnamed = scheduleInterval(background, 60_000, () => {});
  assert.deepEqual([cron.name, interval.name, unnamed.name], ['nightly', 'nightly-2', 'interval']);
  assert.equal(await stopAllCronJobs(background), 3);
  assert.deepEqual([cron.active, interval.active, unnamed.active, other.active], [false, false, false, true]);
  assert.equal(await stopAllCronJobs(background), 0);
  await background.stop();
});

test('spec05_18 a cron manager lists, runs and stops jobs', async () => {
  const background = new Background({ name: 'jobs' });
  const manager = createCronManager(background);
  const runs = calls();
  manager.schedule('@daily', (run) => runs.note(run.name), 'daily');
  manager.scheduleInterval(60_000, () => {}, 'often');
  assert.deepEqual(manager.list(), ['daily', 'often']);
  assert.equal((await manager.run('daily')).status, 'done');
  assert.deepEqual([runs.seen, manager.stats('daily').runs, manager.has('often')], [[['daily']], 1, true]);
  await manager.stop('often');
  assert.deepEqual([manager.list(), manager.get('often')], [['daily'], undefined]);
  assert.throws(() => manager.stats('often'), PluginError);
  assert.equal(await manager.stopAll(), 1);
});
