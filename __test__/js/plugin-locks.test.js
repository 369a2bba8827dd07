// Locks, fences and mutexes of plugin storage, on every kind of store.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Database, DistributedLock, PluginStorage, S3Mutex } from '../../js/index.js';
import { ClassClient, plainClient } from './support/object-clients.js';
import { clientKinds, clock, storageOn } from './support/storages.js';

for (const kind of clientKinds) {
  describe(`locks on ${kind.name}`, { skip: kind.skip }, () => {
    test('spec05_10_7_one_holder_until_release', async () => {
      const storage = storageOn(kind);
      const lock = await storage.acquireLock('job', { ttl: 10, workerId: { pid: 1 } });
      assert.equal(lock.name, 'job');
      assert.equal(lock.key, 'plugin=demo/locks/job');
      assert.equal(lock.token.length, 22);
      assert.deepEqual(lock.workerId, { pid: 1 });
      assert.ok(lock.expiresAt > Date.now() + 8000 && lock.expiresAt <= Date.now() + 10_000);
      assert.ok(lock.fence > 0);
      if (!kind.weak) assert.equal(typeof lock.etag, 'string');
      for (const timeout of [0, undefined, null]) assert.equal(await storage.acquireLock('job', { timeout }), null);
      assert.equal(await storage.isLocked('job'), true);
      assert.equal(await storage.isOwner(lock), true);
      assert.equal(await storage.releaseLock(lock), undefined);
      assert.equal(await storage.isLocked('job'), false);
      assert.equal(await storage.isOwner(lock), false);
      const next = await storage.acquireLock('job');
      assert.ok(next.fence > lock.fence, 'the fence survives the release');
      assert.notEqual(next.token, lock.token);
      assert.equal(next.workerId, 'unknown');
    });

    test('spec05_10_7_the_stored_body_is_that_of_13_6_with_a_fence', async () => {
      const storage = storageOn(kind);
      const lock = await storage.acquireLock('job', { workerId: 7 });
      const { Body, Metadata } = await storage.client.getObject(lock.key);
      const text = typeof Body === 'string' ? Body : await Body.transformToString();
      const { workerId, token, acquiredAt, _expiresAt, fence } = JSON.parse(text);
      assert.deepEqual({ ...Metadata }, {});
      assert.deepEqual([workerId, token, _expiresAt, fence], [7, lock.token, lock.expiresAt, lock.fence]);
      assert.equal(_expiresAt - acquiredAt, 30_000);
    });

    test('spec05_10_7_an_expired_lock_is_taken_over_and_its_holder_cannot_release_the_successor', async () => {
      const now = clock();
      const storage = storageOn(kind, 'demo', { now });
      const lost = await storage.acquireLock('job', { ttl: 5 });
      assert.equal(await storage.acquireLock('job'), null);
      now.advance(6);
      assert.equal(await storage.isLocked('job'), false);
      const racers = await Promise.all(Array.from({ length: 6 }, () => storage.acquireLock('job', { ttl: 5 })));
      const winners = racers.filter((lock) => lock !== null);
      assert.equal(winners.length, 1);
      const [won] = winners;
      assert.ok(won.fence > lost.fence);
      await storage.releaseLock(lost);
      await storage.releaseLock('job', lost.token);
      assert.equal(await storage.renewLock(lost), null);
      assert.equal(await storage.isOwner(lost), false);
      assert.equal(await storage.isOwner(won), true, 'the successor still holds it');
      await storage.releaseLock(won);
      assert.equal(await storage.isLocked('job'), false);
    });

    test('spec05_10_7_renewal_keeps_token_and_fence', async () => {
      const now = clock();
      const storage = storageOn(kind, 'demo', { now });
      const lock = await storage.acquireLock('job', { ttl: 10 });
      now.advance(8);
      const renewed = await storage.renewLock(lock, 20);
      assert.deepEqual([renewed.token, renewed.fence, renewed.name, renewed.key], [lock.token, lock.fence, lock.name, lock.key]);
      assert.equal(renewed.expiresAt, lock.expiresAt + 18_000);
      now.advance(15);
      assert.equal(await storage.isLocked('job'), true);
      assert.equal((await storage.renewLock(lock)).token, lock.token, 'by an older handle of the same holder');
      await storage.releaseLock(lock);
      assert.equal(await storage.isLocked('job'), false, 'and released by it');
      assert.equal(await storage.renewLock(lock), null);
    });

    test('spec05_10_7_waiting_is_bounded_and_ends_when_the_lock_is_free', async () => {
      const storage = storageOn(kind);
      const held = await storage.acquireLock('job', { ttl: 30 });
      assert.equal(await storage.acquireLock('job', { timeout: 120, retryDelay: 20 }), null);
      const waiting = storage.acquireLock('job', { timeout: Number.POSITIVE_INFINITY, retryDelay: 20, maxRetryDelay: 50 });
      await new Promise((resolve) => setTimeout(resolve, 60));
      await storage.releaseLock(held);
      const lock = await waiting;
      assert.equal(await storage.isOwner(lock), true);
    });

    test('spec05_10_7_a_waiter_takes_over_when_the_holder_crashed', async () => {
      const storage = storageOn(kind);
      await storage.acquireLock('job', { ttl: 0.4 });
      const lock = await storage.acquireLock('job', { timeout: 20_000, retryDelay: 5000, maxRetryDelay: 5000 });
      assert.notEqual(lock, null, 'it waits for the expiry, not for the next retry');
    });

    test('spec05_10_7_with_lock_runs_alone_and_always_releases', async () => {
      const storage = storageOn(kind);
      let inside = 0;
      const work = () =>
        storage.withLock('job', { ttl: 10, timeout: 30_000, retryDelay: 5, maxRetryDelay: 20 }, async () => {
          inside += 1;
          assert.equal(inside, 1);
          await new Promise((resolve) => setTimeout(resolve, 5));
          inside -= 1;
          return 'done';
        });
      assert.deepEqual(await Promise.all([work(), work(), work(), work()]), ['done', 'done', 'done', 'done']);
      await assert.rejects(
        storage.withLock('job', {}, () => {
          throw new Error('mine');
        }),
        { message: 'mine' }
      );
      assert.equal(await storage.isLocked('job'), false);
      await storage.acquireLock('job');
      let called = false;
      const skipped = await storage.withLock('job', {}, () => {
        called = true;
      });
      assert.equal(skipped, null);
      assert.equal(called, false);
      await assert.rejects(storage.withLock('job', {}), { name: 'PluginStorageError', message: 'withLock requires a callback function' });
    });

    test('spec05_10_7_a_lock_of_13_6_is_honoured_and_taken_over', async () => {
      const storage = storageOn(kind);
      const put = (body) => storage.client.putObject({ key: 'plugin=demo/locks/job', metadata: {}, body, contentType: 'application/json' });
      const old = { workerId: 'w', token: 'x'.repeat(22), acquiredAt: Date.now() };
      await put(JSON.stringify({ ...old, _expiresAt: Date.now() + 60_000 }));
      assert.equal(await storage.isLocked('job'), true);
      assert.equal(await storage.acquireLock('job'), null);
      await put(JSON.stringify({ ...old, _expiresAt: Date.now() - 1 }));
      assert.equal(await storage.isLocked('job'), false);
      const lock = await storage.acquireLock('job');
      assert.ok(lock.fence > old.acquiredAt * 1000);
      await put('no json at all');
      assert.notEqual(await storage.acquireLock('job'), null, 'what cannot be read is no lock');
      // ttl: 0 of 13.6
      await put(JSON.stringify(old));
      assert.equal(await storage.acquireLock('job'), null);
    });

    test('spec05_10_7_discard_removes_the_lock_on_release', async () => {
      const storage = storageOn(kind);
      const lock = await storage.acquireLock('once', { discard: true });
      assert.equal(await storage.acquireLock('once', { discard: true }), null);
      const renewed = await storage.renewLock(lock);
      await storage.releaseLock(renewed);
      assert.deepEqual(await storage.list(), []);
      const again = await storage.acquireLock('once', { discard: true });
      assert.ok(again.fence >= lock.fence);
    });

    test('spec05_10_7_misuse_of_release_is_named', async () => {
      const storage = storageOn(kind);
      for (const nothing of [null, undefined, '', 0]) assert.equal(await storage.releaseLock(nothing), undefined);
      const lock = await storage.acquireLock('job');
      const refused = (message, ...args) => assert.rejects(storage.releaseLock(...args), { name: 'PluginStorageError', message });
      await refused('releaseLock(lockName) now requires the lock token', 'job');
      await refused('releaseLock expects a lock object or lock name', 42);
      await refused('Lock token missing on lock object', { name: 'job', token: '' });
      await refused('releaseLock detected a stored token but none was provided', { name: 'job' });
      await refused('Invalid lock key', { token: 'x', key: 5 });
      assert.equal(await storage.isOwner(lock), true);
      await storage.releaseLock({ lockName: 'job' }, lock.token);
      assert.equal(await storage.isLocked('job'), false);
      await storage.releaseLock(lock);
      await storage.releaseLock('never', 'x'.repeat(22));
    });

    test('spec05_10_7_bad_options_are_named', async () => {
      const storage = storageOn(kind);
      for (const ttl of [0, -1, NaN, '5', Number.POSITIVE_INFINITY]) {
        await assert.rejects(storage.acquireLock('job', { ttl }), { name: 'PluginStorageError', field: 'ttl' });
      }
      await assert.rejects(storage.acquireLock('job', { timeout: 'soon' }), { name: 'PluginStorageError', field: 'timeout' });
      await assert.rejects(storage.acquireLock(''), { name: 'PluginStorageError', field: 'lockName' });
      await assert.rejects(storage.renewLock({ key: 'k' }), { name: 'PluginStorageError' });
    });

    test('spec05_18_distributed_lock', async () => {
      const storage = storageOn(kind);
      const locks = new DistributedLock(storage, { keyGenerator: (name) => `made/${name}`, ttl: 7 });
      const lock = await locks.acquire('a', { workerId: 'w' });
      assert.deepEqual([lock.key, lock.ttl], ['made/a', 7]);
      assert.equal((await new DistributedLock(storage).acquire('b')).key, 'locks/b');
      assert.equal(await locks.acquire('a'), null);
      assert.equal(await locks.isLocked('a'), true);
      const { workerId, token, fence, expiresAt } = await locks.getLockInfo('a');
      assert.deepEqual([workerId, token, fence, expiresAt], ['w', lock.token, lock.fence, lock.expiresAt]);
      await locks.release('a', lock.token);
      assert.equal(await locks.getLockInfo('a'), null);
      assert.equal(await locks.withLock('a', {}, async () => 5), 5);
      assert.throws(() => new DistributedLock({}), { name: 'PluginStorageError' });
    });

    test('spec05_18_s3_mutex', async () => {
      const storage = storageOn(kind);
      const mutex = new S3Mutex(storage, 'builds');
      const lock = await mutex.lock('site', { ttl: 5, holderId: 'me' });
      const { Body } = await storage.client.getObject('plugin=demo/locks/namespace=builds/site.json');
      const body = JSON.parse(typeof Body === 'string' ? Body : await Body.transformToString());
      assert.deepEqual([body.lockId, body.holderId, body.expiresAt, body.acquiredAt], [lock.lockId, 'me', lock.expiresAt, lock.acquiredAt]);
      assert.equal(await mutex.tryLock('site'), null);
      assert.equal(await mutex.lock('site', { timeout: 50 }), null);
      assert.equal(await mutex.isLocked('site'), true);
      const extended = await mutex.extend(lock, 60);
      assert.ok(extended.expiresAt > lock.expiresAt);
      assert.equal((await mutex.getLockInfo('site')).lockId, lock.lockId);
      assert.equal(await mutex.unlock(extended), true);
      assert.equal(await mutex.unlock(extended), false);
      assert.equal(await mutex.isLocked('site'), false);
      assert.ok((await mutex.tryLock('site')).fence > lock.fence);
      assert.notEqual(await new S3Mutex(storage, 'other').tryLock('site'), null);
      await assert.rejects(mutex.unlock({}), { name: 'PluginStorageError' });
    });

    test('spec05_10_7_contenders_in_one_process', async () => {
      const storage = storageOn(kind);
      const handles = [storage, new PluginStorage(storage.client, 'demo')];
      let holders = 0;
      let last = 0;
      const rounds = kind.weak ? 3 : 10;
      await Promise.all(
        Array.from({ length: 4 }, async (_, worker) => {
          for (let round = 0; round < rounds; round += 1) {
            const mine = handles[worker % 2];
            const lock = await mine.acquireLock('hot', { ttl: 20, timeout: 60_000, retryDelay: 2, maxRetryDelay: 10 });
            holders += 1;
            assert.equal(holders, 1);
            assert.ok(lock.fence > last, `${lock.fence} after ${last}`);
            last = lock.fence;
            await Promise.resolve();
            holders -= 1;
            await mine.releaseLock(lock);
          }
        })
      );
    });
  });
}

test('spec05_2_8_a_store_without_conditions_is_announced_once_by_the_database', async () => {
  const client = plainClient();
  const database = new Database({ client });
  const told = [];
  database.on('db:storage:degraded', (payload) => told.push(payload));
  await database.connect();
  const storage = new PluginStorage(client, 'demo');
  await storage.acquireLock('a');
  await new PluginStorage(client, 'other').increment('plugin=other/n');
  await storage.acquireLock('b');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(told, [{ bucket: 'unknown', missing: ['if-none-match', 'if-match', 'delete-if-match'], mode: 'read-back' }]);
  await database.disconnect();
});

/** Honours conditions of writes and ignores those of deletes, as s3s-fs does. */
class Forgetful extends ClassClient {
  async deleteObject(key) {
    return super.deleteObject(key);
  }
}

test('spec05_2_8_without_conditional_deletes_an_expired_body_takes_the_place', async () => {
  const storage = new PluginStorage(new Forgetful(), 'demo');
  const lock = await storage.acquireLock('once', { discard: true });
  await storage.releaseLock(lock);
  assert.equal(await storage.isLocked('once'), false);
  assert.deepEqual(await storage.list(), ['plugin=demo/locks/once'], 'nobody can delete it safely');
  const next = await storage.acquireLock('once', { discard: true });
  await storage.releaseLock(lock);
  assert.equal(await storage.isOwner(next), true);
  const key = storage.getPluginKey(null, 'doc');
  const version = await storage.setIfNotExists(key, { n: 1 });
  assert.equal(await storage.deleteIfVersion(key, version), true);
  assert.equal(await storage.get(key), null);
  assert.notEqual(await storage.setIfNotExists(key, { n: 2 }), null);
  assert.equal(await storage.deleteIfVersion(key, version), false);
  assert.deepEqual(await storage.get(key), { n: 2 });
});
