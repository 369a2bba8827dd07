import { join } from 'node:path';
import { native } from '../../native/load.js';
import { failed } from './cache-error.js';
import { decode, encode } from './codec.js';
import { MARKS } from './file-marks.js';
import { entriesOf, filesBelow, removeFile, removeFolder, statOf } from './files.js';
import { FilesystemCache, sanitize } from './filesystem-cache.js';
import { stableText } from './keys.js';
import { PartitionUsage } from './partition-usage.js';

const LONGEST_PARAMS = 160;
const TIME_FIELD = /date|timestamp|createdat|updatedat/;

function isPartitioned(scope) {
  return Boolean(scope?.resource && scope?.partition);
}

const paramText = (value) => (value !== null && typeof value === 'object' ? stableText(value) : String(value));

/**
 * Filesystem cache with a folder for each part of a key, and one for each partition value (spec/10 section 10.11), so that
 * a partition is cleared by removing its folder. It counts which partitions are read.
 */
export class PartitionAwareFilesystemCache extends FilesystemCache {
  #usage;
  #loaded;

  /**
   * @param {object} config as FilesystemCache, and `partitionStrategy` (`hierarchical`, `flat`, `temporal`), `trackUsage`
   *   (true), `preloadRelated` (false), `preloadThreshold` (10), `usageStatsFile` (`partition-usage.json`)
   */
  constructor(config = {}) {
    super({
      partitionStrategy: 'hierarchical',
      trackUsage: true,
      preloadRelated: false,
      preloadThreshold: 10,
      maxCacheSize: null,
      usageStatsFile: 'partition-usage.json',
      ...config
    });
    for (const name of ['partitionStrategy', 'trackUsage', 'preloadRelated', 'preloadThreshold']) this[name] = this.config[name];
    this.#usage = new PartitionUsage(this.directory, this.config.usageStatsFile);
    // Counting starts anew without them.
    this.#loaded = this.loadUsageStats().catch((error) => this.emit('usage:error', { error }));
  }

  /** Usage key -> `{ count, firstAccess, lastAccess }`. */
  get partitionUsage() {
    return this.#usage.entries;
  }

  async loadUsageStats() {
    await this.#usage.load();
  }

  _file(key) {
    const segments = key.split('/');
    const last = segments.pop();
    return join(this.directory, ...segments.map(folderName), this._fileName(last));
  }

  /** Key of an entry of a partition; every parameter takes part. */
  _getPartitionCacheKey(resource, action, partition, partitionValues = {}, params = {}) {
    const parts = [`resource=${resource}`, `partition=${sanitize(partition)}`];
    for (const field of Object.keys(partitionValues ?? {}).sort()) {
      const value = partitionValues[field];
      if (value !== null && value !== undefined) parts.push(`${sanitize(field)}=${sanitize(String(value))}`);
    }
    parts.push(`action=${action}`);
    const names = Object.keys(params ?? {}).filter((name) => params[name] !== undefined);
    if (names.length > 0) {
      const text = names
        .sort()
        .map((name) => `${name}=${paramText(params[name])}`)
        .join('|');
      const encoded = Buffer.from(text, 'utf8').toString('base64url');
      parts.push(`params=${encoded.length > LONGEST_PARAMS ? native.cacheHash(text) : encoded}`);
    }
    return parts.join('/');
  }

  #partitionKey({ resource, action, partition, partitionValues, params }) {
    // Values that differ but have one sanitised form are told apart by the key inside the entry's `.meta`.
    const key = this._getPartitionCacheKey(resource, action, partition, partitionValues, params);
    return { file: this._file(key), key: `${key}#${stableText(partitionValues ?? {})}` };
  }

  /**
   * `set(key, data, ttl?)`, or `set(resource, action, data, { partition, partitionValues, params })`.
   */
  async set(first, second, third, options) {
    if (!options?.partition) return super.set(first, second, third);
    const scope = { resource: first, action: second, ...options };
    await this._set(null, third, scope);
    this.emit('set', { key: this.#partitionKey(scope).key.split('#')[0], value: third });
    return third;
  }

  /** `get(key)`, or `get(resource, action, { partition, partitionValues, params })`. */
  async get(first, second, options) {
    if (!options?.partition) return super.get(first);
    const scope = { resource: first, action: second, ...options };
    const value = await this._get(null, scope);
    this.emit('fetched', { key: this.#partitionKey(scope).key.split('#')[0], value });
    return value;
  }

  async _set(key, data, options) {
    if (isPartitioned(options)) {
      await this.#writePartition(options, data, undefined, false);
      return data;
    }
    return super._set(key, data, typeof options === 'number' ? options : undefined);
  }

  async _get(key, options) {
    if (!isPartitioned(options)) return super._get(key);
    try {
      return (await this.#readPartition(options))?.value ?? null;
    } catch {
      return null;
    }
  }

  async store(key, data, ttl, scope, token) {
    if (!isPartitioned(scope)) {
      await super.store(key, data, ttl, scope, token);
      return;
    }
    await this.#writePartition(scope, data, ttl, true, this._guard(scope, token));
  }

  async lookup(key, scope) {
    if (!isPartitioned(scope)) return super.lookup(key, scope);
    return this._found(await this.#readPartition(scope), scope);
  }

  async #writePartition(scope, data, ttl, strict, guard) {
    const { text, types } = encode(data, strict);
    if (text === undefined) return;
    const { file, key } = this.#partitionKey(scope);
    const { resource, partition, partitionValues } = scope;
    const time = this._ttl(ttl);
    const metadata = { resource, partition, partitionValues, timestamp: Date.now(), ttl: time, fmt: 2, types };
    const payload = `{"data":${text},"metadata":${JSON.stringify(metadata)}}`;
    try {
      await this._writeFile(file, key, { text: payload, types: {} }, time, guard);
      this._count('sets');
    } catch (error) {
      this._count('errors');
      const details = { driver: 'filesystem', operation: 'set', key, statusCode: error?.statusCode ?? 500 };
      throw failed(`Failed to set cache key '${key}'`, error, details);
    }
  }

  async #readPartition(scope) {
    const { file, key } = this.#partitionKey(scope);
    if (this.trackUsage) await this.#noteUsage(scope);
    let entry;
    try {
      entry = await this._readFile(file, key);
    } catch (error) {
      this._count('errors');
      throw failed(`Failed to get cache key '${key}'`, error, { driver: 'filesystem', operation: 'get', key });
    }
    this._count(entry === null ? 'misses' : 'hits');
    if (entry === null || entry.value === null || typeof entry.value !== 'object') return null;
    const { data, metadata } = entry.value;
    if (metadata?.fmt !== 2) return { value: data, fmt: 1 };
    try {
      return { value: decode(JSON.stringify(data), metadata.types), fmt: 2 };
    } catch {
      return null;
    }
  }

  async #noteUsage({ resource, partition, partitionValues }) {
    await this.#loaded;
    try {
      await this.#usage.note(PartitionUsage.key(resource, partition, partitionValues));
    } catch (error) {
      this.emit('usage:error', { error });
    }
  }

  // Clearing

  async _clear(prefix) {
    await this._clearing(prefix, () => this.#removeBelow(prefix ?? '', [], []));
    return true;
  }

  async invalidate({ resource, prefix, keep, keys }, during) {
    const clear = async () => {
      const count = await this.#removeBelow(prefix, keep, keys);
      await during?.();
      return count;
    };
    await this._clearing(prefix, () => this._supersede(resource, clear));
    this.emit('clear', { prefix, value: true });
  }

  /** Removes what lies below a key prefix, but not below the prefixes of `keep`. */
  async #removeBelow(prefix, keep, keys) {
    for (const key of keys) await this._removeFile(this._file(key));
    const segments = prefix.split('/');
    const start = sanitize(segments.pop());
    const folder = join(this.directory, ...segments.map(folderName));
    const kept = new Set(keep.map((each) => join(this.directory, ...each.replace(/\/$/, '').split('/').map(folderName))));
    let count = 0;
    for (const entry of await entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        const isEntry = prefix !== '' || entry.name.startsWith('resource=');
        if (!isEntry || entry.name === MARKS || !entry.name.startsWith(start) || kept.has(path)) continue;
        await removeFolder(path);
        count += 1;
      } else {
        const part = this._keyPart(entry.name);
        if (part === null || !part.startsWith(start)) continue;
        await this._removeFile(path);
        count += 1;
      }
    }
    const owner = segments[0]?.startsWith('resource=') && keep.length === 0 ? `${segments[0].slice('resource='.length)}/` : null;
    if (prefix === '') await this.#usage.forget();
    else if (owner !== null && segments.length === 1 && start === '') await this.#usage.forget(owner);
    return count;
  }

  async purge() {
    await super.purge();
    await removeFile(join(this.directory, this.config.usageStatsFile));
  }

  /** Folder of a partition by the strategy in use. */
  _partitionDirectory(resource, partition, values = {}) {
    const base = join(this.directory, folderName(`resource=${resource}`));
    const fields = Object.keys(values ?? {}).sort();
    if (this.partitionStrategy === 'flat') return join(base, 'partitions');
    if (this.partitionStrategy === 'temporal' && this._isTemporalPartition(partition, values)) {
      const [year, month, day] = String(Object.values(values)[0]).slice(0, 10).split('-');
      return join(base, 'temporal', year, month, day);
    }
    return join(base, folderName(`partition=${partition}`), ...fields.map((field) => folderName(`${field}=${values[field]}`)));
  }

  /** Whether the values of a partition are dates. */
  _isTemporalPartition(_partition, values = {}) {
    const isTime = Object.keys(values ?? {}).some((field) => TIME_FIELD.test(field.toLowerCase()));
    return isTime && /^\d{4}-\d{2}-\d{2}/.test(String(Object.values(values ?? {})[0]));
  }

  /**
   * Removes the entries of a partition, or of some of its values.
   * @returns {Promise<boolean>} false when something could not be removed
   */
  async clearPartition(resource, partition, values = {}) {
    try {
      const base = join(this.directory, folderName(`resource=${resource}`), folderName(`partition=${partition}`));
      const wanted = Object.keys(values ?? {}).map((field) => `${sanitize(field)}=${sanitize(String(values[field]))}`);
      const other = this._partitionDirectory(resource, partition, values);
      await this._supersede(resource, async () => {
        if (wanted.length === 0) await removeFolder(base);
        else await removeMatchingFolders(base, wanted);
        if (!other.startsWith(base)) await removeFolder(other);
      });
      const key = PartitionUsage.key(resource, partition, values);
      await this.#usage.forget(wanted.length === 0 ? `${resource}/${partition}/` : key);
      return true;
    } catch (error) {
      console.warn(`[PartitionAwareFilesystemCache] could not clear partition '${partition}' of '${resource}': ${error.message}`);
      return false;
    }
  }

  /** Removes every entry of a resource. */
  async clearResourcePartitions(resource) {
    try {
      await this._supersede(resource, () => removeFolder(join(this.directory, folderName(`resource=${resource}`))));
      await this.#usage.forget(`${resource}/`);
      return true;
    } catch (error) {
      console.warn(`[PartitionAwareFilesystemCache] could not clear '${resource}': ${error.message}`);
      return false;
    }
  }

  async keys() {
    const found = [];
    for await (const file of filesBelow(this.directory)) {
      const parts = file.slice(this.directory.length).split(/[\\/]/).filter(Boolean);
      const part = this._keyPart(parts.pop());
      if (part !== null && parts[0] !== MARKS) found.push([...parts, part].join('/'));
    }
    return found;
  }

  // Reports

  async getPartitionStats(resource, partition = null) {
    await this.#loaded;
    const stats = { totalFiles: 0, totalSize: 0, partitions: {}, usage: this.#usage.of(resource, partition) };
    const base = join(this.directory, folderName(`resource=${resource}`));
    for await (const file of filesBelow(partition === null ? base : join(base, folderName(`partition=${partition}`)))) {
      stats.totalFiles += 1;
      stats.totalSize += (await statOf(file))?.size ?? 0;
    }
    return stats;
  }

  async getCacheRecommendations(resource) {
    await this.#loaded;
    return this.#usage.recommendations(resource);
  }

  /** Number of the given partitions whose usage has reached `preloadThreshold`. */
  async warmPartitionCache(resource, { partitions = [], maxFiles = 1000 } = {}) {
    await this.#loaded;
    const usage = this.#usage.of(resource);
    return partitions.slice(0, maxFiles).filter((name) => (usage[name]?.count ?? 0) >= this.preloadThreshold).length;
  }
}

/** A key segment as a folder name: never `.` or `..`, never too long. */
function folderName(segment) {
  const name = sanitize(segment);
  if (name === '.' || name === '..') return name.replace(/\./g, '_');
  return Buffer.byteLength(name) <= 200 ? name : `${name.slice(0, 60)}_${native.cacheHash(segment)}`;
}

async function removeMatchingFolders(folder, wanted) {
  for (const entry of await entriesOf(folder)) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    const rest = wanted.filter((name) => name !== entry.name);
    if (rest.length === 0) await removeFolder(path);
    else await removeMatchingFolders(path, rest);
  }
}

export default PartitionAwareFilesystemCache;
