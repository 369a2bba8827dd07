/** `deferMetadataWrites`: definitions are written some time after `createResource` returned, those of that time together. */

import { tell } from './logging.js';

const DEFAULT_DELAY = 100;
const LONGEST_RETRY = 30_000;

/** The one resource to write, unless a hook may change others before the write. */
function uploadOnly(database, name) {
  return database._hooks.get('beforeUploadMetadata').length > 0 ? undefined : name;
}

/** Writes the definition of a resource now. */
export async function writeDefinition(database, name) {
  await database.uploadMetadataFile(uploadOnly(database, name));
}

/** Writes the definition of a resource, now or with those of the next moments. */
export async function saveDefinition(database, name) {
  if (database.options.deferMetadataWrites !== true) {
    await writeDefinition(database, name);
    return;
  }
  database._deferredWrites ??= { names: new Set(), timer: null, failures: 0 };
  database._deferredWrites.names.add(name);
  schedule(database, database.options.metadataWriteDelay ?? DEFAULT_DELAY);
}

function schedule(database, delay) {
  const deferred = database._deferredWrites;
  if (deferred.timer !== null) return;
  deferred.timer = setTimeout(() => {
    deferred.timer = null;
    writeDeferred(database);
  }, delay);
  // A store that is away must not keep the process alive for ever.
  if (deferred.failures > 0) deferred.timer.unref();
}

/** Writes what waits. When that fails it rejects, and is tried again later. */
export async function flushDeferred(database) {
  const error = await writeDeferred(database);
  if (error !== undefined) throw error;
}

/**
 * Writes what waits, never rejects: a failure is an event, is logged, and is tried again later unless the database let go of what
 * waits meanwhile.
 * @returns {Promise<unknown>} the failure, or undefined
 */
export async function writeDeferred(database) {
  const deferred = database._deferredWrites;
  if (!deferred) return undefined;
  clearTimeout(deferred.timer);
  deferred.timer = null;
  if (deferred.names.size === 0) return undefined;
  const names = [...deferred.names];
  deferred.names.clear();
  try {
    await Promise.all(names.map((name) => database.uploadMetadataFile(uploadOnly(database, name))));
    deferred.failures = 0;
    return undefined;
  } catch (error) {
    let retryIn = null;
    if (database._deferredWrites === deferred) {
      deferred.failures += 1;
      for (const name of names) deferred.names.add(name);
      retryIn = retryDelay(database, deferred.failures);
      schedule(database, retryIn);
    }
    database.logger.error?.(`[metadata] definitions of ${names.join(', ')} could not be written: ${error?.message ?? error}`);
    tell(database, 'db:metadata-write-failed', { resources: names, error, retryIn });
    return error;
  }
}

function retryDelay(database, failures) {
  return Math.min(LONGEST_RETRY, (database.options.metadataWriteDelay ?? DEFAULT_DELAY) * 2 ** Math.min(failures, 16) || 1);
}

/** Forgets what waits: the database is gone. */
export function dropDeferred(database) {
  clearTimeout(database._deferredWrites?.timer);
  database._deferredWrites = null;
}
