/** Prometheus text exposition of a metrics plugin (spec/05 section 13). */
import { VERSION } from '../../util/version.js';

const GLOBAL = '_global';

/** A metric name with only the characters that the format allows. */
export function sanitizeMetricName(name) {
  const text = String(name).replace(/[^A-Za-z0-9_]/g, '_');
  return /^[0-9]/.test(text) ? `_${text}` : text;
}

/** A label value with backslash, quote and newline escaped. */
export function sanitizeLabel(value) {
  return String(value).replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

/** `{a="1",b="2"}`, or nothing for no labels. */
export function formatLabels(labels = {}) {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${sanitizeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** One family: help, type and a line for each `{ labels, value }`. */
export function formatMetric(name, type, help, values) {
  const metric = sanitizeMetricName(name);
  const lines = [`# HELP ${metric} ${help}`, `# TYPE ${metric} ${type}`];
  for (const { labels, value } of values) lines.push(`${metric}${formatLabels(labels)} ${value}`);
  return lines.join('\n');
}

/** Label of each resource: sanitised, or verbatim where two would become one. */
function resourceLabels(names) {
  const counts = new Map();
  for (const name of names) {
    const label = sanitizeMetricName(name);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return (name) => (counts.get(sanitizeMetricName(name)) === 1 ? sanitizeMetricName(name) : name);
}

/** Rows of `{ operation, resource, count, totalTime, errors }`, global ones first. */
function rowsOf({ operations = {}, resources = {} }) {
  const rows = Object.entries(operations).map(([operation, data]) => ({ labels: { operation, resource: GLOBAL }, ...data }));
  const label = resourceLabels(Object.keys(resources));
  for (const [name, byOperation] of Object.entries(resources)) {
    for (const [operation, data] of Object.entries(byOperation ?? {})) rows.push({ labels: { operation, resource: label(name) }, ...data });
  }
  return rows;
}

const seconds = (milliseconds, digits) => (milliseconds / 1000).toFixed(digits);

function poolFamilies(pool) {
  const counters = ['started', 'completed', 'failed', 'retried'].map((state) =>
    formatMetric(`s3db_pool_tasks_${state}_total`, 'counter', `Total number of pool tasks ${state}`, [
      { value: pool[`tasks${state[0].toUpperCase()}${state.slice(1)}`] ?? 0 }
    ])
  );
  return [
    ...counters,
    formatMetric('s3db_pool_task_execution_seconds', 'gauge', 'Average execution time of pool tasks in seconds', [
      { value: seconds(pool.avgExecutionTime ?? 0, 6) }
    ]),
    formatMetric('s3db_pool_task_execution_total_seconds', 'counter', 'Total execution time of pool tasks in seconds', [
      { value: seconds(pool.totalExecutionTime ?? 0, 6) }
    ])
  ];
}

/**
 * Exposition text, ending in a newline.
 * @param {{ metrics: { operations: object, resources: object, startTime: string, pool?: object }, metricsTotals?: object,
 *   config?: object }} plugin times are milliseconds; `metricsTotals`, which never decrease, win over `metrics`
 */
export function formatPrometheusMetrics({ metrics: current, metricsTotals, config }) {
  const metrics = { ...current, ...metricsTotals };
  const all = rowsOf(metrics);
  const rows = config?.prometheus?.includeResourceLabels === false ? all.filter(({ labels }) => labels.resource === GLOBAL) : all;
  const counted = rows.filter(({ count }) => count > 0);
  const failed = rows.filter(({ errors }) => errors > 0);
  const families = [];
  const add = (name, type, help, values) => {
    if (values.length > 0) families.push(formatMetric(name, type, help, values));
  };
  add(
    's3db_operations_total',
    'counter',
    'Total number of operations by type and resource',
    counted.map(({ labels, count }) => ({ labels, value: count }))
  );
  add(
    's3db_operation_duration_seconds',
    'gauge',
    'Average operation duration in seconds',
    counted.map(({ labels, totalTime = 0, count }) => ({ labels, value: seconds(totalTime / count, 6) }))
  );
  add(
    's3db_operation_errors_total',
    'counter',
    'Total number of operation errors',
    failed.map(({ labels, errors }) => ({ labels, value: errors }))
  );
  const started = new Date(metrics.startTime).getTime();
  const uptime = Number.isNaN(started) ? 0 : Math.max(0, Date.now() - started);
  add('s3db_uptime_seconds', 'gauge', 'Process uptime in seconds', [{ value: seconds(uptime, 2) }]);
  add('s3db_resources_total', 'gauge', 'Total number of tracked resources', [{ value: Object.keys(metrics.resources ?? {}).length }]);
  add('s3db_info', 'gauge', 'Build and runtime information', [{ labels: { version: VERSION, node_version: process.version }, value: 1 }]);
  if (metrics.pool) families.push(...poolFamilies(metrics.pool));
  return `${families.join('\n\n')}\n`;
}

export default { formatPrometheusMetrics, formatMetric, sanitizeLabel, sanitizeMetricName, formatLabels };
