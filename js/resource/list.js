/** Listing, counting, paging and querying. */

import { ValidationError } from '../errors/index.js';
import { fromText, toText } from '../native/text.js';
import { mapBounded } from '../util/concurrency.js';
import { innerOptions } from '../util/inner-call.js';
import { decideBulk } from './bulk.js';
import { emitItemError } from './events.js';
import { needsHooks, runHooks } from './hooks.js';
import { isUnmodified } from './middleware.js';
import { nativeOf, toPublic, withDate } from './native.js';
import { matchesValues, requestedValues, sortedFields, valuesOfRecord } from './partition-rules.js';
import { partitionOf, requirePartition } from './partitions.js';
import { filterValue, loadOrSkip } from './read.js';
import { SYSTEM_FIELDS } from './values.js';

/** Limit and offset as the engine takes them: no limit, 0 and null mean everything. */
function windowOf(limit, offset) {
  const result = {};
  const max = Number(limit);
  if (limit !== null && limit !== undefined && Number.isFinite(max) && max > 0) result.limit = Math.floor(max);
  const skip = Number(offset);
  if (Number.isFinite(skip) && skip > 0) result.offset = Math.floor(skip);
  return result;
}

/** Partition part of native options; undefined values mean the whole partition. */
function partitionOptions(partition, definition, partitionValues) {
  if (definition === undefined) return {};
  const values = requestedValues(definition, partitionValues);
  return values === null ? { partition } : { partition, values };
}

/** Batches of a native scan, one in flight. */
async function* scanBatches(resource, options, operation) {
  let scan;
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
    if (options.kind === 'records') for (const record of step.items) withDate(record);
    if (step.items.length > 0) yield step.items;
    if (step.done) return;
  }
}

/** Batches of ids or records of the main data or of a partition. */
export function openScan(resource, { partition, partitionValues, ...options }) {
  const definition = partition ? requirePartition(resource, partition, 'scan') : undefined;
  return scanBatches(resource, { ...options, ...partitionOptions(partition, definition, partitionValues ?? {}) }, 'scan');
}

async function scanAll(resource, options, operation) {
  let all;
  for await (const items of scanBatches(resource, options, operation)) {
    if (all === undefined) all = items;
    else for (const item of items) all.push(item);
  }
  return all ?? [];
}

/** Ids of the main data or of a partition, in key order. */
export async function listIds(resource, { partition = null, partitionValues = {}, limit, offset = 0 } = {}) {
  const definition = partition ? requirePartition(resource, partition, 'listIds') : undefined;
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
    if (before !== null && typeof before === 'object') ({ partition = null, partitionValues = {}, limit, offset = 0 } = before);
  }
  let records;
  try {
    records = partition
      ? await resource.listPartition({ partition, partitionValues, limit, offset, ...inner })
      : await resource.listMain({ limit, offset, ...inner });
  } catch (error) {
    resource.emit('list', { partition, partitionValues, count: 0, errors: 1 });
    throw error;
  }
  return needsHooks(resource, 'afterList') ? runHooks(resource, 'afterList', records) : records;
}

/** Records of the main data. */
export async function listMain(resource, options = {}) {
  const { limit, offset = 0 } = options;
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
  if (definition !== undefined) {
    records = decideBulk(resource, 'listPartition').allowed
      ? await scanPartition(resource, partition, definition, partitionValues, limit, offset)
      : await loadPartition(resource, partition, definition, partitionValues, options);
  }
  resource.emit('list', { partition, partitionValues, count: records.length, errors: 0 });
  return records;
}

/** Marks a record as read through a partition, with the values of its own key. */
function markPartition(record, partition, definition) {
  if (record._decryptionFailed) {
    record._partition ??= partition;
    return record;
  }
  record._partition = partition;
  record._partitionValues = valuesOfRecord(definition, record) ?? {};
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

async function loadPartition(resource, partition, definition, partitionValues, options) {
  const { limit, offset = 0 } = options;
  const inner = innerOptions(resource, options);
  const ids = await scanAll(
    resource,
    {
      kind: 'ids',
      ...partitionOptions(partition, definition, partitionValues),
      ...windowOf(limit, offset)
    },
    'listPartition'
  );
  const complete = sortedFields(definition).every(([field]) => partitionValues[field] !== undefined && partitionValues[field] !== null);
  const direct = isUnmodified(resource, 'getFromPartition') && resource.listenerCount('partition-fetched') === 0;
  const load = async (id) => {
    if (!direct && complete) {
      return getReferenced(resource, id, partition, requestedValues(definition, partitionValues), inner);
    }
    const record = await loadOrSkip(resource, id, inner);
    if (record === undefined || record._decryptionFailed) return record;
    // The reference may be stale: the record itself decides whether it belongs here.
    if (valuesOfRecord(definition, record) === null || !matchesValues(definition, partitionValues, record)) return undefined;
    if (direct) return markPartition(record, partition, definition);
    return getReferenced(resource, id, partition, valuesOfRecord(definition, record), inner);
  };
  const found = await mapBounded(ids, resource.parallelism, load);
  return found.filter((record) => record !== undefined);
}

async function getReferenced(resource, id, partitionName, partitionValues, inner) {
  try {
    return await resource.getFromPartition({ id, partitionName, partitionValues, ...inner });
  } catch (error) {
    if (error?.statusCode === 404 || error?.name === 'NoSuchKey') return undefined;
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
export async function count(resource, { partition = null, partitionValues = {} } = {}) {
  if (needsHooks(resource, 'beforeCount')) await runHooks(resource, 'beforeCount', { partition, partitionValues });
  const definition = partition ? requirePartition(resource, partition, 'count') : undefined;
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

/** One page with totals. */
export async function page(resource, options = {}) {
  const { offset = 0, size = 100, partition = null, partitionValues = {}, skipCount = false } = options ?? {};
  const inner = innerOptions(resource, options);
  const totalItems = skipCount ? null : await resource.count({ partition, partitionValues, ...inner });
  const items = size > 0 ? await resource.list({ partition, partitionValues, limit: size, offset, ...inner }) : [];
  const totalPages = totalItems === null ? null : size > 0 ? Math.ceil(totalItems / size) : 0;
  const number = size > 0 ? Math.floor(offset / size) : 0;
  let hasMore;
  if (size <= 0) hasMore = true;
  else if (totalItems !== null) hasMore = offset + items.length < totalItems && items.length > 0;
  else
    hasMore =
      items.length === size &&
      (await resource.listIds({ partition, partitionValues, limit: 1, offset: offset + size, ...inner })).length > 0;
  const result = {
    items,
    totalItems,
    page: number,
    pageSize: size,
    totalPages,
    hasMore,
    _debug: {
      requestedSize: size,
      requestedOffset: offset,
      actualItemsReturned: items.length,
      skipCount,
      hasTotalItems: totalItems !== null
    },
    total: totalItems,
    pages: totalPages,
    offset,
    size,
    hasNext: hasMore,
    hasPrev: offset > 0
  };
  resource.emit('paginated', result);
  return result;
}

/** Every record, in key order. */
export async function getAll(resource, options) {
  if (decideBulk(resource, 'getAll').allowed) return scanAll(resource, { kind: 'records' }, 'getAll');
  const inner = innerOptions(resource, options);
  const ids = inner ? await resource.listIds(inner) : await resource.listIds();
  const found = await mapBounded(ids, resource.parallelism, (id) => loadOrSkip(resource, id, inner));
  return found.filter((record) => record !== undefined);
}

/** True for filter values that no stored value is strictly equal to. */
function neverMatches(value) {
  return Number.isNaN(value) || (value !== null && !['string', 'number', 'boolean', 'undefined'].includes(typeof value));
}

function matches(record, filter) {
  for (const key of Object.keys(filter)) if (filterValue(record, key) !== filter[key]) return false;
  return true;
}

/** Records whose attributes equal every entry of the filter. */
export async function query(resource, filter, options) {
  const wanted = filter ?? {};
  const { limit = 100, offset = 0, partition = null, partitionValues = {} } = options ?? {};
  if (needsHooks(resource, 'beforeQuery'))
    await runHooks(resource, 'beforeQuery', { filter: wanted, limit, offset, partition, partitionValues });
  if (limit !== null && limit !== undefined && Number(limit) <= 0) return [];
  const keys = Object.keys(wanted);
  const inner = innerOptions(resource, options);
  if (keys.length === 0) return resource.list({ partition, partitionValues, limit, offset, ...inner });
  let records;
  if (keys.some((key) => neverMatches(wanted[key]))) records = [];
  else if (decideBulk(resource, 'query').allowed)
    records = await scanQuery(resource, wanted, { limit, offset, partition, partitionValues });
  else records = await pagedQuery(resource, wanted, { limit, offset, partition, partitionValues }, inner);
  return needsHooks(resource, 'afterQuery') ? runHooks(resource, 'afterQuery', records) : records;
}

/** Fields that records get when they are read; the engine filters on stored attributes. */
const isAddedOnRead = (key) => key === 'id' || SYSTEM_FIELDS.has(key);

/** Unfiltered records skipped by `offset`, matches cut at `limit`: one forward pass in the engine. */
async function scanQuery(resource, filter, { limit, offset, partition, partitionValues }) {
  const definition = partition ? partitionOf(resource, partition) : undefined;
  if (partition && definition === undefined) return [];
  const place = partitionOptions(partition, definition, partitionValues);
  if (!Object.keys(filter).some(isAddedOnRead)) {
    return scanAll(resource, { kind: 'records', ...place, ...windowOf(limit, offset), filter }, 'query');
  }
  const max = windowOf(limit, 0).limit ?? Infinity;
  const records = [];
  for await (const batch of scanBatches(resource, { kind: 'records', ...place, ...windowOf(null, offset) }, 'query')) {
    for (const record of batch) if (matches(record, filter)) records.push(record);
    if (records.length >= max) break;
  }
  return records.length > max ? records.slice(0, max) : records;
}

/** Pages of `this.list`, filtered here: for resources whose reads were extended. */
async function pagedQuery(resource, filter, { limit, offset, partition, partitionValues }, inner) {
  const max = windowOf(limit, 0).limit ?? Infinity;
  const pageSize = Math.min(max, 50);
  const records = [];
  for (let at = offset; records.length < max; at += pageSize) {
    const batch = await resource.list({ partition, partitionValues, limit: pageSize, offset: at, ...inner });
    for (const record of batch) if (records.length < max && matches(record, filter)) records.push(record);
    if (batch.length === 0 || (batch.length < pageSize && (await isLastPage(resource, partition, partitionValues, at + pageSize)))) break;
  }
  return records;
}

/** A short page may only have lost records that vanished; the ids tell whether more follow. */
async function isLastPage(resource, partition, partitionValues, offset) {
  if (partition && partitionOf(resource, partition) === undefined) return true;
  return (await resource._original_listIds({ partition, partitionValues, limit: 1, offset })).length === 0;
}
