import { isUtf8 } from 'node:buffer';
import { DatabaseError, isNotFound } from '../errors/index.js';
import { readBody } from './body.js';
import { toForeign } from './foreign-errors.js';
import { isReference, KeyLister, listingOrder } from './foreign-listing.js';
import { bareEtag, stripPrefix } from './keys.js';
import { decodeValue, encodeValue } from './metadata.js';
import { isReplaced, isShipped } from './native-store-of.js';
import { forEachLimited } from './pool.js';
import { sdkError } from './sdk-errors.js';

/** Error of a client that lacks a method an operation needs. */
export const missingMethod = (name) =>
  new DatabaseError(`Client does not implement ${name}()`, {
    operation: name,
    statusCode: 501,
    suggestion: `Add ${name}() to the client passed as client, or use S3Client, MemoryClient or FileSystemClient.`
  });

function requireMethod(client, name) {
  if (typeof client[name] !== 'function') throw missingMethod(name);
}

/** Clients decode what they return and encode what they are given; the engine speaks the wire form. */
const toWire = (metadata) => Object.entries(metadata ?? {}).map(([name, value]) => [name, encodeValue(value)]);

const fromWire = (pairs) => Object.fromEntries((pairs ?? []).map(([name, value]) => [name, decodeValue(value)]));

const milliseconds = (time) => {
  const ms = time === undefined || time === null ? NaN : new Date(time).getTime();
  return Number.isFinite(ms) ? ms : 0;
};

const whole = (value, fallback) => (Number.isSafeInteger(Number(value)) && Number(value) >= 0 && value !== null ? Number(value) : fallback);

function describe(reply, bodyLength) {
  return {
    metadata: toWire(reply.Metadata),
    etag: bareEtag(reply.ETag),
    size: whole(reply.ContentLength ?? undefined, bodyLength),
    lastModified: milliseconds(reply.LastModified),
    contentType: reply.ContentType ?? undefined,
    contentEncoding: reply.ContentEncoding ?? undefined,
    versionId: reply.VersionId ?? undefined,
    expiration: reply.Expiration ?? undefined
  };
}

const outcome = (reply) => {
  const result = reply?.CopyObjectResult ?? reply;
  return {
    etag: bareEtag(result?.ETag),
    versionId: reply?.VersionId ?? undefined,
    lastModified: result?.LastModified === undefined || result.LastModified === null ? undefined : milliseconds(result.LastModified)
  };
};

/** JSON bodies are passed as text, as the original library does. */
const bodyFor = (body, contentType, contentEncoding) => {
  if (!body || body.length === 0) return '';
  return contentType === 'application/json' && contentEncoding === undefined && isUtf8(body) ? body.toString('utf8') : body;
};

const defined = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/**
 * Store callbacks over any client: an object with the methods `putObject`, `getObject`, `headObject`, and,
 * where an operation needs them, `copyObject`, `deleteObject`, `deleteObjects`, `getKeysPage`,
 * `getAllKeys`, `listObjects`. Methods are looked up on the client at every call, so replacing one later
 * takes effect. Metadata is decoded before it is given to the client and encoded when it comes back,
 * because clients do that work themselves.
 *
 * Errors of the client travel through native code as references and come out as the same objects.
 * @param {object} client
 * @returns {import('../native/binding.d.ts').JsStoreCallbacks}
 */
export function storeCallbacks(client) {
  // Native code holds these functions for ever, and they must not keep the client alive.
  const reference = new WeakRef(client);
  const target = () => {
    const alive = reference.deref();
    if (alive === undefined) throw new DatabaseError('The client of this store is gone', { operation: 'storeCallbacks', statusCode: 500 });
    return alive;
  };
  const keyPrefix = () => target().config?.keyPrefix ?? target().keyPrefix ?? '';
  const lister = new KeyLister(target, keyPrefix, missingMethod);

  const get = async (key) => {
    const client = target();
    requireMethod(client, 'getObject');
    const reply = await client.getObject(key);
    // Clients over a Map may return nothing where S3 reports an error.
    if (reply === undefined || reply === null) throw sdkError('NoSuchKey', 404);
    const body = await readBody(reply.Body);
    return { meta: describe(reply, body.length), body };
  };

  const put = async ({ key, metadata, contentType, contentEncoding, ifMatch, ifNoneMatch }, body) => {
    const client = target();
    requireMethod(client, 'putObject');
    const request = { key, metadata: fromWire(metadata), body: bodyFor(body, contentType, contentEncoding) };
    return outcome(await client.putObject({ ...request, ...defined({ contentType, contentEncoding, ifMatch, ifNoneMatch }) }));
  };

  const head = async (key) => {
    const client = target();
    requireMethod(client, 'headObject');
    const reply = await client.headObject(key);
    if (reply === undefined || reply === null) throw sdkError('NotFound', 404);
    // A length that the client does not tell is that of the body.
    const unknown = reply.ContentLength === undefined || reply.ContentLength === null;
    return describe(reply, unknown ? (await get(key)).body.length : 0);
  };

  const copy = async ({ from, to, metadata, contentType, sourceIfMatch }) => {
    const client = target();
    if (typeof client.copyObject === 'function') {
      const replace = metadata ? { metadata: fromWire(metadata), metadataDirective: 'REPLACE' } : {};
      return outcome(await client.copyObject({ from, to, ...replace, ...defined({ contentType, copySourceIfMatch: sourceIfMatch }) }));
    }
    const { meta, body } = await get(from);
    const match = bareEtag(sourceIfMatch);
    if (match !== undefined && meta.etag !== undefined && meta.etag !== match) throw sdkError('PreconditionFailed', 412);
    const request = {
      key: to,
      metadata: metadata ?? meta.metadata,
      contentType: contentType ?? meta.contentType,
      contentEncoding: meta.contentEncoding,
      // Onto itself the condition still holds at the moment of the write.
      ifMatch: from === to && meta.etag !== undefined ? sourceIfMatch : undefined
    };
    return put(request, body);
  };

  const remove = async (key, ifMatch) => {
    const client = target();
    requireMethod(client, 'deleteObject');
    try {
      await (ifMatch === undefined ? client.deleteObject(key) : client.deleteObject(key, { ifMatch }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };

  const removeMany = async (keys) => {
    const client = target();
    if (typeof client.deleteObjects === 'function') return deleteReport(keys, await client.deleteObjects(keys), keyPrefix());
    requireMethod(client, 'deleteObject');
    const errors = [];
    await forEachLimited(keys, client.parallelism ?? 10, async (key) => {
      try {
        await remove(key, undefined);
      } catch (error) {
        errors.push(keyError(key, error));
      }
    });
    return { deleted: without(keys, errors), errors };
  };

  /** Our own clients page with tokens of the store, unless a method that a caller may watch was replaced. */
  const list = async (request) => {
    const client = target();
    const order = listingOrder(request.prefix);
    if (!isShipped(client)) return lister.list(request, order);
    const replaced = order.slice(0, isReference(request.prefix) ? 2 : 1).filter((name) => isReplaced(client, name));
    if (replaced.length > 0) return lister.list(request, [...replaced, ...order]);
    const { prefix, delimiter, startAfter, token, maxKeys } = request;
    const reply = await client.listObjects({
      prefix,
      maxKeys: maxKeys || 1000,
      ...defined({ delimiter, startAfter, continuationToken: token })
    });
    const root = keyPrefix();
    return {
      entries: (reply.Contents ?? []).map(({ Key, Size, ETag, LastModified }) => ({
        key: stripPrefix(root, Key),
        size: whole(Size, 0),
        etag: bareEtag(ETag),
        lastModified: milliseconds(LastModified)
      })),
      commonPrefixes: (reply.CommonPrefixes ?? []).map(({ Prefix }) => stripPrefix(root, Prefix)),
      nextToken: reply.IsTruncated ? (reply.NextContinuationToken ?? undefined) : undefined
    };
  };

  return {
    put: answer((request, body) => put(parse(request), body)),
    get: answer(get, ({ meta, body }) => ({ meta: JSON.stringify(meta), body })),
    head: answer(head),
    copy: answer((request) => copy(parse(request))),
    delete: answer(async (request) => {
      const { key, ifMatch } = parse(request);
      await remove(key, ifMatch);
      return {};
    }),
    deleteMany: answer((keys) => removeMany(JSON.parse(keys))),
    list: answer((request) => list(parse(request)))
  };
}

/** A callback that answers with text and rejects with an error native code understands. */
function answer(work, format = JSON.stringify) {
  return async (...args) => {
    try {
      return format(await work(...args));
    } catch (error) {
      throw toForeign(error);
    }
  };
}

/** A request; absent members come as null. */
const parse = (text) => Object.fromEntries(Object.entries(JSON.parse(text)).filter(([, value]) => value !== null));

const keyError = (key, error) => ({
  key,
  code: String(error?.code ?? error?.Code ?? error?.name ?? 'Error'),
  message: String(error?.message ?? error)
});

function without(keys, errors) {
  const failed = new Set(errors.map(({ key }) => key));
  return failed.size === 0 ? keys : keys.filter((key) => !failed.has(key));
}

/** Reads a report of `deleteObjects` in either shape; keys that no failure names are deleted. */
function deleteReport(keys, report, keyPrefix) {
  const asked = new Set(keys);
  const relative = (key) => (asked.has(key) ? key : stripPrefix(keyPrefix, String(key)));
  const errors = [];
  for (const { Key, Code, Message } of report?.Errors ?? [])
    errors.push({ key: relative(Key), code: Code ?? 'Error', message: Message ?? String(Code) });
  for (const failure of report?.notFound ?? []) {
    if (isNotFound(failure?.raw)) continue;
    const items = Array.isArray(failure?.item) ? failure.item : failure?.item === undefined ? keys : [failure.item];
    const { code, message } = keyError('', {
      code: failure?.raw?.Code ?? failure?.raw?.code ?? failure?.raw?.name,
      message: failure?.message
    });
    for (const item of items) errors.push({ key: relative(item), code, message });
  }
  return { deleted: without(keys, errors), errors };
}
