import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectDatabase, freshStore, requestsOf, STORES, settle } from './support/databases.js';

const attributes = {
  name: 'string|required',
  type: 'string|optional',
  n: 'number|optional',
  at: 'string|optional',
  profile: { country: 'string|optional' }
};
const partitions = {
  byType: { fields: { type: 'string' } },
  byTypeAndName: { fields: { type: 'string', name: 'string' } },
  byCountry: { fields: { 'profile.country': 'string' } },
  byDay: { fields: { at: 'date|maxlength:10' } }
};

/** A resource in memory with one of the partitions, kept up to date by each write. */
async function itemsIn(name) {
  const database = await connectDatabase();
  const config = { name: 'items', attributes, partitions: { [name]: partitions[name] }, asyncPartitions: false };
  return { database, resource: await database.createResource(config) };
}

const names = (records) => records.map((record) => record.name);
const pad = (i) => String(i).padStart(5, '0');

for (const kind of STORES) {
  describe(`reads on the ${kind} store`, () => {
    const create = async (config = {}) => {
      const database = await connectDatabase({ connectionString: freshStore(kind) });
      const resource = await database.createResource({ name: 'items', attributes, ...config });
      return { database, resource };
    };

    test('get, getOrNull, getOrThrow and exists tell a missing record', async () => {
      const { resource } = await create();
      await assert.rejects(resource.get('nope'), (error) => {
        assert.equal(error.name, 'NoSuchKey');
        assert.equal(error.code, 'NoSuchKey');
        assert.equal(error.statusCode, 404);
        assert.equal(error.id, 'nope');
        assert.equal(error.resourceName, 'items');
        assert.ok(error.key.endsWith('resource=items/data/id=nope'));
        return true;
      });
      assert.equal(await resource.getOrNull('nope'), null);
      await assert.rejects(resource.getOrThrow('nope'), {
        name: 'ResourceError',
        message: "Resource 'items' with id 'nope' not found",
        code: 'RESOURCE_NOT_FOUND',
        statusCode: 404
      });
      assert.equal(await resource.exists('nope'), false);
      for (const id of ['', null, undefined, 5, true]) {
        await assert.rejects(resource.get(id), { name: 'ValidationError', message: 'Resource id cannot be empty', statusCode: 400 });
      }
      await assert.rejects(resource.get({}), { message: 'Resource id must be a string', statusCode: 400 });
    });

    test('spec03_25_27_getMany_keeps_input_order_and_leaves_missing_ids_out', async () => {
      const { resource } = await create();
      await resource.insertMany(['a', 'b', 'c'].map((id) => ({ id, name: id })));
      assert.deepEqual(names(await resource.getMany(['c', 'nope', 'a'])), ['c', 'a']);
      assert.deepEqual(await resource.getMany([]), []);
    });

    test('spec03_25_32_lists_are_in_key_order', async () => {
      const { resource } = await create();
      await resource.insertMany(['b', 'c', 'a'].map((id) => ({ id, name: id })));
      assert.deepEqual(await resource.listIds(), ['a', 'b', 'c']);
      assert.deepEqual(names(await resource.list()), ['a', 'b', 'c']);
      assert.deepEqual(names(await resource.list({ limit: 1, offset: 1 })), ['b']);
      assert.deepEqual(names(await resource.getAll()), ['a', 'b', 'c']);
      assert.deepEqual(await resource.listIds({ limit: 0 }), ['a', 'b', 'c']);
      assert.deepEqual(await resource.listIds({ offset: 2 }), ['c']);
      assert.equal(await resource.count(), 3);
    });

    test('page has the documented members', async () => {
      const { resource } = await create();
      await resource.insertMany(Array.from({ length: 5 }, (_, i) => ({ id: `i${i}`, name: `n${i}` })));
      const page = await resource.page({ offset: 2, size: 2 });
      assert.deepEqual(names(page.items), ['n2', 'n3']);
      const { totalItems, page: number, pageSize, totalPages, hasMore, _debug } = page;
      assert.deepEqual(
        { totalItems, number, pageSize, totalPages, hasMore },
        { totalItems: 5, number: 1, pageSize: 2, totalPages: 3, hasMore: true }
      );
      assert.deepEqual(_debug, { requestedSize: 2, requestedOffset: 2, actualItemsReturned: 2, skipCount: false, hasTotalItems: true });
      const last = await resource.page({ offset: 4, size: 2 });
      assert.equal(last.hasMore, false);
      const none = await resource.page({ size: 0 });
      assert.deepEqual([none.items, none.hasMore, none.page], [[], true, 0]);
      const uncounted = await resource.page({ size: 5, skipCount: true });
      assert.deepEqual([uncounted.totalItems, uncounted.totalPages, uncounted.hasMore], [null, null, false]);
      assert.equal((await resource.paginate({ size: 1 })).items.length, 1);
    });

    test('query compares plain values strictly, resolves dotted keys and takes operators', async () => {
      const { resource } = await create();
      await resource.insertMany([
        { id: 'a', name: 'A', type: 'x', n: 1, profile: { country: 'PT' } },
        { id: 'b', name: 'B', type: 'y', n: 2, profile: { country: 'PT' } },
        { id: 'c', name: 'C', type: 'x', n: 2 }
      ]);
      assert.deepEqual(names(await resource.query({ type: 'x' })), ['A', 'C']);
      assert.deepEqual(names(await resource.query({ type: 'x', n: 2 })), ['C']);
      assert.deepEqual(names(await resource.query({ 'profile.country': 'PT' })), ['A', 'B']);
      assert.deepEqual(names(await resource.query({ 'profile.country': undefined })), ['C']);
      assert.deepEqual(names(await resource.query({ id: 'b' })), ['B']);
      assert.deepEqual(await resource.query({ n: '1' }), []);
      assert.deepEqual(names(await resource.query({ n: { $in: [1] } })), ['A']);
      assert.deepEqual(names(await resource.query({}, { limit: 2 })), ['A', 'B']);
      assert.deepEqual(names(await resource.query(null)), ['A', 'B', 'C']);
      assert.deepEqual(await resource.query({ type: 'x' }, { limit: 0 }), []);
      assert.deepEqual(names(await resource.query({ type: 'x' }, { limit: 1 })), ['A']);
      assert.deepEqual(names(await resource.query({ type: 'x' }, { offset: 1 })), ['C']);
    });

    test('listPartition, listIds and count select by partition values', async () => {
      const { resource } = await create({ partitions, asyncPartitions: false });
      await resource.insertMany([
        { id: 'a', name: 'A', type: 'view', profile: { country: 'PT' }, at: '2024-01-02T03:04:05.000Z' },
        { id: 'b', name: 'B', type: 'viewer', at: '2024-01-03T00:00:00.000Z' },
        { id: 'c', name: 'C', type: 'view' }
      ]);
      const list = (partition, partitionValues) => resource.list({ partition, partitionValues }).then(names);
      // spec03_25_11: a prefix never matches a longer value or a longer partition name.
      assert.deepEqual(await list('byType', { type: 'view' }), ['A', 'C']);
      assert.equal(await resource.count({ partition: 'byType', partitionValues: { type: 'view' } }), 2);
      assert.deepEqual(await resource.listIds({ partition: 'byType', partitionValues: { type: 'view' } }), ['a', 'c']);
      assert.equal(await resource.count({ partition: 'byType' }), 3);
      assert.deepEqual(await resource.listIds({ partition: 'byCountry' }), ['a']);
      assert.deepEqual(await list('byCountry', { 'profile.country': 'PT' }), ['A']);
      assert.deepEqual(await list('byDay', { at: new Date('2024-01-02T23:00:00.000Z') }), ['A']);
      assert.deepEqual(await list('byDay', { at: '2024-01-03T10:00:00+05:00' }), ['B']);
      // A subset that does not lead the key order (name before type) is filtered on parsed segments.
      assert.deepEqual(await list('byTypeAndName', { type: 'view' }), ['A', 'C']);
      assert.deepEqual(await list('byTypeAndName', { name: 'B' }), ['B']);
      assert.equal(await resource.count({ partition: 'byTypeAndName', partitionValues: { type: 'view' } }), 2);
      assert.deepEqual(names(await resource.listPartition('byType', { type: 'view' }, { limit: 1, offset: 1 })), ['C']);
      const [first] = await resource.listPartition({ partition: 'byType', partitionValues: { type: 'view' } });
      assert.equal(first._partition, 'byType');
      assert.deepEqual(first._partitionValues, { type: 'view' });
      const page = await resource.page({ partition: 'byType', partitionValues: { type: 'view' }, size: 1 });
      assert.deepEqual([page.totalItems, names(page.items), page.hasMore], [2, ['A'], true]);
      assert.deepEqual(names(await resource.query({ name: 'C' }, { partition: 'byType', partitionValues: { type: 'view' } })), ['C']);
    });

    test('unknown partitions are empty in lists and typed errors elsewhere', async () => {
      const { resource } = await create({ partitions });
      assert.deepEqual(await resource.list({ partition: 'nope', partitionValues: { a: 1 } }), []);
      assert.deepEqual(await resource.listPartition({ partition: 'nope' }), []);
      const expected = { name: 'PartitionError', message: "Partition 'nope' not found", statusCode: 400 };
      await assert.rejects(resource.listIds({ partition: 'nope', partitionValues: { a: 1 } }), expected);
      await assert.rejects(resource.count({ partition: 'nope', partitionValues: { a: 1 } }), expected);
      await assert.rejects(resource.getFromPartition({ id: 'a', partitionName: 'nope', partitionValues: { a: 1 } }), expected);
      await assert.rejects(resource.getFromPartition({ id: 'a', partitionName: 'byType', partitionValues: {} }), {
        message: "No partition values provided for partition 'byType'"
      });
    });

    test('getFromPartition needs the reference', async () => {
      const { resource } = await create({ partitions, asyncPartitions: false });
      await resource.insert({ id: 'a', name: 'A', type: 'x' });
      const record = await resource.getFromPartition({ id: 'a', partitionName: 'byType', partitionValues: { type: 'x' } });
      assert.equal(record.name, 'A');
      assert.equal(record._partition, 'byType');
      assert.deepEqual(record._partitionValues, { type: 'x' });
      await assert.rejects(resource.getFromPartition({ id: 'a', partitionName: 'byType', partitionValues: { type: 'y' } }), {
        name: 'ResourceError',
        message: "Resource with id 'a' not found in partition 'byType'",
        statusCode: 404
      });
    });

    test('an update moves references once, for nested, composite and several partitions', async () => {
      const { resource } = await create({ partitions, asyncPartitions: false });
      await resource.insert({ id: 'a', name: 'A', type: 'x', profile: { country: 'PT' } });
      await resource.update('a', { type: 'y', profile: { country: 'BR' } });
      assert.deepEqual(await resource.listIds({ partition: 'byType', partitionValues: { type: 'x' } }), []);
      assert.deepEqual(await resource.listIds({ partition: 'byType', partitionValues: { type: 'y' } }), ['a']);
      assert.deepEqual(await resource.listIds({ partition: 'byCountry', partitionValues: { 'profile.country': 'BR' } }), ['a']);
      assert.equal(await resource.count({ partition: 'byTypeAndName' }), 1);
      await resource.update('a', { n: 5 });
      assert.equal(await resource.count({ partition: 'byType' }), 1);
      await resource.update('a', { type: null });
      assert.equal(await resource.count({ partition: 'byType' }), 0);
      await resource.update('a', { type: 'z' });
      await resource.replace('a', { name: 'A', type: 'w' });
      assert.deepEqual(await resource.listIds({ partition: 'byType' }), ['a']);
      assert.deepEqual(await resource.listIds({ partition: 'byType', partitionValues: { type: 'w' } }), ['a']);
      await resource.delete('a');
      assert.equal(await resource.count({ partition: 'byType' }), 0);
    });

    test('asynchronous references arrive, in order, and disconnect waits for them', async () => {
      const { resource } = await create({ partitions });
      await resource.insert({ id: 'a', name: 'A', type: 't0' });
      for (let i = 1; i <= 5; i += 1) await resource.update('a', { type: `t${i}` });
      await resource._drain();
      assert.deepEqual(await resource.listIds({ partition: 'byType' }), ['a']);
      assert.deepEqual(await resource.listIds({ partition: 'byType', partitionValues: { type: 't5' } }), ['a']);
    });

    test('spec03_25_20_deleteMany_leaves_no_references', async () => {
      const { resource } = await create({ partitions, asyncPartitions: false });
      await resource.insertMany([
        { id: 'a', name: 'A', type: 'x' },
        { id: 'b', name: 'B', type: 'x' }
      ]);
      await resource.deleteMany(['a']);
      assert.deepEqual(await resource.listIds({ partition: 'byType' }), ['b']);
      assert.deepEqual(names(await resource.list({ partition: 'byType', partitionValues: { type: 'x' } })), ['B']);
    });

    test('spec03_25_12_partitions_with_a_common_name_prefix_do_not_disturb_each_other', async () => {
      const { resource } = await create({
        partitions: { byType: { fields: { type: 'string' } }, byTypeAndName: partitions.byTypeAndName },
        asyncPartitions: false
      });
      await resource.insert({ id: 'a', name: 'A', type: 'x' });
      await resource.update('a', { type: 'y' });
      assert.deepEqual(await resource.listIds({ partition: 'byTypeAndName' }), ['a']);
      assert.deepEqual(await resource.listIds({ partition: 'byType' }), ['a']);
    });

    test('spec03_25_22_byVersion_references_survive_an_update', async () => {
      const { resource } = await create({ versioningEnabled: true, asyncPartitions: false });
      await resource.insert({ id: 'a', name: 'A' });
      await resource.update('a', { n: 1 });
      assert.deepEqual(await resource.listIds({ partition: 'byVersion', partitionValues: { _v: resource.version } }), ['a']);
    });

    test('spec03_25_31_ids_and_values_with_slashes_are_listed_whole', async () => {
      const { resource } = await create({ partitions, asyncPartitions: false });
      await resource.insert({ id: 'arn:aws/x/1', name: 'A', type: 'a/b' });
      assert.deepEqual(await resource.listIds(), ['arn:aws/x/1']);
      assert.deepEqual(await resource.listIds({ partition: 'byType', partitionValues: { type: 'a/b' } }), ['arn:aws/x/1']);
      assert.deepEqual(names(await resource.list({ partition: 'byType', partitionValues: { type: 'a/b' } })), ['A']);
    });

    test('spec03_25_10_deleteAllData_spares_resources_whose_name_continues', async () => {
      const { database, resource: ev } = await create({ name: 'ev', paranoid: false });
      const ev2 = await database.createResource({ name: 'ev2', attributes, paranoid: false });
      await ev.insert({ name: 'A' });
      await ev2.insert({ name: 'B' });
      await ev.deleteAllData();
      assert.equal(await ev2.count(), 1);
      await ev2.deleteAll();
    });

    test('events of the list family', async () => {
      const { resource } = await create({ partitions, asyncPartitions: false });
      await resource.insert({ id: 'a', name: 'A', type: 'x' });
      const seen = [];
      for (const event of ['list', 'listed-ids', 'count', 'fetched-many', 'inserted-many', 'deleted-many'])
        resource.on(event, (payload) => seen.push([event, payload]));
      await resource.listIds();
      await resource.count();
      await resource.list({ partition: 'byType', partitionValues: { type: 'x' } });
      await resource.getMany(['a', 'b']);
      await resource.insertMany([{ name: 'B' }]);
      await resource.deleteMany(['a']);
      await settle();
      assert.deepEqual(seen, [
        ['listed-ids', 1],
        ['count', 1],
        ['list', { partition: 'byType', partitionValues: { type: 'x' }, count: 1, errors: 0 }],
        ['fetched-many', 2],
        ['inserted-many', 1],
        ['deleted-many', 1]
      ]);
    });
  });
}

test('spec03_25_30_1201_records_are_listed_without_a_silent_limit', async () => {
  const { database, resource } = await itemsIn('byType');
  await resource.insertMany(Array.from({ length: 1201 }, (_, i) => ({ id: pad(i), name: `n${i}`, type: 'x' })));
  assert.equal((await resource.listIds()).length, 1201);
  assert.equal((await resource.list()).length, 1201);
  assert.equal((await resource.getAll()).length, 1201);
  assert.equal((await resource.query({ type: 'x' }, { limit: 5000 })).length, 1201);
  assert.equal((await resource.query({ type: 'x' })).length, 100);
  assert.equal((await resource.list({ partition: 'byType', partitionValues: { type: 'x' } })).length, 1201);
  const page = await resource.page({ offset: 1200, size: 10 });
  assert.deepEqual([page.totalItems, page.items.length, page.hasMore], [1201, 1, false]);
  const counts = await requestsOf(database, () => resource.query({ name: 'nothing' }));
  assert.deepEqual(counts, { ListObjectsV2: 2, GetObject: 1201 });
  assert.deepEqual(await requestsOf(database, () => resource.list({ limit: 3, offset: 2 })), { ListObjectsV2: 1, GetObject: 3 });
  assert.deepEqual(await requestsOf(database, () => resource.list({ partition: 'byType', partitionValues: { type: 'x' }, limit: 2 })), {
    ListObjectsV2: 1,
    GetObject: 2
  });
});

test('spec03_25_26_errors_of_list_count_exists_and_getMany_reject', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({ name: 'items', attributes });
  await resource.insert({ id: 'a', name: 'A' });
  const boom = Object.assign(new Error('throttled'), { name: 'SlowDown', code: 'SlowDown', statusCode: 503 });
  const fail = async () => {
    throw boom;
  };
  const { client } = database;
  for (const [method, run] of [
    ['getObject', () => resource.list()],
    ['getObject', () => resource.getMany(['a'])],
    ['getObject', () => resource.getAll()],
    ['headObject', () => resource.exists('a')],
    ['getObject', () => resource.get('a')],
    ['getObject', () => resource.delete('a')]
  ]) {
    client[method] = fail;
    await assert.rejects(run(), (error) => error === boom || error.original === boom, method);
    delete client[method];
  }
  // spec03_25_21: the transient failure of the read did not delete the record.
  assert.equal((await resource.get('a')).name, 'A');
});

test('partition helpers are synchronous and exact', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({ name: 'items', attributes, partitions });
  assert.equal(resource.applyPartitionRule(null, 'string'), null);
  assert.equal(resource.applyPartitionRule('abcdef', 'string|maxlength:3'), 'abc');
  assert.equal(resource.applyPartitionRule(123456, 'maxlength:3'), 123456);
  assert.equal(resource.applyPartitionRule(new Date('2024-05-06T01:02:03Z'), 'date'), '2024-05-06');
  assert.equal(resource.applyPartitionRule('2024-01-02T03:04:05+05:00', 'date'), '2024-01-01');
  assert.equal(resource.applyPartitionRule('nonsense', 'date'), 'nonsense');
  assert.equal(
    resource.getPartitionKey({ partitionName: 'byTypeAndName', id: 'a', data: { name: 'N', type: 'T' } }),
    'resource=items/partition=byTypeAndName/name=N/type=T/id=a'
  );
  assert.equal(resource.getPartitionKey({ partitionName: 'byType', id: 'a', data: {} }), null);
  assert.equal(resource.getPartitionKey({ partitionName: 'byType', data: { type: 'x' } }), null);
  assert.throws(() => resource.getPartitionKey({ partitionName: 'nope', id: 'a', data: {} }), { message: "Partition 'nope' not found" });
  assert.equal(resource.getNestedFieldValue({ a: { b: 1 } }, 'a.b'), 1);
  assert.equal(resource.getNestedFieldValue({ a: 1 }, 'a.b'), undefined);
  assert.equal(resource.buildPartitionPrefix('byType', partitions.byType, {}), 'resource=items/partition=byType');
  assert.equal(resource.buildPartitionPrefix('byType', partitions.byType, { type: 'x' }), 'resource=items/partition=byType/type=x');
  const keys = [
    'resource=items/partition=byTypeAndName/name=N/type=a/b/id=10',
    'resource=items/partition=byTypeAndName/name=M/type=c/id=1'
  ];
  const fields = [
    ['name', 'string'],
    ['type', 'string']
  ];
  assert.deepEqual(resource.extractPartitionValuesFromKey('1', keys, fields), { name: 'M', type: 'c' });
  assert.deepEqual(resource.extractPartitionValuesFromKey('10', keys, fields), { name: 'N', type: 'a/b' });
  assert.throws(() => resource.extractPartitionValuesFromKey('2', keys, fields), { message: 'Partition key not found for ID 2' });
});

test('orphaned partitions are found, reported and removed', async () => {
  const database = await connectDatabase({ strictValidation: false });
  const resource = await database.createResource({
    name: 'items',
    attributes,
    partitions: { byGone: { fields: { gone: 'string', name: 'string' } } }
  });
  const expected = {
    byGone: { missingFields: ['gone'], definition: { fields: { gone: 'string', name: 'string' } }, allFields: ['gone', 'name'] }
  };
  assert.deepEqual(resource.findOrphanedPartitions(), expected);
  assert.deepEqual(resource.removeOrphanedPartitions({ dryRun: true }), expected);
  const events = [];
  resource.on('orphanedPartitionsRemoved', (payload) => events.push(payload));
  assert.deepEqual(resource.removeOrphanedPartitions(), expected);
  await settle();
  assert.deepEqual(events, [{ resourceName: 'items', removed: ['byGone'], details: expected }]);
  assert.deepEqual(resource.findOrphanedPartitions(), {});
});

test('a partition on a field of an object with props is accepted', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({
    name: 'items',
    attributes: { name: 'string', address: { type: 'object', props: { city: 'string' }, optional: true } },
    partitions: { byCity: { fields: { 'address.city': 'string' } } }
  });
  assert.equal(resource.fieldExistsInAttributes('address.city'), true);
  assert.equal(resource.fieldExistsInAttributes('address.nope'), false);
});

test('spec03_12 records of older versions are found in byVersion on both routes', async () => {
  const database = await connectDatabase({ versioningEnabled: true });
  const config = { name: 'items', asyncPartitions: false };
  const first = await database.createResource({ ...config, attributes: { name: 'string' } });
  await first.insert({ id: 'old', name: 'A' });
  const resource = await database.createResource({ ...config, attributes: { name: 'string', n: 'number|optional' } });
  await resource.insert({ id: 'new', name: 'B' });
  const listed = async () => {
    const of = (_v) => resource.list({ partition: 'byVersion', partitionValues: { _v } });
    return [...(await of('v1')), ...(await of('v2'))].map(({ id, _partitionValues }) => [id, _partitionValues._v]);
  };
  const expected = [
    ['old', 'v1'],
    ['new', 'v2']
  ];
  assert.deepEqual(await listed(), expected);
  resource.addHook('afterGet', (record) => record);
  assert.deepEqual(await listed(), expected);
  const { _originalVersion } = await resource.get('old');
  assert.deepEqual((await resource.getSchemaForVersion(_originalVersion)).attributes, { name: 'string' });
  const { deletePartitionReferences } = resource;
  resource.deletePartitionReferences = (...args) => deletePartitionReferences.apply(resource, args);
  await resource.delete('old');
  assert.deepEqual(await resource.listIds({ partition: 'byVersion' }), ['new'], 'the reference under the old version is gone as well');
});

test('spec03_9_5 stale references are left out on both routes, of lists and of pages by cursor', async () => {
  const { database, resource } = await itemsIn('byTypeAndName');
  await resource.insertMany(['a', 'b', 'c', 'd'].map((id) => ({ id, name: id, type: 'x' })));
  for (const id of ['b', 'gone']) {
    await database.client.putObject({ key: `resource=items/partition=byTypeAndName/name=bz/type=x/id=${id}`, metadata: { _v: 'v1' } });
  }
  const place = (partitionValues) => ({ partition: 'byTypeAndName', partitionValues });
  const listed = async () => {
    const pages = [];
    for (let cursor; cursor !== null; ) {
      const { items, nextCursor } = await resource.page({ ...place({ type: 'x' }), size: 2, cursor });
      pages.push(...names(items));
      cursor = nextCursor;
    }
    return [names(await resource.list(place({ type: 'x' }))), names(await resource.list(place({ name: 'bz', type: 'x' }))), pages];
  };
  const expected = [['a', 'b', 'c', 'd'], [], ['a', 'b', 'c', 'd']];
  assert.deepEqual(await listed(), expected);
  resource.addHook('afterGet', (record) => record);
  assert.deepEqual(await listed(), expected);
  resource.on('partition-fetched', () => {});
  assert.deepEqual(await listed(), expected);
});

test('spec03_9_10 getFromPartition finds ids that keys hold in another spelling', async () => {
  const database = await connectDatabase({ connectionString: freshStore('file') });
  const resource = await database.createResource({
    name: 'items',
    attributes,
    partitions: { byType: partitions.byType },
    asyncPartitions: false
  });
  await resource.insert({ id: 'https://x/a', name: 'A', type: 'u//v' });
  const found = await resource.getFromPartition({ id: 'https://x/a', partitionName: 'byType', partitionValues: { type: 'u//v' } });
  assert.equal(found.name, 'A');
  const outside = { id: '../../../other', partitionName: 'byType', partitionValues: { type: 'u' } };
  await assert.rejects(resource.getFromPartition(outside), { name: 'ValidationError', statusCode: 400 });
});

test('spec03_4_1 the keys that methods tell are those that are stored', async () => {
  const { database, resource } = await itemsIn('byType');
  for (const id of ['a/', 'a//', '/a', '//a', './a', 'a/./b', 'a/b/', '/', './', 'https://x/?a#b', '日本 %41', '...']) {
    await resource.insert({ id, name: 'A', type: id });
    const keys = [resource.getResourceKey(id), resource.getPartitionKey({ partitionName: 'byType', id, data: { type: id } })];
    assert.deepEqual(await database.client.getAllKeys({ prefix: 'resource=items/' }), keys, id);
    const found = await resource.getFromPartition({ id, partitionName: 'byType', partitionValues: { type: id } });
    assert.equal(found.id, id);
    await resource.createHistoricalVersion(id, { name: 'A' });
    await resource.delete(id);
    const history = keys[0].replace('/data/', '/historical/');
    assert.deepEqual(await database.client.getAllKeys({ prefix: 'resource=items/' }), [history], 'the copy has a slot of its own id');
    await database.client.deleteObject(history);
  }
});
