// The plugin guide: PluginStorage.
import assert from 'node:assert/strict';
import { Plugin, PluginStorage } from '../../../js/index.js';
import { guide } from '../support/guide.js';

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The storage of the guide's plugin `my-plugin`, and of another one. */
async function storages(connect) {
  const database = await connect();
  return { database, storage: new PluginStorage(database.client, 'my-plugin'), other: new PluginStorage(database.client, 'other') };
}

guide(34, 'raw keys such as put("config", ...) are stored as given', async ({ connect }) => {
  const { database, storage, other } = await storages(connect);
  await storage.put('config', { enabled: true });
  assert.equal(await database.client.exists('config'), true);
  assert.deepEqual(await other.get('config'), { enabled: true });
  assert.deepEqual(await storage.list(), []);
});

guide(58, 'storage is isolated for each plugin and hierarchical', async ({ connect }) => {
  const { storage, other } = await storages(connect);
  await storage.set(storage.getPluginKey(null, 'a', 'b'), { x: 1 });
  assert.equal(await other.get(other.getPluginKey(null, 'a', 'b')), null);
  assert.deepEqual(await other.list(), []);
  assert.deepEqual(await storage.list('a/'), ['plugin=my-plugin/a/b']);
});

guide(59, "super({ slug: 'my-plugin' }) is the namespace", async ({ connect }) => {
  class Stored extends Plugin {
    constructor() {
      super({ slug: 'my-plugin' });
    }
    async onInstall() {
      const storage = this.getStorage();
      await storage.set(
        storage.getPluginKey(null, 'config'),
        { enabled: true, lastSync: Date.now(), settings: { retries: 3, timeout: 30000 } },
        { behavior: 'body-overflow' }
      );
      await storage.set(
        storage.getPluginKey('users', 'cache', 'user-123'),
        { name: 'Alice', email: 'alice@example.com', cachedAt: Date.now() },
        { ttl: 300, behavior: 'body-only' }
      );
    }
  }
  const database = await connect();
  const plugin = new Stored();
  await plugin.install(database);
  const storage = new PluginStorage(database.client, 'my-plugin');
  assert.deepEqual((await storage.get('plugin=my-plugin/config')).settings, { retries: 3, timeout: 30000 });
  assert.equal((await storage.get('resource=users/plugin=my-plugin/cache/user-123')).email, 'alice@example.com');
});

guide(60, 'set(key, data, { ttl, behavior }) with seconds', async ({ connect }) => {
  const { storage } = await storages(connect);
  const key = storage.getPluginKey('users', 'session', 'user-1');
  await storage.set(key, { token: 'abc123' }, { ttl: 300 });
  const ttl = await storage.getTTL(key);
  assert.ok(ttl > 295 && ttl <= 300, String(ttl));
  await storage.set(key, { huge: 'data'.repeat(1000) }, { behavior: 'body-only' });
  assert.equal((await storage.get(key)).huge.length, 4000);
});

guide(61, 'get is null when expired; isExpired, getTTL, touch', async ({ connect }) => {
  const { storage } = await storages(connect);
  for (const behavior of ['body-overflow', 'body-only', 'enforce-limits']) {
    await storage.set('session:abc123', { userId: 'user1', token: 'xyz789' }, { ttl: 60, behavior });
    assert.equal(await storage.isExpired('session:abc123'), false);
    assert.equal(await storage.touch('session:abc123', 30), true);
    const ttl = await storage.getTTL('session:abc123');
    assert.ok(ttl > 80 && ttl <= 90, `${behavior} ${ttl}`);
    const { token, ...rest } = await storage.get('session:abc123');
    // All in metadata, whose names S3 keeps in lower case.
    assert.deepEqual(
      [token, Object.keys(rest).map((name) => (behavior === 'enforce-limits' ? name.toLowerCase() : name))],
      ['xyz789', [behavior === 'enforce-limits' ? 'userid' : 'userId']]
    );
    await storage.set('session:abc123', { userId: 'user1' }, { ttl: 0.05, behavior });
    await wait(80);
    assert.equal(await storage.isExpired('session:abc123'), true);
    assert.equal(await storage.get('session:abc123'), null);
    assert.equal(await storage.getTTL('session:abc123'), null);
  }
});

guide(62, 'acquireLock(name, { ttl, timeout, workerId }) gives a handle or null', async ({ connect }) => {
  const { storage } = await storages(connect);
  const lock = await storage.acquireLock('consolidate:user123', { ttl: 300, timeout: 5000, workerId: process.pid });
  assert.deepEqual(
    [lock.name, lock.key, lock.workerId, lock.token.length],
    ['consolidate:user123', 'plugin=my-plugin/locks/consolidate:user123', process.pid, 22]
  );
  assert.equal(await storage.acquireLock('consolidate:user123', { ttl: 300 }), null);
  assert.equal(await storage.acquireLock('consolidate:user123', { ttl: 300, timeout: 150 }), null);
});

guide(63, 'releaseLock(lock) and releaseLock(name, lock.token)', async ({ connect }) => {
  const { storage } = await storages(connect);
  await storage.releaseLock(await storage.acquireLock('a', { ttl: 300 }));
  const again = await storage.acquireLock('a', { ttl: 300 });
  assert.ok(again);
  await storage.releaseLock('a', again.token);
  assert.ok(await storage.acquireLock('a', { ttl: 300 }));
});

guide(64, 'isLocked(name)', async ({ connect }) => {
  const { storage } = await storages(connect);
  assert.equal(await storage.isLocked('a'), false);
  const lock = await storage.acquireLock('a', { ttl: 300 });
  assert.equal(await storage.isLocked('a'), true);
  await storage.releaseLock(lock);
  assert.equal(await storage.isLocked('a'), false);
});

guide(65, 'stale locks need no cleaning up', async ({ connect }) => {
  const { storage } = await storages(connect);
  const stale = await storage.acquireLock('a', { ttl: 0.05 });
  await wait(80);
  const successor = await storage.acquireLock('a', { ttl: 300 });
  assert.ok(successor);
  assert.notEqual(successor.token, stale.token);
  await storage.releaseLock(stale);
  assert.equal(await storage.isLocked('a'), true, 'the lock of the successor stays');
});

guide(66, 'has, increment and decrement, atomic', async ({ connect }) => {
  const { storage } = await storages(connect);
  assert.equal(await storage.has('counter'), false);
  await storage.set('counter', { value: 0 });
  await storage.increment('counter', 5);
  await storage.decrement('counter', 2);
  assert.deepEqual(await storage.get('counter'), { value: 3 });
  assert.equal(await storage.has('counter'), true);
  await Promise.all(Array.from({ length: 20 }, () => storage.increment('counter')));
  assert.deepEqual(await storage.get('counter'), { value: 23 });
});

guide(67, "increment('api-calls') on a missing key gives 1, with { ttl }", async ({ connect }) => {
  const { storage } = await storages(connect);
  assert.equal(await storage.increment('api-calls', 1, { ttl: 60 }), 1);
  assert.ok((await storage.getTTL('api-calls')) > 50);
});

guide(68, 'shapes of getPluginKey', async ({ connect }) => {
  const { storage } = await storages(connect);
  assert.equal(storage.getPluginKey(null, 'config'), 'plugin=my-plugin/config');
  assert.equal(storage.getPluginKey(null, 'state', 'current'), 'plugin=my-plugin/state/current');
  assert.equal(storage.getPluginKey('users', 'cache', 'user-123'), 'resource=users/plugin=my-plugin/cache/user-123');
});

guide(69, "behavior 'enforce-limits' throws above 2 KB", async ({ connect }) => {
  const { storage } = await storages(connect);
  const key = storage.getPluginKey(null, 'small-config');
  await storage.set(key, { enabled: true }, { behavior: 'enforce-limits' });
  await assert.rejects(storage.set(key, { text: 'x'.repeat(2100) }, { behavior: 'enforce-limits' }), { name: 'MetadataLimitError' });
  assert.deepEqual(await storage.get(key), { enabled: true });
});

guide(70, 'list, listForResource, with { limit } and beyond 1,000 keys', async ({ connect }) => {
  const { storage } = await storages(connect);
  const items = Array.from({ length: 1100 }, (_, at) => ({ key: storage.getPluginKey(null, 'n', String(at)), data: { at } }));
  await storage.batchPut(items);
  await storage.put(storage.getPluginKey('users', 'cache', 'u1'), { a: 1 });
  assert.equal((await storage.list()).length, 1100);
  assert.equal((await storage.list('', { limit: 10 })).length, 10);
  assert.deepEqual(await storage.listForResource('users', 'cache'), ['resource=users/plugin=my-plugin/cache/u1']);
  assert.deepEqual(await storage.listForResource('users', '', { limit: 5 }), ['resource=users/plugin=my-plugin/cache/u1']);
});

guide(71, 'delete, deleteAll(resource) and deleteAll() count what they delete', async ({ connect }) => {
  const { database, storage, other } = await storages(connect);
  const users = await database.createResource({ name: 'users', attributes: { name: 'string' } });
  await users.insert({ id: 'plugin=my-plugin', name: 'not of the plugin' });
  await storage.put(storage.getPluginKey(null, 'temp-data'), { a: 1 });
  await storage.put(storage.getPluginKey(null, 'kept'), { a: 1 });
  await storage.put(storage.getPluginKey('users', 'a'), { a: 1 });
  await storage.put(storage.getPluginKey('orders', 'a'), { a: 1 });
  await other.put(other.getPluginKey(null, 'a'), { a: 1 });
  await storage.delete(storage.getPluginKey(null, 'temp-data'));
  assert.equal(await storage.deleteAll('users'), 1);
  assert.equal(await storage.deleteAll(), 2);
  assert.equal((await other.list()).length, 1);
  assert.equal((await users.get('plugin=my-plugin')).name, 'not of the plugin');
});

guide(72, 'batchPut(items) gives { key, ok, error }', async ({ connect }) => {
  const { storage } = await storages(connect);
  const items = [1, 2, 3].map((value) => ({ key: storage.getPluginKey(null, `item-${value}`), data: { value } }));
  const results = await storage.batchPut(items);
  assert.deepEqual(
    results.map(({ key, ok }) => [key, ok]),
    items.map(({ key }) => [key, true])
  );
  assert.ok(results.every(({ error }) => error === null || error === undefined));
});

guide(73, 'batchGet(keys) gives { key, ok, data, error } in order', async ({ connect }) => {
  const { storage } = await storages(connect);
  await storage.put('a', { value: 1 });
  await storage.put('b', { value: 2 });
  const results = await storage.batchGet(['b', 'missing', 'a']);
  assert.deepEqual(
    results.map(({ key, ok, data }) => [key, ok, data]),
    [
      ['b', true, { value: 2 }],
      ['missing', true, null],
      ['a', true, { value: 1 }]
    ]
  );
});

guide(74, 'touch extends a body-only cache entry', async ({ connect }) => {
  const { storage } = await storages(connect);
  const key = storage.getPluginKey('users', 'cache', 'u1');
  await storage.set(key, { userId: 'u1', Deep: { a: ['x'] } }, { ttl: 10, behavior: 'body-only' });
  assert.equal(await storage.touch(key, 100), true);
  assert.ok((await storage.getTTL(key)) > 100);
  assert.deepEqual(await storage.get(key), { userId: 'u1', Deep: { a: ['x'] } });
});

guide(75, 'names of fields come back as they were given', async ({ connect }) => {
  const { storage } = await storages(connect);
  const data = { firstName: 'Ada', lastSync: 5, code: '007', on: 'true', list: [1, '2'] };
  await storage.set('names', data);
  assert.deepEqual(await storage.get('names'), data);
});

guide(78, "the guide's storage tests: a second lock is null at once, counters, isolation of resources", async ({ connect }) => {
  const { storage } = await storages(connect);
  const lock = await storage.acquireLock('test-lock', { ttl: 60 });
  assert.notEqual(lock, null);
  assert.equal(await storage.acquireLock('test-lock', { ttl: 60, timeout: 0 }), null);
  await storage.releaseLock(lock);
  assert.equal(await storage.increment('test-counter', 5), 5);
  assert.equal(await storage.decrement('test-counter', 2), 3);
  await storage.set(storage.getPluginKey('users', 'data'), { type: 'users' });
  await storage.set(storage.getPluginKey('orders', 'data'), { type: 'orders' });
  assert.deepEqual(await storage.listForResource('users'), ['resource=users/plugin=my-plugin/data']);
  assert.equal((await storage.get(storage.getPluginKey('orders', 'data'))).type, 'orders');
});
