import { createHash } from 'node:crypto';
import { fromNative, nativeReport } from '../errors/from-native.js';
import { MetadataLimitError, ResourceError, ValidationError } from '../errors/index.js';
import { bytesNow, readBody } from './body.js';
import { bareEtag } from './keys.js';
import { MemoryBudget } from './memory-budget.js';
import { isMissing, ObjectMap, toRecord } from './object-map.js';
import { checkLimits, openStore } from './open-store.js';
import { AutoSaver, completeRecords, readSnapshot, requirePath, writeSnapshot } from './snapshot-file.js';

const PAGE = 1000;
const UNITS = ['Bytes', 'KB', 'MB', 'GB'];

const notFound = (key, message) =>
  Object.assign(
    new ResourceError(`${message}: ${key}`, {
      code: 'NoSuchKey',
      statusCode: 404,
      key,
      resourceName: 'memory-storage',
      suggestion: 'Check the key, and that the object was written before it is read.'
    }),
    { name: 'NoSuchKey' }
  );

const preconditionFailed = (key, reason) =>
  new ResourceError(`Precondition failed: ${reason} for key "${key}"`, {
    code: 'PreconditionFailed',
    statusCode: 412,
    key,
    suggestion: 'Read the object again and retry with its current ETag.'
  });

const etagsOf = (condition) => String(condition).split(',').map(bareEtag);

/**
 * Objects in memory, over a native store. `objects` is a live Map-like view of full key to record.
 * All native calls on it complete at once, so a sequence of them is atomic for this thread.
 */
export class MemoryStorage {
  #autoSaver = new AutoSaver(() => this.saveToDisk());
  #budget = null;

  /**
   * @param {object} [options]
   * @param {string} [options.bucket]
   * @param {boolean} [options.enforceLimits] refuse metadata and bodies above the limits
   * @param {number} [options.metadataLimit] bytes of names and values
   * @param {number} [options.maxObjectSize] bytes
   * @param {string} [options.persistPath] snapshot file
   * @param {boolean} [options.autoPersist] write the snapshot after every change
   * @param {boolean} [options.verbose]
   * @param {boolean} [options.shared] share the objects of `bucket` inside the process
   * @param {string} [options.keyPrefix] path of the database, for the native engine; keys here are full keys
   * @param {number} [options.maxMemoryMB] bound on all bodies and metadata
   * @param {boolean} [options.evictionEnabled] drop the oldest objects at the bound instead of refusing writes
   */
  constructor({
    bucket = 's3db',
    enforceLimits = false,
    metadataLimit = 2048,
    maxObjectSize = 5 * 1024 ** 3,
    persistPath,
    autoPersist = false,
    verbose = false,
    shared = false,
    keyPrefix = '',
    maxMemoryMB,
    evictionEnabled = false
  } = {}) {
    this.bucket = bucket;
    this.enforceLimits = Boolean(enforceLimits);
    this.metadataLimit = metadataLimit || 2048;
    this.maxObjectSize = maxObjectSize || 5 * 1024 ** 3;
    this.persistPath = persistPath;
    this.autoPersist = Boolean(autoPersist);
    this.verbose = Boolean(verbose);
    this.keyPrefix = keyPrefix;
    checkLimits({ metadataLimit, maxObjectSize });
    /** Native store; its own calls bypass `autoPersist`, `maxMemoryMB` and logging. */
    Object.defineProperty(this, 'native', {
      value: openStore('memory', {
        bucket,
        prefix: keyPrefix,
        shared: Boolean(shared),
        enforceLimits: this.enforceLimits,
        metadataLimit: this.metadataLimit,
        maxObjectSize: this.maxObjectSize
      })
    });
    this.objects = new ObjectMap(
      () => this.native,
      (key, record) => this.#write(key, bytesNow(record.body) ?? Buffer.alloc(0), record),
      () => this.#changed()
    );
    if (maxMemoryMB !== undefined && maxMemoryMB !== null) {
      if (!(Number(maxMemoryMB) > 0)) {
        throw new ValidationError('maxMemoryMB must be a number above 0', { field: 'maxMemoryMB', value: maxMemoryMB, statusCode: 400 });
      }
      this.#budget = new MemoryBudget({ maxBytes: Number(maxMemoryMB) * 1024 ** 2, evict: Boolean(evictionEnabled) });
      this.#recount();
    }
  }

  /** True when every write has to pass this object: snapshots after changes, a memory bound, logging. */
  get supervised() {
    return (this.autoPersist && Boolean(this.persistPath)) || this.#budget !== null || this.verbose;
  }

  /**
   * Writes an object.
   * @param {string} key full key
   * @param {{ body?: unknown, metadata?: object, contentType?: string, contentEncoding?: string, contentLength?: number, ifMatch?: string, ifNoneMatch?: string }} [options]
   */
  async put(key, options = {}) {
    const body = bytesNow(options.body) ?? (await readBody(options.body));
    if (options.contentLength !== undefined && options.contentLength !== null && Number(options.contentLength) !== body.length) {
      throw new ValidationError('contentLength differs from the length of the body', {
        field: 'contentLength',
        value: options.contentLength,
        bodyBytes: body.length,
        suggestion: 'Pass the byte length of the body, or leave contentLength out.'
      });
    }
    this._validateLimits(body, options.metadata);
    const etag = this.#write(key, body, options);
    this.#log('PUT', key, `${body.length} bytes, etag ${etag}`);
    await this.#saved();
    return { ETag: etag, VersionId: null, ServerSideEncryption: null, Location: `/${this.bucket}/${key}` };
  }

  #write(key, body, { metadata, contentType, contentEncoding, ifMatch, ifNoneMatch }) {
    const pairs = Object.entries(metadata ?? {}).map(([name, value]) => [name, String(value)]);
    this.#checkConditions(key, ifMatch, ifNoneMatch);
    const size = body.length + this._calculateMetadataSize(metadata);
    this.#budget?.reserve(key, size, (oldest) => this.native.delete(JSON.stringify({ key: oldest })));
    const outcome = this.#call(key, 'Object not found', () =>
      JSON.parse(
        this.native.put(
          JSON.stringify({ key, metadata: pairs, contentType: contentType || undefined, contentEncoding: contentEncoding ?? undefined }),
          body
        )
      )
    );
    this.#budget?.stored(key, size);
    return outcome.etag;
  }

  #checkConditions(key, ifMatch, ifNoneMatch) {
    const matches = ifMatch !== undefined && ifMatch !== null;
    const excludes = ifNoneMatch !== undefined && ifNoneMatch !== null;
    if (!matches && !excludes) return;
    const current = this.#etag(key);
    if (matches && (current === null || (ifMatch !== '*' && !etagsOf(ifMatch).includes(current)))) {
      throw preconditionFailed(key, 'ETag mismatch');
    }
    if (excludes && current !== null && (ifNoneMatch === '*' || etagsOf(ifNoneMatch).includes(current))) {
      throw preconditionFailed(key, 'object already exists');
    }
  }

  #etag(key) {
    try {
      return bareEtag(JSON.parse(this.native.peek(key)).etag) ?? '';
    } catch (error) {
      if (isMissing(error)) return null;
      throw fromNative(error);
    }
  }

  /** Runs a native call; its errors become those of this class. */
  #call(key, missing, call) {
    try {
      return call();
    } catch (error) {
      if (isMissing(error)) throw notFound(key, missing);
      throw fromNative(error);
    }
  }

  #read(key) {
    const record = this.#call(key, 'Object not found', () => toRecord(this.native.get(key)));
    this.#budget?.touched(key);
    return record;
  }

  /**
   * Reads an object. `Body` is the Buffer; the client turns it into a stream.
   * @param {string} key full key
   */
  async get(key) {
    const record = this.#read(key);
    this.#log('GET', key, `${record.size} bytes`);
    return { Body: record.body, ...describe(record) };
  }

  /** @param {string} key full key */
  async head(key) {
    const record = this.#call(key, 'Object not found', () => toRecord({ meta: this.native.head(key) }));
    this.#budget?.touched(key);
    this.#log('HEAD', key, `${record.size} bytes`);
    return describe(record);
  }

  /**
   * Copies an object; `metadata` and `contentType` count only with `metadataDirective: 'REPLACE'`, as on S3,
   * except that the content type of the source is kept when none is given.
   * @param {string} from full key
   * @param {string} to full key
   * @param {{ metadata?: object, metadataDirective?: string, contentType?: string, sourceIfMatch?: string }} [options]
   */
  async copy(from, to, { metadata, metadataDirective, contentType, sourceIfMatch } = {}) {
    const missing = 'Source object not found';
    const source = this.#call(from, missing, () => JSON.parse(this.native.peek(from)));
    if (
      sourceIfMatch !== undefined &&
      sourceIfMatch !== null &&
      sourceIfMatch !== '*' &&
      !etagsOf(sourceIfMatch).includes(bareEtag(source.etag))
    ) {
      throw preconditionFailed(from, 'ETag mismatch');
    }
    const replace = metadataDirective === 'REPLACE';
    if (replace) this._validateLimits(Buffer.alloc(0), metadata);
    const kept = replace ? metadata : Object.fromEntries(source.metadata ?? []);
    const size = source.size + this._calculateMetadataSize(kept);
    this.#budget?.reserve(to, size, (oldest) => oldest !== from && this.native.delete(JSON.stringify({ key: oldest })));
    const request = {
      from,
      to,
      metadata: replace ? Object.entries(metadata ?? {}).map(([name, value]) => [name, String(value)]) : undefined,
      contentType: replace ? contentType || source.contentType : undefined
    };
    const outcome = this.#call(from, missing, () => JSON.parse(this.native.copy(JSON.stringify(request))));
    this.#budget?.stored(to, size);
    this.#log('COPY', `${from} -> ${to}`, `${source.size} bytes`);
    await this.#saved();
    return {
      ETag: outcome.etag,
      VersionId: null,
      ServerSideEncryption: null,
      Location: `/${this.bucket}/${to}`,
      CopyObjectResult: { ETag: outcome.etag, LastModified: new Date(outcome.lastModified ?? Date.now()) }
    };
  }

  /**
   * @param {string} key full key
   * @returns {boolean}
   */
  exists(key) {
    return this.objects.has(key);
  }

  /**
   * @param {string} key full key
   * @param {{ ifMatch?: string }} [options]
   */
  async delete(key, { ifMatch } = {}) {
    if (ifMatch !== undefined && ifMatch !== null) this.#checkConditions(key, ifMatch, undefined);
    this.#remove(key);
    await this.#saved();
    return { DeleteMarker: false, VersionId: null };
  }

  #remove(key) {
    this.#call(key, 'Object not found', () => this.native.delete(JSON.stringify({ key })));
    this.#budget?.removed(key);
    this.#log('DELETE', key, '');
  }

  /**
   * Deletes objects (one after the other through `this.delete` when that was replaced); a failure is reported, not thrown.
   * @param {string[]} keys full keys
   */
  async deleteMultiple(keys) {
    // With `delete` as shipped it is one request, and one snapshot after it.
    if (this.delete === ORIGINAL_DELETE) return this.#removeAll(keys);
    const Deleted = [];
    const Errors = [];
    for (const key of keys) {
      try {
        await this.delete(key);
        Deleted.push({ Key: key });
      } catch (error) {
        Errors.push({ Key: key, Code: error.name, Message: error.message });
      }
    }
    return { Deleted, Errors };
  }

  async #removeAll(keys) {
    if (keys.length === 0) return { Deleted: [], Errors: [] };
    const { deleted, errors } = this.#call(keys[0], 'Object not found', () => JSON.parse(this.native.deleteMany(JSON.stringify(keys))));
    for (const key of deleted) {
      this.#budget?.removed(key);
      this.#log('DELETE', key, '');
    }
    await this.#saved();
    return {
      Deleted: deleted.map((Key) => ({ Key })),
      Errors: errors.map(({ key, code, message }) => ({ Key: key, Code: code, Message: message }))
    };
  }

  /**
   * Lists keys in UTF-8 byte order. Groups count toward `maxKeys`; decimal tokens of older releases are offsets.
   * @param {{ prefix?: string, delimiter?: string | null, maxKeys?: number | null, continuationToken?: string | null, startAfter?: string }} [options]
   */
  async list({ prefix = '', delimiter = null, maxKeys = PAGE, continuationToken = null, startAfter } = {}) {
    const limit = maxKeys === null || maxKeys === undefined ? PAGE : Number(maxKeys);
    if (!Number.isInteger(limit) || limit < 0) {
      throw new ValidationError('maxKeys must be a whole number of at least 0', { field: 'maxKeys', value: maxKeys, statusCode: 400 });
    }
    const Contents = [];
    const CommonPrefixes = [];
    const walk = { prefix: prefix ?? '', delimiter: delimiter || undefined, startAfter: startAfter || undefined };
    let token = continuationToken ?? undefined;
    let more = limit > 0;
    while (more) {
      const room = limit - Contents.length - CommonPrefixes.length;
      const page = this.#page({ ...walk, token, maxKeys: Math.min(PAGE, room) });
      for (const entry of page.entries) Contents.push(describeEntry(entry));
      for (const Prefix of page.commonPrefixes) CommonPrefixes.push({ Prefix });
      token = page.nextToken ?? undefined;
      more = token !== undefined && Contents.length + CommonPrefixes.length < limit;
    }
    const next = (limit > 0 && token) || null;
    return {
      Contents,
      CommonPrefixes,
      IsTruncated: next !== null,
      NextContinuationToken: next,
      KeyCount: Contents.length + CommonPrefixes.length,
      MaxKeys: limit,
      Prefix: walk.prefix,
      Delimiter: delimiter ?? null
    };
  }

  #page(request) {
    try {
      return JSON.parse(this.native.list(JSON.stringify(request)));
    } catch (error) {
      if (request.token !== undefined && nativeReport(error)?.kind === 'Validation') {
        throw new ValidationError('Invalid continuation token', {
          field: 'continuationToken',
          value: request.token,
          statusCode: 400,
          suggestion: 'Pass NextContinuationToken of the previous page as it is.'
        });
      }
      throw fromNative(error);
    }
  }

  /** A deep copy of everything, in the format of the snapshot file. */
  snapshot() {
    return JSON.parse(this.native.snapshot());
  }

  /**
   * Replaces everything.
   * @param {object} snapshot
   */
  restore(snapshot) {
    const objects = snapshot?.objects;
    if (objects === null || typeof objects !== 'object') {
      throw new ValidationError('Invalid snapshot format', {
        field: 'snapshot',
        suggestion: 'Pass an object made by snapshot() or read from a file written by saveToDisk().'
      });
    }
    this.native.restore(JSON.stringify({ ...snapshot, bucket: this.bucket, objects: completeRecords(objects) }));
    this.#recount();
    this.#changed();
  }

  /**
   * @param {string} [path] default: `persistPath`
   * @returns {Promise<string>} the path written
   */
  async saveToDisk(path) {
    const target = requirePath(path ?? this.persistPath);
    await writeSnapshot(target, this.snapshot());
    return target;
  }

  /**
   * @param {string} [path] default: `persistPath`
   * @returns {Promise<object>} the snapshot, after restoring it
   */
  async loadFromDisk(path) {
    const snapshot = await readSnapshot(requirePath(path ?? this.persistPath));
    this.restore(snapshot);
    return snapshot;
  }

  /** Counts and sizes of what is stored. */
  getStats() {
    const { objectCount, totalSize } = JSON.parse(this.native.memoryStats());
    return {
      objectCount,
      totalSize,
      totalSizeFormatted: this._formatBytes(totalSize),
      keys: [...this.objects.keys()],
      bucket: this.bucket,
      ...this.#budget?.stats()
    };
  }

  /** Removes everything. */
  clear() {
    this.native.clear();
    this.#budget?.reset([]);
    this.#changed();
  }

  #recount() {
    if (this.#budget === null) return;
    const sizes = [];
    for (const [key, { size, metadata }] of this.objects) sizes.push([key, size + this._calculateMetadataSize(metadata)]);
    this.#budget.reset(sizes);
  }

  /** After a change of a synchronous method: nobody waits for the save, so its failure becomes a warning. */
  #changed() {
    if (!this.autoPersist || !this.persistPath) return;
    this.#autoSaver.request().catch((error) => process.emitWarning(error.message, { type: 'S3dbWarning', code: 'MEMORY_SNAPSHOT_FAILED' }));
  }

  async #saved() {
    if (!this.autoPersist || !this.persistPath) return;
    try {
      await this.#autoSaver.request();
    } catch (error) {
      throw new ResourceError(`The change is made in memory, but its snapshot could not be written. ${error.message}`, {
        operation: 'autoPersist',
        persistPath: this.persistPath,
        statusCode: 500,
        applied: true,
        original: error,
        suggestion: 'Repair the path and call saveToDisk(); do not repeat the change.'
      });
    }
  }

  #log(operation, key, detail) {
    if (this.verbose) console.log(`[MemoryStorage] ${operation} ${key}${detail && ` (${detail})`}`);
  }

  /** MD5 of a body in hex. */
  _generateETag(body) {
    return createHash('md5')
      .update(bytesNow(body) ?? Buffer.alloc(0))
      .digest('hex');
  }

  /** UTF-8 bytes of names and values. */
  _calculateMetadataSize(metadata) {
    let size = 0;
    for (const [name, value] of Object.entries(metadata ?? {})) size += Buffer.byteLength(name) + Buffer.byteLength(String(value));
    return size;
  }

  /** Throws when limits are enforced and exceeded. */
  _validateLimits(body, metadata) {
    if (!this.enforceLimits) return;
    const totalSize = this._calculateMetadataSize(metadata);
    if (totalSize > this.metadataLimit) {
      throw new MetadataLimitError(
        `Metadata limit exceeded in memory storage: Metadata size (${totalSize} bytes) exceeds limit of ${this.metadataLimit} bytes`,
        {
          totalSize,
          effectiveLimit: this.metadataLimit,
          absoluteLimit: this.metadataLimit,
          excess: totalSize - this.metadataLimit,
          operation: 'put',
          statusCode: 413
        }
      );
    }
    const size = bytesNow(body)?.length ?? 0;
    if (size > this.maxObjectSize) {
      throw new ResourceError('Object size exceeds in-memory limit', {
        operation: 'put',
        statusCode: 413,
        size,
        maxObjectSize: this.maxObjectSize,
        suggestion: 'Store a smaller body or raise maxObjectSize.'
      });
    }
  }

  /** A number of bytes for people. */
  _formatBytes(bytes) {
    if (!(bytes > 0)) return '0 Bytes';
    const unit = Math.min(UNITS.length - 1, Math.floor(Math.log(bytes) / Math.log(1024)));
    return `${Number((bytes / 1024 ** unit).toFixed(2))} ${UNITS[unit]}`;
  }
}

const ORIGINAL_DELETE = MemoryStorage.prototype.delete;

const describe = (record) => ({
  Metadata: record.metadata,
  ContentType: record.contentType,
  ContentLength: record.contentLength,
  ETag: record.etag,
  LastModified: new Date(record.lastModified),
  ContentEncoding: record.contentEncoding
});

const describeEntry = ({ key, size, etag, lastModified }) => ({
  Key: key,
  Size: size,
  LastModified: new Date(lastModified),
  ETag: etag,
  StorageClass: 'STANDARD'
});

export default MemoryStorage;
