/** ProcessManager: timers and cleanups with names, the end of a process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { Database, getProcessManager, Plugin, ProcessManager, resetProcessManager } from 's3db-native';
import { calls } from './support/background.js';

const loud = (errors) => ({ debug() {}, info() {}, warn() {}, error: (text) => errors.push(text) });

test('spec01_14 timers and cleanups have names, and a status', async () => {
  const manager = new ProcessManager();
  const ticks = calls();
  const fired = calls();
  manager.setInterval(() => ticks.note('first'), 3_600_000, 'tick');
  // Of the same name: the first one is over.
  manager.setInterval(() => ticks.note('second'), 1, 'tick');
  manager.setTimeout(() => fired.note(), 0, 'once');
  manager.setTimeout(() => assert.fail('was cleared'), 3_600_000, 'never');
  manager.registerCleanup(() => {}, 'close');
  assert.deepEqual(manager.getStatus(), {
    isShuttingDown: false,
    intervals: ['tick'],
    timeouts: ['once', 'never'],
    cleanups: ['close'],
    counts: { intervals: 1, timeouts: 2, cleanups: 1 }
  });
  await ticks.reached(2);
  await fired.reached(1);
  manager.clearTimeout('never');
  manager.clearTimeout('unknown');
  manager.unregisterCleanup('close');
  assert.deepEqual(manager.getStatus().counts, { intervals: 1, timeouts: 0, cleanups: 0 });
  assert.ok(ticks.seen.every(([which]) => which === 'second'));
  manager.clearInterval('tick');
  assert.deepEqual([process.listenerCount('SIGTERM'), process.listenerCount('SIGINT')], [0, 0]);
  await manager.shutdown();
  assert.equal(fired.seen.length, 1);
});

test('spec01_14 a shutdown calls every cleanup in reverse, also after failures and for no longer than its time', async () => {
  const errors = [];
  const manager = new ProcessManager({ logger: loud(errors) });
  const order = [];
  const cleanup = (name, run) => manager.registerCleanup(() => order.push(name) && run?.(), name);
  cleanup('first');
  cleanup('second', () => {
    throw new Error('broken');
  });
  cleanup('third', () => new Promise(() => {}));
  cleanup('fourth');
  assert.equal(process.listenerCount('SIGTERM'), 1);
  const [one, two] = [manager.shutdown({ timeout: 200 }), manager.shutdown()];
  const hold = setInterval(() => {}, 1000);
  await one;
  await two;
  clearInterval(hold);
  assert.deepEqual(order, ['fourth', 'third', 'second', 'first']);
  assert.deepEqual(errors, ["cleanup 'third' failed: it was not done in time", "cleanup 'second' failed: broken"]);
  assert.deepEqual([manager.isShuttingDown, manager.getStatus().counts], [true, { intervals: 0, timeouts: 0, cleanups: 0 }]);
  assert.throws(() => manager.setInterval(() => {}, 1, 'late'), { name: 'DatabaseError', statusCode: 409, message: /during shutdown/ });
  assert.throws(() => manager.registerCleanup(() => {}, 'late'), /during shutdown/);
  assert.equal(process.listenerCount('SIGTERM'), 0);
});

test('spec01_14 a timer that fails is told and goes on, and wrong arguments name the field', async () => {
  const errors = [];
  const manager = new ProcessManager({ logger: loud(errors), exitOnSignal: false });
  const ticks = calls();
  manager.setInterval(
    () => {
      ticks.note();
      throw new Error('hiccup');
    },
    1,
    'tick'
  );
  await ticks.reached(2);
  assert.equal(process.listenerCount('SIGTERM'), 0);
  await manager.shutdown();
  assert.equal(errors[0], "interval 'tick' failed: hiccup");
  const other = new ProcessManager();
  assert.throws(() => other.setInterval('fn', 1, 'x'), { name: 'ValidationError', field: 'handler' });
  assert.throws(() => other.setInterval(() => {}, 'soon', 'x'), { name: 'ValidationError' });
  assert.throws(() => other.setTimeout(() => {}, 1), { name: 'ValidationError', field: 'name' });
  assert.throws(() => new ProcessManager({ exitOnSignal: 1 }), { name: 'ValidationError', field: 'exitOnSignal' });
  assert.equal(process.listenerCount('SIGTERM'), 0);
});

test('spec01_14 the shared process manager is one until it is reset', async () => {
  const first = getProcessManager();
  assert.equal(getProcessManager(), first);
  await resetProcessManager();
  assert.deepEqual([first.isShuttingDown, getProcessManager() === first], [true, false]);
  await resetProcessManager();
});

test('spec01_14 the shutdown of a given process manager disconnects its databases', async () => {
  const processManager = new ProcessManager({ exitOnSignal: false });
  const database = new Database({ connectionString: 'memory://processes/given', processManager });
  const plugin = new Plugin();
  await database.usePlugin(plugin);
  await database.connect();
  assert.deepEqual([database.processManager, plugin.processManager], [processManager, processManager]);
  assert.equal(processManager.getStatus().counts.cleanups, 1);
  await processManager.shutdown();
  assert.equal(database.isConnected(), false);
  await assert.rejects(database.connect(), { name: 'DatabaseError', message: /during shutdown/ });

  const alone = new Database({ connectionString: 'memory://processes/own' });
  await alone.connect();
  const own = alone.processManager;
  own.setInterval(() => {}, 1000, 'tick');
  assert.equal(alone.processManager, own);
  await alone.disconnect();
  assert.deepEqual([own.isShuttingDown, alone.processManager === own], [true, false]);
});

test('spec01_14 SIGTERM ends timers, calls cleanups, and then ends the process', async () => {
  const program = `
    import { getCronManager, getProcessManager } from 's3db-native';
    getCronManager().scheduleInterval(3_600_000, () => {}, 'job');
    const manager = getProcessManager({ shutdownTimeout: 5000 });
    manager.setInterval(() => {}, 1000, 'tick');
    manager.registerCleanup(async () => { await new Promise((resolve) => setTimeout(resolve, 50)); console.log('clean'); }, 'cleanup');
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (text) => {
    out += text;
    if (out === 'ready\n') child.kill('SIGTERM');
  });
  const how = await new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
  assert.deepEqual([out, how], ['ready\nclean\n', 143]);
});
