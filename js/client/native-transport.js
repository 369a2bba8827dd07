import { DatabaseError } from '../errors/index.js';
import { ObjectBody, readBody } from './body.js';
import { commandName } from './commands.js';
import { bareEtag, parseCopySource, quotedEtag } from './keys.js';
import { sdkError, toTransportError } from './sdk-errors.js';

const PAGE = 1000;

/** Input members that each command understands; any other is refused, never ignored. */
const MEMBERS = {
  PutObjectCommand: ['Bucket', 'Key', 'Metadata', 'Body', 'ContentType', 'ContentEncoding', 'ContentLength', 'IfMatch', 'IfNoneMatch'],
  GetObjectCommand: ['Bucket', 'Key', 'IfMatch'],
  HeadObjectCommand: ['Bucket', 'Key', 'IfMatch'],
  CopyObjectCommand: ['Bucket', 'Key', 'CopySource', 'MetadataDirective', 'Metadata', 'ContentType', 'CopySourceIfMatch'],
  DeleteObjectCommand: ['Bucket', 'Key', 'IfMatch'],
  DeleteObjectsCommand: ['Bucket', 'Delete'],
  ListObjectsV2Command: ['Bucket', 'Prefix', 'Delimiter', 'MaxKeys', 'ContinuationToken', 'StartAfter']
};

function checkMembers(name, input) {
  const known = MEMBERS[name];
  if (known === undefined) {
    throw new DatabaseError(`Unsupported command: ${name}`, {
      statusCode: 400,
      operation: 'sendCommand',
      commandName: name,
      suggestion: `Use one of ${Object.keys(MEMBERS).join(', ')}, or pass an SDK client as AwsS3Client.`
    });
  }
  for (const member of Object.keys(input)) {
    if (input[member] !== undefined && !known.includes(member)) {
      throw sdkError('NotImplemented', 501, `${name} does not support ${member}; pass an SDK client as AwsS3Client to use it`);
    }
  }
}

const reply = (status, members) => {
  const out = { $metadata: { httpStatusCode: status, attempts: 1, totalRetryDelay: 0 } };
  for (const [name, value] of Object.entries(members)) if (value !== undefined && value !== null) out[name] = value;
  return out;
};

const pairs = (metadata) => Object.entries(metadata ?? {}).map(([name, value]) => [name, String(value)]);

/** Metadata object of wire pairs; a later pair wins, and `__proto__` is an ordinary name. */
export const fromPairs = (metadata) => Object.fromEntries(metadata ?? []);

const objectMembers = (meta) => ({
  AcceptRanges: 'bytes',
  LastModified: new Date(meta.lastModified),
  ContentLength: meta.size,
  ETag: quotedEtag(meta.etag),
  ContentType: meta.contentType ?? 'application/octet-stream',
  ContentEncoding: meta.contentEncoding,
  VersionId: meta.versionId,
  Expiration: meta.expiration,
  Metadata: fromPairs(meta.metadata)
});

/**
 * Sends commands to a native store the way an SDK client sends them to S3: `send(command)`, `config`,
 * `destroy()`. Keys and metadata are raw; replies and errors have the shapes of the SDK.
 */
export class NativeTransport {
  #open;
  #stores = new Map();
  #bucket;

  /**
   * @param {(bucket: string) => import('../native/binding.d.ts').NativeStore} open makes the store of a bucket
   * @param {{ bucket: string, keyPrefix?: string, config?: object }} options
   */
  constructor(open, { bucket, keyPrefix = '', config = {} }) {
    this.#open = open;
    this.#bucket = bucket;
    /** Key prefix the native store was made with. */
    this.keyPrefix = keyPrefix;
    /** Bucket the native store was made with. */
    this.bucket = bucket;
    this.config = config;
    /** Store of the configured bucket. */
    this.store = open(bucket);
    this.#stores.set(bucket, this.store);
  }

  /** Every store that requests went to: one per bucket. */
  get stores() {
    return [...this.#stores.values()];
  }

  #storeOf(bucket) {
    if (bucket === undefined || bucket === this.#bucket) return this.store;
    let store = this.#stores.get(bucket);
    if (store === undefined) {
      store = this.#open(bucket);
      this.#stores.set(bucket, store);
    }
    return store;
  }

  /**
   * @param {{ constructor: { name: string }, input: object }} command
   * @returns {Promise<object>}
   */
  async send(command) {
    const name = commandName(command);
    const input = command?.input ?? {};
    checkMembers(name, input);
    try {
      const store = this.#storeOf(input.Bucket);
      switch (name) {
        case 'PutObjectCommand':
          return await this.#put(store, input);
        case 'GetObjectCommand': {
          const { meta: text, body } = await store.get(input.Key);
          const meta = JSON.parse(text);
          checkReadCondition(input, meta);
          return { ...reply(200, objectMembers(meta)), Body: new ObjectBody(body ?? Buffer.alloc(0)) };
        }
        case 'HeadObjectCommand': {
          const meta = JSON.parse(await store.head(input.Key));
          checkReadCondition(input, meta);
          return reply(200, objectMembers(meta));
        }
        case 'CopyObjectCommand':
          return await this.#copy(store, input);
        case 'DeleteObjectCommand': {
          await store.delete(JSON.stringify({ key: input.Key, ifMatch: bareEtag(input.IfMatch) }));
          return reply(204, {});
        }
        case 'DeleteObjectsCommand':
          return await this.#deleteMany(store, input);
        default:
          return await this.#list(store, input);
      }
    } catch (error) {
      throw toTransportError(error);
    }
  }

  async #put(store, input) {
    const body = await readBody(input.Body);
    if (input.ContentLength !== undefined && Number(input.ContentLength) !== body.length) {
      throw sdkError('IncompleteBody', 400, 'You did not provide the number of bytes specified by the Content-Length HTTP header');
    }
    if (input.IfNoneMatch !== undefined && input.IfNoneMatch !== '*') {
      throw sdkError('NotImplemented', 501, 'IfNoneMatch of PutObjectCommand supports only "*"');
    }
    const outcome = JSON.parse(
      await store.put(
        JSON.stringify({
          key: input.Key,
          metadata: pairs(input.Metadata),
          contentType: input.ContentType,
          contentEncoding: input.ContentEncoding,
          ifMatch: bareEtag(input.IfMatch),
          ifNoneMatch: input.IfNoneMatch
        }),
        body
      )
    );
    return reply(200, { ETag: quotedEtag(outcome.etag), VersionId: outcome.versionId });
  }

  async #copy(store, input) {
    const source = parseCopySource(input.CopySource);
    if (source.bucket !== (input.Bucket ?? this.#bucket)) {
      throw sdkError(
        'NotImplemented',
        501,
        'CopyObjectCommand copies inside one bucket; pass an SDK client as AwsS3Client to copy between buckets'
      );
    }
    const replace = input.MetadataDirective === 'REPLACE';
    if (source.key === input.Key && !replace) {
      throw sdkError(
        'InvalidRequest',
        400,
        'This copy request is illegal because it copies an object to itself without changing its metadata.'
      );
    }
    const outcome = JSON.parse(
      await store.copy(
        JSON.stringify({
          from: source.key,
          to: input.Key,
          metadata: replace ? pairs(input.Metadata) : undefined,
          contentType: replace ? input.ContentType : undefined,
          sourceIfMatch: bareEtag(input.CopySourceIfMatch)
        })
      )
    );
    const LastModified = new Date(outcome.lastModified ?? Date.now());
    return reply(200, { CopyObjectResult: { ETag: quotedEtag(outcome.etag), LastModified }, VersionId: outcome.versionId });
  }

  async #deleteMany(store, input) {
    const keys = (input.Delete?.Objects ?? []).map((object) => object.Key);
    if (keys.length === 0 || keys.length > PAGE) {
      throw sdkError('MalformedXML', 400, `DeleteObjectsCommand takes 1 to ${PAGE} keys, not ${keys.length}`);
    }
    const outcome = JSON.parse(await store.deleteMany(JSON.stringify(keys)));
    const errors = outcome.errors.map(({ key, code, message }) => ({ Key: key, Code: code, Message: message }));
    return reply(200, {
      Deleted: input.Delete.Quiet ? undefined : outcome.deleted.map((Key) => ({ Key })),
      Errors: errors.length > 0 ? errors : undefined
    });
  }

  async #list(store, input) {
    const maxKeys = Math.min(PAGE, Math.max(0, Number(input.MaxKeys ?? PAGE)));
    if (!Number.isInteger(maxKeys)) throw sdkError('InvalidArgument', 400, 'MaxKeys must be a whole number');
    const page =
      maxKeys === 0
        ? { entries: [], commonPrefixes: [] }
        : JSON.parse(
            await store.list(
              JSON.stringify({
                prefix: input.Prefix ?? '',
                delimiter: input.Delimiter || undefined,
                startAfter: input.StartAfter || undefined,
                token: input.ContinuationToken ?? undefined,
                maxKeys
              })
            )
          );
    const contents = page.entries.map(listEntry);
    const prefixes = page.commonPrefixes.map((Prefix) => ({ Prefix }));
    return reply(200, {
      IsTruncated: Boolean(page.nextToken),
      Contents: contents.length > 0 ? contents : undefined,
      CommonPrefixes: prefixes.length > 0 ? prefixes : undefined,
      Name: input.Bucket ?? this.#bucket,
      Prefix: input.Prefix ?? '',
      Delimiter: input.Delimiter || undefined,
      MaxKeys: maxKeys,
      KeyCount: contents.length + prefixes.length,
      ContinuationToken: input.ContinuationToken,
      NextContinuationToken: page.nextToken,
      StartAfter: input.StartAfter || undefined
    });
  }

  /** Frees sockets. The transport cannot be used afterwards. */
  destroy() {
    for (const store of this.#stores.values()) store.close();
  }
}

function checkReadCondition(input, meta) {
  if (input.IfMatch !== undefined && input.IfMatch !== '*' && bareEtag(input.IfMatch) !== bareEtag(meta.etag)) {
    throw sdkError('PreconditionFailed', 412);
  }
}

/** Entry of `Contents`, ETag quoted. */
export const listEntry = ({ key, size, etag, lastModified }) => ({
  Key: key,
  LastModified: new Date(lastModified),
  ETag: quotedEtag(etag),
  Size: size,
  StorageClass: 'STANDARD'
});
