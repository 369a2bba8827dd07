// Ids of records: incremental ones on every store, ids by time, functions that take the record.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Resource, sid, ulid, uuidv7 } from '../../js/index.js';
import { StoredSequence } from '../../js/resource/stored-sequence.js';
import { rejection } from './support/clients.js';
import { connectDatabase, freshStore, makeDatabase, readMetadata, reopen, requestsOf } from './support/databases.js';
import { ClassClient, plainClient } from './support/object-clients.js';

const attributes = { n: 'number|optional' };
const idsOf = (records) => records.map(({ id }) => id);
const numbers = (from, count) => Array.from({ length: count }, (_, i) => String(from + i));

async function create(idGenerator, { database, ...config } = {}) {
  const target = database ?? (await connectDatabase());
  return target.createResource({ name: 'orders', attributes, idGenerator, ...config });
}

const stores = [
  ['memory', () => ({ connectionString: freshStore('memory') })],
  ['file', () => ({ connectionString: freshStore('file') })],
  ['an object client', () => ({ client: new ClassClient() })],
  ['an object client without conditions', () => ({ client: plainClient() })]
];
for (const [name, variable] of [
  ['strict S3', 'S3DB_TEST_S3'],
  ['s3s-fs', 'S3DB_TEST_S3S_FS']
]) {
  const base = process.env[variable];
  if (base) stores.push([name, () => ({ connectionString: `${base}/ids-${process.pid}-${Date.now()}` })]);
}

for (const [name, options] of stores) {
  describe(`incremental ids on ${name}`, () => {
    test(`every way to insert takes the next numbers, in order (${name})`, async () => {
      const database = await connectDatabase(options());
      const orders = await create('incremental', { database });
      assert.equal(await orders.getSequenceValue(), null);
      assert.equal((await orders.insert({ n: 1 })).id, '1');
      assert.deepEqual(idsOf(await Promise.all([2, 3, 4].map((n) => orders.insert({ n })))), ['2', '3', '4']);
      const many = await orders.insertMany([{ n: 5 }, { id: 'own', n: 0 }, { n: 'no number' }, { n: 6 }, {}]);
      assert.deepEqual(idsOf(many), ['5', 'own', '6', '7'], 'an invalid record takes no number');
      assert.deepEqual(
        many.errors.map(({ index, error }) => [index, error.name]),
        [[2, 'InvalidResourceItem']]
      );
      assert.equal((await orders.upsert({ n: 8 })).id, '8');
      const writer = orders.writable();
      for (const n of [9, 10, 11]) writer.write({ n });
      writer.end();
      await once(writer, 'finish');
      orders.addHook('beforeInsert', (record) => record);
      assert.deepEqual(idsOf(await orders.insertMany([{ n: 12 }, { n: 13 }])), ['12', '13'], 'through hooks as well');
      assert.deepEqual((await orders.listIds()).sort(), [...numbers(1, 13), 'own'].sort());
      assert.equal((await orders.get('10')).id, '10');
      assert.equal(await orders.getSequenceValue('id'), 14);
      assert.deepEqual(
        (await orders.listSequences()).map(({ name, value }) => [name, value]),
        [['id', 14]]
      );
    });
  });
}

const FORMS = [
  ['incremental', ['1', '2']],
  ['incremental:', ['1', '2']],
  ['incremental:1000', ['1000', '1001']],
  ['incremental:0', ['0', '1']],
  ['incremental:-5', ['-5', '-4']],
  ['incremental:ORD-0001', ['ORD-0001', 'ORD-0002']],
  ['incremental:INV099', ['INV099', 'INV100']],
  ['incremental:fast', ['1', '2']],
  ['incremental:fast:5000', ['5000', '5001']],
  ['incremental:fast:ORD-7', ['ORD-7', 'ORD-8']],
  [{ type: 'incremental', start: 10, increment: 5, prefix: 'X-', padding: 6 }, ['X-000010', 'X-000015']],
  [{ type: 'incremental', start: 9, padding: 2, mode: 'fast', batchSize: 1 }, ['09', '10']],
  [{ type: 'incremental', increment: -2 }, ['1', '-1']]
];

test('spec03_27_ids every form gives the ids that s3db.js 19 gives', async () => {
  for (const [form, expected] of FORMS) {
    const orders = await create(form);
    assert.deepEqual(idsOf(await orders.insertMany([{}, {}])), expected, JSON.stringify(form));
    assert.equal(orders.idGeneratorType, 'incremental');
    assert.equal(orders.hasAsyncIdGenerator(), true);
    assert.notEqual(await orders.generateId(), await orders.idGenerator());
  }
});

const REFUSED = [
  ['incremental:abc', /no form of 'incremental:abc'; the forms are 'incremental'/],
  ['incremental:007', /no form of/],
  ['incremental:10.5', /no form of/],
  ['incremental:ORD-99999999999999999999', /idGenerator\.start' must be a whole number/],
  ['INCREMENTAL', /one of: incremental, sid, ulid, uuidv7; not 'INCREMENTAL'/],
  ['toString', /one of: incremental, sid, ulid, uuidv7; not 'toString'/],
  [{ type: 'random' }, /or \{ type: 'incremental' \}/],
  [{ type: 'incremental', start: 1.5 }, /idGenerator\.start' must be a whole number/],
  [{ type: 'incremental', start: '7' }, /idGenerator\.start' must be a whole number/],
  [{ type: 'incremental', increment: 0 }, /idGenerator\.increment' must be a whole number other than 0/],
  [{ type: 'incremental', mode: 'slow' }, /idGenerator\.mode' must be one of: standard, fast/],
  [{ type: 'incremental', batchSize: 0 }, /idGenerator\.batchSize' must be a whole number from 1 to 100000/],
  [{ type: 'incremental', prefix: 5 }, /idGenerator\.prefix' must be a string/],
  [{ type: 'incremental', padding: 21 }, /idGenerator\.padding' must be a whole number from 0 to 20/]
];

test('spec03_27_ids a specification that is not understood is refused by name', async () => {
  for (const [form, message] of REFUSED) {
    const error = await rejection(create(form));
    assert.equal(error.name, 'ResourceError', JSON.stringify(form));
    assert.match(error.message, message);
  }
});

test('an unknown member of incremental ids is a warning, or an error under strictOptions', async () => {
  const warnings = [];
  const database = await connectDatabase();
  database.on('db:warning', (warning) => warnings.push([warning.code, warning.details]));
  await create({ type: 'incremental', strat: 5 }, { database });
  assert.deepEqual(warnings, [['UNKNOWN_OPTION', { option: 'idGenerator.strat', nearest: 'start' }]]);
  const strict = await connectDatabase({ strictOptions: true });
  const error = await rejection(create({ type: 'incremental', strat: 5 }, { database: strict }));
  assert.deepEqual([error.name, error.statusCode], ['ResourceError', 400]);
});

/** Reservations that a run makes: each one writes the value and the lock. */
async function reservations(database, run) {
  const { PutObject = 0 } = await requestsOf(database, run);
  return (written) => (PutObject - written) / 2;
}

test('inserts at once share a reservation, and a bulk insert makes one for each thousand', async () => {
  const database = await connectDatabase();
  const orders = await create('incremental', { database });
  await orders.insert({});
  const fifty = await reservations(database, () => Promise.all(numbers(0, 50).map(() => orders.insert({}))));
  assert.equal(fifty(50), 1);
  const many = await reservations(database, () => orders.insertMany(numbers(0, 2500).map((n) => ({ n: Number(n) }))));
  assert.equal(many(2500), 3);
  assert.equal(await orders.getSequenceValue(), 2552);
});

test('mode fast reserves a batch for this process and hands it out without requests', async () => {
  const database = await connectDatabase();
  const orders = await create({ type: 'incremental', mode: 'fast', batchSize: 10, increment: 2 }, { database });
  assert.equal(orders.getBatchStatus(), null);
  const first = await reservations(database, () => orders.insertMany(numbers(0, 4).map(() => ({}))));
  assert.equal(first(4), 1);
  const { reservedAt, ...status } = orders.getBatchStatus();
  assert.ok(Date.now() - reservedAt < 60_000);
  assert.deepEqual(status, { start: 1, end: 21, current: 9, remaining: 6 });
  const rest = await reservations(database, () => orders.insertMany(numbers(0, 6).map(() => ({}))));
  assert.equal(rest(6), 0);
  const large = await orders.insertMany(numbers(0, 12).map(() => ({})));
  assert.deepEqual([large[0].id, large.at(-1).id], ['21', '43'], 'a larger need is one reservation');
  assert.equal(await orders.getSequenceValue(), 45);
  assert.equal((await orders.insert({})).id, '45');
  assert.equal(orders.getBatchStatus('other'), null);
  orders.releaseBatch('other');
  assert.equal(orders.getBatchStatus().remaining, 9);
  orders.releaseBatch();
  assert.equal(orders.getBatchStatus(), null);
  assert.equal((await orders.insert({})).id, '65', 'released numbers are given to nobody');
});

test('reserveIdBatch, resetSequence and listSequences', async () => {
  const orders = await create({ type: 'incremental', start: 30, increment: 5, prefix: 'O', padding: 3, mode: 'fast', batchSize: 2 });
  await orders.insert({});
  const { reservedAt, ...batch } = await orders.reserveIdBatch(3);
  assert.ok(Number.isInteger(reservedAt));
  assert.deepEqual(batch, { start: 40, end: 55, current: 40, ids: ['O040', 'O045', 'O050'] });
  assert.deepEqual([(await orders.insert({})).id, (await orders.insert({})).id], ['O035', 'O055']);
  assert.equal((await orders.reserveIdBatch()).ids.length, 100);
  assert.equal(await orders.resetSequence('id', 1000), true);
  assert.equal((await orders.insert({})).id, 'O1000');
  assert.equal(await orders.resetSequence('invoices', 7), true);
  assert.equal(await orders.getSequenceValue('invoices'), 7);
  const listed = await orders.listSequences();
  assert.deepEqual(
    listed.map(({ name, value }) => [name, value]),
    [
      ['id', 1010],
      ['invoices', 7]
    ]
  );
  for (const { createdAt, updatedAt, resetAt } of listed) assert.ok(createdAt <= updatedAt && resetAt <= updatedAt);
});

test('bad arguments of the sequence methods are named', async () => {
  const orders = await create('incremental');
  for (const [field, run] of [
    ['field', () => orders.resetSequence(100)],
    ['field', () => orders.getSequenceValue('a/b')],
    ['field', () => orders.getSequenceValue(' ')],
    ['value', () => orders.resetSequence('id', 'abc')],
    ['value', () => orders.resetSequence('id')],
    ['value', () => orders.resetSequence('id', 1.5)],
    ['count', () => orders.reserveIdBatch(0)],
    ['count', () => orders.reserveIdBatch(-1)],
    ['count', () => orders.reserveIdBatch('5')],
    ['count', () => orders.reserveIdBatch(100_001)]
  ]) {
    const error = await rejection(run());
    assert.deepEqual([error.name, error.data.field, error.statusCode], ['ValidationError', field, 400], String(run));
    assert.ok(error.suggestion);
  }
  assert.deepEqual(await orders.listSequences(), []);
});

test('resources without incremental ids answer null and false', async () => {
  const orders = await create(undefined);
  const { idGeneratorType } = orders;
  assert.deepEqual(
    [
      await orders.getSequenceValue(),
      await orders.resetSequence('id', 1),
      await orders.listSequences(),
      await orders.reserveIdBatch(3),
      orders.getBatchStatus(),
      orders.releaseBatch(),
      orders.hasAsyncIdGenerator(),
      idGeneratorType
    ],
    [null, false, null, null, null, undefined, false, 22]
  );
});

test('a number that a record already has is refused and overwrites nothing', async () => {
  const orders = await create('incremental');
  await orders.insert({ id: '2', n: 77 });
  await orders.insert({});
  const error = await rejection(orders.insert({ n: 1 }));
  assert.deepEqual([error.name, error.statusCode], ['InvalidResourceItem', 409]);
  assert.match(error.message, /'2' already exists/);
  assert.equal((await orders.get('2')).n, 77);
  await orders.insert({ id: '4', n: 78 });
  const many = await orders.insertMany([{ n: 3 }, { n: 4 }, { n: 5 }]);
  assert.deepEqual(idsOf(many), ['3', '5']);
  assert.deepEqual(
    many.errors.map(({ index, error: each }) => [index, each.statusCode]),
    [[1, 409]]
  );
  assert.equal((await orders.get('4')).n, 78);
});

test('deleteAllData starts the sequence again', async () => {
  const orders = await create({ type: 'incremental', mode: 'fast' }, { paranoid: false });
  await orders.insertMany([{}, {}]);
  await orders.deleteAll();
  assert.equal((await orders.insert({})).id, '3');
  await orders.deleteAllData();
  assert.equal((await orders.insert({})).id, '1');
});

test('incremental ids are restored with their form, and declared again without losing a batch', async () => {
  const form = { type: 'incremental', prefix: 'R-', padding: 4, mode: 'fast', batchSize: 10 };
  const database = await connectDatabase();
  const orders = await create(form, { database });
  await orders.insert({});
  const entry = (await readMetadata(database)).resources.orders.versions.v1;
  assert.deepEqual([entry.idGenerator, entry.idSize], ['incremental', 22]);
  assert.equal(await create(form, { database }), orders);
  assert.equal((await orders.insert({})).id, 'R-0002', 'the same declaration keeps the batch');

  const second = await reopen(database);
  const restored = second.resources.orders;
  assert.deepEqual([restored.idGeneratorType, (await restored.insert({})).id], ['incremental', 'R-0011']);
  await create('incremental:2000', { database: second });
  assert.equal((await restored.insert({})).id, '21', 'the start counts for a new sequence only');
  assert.equal((await readMetadata(second)).resources.orders.versions.v1.idGeneratorOptions.start, 2000);

  const early = makeDatabase(second.options);
  const declared = await early.createResource({ name: 'orders', attributes });
  assert.deepEqual([declared.idGeneratorType, (await declared.insert({})).id], ['incremental', '22']);
  await early.connect();

  await create(8, { database: second });
  assert.equal((await restored.insert({})).id.length, 8);
  assert.equal((await readMetadata(second)).resources.orders.versions.v1.idGenerator, 8);
  await create('ulid', { database: second });
  const { uploads } = await uploadsOf(second, () => create('ulid', { database: second }));
  assert.equal(uploads, 0, 'what is stored already is not written again');
  assert.equal((await reopen(second)).resources.orders.idGeneratorType, 'ulid');
});

async function uploadsOf(database, run) {
  let uploads = 0;
  const count = () => {
    uploads += 1;
  };
  database.on('db:metadata-uploaded', count);
  await run();
  database.off('db:metadata-uploaded', count);
  return { uploads };
}

test('generator types of other versions in s3db.json are understood', async () => {
  const database = await connectDatabase();
  await create('incremental:A-01', { database });
  for (const [stored, type, id] of [
    [{ idGenerator: 'incremental', idGeneratorOptions: undefined }, 'incremental', /^1$/],
    [{ idGenerator: 'incremental', idGeneratorOptions: { start: 'x' } }, 'incremental', /^2$/],
    [{ idGenerator: 'incremental:B-01', idGeneratorOptions: undefined }, 'incremental', /^B-03$/],
    [{ idGenerator: { type: 'incremental', prefix: 'C' } }, 'incremental', /^C4$/],
    [{ idGenerator: 'custom' }, 22, /^[\w-]{22}$/],
    [{ idGenerator: 'custom_function' }, 22, /^[\w-]{22}$/],
    [{ idGenerator: 'default', idSize: 8 }, 8, /^[\w-]{8}$/],
    [{ idGenerator: 'of a later version' }, 22, /^[\w-]{22}$/],
    [{ idGenerator: 'ulid' }, 'ulid', /^[0-9A-HJKMNP-TV-Z]{26}$/],
    [{ idGenerator: 'uuidv7' }, 'uuidv7', /^[0-9a-f-]{36}$/],
    [{ idGenerator: 'sid', idSize: 9 }, 'sid', /^[\w-]{9}$/]
  ]) {
    const metadata = await readMetadata(database);
    Object.assign(metadata.resources.orders.versions.v1, { idSize: 22 }, stored);
    await database.client.putObject({ key: 's3db.json', body: JSON.stringify(metadata), contentType: 'application/json' });
    const { orders } = (await reopen(database)).resources;
    assert.equal(orders.idGeneratorType, type, JSON.stringify(stored));
    assert.match((await orders.insert({})).id, id);
  }
});

/** A client whose calls for keys of sequences go through `intercept(method, key, go)`. */
function interceptedClient(intercept) {
  const client = new ClassClient();
  for (const method of ['putObject', 'getObject']) {
    const original = client[method].bind(client);
    client[method] = (...args) => {
      const key = args[0].key ?? args[0];
      return key.includes('/sequence=') ? intercept(method, key, () => original(...args)) : original(...args);
    };
  }
  return client;
}

test('a store that fails while numbers are taken is a typed error; records with ids of their own go in', async () => {
  let broken = true;
  const client = interceptedClient(async (method, _key, go) => {
    if (method === 'putObject' && broken) throw Object.assign(new Error('no space'), { statusCode: 507 });
    return go();
  });
  const orders = await create('incremental', { database: await connectDatabase({ client }) });
  const error = await rejection(orders.insert({}));
  assert.deepEqual(
    [error.name, error.data.resourceName, error.data.sequence, error.data.operation],
    ['ResourceError', 'orders', 'id', 'insert']
  );
  assert.match(error.message, /^The sequence 'id' of resource 'orders' failed in insert: /);
  assert.ok(error.original);
  const many = await orders.insertMany([{ n: 1 }, { id: 'a', n: 2 }, { n: 3 }, { id: 'b', n: 4 }, { id: 'c', nested: { x: 1 } }]);
  assert.deepEqual(idsOf(many), ['a', 'b', 'c']);
  assert.deepEqual(
    many.errors.map(({ index, error: each }) => [index, each.name]),
    [
      [0, 'ResourceError'],
      [2, 'ResourceError']
    ]
  );
  broken = false;
  assert.deepEqual(idsOf(await orders.insertMany([{}, {}])), ['1', '2']);
});

test('a sequence that changed under a lost lock is read again', async () => {
  let steal = true;
  const client = interceptedClient(async (method, key, go) => {
    const found = await go();
    if (method === 'getObject' && key.endsWith('/value') && steal) {
      steal = false;
      await client.putObject({ key, body: JSON.stringify({ value: 100, name: 'id' }), contentType: 'application/json' });
    }
    return found;
  });
  const orders = await create('incremental', { database: await connectDatabase({ client }) });
  steal = false;
  await orders.insert({});
  steal = true;
  assert.equal((await orders.insert({})).id, '100');
  assert.equal(await orders.getSequenceValue(), 101);
});

test('a lock that is held is waited for, and one that stays is a retriable error', async () => {
  const orders = await create('incremental');
  const key = 'resource=orders/sequence=id/lock';
  const hold = (ms) =>
    orders.client.putObject({
      key,
      body: JSON.stringify({ token: 'x', workerId: 'other', acquiredAt: Date.now(), _expiresAt: Date.now() + ms })
    });
  await hold(300);
  assert.equal((await orders.insert({})).id, '1', 'an expired lock is taken over');
  await hold(60_000);
  const impatient = { ttl: 10, timeout: 60, retryDelay: 5, maxRetryDelay: 10, workerId: 'test', discard: true };
  const error = await rejection(new StoredSequence(orders, 'id', impatient).advance(1, { start: 1, increment: 1 }, 'insert'));
  assert.deepEqual(
    [error.name, error.message, error.code, error.statusCode, error.retriable],
    ['ResourceError', 'Failed to acquire lock for sequence "id"', 'LockTimeout', 409, true]
  );
});

test('a sequence without a further whole number is refused and can be set anew', async () => {
  const orders = await create('incremental');
  for (const value of ['abc', 1.5, Number.MAX_SAFE_INTEGER]) {
    await orders.client.putObject({ key: 'resource=orders/sequence=id/value', body: JSON.stringify({ value, name: 'id' }) });
    const error = await rejection(orders.insert({}));
    assert.deepEqual([error.name, error.statusCode, error.retriable], ['ResourceError', 409, false]);
    assert.match(error.message, /no further whole number/);
  }
  await orders.resetSequence('id', 5);
  assert.equal((await orders.insert({})).id, '5');
});

test('a generator that is replaced on the instance is used', async () => {
  const orders = await create('incremental');
  orders.idGenerator = () => 'mine';
  assert.equal((await orders.insert({})).id, 'mine');
  assert.deepEqual(idsOf(await orders.insertMany([{}])), ['mine']);
  assert.equal(orders.hasAsyncIdGenerator(), false);
});

test('a function that declares a parameter gets the record, others get nothing', async () => {
  const seen = [];
  const database = await connectDatabase();
  const orders = await database.createResource({
    name: 'orders',
    attributes: { name: 'string', n: 'number|default:5', d: 'string|optional' },
    timestamps: true,
    hooks: { beforeInsert: [(record) => ({ ...record, d: 'hook' })] },
    idGenerator: (record) => {
      seen.push({ ...record });
      record.n = 'changed';
      return `o-${record.name}`;
    }
  });
  const stored = await orders.insert({ name: 'a' });
  assert.deepEqual([stored.id, stored.n], ['o-a', 5]);
  const { createdAt, updatedAt } = stored;
  assert.deepEqual(seen, [{ name: 'a', n: 5, d: 'hook', createdAt, updatedAt }]);
  const bulk = await database.createResource({ name: 'bulk', attributes, idGenerator: async ({ n }) => `b${n}` });
  assert.deepEqual(idsOf(await bulk.insertMany([{ n: 1 }, { n: 2 }])), ['b1', 'b2']);
  assert.equal(bulk.hasAsyncIdGenerator(), true);
  assert.equal(await bulk.generateId({ n: 3 }), 'b3');
  const sized = await database.createResource({
    name: 'sized',
    attributes,
    idGenerator(...args) {
      return `args-${args.length}`;
    }
  });
  assert.equal((await sized.insert({})).id, 'args-0');
});

test('sid, ulid and uuidv7', async () => {
  const before = Date.now();
  const ulids = Array.from({ length: 5000 }, ulid);
  const uuids = Array.from({ length: 20_000 }, uuidv7);
  for (const made of [ulids, uuids]) {
    assert.deepEqual([...made].sort(), made, 'each is greater than those before');
    assert.equal(new Set(made).size, made.length);
  }
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  const time = [...ulids[0].slice(0, 10)].reduce((ms, symbol) => ms * 32 + alphabet.indexOf(symbol), 0);
  assert.ok(time >= before && time <= Date.now());
  for (const id of ulids) assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  for (const id of uuids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const uuidTime = Number.parseInt(uuids[0].replace('-', '').slice(0, 12), 16);
  assert.ok(uuidTime >= before && uuidTime <= Date.now());
  assert.match(sid(), /^[\w-]{22}$/);
  assert.equal(sid(5).length, 5);
  for (const [idGenerator, shape] of [
    ['sid', /^[\w-]{12}$/],
    ['ulid', /^[0-9A-Z]{26}$/],
    ['uuidv7', /^[0-9a-f-]{36}$/]
  ]) {
    const orders = await create(idGenerator, { idSize: 12 });
    assert.equal(orders.idGeneratorType, idGenerator);
    const made = idsOf([await orders.insert({}), ...(await orders.insertMany([{}, {}]))]);
    for (const id of made) assert.match(id, shape);
    assert.equal((await readMetadata(orders.database)).resources.orders.versions.v1.idGenerator, idGenerator);
  }
});

test('a resource without a database has incremental ids', async () => {
  const { client } = await connectDatabase();
  const alone = new Resource({ name: 'alone', client, attributes, idGenerator: 'incremental:5' });
  assert.deepEqual(idsOf(await alone.insertMany([{}, {}])), ['5', '6']);
});
