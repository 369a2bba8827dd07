import {
  CopyObjectCommand,
  commandName,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand
} from './commands.js';
import { FileSystemClient } from './filesystem-client.js';
import { copySource } from './keys.js';
import { mapClientError } from './map-error.js';
import { chunksOf } from './pool.js';

const PAGE = 1000;

/**
 * Objects under a directory by full key: what `MemoryStorage` is for memory, in the layout of `FileSystemClient`. All methods
 * are asynchronous; metadata is stored as it is given.
 */
export class FileSystemStorage {
  #transport;

  /**
   * @param {{ basePath: string, bucket?: string, durability?: 'full' | 'none' }} options
   */
  constructor({ basePath, bucket = 's3db', durability = 'full' } = {}) {
    const client = new FileSystemClient({ basePath, bucket, durability });
    this.basePath = client.basePath;
    this.bucket = bucket;
    this.durability = durability;
    this.#transport = client.client;
  }

  async #send(command, key) {
    try {
      const { $metadata, ...response } = await this.#transport.send(command);
      return response;
    } catch (error) {
      throw mapClientError(error, { bucket: this.bucket, key, commandName: commandName(command), commandInput: command.input });
    }
  }

  /**
   * @param {string} key
   * @param {{ body?: unknown, metadata?: Record<string, string>, contentType?: string, contentEncoding?: string, contentLength?: number,
   *   ifMatch?: string, ifNoneMatch?: string }} [options]
   */
  async put(key, { body, metadata, contentType, contentEncoding, contentLength, ifMatch, ifNoneMatch } = {}) {
    const Body = body ?? Buffer.alloc(0);
    const content = { ContentType: contentType, ContentEncoding: contentEncoding, ContentLength: contentLength };
    const input = { Key: key, Body, Metadata: metadata ?? {}, ...content, IfMatch: ifMatch, IfNoneMatch: ifNoneMatch };
    const { ETag } = await this.#send(new PutObjectCommand(input), key);
    return { ETag, VersionId: null, ServerSideEncryption: null, Location: `/${this.bucket}/${key}` };
  }

  /**
   * Reads an object; `Body` is a Buffer.
   * @param {string} key
   */
  async get(key) {
    const { Body, ...rest } = await this.#send(new GetObjectCommand({ Key: key }), key);
    return { Body: Body.bytes, ...rest };
  }

  /** @param {string} key */
  async head(key) {
    return this.#send(new HeadObjectCommand({ Key: key }), key);
  }

  /**
   * @param {string} from
   * @param {string} to
   * @param {{ metadata?: Record<string, string>, metadataDirective?: 'COPY' | 'REPLACE', contentType?: string, sourceIfMatch?: string }} [options]
   */
  async copy(from, to, { metadata, metadataDirective, contentType, sourceIfMatch } = {}) {
    const input = { CopySource: copySource(this.bucket, from), Key: to, MetadataDirective: metadataDirective, ContentType: contentType };
    return this.#send(new CopyObjectCommand({ ...input, Metadata: metadata, CopySourceIfMatch: sourceIfMatch }), from);
  }

  /**
   * @param {string} key
   * @returns {Promise<boolean>}
   */
  async exists(key) {
    try {
      await this.head(key);
      return true;
    } catch (error) {
      if (error.name === 'NoSuchKey') return false;
      throw error;
    }
  }

  /**
   * @param {string} key
   * @param {{ ifMatch?: string }} [options]
   */
  async delete(key, { ifMatch } = {}) {
    await this.#send(new DeleteObjectCommand({ Key: key, IfMatch: ifMatch }), key);
    return { DeleteMarker: false, VersionId: null };
  }

  /** @param {string[]} keys */
  async deleteMultiple(keys) {
    const Deleted = [];
    const Errors = [];
    for (const chunk of chunksOf(keys, PAGE)) {
      const command = new DeleteObjectsCommand({ Delete: { Objects: chunk.map((Key) => ({ Key })) } });
      const outcome = await this.#send(command, chunk[0]);
      Deleted.push(...(outcome.Deleted ?? []));
      Errors.push(...(outcome.Errors ?? []));
    }
    return { Deleted, Errors };
  }

  /**
   * One page, at most 1000 keys and groups, in UTF-8 byte order.
   * @param {{ prefix?: string, delimiter?: string | null, maxKeys?: number, continuationToken?: string | null, startAfter?: string }} [options]
   */
  async list({ prefix = '', delimiter, maxKeys = PAGE, continuationToken, startAfter } = {}) {
    const position = { ContinuationToken: continuationToken ?? undefined, StartAfter: startAfter };
    const input = { Prefix: prefix, Delimiter: delimiter ?? undefined, MaxKeys: maxKeys, ...position };
    const page = await this.#send(new ListObjectsV2Command(input), prefix);
    return { ...page, Contents: page.Contents ?? [], CommonPrefixes: page.CommonPrefixes ?? [] };
  }
}

export default FileSystemStorage;
