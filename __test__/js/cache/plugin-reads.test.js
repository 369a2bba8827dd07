import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryCache } from '../../../js/index.js';
import { SlowDriver, withCache } from '../support/cache.js';
import { temporaryDirectory } from '../support/clients.js';

/** Every kind of read, as name and call. */
const READS = [
  ['count', (r) => r.count()],
  ['count of a partition', (r) => r.count({ partition: 'byRegion', partitionValues: { region: 'US' } })],
  ['listIds', (r) => r.listIds()],
  ['getMany', (r) => r.getMany(['u1', 'u2', 'none'])],
  ['getAll', (r) => r.getAll()],
  ['page', (r) => r.page({ size: 2, offset: 1 })],
  ['list', (r) => r.list()],
  ['list of a partition', (r) => r.list({ partition: 'byRegion', partitionValues: { region: 'US' } })],
  ['list of a whole partition', (r) => r.list({ partition: 'byRegion' })],
  ['get', (r) => r.get('u1')],
  ['exists', (r) => r.exists('u1')],
  ['exists not', (r) => r.exists('none')],
  ['query', (r) => r.query({ n: 1 })],
  ['getFromPartition', (r) => r.getFromPartition({ id: 'u1', partitionName: 'byRegion', partitionValues: { region: 'US' } })]
];

async function fill(users) {
  await users.insert({ id: 'u1', name: '2024-01-01T00:00:00.000Z', region: 'US', n: 1 });
  await users.insert({ id: 'u2', name: 'b', region: 'BR', n: 2 });
  await users.insert({ id: 'u3', name: 'c', region: 'US', n: 1 });
}

for (const [driver, options] of [
  ['memory', () => ({})],
  ['s3', () => ({ driver: 's3' })],
  ['filesystem', () => ({ driver: 'filesystem', config: { directory: temporaryDirectory() } })],
  ['plain filesystem', () => ({ driver: 'filesystem', partitionAware: false, config: { directory: temporaryDirectory() } })],
  ['multi', () => ({ driver: 'multi', config: { destinations: [{ driver: 'memory' }, { driver: 's3' }] } })],
  ['custom', () => ({ driver: customDriver() })]
]) {
  test(`spec10_05 every read on ${driver} equals the uncached one, from the store and from the cache`, async () => {
    const { users, plugin } = await withCache(options());
    await fill(users);
    for (const [name, read] of READS) {
      plugin.enabled = false;
      const expected = await read(users);
      plugin.enabled = true;
      assert.deepStrictEqual(await read(users), expected, `${name}, first`);
      const { hits } = plugin.stats;
      const again = await read(users);
      assert.deepStrictEqual(again, expected, `${name}, cached`);
      assert.equal(plugin.stats.hits, hits + 1, `${name} is one hit`);
      if (again !== null && typeof again === 'object') {
        for (const key of Object.keys(again)) delete again[key];
        assert.deepStrictEqual(await read(users), expected, `${name}, after a caller changed a result`);
      }
    }
  });
}

/** A driver with `get`, `set` and `clear` alone. */
function customDriver() {
  const entries = new Map();
  return {
    get: async (key) => structuredClone(entries.get(key)) ?? null,
    set: async (key, value) => void entries.set(key, structuredClone(value)),
    clear: async (prefix = '') => {
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key);
    }
  };
}

test('spec10_05 a hit makes no request', async () => {
  const { users, requests } = await withCache();
  await fill(users);
  for (const [name, read] of READS) {
    await read(users);
    assert.equal(await requests(() => read(users)), 0, name);
  }
});

test('spec10_14_01 limits and offsets have keys of their own', async () => {
  const { users } = await withCache();
  await fill(users);
  assert.equal((await users.list({ limit: 2 })).length, 2);
  assert.equal((await users.list()).length, 3);
  assert.equal((await users.list({ limit: 2, offset: 2 })).length, 1);
  assert.deepEqual(await users.listIds({ limit: 1 }), ['u1']);
  assert.deepEqual(await users.listIds(), ['u1', 'u2', 'u3']);
  assert.deepEqual(await users.listIds({ limit: 1, offset: 1 }), ['u2']);
  assert.equal((await users.page({ size: 1, skipCount: true })).totalItems, null);
  assert.equal((await users.page({ size: 1 })).totalItems, 3);
});

test('spec10_14_02 query, page and getAll see more than one page with the cache on', async () => {
  const { users } = await withCache({ config: { maxSize: 0 } });
  await users.insertMany(Array.from({ length: 120 }, (_, i) => ({ id: `r${String(i).padStart(3, '0')}`, name: 'x', n: i % 2 })));
  const found = await users.query({ n: 1 }, { limit: 100 });
  assert.equal(new Set(found.map(({ id }) => id)).size, 60);
  assert.equal((await users.getAll()).length, 120);
  const pages = [];
  for (let offset = 0; offset < 120; offset += 50) pages.push(...(await users.page({ size: 50, offset })).items.map(({ id }) => id));
  assert.equal(new Set(pages).size, 120);
});

test('spec10_04 pages by cursor and queries with a shape have keys of their own', async () => {
  const { users, requests } = await withCache();
  await fill(users);
  const first = await users.page({ size: 1 });
  const cursor = first.nextCursor;
  assert.deepEqual(
    (await users.page({ size: 1, cursor })).items.map(({ id }) => id),
    ['u2']
  );
  assert.equal((await users.page({ size: 1, cursor })).totalItems, null);
  assert.equal((await users.page({ size: 1, cursor, skipCount: false })).totalItems, 3);
  assert.equal(await requests(() => users.page({ size: 1, cursor })), 0);
  assert.ok((await requests(() => users.page({ size: 1, cursor, skipCache: true }))) > 0);
  const ids = async (options) => (await users.query({ region: 'US' }, options)).map(({ id }) => id);
  assert.deepEqual(await ids({ sort: { id: 1 } }), ['u1', 'u3']);
  assert.deepEqual(await ids({ sort: { id: -1 } }), ['u3', 'u1']);
  assert.deepEqual(await ids(), ['u1', 'u3']);
});

test('spec10_04 filters that JSON would make equal are not answered for each other', async () => {
  const { users } = await withCache();
  await fill(users);
  await users.insert({ id: 'u4', name: 'd' });
  assert.equal((await users.query({})).length, 4);
  assert.equal((await users.query({ region: undefined })).length, 1);
  assert.equal((await users.query({ n: Number.NaN })).length, 0);
  assert.equal((await users.query({ n: new Date(1) })).length, 0);
});

test('spec10_05_1 skipCache reads through, inner reads included, and leaves the statistics alone', async () => {
  const { users, plugin, requests } = await withCache();
  await fill(users);
  for (const [, read] of READS) await read(users);
  const before = plugin.getStats();
  const skipCache = { skipCache: true };
  for (const [name, read] of [
    ['get', () => users.get('u1', skipCache)],
    ['exists', () => users.exists('u1', skipCache)],
    ['getMany', () => users.getMany(['u1'], skipCache)],
    ['getAll', () => users.getAll(skipCache)],
    ['count', () => users.count(skipCache)],
    ['list', () => users.list(skipCache)],
    ['listIds', () => users.listIds(skipCache)],
    ['list of a partition', () => users.list({ ...skipCache, partition: 'byRegion', partitionValues: { region: 'US' } })],
    ['page', () => users.page({ size: 2, ...skipCache })],
    ['query', () => users.query({ n: 1 }, skipCache)],
    [
      'getFromPartition',
      () => users.getFromPartition({ id: 'u1', partitionName: 'byRegion', partitionValues: { region: 'US' }, ...skipCache })
    ]
  ]) {
    assert.ok((await requests(read)) > 0, name);
  }
  const { hits, misses, writes, operations } = plugin.getStats();
  assert.deepEqual([hits, misses, writes, operations], [before.hits, before.misses, before.writes, before.operations]);
});

test('spec10_05_2 falsy results are hits', async () => {
  const { users, plugin } = await withCache();
  for (const read of [() => users.count(), () => users.list(), () => users.exists('x')]) {
    await read();
    const { hits } = plugin.stats;
    await read();
    assert.equal(plugin.stats.hits, hits + 1);
  }
});

test('spec10_05 a read that rejects is not cached', async () => {
  const { users, plugin } = await withCache();
  await assert.rejects(users.get('none'), { name: 'NoSuchKey' });
  await assert.rejects(users.get('none'), { name: 'NoSuchKey' });
  assert.equal(plugin.stats.hits, 0);
  await assert.rejects(users.get(7));
  await assert.rejects(users.get(''));
});

/** Requests of a load that many share: on S3 also the look, the reservation and the store. */
const SHARED_LOADS = {
  memory: { requests: 1, make: () => ({}) },
  slow: { requests: 1, make: () => ({ driver: new SlowDriver() }) },
  s3: { requests: 4, make: () => ({ driver: 's3' }) },
  filesystem: { requests: 1, make: () => ({ driver: 'filesystem', config: { directory: temporaryDirectory() } }) }
};

for (const [driver, { requests: expected, make }] of Object.entries(SHARED_LOADS)) {
  test(`spec10_14_07 parallel misses on a ${driver} driver are one load, each caller with a copy`, async () => {
    const { users, plugin, requests } = await withCache(make());
    await fill(users);
    let results;
    const count = await requests(async () => {
      results = await Promise.all(Array.from({ length: 20 }, () => users.get('u1')));
    });
    assert.equal(count, expected);
    assert.equal(new Set(results).size, 20);
    for (const result of results) assert.deepStrictEqual(result, results[0]);
    assert.equal(plugin.stats.writes, 1);
    await assert.rejects(Promise.all([users.get('none'), users.get('none')]), { name: 'NoSuchKey' });
  });
}

test('spec10_14_06 what was read before a write is not stored after it', async () => {
  const driver = new SlowDriver();
  const { users } = await withCache({ driver });
  await fill(users);
  let open;
  driver.gate = new Promise((resolve) => {
    open = resolve;
  });
  const early = users.get('u1');
  const list = users.list();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await users.update('u1', { name: 'new' });
  const during = users.get('u1');
  open();
  driver.gate = null;
  await Promise.all([early, list]);
  assert.equal((await during).name, 'new');
  assert.equal((await users.get('u1')).name, 'new');
  assert.ok((await users.list()).some(({ name }) => name === 'new'));
});

test('spec10_14_06 readers and writers in a storm never see an old value after the write was acknowledged', async () => {
  for (const make of [() => ({}), () => ({ driver: new SlowDriver() }), () => ({ driver: 's3' })]) {
    const { users } = await withCache(make());
    await users.insert({ id: 'u1', name: 'v', n: 0 });
    let acknowledged = 0;
    let running = true;
    const reader = async () => {
      while (running) {
        const least = acknowledged;
        assert.ok((await users.get('u1')).n >= least);
        assert.ok((await users.list())[0].n >= least);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const readers = Array.from({ length: 5 }, reader);
    for (let n = 1; n <= 40; n += 1) {
      await users.update('u1', { n });
      acknowledged = n;
      if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    running = false;
    await Promise.all(readers);
  }
});

test('spec10_17 entries of s3db.js are used for exists and count, and replaced for everything else', async () => {
  const { users, database, plugin } = await withCache({ driver: 's3' });
  await fill(users);
  const put = (key, value) => {
    const data = JSON.stringify(value);
    const body = JSON.stringify({ data, compressed: false, originalSize: data.length });
    return database.client.putObject({ key: `plugin=cache/cache/${key}`, body, contentType: 'application/json' });
  };
  const item = await plugin.generateCacheKey(users, 'get', { id: 'u1' });
  await put('resource=users/action=count.json.gz', 77);
  await put('resource=users/action=list.json.gz', [{ id: 'short' }]);
  await put(item, { id: 'u1', _lastModified: 'text' });
  assert.equal(await users.count(), 77);
  assert.equal((await users.list()).length, 3);
  assert.ok((await users.get('u1'))._lastModified instanceof Date);
  const stored = await database.client.getObject(`plugin=cache/cache/${item}`);
  assert.equal(JSON.parse(await stored.Body.transformToString()).fmt, 2);
});

test('spec10_16 method policies switch, bound and postpone', async () => {
  const { users, plugin, requests } = await withCache({
    methodPolicies: { count: false, get: { minHitsBeforeStore: 2 }, list: { maxPayloadBytes: 10 }, exists: { ttlMs: 30 } }
  });
  await fill(users);
  await users.count();
  assert.ok((await requests(() => users.count())) > 0);
  await users.get('u1');
  assert.equal(await requests(() => users.get('u1')), 1);
  assert.equal(await requests(() => users.get('u1')), 0);
  await users.list({ limit: 1 });
  const key = await plugin.generateCacheKey(users, 'list', { limit: 1 });
  assert.equal(await plugin.driver.get(key), null);
  await users.exists('u1');
  const entry = await plugin.driver.get(await plugin.generateCacheKey(users, 'exists', { id: 'u1' }));
  assert.deepEqual([entry.__s3dbCacheV, entry.method, entry.ttlMs, entry.payload], [1, 'exists', 30, true]);
  assert.equal(await requests(() => users.exists('u1')), 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await requests(() => users.exists('u1')), 1);
});

test('spec10_05 results that would not come back exactly are not stored', async () => {
  const driver = new MemoryCache();
  const { users, plugin } = await withCache({ driver });
  await fill(users);
  class Wrapped {
    constructor(record) {
      Object.assign(this, record);
    }
  }
  users.addHook('afterGet', (record) => new Wrapped(record));
  const errors = [];
  plugin.on('plg:cache:error', (event) => errors.push(event));
  assert.ok((await users.get('u1')) instanceof Wrapped);
  assert.ok((await users.get('u1')) instanceof Wrapped);
  assert.deepEqual([errors[0].operation, errors[0].method, errors[0].resource], ['set', 'get', 'users']);
});
