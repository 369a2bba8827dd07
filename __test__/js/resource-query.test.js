import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectDatabase, freshStore, requestsOf, STORES } from './support/databases.js';

const attributes = {
  name: 'string|required',
  n: 'number|optional',
  tags: 'array|items:string|optional',
  profile: { country: 'string|optional' }
};
const rows = Array.from({ length: 30 }, (_, i) => ({
  id: `r${String(i).padStart(3, '0')}`,
  name: `name ${i}`,
  ...(i % 5 !== 0 && { n: i }),
  tags: i % 2 === 0 ? ['even', `t${i}`] : ['odd'],
  profile: { country: i < 10 ? 'BR' : 'DE' }
}));

/** Filters with the same condition in JavaScript. */
const CASES = [
  ['$gt and $lte', { n: { $gt: 3, $lte: 8 } }, (r) => r.n > 3 && r.n <= 8],
  ['$gte and $lt', { n: { $gte: 3, $lt: 8 } }, (r) => r.n >= 3 && r.n < 8],
  ['$ne includes records without the field', { n: { $ne: 3 } }, (r) => r.n !== 3],
  ['$eq on an element', { tags: { $eq: 'odd' } }, (r) => r.tags.includes('odd')],
  ['$in', { n: { $in: [1, 2, 99] } }, (r) => [1, 2].includes(r.n)],
  ['$nin', { n: { $nin: [1, 2] } }, (r) => ![1, 2].includes(r.n)],
  ['$exists', { n: { $exists: false } }, (r) => r.n === undefined],
  ['$all', { tags: { $all: ['even', 't4'] } }, (r) => r.id === 'r004'],
  ['$size', { tags: { $size: 1 } }, (r) => r.tags.length === 1],
  ['$contains', { name: { $contains: '1' } }, (r) => r.name.includes('1')],
  ['$regex', { name: { $regex: '^NAME 1\\d$', $options: 'i' } }, (r) => /^name 1\d$/.test(r.name)],
  ['a regular expression', { name: /7$/ }, (r) => r.name.endsWith('7')],
  ['$elemMatch', { tags: { $elemMatch: { $eq: 't4' } } }, (r) => r.id === 'r004'],
  ['$not', { n: { $not: { $gt: 3 } } }, (r) => !(r.n > 3)],
  ['$or', { $or: [{ n: 1 }, { name: 'name 7' }] }, (r) => r.n === 1 || r.name === 'name 7'],
  ['$and', { $and: [{ n: { $gt: 3 } }, { tags: { $eq: 'even' } }] }, (r) => r.n > 3 && r.tags.includes('even')],
  ['$nor', { $nor: [{ n: { $gt: 3 } }, { tags: { $eq: 'even' } }] }, (r) => !(r.n > 3 || r.tags.includes('even'))],
  ['a dotted path and a plain value', { 'profile.country': { $in: ['BR'] }, n: 4 }, (r) => r.profile.country === 'BR' && r.n === 4],
  ['an id', { id: { $gte: 'r028' } }, (r) => r.id >= 'r028'],
  ['an id inside $or', { $or: [{ id: 'r003' }, { n: 4 }] }, (r) => r.id === 'r003' || r.n === 4]
];
const ids = (records) => records.map((record) => record.id);

const connections = STORES.map((kind) => [kind, () => freshStore(kind)]);
for (const [name, variable] of [
  ['strict S3', 'S3DB_TEST_S3'],
  ['s3s-fs', 'S3DB_TEST_S3S_FS']
]) {
  const base = process.env[variable];
  if (base) connections.push([name, () => `${base}/query-${process.pid}-${Date.now()}`]);
}

for (const [kind, connection] of connections) {
  describe(`query operators on ${kind}`, () => {
    test(`operators select what the same condition selects, in the engine and through instance methods (${kind})`, async () => {
      const database = await connectDatabase({ connectionString: connection() });
      const resource = await database.createResource({ name: 'items', attributes });
      await resource.insertMany(rows);
      const run = async () => {
        for (const [label, filter, condition] of CASES) {
          assert.deepEqual(ids(await resource.query(filter)), ids(rows.filter(condition)), label);
        }
      };
      await run();
      const original = resource.get;
      let calls = 0;
      resource.get = function get(...args) {
        calls += 1;
        return original.apply(this, args);
      };
      await run();
      assert.ok(calls >= rows.length, 'the replaced method was used');
    });
  });
}

describe('query filters', () => {
  const create = async () => {
    const database = await connectDatabase({ connectionString: freshStore() });
    const resource = await database.createResource({
      name: 'items',
      attributes,
      partitions: { byCountry: { fields: { 'profile.country': 'string' } } },
      asyncPartitions: false
    });
    await resource.insertMany(rows);
    return { database, resource };
  };

  test('a filter that is not understood is refused by field, operator and valid ones before any request', async () => {
    const { database, resource } = await create();
    const requests = await requestsOf(database, async () => {
      for (const [filter, field, operator, valid] of [
        [{ n: { $near: 1 } }, 'n', '$near', '$gte'],
        [{ n: { $gt: null } }, 'n', '$gt', '$gte'],
        [{ n: { $in: 1 } }, 'n', '$in', '$in'],
        [{ n: { $gt: 1, other: 2 } }, 'n', 'other', '$gt'],
        [{ $or: [] }, '$or', '$or', '$or'],
        [{ $where: 'true' }, 'filter', '$where', '$and'],
        [{ name: { $regex: '(' } }, 'name', '$regex', '$contains'],
        [{ name: { $regex: 'a', $options: 'q' } }, 'name', '$regex', '$contains']
      ]) {
        await assert.rejects(resource.query(filter), (error) => {
          assert.equal(error.name, 'ValidationError');
          assert.equal(error.field, field);
          assert.equal(error.operator, operator);
          assert.ok(error.validOperators.includes(valid));
          assert.ok(error.message.includes(operator === '$regex' ? 'regular expression' : operator), error.message);
          return true;
        });
      }
      await assert.rejects(resource.query('n'), { name: 'ValidationError', field: 'filter' });
    });
    assert.deepEqual(requests, {});
  });

  test('plain values keep the strict equality of 13.6 beside operators', async () => {
    const { resource } = await create();
    assert.deepEqual(await resource.query({ tags: 'odd' }), []);
    assert.deepEqual(await resource.query({ tags: ['odd'] }), []);
    assert.deepEqual(await resource.query({ profile: { country: 'BR' } }), []);
    assert.deepEqual(await resource.query({ n: '4' }), []);
    assert.deepEqual(ids(await resource.query({ n: 4 })), ['r004']);
    assert.deepEqual(await resource.query({ n: { $gt: 1 }, tags: 'odd' }), []);
  });

  test('operators keep limit, offset and an explicit partition', async () => {
    const { resource } = await create();
    assert.deepEqual(ids(await resource.query({ n: { $gt: 0 } }, { limit: 2 })), ['r001', 'r002']);
    assert.deepEqual(ids(await resource.query({ n: { $gt: 0 } }, { limit: 2, offset: 10 })), ['r011', 'r012']);
    const place = { partition: 'byCountry', partitionValues: { 'profile.country': 'BR' } };
    assert.deepEqual(ids(await resource.query({ n: { $gt: 7 } }, place)), ['r008', 'r009']);
  });

  /** Runs on the engine's route, then with `get` replaced. */
  const onBothRoutes = async (resource, run) => {
    await run();
    const original = resource.get;
    resource.get = function get(...args) {
      return original.apply(this, args);
    };
    await run();
    delete resource.get;
    resource.get = original;
  };

  test('sort orders by several keys, with limit and offset of the sorted result', async () => {
    const { resource } = await create();
    await onBothRoutes(resource, async () => {
      assert.deepEqual(ids(await resource.query({}, { sort: { n: -1 }, limit: 3 })), ['r029', 'r028', 'r027']);
      assert.deepEqual(ids(await resource.query({}, { sort: '-n', limit: 2, offset: 1 })), ['r028', 'r027']);
      // Records without the field come first; those that are equal stay in key order.
      assert.deepEqual(ids(await resource.query({}, { sort: 'n', limit: 7 })), ['r000', 'r005', 'r010', 'r015', 'r020', 'r025', 'r001']);
      assert.deepEqual(ids(await resource.query({ n: { $lt: 13 } }, { sort: { 'profile.country': 'desc', n: 1 }, limit: 3 })), [
        'r011',
        'r012',
        'r001'
      ]);
      assert.deepEqual(ids(await resource.query({ n: { $lt: 4 } }, { sort: ['-name'] })), ['r003', 'r002', 'r001']);
      assert.deepEqual(ids(await resource.query({ n: { $lt: 3 } }, { sort: { _lastModified: 1, id: -1 } })).sort(), ['r001', 'r002']);
    });
    for (const sort of [5, { n: 2 }, { n: 'up' }, '-']) {
      await assert.rejects(resource.query({}, { sort }), { name: 'ValidationError', field: 'sort' });
    }
  });

  test('select keeps or leaves out attributes', async () => {
    const { resource } = await create();
    await onBothRoutes(resource, async () => {
      const one = { n: 4 };
      assert.deepEqual(await resource.query(one, { select: ['name', 'profile.country'] }), [
        { id: 'r004', name: 'name 4', profile: { country: 'BR' } }
      ]);
      assert.deepEqual(await resource.query(one, { fields: { n: 1 } }), [{ id: 'r004', n: 4 }]);
      const [without] = await resource.query(one, { projection: { tags: 0, 'profile.country': 0 } });
      assert.deepEqual([without.tags, without.name, without._v], [undefined, 'name 4', 'v1']);
      const [system] = await resource.query(one, { select: ['_v'] });
      assert.deepEqual(system, { id: 'r004', _v: 'v1' });
    });
    await assert.rejects(resource.query({}, { select: { a: 1, b: 0 } }), { name: 'ValidationError', field: 'select' });
  });

  test('fields that records get when they are read can be asked for', async () => {
    const { resource } = await create();
    assert.equal((await resource.query({ _v: 'v1', n: { $gt: 27 } })).length, 2);
    assert.equal((await resource.query({ _lastModified: { $gt: new Date(0) } }, { limit: 5 })).length, 5);
    assert.deepEqual(await resource.query({ _lastModified: { $lt: new Date(0) } }), []);
  });

  test('a date compares with the ISO text that records store', async () => {
    const database = await connectDatabase({ connectionString: freshStore() });
    const resource = await database.createResource({ name: 'dated', attributes: { at: 'string' } });
    await resource.insertMany(['2024-01-01', '2024-06-01T12:00:00.000Z', 'soon'].map((at, i) => ({ id: `d${i}`, at })));
    assert.deepEqual(ids(await resource.query({ at: { $gte: new Date('2024-02-01') } })), ['d1']);
    assert.deepEqual(ids(await resource.query({ at: { $eq: new Date('2024-01-01') } })), ['d0']);
  });

  test('spec03_9_8 plain dates and their ISO texts find attributes of type date', async () => {
    const database = await connectDatabase({ connectionString: freshStore() });
    const config = { name: 'dated', attributes: { at: 'date', day: { on: 'date|optional' }, note: 'string|optional' } };
    const resource = await database.createResource(config);
    const moments = ['2024-01-01T00:00:00.000Z', '2024-06-01T12:00:00.000Z'];
    await resource.insertMany(moments.map((at, i) => ({ id: `d${i}`, at: new Date(at), day: { on: new Date(at) }, note: at })));
    for (const hooked of [false, true]) {
      if (hooked) resource.addHook('afterGet', (record) => record);
      const { at } = await resource.get('d1');
      for (const value of [at, moments[1]]) {
        for (const filter of [{ at: value }, { 'day.on': value }, { note: value }, { $or: [{ at: value }, { at: 'never' }] }]) {
          assert.deepEqual(ids(await resource.query(filter)), ['d1']);
        }
      }
      assert.deepEqual(await resource.query({ at: new Date(Number.NaN) }), []);
      assert.deepEqual(await resource.query({ at: '2024-06-01' }), [], 'another text than the stored one');
      assert.equal((await resource.explain({ at })).records.most, 2);
    }
  });

  test('usePartition reads the partition that the filter pins, explain tells which', async () => {
    const { database, resource } = await create();
    const filter = { 'profile.country': 'BR', n: { $gt: 7 } };
    const all = await resource.explain(filter);
    assert.deepEqual([all.partition, all.entries, all.evaluation], [null, 30, 'engine']);
    assert.deepEqual(all.candidate, { partition: 'byCountry', partitionValues: { 'profile.country': 'BR' } });
    const narrow = await resource.explain(filter, { usePartition: true });
    assert.deepEqual(
      [narrow.partition, narrow.entries, narrow.records, narrow.requests.list],
      ['byCountry', 10, { least: 10, most: 10, exact: true }, 1]
    );
    const requests = await requestsOf(database, async () => {
      assert.deepEqual(ids(await resource.query(filter, { usePartition: true })), ['r008', 'r009']);
    });
    assert.deepEqual(requests, { ListObjectsV2: 1, GetObject: 10 });
    assert.deepEqual(ids(await resource.query({ n: 4 }, { usePartition: true })), ['r004'], 'nothing pinned: everything is read');
  });

  test('explain counts what a query may read, and names why JavaScript is in the way', async () => {
    const { database, resource } = await create();
    const requests = await requestsOf(database, async () => {
      const plain = await resource.explain({}, { limit: 5 });
      assert.deepEqual(plain.records, { least: 5, most: 5, exact: true });
      const filtered = await resource.explain({ n: { $gt: 1 } }, { limit: 5 });
      assert.deepEqual(filtered.records, { least: 5, most: 30, exact: false });
      const sorted = await resource.explain({ n: { $gt: 1 } }, { limit: 5, sort: '-n' });
      assert.deepEqual([sorted.records, sorted.sort], [{ least: 30, most: 30, exact: true }, 'in memory']);
    });
    assert.deepEqual(requests, { ListObjectsV2: 3 });
    resource.addHook('afterGet', (record) => record);
    const hooked = await resource.explain({ n: 1 });
    assert.deepEqual([hooked.evaluation, hooked.reason], ['records', 'hook afterGet']);
    await assert.rejects(resource.explain({ n: { $near: 1 } }), { name: 'ValidationError' });
  });

  test('pages by cursor see every record once, whatever is inserted or deleted meanwhile', async () => {
    const { resource } = await create();
    for (const partition of [undefined, 'byCountry']) {
      const place = partition ? { partition, partitionValues: { 'profile.country': 'DE' } } : {};
      const seen = [];
      let page = await resource.page({ size: 7, ...place });
      seen.push(...ids(page.items));
      await resource.insert({ id: 'r00000', name: 'before', profile: { country: 'DE' } });
      while (page.nextCursor !== null) {
        page = await resource.page({ size: 7, cursor: page.nextCursor, ...place });
        seen.push(...ids(page.items));
        assert.equal(page.hasMore, page.nextCursor !== null);
        assert.equal(page.totalItems, null);
      }
      assert.deepEqual(seen, ids(rows).slice(partition ? 10 : 0));
      await resource.delete('r00000');
    }
  });

  test('pages by number, and cursors that do not belong are refused', async () => {
    const { resource } = await create();
    const third = await resource.page({ size: 5, page: 3 });
    assert.deepEqual([ids(third.items)[0], third.page, third.offset], ['r010', 2, 10]);
    const { nextCursor } = await resource.page({ size: 5 });
    // As they come from a query string.
    const fromText = await resource.page({ size: '5', page: '3' });
    assert.deepEqual([ids(fromText.items), fromText.pageSize, fromText.totalPages], [ids(third.items), 5, third.totalPages]);
    assert.deepEqual(ids((await resource.page({ size: '5', cursor: nextCursor })).items)[0], 'r005');
    const before = await resource.page({ size: 5, offset: -3 });
    assert.deepEqual([ids(before.items)[0], before.page, before.offset], ['r000', 0, 0]);
    const place = { partition: 'byCountry', partitionValues: { 'profile.country': 'DE' } };
    for (const options of [
      { cursor: 'nonsense' },
      { cursor: Buffer.from('{"v":9}').toString('base64url') },
      { cursor: nextCursor, ...place }
    ]) {
      await assert.rejects(resource.page({ size: 5, ...options }), { name: 'ValidationError', field: 'cursor' });
    }
    await assert.rejects(resource.page({ size: 0, cursor: nextCursor }), { name: 'ValidationError', field: 'size' });
    resource.addHook('afterGet', (record) => ({ ...record, hooked: true }));
    const hooked = await resource.page({ size: 5, cursor: nextCursor });
    assert.deepEqual([ids(hooked.items)[0], hooked.items[0].hooked], ['r005', true]);
  });
});
