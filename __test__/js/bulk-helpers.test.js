// HighPerformanceInserter, StreamInserter, PartitionQueue: what is added is stored or counted as failed, in order, before disconnect.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HighPerformanceInserter, InMemoryPersistence, PartitionQueue, StreamInserter } from '../../js/index.js';
import { rejection } from './support/clients.js';
import { connectDatabase, freshStore, reopen, STORES } from './support/databases.js';

const attributes = { n: 'number', type: 'string|optional' };
const partitions = { byType: { fields: { type: 'string' } } };
const rows = (count, more = {}) => Array.from({ length: count }, (_, n) => ({ n, ...more }));

async function create(config = {}, options = {}) {
  const database = await connectDatabase(options);
  return database.createResource({ name: 'items', attributes, partitions, ...config });
}

const inType = (type) => ({ partition: 'byType', partitionValues: { type } });

/** Waits for a condition. */
async function until(ready) {
  while (!(await ready())) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

for (const store of STORES) {
  test(`spec03_20_1 buffered inserts store everything once, with references, and count what fails (${store})`, async () => {
    const resource = await create({}, { connectionString: freshStore(store) });
    const inserter = new HighPerformanceInserter(resource, { batchSize: 20, flushInterval: 60_000 });
    assert.deepEqual(await inserter.add({ n: 0, type: 'a' }), { queued: true, position: 1 });
    assert.deepEqual(await inserter.bulkAdd([...rows(150, { type: 'a' }), { n: 'wrong' }, { n: 1, type: 'b' }]), { queued: 152 });
    await inserter.forceFlush();
    const { avgInsertTime, throughput, ...stats } = inserter.getStats();
    assert.deepEqual(stats, { inserted: 152, failed: 1, partitionsPending: 0, bufferSize: 0, isProcessing: false });
    assert.ok(avgInsertTime > 0);
    assert.equal(throughput, Math.round(1000 / avgInsertTime));
    assert.deepEqual(
      inserter.failures.map(({ item, error }) => [item, error.name]),
      [[{ n: 'wrong' }, 'InvalidResourceItem']]
    );
    assert.equal(await resource.count(), 152);
    assert.equal((await resource.listIds(inType('a'))).length, 151);
    assert.equal((await resource.listIds(inType('b'))).length, 1);
    await inserter.destroy();
  });
}

test('a full batch is stored at once, a smaller one after flushInterval', async () => {
  const resource = await create();
  const inserter = new HighPerformanceInserter(resource, { batchSize: 5, flushInterval: 60_000 });
  await inserter.bulkAdd(rows(5));
  await until(async () => (await resource.count()) === 5);
  const timed = new HighPerformanceInserter(resource, { batchSize: 500, flushInterval: 10 });
  await timed.bulkAdd(rows(3));
  await until(async () => (await resource.count()) === 8);
  await inserter.destroy();
  await timed.destroy();
});

test('spec03_25_45 disablePartitions leaves partitions as they are for everybody else, also when a batch fails', async () => {
  const resource = await create({ asyncPartitions: false });
  const before = structuredClone(resource.config.partitions);
  const inserter = new HighPerformanceInserter(resource, { batchSize: 10, disablePartitions: true });
  const { insertMany } = resource;
  let calls = 0;
  resource.insertMany = async (items) => {
    calls += 1;
    if (calls === 2) throw new Error('the batch broke');
    return insertMany.call(resource, items);
  };
  await inserter.bulkAdd(rows(30, { type: 'a' }));
  const others = resource.insert({ n: 1, type: 'a' });
  assert.deepEqual(resource.config.partitions, before);
  await Promise.all([inserter.flush(), others]);
  delete resource.insertMany;
  assert.deepEqual([inserter.stats.inserted, inserter.stats.failed], [20, 10]);
  assert.equal(inserter.failures[0].error.message, 'the batch broke');
  assert.deepEqual(resource.config.partitions, before);
  assert.deepEqual(await resource.listIds(inType('a')), [(await others).id]);
  await resource.insert({ n: 2, type: 'a' });
  assert.equal((await resource.listIds(inType('a'))).length, 2);
  // Through hooks, middlewares and single inserts as well.
  resource.addHook('beforeInsert', (record) => record);
  resource.useMiddleware('insert', (_context, next) => next());
  await inserter.bulkAdd(rows(3, { type: 'c' }));
  await inserter.destroy();
  assert.deepEqual(await resource.listIds(inType('c')), []);
  for await (const record of resource.readable()) await resource.createPartitionReferences(record);
  assert.equal((await resource.listIds(inType('c'))).length, 3, 'references can be made later');
});

test('records of one id keep their order, whatever the batches', async () => {
  const resource = await create({ parallelism: 2 });
  const inserter = new HighPerformanceInserter(resource, { batchSize: 4, concurrency: 20 });
  const same = rows(40).map(({ n }) => ({ id: `r${n % 5}`, n }));
  await inserter.bulkAdd(same);
  await inserter.flush();
  assert.deepEqual([inserter.stats.inserted, inserter.stats.failed], [5, 35]);
  for (let n = 0; n < 5; n += 1) assert.equal((await resource.get(`r${n}`)).n, n, 'the first one won');
  await inserter.destroy();
});

test('add waits while maxBufferSize records are buffered, and at most as many batches run as concurrency allows', async () => {
  const resource = await create({ parallelism: 5, partitions: {} });
  const inserter = new HighPerformanceInserter(resource, { batchSize: 10, concurrency: 15, maxBufferSize: 25 });
  const { insertMany } = resource;
  let running = 0;
  let most = 0;
  let buffered = 0;
  resource.insertMany = async (items) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    const result = await insertMany.call(resource, items);
    running -= 1;
    return result;
  };
  await Promise.all(
    rows(300).map(async (row) => {
      await inserter.add(row);
      buffered = Math.max(buffered, inserter.getStats().bufferSize);
    })
  );
  await inserter.destroy();
  assert.equal(most, 3);
  assert.equal(buffered, 25);
  assert.equal(await resource.count(), 300);
});

test('what was added is stored before the database disconnects, and destroy refuses more', async () => {
  const resource = await create();
  const { database } = resource;
  const inserter = new HighPerformanceInserter(resource, { flushInterval: 60_000 });
  await inserter.bulkAdd(rows(7, { type: 'a' }));
  const second = await reopen(database);
  assert.equal(await second.resources.items.count(), 0);
  await database.disconnect();
  assert.equal(await second.resources.items.count(), 7);
  assert.equal((await second.resources.items.listIds(inType('a'))).length, 7);
  const other = new HighPerformanceInserter(second.resources.items);
  await other.add({ n: 1 });
  await other.destroy();
  assert.equal(await second.resources.items.count(), 8);
  const error = await rejection(other.add({ n: 2 }));
  assert.deepEqual([error.name, error.statusCode], ['ResourceError', 409]);
});

test('failures are kept up to maxFailureHistory', async () => {
  const resource = await create();
  const inserter = new HighPerformanceInserter(resource, { maxFailureHistory: 3 });
  await inserter.bulkAdd(rows(9).map(({ n }) => ({ n: `no number ${n}` })));
  await inserter.destroy();
  assert.equal(inserter.stats.failed, 9);
  assert.deepEqual(
    inserter.failures.map(({ item }) => item.n),
    ['no number 6', 'no number 7', 'no number 8']
  );
});

test('incremental ids of buffered inserts follow the order of add', async () => {
  const resource = await create({ idGenerator: 'incremental', partitions: {} });
  const inserter = new HighPerformanceInserter(resource, { batchSize: 10, concurrency: 10 });
  await inserter.bulkAdd(rows(45));
  await inserter.destroy();
  for (const n of [0, 9, 10, 44]) assert.equal((await resource.get(String(n + 1))).n, n);
});

test('spec03_20_2 a StreamInserter leaves out what it is told to', async () => {
  const resource = await create({ asyncPartitions: false });
  const seen = [];
  resource.addHook('beforeInsert', (record) => {
    seen.push(record.n);
    return record;
  });
  const inserter = new StreamInserter(resource);
  const stored = await inserter.fastInsert({ n: 1, type: 'a' });
  assert.equal((await resource.get(stored.id)).n, 1);
  assert.deepEqual([seen, await resource.listIds(inType('a'))], [[1], []]);
  const all = new StreamInserter(resource, { skipPartitions: false, skipHooks: true });
  await all.fastInsert({ n: 2, type: 'a' });
  assert.deepEqual([seen, (await resource.listIds(inType('a'))).length], [[1], 1]);
  const unchecked = new StreamInserter(resource, { skipValidation: true, skipHooks: true });
  assert.deepEqual(await unchecked.bulkInsert([{ type: 'without n' }, { n: 4, type: 'a' }]), { success: 2, failed: 0, errors: [] });
  await assert.rejects(resource.insert({ type: 'without n' }), { name: 'InvalidResourceItem' });
  assert.deepEqual(seen, [1, undefined], 'afterwards everything runs again');
});

test('bulkInsert counts every failure and shows the first ten', async () => {
  const resource = await create();
  const inserter = new StreamInserter(resource, { concurrency: 20 });
  const items = rows(2500).map(({ n }) => (n % 100 === 7 ? { n: 'no number' } : { n }));
  const { success, failed, errors } = await inserter.bulkInsert(new Set(items));
  assert.deepEqual([success, failed, errors.length], [2475, 25, 10]);
  assert.deepEqual([errors[0].error.name, errors[0].item], ['InvalidResourceItem', { n: 'no number' }]);
  assert.equal(await resource.count(), 2475);
});

/** A queue that notes its events. */
function queueWith(options) {
  const queue = new PartitionQueue({ retryDelay: 1, ...options });
  const events = [];
  for (const event of ['success', 'retry', 'failure', 'recovered', 'persistenceError']) {
    queue.on(event, (payload) => events.push([event, payload]));
  }
  return { queue, events, names: () => events.map(([event]) => event) };
}

test('spec03_20_3 a PartitionQueue creates, moves and deletes references', async () => {
  const resource = await create();
  const { queue, names } = queueWith();
  const record = { id: 'r', n: 1, type: 'a' };
  assert.match(await queue.enqueue({ type: 'create', resource, data: record }), /^\d+-0\.\d+$/);
  await queue.process();
  assert.deepEqual(await resource.listIds(inType('a')), ['r']);
  await queue.enqueue({ type: 'update', resource, data: { original: record, updated: { ...record, type: 'b' } } });
  await queue.process();
  assert.deepEqual([await resource.listIds(inType('a')), await resource.listIds(inType('b'))], [[], ['r']]);
  await queue.enqueue({ type: 'delete', resource, data: { ...record, type: 'b' } });
  await queue.process();
  assert.deepEqual(await resource.listIds(inType('b')), []);
  assert.deepEqual(names(), ['success', 'success', 'success']);
  assert.deepEqual(queue.getStats(), { pending: 0, failures: 0, processing: false, failureRate: 0 });
});

/** A resource whose references fail `times` times. */
async function failing(times) {
  const resource = await create({ client: undefined });
  const { putObject } = resource.client;
  let left = times;
  resource.client.putObject = function put(request) {
    if (!request.key.includes('/partition=') || left <= 0) return putObject.call(this, request);
    left -= 1;
    throw new Error('the store is away');
  };
  return resource;
}

test('a failed operation is repeated with growing delays, then given up and kept up to a limit', async () => {
  const resource = await failing(2);
  const { queue, events, names } = queueWith();
  await queue.enqueue({ type: 'create', resource, data: { id: 'r', n: 1, type: 'a' } });
  await queue.process();
  assert.deepEqual(names(), ['retry', 'retry', 'success']);
  assert.deepEqual(
    events.slice(0, 2).map(([, { delay, error }]) => [delay, error.message]),
    [
      [1, 'the store is away'],
      [2, 'the store is away']
    ]
  );
  assert.deepEqual([events[2][1].status, events[2][1].retries], ['completed', 2]);
  assert.deepEqual(await resource.listIds(inType('a')), ['r']);

  const broken = await failing(Number.POSITIVE_INFINITY);
  const persistence = new InMemoryPersistence({ maxFailureHistory: 2 });
  const given = queueWith({ maxRetries: 1, maxFailureHistory: 2, persistence });
  for (const id of ['1', '2', '3']) await given.queue.enqueue({ type: 'create', resource: broken, data: { id, n: 1, type: 'a' } });
  await given.queue.process();
  assert.deepEqual(given.names().sort(), ['failure', 'failure', 'failure', 'retry', 'retry', 'retry']);
  assert.deepEqual(given.queue.getStats(), { pending: 0, failures: 3, processing: false, failureRate: 1 });
  assert.equal(given.queue.failures.length, 2);
  assert.deepEqual(
    (await persistence.getDLQ()).map(({ status, lastError }) => [status, lastError.message]),
    [
      ['failed', 'the store is away'],
      ['failed', 'the store is away']
    ]
  );
  assert.deepEqual(await persistence.getPending(), []);
});

test('an unknown operation or resource fails at once', async () => {
  const resource = await create();
  const { queue, events, names } = queueWith();
  await queue.enqueue({ type: 'rename', resource, data: { id: 'r' } });
  await queue.enqueue({ type: 'create', resource: 'items', data: { id: 'r' } });
  await queue.enqueue({ type: 'toString', resource, data: {} });
  await queue.process();
  assert.deepEqual(names(), ['failure', 'failure', 'failure']);
  assert.deepEqual(
    [events[0][1].error.name, events[0][1].error.message],
    ['PartitionDriverError', 'Unknown partition operation type: rename']
  );
  assert.match(events[1][1].error.message, /resource of a partition operation is unknown/);
});

test('operations of one record stay in order while one is repeated, others go on', async () => {
  const done = [];
  let left = 2;
  const work = (type) => async (data) => {
    const record = data.updated ?? data;
    if (record.id === 'slow' && type === 'create' && left > 0) {
      left -= 1;
      throw new Error('not yet');
    }
    done.push(`${type} ${record.id}`);
  };
  const resource = {
    name: 'items',
    createPartitionReferences: work('create'),
    handlePartitionReferenceUpdates: work('update'),
    deletePartitionReferences: work('delete')
  };
  resource.handlePartitionReferenceUpdates = (original, updated) => work('update')({ original, updated });
  const { queue } = queueWith({ retryDelay: 20 });
  await queue.enqueue({ type: 'create', resource, data: { id: 'slow' } });
  await queue.enqueue({ type: 'update', resource, data: { original: { id: 'slow' }, updated: { id: 'slow' } } });
  await queue.enqueue({ type: 'delete', resource, data: { id: 'slow' } });
  await queue.enqueue({ type: 'create', resource, data: { id: 'quick' } });
  await queue.process();
  assert.deepEqual(done, ['create quick', 'create slow', 'update slow', 'delete slow']);
});

test('a queue is bounded in length and in what it does at once', async () => {
  let running = 0;
  let most = 0;
  let longest = 0;
  const resource = {
    name: 'items',
    async createPartitionReferences() {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
    }
  };
  const { queue } = queueWith({ maxQueueSize: 8, concurrency: 3 });
  await Promise.all(
    rows(60).map(async ({ n }) => {
      await queue.enqueue({ type: 'create', resource, data: { id: String(n) } });
      longest = Math.max(longest, queue.getStats().pending);
    })
  );
  await queue.process();
  assert.deepEqual([most, longest], [3, 8]);
});

test('what is queued is done before the database disconnects', async () => {
  const resource = await failing(1);
  const { database } = resource;
  const second = await reopen(database, { client: resource.client });
  const { queue, names } = queueWith({ retryDelay: 30 });
  await queue.enqueue({ type: 'create', resource, data: { id: 'r', n: 1, type: 'a' } });
  await database.disconnect();
  assert.deepEqual(names(), ['retry', 'success']);
  assert.deepEqual(await second.resources.items.listIds(inType('a')), ['r']);
  assert.equal(resource._drains.size, 0, 'an idle queue is not kept');
});

test('a persistence holds items until they are done, and a later queue takes them up by the names of resources', async () => {
  const broken = await failing(Number.POSITIVE_INFINITY);
  const persistence = new InMemoryPersistence();
  const first = queueWith({ persistence, database: broken.database, maxRetries: 2, retryDelay: 60_000 });
  await first.queue.enqueue({ type: 'create', resource: broken, data: { id: 'r', n: 1, type: 'a' } });
  await until(() => first.names().includes('retry'));
  const [kept] = JSON.parse(JSON.stringify(await persistence.getPending()));
  assert.equal(kept.operation.resource, 'items', 'items can be stored as text');
  const healthy = await create();
  const later = queueWith({ persistence, database: healthy.database });
  assert.equal(await later.queue.recover(), 1);
  await later.queue.process();
  assert.deepEqual(later.names(), ['recovered', 'success']);
  assert.deepEqual(later.events[0][1], { count: 1 });
  assert.deepEqual(await healthy.listIds(inType('a')), ['r']);
  assert.deepEqual(await persistence.getPending(), []);
  await first.queue.drain();
  assert.deepEqual(first.names(), ['retry', 'retry', 'failure'], 'drain does not wait for the delay');
});

test('a persistence that fails refuses the item, or is reported when it is done', async () => {
  const resource = await create();
  const refusing = queueWith({ persistence: { save: async () => Promise.reject(new Error('full')) } });
  await assert.rejects(refusing.queue.enqueue({ type: 'create', resource, data: { id: 'r', n: 1 } }), { message: 'full' });
  assert.equal(refusing.queue.getStats().pending, 0);
  const persistence = { save: async () => {}, remove: async () => Promise.reject(new Error('gone')) };
  const { queue, names } = queueWith({ persistence });
  await queue.enqueue({ type: 'create', resource, data: { id: 'r', n: 1 } });
  await queue.process();
  assert.deepEqual(names(), ['persistenceError', 'success']);
});

test('options of the helpers are checked by name', async () => {
  const resource = await create();
  const warnings = [];
  resource.database.on('db:warning', ({ details }) => warnings.push(details));
  for (const [field, make] of [
    ['resource', () => new HighPerformanceInserter()],
    ['batchSize', () => new HighPerformanceInserter(resource, { batchSize: 0 })],
    ['flushInterval', () => new HighPerformanceInserter(resource, { flushInterval: 'soon' })],
    ['disablePartitions', () => new HighPerformanceInserter(resource, { disablePartitions: 'yes' })],
    ['concurrency', () => new StreamInserter(resource, { concurrency: 1.5 })],
    ['resource', () => new StreamInserter({})],
    ['maxRetries', () => new PartitionQueue({ maxRetries: -1 })],
    ['persistence', () => new PartitionQueue({ persistence: 'memory' })],
    ['options', () => new PartitionQueue(null)]
  ]) {
    assert.throws(make, (error) => error.name === 'ValidationError' && error.data.field === field && error.statusCode === 400, field);
  }
  const inserter = new HighPerformanceInserter(resource, { batchsize: 5 });
  assert.deepEqual(warnings, [{ option: 'batchsize', nearest: 'batchSize' }]);
  await assert.rejects(inserter.bulkAdd(5), { name: 'ValidationError' });
  await assert.rejects(new StreamInserter(resource).bulkInsert(null), { name: 'ValidationError' });
  await inserter.destroy();
});
