/** Queries: filters, order and projection, evaluated by the engine (src/query) wherever the records come from. */
import { ValidationError } from '../errors/index.js';
import { native } from '../native/load.js';
import { fromText, toText } from '../native/text.js';
import { copyMembers } from '../schema/clone.js';
import { innerOptions } from '../util/inner-call.js';
import { decideBulk } from './bulk.js';
import { needsHooks, runHooks } from './hooks.js';
import { toPublic } from './native.js';
import { sortedFields } from './partition-rules.js';
import { partitionOf } from './partitions.js';
import { partitionOptions, scanAll, scanBatches, windowOf } from './scan.js';
import { SYSTEM_FIELDS } from './values.js';

const PAGE = 1000;

/** True for a condition of operators. */
function isOperators(value) {
  return (
    value !== null &&
    typeof value === 'object' &&
    !Array.isArray(value) &&
    !(value instanceof RegExp) &&
    Object.keys(value).some((key) => key.startsWith('$'))
  );
}

/** True for plain filter values that no stored value is strictly equal to. */
function neverMatches(value) {
  if (value instanceof RegExp || isOperators(value)) return false;
  return Number.isNaN(value) || (value !== null && !['string', 'number', 'boolean', 'undefined'].includes(typeof value));
}

const isDateAttribute = (definition) => /^\s*date\s*(\||$)/.test(definition?.type ?? definition ?? '');

/** A plain value as a date to compare with, or undefined: dates, and the ISO texts of dates for attributes that are dates. */
function dateMeant(resource, field, value) {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value;
  if (typeof value !== 'string' || !isDateAttribute(resource.schema.getAttributeDefinition(field))) return undefined;
  const date = new Date(value);
  return !Number.isNaN(date.getTime()) && date.toISOString() === value ? date : undefined;
}

/** The filter with its plain dates as conditions: records have dates where 13.6 has their texts. */
function withDates(resource, filter) {
  if (filter === null || typeof filter !== 'object' || Array.isArray(filter)) return filter;
  let changed = filter;
  for (const key of Object.keys(filter)) {
    const value = filter[key];
    let next = value;
    if (key.startsWith('$')) {
      if (Array.isArray(value)) next = value.map((part) => withDates(resource, part));
      if (Array.isArray(value) && next.every((part, at) => part === value[at])) next = value;
    } else {
      const date = dateMeant(resource, key, value);
      if (date !== undefined) next = { $eq: date };
    }
    if (next === value) continue;
    if (changed === filter) changed = copyMembers(filter);
    changed[key] = next;
  }
  return changed;
}

/** True for filters that cannot match, whatever is stored. */
const isImpossible = (filter) => Object.keys(filter).some((key) => !key.startsWith('$') && neverMatches(filter[key]));

/** Fields that records get when they are read; the engine's scans see stored attributes and the id. */
const isAddedOnRead = (field) => SYSTEM_FIELDS.has(field.split('.', 1)[0]);

/**
 * A query as the engine takes it: `parts` for a scan, `compiled` for records that are here already.
 * @throws {ValidationError} naming the field, the operator and what is valid, before anything is requested
 */
function compile(resource, filter, { sort, select, fields, projection }) {
  if (typeof filter !== 'object' || Array.isArray(filter)) {
    throw new ValidationError('A query filter must be an object', {
      field: 'filter',
      value: Array.isArray(filter) ? 'array' : typeof filter,
      resourceName: resource.name,
      operation: 'query',
      statusCode: 400,
      suggestion: 'Pass { attribute: value }, or {} for every record.'
    });
  }
  const parts = { filter };
  if (sort !== undefined && sort !== null) parts.sort = sort instanceof Map ? Object.fromEntries(sort) : sort;
  const chosen = select ?? fields ?? projection;
  if (chosen !== undefined && chosen !== null) parts.select = chosen;
  let compiled;
  try {
    compiled = new native.NativeQuery(toText(parts));
  } catch (error) {
    throw toPublic(resource, error, { operation: 'query' });
  }
  const used = fromText(compiled.describe());
  const read = [...used.filter, ...used.sort, ...(used.excludes ? [] : used.select)];
  return { parts, compiled, sorts: used.sort.length > 0, projects: parts.select !== undefined, needsRead: read.some(isAddedOnRead) };
}

/** Values that a filter pins by equality, by field. */
function pinned(filter) {
  const values = new Map();
  for (const [field, condition] of Object.entries(filter)) {
    if (field === '$and' && Array.isArray(condition)) {
      for (const part of condition) for (const [name, value] of pinned(part ?? {})) values.set(name, value);
    } else if (!field.startsWith('$')) {
      const value = isOperators(condition) ? condition.$eq : condition;
      if (['string', 'number', 'boolean'].includes(typeof value) || value instanceof Date) values.set(field, value);
    }
  }
  return values;
}

/**
 * The partition whose leading fields the filter pins: most fields, then fewest in all, then name.
 * @returns {{ partition: string, partitionValues: object } | null}
 */
export function partitionFor(resource, filter) {
  const values = pinned(filter ?? {});
  let best = null;
  for (const [name, definition] of Object.entries(resource.config.partitions ?? {})) {
    const fields = sortedFields(definition);
    const count = fields.findIndex(([field]) => !values.has(field));
    const leading = count === -1 ? fields.length : count;
    if (leading === 0) continue;
    const better =
      best === null ||
      leading > best.leading ||
      (leading === best.leading && (fields.length < best.total || (fields.length === best.total && name < best.partition)));
    if (!better) continue;
    const partitionValues = Object.fromEntries(fields.slice(0, leading).map(([field]) => [field, values.get(field)]));
    best = { partition: name, partitionValues, leading, total: fields.length };
  }
  return best && { partition: best.partition, partitionValues: best.partitionValues };
}

/** Where a query reads: the partition of the options, else with `usePartition` the one that the filter pins. */
function placeOf(resource, filter, { partition = null, partitionValues = {}, usePartition = false }) {
  if (partition || !usePartition) return { partition, partitionValues };
  return partitionFor(resource, filter) ?? { partition: null, partitionValues: {} };
}

/** Records that match a filter, in order, with the chosen attributes (docs/query.md). */
export async function query(resource, filter, options) {
  const asked = filter ?? {};
  const given = options ?? {};
  const { limit = 100, offset = 0 } = given;
  const { partition, partitionValues } = placeOf(resource, asked, given);
  if (needsHooks(resource, 'beforeQuery'))
    await runHooks(resource, 'beforeQuery', { filter: asked, limit, offset, partition, partitionValues });
  const wanted = withDates(resource, asked);
  if (limit !== null && limit !== undefined && Number(limit) <= 0) return [];
  const plan = compile(resource, wanted, given);
  const inner = innerOptions(resource, given);
  if (Object.keys(wanted).length === 0 && !plan.sorts && !plan.projects) {
    return resource.list({ partition, partitionValues, limit, offset, ...inner });
  }
  let records = [];
  if (!isImpossible(wanted)) {
    const place = { limit, offset, partition, partitionValues };
    records = decideBulk(resource, 'query').allowed
      ? await scanQuery(resource, plan, place)
      : await pagedQuery(resource, plan, place, inner);
  }
  return needsHooks(resource, 'afterQuery') ? runHooks(resource, 'afterQuery', records) : records;
}

/** One forward pass in the engine. */
async function scanQuery(resource, plan, { limit, offset, partition, partitionValues }) {
  const definition = partition ? partitionOf(resource, partition) : undefined;
  if (partition && definition === undefined) return [];
  const place = { kind: 'records', ...partitionOptions(partition, definition, partitionValues) };
  if (!plan.needsRead) return scanAll(resource, { ...place, ...windowOf(limit, offset), ...plan.parts }, 'query');
  const skipped = plan.sorts ? {} : windowOf(null, offset);
  return gather(plan, scanBatches(resource, { ...place, ...skipped }, 'query'), { limit, offset });
}

/** Pages of `this.list`: for resources whose reads were extended. */
async function pagedQuery(resource, plan, { limit, offset, partition, partitionValues }, inner) {
  const max = windowOf(limit, 0).limit ?? Infinity;
  const pageSize = Math.min(max, 50);
  async function* pages() {
    for (let at = plan.sorts ? 0 : offset; ; at += pageSize) {
      const batch = await resource.list({ partition, partitionValues, limit: pageSize, offset: at, ...inner });
      yield batch;
      if (batch.length < pageSize && (await isLastPage(resource, partition, partitionValues, at + pageSize))) return;
    }
  }
  return gather(plan, pages(), { limit, offset });
}

/** The matches of batches of records; with a sort, all of them are read before the first is returned. */
async function gather({ compiled, sorts, projects }, batches, { limit, offset }) {
  const max = windowOf(limit, 0).limit ?? Infinity;
  const skip = sorts ? (windowOf(null, offset).offset ?? 0) : 0;
  let records = [];
  for await (const batch of batches) {
    if (batch.length > 0) for (const position of compiled.arrange(toText(batch))) records.push(batch[position]);
    if (!sorts && records.length >= max) break;
  }
  if (sorts) records = compiled.arrange(toText(records)).map((position) => records[position]);
  records = records.slice(skip, skip + max);
  return projects && records.length > 0 ? fromText(compiled.project(toText(records))) : records;
}

/** A short page may only have lost records, to hooks or because they vanished; the ids tell whether more follow. */
async function isLastPage(resource, partition, partitionValues, offset) {
  if (partition && partitionOf(resource, partition) === undefined) return true;
  return (await resource._original_listIds({ partition, partitionValues, limit: 1, offset })).length === 0;
}

/**
 * How a query would run, without reading a record: it only counts the keys that the query would list.
 * @returns {Promise<object>} see docs/query.md
 */
export async function explain(resource, filter, options) {
  const wanted = withDates(resource, filter ?? {});
  const given = options ?? {};
  const { limit = 100, offset = 0 } = given;
  const plan = compile(resource, wanted, given);
  const { partition, partitionValues } = placeOf(resource, wanted, given);
  const known = !partition || partitionOf(resource, partition) !== undefined;
  const impossible = !known || Number(limit) <= 0 || isImpossible(wanted);
  const total = impossible ? 0 : await resource._original_count({ partition, partitionValues });
  const skip = plan.sorts ? 0 : (windowOf(null, offset).offset ?? 0);
  const max = windowOf(limit, 0).limit ?? Infinity;
  const filters = Object.keys(wanted).length > 0;
  const listed = Math.max(0, total - skip);
  // Without filter and sort a query reads what it returns; with a filter it stops as soon as it has enough.
  const most = filters || plan.sorts ? listed : Math.min(listed, max);
  const exact = !filters || plan.sorts || max >= listed;
  const least = exact ? most : Math.min(listed, max);
  const { allowed, reason } = decideBulk(resource, 'query');
  return {
    resource: resource.name,
    partition,
    partitionValues: partition ? partitionValues : {},
    candidate: partitionFor(resource, wanted),
    evaluation: allowed && !plan.needsRead ? 'engine' : 'records',
    reason: allowed ? (plan.needsRead ? 'fields that records get when they are read' : '') : reason,
    entries: total,
    records: { least, most, exact },
    requests: {
      list: impossible ? 0 : Math.max(1, Math.ceil((skip + most) / PAGE)),
      get: { least, most, exact },
      forExplaining: impossible ? 0 : Math.max(1, Math.ceil(total / PAGE))
    },
    sort: plan.sorts ? 'in memory' : 'key order',
    limit: Number.isFinite(max) ? max : null,
    offset
  };
}
