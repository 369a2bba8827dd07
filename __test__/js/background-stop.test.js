/** How background work ends: stop, the end of the process, workers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Background } from 's3db-native';
import { calls, lab, until } from './support/background.js';

const never = () => new Promise(() => {});
const HEAD = `import { Background } from 's3db-native';\n`;

/** Runs a module in a process of its own; it is killed when it lives too long. */
function run(source) {
  const args = ['--input-type=module', '--eval', HEAD + source];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  return { status, signal, stdout: stdout.trim(), stderr };
}

test('spec05_18 stop waits for running handlers, aborts their signals, and gives up those that never end', async () => {
  const { background, clock, failures } = lab();
  const started = calls();
  let end;
  background.every(
    10,
    () => {
      started.note();
      return new Promise((resolve) => {
        end = resolve;
      });
    },
    { name: 'ends' }
  );
  let signalled = false;
  const polite = ({ signal }) => {
    started.note();
    signal.addEventListener('abort', () => {
      signalled = true;
    });
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  background.every(10, polite, { name: 'polite' });
  const stuck = background.every(
    10,
    () => {
      started.note();
      return never();
    },
    { name: 'stuck' }
  );
  clock.step(10);
  await started.reached(3);
  const stopped = calls();
  const stopping = background.stop({ grace: 100, abortGrace: 1_000_000_000 }).then(() => stopped.note());
  assert.equal(background.stop(), background.stop(), 'one stop at a time');
  assert.throws(
    () => background.every(10, never),
    (error) => error.code === 'BACKGROUND_STOPPED'
  );
  end();
  await until(() => background.get('ends').stats().running === 0);
  assert.equal(stopped.seen.length, 0);
  // The engine arms its waits in its own time: the clock goes on until it has.
  await until(() => {
    clock.step(50);
    return signalled;
  });
  await until(() => background.get('polite').stats().running === 0);
  assert.equal(stopped.seen.length, 0);
  await until(() => {
    clock.step(1_000_000_000);
    return stopped.seen.length > 0;
  });
  await stopping;
  assert.deepEqual(
    failures.map(({ task, kind }) => [task, kind]),
    [['stuck', 'detached']],
    'obeying the signal is no failure'
  );
  assert.deepEqual([stuck.active, background.tasks], [false, []]);
  clock.step(1000);
  assert.equal(started.seen.length, 3);
});

test('spec05_18 after a stop new work may start', async () => {
  const { background, clock } = lab();
  const runs = calls();
  for (const count of [1, 2]) {
    background.every(10, () => runs.note(), { name: 'again' });
    clock.step(10);
    await runs.reached(count);
    await background.stop();
    await background.stop();
  }
  assert.equal(runs.seen.length, 2);
});

test('spec05_18 a task is stopped alone, also by its own handler', async () => {
  const { background, clock } = lab();
  const runs = calls();
  const others = calls();
  const once = background.every(10, () => {
    runs.note();
    once.stop().then(() => runs.note('stopped'));
  });
  background.every(10, () => others.note());
  clock.step(10);
  await runs.reached(2);
  assert.deepEqual(runs.seen, [[], ['stopped']]);
  clock.step(10);
  await others.reached(2);
  assert.equal(runs.seen.length, 2);
  assert.equal(background.tasks.length, 1);
  await background.stop();
});

test('spec05_18 the process ends although timers are armed and handlers run', () => {
  const armed = run(`
    const b = new Background();
    b.every(1, () => {});
    b.every(50_000, () => new Promise(() => {}), { immediate: true });
    b.cron('* * * * * *', () => {});
    b.queue('q', {}, () => new Promise(() => {}));
    console.log('end of program');`);
  assert.deepEqual([armed.status, armed.stdout], [0, 'end of program'], armed.stderr);
});

test('spec05_18 process.exit, a user error and an exit within a handler end the process without a crash', () => {
  const busy = `
    const b = new Background({ onError() {} });
    for (let n = 0; n < 500; n += 1) b.every(1, () => {});
    for (let n = 0; n < 500; n += 1) b.every(1, () => Promise.reject(new Error('x')), { retries: 3, backoff: { base: 1 } });
    b.every(1, () => new Promise(() => {}), { timeout: 1 });
    let runs = 0;`;
  for (let time = 0; time < 3; time += 1) {
    assert.equal(run(`${busy} b.every(1, () => { runs += 1; if (runs === 5) process.exit(7); }, { keepAlive: true });`).status, 7);
    const thrown = run(
      `${busy} b.every(1, () => { if (++runs === 5) setImmediate(() => { throw new Error('user error'); }); }, { keepAlive: true });`
    );
    assert.deepEqual([thrown.status, thrown.stderr.includes('user error')], [1, true]);
  }
});

test('spec05_18 keepAlive holds the process until the task is stopped, and so does who waits for stop or trigger', () => {
  const kept = run(`
    const b = new Background();
    let runs = 0;
    const task = b.every(1, () => { if (++runs === 3) task.stop().then(() => console.log('stopped')); }, { keepAlive: true });`);
  assert.deepEqual([kept.status, kept.stdout], [0, 'stopped'], kept.stderr);
  const waited = run(`
    const b = new Background();
    const task = b.every(60_000, () => new Promise((resolve) => setTimeout(resolve, 5).unref()));
    console.log((await task.trigger()).status);
    const q = b.queue('q', {}, async () => {});
    await q.push(1);
    await q.drain();
    await b.stop();
    console.log('stopped');`);
  assert.deepEqual([waited.status, waited.stdout], [0, 'done\nstopped'], waited.stderr);
});

test('spec05_18 a terminated worker takes its tasks along', async () => {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const { Background } = require('s3db-native');
    const b = new Background();
    let runs = 0;
    b.every(1, () => { if (++runs === 3) parentPort.postMessage(runs); }, { keepAlive: true });
    for (let n = 0; n < 100; n += 1) b.every(1, () => new Promise(() => {}), { timeout: 2 });`;
  for (let time = 0; time < 5; time += 1) {
    const worker = new Worker(source, { eval: true, stderr: true });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  }
  const background = new Background();
  assert.deepEqual(await background.every(1000, () => {}).trigger(), { status: 'done', attempts: 1 });
  await background.stop();
});

test('spec05_18 thousands of tasks run side by side and end together', async () => {
  const { background, clock } = lab();
  const runs = calls();
  for (let n = 0; n < 3000; n += 1) background.every(100, () => runs.note(n));
  clock.step(100);
  await runs.reached(3000);
  assert.equal(new Set(runs.seen.flat()).size, 3000);
  await background.stop();
  assert.deepEqual(background.tasks, []);
});
