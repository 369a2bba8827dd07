import { S3dbError, UnknownError, mapAwsError } from '../errors/index.js';
import { summarizeInput } from './commands.js';

/**
 * Published error of a failed request, made once: an error that is already one of the library's
 * passes through, so that neither `sendCommand` nor the method around it wraps it again.
 * @param {unknown} error
 * @param {{ bucket?: string, key?: string, commandName?: string, commandInput?: object }} context
 */
export function mapClientError(error, { bucket, key, commandName, commandInput }) {
  if (error instanceof S3dbError) return error;
  const original = error instanceof Error || (typeof error === 'object' && error !== null) ? error : new Error(String(error));
  return mapAwsError(original, {
    bucket: bucket ?? 'unknown',
    key: key ?? '',
    commandName,
    commandInput: commandInput && summarizeInput(commandInput),
  });
}

/**
 * `UnknownError` around the failure of a composed method; code, status and retriability of the cause
 * stay visible on it.
 * @param {string} message
 * @param {unknown} cause mapped error
 * @param {object} details
 */
export function composedError(message, cause, details) {
  const wrapped = new UnknownError(message, { ...details, original: cause, retriable: cause?.retriable ?? false });
  // Seen by callers that look for NoSuchBucket or 403 on the outer error.
  if (cause?.code !== undefined) wrapped.code = cause.code;
  if (cause?.statusCode !== undefined) wrapped.statusCode = cause.statusCode;
  return wrapped;
}

/**
 * True when an error says that the object does not exist, whoever made it.
 * @param {any} error
 * @returns {boolean}
 */
export function isNotFound(error) {
  for (let e = error, depth = 0; e && depth < 4; e = e.original, depth += 1) {
    if (NOT_FOUND.has(e.name) || NOT_FOUND.has(e.code) || NOT_FOUND.has(e.Code)) return true;
    if (NO_BUCKET.has(e.name) || NO_BUCKET.has(e.code) || NO_BUCKET.has(e.Code)) return false;
    if (statusOf(e) === 404) return true;
  }
  return false;
}

/**
 * True when an error says that a conditional request's condition did not hold.
 * @param {any} error
 * @returns {boolean}
 */
export function isPreconditionFailed(error) {
  for (let e = error, depth = 0; e && depth < 4; e = e.original, depth += 1) {
    if (PRECONDITION.has(e.name) || PRECONDITION.has(e.code) || PRECONDITION.has(e.Code) || statusOf(e) === 412) return true;
  }
  return false;
}

/**
 * HTTP status an error carries itself.
 * @param {any} error
 * @returns {number | undefined}
 */
export const statusOf = (error) => error?.$metadata?.httpStatusCode ?? error?.statusCode ?? (typeof error?.status === 'number' ? error.status : undefined);

const NOT_FOUND = new Set(['NoSuchKey', 'NotFound']);
const NO_BUCKET = new Set(['NoSuchBucket']);
const PRECONDITION = new Set(['PreconditionFailed', 'PRECONDITION_FAILED']);
