import { fromNative, nativeReport } from '../errors/from-native.js';

/** Errors shaped like those of the AWS SDK v3, built from what the native store reports. */

const MESSAGES = {
  NoSuchKey: 'The specified key does not exist.',
  NoSuchBucket: 'The specified bucket does not exist',
  PreconditionFailed: 'At least one of the pre-conditions you specified did not hold'
};

const DEFAULTS = {
  NoSuchKey: ['NoSuchKey', 404],
  NoSuchBucket: ['NoSuchBucket', 404],
  Permission: ['AccessDenied', 403],
  Precondition: ['PreconditionFailed', 412],
  Unsupported: ['NotImplemented', 501],
  Network: ['NetworkingError', undefined],
  Unknown: ['InternalError', undefined]
};

/**
 * @param {string} code name and code of the error
 * @param {number | undefined} status HTTP status
 * @param {string} [message]
 * @param {{ requestId?: string, retriable?: boolean, fields?: object }} [details]
 */
export function sdkError(code, status, message = MESSAGES[code] ?? code, { requestId, retriable, fields } = {}) {
  const error = new Error(message);
  error.name = code;
  error.Code = code;
  error.code = code;
  error.$fault = status !== undefined && status < 500 ? 'client' : 'server';
  error.$metadata = { httpStatusCode: status, requestId, attempts: 1, totalRetryDelay: 0 };
  if (retriable) error.retriable = true;
  if (fields && Object.keys(fields).length > 0) error.fields = fields;
  return error;
}

/**
 * What a native failure looks like to an SDK caller: an answer of the store as a transport error, a refusal
 * of the library (bad key, closed client) as its published class. Other errors are returned as they are.
 * @param {unknown} error
 */
export function toTransportError(error) {
  const report = nativeReport(error);
  if (report === null) return error;
  if (!Object.hasOwn(DEFAULTS, report.kind) && report.status === undefined) return fromNative(error);
  const [code, status] = DEFAULTS[report.kind] ?? [report.kind, undefined];
  return sdkError(report.code ?? code, report.status ?? status, MESSAGES[report.code ?? code] ?? report.message, report);
}
