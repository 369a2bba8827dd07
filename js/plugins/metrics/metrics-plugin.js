import { PluginError } from '../../errors/index.js';
import { checkKeys } from '../../plugin/options.js';
import { Plugin } from '../../plugin/plugin.js';
import { DAY_MS, dayOf, deleteDaysBefore } from '../concerns/dated-records.js';
import { formatPrometheusMetrics } from '../concerns/prometheus-formatter.js';
import { existingResourceName, resolveResourceNames } from '../concerns/resource-names.js';
import { Counters } from './counters.js';
import { exportAs, withMembers } from './export.js';
import { addRoute, runningApi, startServer, stopServer } from './exporter.js';
import { store, writesOf } from './flush.js';
import { measure } from './measure.js';
import { METRICS_OPTIONS, metricsConfig, NAME_OPTIONS, PROMETHEUS_OPTIONS } from './metrics-options.js';
import { PoolCounters } from './pool.js';
import { readNewest, statsOf } from './queries.js';

const NAMES = { metrics: 'plg_metrics', errors: 'plg_metrics_errors', performance: 'plg_metrics_performance' };

const ATTRIBUTES = {
  metrics: {
    id: 'string|required',
    type: 'string|required',
    resourceName: 'string',
    operation: 'string',
    count: 'number|required',
    totalTime: 'number|required',
    errors: 'number|required',
    avgTime: 'number|required',
    timestamp: 'string|required',
    metadata: 'json',
    createdAt: 'string|required'
  },
  errors: {
    id: 'string|required',
    resourceName: 'string|required',
    operation: 'string|required',
    error: 'string|required',
    timestamp: 'string|required',
    metadata: 'json',
    createdAt: 'string|required'
  },
  performance: {
    id: 'string|required',
    resourceName: 'string|required',
    operation: 'string|required',
    duration: 'number|required',
    timestamp: 'string|required',
    metadata: 'json',
    createdAt: 'string|required'
  }
};

/**
 * Measures the operations of resources: counts, times, percentiles, errors, slow calls; stored at every flush, and as
 * text for Prometheus (spec/12 part B).
 *
 * Events: `plg:metrics:flush-error` `{ error, pending }`, `plg:metrics:threshold` `{ metric, value, threshold }`.
 */
export class MetricsPlugin extends Plugin {
  static pluginName = 'MetricsPlugin';
  static optionNames = METRICS_OPTIONS;

  #counters = new Counters();
  #pool = new PoolCounters();
  #unfollowPool = () => {};
  #attached = new Map();
  #active = false;
  #flushing = null;
  #databaseHook = null;

  /** @param {object} [options] see docs/plugins/metrics.md */
  constructor(options = {}) {
    super(options);
    this.config = metricsConfig(this.options);
    this.resourceNames = this.#resolveNames();
    this.metricsResource = null;
    this.errorsResource = null;
    this.performanceResource = null;
    this.flushTimer = null;
    this.metricsServer = null;
  }

  /** Counts and lists since the last flush. */
  get metrics() {
    return this.#counters.metrics;
  }

  /** Counts since the process began; they never decrease. */
  get metricsTotals() {
    return this.#counters.totals;
  }

  #resolveNames() {
    const overrides = { ...this.options.resources, ...this.options.resourceNames };
    const descriptors = Object.fromEntries(
      Object.entries(NAMES).map(([key, defaultName]) => [key, { defaultName, override: overrides[key] }])
    );
    return resolveResourceNames('metrics', descriptors, { namespace: this.namespace });
  }

  onNamespaceChanged() {
    // The base constructor calls this before the fields exist.
    if (this.config !== undefined) this.resourceNames = this.#resolveNames();
  }

  /** Whether a resource is one of the plugin's own. */
  isInternalResource(name) {
    return Object.values(this.resourceNames).includes(name);
  }

  // Life cycle

  /** Nothing is collected under NODE_ENV=test (callers rely on it), unless `collectInTests` says so. */
  #isOff() {
    return this.config.enabled === false || (process.env.NODE_ENV === 'test' && this.config.collectInTests !== true);
  }

  async onInstall() {
    const { database } = this;
    checkKeys(this, database, { path: 'prometheus', given: this.options.prometheus, valid: PROMETHEUS_OPTIONS });
    checkKeys(this, database, { path: 'resourceNames', given: this.options.resourceNames, valid: NAME_OPTIONS });
    if (this.#isOff()) return;
    for (const [key, name] of Object.entries(this.resourceNames)) {
      this.resourceNames[key] = existingResourceName(name, this.namespace, database.resources);
    }
    for (const key of Object.keys(NAMES)) this[`${key}Resource`] = await this.#createResource(key);
    this.#attach();
  }

  #attach() {
    this.#active = true;
    this.installDatabaseHooks();
    for (const resource of Object.values(this.database.resources)) this.installResourceHooks(resource);
    this.#unfollowPool = this.#pool.follow(this.database.client);
    if (this.database.client?.pool) this.metrics.pool = this.#pool.totals;
    this.startFlushTimer();
  }

  async #createResource(key) {
    const name = this.resourceNames[key];
    try {
      return await this.database.createResource({
        name,
        attributes: ATTRIBUTES[key],
        behavior: 'body-overflow',
        partitions: { byDate: { fields: { createdAt: 'string|maxlength:10' } } },
        createdBy: 'MetricsPlugin'
      });
    } catch (error) {
      this.#report('install', error);
      return this.database.resources[name] ?? null;
    }
  }

  async onStart() {
    if (!this.#isOff() && this.metricsResource !== null && !this.#active) this.#attach();
    if (this.config.enabled !== false) await this.#startExporter();
  }

  async onStop() {
    await this.#stopFlushTimer();
    this.#detach();
    const { metricsServer } = this;
    this.metricsServer = null;
    if (metricsServer !== null) await stopServer(metricsServer);
    await this.flushMetrics();
    await this.#drain();
  }

  async onUninstall() {
    this.#detach();
  }

  #detach() {
    this.#active = false;
    this.#unfollowPool();
    this.removeDatabaseHooks();
    for (const restore of this.#attached.values()) restore();
    this.#attached.clear();
  }

  /** Follows resources that are created from now on. */
  installDatabaseHooks() {
    if (this.#databaseHook !== null) return;
    this.#databaseHook = ({ resource }) => this.installResourceHooks(resource);
    this.database.addHook('afterCreateResource', this.#databaseHook);
  }

  removeDatabaseHooks() {
    if (this.#databaseHook === null) return;
    this.database.removeHook('afterCreateResource', this.#databaseHook);
    this.#databaseHook = null;
  }

  /** Measures a resource from now on; once per resource object. */
  installResourceHooks(resource) {
    if (!this.#active || !resource || this.#attached.has(resource) || this.isInternalResource(resource.name)) return;
    // Resources of other metrics plugins: two that measure each other would never come to rest.
    if (resource.config?.createdBy === 'MetricsPlugin') return;
    const { name } = resource;
    const restore = measure(
      resource,
      (operation, duration, error) => this.#record(name, operation, duration, error),
      (bulk) => this.#recordBulk(name, bulk)
    );
    this.#attached.set(resource, restore);
  }

  /** Flushes every `flushInterval` ms; 0 means never. */
  startFlushTimer() {
    const { flushInterval, flushJobName = 'flush' } = this.config;
    if (this.flushTimer?.active || !(flushInterval > 0)) return;
    this.flushTimer = this.background.every(Math.max(1, flushInterval), () => this.flushMetrics(), { name: flushJobName });
  }

  async #stopFlushTimer() {
    const { flushTimer } = this;
    this.flushTimer = null;
    await flushTimer?.stop();
  }

  #report(operation, error) {
    const info = { name: this.instanceName ?? this.name, pluginName: this.name, plugin: this, operation, error };
    this.database?.emit('plugin.error', info);
  }

  #guarded(name, run) {
    try {
      const result = run();
      if (typeof result?.then === 'function') result.then(undefined, (error) => this.#report(name, error));
    } catch (error) {
      this.#report(name, error);
    }
  }

  // Recording

  #record(resourceName, operation, duration, error) {
    this.recordOperation(resourceName, operation, duration, error !== undefined);
    if (error !== undefined) this.recordError(resourceName, operation, error);
  }

  #recordBulk(resourceName, { operation, calls, duration, errors }) {
    if (calls === 0) return;
    const each = duration / calls;
    this.#counters.count(resourceName, operation, each, calls, errors.length);
    if (this.config.collectPerformance && this.#isSampled()) {
      this.#counters.time(resourceName, operation, each, calls, new Date().toISOString());
    }
    for (const error of errors) this.recordError(resourceName, operation, error);
  }

  #isSampled() {
    const { sampleRate = 1 } = this.config;
    return sampleRate >= 1 || Math.random() < sampleRate;
  }

  /**
   * Counts one call.
   * @param {string} resourceName
   * @param {string} operation `insert`, `update`, `delete`, `get`, `list`, `count`; others have no counter, only a time
   * @param {number} duration milliseconds
   * @param {boolean} [isError]
   */
  recordOperation(resourceName, operation, duration, isError = false) {
    this.#counters.count(resourceName, operation, duration, 1, isError ? 1 : 0);
    const timestamp = new Date().toISOString();
    if (this.config.collectPerformance && this.#isSampled()) this.#counters.time(resourceName, operation, duration, 1, timestamp);
    const { trackSlowQueries, slowQueryThreshold = 1000, onSlowQuery } = this.config;
    if (!trackSlowQueries || duration < slowQueryThreshold) return;
    this.#counters.slow(resourceName, operation, duration, timestamp);
    if (typeof onSlowQuery === 'function') {
      this.#guarded('onSlowQuery', () => onSlowQuery({ resourceName, operation, duration, timestamp, threshold: slowQueryThreshold }));
    }
  }

  /** Notes an error of an operation. */
  recordError(resourceName, operation, error) {
    if (this.config.collectErrors) this.#counters.error(resourceName, operation, error, new Date().toISOString());
  }

  /** Counts a call of the application's own: `trackOperation(operation, resourceName, duration, success)`. */
  trackOperation(operation, resourceName, duration, success = true) {
    this.recordOperation(resourceName, operation, duration, success === false);
  }

  /** Zeroes what is counted since the last flush. */
  resetMetrics() {
    this.#counters.reset();
  }

  /** Zeroes everything that the process counted; stored records stay. */
  clearMetrics() {
    this.#counters.clear();
  }

  // Storing

  /** Stores what was counted since the last flush. Never rejects: what could not be stored is kept for the next time. */
  flushMetrics() {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  async #flush() {
    if (!this.metricsResource) return;
    try {
      this.#checkThresholds();
      const writes = writesOf(this.#counters.swap());
      const failed = [];
      for (const [key, list] of Object.entries(writes)) {
        const resource = this[`${key}Resource`];
        if (resource) failed.push(...(await store(resource, list, this.config.batchSize ?? 100)));
      }
      if (failed.length === 0) return;
      for (const { write } of failed) write.restore(this.#counters);
      const [{ error }] = failed;
      this.logger.warn?.(`Metrics could not be stored and are kept: ${error?.message ?? error}`);
      this.emit('plg:metrics:flush-error', { error, pending: failed.length });
    } catch (error) {
      this.#report('flushMetrics', error);
    }
  }

  /** Compares what was counted since the last flush with `alertThresholds`. */
  #checkThresholds() {
    const { alertThresholds, onHighErrorRate, onThresholdExceeded } = this.config;
    if (!alertThresholds) return;
    const { operations, latencies } = this.#counters.window;
    const numbers = this.#counters.summary(
      Object.values(operations),
      latencies.merged(() => true)
    );
    if (numbers.count === 0) return;
    const values = {
      errorRate: numbers.errors / numbers.count,
      averageResponseTime: numbers.avgTime,
      responseTime: numbers.avgTime,
      p95: numbers.p95,
      p99: numbers.p99
    };
    for (const [metric, threshold] of Object.entries(alertThresholds)) {
      const value = values[metric];
      if (!(value > threshold)) continue;
      const alert = { metric, value, threshold };
      this.emit('plg:metrics:threshold', alert);
      if (metric === 'errorRate' && typeof onHighErrorRate === 'function') {
        const { count, errors } = numbers;
        this.#guarded('onHighErrorRate', () => onHighErrorRate({ errorRate: value, threshold, count, errors }));
      }
      if (typeof onThresholdExceeded === 'function') this.#guarded('onThresholdExceeded', () => onThresholdExceeded(alert));
    }
  }

  async #drain() {
    for (const key of Object.keys(NAMES)) await this[`${key}Resource`]?._drain?.();
  }

  // Queries

  /**
   * Stored counts, newest first. The array also has `performance`, `usage`, `errors`, `cache` and `operations` of this
   * process, not enumerable.
   */
  async getMetrics(options = {}) {
    await this.#drain();
    const records = await readNewest(this.metricsResource, { type: 'operation', ...options });
    return withMembers(records, this.#counters, this.database?.pluginRegistry ?? {});
  }

  /** Stored errors, newest first; `metadata.count` calls each. */
  async getErrorLogs(options = {}) {
    await this.#drain();
    return readNewest(this.errorsResource, options);
  }

  /** Stored times, newest first: of `metadata.count` calls, or of one where there is no count. */
  async getPerformanceLogs(options = {}) {
    await this.#drain();
    return readNewest(this.performanceResource, options);
  }

  /** Sums of the last 24 hours of stored records. */
  async getStats() {
    await this.#drain();
    const stats = await statsOf(this.metricsResource, this.metrics.startTime);
    return this.metrics.pool ? { ...stats, pool: { ...this.metrics.pool } } : stats;
  }

  /** `{ count, errors, totalTime, avgTime, minTime, maxTime, p50, p95, p99 }` (ms) of a resource in this process. */
  getResourceMetrics(name) {
    const operations = Object.hasOwn(this.metricsTotals.resources, name) ? Object.values(this.metricsTotals.resources[name]) : [];
    return this.#counters.summary(
      operations,
      this.#counters.latencies.merged((each) => each.resourceName === name)
    );
  }

  /** The same of an operation. */
  getOperationMetrics(operation) {
    const numbers = Object.hasOwn(this.metricsTotals.operations, operation) ? [this.metricsTotals.operations[operation]] : [];
    return this.#counters.summary(
      numbers,
      this.#counters.latencies.merged((each) => each.operation === operation)
    );
  }

  /** The counts of this process as text: `json`, `csv` or `xml`. */
  exportMetrics(format = 'json') {
    return exportAs(this.#counters, format);
  }

  /** Deletes stored records of days more than `retentionDays` ago. */
  async cleanupOldData() {
    const { retentionDays } = this.config;
    if (retentionDays === undefined || retentionDays === null) return;
    await this.#drain();
    const cutoff = dayOf(Date.now() - retentionDays * DAY_MS);
    for (const key of Object.keys(NAMES)) {
      if (this[`${key}Resource`]) await deleteDaysBefore(this[`${key}Resource`], cutoff);
    }
  }

  // Prometheus

  /** Exposition text of the counts since the process began. */
  getPrometheusMetrics() {
    return formatPrometheusMetrics(this);
  }

  async #startExporter() {
    const { prometheus } = this.config;
    if (!prometheus.enabled || this.metricsServer !== null) return;
    const api = runningApi(this.database);
    const text = () => this.getPrometheusMetrics();
    if (prometheus.mode === 'integrated' || (prometheus.mode === 'auto' && api !== undefined)) {
      if (api === undefined) {
        throw new PluginError('prometheus.mode=integrated requires API Plugin to be active', {
          pluginName: this.name,
          operation: 'start',
          statusCode: 400,
          retriable: false,
          suggestion: 'Start ApiPlugin before MetricsPlugin, or use prometheus.mode standalone.'
        });
      }
      addRoute(api, prometheus.path, text);
      return;
    }
    const failed = (error) => {
      this.logger.warn?.(`The metrics server does not answer: ${error?.message ?? error}`);
      this.#report('prometheus', error);
    };
    this.metricsServer = await startServer(prometheus, { text, failed });
  }
}

export default MetricsPlugin;
