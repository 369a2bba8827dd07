/** Metrics of the process as JSON, CSV and XML, and as the members of `getMetrics()` (spec/12 section B.6). */
import { refuse } from './metrics-options.js';

const COLUMNS = ['resource', 'operation', 'count', 'errors', 'totalTime', 'avgTime', 'minTime', 'maxTime', 'p50', 'p95', 'p99'];

/** One row per resource and operation that was called. */
function rowsOf(counters) {
  const rows = [];
  for (const [resource, operations] of Object.entries(counters.totals.resources)) {
    for (const [operation, numbers] of Object.entries(operations)) {
      if (numbers.count === 0) continue;
      const histogram = counters.latencies.merged((each) => each.resourceName === resource && each.operation === operation);
      rows.push({ resource, operation, ...counters.summary([numbers], histogram) });
    }
  }
  return rows;
}

function csvField(value) {
  // A leading sign makes spreadsheets run the field as a formula.
  const text = typeof value === 'string' && /^[=+\-@]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const xmlText = (value) =>
  String(value)
    .replace(/[&<>"]/g, (character) => ENTITIES[character])
    // Characters that XML cannot hold.
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD');

const FORMATS = {
  json: (counters, rows) =>
    JSON.stringify({ startTime: counters.startTime, exportedAt: new Date().toISOString(), operations: rows }, null, 2),
  csv: (_counters, rows) =>
    `${[COLUMNS, ...rows.map((row) => COLUMNS.map((name) => csvField(row[name])))].map((row) => row.join(',')).join('\n')}\n`,
  xml: (counters, rows) => {
    const lines = rows.map((row) => `  <operation ${COLUMNS.map((name) => `${name}="${xmlText(row[name])}"`).join(' ')}/>`);
    return `<?xml version="1.0" encoding="UTF-8"?>\n<metrics startTime="${xmlText(counters.startTime)}">\n${lines.join('\n')}\n</metrics>\n`;
  }
};

/** Text of the process's metrics in a format. */
export function exportAs(counters, format = 'json') {
  if (Object.hasOwn(FORMATS, format)) return FORMATS[format](counters, rowsOf(counters));
  throw refuse('format', `Unknown format '${String(format)}'`, `Use one of: ${Object.keys(FORMATS).join(', ')}.`, 'exportMetrics');
}

function performanceOf(counters) {
  const all = counters.latencies.merged(() => true);
  const { count, avgTime, maxTime, p50, p95, p99 } = counters.summary(Object.values(counters.totals.operations), all);
  const seconds = Math.max(0.001, (Date.now() - Date.parse(counters.startTime)) / 1000);
  const slowest = rowsOf(counters).sort((a, b) => b.avgTime - a.avgTime);
  return {
    averageResponseTime: avgTime,
    totalRequests: count,
    requestsPerSecond: count / seconds,
    maxTime,
    p50,
    p95,
    p99,
    slowestOperations: slowest.slice(0, 10)
  };
}

function usageOf({ totals }) {
  const resources = {};
  for (const [name, operations] of Object.entries(totals.resources)) {
    const counts = Object.fromEntries(Object.entries(operations).map(([operation, { count }]) => [operation, count]));
    resources[name] = { ...counts, total: Object.values(counts).reduce((a, b) => a + b, 0) };
  }
  const [most] = Object.entries(resources).sort(([, a], [, b]) => b.total - a.total);
  return {
    resources,
    totalOperations: Object.values(resources).reduce((sum, { total }) => sum + total, 0),
    mostActiveResource: most?.[0] ?? null
  };
}

function errorsOf({ totals }) {
  const byOperation = {};
  const byResource = {};
  let [total, calls] = [0, 0];
  for (const [operation, { count, errors }] of Object.entries(totals.operations)) {
    total += errors;
    calls += count;
    if (errors > 0) byOperation[operation] = errors;
  }
  for (const [name, operations] of Object.entries(totals.resources)) {
    const errors = Object.values(operations).reduce((sum, each) => sum + each.errors, 0);
    if (errors > 0) byResource[name] = errors;
  }
  return { total, errorRate: calls === 0 ? 0 : total / calls, byOperation, byResource };
}

/** Hits and misses of the installed cache plugins. */
function cacheOf(plugins) {
  let [hits, misses] = [0, 0];
  for (const plugin of Object.values(plugins)) {
    if (plugin?.name !== 'CachePlugin' || typeof plugin.getStats !== 'function') continue;
    const stats = plugin.getStats();
    hits += Number(stats?.hits) || 0;
    misses += Number(stats?.misses) || 0;
  }
  return { hits, misses, hitRate: hits + misses === 0 ? 0 : hits / (hits + misses) };
}

/** Puts the documented members on the array of `getMetrics`, not enumerable and current when they are read. */
export function withMembers(records, counters, plugins) {
  const members = {
    performance: () => performanceOf(counters),
    usage: () => usageOf(counters),
    errors: () => errorsOf(counters),
    cache: () => cacheOf(plugins),
    operations: () => structuredClone(counters.totals.operations)
  };
  for (const [name, get] of Object.entries(members)) Object.defineProperty(records, name, { get, enumerable: false, configurable: true });
  return records;
}
