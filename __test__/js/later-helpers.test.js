import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { createSafeEventEmitter, forEachWithConcurrency, mapWithConcurrency, SafeEventEmitter, ValidationError } from '../../js/index.js';

test('spec01_14 mapWithConcurrency gives results and failures in input order, at most so many at a time', async () => {
  const waiting = [];
  let active = 0;
  let most = 0;
  const run = mapWithConcurrency(
    new Set(['a', 'b', 'c', 'd']),
    async (item, index) => {
      active += 1;
      most = Math.max(most, active);
      await new Promise((resolve) => waiting.push(resolve));
      active -= 1;
      if (item === 'b') throw new Error('no b');
      if (item === 'd') throw 'text';
      return `${item}${index}`;
    },
    { concurrency: 2 }
  );
  // The later of two first.
  for (let done = 0; done < 4; done += 1) {
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    waiting.pop()();
  }
  const { results, errors } = await run;
  assert.equal(most, 2);
  assert.deepEqual(results, ['a0', 'c2']);
  assert.deepEqual(
    errors.map(({ item, index, message }) => [item, index, message]),
    [
      ['b', 1, 'no b'],
      ['d', 3, 'text']
    ]
  );
  assert.ok(errors[0].raw instanceof Error);
  assert.equal(errors[1].raw, 'text');
  assert.deepEqual(await mapWithConcurrency([1, 2], (x) => (x === 1 ? undefined : x)), { results: [undefined, 2], errors: [] });
  assert.deepEqual(await mapWithConcurrency([], (x) => x), { results: [], errors: [] });
});

test('spec01_14 forEachWithConcurrency gives failures only', async () => {
  const seen = [];
  const outcome = await forEachWithConcurrency([1, 2], (item) => {
    seen.push(item);
    if (item === 2) throw new Error('two');
  });
  assert.deepEqual(seen, [1, 2]);
  assert.deepEqual(Object.keys(outcome), ['errors']);
  assert.equal(outcome.errors[0].message, 'two');
});

for (const [field, args] of [
  ['items', [5, () => {}]],
  ['fn', [[1], undefined]],
  ['concurrency', [[1], () => {}, { concurrency: 0 }]],
  ['concurrency', [[1], () => {}, { concurrency: '3' }]]
]) {
  test(`spec01_14 mapWithConcurrency refuses ${field} ${JSON.stringify(args[2] ?? args[0])}`, async () => {
    for (const run of [mapWithConcurrency, forEachWithConcurrency])
      await assert.rejects(run(...args), (error) => error instanceof ValidationError && error.field === field && error.statusCode === 400);
  });
}

function watched() {
  const errors = [];
  const logger = { error: (text) => errors.push(text) };
  return { errors, emitter: new SafeEventEmitter({ autoCleanup: false, logger }) };
}

test('spec01_14 SafeEventEmitter never throws from emit, and logs', () => {
  const { errors, emitter } = watched();
  assert.ok(emitter instanceof EventEmitter);
  const heard = [];
  emitter.on('fine', (value) => heard.push(value));
  emitter.on('bad', () => {
    throw new Error('boom');
  });
  assert.equal(emitter.emit('fine', 1), true);
  assert.equal(emitter.emit('nobody'), false);
  assert.equal(emitter.emit('bad'), false);
  assert.equal(emitter.emit('error', new Error('unheard')), false);
  assert.deepEqual(heard, [1]);
  assert.match(errors[0], /'bad'.*boom/);
  assert.match(errors[1], /'error'.*unheard/);
  assert.equal(errors.length, 2);
  emitter.on('error', (error) => heard.push(error.message));
  assert.equal(emitter.emit('error', new Error('heard')), true);
  assert.equal(heard[1], 'heard');
  assert.deepEqual(emitter.getListenerStats(), { fine: 1, bad: 1, error: 1 });
  assert.equal(emitter.getTotalListenerCount(), 3);
});

test('spec01_14 SafeEventEmitter takes no listeners once destroyed', () => {
  const { emitter } = watched();
  emitter.on('a', () => assert.fail('destroyed'));
  assert.equal(emitter.isDestroyed(), false);
  emitter.destroy();
  assert.equal(emitter.isDestroyed(), true);
  assert.equal(emitter.emit('a'), false);
  for (const method of ['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'])
    assert.equal(
      emitter[method]('a', () => {}),
      emitter
    );
  assert.equal(emitter.getTotalListenerCount(), 0);
  emitter.destroy();
});

test('spec01_14 SafeEventEmitter shares one listener of the process, for as long as one may need it', () => {
  const before = process.listenerCount('exit');
  const [one, two] = [createSafeEventEmitter(), createSafeEventEmitter({})];
  assert.ok(one instanceof SafeEventEmitter);
  assert.equal(process.listenerCount('exit'), before + 1);
  const atExit = process.listeners('exit').at(-1);
  one.destroy();
  assert.equal(process.listenerCount('exit'), before + 1);
  atExit();
  assert.equal(two.isDestroyed(), true);
  assert.equal(process.listenerCount('exit'), before);
  const kept = createSafeEventEmitter();
  kept.removeSignalHandlers();
  assert.equal(process.listenerCount('exit'), before);
  assert.equal(kept.isDestroyed(), false);
});

test('spec01_14 SafeEventEmitter refuses an unknown log level', () => {
  assert.throws(
    () => new SafeEventEmitter({ logLevel: 'loud' }),
    (error) => error instanceof ValidationError && error.field === 'logLevel'
  );
});
