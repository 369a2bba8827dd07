import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flatten, unflatten } from '../../js/concerns/flatten.js';

test('flatten takes objects apart and leaves arrays, dates, buffers and empty objects whole', () => {
  const date = new Date(0);
  const bytes = Buffer.from('x');
  const nested = { a: { b: { c: 1 }, list: [{ d: 2 }], none: {} }, date, bytes };
  const flat = flatten(nested);
  assert.deepEqual(flat, { 'a.b.c': 1, 'a.list': [{ d: 2 }], 'a.none': {}, date, bytes });
  assert.deepEqual(unflatten(flat), nested);
  assert.deepEqual(flatten(nested.a, { delimiter: '/', maxDepth: 1 }), nested.a);
});

test('spec04_15_4 unflatten builds no sparse arrays and looks into no values', () => {
  assert.deepEqual(unflatten({ 'a.4294967294': 1, b: { 'c.d': 2 } }), { a: { 4294967294: 1 }, b: { 'c.d': 2 } });
});

test('spec04_15_39 names of the prototype are skipped', () => {
  assert.deepEqual(unflatten({ '__proto__.polluted': 1, ok: 2 }), { ok: 2 });
  assert.equal({}.polluted, undefined);
});
