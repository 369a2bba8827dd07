/** Error class of metrics (spec/12 section 12.4). */
import { BaseError } from '../../errors/index.js';

/** Operation of the metrics that failed. */
export class MetricsError extends BaseError {
  /**
   * @param {string} message
   * @param {{ metricName?: string, operation?: string, resourceName?: string, original?: any, description?: string,
   *   suggestion?: string }} [details]
   */
  constructor(message, details = {}) {
    const { metricName, operation = 'unknown', resourceName, description, suggestion, ...rest } = details;
    super({
      ...rest,
      message,
      metricName,
      operation,
      resourceName,
      description:
        description ??
        `Metrics operation '${operation}' failed${metricName ? ` for metric '${metricName}'` : ''}: ${message}\n\nTypical causes:\n` +
          '- the metrics resources were deleted or their definitions changed\n- the store refused the write\n- the port of the exporter is taken',
      suggestion: suggestion ?? 'Check that the metrics resources exist and can be written, and listen to plg:metrics:flush-error.'
    });
  }
}
