import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CacheError, MemoryCache, MultiTierCache } from '../../../js/index.js';

/** A memory cache whose operations fail while their name is in `broken`. */
class Faulty extends MemoryCache {
  broken = new Set();

  #check(name) {
    if (this.broken.has(name)) throw new Error(`${name} is broken`);
  }

  async _get(key) {
    this.#check('get');
    return super._get(key);
  }

  async lookup(key) {
    this.#check('get');
    return super.lookup(key);
  }

  async _set(...args) {
    this.#check('set');
    return super._set(...args);
  }

  async _del(key) {
    this.#check('del');
    return super._del(key);
  }

  async _clear(prefix) {
    this.#check('clear');
    return super._clear(prefix);
  }

  async invalidate(what) {
    this.#check('clear');
    return super.invalidate(what);
  }
}

function tiers(options = {}) {
  const first = new Faulty();
  const second = new Faulty();
  return { first, second, cache: new MultiTierCache({ drivers: [{ driver: first }, { driver: second, name: 'cold' }], ...options }) };
}

test('spec10_12 a tier list is required, and strategies are checked', () => {
  assert.throws(() => new MultiTierCache({ drivers: [] }), { name: 'CacheError', message: 'MultiTierCache requires at least one driver' });
  assert.throws(
    () => new MultiTierCache({ drivers: [{ driver: new MemoryCache() }], strategy: 'sometimes' }),
    (error) => {
      assert.ok(error instanceof CacheError);
      return (
        error.message === 'Invalid cache strategy: sometimes' && error.validStrategies === undefined && error.validOptions.includes('all')
      );
    }
  );
  const { cache } = tiers({ strategy: 'all' });
  assert.equal(cache.config.strategy, 'write-through');
  assert.deepEqual(
    cache.drivers.map(({ name, tier }) => [name, tier]),
    [
      ['L1', 1],
      ['cold', 2]
    ]
  );
});

test('spec10_12 values are found in order and promoted to the faster tiers', async () => {
  const { first, second, cache } = tiers();
  await second.set('k', { n: 1 });
  const value = await cache.get('k');
  value.n = 'changed by the caller';
  await cache.settled();
  assert.deepEqual(await first.get('k'), { n: 1 });
  await cache.get('k');
  assert.equal(await cache.get('none'), null);
  const { totals, tiers: each } = cache.getStats();
  assert.deepEqual(
    each.map(({ name, hits, misses, promotions }) => [name, hits, misses, promotions]),
    [
      ['L1', 1, 2, 1],
      ['cold', 1, 1, 0]
    ]
  );
  assert.deepEqual([totals.hits, totals.misses, totals.total], [2, 3, 5]);
  assert.equal(cache.stats().strategy, 'write-through');
  assert.equal(cache.stats.tiers[0].hits, 1);
  const { first: f, second: s, cache: still } = tiers({ promoteOnHit: false });
  await s.set('k', 1);
  await still.get('k');
  assert.equal(await f.get('k'), null);
});

test('spec10_14_15 lazy promotion fills the slower tiers behind the caller', async () => {
  const { first, second, cache } = tiers({ strategy: 'lazy-promotion' });
  await cache.set('k', 1);
  assert.equal(await first.get('k'), 1);
  await cache.settled();
  assert.equal(await second.get('k'), 1);
  first.broken.add('set');
  await assert.rejects(cache.set('k', 2), (error) => error.message.startsWith('Failed to write to L1'));
});

test('spec10_12 errors of tiers fall through, or reject on request', async () => {
  const { first, second, cache } = tiers();
  await second.set('k', 1);
  first.broken.add('get').add('set').add('del');
  assert.equal(await cache.get('k'), 1);
  await cache.set('j', 2);
  assert.equal(await second.get('j'), 2);
  assert.equal(await cache.del('j'), true);
  await cache.settled();
  assert.ok(cache.stats.tiers[0].errors >= 3);
  const strict = tiers({ fallbackOnError: false });
  strict.first.broken.add('get').add('set').add('del');
  strict.second.broken.add('del');
  await assert.rejects(strict.cache.get('k'), (error) => error.message.startsWith('Cache get failed on L1'));
  await assert.rejects(strict.cache.set('k', 1), (error) => error.message.startsWith('Failed to write to L1 cache'));
  await assert.rejects(strict.cache.del('k'), (error) => error.message.startsWith('Failed to delete from all cache tiers'));
});

test('spec10_14_15 a tier that could not be cleared is not read until it has been', async () => {
  const { first, second, cache } = tiers();
  await cache.set('resource=users/a', 'old');
  await cache.set('resource=orders/a', 'kept');
  first.broken.add('clear');
  second.broken.add('clear');
  assert.equal(await cache.clear('resource=users/'), true);
  assert.equal(await cache.get('resource=users/a'), null);
  assert.equal(await cache.get('resource=orders/a'), 'kept');
  second.broken.delete('clear');
  assert.equal(await cache.get('resource=users/a'), null);
  first.broken.delete('clear');
  assert.equal(await cache.get('resource=users/a'), null);
  await cache.set('resource=users/a', 'new');
  assert.deepEqual([await first.get('resource=users/a'), await second.get('resource=users/a')], ['new', 'new']);
});

test('spec10_14_15 a tier that could not be cleared is cleared later, whoever reads', async () => {
  const { first, second, cache } = tiers();
  await cache.set('resource=users/a', 'old');
  second.broken.add('clear');
  let failures = 0;
  const twice = new Promise((resolve) => {
    cache.on('tier:error', () => {
      failures += 1;
      if (failures === 2) resolve();
    });
  });
  await cache.invalidate({ resource: 'users', prefix: 'resource=users/', keep: [], keys: [] });
  const alive = setInterval(() => {}, 1000);
  await twice;
  assert.equal(await second.get('resource=users/a'), 'old');
  second.broken.delete('clear');
  while ((await second.get('resource=users/a')) !== null) await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(alive);
  await cache.set('resource=users/a', 'new');
  assert.deepEqual([await first.get('resource=users/a'), await second.get('resource=users/a')], ['new', 'new']);
  await cache.close();
});

test('spec10_12 size sums up and keys unite', async () => {
  const { first, cache } = tiers();
  await cache.set('a', 1);
  await first.set('b', 1);
  assert.equal(await cache.size(), 3);
  assert.deepEqual((await cache.keys()).sort(), ['a', 'b']);
  await cache.close();
});
