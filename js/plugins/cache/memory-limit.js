/** Memory limits of caches from options (spec/10 section 10.16). */
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { misuse } from './cache-error.js';

const DEFAULT_SHARE = 0.25;

/** A number of at least 0 and at most `max`, or the fallback where there is none. */
export function numberOption(name, value, fallback, max = Number.MAX_SAFE_INTEGER) {
  if (value === undefined || value === null) return fallback;
  const number = Number(value);
  if (Number.isNaN(number) || number < 0 || number > max) {
    throw misuse(`${name} must be ${max === 1 ? 'between 0 and 1' : 'a number of at least 0'}`, {
      driver: 'memory',
      operation: 'constructor',
      option: name,
      value,
      suggestion: `Give ${name} as a number${max === 1 ? ' such as 0.1 for ten percent' : '; 0 means no limit'}.`
    });
  }
  return number;
}

/**
 * The byte limit that options of a memory cache come to: `maxMemoryBytes`, else `maxMemoryPercent` (0..1) of the memory of the
 * machine, else a share of the heap of V8, `inferredMaxMemoryPercent` (0..1, default 0.25).
 * @param {{ maxMemoryBytes?: number, maxMemoryPercent?: number, inferredMaxMemoryPercent?: number }} [options]
 * @returns {{ maxMemoryBytes: number, heapLimit: number, derivedFromPercent: boolean, inferredPercent?: number }} bytes
 * @throws {CacheError} for limits that are no numbers, negative, or shares above 1
 */
export function resolveCacheMemoryLimit(options = {}) {
  const { maxMemoryBytes, maxMemoryPercent, inferredMaxMemoryPercent } = options ?? {};
  const bytes = numberOption('maxMemoryBytes', maxMemoryBytes, 0);
  const percent = numberOption('maxMemoryPercent', maxMemoryPercent, 0, 1);
  const inferred = numberOption('inferredMaxMemoryPercent', inferredMaxMemoryPercent, DEFAULT_SHARE, 1) || DEFAULT_SHARE;
  const heapLimit = getHeapStatistics().heap_size_limit;
  if (bytes > 0) return { maxMemoryBytes: Math.floor(bytes), heapLimit, derivedFromPercent: false };
  const inferredPercent = percent > 0 ? percent : inferred;
  const whole = percent > 0 ? totalmem() : heapLimit;
  return { maxMemoryBytes: Math.floor(whole * inferredPercent), inferredPercent, derivedFromPercent: true, heapLimit };
}
