/** Bounded concurrency, results in input order. */
import { ValidationError } from '../errors/index.js';

/**
 * Runs `fn(item, index)` for every item with at most `limit` at a time. The first rejection stops
 * new work and rejects after what is running has settled.
 */
export async function mapBounded(items, limit, fn) {
  const results = new Array(items.length);
  let next = 0;
  let failed = false;
  let failure;
  const worker = async () => {
    while (!failed && next < items.length) {
      const index = next;
      next += 1;
      try {
        results[index] = await fn(items[index], index);
      } catch (error) {
        if (!failed) {
          failed = true;
          failure = error;
        }
      }
    }
  };
  const width = Math.max(1, Math.min(Number.isInteger(limit) && limit > 0 ? limit : 10, items.length));
  await Promise.all(Array.from({ length: width }, worker));
  if (failed) throw failure;
  return results;
}

function optionsOf(items, fn, concurrency) {
  if (typeof fn !== 'function') throw refuse('fn', 'a function (item, index)', fn);
  if (typeof items?.[Symbol.iterator] !== 'function') throw refuse('items', 'an array or another iterable', items);
  if (!(Number.isInteger(concurrency) && concurrency > 0)) throw refuse('concurrency', 'a whole number above 0', concurrency);
  return [...items];
}

function refuse(field, expected, value) {
  return new ValidationError(`mapWithConcurrency: '${field}' must be ${expected}`, {
    field,
    value: typeof value,
    operation: 'mapWithConcurrency',
    statusCode: 400,
    retriable: false,
    suggestion: `Pass ${expected}.`
  });
}

/**
 * Runs `fn(item, index)` for every item, at most `concurrency` (10) at a time; an item that fails does not stop the others.
 * @template T, R
 * @param {Iterable<T>} items
 * @param {(item: T, index: number) => R | Promise<R>} fn
 * @param {{ concurrency?: number }} [options]
 * @returns {Promise<{ results: R[], errors: { item: T, index: number, message: string, raw: any }[] }>} both in input order, the
 *   results without those that failed
 */
export async function mapWithConcurrency(items, fn, { concurrency = 10 } = {}) {
  const list = optionsOf(items, fn, concurrency);
  const errors = [];
  const failed = Symbol('failed');
  const outcomes = await mapBounded(list, concurrency, async (item, index) => {
    try {
      return await fn(item, index);
    } catch (raw) {
      errors.push({ item, index, message: raw?.message ?? String(raw), raw });
      return failed;
    }
  });
  errors.sort((a, b) => a.index - b.index);
  return { results: outcomes.filter((outcome) => outcome !== failed), errors };
}

/** The same without results: `{ errors }`. */
export async function forEachWithConcurrency(items, fn, options) {
  const { errors } = await mapWithConcurrency(items, fn, options);
  return { errors };
}
