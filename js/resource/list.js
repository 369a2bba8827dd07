/** Listing and counting. */

import { ValidationError } from '../errors/index.js';
import { mapBounded } from '../util/concurrency.js';
import { innerOptions } from '../util/inner-call.js';
import { decideBulk } from './bulk.js';
import { emitItemError } from './events.js';
import { needsHooks, runHooks } from './hooks.js';
import { isUnmodified } from './middleware.js';
import { isMissing } from './missing.js';
import { nativeOf, toPublic } from './native.js';
import { readAfter } from './page.js';
import { matchesValues, requestedValues, sortedFields, valuesOfRecord } from './partition-rules.js';
import { partitionOf, requirePartition } from './partitions.js';
import { loadOrSkip } from './read.js';
import { PAGING, partitionOptions, scanAll, scanSteps, windowOf } from './scan.js';
import { indexView } from './versions.js';
import { warnUnknownPartition, warnUnknownPartitionFields } from './warnings.js';

/** References whose records are loaded together. */
const BATCH = 1000;

/** The definition of a partition that must exist; values for what is no field of it are told of. */
function definitionOf(resource, partition, partitionValues, operation) {
  if (!partition) return undefined;
  const definition = requirePartition(resource, partition, operation);
  if (partitionValues) warnUnknownPartitionFields(resource, partition, definition, partitionValues);
  return definition;
}

/** Ids of the main data or of a partition, in key order. */
export async function listIds(resource, options = {}) {
  const { partition = null, partitionValues = {}, limit, offset = 0 } = options ?? {};
  const definition = definitionOf(resource, partition, partitionValues, 'listIds');
  const ids = await scanAll(
    resource,
    {
      kind: 'ids',
      ...partitionOptions(partition, definition, partitionValues),
      ...windowOf(limit, offset)
    },
    'listIds'
  );
  resource.emit('listed-ids', ids.length);
  return ids;
}

/** Records of the main data or of a partition. */
export async function list(resource, options = {}) {
  let { partition = null, partitionValues = {}, limit, offset = 0 } = options ?? {};
  const inner = innerOptions(resource, options);
  if (needsHooks(resource, 'beforeList')) {
    const before = await runHooks(resource, 'beforeList', { partition, partitionValues, limit, offset });
    // What the hook leaves out stays: a hook that sets a limit must not widen the listing to other partitions.
    if (before !== null && typeof before === 'object')
      ({ partition = partition, partitionValues = partitionValues, limit = limit, offset = offset } = before);
  }
  const paging = options?.[PAGING] ?? {};
  paging.place = { partition, partitionValues };
  const cursor = options?.cursor ?? null;
  let records;
  try {
    if (cursor !== null) records = await readAfter(resource, { cursor, partition, partitionValues, limit }, inner, paging);
    else if (partition) records = await resource.listPartition({ partition, partitionValues, limit, offset, ...inner });
    else records = await resource.listMain({ limit, offset, ...inner });
  } catch (error) {
    return resource.handleListError(error, { partition, partitionValues });
  }
  return needsHooks(resource, 'afterList') ? runHooks(resource, 'afterList', records) : records;
}

/** Records of the main data. */
export async function listMain(resource, options = {}) {
  const { limit, offset = 0 } = options ?? {};
  let records;
  if (decideBulk(resource, 'listMain').allowed) {
    records = await scanAll(resource, { kind: 'records', ...windowOf(limit, offset) }, 'list');
  } else {
    const inner = innerOptions(resource, options);
    const ids = await resource.listIds({ limit, offset, ...inner });
    records = inner ? await resource.processListResults(ids, 'main', inner) : await resource.processListResults(ids, 'main');
  }
  resource.emit('list', { count: records.length, errors: 0 });
  return records;
}

/** Loads the records of ids through `get`; vanished ones are skipped. */
export async function processListResults(resource, ids, _context, options) {
  const found = await mapBounded(ids, resource.parallelism, (id) => loadOrSkip(resource, id, options));
  return found.filter((record) => record !== undefined);
}

/** Records of a partition; an unknown partition is empty. Also accepts `(name, values, options)`. */
export async function listPartition(resource, first, second, third) {
  const options = typeof first === 'string' ? { ...third, partition: first, partitionValues: second } : (first ?? {});
  const { partition, limit, offset = 0 } = options;
  const partitionValues = options.partitionValues ?? {};
  if (typeof partitionValues !== 'object') {
    throw new ValidationError('partitionValues must be an object', {
      field: 'partitionValues',
      value: typeof partitionValues,
      statusCode: 400,
      operation: 'listPartition',
      suggestion: 'Pass an object from field name to value.'
    });
  }
  const definition = partitionOf(resource, partition);
  let records = [];
  if (definition === undefined) {
    if (partition) warnUnknownPartition(resource, partition);
  } else {
    if (options.partitionValues) warnUnknownPartitionFields(resource, partition, definition, partitionValues);
    records = decideBulk(resource, 'listPartition').allowed
      ? await scanPartition(resource, partition, definition, partitionValues, limit, offset)
      : await loadPartition(resource, partition, definition, partitionValues, options);
  }
  resource.emit('list', { partition, partitionValues, count: records.length, errors: 0 });
  return records;
}

/**
 * Values of the record's own key in a partition, or null when it does not belong where the requested values point: a
 * reference may be stale, the record decides.
 */
function ownValues(resource, record, { definition, partitionValues }) {
  const view = indexView(resource, record);
  return matchesValues(definition, partitionValues, view) ? valuesOfRecord(definition, view) : null;
}

/** True when a record that was read through a reference has other values by now. */
const isElsewhere = (resource, record, place) => !record._decryptionFailed && ownValues(resource, record, place) === null;

/** Marks a record as read through a partition, with the values of its own key; undefined when it does not belong there. */
export function markPartition(resource, record, place) {
  if (record._decryptionFailed) return record;
  const values = ownValues(resource, record, place);
  if (values === null) return undefined;
  record._partition = place.partition;
  record._partitionValues = values;
  return record;
}

async function scanPartition(resource, partition, definition, partitionValues, limit, offset) {
  return scanAll(
    resource,
    {
      kind: 'records',
      ...partitionOptions(partition, definition, partitionValues),
      ...windowOf(limit, offset)
    },
    'listPartition'
  );
}

/** Whether values are requested for every field of a partition. */
const isComplete = (definition, partitionValues) =>
  sortedFields(definition).every(([field]) => partitionValues[field] !== undefined && partitionValues[field] !== null);

/**
 * Options of a scan of references as ids. Where several keys may have one id, each comes alone, so that `position` tells its
 * key: a record that moved has two references for a while, and is listed by its own.
 */
export function referenceScan({ partition, definition, partitionValues }) {
  const place = partitionOptions(partition, definition, partitionValues);
  return isComplete(definition, partitionValues) ? { kind: 'ids', ...place } : { kind: 'ids', ...place, positions: true, batch: 1 };
}

async function loadPartition(resource, partition, definition, partitionValues, options) {
  const inner = innerOptions(resource, options);
  const place = { partition, definition, partitionValues };
  if (!isUnmodified(resource, 'processPartitionResults')) return loadThroughReplaced(resource, place, options);
  const { limit: max = Infinity, offset = 0 } = windowOf(options.limit, options.offset);
  const records = [];
  let references = [];
  const load = async () => {
    for (const record of await loadReferenced(resource, references, place, inner)) if (records.length < max) records.push(record);
    references = [];
  };
  for await (const { items, position: key } of scanSteps(resource, { ...referenceScan(place), offset }, 'listPartition')) {
    for (const id of items) {
      references.push({ id, key });
      if (references.length >= Math.min(max - records.length, BATCH)) await load();
      if (records.length >= max) return records;
    }
  }
  await load();
  return records;
}

/** Records of a partition by the `processPartitionResults` that took the place of ours: it gets ids and keys. */
async function loadThroughReplaced(resource, place, { limit, offset }) {
  const { partition, definition, partitionValues } = place;
  const scan = { kind: 'ids', ...partitionOptions(partition, definition, partitionValues), positions: true, batch: 1 };
  const ids = [];
  const keys = [];
  for await (const { items, position } of scanSteps(resource, { ...scan, ...windowOf(limit, offset) }, 'listPartition')) {
    if (items.length === 0) continue;
    ids.push(items[0]);
    keys.push(position);
  }
  return resource.processPartitionResults(ids, partition, definition, keys);
}

/**
 * Records of references, through the methods of the instance; those that do not belong where they were listed are left out.
 * @param {object} resource
 * @param {Array<{ id: string, key?: string }>} references `key` where the requested values do not tell it
 * @param {{ partition: string, definition: object, partitionValues: object }} place
 * @param {object} [inner] options of inner calls
 */
export async function loadReferenced(resource, references, place, inner) {
  const { partition, definition, partitionValues } = place;
  const complete = isComplete(definition, partitionValues);
  const direct = isUnmodified(resource, 'getFromPartition') && resource.listenerCount('partition-fetched') === 0;
  const load = async ({ id, key }) => {
    if (!direct && complete) {
      const record = await getReferenced(resource, id, partition, requestedValues(definition, partitionValues), inner);
      return record === undefined || isElsewhere(resource, record, place) ? undefined : record;
    }
    const record = await loadOrSkip(resource, id, inner);
    if (record === undefined || record._decryptionFailed) return record;
    if (key !== undefined && resource.getPartitionKey({ partitionName: partition, id, data: record }) !== key) return undefined;
    if (direct) return markPartition(resource, record, place);
    const values = ownValues(resource, record, place);
    return values === null ? undefined : getReferenced(resource, id, partition, values, inner);
  };
  const found = await mapBounded(references, resource.parallelism, load);
  return found.filter((record) => record !== undefined);
}

async function getReferenced(resource, id, partitionName, partitionValues, inner) {
  try {
    return await resource.getFromPartition({ id, partitionName, partitionValues, ...inner });
  } catch (error) {
    if (isMissing(resource, id, error)) return undefined;
    emitItemError(resource, error, id);
    throw error;
  }
}

/** Loads records through `getFromPartition` with the values of their own keys. */
export async function processPartitionResults(resource, ids, partition, definition, keys) {
  const fields = sortedFields(definition);
  const found = await mapBounded(ids, resource.parallelism, (id) =>
    getReferenced(resource, id, partition, resource.extractPartitionValuesFromKey(id, keys, fields))
  );
  return found.filter((record) => record !== undefined);
}

/** Number of records of the main data or of a partition. */
export async function count(resource, options = {}) {
  const { partition = null, partitionValues = {} } = options ?? {};
  if (needsHooks(resource, 'beforeCount')) await runHooks(resource, 'beforeCount', { partition, partitionValues });
  const definition = definitionOf(resource, partition, partitionValues, 'count');
  let total;
  try {
    const result = nativeOf(resource).count(JSON.stringify(partitionOptions(partition, definition, partitionValues)));
    total = typeof result === 'number' ? result : await result;
  } catch (error) {
    throw toPublic(resource, error, { operation: 'count' });
  }
  if (needsHooks(resource, 'afterCount')) await runHooks(resource, 'afterCount', { count: total, partition, partitionValues });
  resource.emit('count', total);
  return total;
}

/** Every record, in key order. */
export async function getAll(resource, options) {
  if (decideBulk(resource, 'getAll').allowed) return scanAll(resource, { kind: 'records' }, 'getAll');
  const inner = innerOptions(resource, options);
  const ids = inner ? await resource.listIds(inner) : await resource.listIds();
  const found = await mapBounded(ids, resource.parallelism, (id) => loadOrSkip(resource, id, inner));
  return found.filter((record) => record !== undefined);
}
