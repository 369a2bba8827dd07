/** Options of MetricsPlugin (spec/12 sections B.1, B.6 and C.7). */
import { PluginError } from '../../errors/index.js';

export const METRICS_OPTIONS = [
  'collectPerformance',
  'collectErrors',
  'collectUsage',
  'trackLatency',
  'trackErrors',
  'trackThroughput',
  'customMetrics',
  'exportToCloudWatch',
  'retentionDays',
  'flushInterval',
  'flushJobName',
  'prometheus',
  'resourceNames',
  'resources',
  'enabled',
  'collectInTests',
  'sampleRate',
  'trackSlowQueries',
  'slowQueryThreshold',
  'batchSize',
  'alertThresholds',
  'onSlowQuery',
  'onHighErrorRate',
  'onThresholdExceeded'
];

/** Members of `prometheus`. */
export const PROMETHEUS_OPTIONS = [
  'enabled',
  'mode',
  'port',
  'path',
  'includeResourceLabels',
  'host',
  'cors',
  'ipAllowlist',
  'enforceIpAllowlist'
];
/** Members of `resourceNames` and `resources`. */
export const NAME_OPTIONS = ['metrics', 'errors', 'performance'];

const MODES = ['auto', 'integrated', 'standalone'];
/** Keys of `alertThresholds`; `errorRate` is a share, the others are milliseconds. */
export const THRESHOLDS = ['errorRate', 'averageResponseTime', 'responseTime', 'p95', 'p99'];

/** Typed error about an option. */
export function refuse(option, message, suggestion, operation = 'constructor') {
  return new PluginError(message, { pluginName: 'MetricsPlugin', operation, option, statusCode: 400, retriable: false, suggestion });
}

function number(name, value, minimum, maximum = Infinity) {
  if (value === undefined || value === null) return;
  if (typeof value === 'number' && value >= minimum && value <= maximum) return;
  const range = maximum === Infinity ? `of ${minimum} or more` : `from ${minimum} to ${maximum}`;
  throw refuse(name, `${name} of MetricsPlugin must be a number ${range}`, `Leave ${name} out for its default.`);
}

/** `plugin.config`: defaults, then the options; `prometheus` is merged member by member. */
export function metricsConfig(options) {
  const config = {
    collectPerformance: true,
    collectErrors: true,
    collectUsage: true,
    retentionDays: 30,
    flushInterval: 60_000,
    ...options,
    prometheus: {
      enabled: true,
      mode: 'auto',
      port: 9090,
      path: '/metrics',
      includeResourceLabels: true,
      ...options.prometheus
    }
  };
  if (options.trackLatency !== undefined) config.collectPerformance = Boolean(options.trackLatency);
  if (options.trackErrors !== undefined) config.collectErrors = Boolean(options.trackErrors);
  check(config);
  return config;
}

function check(config) {
  const { prometheus, alertThresholds } = config;
  if (!MODES.includes(prometheus.mode)) {
    throw refuse('prometheus.mode', `Unknown prometheus.mode '${String(prometheus.mode)}'`, `Use one of: ${MODES.join(', ')}.`);
  }
  number('prometheus.port', prometheus.port, 0, 65_535);
  if (typeof prometheus.path !== 'string' || !prometheus.path.startsWith('/')) {
    throw refuse('prometheus.path', "prometheus.path must start with '/'", "For example '/metrics'.");
  }
  const { flushJobName } = config;
  if (flushJobName !== undefined && (typeof flushJobName !== 'string' || flushJobName === '')) {
    throw refuse('flushJobName', 'flushJobName of MetricsPlugin must be a text', 'Leave flushJobName out for its default.');
  }
  number('flushInterval', config.flushInterval, 0, 2 ** 31 - 1);
  number('retentionDays', config.retentionDays, 0);
  number('sampleRate', config.sampleRate, 0, 1);
  number('slowQueryThreshold', config.slowQueryThreshold, 0);
  number('batchSize', config.batchSize, 1);
  for (const [name, limit] of Object.entries(alertThresholds ?? {})) {
    if (!THRESHOLDS.includes(name)) {
      throw refuse('alertThresholds', `Unknown threshold '${name}' in alertThresholds`, `Use some of: ${THRESHOLDS.join(', ')}.`);
    }
    number(`alertThresholds.${name}`, limit, 0);
  }
  for (const name of ['onSlowQuery', 'onHighErrorRate', 'onThresholdExceeded']) {
    if (config[name] === undefined || config[name] === null || typeof config[name] === 'function') continue;
    throw refuse(name, `${name} of MetricsPlugin must be a function`, `Pass a function, or leave ${name} out.`);
  }
}
