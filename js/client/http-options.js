import { ValidationError } from '../errors/index.js';

/** Defaults of `httpClientOptions`. */
export const DEFAULT_HTTP_OPTIONS = Object.freeze({
  keepAlive: true,
  keepAliveMsecs: 1000,
  maxSockets: 500,
  maxFreeSockets: 100,
  timeout: 60000
});

/** Names of `httpClientOptions`, those of later versions among them. */
export const HTTP_OPTIONS = [
  ...Object.keys(DEFAULT_HTTP_OPTIONS),
  ...['httpClientProfile', 'retryProfile', 'retryAttempts', 'retryMode', 'retryCoordination', 'awsMaxAttempts', 'awsRetryMode'],
  ...['connectTimeout', 'headersTimeout', 'bodyTimeout', 'connections', 'pipelining', 'keepAliveTimeout'],
  ...['enableDedup', 'enableCircuitBreaker', 'enableRetry', 'maxRetries', 'retryDelay', 'maxRetryDelay', 'retryJitter'],
  'respectRetryAfter'
];

/** Named sets of `httpClientOptions`, chosen with `httpClientProfile`. */
export const HTTP_CLIENT_PROFILES = Object.freeze({
  balanced: Object.freeze({ maxSockets: 100, timeout: 60000, retryAttempts: 3 }),
  throughput: Object.freeze({ maxSockets: 500, timeout: 60000, retryAttempts: 3 }),
  resilient: Object.freeze({ maxSockets: 50, timeout: 120000, retryAttempts: 5 })
});

function profileOf(name) {
  if (name === undefined || name === null) return {};
  if (!Object.hasOwn(HTTP_CLIENT_PROFILES, name)) {
    throw new ValidationError(`Unknown httpClientProfile '${name}'. Valid: ${Object.keys(HTTP_CLIENT_PROFILES).join(', ')}`, {
      field: 'httpClientProfile',
      value: name,
      statusCode: 400
    });
  }
  return HTTP_CLIENT_PROFILES[name];
}

/**
 * The merged options as `client.httpClientOptions` shows them: defaults, profile, then the user's keys.
 * @param {object} [options]
 * @param {string} [profile]
 */
export function mergeHttpOptions(options = {}, profile = undefined) {
  const user = options ?? {};
  return { ...DEFAULT_HTTP_OPTIONS, ...profileOf(user.httpClientProfile ?? profile), ...user };
}

function wholeNumber(value, field) {
  const number = Number(value);
  if (!Number.isFinite(number) || number < 0) {
    throw new ValidationError(`httpClientOptions.${field} must be a number of at least 0`, {
      field: `httpClientOptions.${field}`,
      value,
      statusCode: 400
    });
  }
  return Math.trunc(number);
}

function firstOf(options, names, fallback) {
  for (const name of names) if (options[name] !== undefined && options[name] !== null) return wholeNumber(options[name], name);
  return fallback;
}

/**
 * Transport settings of merged options. Names of later versions are understood; the most specific
 * of several names for one setting wins.
 * @param {object} options result of `mergeHttpOptions`
 */
export function transportSettings(options) {
  const retries = options.enableRetry === false ? 1 : undefined;
  const fromMaxRetries = options.maxRetries === undefined ? undefined : wholeNumber(options.maxRetries, 'maxRetries') + 1;
  const attempts = retries ?? firstOf(options, ['awsMaxAttempts', 'retryAttempts'], fromMaxRetries ?? 3);
  return {
    attempts: Math.max(1, attempts),
    http: {
      maxSockets: firstOf(options, ['connections', 'maxSockets'], DEFAULT_HTTP_OPTIONS.maxSockets),
      keepAliveMsecs: firstOf(options, ['keepAliveTimeout', 'keepAliveMsecs'], DEFAULT_HTTP_OPTIONS.keepAliveMsecs),
      timeout: firstOf(options, ['headersTimeout', 'bodyTimeout', 'timeout'], DEFAULT_HTTP_OPTIONS.timeout),
      keepAlive: options.keepAlive !== false,
      maxFreeSockets: firstOf(options, ['maxFreeSockets'], DEFAULT_HTTP_OPTIONS.maxFreeSockets),
      connectTimeout: firstOf(options, ['connectTimeout'], 10000)
    }
  };
}
