/** Compiled checks of schemas, shared between schemas with the same definitions. */

import { toText } from '../native/text.js';
import { rulesOf } from './rules.js';
import { Validator } from './validator.js';

const DEFAULT_POLICY = { maxEntries: 5000, maxAgeMs: 300_000, autoPrune: true };
/** ISO 8601 calendar dates, with or without a time. */
const ISO_DATE = /^(?:[+-]\d{6}|\d{4})-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

const cache = new Map();
let policy = { ...DEFAULT_POLICY };
let hits = 0;
let misses = 0;
let evictions = 0;

/** Dates, and what reads as one: ISO text and epoch milliseconds. */
function instantRule({ messages }) {
  return {
    source: `
      var date = typeof value === 'number' || (typeof value === 'string' && ${ISO_DATE}.test(value)) ? new Date(value) : value;
      if (Object.prototype.toString.call(date) !== '[object Date]' || isNaN(date.getTime())) {
        ${this.makeError({ type: 'date', actual: 'value', messages })}
        return value;
      }
      return date;`
  };
}

/**
 * Check of records: `true` or a list of errors, as a promise when a rule has a function of the
 * caller. The record is changed by the sanitisers of the engine. Definitions that mean nothing are
 * rejected here; compiling waits for the first record.
 * @param {Record<string, any>} attributes
 * @param {{ allNestedObjectsOptional?: boolean }} options
 * @returns {(record: object) => true | object[] | Promise<true | object[]>}
 */
export function checkOf(attributes, options) {
  let rules = rulesOf(attributes, options);
  let check;
  const compiled = () => {
    check = compile(rules, attributes, options);
    rules = undefined;
    return check;
  };
  return Object.assign((record) => (check ?? compiled())(record), {
    isCompiled: () => check !== undefined,
    compile: () => check ?? compiled()
  });
}

function compile({ rules, custom, secrets }, attributes, options) {
  // A function is not part of any fingerprint.
  const key = custom ? undefined : fingerprint(attributes, options);
  const known = key === undefined ? undefined : cache.get(key);
  if (known !== undefined) {
    hits += 1;
    known.lastUsed = Date.now();
    return known.check;
  }
  misses += 1;
  const engine = new Validator({ autoEncrypt: false, autoHash: false });
  engine.add('instant', instantRule);
  const check = withoutSecrets(engine.compile({ ...rules, $$async: custom, $$strict: false }), secrets);
  if (key !== undefined) {
    cache.set(key, { check, lastUsed: Date.now(), bytes: key.length * 2 });
    if (policy.autoPrune) prune();
  }
  return check;
}

/** The check with the values of secret fields taken out of its errors. */
function withoutSecrets(check, secrets) {
  if (secrets.size === 0) return check;
  const clean = (result) => (result === true ? true : result.map((error) => hideSecret(error, secrets)));
  return (record) => {
    const result = check(record);
    return result instanceof Promise ? result.then(clean) : clean(result);
  };
}

function hideSecret(error, secrets) {
  const { actual, field } = error;
  if (typeof actual !== 'string' || actual === '') return error;
  const path = field.replace(/\[\d+\]/g, '[]').replace(/\['(.*?)'\]/g, '.$1');
  return secrets.has(path) ? { ...error, actual: '[redacted]' } : error;
}

function fingerprint(attributes, options) {
  try {
    return `${options.allNestedObjectsOptional ? 1 : 0}${toText(attributes)}`;
  } catch {
    // Functions (defaults, classes) and recursive definitions.
    return undefined;
  }
}

function prune() {
  const oldest = Date.now() - policy.maxAgeMs;
  for (const [key, entry] of cache) {
    if (cache.size <= policy.maxEntries && entry.lastUsed >= oldest) break;
    if (cache.size > policy.maxEntries || entry.lastUsed < oldest) drop(key);
  }
}

function drop(key) {
  cache.delete(key);
  evictions += 1;
}

/** Entries, hits and misses so far. */
export function cacheStats() {
  const total = hits + misses;
  return { size: cache.size, maxEntries: policy.maxEntries, hits, misses, evictions, hitRate: total === 0 ? 0 : hits / total };
}

/** Approximate memory of the cached definitions. */
export function cacheMemory() {
  let totalBytes = 0;
  for (const entry of cache.values()) totalBytes += entry.bytes;
  return { entries: cache.size, totalBytes, totalKB: totalBytes / 1024 };
}

/**
 * Drops checks that were not used for a while.
 * @param {number} [maxAgeMs]
 * @returns {number} how many
 */
export function evictUnused(maxAgeMs = policy.maxAgeMs) {
  const before = cache.size;
  const oldest = Date.now() - maxAgeMs;
  for (const [key, entry] of cache) if (entry.lastUsed <= oldest) drop(key);
  return before - cache.size;
}

/** @param {{ maxEntries?: number, maxAgeMs?: number, autoPrune?: boolean }} changes */
export function configureCache(changes = {}) {
  policy = { ...policy, ...changes };
  if (policy.autoPrune) prune();
  return cachePolicy();
}

export const cachePolicy = () => ({ ...policy });

export function resetCachePolicy() {
  policy = { ...DEFAULT_POLICY };
  return cachePolicy();
}
