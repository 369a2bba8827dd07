/** Binary content of records (spec/03 section 10). Where it lives is the engine's business. */

import { readBody } from '../client/body.js';
import { isNotFound, ResourceError, ValidationError } from '../errors/index.js';
import { fromText } from '../native/text.js';
import { emitStandardized } from './events.js';
import { checkWriteId } from './ids.js';
import { emitNativeEvents, nativeOf, toPublic } from './native.js';
import { readForWrite, untilUnchanged } from './update.js';

const DEFAULT_TYPE = 'application/octet-stream';

async function bytesOf(resource, id, buffer) {
  const refuse = (message, original) =>
    new ValidationError(message, {
      field: 'buffer',
      resourceName: resource.name,
      id,
      original,
      statusCode: 400,
      retriable: false,
      operation: 'setContent',
      suggestion: "Pass a Buffer, Uint8Array, string, Blob or stream; pass '' for empty content."
    });
  if (buffer === undefined || buffer === null || typeof buffer === 'number' || typeof buffer === 'boolean') {
    throw refuse(`setContent requires content in 'buffer', got ${buffer === null ? 'null' : typeof buffer}`);
  }
  try {
    return await readBody(buffer);
  } catch (error) {
    if (error instanceof TypeError) throw refuse(`setContent cannot read 'buffer': ${error.message}`, error);
    throw error;
  }
}

function requireOptions(resource, options) {
  if (options === null || typeof options !== 'object') {
    throw new ValidationError('setContent requires an object { id, buffer, contentType }', {
      field: 'options',
      value: typeof options,
      resourceName: resource.name,
      statusCode: 400,
      retriable: false,
      operation: 'setContent',
      suggestion: "Call setContent({ id, buffer, contentType: 'image/png' })."
    });
  }
  const { contentType = DEFAULT_TYPE } = options;
  if (typeof contentType !== 'string' || contentType === '') {
    throw new ValidationError("setContent requires 'contentType' to be a non-empty string", {
      field: 'contentType',
      value: typeof contentType,
      resourceName: resource.name,
      statusCode: 400,
      retriable: false,
      operation: 'setContent',
      suggestion: `Pass a media type such as 'image/png', or leave it out for '${DEFAULT_TYPE}'.`
    });
  }
  return contentType;
}

function notFound(resource, id, original) {
  return new ResourceError(`Resource with id '${id}' not found`, {
    resourceName: resource.name,
    id,
    statusCode: 404,
    code: 'NoSuchKey',
    original,
    operation: 'setContent',
    retriable: false,
    suggestion: 'Insert the record before its content.'
  });
}

/** One native call; errors become published ones. */
async function call(resource, id, operation, run) {
  try {
    const result = run(nativeOf(resource));
    return result instanceof Promise ? await result : result;
  } catch (error) {
    throw toPublic(resource, error, { id, operation });
  }
}

/** Stores content of a record; resolves the record with its content fields. */
export async function setContent(resource, options) {
  const contentType = requireOptions(resource, options);
  const id = checkWriteId(options.id, 'setContent');
  const content = await bytesOf(resource, id, options.buffer);
  const { record, written } = await untilUnchanged(resource, id, 'setContent', async () => {
    const { read, record, failure } = await readForWrite(resource, id, 'setContent');
    if (failure) throw isNotFound(failure) ? notFound(resource, id, failure) : failure;
    const text = await call(resource, id, 'setContent', (handle) => handle.setContent(read, content, contentType));
    return { record, written: fromText(text) };
  });
  emitNativeEvents(resource, written.events);
  const result = { ...record, _hasContent: true, _contentLength: content.length, _mimeType: contentType };
  if (written.etag !== undefined) result._etag = written.etag;
  emitStandardized(resource, 'content-set', { id, contentType, contentLength: content.length }, id);
  return result;
}

/** Content of a record: `{ buffer, contentType }`, both null when there is no such record. */
export async function content(resource, rawId) {
  const id = String(rawId);
  const found = id !== '' && (await call(resource, id, 'content', (handle) => handle.content(id)));
  if (!found) return { buffer: null, contentType: null };
  const result = { buffer: found.body, contentType: found.contentType ?? null };
  emitStandardized(resource, 'content-fetched', { id, contentLength: result.buffer.length, contentType: result.contentType }, id);
  return result;
}

/** Whether the record has content; false when there is no such record. */
export async function hasContent(resource, rawId) {
  const id = String(rawId);
  return id !== '' && call(resource, id, 'hasContent', (handle) => handle.hasContent(id));
}

/** Removes the content of a record, never its data; resolves `{ ETag }` of the record's object. */
export async function deleteContent(resource, rawId) {
  const id = String(rawId);
  const removed = await untilUnchanged(resource, id, 'deleteContent', async () =>
    fromText(await call(resource, id, 'deleteContent', (handle) => handle.deleteContent(id)))
  );
  emitNativeEvents(resource, removed.events);
  emitStandardized(resource, 'content-deleted', id, id);
  return removed.etag === undefined ? {} : { ETag: removed.etag };
}
