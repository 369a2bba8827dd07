import { freemem, totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { native } from '../../native/load.js';
import { fromText, toText } from '../../native/text.js';
import { compressSync, expandSync } from './builtins.js';
import { Cache, MISS } from './cache.js';
import { failed, misuse } from './cache-error.js';
import { copierOf } from './copy.js';
import { Memo } from './memo.js';
import { numberOption, resolveCacheMemoryLimit } from './memory-limit.js';
import { compressionReport, memoryReport } from './memory-report.js';

const POLICIES = ['fifo', 'lru'];
/** Decoded values kept beside the texts: what the hottest keys cost in the JavaScript heap at most, twice. */
const MEMO = { items: 4096, bytes: 4 << 20 };
const PRESSURE_INTERVAL_MS = 15_000;
/** Hits on kept values are reported to the engine in lots of this size, and before it evicts anything. */
const TOUCHES = 256;

function policyOf(value) {
  if (value === undefined || value === null) return 'fifo';
  const policy = String(value).toLowerCase();
  if (POLICIES.includes(policy)) return policy;
  throw misuse(`Unknown eviction policy: ${value}`, {
    driver: 'memory',
    operation: 'constructor',
    option: 'evictionPolicy',
    validOptions: POLICIES,
    suggestion: `Use one of: ${POLICIES.join(', ')}.`
  });
}

/** Byte limit of the options; 0 for none. */
function byteLimit(config, percent) {
  const bytes = numberOption('maxMemoryBytes', config.maxMemoryBytes ?? config.maxBytes, 0);
  if (bytes > 0 && percent > 0) {
    throw misuse('Cannot use both maxMemoryBytes and maxMemoryPercent', {
      driver: 'memory',
      operation: 'constructor',
      suggestion: 'Give one of the two limits.'
    });
  }
  const asked = bytes > 0 || percent > 0 || config.inferredMaxMemoryPercent > 0;
  return asked ? resolveCacheMemoryLimit({ ...config, maxMemoryBytes: bytes, maxMemoryPercent: percent }).maxMemoryBytes : 0;
}

const integer = (number) => (Number.isFinite(number) ? Math.floor(number) : 0);

/**
 * Cache in the memory of this process (spec/10 section 10.9). Texts live outside the JavaScript heap, bounded by number
 * and bytes; every hit is a copy of its own.
 */
export class MemoryCache extends Cache {
  #native;
  #memo = null;
  #touched = null;
  #touches = 0;
  #pressureTimer = null;
  #original = 0;
  #compressed = 0;
  #count = 0;
  #compressedCount = 0;

  /**
   * @param {object} [config] `maxSize` (entries, 1000; 0 none), `maxMemoryBytes` or its alias `maxBytes` or
   *   `maxMemoryPercent` (0..1 of the system's memory), `ttl` (ms, 300000; 0 never), `evictionPolicy` (`fifo`, `lru`),
   *   `enableStats`, `caseSensitive` (true), `enableCompression`, `compressionThreshold` (bytes, 1024), `serializer`,
   *   `deserializer`, `heapUsageThreshold` (0..1 of the heap limit) with `monitorInterval` (ms, 15000)
   * @throws {CacheError} for limits that cannot be, and for an unknown eviction policy
   */
  constructor(config = {}) {
    super(config);
    this.maxSize = integer(numberOption('maxSize', config.maxSize, 1000));
    this.maxMemoryPercent = numberOption('maxMemoryPercent', config.maxMemoryPercent, 0, 1);
    this.maxMemoryBytes = integer(byteLimit(config, this.maxMemoryPercent));
    this.ttl = integer(numberOption('ttl', config.ttl, 300_000));
    this.evictionPolicy = policyOf(config.evictionPolicy);
    this.caseSensitive = config.caseSensitive !== false;
    this.enableStats = config.enableStats === true;
    this.enableCompression = config.enableCompression === true;
    this.compressionThreshold = numberOption('compressionThreshold', config.compressionThreshold, 1024);
    const custom = typeof config.serializer === 'function' || typeof config.deserializer === 'function';
    this.serializer = config.serializer ?? (custom ? JSON.stringify : null);
    this.deserializer = config.deserializer ?? (custom ? JSON.parse : null);
    const limits = {
      maxItems: this.maxSize,
      maxBytes: this.maxMemoryBytes,
      ttlMs: this.ttl,
      lru: this.evictionPolicy === 'lru'
    };
    this.#native = new native.NativeMemoryCache(JSON.stringify(limits));
    const share = this.maxMemoryBytes > 0 ? Math.min(MEMO.bytes, Math.floor(this.maxMemoryBytes / 8)) : MEMO.bytes;
    if (!custom) this.#memo = new Memo({ items: MEMO.items, bytes: share });
    // In FIFO order without statistics hits change nothing.
    if (this.evictionPolicy === 'lru' || this.enableStats) this.#touched = new Float64Array(TOUCHES);
    this.memoryPressureEvents = 0;
    this.stats = this.#statsMember();
    this.#watchHeap(numberOption('heapUsageThreshold', config.heapUsageThreshold, 0, 1), config.monitorInterval);
  }

  #statsMember() {
    const member = () => this.getStats();
    for (const name of ['hits', 'misses', 'sets', 'deletes', 'evictions']) {
      const get = () => (this.enableStats ? this.#counters()[name] : 0);
      Object.defineProperty(member, name, { get, enumerable: true });
    }
    return member;
  }

  #counters() {
    this.#report();
    return JSON.parse(this.#native.counters());
  }

  #watchHeap(threshold, interval) {
    if (threshold === 0) return;
    const every = Math.max(1, Number(interval) || PRESSURE_INTERVAL_MS);
    this.#pressureTimer = setInterval(() => {
      const { used_heap_size: heapUsed, heap_size_limit: heapLimit } = getHeapStatistics();
      if (heapUsed < heapLimit * threshold) return;
      // The texts are outside this heap; the decoded values are what can be given back.
      this.#memo?.clear();
      this.memoryPressureEvents += 1;
      this.emit('memory:pressure', { heapUsed, heapLimit, threshold, currentMemoryBytes: this.currentMemoryBytes });
    }, every);
    this.#pressureTimer.unref();
  }

  #report() {
    if (this.#touches === 0) return;
    this.#native.touchAll(this.#touched, this.#touches);
    this.#touches = 0;
  }

  /** Forgets the decoded values of entries that went. */
  #forget() {
    const keys = this.#native.released();
    if (keys !== null) for (const key of keys) this.#memo?.delete(key);
  }

  #key(key) {
    return this.caseSensitive ? key : key.toLowerCase();
  }

  /** Accounted bytes of the entries. */
  get currentMemoryBytes() {
    return this.#native.bytes();
  }

  /** Entries evicted for the byte limit. */
  get evictedDueToMemory() {
    return this.#counters().evictedDueToMemory;
  }

  /** Text of each entry by key; a snapshot. */
  get cache() {
    const text = (key) => this.#textOf(this.#native.peek(this.#key(key)));
    return Object.fromEntries(this.#native.keys().map((key) => [key, text(key)]));
  }

  /** `{ size, createdAt, lastAccess }` of each entry by key; a snapshot. */
  get meta() {
    this.#report();
    return Object.fromEntries(this.#native.keys().map((key) => [key, JSON.parse(this.#native.facts(this.#key(key)) ?? '{}')]));
  }

  get compressionStats() {
    return {
      totalCompressed: this.#compressedCount,
      totalOriginalSize: this.#original,
      totalCompressedSize: this.#compressed,
      compressionRatio: (this.#original > 0 ? this.#compressed / this.#original : 0).toFixed(2)
    };
  }

  #textOf(body) {
    return typeof body === 'string' || body === null || body === undefined ? body : expandSync(body).toString('utf8');
  }

  #serialize(key, data, strict) {
    let text;
    try {
      text = this.serializer ? this.serializer(data) : defaultText(data, strict);
    } catch (error) {
      throw failed(`Failed to serialize data for key '${key}'`, error, {
        driver: 'memory',
        operation: 'set',
        key,
        statusCode: 400,
        retriable: false
      });
    }
    if (typeof text !== 'string') {
      throw misuse('MemoryCache serializer must return a string', {
        driver: 'memory',
        operation: 'set',
        key,
        suggestion: 'Cache a value that has a JSON text, or return a string from the serializer.'
      });
    }
    return text;
  }

  #put(key, text, ttl) {
    const at = this.#key(key);
    this.#report();
    this.#memo?.delete(at);
    const label = at === key ? undefined : key;
    const time = ttl === undefined || ttl === null ? -1 : numberOption('ttl', ttl, -1);
    const watched = this.listenerCount('memory:evict') > 0;
    const before = watched ? this.#counters().evictions : 0;
    const id = this.enableCompression ? this.#putCompressed(at, text, time, label) : this.#native.setText(at, text, time, label);
    this.#forget();
    if (!watched) return id;
    const evicted = this.#counters().evictions - before;
    if (evicted > 0) this.emit('memory:evict', { evicted, currentMemoryBytes: this.currentMemoryBytes });
    return id;
  }

  #putCompressed(at, text, time, label) {
    const size = Buffer.byteLength(text);
    this.#count += 1;
    this.#original += size;
    if (size < this.compressionThreshold) {
      this.#compressed += size;
      return this.#native.setText(at, text, time, label);
    }
    const bytes = compressSync(text);
    const encoded = Math.ceil(bytes.length / 3) * 4;
    this.#compressedCount += 1;
    this.#compressed += encoded;
    return this.#native.setBytes(at, bytes, encoded, time, label);
  }

  async _set(key, data, ttl) {
    this.#put(key, this.#serialize(key, data, false), ttl);
    return data;
  }

  /** Stores for the plugin; exact values only. */
  storeSync(key, data, ttl) {
    this.#put(key, this.#serialize(key, data, true), ttl);
    if (this.listenerCount('set') > 0) this.emit('set', { key, value: data });
  }

  async store(key, data, ttl) {
    this.storeSync(key, data, ttl);
  }

  /** The value under a key, null when there is none: a copy, without a promise. */
  getSync(key) {
    const value = this.#read(this.#key(key));
    if (this.listenerCount('fetched') > 0) this.emit('fetched', { key, value });
    return value;
  }

  #read(at) {
    const store = this.#native;
    const known = this.#memo?.get(at);
    if (known !== undefined) {
      if (known.ends > performance.now()) {
        if (this.#touched !== null) {
          this.#touched[this.#touches] = known.id;
          this.#touches += 1;
          if (this.#touches === TOUCHES) this.#report();
        }
        return known.copy();
      }
      this.#memo.delete(at);
    }
    this.#report();
    const id = store.find(at);
    if (id === 0) {
      this.#forget();
      return null;
    }
    const text = this.#textOf(store.body(id));
    if (this.#memo === null) return this.deserializer(text) ?? null;
    const value = fromText(text);
    if (value === null || value === undefined) return null;
    const copy = copierOf(value);
    const left = store.keep(id);
    this.#memo.set(at, { id, copy, ends: left < 0 ? Infinity : performance.now() + left }, text.length);
    return copy();
  }

  async get(key) {
    this.validateKey(key);
    // A subclass may read in its own way.
    return this._get === MemoryCache.prototype._get ? this.getSync(key) : super.get(key);
  }

  async _get(key) {
    return this.#read(this.#key(key));
  }

  async lookup(key) {
    const value = this.getSync(key);
    return value === null || value === undefined ? MISS : { hit: true, value, fmt: 2, token: undefined };
  }

  async _del(key) {
    this.#remove(key);
    return true;
  }

  #remove(key) {
    const at = this.#key(key);
    this.#memo?.delete(at);
    const removed = this.#native.remove(at);
    this.#forget();
    return removed;
  }

  async _clear(prefix) {
    if (prefix === undefined || prefix === null || prefix === '') {
      this.#memo?.clear();
      this.#touches = 0;
      this.#native.clear();
      this.#count = 0;
      this.#compressedCount = 0;
      this.#original = 0;
      this.#compressed = 0;
    } else {
      this.#report();
      this.#native.clearPrefix(this.#key(String(prefix)), []);
    }
    this.#forget();
    return true;
  }

  /** Removes entries of a resource at once, without a promise. */
  invalidateSync({ prefix, keep, keys }) {
    for (const key of keys) this.#remove(key);
    this.#report();
    this.#native.clearPrefix(this.#key(prefix), this.caseSensitive ? keep : keep.map((kept) => kept.toLowerCase()));
    this.#forget();
    if (this.listenerCount('clear') > 0) this.emit('clear', { prefix, value: true });
  }

  async invalidate(what) {
    this.invalidateSync(what);
  }

  async size() {
    return this.#native.size();
  }

  async keys() {
    return this.#native.keys();
  }

  /** Counters, with `enableStats`; else `{ enabled: false }`. */
  getStats() {
    if (!this.enableStats) return { enabled: false };
    const { hits, misses, sets, deletes, evictions, evictedDueToMemory } = this.#counters();
    const total = hits + misses;
    return {
      enabled: true,
      hits,
      misses,
      sets,
      deletes,
      evictions,
      memoryUsageBytes: this.currentMemoryBytes,
      maxMemoryBytes: this.maxMemoryBytes,
      evictedDueToMemory,
      hitRate: total > 0 ? hits / total : 0
    };
  }

  getCompressionStats() {
    return compressionReport({
      enabled: this.enableCompression,
      threshold: this.compressionThreshold,
      items: this.#count,
      compressedItems: this.#compressedCount,
      original: this.#original,
      compressed: this.#compressed
    });
  }

  getMemoryStats() {
    return memoryReport({
      current: this.currentMemoryBytes,
      max: this.maxMemoryBytes,
      percent: this.maxMemoryPercent,
      items: this.#native.size(),
      maxSize: this.maxSize,
      evicted: this.evictedDueToMemory,
      pressureEvents: this.memoryPressureEvents,
      total: totalmem(),
      free: freemem()
    });
  }

  /** Stops the heap watch; entries stay. */
  async close() {
    clearInterval(this.#pressureTimer);
    this.#pressureTimer = null;
  }

  /** Stops the heap watch and drops every entry. */
  async shutdown() {
    await this.close();
    await this._clear();
  }
}

function defaultText(data, strict) {
  if (data === undefined || typeof data === 'function' || typeof data === 'symbol') return undefined;
  try {
    return toText(data);
  } catch (error) {
    // As JSON.stringify does it, for what callers cache themselves; results of reads must come back exactly.
    if (strict) throw error;
    return JSON.stringify(data);
  }
}

export default MemoryCache;
