/** `s3db.json`: loading, versions, merged and serialised uploads. */

import { storeFor } from '../client/store-for.js';
import { filesRemedy, fromNative, nativeReport } from '../errors/from-native.js';
import { redactUrls } from '../errors/redact.js';
import { native } from '../native/load.js';
import { fromText } from '../native/text.js';
import { sequenceOf } from '../resource/ids.js';
import { definitionOf } from '../resource/introspection.js';
import { isPlainObject } from '../resource/values.js';
import { VERSION } from '../util/version.js';
import { definitionHash, mapsDiffer, nextVersion } from './definition.js';
import { serializeHooks } from './hook-source.js';

/** Metadata of a database without resources. */
export function blankMetadata(database) {
  return { version: database.version, s3dbVersion: database.s3dbVersion, lastUpdated: new Date().toISOString(), resources: {} };
}

/** Where the request went: the endpoint, or the host that the error names, which on AWS is that of the region. */
export function reachedAt(endpoint, message) {
  const host = /\(host ([^)\s]+)\)/.exec(String(message))?.[1];
  if (host === undefined || String(endpoint).includes(host)) return endpoint ? redactUrls(String(endpoint)) : undefined;
  return host;
}

function failure(database, error, operation) {
  const report = nativeReport(error);
  const context = { bucket: database.bucket ?? 'unknown', key: 's3db.json', operation };
  const { endpoint, basePath } = database.client.config ?? {};
  if (basePath && (report?.code === 'EIO' || report?.kind === 'Unknown' || report?.kind === 'Permission')) {
    context.suggestion = filesRemedy(basePath);
  } else if (report?.kind === 'Network') {
    const where = reachedAt(endpoint, report.message);
    context.suggestion = `Check that the store can be reached${where ? ` at ${where}` : ''}: address, port, network, proxy.`;
  } else if (report?.retriable) {
    context.suggestion = 'The store is overloaded or had a failure of its own: try again later.';
  }
  return fromNative(error, context);
}

function catalogOf(database) {
  const store = storeFor(database.client);
  if (database._catalog?.store !== store) database._catalog = { store, handle: new native.NativeCatalog(store, VERSION) };
  return database._catalog.handle;
}

/** Loads the stored metadata once; concurrent callers share the read. A failed read is not remembered. */
export function loadMetadata(database) {
  if (database._loaded) return database._loaded;
  const loading = (async () => {
    try {
      const text = catalogOf(database).load();
      const report = fromText(typeof text === 'string' ? text : await text);
      database._storedMetadata = report.metadata;
      return report;
    } catch (error) {
      throw failure(database, error, 'connect');
    }
  })();
  database._loaded = loading;
  loading.catch(() => {
    if (database._loaded === loading) database._loaded = null;
  });
  return loading;
}

/** The versions of a resource as they are stored now. What is saved and compared with stays as it is. */
export async function storedVersions(database, name) {
  // A catalog of its own: that of the database merges with what it read last, and must not take this for known.
  const { metadata } = fromText(await new native.NativeCatalog(storeFor(database.client), VERSION).load());
  return metadata.resources?.[name]?.versions;
}

/** The metadata to compare with: what was last loaded or written, or what the caller assigned. */
export function savedMetadataOf(database) {
  return database.savedMetadata ?? database._storedMetadata;
}

function pluginOwnersOf(resource) {
  const owners = {};
  for (const name of Object.keys(resource.attributes)) {
    const definition = resource.attributes[name];
    if (isPlainObject(definition) && definition.__plugin__) owners[name] = definition.__plugin__;
  }
  const metadata = resource.schema._pluginAttributeMetadata ?? {};
  for (const name of Object.keys(metadata)) owners[name] = metadata[name].__plugin__;
  return owners;
}

/** What is stored of a resource as it is now: its hash, partitions, creator, and the entry of a version. */
export function describeResource(database, resource) {
  const { config } = resource;
  const definition = definitionOf(resource);
  const hash = definitionHash(definition);
  const owners = pluginOwnersOf(resource);
  const entry = {
    hash,
    attributes: definition.attributes,
    behavior: definition.behavior ?? 'user-managed',
    timestamps: config.timestamps,
    partitions: config.partitions,
    paranoid: config.paranoid,
    allNestedObjectsOptional: config.allNestedObjectsOptional,
    autoDecrypt: config.autoDecrypt,
    cache: config.cache,
    asyncEvents: config.asyncEvents,
    hooks: serializeHooks(database, resource.name, config.hooks) ?? {},
    idSize: resource.idSize,
    idGenerator: resource.idGeneratorType,
    createdAt: undefined,
    bcryptRounds: resource.bcryptRounds
  };
  const optional = {
    asyncPartitions: Boolean(config.asyncPartitions),
    strictPartitions: Boolean(config.strictPartitions),
    map: resource.map,
    idGeneratorOptions: sequenceOf(resource)?.config,
    pluginAttributes: Object.keys(owners).length > 0 ? owners : undefined
  };
  return { hash, partitions: config.partitions ?? {}, createdBy: config.createdBy || 'user', entry, optional };
}

const DEFAULTS = { asyncPartitions: true, strictPartitions: false };

/** The version entry as it is stored: what is described, over what is kept of the saved one. */
function versionEntry({ entry, optional }, saved) {
  const result = { ...saved, ...entry };
  // The order of a stored version decides the keys of its records.
  result.attributes = saved?.attributes ?? entry.attributes;
  result.createdAt = saved?.createdAt ?? new Date().toISOString();
  for (const [key, value] of Object.entries(optional)) {
    // A default is written only in the place of another value: a merge keeps what is not named.
    if (value === undefined || (value === DEFAULTS[key] && saved?.[key] === undefined)) delete result[key];
    else result[key] = value;
  }
  return result;
}

/** Resources that a write for the sake of `names` has to carry: those, and what changed or was never written. */
function changedResources(database, names) {
  const saved = savedMetadataOf(database)?.resources ?? {};
  return Object.keys(database._resourcesMap).filter(
    (name) => names.has(name) || database._changedResources.has(name) || !Object.hasOwn(saved, name)
  );
}

/**
 * The metadata as this process wants it, with all resources or those of `names`, and what is described of each resource of
 * this process that is in it. A definition that waits to be written stands for the one in use.
 */
export function composeMetadata(database, names) {
  const saved = savedMetadataOf(database);
  const metadata = {
    ...saved,
    version: database.version,
    s3dbVersion: database.s3dbVersion,
    lastUpdated: new Date().toISOString(),
    resources: names ? {} : { ...saved?.resources }
  };
  for (const name of database._removedResources) delete metadata.resources[name];
  const described = new Map();
  for (const name of names ?? Object.keys(database._resourcesMap)) {
    const pending = database._pendingDefinitions.get(name);
    const description = pending?.description ?? describeResource(database, database._resourcesMap[name]);
    const { hash } = description;
    described.set(name, { hash, pending });
    const stored = Object.hasOwn(saved?.resources ?? {}, name) ? saved.resources[name] : undefined;
    const versions = stored?.versions ?? {};
    const current = stored?.currentVersion ?? 'v1';
    const same =
      Object.hasOwn(versions, current) && versions[current].hash === hash && !mapsDiffer(versions[current], description.optional.map);
    const version = same ? current : nextVersion(versions);
    metadata.resources[name] = {
      ...stored,
      currentVersion: version,
      partitions: description.partitions,
      createdBy: stored?.createdBy || description.createdBy,
      versions: { ...versions, [version]: versionEntry(description, same ? versions[current] : undefined) }
    };
  }
  return { metadata, described };
}

/** Version of the merged metadata that holds this process's definition. */
function versionOfHash(entry, hash) {
  if (entry.versions?.[entry.currentVersion]?.hash === hash) return entry.currentVersion;
  return Object.keys(entry.versions ?? {}).find((version) => entry.versions[version].hash === hash) ?? entry.currentVersion;
}

/** Takes over what was stored: saved metadata, definitions that waited for it, versions of the resources. */
export function adoptMetadata(database, metadata, described) {
  database._storedMetadata = metadata;
  database.savedMetadata = metadata;
  for (const [name, { hash, pending }] of described) {
    const resource = database._resourcesMap[name];
    const entry = metadata.resources?.[name];
    if (!resource || !entry) continue;
    // Definition and version change together: no record is written with the one under the name of the other.
    if (pending !== undefined && database._pendingDefinitions.get(name) === pending) {
      database._pendingDefinitions.delete(name);
      pending.apply();
    }
    adoptVersion(resource, entry, versionOfHash(entry, hash));
  }
}

/** True when both name the same versions with the same definitions, so that nothing has to be rebuilt. */
function sameVersions(known, stored) {
  const names = Object.keys(known ?? {});
  return (
    names.length === Object.keys(stored).length &&
    names.every((name) => known[name].hash !== undefined && known[name].hash === stored[name]?.hash)
  );
}

/** Sets the version of a resource and the saved versions it decodes with. */
export function adoptVersion(resource, entry, version) {
  if (!sameVersions(resource._savedVersions, entry.versions)) resource._savedVersions = entry.versions;
  if (entry.schemaRegistry) resource._schemaRegistry = entry.schemaRegistry;
  if (resource.version === version) return;
  const oldVersion = resource.version;
  resource.version = version;
  if (resource.schema) resource.schema.version = version;
  resource.emit('versionUpdated', { oldVersion, newVersion: version });
}

/** What is stored now: the answer of a write that carried some resources, completed by those known before. */
function storedMetadata(database, { metadata, whole }, removed) {
  if (whole) return metadata;
  const resources = { ...database._storedMetadata?.resources, ...metadata.resources };
  for (const name of removed) delete resources[name];
  return { ...metadata, resources };
}

async function writeMetadata(database, only) {
  await loadMetadata(database);
  const names = only && changedResources(database, only);
  const { metadata, described } = composeMetadata(database, names);
  const changed = [...database._changedResources];
  const removed = [...database._removedResources];
  database._changedResources.clear();
  let stored;
  try {
    const text = catalogOf(database).save(JSON.stringify(metadata), JSON.stringify(removed), names !== undefined);
    stored = storedMetadata(database, fromText(typeof text === 'string' ? text : await text), removed);
  } catch (error) {
    for (const name of changed) database._changedResources.add(name);
    throw failure(database, error, 'uploadMetadataFile');
  }
  for (const name of removed) database._removedResources.delete(name);
  adoptMetadata(database, stored, described);
  database.emit('db:metadata-uploaded', stored);
}

/**
 * Uploads metadata: of all resources, or with `name` only of that one and of those known to have changed. Calls of one tick share
 * one write, writes follow one another, and each caller's promise resolves after a write that includes its change.
 */
export function uploadMetadata(database, name) {
  if (name === undefined) database._nextUploadNames = undefined;
  if (database._nextUpload !== null) {
    database._nextUploadNames?.add(name);
    return database._nextUpload;
  }
  if (name !== undefined) database._nextUploadNames = new Set([name]);
  const previous = database._runningUpload;
  const upload = (async () => {
    await previous?.catch(() => {});
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    database._nextUpload = null;
    database._runningUpload = upload;
    await writeMetadata(database, database._nextUploadNames);
  })();
  database._nextUpload = upload;
  // The caller's await reports a failure; a superseded promise must not crash the process.
  upload.catch(() => {});
  return upload;
}
