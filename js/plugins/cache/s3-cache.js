import { PluginStorage } from '../../plugin/plugin-storage.js';
import { Cache, MISS } from './cache.js';
import { failed, misuse } from './cache-error.js';
import { unwrap, wrap } from './entry.js';

const BATCH = 1000;
/** What the storage says of an object that is no entry. */
const UNREADABLE = 'Failed to parse JSON body';
/** Seconds after which a reservation that somebody left behind counts as gone. */
const RESERVED_SECONDS = 60;
/** Stored while a load is under way; s3db.js reads it as a miss. */
const RESERVATION = { data: 'null', compressed: false, originalSize: 4, fmt: 2, types: {}, reserved: true };
const trimSlashes = (text) => String(text).replace(/^\/+|\/+$/g, '');

/**
 * Cache in the bucket (spec/10 section 10.10): one object per entry, shared by every process. Entries never expire unless a
 * `ttl` is given.
 *
 * A read that misses puts a reservation in the entry's place before it loads, and stores only while that is still there:
 * the write of another process deletes it with the entries. That is exact on stores that honour `If-Match`; on others the
 * window between look and store remains, and the database tells by `db:storage:degraded`.
 */
export class S3Cache extends Cache {
  #storage;
  #legacy = null;

  /**
   * @param {object} config `client` (required), `keyPrefix` (`cache`; a trailing slash makes no difference), `ttl` (ms,
   *   0 none), `enableCompression` (true), `compressionThreshold` (characters, 1024), `slug` (`cache`) under which the
   *   entries are stored, `legacyClear` (true): clears of another slug also delete what s3db.js keeps under `cache`,
   *   `crossProcess` (true): false, when no other process writes what is cached here, saves the reservation
   * @throws {CacheError} without a client, and for `maxBytes`
   */
  constructor(config = {}) {
    const { client, keyPrefix = 'cache', ttl = 0, prefix, enableCompression = true, compressionThreshold = 1024 } = config;
    const { crossProcess = true } = config;
    super({ ttl, client, prefix, enableCompression, compressionThreshold, crossProcess });
    if (config.maxBytes !== undefined) {
      throw misuse('maxBytes is not supported by the s3 cache driver', {
        driver: 's3',
        operation: 'constructor',
        suggestion: 'Give a ttl to bound what the bucket keeps, or use the memory or filesystem driver.'
      });
    }
    if (!client) {
      throw misuse('S3Cache requires a client', {
        driver: 's3',
        operation: 'constructor',
        suggestion: 'Pass database.client, or let CachePlugin build the driver.'
      });
    }
    this.client = client;
    this.keyPrefix = trimSlashes(keyPrefix);
    this.ttlMs = Math.max(0, Number(ttl) || 0);
    this.ttlSeconds = Math.ceil(this.ttlMs / 1000);
    this.slug = config.slug ?? 'cache';
    this.#storage = new PluginStorage(client, this.slug);
    if (this.slug !== 'cache' && config.legacyClear !== false) this.#legacy = new PluginStorage(client, 'cache');
  }

  /** Whether other processes write what is cached here. */
  get shared() {
    return this.config.crossProcess !== false;
  }

  /** The storage that entries go through. */
  get storage() {
    return this.#storage;
  }

  #key(key) {
    return this.#storage.getPluginKey(null, this.keyPrefix, key);
  }

  async _set(key, data, ttl) {
    await this.#write(key, data, ttl, false);
    return data;
  }

  async store(key, data, ttl, _scope, token) {
    await this.#write(key, data, ttl, true, token);
    this.emit('set', { key, value: data });
  }

  async #write(key, data, ttl, strict, token) {
    const { enableCompression, compressionThreshold } = this.config;
    const envelope = await wrap(data, { enableCompression, compressionThreshold, strict });
    if (envelope === null) return;
    const seconds = ttl === undefined || ttl === null ? this.ttlSeconds : Math.ceil(Number(ttl) / 1000);
    const options = {
      behavior: 'body-only',
      contentType: envelope.compressed ? 'application/gzip' : 'application/json',
      ...(seconds > 0 ? { ttl: seconds } : {})
    };
    try {
      if (token === undefined) await this.#storage.set(this.#key(key), envelope, options);
      else await this.#storage.setIfVersion(this.#key(key), envelope, token.version, options);
    } catch (error) {
      throw failed('Failed to set cache value in S3', error, { driver: 's3', operation: 'set', key });
    }
  }

  /**
   * Holds the place of an entry for a load that is about to begin.
   * @returns {Promise<{ version: string, own: boolean } | null | undefined>} null when there is an entry by now
   */
  async reserve(key, token, _scope, { replace = false } = {}) {
    // The lookup found the reservation of another load: whoever made it did so before this one begins.
    if (!this.shared || token !== undefined) return token;
    const at = this.#key(key);
    const options = { ttl: RESERVED_SECONDS };
    try {
      const version = await this.#storage.setIfNotExists(at, RESERVATION, options);
      if (version !== null) return { version, own: true };
      const there = await this.#storage.getWithVersion(at);
      if (there.version === null) return null;
      if (there.data.reserved === true) return { version: there.version, own: false };
      if (!replace && (await unwrap(there.data))?.fmt === 2) return null;
      const taken = await this.#storage.setIfVersion(at, RESERVATION, there.version, options);
      return taken === null ? null : { version: taken, own: true };
    } catch (error) {
      throw failed('Failed to reserve a cache entry in S3', error, { driver: 's3', operation: 'set', key });
    }
  }

  /** Takes a reservation back under which nothing was stored. */
  async release(key, { version, own }) {
    if (own) await this.#storage.deleteIfVersion(this.#key(key), version);
  }

  async #read(key) {
    try {
      return await this.#storage.getWithVersion(this.#key(key));
    } catch (error) {
      if (error?.message !== UNREADABLE) throw failed('Failed to get cache value from S3', error, { driver: 's3', operation: 'get', key });
      // Cut short or not ours: nobody can use it, and nothing could be stored in its place.
      await this.#deleteKeys([this.#key(key)]);
      return { data: null, version: null };
    }
  }

  async _get(key) {
    const { data } = await this.#read(key);
    return data === null || data.reserved === true ? null : ((await unwrap(data))?.value ?? null);
  }

  async lookup(key) {
    const { data, version } = await this.#read(key);
    const isReserved = data?.reserved === true;
    const entry = data === null || isReserved ? null : await unwrap(data);
    const value = entry?.value ?? null;
    this.emit('fetched', { key, value });
    if (value !== null) return { hit: true, value, fmt: entry.fmt, token: undefined };
    return { ...MISS, token: isReserved ? { version, own: false } : undefined };
  }

  async _del(key) {
    await this.#deleteKeys([this.#key(key)]);
    return true;
  }

  async _clear(prefix = '') {
    await this.invalidate({ prefix: prefix ?? '', keep: [], keys: [] });
    return true;
  }

  /** One LIST per thousand entries and one batched DELETE per thousand removed ones. */
  async invalidate({ prefix, keep, keys }) {
    for (const storage of this.#legacy === null ? [this.#storage] : [this.#storage, this.#legacy]) {
      const base = storage.getPluginKey(null, this.keyPrefix, '');
      const kept = keep.map((each) => `${base}${each}`);
      let found;
      try {
        found = await storage.list(`${this.keyPrefix}/${prefix}`);
      } catch (error) {
        throw failed('Failed to clear cache entries from S3', error, { driver: 's3', operation: 'clear', prefix });
      }
      const doomed = new Set(found.filter((key) => !kept.some((each) => key.startsWith(each))));
      for (const key of keys) doomed.add(`${base}${key}`);
      await this.#deleteKeys([...doomed]);
    }
  }

  async #deleteKeys(keys) {
    if (keys.length === 0) return;
    try {
      if (keys.length === 1 || typeof this.client.deleteObjects !== 'function') {
        for (const key of keys) await this.#storage.delete(key);
        return;
      }
      for (let from = 0; from < keys.length; from += BATCH) {
        const { notFound } = await this.client.deleteObjects(keys.slice(from, from + BATCH));
        if (notFound?.length > 0) throw notFound[0].raw instanceof Error ? notFound[0].raw : notFound[0];
      }
    } catch (error) {
      throw failed('Failed to delete cache entries from S3', error, { driver: 's3', operation: 'delete', keys: keys.length });
    }
  }

  async keys() {
    const base = this.#key('');
    return (await this.#storage.list(`${this.keyPrefix}/`)).map((key) => key.slice(base.length));
  }
}

export default S3Cache;
