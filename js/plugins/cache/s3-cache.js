import { PluginStorage } from '../../plugin/plugin-storage.js';
import { Cache, MISS } from './cache.js';
import { failed, misuse } from './cache-error.js';
import { unwrap, wrap } from './entry.js';

const BATCH = 1000;
const trimSlashes = (text) => String(text).replace(/^\/+|\/+$/g, '');

/** Seconds after which the place that a reader reserved is nobody's: longer than any read, short enough for one that crashed. */
const RESERVED_SECONDS = 300;

/** What stands in a reserved place: no value, for s3db.js too. */
const reserved = () => ({ data: 'null', compressed: false, originalSize: 4, fmt: 2, types: {}, reserved: true });

/** Token of a reader that found the place reserved by another at the same moment: it stores nothing. */
const LOST = Symbol('lost');

/**
 * Cache in the bucket (spec/10 section 10.10): one object per entry, shared by every process.
 *
 * A reader that misses reserves the place of the entry before it reads the bucket, and stores only while its reservation
 * stands; a write deletes reservations with the entries. So no process can store what it read before another one wrote.
 * It costs a PUT per miss. Entries never expire unless a `ttl` is given.
 */
export class S3Cache extends Cache {
  #storage;
  #legacy = null;

  /**
   * @param {object} config `client` (required), `keyPrefix` (`cache`; a trailing slash makes no difference), `ttl` (ms,
   *   0 none), `enableCompression` (true), `compressionThreshold` (characters, 1024), `slug` (`cache`) under which the
   *   entries are stored, `legacyClear` (true): clears of another slug also delete what s3db.js keeps under `cache`,
   *   `reserve` (true): readers reserve; false saves a PUT per miss where one process alone writes
   * @throws {CacheError} without a client, and for `maxBytes`
   */
  constructor(config = {}) {
    const { client, keyPrefix = 'cache', ttl = 0, prefix, enableCompression = true, compressionThreshold = 1024 } = config;
    super({ ttl, client, prefix, enableCompression, compressionThreshold });
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
    this.reserve = config.reserve !== false;
    this.#storage = new PluginStorage(client, this.slug);
    if (this.slug !== 'cache' && config.legacyClear !== false) this.#legacy = new PluginStorage(client, 'cache');
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
    if (token === LOST) return;
    if (await this.#write(key, data, ttl, true, token)) this.emit('set', { key, value: data });
  }

  /** True when the entry was written: with a token only while the reservation stands. */
  async #write(key, data, ttl, strict, token) {
    const { enableCompression, compressionThreshold } = this.config;
    const envelope = await wrap(data, { enableCompression, compressionThreshold, strict });
    if (envelope === null) return false;
    const seconds = ttl === undefined || ttl === null ? this.ttlSeconds : Math.ceil(Number(ttl) / 1000);
    const options = {
      behavior: 'body-only',
      contentType: envelope.compressed ? 'application/gzip' : 'application/json',
      ...(seconds > 0 ? { ttl: seconds } : {})
    };
    try {
      if (token !== undefined) return (await this.#storage.setIfVersion(this.#key(key), envelope, token, options)) !== null;
      await this.#storage.set(this.#key(key), envelope, options);
      return true;
    } catch (error) {
      throw failed('Failed to set cache value in S3', error, { driver: 's3', operation: 'set', key });
    }
  }

  /** `{ entry, version }`: the entry, null for none and for a reservation; the version of what is there. */
  async #read(key) {
    try {
      const { data, version } = await this.#storage.getWithVersion(this.#key(key));
      return { entry: data === null ? null : await unwrap(data), version };
    } catch (error) {
      throw failed('Failed to get cache value from S3', error, { driver: 's3', operation: 'get', key });
    }
  }

  async _get(key) {
    return (await this.#read(key)).entry?.value ?? null;
  }

  async lookup(key) {
    const { entry, version } = await this.#read(key);
    const value = entry?.value ?? null;
    this.emit('fetched', { key, value });
    const hit = value !== null;
    if (!this.reserve) return hit ? { hit, value, fmt: entry.fmt, token: undefined } : MISS;
    // What is there already (another reader's reservation, an entry of s3db.js that this read may not use) serves as well:
    // a write deletes it, and then it cannot be replaced any more.
    const token = version ?? (await this.#reserve(key));
    return hit ? { hit, value, fmt: entry.fmt, token } : { ...MISS, token };
  }

  /** Token of a place that was free. */
  async #reserve(key) {
    const options = { ttl: RESERVED_SECONDS, contentType: 'application/json' };
    try {
      return (await this.#storage.setIfNotExists(this.#key(key), reserved(), options)) ?? LOST;
    } catch (error) {
      throw failed('Failed to reserve the place of a cache value in S3', error, { driver: 's3', operation: 'get', key });
    }
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
