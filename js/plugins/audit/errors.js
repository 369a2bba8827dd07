/** Error class of the audit log (spec/12 section 12.4). */
import { BaseError } from '../../errors/index.js';

/** Operation of the audit log that failed. */
export class AuditError extends BaseError {
  /**
   * @param {string} message
   * @param {{ resourceName?: string, operation?: string, auditId?: string, original?: any, description?: string,
   *   suggestion?: string }} [details]
   */
  constructor(message, details = {}) {
    const { resourceName, operation = 'unknown', auditId, description, suggestion, ...rest } = details;
    super({
      ...rest,
      message,
      resourceName,
      operation,
      auditId,
      description:
        description ??
        `Audit operation '${operation}' failed${resourceName ? ` for resource '${resourceName}'` : ''}: ${message}\n\nTypical causes:\n` +
          '- the log resource was deleted or its definition changed\n- the store refused the write\n- a snapshot could not be serialised',
      suggestion: suggestion ?? 'Check that the log resource exists and can be written, and listen to plg:audit:log-failed.'
    });
  }
}
