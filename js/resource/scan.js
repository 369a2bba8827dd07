/** Native scans: batches of ids or records of the main data or of a partition. */
import { fromText, toText } from '../native/text.js';
import { nativeOf, toPublic, withDate } from './native.js';
import { completeBatch, knownVersions } from './newer-versions.js';
import { requestedValues } from './partition-rules.js';
import { requirePartition } from './partitions.js';
import { readAgain } from './read.js';

/**
 * Member of the options of `list` by which `page` learns what was listed once hooks have had their say (`place`) and, after
 * a cursor, where the listing ended (`last`, `more`).
 */
export const PAGING = Symbol('paging');

/** Limit and offset as the engine takes them: no limit, 0 and null mean everything. */
export function windowOf(limit, offset) {
  const result = {};
  const max = Number(limit);
  if (limit !== null && limit !== undefined && Number.isFinite(max) && max > 0) result.limit = Math.floor(max);
  const skip = Number(offset);
  if (Number.isFinite(skip) && skip > 0) result.offset = Math.floor(skip);
  return result;
}

/** Partition part of native options; undefined values mean the whole partition. */
export function partitionOptions(partition, definition, partitionValues) {
  if (definition === undefined) return {};
  const values = requestedValues(definition, partitionValues);
  return values === null ? { partition } : { partition, values };
}

/** Operations whose records are whole: those of others are chosen and cut by the engine. */
const WHOLE = new Set(['list', 'getAll', 'scan']);

/** Steps of a native scan, one in flight: `{ items, done, position?, more? }`. */
export async function* scanSteps(resource, options, operation) {
  let scan;
  const known = knownVersions(resource);
  try {
    scan = nativeOf(resource).scan(toText(options));
  } catch (error) {
    throw toPublic(resource, error, { operation });
  }
  for (;;) {
    let step;
    try {
      const text = scan.next();
      step = fromText(typeof text === 'string' ? text : await text);
    } catch (error) {
      throw toPublic(resource, error, { operation });
    }
    if (options.kind === 'records') {
      for (const record of step.items) withDate(record);
      if (WHOLE.has(operation)) await completeBatch(resource, known, step.items, (id) => readAgain(resource, id));
    }
    yield step;
    if (step.done) return;
  }
}

/** Batches of a native scan. */
export async function* scanBatches(resource, options, operation) {
  for await (const { items } of scanSteps(resource, options, operation)) if (items.length > 0) yield items;
}

/** Batches of ids or records of the main data or of a partition. */
export function openScan(resource, { partition, partitionValues, ...options }) {
  const definition = partition ? requirePartition(resource, partition, 'scan') : undefined;
  return scanBatches(resource, { ...options, ...partitionOptions(partition, definition, partitionValues ?? {}) }, 'scan');
}

/** Everything that a scan yields. */
export async function scanAll(resource, options, operation) {
  let all;
  for await (const items of scanBatches(resource, options, operation)) {
    if (all === undefined) all = items;
    else for (const item of items) all.push(item);
  }
  return all ?? [];
}
