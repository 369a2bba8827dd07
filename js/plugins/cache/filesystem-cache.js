import { appendFile, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { native } from '../../native/load.js';
import { compress, expand } from './builtins.js';
import { Cache, MISS, statsMember } from './cache.js';
import { failed, misuse } from './cache-error.js';
import { decode, encode } from './codec.js';
import { ByteBudget } from './file-budget.js';
import { FileMarks, MARKS } from './file-marks.js';
import { entriesOf, filesBelow, isMissing, placeFile, prepareFile, readText, removeFile, removeFolder, statOf } from './files.js';
import { KeyLocks } from './key-locks.js';

const META = '.meta';
/** Longest file name, so that its `.meta` and temporary names fit into 255 bytes. */
const MAX_NAME = 190;
const STALE_TEMPORARY_MS = 3_600_000;

/** A key as part of a file name. */
export const sanitize = (text) => text.replace(/[<>:"/\\|?*]/g, '_');

const counters = () => ({ hits: 0, misses: 0, sets: 0, deletes: 0, clears: 0, errors: 0 });

/**
 * Cache in a directory (spec/10 section 10.11), which several processes may share. An entry is a data file and a `.meta`
 * file, each put in place in one step; an entry whose two files do not belong together is a miss.
 */
export class FilesystemCache extends Cache {
  #timer = null;
  #ready = null;
  #locks;
  #marks;
  #budget = null;

  /**
   * @param {object} config `directory` or its alias `path` (required), `prefix` (`cache`), `ttl` (ms, 3600000; 0 never),
   *   `enableCompression` (true), `compressionThreshold` (1024), `createDirectory` (true), `fileExtension` (`.cache`),
   *   `enableMetadata` (true; false: expiry by the time of the file), `maxFileSize` (bytes, 10485760), `enableStats`,
   *   `enableCleanup` (true) every `cleanupInterval` (ms, 300000), `encoding`, `fileMode`, `enableBackup`,
   *   `backupSuffix`, `enableLocking`, `lockTimeout` (ms, 5000), `enableJournal`, `journalFile`, `maxBytes` with
   *   `evictionPolicy` (`fifo`, `lru`), `crossProcess` (true): false when no other process writes what is cached here
   * @throws {CacheError} without a directory
   */
  constructor(config = {}) {
    const directory = config.directory ?? config.path;
    if (typeof directory !== 'string' || directory === '') {
      throw misuse('FilesystemCache requires a directory', {
        driver: 'filesystem',
        operation: 'constructor',
        option: 'directory',
        suggestion: "Pass directory: './cache' (or path)."
      });
    }
    super({
      prefix: 'cache',
      ttl: 3_600_000,
      enableCompression: true,
      compressionThreshold: 1024,
      createDirectory: true,
      fileExtension: '.cache',
      enableMetadata: true,
      maxFileSize: 10_485_760,
      enableStats: false,
      enableCleanup: true,
      cleanupInterval: 300_000,
      encoding: 'utf8',
      fileMode: 0o644,
      enableBackup: false,
      backupSuffix: '.bak',
      enableLocking: false,
      lockTimeout: 5000,
      enableJournal: false,
      journalFile: 'cache.journal',
      crossProcess: true,
      ...Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)),
      directory
    });
    this.directory = directory;
    this.stats = statsMember(() => this.getStats(), counters());
    this.#locks = new KeyLocks(this.config.enableLocking ? Number(this.config.lockTimeout) : null);
    this.#marks = new FileMarks(this.config);
    if (Number(this.config.maxBytes) > 0) this.#budget = new ByteBudget(this, this.config);
    if (this.config.createDirectory) {
      // Not awaited here; what goes wrong shows when the first entry is written.
      this.#ready = mkdir(directory, { recursive: true }).catch(() => {});
    }
    if (this.config.enableCleanup && this.config.cleanupInterval > 0) {
      this.#timer = setInterval(() => {
        this._cleanup().catch((error) => this.emit('cleanup:error', { error }));
      }, this.config.cleanupInterval);
      this.#timer.unref();
    }
  }

  _count(name) {
    if (this.config.enableStats) this.stats[name] += 1;
  }

  /** File name of a key or of the last part of one. */
  _fileName(part) {
    const { prefix, fileExtension } = this.config;
    const name = `${prefix}_${sanitize(part)}`;
    const short = Buffer.byteLength(name) <= MAX_NAME ? name : `${shorten(name)}_${native.cacheHash(part)}`;
    return `${short}${fileExtension}`;
  }

  /** File of a key. */
  _file(key) {
    return join(this.directory, this._fileName(key));
  }

  /** Sanitised key part of a file name, null for files that are no entries. */
  _keyPart(name) {
    const { prefix, fileExtension } = this.config;
    if (!name.startsWith(`${prefix}_`) || !name.endsWith(fileExtension)) return null;
    return name.slice(prefix.length + 1, name.length - fileExtension.length);
  }

  #isOver({ timestamp, ttl }) {
    if (!(ttl > 0) || typeof timestamp !== 'number') return false;
    const age = Date.now() - timestamp;
    // A time in the future by more than the ttl: the clock was set back, and the entry has no known age.
    return age > ttl || age < -ttl;
  }

  /**
   * The entry in a file: null when it is missing, over, or incomplete.
   * @throws for a directory that cannot be read
   */
  async _readFile(file, key) {
    const [content, metaText] = await Promise.all([readText(file, this.config.encoding), readText(file + META)]);
    if (content === null || metaText === null) return null;
    let meta;
    let text;
    try {
      meta = JSON.parse(metaText);
      if (meta.key !== key) return null;
      if (meta.fmt === 2 && meta.digest !== native.cacheHash(content)) return null;
      text = meta.compressed ? (await expand(Buffer.from(content, 'base64'))).toString('utf8') : content;
      if (typeof meta.originalSize === 'number' && meta.originalSize !== text.length && meta.originalSize !== Buffer.byteLength(text)) {
        return null;
      }
      const timestamp = this.config.enableMetadata ? meta.timestamp : ((await statOf(file))?.mtimeMs ?? 0);
      const ttl = this.config.enableMetadata ? meta.ttl : this.config.ttl;
      if (this.#isOver({ timestamp, ttl })) {
        await this._removeFile(file);
        return null;
      }
      return { value: decode(text, meta.fmt === 2 ? meta.types : undefined), fmt: meta.fmt === 2 ? 2 : 1 };
    } catch {
      // Half of an entry, or not one: a miss, which the next read replaces.
      return null;
    }
  }

  /** Writes an entry; with `guard` `{ resource, token }` only while the resource's mark is the one that the reader saw. */
  async _writeFile(file, key, { text, types }, ttl, guard) {
    const size = Buffer.byteLength(text);
    if (size > this.config.maxFileSize) {
      throw misuse('Cache data exceeds maximum file size', {
        driver: 'filesystem',
        operation: 'set',
        key,
        size,
        maxFileSize: this.config.maxFileSize,
        statusCode: 413,
        suggestion: 'Raise maxFileSize, or cache less at once.'
      });
    }
    await this.#ready;
    const packed = this.config.enableCompression && size >= this.config.compressionThreshold;
    const content = packed ? (await compress(text)).toString('base64') : text;
    const meta = {
      key,
      timestamp: Date.now(),
      ttl,
      compressed: packed,
      originalSize: size,
      compressedSize: packed ? content.length : size,
      compressionRatio: packed ? (content.length / size).toFixed(2) : 1,
      fmt: 2,
      types,
      digest: native.cacheHash(content)
    };
    const release = await this.#locks.take(key);
    try {
      if (!(await this.#place(file, content, JSON.stringify(meta), guard))) return;
      await this.#journal('set', key, { size, compressed: packed });
    } finally {
      release();
    }
    await this.#budget?.added(file, content.length);
  }

  /** Puts both files of an entry in place; false when the resource was written to since the reader looked. */
  async #place(file, content, meta, guard) {
    const { encoding, fileMode: mode, createDirectory, enableBackup, backupSuffix } = this.config;
    const prepare = (target, text, options) =>
      guard === undefined ? prepareFile(target, text, options) : this.#marks.prepare(this._fileName(guard.resource), target, text, options);
    const sides = [];
    try {
      sides.push(await prepare(file, content, { encoding, mode, createDirectory }));
      sides.push(await prepare(file + META, meta, { mode, createDirectory }));
      if (guard !== undefined && (await this._mark(guard.resource)) !== guard.token) return false;
      if (enableBackup && (await statOf(file)) !== null) await copyFile(file, file + backupSuffix);
      await placeFile(sides.shift(), file, { createDirectory });
      await placeFile(sides.shift(), file + META, { createDirectory });
      return true;
    } catch (error) {
      // A write removed what was prepared. Data without its `.meta` is a miss.
      if (guard !== undefined && isMissing(error)) return false;
      throw error;
    } finally {
      for (const side of sides) await removeFile(side).catch(() => {});
    }
  }

  /** Removes the files of an entry, data first: what is left alone is a miss. */
  async _removeFile(file) {
    const removed = await removeFile(file);
    await removeFile(file + META);
    if (this.config.enableBackup) await removeFile(file + this.config.backupSuffix);
    return removed;
  }

  async #journal(operation, key, metadata) {
    if (!this.config.enableJournal) return;
    const line = JSON.stringify({ timestamp: Date.now(), operation, key, metadata });
    await appendFile(join(this.directory, this.config.journalFile), `${line}\n`);
  }

  _ttl(ttl) {
    return ttl === undefined || ttl === null ? Number(this.config.ttl) || 0 : Math.max(0, Number(ttl) || 0);
  }

  async #write(key, data, ttl, strict, guard) {
    const encoded = encode(data, strict);
    if (encoded.text === undefined) return;
    try {
      await this._writeFile(this._file(key), key, encoded, this._ttl(ttl), guard);
      this._count('sets');
    } catch (error) {
      this._count('errors');
      throw failed(`Failed to set cache key '${key}'`, error, {
        driver: 'filesystem',
        operation: 'set',
        key,
        statusCode: error?.statusCode ?? 500
      });
    }
  }

  async _set(key, data, ttl) {
    await this.#write(key, data, ttl, false);
    return data;
  }

  async store(key, data, ttl, scope, token) {
    await this.#write(key, data, ttl, true, this._guard(scope, token));
    this.emit('set', { key, value: data });
  }

  _guard(scope, token) {
    return scope && token !== undefined ? { resource: scope.resource, token } : undefined;
  }

  async #read(key) {
    try {
      const entry = await this._readFile(this._file(key), key);
      if (entry !== null) this.#budget?.used(this._file(key));
      this._count(entry === null ? 'misses' : 'hits');
      return entry;
    } catch (error) {
      this._count('errors');
      throw failed(`Failed to get cache key '${key}'`, error, { driver: 'filesystem', operation: 'get', key });
    }
  }

  async _get(key) {
    try {
      return (await this.#read(key))?.value ?? null;
    } catch {
      return null;
    }
  }

  async lookup(key, scope) {
    const entry = await this.#read(key);
    const value = entry?.value ?? null;
    this.emit('fetched', { key, value });
    return this._found(entry, scope);
  }

  /** What a lookup gives, with the mark to store under where the entry does not do. */
  async _found(entry, scope) {
    const value = entry?.value ?? null;
    if (value !== null && entry.fmt === 2) return { hit: true, value, fmt: 2, token: undefined };
    const token = scope && this.shared ? await this.#marks.token(this._fileName(scope.resource)) : undefined;
    return value === null ? { ...MISS, token } : { hit: true, value, fmt: entry.fmt, token };
  }

  /** Random text that every write of a resource replaces: tells readers whether they may still store what they read. */
  _mark(resource) {
    return this.#marks.read(this._fileName(resource));
  }

  /** Whether other processes write what is cached here. */
  get shared() {
    return this.config.crossProcess !== false;
  }

  get servesInner() {
    return true;
  }

  /** Clears entries of a resource so that nothing read before the end of it is stored after it. */
  async _supersede(resource, clear) {
    await this.#ready;
    return this.shared && resource !== undefined ? this.#marks.clearing(this._fileName(resource), clear) : clear();
  }

  async _del(key) {
    try {
      await this._removeFile(this._file(key));
      await this.#journal('delete', key);
      this._count('deletes');
      return true;
    } catch (error) {
      this._count('errors');
      throw failed(`Failed to delete cache key '${key}'`, error, { driver: 'filesystem', operation: 'delete', key });
    }
  }

  async _clear(prefix) {
    await this._clearing(prefix, () => this.#removePrefix(prefix ?? '', []));
    return true;
  }

  /** Runs a clear with its errors, its count and its line in the journal. */
  async _clearing(prefix, work) {
    try {
      const count = await work();
      this._count('clears');
      await this.#journal('clear', prefix || 'all', { count });
    } catch (error) {
      if (isMissing(error)) return;
      this._count('errors');
      throw failed('Failed to clear cache', error, { driver: 'filesystem', operation: 'clear', prefix });
    }
  }

  async #removeMatching(matches) {
    let count = 0;
    for (const entry of await entriesOf(this.directory)) {
      const part = entry.isFile() ? this._keyPart(entry.name) : null;
      if (part === null || !(await matches(part, join(this.directory, entry.name)))) continue;
      await this._removeFile(join(this.directory, entry.name));
      count += 1;
    }
    return count;
  }

  /** Removes the keys under a prefix but not those under a prefix of `keep`. */
  #removePrefix(prefix, keep) {
    const start = sanitize(prefix);
    const kept = keep.map(sanitize);
    return this.#removeMatching(async (part, file) => {
      if (!part.startsWith(start) || kept.some((each) => part.startsWith(each))) return false;
      if (start === prefix || part.startsWith('action=', start.length)) return true;
      // `user_` may be the start of another resource's name: its `.meta` has the key as it was.
      const meta = await readText(file + META);
      return meta === null || (parsed(meta)?.key ?? prefix).startsWith(prefix);
    });
  }

  async invalidate({ resource, prefix, keep, keys }, during) {
    const clear = async () => {
      for (const key of keys) await this._removeFile(this._file(key));
      const count = await this.#removePrefix(prefix, keep);
      await during?.();
      return count;
    };
    await this._clearing(prefix, () => this._supersede(resource, clear));
    this.emit('clear', { prefix, value: true });
  }

  /** Removes the entries, and what else the driver keeps in the directory. */
  async purge() {
    await this.clear();
    await removeFolder(join(this.directory, MARKS));
    await removeFile(join(this.directory, this.config.journalFile));
  }

  async keys() {
    const parts = (await entriesOf(this.directory)).map((entry) => (entry.isFile() ? this._keyPart(entry.name) : null));
    return parts.filter((part) => part !== null);
  }

  /** Deletes expired entries, and temporary files that a process left behind. */
  async _cleanup() {
    for await (const file of filesBelow(this.directory)) {
      if (file.endsWith('.tmp')) {
        const age = Date.now() - ((await statOf(file))?.mtimeMs ?? Date.now());
        if (age > STALE_TEMPORARY_MS) await removeFile(file);
      } else if (file.endsWith(META)) {
        const data = file.slice(0, -META.length);
        const meta = parsed((await readText(file)) ?? '');
        if (meta === null) continue;
        const timestamp = this.config.enableMetadata ? meta.timestamp : (await statOf(data))?.mtimeMs;
        if (this.#isOver({ timestamp, ttl: this.config.enableMetadata ? meta.ttl : this.config.ttl })) await this._removeFile(data);
      }
    }
  }

  getStats() {
    const { hits, misses, sets, deletes, clears, errors } = this.stats;
    const { ttl, enableCompression, enableMetadata, enableCleanup, enableLocking, enableJournal } = this.config;
    return {
      ...{ hits, misses, sets, deletes, clears, errors, directory: this.directory, ttl },
      compression: enableCompression,
      metadata: enableMetadata,
      cleanup: enableCleanup,
      locking: enableLocking,
      journal: enableJournal
    };
  }

  /** Stops the cleanup timer. */
  destroy() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  async close() {
    this.destroy();
  }
}

/** As much of a name as leaves room for a hash; whole characters only. */
function shorten(name) {
  let short = name.slice(0, MAX_NAME - 17);
  while (Buffer.byteLength(short) > MAX_NAME - 17) short = short.slice(0, -1);
  return short;
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

export default FilesystemCache;
