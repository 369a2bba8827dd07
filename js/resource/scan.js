/** Native scans: batches of ids or records of the main data or of a partition. */
import { fromText, toText } from '../native/text.js';
import { nativeOf, toPublic, withDate } from './native.js';
import { learnableVersions, learnedVersion } from './newer-versions.js';
import { requestedValues } from './partition-rules.js';
import { requirePartition } from './partitions.js';

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

/** Steps of a native scan, one in flight: `{ items, done, position?, more? }`. */
export async function* scanSteps(resource, options, operation) {
  const undefinedVersions = options.kind === 'records' ? learnableVersions(resource) : undefined;
  const met = new Set();
  let yielded = 0;
  for (;;) {
    const scan = openNative(resource, { ...options, undefinedVersions }, operation);
    // What was told before the scan began anew.
    let known = yielded;
    try {
      for (;;) {
        const text = scan.next();
        const step = fromText(typeof text === 'string' ? text : await text);
        const { length } = step.items.splice(0, known);
        known -= length;
        if (options.kind === 'records') for (const record of step.items) withDate(record);
        yielded += step.items.length;
        if (step.items.length > 0 || step.done || length === 0) yield step;
        if (step.done) return;
      }
    } catch (error) {
      const failure = toPublic(resource, error, { operation });
      if (failure.code !== 'UNDEFINED_VERSION') throw failure;
      const { version } = failure;
      // One that nobody stored, or of which nothing usable is, is read with the definition in use.
      if (met.has(version) || !(await learnedVersion(resource, { _originalVersion: version }, null))) undefinedVersions.push(version);
      met.add(version);
    }
  }
}

function openNative(resource, options, operation) {
  if (options.undefinedVersions === undefined) delete options.undefinedVersions;
  try {
    return nativeOf(resource).scan(toText(options));
  } catch (error) {
    throw toPublic(resource, error, { operation });
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
