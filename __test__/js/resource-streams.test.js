import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { ResourceIdsPageReader, ResourceIdsReader, ResourceReader, ResourceWriter, streamToString } from '../../js/index.js';
import { connectDatabase } from './support/databases.js';

async function create(count = 0) {
  const database = await connectDatabase();
  const resource = await database.createResource({
    name: 'items',
    attributes: { name: 'string', type: 'string|optional' },
    partitions: ['type'],
    asyncPartitions: false
  });
  await resource.insertMany(
    Array.from({ length: count }, (_, i) => ({ id: `i${String(i).padStart(4, '0')}`, name: `n${i}`, type: i % 2 ? 'odd' : 'even' }))
  );
  return resource;
}

const collect = async (stream) => {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
};

test('spec03_25_46_readable_streams_every_record_in_key_order', async () => {
  const resource = await create(1201);
  const reader = resource.readable({ batchSize: 100, concurrency: 7 });
  assert.ok(reader instanceof ResourceReader);
  assert.equal(reader.build(), reader);
  assert.deepEqual([reader.batchSize, reader.concurrency], [100, 7]);
  const records = await collect(reader);
  assert.equal(records.length, 1201);
  assert.deepEqual(
    records.map((r) => r.id),
    await resource.listIds()
  );
  assert.equal((await collect(resource.readable({ partition: 'byType', partitionValues: { type: 'odd' } }))).length, 600);
});

test('a reader reports the records it cannot read and goes on', async () => {
  const resource = await create(5);
  const { get } = resource;
  resource.get = async (id) => {
    if (id === 'i0002') throw new Error('broken');
    return get(id);
  };
  const errors = [];
  const names = [];
  const reader = resource.readable({ batchSize: 2 });
  reader.on('error', (error, id) => errors.push([error.message, id]));
  reader.on('data', (record) => names.push(record.name));
  await new Promise((resolve) => {
    reader.on('end', resolve);
  });
  assert.deepEqual(errors, [['broken', 'i0002']]);
  assert.deepEqual(names, ['n0', 'n1', 'n3', 'n4']);
});

test('a reader reads no further than its consumer', async () => {
  const resource = await create(200);
  let reads = 0;
  const { get } = resource;
  resource.get = async (id) => {
    reads += 1;
    return get(id);
  };
  const reader = resource.readable({ batchSize: 10 });
  for await (const record of reader) {
    assert.ok(record.id);
    break;
  }
  assert.ok(reads <= 60, `${reads} reads`);
});

test('spec03_25_46_a_writer_has_back_pressure_and_finishes_after_all_inserts', async () => {
  const resource = await create();
  const writer = resource.writable({ batchSize: 4, concurrency: 2 });
  assert.ok(writer instanceof ResourceWriter);
  const accepted = Array.from({ length: 6 }, (_, i) => writer.write({ name: `w${i}` }));
  assert.equal(accepted.at(-1), false);
  await new Promise((resolve) => {
    writer.once('drain', resolve);
  });
  writer.end({ name: 'last' });
  await new Promise((resolve) => {
    writer.on('finish', resolve);
  });
  assert.equal(await resource.count(), 7);
  assert.deepEqual([writer.buffer, writer.writing, writer.ended], [[], false, true]);
});

test('a writer reports refused records and inserts the others; pipelines work', async () => {
  const resource = await create();
  const writer = resource.writable();
  const errors = [];
  writer.on('error', (error, record) => errors.push([error.name, record]));
  for (const record of [{ name: 'a' }, { bad: 1 }, { name: 'b' }]) writer.write(record);
  await new Promise((resolve) => {
    writer.end(resolve);
  });
  assert.deepEqual(errors, [['InvalidResourceItem', { bad: 1 }]]);
  assert.equal(await resource.count(), 2);
  const copy = await create();
  await pipeline(
    resource.readable(),
    async function* names(source) {
      for await (const { name } of source) yield { name };
    },
    copy.writable()
  );
  assert.deepEqual((await copy.list()).map((r) => r.name).sort(), ['a', 'b']);
  await assert.rejects(pipeline(Readable.from([{ bad: 1 }]), copy.writable()), { name: 'InvalidResourceItem' });
});

test('spec03_25_50_id_readers_emit_ids_of_this_resource_only', async () => {
  const resource = await create(3);
  const sibling = await resource.database.createResource({ name: 'items2', attributes: { name: 'string' } });
  await sibling.insert({ id: 'other', name: 'x' });
  const seen = [];
  const reader = new ResourceIdsReader({ resource });
  reader.on('id', (id) => seen.push(id));
  assert.deepEqual(await collect(reader.build()), ['i0000', 'i0001', 'i0002']);
  assert.deepEqual(seen, ['i0000', 'i0001', 'i0002']);
  assert.deepEqual(await collect(new ResourceIdsPageReader({ resource })), [['i0000', 'i0001', 'i0002']]);
});

test('streams need a resource, streamToString a stream', async () => {
  for (const Class of [ResourceReader, ResourceWriter, ResourceIdsReader, ResourceIdsPageReader]) {
    assert.throws(() => new Class({}), { name: 'StreamError', message: `Resource is required for ${Class.name}` });
  }
  assert.equal(await streamToString(Readable.from([Buffer.from('é'.slice(0)), 'x'])), 'éx');
  await assert.rejects(streamToString(null), { name: 'StreamError', message: 'Stream is undefined' });
});

test('spec03_19 a reader leaves out what vanished since it was listed, and stale references of its partition', async () => {
  const resource = await create(30);
  const stale = ['ghost', 'i0000'];
  for (const id of stale) {
    await resource.client.putObject({ key: `resource=items/partition=byType/type=odd/id=${id}`, metadata: { _v: 'v1' }, body: '' });
  }
  const odd = { partition: 'byType', partitionValues: { type: 'odd' } };
  const records = await collect(resource.readable(odd));
  assert.deepEqual(records, await resource.list(odd), 'the same as list, with _partition and its values');
  assert.equal(records.length, 15);
  const ids = [];
  for await (const { id } of resource.readable({ batchSize: 5 })) {
    if (ids.length === 0) await resource.deleteMany(['i0012', 'i0029']);
    ids.push(id);
  }
  assert.equal(ids.length, 28);
  assert.deepEqual(ids, await resource.listIds());
});
