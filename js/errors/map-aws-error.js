import {
  InvalidResourceItem,
  MissingMetadata,
  NoSuchBucket,
  NoSuchKey,
  NotFound,
  PermissionError,
  ResourceError,
  UnknownError,
  ValidationError
} from './classes.js';

/** Classes by transport code. */
export const ErrorMap = { NotFound, NoSuchKey, UnknownError, NoSuchBucket, MissingMetadata, InvalidResourceItem };

const DENIED = new Set(['AccessDenied', 'Forbidden', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken']);
const PRECONDITION = new Set(['PreconditionFailed', 'PRECONDITION_FAILED']);
const NOT_FOUND = new Set(['NoSuchKey', 'NotFound']);
const TEMPORARY_STATUS = new Set([429, 500, 502, 503, 504]);
const TEMPORARY_CODE = new Set([
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'ProvisionedThroughputExceededException',
  'BandwidthLimitExceeded',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
  'TIMEOUT',
  'NetworkingError',
  'NetworkError',
  'NETWORK_ERROR',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'EPIPE',
  'EAI_AGAIN'
]);

/**
 * Code an error goes by: `code`, `Code` or its name.
 * @param {any} error
 * @returns {string | undefined}
 */
export const codeOf = (error) => error?.code || error?.Code || error?.name;

/**
 * HTTP status an error carries itself.
 * @param {any} error
 * @returns {number | undefined}
 */
export const statusOf = (error) => error?.statusCode ?? error?.$metadata?.httpStatusCode;

/**
 * What helps when the credentials themselves are at fault; otherwise policies are the next thing to look at.
 * @param {string | undefined} code
 * @returns {string | undefined}
 */
export function credentialsRemedy(code) {
  return REMEDIES[code];
}

const REMEDIES = {
  CredentialsProviderError:
    'No credentials were found: put them into the connection string (s3://KEY:SECRET@BUCKET), or where the AWS SDK looks for them (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, a role).',
  InvalidAccessKeyId: 'The server does not know this access key: check accessKeyId, and that it belongs to this endpoint.',
  SignatureDoesNotMatch: 'Check secretAccessKey (percent-encoded in a connection string), the region, and the clock of this machine.',
  ExpiredToken: 'Get new temporary credentials: access key, secret and sessionToken belong together.'
};

/**
 * Published error of a transport failure; the cause is kept as `original`.
 * @param {any} err
 * @param {{ bucket?: string, key?: string, commandName?: string, commandInput?: object, resourceName?: string, id?: string, retriable?: boolean }} [context]
 * @returns {import('./base.js').S3dbError}
 */
export function mapAwsError(err, context = {}) {
  const code = codeOf(err);
  const status = statusOf(err);
  const common = { ...context, original: err };
  if (NOT_FOUND.has(code)) {
    return new NoSuchKey({ ...common, retriable: false, description: 'The object does not exist under this key, or it was deleted.' });
  }
  if (code === 'NoSuchBucket') {
    return new NoSuchBucket({ ...common, retriable: false, description: 'The bucket does not exist, or these credentials cannot see it.' });
  }
  if (PRECONDITION.has(code) || status === 412) {
    return new ResourceError('Precondition failed', {
      ...common,
      code: 'PreconditionFailed',
      statusCode: 412,
      retriable: false,
      description: 'The condition of the request (If-Match or If-None-Match) did not hold.'
    });
  }
  const temporary = TEMPORARY_CODE.has(code) || TEMPORARY_STATUS.has(status);
  if (!temporary && (DENIED.has(code) || status === 403)) {
    return new PermissionError('Access denied', {
      ...common,
      retriable: false,
      suggestion: credentialsRemedy(code),
      description: 'The credentials were not accepted, or they do not allow this operation.'
    });
  }
  if (!temporary && (code === 'ValidationError' || status === 400)) {
    return new ValidationError('Validation error', {
      ...common,
      retriable: false,
      description: 'The store rejected the request as invalid.'
    });
  }
  if (code === 'MissingMetadata') {
    return new MissingMetadata({ ...common, retriable: false, description: 'The object has no metadata.' });
  }
  const parts = [
    `Unknown error: ${err?.message ?? String(err)}`,
    err?.code && `Code: ${err.code}`,
    status && `Status: ${status}`,
    typeof err?.stack === 'string' && `Stack: ${err.stack.split('\n', 1)[0]}`
  ];
  return new UnknownError(parts.filter(Boolean).join(' | '), {
    ...common,
    retriable: temporary || (context.retriable ?? false),
    description: 'The store answered with an error that has no class of its own; see `original`.'
  });
}

function* chain(error) {
  let current = error;
  for (let depth = 0; current !== null && current !== undefined && depth < 5; depth += 1) {
    yield current;
    current = current.original;
  }
}

/**
 * True when an error of any client says that the object does not exist.
 * @param {any} error
 * @returns {boolean}
 */
export function isNotFound(error) {
  for (const { name, code, Code } of chain(error)) {
    if (name === 'NoSuchBucket' || code === 'NoSuchBucket' || Code === 'NoSuchBucket') return false;
    if (NOT_FOUND.has(name) || NOT_FOUND.has(code) || NOT_FOUND.has(Code)) return true;
  }
  for (const link of chain(error)) {
    if (statusOf(link) === 404) return true;
  }
  return false;
}

/**
 * True when an error of any client says that the condition of a request did not hold.
 * @param {any} error
 * @returns {boolean}
 */
export function isPrecondition(error) {
  for (const link of chain(error)) {
    if (PRECONDITION.has(link.name) || PRECONDITION.has(link.code) || PRECONDITION.has(link.Code) || statusOf(link) === 412) return true;
  }
  return false;
}
