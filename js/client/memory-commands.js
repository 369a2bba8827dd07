import { NoSuchBucket } from '../errors/index.js';
import { ObjectBody } from './body.js';
import { listPrefix, parseCopySource, quotedEtag } from './keys.js';

/** Commands of `MemoryClient.sendCommand`: the method that runs each and what it does. */

const metadataOf = (status) => ({ $metadata: { httpStatusCode: status, attempts: 1, totalRetryDelay: 0 } });

const quoted = (result) => ({ ...result, ETag: quotedEtag(result.ETag) });

async function put({ storage }, input) {
  const result = await storage.put(input.Key, {
    body: input.Body,
    metadata: input.Metadata,
    contentType: input.ContentType,
    contentEncoding: input.ContentEncoding,
    contentLength: input.ContentLength,
    ifMatch: input.IfMatch,
    ifNoneMatch: input.IfNoneMatch
  });
  return { ...metadataOf(200), ...quoted(result) };
}

async function get({ storage }, input) {
  const result = await storage.get(input.Key);
  return { ...metadataOf(200), ...quoted(result), Body: new ObjectBody(result.Body) };
}

async function head({ storage }, input) {
  return { ...metadataOf(200), ...quoted(await storage.head(input.Key)) };
}

async function copy({ storage, bucket }, input) {
  const source = parseCopySource(input.CopySource);
  if (source.bucket !== bucket) throw new NoSuchBucket({ bucket: source.bucket });
  const result = await storage.copy(source.key, input.Key, {
    metadata: input.Metadata,
    metadataDirective: input.MetadataDirective,
    contentType: input.ContentType,
    sourceIfMatch: input.CopySourceIfMatch
  });
  return { ...metadataOf(200), ...quoted(result), CopyObjectResult: quoted(result.CopyObjectResult) };
}

async function remove({ storage }, input) {
  return { ...metadataOf(204), ...(await storage.delete(input.Key, { ifMatch: input.IfMatch })) };
}

async function removeMany({ storage }, input) {
  const keys = (input.Delete?.Objects ?? []).map(({ Key }) => Key);
  return { ...metadataOf(200), ...(await storage.deleteMultiple(keys)) };
}

async function list({ storage, keyPrefix }, input) {
  const given = input.Prefix ?? '';
  const Prefix = keyPrefix && given !== '' && given.startsWith(keyPrefix) ? given : listPrefix(keyPrefix, given);
  const page = await storage.list({
    prefix: Prefix,
    delimiter: input.Delimiter ?? null,
    maxKeys: input.MaxKeys ?? null,
    continuationToken: input.ContinuationToken ?? null,
    startAfter: input.StartAfter
  });
  return { ...metadataOf(200), ...page, Contents: page.Contents.map(quoted) };
}

export const HANDLERS = Object.freeze({
  PutObjectCommand: { method: '_handlePutObject', handle: put },
  GetObjectCommand: { method: '_handleGetObject', handle: get },
  HeadObjectCommand: { method: '_handleHeadObject', handle: head },
  CopyObjectCommand: { method: '_handleCopyObject', handle: copy },
  DeleteObjectCommand: { method: '_handleDeleteObject', handle: remove },
  DeleteObjectsCommand: { method: '_handleDeleteObjects', handle: removeMany },
  ListObjectsV2Command: { method: '_handleListObjects', handle: list }
});
