import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SchemaError } from '../../js/errors/index.js';
import { toText } from '../../js/native/text.js';
import { preprocessAttributes } from '../../js/schema/preprocess.js';
import { Schema, SchemaActions } from '../../js/schema/schema.js';
import { golden } from './support/golden.js';

/** Definitions that 13.6 refuses and the documentation promises. */
const PROMISED = ['geoLat', 'enum:active', 'string|required'];

test('spec04_2_2 definitions are rewritten for the validator as in s3db.js', () => {
  for (const { args, processed, error } of golden('schemas')) {
    if (error) continue;
    const rewritten = preprocessAttributes(args.attributes, args.options?.allNestedObjectsOptional);
    assert.equal(toText(sorted(rewritten)), toText(sorted(processed)), args.name);
  }
});

const sorted = (value) => {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof RegExp)
    return typeof value === 'function' ? null : value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(typeof value[key] === 'function' ? null : value[key])])
  );
};

test('spec04_2 definitions that mean nothing are refused with a typed error naming the attribute', () => {
  for (const { args, error } of golden('schemas')) {
    if (!error) continue;
    const text = JSON.stringify(args.attributes);
    if (PROMISED.some((part) => text.includes(part))) continue;
    assert.throws(
      () => new Schema(args),
      (thrown) => thrown instanceof SchemaError && typeof thrown.attribute === 'string',
      text
    );
  }
  assert.throws(() => new Schema({ name: 's', attributes: { a: 'nope' } }), { message: "Invalid 'nope' type in validator schema." });
});

test('spec04_3 maps, plugin maps, hooks and exports are those of s3db.js', () => {
  for (const { args, map, pluginMap, hooks, error, export: exported } of golden('schemas')) {
    if (error) continue;
    const schema = new Schema(args);
    assert.deepEqual(schema.map, map, args.name);
    assert.deepEqual(schema.pluginMap, pluginMap, args.name);
    // Whole-text sniffing of types is a defect (spec/04 15.8).
    if (args.name !== 'sniffing') assert.deepEqual(schema.options.hooks, hooks, args.name);
    const data = schema.export();
    assert.deepEqual(Object.keys(data), Object.keys(exported), args.name);
    const back = Schema.import(JSON.stringify(data));
    assert.deepEqual(back.map, map, args.name);
  }
});

test('spec04_3_2 a record survives mapper and unmapper', async () => {
  const schema = new Schema({
    name: 's',
    passphrase: 'p',
    attributes: { name: 'string', age: 'number', tags: 'array|items:string', token: 'secret', deep: { on: 'boolean' } }
  });
  const record = { name: 'José', age: 12.5, tags: ['a', 'b|c'], token: 'x', deep: { on: true } };
  const mapped = await schema.mapper(record);
  assert.equal(mapped._v, '1');
  assert.equal(mapped[schema.map.age], 'c.5');
  assert.notEqual(mapped[schema.map.token], 'x');
  assert.deepEqual(await schema.unmapper(mapped), record);
});

test('spec04_3_2 addHook, getAttributeDefinition, extractObjectKeys and import behave as documented', () => {
  const schema = new Schema({ name: 's', attributes: { a: 'string', o: { $$type: 'object', p: { x: 'number' } } } });
  schema.addHook('beforeMap', 'a', 'trim');
  schema.addHook('beforeMap', 'a', 'trim');
  schema.addHook('beforeMap', 'a', 'toBase62', { x: 1 });
  assert.deepEqual(schema.options.hooks.beforeMap.a, ['trim', { action: 'toBase62', params: { x: 1 } }]);
  assert.equal(schema.getAttributeDefinition('o.p.x'), 'number');
  assert.equal(schema.getAttributeDefinition('o.q'), undefined);
  assert.deepEqual(schema.extractObjectKeys(schema.attributes), ['o', 'o.p']);
  assert.deepEqual(Schema._importAttributes({ a: '{"b":"string"}', c: 'number' }), { a: { b: 'string' }, c: 'number' });
  assert.throws(() => Schema.import('nonsense'), { name: 'SchemaError', message: 'Failed to import schema attributes' });
});

test('spec04_18 compiled checks are shared between equal definitions and can be evicted', async () => {
  const attributes = { cacheProbe: 'string|min:17' };
  await new Schema({ name: 'a', attributes }).validate({});
  const before = Schema.getValidatorCacheStats();
  const schema = new Schema({ name: 'b', attributes: { ...attributes } });
  await schema.validate({});
  assert.equal(Schema.getValidatorCacheStats().hits, before.hits + 1);
  assert.ok(Schema.getValidatorCacheMemoryUsage().totalBytes > 0);
  assert.ok(Schema.evictUnusedValidators(-1) > 0);
  schema.dispose();
  assert.notEqual(await schema.validate({ cacheProbe: 'x' }), true);
  assert.equal(Schema.configureValidatorCache({ maxEntries: 3 }).maxEntries, 3);
  assert.deepEqual(Schema.resetValidatorCachePolicy(), { maxEntries: 5000, maxAgeMs: 300000, autoPrune: true });
});

test('spec04_3_5 SchemaActions are callable on their own, the asynchronous ones too', async () => {
  assert.equal(SchemaActions.fromArray(['a', 'b|c'], { separator: '|' }), 'a|b\\|c');
  assert.deepEqual(SchemaActions.toArray('a|b\\|c', { separator: '|' }), ['a', 'b|c']);
  const secret = await SchemaActions.encrypt('x', { passphrase: 'p' });
  assert.equal(await SchemaActions.decrypt(secret, { passphrase: 'p' }), 'x');
  assert.equal((await SchemaActions.hashPassword('x', { bcryptRounds: 4 })).length, 53);
});
