/** Connecting and disconnecting. */

import { retireLayers } from '../plugin/layers.js';
import { Resource } from '../resource/resource.js';
import { pluginOwners } from '../resource/versions.js';
import { currentOwner } from '../util/owner-scope.js';
import { warnOnce } from '../util/warn.js';
import { stopCoordinators } from './coordinators.js';
import { dropDeferred, flushDeferred } from './deferred-writes.js';
import { savedPluginAttributes } from './definition.js';
import { deserializeHooks } from './hook-source.js';
import { attachRecordHooks } from './hooks.js';
import { restoredIds } from './id-options.js';
import { startEngineLogs, stopEngineLogs } from './logging.js';
import { registerWithManager, stopManagers } from './managers.js';
import { loadMetadata } from './metadata.js';
import { isReserved } from './names.js';
import { startPlugins, stopPlugins } from './plugins.js';

/** Flag of the resource for what `cache` holds: objects mean true. */
export function cacheFlag(cache) {
  if (cache === undefined || typeof cache === 'boolean') return cache;
  return Boolean(cache);
}

function asBoolean(value, fallback) {
  return typeof value === 'boolean' ? value : fallback;
}

/** The resource that a metadata entry describes, or undefined when its current version has no data. */
export function restoreResource(database, name, entry) {
  const currentVersion = entry.currentVersion ?? 'v1';
  const version = entry.versions?.[currentVersion];
  if (!version) return undefined;
  const resource = new Resource({
    name,
    client: database.client,
    database,
    version: currentVersion,
    attributes: version.attributes,
    behavior: version.behavior ?? 'user-managed',
    parallelism: database.parallelism,
    passphrase: database.passphrase,
    bcryptRounds: database.bcryptRounds,
    _security: database._security,
    observers: [database],
    cache: cacheFlag(database.cache),
    timestamps: asBoolean(version.timestamps, false),
    partitions: entry.partitions ?? version.partitions ?? {},
    paranoid: asBoolean(version.paranoid, true),
    allNestedObjectsOptional: asBoolean(version.allNestedObjectsOptional, true),
    autoDecrypt: asBoolean(version.autoDecrypt, true),
    asyncEvents: asBoolean(version.asyncEvents, true),
    asyncPartitions: asBoolean(version.asyncPartitions, true),
    strictPartitions: asBoolean(version.strictPartitions, false),
    hooks: deserializeHooks(database, name, version.hooks) ?? {},
    versioningEnabled: database.versioningEnabled,
    // Stored partitions may be orphaned: the documented repair needs the resource to exist.
    strictValidation: false,
    map: version.map,
    createdBy: entry.createdBy ?? 'user',
    versions: entry.versions,
    schemaRegistry: entry.schemaRegistry,
    pluginSchemaRegistry: entry.pluginSchemaRegistry,
    _pluginAttributeMetadata: pluginOwners(savedPluginAttributes(version), version.pluginAttributes),
    ...restoredIds(version)
  });
  resource.strictValidation = database.strictValidation;
  resource.$schema.strictValidation = database.strictValidation;
  attachRecordHooks(database, resource);
  return resource;
}

function warnOrphans(database, resource) {
  if (!resource.strictValidation) return;
  const orphaned = resource.findOrphanedPartitions();
  const names = Object.keys(orphaned);
  if (names.length === 0) return;
  warnOnce(database, {
    code: 'ORPHANED_PARTITIONS',
    resource: resource.name,
    message:
      `Resource '${resource.name}' has partitions on missing attributes: ${names.join(', ')}; ` +
      'call removeOrphanedPartitions() and then database.uploadMetadataFile()',
    details: { partitions: Object.fromEntries(names.map((name) => [name, orphaned[name].missingFields])) }
  });
}

/** The error of a stored definition that cannot be used, with where it lies; its class and text stay. */
function ofStored(error, name) {
  if (!(error instanceof Error)) return error;
  const suggestion = `The definition of '${name}' in s3db.json cannot be used: correct or remove it there, then connect again.`;
  const where = { resourceName: error.resourceName ?? name, key: 's3db.json', suggestion };
  if (error.data !== null && typeof error.data === 'object') Object.assign(error.data, where);
  return Object.assign(error, where);
}

/** Builds the resources that the metadata has and memory has not; gives their names. */
function restoreResources(database, metadata, restored) {
  for (const name of Object.keys(metadata.resources ?? {})) {
    if (Object.hasOwn(database._resourcesMap, name) || isReserved(name)) continue;
    let resource;
    try {
      resource = restoreResource(database, name, metadata.resources[name]);
    } catch (error) {
      throw ofStored(error, name);
    }
    if (resource === undefined) continue;
    database._resourcesMap[name] = resource;
    // It is what the file says: a write for the sake of another resource leaves it to the processes that change it.
    database._changedResources.delete(name);
    restored.push(name);
    warnOrphans(database, resource);
  }
}

/** Loads metadata, builds resources, installs and starts plugins; gives what really differs from the file. */
async function establish(database, restored) {
  const report = await loadMetadata(database);
  const { metadata } = report;
  if (report.healed) {
    database.emit('db:metadata-healed', {
      healingLog: report.healingLog,
      metadata,
      ...(report.backupKey ? { backupKey: report.backupKey } : {})
    });
  }
  if (report.lossy) {
    warnOnce(database, {
      code: 'METADATA_LOSSY_RECOVERY',
      message: `s3db.json was damaged and may have lost definitions; the original is kept at '${report.backupKey}'`,
      details: { backupKey: report.backupKey }
    });
  }
  if (report.created) database.emit('db:metadata-uploaded', metadata);
  database.savedMetadata ??= metadata;
  // Resources created before connect() keep their identity; changes are what really differs from the file.
  const changes = database.detectDefinitionChanges(metadata, Object.keys(database._resourcesMap));
  restoreResources(database, metadata, restored);
  registerWithManager(database);
  await startPlugins(database);
  return { changes, metadata };
}

/** Takes back what a failed connect did, so that the next one starts anew, from the file as it is then. */
async function abandon(database, restored) {
  await quietly(database, 'managers', () => stopManagers(database));
  for (const name of restored) {
    const resource = database._resourcesMap[name];
    delete database._resourcesMap[name];
    await quietly(database, `resource '${name}'`, () => resource?.dispose());
  }
  stopEngineLogs(database);
  forgetMetadata(database);
}

function forgetMetadata(database) {
  database.savedMetadata = null;
  database._storedMetadata = null;
  database._loaded = null;
  database._catalog = null;
  database._pendingDefinitions.clear();
}

/**
 * Runs connects and disconnects of a database one after the other. Code of a plugin does not wait for its turn: it may be
 * what the one under way waits for.
 */
function inTurn(database, run) {
  if (currentOwner() !== undefined) return run();
  const turn = database._turn === null ? run() : database._turn.then(run);
  const end = () => {
    if (database._turn === done) database._turn = null;
  };
  // Only the order is kept here: the caller has the turn itself, with its failure.
  const done = turn.then(end, end);
  database._turn = done;
  return turn;
}

/** Connects, unless another call did meanwhile. */
export function connect(database) {
  return inTurn(database, async () => {
    if (database._connected) return;
    database._registerExitListener();
    startEngineLogs(database);
    const restored = [];
    let outcome;
    try {
      outcome = await establish(database, restored);
    } catch (error) {
      await abandon(database, restored);
      throw error;
    }
    database._registerSignals();
    database._connected = true;
    if (outcome.changes.length > 0) database.emit('db:resource-definitions-changed', outcome);
    database.emit('db:connected', new Date());
  });
}

async function quietly(database, step, run) {
  try {
    await run();
  } catch (error) {
    database.logger.warn?.(`[database] ${step} failed: ${error?.message ?? error}`);
  }
}

/** Stops plugins, waits for index work, forgets resources and listeners. Cleanup errors never reject. */
export function disconnect(database) {
  return inTurn(database, () => release(database));
}

async function release(database) {
  await quietly(database, "a listener of 'disconnected'", () => database.emit('disconnected', new Date()));
  const resources = Object.values(database._resourcesMap);
  // Plugins see the records that inserters still hold.
  await quietly(database, 'inserters', () => Promise.all(resources.map((resource) => resource._drainHelpers?.())));
  await quietly(database, 'plugins', () => stopPlugins(database));
  await quietly(database, 'coordinators', () => stopCoordinators(database));
  await quietly(database, 'managers', () => stopManagers(database));
  await quietly(database, 'definitions', () => flushDeferred(database));
  await quietly(database, 'uploads', () => Promise.allSettled([database._nextUpload, database._runningUpload]));
  const names = Object.keys(database._resourcesMap);
  for (const name of names) await quietly(database, `index work of '${name}'`, () => database._resourcesMap[name]?._drain());
  // Events of that work reach their listeners on a later turn.
  if (names.length > 0) await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  for (const name of names) {
    const resource = database._resourcesMap[name];
    if (!resource) continue;
    await quietly(database, `resource '${name}'`, () => {
      retireLayers(resource);
      resource.observers = [];
      resource.dispose();
    });
    delete database._resourcesMap[name];
  }
  await quietly(database, 'client', () => database.client?.removeAllListeners?.());
  dropDeferred(database);
  database._connected = false;
  forgetMetadata(database);
  stopEngineLogs(database);
  await quietly(database, "a listener of 'db:disconnected'", () => database.emit('db:disconnected', new Date()));
  database.removeAllListeners();
  database._unregisterExitListener();
}
