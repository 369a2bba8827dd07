/** Drivers whose entries other processes, s3db.js among them, read: S3 and the two on files. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { CacheError, FilesystemCache, MemoryClient, PartitionAwareFilesystemCache, S3Cache } from '../../../js/index.js';
import { temporaryDirectory } from '../support/clients.js';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const client = () => new MemoryClient({ keyPrefix: 'app/x' });
const COUNT = 'resource=users/action=count.json.gz';
const LIST = 'resource=users/action=list.json.gz';

async function stored(memory, key) {
  const response = await memory.getObject(key);
  return { body: JSON.parse(await response.Body.transformToString()), type: response.ContentType, metadata: response.Metadata };
}

const special = {
  text: '2024-01-01T00:00:00.000Z',
  when: new Date(5),
  bytes: Buffer.from('abc'),
  big: 10n,
  nothing: undefined,
  numbers: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1],
  'odd/~key': new Date(7),
  list: [undefined, null]
};

const kinds = [
  { name: 'S3Cache', make: () => new S3Cache({ client: client() }) },
  { name: 'FilesystemCache', make: () => new FilesystemCache({ directory: temporaryDirectory() }) },
  { name: 'PartitionAwareFilesystemCache', make: () => new PartitionAwareFilesystemCache({ directory: temporaryDirectory() }) }
];

describe('shared drivers', () => {
  for (const { name, make } of kinds) {
    test(`spec10_14_05 ${name} restores dates, buffers, undefined, bigint and numbers exactly`, async () => {
      const cache = make();
      await cache.set('resource=users/special', special);
      assert.deepStrictEqual(await cache.get('resource=users/special'), special);
      for (const value of [0, false, '', [], new Date(3), Buffer.from('x'), 'text']) {
        await cache.set('resource=users/value', value);
        assert.deepStrictEqual(await cache.get('resource=users/value'), value);
      }
      await cache.close();
    });

    test(`spec10_14_09 ${name} clears by prefix, keeps items and drops named keys`, async () => {
      const cache = make();
      const item = (id, action = 'get') => `resource=users/action=${action}/${id}.json.gz`;
      for (const key of [COUNT, LIST, item('1'), item('2'), item('1', 'exists'), item('3', 'getMany')]) await cache.set(key, key);
      await cache.set('resource=users_archive/action=count.json.gz', 9);
      const keep = ['get', 'exists', 'content', 'hasContent'].map((action) => `resource=users/action=${action}/`);
      await cache.invalidate({ resource: 'users', prefix: 'resource=users/', keep, keys: [item('1')] });
      const left = {};
      for (const key of [COUNT, LIST, item('1'), item('2'), item('1', 'exists'), item('3', 'getMany')]) {
        left[key] = (await cache.get(key)) !== null;
      }
      assert.deepEqual(left, {
        [COUNT]: false,
        [LIST]: false,
        [item('1')]: false,
        [item('2')]: true,
        [item('1', 'exists')]: true,
        [item('3', 'getMany')]: false
      });
      assert.equal(await cache.get('resource=users_archive/action=count.json.gz'), 9);
      await cache.clear('resource=users/');
      assert.equal(await cache.get(item('2')), null);
      assert.equal(await cache.size(), 1);
      await cache.clear();
      assert.deepEqual(await cache.keys(), []);
      await cache.close();
    });

    test(`spec10_13 ${name} honours the ttl of a single entry and 0 for none`, async () => {
      const cache = make();
      await cache.set('resource=users/long', 1, 100_000);
      await cache.set('resource=users/never', 1, 0);
      await cache.set('resource=users/short', 1, 1);
      await sleep(1100);
      assert.deepEqual(
        [await cache.get('resource=users/long'), await cache.get('resource=users/never'), await cache.get('resource=users/short')],
        [1, 1, null]
      );
      await cache.close();
    });
  }
});

test('spec10_10 entries on S3 have the envelope and the place of s3db.js', async () => {
  const memory = client();
  const cache = new S3Cache({ client: memory, ttl: 1500 });
  assert.deepEqual([cache.keyPrefix, cache.ttlMs, cache.ttlSeconds, cache.client === memory], ['cache', 1500, 2, true]);
  await cache.set(COUNT, 1);
  const { body, type } = await stored(memory, `plugin=cache/cache/${COUNT}`);
  assert.deepEqual([body.data, body.compressed, body.originalSize, body.fmt, body.types, type], ['1', false, 1, 2, {}, 'application/json']);
  const large = { text: 'abc '.repeat(1000), at: new Date(1) };
  await cache.set(LIST, large);
  const packed = await stored(memory, `plugin=cache/cache/${LIST}`);
  assert.equal(packed.type, 'application/gzip');
  assert.equal(gunzipSync(Buffer.from(packed.body.data, 'base64')).toString(), JSON.stringify(large));
  assert.deepEqual(packed.body.types, { '/at': 'date' });
  assert.equal(packed.body.compressedSize, packed.body.data.length);
  assert.match(packed.body.compressionRatio, /^0\.\d\d$/);
  assert.deepEqual(await cache.keys(), [COUNT, LIST]);
  assert.equal(await cache.size(), 2);
  assert.deepEqual(cache.stats(), {});
  assert.throws(() => new S3Cache({ client: memory, maxBytes: 5 }), CacheError);
  assert.throws(() => new S3Cache({}), /requires a client/);
});

test('spec10_10 entries of s3db.js are read and marked as such', async () => {
  const memory = client();
  const cache = new S3Cache({ client: memory, keyPrefix: 'cache/' });
  const put = (key, body) =>
    memory.putObject({ key: `plugin=cache/cache/${key}`, body: JSON.stringify(body), contentType: 'application/json' });
  await put(COUNT, { data: '7', compressed: false, originalSize: 1, _expiresAt: Date.now() + 60_000 });
  assert.deepEqual(await cache.lookup(COUNT), { hit: true, value: 7, fmt: 1, token: undefined });
  await put(COUNT, { data: '7', compressed: false, originalSize: 1, _expiresAt: Date.now() - 1 });
  assert.equal(await cache.get(COUNT), null);
  for (const broken of [
    { data: '7', originalSize: 5, compressed: false },
    { data: '{', compressed: false },
    { data: 'AAAA', compressed: true },
    {}
  ]) {
    await put(LIST, broken);
    assert.equal(await cache.get(LIST), null);
  }
});

test('spec10_14_10 a clear on S3 is one LIST and one batched DELETE', async () => {
  const memory = client();
  const cache = new S3Cache({ client: memory });
  for (let i = 0; i < 30; i += 1) await cache.set(`resource=users/action=list/${i}.json.gz`, i);
  const before = JSON.parse(memory.native?.stats?.() ?? '{}');
  assert.ok(before);
  const calls = [];
  const { deleteObjects } = memory;
  memory.deleteObjects = function counted(keys) {
    calls.push(keys.length);
    return deleteObjects.call(this, keys);
  };
  await cache.invalidate({ resource: 'users', prefix: 'resource=users/', keep: [], keys: ['resource=users/action=get/1.json.gz'] });
  assert.deepEqual(calls, [31]);
  assert.equal(await cache.size(), 0);
});

test('spec10_13 a namespaced cache on S3 keeps to its own prefix and clears what s3db.js keeps without one', async () => {
  const memory = client();
  const plain = new S3Cache({ client: memory });
  const named = new S3Cache({ client: memory, slug: 'cache--hot' });
  const alone = new S3Cache({ client: memory, slug: 'cache--cold', legacyClear: false });
  await plain.set(COUNT, 1);
  assert.equal(await named.get(COUNT), null);
  await named.set(COUNT, 2);
  assert.ok(await stored(memory, `plugin=cache--hot/cache/${COUNT}`));
  await alone.clear('resource=users/');
  assert.equal(await plain.get(COUNT), 1);
  await named.clear('resource=users/');
  assert.deepEqual([await named.get(COUNT), await plain.get(COUNT)], [null, null]);
});

test('spec10_11 files have the names and the metadata of s3db.js', async () => {
  const directory = temporaryDirectory();
  const cache = new FilesystemCache({ directory, enableStats: true, enableJournal: true, enableBackup: true });
  await cache.set(COUNT, { a: new Date(1) });
  const name = 'cache_resource=users_action=count.json.gz.cache';
  assert.deepEqual(readdirSync(directory).sort(), [name, `${name}.meta`, 'cache.journal'].sort());
  assert.equal(readFileSync(join(directory, name), 'utf8'), '{"a":"1970-01-01T00:00:00.001Z"}');
  const meta = JSON.parse(readFileSync(join(directory, `${name}.meta`), 'utf8'));
  assert.deepEqual(
    [meta.key, meta.ttl, meta.compressed, meta.originalSize, meta.compressedSize, meta.compressionRatio, meta.fmt, meta.types],
    [COUNT, 3_600_000, false, 32, 32, 1, 2, { '/a': 'date' }]
  );
  await cache.set(COUNT, 'x'.repeat(5000));
  assert.ok(existsSync(join(directory, `${name}.bak`)));
  assert.ok(statSync(join(directory, name)).size < 200);
  assert.deepEqual(await cache.keys(), ['resource=users_action=count.json.gz']);
  await cache.get(COUNT);
  await cache.get('none');
  await cache.del(COUNT);
  await cache.clear();
  const { hits, misses, sets, deletes, clears, errors, compression, metadata, cleanup, locking, journal } = cache.getStats();
  assert.deepEqual(
    [hits, misses, sets, deletes, clears, errors, compression, metadata, cleanup, locking, journal],
    [1, 1, 2, 1, 1, 0, true, true, true, false, true]
  );
  const lines = readFileSync(join(directory, 'cache.journal'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ operation, key }) => [operation, key]),
    [
      ['set', COUNT],
      ['set', COUNT],
      ['delete', COUNT],
      ['clear', 'all']
    ]
  );
  cache.destroy();
});

test('spec10_11 a directory is required, path is its other name, and a value may not be larger than maxFileSize', async () => {
  assert.throws(() => new FilesystemCache({}), { name: 'CacheError', message: 'FilesystemCache requires a directory', statusCode: 400 });
  const cache = new FilesystemCache({ path: temporaryDirectory(), maxFileSize: 10 });
  await assert.rejects(cache.set('k', 'x'.repeat(20)), (error) => {
    assert.match(error.message, /^Failed to set cache key .*Cache data exceeds maximum file size/);
    return error.statusCode === 413;
  });
  await cache.close();
});

test('spec10_14_17 names that look alike, long names and halves of entries are never mixed up', async () => {
  const directory = temporaryDirectory();
  const cache = new FilesystemCache({ directory });
  await cache.set('a/b', 1);
  assert.equal(await cache.get('a_b'), null);
  await cache.set('a_b', 2);
  assert.deepEqual([await cache.get('a/b'), await cache.get('a_b')], [null, 2]);
  const long = `resource=users/action=list/partition:p/f:${'x'.repeat(400)}.json.gz`;
  await cache.set(long, 3);
  await cache.set(`${long}y`, 4);
  assert.deepEqual([await cache.get(long), await cache.get(`${long}y`)], [3, 4]);

  const file = join(directory, 'cache_pair.cache');
  await cache.set('pair', { n: 1 });
  const old = readFileSync(file, 'utf8');
  const oldMeta = readFileSync(`${file}.meta`, 'utf8');
  await cache.set('pair', { n: 2 });
  writeFileSync(`${file}.meta`, oldMeta);
  assert.equal(await cache.get('pair'), null, 'new data under the metadata of the old one');
  assert.ok(existsSync(file), 'a reader leaves the files alone');
  await cache.set('pair', { n: 2 });
  writeFileSync(file, old);
  assert.equal(await cache.get('pair'), null);
  await cache.set('pair', { n: 2 });
  rmSync(`${file}.meta`);
  assert.equal(await cache.get('pair'), null);
  await cache.set('pair', { n: 3 });
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 3));
  assert.equal(await cache.get('pair'), null);
  writeFileSync(`${file}.meta`, '{ broken');
  assert.equal(await cache.get('pair'), null);
  await cache.close();
});

test('spec10_11 entries of s3db.js on files are read and marked as such', async () => {
  const directory = temporaryDirectory();
  const cache = new FilesystemCache({ directory });
  const file = join(directory, 'cache_resource=users_action=count.json.gz.cache');
  writeFileSync(file, '5');
  const meta = {
    key: COUNT,
    timestamp: Date.now(),
    ttl: 3_600_000,
    compressed: false,
    originalSize: 1,
    compressedSize: 1,
    compressionRatio: 1
  };
  writeFileSync(`${file}.meta`, JSON.stringify(meta));
  assert.deepEqual(await cache.lookup(COUNT), { hit: true, value: 5, fmt: 1, token: undefined });
  writeFileSync(`${file}.meta`, JSON.stringify({ ...meta, timestamp: Date.now() - 3_600_001 }));
  assert.equal(await cache.get(COUNT), null);
  assert.ok(!existsSync(file), 'an expired entry is deleted');
  await cache.close();
});

test('spec10_11 expiry goes by the file when metadata is off, and by no clock that was set back', async () => {
  const directory = temporaryDirectory();
  const cache = new FilesystemCache({ directory, enableMetadata: false, ttl: 10_000 });
  await cache.set('k', 1);
  const file = join(directory, 'cache_k.cache');
  assert.ok(existsSync(`${file}.meta`), 'types are kept there');
  assert.equal(await cache.get('k'), 1);
  utimesSync(file, new Date(), new Date(Date.now() - 20_000));
  assert.equal(await cache.get('k'), null);
  await cache.set('k', 1);
  utimesSync(file, new Date(), new Date(Date.now() + 3_600_000));
  assert.equal(await cache.get('k'), null, 'an entry from the future has no known age');
  await cache.close();
});

test('spec10_14_17 cleanup reaches nested files and leftovers, and its timer does not keep the process alive', async () => {
  const directory = temporaryDirectory();
  const cache = new PartitionAwareFilesystemCache({ directory });
  await cache.set(COUNT, 1, 1);
  await cache.set(LIST, 2);
  const leftover = join(directory, 'resource=users', 'cache_x.cache.1.ab.tmp');
  writeFileSync(leftover, 'half');
  utimesSync(leftover, new Date(), new Date(Date.now() - 7_200_000));
  await sleep(20);
  await cache._cleanup();
  assert.deepEqual(await cache.keys(), ['resource=users/action=list.json.gz']);
  assert.ok(!existsSync(leftover));
  assert.ok(!existsSync(join(directory, 'resource=users', 'cache_action=count.json.gz.cache')));
  await cache.close();
});

test('spec10_14_17 two processes that clean up at once remove what is over and nothing else', async () => {
  for (const Driver of [FilesystemCache, PartitionAwareFilesystemCache]) {
    const directory = temporaryDirectory();
    const [one, two] = [new Driver({ directory }), new Driver({ directory })];
    const key = (n) => `resource=users/action=get/${n}.json.gz`;
    for (let n = 0; n < 40; n += 1) await one.set(key(n), n, n % 2 ? 1 : 60_000);
    await sleep(5);
    await Promise.all([one._cleanup(), two._cleanup(), one.clear('resource=nothing/'), two._cleanup()]);
    assert.equal(await two.size(), 20);
    for (let n = 0; n < 40; n += 2) assert.equal(await two.get(key(n)), n);
    await one.close();
    await two.close();
  }
});

test('spec10_16 a byte budget on files evicts the oldest or the least recently used', async () => {
  for (const [evictionPolicy, left] of [
    ['fifo', ['b', 'c']],
    ['lru', ['a', 'c']]
  ]) {
    const cache = new FilesystemCache({ directory: temporaryDirectory(), maxBytes: 250, evictionPolicy, enableCompression: false });
    for (const key of ['a', 'b']) {
      await cache.set(key, 'x'.repeat(100));
      await sleep(15);
    }
    await cache.get('a');
    await sleep(15);
    await cache.set('c', 'x'.repeat(100));
    assert.deepEqual((await cache.keys()).sort(), left, evictionPolicy);
    await cache.close();
  }
});

test('spec10_03 purging a driver leaves nothing of it behind', async () => {
  for (const Driver of [FilesystemCache, PartitionAwareFilesystemCache]) {
    const directory = temporaryDirectory();
    const cache = new Driver({ directory, enableJournal: true });
    const scope = { resource: 'users', action: 'list', partition: 'byRegion', partitionValues: { region: 'US' }, params: {} };
    for (let i = 0; i < 10; i += 1) {
      const { token } = await cache.lookup(LIST, scope);
      await cache.store(LIST, [1], undefined, scope, token);
    }
    await cache.invalidate({ resource: 'users', prefix: 'resource=users/', keep: [], keys: [] });
    await cache.set(COUNT, 1);
    assert.ok(readdirSync(directory).length > 1);
    await cache.purge();
    assert.deepEqual(readdirSync(directory), []);
    await cache.close();
  }
  const memory = client();
  const bucket = new S3Cache({ client: memory });
  await bucket.reserve(COUNT);
  await bucket.set(LIST, [1]);
  await bucket.purge();
  assert.deepEqual(await memory.getAllKeys({ prefix: '' }), []);
});

test('spec10_11 locking bounds how long a writer waits', async () => {
  const cache = new FilesystemCache({ directory: temporaryDirectory(), enableLocking: true, lockTimeout: 10_000 });
  await Promise.all(Array.from({ length: 20 }, (_, i) => cache.set('k', i)));
  assert.equal(typeof (await cache.get('k')), 'number');
  await cache.close();
});

test('spec10_14_03 partition keys hold every parameter, and look-alike values are told apart', async () => {
  const directory = temporaryDirectory();
  const cache = new PartitionAwareFilesystemCache({ directory });
  const scope = (id, region = 'US') => ({
    resource: 'users',
    action: 'getFromPartition',
    partition: 'byRegion',
    partitionValues: { region },
    params: { id, partitionName: 'byRegion' }
  });
  await cache.store('k', { id: '1', at: new Date(1) }, undefined, scope('1'));
  await cache.store('k', { id: '2' }, undefined, scope('2'));
  assert.deepEqual((await cache.lookup('k', scope('1'))).value, { id: '1', at: new Date(1) });
  assert.deepEqual((await cache.lookup('k', scope('2'))).value, { id: '2' });
  await cache.store('k', 'slash', undefined, scope('1', 'a/b'));
  assert.equal((await cache.lookup('k', scope('1', 'a_b'))).hit, false);
  assert.equal((await cache.lookup('k', scope('1', 'a/b'))).value, 'slash');
  const query = (n) => ({ ...scope('1'), action: 'query', params: { filter: { n }, options: {} } });
  await cache.store('k', [1], undefined, query(1));
  assert.equal((await cache.lookup('k', query(2))).hit, false);
  assert.equal(
    cache._getPartitionCacheKey('users', 'list', 'byRegion', { b: 'x/y', a: 1, c: null }, {}),
    'resource=users/partition=byRegion/a=1/b=x_y/action=list'
  );
  const stored = JSON.parse(
    readFileSync(
      join(
        directory,
        'resource=users/partition=byRegion/region=US/action=getFromPartition',
        readdirSync(join(directory, 'resource=users/partition=byRegion/region=US/action=getFromPartition')).find((name) =>
          name.endsWith('.cache')
        )
      ),
      'utf8'
    )
  );
  assert.deepEqual([stored.metadata.resource, stored.metadata.partition, stored.metadata.fmt], ['users', 'byRegion', 2]);
  await cache.set('users', 'list', [1, 2], { partition: 'byRegion', partitionValues: { region: 'BR' } });
  assert.deepEqual(await cache.get('users', 'list', { partition: 'byRegion', partitionValues: { region: 'BR' } }), [1, 2]);
  assert.equal(await cache.clearPartition('users', 'byRegion', { region: 'BR' }), true);
  assert.equal(await cache.get('users', 'list', { partition: 'byRegion', partitionValues: { region: 'BR' } }), null);
  assert.equal((await cache.lookup('k', scope('1'))).hit, true);
  assert.equal(await cache.clearResourcePartitions('users'), true);
  assert.equal((await cache.lookup('k', scope('1'))).hit, false);
  await cache.close();
});

test('spec10_11 usage of partitions is counted, saved and judged', async () => {
  const directory = temporaryDirectory();
  const cache = new PartitionAwareFilesystemCache({ directory });
  const options = { partition: 'byRegion', partitionValues: { region: 'US' } };
  await cache.set('users', 'list', [1], options);
  for (let i = 0; i < 12; i += 1) await cache.get('users', 'list', options);
  const usage = JSON.parse(readFileSync(join(directory, 'partition-usage.json'), 'utf8'));
  assert.equal(usage['users/byRegion/region=US'].count, 10, 'saved at every tenth access');
  const stats = await cache.getPartitionStats('users', 'byRegion');
  assert.deepEqual([stats.totalFiles, stats.partitions, stats.usage.byRegion.count], [2, {}, 12]);
  const old = Date.now() - 31 * 86_400_000;
  cache.partitionUsage.set('users/old/a=1', { count: 5, firstAccess: old, lastAccess: old });
  cache.partitionUsage.set('users/rare/a=1', { count: 1, firstAccess: 0, lastAccess: Date.now() - 20 * 86_400_000 });
  cache.partitionUsage.set('users/some/a=1', { count: 3, firstAccess: 0, lastAccess: Date.now() });
  const advice = await cache.getCacheRecommendations('users');
  assert.deepEqual(
    advice.map(({ partition, recommendation, priority }) => [partition, recommendation, priority]),
    [
      ['byRegion', 'preload', 100],
      ['some', 'keep', 3],
      ['rare', 'reduce_ttl', 1],
      ['old', 'archive', 0]
    ]
  );
  assert.equal(await cache.warmPartitionCache('users', { partitions: ['byRegion', 'some'] }), 1);
  const again = new PartitionAwareFilesystemCache({ directory });
  await again.loadUsageStats();
  assert.equal(again.partitionUsage.get('users/byRegion/region=US').count, 10);
  assert.equal(again._isTemporalPartition('byDay', { createdAt: '2024-05-06T01:02:03Z' }), true);
  assert.equal(again._isTemporalPartition('byDay', { region: '2024-05-06' }), false);
  await again.close();
  await cache.close();
});

test('spec10_11 flat and temporal strategies clear the folders of their kind too', async () => {
  for (const [partitionStrategy, values, folder] of [
    ['flat', { region: 'US' }, 'resource=users/partitions'],
    ['temporal', { createdAt: '2024-05-06' }, 'resource=users/temporal/2024/05/06']
  ]) {
    const directory = temporaryDirectory();
    const cache = new PartitionAwareFilesystemCache({ directory, partitionStrategy });
    mkdirSync(join(directory, folder), { recursive: true });
    await cache.set('users', 'list', [1], { partition: 'p', partitionValues: values });
    assert.equal(await cache.clearPartition('users', 'p', values), true);
    assert.ok(!existsSync(join(directory, folder)));
    assert.equal(await cache.get('users', 'list', { partition: 'p', partitionValues: values }), null);
    await cache.close();
  }
});

test('spec10_17 what was read before another process wrote is not stored after it', async () => {
  const directory = temporaryDirectory();
  for (const Driver of [FilesystemCache, PartitionAwareFilesystemCache]) {
    const reader = new Driver({ directory });
    const writer = new Driver({ directory });
    const scope = { resource: 'users', action: 'count' };
    const { hit, token } = await reader.lookup(COUNT, scope);
    assert.equal(hit, false);
    await writer.invalidate({ resource: 'users', prefix: 'resource=users/', keep: [], keys: [] });
    await reader.store(COUNT, 'stale', undefined, scope, token);
    assert.equal(await writer.get(COUNT), null);
    const next = await reader.lookup(COUNT, scope);
    await reader.store(COUNT, 'fresh', undefined, scope, next.token);
    assert.equal(await writer.get(COUNT), 'fresh');
    await writer.clear();
    await reader.close();
    await writer.close();
  }
});
