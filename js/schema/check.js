/** Compiled checks of schemas, shared between schemas with the same definitions. */

import { ValidationError } from '../errors/index.js';
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
 * @returns {((record: object) => true | object[] | Promise<true | object[]>) & { isCompiled: () => boolean, compile: () => Function,
 *   release: () => void }} release: the check is not used any more
 */
export function checkOf(attributes, options) {
  let rules = rulesOf(attributes, options);
  let entry;
  const compiled = () => {
    entry = compile(rules, attributes, options);
    rules = undefined;
    return entry;
  };
  return Object.assign((record) => (entry ?? compiled()).check(record), {
    isCompiled: () => entry !== undefined,
    compile: () => (entry ?? compiled()).check,
    release: () => {
      if (entry !== undefined) entry.references -= 1;
    }
  });
}

function compile({ rules, custom, secrets }, attributes, options) {
  // A function is not part of any fingerprint.
  const key = custom ? undefined : fingerprint(attributes, options);
  const known = key === undefined ? undefined : cache.get(key);
  if (known !== undefined) {
    hits += 1;
    known.lastUsed = Date.now();
    known.references += 1;
    return known;
  }
  misses += 1;
  const engine = new Validator({ autoEncrypt: false, autoHash: false });
  engine.add('instant', instantRule);
  const check = withoutSecrets(engine.compile({ ...rules, $$async: custom, $$strict: false }), secrets);
  const entry = { check, lastUsed: Date.now(), bytes: (key?.length ?? 0) * 2, references: 1 };
  if (key !== undefined) {
    cache.set(key, entry);
    if (policy.autoPrune) prune();
  }
  return entry;
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

/** Entries, the schemas that use them, hits and misses so far. */
export function cacheStats() {
  const total = hits + misses;
  let totalReferences = 0;
  let zeroRefValidators = 0;
  for (const { references } of cache.values()) {
    totalReferences += references;
    if (references === 0) zeroRefValidators += 1;
  }
  const hitRate = total === 0 ? 0 : hits / total;
  return {
    ...{ size: cache.size, maxEntries: policy.maxEntries, totalReferences, zeroRefValidators },
    ...{ cacheHits: hits, cacheMisses: misses, hits, misses, evictions, hitRate }
  };
}

/** Approximate memory of the cached definitions. */
export function cacheMemory() {
  let totalBytes = 0;
  for (const entry of cache.values()) totalBytes += entry.bytes;
  const estimatedKB = totalBytes / 1024;
  return {
    ...{ entries: cache.size, validatorCount: cache.size, totalBytes, totalKB: estimatedKB },
    ...{ estimatedKB, estimatedMB: estimatedKB / 1024 }
  };
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
  for (const name of ['maxEntries', 'maxAgeMs']) {
    const value = changes[name];
    if (value === undefined || (typeof value === 'number' && value >= 0 && Number.isFinite(value))) continue;
    throw new ValidationError(`Validator cache ${name} must be a non-negative finite number`, {
      statusCode: 400,
      field: name,
      value,
      suggestion: `Pass a number, or leave '${name}' out.`
    });
  }
  const { maxEntries = policy.maxEntries, maxAgeMs = policy.maxAgeMs, autoPrune = policy.autoPrune } = changes;
  policy = { maxEntries, maxAgeMs, autoPrune: autoPrune !== false };
  if (policy.autoPrune) prune();
  return cachePolicy();
}

export const cachePolicy = () => ({ ...policy });

export function resetCachePolicy() {
  policy = { ...DEFAULT_POLICY };
  return cachePolicy();
}
