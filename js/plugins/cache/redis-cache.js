import { loadPluginDependency } from '../concerns/plugin-dependencies.js';
import { Cache, MISS, statsMember } from './cache.js';
import { CacheError, failed, misuse } from './cache-error.js';
import { unwrap, wrap } from './entry.js';
import { RedisMarks } from './redis-marks.js';
import { keysUnder, serverRun } from './redis-server.js';

const DELETE_BATCH = 500;
/** Begins of one clear: the server forgets them when it evicts keys. */
const MAX_ROUNDS = 10;

const OWN_OPTIONS = new Set([
  ...['keyPrefix', 'ttl', 'enableCompression', 'compressionThreshold', 'enableStats', 'retryAttempts', 'retryDelay'],
  ...['redisOptions', 'client', 'lazyConnect', 'commandTimeout', 'connectTimeout', 'retryStrategy', 'maxSize', 'maxBytes'],
  ...['maxMemoryBytes', 'maxMemoryPercent', 'slug', 'legacyClear', 'keepAlive', 'keepAliveInitialDelay', 'crossProcess']
]);

async function deleteKeys(names, run) {
  for (let from = 0; from < names.length; from += DELETE_BATCH)
    await run((client) => client.del(...names.slice(from, from + DELETE_BATCH)));
}

function counters() {
  return { hits: 0, misses: 0, errors: 0, sets: 0, deletes: 0 };
}

/**
 * Cache in Redis (spec/10 section 10.12), through the package ioredis, which is loaded when the cache is used for the
 * first time. Losing the server makes operations fail within `commandTimeout`; the next use connects again.
 *
 * What another process read before a write is never stored after it (keys `<prefix>:mark:<resource>` and
 * `<prefix>:clearing:<resource>`). A server that was restarted or failed over may have brought back entries that were cleared: on the first connection to
 * another run of it (key `<prefix>:server`) everything is dropped.
 */
export class RedisCache extends Cache {
  #client = null;
  #given = false;
  #connecting = null;
  #downUntil = 0;
  #marks;
  /** Number of the connection, and of the one whose server is known. */
  #connection = 0;
  #known = -1;
  #checking = null;

  /**
   * @param {object} [config] `host` (`localhost`), `port` (6379), `password`, `db` (0), `keyPrefix` (`cache`), `ttl` (ms,
   *   3600000; 0 none), `enableCompression` (true), `compressionThreshold` (characters, 1024), `connectTimeout` and
   *   `commandTimeout` (ms, 5000), `retryAttempts` (3) and `retryDelay` (ms, 1000) of reconnecting, `retryStrategy`,
   *   `enableStats`, `redisOptions` and any other option of ioredis, or `client`: an ioredis instance to use, which
   *   stays the caller's to close; `crossProcess` (true): false when no other process writes what is cached here
   * @throws {CacheError} for the client of a cluster
   */
  constructor(config = {}) {
    const settings = {
      host: 'localhost',
      port: 6379,
      db: 0,
      keyPrefix: 'cache',
      ttl: 3_600_000,
      enableCompression: true,
      compressionThreshold: 1024,
      connectTimeout: 5000,
      commandTimeout: 5000,
      retryAttempts: 3,
      retryDelay: 1000,
      lazyConnect: true,
      keepAlive: true,
      keepAliveInitialDelay: 0,
      enableStats: false,
      crossProcess: true,
      ...Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined))
    };
    super(settings);
    this.keyPrefix = settings.keyPrefix === '' || String(settings.keyPrefix).endsWith('/') ? settings.keyPrefix : `${settings.keyPrefix}/`;
    this.ttlMs = Math.max(0, Number(settings.ttl) || 0);
    this.stats = statsMember(() => this.getStats(), counters());
    this.#marks = new RedisMarks(this.keyPrefix);
    if (settings.client) {
      if (settings.client.isCluster === true) {
        // Its SCAN sees one node, so that clears would leave entries on the others.
        throw misuse('RedisCache does not work with the client of a Redis cluster', {
          driver: 'redis',
          operation: 'constructor',
          option: 'client',
          suggestion: 'Pass an ioredis instance for one server (or for one behind Sentinel).'
        });
      }
      this.#given = true;
      this.#follow(settings.client);
    }
  }

  /** Takes a client, and notes when its connection ends. */
  #follow(client) {
    this.#client = client;
    client.on?.('close', () => {
      if (this.#client === client) this.#connection += 1;
    });
  }

  /** The ioredis client once there is one. */
  get client() {
    return this.#client;
  }

  #options() {
    const { redisOptions, retryStrategy, retryAttempts, retryDelay, ...config } = this.config;
    const passed = Object.fromEntries(Object.entries(config).filter(([name]) => !OWN_OPTIONS.has(name)));
    return {
      ...passed,
      connectTimeout: config.connectTimeout,
      commandTimeout: config.commandTimeout,
      keepAlive: config.keepAlive ? Number(config.keepAliveInitialDelay) || 0 : undefined,
      lazyConnect: true,
      // While the server is away operations fail at once; they are not queued to be answered late.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: retryStrategy ?? ((times) => (times > retryAttempts ? null : Math.min(times * retryDelay, 5000))),
      ...redisOptions
    };
  }

  async #connect() {
    if (this.#given) return this.#client;
    if (this.#client?.status === 'ready') return this.#client;
    // One attempt per `retryDelay`: a server that is away costs its users nothing but misses.
    if (Date.now() < this.#downUntil && Date.now() + this.config.retryDelay >= this.#downUntil) {
      throw new CacheError('Failed to connect to Redis: the server did not answer a moment ago', {
        driver: 'redis',
        operation: 'connect',
        retriable: true
      });
    }
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #open() {
    let Redis;
    try {
      const module = await loadPluginDependency('ioredis', { caller: 'RedisCache' });
      Redis = module.default?.default ?? module.default ?? module.Redis;
    } catch (error) {
      throw new CacheError(error.message, {
        driver: 'redis',
        operation: 'connect',
        original: error,
        code: 'MISSING_DEPENDENCY',
        statusCode: 500,
        suggestion: 'Install the package: npm install ioredis@^5.4.1'
      });
    }
    this.#client?.disconnect();
    const client = new Redis(this.#options());
    client.on('error', (error) => this.emit('connection:error', { error }));
    client.on('ready', () => this.emit('connection:ready', {}));
    client.on('end', () => this.emit('connection:end', {}));
    this.#connection += 1;
    this.#follow(client);
    try {
      await this.#timed(client.connect(), this.config.connectTimeout);
      this.#downUntil = 0;
      return client;
    } catch (error) {
      client.disconnect();
      if (this.#client === client) this.#client = null;
      this.#downUntil = Date.now() + this.config.retryDelay;
      throw failed('Failed to connect to Redis', error, { driver: 'redis', operation: 'connect' });
    }
  }

  /** A promise with a deadline: a connection that hangs must not hang its users. */
  async #timed(promise, milliseconds) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(Object.assign(new Error(`no answer within ${milliseconds} ms`), { late: true })), milliseconds);
    });
    promise.catch(() => {});
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Drops what the server holds when it is not the run of it that was last seen under this prefix. */
  async #check(client) {
    const connection = this.#connection;
    const run = (work) => this.#timed(work(client), this.config.commandTimeout);
    const id = await serverRun(run);
    const { serverKey, prefixes } = this.#marks;
    if (id !== null && (await run(() => client.get(serverKey))) !== id) {
      // Marks first: from then on nobody stores what was read before.
      for (const prefix of [...prefixes, `${this.keyPrefix}resource=`]) await deleteKeys(await keysUnder(prefix, run), run);
      await run(() => client.set(serverKey, id));
    }
    this.#known = connection;
  }

  async #ready() {
    const client = await this.#connect();
    while (this.#known !== this.#connection) {
      this.#checking ??= this.#check(client).finally(() => {
        this.#checking = null;
      });
      await this.#checking;
    }
    return client;
  }

  /** Runs commands; failures are `CacheError` with the text of the operation. */
  async #run(message, details, work) {
    try {
      const client = await this.#ready();
      const connection = this.#connection;
      const result = await this.#timed(work(client), this.config.commandTimeout);
      // Answered by another run of the server, perhaps, which nobody has looked at yet.
      if (this.#connection !== connection) throw new Error('the connection was lost meanwhile');
      return result;
    } catch (error) {
      this.#count('errors');
      if (error instanceof CacheError) throw error;
      if (error?.late || /timed out/i.test(error?.message ?? '')) this.#drop();
      throw failed(message, error, { driver: 'redis', ...details });
    }
  }

  /** A connection that stopped answering: the next use makes another one, after a pause. */
  #drop() {
    if (this.#given) return;
    this.#client?.disconnect();
    this.#client = null;
    this.#downUntil = Date.now() + this.config.retryDelay;
  }

  #count(name) {
    if (this.config.enableStats) this.stats[name] += 1;
  }

  /** Whether other processes write what is cached here. */
  get shared() {
    return this.config.crossProcess !== false;
  }

  get servesInner() {
    return true;
  }

  async #payload(data, strict) {
    const { enableCompression, compressionThreshold } = this.config;
    const envelope = await wrap(data, { enableCompression, compressionThreshold, strict, binarySize: true });
    return envelope === null ? null : JSON.stringify(envelope);
  }

  #seconds(ttl) {
    const ms = ttl === undefined || ttl === null ? this.ttlMs : Number(ttl);
    return ms > 0 ? Math.ceil(ms / 1000) : 0;
  }

  async _set(key, data, ttl) {
    const text = await this.#payload(data, false);
    if (text === null) return data;
    const seconds = this.#seconds(ttl);
    await this.#run('Failed to set cache value in Redis', { operation: 'set', key }, (client) =>
      seconds > 0 ? client.setex(`${this.keyPrefix}${key}`, seconds, text) : client.set(`${this.keyPrefix}${key}`, text)
    );
    this.#count('sets');
    return data;
  }

  async store(key, data, ttl, scope, token) {
    const text = await this.#payload(data, true);
    if (text === null) return;
    const name = `${this.keyPrefix}${key}`;
    const seconds = this.#seconds(ttl);
    await this.#run('Failed to set cache value in Redis', { operation: 'set', key }, (client) => {
      if (token !== undefined && scope) return this.#marks.store(client, scope.resource, token, { name, text, seconds });
      return seconds > 0 ? client.setex(name, seconds, text) : client.set(name, text);
    });
    this.#count('sets');
    this.emit('set', { key, value: data });
  }

  async #read(key) {
    const text = await this.#run('Failed to get cache value from Redis', { operation: 'get', key }, (client) =>
      client.get(`${this.keyPrefix}${key}`)
    );
    let entry = null;
    if (text !== null && text !== undefined) {
      try {
        entry = await unwrap(JSON.parse(text));
      } catch {
        // Not an entry: a miss, which the next read replaces.
      }
    }
    this.#count(entry === null ? 'misses' : 'hits');
    return entry;
  }

  async _get(key) {
    return (await this.#read(key))?.value ?? null;
  }

  async lookup(key, scope) {
    const entry = await this.#read(key);
    const value = entry?.value ?? null;
    this.emit('fetched', { key, value });
    if (value !== null && entry.fmt === 2) return { hit: true, value, fmt: 2, token: undefined };
    const token =
      scope && this.shared
        ? await this.#run('Failed to get cache value from Redis', { operation: 'get', key }, (client) =>
            this.#marks.token(client, scope.resource)
          )
        : undefined;
    return value === null ? { ...MISS, token } : { hit: true, value, fmt: entry.fmt, token };
  }

  async _del(key) {
    await this.#run('Failed to delete cache key from Redis', { operation: 'delete', key }, (client) =>
      client.del(`${this.keyPrefix}${key}`)
    );
    this.#count('deletes');
    return true;
  }

  async #scan(prefix, message, operation) {
    return keysUnder(`${this.keyPrefix}${prefix}`, (work) => this.#run(message, { operation, prefix }, work));
  }

  async #deleteNames(names) {
    await deleteKeys(names, (work) => this.#run('Failed to clear cache keys from Redis', { operation: 'clear' }, work));
  }

  async _clear(prefix) {
    await this.#deleteNames(await this.#scan(prefix ?? '', 'Failed to clear cache keys from Redis', 'clear'));
    this.#count('deletes');
    return true;
  }

  async invalidate({ resource, prefix, keep, keys }, during) {
    const run = (work) => this.#run('Failed to clear cache keys from Redis', { operation: 'clear', prefix }, work);
    const kept = keep.map((each) => `${this.keyPrefix}${each}`);
    for (let done = false, round = 0; !done; round += 1) {
      if (round === MAX_ROUNDS)
        throw new CacheError('Redis forgets that a clear is under way', { driver: 'redis', operation: 'clear', prefix });
      const id = this.shared ? await run((client) => this.#marks.close(client, resource)) : null;
      const names = await this.#scan(prefix, 'Failed to clear cache keys from Redis', 'clear');
      const doomed = new Set(names.filter((name) => !kept.some((each) => name.startsWith(each))));
      for (const key of keys) doomed.add(`${this.keyPrefix}${key}`);
      await this.#deleteNames([...doomed]);
      await during?.();
      // Readers who no longer waited may have stored what they made of entries that have gone since.
      done = id === null || (await run((client) => this.#marks.open(client, resource, id)));
    }
    this.#count('deletes');
    this.emit('clear', { prefix, value: true });
  }

  /** Removes the entries, and what keeps processes apart. */
  async purge() {
    await this.clear();
    const run = (work) => this.#run('Failed to clear cache keys from Redis', { operation: 'purge' }, work);
    const { prefixes, serverKey } = this.#marks;
    for (const prefix of prefixes) await this.#deleteNames(await keysUnder(prefix, run));
    await this.#deleteNames([serverKey]);
  }

  async size() {
    return (await this.#scan('', 'Failed to get cache size from Redis', 'size')).length;
  }

  async keys() {
    const names = await this.#scan('', 'Failed to get cache keys from Redis', 'keys');
    return names.map((name) => name.slice(String(this.keyPrefix).length));
  }

  getStats() {
    if (!this.config.enableStats) return { enabled: false, message: 'Statistics are disabled; set enableStats: true to collect them' };
    const { hits, misses, errors, sets, deletes } = this.stats;
    const total = hits + misses;
    const hitRate = total > 0 ? hits / total : 0;
    return { enabled: true, hits, misses, errors, sets, deletes, total, hitRate, hitRatePercent: `${(hitRate * 100).toFixed(2)}%` };
  }

  /** Ends the connection that the cache made itself. The next use connects again. */
  async disconnect() {
    if (this.#given || this.#client === null) return;
    const client = this.#client;
    this.#client = null;
    try {
      if (client.status === 'ready') await this.#timed(client.quit(), this.config.commandTimeout);
    } catch {
      // A server that is gone cannot say goodbye.
    } finally {
      client.disconnect();
    }
  }

  async close() {
    await this.disconnect();
  }
}

export default RedisCache;
