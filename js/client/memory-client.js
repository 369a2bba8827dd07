import { DatabaseError, UnknownError } from '../errors/index.js';
import { native } from '../native/load.js';
import { OwnedEmitter } from '../util/owned-emitter.js';
import { ObjectBody } from './body.js';
import { moveAllError } from './command-client.js';
import { commandName } from './commands.js';
import { copySource, fullKey, listPosition, listPrefix, stripPrefix } from './keys.js';
import { mapClientError } from './map-error.js';
import { exportBackup, importBackup } from './memory-backup.js';
import { HANDLERS } from './memory-commands.js';
import { MemoryStorage } from './memory-storage.js';
import { decodeMetadata, encodeMetadata } from './metadata.js';
import { chunksOf } from './pool.js';

const PAGE = 1000;

/**
 * Client of an in-memory store: the methods of `S3Client`, with the result shapes of s3db.js 13.6.
 * ETags are unquoted in the results of methods and quoted in responses of commands.
 */
export class MemoryClient extends OwnedEmitter {
  /**
   * @param {object} [options] `id`, `verbose`, `parallelism`, `region`, and the options of `MemoryStorage`
   * @param {boolean} [options.shared] share the objects of `bucket` with the other shared clients of the process
   */
  constructor(options = {}) {
    super();
    const { id, verbose = false, parallelism = 10, bucket = 's3db', keyPrefix = '', region = 'us-east-1' } = options;
    this.id = id ?? native.ids(1, 77);
    this.verbose = verbose;
    this.parallelism = parallelism;
    this.bucket = bucket;
    this.keyPrefix = keyPrefix;
    this.region = region;
    this.storage = new MemoryStorage({ ...options, bucket, keyPrefix, verbose });
    this.config = { bucket, keyPrefix, region, endpoint: 'memory://localhost', forcePathStyle: true };
  }

  #announce(event, legacy, ...args) {
    this.emit(event, ...args);
    if (legacy !== null && this.listenerCount(legacy) > 0) this.emit(legacy, ...args);
  }

  /** Does the work of a direct method as one command, so that listeners which count commands see it. */
  async #request(name, input, work) {
    this.#announce('cl:request', 'command.request', name, input);
    const response = await work();
    this.#announce('cl:response', 'command.response', name, response, input);
    return response;
  }

  #log(method, detail) {
    if (this.verbose) console.log(`[MemoryClient] ${method}`, detail);
  }

  /**
   * Runs a command on raw input: full keys, metadata neither encoded nor decoded. Any object with the
   * name of one of the seven commands as `constructor.name` will do.
   * @param {object} command
   */
  async sendCommand(command) {
    const name = commandName(command);
    const input = command?.input ?? {};
    this.#announce('cl:request', 'command.request', name, input);
    let response;
    try {
      const handler = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : undefined;
      if (handler === undefined) {
        throw new DatabaseError(`Unsupported command: ${name}`, {
          operation: 'sendCommand',
          statusCode: 400,
          commandName: name,
          suggestion: `Use one of ${Object.keys(HANDLERS).join(', ')}.`
        });
      }
      response = await this[handler.method](input);
    } catch (error) {
      throw mapClientError(error, { bucket: this.bucket, key: input.Key, commandName: name, commandInput: input });
    }
    this.#announce('cl:response', 'command.response', name, response, input);
    return response;
  }

  /** @see S3Client#putObject */
  async putObject({ key, metadata, contentType, body, contentEncoding, contentLength, ifMatch, ifNoneMatch }) {
    const Key = fullKey(this.keyPrefix, key);
    const Metadata = encodeMetadata(metadata ?? {}, { caseSensitive: true });
    const input = {
      Bucket: this.bucket,
      Key,
      Metadata,
      Body: body,
      ContentType: contentType,
      ContentEncoding: contentEncoding,
      ContentLength: contentLength
    };
    if (ifMatch !== undefined) input.IfMatch = ifMatch;
    if (ifNoneMatch !== undefined) input.IfNoneMatch = ifNoneMatch;
    const response = await this.#request('PutObjectCommand', input, () =>
      this.storage.put(Key, { body, metadata: Metadata, contentType, contentEncoding, contentLength, ifMatch, ifNoneMatch })
    );
    this.#log('putObject', key);
    this.#announce('cl:PutObject', 'putObject', null, { key, metadata, contentType, body, contentEncoding, contentLength });
    return response;
  }

  /** @see S3Client#getObject */
  async getObject(key) {
    const Key = fullKey(this.keyPrefix, key);
    const response = await this.#request('GetObjectCommand', { Bucket: this.bucket, Key }, async () => {
      const found = await this.storage.get(Key);
      return { ...found, Body: new ObjectBody(found.Body), Metadata: decodeMetadata(found.Metadata) };
    });
    this.#log('getObject', key);
    this.#announce('cl:GetObject', 'getObject', null, { key });
    return response;
  }

  /** @see S3Client#headObject */
  async headObject(key) {
    const Key = fullKey(this.keyPrefix, key);
    const response = await this.#request('HeadObjectCommand', { Bucket: this.bucket, Key }, async () => {
      const found = await this.storage.head(Key);
      return { ...found, Metadata: decodeMetadata(found.Metadata) };
    });
    this.#log('headObject', key);
    this.#announce('cl:HeadObject', 'headObject', null, { key });
    return response;
  }

  /** @see S3Client#copyObject */
  async copyObject({ from, to, metadata, metadataDirective, contentType, copySourceIfMatch }) {
    const source = fullKey(this.keyPrefix, from, 'from');
    const Key = fullKey(this.keyPrefix, to, 'to');
    const Metadata = metadata && typeof metadata === 'object' ? encodeMetadata(metadata, { caseSensitive: true }) : undefined;
    const input = {
      Bucket: this.bucket,
      Key,
      CopySource: copySource(this.bucket, source),
      MetadataDirective: metadataDirective,
      Metadata,
      ContentType: contentType
    };
    const response = await this.#request('CopyObjectCommand', input, () =>
      this.storage.copy(source, Key, { metadata: Metadata, metadataDirective, contentType, sourceIfMatch: copySourceIfMatch })
    );
    this.#log('copyObject', `${from} -> ${to}`);
    this.#announce('cl:CopyObject', 'copyObject', null, { from, to, metadataDirective });
    return response;
  }

  /**
   * @param {string} key
   * @returns {Promise<boolean>}
   */
  async exists(key) {
    return this.storage.exists(fullKey(this.keyPrefix, key));
  }

  /** @see S3Client#deleteObject */
  async deleteObject(key, { ifMatch } = {}) {
    const Key = fullKey(this.keyPrefix, key);
    const input = ifMatch === undefined ? { Bucket: this.bucket, Key } : { Bucket: this.bucket, Key, IfMatch: ifMatch };
    const response = await this.#request('DeleteObjectCommand', input, () => this.storage.delete(Key, { ifMatch }));
    this.#log('deleteObject', key);
    this.#announce('cl:DeleteObject', 'deleteObject', null, { key });
    return response;
  }

  /**
   * Deletes many objects; missing ones count as deleted.
   * @param {string[]} keys
   * @returns {Promise<{ Deleted: { Key: string }[], Errors: { Key: string, Code: string, Message: string }[] }>} full keys
   */
  async deleteObjects(keys) {
    const full = keys.map((key) => fullKey(this.keyPrefix, key));
    const report = { Deleted: [], Errors: [] };
    for (const chunk of chunksOf(full, PAGE)) {
      const input = { Bucket: this.bucket, Delete: { Objects: chunk.map((Key) => ({ Key })) } };
      const { Deleted, Errors } = await this.#request('DeleteObjectsCommand', input, () => this.storage.deleteMultiple(chunk));
      report.Deleted.push(...Deleted);
      report.Errors.push(...Errors);
    }
    this.#log('deleteObjects', keys.length);
    this.emit('deleteObjects', null, { keys, count: report.Deleted.length });
    this.emit('cl:DeleteObjects', report, keys);
    return report;
  }

  /**
   * One page of a listing; `Contents[].Key` are full keys.
   * @param {{ prefix?: string, delimiter?: string | null, maxKeys?: number | null, continuationToken?: string | null, startAfter?: string }} [options]
   */
  async listObjects({ prefix = '', delimiter = null, maxKeys = PAGE, continuationToken = null, startAfter } = {}) {
    const Prefix = listPrefix(this.keyPrefix, prefix);
    const after = listPosition(this.keyPrefix, startAfter);
    const input = { Bucket: this.bucket, Prefix, Delimiter: delimiter, MaxKeys: maxKeys, ContinuationToken: continuationToken };
    if (after !== undefined) input.StartAfter = after;
    const response = await this.#request('ListObjectsV2Command', input, () =>
      this.storage.list({ prefix: Prefix, delimiter, maxKeys, continuationToken, startAfter: after })
    );
    this.#log('listObjects', prefix);
    this.#announce('cl:ListObjects', 'listObjects', null, { prefix, count: response.Contents.length });
    return response;
  }

  async *#pages(prefix) {
    let continuationToken = null;
    do {
      const page = await this.listObjects({ prefix, continuationToken });
      yield page;
      continuationToken = page.NextContinuationToken;
    } while (continuationToken !== null);
  }

  async #keysUnder(prefix) {
    const keys = [];
    for await (const { Contents } of this.#pages(prefix)) for (const { Key } of Contents) keys.push(stripPrefix(this.keyPrefix, Key));
    return keys;
  }

  /**
   * @param {{ prefix?: string }} [options]
   * @returns {Promise<string[]>} every key, ascending, without `keyPrefix`
   */
  async getAllKeys({ prefix = '' } = {}) {
    const keys = await this.#keysUnder(prefix);
    this.#announce('cl:GetAllKeys', 'getAllKeys', keys, { prefix });
    return keys;
  }

  /**
   * @param {{ prefix?: string, offset?: number, amount?: number }} [params]
   * @returns {Promise<string[]>} up to `amount` keys after the first `offset`
   */
  async getKeysPage(params = {}) {
    const { prefix = '', offset = 0, amount = 100 } = params;
    let keys = [];
    const token = offset > 0 ? await this.getContinuationTokenAfterOffset({ prefix, offset }) : null;
    if (amount > 0 && (!(offset > 0) || token !== null)) {
      const page = await this.listObjects({ prefix, maxKeys: amount, continuationToken: token });
      keys = page.Contents.map(({ Key }) => stripPrefix(this.keyPrefix, Key));
    }
    this.#announce('cl:GetKeysPage', 'getKeysPage', keys, params);
    return keys;
  }

  /**
   * @param {{ prefix?: string, offset?: number }} [params]
   * @returns {Promise<string | null>} token for `listObjects`, null when the listing ends at or before `offset`
   */
  async getContinuationTokenAfterOffset(params = {}) {
    const { prefix = '', offset = PAGE } = params;
    if (offset === 0) return null;
    const { NextContinuationToken: token } = await this.listObjects({ prefix, maxKeys: offset });
    this.#announce('cl:GetContinuationTokenAfterOffset', 'getContinuationTokenAfterOffset', token, params);
    return token;
  }

  /**
   * @param {{ prefix?: string }} [options]
   * @returns {Promise<number>}
   */
  async count({ prefix = '' } = {}) {
    const count = (await this.getAllKeys({ prefix })).length;
    this.#announce('cl:Count', 'count', count, { prefix });
    return count;
  }

  /**
   * Deletes everything under a prefix, or the whole database path.
   * @param {{ prefix?: string }} [options]
   * @returns {Promise<number>} objects deleted
   */
  async deleteAll({ prefix = '' } = {}) {
    const keys = await this.getAllKeys({ prefix });
    let totalDeleted = 0;
    const errors = [];
    for (const chunk of chunksOf(keys, PAGE)) {
      const { Deleted, Errors } = await this.deleteObjects(chunk);
      totalDeleted += Deleted.length;
      errors.push(...Errors);
      this.#announce('cl:DeleteAll', 'deleteAll', { prefix, batch: Deleted.length, total: totalDeleted });
    }
    if (errors.length > 0) {
      throw new UnknownError(`${errors.length} objects could not be deleted`, {
        operation: 'deleteAll',
        bucket: this.bucket,
        prefix,
        errors
      });
    }
    this.#announce('cl:DeleteAllComplete', 'deleteAllComplete', { prefix, totalDeleted });
    return totalDeleted;
  }

  /**
   * Moves an object: copy, then delete.
   * @param {{ from: string, to: string }} request
   * @returns {Promise<true>}
   */
  async moveObject({ from, to }) {
    if (fullKey(this.keyPrefix, from, 'from') === fullKey(this.keyPrefix, to, 'to')) return true;
    await this.copyObject({ from, to });
    await this.deleteObject(from);
    return true;
  }

  /**
   * Moves every object under a prefix, one after the other.
   * @param {{ prefixFrom: string, prefixTo: string }} request
   * @returns {Promise<string[]>} new keys
   */
  async moveAllObjects({ prefixFrom, prefixTo }) {
    const keys = await this.getAllKeys({ prefix: prefixFrom });
    const results = [];
    const errors = [];
    for (const key of keys) {
      const to = key.replace(prefixFrom, () => prefixTo);
      try {
        await this.moveObject({ from: key, to });
        results.push(to);
      } catch (error) {
        errors.push({ message: error.message, raw: error, key });
      }
    }
    this.emit('moveAllObjects', { results, errors });
    this.emit('cl:MoveAllObjects', { results, errors }, { prefixFrom, prefixTo });
    if (errors.length > 0) {
      const error = moveAllError(this.bucket, { prefixFrom, prefixTo, keys, results, errors });
      const { bucket, operation, totalKeys, failedCount, successCount } = error.data;
      const context = { bucket, operation, prefixFrom, prefixTo, totalKeys, failedCount, successCount, errors };
      throw Object.defineProperty(error, 'context', { value: context, configurable: true, writable: true, enumerable: false });
    }
    return results;
  }

  /** @see MemoryStorage#snapshot */
  snapshot() {
    return this.storage.snapshot();
  }

  /** @see MemoryStorage#restore */
  restore(snapshot) {
    return this.storage.restore(snapshot);
  }

  /** @see MemoryStorage#saveToDisk */
  async saveToDisk(path) {
    return this.storage.saveToDisk(path);
  }

  /** @see MemoryStorage#loadFromDisk */
  async loadFromDisk(path) {
    return this.storage.loadFromDisk(path);
  }

  /** @see MemoryStorage#getStats */
  getStats() {
    return this.storage.getStats();
  }

  /** Removes everything. */
  clear() {
    this.storage.clear();
  }

  /**
   * Writes the records of all resources as JSON lines with a manifest.
   * @param {string} outputDir
   * @param {{ resources?: string[], compress?: boolean, database?: object }} [options]
   */
  async exportBackup(outputDir, options = {}) {
    return exportBackup(this, outputDir, options);
  }

  /**
   * Reads what `exportBackup` wrote.
   * @param {string} backupDir
   * @param {{ resources?: string[], clear?: boolean, database?: object }} [options]
   */
  async importBackup(backupDir, options = {}) {
    return importBackup(this, backupDir, options);
  }

  /** Present for symmetry with the other clients; stored objects stay readable. */
  destroy() {
    this.removeAllListeners();
  }
}

for (const { method, handle } of Object.values(HANDLERS)) {
  Object.defineProperty(MemoryClient.prototype, method, {
    value: async function handler(input) {
      return handle(this, input);
    },
    writable: true,
    configurable: true
  });
}

export default MemoryClient;
