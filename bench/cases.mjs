// The benchmark cases. Each gets the library (ours or s3db.js: the API is the same) and its task, and measures one thing.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const ATTRIBUTES = { name: 'string|required', email: 'string', age: 'number|integer:true', active: 'boolean' };
const RESOLUTION_MS = 1;

/** Small records, the same for everybody. */
export const smallRecords = (count, withIds = false) =>
  Array.from({ length: count }, (_, at) => ({
    ...(withIds && { id: `record-${String(at).padStart(6, '0')}` }),
    name: `name ${at}`,
    email: `user${at}@example.com`,
    age: at % 90,
    active: at % 2 === 0
  }));

/** Time, processor time and the longest time that the event loop was blocked. */
async function measure(count, work) {
  globalThis.gc?.();
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  // One turn more, so that a block at the very end is seen.
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.disable();
  return { count, ms, cpuMicros: user + system, blockedMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS), rss: process.memoryUsage.rss() };
}

async function open(library, task, attributes = ATTRIBUTES) {
  const options = { parallelism: task.concurrency, passphrase: 'bench passphrase', logLevel: 'silent' };
  // Later versions of s3db.js take concurrency and passphrase here.
  if (task.library === 'rival')
    Object.assign(options, { executorPool: { concurrency: task.concurrency }, security: { passphrase: 'bench passphrase' } });
  if (task.memory) options.client = new library.MemoryClient({ bucket: 'bench', keyPrefix: task.prefix });
  else options.connectionString = `${task.connectionString}/${task.prefix}`;
  const db = new library.S3db(options);
  await db.connect();
  const resource = await db.createResource({ name: 'bench', attributes, timestamps: false, asyncEvents: true });
  return { db, resource };
}

const failed = (text) => {
  throw new Error(text);
};

async function insertMany(library, task) {
  const { db, resource } = await open(library, task);
  const warm = await db.createResource({ name: 'warm', attributes: ATTRIBUTES });
  // Steady state on both sides: the compilers of V8 have seen the path before the clock starts.
  await warm.insertMany(smallRecords(task.memory ? 2_000 : 100));
  const records = smallRecords(task.count);
  let inserted;
  const result = await measure(task.count, async () => {
    inserted = await resource.insertMany(records);
  });
  if (inserted.length !== task.count) failed(`${inserted.length} of ${task.count} were inserted`);
  await db.disconnect();
  return result;
}

/** A database with `count` records, for the reading cases. */
async function filled(library, task) {
  const opened = await open(library, task);
  const inserted = await opened.resource.insertMany(smallRecords(task.count));
  if (inserted.length !== task.count) failed(`${inserted.length} of ${task.count} were inserted`);
  return { ...opened, ids: inserted.map(({ id }) => id) };
}

async function getMany(library, task) {
  const { db, resource, ids } = await filled(library, task);
  await resource.getMany(ids.slice(0, 50));
  let found;
  const result = await measure(task.count, async () => {
    found = await resource.getMany(ids);
  });
  if (found.length !== task.count) failed(`${found.length} of ${task.count} were found`);
  await db.disconnect();
  return result;
}

async function list(library, task) {
  const { db, resource } = await filled(library, task);
  await resource.list({ limit: 50 });
  let found;
  const result = await measure(task.count, async () => {
    found = await resource.list({ limit: task.count });
  });
  if (found.length !== task.count) failed(`${found.length} of ${task.count} were listed`);
  await db.disconnect();
  return result;
}

async function get(library, task) {
  const { db, resource, ids } = await filled(library, task);
  for (const id of ids.slice(0, 100)) await resource.get(id);
  const result = await measure(task.count, async () => {
    for (const id of ids) await resource.get(id);
  });
  await db.disconnect();
  return result;
}

async function secretResource(library, task) {
  const opened = await open(library, task, { name: 'string|required', token: 'secret|required' });
  const records = Array.from({ length: task.count }, (_, at) => ({ name: `name ${at}`, token: `token number ${at}` }));
  return { ...opened, records };
}

async function secretWrite(library, task) {
  const { db, resource, records } = await secretResource(library, task);
  await resource.insert({ name: 'warm', token: 'warm' });
  const result = await measure(task.count, async () => {
    for (const record of records) await resource.insert(record);
  });
  await db.disconnect();
  return result;
}

async function secretRead(library, task) {
  const { db, resource, records } = await secretResource(library, task);
  const inserted = await resource.insertMany(records);
  const ids = inserted.map(({ id }) => id);
  const byId = new Map(inserted.map(({ id, name }) => [id, name.slice(5)]));
  const result = await measure(task.count, async () => {
    for (const id of ids) {
      const { token } = await resource.get(id);
      if (token !== `token number ${byId.get(id)}`) failed(`read ${token} for ${id}`);
    }
  });
  await db.disconnect();
  return result;
}

/** Memory held by records in the store: resident size before and after, without what the benchmark itself holds. */
async function load(library, task) {
  const { db, resource } = await open(library, task);
  await resource.insertMany(smallRecords(1000));
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const result = await measure(task.count, async () => {
    for (let at = 0; at < task.count; at += 2000) await resource.insertMany(smallRecords(Math.min(2000, task.count - at)));
  });
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 100));
  globalThis.gc?.();
  const after = process.memoryUsage.rss();
  const heapBefore = process.memoryUsage().heapUsed;
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 1);
  const ids = await resource.listIds();
  clearInterval(watch);
  peak = Math.max(peak, process.memoryUsage.rss());
  // s3db.js lists 1,000 ids at most.
  if (ids.length < (task.library === 'rival' ? 1000 : task.count)) failed(`${ids.length} of ${task.count} ids were listed`);
  globalThis.gc?.();
  const listHeap = process.memoryUsage().heapUsed - heapBefore;
  await db.disconnect();
  return { ...result, bytesPerRecord: (after - before) / task.count, listPeak: peak - after, listHeap };
}

/** A filter that keeps one record in a hundred; the rate counts the records that are looked at. */
async function query(library, task) {
  const { db, resource } = await open(library, task);
  const records = smallRecords(task.count).map((record, at) => ({ ...record, email: at % 100 === 0 ? 'kept@example.com' : record.email }));
  await resource.insertMany(records);
  let found;
  const result = await measure(task.count, async () => {
    found = await resource.query({ email: 'kept@example.com' }, { limit: task.count });
  });
  if (found.length !== task.count / 100) failed(`${found.length} records were found`);
  await db.disconnect();
  return result;
}

/** One value of a partition: a twentieth of the records. */
async function partitionList(library, task) {
  const { db } = await open(library, task);
  const resource = await db.createResource({
    name: 'parts',
    attributes: ATTRIBUTES,
    partitions: { byAge: { fields: { age: 'number' } } },
    asyncPartitions: false
  });
  await resource.insertMany(smallRecords(task.count).map((record, at) => ({ ...record, age: at % 20 })));
  let found;
  const result = await measure(task.count / 20, async () => {
    found = await resource.list({ partition: 'byAge', partitionValues: { age: 7 }, limit: task.count });
  });
  if (found.length !== task.count / 20) failed(`${found.length} records were listed`);
  await db.disconnect();
  return result;
}

/** Updates of one attribute, one after the other, in a resource with three partitions of which one changes. */
async function updatePartitioned(library, task) {
  const { db } = await open(library, task);
  const fields = (name, rule) => ({ fields: { [name]: rule } });
  const resource = await db.createResource({
    name: 'parts',
    attributes: ATTRIBUTES,
    partitions: { byName: fields('name', 'string'), byEmail: fields('email', 'string'), byAge: fields('age', 'number') },
    asyncPartitions: false
  });
  const inserted = await resource.insertMany(smallRecords(20));
  const ids = inserted.map(({ id }) => id);
  const result = await measure(task.count, async () => {
    for (let at = 0; at < task.count; at += 1) await resource.update(ids[at % ids.length], { age: 100 + at });
  });
  if ((await resource.get(ids[0])).age < 100) failed('nothing was updated');
  await db.disconnect();
  return result;
}

/** Resources of eight attributes and a partition each. */
/** One after the other, or with `together` all at once. */
async function createResources(library, task, together = false) {
  const { db } = await open(library, task);
  const attributes = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`attribute${at}`, 'string|optional']));
  const before = process.memoryUsage.rss();
  const result = await measure(task.count, async () => {
    const created = [];
    for (let at = 0; at < task.count; at += 1) {
      const config = { name: `resource-${at}`, attributes, partitions: { byFirst: { fields: { attribute0: 'string' } } } };
      const creation = db.createResource(config);
      created.push(together ? creation : await creation);
    }
    await Promise.all(created);
  });
  const bytesPerRecord = (process.memoryUsage.rss() - before) / task.count;
  await db.disconnect();
  return { ...result, bytesPerRecord };
}

/** Cases by name. */
export const cases = {
  ...{ insertMany, getMany, list, get, secretWrite, secretRead, load },
  ...{ query, partitionList, updatePartitioned, createResources },
  createResourcesTogether: (library, task) => createResources(library, task, true)
};
