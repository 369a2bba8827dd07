import { createClient } from '../client/create-client.js';
import { watchDegraded } from '../client/degraded.js';
import { storeFor } from '../client/store-for.js';
import { fromNative } from '../errors/from-native.js';
import { ResourceNotFound } from '../errors/index.js';
import { nextId } from '../resource/ids.js';
import { definitionOf } from '../resource/introspection.js';
import { maintained } from '../util/inner-call.js';
import { nearestName } from '../util/nearest-name.js';
import { OwnedEmitter } from '../util/owned-emitter.js';
import { showAs } from '../util/shown.js';
import { offSignal, onSignal } from '../util/signals.js';
import { VERSION } from '../util/version.js';
import { parallelismOf, readParallelism, setConcurrency } from './concurrency.js';
import { connect, disconnect } from './connect.js';
import { getGlobalCoordinator } from './coordinators.js';
import { applyMiddlewares, createResource, normalizePartitions } from './create-resource.js';
import { flushDeferred } from './deferred-writes.js';
import { definitionHash, nextVersion } from './definition.js';
import { offExit, onExit } from './exit.js';
import { deserializeHooks, serializeHooks } from './hook-source.js';
import { addHook, clearHooks, DATABASE_HOOKS, executeHooks, getHooks, installHooks, removeHook } from './hooks.js';
import { checkLogOptions, getChildLogger, loggerOf, setChildLevel } from './logging.js';
import { checkManagers, managerOf } from './managers.js';
import { blankMetadata, composeMetadata, storedVersions, uploadMetadata } from './metadata.js';
import { applySecurity, checkEffects, checkOptions, connectionStringOf, poolOptions } from './options.js';
import { forgetPlugin, pluginName, startPlugins, stopPlugins, uninstallPlugin, usePlugin } from './plugins.js';
import { findPlugin, ownProperties } from './resources-proxy.js';

function newId() {
  try {
    return nextId(7);
  } catch {
    return `db-${Date.now()}-${Math.random().toString(36).slice(2, 9)}`;
  }
}

/**
 * A database under one bucket and key prefix: resources, metadata, plugins.
 */
export class Database extends OwnedEmitter {
  /**
   * @param {object} options `connectionString` or `client`, and what the documentation lists
   */
  constructor(options) {
    super();
    if (options === null || typeof options !== 'object') {
      throw new TypeError(
        `Database requires an options object: new Database({ connectionString }); got ${options === null ? 'null' : typeof options}`
      );
    }
    this.id = newId();
    this.version = '1';
    this.s3dbVersion = VERSION;
    defineState(this);
    this.resources = ownProperties(this._resourcesMap);
    this.savedMetadata = null;
    this.options = options;
    this.verbose = options.verbose || false;
    this.parallelism = parallelismOf(options);
    this.pluginList = options.plugins ?? [];
    this.pluginRegistry = ownProperties({}, findPlugin);
    this.plugins = this.pluginRegistry;
    this.cache = options.cache;
    applySecurity(this, options);
    this.versioningEnabled = options.versioningEnabled || false;
    this.persistHooks = options.persistHooks || false;
    this.strictValidation = options.strictValidation !== false;
    this.strictHooks = options.strictHooks || false;
    checkOptions(this, options);
    checkLogOptions(options);
    checkManagers(options);
    this.logger = loggerOf(this);
    this.connectionString = options.client ? options.connectionString : connectionStringOf(options);
    this.client = options.client ?? this._createClient();
    watchDegraded(this.client, this);
    this.bucket = this.client.bucket ?? this.client.config?.bucket;
    this.keyPrefix = this.client.keyPrefix ?? this.client.config?.keyPrefix;
    checkEffects(this, options);
    installHooks(this);
    this._registerExitListener();
  }

  _createClient() {
    const { sessionToken, httpClientOptions, AwsS3Client } = this.options;
    const clientOptions = this.options.clientOptions ?? {};
    return createClient(this.connectionString, {
      verbose: this.verbose,
      parallelism: this.parallelism,
      sessionToken,
      httpClientOptions: httpClientOptions ?? undefined,
      executorPool: poolOptions(this.options),
      clientOptions: AwsS3Client === undefined ? clientOptions : { ...clientOptions, AwsS3Client }
    });
  }

  /** The six documented facts, as a fresh object. */
  get config() {
    const { version, s3dbVersion, bucket, keyPrefix, parallelism, verbose } = this;
    return { version, s3dbVersion, bucket, keyPrefix, parallelism, verbose };
  }

  /** The constructor options, under the name of later versions. */
  get databaseOptions() {
    return this.options;
  }

  /** `security` of the options, with the passphrase and the cost of `bcrypt` in use. */
  get security() {
    const { security } = this.options;
    return { ...security, passphrase: this.passphrase, bcrypt: { ...security?.bcrypt, rounds: this.bcryptRounds } };
  }

  // Concurrency and client

  /** Requests that one operation has under way at a time. Assigning it reaches resources created later; see `setConcurrency`. */
  get parallelism() {
    return this._parallelism;
  }

  set parallelism(value) {
    this._parallelism = readParallelism(value);
  }

  /** Sets `parallelism` for everything: client, its pool, resources without one of their own. A number, or `auto`. */
  setConcurrency(concurrency) {
    setConcurrency(this, concurrency);
  }

  /** The pool that requests pass (`executorPool`), or null. */
  get taskExecutor() {
    return this.client?.pool ?? null;
  }

  /** Loads the addon and opens the store of the client, which otherwise the first operation does. */
  async ensureClientInitialized() {
    try {
      storeFor(this.client);
    } catch (error) {
      throw fromNative(error, { bucket: this.bucket ?? 'unknown', operation: 'ensureClientInitialized' });
    }
  }

  // Logging

  /** A logger with a name and bindings of its own, at the level of `loggerOptions.childLevels` or `setChildLevel`. */
  getChildLogger(name, bindings) {
    return getChildLogger(this, name, bindings);
  }

  /** Sets the level of the child loggers of a name. */
  setChildLevel(name, level) {
    setChildLevel(this, name, level);
  }

  /** Timers and cleanups with names: the given one, or one that ends with the connection. */
  get processManager() {
    return managerOf(this, 'processManager');
  }

  /** Jobs with names, those of plugins among them: the given one, or one that ends with the connection. */
  get cronManager() {
    return managerOf(this, 'cronManager');
  }

  // Life cycle

  async connect() {
    await connect(this);
  }

  /** Alias of `connect`. */
  async init() {
    await this.connect();
  }

  /** Alias of `connect`. */
  async start() {
    await this.connect();
  }

  async disconnect() {
    await disconnect(this);
  }

  isConnected() {
    return Boolean(this.savedMetadata);
  }

  _registerExitListener() {
    if (this._exitListenerRegistered || this.options.autoCleanup === false) return;
    const reference = new WeakRef(this);
    this._exitListener = () => {
      const database = reference.deref();
      // Nothing asynchronous finishes here: only the synchronous part of stopping runs.
      if (database?.isConnected()) database.disconnect().catch(() => {});
    };
    onExit(this._exitListener);
    this._exitListenerRegistered = true;
  }

  _registerSignals() {
    if (this._onSignal || this.options.exitOnSignal !== true) return;
    // Held until it disconnects, also when nobody else knows it any more: it still has to end.
    this._onSignal = () => this.disconnect();
    onSignal(this._onSignal);
  }

  _unregisterExitListener() {
    if (this._onSignal) offSignal(this._onSignal);
    this._onSignal = null;
    if (this._exitListener) offExit(this._exitListener);
    this._exitListener = null;
    this._exitListenerRegistered = false;
  }

  // Resources

  async createResource(config, report) {
    if (config === null || config === undefined) throw new TypeError('createResource requires a configuration object');
    return createResource(this, config, report);
  }

  /** The resource of a name; throws `ResourceNotFound`. Usable with and without `await`. */
  resource(name) {
    if (this.resourceExists(name)) return this._resourcesMap[name];
    throw new ResourceNotFound({
      bucket: this.client?.config?.bucket ?? this.bucket ?? 'unknown',
      resourceName: String(name),
      id: String(name),
      availableResources: Object.keys(this._resourcesMap),
      suggestion: missingResource(this, name)
    });
  }

  async getResource(name) {
    return this.resource(name);
  }

  async listResources() {
    return Object.keys(this._resourcesMap).map((name) => ({ name, ...this._resourcesMap[name].export() }));
  }

  /** Compiles schemas ahead of the first record; unknown names are `skipped`. */
  prewarmResources(names = Object.keys(this._resourcesMap)) {
    const result = { warmed: [], skipped: [], alreadyCompiled: [] };
    for (const name of names) {
      if (!this.resourceExists(name)) result.skipped.push(name);
      else (this._resourcesMap[name].prewarmSchema() ? result.warmed : result.alreadyCompiled).push(name);
    }
    return result;
  }

  resourceExists(name) {
    return typeof name === 'string' && Object.hasOwn(this._resourcesMap, name);
  }

  resourceExistsWithSameHash({ name, attributes, behavior = 'user-managed', partitions = {} }) {
    if (!this.resourceExists(name)) return { exists: false, sameHash: false, hash: null };
    const resource = this._resourcesMap[name];
    const existing = resource.export();
    const existingHash = definitionHash(existing);
    const normal = { ...normalizePartitions(partitions, attributes) };
    const automatic = [];
    if (existing.timestamps) automatic.push('byCreatedDate', 'byUpdatedDate');
    if (resource.versioningEnabled) automatic.push('byVersion');
    for (const partition of automatic)
      if (!(partition in normal) && existing.partitions[partition]) normal[partition] = existing.partitions[partition];
    const hash = definitionHash({ attributes, behavior, partitions: normal, timestamps: existing.timestamps });
    return { exists: true, sameHash: hash === existingHash, hash, existingHash };
  }

  /** Removes a resource from memory and from `s3db.json`; its objects only with `purgeData`. */
  async deleteResource(name, { purgeData = false } = {}) {
    const resource = this.resource(name);
    await resource._drain();
    if (purgeData) {
      try {
        await resource._native.deleteAll('all');
      } catch (error) {
        throw resource._publicError(error, { operation: 'deleteResource' });
      }
      await maintained(resource);
    }
    delete this._resourcesMap[name];
    this._pendingDefinitions.delete(name);
    this._removedResources.add(name);
    try {
      await this.uploadMetadataFile();
    } catch (error) {
      // It is still defined: the caller may try again.
      if (this._removedResources.delete(name)) this._resourcesMap[name] ??= resource;
      throw error;
    }
    resource.dispose();
  }

  _normalizePartitions(partitions, attributes) {
    return normalizePartitions(partitions, attributes);
  }

  _applyMiddlewares(resource, middlewares) {
    applyMiddlewares(resource, middlewares);
  }

  // Metadata

  /** Writes the definitions; the name of a resource limits the write to that one and those known to have changed. */
  async uploadMetadataFile(name) {
    await uploadMetadata(this, name);
  }

  /** Writes definitions that wait (`deferMetadataWrites`), and waits for writes under way. */
  async flushMetadata() {
    await flushDeferred(this);
    await Promise.all([this._runningUpload, this._nextUpload]);
  }

  async _storedVersions(name) {
    return storedVersions(this, name);
  }

  blankMetadataStructure() {
    return blankMetadata(this);
  }

  /** The metadata that the next upload would write. */
  composeMetadata() {
    return composeMetadata(this).metadata;
  }

  generateDefinitionHash(definition, behavior) {
    return definitionHash(definition, behavior);
  }

  getNextVersion(versions = {}) {
    return nextVersion(versions);
  }

  /** Differences between the resources in memory and metadata; `names` limits the comparison. */
  detectDefinitionChanges(savedMetadata, names = null) {
    const saved = savedMetadata?.resources ?? {};
    const changes = [];
    for (const name of Object.keys(this._resourcesMap)) {
      const currentHash = definitionHash(definitionOf(this._resourcesMap[name]));
      if (!Object.hasOwn(saved, name)) {
        changes.push({ type: 'new', resourceName: name, currentHash, savedHash: null });
        continue;
      }
      const { currentVersion = 'v1', versions = {} } = saved[name];
      const savedHash = versions[currentVersion]?.hash;
      if (savedHash !== currentHash) {
        changes.push({
          type: 'changed',
          resourceName: name,
          currentHash,
          savedHash,
          fromVersion: currentVersion,
          toVersion: nextVersion(versions)
        });
      }
    }
    if (names !== null) return changes;
    for (const name of Object.keys(saved)) {
      if (Object.hasOwn(this._resourcesMap, name)) continue;
      const { currentVersion = 'v1', versions = {} } = saved[name];
      changes.push({
        type: 'deleted',
        resourceName: name,
        currentHash: null,
        savedHash: versions[currentVersion]?.hash,
        deletedVersion: currentVersion
      });
    }
    return changes;
  }

  _serializeHooks(hooks, resourceName = '') {
    return serializeHooks(this, resourceName, hooks);
  }

  _deserializeHooks(hooks, resourceName = '') {
    return deserializeHooks(this, resourceName, hooks);
  }

  // Plugins

  async startPlugins() {
    await startPlugins(this);
  }

  async stopPlugins() {
    await stopPlugins(this);
  }

  async usePlugin(plugin, name = null) {
    return usePlugin(this, plugin, name);
  }

  /** Alias of `usePlugin`. */
  async use(plugin, name = null) {
    return this.usePlugin(plugin, name);
  }

  /** Alias of `usePlugin`. */
  async installPlugin(plugin, name = null) {
    return this.usePlugin(plugin, name);
  }

  async uninstallPlugin(plugin, options = {}) {
    await uninstallPlugin(this, plugin, options);
  }

  /** Takes an uninstalled plugin out of the registry. */
  _forgetPlugin(plugin) {
    forgetPlugin(this, plugin);
  }

  /** A registered plugin, by any spelling of its name; undefined when there is none. */
  getPlugin(name) {
    return this.pluginRegistry[name];
  }

  /**
   * The election of a namespace among all processes with this database; one coordinator per namespace.
   * @param {string} namespace
   * @param {{ autoStart?: boolean, config?: object }} [options] see docs/coordination.md
   */
  async getGlobalCoordinator(namespace, options) {
    return getGlobalCoordinator(this, namespace, options);
  }

  _getPluginName(plugin, custom = null) {
    return pluginName(plugin, custom);
  }

  // Hooks

  addHook(event, fn) {
    addHook(this, event, fn);
  }

  removeHook(event, fn) {
    removeHook(this, event, fn);
  }

  getHooks(event) {
    return getHooks(this, event);
  }

  clearHooks(event) {
    clearHooks(this, event);
  }

  async _executeHooks(event, context = {}) {
    await executeHooks(this, event, context);
  }
}

function missingResource(database, name) {
  const names = Object.keys(database._resourcesMap);
  if (!database.isConnected()) return 'Connect first: await database.connect() reads the stored resources.';
  const near = nearestName(String(name), names);
  return `Create it with createResource({ name: '${name}', attributes })${near ? `, or use '${near}'` : ''}; there are: ${names.join(', ') || 'none'}.`;
}

/** State that callers reach for by name but never enumerate. */
function defineState(database) {
  const state = {
    _resourcesMap: {},
    _hooks: new Map(DATABASE_HOOKS.map((event) => [event, []])),
    _hookEvents: DATABASE_HOOKS,
    _hooksInstalled: false,
    _hookOwners: new WeakMap(),
    _recordHooks: [],
    _plugins: [],
    _coordinators: new Map(),
    _managers: {},
    _exitListener: null,
    _exitListenerRegistered: false,
    _connected: false,
    _connecting: null,
    _disconnecting: null,
    _turn: null,
    _catalog: null,
    _loaded: null,
    _storedMetadata: null,
    _removedResources: new Set(),
    _changedResources: new Set(),
    _pendingDefinitions: new Map(),
    _runningUpload: null,
    _nextUpload: null,
    _nextUploadNames: undefined,
    _deferredWrites: null,
    _parallelism: undefined,
    _onSignal: null,
    _childLoggers: null,
    _engineLogs: null,
    _security: null
  };
  for (const [name, value] of Object.entries(state)) {
    Object.defineProperty(database, name, { value, writable: true, enumerable: false, configurable: true });
  }
}

// The options hold credentials and the passphrase.
showAs(Database, (database) => ({
  id: database.id,
  ...database.config,
  connected: database.isConnected(),
  resources: Object.keys(database._resourcesMap),
  plugins: Object.keys(database.pluginRegistry)
}));

/** The default export of the package: a class of its own that adds nothing. */
export class S3db extends Database {}
