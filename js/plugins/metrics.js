/** Sub-path `plugins/metrics`. */
export { MetricsError } from './metrics/errors.js';
export { default, MetricsPlugin } from './metrics/metrics-plugin.js';
