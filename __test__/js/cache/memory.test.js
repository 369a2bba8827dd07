import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { getHeapStatistics } from 'node:v8';
import {
  Cache,
  CacheError,
  captureHeapSnapshot,
  compareMemorySnapshots,
  formatMemoryUsage,
  getMemoryUsage,
  MemoryCache,
  MemorySampler,
  measureMemory,
  resolveCacheMemoryLimit
} from '../../../js/index.js';
import { temporaryDirectory } from '../support/clients.js';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('spec10_09 a hit is a copy of its own with exact types', async () => {
  const cache = new MemoryCache();
  const value = {
    text: '2024-01-01T00:00:00.000Z',
    when: new Date(5),
    bytes: Buffer.from('abc'),
    big: 10n,
    nothing: undefined,
    not: Number.NaN,
    list: [{ deep: { a: 1 } }],
    none: null
  };
  await cache.set('k', value);
  value.list[0].deep.a = 'changed by the writer';
  const first = await cache.get('k');
  assert.deepStrictEqual(first, {
    ...value,
    list: [{ deep: { a: 1 } }]
  });
  first.list[0].deep.a = 2;
  first.when.setTime(9);
  first.bytes[0] = 0;
  first.extra = true;
  const second = await cache.get('k');
  assert.deepStrictEqual(second, { ...value, list: [{ deep: { a: 1 } }] });
  assert.equal(typeof second.text, 'string');
});

test('spec10_09 defaults, aliases and refusals', () => {
  const cache = new MemoryCache();
  assert.deepEqual(
    [cache.maxSize, cache.ttl, cache.maxMemoryBytes, cache.evictionPolicy, cache.caseSensitive, cache.enableCompression],
    [1000, 300_000, 0, 'fifo', true, false]
  );
  assert.equal(new MemoryCache({ maxBytes: 99 }).maxMemoryBytes, 99);
  assert.equal(new MemoryCache({ evictionPolicy: 'LRU' }).evictionPolicy, 'lru');
  assert.ok(new MemoryCache({ maxMemoryPercent: 0.1 }).maxMemoryBytes > 0);
  assert.doesNotThrow(() => new MemoryCache({ logEvictions: true, tags: {}, persistent: true, persistencePath: './x' }));
  const refused = (config, message) =>
    assert.throws(
      () => new MemoryCache(config),
      (error) => error instanceof CacheError && error.statusCode === 400 && error.message.includes(message) && Boolean(error.suggestion)
    );
  refused({ maxMemoryBytes: 1, maxMemoryPercent: 0.5 }, 'Cannot use both maxMemoryBytes and maxMemoryPercent');
  refused({ maxMemoryPercent: 1.5 }, 'maxMemoryPercent must be between 0 and 1');
  refused({ maxSize: 'many' }, 'maxSize');
  refused({ evictionPolicy: 'random' }, 'Unknown eviction policy: random');
});

test('spec10_09 fifo goes by storing, lru by hits', async () => {
  for (const [evictionPolicy, left] of [
    ['fifo', ['b', 'c']],
    ['lru', ['a', 'c']]
  ]) {
    const cache = new MemoryCache({ maxSize: 2, evictionPolicy });
    await cache.set('a', 1);
    await cache.set('b', 2);
    for (let i = 0; i < 3; i += 1) assert.equal(await cache.get('a'), 1);
    await cache.set('c', 3);
    assert.deepEqual(await cache.keys(), left, evictionPolicy);
  }
});

test('spec10_09 the byte limit counts serialised bytes and refuses what is larger than all of it', async () => {
  const cache = new MemoryCache({ maxMemoryBytes: 100, enableStats: true });
  await cache.set('a', 'x'.repeat(60));
  await cache.set('b', 'y'.repeat(60));
  assert.deepEqual(await cache.keys(), ['b']);
  assert.equal(cache.currentMemoryBytes, 62);
  assert.deepEqual([cache.evictedDueToMemory, cache.stats.evictions], [1, 1]);
  assert.equal(await cache.set('b', 'z'.repeat(200)), 'z'.repeat(200));
  assert.equal(await cache.get('b'), null, 'the old value must not stay under the key');
  assert.equal(cache.currentMemoryBytes, 0);
});

test('spec10_09 entries end after their time, 0 means never, and expired ones do not count', async () => {
  const cache = new MemoryCache({ ttl: 40 });
  await cache.set('a', 1);
  await cache.set('b', 2, 0);
  await cache.set('c', 3, 100_000);
  assert.equal(await cache.get('a'), 1);
  await sleep(60);
  assert.equal(await cache.get('a'), null);
  assert.deepEqual(await cache.keys(), ['b', 'c']);
  assert.equal(await cache.size(), 2);
});

test('spec10_09 setting the system clock back prolongs nothing', async (t) => {
  const cache = new MemoryCache({ ttl: 40 });
  await cache.set('a', 1);
  t.mock.method(Date, 'now', () => 0);
  await sleep(60);
  assert.equal(await cache.get('a'), null);
});

test('spec10_09 keys may ignore case and are reported as they were spelled', async () => {
  const cache = new MemoryCache({ caseSensitive: false });
  await cache.set('Some/Key', 1);
  assert.equal(await cache.get('SOME/KEY'), 1);
  assert.deepEqual(await cache.keys(), ['Some/Key']);
  await cache.clear('some/');
  assert.equal(await cache.size(), 0);
});

test('spec10_09 custom serializers, and what they must return', async () => {
  const cache = new MemoryCache({ serializer: (value) => `<${value}>`, deserializer: (text) => text.slice(1, -1) });
  await cache.set('a', 'x');
  assert.equal(await cache.get('a'), 'x');
  assert.equal(cache.cache.a, '<x>');
  const bad = new MemoryCache({ serializer: () => 7 });
  await assert.rejects(bad.set('a', 1), { name: 'CacheError', message: 'MemoryCache serializer must return a string', statusCode: 400 });
  await assert.rejects(new MemoryCache().set('a', undefined), { message: 'MemoryCache serializer must return a string' });
  const cycle = {};
  cycle.self = cycle;
  await assert.rejects(new MemoryCache().set('a', cycle), (error) => error.message.startsWith('Failed to serialize data for key'));
});

test('spec10_09 compression keeps values and accounts base64 bytes', async () => {
  const cache = new MemoryCache({ enableCompression: true, compressionThreshold: 100 });
  const large = { text: 'abc '.repeat(1000) };
  await cache.set('large', large);
  await cache.set('small', 'x');
  assert.deepEqual(await cache.get('large'), large);
  assert.ok(cache.currentMemoryBytes < 400, String(cache.currentMemoryBytes));
  const stats = cache.getCompressionStats();
  assert.deepEqual([stats.enabled, stats.totalItems, stats.compressedItems, stats.compressionThreshold], [true, 2, 1, 100]);
  assert.match(stats.memoryUsage.saved, /^\d+\.\d\d KB$/);
  assert.deepEqual(new MemoryCache().getCompressionStats().enabled, false);
});

test('spec10_09 statistics are collected on request', async () => {
  const off = new MemoryCache();
  await off.set('a', 1);
  await off.get('a');
  assert.deepEqual(off.getStats(), { enabled: false });
  assert.equal(off.stats.hits, 0);
  const on = new MemoryCache({ enableStats: true });
  await on.set('a', 1);
  await on.get('a');
  await on.get('b');
  await on.del('a');
  const { enabled, hits, misses, sets, deletes, hitRate } = on.getStats();
  assert.deepEqual([enabled, hits, misses, sets, deletes, hitRate], [true, 1, 1, 1, 1, 0.5]);
  assert.deepEqual(on.stats(), on.getStats());
  assert.equal(on.stats.hits, 1);
  await on.clear();
  assert.equal(on.stats.sets, 0);
});

test('spec10_09 memory statistics have the documented members', async () => {
  const cache = new MemoryCache({ maxMemoryBytes: 4096 });
  await cache.set('a', 'x'.repeat(1998));
  const stats = cache.getMemoryStats();
  assert.deepEqual(
    [stats.currentMemoryBytes, stats.maxMemoryBytes, stats.totalItems, stats.maxSize, stats.averageItemSize],
    [2000, 4096, 1, 1000, 2000]
  );
  assert.deepEqual(stats.memoryUsage, { current: '1.95 KB', max: '4.00 KB', available: '2.05 KB' });
  assert.match(stats.systemMemory.cachePercent, /^\d+\.\d\d%$/);
  assert.equal(new MemoryCache().getMemoryStats().memoryUsage.max, 'unlimited');
});

test('spec10_08 events, key checks and prefixes of the base class', async () => {
  const cache = new MemoryCache();
  assert.ok(cache instanceof Cache);
  const events = [];
  for (const name of ['set', 'fetched', 'deleted', 'clear']) cache.on(name, (payload) => events.push([name, payload]));
  assert.equal(await cache.set('a', 1), 1);
  await cache.get('a');
  await cache.get('none');
  assert.equal(await cache.delete('a'), true);
  assert.equal(await cache.clear('x'), true);
  assert.deepEqual(events, [
    ['set', { key: 'a', value: 1 }],
    ['fetched', { key: 'a', value: 1 }],
    ['fetched', { key: 'none', value: null }],
    ['deleted', { key: 'a', value: true }],
    ['clear', { prefix: 'x', value: true }]
  ]);
  for (const key of ['', null, 5]) {
    await assert.rejects(cache.get(key), {
      name: 'CacheError',
      message: 'Invalid cache key',
      suggestion: 'Cache key must be a non-empty string',
      statusCode: 400
    });
  }
  await cache.set('resource=user/a', 1);
  await cache.set('resource=users/a', 1);
  await cache.clear('resource=user');
  assert.equal(await cache.size(), 0);
});

test('spec10_16 pressure and eviction are told, and shutdown drops everything', async () => {
  const cache = new MemoryCache({ maxSize: 1, heapUsageThreshold: 0.000001, monitorInterval: 5 });
  const evictions = [];
  cache.on('memory:evict', (event) => evictions.push(event.evicted));
  const pressure = new Promise((resolve) => {
    cache.once('memory:pressure', resolve);
  });
  await cache.set('a', 1);
  await cache.set('b', 1);
  assert.deepEqual(evictions, [1]);
  // The watch does not keep a process alive by itself.
  const alive = setInterval(() => {}, 1000);
  assert.ok((await pressure).heapUsed > 0);
  clearInterval(alive);
  assert.ok(cache.getMemoryStats().memoryPressureEvents > 0);
  assert.equal(await cache.get('b'), 1);
  await cache.shutdown();
  assert.equal(await cache.size(), 0);
});

test('spec10_09 more keys than the decoded values kept beside them still answer exactly', async () => {
  const cache = new MemoryCache({ maxSize: 0 });
  for (let i = 0; i < 10_000; i += 1) await cache.set(`k${i}`, { i });
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 10_000; i += 1) assert.equal(cache.getSync(`k${i}`).i, i);
  }
  await cache.set('k5', { i: 'new' });
  assert.equal(cache.getSync('k5').i, 'new');
  assert.equal(await cache.size(), 10_000);
});

test('spec10_16 the limits that options of a memory cache come to', () => {
  const heapLimit = getHeapStatistics().heap_size_limit;
  const shareOf = (whole, inferredPercent) => ({
    maxMemoryBytes: Math.floor(whole * inferredPercent),
    inferredPercent,
    derivedFromPercent: true,
    heapLimit
  });
  assert.deepEqual(resolveCacheMemoryLimit(), shareOf(heapLimit, 0.25));
  assert.deepEqual(resolveCacheMemoryLimit({ inferredMaxMemoryPercent: 0.5 }), shareOf(heapLimit, 0.5));
  assert.deepEqual(resolveCacheMemoryLimit({ maxMemoryPercent: 0.1 }), shareOf(totalmem(), 0.1));
  assert.deepEqual(resolveCacheMemoryLimit({ maxMemoryBytes: 1000, maxMemoryPercent: 0.1 }), {
    maxMemoryBytes: 1000,
    heapLimit,
    derivedFromPercent: false
  });
  for (const wrong of [{ maxMemoryPercent: 10 }, { maxMemoryBytes: -1 }, { maxMemoryBytes: 'x' }, { inferredMaxMemoryPercent: 2 }]) {
    assert.throws(() => resolveCacheMemoryLimit(wrong), { name: 'CacheError', statusCode: 400 });
  }
  assert.equal(new MemoryCache().maxMemoryBytes, 0);
  assert.equal(new MemoryCache({ inferredMaxMemoryPercent: 0.5 }).maxMemoryBytes, Math.floor(heapLimit * 0.5));
  assert.equal(new MemoryCache({ maxMemoryPercent: 0.1 }).maxMemoryBytes, Math.floor(totalmem() * 0.1));
});

test('spec10_16 memory of the process is reported, compared, measured and sampled', async () => {
  const usage = getMemoryUsage();
  assert.ok(usage.rss > 0 && usage.heapSizeLimit > usage.heapUsed);
  assert.equal(usage.heapUsedMB, Number((usage.heapUsed / 1048576).toFixed(2)));
  assert.match(formatMemoryUsage(), /^RSS: [\d.]+MB \| Heap: [\d.]+\/[\d.]+MB \| External: [\d.]+MB$/);
  const figures = (heapUsed) => ({ heapUsed, heapTotal: 4 << 20, external: 1 << 20, rss: 8 << 20 });
  const { diff, diffMB, before, after } = compareMemorySnapshots(figures(1 << 20), figures(3 << 20));
  assert.deepEqual([diff.heapUsed, diff.rss, diffMB.heapUsed, before.heapUsedMB, after.heapUsedMB], [2 << 20, 0, 2, 1, 3]);
  const measured = await measureMemory(async () => new Array(200_000).fill(0.5).length);
  assert.equal(measured.result, 200_000);
  assert.equal(measured.heapGrowthMB, measured.memory.diffMB.heapUsed);
  assert.ok(measured.duration >= 0);
  await assert.rejects(
    measureMemory(async () => {
      throw new Error('inside');
    }),
    /inside/
  );
  await assert.rejects(measureMemory(5), { name: 'ValidationError', field: 'work' });

  const sampler = new MemorySampler({ maxSamples: 3, sampleIntervalMs: 1 });
  assert.deepEqual([sampler.getStats(), sampler.detectLeak()], [null, false]);
  sampler.start();
  sampler.start();
  while (sampler.getSamples().length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  sampler.stop();
  assert.equal(sampler.isRunning, false);
  sampler.samples = [1, 2, 1.5].map((factor, at) => ({ timestamp: at * 10, heapUsed: factor * 100, heapUsedMB: factor }));
  assert.deepEqual(sampler.getStats(), {
    sampleCount: 3,
    minHeapUsedMB: 1,
    maxHeapUsedMB: 2,
    avgHeapUsedMB: 1.5,
    currentHeapUsedMB: 1.5,
    timeRangeMs: 20
  });
  assert.deepEqual(sampler.detectLeak(), { detected: true, growthRate: 50, startHeapMB: 1, endHeapMB: 1.5, samples: 3, timeRangeMs: 20 });
  assert.equal(sampler.detectLeak(0.6), false);
  sampler.sample();
  assert.equal(sampler.getSamples().length, 3, 'the oldest goes');
  sampler.reset();
  assert.deepEqual(sampler.getSamples(), []);
  assert.throws(() => new MemorySampler({ maxSamples: 0 }), { name: 'ValidationError', field: 'maxSamples' });
  await assert.rejects(captureHeapSnapshot(), { name: 'ValidationError', field: 'directory' });
  const file = await captureHeapSnapshot(join(temporaryDirectory(), 'heap'));
  assert.ok(statSync(file).size > 0);
});
