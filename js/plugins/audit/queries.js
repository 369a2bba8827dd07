/** Reading the log by its partitions and the time in its ids (spec/12 sections A.4 and A.7). */
import { PluginError } from '../../errors/index.js';
import { DATE_ONLY, DAY_MS, dayOf } from '../concerns/dated-records.js';
import { operationsOf, readableEntry, timeOfId, unpack } from './entries.js';

const CHUNK = 100;
/** Ids are made when entries are captured or packed, timestamps a moment before. */
const SLACK_MS = 60_000;

function invalid(option, value, suggestion) {
  return new PluginError(`getAuditLogs: ${option} '${String(value)}' is not valid`, {
    pluginName: 'AuditPlugin',
    operation: 'getAuditLogs',
    option,
    statusCode: 400,
    retriable: false,
    suggestion
  });
}

function timeOf(option, value, isEnd) {
  if (value === undefined || value === null) return undefined;
  const time = value instanceof Date ? value.getTime() : typeof value === 'number' ? value : Date.parse(value);
  if (Number.isNaN(time)) throw invalid(option, value, 'Give an ISO text, a Date or epoch milliseconds.');
  // A day stands for all of it.
  return isEnd && typeof value === 'string' && DATE_ONLY.test(value) ? time + DAY_MS - 1 : time;
}

/** Days from start to end, both included; `end` is today by default. */
export function dateRange(start, end) {
  const from = Date.parse(dayOf(timeOf('startDate', start, false)));
  const to = Date.parse(dayOf(timeOf('endDate', end, true) ?? Date.now()));
  const days = [];
  for (let day = from; day <= to; day += DAY_MS) days.push(dayOf(day));
  return days;
}

function wholeNumber(option, value, fallback) {
  if (value === undefined) return fallback;
  if (value === null || value === Infinity) return Infinity;
  const number = Number(value);
  if (!Number.isFinite(number) || number < 0) throw invalid(option, value, 'Give a number of 0 or more.');
  return Math.floor(number);
}

function matchesValues(entry, partition, values) {
  const stored = entry.partitionValues?.[partition];
  if (stored === null || typeof stored !== 'object') return false;
  return Object.entries(values).every(
    ([field, value]) => String(stored[field]) === String(value instanceof Date ? value.toISOString() : value)
  );
}

function predicateOf({ resourceName, operation, recordId, partition, partitionValues, userId }, from, to) {
  const operations = operation === undefined || operation === null ? null : operationsOf(operation);
  return (entry) => {
    if (resourceName && entry.resourceName !== resourceName) return false;
    if (operations !== null && !operations.includes(entry.operation)) return false;
    if (recordId !== undefined && recordId !== null && entry.recordId !== String(recordId)) return false;
    if (userId !== undefined && userId !== null && entry.userId !== userId) return false;
    if (partition && entry.partition !== partition) return false;
    if (partition && partitionValues && !matchesValues(entry, partition, partitionValues)) return false;
    if (from === undefined && to === undefined) return true;
    const time = Date.parse(entry.timestamp);
    return (from === undefined || time >= from) && (to === undefined || time <= to);
  };
}

/** Ids that may match, ascending: those of a partition or of all records, within the time that ids tell. */
async function candidateIds(log, { resourceName }, from, to) {
  let ids;
  const days = from === undefined || resourceName ? null : dateRange(from, to);
  if (resourceName) ids = await log.listIds({ partition: 'byResource', partitionValues: { resourceName } });
  else if (days !== null && days.length <= 31) {
    ids = [];
    for (const day of days) ids.push(...(await log.listIds({ partition: 'byDate', partitionValues: { createdAt: day } })));
  } else ids = await log.listIds();
  if (from === undefined && to === undefined) return ids;
  return ids.filter((id) => {
    const time = timeOfId(id);
    return time === undefined || ((from === undefined || time >= from - SLACK_MS) && (to === undefined || time <= to + SLACK_MS));
  });
}

/**
 * Entries that match, in the order of their ids.
 * @param {object} log resource of the log
 * @param {object} filter see `AuditPlugin.getAuditLogs`
 */
export async function findEntries(log, filter = {}) {
  const from = timeOf('startDate', filter.startDate, false);
  const to = timeOf('endDate', filter.endDate, true);
  const limit = wholeNumber('limit', filter.limit, 100);
  const offset = wholeNumber('offset', filter.offset, 0);
  const order = filter.order ?? 'asc';
  if (order !== 'asc' && order !== 'desc') throw invalid('order', order, "Use 'asc' (oldest first) or 'desc' (newest first).");
  if (limit === 0) return [];
  const matches = predicateOf(filter, from, to);
  const ids = await candidateIds(log, filter, from, to);
  if (order === 'desc') ids.reverse();
  const found = [];
  let skipped = 0;
  for (let at = 0; at < ids.length && found.length < limit; at += CHUNK) {
    for (const record of await log.getMany(ids.slice(at, at + CHUNK))) {
      const entries = unpack(record).map(readableEntry);
      if (order === 'desc') entries.reverse();
      for (const entry of entries) {
        if (!matches(entry) || found.length >= limit) continue;
        if (skipped < offset) skipped += 1;
        else found.push(entry);
      }
    }
  }
  return found;
}

function count(table, key) {
  if (key === undefined || key === null) return;
  if (!Object.hasOwn(table, key)) Object.defineProperty(table, key, { value: 0, writable: true, enumerable: true, configurable: true });
  table[key] += 1;
}

/** Totals of entries. */
export function statsOf(entries) {
  const stats = { total: entries.length, byOperation: {}, byResource: {}, byPartition: {}, byUser: {}, timeline: {} };
  for (const { operation, resourceName, partition, userId, timestamp, createdAt } of entries) {
    count(stats.byOperation, operation);
    count(stats.byResource, resourceName);
    count(stats.byPartition, partition);
    count(stats.byUser, userId);
    count(stats.timeline, createdAt ?? (timestamp ? dayOf(timestamp) : undefined));
  }
  return stats;
}
