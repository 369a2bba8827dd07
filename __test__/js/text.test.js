import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { ValidationError } from '../../js/errors/index.js';
import { fromText, toText } from '../../js/native/text.js';

test('plain values are plain JSON', () => {
  const record = { name: 'x', n: 1.5, b: true, nothing: null, list: [1, 'a', { deep: [] }] };
  assert.equal(toText(record), JSON.stringify(record));
  assert.deepEqual(fromText(toText(record)), record);
});

test('values that JSON lacks are tagged and come back', () => {
  const value = {
    u: undefined,
    nan: Number.NaN,
    inf: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    minus: -0,
    big: 12345678901234567890n,
    date: new Date(86400000),
    bytes: Buffer.from([0, 255]),
    pattern: /a"b\//gi,
    hole: [1, undefined]
  };
  const back = fromText(toText(value));
  assert.deepEqual(back, value);
  assert.ok(Object.is(back.minus, -0) && 'u' in back);
  assert.ok(Number.isNaN(fromText(toText(new Date(Number.NaN))).getTime()));
  assert.equal(toText({ d: new Date(5) }), '{"d":{"\\u0000":"date","v":5}}');
  assert.equal(toText(undefined), '{"\\u0000":"undefined"}');
});

test('byte arrays travel as bytes and arrays of wider numbers as arrays', () => {
  assert.deepEqual(fromText(toText(new Uint8Array([1, 2]))), Buffer.from([1, 2]));
  assert.deepEqual(fromText(toText(new Uint8Array([1, 2, 3]).subarray(1))), Buffer.from([2, 3]));
  assert.deepEqual(fromText(toText({ v: new Float64Array([0.5, 1]) })), { v: [0.5, 1] });
});

test('spec04_15_23 lone surrogates become U+FFFD and texts that look like their escapes stay', () => {
  const value = { a: 'x\ud800y', b: '\\ud800', c: '\u{1f600}', '\udfff': 1 };
  assert.deepEqual(JSON.parse(toText(value)), { a: 'x\ufffdy', b: '\\ud800', c: '\u{1f600}', '\ufffd': 1 });
});

test('spec04_15_42 Map, Set, class instances, functions and symbols are refused with their path', () => {
  class Point {}
  for (const [bad, word] of [
    [new Map(), 'Map'],
    [new Set(), 'Set'],
    [new Point(), 'Point'],
    [() => 1, 'function'],
    [Symbol('s'), 'symbol'],
    [Promise.resolve(), 'Promise']
  ]) {
    assert.throws(
      () => toText({ a: [{ b: bad }] }, 'record'),
      (error) =>
        error instanceof ValidationError && error.field === 'record.a[0].b' && error.message.includes(word) && error.suggestion.length > 0
    );
  }
});

test('objects with toJSON, without prototype and of other realms are fine', () => {
  assert.equal(toText({ u: new URL('http://x/') }), '{"u":"http://x/"}');
  assert.equal(toText(Object.assign(Object.create(null), { a: undefined })), '{"a":{"\\u0000":"undefined"}}');
  assert.equal(toText(runInNewContext('({ a: [1], d: new Date(3) })')), '{"a":[1],"d":{"\\u0000":"date","v":3}}');
});

test('cycles and a member named by the tag are refused, repeated references are not', () => {
  const cyclic = { a: {} };
  cyclic.a.b = cyclic;
  assert.throws(() => toText(cyclic), /'a\.b' cannot be stored.*cycle/);
  assert.throws(() => toText({ x: { '\u0000': 'date', v: 1 } }), ValidationError);
  const shared = { s: undefined };
  assert.deepEqual(fromText(toText([shared, shared])), [shared, shared]);
});

test('spec04_15_39 __proto__ members stay own properties both ways', () => {
  const value = JSON.parse('{"a":{"__proto__":{"polluted":true}},"d":0}');
  value.d = new Date(1);
  const back = fromText(toText(value));
  assert.ok(Object.hasOwn(back.a, '__proto__'));
  assert.equal(back.a.polluted, undefined);
  const tagged = fromText('{"__proto__":{"\\u0000":"date","v":1}}');
  assert.ok(Object.hasOwn(tagged, '__proto__'));
  assert.equal(Object.getPrototypeOf(tagged), Object.prototype);
});
