import { fromNative, nativeReport } from '../errors/from-native.js';
import { BehaviorError, DatabaseError, MetadataLimitError, PluginStorageError } from '../errors/index.js';

/** What a failed operation is called. */
const TEXT = {
  set: 'Failed to save plugin data',
  get: 'Failed to retrieve plugin data',
  list: 'Failed to list plugin data',
  listForResource: 'Failed to list resource data',
  delete: 'Failed to delete plugin data',
  deleteAll: 'Failed to delete plugin data',
  touch: 'Failed to extend the time to live',
  increment: 'Failed to increment counter',
  acquireLock: 'Failed to acquire lock',
  renewLock: 'Failed to renew lock',
  releaseLock: 'Failed to release lock',
  isLocked: 'Failed to read lock',
  sequence: 'Failed to use sequence'
};

/**
 * Published error of a failed storage operation: `PluginStorageError` with the cause as `original`. Errors that say
 * more by themselves stay as they are: limits, unknown behaviours, and a client that lacks a method.
 * @param {unknown} error native error, or one that a client threw
 * @param {string} operation
 * @param {{ pluginSlug: string, key?: string }} context
 * @returns {Error}
 */
export function storageError(error, operation, { pluginSlug, key = '' }) {
  const report = nativeReport(error);
  if (report?.kind === 'PluginStorage') return fromNative(error, { pluginSlug, key, operation });
  const cause = report === null ? error : fromNative(error, { key });
  if (cause instanceof PluginStorageError || cause instanceof MetadataLimitError || cause instanceof BehaviorError) return cause;
  if (cause instanceof DatabaseError && cause.statusCode === 501) return cause;
  return new PluginStorageError(TEXT[operation] ?? `Failed to carry out ${operation}`, {
    pluginSlug,
    key,
    operation,
    original: cause,
    retriable: cause?.retriable === true
  });
}

/**
 * Misuse of the storage.
 * @param {string} message
 * @param {string} operation
 * @param {{ pluginSlug?: string, key?: string, suggestion: string }} details
 */
export function misuse(message, operation, details) {
  return new PluginStorageError(message, { statusCode: 400, ...details, operation });
}
