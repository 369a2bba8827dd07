/** Queues of background work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ValidationError } from 's3db-native';
import { calls, lab, until } from './support/background.js';

const never = () => new Promise(() => {});

test('spec05_18 a queue handles items in order, as copies, and drains', async () => {
  const { background } = lab();
  const handled = [];
  const queue = background.queue('orders', {}, async (item, { name, attempt }) => handled.push([item, name, attempt]));
  await queue.drain();
  const item = { n: 1, at: new Date(5), bytes: Buffer.from('ab'), nothing: undefined };
  await queue.push(item);
  await queue.push('text');
  await queue.push(null);
  await queue.drain();
  assert.deepEqual(
    handled.map(([each]) => each),
    [item, 'text', null]
  );
  assert.notEqual(handled[0][0], item);
  assert.deepEqual(handled[0].slice(1), ['orders', 1]);
  await assert.rejects(queue.push({ f() {} }), ValidationError);
  await background.stop();
});

test('spec05_18 no more items are in work than the concurrency, and a paused queue starts none', async () => {
  const { background } = lab();
  const ends = [];
  const started = calls();
  const queue = background.queue('pool', { concurrency: 2 }, (item) => {
    started.note(item);
    return new Promise((resolve) => ends.push(resolve));
  });
  for (let n = 0; n < 5; n += 1) await queue.push(n);
  await started.reached(2);
  assert.deepEqual([queue.stats().running, queue.stats().queued], [2, 3]);
  queue.pause();
  ends[0]();
  await until(() => queue.stats().runs === 1);
  assert.equal(started.seen.length, 2);
  queue.resume();
  await started.reached(3);
  ends[1]();
  ends[2]();
  await started.reached(5);
  for (const end of ends) end();
  await queue.drain();
  await background.stop();
});

test('spec05_18 a full queue makes push wait in order, or reject', async () => {
  const { background } = lab();
  const ends = [];
  const work = () => new Promise((resolve) => ends.push(resolve));
  const queue = background.queue('narrow', { maxLength: 1 }, work);
  await queue.push(0);
  const placed = [];
  const pushes = [1, 2].map((n) => queue.push(n).then(() => placed.push(n)));
  await until(() => queue.stats().waiting === 2 && ends.length === 1);
  assert.deepEqual(placed, []);
  ends[0]();
  await pushes[0];
  assert.deepEqual(placed, [1]);
  const refusal = assert.rejects(pushes[1], (error) => error.code === 'BACKGROUND_STOPPED');
  await queue.stop({ grace: 0, abortGrace: 0 });
  await refusal;
  await assert.rejects(queue.push(3), (error) => error.code === 'BACKGROUND_STOPPED');

  const strict = background.queue('strict', { maxLength: 1, overflow: 'reject' }, never);
  await strict.push(0);
  await assert.rejects(strict.push(1), (error) => error.code === 'BACKGROUND_QUEUE_FULL' && error.retriable === true);
  assert.equal(strict.stats().rejected, 1);
  await background.stop({ grace: 0, abortGrace: 0 });
});

test('spec05_18 failed items are retried, then given to the dead letter handler', async () => {
  const { background, clock, failures, reported } = lab();
  const letters = calls();
  const bad = new Error('bad item');
  const options = {
    retries: 1,
    backoff: { base: 100, jitter: false },
    onDeadLetter(item, error, info) {
      letters.note(item, error, info);
      throw new Error('dead letter');
    }
  };
  const handled = calls();
  const queue = background.queue('flaky', options, (item) => {
    handled.note(item);
    if (item.n === 0) throw bad;
  });
  await queue.push({ n: 0 }, { key: 'k' });
  await queue.push({ n: 1 });
  await handled.reached(2);
  await reported.reached(1);
  clock.step(100);
  await letters.reached(1);
  assert.deepEqual(letters.seen, [[{ n: 0 }, bad, { task: 'flaky', attempts: 2, key: 'k' }]]);
  await reported.reached(3);
  assert.deepEqual(
    failures.map(({ error, attempt, willRetry }) => [error.message, attempt, willRetry]),
    [
      ['bad item', 1, true],
      ['bad item', 2, false],
      ['dead letter', 2, false]
    ]
  );
  await queue.drain();
  assert.deepEqual([queue.stats().runs, queue.stats().deadLetters, queue.stats().retries], [2, 1, 1]);
  await background.stop();
});

test('spec05_18 items of one key keep their order through retries', async () => {
  const { background, reported } = lab();
  const handled = calls();
  const options = { concurrency: 4, retries: 1, backoff: { base: 60_000 }, key: (item) => item.key };
  const queue = background.queue('keys', options, ({ id }, { attempt, key }) => {
    handled.note(id, key);
    if (id === 'a1' && attempt === 1) throw new Error('once');
  });
  for (const [id, key] of [
    ['a1', 'a'],
    ['a2', 'a'],
    ['b1', 'b'],
    ['c1', undefined]
  ]) {
    await queue.push({ id, key });
  }
  await handled.reached(3);
  await reported.reached(1);
  await until(() => queue.stats().running === 0);
  assert.deepEqual(handled.seen.map(([id]) => id).sort(), ['a1', 'b1', 'c1']);
  await queue.trigger();
  await queue.drain();
  assert.deepEqual(handled.seen.slice(3), [
    ['a1', 'a'],
    ['a2', 'a']
  ]);
  await background.stop();
});

test('spec05_18 an item whose handler never settles times out', async () => {
  const { background, clock, failures } = lab();
  const letters = calls();
  const started = calls();
  const options = { timeout: 50, onDeadLetter: (item) => letters.note(item) };
  const queue = background.queue('stuck', options, (_item, { signal }) => {
    started.note(signal);
    return never();
  });
  await queue.push('x');
  await started.reached(1);
  clock.step(50);
  await letters.reached(1);
  assert.deepEqual([letters.seen, failures[0].kind], [[['x']], 'timeout']);
  await until(() => started.seen[0][0].aborted);
  await queue.drain();
  await background.stop();
});

test('spec05_18 a stopped queue tells what it left, or goes on with it', async () => {
  const { background, failures, reported } = lab();
  const ends = [];
  const work = () => new Promise((resolve) => ends.push(resolve));
  const queue = background.queue('left', {}, work);
  for (let n = 0; n < 4; n += 1) await queue.push(n);
  await until(() => ends.length === 1);
  const stopping = queue.stop();
  ends[0]();
  assert.deepEqual(await stopping, { dropped: 3 });
  await reported.reached(1);
  assert.deepEqual([failures[0].kind, failures[0].task, failures[0].error.code], ['dropped', 'left', 'BACKGROUND_DROPPED']);
  assert.equal(queue.stats().dropped, 3);

  const handled = [];
  const other = background.queue('finished', { drainOnStop: true }, async (item) => handled.push(item));
  for (let n = 0; n < 50; n += 1) await other.push(n);
  assert.deepEqual([await other.stop(), handled.length], [{ dropped: 0 }, 50]);
  assert.equal(failures.length, 1);
  await background.stop();
});
