import { isInnerCall } from '../../util/inner-call.js';
import { instancesOf } from './attachments.js';
import { MISS } from './cache.js';
import { copyValue } from './copy.js';
import { Flight, Lookups } from './flights.js';
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
 * came later, so that nothing read before a write is served after it. The tokens of shared drivers do the same for the
 * writes of other processes.
 */
export class ResourceCache {
  #flights = new Map();
  #lookups = new Lookups();
  #keys = Object.fromEntries(ITEM_ACTIONS.map((action) => [action, new Memo(KEY_MEMO)]));
  #missCounts = new Map();
  /** Key -> generations of the stores under way. */
  #stores = new Map();

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
    const inner = isInnerCall(last);
    if (!inner) plugin._operations += 1;
    const { driver } = plugin;
    if (plugin._stopped || plugin.enabled === false || driver.enabled === false) return next();
    if (inner && !this.#servesInner()) return next();
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
      return this.#loadOnce({ method, key, scope: undefined, policy, next, generation: this.generation }, MISS);
    }
    scope ??= { resource: this.name, action: method, params: { id: args[0] }, partition: null, partitionValues: null };
    if (inner) scope.inner = true;
    return this.#readOrLoad({ method, key, scope, policy, next, generation: this.generation });
  }

  /** Whether reads inside others may be answered from here; see `Cache.servesInner`. */
  #servesInner() {
    const { driver, plugin } = this;
    const others = instancesOf(this.resource).some((each) => each.plugin !== plugin && each.plugin.driver?.shared === true);
    // Two that are shared are not cleared in one go: what one still has would be made into entries of the other.
    return !others && driver.servesInner !== false;
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

  /** @param {{ method: string, key: string, scope: object, policy?: object, next: Function, generation: number }} call */
  async #readOrLoad(call) {
    const { method, key, scope, generation } = call;
    // A store that a write has overtaken, and that is taken back when it arrives, is not read meanwhile.
    if (this.#stores.get(key)?.some((each) => each < generation)) return this.#loadOnce(call, { hit: false, token: null });
    const found = await this.#lookups.share(scope.inner ? `${key}#inner` : key, () => this.#find(method, key, scope));
    if (!found.hit || this.dirty) return this.#loadOnce(call, found);
    this.plugin.stats.hits += 1;
    if (found.taken) return copyValue(found.value);
    found.taken = true;
    this.driver.promote?.(key, found.entry, undefined, scope, () => this.generation === generation && !this.dirty);
    return found.value;
  }

  /** What the driver has: `{ hit, value, entry, token, replace }`; `replace`: the entry that is there does not do. */
  async #find(method, key, scope) {
    const { driver } = this;
    try {
      const entry = await lookupIn(driver, key, scope);
      if (!entry.hit) return { hit: false, token: entry.token, replace: false };
      if (!this.#isUsable(method, entry)) return { hit: false, token: entry.token, replace: true };
      const value = unwrapPolicy(entry.value);
      if (value !== null && value !== undefined) return { hit: true, value, entry, taken: false };
      // Over by its policy alone. Without it the driver tells whether its successor may be stored.
      if (typeof driver.del === 'function') await driver.del(key);
      const { token } = await lookupIn(driver, key, scope);
      return { hit: false, token, replace: true };
    } catch (error) {
      if (error?.name !== 'NoSuchKey') this.plugin._readFailed(this, method, 'get', key, error);
      // Without a lookup nobody knows whether a write came between: nothing is stored.
      return { hit: false, token: null, replace: false };
    }
  }

  #isUsable(method, { value, fmt }) {
    if (fmt === 2) return true;
    return Object.hasOwn(PLAIN_RESULTS, method) && typeof value === PLAIN_RESULTS[method];
  }

  /** One load per key at a time: callers whom it gives nothing old share it, each with a copy of its own. */
  async #loadOnce(call, found) {
    const { key, generation } = call;
    const reserves = typeof this.driver.reserve === 'function';
    let { token } = found;
    let known = this.#flights.get(key);
    if (known?.admits(generation, found, token)) return this.#shared(known);
    if (known !== undefined && reserves) {
      // The reservation tells whether the load under way is of the same state.
      token = await this.#reserve(call, found);
      known = this.#flights.get(key);
      if (known?.admits(generation, found, token)) return this.#shared(known);
    }
    const flight = new Flight(generation, found);
    this.#flights.set(key, flight);
    try {
      if (reserves && token === found.token) token = await this.#reserve(call, found);
      flight.token = token;
      flight.loading = true;
      return await this.#load(call, flight);
    } catch (error) {
      flight.refuse(error);
      throw error;
    } finally {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    }
  }

  async #shared(flight) {
    const value = await flight.result;
    this.plugin.stats.misses += 1;
    return copyValue(value);
  }

  async #load(call, flight) {
    this.plugin.stats.misses += 1;
    let value;
    try {
      value = await call.next();
    } catch (error) {
      await this.#release(call, flight.token);
      throw error;
    }
    // Those who share it need not wait for the store.
    flight.settle(value);
    if (!(await this.#keep(call, value, flight.token))) await this.#release(call, flight.token);
    return value;
  }

  /** What a store needs, from drivers that have to know of a load before it begins; null when nothing may be stored. */
  async #reserve({ method, key, scope, policy }, { token, replace }) {
    if (token === null || this.dirty || this.plugin._stopped || this.#isPostponed(key, policy)) return null;
    try {
      return await this.driver.reserve(key, token, scope, { replace });
    } catch (error) {
      this.plugin._readFailed(this, method, 'set', key, error);
      return null;
    }
  }

  /** Gives back a reservation under which nothing was stored. */
  async #release({ method, key }, token) {
    const { driver } = this;
    if (token === null || token === undefined || typeof driver.release !== 'function') return;
    try {
      await driver.release(key, token);
    } catch (error) {
      this.plugin._readFailed(this, method, 'set', key, error);
    }
  }

  /** Stores a result, unless a write has come between; false when nothing was tried. */
  async #keep({ method, key, scope, policy, generation }, value, token) {
    if (value === null || value === undefined || this.generation !== generation || this.dirty || this.plugin._stopped) return false;
    if (policy !== undefined && !this.#isWorthStoring(key, value, policy)) return false;
    if (token === null) return false;
    const stored = policy?.ttlMs > 0 ? wrapPolicy(method, value, policy.ttlMs) : value;
    const ttl = policy?.ttlMs > 0 ? policy.ttlMs : undefined;
    const { driver } = this;
    this.plugin.stats.writes += 1;
    try {
      if (isSynchronous(driver)) driver.storeSync(key, stored, ttl);
      else await this.#store(key, method, generation, () => storeIn(driver, key, stored, ttl, scope, token));
    } catch (error) {
      this.plugin._readFailed(this, method, 'set', key, error);
      return false;
    }
    return true;
  }

  async #store(key, method, generation, store) {
    const running = this.#stores.get(key) ?? [];
    this.#stores.set(key, running);
    running.push(generation);
    try {
      await store();
    } finally {
      // The write's own clear may have run before this store arrived.
      if (this.generation !== generation) await this.#takeBack(key, method);
      running.splice(running.indexOf(generation), 1);
      if (running.length === 0 && this.#stores.get(key) === running) this.#stores.delete(key);
    }
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

  /** Whether a result is not stored yet because too few reads have missed it. */
  #isPostponed(key, policy) {
    return policy !== undefined && policy.minHitsBeforeStore > 1 && (this.#missCounts.get(key) ?? 0) + 1 < policy.minHitsBeforeStore;
  }

  #isWorthStoring(key, value, policy) {
    const { maxPayloadBytes } = policy;
    if (this.#isPostponed(key, policy)) {
      const count = (this.#missCounts.get(key) ?? 0) + 1;
      if (this.#missCounts.size >= KEY_MEMO.items) this.#missCounts.clear();
      this.#missCounts.set(key, count);
      return false;
    }
    this.#missCounts.delete(key);
    if (maxPayloadBytes === 0) return true;
    try {
      return Buffer.byteLength(JSON.stringify(value) ?? '') <= maxPayloadBytes;
    } catch {
      return false;
    }
  }
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
