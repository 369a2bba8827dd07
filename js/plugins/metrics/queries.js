/** Reading stored metrics day by day, newest first (spec/12 sections B.4 and B.8). */
import { DATE_ONLY, DAY_MS, dayOf, storedDays } from '../concerns/dated-records.js';
import { blankOperations } from './counters.js';
import { refuse } from './metrics-options.js';

function timeOf(option, value, isEnd) {
  if (value === undefined || value === null) return undefined;
  const time = value instanceof Date ? value.getTime() : typeof value === 'number' ? value : Date.parse(value);
  if (Number.isNaN(time)) throw refuse(option, `${option} '${String(value)}' is no time`, 'Give an ISO text, a Date or epoch ms.', 'query');
  return isEnd && typeof value === 'string' && DATE_ONLY.test(value) ? time + DAY_MS - 1 : time;
}

function wholeNumber(option, value, fallback) {
  if (value === undefined) return fallback;
  if (value === null || value === Infinity) return Infinity;
  if (typeof value === 'number' && value >= 0) return Math.floor(value);
  throw refuse(option, `${option} must be a number of 0 or more`, `Leave ${option} out for ${fallback}.`, 'query');
}

/** Records of a resource that match, newest first. */
export async function readNewest(resource, { type, resourceName, operation, startDate, endDate, limit, offset } = {}) {
  const from = timeOf('startDate', startDate, false);
  const to = timeOf('endDate', endDate, true);
  const most = wholeNumber('limit', limit, 100);
  const skip = wholeNumber('offset', offset, 0);
  if (!resource || most === 0) return [];
  const days = (await storedDays(resource)).reverse();
  const found = [];
  for (const day of days) {
    if ((from !== undefined && day < dayOf(from)) || (to !== undefined && day > dayOf(to))) continue;
    const records = await resource.list({ partition: 'byDate', partitionValues: { createdAt: day } });
    const matching = records.filter((record) => {
      if (type !== undefined && record.type !== type) return false;
      if (resourceName !== undefined && record.resourceName !== resourceName) return false;
      if (operation !== undefined && record.operation !== operation) return false;
      const time = Date.parse(record.timestamp);
      return (from === undefined || time >= from) && (to === undefined || time <= to);
    });
    matching.sort((a, b) => (a.timestamp < b.timestamp ? 1 : a.timestamp > b.timestamp ? -1 : a.id < b.id ? 1 : -1));
    found.push(...matching);
    if (found.length >= skip + most) break;
  }
  return found.slice(skip, skip === Infinity ? undefined : skip + most);
}

const averaged = ({ count, errors, totalTime }) => ({ count, errors, avgTime: count === 0 ? 0 : totalTime / count });

function add(target, { count = 0, errors = 0, totalTime = 0 }) {
  target.count += count;
  target.errors += errors;
  target.totalTime += totalTime;
}

/** Sums of the stored per-resource records of the last day. */
export async function statsOf(resource, startTime) {
  const now = Date.now();
  const records = await readNewest(resource, { type: 'operation', startDate: now - DAY_MS, limit: null });
  const sum = { count: 0, errors: 0, totalTime: 0 };
  const byOperation = blankOperations();
  const byResource = {};
  for (const record of records) {
    // The global records repeat what those of the resources say.
    if (record.resourceName === 'global' || record.metadata?.global) continue;
    add(sum, record);
    byOperation[record.operation] ??= { count: 0, errors: 0, totalTime: 0 };
    add(byOperation[record.operation], record);
    byResource[record.resourceName] ??= { count: 0, errors: 0, totalTime: 0 };
    add(byResource[record.resourceName], record);
  }
  const mapped = (table) => Object.fromEntries(Object.entries(table).map(([name, each]) => [name, averaged(each)]));
  return {
    period: '24h',
    totalOperations: sum.count,
    totalErrors: sum.errors,
    avgResponseTime: averaged(sum).avgTime,
    operationsByType: mapped(byOperation),
    resources: mapped(byResource),
    uptime: { startTime, duration: now - Date.parse(startTime) }
  };
}
