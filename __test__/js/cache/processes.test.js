// Several processes on one shared driver: databases of their own over the same store, each with a driver of its own.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CachePlugin } from '../../../js/index.js';
import { attributes, partitions, withCache } from '../support/cache.js';
import { s3ConnectionString, temporaryDirectory, withoutS3 } from '../support/clients.js';
import { connectDatabase, freshStore } from '../support/databases.js';
import { startRedis, withoutRedis } from '../support/redis.js';

let redis = null;

/** Options of the plugin in each process, and its store; made once per test. */
const DRIVERS = [
  { name: 's3', make: () => ({ driver: 's3' }) },
  { name: 's3 on a server', skip: withoutS3, make: () => ({ driver: 's3' }), connectionString: () => s3ConnectionString() },
  { name: 's3 with a namespace', make: () => ({ driver: 's3', namespace: 'hot' }) },
  { name: 'filesystem', make: () => ({ driver: 'filesystem', config: { directory: temporaryDirectory() } }) },
  { name: 'plain filesystem', make: () => ({ driver: 'filesystem', partitionAware: false, config: { directory: temporaryDirectory() } }) },
  { name: 'redis', skip: withoutRedis, make: () => ({ driver: 'redis', config: redisConfig() }) },
  {
    name: 'redis over s3',
    skip: withoutRedis,
    make: () => ({ drivers: [{ driver: 'redis', config: redisConfig() }, { driver: 's3' }] })
  },
  {
    name: 's3 over filesystem, filled late',
    make: () => ({
      strategy: 'lazy-promotion',
      drivers: [{ driver: 's3' }, { driver: 'filesystem', config: { directory: temporaryDirectory() } }]
    })
  }
];

let prefixes = 0;
function redisConfig() {
  prefixes += 1;
  return { host: '127.0.0.1', port: redis.port, keyPrefix: `test-${prefixes}` };
}

const READS = {
  get: (users) => users.get('u1'),
  list: async (users) => (await users.list())[0],
  'list of a partition': async (users) => (await users.list({ partition: 'byRegion', partitionValues: { region: 'US' } }))[0],
  query: async (users) => (await users.query({ name: 'a' }))[0]
};

/** Steps of a read that misses, each the method of the driver after or before which the other process writes. */
const STEPS = {
  'after the lookup': ['lookup', 'after'],
  'after the reservation': ['reserve', 'after'],
  'before the store': ['store', 'before'],
  'after the mark was checked': ['_mark', 'second']
};

/** Runs `work` once, at a call of a method of the driver. */
function interpose(driver, [method, when], work) {
  const original = driver[method];
  let calls = 0;
  let ran = false;
  driver[method] = async function interposed(...args) {
    calls += 1;
    const due = !ran && (when !== 'second' || calls === 2);
    ran ||= due;
    if (when === 'before' && due) await work();
    const result = await original.apply(driver, args);
    if (when !== 'before' && due) await work();
    return result;
  };
  return {
    restore: () => {
      delete driver[method];
      return ran;
    }
  };
}

/** A step of the writer's clear, after entries were marked and before any is gone. */
const CLEARS = {
  redis: (driver) => [driver.client, 'scan'],
  filesystem: (driver) => [driver, '_removeFile'],
  'redis over s3': (driver) => [driver.drivers[0].instance.client, 'scan'],
  'redis beside s3': (driver) => [driver.client, 'scan']
};

/** A second cache, on S3, on each process. */
const BESIDE = { name: 'redis beside s3', make: () => ({ driver: 'redis', config: redisConfig() }), beside: true };

/** Databases with the same driver over the same store. */
async function processes({ make, connectionString = () => freshStore(), beside = false }, count) {
  const options = make();
  const address = connectionString();
  const all = [];
  for (let i = 0; i < count; i += 1) {
    all.push(await withCache(options, { database: { connectionString: address } }));
    if (beside) await all[i].database.usePlugin(new CachePlugin({ driver: 's3' }), 'far');
  }
  return all;
}

describe('processes that share a driver', () => {
  before(async () => {
    if (!withoutRedis) redis = await startRedis();
  });

  after(async () => {
    await redis?.kill();
  });

  for (const driver of DRIVERS) {
    test(`spec10_17 a write between any two steps of a read in another process leaves nothing old: ${driver.name}`, {
      skip: driver.skip
    }, async () => {
      const [writer, reader, witness] = await processes(driver, 3);
      let n = 1;
      await writer.users.insert({ id: 'u1', name: 'a', region: 'US', n });
      let interposed = 0;
      for (const [step, at] of Object.entries(STEPS)) {
        if (typeof reader.plugin.driver[at[0]] !== 'function') continue;
        for (const [name, read] of Object.entries(READS)) {
          n += 1;
          const write = interpose(reader.plugin.driver, at, () => writer.users.update('u1', { n }));
          await read(reader.users);
          if (write.restore()) interposed += 1;
          else await writer.users.update('u1', { n });
          await reader.plugin.driver.settled?.();
          for (const process of [witness, reader, writer, witness]) assert.equal((await read(process.users)).n, n, `${name} ${step}`);
        }
      }
      assert.ok(interposed >= 6, `${interposed} writes came in between`);
      // And what no write disturbs is stored for all.
      const { hits } = witness.plugin.stats;
      await reader.users.list();
      await witness.users.list();
      assert.ok(witness.plugin.stats.hits > hits);
    });

    test(`spec10_17 readers in other processes never see what an acknowledged write has replaced: ${driver.name}`, {
      skip: driver.skip
    }, async () => {
      const [writer, ...others] = await processes(driver, 3);
      await writer.users.insert({ id: 'u1', name: 'a', region: 'US', n: 0 });
      let acknowledged = 0;
      let running = true;
      const readers = others.flatMap(({ users }) =>
        Object.values(READS).map(async (read) => {
          while (running) {
            const least = acknowledged;
            const { n } = await read(users);
            assert.ok(n >= least, `${n} after ${least}`);
            // Reads in memory alone would leave the writer no turn.
            await new Promise((resolve) => setImmediate(resolve));
          }
        })
      );
      const storm = Promise.all(readers);
      try {
        for (let i = 1; i <= 25; i += 1) {
          await writer.users.update('u1', { n: i });
          acknowledged = i;
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        running = false;
        await storm;
      }
      for (const { users } of others) for (const read of Object.values(READS)) assert.equal((await read(users)).n, 25);
    });
  }

  for (const [name, step] of Object.entries(CLEARS)) {
    test(`spec10_17 what is made of entries that are about to be cleared is stored for nobody: ${name}`, {
      skip: name.startsWith('redis') && withoutRedis
    }, async () => {
      const driver = [...DRIVERS, BESIDE].find((each) => each.name === name);
      const [writer, reader, witness] = await processes(driver, 3);
      await writer.users.insert({ id: 'u1', name: 'a', n: 1 });
      await reader.users.get('u1');
      // A store, if the reader tries one, arrives after the clear.
      let arrive;
      const cleared = new Promise((resolve) => {
        arrive = resolve;
      });
      const { driver: readers } = reader.plugin;
      const { store } = readers;
      const trying = new Promise((resolve) => {
        readers.store = async (key, value, ttl, scope, token) => {
          // The list itself, not what is read for it.
          if (scope.inner !== true) {
            resolve();
            await cleared;
          }
          return store.call(readers, key, value, ttl, scope, token);
        };
      });
      const [target, method] = step(writer.plugin.driver);
      const original = target[method];
      let reading;
      target[method] = async function held(...args) {
        // The entry of u1 is still there, and the list is made of it.
        reading ??= reader.users.list();
        await Promise.race([trying, reading]);
        return original.apply(target, args);
      };
      await writer.users.update('u1', { n: 2 });
      target[method] = original;
      arrive();
      const made = await reading;
      readers.store = store;
      // Two caches that are shared answer nothing inside other reads; the others do, and the write was not acknowledged yet.
      assert.equal(made[0].n, name === 'redis beside s3' ? 2 : 1);
      for (const { users } of [witness, reader, witness]) assert.equal((await users.list())[0].n, 2);
    });
  }

  const SHARED = {
    'a memory tier over s3': { make: () => ({ drivers: [{ driver: 'memory' }, { driver: 's3' }] }) },
    'a memory tier over files': {
      make: () => ({ drivers: [{ driver: 'memory' }, { driver: 'filesystem', config: { directory: temporaryDirectory() } }] })
    },
    'a memory cache beside one on s3': { make: () => ({ driver: 's3' }), beside: true }
  };
  for (const [name, driver] of Object.entries(SHARED)) {
    test(`spec10_17 what is made of an old entry in memory is stored for nobody else: ${name}`, async () => {
      const address = freshStore();
      const options = driver.make();
      const open = async () => {
        const database = await connectDatabase({ connectionString: address });
        const users = await database.createResource({ name: 'users', attributes, partitions, asyncPartitions: false });
        if (driver.beside) await database.usePlugin(new CachePlugin({ driver: 'memory' }), 'near');
        await database.usePlugin(new CachePlugin(options), 'far');
        return users;
      };
      const [reader, writer, witness] = [await open(), await open(), await open()];
      await writer.insert({ id: 'u1', name: 'a', n: 1 });
      assert.equal((await reader.get('u1')).n, 1);
      await writer.update('u1', { n: 2 });
      // Memory of another process is old until its time is over; nothing else is made of it.
      assert.equal((await reader.get('u1')).n, 1);
      assert.equal((await reader.list())[0].n, 2);
      assert.equal((await witness.list())[0].n, 2);
      assert.equal((await witness.get('u1')).n, 2);
    });
  }

  test('spec10_17 a reservation that a process left behind on S3 hinders nobody', async () => {
    const [first, second] = await processes(DRIVERS[0], 2);
    await first.users.insert({ id: 'u1', name: 'a', n: 1 });
    const key = await first.plugin.generateCacheKey(first.users, 'get', { id: 'u1' });
    const { driver } = first.plugin;
    const left = await driver.reserve(key);
    assert.equal(left.own, true);
    assert.equal(await driver.get(key), null);
    assert.equal((await second.users.get('u1')).n, 1);
    assert.equal((await driver.lookup(key)).value.n, 1, 'stored in its place');
    // A load that fails takes its own away.
    await assert.rejects(second.users.get('nobody'));
    const missing = await first.plugin.generateCacheKey(first.users, 'get', { id: 'nobody' });
    assert.equal((await driver.keys()).includes(missing), false);
    // Damaged entries are replaced.
    await driver.storage.set(`plugin=cache/cache/${key}`, { data: '{', compressed: false, fmt: 2, types: {} }, { behavior: 'body-only' });
    assert.equal((await second.users.get('u1')).n, 1);
    assert.equal((await driver.lookup(key)).hit, true);
  });

  test('spec10_17 crossProcess: false saves what keeps processes apart', async () => {
    const [shared] = await processes(DRIVERS[0], 1);
    const [alone] = await processes({ make: () => ({ driver: 's3', config: { crossProcess: false } }) }, 1);
    for (const { users } of [shared, alone]) await users.insert({ id: 'u1', name: 'a', n: 1 });
    assert.equal(await shared.requests(() => shared.users.get('u1')), 4, 'look, reserve, load, store');
    assert.equal(await alone.requests(() => alone.users.get('u1')), 3);
    for (const { users, requests } of [shared, alone]) assert.equal(await requests(() => users.get('u1')), 1);
  });
});
