/** Rules of the TTL plugin: validation, defaults, expiry of a record (spec/11 section 11.3). */
import { PluginError } from '../../errors/index.js';
import { granularityOf } from './cohorts.js';

export const STRATEGIES = ['soft-delete', 'hard-delete', 'archive', 'callback'];

/** Members of a rule; `granularity` is the plugin's own. */
export const RULE_NAMES = [
  'ttl',
  'field',
  'onExpire',
  'deleteField',
  'archiveResource',
  'keepOriginalId',
  'callback',
  'retry',
  'granularity'
];

/** Base time of rules without a field: when the record was stored. */
export const CREATED = '_createdAt';

function refuse(message, resourceName, suggestion, details = {}) {
  return new PluginError(`[TTLPlugin] ${message}`, {
    pluginName: 'TTLPlugin',
    operation: 'validateResourceConfig',
    resourceName,
    statusCode: 400,
    retriable: false,
    suggestion,
    ...details
  });
}

/**
 * A complete copy of a rule.
 * @throws {PluginError} 400, naming what is missing
 */
export function completeRule(resourceName, given) {
  if (given === null || typeof given !== 'object') {
    throw refuse('Missing TTL configuration', resourceName, `Give '${resourceName}' an object with ttl or field, and onExpire.`);
  }
  const rule = { ...given };
  if (!rule.ttl && !rule.field) {
    throw refuse(
      'Missing TTL configuration',
      resourceName,
      `Give '${resourceName}' a ttl in seconds, a field with the expiry time, or both (base time and ttl).`
    );
  }
  if (rule.ttl && !Number.isFinite(Number(rule.ttl))) {
    throw refuse('Missing TTL configuration', resourceName, `ttl of '${resourceName}' must be a number of seconds.`, { field: 'ttl' });
  }
  if (!STRATEGIES.includes(rule.onExpire)) {
    throw refuse('Invalid onExpire strategy', resourceName, `Set onExpire of '${resourceName}' to one of: ${STRATEGIES.join(', ')}.`, {
      onExpire: rule.onExpire
    });
  }
  if (rule.onExpire === 'soft-delete' && !rule.deleteField) rule.deleteField = 'deletedat';
  if (rule.onExpire === 'archive' && !rule.archiveResource) {
    throw refuse('Archive resource required', resourceName, `Set archiveResource of '${resourceName}' to the name of a resource.`);
  }
  if (rule.onExpire === 'callback' && typeof rule.callback !== 'function') {
    throw refuse('Callback handler required', resourceName, `Set callback of '${resourceName}' to async (record, resource) => boolean.`);
  }
  rule.field ||= CREATED;
  rule.granularity = granularityOf(rule.ttl ? Number(rule.ttl) : 0);
  return rule;
}

/** Epoch ms of a value: numbers are epoch ms, everything else is parsed as a date. */
function timeOf(value) {
  const time = typeof value === 'number' ? value : new Date(value).getTime();
  if (Number.isNaN(time)) throw new TypeError(`'${String(value)}' is not a time`);
  return time;
}

/** True when the expiry of records under a rule follows from the record alone. */
export function followsRecord(rule) {
  return rule.field !== CREATED;
}

/**
 * Expiry of a record, epoch ms; undefined when the rule's field has no value.
 * @param {object} rule
 * @param {object} record
 * @param {number} created base time where the rule has no field of its own
 */
export function expiryOf(rule, record, created) {
  const value = record[rule.field] ?? (rule.field === CREATED ? created : undefined);
  if (value === undefined || value === null) return undefined;
  return timeOf(value) + (rule.ttl ? Number(rule.ttl) * 1000 : 0);
}
