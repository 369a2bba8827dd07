/** Lock methods of PluginStorage (spec/05 section 10.7). */

import { toText } from '../native/text.js';
import { misuse } from './storage-errors.js';

const DEFAULTS = { ttl: 30, timeout: 0, workerId: 'unknown', retryDelay: 100, maxRetryDelay: 1000 };
/** JSON has no infinity. */
const LONGEST = Number.MAX_VALUE;

const finite = (ms) => (ms === Number.POSITIVE_INFINITY ? LONGEST : ms);

/** A lock option that must be a number; null counts as missing. */
function numberOption(storage, options, name, operation) {
  const value = options[name] ?? DEFAULTS[name];
  if (typeof value === 'number' && !Number.isNaN(value)) return finite(value);
  throw misuse(`${name} of a lock must be a number`, operation, {
    pluginSlug: storage.pluginSlug,
    field: name,
    suggestion: `Pass ${name} in ${name === 'ttl' ? 'seconds' : 'milliseconds'}, for example ${name}: ${DEFAULTS[name]}.`
  });
}

/** Members of `acquire` that the options decide. */
export function lockOptions(storage, options, operation) {
  const { ttl } = { ttl: DEFAULTS.ttl, ...options };
  if (ttl !== null && !(typeof ttl === 'number' && ttl > 0 && Number.isFinite(ttl))) {
    throw misuse('ttl of a lock must be a number of seconds above 0', operation, {
      pluginSlug: storage.pluginSlug,
      field: 'ttl',
      suggestion: 'Pass the seconds after which a crashed holder loses the lock, for example ttl: 30.'
    });
  }
  return {
    ttl: ttl ?? DEFAULTS.ttl,
    timeout: Math.max(0, numberOption(storage, options, 'timeout', operation)),
    retryDelay: numberOption(storage, options, 'retryDelay', operation),
    maxRetryDelay: numberOption(storage, options, 'maxRetryDelay', operation),
    workerId: options.workerId === undefined ? DEFAULTS.workerId : options.workerId,
    discard: options.discard === true
  };
}

/** Handle of a lease text, as callers hold it. */
export function handleOf(storage, text, discard) {
  const { name, key, token, workerId, acquiredAt, expiresAt, ttl, fence, etag } = JSON.parse(text);
  const lock = { name, key, token, workerId, acquiredAt, expiresAt, ttl, fence, etag: storage._etag(etag) };
  if (discard) lock.discard = true;
  return lock;
}

function requireName(storage, lockName, operation) {
  if (typeof lockName === 'string' && lockName !== '') return lockName;
  if (typeof lockName === 'number') return String(lockName);
  throw misuse(`${operation} requires a lock name`, operation, {
    pluginSlug: storage.pluginSlug,
    field: 'lockName',
    suggestion: 'Pass a text that names what is locked.'
  });
}

function requireHandle(storage, lock, operation) {
  if (lock !== null && typeof lock === 'object' && typeof lock.token === 'string' && lock.token !== '') {
    const key = keyOf(storage, lock);
    if (key !== null) return { ...lock, name: lock.name ?? lock.lockName ?? '', key };
  }
  throw misuse(`${operation} expects the lock that acquireLock returned`, operation, {
    pluginSlug: storage.pluginSlug,
    suggestion: 'Keep the object that acquireLock resolved to, and pass it.'
  });
}

/** Key of a lock object, or null. */
function keyOf(storage, lock) {
  if (typeof lock.key === 'string' && lock.key !== '') return lock.key;
  const name = lock.name ?? lock.lockName;
  if ((lock.key === undefined || lock.key === null) && typeof name === 'string' && name !== '') {
    return storage.getPluginKey(null, 'locks', name);
  }
  return null;
}

/** What the engine needs of a handle. */
const leaseText = (storage, { name, key, token, workerId, acquiredAt, expiresAt, ttl, fence, etag, discard }, now = storage._clock()) =>
  toText({
    name: String(name),
    key,
    token,
    workerId: workerId === undefined ? null : workerId,
    acquiredAt: Number(acquiredAt) || 0,
    expiresAt: Number(expiresAt) || 0,
    ttl: Number(ttl) || DEFAULTS.ttl,
    fence: Number(fence) || 0,
    etag: etag ?? null,
    discard: discard === true,
    now: now ?? null
  });

export const lockMethods = {
  /**
   * Acquires the lock called `lockName`, taking over an expired one.
   * @param {string} lockName
   * @param {object} [options] `ttl` seconds (30); `timeout` milliseconds to wait (0: one attempt); `workerId`;
   *   `retryDelay`, `maxRetryDelay` milliseconds (100, 1000); `discard`: delete the lock on release, for names used once
   * @returns {Promise<object | null>} handle `{ name, key, token, workerId, expiresAt, etag, fence, ... }`, or null
   */
  async acquireLock(lockName, options = {}) {
    const name = requireName(this, lockName, 'acquireLock');
    return this._acquireAt(this.getPluginKey(null, 'locks', name), name, options);
  },

  /** `acquireLock` for the lock under `key`, at the time `now`. */
  async _acquireAt(key, name, options, now = this._clock()) {
    const wanted = lockOptions(this, options ?? {}, 'acquireLock');
    const request = toText({ ...wanted, name, key, now: now ?? null });
    const text = await this._run('acquireLock', key, (handle) => handle.acquire(request));
    return text === null || text === undefined ? null : handleOf(this, text, wanted.discard);
  },

  /**
   * Extends a lock to `ttl` seconds from now; token and fence stay.
   * @returns {Promise<object | null>} the new handle, or null when the lock is gone or another's
   */
  async renewLock(lock, ttl) {
    return this._renewAt(lock, ttl);
  },

  /** `renewLock` at the time `now`. */
  async _renewAt(lock, ttl, now = this._clock()) {
    const held = requireHandle(this, lock, 'renewLock');
    const { ttl: seconds } = lockOptions(this, { ttl: ttl ?? held.ttl ?? DEFAULTS.ttl }, 'renewLock');
    const request = leaseText(this, { ...held, ttl: seconds }, now);
    const text = await this._run('renewLock', held.key, (handle) => handle.renew(request));
    return text === null || text === undefined ? null : handleOf(this, text, held.discard === true);
  },

  /** Whether the stored lock is still the handle's, and not expired. */
  async isOwner(lock) {
    const held = requireHandle(this, lock, 'isOwner');
    return this._run('isLocked', held.key, (handle) => handle.isOwner(leaseText(this, held)));
  },

  /**
   * Releases a lock. One that is gone or another's stays as it is.
   * @param {object | string} lock handle, or lock name with the token
   * @param {string} [token]
   */
  async releaseLock(lock, token) {
    if (!lock) return;
    const fail = (message, suggestion) => misuse(message, 'releaseLock', { pluginSlug: this.pluginSlug, suggestion });
    if (typeof lock === 'string') {
      if (!token)
        throw fail('releaseLock(lockName) now requires the lock token', 'Pass lock.token as second argument, or the lock itself.');
      const key = this.getPluginKey(null, 'locks', lock);
      await this._run('releaseLock', key, (handle) => handle.release(leaseText(this, { name: lock, key, token: String(token) })));
      return;
    }
    if (typeof lock !== 'object') throw fail('releaseLock expects a lock object or lock name', 'Pass what acquireLock resolved to.');
    if (lock.token !== undefined && !lock.token) throw fail('Lock token missing on lock object', 'Pass what acquireLock resolved to.');
    const key = keyOf(this, lock);
    if (key === null) throw fail('Invalid lock key', 'Pass what acquireLock resolved to, with its key or name.');
    const own = lock.token ?? token;
    const name = String(lock.name ?? lock.lockName ?? '');
    if (!own) {
      const found = await this._run('releaseLock', key, (handle) => handle.lockInfo(toText({ name, key, now: this._clock() ?? null })));
      if (found) throw fail('releaseLock detected a stored token but none was provided', 'Pass the token of the lock.');
      return;
    }
    await this._run('releaseLock', key, (handle) => handle.release(leaseText(this, { ...lock, name, key, token: String(own) })));
  },

  /**
   * Runs `callback` under a lock and releases it, whatever happens.
   * @returns {Promise<any>} what the callback gives, or null when the lock was not to be had
   */
  async withLock(lockName, options, callback) {
    return this._withLock(() => this.acquireLock(lockName, options ?? {}), callback);
  },

  async _withLock(acquire, callback) {
    if (typeof callback !== 'function') {
      throw misuse('withLock requires a callback function', 'withLock', {
        pluginSlug: this.pluginSlug,
        suggestion: 'Call withLock(name, options, async (lock) => { ... }).'
      });
    }
    const lock = await acquire();
    if (!lock) return null;
    try {
      return await callback(lock);
    } finally {
      // A lock that cannot be released expires.
      await this.releaseLock(lock).catch(() => {});
    }
  },

  /** Whether a lock is held by anybody. */
  async isLocked(lockName) {
    return (await this._lockInfo(lockName)) !== null;
  },

  /** The lock as stored, while it is held at the time `now`. */
  async _lockInfo(lockName, target = {}, now = this._clock()) {
    const name = requireName(this, lockName, 'isLocked');
    const request = toText({ name, ...target, now: now ?? null });
    const text = await this._run('isLocked', name, (handle) => handle.lockInfo(request));
    return text === null || text === undefined ? null : JSON.parse(text);
  }
};
