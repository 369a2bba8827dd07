import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MemoryCache } from '../../../js/index.js';
import { SlowDriver, withCache } from '../support/cache.js';
import { s3ConnectionString, temporaryDirectory, withoutS3 } from '../support/clients.js';
import { requestsOf, settle } from '../support/databases.js';
import { startRedis, withoutRedis } from '../support/redis.js';

const until = async (condition) => {
  for (let i = 0; i < 400; i += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail('the condition did not come true');
};

/** Everything that reads of a resource give, in one object. */
async function view(users) {
  return {
    count: await users.count(),
    ids: await users.listIds(),
    list: await users.list(),
    page: (await users.page({ size: 50 })).items,
    all: await users.getAll(),
    query: await users.query({ n: 1 }),
    us: await users.list({ partition: 'byRegion', partitionValues: { region: 'US' } }),
    exists: await users.exists('u1'),
    created: await users.exists('x1'),
    get: await users.getOrNull('u1'),
    many: await users.getMany(['u1', 'u2', 'x1'])
  };
}

const WRITES = [
  ['insert', (r) => r.insert({ id: 'x1', name: 'x', region: 'US', n: 1 })],
  ['insert without id', (r) => r.insert({ name: 'x', region: 'US', n: 1 })],
  ['insertMany', (r) => r.insertMany([{ id: 'x1', name: 'x', n: 1 }, { name: 'y' }])],
  ['upsert of a new record', (r) => r.upsert({ id: 'x1', name: 'x' })],
  ['upsert of an old record', (r) => r.upsert({ id: 'u1', name: 'x' })],
  ['update', (r) => r.update('u1', { n: 9, region: 'BR' })],
  ['patch', (r) => r.patch('u1', { n: 9 })],
  ['replace', (r) => r.replace('u1', { name: 'whole' })],
  ['updateConditional', async (r) => r.updateConditional('u1', { n: 9 }, { ifMatch: (await r.get('u1'))._etag })],
  ['delete', (r) => r.delete('u1')],
  ['deleteMany', (r) => r.deleteMany(['u1', 'u2'])],
  ['deleteAll', (r) => r.deleteAll()],
  ['deleteAllData', (r) => r.deleteAllData()]
];

const DRIVERS = {
  memory: () => ({}),
  s3: () => ({ driver: 's3' }),
  filesystem: () => ({ driver: 'filesystem', config: { directory: temporaryDirectory() } }),
  multi: () => ({ drivers: [{ driver: 'memory' }, { driver: 's3' }] })
};

for (const [kind, make] of Object.entries(DRIVERS)) {
  for (const behavior of ['user-managed', 'enforce-limits', 'body-only']) {
    if (kind !== 'memory' && behavior !== 'user-managed') continue;
    test(`spec10_14_11 after every write on ${kind} (${behavior}) every read gives what the bucket has`, async () => {
      for (const [name, write] of WRITES) {
        const { users, plugin } = await withCache(make(), { resource: { behavior, paranoid: false } });
        await users.insert({ id: 'u1', name: 'a', region: 'US', n: 1 });
        await users.insert({ id: 'u2', name: 'b', region: 'BR', n: 2 });
        await view(users);
        await write(users);
        const cached = await view(users);
        plugin.enabled = false;
        const fresh = await view(users);
        assert.deepStrictEqual(cached, fresh, name);
      }
    });
  }
}

test('spec10_06 writes by other plugins of the resource and partition maintenance clear too', async () => {
  const { users } = await withCache();
  await users.insert({ id: 'u1', name: 'a', region: 'US', n: 1 });
  const place = { partition: 'byRegion', partitionValues: { region: 'US' } };
  assert.equal((await users.list(place)).length, 1);
  await users.deletePartitionReferences(await users.get('u1'));
  assert.equal((await users.list(place)).length, 0);
  await users.createPartitionReferences(await users.get('u1'));
  assert.equal((await users.list(place)).length, 1);
});

test('spec10_06 references that are written after the insert appear in cached lists', async () => {
  const { users } = await withCache({}, { resource: { asyncPartitions: true } });
  const place = { partition: 'byRegion', partitionValues: { region: 'US' } };
  for (let i = 0; i < 20; i += 1) {
    await users.insert({ id: `u${i}`, name: 'a', region: 'US' });
    await users.list(place);
  }
  await users._drain();
  await settle();
  assert.equal((await users.list(place)).length, 20);
});

test('spec10_14_10 a write drops the item and the aggregates, and leaves other items', async () => {
  const { users, plugin } = await withCache();
  for (const id of ['u1', 'u2']) await users.insert({ id, name: id });
  for (const id of ['u1', 'u2']) {
    await users.get(id);
    await users.exists(id);
  }
  await users.list();
  await users.update('u1', { name: 'x' });
  const left = await plugin.driver.keys();
  assert.deepEqual(
    left.sort(),
    [await plugin.generateCacheKey(users, 'get', { id: 'u2' }), await plugin.generateCacheKey(users, 'exists', { id: 'u2' })].sort()
  );
});

test('spec10_14_10 a write costs the S3 driver one LIST and one DELETE', { skip: withoutS3 }, async () => {
  const { users, database } = await withCache({ driver: 's3' }, { database: { connectionString: s3ConnectionString() } });
  await users.insert({ id: 'u1', name: 'a' });
  for (const read of [() => users.get('u1'), () => users.list(), () => users.count(), () => users.exists('u1')]) await read();
  const { GetObject, PutObject, ListObjectsV2, DeleteObjects, DeleteObject, ...others } = await requestsOf(database, () =>
    users.update('u1', { name: 'b' })
  );
  assert.deepEqual([GetObject, PutObject, ListObjectsV2, DeleteObjects, DeleteObject, others], [1, 1, 1, 1, undefined, {}]);
});

test('spec10_14_12 a delete reads nothing again', async () => {
  const { users, database } = await withCache();
  await users.insert({ id: 'u1', name: 'a' });
  const requests = await requestsOf(database, () => users.delete('u1'));
  assert.ok((requests.GetObject ?? 0) + (requests.HeadObject ?? 0) <= 1, JSON.stringify(requests));
});

test('spec10_14_09 a write to account leaves accounts and account_archive alone', async () => {
  for (const options of Object.values(DRIVERS).map((make) => make())) {
    const { database, plugin } = await withCache(options);
    const resources = {};
    for (const name of ['account', 'accounts', 'account_archive']) {
      resources[name] = await database.createResource({ name, attributes: { name: 'string' } });
      await resources[name].insert({ id: 'a', name: 'a' });
      await resources[name].count();
    }
    await resources.account.insert({ id: 'b', name: 'b' });
    for (const name of ['accounts', 'account_archive']) {
      const { hits } = plugin.stats;
      await resources[name].count();
      assert.equal(plugin.stats.hits, hits + 1, name);
    }
    assert.equal(await resources.account.count(), 2);
  }
});

test('spec10_06 a refused write clears nothing, one that failed after the store took it does', async () => {
  const { users, plugin } = await withCache();
  await users.insert({ id: 'u1', name: 'a' });
  await users.get('u1');
  await users.count();
  const keys = await plugin.driver.keys();
  await assert.rejects(users.insert({ region: 'US' }));
  await assert.rejects(users.insert({ id: 'u1', name: 'twice' }));
  await assert.rejects(users.update('none', { name: 'x' }));
  assert.deepEqual(await plugin.driver.keys(), keys);
  users.addHook('afterUpdate', () => {
    throw new Error('after the store');
  });
  await assert.rejects(users.update('u1', { name: 'b' }), /after the store/);
  assert.equal((await users.get('u1')).name, 'b');
});

test('spec10_06 a stale exists does not mislead insert and upsert', async () => {
  const { users, plugin } = await withCache();
  await plugin.driver.set(await plugin.generateCacheKey(users, 'exists', { id: 'a' }), true);
  await users.insert({ id: 'a', name: 'a' });
  await plugin.driver.set(await plugin.generateCacheKey(users, 'exists', { id: 'b' }), true);
  await users.upsert({ id: 'b', name: 'b' });
  assert.equal(await users.count(), 2);
});

test('spec10_06 bulk inserts stay one native batch and are cleared once', async () => {
  const { users, plugin } = await withCache();
  let clears = 0;
  const { invalidateSync } = plugin.driver;
  plugin.driver.invalidate = async (what) => {
    clears += 1;
    invalidateSync.call(plugin.driver, what);
  };
  await users.insertMany(Array.from({ length: 1000 }, (_, i) => ({ id: `r${i}`, name: 'x' })));
  assert.equal(clears, 1);
  users.addHook('beforeInsert', (record) => record);
  await users.insertMany(Array.from({ length: 20 }, (_, i) => ({ id: `s${i}`, name: 'x' })));
  assert.equal(clears, 2);
  assert.equal(await users.count(), 1020);
});

test('spec10_07 clearCacheForResource takes a record, and clearCacheWithRetry tells how it went', async () => {
  const { users, plugin } = await withCache();
  await users.insert({ id: 'u1', name: 'a' });
  await users.get('u1');
  await users.list();
  await plugin.clearCacheForResource(users, { id: 'u1' });
  assert.equal(await plugin.driver.size(), 0);
  await users.get('u1');
  await plugin.clearCacheForResource(users);
  assert.equal(await plugin.driver.size(), 0);
  assert.deepEqual(await plugin.clearCacheWithRetry(plugin.driver, 'x'), [true, null]);
  let attempts = 0;
  const failing = {
    clear: async () => {
      attempts += 1;
      throw new Error('no');
    }
  };
  const [ok, error] = await plugin.clearCacheWithRetry(failing, 'x');
  assert.deepEqual([ok, error.message, attempts], [false, 'no', 3]);
  const gone = { clear: async () => Promise.reject(Object.assign(new Error('no'), { name: 'NoSuchKey' })) };
  assert.deepEqual(await plugin.clearCacheWithRetry(gone, 'x'), [true, null]);
});

test('spec10_07 a changed definition and a purged resource leave no old results', async () => {
  const { users, database } = await withCache();
  await users.insert({ id: 'u1', name: 'a' });
  assert.equal(await users.count(), 1);
  await database.deleteResource('users', { purgeData: true });
  const again = await database.createResource({ name: 'users', attributes: { name: 'string|required' } });
  assert.equal(await again.count(), 0);
});

test('spec10_14_08 a driver that fails to read or store makes no read fail, and tells', async () => {
  const driver = new SlowDriver();
  const { users, plugin } = await withCache({ driver });
  await users.insert({ id: 'u1', name: 'a' });
  const events = [];
  const heard = [];
  plugin.on('plg:cache:error', (event) => events.push(event));
  users.on('cache-error', (event) => heard.push(event));
  driver.broken.add('get').add('set');
  assert.equal((await users.get('u1')).name, 'a');
  driver.broken.delete('get');
  assert.equal((await users.get('u1')).name, 'a');
  await settle();
  // What could not be looked up is not stored either: a write may have come between.
  assert.deepEqual(
    events.map(({ resource, method, operation, error }) => [resource, method, operation, error]),
    [
      ['users', 'get', 'get', 'get is broken'],
      ['users', 'get', 'set', 'set is broken']
    ]
  );
  assert.equal(events[0].key, await plugin.generateCacheKey(users, 'get', { id: 'u1' }));
  assert.deepEqual(heard, events);
  assert.equal(plugin.stats.errors, 2);
});

test('spec10_17 a clear that fails is told and retried, and until then the bucket answers', async () => {
  const driver = new SlowDriver();
  const { users, plugin } = await withCache({ driver, retryAttempts: 2 });
  await users.insert({ id: 'u1', name: 'a' });
  await users.get('u1');
  const events = [];
  plugin.on('plg:cache:clear-error', (event) => events.push(event));
  driver.broken.add('clear');
  await users.update('u1', { name: 'b' });
  assert.equal((await users.get('u1')).name, 'b');
  assert.deepEqual(
    events.slice(0, 5).map(({ resource, method, id, type, error }) => [resource, method ?? type, id, error]),
    [
      ['users', 'get', 'u1', 'clear is broken'],
      ['users', 'exists', 'u1', 'clear is broken'],
      ['users', 'content', 'u1', 'clear is broken'],
      ['users', 'hasContent', 'u1', 'clear is broken'],
      ['users', 'broad', undefined, 'clear is broken']
    ]
  );
  await users.update('u1', { name: 'c' });
  assert.equal((await users.get('u1')).name, 'c');
  const recovered = new Promise((resolve) => {
    plugin.once('plg:cache:clear-recovered', resolve);
  });
  driver.broken.delete('clear');
  const alive = setInterval(() => {}, 1000);
  await recovered;
  clearInterval(alive);
  const { hits } = plugin.stats;
  assert.equal((await users.get('u1')).name, 'c');
  assert.equal((await users.get('u1')).name, 'c');
  assert.equal(plugin.stats.hits, hits + 1);
});

test('spec10_17 a cache directory that is full, unreadable or damaged gives misses, never wrong values', async (t) => {
  const directory = temporaryDirectory();
  const { users, plugin } = await withCache({ driver: 'filesystem', config: { directory } });
  await users.insert({ id: 'u1', name: 'a' });
  const errors = [];
  plugin.on('plg:cache:error', (event) => errors.push(event));
  await users.get('u1');
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) writeFileSync(join(entry.parentPath ?? entry.path, entry.name), 'damaged');
  }
  assert.equal((await users.get('u1')).name, 'a');
  const { hits } = plugin.stats;
  assert.equal((await users.get('u1')).name, 'a');
  assert.equal(plugin.stats.hits, hits + 1, 'entry and mark have been made anew');
  assert.deepEqual(errors, []);
  rmSync(directory, { recursive: true });
  // A file where the directory was: nothing can be stored.
  writeFileSync(directory, '');
  t.after(() => rmSync(directory, { force: true }));
  assert.equal((await users.get('u1')).name, 'a');
  assert.equal(errors.at(-1).operation, 'get');
  await users.update('u1', { name: 'b' });
  assert.equal((await users.get('u1')).name, 'b');
});

/** Runs the worker over a directory in which another process has stored `u1` with `n: 1`. */
async function workerOver(directory, wrap) {
  const { users } = await withCache(
    { driver: 'filesystem', config: { directory } },
    { resource: { attributes: { n: 'number' }, partitions: {} } }
  );
  await users.insert({ id: 'u1', n: 1 });
  for (const read of [() => users.get('u1'), () => users.list(), () => users.count()]) await read();
  const worker = fileURLToPath(new URL('../support/cache-worker.mjs', import.meta.url));
  const { stdout, stderr, status } = spawnSync(...wrap([process.execPath, worker, directory]), { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** What a crash, a full disk or another program may leave where an entry was. */
const DAMAGE = [
  '',
  '{',
  'garbage',
  '[]',
  '"text"',
  '5',
  'null',
  '{"data":5}',
  '{"data":"7","compressed":true,"originalSize":1,"fmt":2}',
  '{"data":"{}","compressed":false,"originalSize":2,"fmt":2,"types":{"/a/b":"date"}}',
  '{"data":"7","compressed":false,"originalSize":1,"fmt":2,"types":{"":"no such tag"}}',
  '{"data":"[1","compressed":false,"originalSize":2,"fmt":2,"types":{}}'
];

/** Replaces every entry that a driver stored. */
const DAMAGED = {
  s3: {
    make: () => ({ driver: 's3' }),
    damage: async ({ database }, text) => {
      const keys = await database.client.getAllKeys({ prefix: 'plugin=cache/' });
      for (const key of keys) await database.client.putObject({ key, body: text, contentType: 'application/json' });
      return keys.length;
    }
  },
  filesystem: { make: () => ({ driver: 'filesystem', config: { directory: temporaryDirectory() } }), damage: damageFiles },
  'plain filesystem': {
    make: () => ({ driver: 'filesystem', partitionAware: false, config: { directory: temporaryDirectory() } }),
    damage: damageFiles
  },
  redis: {
    skip: withoutRedis,
    make: ({ port }) => ({ driver: 'redis', config: { host: '127.0.0.1', port } }),
    damage: async ({ plugin }, text) => {
      const { client } = plugin.driver;
      const names = await client.keys('cache/*');
      for (const name of names) await client.set(name, text);
      return names.length;
    }
  }
};

function damageFiles({ plugin }, text, turn) {
  const files = readdirSync(plugin.driver.directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  // Now the data, now what describes them, now both.
  const wanted = [/\.cache$/, /\.meta$/, /./][turn % 3];
  const hit = files.filter(({ name }) => wanted.test(name));
  for (const { name, parentPath, path } of hit) writeFileSync(join(parentPath ?? path, name), text);
  return hit.length;
}

for (const [name, { make, damage, skip }] of Object.entries(DAMAGED)) {
  test(`spec10_17 damaged entries are misses that the next read replaces: ${name}`, { skip }, async () => {
    const server = name === 'redis' ? await startRedis() : null;
    try {
      const cached = await withCache(make(server ?? {}));
      const { users, plugin } = cached;
      const errors = [];
      plugin.on('plg:cache:error', (event) => errors.push(event));
      await users.insertMany([
        { id: 'u1', name: 'a', region: 'US', n: 1 },
        { id: 'u2', name: 'b', region: 'BR', n: 2 }
      ]);
      const before = await view(users);
      for (const [turn, text] of DAMAGE.entries()) {
        await view(users);
        assert.ok((await damage(cached, text, turn)) > 0);
        assert.deepStrictEqual(await view(users), before, text);
        const { misses } = plugin.stats;
        assert.deepStrictEqual(await view(users), before, text);
        // A record that is not there is looked for each time.
        assert.ok(plugin.stats.misses - misses <= 2, `${plugin.stats.misses - misses} misses after ${text}`);
      }
      assert.deepEqual(errors, []);
      await users.update('u1', { n: 9 });
      assert.equal((await users.get('u1')).n, 9);
      await plugin.stop();
    } finally {
      await server?.kill();
    }
  });
}

const withoutShell = process.platform === 'win32' ? 'needs a POSIX shell' : false;

test('spec10_17 a full disk costs misses, never a wrong value', { skip: withoutShell }, async () => {
  const directory = temporaryDirectory();
  // No file may grow, as on a disk without room.
  const { seen, hits, events, unhandled } = await workerOver(directory, (command) => [
    'sh',
    ['-c', 'ulimit -f 0; exec "$0" "$@"', ...command]
  ]);
  assert.deepEqual([seen, hits, unhandled], [[2, 2, 1, 3, 3, 1, 3, 3, 1], 0, []]);
  assert.ok(events.set + events.get > 0, JSON.stringify(events));
  assert.equal(events.clear, 0, 'what is to go can go');
  // With room again it is a cache as before.
  const { users, plugin } = await withCache({ driver: 'filesystem', config: { directory } }, { resource: { partitions: {} } });
  await users.insert({ id: 'u1', name: 'a' });
  await users.get('u1');
  const before = plugin.stats.hits;
  assert.equal((await users.get('u1')).name, 'a');
  assert.equal(plugin.stats.hits, before + 1);
});

test('spec10_17 a directory that can be neither read nor written costs misses, never a wrong value', { skip: withoutShell }, async () => {
  const directory = join(temporaryDirectory(), 'cache');
  const { users, plugin } = await withCache({ driver: 'filesystem', config: { directory }, retryAttempts: 1 });
  const told = { get: 0, clear: 0 };
  plugin.on('plg:cache:error', ({ operation }) => {
    told[operation] += 1;
  });
  plugin.on('plg:cache:clear-error', () => {
    told.clear += 1;
  });
  await users.insert({ id: 'u1', name: 'a', n: 1 });
  const look = async () => [(await users.get('u1')).n, (await users.list())[0].n, await users.count()];
  assert.deepEqual(await look(), [1, 1, 1]);
  // A link to itself: every access fails, for the superuser too, and the entries of before are still there.
  renameSync(directory, `${directory}-aside`);
  symlinkSync(directory, directory);
  assert.deepEqual(await look(), [1, 1, 1]);
  assert.ok(told.get > 0);
  await users.update('u1', { n: 2 });
  assert.ok(told.clear > 0);
  assert.deepEqual(await look(), [2, 2, 1]);
  const recovered = new Promise((resolve) => {
    plugin.once('plg:cache:clear-recovered', resolve);
  });
  unlinkSync(directory);
  renameSync(`${directory}-aside`, directory);
  assert.deepEqual(await look(), [2, 2, 1], 'what could not be cleared is not read');
  const alive = setInterval(() => {}, 1000);
  await recovered;
  clearInterval(alive);
  assert.deepEqual(await look(), [2, 2, 1]);
  const { hits } = plugin.stats;
  assert.deepEqual(await look(), [2, 2, 1]);
  assert.ok(plugin.stats.hits > hits, 'a cache again');
});

test('spec10_17 a clock that is set back serves nothing old after a write', async (t) => {
  for (const options of Object.values(DRIVERS).map((make) => make())) {
    const { users } = await withCache(options);
    await users.insert({ id: 'u1', name: 'a' });
    await users.get('u1');
    const real = Date.now;
    const mock = t.mock.method(Date, 'now', () => real() - 86_400_000);
    await users.update('u1', { name: 'b' });
    assert.equal((await users.get('u1')).name, 'b');
    assert.equal((await users.get('u1')).name, 'b');
    mock.mock.restore();
    assert.equal((await users.get('u1')).name, 'b');
  }
});

describe('redis under a database', { skip: withoutRedis }, () => {
  test('spec10_17 a Redis server killed and restarted under load costs misses, never a wrong value or an unhandled rejection', async () => {
    const server = await startRedis();
    const unhandled = [];
    const note = (error) => unhandled.push(error);
    process.on('unhandledRejection', note);
    try {
      const config = { host: '127.0.0.1', port: server.port, connectTimeout: 300, commandTimeout: 300, retryDelay: 20, retryAttempts: 1 };
      const { users, plugin } = await withCache({ driver: 'redis', config, retryAttempts: 1 });
      let errors = 0;
      const count = () => {
        errors += 1;
      };
      plugin.on('plg:cache:error', count);
      plugin.on('plg:cache:clear-error', count);
      await users.insert({ id: 'u1', name: 'v', n: 0 });
      let acknowledged = 0;
      let running = true;
      const reader = async () => {
        while (running) {
          const least = acknowledged;
          assert.ok((await users.get('u1')).n >= least);
          assert.equal(await users.count(), 1);
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      };
      const readers = Array.from({ length: 4 }, reader);
      const write = async (times) => {
        for (let i = 0; i < times; i += 1) {
          await users.update('u1', { n: acknowledged + 1 });
          acknowledged += 1;
          await new Promise((resolve) => setTimeout(resolve, 3));
        }
      };
      await write(20);
      await until(() => plugin.stats.hits > 0);
      await server.kill();
      await write(20);
      assert.ok(errors > 0);
      await server.restart();
      await write(20);
      await until(async () => {
        const before = plugin.stats.hits;
        await users.get('u1');
        return plugin.stats.hits > before;
      });
      running = false;
      await Promise.all(readers);
      assert.equal((await users.get('u1')).n, 60);
    } finally {
      process.off('unhandledRejection', note);
      await server.kill();
    }
    assert.deepEqual(unhandled, []);
  });
});

test('spec10_17 processes that share a driver see the writes of each other at once', async () => {
  for (const make of [
    () => ({ driver: 's3' }),
    (directory) => ({ driver: 'filesystem', config: { directory } }),
    (_, memory) => ({ driver: memory })
  ]) {
    const directory = temporaryDirectory();
    const memory = new MemoryCache();
    const first = await withCache(make(directory, memory));
    const second = await withCache(make(directory, memory), { database: { client: first.database.client } });
    await first.users.insert({ id: 'u1', name: 'a', n: 0 });
    for (let n = 1; n <= 10; n += 1) {
      const [writer, reader] = n % 2 ? [first.users, second.users] : [second.users, first.users];
      assert.equal((await reader.get('u1')).n, n - 1);
      assert.equal((await reader.list())[0].n, n - 1);
      await writer.update('u1', { n });
      assert.equal((await reader.get('u1')).n, n);
      assert.equal((await reader.list())[0].n, n);
    }
  }
});
