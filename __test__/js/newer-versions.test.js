// Two processes, one with an older definition: what the newer one wrote is read whole, and survives updates of the older one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectDatabase, freshStore, requestsOf } from './support/databases.js';

const older = { name: 'string|required' };
const newer = { age: 'number|optional', name: 'string|required' };
const fields = ({ name, age }) => ({ name, age });

async function both(behavior, kind) {
  const connectionString = freshStore(kind);
  const [stale, fresh] = [await connectDatabase({ connectionString }), await connectDatabase({ connectionString })];
  await stale.createResource({ name: 'people', attributes: older, behavior });
  await fresh.createResource({ name: 'people', attributes: newer, behavior });
  const [before, after] = [stale.resources.people, fresh.resources.people];
  assert.deepEqual([before.version, after.version], ['v1', 'v2']);
  for (const id of ['a', 'b', 'c', 'd']) await after.insert({ id, name: 'N', age: 5 });
  return { stale, before, after };
}

for (const behavior of ['user-managed', 'enforce-limits', 'truncate-data', 'body-overflow', 'body-only']) {
  test(`spec01_12_3 records of a version that another process made are read and updated without loss (${behavior})`, async () => {
    for (const [first, work] of [
      ['get', (people) => people.get('a')],
      ['update', (people) => people.update('a', { name: 'U' })],
      ['patch', (people) => people.patch('a', { name: 'P' })]
    ]) {
      // Each on a process that has not seen such a record yet.
      const { before, after } = await both(behavior, 'memory');
      const result = await work(before);
      assert.deepEqual([result.age, result['0'], result['1']], [5, undefined, undefined], first);
      assert.deepEqual(fields(await after.get('a')), { name: first === 'get' ? 'N' : result.name, age: 5 }, first);
      assert.equal(before.version, 'v1');
    }
  });
}

test('spec01_12_3 lists, getAll and getMany have what another process wrote under its version', async () => {
  for (const kind of ['memory', 'file']) {
    for (const work of [
      (people) => people.list(),
      (people) => people.getAll(),
      (people) => people.getMany(['a', 'b', 'c', 'd']),
      (people) => people.list({ limit: 2, offset: 2 })
    ]) {
      const { before, after } = await both('user-managed', kind);
      await before.insert({ id: 'e', name: 'E' });
      const records = await work(before);
      for (const record of records) {
        assert.deepEqual(fields(record), record.id === 'e' ? { name: 'E', age: undefined } : { name: 'N', age: 5 }, String(work));
        assert.deepEqual(['0' in record, '1' in record], [false, false]);
      }
      assert.ok(records.length >= 2);
      assert.deepEqual(fields(await after.get('e')), { name: 'E', age: undefined });
    }
  }
});

test('spec01_12_3 the definitions are read once, and what is saved and compared with stays', async () => {
  const { stale, before, after } = await both('user-managed', 'file');
  const saved = stale.savedMetadata;
  const counts = await requestsOf(stale, async () => {
    for (const id of ['a', 'b', 'c']) assert.deepEqual(fields(await before.get(id)), { name: 'N', age: 5 });
  });
  // Three records, one of them twice, and the file.
  assert.equal(counts.Get ?? counts.GetObject, 5);
  assert.equal(stale.savedMetadata, saved);
  await stale.uploadMetadataFile();
  await after.insert({ id: 'e', name: 'E', age: 6 });
  assert.deepEqual(fields(await before.get('e')), { name: 'E', age: 6 });
  assert.equal((await connectDatabase(stale.options)).resources.people.version, 'v2');
});

test('spec01_12_3 a version that nobody stored is asked for once, and read with the definition in use', async () => {
  const database = await connectDatabase();
  const people = await database.createResource({ name: 'people', attributes: older });
  await people.insert({ id: 'a', name: 'A' });
  const { Metadata } = await database.client.getObject('resource=people/data/id=a');
  for (const id of ['b', 'c'])
    await database.client.putObject({ key: `resource=people/data/id=${id}`, metadata: { ...Metadata, _v: 'v9' } });
  let asked = 0;
  const { _storedVersions } = database;
  database._storedVersions = (name) => {
    asked += 1;
    return _storedVersions.call(database, name);
  };
  for (const id of ['b', 'c', 'b']) assert.equal((await people.get(id)).name, 'A');
  assert.equal(asked, 1);
  // A failure to ask fails no read, and is not remembered.
  const other = await connectDatabase(database.options);
  other._storedVersions = async () => {
    asked += 1;
    throw new Error('away');
  };
  for (const id of ['b', 'c']) assert.equal((await other.resources.people.get(id)).name, 'A');
  assert.equal(asked, 3);
});

test('spec01_12_3 queries, pages, partitions and streams judge and give what another process wrote by its version', async () => {
  for (const kind of ['memory', 'file']) {
    for (const [name, work, ids] of [
      ['query', (people) => people.query({ age: 5 }), ['a', 'b', 'c', 'd']],
      ['query of a field that the older definition lacks', (people) => people.query({ age: { $gt: 5 } }), []],
      ['query that sorts', (people) => people.query({ name: 'N' }, { sort: { age: 1 }, limit: 2 }), ['a', 'b']],
      ['page', async (people) => (await people.page({ size: 3 })).items, ['a', 'b', 'c']],
      [
        'page by cursor',
        async (people) => (await people.page({ size: 4, cursor: (await people.page({ size: 1 })).nextCursor })).items,
        'bcde'
      ],
      ['stream', (people) => people.readable().toArray(), ['a', 'b', 'c', 'd', 'e']],
      ['small batches', (people) => people.readable({ batchSize: 2 }).toArray(), ['a', 'b', 'c', 'd', 'e']]
    ]) {
      const { before } = await both('user-managed', kind);
      await before.insert({ id: 'e', name: 'E' });
      const records = await work(before);
      assert.deepEqual(
        records.map(({ id }) => id),
        [...ids],
        `${name} on ${kind}`
      );
      for (const { id, ...record } of records)
        assert.deepEqual(fields(record), id === 'e' ? { name: 'E', age: undefined } : { name: 'N', age: 5 }, `${name} on ${kind}: ${id}`);
    }
  }
});

test('spec01_12_3 a scan that meets a newer version late goes on where it was', async () => {
  const { before, after } = await both('user-managed', 'memory');
  for (let n = 0; n < 30; n += 1) await before.insert({ id: `a${String(n).padStart(2, '0')}`, name: 'old' });
  await after.insert({ id: 'a15x', name: 'new', age: 1 });
  for (const id of ['a', 'b', 'c', 'd']) await after.delete(id);
  const read = [];
  for await (const record of before.readable({ batchSize: 4 })) read.push(record);
  assert.equal(read.length, 31);
  assert.equal(new Set(read.map(({ id }) => id)).size, 31);
  assert.deepEqual(fields(read[16]), { name: 'new', age: 1 });
});

test('spec01_12_3 a version that nobody stored does not stop a query', async () => {
  const database = await connectDatabase();
  const people = await database.createResource({ name: 'people', attributes: older });
  await people.insert({ id: 'a', name: 'A' });
  const { Metadata } = await database.client.getObject('resource=people/data/id=a');
  for (const version of ['v8', 'v9'])
    await database.client.putObject({ key: `resource=people/data/id=${version}`, metadata: { ...Metadata, _v: version } });
  for (let round = 0; round < 2; round += 1) assert.equal((await people.query({ name: 'A' })).length, 3);
});
