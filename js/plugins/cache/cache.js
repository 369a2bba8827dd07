import { EventEmitter } from 'node:events';
import { misuse } from './cache-error.js';

/** What the plugin gets from a lookup that found nothing usable. */
export const MISS = Object.freeze({ hit: false, value: null, fmt: 0, token: undefined });

/**
 * A `stats` member that is both the documented method and the counters: `stats()` is `getStats()`, `stats.hits` counts.
 * @param {() => object} getStats
 * @param {object} counters
 */
export function statsMember(getStats, counters) {
  return Object.assign(() => getStats(), counters);
}

/**
 * Base class of cache drivers (spec/10 section 10.8). Subclasses implement `_set`, `_get`, `_del`, `_clear`, `size`
 * and `keys`.
 *
 * The plugin works through `lookup`, `store` and `invalidate`, which have defaults over the public methods, so that a
 * driver written against `get`, `set` and `clear` alone does.
 */
export class Cache extends EventEmitter {
  constructor(config = {}) {
    super();
    this.config = config;
    /** False: reads pass by; writes are still cleared. */
    this.enabled = true;
  }

  /** @throws {CacheError} unless the key is a non-empty string */
  validateKey(key) {
    if (typeof key === 'string' && key !== '') return;
    throw misuse('Invalid cache key', {
      operation: 'validateKey',
      key: typeof key === 'string' ? key : String(key),
      suggestion: 'Cache key must be a non-empty string'
    });
  }

  async _set(_key, _data, _ttl) {}

  async _get(_key) {
    return null;
  }

  async _del(_key) {
    return true;
  }

  async _clear(_prefix) {
    return true;
  }

  /** Number of entries. */
  async size() {
    return (await this.keys()).length;
  }

  /** Keys of the entries. */
  async keys() {
    return [];
  }

  /**
   * Stores a value.
   * @param {string} key
   * @param {any} data
   * @param {number} [ttl] milliseconds, 0 for none; without it the driver's
   * @returns {Promise<any>} `data`
   */
  async set(key, data, ttl) {
    this.validateKey(key);
    await this._set(key, data, ttl);
    this.emit('set', { key, value: data });
    return data;
  }

  /** The value under a key, null when there is none. */
  async get(key) {
    this.validateKey(key);
    const value = (await this._get(key)) ?? null;
    this.emit('fetched', { key, value });
    return value;
  }

  /** Removes a key. */
  async del(key) {
    this.validateKey(key);
    const value = await this._del(key);
    this.emit('deleted', { key, value });
    return value;
  }

  /** Alias of `del`. */
  async delete(key) {
    return this.del(key);
  }

  /**
   * Removes the keys that start with a prefix, or everything.
   * @param {string} [prefix] plain text, no separator is implied
   */
  async clear(prefix) {
    const value = await this._clear(prefix);
    this.emit('clear', { prefix, value });
    return value;
  }

  stats() {
    return typeof this.getStats === 'function' ? this.getStats() : {};
  }

  /** Whether other processes write what is cached here. */
  get shared() {
    return false;
  }

  /**
   * Whether reads that the library makes inside another one may be answered from here, when results are stored where other
   * processes find them: what is made of an old entry would be old itself. True for drivers that tell, by their tokens,
   * while a clear is under way.
   */
  get servesInner() {
    return !this.shared;
  }

  /**
   * Reads for the plugin.
   * @param {string} key
   * @param {object} [_scope] `{ resource, action, partition, partitionValues, params, inner }`; `inner`: part of another read
   * @returns {Promise<{ hit: boolean, value: any, fmt: number, token?: string }>} `fmt` 2 for entries with exact types;
   *   `token` is handed back to `store`, which stores nothing when the resource was invalidated meanwhile; null: nothing
   *   may be stored
   *
   * A driver that cannot tell so afterwards has two methods more: `reserve(key, token, scope, { replace })` is called
   * before a load and gives the token for `store` (`replace`: the entry that is there does not do), `release(key, token)`
   * when nothing was stored under it.
   */
  async lookup(key, _scope) {
    const value = await this.get(key);
    return value === null || value === undefined ? MISS : { hit: true, value, fmt: 2, token: undefined };
  }

  /** Stores for the plugin: refuses what would not read back exactly. */
  async store(key, value, ttl, _scope, _token) {
    await this.set(key, value, ttl);
  }

  /**
   * Removes entries of a resource after a write.
   * @param {{ resource: string, prefix: string, keep: string[], keys: string[], partitions?: object }} what every key
   *   under `prefix` but those that start with one of `keep`, and every key of `keys`
   * @param {() => Promise<void>} [_during] for drivers that keep others from storing while they clear: what to do between
   *   the removal and the end of that; may run more than once
   */
  async invalidate({ prefix, keep, keys }) {
    for (const key of keys) await this.del(key);
    if (keep.length === 0) {
      await this.clear(prefix);
      return;
    }
    for (const key of await this.keys()) {
      if (key.startsWith(prefix) && !keep.some((kept) => key.startsWith(kept))) await this.del(key);
    }
  }

  /** Removes everything that the driver stored. */
  async purge() {
    await this.clear();
  }

  /** Frees timers and connections; entries stay. */
  async close() {}
}

export default Cache;
