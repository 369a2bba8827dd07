/** Options of AuditPlugin (spec/12 sections A.1, A.5 and C.7). */
import { PluginError } from '../../errors/index.js';
import { OPERATION_NAMES } from './entries.js';

export const AUDIT_OPTIONS = [
  'includeData',
  'includePartitions',
  'maxDataSize',
  'resourceName',
  'resourceNames',
  'getCurrentUserId',
  'getMetadata',
  'resources',
  'excludeResources',
  'operations',
  'trackOperations',
  'shouldAudit',
  'enabled',
  'retentionDays',
  'logToConsole',
  'customLogger',
  'mode',
  'format',
  'batchSize',
  'driver'
];

function refuse(option, message, suggestion) {
  throw new PluginError(message, {
    pluginName: 'AuditPlugin',
    operation: 'constructor',
    option,
    statusCode: 400,
    retriable: false,
    suggestion
  });
}

function oneOf(config, option, values) {
  const value = config[option];
  if (value === undefined || values.includes(value)) return;
  refuse(option, `Unknown ${option} '${String(value)}' of AuditPlugin`, `Use one of: ${values.join(', ')}.`);
}

function numberOf(config, option, minimum) {
  const value = config[option];
  if (value === undefined || value === null) return;
  if (typeof value === 'number' && value >= minimum) return;
  refuse(option, `${option} of AuditPlugin must be a number of ${minimum} or more`, `Leave ${option} out for its default.`);
}

/** Refuses values that cannot work. */
export function checkAuditOptions(config) {
  oneOf(config, 'mode', ['async', 'sync']);
  oneOf(config, 'format', ['record', 'batch']);
  numberOf(config, 'maxDataSize', 0);
  numberOf(config, 'retentionDays', 0);
  numberOf(config, 'batchSize', 1);
  for (const option of ['operations', 'trackOperations']) {
    for (const name of [config[option] ?? []].flat()) {
      if (OPERATION_NAMES.includes(name)) continue;
      refuse(option, `Unknown operation '${String(name)}' in ${option} of AuditPlugin`, `Use some of: ${OPERATION_NAMES.join(', ')}.`);
    }
  }
  for (const option of ['getCurrentUserId', 'getMetadata', 'shouldAudit', 'customLogger']) {
    const value = config[option];
    if (value !== undefined && value !== null && typeof value !== 'function') {
      refuse(option, `${option} of AuditPlugin must be a function`, `Pass a function, or leave ${option} out.`);
    }
  }
}
