/** Where the documentation of 13.6 and its code differ (spec/04 section 14): what holds here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calculateMetadataSize } from '../../js/concerns/calculator.js';
import { calculateTotalSize, EncryptionError, Schema, verifyPassword } from '../../js/index.js';
import { allKeys, connectDatabase, readObject } from './support/databases.js';

async function resourceWith(attributes, config = {}, options = {}) {
  const db = await connectDatabase({ passphrase: 'p', ...options });
  return db.createResource({ name: 'items', attributes, ...config });
}

async function roundTrip(attributes, record, config) {
  const items = await resourceWith(attributes, config);
  await items.insert({ id: 'one', ...record });
  return items.get('one');
}

const stored = async (items) => {
  const [key] = (await allKeys(items.database, 'resource=items/data/')).filter((each) => each.includes('id=one'));
  return readObject(items.database, key);
};

const refuses = (items, record, field) =>
  assert.rejects(items.insert(record), (error) => {
    assert.equal(error.name, 'InvalidResourceItem');
    assert.equal(error.validation[0].field, field);
    return true;
  });

test('spec04_14_1 every spelling of the geo types works in both notations', async () => {
  const spellings = ['geo:lat', 'geoLat', 'geo-lat'];
  for (const spelling of spellings) {
    for (const definition of [spelling, { type: spelling }])
      assert.equal((await roundTrip({ at: definition }, { at: 40.7128 })).at, 40.7128);
  }
  assert.equal((await roundTrip({ at: 'geoLon' }, { at: -8.6291 })).at, -8.6291);
  const point = { latitude: 1.5, longitude: 2.5 };
  for (const spelling of ['geo:point', 'geoPoint', 'geo-point'])
    assert.deepEqual((await roundTrip({ at: spelling }, { at: point })).at, point);
});

test('spec04_14_2 enum lists of text and numbers', async () => {
  const items = await resourceWith({ state: 'string|enum:a,b', level: 'number|enum:1,2,3' });
  await items.insert({ id: 'one', state: 'a', level: 2 });
  assert.equal((await items.get('one')).level, 2);
  await refuses(items, { state: 'c', level: 2 }, 'state');
  await refuses(items, { state: 'a', level: 4 }, 'level');
});

test('spec04_14_3 patterns with and without slashes', async () => {
  for (const pattern of ['/^[a-z]+$/', '^[a-z]+$']) {
    const items = await resourceWith({ code: `string|pattern:${pattern}` });
    await items.insert({ code: 'abc' });
    await refuses(items, { code: 'ABC' }, 'code');
  }
});

test('spec04_14_4 the email and url flags of strings validate', async () => {
  const items = await resourceWith({ mail: 'string|email', site: 'string|url' });
  await items.insert({ mail: 'a@b.co', site: 'https://x.y' });
  await refuses(items, { mail: 'nobody', site: 'https://x.y' }, 'mail');
  await refuses(items, { mail: 'a@b.co', site: 'x.y' }, 'site');
});

test('spec04_14_5 written sanitisers change what is stored, the implicit trim does not', async () => {
  const record = await roundTrip(
    { low: 'string|lowercase', trimmed: 'string|trim', plain: 'string', number: 'number|convert:true' },
    { low: 'ABC', trimmed: ' x ', plain: ' x ', number: '5' }
  );
  assert.deepEqual([record.low, record.trimmed, record.plain, record.number], ['abc', 'x', ' x ', 5]);
});

test('spec04_14_6 defaults apply in every notation', async () => {
  const record = await roundTrip(
    {
      a: 'string|default:x',
      b: { type: 'number', default: 5 },
      c: { d: 'boolean|default:true' },
      e: { type: 'array', default: () => [1] }
    },
    { c: {} }
  );
  assert.deepEqual([record.a, record.b, record.c.d, record.e], ['x', 5, true, [1]]);
});

test('spec04_14_7 addresses that are none are refused, empty text is not', async () => {
  const items = await resourceWith({ ip: 'ip4', six: 'ip6' });
  await refuses(items, { ip: '999.1.1.1', six: '::1' }, 'ip');
  await refuses(items, { ip: '1.1.1.1', six: 'zz' }, 'six');
  await items.insert({ id: 'one', ip: '', six: '' });
  assert.equal((await items.get('one')).ip, '');
});

test('spec04_14_8 a secret is stored as one base64 text', async () => {
  const items = await resourceWith({ key: 'secret' });
  await items.insert({ id: 'one', key: 'plain' });
  const { metadata } = await stored(items);
  const bytes = Buffer.from(metadata['0'], 'base64');
  assert.equal(bytes.toString('base64'), metadata['0']);
  assert.equal(bytes.length, 44 + 'plain'.length);
});

test('spec04_14_9 embeddings are stored as ^[...], number arrays with a bar', async () => {
  const items = await resourceWith({ vector: 'embedding:3', list: 'array|items:number' });
  await items.insert({ id: 'one', vector: [0.5, -0.25, 1], list: [1.5, 2] });
  const { metadata } = await stored(items);
  assert.match(metadata['0'], /^\^\[.*\]$/);
  assert.equal(metadata['1'].split('|').length, 2);
  assert.deepEqual((await items.get('one')).vector, [0.5, -0.25, 1]);
});

test('spec04_14_10 requirePassphrase refuses secrets under the default passphrase, every time', async () => {
  const db = await connectDatabase({ requirePassphrase: true });
  const items = await db.createResource({ name: 'items', attributes: { name: 'string', key: 'secret|optional' } });
  for (let attempt = 0; attempt < 2; attempt += 1) await assert.rejects(items.insert({ id: 'one', name: 'x', key: 'k' }), EncryptionError);
  await assert.rejects(items.insertMany([{ name: 'x', key: 'k' }]), EncryptionError);
  await assert.rejects(items.replace('one', { name: 'x', key: 'k' }), EncryptionError);
  assert.equal(await items.count(), 0);
  const own = await db.createResource({ name: 'own', attributes: { key: 'secret' }, passphrase: 'p' });
  await own.insert({ id: 'one', key: 'k' });
  assert.equal((await own.get('one')).key, 'k');
});

test('spec04_14_10 the first secret under the default passphrase warns the process with S3DB_DEFAULT_PASSPHRASE', async () => {
  const db = await connectDatabase();
  const warned = new Promise((resolve) => {
    const listen = (warning) => {
      if (!warning.message.includes("'warned_here'")) return;
      process.off('warning', listen);
      resolve(warning);
    };
    process.on('warning', listen);
  });
  const items = await db.createResource({ name: 'warned_here', attributes: { key: 'secret' } });
  await items.insert({ key: 'k' });
  const { code, name } = await warned;
  assert.deepEqual([code, name], ['S3DB_DEFAULT_PASSPHRASE', 'S3dbWarning']);
});

test('spec04_14_11 nested objects are optional in a resource, required in a bare schema', async () => {
  const attributes = { name: 'string', nested: { a: 'string' } };
  await roundTrip(attributes, { name: 'x' });
  const errors = await new Schema({ name: 's', attributes }).validate({ name: 'x' });
  assert.equal(errors[0].field, 'nested');
});

test('spec04_14_12 objects with props round-trip with their types', async () => {
  const value = { ip: '10.0.0.1', cost: 12.5, deep: { flag: true, list: [1, 2] } };
  const definition = {
    type: 'object',
    props: { ip: 'ip4', cost: 'money', deep: { type: 'object', props: { flag: 'boolean', list: 'array|items:number' } } }
  };
  assert.deepEqual((await roundTrip({ value: definition }, { value })).value, value);
});

test('spec04_14_13 passwords verify with every configured cost', async () => {
  for (const bcryptRounds of [4, 5]) {
    const items = await resourceWith({ password: 'password' }, { bcryptRounds });
    const { password } = await items.insert({ id: 'one', password: 'correct horse' });
    assert.equal(password.length, 53);
    assert.equal(await verifyPassword('correct horse', (await items.get('one')).password), true);
    assert.equal(await verifyPassword('wrong', password), false);
  }
});

test('spec04_14_14 object notation gives the values of the shorthand', async () => {
  const shorthand = { n: 'number', b: 'boolean', s: 'secret', ip: 'ip4', m: 'money', list: 'array|items:string', j: 'json' };
  const objects = {
    ...Object.fromEntries(Object.entries(shorthand).map(([name, type]) => [name, { type }])),
    list: { type: 'array', items: 'string' }
  };
  const record = { n: 1.5, b: true, s: 'secret', ip: '1.2.3.4', m: 9.99, list: ['a', 'b'], j: { a: 1 } };
  const [first, second] = [await roundTrip(shorthand, record), await roundTrip(objects, record)];
  for (const name of Object.keys(record)) {
    assert.deepEqual(first[name], record[name], name);
    assert.deepEqual(second[name], record[name], name);
  }
});

test('spec04_14_15 calculateMetadataSize is calculateTotalSize', () => {
  assert.equal(calculateMetadataSize, calculateTotalSize);
});

test('spec04_14_16 truncate-data shortens the last field that does not fit and keeps every key', async () => {
  const items = await resourceWith({ a: 'string', b: 'string', c: 'string' }, { behavior: 'truncate-data' });
  await items.insert({ id: 'one', a: 'short', b: 'x'.repeat(3000), c: 'y'.repeat(500) });
  const record = await items.get('one');
  assert.equal(record.a, 'short');
  assert.equal(record.c, 'y'.repeat(500));
  assert.ok(record.b.length > 1000 && record.b.length < 2000);
});

test('spec04_14_17 date accepts dates, ISO text and epoch numbers and comes back as a Date', async () => {
  const at = new Date('2020-01-02T03:04:05.678Z');
  for (const given of [at, at.toISOString(), at.getTime()]) {
    const record = await roundTrip({ at: 'date' }, { at: given });
    assert.ok(record.at instanceof Date);
    assert.equal(record.at.getTime(), at.getTime());
  }
});

test('spec04_14_18 error texts are those of the engine', async () => {
  const errors = await new Schema({ name: 's', attributes: { age: 'number|min:18' } }).validate({ age: 5 });
  assert.equal(errors[0].message, "The 'age' field must be greater than or equal to 18.");
});

test('spec04_14_20 updateSchema is updateAttributes', async () => {
  const items = await resourceWith({ a: 'string' });
  items.updateSchema({ a: 'string', b: 'number|optional' });
  assert.deepEqual(Object.keys(items.attributes), ['a', 'b']);
});

test('spec04_14_21 the text of MetadataLimitError is that of the code', async () => {
  const items = await resourceWith({ a: 'string' }, { behavior: 'enforce-limits' });
  await assert.rejects(items.insert({ a: 'x'.repeat(3000) }), { message: 'Metadata size exceeds 2KB limit on insert' });
});

test('spec04_16_7 JSON text in a string attribute comes back parsed once, and raw switches that off', async () => {
  const text = '{"a":["{}"]}';
  const record = await roundTrip({ parsed: 'string', kept: 'string|raw' }, { parsed: text, kept: text });
  assert.deepEqual([record.parsed, record.kept], [{ a: ['{}'] }, text]);
  assert.deepEqual((await roundTrip({ parsed: 'string' }, { parsed: '[object Object]' })).parsed, {});
});

test('spec04_16_1 a record is read with the map of its version, whatever order the attributes have now', async () => {
  const db = await connectDatabase();
  const items = await db.createResource({ name: 'items', attributes: { a: 'string', b: 'string' } });
  await items.insert({ id: 'one', a: 'x', b: 'y' });
  const swapped = await db.createResource({ name: 'items', attributes: { c: 'string|optional', b: 'string', a: 'string' } });
  assert.equal(swapped.version, 'v2');
  const record = await swapped.get('one');
  assert.deepEqual([record.a, record.b], ['x', 'y']);
});

test('spec04_16_2 more than 36 attributes survive a store that lower-cases names', async () => {
  const attributes = Object.fromEntries(Array.from({ length: 70 }, (_, at) => [`f${at}`, 'number|integer']));
  const items = await resourceWith(attributes);
  const record = Object.fromEntries(Object.keys(attributes).map((name, at) => [name, at]));
  await items.insert({ id: 'one', ...record });
  const { metadata } = await stored(items);
  const names = Object.keys(metadata);
  assert.equal(new Set(names.map((name) => name.toLowerCase())).size, names.length);
  assert.ok(names.includes('-a') && names.includes('a'));
  const found = await items.get('one');
  for (const name of Object.keys(record)) assert.equal(found[name], record[name], name);
});

test('spec04_16_9 an insert writes no token, every later write a fresh one that readers drop', async () => {
  for (const behavior of ['user-managed', 'body-only', 'body-overflow']) {
    const items = await resourceWith({ a: 'string' }, { behavior });
    await items.insert({ id: 'one', a: 'x' });
    assert.doesNotMatch((await stored(items)).body, /_rev/);
    const etags = new Set([(await items.get('one'))._etag]);
    for (const write of [
      () => items.update('one', { a: 'y' }),
      () => items.replace('one', { a: 'y' }),
      () => items.update('one', { a: 'y' })
    ]) {
      await write();
      const body = JSON.parse((await stored(items)).body);
      assert.match(body._rev, /^.{22}$/);
      assert.equal(Object.keys(body).at(-1), '_rev');
      const record = await items.get('one');
      assert.ok(!('_rev' in record));
      assert.equal(record._hasContent, behavior === 'body-only' ? record._hasContent : false, behavior);
      etags.add(record._etag);
    }
    assert.equal(etags.size, 4, `${behavior}: every write has its own ETag`);
  }
});
