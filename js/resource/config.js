/** Construction and configuration of resources: own copies, timestamps, partitions, schema. */
import { registerRounds } from '../concerns/password-hashing.js';
import { ResourceError } from '../errors/index.js';
import { Schema } from '../schema/schema.js';
import { passwordSettings } from '../schema/security.js';
import { warnOnce } from '../util/warn.js';
import { checkConfig } from './config-check.js';
import { normalizeGuard } from './guard.js';
import { configureHooks, emptyHooks, setupPartitionHooks } from './hooks.js';
import { configureIdGenerator, idGeneratorType, nextId } from './ids.js';
import { isIncremental, parseIncremental } from './incremental.js';
import { installMiddlewares } from './middleware.js';
import { validatePartitions } from './partitions.js';
import { passwordPaths } from './passwords.js';
import { cloneValue, isPlainObject } from './values.js';

const NOT_IN_SCHEMA = new Set(['client', 'database', 'observers']);
const DEFAULT_ID_SIZE = 22;

/** Internal state that no caller enumerates. */
function defineState(resource, state) {
  for (const [name, value] of Object.entries(state)) {
    Object.defineProperty(resource, name, { value, writable: true, enumerable: false, configurable: true });
  }
}

function schemaSnapshot(config) {
  const snapshot = {};
  for (const key of Object.keys(config)) if (!NOT_IN_SCHEMA.has(key)) snapshot[key] = cloneValue(config[key]);
  const now = Date.now();
  snapshot._createdAt = now;
  snapshot._updatedAt = now;
  return snapshot;
}

function normaliseSecurity(config) {
  if (config.security === undefined || config.security === null) return config;
  const { passphrase, rounds } = passwordSettings(config.security);
  return { ...config, passphrase: config.passphrase ?? passphrase, bcryptRounds: config.bcryptRounds ?? rounds };
}

/** The part of a `security` option that the engine needs beside passphrase and rounds. */
function passwordOptions({ _security, security }) {
  return _security ?? security ?? null;
}

/** Fills a new resource from its configuration. Synchronous, no requests, throws on bad configuration. */
export function construct(resource, given) {
  defineState(resource, {
    _instanceId: nextId(7),
    _nativeSlots: [],
    _pendingIndex: new Set(),
    _drains: new Set(),
    _definitionRevision: 0,
    _definitionHash: null,
    _savedVersions: given.versions ?? null,
    _schemaRegistry: given.schemaRegistry ?? null,
    _pluginSchemaRegistry: given.pluginSchemaRegistry ?? null,
    _retiredPluginIds: new Set(),
    _pluginAttributeMetadata: { ...given._pluginAttributeMetadata },
    _configuredEvents: [],
    _warnPassphrase: false,
    _passwordPaths: [],
    _security: passwordOptions(given),
    _stateMachine: null
  });
  const input = normaliseSecurity(given);
  checkConfig(input);

  resource.name = input.name;
  resource.client = input.client;
  resource.version = input.version ?? '1';
  resource.behavior = input.behavior ?? 'user-managed';
  resource.observers = input.observers ?? [];
  resource.parallelism = input.parallelism ?? 10;
  resource.passphrase = input.passphrase ?? 'secret';
  resource.bcryptRounds = input.bcryptRounds ?? 10;
  resource.versioningEnabled = input.versioningEnabled ?? false;
  resource.strictValidation = input.strictValidation ?? true;
  resource.setAsyncMode(input.asyncEvents ?? true);
  resource.map = input.map;
  if (input.database) resource.database = input.database;
  applyIdOptions(resource, input);
  applyEventOptions(resource, input, input.database?.options?.disableResourceEvents);

  resource.config = {
    cache: input.cache ?? false,
    hooks: input.hooks ?? {},
    paranoid: input.paranoid ?? true,
    timestamps: input.timestamps ?? false,
    partitions: cloneValue(input.partitions ?? {}),
    autoDecrypt: input.autoDecrypt ?? true,
    allNestedObjectsOptional: input.allNestedObjectsOptional ?? true,
    asyncEvents: input.asyncEvents ?? true,
    asyncPartitions: input.asyncPartitions ?? true,
    strictPartitions: input.strictPartitions ?? false,
    createdBy: input.createdBy ?? 'user'
  };
  if (input.lazySchema !== undefined) resource.config.lazySchema = input.lazySchema;
  resource.$schema = schemaSnapshot(given);
  resource.hooks = emptyHooks();
  resource.attributes = cloneValue(input.attributes);
  applyConfiguration(resource, { map: input.map });
  configureHooks(resource, input.hooks);
  registerEvents(resource, input.events);
  resource.guard = normalizeGuard(input.guard);
  installMiddlewares(resource);
  registerRounds(resource.bcryptRounds);
  for (const entry of Object.values(resource._savedVersions ?? {})) registerRounds(entry?.bcryptRounds);
}

/** One warning per unknown member of incremental ids, or the typed error under `strictOptions` (decision 22). */
function warnUnknownMembers(resource, unknown) {
  for (const { key, near } of unknown) {
    const option = `idGenerator.${key}`;
    const message = `Unknown option '${option}' for resource '${resource.name}'${near ? `; did you mean '${near}'?` : ''}`;
    const details = { option, nearest: near };
    if (resource.database?.options?.strictOptions === true) {
      throw new ResourceError(message, { ...details, resourceName: resource.name, statusCode: 400, retriable: false });
    }
    warnOnce(resource.database, { code: 'UNKNOWN_OPTION', message, resource: resource.name, details });
  }
}

/** `disableEvents`, or `disableResourceEvents`: no emission, and listeners are ignored. */
export function applyEventOptions(resource, { disableEvents, disableResourceEvents }, ofDatabase) {
  const disabled = disableEvents ?? disableResourceEvents ?? ofDatabase;
  if (disabled !== undefined) resource._eventsDisabled = disabled;
}

/** Compiles what the first operations would compile; true when the check of records was not compiled yet. */
export function prewarmSchema(resource) {
  const fresh = !resource.schema.isCompiled();
  resource.schema.compile();
  void resource._native;
  return fresh;
}

/** Sets the generator, size and persisted generator type. */
export function applyIdOptions(resource, { idGenerator, idSize }) {
  const size = idSize ?? DEFAULT_ID_SIZE;
  if (isIncremental(idGenerator)) warnUnknownMembers(resource, parseIncremental(idGenerator).unknown);
  resource.idSize = typeof idGenerator === 'number' && idGenerator > 0 ? idGenerator : size;
  resource.idGenerator = configureIdGenerator(resource, idGenerator, size);
  resource.idGeneratorType = idGeneratorType(idGenerator, size);
}

/**
 * Registers the listeners of a configuration, bound to the resource. A function identical to, or
 * with the same source as, one of an earlier configuration takes its place.
 */
export function registerEvents(resource, events) {
  if (!events) return;
  const earlier = resource._configuredEvents;
  const current = [];
  for (const event of Object.keys(events)) {
    for (const listener of Array.isArray(events[event]) ? events[event] : [events[event]]) {
      if (typeof listener !== 'function') continue;
      const source = String(listener);
      const index = earlier.findIndex(
        (entry) => entry.event === event && (entry.listener === listener || String(entry.listener) === source)
      );
      if (index !== -1) resource.off(event, earlier.splice(index, 1)[0].bound);
      const bound = listener.bind(resource);
      resource.on(event, bound);
      current.push({ event, listener, bound });
    }
  }
  earlier.push(...current);
}

function addPartition(config, name, fields) {
  if (Object.hasOwn(config.partitions, name)) return;
  config.partitions = { ...config.partitions, [name]: { fields } };
}

function secretAttribute(definition) {
  if (typeof definition === 'string') return /^\s*secret(Any|Number)?\s*(\||$)/.test(definition);
  if (Array.isArray(definition)) return definition.some(secretAttribute);
  if (!isPlainObject(definition)) return false;
  if (typeof definition.type === 'string') {
    return secretAttribute(definition.type) || Object.values(definition.properties ?? definition.props ?? {}).some(secretAttribute);
  }
  return Object.values(definition).some(secretAttribute);
}

/** Timestamps, automatic partitions, internal hooks, schema and partition check, from the live configuration. */
export function applyConfiguration(resource, { map } = {}) {
  const { config } = resource;
  config.partitions ??= {};
  if (config.timestamps) {
    if (!Object.hasOwn(resource.attributes, 'createdAt')) resource.attributes.createdAt = 'string|optional';
    if (!Object.hasOwn(resource.attributes, 'updatedAt')) resource.attributes.updatedAt = 'string|optional';
    addPartition(config, 'byCreatedDate', { createdAt: 'date|maxlength:10' });
    addPartition(config, 'byUpdatedDate', { updatedAt: 'date|maxlength:10' });
  }
  if (resource.versioningEnabled) addPartition(config, 'byVersion', { _v: 'string' });
  setupPartitionHooks(resource);
  const explicit = map ?? resource.map;
  const options = { autoDecrypt: config.autoDecrypt, allNestedObjectsOptional: config.allNestedObjectsOptional };
  const schema = new Schema({
    name: resource.name,
    attributes: resource.attributes,
    passphrase: resource.passphrase,
    bcryptRounds: resource.bcryptRounds,
    security: resource._security,
    version: resource.version,
    options,
    ...(explicit ? { map: explicit } : {}),
    _pluginAttributeMetadata: resource._pluginAttributeMetadata
  });
  validatePartitions(resource);
  if (config.lazySchema === false) schema.compile();
  resource.schema = schema;
  definitionChanged(resource);
  resource._passwordPaths = passwordPaths(resource.attributes);
  resource._warnPassphrase = resource.passphrase === 'secret' && Object.values(resource.attributes).some(secretAttribute);
}

/** Forgets everything derived from the definition. */
export function definitionChanged(resource) {
  resource._definitionRevision += 1;
  resource._definitionHash = null;
  resource.database?._changedResources?.add(resource.name);
}

/** Plugin attributes of a resource, both notations: name -> definition. */
export function pluginAttributesOf(resource) {
  const result = {};
  const metadata = resource.schema?._pluginAttributeMetadata ?? resource._pluginAttributeMetadata;
  for (const name of Object.keys(resource.attributes ?? {})) {
    const definition = resource.attributes[name];
    const owned = (isPlainObject(definition) && definition.__plugin__) || Object.hasOwn(metadata, name);
    if (owned) result[name] = definition;
  }
  return result;
}

/**
 * Replaces the attributes; plugin attributes are kept. Nothing changes when the new definition is
 * refused.
 */
export function updateAttributes(resource, newAttributes) {
  const previous = {
    attributes: resource.attributes,
    schema: resource.schema,
    partitions: resource.config.partitions
  };
  resource._pluginAttributeMetadata = { ...resource.schema._pluginAttributeMetadata };
  const kept = pluginAttributesOf(resource);
  resource.attributes = cloneValue(newAttributes);
  for (const name of Object.keys(kept)) if (!Object.hasOwn(resource.attributes, name)) resource.attributes[name] = kept[name];
  try {
    applyConfiguration(resource, { map: resource.map });
  } catch (error) {
    resource.attributes = previous.attributes;
    resource.schema = previous.schema;
    resource.config.partitions = previous.partitions;
    definitionChanged(resource);
    throw error;
  }
  return { oldAttributes: previous.attributes, newAttributes };
}
