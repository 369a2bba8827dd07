/** Names, values and JSON of an entry. */
export type PluginData = Record<string, any>;

export interface PluginSetOptions {
  /** Seconds to live; only numbers above 0 count, fractions allowed. */
  ttl?: number | null;
  /**
   * `body-overflow` (default): metadata first, smallest fields first, the rest in the body. `body-only`: everything in the
   * body. `enforce-limits`: everything in metadata, or `MetadataLimitError` above 2044 bytes.
   */
  behavior?: 'body-overflow' | 'body-only' | 'enforce-limits';
  /** Default `application/json`. */
  contentType?: string;
  /** Only when the object's ETag is this one. */
  ifMatch?: string;
  /** `'*'`: only when there is no object. */
  ifNoneMatch?: '*';
}

export interface PluginLockOptions {
  /** Seconds until the lock expires, above 0. Default 30. */
  ttl?: number;
  /** Milliseconds to wait at most; 0, null or missing: one attempt; `Infinity`: as long as it takes. */
  timeout?: number | null;
  /** Who holds it; any JSON value. Default `'unknown'`. */
  workerId?: unknown;
  /** First wait between attempts, milliseconds; doubles. Default 100. */
  retryDelay?: number;
  /** Longest wait between attempts, milliseconds. Default 1000. */
  maxRetryDelay?: number;
  /** Delete the lock on release instead of keeping its fence: for names used once. Default false. */
  discard?: boolean;
}

/** A lock that is held. */
export interface PluginLock {
  name: string;
  key: string;
  /** Mark of this holder, 22 characters; an ownership marker, no secret. */
  token: string;
  workerId: any;
  /** Epoch milliseconds. */
  acquiredAt: number;
  /** Epoch milliseconds. */
  expiresAt: number;
  /** Seconds. */
  ttl: number;
  /** Grows with every change of holder; with `discard` it is only the clock of the attempt. */
  fence: number;
  etag?: string;
  discard?: true;
}

export interface PluginSequenceOptions {
  /** Sequence of a resource instead of the plugin's own. */
  resourceName?: string | null;
  /** First number. Default 1. */
  initialValue?: number;
  /** Step. Default 1. */
  increment?: number;
  /** Milliseconds to wait for the lock. Default 5000. */
  lockTimeout?: number;
  /** Seconds after which the lock of a crashed process is taken over. Default 10. */
  lockTTL?: number;
}

export interface PluginSequence {
  /** The number that is due. */
  value: number;
  name: string;
  resourceName: string | null;
  createdAt: string;
  updatedAt?: string;
  resetAt?: string;
}

export interface PluginLockInfo {
  workerId: any;
  token: string;
  /** Null when the writer told none. */
  acquiredAt: number | null;
  /** Null for a lock that never expires. */
  expiresAt: number | null;
  fence: number;
}

/** Storage of one plugin under `plugin=<slug>/...`. Methods take complete keys, which `getPluginKey` builds. */
export class PluginStorage {
  /** `client`: any object with the client methods used. `now`: clock in epoch milliseconds, for tests. */
  constructor(client: object, pluginSlug: string, options?: { now?: () => number });
  client: any;
  pluginSlug: string;

  getPluginKey(resourceName: string | null | undefined, ...parts: Array<string | number>): string;
  getSequenceKey(resourceName: string | null | undefined, name: string, suffix: string): string;

  set(key: string, data: PluginData | null, options?: PluginSetOptions): Promise<{ ETag?: string; [member: string]: any }>;
  /** Alias of `set`. */
  put(key: string, data: PluginData | null, options?: PluginSetOptions): Promise<{ ETag?: string; [member: string]: any }>;
  get<T = PluginData>(key: string): Promise<T | null>;
  has(key: string): Promise<boolean>;
  delete(key: string): Promise<void>;
  deleteAll(resourceName?: string | null): Promise<number>;
  list(prefix?: string, options?: { limit?: number }): Promise<string[]>;
  /** Alias of `list`. */
  listKeysWithPrefix(prefix?: string, options?: { limit?: number }): Promise<string[]>;
  listWithPrefix<T = PluginData>(prefix?: string, options?: { limit?: number }): Promise<T[]>;
  listForResource(resourceName: string, subPrefix?: string, options?: { limit?: number }): Promise<string[]>;
  batchSet(
    items: Array<{ key: string; data: PluginData | null; options?: PluginSetOptions }>
  ): Promise<Array<{ ok: boolean; key: string; error?: Error }>>;
  batchPut(
    items: Array<{ key: string; data: PluginData | null; options?: PluginSetOptions }>
  ): Promise<Array<{ key: string; ok: boolean; error: Error | null }>>;
  batchGet<T = PluginData>(keys: string[]): Promise<Array<{ key: string; ok: boolean; data: T | null; error?: Error }>>;

  isExpired(key: string): Promise<boolean>;
  /** Whole seconds left; null without a ttl, or when the entry is missing. */
  getTTL(key: string): Promise<number | null>;
  touch(key: string, additionalSeconds: number): Promise<boolean>;

  increment(key: string, amount?: number, options?: { ttl?: number | null; contentType?: string }): Promise<number>;
  decrement(key: string, amount?: number, options?: { ttl?: number | null; contentType?: string }): Promise<number>;

  /** The version, or null when a live entry exists. */
  setIfNotExists(key: string, data: PluginData | null, options?: { ttl?: number | null; contentType?: string }): Promise<string | null>;
  getWithVersion<T = PluginData>(key: string): Promise<{ data: T; version: string } | { data: null; version: null }>;
  /** The new version, or null when it was another one or the entry is gone. */
  setIfVersion(
    key: string,
    data: PluginData | null,
    version: string,
    options?: { ttl?: number | null; contentType?: string }
  ): Promise<string | null>;
  deleteIfVersion(key: string, version: string): Promise<boolean>;

  acquireLock(lockName: string, options?: PluginLockOptions): Promise<PluginLock | null>;
  /** The new handle, or null when the lock is gone or another's. */
  renewLock(lock: PluginLock, ttl?: number): Promise<PluginLock | null>;
  isOwner(lock: PluginLock): Promise<boolean>;
  releaseLock(lock: PluginLock | { name: string; token: string } | null | undefined): Promise<void>;
  releaseLock(lock: string | { name?: string; lockName?: string; key?: string }, token: string): Promise<void>;
  withLock<T>(
    lockName: string,
    options: PluginLockOptions | null | undefined,
    callback: (lock: PluginLock) => T | Promise<T>
  ): Promise<T | null>;
  isLocked(lockName: string): Promise<boolean>;

  nextSequence(name: string, options?: PluginSequenceOptions): Promise<number>;
  /** The number that is due, without taking it. */
  getSequence(name: string, options?: { resourceName?: string | null }): Promise<number | null>;
  resetSequence(name: string, value: number, options?: PluginSequenceOptions): Promise<true>;
  deleteSequence(name: string, options?: { resourceName?: string | null }): Promise<boolean>;
  listSequences(options?: { resourceName?: string | null }): Promise<PluginSequence[]>;
}

/** Locks with keys of their own making, by default `locks/<name>` at the root of the database. */
export class DistributedLock {
  constructor(storage: PluginStorage, options?: PluginLockOptions & { keyGenerator?: (name: string) => string });
  defaults: PluginLockOptions;
  storage: PluginStorage;
  keyGenerator: (name: string) => string;
  acquire(name: string, options?: PluginLockOptions): Promise<PluginLock | null>;
  release(lock: PluginLock | string | null | undefined, token?: string): Promise<void>;
  withLock<T>(
    name: string,
    options: PluginLockOptions | null | undefined,
    callback: (lock: PluginLock) => T | Promise<T>
  ): Promise<T | null>;
  isLocked(name: string): Promise<boolean>;
  getLockInfo(name: string): Promise<PluginLockInfo | null>;
}

export interface S3MutexOptions {
  /** Seconds. Default 30. */
  ttl?: number;
  /** Default: the process id. */
  holderId?: string;
  retryDelay?: number;
  maxRetryDelay?: number;
}

/** A mutex that is held. */
export interface S3MutexLock {
  key: string;
  lockId: string;
  holderId: any;
  acquiredAt: number;
  expiresAt: number;
  ttl: number;
  fence: number;
  etag?: string;
}

/** Mutex under `plugin=<slug>/locks/namespace=<namespace>/<key>.json`. */
export class S3Mutex {
  constructor(storage: PluginStorage, namespace?: string, options?: S3MutexOptions);
  storage: PluginStorage;
  namespace: string;
  options: S3MutexOptions;
  /** Waits, by default without end; null when `timeout` (milliseconds) passed. */
  lock(key: string, options?: S3MutexOptions & { timeout?: number }): Promise<S3MutexLock | null>;
  tryLock(key: string, options?: S3MutexOptions): Promise<S3MutexLock | null>;
  unlock(lock: S3MutexLock): Promise<boolean>;
  extend(lock: S3MutexLock, ttl?: number): Promise<S3MutexLock | null>;
  isLocked(key: string): Promise<boolean>;
  getLockInfo(
    key: string
  ): Promise<{ lockId: string; holderId: any; acquiredAt: number | null; expiresAt: number | null; fence: number } | null>;
}
