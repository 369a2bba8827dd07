import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { CacheError, RedisCache } from '../../../js/index.js';
import { startRedis, withoutRedis } from '../support/redis.js';

const COUNT = 'resource=users/action=count.json.gz';
const until = async (condition) => {
  for (let i = 0; i < 400; i += 1) {
    if (await condition()) return;
    await sleep(10);
  }
  assert.fail('the condition did not come true');
};

/** Whether a command succeeds; a connection may be on its way back. */
const answers = async (target, command = 'size') => {
  try {
    await target[command]();
    return true;
  } catch {
    return false;
  }
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

describe('redis driver', { skip: withoutRedis }, () => {
  let server;
  let raw;
  const open = [];

  before(async () => {
    server = await startRedis();
    raw = new Redis({ port: server.port, host: '127.0.0.1' });
    raw.on('error', () => {});
  });

  after(async () => {
    for (const cache of open) await cache.close();
    raw.disconnect();
    await server.kill();
  });

  function make(options = {}) {
    const cache = new RedisCache({
      host: '127.0.0.1',
      port: server.port,
      connectTimeout: 1000,
      commandTimeout: 500,
      retryDelay: 50,
      ...options
    });
    open.push(cache);
    return cache;
  }

  test('spec10_12 entries in Redis have the envelope, the key and the time of s3db.js', async () => {
    await raw.flushall();
    const cache = make({ ttl: 1500, enableStats: true });
    await cache.set(COUNT, 3);
    const name = `cache/${COUNT}`;
    assert.deepEqual(JSON.parse(await raw.get(name)), { data: '3', compressed: false, originalSize: 1, fmt: 2, types: {} });
    assert.equal(await raw.ttl(name), 2);
    const value = { text: 'abc '.repeat(1000), at: new Date(1), bytes: Buffer.from('x'), big: 3n };
    await cache.set('large', value, 0);
    assert.deepStrictEqual(await cache.get('large'), value);
    const envelope = JSON.parse(await raw.get('cache/large'));
    assert.equal(envelope.compressedSize, Buffer.from(envelope.data, 'base64').length);
    assert.equal(await raw.ttl('cache/large'), -1);
    await raw.set('cache/old', JSON.stringify({ data: '[1]', compressed: false, originalSize: 3 }));
    assert.deepEqual(await cache.lookup('old'), { hit: true, value: [1], fmt: 1, token: undefined });
    await raw.set('cache/broken', 'no json');
    assert.equal(await cache.get('broken'), null);
    const { enabled, hits, misses, sets, hitRatePercent } = cache.getStats();
    assert.deepEqual([enabled, hits, misses, sets, hitRatePercent], [true, 2, 1, 2, '66.67%']);
    assert.equal(make().getStats().enabled, false);
  });

  test('spec10_14_14 glob characters of prefixes are plain text', async () => {
    await raw.flushall();
    const cache = make({ keyPrefix: 'my[app]' });
    for (const key of ['a*b/1', 'aXb/1', 'a*b/2', 'other?']) await cache.set(key, 1);
    await cache.clear('a*');
    assert.deepEqual((await cache.keys()).sort(), ['aXb/1', 'other?']);
    await cache.clear('other?');
    assert.equal(await cache.size(), 1);
    await cache.clear();
    assert.equal(await cache.size(), 0);
  });

  test('spec10_17 what another process read before a write is not stored after it in Redis', async () => {
    await raw.flushall();
    const reader = make();
    const writer = make();
    const scope = { resource: 'users', action: 'count' };
    const early = await reader.lookup(COUNT, scope);
    await writer.invalidate({ resource: 'users', prefix: 'resource=users/', keep: [], keys: [] });
    await reader.store(COUNT, 'stale', undefined, scope, early.token);
    assert.equal(await reader.get(COUNT), null);
    const late = await reader.lookup(COUNT, scope);
    await reader.store(COUNT, 'fresh', undefined, scope, late.token);
    assert.equal(await writer.get(COUNT), 'fresh');
    assert.deepEqual(await writer.keys(), [COUNT], 'the mark is no entry');
  });

  test('spec10_17 a server that lost its marks or brought back what was cleared gives misses, never an old value', async () => {
    await raw.flushall();
    const scope = { resource: 'users', action: 'count' };
    const clear = (cache) => cache.invalidate({ resource: 'users', prefix: 'resource=users/', keep: [], keys: [] });
    const [reader, writer, other] = [make(), make(), make()];
    const first = await reader.lookup(COUNT, scope);
    await reader.store(COUNT, 'old', undefined, scope, first.token);
    assert.equal((await other.lookup(COUNT, scope)).value, 'old');
    await raw.save();
    const early = await reader.lookup('resource=users/action=list.json.gz', scope);
    await clear(writer);
    assert.equal((await other.lookup(COUNT, scope)).hit, false);

    // The dump holds the entry, and the mark of before the clear.
    await server.restart();
    for (const cache of [reader, other, writer]) await until(() => answers(cache));
    assert.equal((await other.lookup(COUNT, scope)).hit, false, 'what was cleared stays cleared');
    await reader.store('resource=users/action=list.json.gz', 'old', undefined, scope, early.token);
    assert.equal(await other.get('resource=users/action=list.json.gz'), null);

    // A server that came back empty has lost the marks too.
    const late = await reader.lookup(COUNT, scope);
    assert.ok(late.token);
    await clear(writer);
    await until(() => answers(raw, 'flushall'));
    await reader.store(COUNT, 'old', undefined, scope, late.token);
    assert.equal(await other.get(COUNT), null);
    const next = await reader.lookup(COUNT, scope);
    await reader.store(COUNT, 'new', undefined, scope, next.token);
    assert.equal((await other.lookup(COUNT, scope)).value, 'new');
  });

  test('spec10_12 a Redis cluster and a single writer: one is refused, the other needs no marks', async () => {
    assert.throws(() => new RedisCache({ client: { isCluster: true } }), { name: 'CacheError', statusCode: 400 });
    await raw.flushall();
    const cache = make({ crossProcess: false });
    const scope = { resource: 'users', action: 'count' };
    const { token } = await cache.lookup(COUNT, scope);
    assert.equal(token, undefined);
    await cache.store(COUNT, 1, undefined, scope, token);
    await cache.invalidate({ resource: 'users', prefix: 'resource=users/', keep: [], keys: [] });
    assert.equal(await cache.get(COUNT), null);
    assert.deepEqual(await raw.keys('*:mark:*'), []);
  });

  test('spec10_17 an invalidation in Redis keeps the items that a write did not touch', async () => {
    await raw.flushall();
    const cache = make();
    const item = (id) => `resource=users/action=get/${id}.json.gz`;
    for (const key of [
      COUNT,
      item('1'),
      item('2'),
      'resource=users/action=getAll.json.gz',
      'resource=users_archive/action=count.json.gz'
    ]) {
      await cache.set(key, 1);
    }
    const keep = ['resource=users/action=get/'];
    await cache.invalidate({ resource: 'users', prefix: 'resource=users/', keep, keys: [item('1')] });
    assert.deepEqual((await cache.keys()).sort(), [item('2'), 'resource=users_archive/action=count.json.gz']);
  });

  test('spec10_12 an ioredis instance of the caller is used and stays open, and options reach the client', async () => {
    await raw.flushall();
    const cache = new RedisCache({ client: raw });
    await cache.set('k', 1);
    await cache.close();
    assert.equal(await raw.exists('cache/k'), 1);
    const named = make({ connectionName: 'top', redisOptions: { db: 3 } });
    await named.set('k', 2);
    assert.equal(await raw.exists('cache/k'), 1);
    assert.equal(named.client.options.db, 3);
    assert.equal(named.client.options.connectionName, 'top');
  });

  test('spec10_14_14 a server that is away fails operations in bounded time with the documented texts', async () => {
    const cache = new RedisCache({ host: '127.0.0.1', port: 1, connectTimeout: 300, retryAttempts: 1, retryDelay: 10 });
    for (const [run, text] of [
      [() => cache.get('k'), 'Failed to connect to Redis'],
      [() => cache.set('k', 1), 'Failed to connect to Redis'],
      [() => cache.clear(), 'Failed to connect to Redis'],
      [() => cache.size(), 'Failed to connect to Redis']
    ]) {
      await assert.rejects(run(), (error) => error instanceof CacheError && error.message.startsWith(text) && error.statusCode === 500);
    }
    await cache.close();
  });

  test('spec10_14_14 a server that hangs is given up on, and found again when it answers', async () => {
    await raw.flushall();
    const cache = make({ commandTimeout: 200, connectTimeout: 200 });
    await cache.set('k', 1);
    server.pause();
    try {
      await assert.rejects(cache.get('k'), (error) => error instanceof CacheError);
      await assert.rejects(cache.get('k'), (error) => error instanceof CacheError);
    } finally {
      server.resume();
    }
    await sleep(300);
    assert.equal(await cache.get('k'), 1);
  });

  test('spec10_14_14 a killed server is used again after its restart', async () => {
    const cache = make();
    await cache.set('k', 1);
    await server.kill();
    await assert.rejects(cache.get('k'), (error) => error instanceof CacheError);
    await server.restart();
    await sleep(100);
    assert.equal(await cache.get('k'), null);
    await cache.set('k', 2);
    assert.equal(await cache.get('k'), 2);
  });
});

test('spec10_14_14 without the package ioredis using the driver says what to install', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 's3db-no-redis-'));
  try {
    for (const part of ['dist', 'package.json', 's3db.node']) cpSync(join(root, part), join(folder, 'lib', part), { recursive: true });
    for (const name of ['fastest-validator', 'semver']) {
      cpSync(join(root, 'node_modules', name), join(folder, 'lib', 'node_modules', name), { recursive: true });
    }
    const program = `
      const { RedisCache } = require('./lib');
      const cache = new RedisCache({});
      cache.get('k').catch((error) => console.log(JSON.stringify([error.name, error.code, error.message.includes('Missing dependency: ioredis'), error.suggestion])));
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { cwd: folder, encoding: 'utf8' });
    assert.deepEqual(JSON.parse(stdout || `"${stderr}"`), [
      'CacheError',
      'MISSING_DEPENDENCY',
      true,
      'Install the package: npm install ioredis@^5.4.1'
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
