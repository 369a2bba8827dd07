import { holdForeign, nativeReport } from '../errors/from-native.js';
import { DatabaseError, isNotFound, isPrecondition, statusOf } from '../errors/index.js';

/** Recognises what a client's error means, and passes it through native code without losing its identity. */

const NETWORK = new Set([
  'ETIMEDOUT',
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'TimeoutError',
  'NetworkingError',
  'NetworkError'
]);
const THROTTLING = new Set([
  'SlowDown',
  'ThrottlingException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout'
]);
const DENIED = new Set(['AccessDenied', 'Forbidden', 'PermissionError', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken']);
const UNSUPPORTED = new Set(['NotImplemented']);

function codesOf(error) {
  const codes = [];
  for (let e = error, depth = 0; e && depth < 4; e = e.original, depth += 1) codes.push(e.code, e.Code, e.name);
  return codes.filter((code) => typeof code === 'string');
}

function statusesOf(error) {
  const statuses = [];
  for (let e = error, depth = 0; e && depth < 4; e = e.original, depth += 1) statuses.push(statusOf(e));
  return statuses.filter((status) => typeof status === 'number');
}

/**
 * Error kind (src/error/kind.rs) of an error thrown by a client.
 * @param {any} error
 * @returns {string}
 */
export function kindOf(error) {
  const codes = codesOf(error);
  const statuses = statusesOf(error);
  if (isPrecondition(error)) return 'Precondition';
  if (codes.includes('NoSuchBucket')) return 'NoSuchBucket';
  if (isNotFound(error)) return 'NoSuchKey';
  if (codes.some((code) => DENIED.has(code)) || statuses.includes(403)) return 'Permission';
  if (codes.some((code) => UNSUPPORTED.has(code)) || statuses.includes(501)) return 'Unsupported';
  if (codes.some((code) => NETWORK.has(code))) return 'Network';
  if (error instanceof DatabaseError) return 'Database';
  if (codes.includes('ValidationError')) return 'Validation';
  return 'Unknown';
}

/**
 * Whether trying again may help.
 * @param {any} error
 */
export function isRetriable(error) {
  if (typeof error?.retriable === 'boolean') return error.retriable;
  if (codesOf(error).some((code) => NETWORK.has(code) || THROTTLING.has(code))) return true;
  return statusesOf(error).some((status) => status === 429 || status >= 500);
}

/**
 * The error that carries `error` through native code: JSON contract as message, the object itself held
 * in the registry under `foreign`.
 * @param {unknown} error
 * @returns {Error}
 */
export function toForeign(error) {
  // Already from native code: a store of ours below the client.
  if (nativeReport(error) !== null && error instanceof Error) return error;
  const message = typeof error?.message === 'string' ? error.message : String(error);
  const code = codesOf(error)[0];
  return new Error(
    JSON.stringify({
      kind: kindOf(error),
      message,
      code,
      status: statusesOf(error)[0],
      retriable: isRetriable(error),
      fields: {},
      foreign: holdForeign(error)
    })
  );
}
