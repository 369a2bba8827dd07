import { isInnerCall } from '../../util/inner-call.js';
import { MISS } from './cache.js';
import { copyValue } from './copy.js';
import { cacheKey, ITEM_ACTIONS, itemKey, resourcePrefix } from './keys.js';
import { Memo } from './memo.js';
import { MemoryCache } from './memory-cache.js';
import { lookupIn, storeIn } from './multi-tier-cache.js';
import { requestOf } from './requests.js';

const ITEMS = new Set(ITEM_ACTIONS);
/** Results that a 13.6 process may have stored without harm: they lose nothing in JSON and come from no list. */
const PLAIN_RESULTS = { exists: 'boolean', hasContent: 'boolean', count: 'number' };
const KEY_MEMO = { items: 8192, bytes: Infinity };
const ENVELOPE = 1;

/** Whether the driver answers without a promise: the memory driver, unless somebody replaced its `get`. */
function isSynchronous(driver) {
  return driver instanceof MemoryCache && driver.get === MemoryCache.prototype.get && driver._get === MemoryCache.prototype._get;
}

/**
 * Reads of one resource through one cache instance (spec/10 sections 10.5 and 10.17).
 *
 * The generation rises around every write. What was read under an older one is neither stored nor shared with callers who
 * came later, so that nothing read before a write is served after it.
 */
export class ResourceCache {
  #flights = new Map();
  #keys = Object.fromEntries(ITEM_ACTIONS.map((action) => [action, new Memo(KEY_MEMO)]));
  #missCounts = new Map();

  constructor(plugin, resource) {
    this.plugin = plugin;
    this.resource = resource;
    this.name = resource.name;
    this.prefix = resourcePrefix(resource.name);
    this.generation = 0;
    /** True while entries may be there that a failed clear should have removed: reads go to the bucket. */
    this.dirty = false;
    /** True when writes passed while the plugin was stopped. */
    this.missedWrites = false;
    this.revision = resource._definitionRevision;
    this.definition = resource.getDefinitionHash();
  }

  get driver() {
    return this.plugin.driver;
  }

  /**
   * The result of a read method: the cached one, or that of `next`. Without a promise when memory has it.
   * @param {string} method
   * @param {any[]} args
   * @param {() => Promise<any>} next
   */
  read(method, args, next) {
    const { plugin } = this;
    const last = args.length > 0 ? args[args.length - 1] : undefined;
    if (last !== null && typeof last === 'object' && last.skipCache === true) return next();
    if (!isInnerCall(last)) plugin._operations += 1;
    const { driver } = plugin;
    if (plugin._stopped || plugin.enabled === false || driver.enabled === false) return next();
    const policy = plugin._policies.size === 0 ? undefined : plugin._policies.get(method);
    if (policy !== undefined && !policy.enabled) return next();
    if (this.resource._definitionRevision !== this.revision) this.plugin._redefined(this);
    if (this.dirty) return next();
    let scope;
    let key;
    if (ITEMS.has(method)) {
      const id = args[0];
      if (typeof id !== 'string' || id === '') return next();
      key = this.itemKey(method, id);
    } else {
      const request = requestOf(method, args);
      if (request === null) return next();
      key = cacheKey(this.name, method, request.params, request.partition, request.partitionValues);
      scope = { resource: this.name, action: method, ...request };
    }
    if (isSynchronous(driver)) {
      const value = this.#readSync(driver, method, key);
      if (value !== null && value !== undefined) {
        plugin.stats.hits += 1;
        return value;
      }
      return this.#joined(key, () => this.#load(method, key, undefined, policy, undefined, next));
    }
    scope ??= { resource: this.name, action: method, params: { id: args[0] }, partition: null, partitionValues: null };
    return this.#joined(key, () => this.#readOrLoad(method, key, scope, policy, next));
  }

  itemKey(action, id) {
    const memo = this.#keys[action];
    let key = memo.get(id);
    if (key === undefined) {
      key = itemKey(this.prefix, action, id);
      memo.set(id, key, 0);
    }
    return key;
  }

  #readSync(driver, method, key) {
    try {
      return unwrapPolicy(driver.getSync(key));
    } catch (error) {
      this.plugin._readFailed(this, method, 'get', key, error);
      return null;
    }
  }

  /** One load per key at a time: callers of the same generation share it, each with a copy of its own. */
  #joined(key, run) {
    const flight = this.#flights.get(key);
    if (flight !== undefined && flight.generation === this.generation) return flight.result.then(shared);
    const started = { generation: this.generation, result: null };
    let settle;
    let refuse;
    // Settled as soon as the value is there, before it is stored.
    started.result = new Promise((resolve, reject) => {
      settle = resolve;
      refuse = reject;
    });
    started.result.catch(() => {});
    this.#flights.set(key, started);
    return this.#fly(key, started, run, settle, refuse);
  }

  async #fly(key, flight, run, settle, refuse) {
    try {
      const { value, hit, finish } = await run();
      if (hit) this.plugin.stats.hits += 1;
      const count = hit ? 'hits' : 'misses';
      settle({ value, count: () => (this.plugin.stats[count] += 1) });
      await finish?.();
      return value;
    } catch (error) {
      refuse(error);
      throw error;
    } finally {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    }
  }

  async #readOrLoad(method, key, scope, policy, next) {
    const { driver } = this;
    const { generation } = this;
    let found = MISS;
    try {
      found = await lookupIn(driver, key, scope);
    } catch (error) {
      if (error?.name !== 'NoSuchKey') {
        this.plugin._readFailed(this, method, 'get', key, error);
        // Without an answer there is no token that would tell a write of another process: nothing is stored.
        this.plugin.stats.misses += 1;
        return { value: await next(), hit: false };
      }
    }
    if (found.hit && this.#isUsable(method, found)) {
      const value = unwrapPolicy(found.value);
      if (value !== null && value !== undefined && !this.dirty) {
        if (typeof driver.promote === 'function') {
          driver.promote(key, found, undefined, scope, () => this.generation === generation && !this.dirty);
        }
        return { value, hit: true };
      }
    }
    return this.#load(method, key, scope, policy, found.token, next, generation);
  }

  #isUsable(method, { value, fmt }) {
    if (fmt === 2) return true;
    return Object.hasOwn(PLAIN_RESULTS, method) && typeof value === PLAIN_RESULTS[method];
  }

  async #load(method, key, scope, policy, token, next, generation = this.generation) {
    this.plugin.stats.misses += 1;
    const value = await next();
    const finish = () => this.#keep(method, key, value, scope, policy, token, generation);
    return { value, hit: false, finish };
  }

  /** Stores a result, unless a write has come between. */
  async #keep(method, key, value, scope, policy, token, generation) {
    if (value === null || value === undefined || this.generation !== generation || this.dirty || this.plugin._stopped) return;
    if (policy !== undefined && !this.#isWorthStoring(key, value, policy)) return;
    const stored = policy?.ttlMs > 0 ? wrapPolicy(method, value, policy.ttlMs) : value;
    const ttl = policy?.ttlMs > 0 ? policy.ttlMs : undefined;
    const { driver } = this;
    try {
      this.plugin.stats.writes += 1;
      if (isSynchronous(driver)) driver.storeSync(key, stored, ttl);
      else await storeIn(driver, key, stored, ttl, scope, token);
    } catch (error) {
      this.plugin._readFailed(this, method, 'set', key, error);
      return;
    }
    // The write's own clear may have run before this store arrived.
    if (this.generation !== generation) await this.#takeBack(key, method);
  }

  async #takeBack(key, method) {
    const { driver } = this;
    try {
      if (typeof driver.del === 'function') await driver.del(key);
      else await driver.clear(key);
    } catch (error) {
      this.plugin._readFailed(this, method, 'set', key, error);
      this.plugin._markDirty(this);
    }
  }

  #isWorthStoring(key, value, { maxPayloadBytes, minHitsBeforeStore }) {
    if (minHitsBeforeStore > 1) {
      const count = (this.#missCounts.get(key) ?? 0) + 1;
      if (count < minHitsBeforeStore) {
        if (this.#missCounts.size >= KEY_MEMO.items) this.#missCounts.clear();
        this.#missCounts.set(key, count);
        return false;
      }
      this.#missCounts.delete(key);
    }
    if (maxPayloadBytes === 0) return true;
    try {
      return Buffer.byteLength(JSON.stringify(value) ?? '') <= maxPayloadBytes;
    } catch {
      return false;
    }
  }
}

function shared({ value, count }) {
  count();
  return copyValue(value);
}

function wrapPolicy(method, payload, ttlMs) {
  return { __s3dbCacheV: ENVELOPE, method, storedAt: Date.now(), ttlMs, payload };
}

/** The value of an entry that a method policy gave a time to live; null when that is over. */
function unwrapPolicy(value) {
  if (value === null || typeof value !== 'object' || value.__s3dbCacheV !== ENVELOPE) return value;
  const { storedAt, ttlMs, payload } = value;
  const age = Date.now() - Number(storedAt);
  return ttlMs > 0 && (age > ttlMs || age < -ttlMs) ? null : payload;
}
