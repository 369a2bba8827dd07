/** Sub-path `plugins/audit`. */
export { AuditPlugin, default } from './audit/audit-plugin.js';
export { AuditError } from './audit/errors.js';
