import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allKeys, connectDatabase, freshStore, readObject, STORES } from './support/databases.js';

const attributes = {
  name: 'string|required|min:2',
  email: 'email|optional',
  age: 'number|integer:true|optional',
  score: 'number|optional',
  active: 'boolean|optional',
  note: 'string|trim|optional',
  tags: 'array|items:string|optional',
  meta: { a: 'string|optional' }
};

class Person {
  constructor(name) {
    this.name = name;
    this.age = 7;
  }
}

/** Records of many shapes: rows, near misses, and what has to be refused. */
const mixed = () => [
  { name: 'plain', email: 'a@example.com', age: 30, active: true },
  { name: 'plain two', email: 'b@example.com', age: 0, active: false },
  { age: 1, name: 'another order' },
  { name: 'dégât 日本 🎈', score: 0.1 },
  { name: 'quotes " \\ \n', note: '\u0001' },
  { name: '  blanks  ', note: '  trimmed  ' },
  { name: '{"json":true}' },
  { name: '[1]', score: 1e300 },
  { name: 'null', note: 'undefined' },
  { name: 'lone \ud800 surrogate', age: 3 },
  { name: 'converted', age: '42' },
  { name: 'minus zero', score: -0 },
  { name: 'infinite', score: Number.POSITIVE_INFINITY },
  { name: 'fraction', age: 1.5 },
  { name: 'x' },
  { age: 5 },
  { name: 'missing', age: undefined },
  { name: 'nothing', email: null },
  { name: 'lists', tags: ['a', 'b'] },
  { name: 'nested', meta: { a: 'b' } },
  { name: 'undeclared', extra: 'kept', 7: 'index' },
  { name: 'system', _etag: 'mine' },
  { id: 'given', name: 'given id', age: 8 },
  { id: 9, name: 'number id', age: 9 },
  { id: '', name: 'empty id' },
  { id: ' ', name: 'blank id' },
  { id: '../up', name: 'climbing id' },
  { id: 'given', name: 'given again', age: 10 },
  new Person('class instance'),
  { name: 'long', note: 'n'.repeat(3000) },
  null,
  ['not a record'],
  {
    name: 'getter',
    get note() {
      return 'computed';
    }
  },
  ...Array.from({ length: 20 }, (_, i) => ({ name: `shape ${i}`, [`field${i}`]: 'x' })),
  ...Array.from({ length: 30 }, (_, i) => ({ name: `name ${i}`, age: i, active: i % 2 === 0 }))
];

async function outcome(kind, config, { hooked, input }) {
  const database = await connectDatabase({ connectionString: freshStore(kind) });
  let made = 0;
  const idGenerator = () => {
    made += 1;
    return `generated-${String(made).padStart(3, '0')}`;
  };
  const resource = await database.createResource({ name: 'items', attributes, idGenerator, asyncPartitions: false, ...config });
  resource.on('error', () => {});
  // With a hook every record takes the way of a single insert. Of two records with one id the first is stored, which only
  // is sure one after the other.
  resource.parallelism = 1;
  if (hooked) resource.addHook('beforeInsert', (data) => data);
  const given = input();
  const copy = input();
  const results = await resource.insertMany(given);
  assert.deepEqual(given, copy, 'the input is left alone');
  const timeless = ({ createdAt, updatedAt, ...record }) => {
    assert.equal(typeof createdAt, config.timestamps ? 'string' : 'undefined');
    assert.equal(createdAt, updatedAt);
    return record;
  };
  const strip = ({ _lastModified, _etag, ...record }) => {
    assert.ok(_lastModified instanceof Date);
    // Times in a body change its ETag.
    return { ...timeless(record), _etag: config.timestamps ? typeof _etag : _etag };
  };
  const stored = {};
  for (const key of (await allKeys(database)).filter((key) => key.startsWith('resource='))) {
    const object = await readObject(database, key);
    stored[key] = config.timestamps ? Object.keys(object) : object;
  }
  const read = (await resource.getMany(results.map(({ id }) => id))).map(strip);
  const errors = results.errors.map(({ index, error }) => {
    const { name, message, statusCode, attributes: refused } = error;
    return { index, name, message, statusCode, refused: refused && timeless(refused) };
  });
  return { results: results.map(strip), order: results.map((record) => Object.keys(record)), errors, stored, read };
}

for (const kind of STORES) {
  for (const behavior of ['user-managed', 'body-overflow', 'enforce-limits', 'body-only']) {
    test(`rows and single inserts give the same results, errors and bytes: ${kind}, ${behavior}`, async () => {
      for (const timestamps of [false, true]) {
        const config = { behavior, timestamps };
        const rows = await outcome(kind, config, { hooked: false, input: mixed });
        const single = await outcome(kind, config, { hooked: true, input: mixed });
        assert.deepEqual(rows, single);
        assert.ok(rows.results.length > 60 && rows.errors.length > 5);
      }
    });
  }
}

test('defaults fill what rows lack, conversions and checks see every record', async () => {
  const seen = [];
  const defaults = {
    name: 'string|required',
    plan: 'string|default:free',
    size: { type: 'number', convert: true },
    code: {
      type: 'string',
      custom: (value, errors, _schema, _path, _parent, context) => {
        seen.push([value, Object.keys(context.data)]);
        if (value === 'bad') errors.push({ type: 'code', message: 'bad code' });
        return value.toUpperCase();
      }
    }
  };
  const input = () => [
    { name: 'a', code: 'x', size: 1 },
    { name: 'b', plan: 'gold', code: 'y', size: '2' },
    { name: 'c', plan: 'gold', code: 'bad', size: 3 },
    { name: 'd', plan: 'gold', size: 4, code: 'z' },
    { id: 'e', name: 'e', plan: 'gold', size: 5, code: 'z' }
  ];
  const rows = await outcome('memory', { attributes: defaults }, { hooked: false, input });
  const calls = seen.splice(0);
  assert.deepEqual(rows, await outcome('memory', { attributes: defaults }, { hooked: true, input }));
  assert.deepEqual(calls, seen);
  assert.deepEqual(
    rows.results.map(({ name, plan, size, code }) => [name, plan, size, code]),
    [
      ['a', 'free', 1, 'x'],
      ['b', 'gold', 2, 'y'],
      ['d', 'gold', 4, 'z'],
      ['e', 'gold', 5, 'z']
    ]
  );
});

test('an asynchronous id generator gives rows their ids; one that fails leaves its record out', async () => {
  const database = await connectDatabase();
  let made = 0;
  const idGenerator = async () => {
    made += 1;
    if (made === 2) throw new Error('no id');
    return `id-${made}`;
  };
  const resource = await database.createResource({ name: 'items', attributes, idGenerator });
  resource.on('error', () => {});
  const results = await resource.insertMany(['one', 'two', 'three'].map((name) => ({ name })));
  assert.deepEqual(
    results.map(({ id, name }) => [id, name]),
    [
      ['id-1', 'one'],
      ['id-3', 'three']
    ]
  );
  assert.deepEqual(
    results.errors.map(({ index, error }) => [index, error.message]),
    [[1, 'no id']]
  );
});

test('results of rows are objects of their own', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({ name: 'items', attributes });
  const [a, b] = await resource.insertMany([{ name: 'first' }, { name: 'second' }]);
  a._lastModified.setTime(0);
  a._v = 'changed';
  a.more = 1;
  assert.ok(b._lastModified.getTime() > 0);
  assert.equal(b._v, 'v1');
  assert.equal('more' in b, false);
});

test('rows count as requests and partitions still get their references', async () => {
  const database = await connectDatabase();
  const plain = await database.createResource({ name: 'plain', attributes });
  const parted = await database.createResource({
    name: 'parted',
    attributes,
    partitions: { byAge: { fields: { age: 'number' } } },
    asyncPartitions: false
  });
  const records = Array.from({ length: 25 }, (_, age) => ({ name: `name ${age}`, age: age % 3 }));
  await plain.insertMany(records);
  await parted.insertMany(records);
  assert.equal(await plain.count(), 25);
  assert.equal((await parted.list({ partition: 'byAge', partitionValues: { age: 1 } })).length, 8);
  assert.equal((await allKeys(database)).filter((key) => key.includes('/partition=byAge/')).length, 25);
});
