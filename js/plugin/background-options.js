/** Options of background work: types are checked here, ranges by the engine. */
import { ValidationError } from '../errors/index.js';
import { nearestName } from '../util/nearest-name.js';

const ATTEMPTS = { timeout: 'ms', onTimeout: 'text', retries: 'count', backoff: 'backoff' };
const TASK = {
  name: 'text',
  immediate: 'flag',
  jitter: 'ms',
  overlap: 'text',
  maxConcurrent: 'count',
  maxQueued: 'count',
  lease: 'lease',
  keepAlive: 'flag',
  ...ATTEMPTS
};
const BACKOFF = { base: 'ms', max: 'ms', jitter: 'flag' };
const LEASE = { name: 'text', ttl: 'ms' };

export const INTERVAL_OPTIONS = TASK;
export const CRON_OPTIONS = { ...TASK, timeZone: 'text', catchUp: 'flag' };
export const QUEUE_OPTIONS = {
  concurrency: 'count',
  maxLength: 'count',
  overflow: 'text',
  drainOnStop: 'flag',
  key: 'function',
  onDeadLetter: 'function',
  keepAlive: 'flag',
  ...ATTEMPTS
};
export const LEADER_OPTIONS = {
  lock: 'text',
  ttl: 'ms',
  retryEvery: 'ms',
  workerId: 'text',
  onElected: 'function',
  onLost: 'function',
  onLeader: 'function',
  keepAlive: 'flag'
};
export const STOP_OPTIONS = { grace: 'ms', abortGrace: 'ms' };
export const BACKGROUND_OPTIONS = { name: 'text', onError: 'function', storage: 'function', clock: 'clock', fence: 'number' };

const CHECKS = {
  text: [(value) => typeof value === 'string' && value !== '', 'a text that is not empty'],
  flag: [(value) => typeof value === 'boolean', 'true or false'],
  ms: [(value) => typeof value === 'number' && value >= 0 && Number.isFinite(value), 'a number of milliseconds, 0 or more'],
  count: [(value) => Number.isSafeInteger(value) && value >= 0 && value < 2 ** 32, 'a whole number, 0 or more'],
  number: [(value) => typeof value === 'number' && Number.isFinite(value), 'a number'],
  function: [(value) => typeof value === 'function', 'a function'],
  clock: [(value) => typeof value?.step === 'function', 'a ManualClock']
};
const NESTED = { backoff: BACKOFF, lease: LEASE };

function describe(value) {
  if (value === null) return 'null';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}

export function invalid(field, expected, value) {
  return new ValidationError(`Background option '${field}' must be ${expected}, received ${describe(value)}`, {
    field,
    suggestion: `Give ${expected} as '${field}'.`
  });
}

/**
 * The given options without those that are undefined, each of the right type.
 * @param {any} given
 * @param {Record<string, string>} known names with their types
 * @param {string} [path] of nested options
 */
export function checkOptions(given, known, path = '') {
  if (given === undefined) return {};
  if (given === null || typeof given !== 'object') throw invalid(path || 'options', 'an object', given);
  const options = {};
  for (const [key, value] of Object.entries(given)) {
    const field = path === '' ? key : `${path}.${key}`;
    const type = Object.hasOwn(known, key) ? known[key] : undefined;
    if (type === undefined) throw unknownOption(field, key, known);
    if (value === undefined) continue;
    if (NESTED[type]) options[key] = checkOptions(value, NESTED[type], field);
    else {
      const [ok, expected] = CHECKS[type];
      if (!ok(value)) throw invalid(field, expected, value);
      options[key] = value;
    }
  }
  return options;
}

function unknownOption(field, key, known) {
  const names = Object.keys(known);
  const near = nearestName(key, names);
  return new ValidationError(`Unknown background option '${field}'`, {
    field,
    suggestion: `${near === null ? '' : `Did you mean '${near}'? `}Known options: ${names.join(', ')}.`
  });
}

export function requireFunction(field, value) {
  if (typeof value !== 'function') throw invalid(field, 'a function', value);
}

/** The lease with its default time to live of 30 s. */
export function leaseOf(lease) {
  if (lease === undefined) return undefined;
  if (lease.name === undefined) throw invalid('lease.name', 'a text that is not empty', undefined);
  return { ttl: 30_000, ...lease };
}
