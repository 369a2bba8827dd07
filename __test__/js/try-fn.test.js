import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorClassifier, NON_RETRIABLE, RETRIABLE } from '../../js/errors/error-classifier.js';
import tryFnDefault, { tryFn, tryFnSync } from '../../js/util/try-fn.js';

test('spec01_7_1 tryFn returns tuples for every kind of input', async () => {
  assert.equal(tryFnDefault, tryFn);
  for (const nothing of [null, undefined]) {
    const [ok, error, data] = tryFn(nothing);
    assert.deepEqual([ok, error.message, data], [false, 'fnOrPromise cannot be null or undefined', undefined]);
  }
  for (const value of [undefined, null, 0, false, 'x'])
    assert.deepEqual(
      tryFn(() => value),
      [true, null, value]
    );
  assert.deepEqual(tryFn(5), [true, null, 5]);
  assert.deepEqual(await tryFn(async () => 1), [true, null, 1]);
  assert.deepEqual(await tryFn(Promise.resolve(2)), [true, null, 2]);
  // biome-ignore lint/suspicious/noThenProperty: a thenable is the subject.
  assert.deepEqual(await tryFn({ then: (resolve) => resolve(3) }), [true, null, 3]);
  assert.deepEqual(await tryFn(Promise.reject('no')), [false, 'no', undefined]);
});

test('spec01_7_1 tryFn passes what was thrown by identity, whatever it is', () => {
  const frozen = Object.freeze(new Error('frozen'));
  for (const thrown of ['text', Object.create(null), frozen, 0]) {
    const [ok, error, data] = tryFn(() => {
      throw thrown;
    });
    assert.equal(ok, false);
    assert.equal(error, thrown);
    assert.equal(data, undefined);
  }
});

test('spec01_12_35 tryFn keeps the original stack and adds a hidden capturedAtStack', async () => {
  const error = new Error('x');
  const { stack } = error;
  const [, caught] = await tryFn(Promise.reject(error));
  assert.equal(caught.stack, stack);
  assert.equal(typeof caught.capturedAtStack, 'string');
  assert.deepEqual(Object.keys(caught), []);
});

test('spec01_7_1 tryFnSync does not await and returns null as data on failure', async () => {
  assert.deepEqual(
    tryFnSync(() => 1),
    [true, null, 1]
  );
  const [ok, , promise] = tryFnSync(async () => 2);
  assert.equal(ok, true);
  assert.equal(await promise, 2);
  const error = new Error('x');
  assert.deepEqual(
    tryFnSync(() => {
      throw error;
    }),
    [false, error, null]
  );
});

test('spec01_7_2 ErrorClassifier applies its rules in order', () => {
  const is = (error, expected, options) => assert.equal(ErrorClassifier.classify(error, options), expected);
  is(null, NON_RETRIABLE);
  is({ code: 'X', retriable: false }, RETRIABLE, { retryableErrors: ['X'] });
  is({ message: 'has X inside' }, RETRIABLE, { retryableErrors: ['X'], nonRetriableErrors: ['X'] });
  is({ name: 'Y', retriable: true }, NON_RETRIABLE, { nonRetriableErrors: ['Y'] });
  is({ retriable: false, code: 'ETIMEDOUT' }, NON_RETRIABLE);
  is({ retriable: true, name: 'ValidationError' }, RETRIABLE);
  for (const name of ['ValidationError', 'StateMachineError', 'SchemaError', 'AuthenticationError', 'PermissionError'])
    is({ name }, NON_RETRIABLE);
  for (const name of ['BusinessLogicError', 'InvalidStateTransition']) is({ name }, NON_RETRIABLE);
  for (const statusCode of [400, 401, 403, 404, 405, 406, 409, 410, 422]) is({ statusCode, code: 'ETIMEDOUT' }, NON_RETRIABLE);
  for (const statusCode of [429, 500, 502, 503, 504, 507, 509]) is({ statusCode }, RETRIABLE);
  is({ code: 'SlowDown' }, RETRIABLE);
  is({ message: 'Connection lost' }, RETRIABLE);
  is({}, RETRIABLE);
  is({ $metadata: { httpStatusCode: 404 } }, NON_RETRIABLE);
  is({ $metadata: { httpStatusCode: 503 } }, RETRIABLE);
  assert.equal(ErrorClassifier.isRetriable({ statusCode: 404 }), false);
  assert.equal(ErrorClassifier.isNonRetriable({ statusCode: 404 }), true);
});
