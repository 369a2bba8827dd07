import { Cache, MISS, statsMember } from './cache.js';
import { failed, misuse } from './cache-error.js';

export const STRATEGIES = ['write-through', 'lazy-promotion'];

function strategyOf(value) {
  const strategy = value === 'all' ? 'write-through' : (value ?? 'write-through');
  if (STRATEGIES.includes(strategy)) return strategy;
  throw misuse(`Invalid cache strategy: ${value}`, {
    driver: 'multi',
    operation: 'constructor',
    option: 'strategy',
    validOptions: [...STRATEGIES, 'all'],
    suggestion: `Use one of: ${STRATEGIES.join(', ')} (all means write-through).`
  });
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 30_000;

const RATE = (hits, total) => (total > 0 ? hits / total : 0);

/**
 * Tiers of cache drivers, fastest first (spec/10 section 10.12). A tier that could not be cleared is not read until it
 * has been.
 */
export class MultiTierCache extends Cache {
  #dirty = new Map();
  #promoting = new Set();
  #retry = null;

  /**
   * @param {{ drivers: Array<{ driver: object, name?: string }>, promoteOnHit?: boolean, strategy?: string,
   *   fallbackOnError?: boolean, verbose?: boolean }} config
   * @throws {CacheError} without drivers, and for an unknown strategy
   */
  constructor(config = {}) {
    const { drivers = [], promoteOnHit = true, strategy, fallbackOnError = true, verbose = false } = config;
    super({ ...config, promoteOnHit, strategy: strategyOf(strategy), fallbackOnError, verbose });
    if (!Array.isArray(drivers) || drivers.length === 0) {
      throw misuse('MultiTierCache requires at least one driver', {
        driver: 'multi',
        operation: 'constructor',
        suggestion: 'Pass drivers: [{ driver: new MemoryCache() }, ...], fastest first.'
      });
    }
    this.drivers = drivers.map(({ driver, name }, index) => ({ instance: driver, name: name ?? `L${index + 1}`, tier: index + 1 }));
    const tiers = this.drivers.map(({ name }) => ({ name, hits: 0, misses: 0, promotions: 0, errors: 0, sets: 0 }));
    this.stats = statsMember(() => this.getStats(), { enabled: true, tiers });
  }

  /** Whether other processes write what one of the tiers holds. */
  get shared() {
    return this.drivers.some(({ instance }) => instance.shared === true);
  }

  get servesInner() {
    return this.drivers.some((_, index) => this.#servesInner(index));
  }

  /** Reads inside others see no tier that may be old where the others' results are stored for all. */
  #servesInner(index) {
    const { instance } = this.drivers[index];
    return this.shared ? instance.shared === true && instance.servesInner === true : instance.servesInner !== false;
  }

  #tier(index) {
    return this.stats.tiers[index];
  }

  #failed(index, operation, error) {
    this.#tier(index).errors += 1;
    const { name } = this.drivers[index];
    this.emit('tier:error', { tier: name, operation, error });
    if (this.config.verbose) console.warn(`[MultiTierCache] ${operation} failed on ${name}: ${error?.message ?? error}`);
  }

  /** Whether a tier may hold what a failed clear should have removed; tries that clear again first. */
  async #isStale(index, key) {
    const pending = this.#dirty.get(index);
    if (pending === undefined) return false;
    for (const [prefix, clear] of [...pending]) {
      if (!key.startsWith(prefix)) continue;
      try {
        await clear();
        // Another clear may have failed meanwhile.
        if (pending.get(prefix) === clear) pending.delete(prefix);
      } catch (error) {
        this.#failed(index, 'clear', error);
        return true;
      }
    }
    if (pending.size === 0) this.#dirty.delete(index);
    return [...pending.keys()].some((prefix) => key.startsWith(prefix));
  }

  #markDirty(index, prefix, clear) {
    const pending = this.#dirty.get(index) ?? new Map();
    pending.set(prefix, clear);
    this.#dirty.set(index, pending);
    this.#retryLater(FIRST_RETRY_MS);
  }

  /** Clears what is pending also when nobody reads here: other processes read the tier. */
  #retryLater(delay) {
    if (this.#retry !== null || this.#dirty.size === 0) return;
    const timer = setTimeout(() => void this.#retryNow(timer, delay), delay);
    this.#retry = timer;
    timer.unref();
  }

  async #retryNow(timer, delay) {
    try {
      for (const [index, pending] of [...this.#dirty]) {
        for (const prefix of [...pending.keys()]) if (await this.#isStale(index, prefix)) break;
      }
    } catch {
      // A listener of `tier:error` threw.
    }
    if (this.#retry !== timer) return;
    this.#retry = null;
    this.#retryLater(Math.min(delay * 2, LONGEST_RETRY_MS));
  }

  async #find(key, read, refused = () => {}) {
    for (let index = 0; index < this.drivers.length; index += 1) {
      if (await this.#isStale(index, key)) {
        refused(index);
        continue;
      }
      const { instance, name } = this.drivers[index];
      let found;
      try {
        found = await read(instance, index);
      } catch (error) {
        this.#failed(index, 'get', error);
        refused(index);
        if (!this.config.fallbackOnError) throw failed(`Cache get failed on ${name}`, error, { driver: 'multi', operation: 'get', key });
        continue;
      }
      if (found === null) continue;
      if (found.hit) {
        this.#tier(index).hits += 1;
        return { found, index };
      }
      this.#tier(index).misses += 1;
    }
    return null;
  }

  /** Writes a value found in a slower tier to the faster ones; not awaited by its reader. */
  #promote(index, write) {
    if (!this.config.promoteOnHit || index === 0) return;
    const targets = this.drivers.slice(0, index);
    const work = Promise.allSettled(
      targets.map(async ({ instance }, target) => {
        try {
          await write(instance, target);
          this.#tier(target).promotions += 1;
        } catch (error) {
          this.#failed(target, 'promote', error);
        }
      })
    );
    this.#promoting.add(work);
    work.then(() => this.#promoting.delete(work));
  }

  async _get(key) {
    const result = await this.#find(key, async (driver) => {
      const value = await driver.get(key);
      return value === null || value === undefined ? MISS : { hit: true, value };
    });
    if (result === null) return null;
    this.#promote(result.index, (driver) => driver.set(key, result.found.value));
    return result.found.value;
  }

  /** `token` is a list here, one for each tier; null for a tier where nothing may be stored. */
  async lookup(key, scope) {
    const tokens = new Array(this.drivers.length).fill(undefined);
    const read = async (driver, index) => {
      if (scope?.inner && !this.#servesInner(index)) {
        tokens[index] = null;
        return null;
      }
      const found = await lookupIn(driver, key, scope);
      tokens[index] = found.token;
      return found;
    };
    const result = await this.#find(key, read, (index) => {
      tokens[index] = null;
    });
    const value = result?.found.value ?? null;
    this.emit('fetched', { key, value });
    if (result === null) return { ...MISS, token: whole(tokens) };
    // Nobody has looked at the slower ones.
    for (let index = result.index + 1; index < this.drivers.length; index += 1) tokens[index] = null;
    return { ...result.found, token: whole(tokens), tier: result.index };
  }

  /** Reserves in the tiers that need it. */
  async reserve(key, tokens, scope, options) {
    const reserved = [...(tokens ?? [])];
    for (const [index, { instance }] of this.drivers.entries()) {
      if (typeof instance.reserve !== 'function' || reserved[index] === null) continue;
      try {
        reserved[index] = await instance.reserve(key, reserved[index], scope, options);
      } catch (error) {
        this.#failed(index, 'set', error);
        reserved[index] = null;
      }
    }
    return whole(reserved);
  }

  async release(key, tokens) {
    for (const [index, { instance }] of this.drivers.entries()) {
      const token = tokens[index];
      if (typeof instance.release !== 'function' || token === null || token === undefined) continue;
      try {
        await instance.release(key, token);
      } catch (error) {
        this.#failed(index, 'set', error);
      }
    }
  }

  /** Called by the plugin after a hit in a slower tier that is still valid. */
  promote(key, { value, fmt, tier, token }, ttl, scope, stillValid) {
    if (fmt !== 2 || tier === undefined) return;
    this.#promote(tier, async (driver, index) => {
      if (!stillValid() || token === null || token[index] === null) return;
      if (typeof driver.reserve === 'function') await this.#promoteReserved(key, driver, tier, ttl, scope, stillValid);
      else await storeIn(driver, key, value, ttl, scope, token[index]);
      // A write may have cleared the tier while the value was on its way.
      if (!stillValid()) await driver.del?.(key);
    });
  }

  /** Reserves first and reads the value again after that. */
  async #promoteReserved(key, driver, tier, ttl, scope, stillValid) {
    const token = await driver.reserve(key, undefined, scope, {});
    if (token === null) return;
    const found = await lookupIn(this.drivers[tier].instance, key, scope);
    if (found.hit && found.fmt === 2 && stillValid()) await storeIn(driver, key, found.value, ttl, scope, token);
    else if (token !== undefined) await driver.release?.(key, token);
  }

  async _set(key, data, ttl) {
    await this.#write(key, (driver) => driver.set(key, data, ttl));
    return data;
  }

  async store(key, data, ttl, scope, tokens) {
    const refused = (index) => tokens?.[index] === null;
    await this.#write(key, (driver, index) => storeIn(driver, key, data, ttl, scope, tokens?.[index]), refused);
    this.emit('set', { key, value: data });
  }

  async #write(key, write, refused = () => false) {
    const put = async (index) => {
      if (refused(index)) return;
      const { instance } = this.drivers[index];
      if (await this.#isStale(index, key)) throw new Error('the tier could not be cleared');
      await write(instance, index);
      this.#tier(index).sets += 1;
    };
    if (this.config.strategy === 'lazy-promotion') {
      const { name } = this.drivers[0];
      try {
        await put(0);
      } catch (error) {
        this.#failed(0, 'set', error);
        throw failed(`Failed to write to ${name}`, error, { driver: 'multi', operation: 'set', key });
      }
      // The slower tiers are filled behind the caller's back, or they would never be.
      const rest = Promise.allSettled(this.drivers.slice(1).map((_, i) => put(i + 1).catch((error) => this.#failed(i + 1, 'set', error))));
      this.#promoting.add(rest);
      rest.then(() => this.#promoting.delete(rest));
      return;
    }
    const results = await Promise.allSettled(this.drivers.map((_, index) => put(index)));
    results.forEach((result, index) => {
      if (result.status === 'rejected') this.#failed(index, 'set', result.reason);
    });
    if (results[0].status === 'rejected' && !this.config.fallbackOnError) {
      throw failed('Failed to write to L1 cache', results[0].reason, { driver: 'multi', operation: 'set', key });
    }
  }

  async _del(key) {
    await this.settled();
    const remove = ({ instance }) => (typeof instance.del === 'function' ? instance.del(key) : instance.clear(key));
    const results = await Promise.allSettled(this.drivers.map(async (entry) => remove(entry)));
    let failures = 0;
    results.forEach((result, index) => {
      if (result.status === 'fulfilled') return;
      failures += 1;
      this.#failed(index, 'delete', result.reason);
      this.#markDirty(index, key, async () => remove(this.drivers[index]));
    });
    if (failures === this.drivers.length && !this.config.fallbackOnError) {
      throw failed('Failed to delete from all cache tiers', results[0].reason, { driver: 'multi', operation: 'delete', key });
    }
    return true;
  }

  async _clear(prefix) {
    await this.#clearTiers(prefix ?? '', (driver) => driver.clear(prefix));
    return true;
  }

  /**
   * Tiers that keep others from storing meanwhile go first and are held that way until the rest is cleared: nothing is made,
   * for a tier that has been cleared, of what another one still has.
   */
  async invalidate(what) {
    await this.settled();
    const holds = ({ instance }) => instance.shared === true && instance.servesInner === true;
    const order = this.drivers.map((entry, index) => ({ index, last: !holds(entry) })).sort((a, b) => a.last - b.last || b.index - a.index);
    await this.#invalidateFrom(what, order);
    this.emit('clear', { prefix: what.prefix, value: true });
  }

  /** Clears the tiers of `order`, each within the one before it; never rejects. */
  async #invalidateFrom(what, [next, ...rest]) {
    if (next === undefined) return;
    const { index, last } = next;
    const { instance } = this.drivers[index];
    let done = false;
    const others = async () => {
      done = true;
      await this.#invalidateFrom(what, rest);
    };
    const clear = (request, during) =>
      typeof instance.invalidate === 'function' ? instance.invalidate(request, during) : instance.clear(what.prefix);
    try {
      await clear(what, last ? undefined : others);
    } catch (error) {
      this.#failed(index, 'clear', error);
      // By then other writes may have failed as well.
      this.#markDirty(index, what.prefix, async () => clear({ ...what, keep: [], keys: [] }));
    }
    if (!done) await others();
  }

  async purge() {
    await this.settled();
    for (const { instance } of this.drivers) await purgeDriver(instance);
  }

  /** Slowest tier first: nobody can fetch from below what a faster tier has just lost. */
  async #clearTiers(prefix, clear) {
    await this.settled();
    for (let index = this.drivers.length - 1; index >= 0; index -= 1) {
      const { instance } = this.drivers[index];
      try {
        await clear(instance);
      } catch (error) {
        this.#failed(index, 'clear', error);
        this.#markDirty(index, prefix, async () => clear(instance));
      }
    }
  }

  /** Resolves when promotions and late writes under way have ended. */
  async settled() {
    await Promise.all(this.#promoting);
  }

  async size() {
    let sum = 0;
    for (const { instance } of this.drivers) sum += typeof instance.size === 'function' ? await instance.size() : 0;
    return sum;
  }

  async keys() {
    const all = new Set();
    for (const { instance } of this.drivers) {
      for (const key of typeof instance.keys === 'function' ? await instance.keys() : []) all.add(key);
    }
    return [...all];
  }

  getStats() {
    const { tiers } = this.stats;
    const totals = { hits: 0, misses: 0, promotions: 0, errors: 0, sets: 0 };
    for (const tier of tiers) for (const name of Object.keys(totals)) totals[name] += tier[name];
    const withRates = (entry, misses) => {
      const rate = RATE(entry.hits, entry.hits + misses);
      return { hitRate: rate, hitRatePercent: `${(rate * 100).toFixed(2)}%` };
    };
    return {
      enabled: true,
      strategy: this.config.strategy,
      promoteOnHit: this.config.promoteOnHit,
      tiers: tiers.map((tier) => ({ ...tier, ...withRates(tier, tier.misses) })),
      totals: { ...totals, total: totals.hits + totals.misses, ...withRates(totals, totals.misses) }
    };
  }

  async close() {
    clearTimeout(this.#retry);
    this.#retry = null;
    await this.settled();
    for (const { instance } of this.drivers) await instance.close?.();
  }
}

/** The tokens of all tiers; null when none of them may store. */
const whole = (tokens) => (tokens.every((token) => token === null) ? null : tokens);

/** Purges a driver that may have no more than `clear`. */
export async function purgeDriver(driver) {
  if (typeof driver.purge === 'function') await driver.purge();
  else await driver.clear();
}

/** Lookup in a driver that may have no more than `get`. */
export async function lookupIn(driver, key, scope) {
  if (typeof driver.lookup === 'function') return driver.lookup(key, scope);
  const value = await driver.get(key);
  return value === null || value === undefined ? MISS : { hit: true, value, fmt: 2, token: undefined };
}

/** Store in a driver that may have no more than `set`. */
export async function storeIn(driver, key, value, ttl, scope, token) {
  if (typeof driver.store === 'function') await driver.store(key, value, ttl, scope, token);
  else await driver.set(key, value, ttl);
}

export default MultiTierCache;
