/** Timers and cron of background work: schedules, overlap, timeouts, retries, failures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Background, nextCronDate, PluginError, ValidationError } from 's3db-native';
import { calls, idle, lab, START, until } from './support/background.js';

const never = () => new Promise(() => {});

test('spec05_18 an interval calls its handler on a fixed grid with what it needs to know', async () => {
  const { background, clock } = lab();
  const runs = calls();
  const task = background.every(100, (run) => runs.note(run), { name: 'tick' });
  assert.equal(task.name, 'tick');
  for (const count of [1, 2, 3]) {
    clock.step(100);
    await runs.reached(count);
    await idle(task);
  }
  assert.deepEqual(
    runs.seen.map(([run]) => [run.name, run.scheduledAt - START, run.startedAt - START, run.attempt, run.signal.aborted]),
    [1, 2, 3].map((n) => ['tick', n * 100, n * 100, 1, false])
  );
  await until(() => task.stats().runs === 3);
  const stats = task.stats();
  assert.deepEqual([stats.failures, stats.skipped, stats.missed, stats.lastError, stats.nextRunAt - START], [0, 0, 0, null, 400]);
  await background.stop();
  clock.step(1000);
  assert.equal(runs.seen.length, 3);
  assert.deepEqual([task.active, task.stats().runs, task.stats().nextRunAt], [false, 3, null]);
});

test('spec05_18 a handler that throws or rejects is reported and called again', async () => {
  const { background, clock, failures, reported } = lab();
  const thrown = new TypeError('thrown');
  const rejected = new RangeError('rejected');
  const task = background.every(10, ({ scheduledAt }) => {
    if (scheduledAt === START + 10) throw thrown;
    if (scheduledAt === START + 20) return Promise.reject(rejected);
    if (scheduledAt === START + 30) return Promise.reject('a text');
    return undefined;
  });
  for (const count of [1, 2, 3]) {
    clock.step(10);
    await reported.reached(count);
    await idle(task);
  }
  assert.equal(failures[0].error, thrown);
  assert.equal(failures[1].error, rejected);
  assert.ok(failures[2].error instanceof PluginError);
  assert.equal(failures[2].error.original, 'a text');
  assert.deepEqual([failures[0].task, failures[0].attempt, failures[0].kind, failures[0].willRetry], [task.name, 1, 'failed', false]);
  clock.step(10);
  await until(() => task.stats().runs === 4);
  assert.deepEqual([task.stats().failures, task.stats().lastError], [3, 'a handler rejected with string']);
  await background.stop();
});

test('spec05_18 attempts are repeated with a growing wait and each failure is told', async () => {
  const { background, clock, failures, reported } = lab();
  const attempts = calls();
  const options = { name: 'flaky', retries: 2, backoff: { base: 100, max: 150, jitter: false } };
  const task = background.every(
    100_000,
    ({ attempt }) => {
      attempts.note(attempt);
      throw new Error(`attempt ${attempt}`);
    },
    options
  );
  const outcome = task.trigger();
  await reported.reached(1);
  clock.step(100);
  await reported.reached(2);
  clock.step(150);
  const { status, attempts: made, error } = await outcome;
  assert.deepEqual([status, made, error.message, error], ['failed', 3, 'attempt 3', failures[2].error]);
  assert.deepEqual(
    failures.map(({ attempt, willRetry }) => [attempt, willRetry]),
    [
      [1, true],
      [2, true],
      [3, false]
    ]
  );
  assert.deepEqual([task.stats().runs, task.stats().failures, task.stats().retries], [1, 1, 2]);
  await background.stop();
});

test('spec05_18 a handler that never settles times out, is told, and frees its slot', async () => {
  const { background, clock, failures, reported } = lab();
  const runs = calls();
  const task = background.every(
    100,
    ({ signal }) => {
      runs.note(signal);
      return never();
    },
    { timeout: 50, name: 'stuck' }
  );
  clock.step(100);
  await runs.reached(1);
  clock.step(50);
  await reported.reached(1);
  const [{ error, kind }] = failures;
  assert.ok(error instanceof PluginError);
  assert.match(error.message, /'stuck' did not end within its timeout of 50 ms/);
  assert.deepEqual([kind, error.code, error.pluginName], ['timeout', 'BACKGROUND_TIMEOUT', 'lab']);
  await until(() => runs.seen[0][0].aborted);
  await idle(task);
  assert.deepEqual([runs.seen[0][0].reason.name, runs.seen[0][0].reason.reason], ['AbortError', 'timeout']);
  clock.step(50);
  await runs.reached(2);
  assert.deepEqual([task.stats().timeouts, task.stats().skipped], [1, 0]);
  await background.stop({ grace: 0, abortGrace: 0 });
});

test('spec05_18 a slot may be kept until a handler that timed out ends', async () => {
  const { background, clock, failures, reported } = lab();
  let end;
  const handler = () =>
    new Promise((resolve) => {
      end = resolve;
    });
  const task = background.every(100, handler, { timeout: 50, onTimeout: 'keep' });
  clock.step(100);
  await until(() => end !== undefined);
  clock.step(50);
  await reported.reached(1);
  clock.step(50);
  await until(() => task.stats().skipped === 1);
  assert.equal(task.stats().running, 1);
  end();
  await until(() => task.stats().running === 0);
  assert.deepEqual([task.stats().runs, failures.length], [1, 1]);
  await background.stop();
});

test('spec05_18 a handler that fails after it was given up is reported as late', async () => {
  const { background, clock, reported, failures } = lab();
  let fail;
  const handler = () =>
    new Promise((_, reject) => {
      fail = reject;
    });
  background.every(100, handler, { timeout: 10 });
  clock.step(100);
  await until(() => fail !== undefined);
  clock.step(10);
  await reported.reached(1);
  await new Promise((resolve) => setImmediate(resolve));
  const late = new Error('late');
  fail(late);
  await reported.reached(2);
  assert.deepEqual([failures[1].kind, failures[1].error], ['late', late]);
  await background.stop();
});

test('spec05_18 overlapping runs are skipped, queued or allowed', async () => {
  for (const [overlap, started, skipped, queued] of [
    ['skip', 1, 3, 0],
    ['queue', 1, 1, 2],
    ['allow', 2, 2, 0]
  ]) {
    const { background, clock } = lab();
    const runs = calls();
    const options = { overlap, maxConcurrent: 2, maxQueued: 2 };
    const task = background.every(
      10,
      () => {
        runs.note();
        return never();
      },
      options
    );
    for (const tick of [1, 2, 3, 4]) {
      clock.step(10);
      await until(() => {
        const stats = task.stats();
        return stats.running + stats.skipped + stats.queued === tick;
      });
    }
    await runs.reached(started);
    assert.deepEqual([task.stats().skipped, task.stats().queued, runs.seen.length], [skipped, queued, started], overlap);
    await background.stop({ grace: 0, abortGrace: 0 });
  }
});

test('spec05_18 trigger runs now by the rules of the task and never rejects', async () => {
  const { background } = lab();
  let end;
  const task = background.every(
    1000,
    () =>
      new Promise((resolve) => {
        end = resolve;
      })
  );
  const first = task.trigger();
  assert.deepEqual(await task.trigger(), { status: 'skipped', reason: 'overlap', attempts: 0 });
  await until(() => end !== undefined);
  end();
  assert.deepEqual(await first, { status: 'done', attempts: 1 });
  await task.stop();
  assert.deepEqual(await task.trigger(), { status: 'skipped', reason: 'stopped', attempts: 0 });
});

test('spec05_18 cron runs at its times in its zone across a change of the clock', async () => {
  const { background, clock } = lab();
  const runs = calls();
  // Berlin goes from 02:00 to 03:00 on 29 March 2026 at 01:00Z.
  clock.setWall(Date.UTC(2026, 2, 28, 12));
  const task = background.cron('30 2 * * *', (run) => runs.note(run), { timeZone: 'Europe/Berlin' });
  for (const count of [1, 2]) {
    // The run before has ended for the engine too; otherwise the next one would be skipped.
    await until(() => task.stats().nextRunAt !== null && task.stats().running === 0);
    const { nextRunAt } = task.stats();
    clock.step(nextRunAt - clock.now());
    await runs.reached(count);
    await until(() => task.stats().nextRunAt > nextRunAt);
  }
  const times = runs.seen.map(([run]) => new Date(run.scheduledAt).toISOString());
  assert.deepEqual(times, ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']);
  await background.stop();
});

test('spec05_18 nextCronDate tells the next time', () => {
  const from = new Date(START);
  assert.deepEqual(nextCronDate('0 9 * * MON', { timeZone: 'UTC', from }), new Date('2026-03-02T09:00:00Z'));
  assert.deepEqual(nextCronDate('*/10 * * * * *', { timeZone: 'UTC', from: START }), new Date(START + 10_000));
  assert.ok(nextCronDate('@hourly') > new Date());
  assert.throws(() => nextCronDate(5), ValidationError);
});

test('spec05_18 bad options name the field and the remedy', () => {
  const { background } = lab();
  const nothing = () => {};
  const refused = (field, call) =>
    assert.throws(call, (error) => {
      assert.ok(error instanceof ValidationError, `${field}: ${error}`);
      assert.equal(error.field ?? error.data?.field, field);
      assert.ok(error.suggestion, field);
      return true;
    });
  refused('every', () => background.every(0, nothing));
  refused('every', () => background.every('10', nothing));
  refused('handler', () => background.every(10));
  refused('cron', () => background.cron('61 * * * *', nothing));
  refused('cron', () => background.cron('0 0 30 2 *', nothing));
  refused('cron', () => background.cron(5, nothing));
  refused('timeZone', () => background.cron('* * * * *', nothing, { timeZone: 'Mars/Olympus' }));
  refused('overlap', () => background.every(10, nothing, { overlap: 'maybe' }));
  refused('onTimeout', () => background.every(10, nothing, { onTimeout: 'wait' }));
  refused('retries', () => background.every(10, nothing, { retries: -1 }));
  refused('backoff.base', () => background.every(10, nothing, { backoff: { base: '1s' } }));
  refused('jitter', () => background.every(10, nothing, { jitter: 10 }));
  refused('overlpa', () => background.every(10, nothing, { overlpa: 'skip' }));
  refused('timeZone', () => background.every(10, nothing, { timeZone: 'UTC' }));
  refused('maxConcurrent', () => background.every(10, nothing, { maxConcurrent: 0 }));
  refused('lease.name', () => background.every(10, nothing, { lease: {} }));
  refused('lease', () => background.every(10, nothing, { lease: { name: 'a' } }));
  refused('onError', () => new Background({ onError: 5 }));
  const task = background.every(10, nothing, { name: 'twice' });
  assert.throws(
    () => background.cron('* * * * *', nothing, { name: 'twice' }),
    (error) => error.code === 'BACKGROUND_NAME_TAKEN'
  );
  assert.deepEqual(background.tasks, [task], 'what was refused left nothing behind');
  return background.stop();
});

test('spec05_18 a failure that nobody listens for is a warning, and a listener that fails too', async () => {
  const warnings = calls();
  const listen = (warning) => warning.code === 'BACKGROUND_FAILED' && warnings.note(warning.message);
  process.on('warning', listen);
  try {
    const silent = new Background({ name: 'silent' });
    await silent.every(1000, () => Promise.reject(new Error('unheard')), { name: 'a' }).trigger();
    await warnings.reached(1);
    const broken = new Background({ name: 'broken', onError: () => Promise.reject(new Error('listener')) });
    await broken.every(1000, () => Promise.reject(new Error('heard')), { name: 'b' }).trigger();
    await warnings.reached(2);
    assert.deepEqual(warnings.seen.flat(), [
      "Background task 'a' of silent failed: unheard",
      "Background task 'b' of broken failed: listener"
    ]);
    await Promise.all([silent.stop(), broken.stop()]);
  } finally {
    process.off('warning', listen);
  }
});
