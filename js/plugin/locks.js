/** Lock classes of later versions over PluginStorage (spec/05 section 18). */

import { toText } from '../native/text.js';
import { misuse } from './storage-errors.js';
import { lockOptions } from './storage-locks.js';

function requireStorage(storage, name) {
  if (storage !== null && typeof storage === 'object' && typeof storage.acquireLock === 'function') return storage;
  throw misuse(`${name} requires a PluginStorage`, 'constructor', { suggestion: `Call new ${name}(plugin.getStorage()).` });
}

/**
 * Locks with keys of their own making, by default `locks/<name>` at the root of the database, where later versions of the
 * original keep them: shared by all plugins.
 */
export class DistributedLock {
  /**
   * @param {import('./plugin-storage.js').PluginStorage} storage
   * @param {object} [options] `keyGenerator` makes the complete key of a name; the rest are defaults of `acquire`
   */
  constructor(storage, { keyGenerator, ...defaults } = {}) {
    this.storage = requireStorage(storage, 'DistributedLock');
    this.keyGenerator = keyGenerator ?? ((name) => `locks/${name}`);
    this.defaults = defaults;
  }

  /**
   * @param {string} name
   * @param {object} [options] those of `PluginStorage.acquireLock`
   * @returns {Promise<object | null>}
   */
  async acquire(name, options = {}) {
    return this.storage._acquireAt(String(this.keyGenerator(name)), String(name), { ...this.defaults, ...options });
  }

  /** Releases a handle, or a name with its token. */
  async release(lock, token) {
    const target = typeof lock === 'string' ? { name: lock, key: String(this.keyGenerator(lock)) } : lock;
    await this.storage.releaseLock(target, token);
  }

  /** As `PluginStorage.withLock`. */
  async withLock(name, options, callback) {
    return this.storage._withLock(() => this.acquire(name, options ?? {}), callback);
  }

  async isLocked(name) {
    return (await this.getLockInfo(name)) !== null;
  }

  /** @returns {Promise<{ workerId: any, token: string, acquiredAt: number, expiresAt: number, fence: number } | null>} */
  async getLockInfo(name) {
    return this.storage._lockInfo(String(name), { key: String(this.keyGenerator(name)) });
  }
}

/**
 * Mutex under `plugin=<slug>/locks/namespace=<namespace>/<key>.json`. Its handles are
 * `{ key, lockId, holderId, acquiredAt, expiresAt, ttl, fence, etag }`.
 */
export class S3Mutex {
  /**
   * @param {import('./plugin-storage.js').PluginStorage} storage
   * @param {string} [namespace]
   * @param {{ holderId?: string, ttl?: number, retryDelay?: number, maxRetryDelay?: number }} [options] defaults of `lock` and `tryLock`
   */
  constructor(storage, namespace = 'default', options = {}) {
    this.storage = requireStorage(storage, 'S3Mutex');
    this.namespace = String(namespace);
    this.options = { ...options };
  }

  /**
   * Waits for the mutex.
   * @param {string} key
   * @param {{ ttl?: number, timeout?: number, holderId?: string }} [options] `ttl` seconds (30), `timeout` milliseconds (without
   *   end)
   * @returns {Promise<object | null>} null when the timeout passed
   */
  async lock(key, options = {}) {
    return this.#acquire(key, { timeout: Number.POSITIVE_INFINITY, ...this.options, ...options });
  }

  /** One attempt; null when another holds it. */
  async tryLock(key, options = {}) {
    return this.#acquire(key, { ...this.options, ...options, timeout: 0 });
  }

  async #acquire(key, options) {
    const { storage } = this;
    const { discard: _discard, ...wanted } = lockOptions(storage, { ...options, workerId: options.holderId ?? `${process.pid}` }, 'lock');
    const request = toText({ ...wanted, name: String(key), namespace: this.namespace, now: storage._clock() ?? null });
    const text = await storage._run('acquireLock', String(key), (handle) => handle.acquire(request));
    return text === null || text === undefined ? null : this.#handleOf(text);
  }

  #handleOf(text) {
    const { name, token, workerId, acquiredAt, expiresAt, ttl, fence, etag } = JSON.parse(text);
    return { key: name, lockId: token, holderId: workerId, acquiredAt, expiresAt, ttl, fence, etag: this.storage._etag(etag) };
  }

  #lease(lock, operation, changes = {}) {
    if (lock === null || typeof lock !== 'object' || typeof lock.lockId !== 'string' || typeof lock.key !== 'string') {
      throw misuse(`${operation} expects the object that lock() returned`, operation, {
        pluginSlug: this.storage.pluginSlug,
        suggestion: 'Keep what lock() or tryLock() resolved to, and pass it.'
      });
    }
    const { key, lockId, holderId, acquiredAt, expiresAt, ttl, fence, etag } = { ...lock, ...changes };
    return toText({
      name: key,
      namespace: this.namespace,
      token: lockId,
      workerId: holderId ?? null,
      acquiredAt: Number(acquiredAt) || 0,
      expiresAt: Number(expiresAt) || 0,
      ttl: Number(ttl) || 30,
      fence: Number(fence) || 0,
      etag: etag ?? null,
      now: this.storage._clock() ?? null
    });
  }

  /** @returns {Promise<boolean>} false when it was gone or another's */
  async unlock(lock) {
    const request = this.#lease(lock, 'unlock');
    return this.storage._run('releaseLock', lock.key, (handle) => handle.release(request));
  }

  /**
   * Extends the mutex to `ttl` seconds from now.
   * @returns {Promise<object | null>} the new handle, or null when it is gone or another's
   */
  async extend(lock, ttl) {
    const { ttl: seconds } = lockOptions(this.storage, { ttl: ttl ?? lock?.ttl ?? 30 }, 'extend');
    const request = this.#lease(lock, 'extend', { ttl: seconds });
    const text = await this.storage._run('renewLock', lock.key, (handle) => handle.renew(request));
    return text === null || text === undefined ? null : this.#handleOf(text);
  }

  async isLocked(key) {
    return (await this.getLockInfo(key)) !== null;
  }

  /** @returns {Promise<{ lockId: string, holderId: any, acquiredAt: number, expiresAt: number, fence: number } | null>} */
  async getLockInfo(key) {
    const found = await this.storage._lockInfo(String(key), { namespace: this.namespace });
    if (found === null) return null;
    const { token, workerId, ...rest } = found;
    return { lockId: token, holderId: workerId, ...rest };
  }
}
