import { UnknownError } from '../errors/index.js';
import { native } from '../native/load.js';
import { OwnedEmitter } from '../util/owned-emitter.js';
import {
  CopyObjectCommand,
  callerKeyOf,
  commandName,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  withCallerKey
} from './commands.js';
import { copySource, fullKey, listPosition, listPrefix, stripPrefix } from './keys.js';
import { composedError, mapClientError } from './map-error.js';
import { decodeMetadata, encodeMetadata } from './metadata.js';
import { NativeTransport } from './native-transport.js';
import { chunksOf, forEachLimited } from './pool.js';
import { commandFor } from './sdk-commands.js';

const PAGE = 1000;

/** Members of `input` that are not `undefined`. */
function present(input) {
  for (const name of Object.keys(input)) if (input[name] === undefined) delete input[name];
  return input;
}

/** Failure of a chunk or key inside `deleteObjects`: `raw` is the cause, `item` the keys. */
class DeleteFailure extends Error {
  constructor(message, raw, item) {
    super(message);
    this.name = 'DeleteFailure';
    this.raw = raw;
    this.item = item;
  }
}

/**
 * Object methods over commands, shared by the clients that answer in S3 shapes. Every method reaches
 * its collaborators through `this`, so each can be replaced on an instance or in a subclass:
 * object methods call `this.sendCommand(command)`, which calls `this.client.send(command)`.
 */
export class CommandClient extends OwnedEmitter {
  /** @param {{ id?: string | null, verbose?: boolean, parallelism?: number }} [options] */
  constructor({ id = null, verbose = false, parallelism = 10 } = {}) {
    super();
    this.verbose = verbose;
    this.id = id ?? native.ids(1, 77);
    this.parallelism = parallelism;
    /** Pool that requests pass, when one was asked for. */
    Object.defineProperty(this, 'pool', { value: null, writable: true, configurable: true, enumerable: false });
  }

  /** Bucket name. */
  get bucket() {
    return this.config.bucket;
  }

  /** Path of the database inside the bucket. */
  get keyPrefix() {
    return this.config.keyPrefix;
  }

  /** Region. */
  get region() {
    return this.config.region;
  }

  /** Emits an event, and its older name when somebody listens to that. */
  #announce(event, legacy, ...args) {
    this.emit(event, ...args);
    if (legacy !== null && this.listenerCount(legacy) > 0) this.emit(legacy, ...args);
  }

  async #send(command) {
    const { client } = this;
    // Our own transport takes commands as they are, without a turn of the event loop.
    const sent = client instanceof NativeTransport ? command : await commandFor(client, command, this.sdk);
    return this.pool === null ? client.send(sent) : this.pool.run(commandName(command), () => client.send(sent));
  }

  #mapped(error, key, command) {
    return mapClientError(error, {
      bucket: this.config.bucket,
      key,
      commandName: command && commandName(command),
      commandInput: command?.input
    });
  }

  /**
   * Sends a command: one of this package, of the SDK, or any object with `constructor.name` and `input`.
   * @param {object} command
   * @returns {Promise<object>} response in SDK shape
   */
  async sendCommand(command) {
    const name = commandName(command);
    this.#announce('cl:request', 'command.request', name, command.input);
    let response;
    try {
      response = await this.#send(command);
    } catch (error) {
      throw this.#mapped(error, callerKeyOf(command), command);
    }
    this.#announce('cl:response', 'command.response', name, response, command.input);
    return response;
  }

  /** Sends a command for an object method and announces the outcome. */
  async #sendFor(event, legacy, key, params, command) {
    const response = await this.#attempt(event, key, params, command);
    this.#announce(event, legacy, response, params);
    return response;
  }

  /** The request itself; events are announced outside, so that a throwing listener is not taken for a failed request. */
  async #attempt(event, key, params, command) {
    try {
      return await this.sendCommand(withCallerKey(command, key));
    } catch (error) {
      const mapped = this.#mapped(error, key, command);
      this.emit(event, mapped, params);
      throw mapped;
    }
  }

  /**
   * Writes an object.
   * @param {{ key: string, metadata?: object, contentType?: string, body?: unknown, contentEncoding?: string,
   *   contentLength?: number, ifMatch?: string, ifNoneMatch?: string }} request
   */
  async putObject({ key, metadata, contentType, body, contentEncoding, contentLength, ifMatch, ifNoneMatch }) {
    const command = new PutObjectCommand(
      present({
        Bucket: this.config.bucket,
        Key: fullKey(this.config.keyPrefix, key),
        Metadata: encodeMetadata(metadata ?? {}),
        Body: body || Buffer.alloc(0),
        ContentType: contentType,
        ContentEncoding: contentEncoding,
        ContentLength: contentLength,
        IfMatch: ifMatch,
        IfNoneMatch: ifNoneMatch
      })
    );
    const params = { key, metadata, contentType, body, contentEncoding, contentLength };
    return this.#sendFor('cl:PutObject', 'putObject', key, params, command);
  }

  /**
   * Reads an object; `Metadata` decoded, `Body` a stream with the SDK's transform helpers.
   * @param {string} key
   */
  async getObject(key) {
    const command = new GetObjectCommand({ Bucket: this.config.bucket, Key: fullKey(this.config.keyPrefix, key) });
    return this.#read('cl:GetObject', 'getObject', key, command);
  }

  /**
   * Reads an object without its body.
   * @param {string} key
   */
  async headObject(key) {
    const command = new HeadObjectCommand({ Bucket: this.config.bucket, Key: fullKey(this.config.keyPrefix, key) });
    return this.#read('cl:HeadObject', 'headObject', key, command);
  }

  async #read(event, legacy, key, command) {
    const params = { key };
    const response = await this.#attempt(event, key, params, command);
    if (response) response.Metadata = decodeMetadata(response.Metadata);
    this.#announce(event, legacy, response, params);
    return response;
  }

  /**
   * Copies inside the bucket. `metadata` has an effect only with `metadataDirective: 'REPLACE'`.
   * @param {{ from: string, to: string, metadata?: object, metadataDirective?: 'COPY' | 'REPLACE', contentType?: string, copySourceIfMatch?: string }} request
   */
  async copyObject({ from, to, metadata, metadataDirective, contentType, copySourceIfMatch }) {
    const { bucket, keyPrefix } = this.config;
    const command = new CopyObjectCommand(
      present({
        Bucket: bucket,
        CopySource: copySource(bucket, fullKey(keyPrefix, from, 'from')),
        Key: fullKey(keyPrefix, to, 'to'),
        MetadataDirective: metadataDirective || undefined,
        Metadata: metadata && typeof metadata === 'object' ? encodeMetadata(metadata) : undefined,
        ContentType: contentType || undefined,
        CopySourceIfMatch: copySourceIfMatch
      })
    );
    return this.#sendFor('cl:CopyObject', 'copyObject', to, { from, to, metadataDirective }, command);
  }

  /**
   * @param {string} key
   * @returns {Promise<boolean>} false only when the object is missing; other failures reject
   */
  async exists(key) {
    try {
      await this.headObject(key);
      return true;
    } catch (error) {
      if (error?.name === 'NoSuchKey' || error?.name === 'NotFound') return false;
      throw error;
    }
  }

  /**
   * Deletes an object; a missing one counts as deleted.
   * @param {string} key
   * @param {{ ifMatch?: string }} [options] `ifMatch`: only while the ETag is this one
   */
  async deleteObject(key, { ifMatch } = {}) {
    const command = new DeleteObjectCommand(
      present({ Bucket: this.config.bucket, Key: fullKey(this.config.keyPrefix, key), IfMatch: ifMatch })
    );
    return this.#sendFor('cl:DeleteObject', 'deleteObject', key, { key }, command);
  }

  /**
   * Deletes many objects, 1000 per request. Request failures do not reject: `deleted` holds the response
   * of each chunk that was sent, `notFound` (historical name) what failed, as `{ message, raw, item: keys }`.
   * @param {string[]} keys
   * @returns {Promise<{ deleted: object[], notFound: Error[] }>}
   */
  async deleteObjects(keys) {
    const { bucket, keyPrefix } = this.config;
    const items = keys.map((key) => ({ key, full: fullKey(keyPrefix, key) }));
    const deleted = [];
    const notFound = [];
    // Nobody looks at the answer, but a replaced method may reject to protect its keys.
    const checks = this.exists !== ORIGINAL.exists || this.headObject !== ORIGINAL.headObject;
    await forEachLimited(chunksOf(items, PAGE), this.parallelism, async (chunk) => {
      try {
        if (checks) for (const { key } of chunk) await this.exists(key);
        const response = await this.sendCommand(
          new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: chunk.map(({ full }) => ({ Key: full })) } })
        );
        deleted.push(response);
        for (const failure of response?.Errors ?? []) {
          const key = chunk.find(({ full }) => full === failure.Key)?.key ?? stripPrefix(keyPrefix, failure.Key);
          notFound.push(new DeleteFailure(failure.Message ?? failure.Code, failure, [key]));
        }
      } catch (error) {
        const mapped = this.#mapped(error, undefined);
        notFound.push(
          new DeleteFailure(
            mapped.message,
            mapped,
            chunk.map(({ key }) => key)
          )
        );
      }
    });
    const report = { deleted, notFound };
    this.#announce('cl:DeleteObjects', 'deleteObjects', report, keys);
    return report;
  }

  /**
   * Deletes everything under a prefix, or the whole database path.
   * @param {{ prefix?: string }} [options]
   * @returns {Promise<number>} objects deleted
   */
  async deleteAll({ prefix } = {}) {
    const { bucket, keyPrefix } = this.config;
    const Prefix = listPrefix(keyPrefix, prefix);
    const errors = [];
    let totalDeleted = 0;
    let ContinuationToken;
    do {
      let page;
      let response;
      try {
        page = await this.#send(new ListObjectsV2Command(present({ Bucket: bucket, Prefix, ContinuationToken })));
        const Objects = (page.Contents ?? []).map(({ Key }) => ({ Key }));
        if (Objects.length > 0) response = await this.#send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
      } catch (error) {
        throw this.#mapped(error, prefix);
      }
      const batch = response?.Deleted?.length ?? 0;
      errors.push(...(response?.Errors ?? []));
      totalDeleted += batch;
      if (batch > 0) this.#announce('cl:DeleteAll', 'deleteAll', { prefix, batch, total: totalDeleted });
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken);
    if (errors.length > 0) {
      throw new UnknownError(`${errors.length} objects could not be deleted`, {
        bucket,
        operation: 'deleteAll',
        prefix,
        deletedCount: totalDeleted,
        errors: errors.map(({ Key, Code, Message }) => ({ key: stripPrefix(keyPrefix, Key), code: Code, message: Message })),
        suggestion: 'Check permissions and object locks of the keys in data.errors, then call deleteAll again.'
      });
    }
    this.#announce('cl:DeleteAllComplete', 'deleteAllComplete', { prefix, totalDeleted });
    return totalDeleted;
  }

  /**
   * Moves an object: copy, then delete. Not atomic; a failed delete leaves both.
   * @param {{ from: string, to: string }} request
   * @returns {Promise<true>}
   */
  async moveObject({ from, to }) {
    try {
      const { keyPrefix } = this.config;
      if (fullKey(keyPrefix, from, 'from') === fullKey(keyPrefix, to, 'to')) return true;
      await this.copyObject({ from, to });
      await this.deleteObject(from);
      return true;
    } catch (error) {
      throw composedError('Unknown error in moveObject', this.#mapped(error, to), { bucket: this.config.bucket, from, to });
    }
  }

  /**
   * Moves every object under a prefix.
   * @param {{ prefixFrom: string, prefixTo: string }} request
   * @returns {Promise<string[]>} new keys
   */
  async moveAllObjects({ prefixFrom, prefixTo }) {
    const keys = await this.getAllKeys({ prefix: prefixFrom });
    const results = [];
    const errors = [];
    await forEachLimited(keys, this.parallelism, async (key) => {
      const to = key.replace(prefixFrom, () => prefixTo);
      try {
        await this.moveObject({ from: key, to });
        results.push(to);
      } catch (error) {
        errors.push({ message: error.message, raw: error });
      }
    });
    this.#announce('cl:MoveAllObjects', 'moveAllObjects', { results, errors }, { prefixFrom, prefixTo });
    if (errors.length > 0) throw moveAllError(this.config.bucket, { prefixFrom, prefixTo, keys, results, errors });
    return results;
  }

  /**
   * One page of a listing; `Contents[].Key` are full keys.
   * @param {{ prefix?: string, maxKeys?: number, continuationToken?: string, delimiter?: string, startAfter?: string }} [options]
   */
  async listObjects({ prefix, maxKeys = PAGE, continuationToken, delimiter, startAfter } = {}) {
    const { bucket, keyPrefix } = this.config;
    const input = present({
      Bucket: bucket,
      MaxKeys: maxKeys ?? PAGE,
      ContinuationToken: continuationToken ?? undefined,
      Prefix: listPrefix(keyPrefix, prefix),
      Delimiter: delimiter ?? undefined,
      StartAfter: listPosition(keyPrefix, startAfter)
    });
    let response;
    try {
      response = await this.sendCommand(new ListObjectsV2Command(input));
    } catch (error) {
      throw composedError('Unknown error in listObjects', this.#mapped(error, prefix), { bucket, prefix });
    }
    this.#announce('cl:ListObjects', 'listObjects', response, input);
    return response;
  }

  async *#pages(prefix) {
    let continuationToken;
    do {
      const page = await this.listObjects({ prefix, continuationToken });
      yield page;
      continuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (continuationToken);
  }

  /**
   * @param {{ prefix?: string }} [options]
   * @returns {Promise<number>} number of keys
   */
  async count({ prefix } = {}) {
    let count = 0;
    for await (const page of this.#pages(prefix)) count += page.KeyCount || 0;
    this.#announce('cl:Count', 'count', count, { prefix });
    return count;
  }

  /**
   * @param {{ prefix?: string }} [options]
   * @returns {Promise<string[]>} every key, ascending, without `keyPrefix`
   */
  async getAllKeys({ prefix } = {}) {
    const keys = [];
    for await (const page of this.#pages(prefix)) {
      for (const { Key } of page.Contents ?? []) keys.push(stripPrefix(this.config.keyPrefix, Key));
    }
    this.#announce('cl:GetAllKeys', 'getAllKeys', keys, { prefix });
    return keys;
  }

  /**
   * Token of the page that starts after `offset` keys. Walks the pages before it.
   * @param {{ prefix?: string, offset?: number }} [params]
   * @returns {Promise<string | null>} null when the listing ends at or before `offset`
   */
  async getContinuationTokenAfterOffset(params = {}) {
    const { prefix, offset = PAGE } = params;
    if (offset === 0) return null;
    let token = null;
    let skipped = 0;
    do {
      const maxKeys = Math.min(PAGE, offset - skipped);
      const page = await this.listObjects({ prefix, maxKeys, continuationToken: token ?? undefined });
      skipped += (page.Contents ?? []).length;
      token = page.IsTruncated ? (page.NextContinuationToken ?? null) : null;
    } while (token !== null && skipped < offset);
    this.#announce('cl:GetContinuationTokenAfterOffset', 'getContinuationTokenAfterOffset', token, params);
    return token;
  }

  /**
   * Keys by position.
   * @param {{ prefix?: string, offset?: number, amount?: number }} [params]
   * @returns {Promise<string[]>} up to `amount` keys after the first `offset`, without `keyPrefix`
   */
  async getKeysPage(params = {}) {
    const { prefix, offset = 0, amount = 100 } = params;
    let keys = [];
    let token;
    if (offset > 0) token = await this.getContinuationTokenAfterOffset({ prefix, offset });
    if (amount > 0 && (!(offset > 0) || token)) {
      do {
        const page = await this.listObjects({
          prefix,
          maxKeys: Math.min(PAGE, amount - keys.length),
          continuationToken: token ?? undefined
        });
        for (const { Key } of page.Contents ?? []) keys.push(stripPrefix(this.config.keyPrefix, Key));
        token = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (token && keys.length < amount);
      // A server may ignore MaxKeys.
      if (keys.length > amount) keys = keys.slice(0, amount);
    }
    this.#announce('cl:GetKeysPage', 'getKeysPage', keys, params);
    return keys;
  }

  /** Frees connections; the client cannot be used afterwards. An SDK client that the caller passed stays open. */
  destroy() {
    if (this.client instanceof NativeTransport) this.client.destroy();
  }
}

/** The methods as shipped, to tell when one was replaced. */
const ORIGINAL = Object.freeze({ exists: CommandClient.prototype.exists, headObject: CommandClient.prototype.headObject });

/**
 * Error of `moveAllObjects`.
 * @param {string} bucket
 */
export function moveAllError(bucket, { prefixFrom, prefixTo, keys, results, errors }) {
  return new UnknownError('Some objects could not be moved', {
    bucket,
    operation: 'moveAllObjects',
    prefixFrom,
    prefixTo,
    totalKeys: keys.length,
    failedCount: errors.length,
    successCount: results.length,
    errors,
    suggestion: 'Check the causes in data.errors; moved objects are already at their new keys.'
  });
}
