// Types of later versions (spec/04 section 18): what s3db.js 21.6.2 stored and returned is in the golden file.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as namespace from 's3db-native';
import { S3db, Schema, Validator } from 's3db-native';
import { golden } from './support/golden.js';

const library = { ...namespace };
const recorded = golden('later-types');
const LIMITS = 'enforce-limits';
/** Types of 13.6, which keep their text unless asked for. */
const definitionOf = (type) => (type === 'uuid' || type === 'mac' ? `${type}|packed` : type);
const keyOf = (resource, id) => `resource=${resource.name}/data/id=${id}`;

describe('types of later versions', () => {
  let db;

  before(async () => {
    db = new S3db({ connectionString: 'memory://later-types/x' });
    await db.connect();
  });

  after(() => db.disconnect());

  const resourceOf = (name, definition) => db.createResource({ name, behavior: LIMITS, attributes: { a: definition } });
  const storedOf = async (resource, id) => (await db.client.headObject(keyOf(resource, id))).Metadata[resource.schema.map.a];

  test('spec04_18 records are stored as s3db.js 21 stores them, and come back as it returns them', async () => {
    const types = new Set();
    for (const [index, { type, input, stored, read }] of recorded.records.entries()) {
      const resource = await resourceOf(`written-${type}`, definitionOf(type));
      const inserted = await resource.insert({ id: `i${index}`, a: input });
      assert.equal(await storedOf(resource, `i${index}`), stored, `${type} ${input}`);
      assert.equal(inserted.a, read, `${type} ${input}`);
      assert.equal((await resource.get(`i${index}`)).a, read, `${type} ${input}`);
      types.add(type);
    }
    assert.equal(types.size, 15);
  });

  test('spec04_18 records that s3db.js 21 stored are read, packed and plain', async () => {
    for (const [index, { type, stored, read }] of [...recorded.records, ...recorded.plain].entries()) {
      const resource = await resourceOf(`read-${type}`, type);
      await db.client.putObject({ key: keyOf(resource, `i${index}`), metadata: { 0: stored, _v: 'v1' } });
      assert.equal((await resource.get(`i${index}`)).a, read, `${type} ${stored}`);
    }
  });

  test('spec04_18 what s3db.js 21 refuses is refused with its error', async () => {
    for (const { type, input, error, message } of recorded.refused) {
      const [found, ...others] = await new Schema({ name: 'v', attributes: { a: type } }).validate({ a: input });
      // It calls the error of `dateonly` `date`, and has a shorter text for times that are no text.
      assert.equal(found.type, type === 'dateonly' ? 'dateonly' : error, `${type} ${input}`);
      if (type !== 'timeonly' || typeof input === 'string') assert.equal(found.message, message);
      assert.equal(found.field, 'a');
      assert.deepEqual(others, []);
    }
  });

  test('spec04_18 dates that do not exist, months as durations and impossible crons are refused', async () => {
    const refused = {
      datetime: ['2024-02-30', '2023-02-29T10:00:00Z', new Date(Number.NaN), Number.NaN, '2024-05-06T25:00:00Z'],
      dateonly: ['2024-02-30', '2023-02-29'],
      duration: ['P1M', 'P1Y', '1h30', -1, Number.POSITIVE_INFINITY],
      cron: [
        '60 * * * *',
        '* 24 * * *',
        '* * 0 * *',
        '* * * 13 *',
        '* * * * 8',
        '5-1 * * * *',
        '*/0 * * * *',
        '*/5/2 * * * *',
        'L * * * *'
      ],
      phone: ['+0123456'],
      buffer: ['no base64!', { a: 1 }, 5],
      'bits:10': [Buffer.from([1]), Buffer.from([1, 2, 3]), 'AQ==']
    };
    for (const [type, inputs] of Object.entries(refused)) {
      for (const input of inputs) {
        const errors = await new Schema({ name: 'v', attributes: { a: type } }).validate({ a: input });
        assert.equal(errors[0]?.type, type.split(':')[0], `${type} ${String(input)}`);
      }
    }
  });

  test('spec04_18 dates, numbers, bytes and names are accepted and stored in one form', async () => {
    const accepted = [
      ['datetime', new Date(1714979289123), '2024-05-06T07:08:09.123Z', 'ubYyk4b'],
      ['dateonly', new Date('2024-05-06T23:00:00Z'), '2024-05-06', '5a9'],
      ['timeonly', new Date(1001), '00:00:01.001', 'g9'],
      ['duration', 'P2W3D', 'P17D', '1BoVYA'],
      ['semver', '1.2.3-beta.1+5', '1.2.3-beta.1+5', '1.2.3-beta.1+5'],
      ['semver', '1.1000.0', '1.1000.0', '1.1000.0'],
      ['cron', '0 12 * JAN-MAR MON,FRI', '0 12 * JAN-MAR MON,FRI', '0 12 * JAN-MAR MON,FRI'],
      ['currency', '1,000.50', '1,000.50', '1,000.50'],
      ['buffer', Buffer.from('hello'), Buffer.from('hello'), 'aGVsbG8='],
      ['buffer', new Uint8Array([1, 2, 3]).subarray(1), Buffer.from([2, 3]), 'AgM='],
      ['buffer', 'aGVsbG8=', Buffer.from('hello'), 'aGVsbG8='],
      ['buffer', JSON.parse(JSON.stringify(Buffer.from('hi'))), Buffer.from('hi'), 'aGk='],
      ['bits:10', Buffer.from([1, 2]), Buffer.from([1, 2]), 'AQI='],
      ['bool', 'on', true, '1'],
      ['datetime[]', [new Date(0), '2024-05-06'], ['1970-01-01T00:00:00.000Z', '2024-05-06T00:00:00.000Z'], undefined],
      ['array|items:color', ['FFF', '#000'], ['#ffffff', '#000000'], undefined]
    ];
    for (const [index, [type, input, read, stored]] of accepted.entries()) {
      const resource = await resourceOf(`accepted-${index}`, type);
      const inserted = await resource.insert({ id: 'one', a: input });
      assert.deepEqual(inserted.a, read, type);
      assert.deepEqual((await resource.get('one')).a, read, type);
      if (stored !== undefined) assert.equal(await storedOf(resource, 'one'), stored, type);
      await resource.update('one', { a: (await resource.get('one')).a });
      assert.deepEqual((await resource.get('one')).a, read, `${type} after an update`);
    }
  });

  test('spec04_18 optional, default, nested and custom work on the types of later versions', async () => {
    const seen = [];
    const resource = await db.createResource({
      name: 'modifiers',
      attributes: {
        at: 'datetime|optional',
        day: 'dateonly|default:2024-05-06',
        color: { type: 'color', messages: { color: 'No {field} at all' }, optional: true, custom: (value) => seen.push(value) && value },
        at2: { inner: 'duration|optional', mac: 'mac|packed|optional' }
      }
    });
    const inserted = await resource.insert({ id: 'one', color: 'ABC', at2: { inner: '90m', mac: '00-1A-2b-3C-4D-5E' } });
    assert.deepEqual([inserted.at, inserted.day, inserted.color], [undefined, '2024-05-06', '#aabbcc']);
    assert.deepEqual((await resource.get('one')).at2, { inner: 'PT1H30M', mac: '00:1a:2b:3c:4d:5e' });
    assert.deepEqual(seen, ['#aabbcc']);
    await assert.rejects(resource.insert({ id: 'two', color: 'red' }), (error) => {
      assert.equal(error.validation[0].message, 'No color at all');
      return error.name === 'InvalidResourceItem';
    });
  });

  test('spec04_18 object notation stores the text, converted as in the shorthand', async () => {
    for (const [index, { type, input, stored }] of recorded.object.entries()) {
      const resource = await resourceOf(`object-${index}`, { type });
      await resource.insert({ id: 'one', a: input });
      assert.equal(await storedOf(resource, 'one'), stored);
      assert.equal((await resource.get('one')).a, input);
    }
    const resource = await resourceOf('object-date', { type: 'datetime' });
    assert.equal((await resource.insert({ id: 'one', a: new Date(0) })).a, '1970-01-01T00:00:00.000Z');
    assert.equal(await storedOf(resource, 'one'), '1970-01-01T00:00:00.000Z');
  });

  test('spec04_18 a definition with a type of later versions survives s3db.json', async () => {
    const attributes = {
      a: 'bits:10',
      b: 'password:argon2id|optional',
      c: { type: 'duration', optional: true },
      d: 'uuid|packed|optional'
    };
    await db.createResource({ name: 'kept', attributes });
    const again = new S3db({ client: db.client });
    await again.connect();
    assert.deepEqual((await again.getResource('kept')).attributes, attributes);
    await again.disconnect();
    assert.throws(() => new Schema({ name: 'v', attributes: { a: 'password:scrypt' } }), /Invalid 'password:scrypt' type/);
  });

  test('spec04_18 the Validator knows the types of later versions', async () => {
    const check = new Validator().compile({ at: 'datetime', day: 'dateonly|optional', data: 'buffer|optional' });
    const record = { at: 0, data: 'aGk=' };
    assert.equal(check(record), true);
    assert.deepEqual(record, { at: '1970-01-01T00:00:00.000Z', day: undefined, data: Buffer.from('hi') });
    assert.deepEqual(
      check({ at: 'x', day: 'y' }).map(({ type, field }) => [type, field]),
      [
        ['datetime', 'at'],
        ['dateonly', 'day']
      ]
    );
  });
});

test('spec04_18 exported helpers give the results of s3db.js 21', () => {
  const plain = (value) => (value instanceof Uint8Array ? Buffer.from(value) : value);
  for (const { fn, args, output, error } of recorded.helpers) {
    const call = () => plain(library[fn](...args));
    const label = `${fn}(${JSON.stringify(args).slice(0, 80)})`;
    if (error === undefined) {
      assert.deepEqual(call(), output, label);
      continue;
    }
    assert.throws(call, (thrown) => {
      assert.deepEqual({ name: thrown.name, message: thrown.message, statusCode: thrown.statusCode, field: thrown.field }, error, label);
      return true;
    });
  }
  assert.equal(library.S3_METADATA_LIMIT_BYTES, 2047);
});

test('spec04_18 bits of bitmaps are set, cleared and counted with and without checks', () => {
  const { clearBit, countBits, createBitmap, getBit, getBitFast, setBit, setBitFast, toggleBit, toggleBitFast, clearBitFast } = library;
  const bitmap = createBitmap(20);
  assert.equal(setBit(bitmap, 19), bitmap);
  toggleBit(bitmap, 3);
  setBitFast(bitmap, 8);
  toggleBitFast(bitmap, 9);
  assert.deepEqual(
    [3, 8, 9, 19, 4].map((index) => getBit(bitmap, index)),
    [1, 1, 1, 1, 0]
  );
  assert.equal(countBits(bitmap), 4);
  clearBit(bitmap, 3);
  clearBitFast(bitmap, 8);
  assert.deepEqual([getBitFast(bitmap, 3), getBitFast(bitmap, 8), countBits(bitmap)], [0, 0, 2]);
  for (const index of [-1, 24, 1.5, '0', undefined])
    assert.throws(() => setBit(bitmap, index), { name: 'ValidationError', field: 'index' });
  assert.throws(() => countBits('x'), { name: 'ValidationError', field: 'bits' });
});

test('spec04_18 the cache of checks counts its schemas and takes a policy', async () => {
  const schema = () => new Schema({ name: 'v', attributes: { cacheProbe: 'string', at: 'datetime' } });
  const before = Schema.getValidatorCacheStats();
  const [first, second] = [schema(), schema()];
  for (const each of [first, second]) assert.equal(await each.validate({ cacheProbe: 'x', at: 0 }), true);
  const used = Schema.getValidatorCacheStats();
  assert.equal(used.size, before.size + 1);
  assert.equal(used.totalReferences, before.totalReferences + 2);
  assert.equal(used.cacheHits, before.cacheHits + 1);
  assert.equal(used.cacheMisses, before.cacheMisses + 1);
  assert.equal(used.hitRate, used.cacheHits / (used.cacheHits + used.cacheMisses));
  first.dispose();
  second.dispose();
  assert.equal(Schema.getValidatorCacheStats().zeroRefValidators, used.zeroRefValidators + 1);
  // Disposed of, a schema still checks.
  assert.equal(await first.validate({ cacheProbe: 'x', at: 0 }), true);
  const memory = Schema.getValidatorCacheMemoryUsage();
  assert.equal(memory.validatorCount, used.size);
  assert.equal(memory.estimatedMB, memory.estimatedKB / 1024);
  assert.deepEqual(Schema.getValidatorCachePolicy(), { maxEntries: 5000, maxAgeMs: 300_000, autoPrune: true });
  Schema.configureValidatorCache({ maxEntries: 1 });
  assert.equal(Schema.getValidatorCacheStats().size, 1);
  for (const [name, value] of [
    ['maxEntries', -1],
    ['maxAgeMs', 'x'],
    ['maxAgeMs', Number.NaN]
  ]) {
    assert.throws(() => Schema.configureValidatorCache({ [name]: value }), { name: 'ValidationError', field: name });
  }
  assert.equal(Schema.getValidatorCachePolicy().maxEntries, 1);
  assert.equal(Schema.evictUnusedValidators(0), 1);
  assert.equal(Schema.resetValidatorCachePolicy().maxEntries, 5000);
});
