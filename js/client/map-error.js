import { mapAwsError, S3dbError, UnknownError } from '../errors/index.js';
import { summarizeInput } from './commands.js';

/**
 * Published error of a failed request, made once: an error that is already one of the library's
 * passes through, so that neither `sendCommand` nor the method around it wraps it again.
 * @param {unknown} error
 * @param {{ bucket?: string, key?: string, commandName?: string, commandInput?: object }} context
 */
export function mapClientError(error, { bucket, key, commandName, commandInput }) {
  if (error instanceof S3dbError) return error;
  const original = typeof error === 'object' && error !== null ? error : new Error(String(error));
  return mapAwsError(original, {
    bucket: bucket ?? 'unknown',
    key: key ?? '',
    commandName,
    commandInput: commandInput && summarizeInput(commandInput)
  });
}

/**
 * `UnknownError` around the failure of a composed method. Code, status and retriability of the cause
 * stay visible on it, for callers that look for a missing bucket or a 403.
 * @param {string} message
 * @param {any} cause mapped error
 * @param {object} details
 */
export function composedError(message, cause, details) {
  const { code, statusCode, retriable = false } = cause ?? {};
  return new UnknownError(message, { ...details, original: cause, code, statusCode, retriable });
}
