/** How commands are billed. */

/** The seven commands of the engine, by billing method (spec/12 section C.2). */
export const COMMAND_METHODS = {
  PutObjectCommand: 'put',
  GetObjectCommand: 'get',
  CopyObjectCommand: 'copy',
  HeadObjectCommand: 'head',
  DeleteObjectCommand: 'delete',
  DeleteObjectsCommand: 'delete',
  ListObjectsV2Command: 'list'
};

/** Commands that only callers of an SDK client send. */
const OTHER_METHODS = {
  CreateMultipartUploadCommand: 'post',
  UploadPartCommand: 'put',
  UploadPartCopyCommand: 'copy',
  CompleteMultipartUploadCommand: 'post',
  AbortMultipartUploadCommand: 'delete',
  PutObjectTaggingCommand: 'put',
  GetObjectTaggingCommand: 'get',
  DeleteObjectTaggingCommand: 'delete',
  PutObjectAclCommand: 'put',
  GetObjectAclCommand: 'get',
  GetObjectAttributesCommand: 'get',
  RestoreObjectCommand: 'post',
  SelectObjectContentCommand: 'select',
  HeadBucketCommand: 'head',
  ListBucketsCommand: 'list',
  ListObjectsCommand: 'list',
  ListObjectVersionsCommand: 'list',
  ListMultipartUploadsCommand: 'list',
  ListPartsCommand: 'list'
};

/** Billing method of a command, or undefined. */
export function methodOf(command) {
  if (Object.hasOwn(COMMAND_METHODS, command)) return COMMAND_METHODS[command];
  return Object.hasOwn(OTHER_METHODS, command) ? OTHER_METHODS[command] : undefined;
}

function positive(value) {
  const number = Number(value);
  return Number.isFinite(number) && number > 0 ? number : 0;
}

/** Bytes that a command sends: the length of its body, or what the caller declares for a stream. */
export function sentBytes(input) {
  const body = input?.Body || input?.body;
  if (typeof body === 'string') return Buffer.byteLength(body);
  if (body !== undefined && body !== null && positive(body.byteLength ?? body.length) > 0) return positive(body.byteLength ?? body.length);
  return body ? positive(input?.ContentLength) : 0;
}

/** Bytes that a response brings, from its headers. */
export function receivedBytes(response) {
  return positive(response?.httpResponse?.headers?.['content-length'] ?? response?.ContentLength);
}

/** Resource and plugin that a key or prefix belongs to, null where it names none. */
export function ownersOf(key) {
  const owners = { resource: null, plugin: null };
  for (const segment of String(key ?? '').split('/')) {
    if (segment.startsWith('resource=')) owners.resource ??= segment.slice('resource='.length) || null;
    else if (segment.startsWith('plugin=')) owners.plugin ??= segment.slice('plugin='.length) || null;
  }
  return owners;
}

/** Key or prefix that a command is about. */
export function keyOf(input) {
  return input?.Key ?? input?.Prefix ?? input?.Delete?.Objects?.[0]?.Key ?? null;
}
