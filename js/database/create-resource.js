/** `createResource`: new resources and re-declared ones. */
import { SchemaError } from '../errors/index.js';
import { applyEventOptions, applyIdOptions, definitionChanged, registerEvents } from '../resource/config.js';
import { checkConfig } from '../resource/config-check.js';
import { normalizeGuard } from '../resource/guard.js';
import { configureHooks } from '../resource/hooks.js';
import { definitionOf } from '../resource/introspection.js';
import { checkMiddlewares, configureMiddlewares } from '../resource/middleware.js';
import { Resource } from '../resource/resource.js';
import { cloneValue, isPlainObject } from '../resource/values.js';
import { pluginOwners } from '../resource/versions.js';
import { passwordSettings } from '../schema/security.js';
import { keepOwnParallelism } from './concurrency.js';
import { cacheFlag } from './connect.js';
import { saveDefinition, writeDeferred, writeDefinition } from './deferred-writes.js';
import { definitionHash, mapsDiffer, reconcileAttributes, savedPluginAttributes } from './definition.js';
import { attachRecordHooks } from './hooks.js';
import { idsDiffer, restoredIds } from './id-options.js';
import { describeResource, loadMetadata, savedMetadataOf } from './metadata.js';
import { checkName } from './names.js';
import { checkResourceOptions } from './resource-options.js';

/** Options that belong to the live instance or to other members, never to `resource.config`. */
const NOT_CONFIG = new Set([
  'name',
  'attributes',
  'behavior',
  'hooks',
  'middlewares',
  'client',
  'database',
  'observers',
  'version',
  'guard',
  'events',
  'idGenerator',
  'idSize',
  'passphrase',
  'bcryptRounds',
  'security',
  'map',
  'parallelism',
  'versioningEnabled',
  'strictValidation',
  'partitions'
]);

/** Partition shorthand: an array of attribute names becomes one partition per name. */
export function normalizePartitions(partitions, attributes) {
  if (!Array.isArray(partitions)) return partitions ?? {};
  const result = {};
  for (const field of partitions) {
    if (typeof field !== 'string') {
      throw new SchemaError('Invalid partition field type', {
        field,
        receivedType: typeof field,
        statusCode: 400,
        suggestion: 'List attribute names as strings, or use the object form of partitions.'
      });
    }
    if (!Object.hasOwn(attributes ?? {}, field)) {
      throw new SchemaError(`Partition field '${field}' not found in attributes`, {
        field,
        availableFields: Object.keys(attributes ?? {}),
        statusCode: 400,
        suggestion: `Use one of: ${Object.keys(attributes ?? {}).join(', ')}.`
      });
    }
    const definition = attributes[field];
    let rule = 'string';
    if (typeof definition === 'string') rule = definition.split('|')[0].trim();
    else if (isPlainObject(definition) && typeof definition.type === 'string') rule = definition.type;
    result[`by${field.charAt(0).toUpperCase()}${field.slice(1)}`] = { fields: { [field]: rule } };
  }
  return result;
}

/** Applies the `middlewares` option. */
export function applyMiddlewares(resource, middlewares) {
  configureMiddlewares(resource, middlewares);
}

function savedEntry(database, name) {
  const resources = savedMetadataOf(database)?.resources;
  return resources && Object.hasOwn(resources, name) ? resources[name] : undefined;
}

/** Creates a resource, or applies the configuration to the one of that name; `report.created` tells which. */
export async function createResource(database, config, report = {}) {
  const { name } = config;
  checkResourceOptions(database, config);
  if (database.resourceExists(name)) return redeclare(database, database._resourcesMap[name], config);
  await loadMetadata(database);
  // Another call may have created it while the metadata was loading.
  if (database.resourceExists(name)) return redeclare(database, database._resourcesMap[name], config);
  const resource = declare(database, config);
  report.created = true;
  await saveDefinition(database, name);
  database.emit('db:resource-created', name);
  return resource;
}

function declare(database, config) {
  const entry = typeof config.name === 'string' ? savedEntry(database, config.name) : undefined;
  if (entry === undefined) checkName(config.name);
  const saved = entry?.versions?.[entry.currentVersion ?? 'v1'];
  const { middlewares, ...given } = config;
  checkMiddlewares(middlewares, config.name);
  const resource = new Resource({
    ...given,
    ...(saved && config.idGenerator === undefined && config.idSize === undefined ? restoredIds(saved) : {}),
    client: database.client,
    database,
    version: config.version ?? entry?.currentVersion ?? 'v1',
    attributes: reconcileAttributes(config.attributes, saved),
    behavior: config.behavior ?? 'user-managed',
    parallelism: config.parallelism ?? database.parallelism,
    passphrase: config.passphrase ?? config.security?.passphrase ?? database.passphrase,
    bcryptRounds: config.bcryptRounds ?? config.security?.bcrypt?.rounds ?? database.bcryptRounds,
    _security: securityOf(database, config),
    observers: [database],
    cache: cacheFlag(config.cache ?? database.cache),
    partitions: normalizePartitions(config.partitions, config.attributes),
    hooks: config.hooks ?? {},
    events: config.events ?? {},
    versioningEnabled: config.versioningEnabled ?? database.versioningEnabled,
    strictValidation: config.strictValidation ?? database.strictValidation,
    versions: entry?.versions,
    schemaRegistry: entry?.schemaRegistry,
    pluginSchemaRegistry: entry?.pluginSchemaRegistry,
    _pluginAttributeMetadata: saved ? pluginOwners(savedPluginAttributes(saved), saved.pluginAttributes) : undefined
  });
  keepSchema(resource, config);
  keepMap(resource, config, saved);
  if (config.parallelism !== undefined) keepOwnParallelism(resource);
  resource.database = database;
  if (entry?.createdBy) resource.config.createdBy = entry.createdBy;
  database._resourcesMap[config.name] = resource;
  database._removedResources.delete(config.name);
  attachRecordHooks(database, resource);
  applyMiddlewares(resource, middlewares);
  return resource;
}

/** `$schema` shows what the caller passed, with the defaults of the database, and nothing internal. */
function keepSchema(resource, config) {
  const schema = resource.$schema;
  for (const key of ['versions', 'schemaRegistry', 'pluginSchemaRegistry', '_pluginAttributeMetadata', '_security'])
    if (!(key in config)) delete schema[key];
  if (config.attributes) schema.attributes = cloneValue(config.attributes);
}

/** Records of a version are read with its codes, also by a process that declares it without them. */
function keepMap(resource, config, saved) {
  if (config.map !== undefined || !isPlainObject(saved?.map) || saved.hash !== definitionHash(definitionOf(resource))) return;
  resource.map = saved.map;
  resource.applyConfiguration({ map: saved.map });
}

/** Security of a resource: its own settings over those of the database. */
function securityOf(database, { security }) {
  if (security === undefined || security === null) return database._security;
  passwordSettings(security);
  return { ...database._security, ...security, argon2: { ...database._security?.argon2, ...security.argon2 } };
}

async function redeclare(database, resource, config, isFirst = true) {
  const { name } = resource;
  const entry = savedEntry(database, name);
  const saved = entry?.versions?.[resource.version];
  const partitions = normalizePartitions(config.partitions, config.attributes);
  checkMiddlewares(config.middlewares, resource.name);
  checkConfig({ ...config, client: database.client, partitions, cache: cacheFlag(config.cache ?? database.cache) });
  const before = snapshot(resource);
  const restore = rememberDefinition(resource);
  const known = definitionHash(definitionOf(resource));
  const apply = () => applyDeclaration(database, resource, config, cloneValue(partitions), saved);
  try {
    apply();
  } catch (error) {
    Object.assign(resource, before);
    throw error;
  }
  configureHooks(resource, config.hooks);
  applyEventOptions(resource, config);
  registerEvents(resource, config.events);
  applyMiddlewares(resource, config.middlewares);
  const description = describeResource(database, resource);
  const changed = description.hash !== known || mapsDiffer(before, resource.map);
  if (changed && !saved && isFirst) {
    // Records may have the definition that is being written: it has to be known before another takes its place.
    restore();
    await settleWrites(database);
    return redeclare(database, resource, config, false);
  }
  const stale = saved && (saved.hash !== description.hash || mapsDiffer(saved, resource.map));
  if (changed && stale) {
    restore();
    await replaceDefinition(database, name, { description, apply });
  } else if (!saved || stale || idsDiffer(saved, resource)) {
    await saveDefinition(database, name);
  }
  database.emit('db:resource-updated', name);
  return resource;
}

/** Waits for what is to be written and what is on its way. Failures are told to those who asked for the writes, and by an event. */
async function settleWrites(database) {
  await writeDeferred(database);
  await Promise.allSettled([database._nextUpload, database._runningUpload]);
}

/** Writes another definition of a stored resource; until that is done, records are those of the version that is stored. */
async function replaceDefinition(database, name, pending) {
  const waiting = database._pendingDefinitions;
  waiting.set(name, pending);
  try {
    await writeDefinition(database, name);
  } catch (error) {
    if (waiting.get(name) === pending) waiting.delete(name);
    throw error;
  }
  // Where `uploadMetadataFile` was replaced by something that writes nothing.
  if (waiting.get(name) === pending) {
    waiting.delete(name);
    pending.apply();
  }
}

/** Gives the function that brings back the definition as it is now. */
function rememberDefinition(resource) {
  const { attributes, schema, behavior, map, versioningEnabled, $schema, _pluginAttributeMetadata, _passwordPaths, _warnPassphrase } =
    resource;
  const definition = { attributes, schema, behavior, map, versioningEnabled, $schema };
  const config = { ...resource.config };
  return () => {
    Object.assign(resource, definition, { _pluginAttributeMetadata, _passwordPaths, _warnPassphrase });
    for (const key of Object.keys(resource.config)) if (!Object.hasOwn(config, key)) delete resource.config[key];
    Object.assign(resource.config, config);
    definitionChanged(resource);
  };
}

/** What a re-declaration that is refused leaves as it was. */
const DECLARED = [
  'behavior',
  'versioningEnabled',
  'strictValidation',
  'passphrase',
  'bcryptRounds',
  '_security',
  'parallelism',
  'map',
  'guard',
  'idGenerator',
  'idSize',
  'idGeneratorType',
  '_asyncMode'
];

function snapshot(resource) {
  return { ...Object.fromEntries(DECLARED.map((name) => [name, resource[name]])), config: { ...resource.config } };
}

function applyDeclaration(database, resource, config, partitions, saved) {
  resource.config.cache = cacheFlag(config.cache ?? database.cache);
  for (const key of Object.keys(config)) {
    if (!NOT_CONFIG.has(key) && key !== 'cache' && config[key] !== undefined) resource.config[key] = config[key];
  }
  resource.config.partitions = partitions;
  if (config.hooks) resource.config.hooks = config.hooks;
  resource.behavior = config.behavior ?? 'user-managed';
  resource.versioningEnabled = config.versioningEnabled ?? database.versioningEnabled;
  if (config.strictValidation !== undefined) resource.strictValidation = config.strictValidation;
  const passphrase = config.passphrase ?? config.security?.passphrase;
  if (passphrase !== undefined) resource.passphrase = passphrase;
  const rounds = config.bcryptRounds ?? config.security?.bcrypt?.rounds;
  if (rounds !== undefined) resource.bcryptRounds = rounds;
  if (config.security !== undefined) resource._security = securityOf(database, config);
  if (config.parallelism !== undefined) {
    resource.parallelism = config.parallelism;
    keepOwnParallelism(resource);
  }
  if (config.map !== undefined) resource.map = config.map;
  if (config.guard !== undefined) resource.guard = normalizeGuard(config.guard);
  if (config.asyncEvents !== undefined) resource.setAsyncMode(config.asyncEvents);
  if (config.idGenerator !== undefined || config.idSize !== undefined) applyIdOptions(resource, config);
  if (config.createdBy !== undefined && saved) resource.config.createdBy = resource.config.createdBy || config.createdBy;
  resource.updateAttributes(reconcileAttributes(config.attributes, saved));
  resource.$schema = {
    ...resource.$schema,
    ...Object.fromEntries(
      Object.entries(config)
        .filter(([key]) => !['client', 'database', 'observers'].includes(key))
        .map(([key, value]) => [key, cloneValue(value)])
    ),
    partitions: cloneValue(partitions),
    _updatedAt: Date.now()
  };
}
