import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { AsyncEventEmitter } from '../../js/util/async-event-emitter.js';

test('spec05_5 listeners run later, one after the other, awaited, with the emitter as this', async () => {
  const emitter = new AsyncEventEmitter();
  assert.ok(emitter instanceof EventEmitter);
  const seen = [];
  emitter.on('a', async function first(value) {
    await sleep(5);
    seen.push(['first', this === emitter, value]);
  });
  emitter.on('a', () => seen.push('second'));
  const last = new Promise((resolve) => emitter.on('a', resolve));
  assert.equal(emitter.emit('a', 1), true);
  assert.deepEqual(seen, []);
  await last;
  assert.deepEqual(seen, [['first', true, 1], 'second']);
});

test('spec05_5 without listeners emit returns false, and an unheard error does not throw', () => {
  const emitter = new AsyncEventEmitter();
  assert.equal(emitter.emit('a'), false);
  assert.equal(emitter.emit('error', new Error('x')), false);
});

test('spec03_14_1 once listeners fire once, even for two emits in one turn', async () => {
  const emitter = new AsyncEventEmitter();
  let calls = 0;
  emitter.once('a', () => {
    calls += 1;
  });
  emitter.emit('a');
  emitter.emit('a');
  await sleep(5);
  assert.equal(calls, 1);
  assert.equal(emitter.listenerCount('a'), 0);
});

test('spec05_5 a listener removed between emit and dispatch does not run', async () => {
  const emitter = new AsyncEventEmitter();
  const listener = () => assert.fail('removed listener ran');
  emitter.on('a', listener);
  emitter.emit('a');
  emitter.off('a', listener);
  await turn();
  await turn();
});

test('spec05_5 a failing listener raises error and the others still run', async () => {
  const emitter = new AsyncEventEmitter();
  const failure = new Error('x');
  const seen = [];
  emitter.on('error', (error) => seen.push(error));
  emitter.on('a', () => {
    throw failure;
  });
  emitter.on('a', () => Promise.reject(failure));
  emitter.on('a', () => seen.push('ran'));
  emitter.emit('a');
  await sleep(10);
  assert.equal(seen.filter((each) => each === failure).length, 2);
  assert.equal(seen.includes('ran'), true);
});

test('spec05_5 an exception in an error listener is printed, not raised', async (t) => {
  const printed = t.mock.method(console, 'error', () => {});
  const emitter = new AsyncEventEmitter();
  emitter.on('error', () => {
    throw new Error('again');
  });
  emitter.emit('error', new Error('x'));
  await sleep(5);
  assert.equal(printed.mock.callCount(), 1);
});

test('spec05_5 sync mode and emitSync behave as EventEmitter', () => {
  const emitter = new AsyncEventEmitter();
  let calls = 0;
  emitter.on('a', () => {
    calls += 1;
  });
  emitter.emitSync('a');
  assert.equal(calls, 1);
  emitter.setAsyncMode(false);
  emitter.emit('a');
  assert.equal(calls, 2);
  assert.throws(() => emitter.emit('error', new Error('unheard')), /unheard/);
});

test('spec05_18 an emitter has a logger of its own, and destroy removes its listeners', async () => {
  const told = [];
  const emitter = new AsyncEventEmitter({ logger: { error: (...args) => told.push(args) } });
  const heard = new Promise((resolve) => {
    emitter.on('error', () => {
      setImmediate(resolve);
      throw new Error('again');
    });
  });
  emitter.emit('error', new Error('x'));
  await heard;
  assert.equal(told[0][1].message, 'again');
  assert.equal(typeof new AsyncEventEmitter({ logLevel: 'silent' }).logger.error, 'function');
  emitter.destroy();
  assert.deepEqual([emitter.listenerCount('error'), emitter.emit('error', new Error('unheard'))], [0, false]);
});
