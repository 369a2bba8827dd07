import { EventEmitter } from 'node:events';
import { PluginError } from '../errors/index.js';
import { childLogger, pluginLogger } from '../util/logger.js';
import { getNested } from '../util/nested.js';
import { Background } from './background.js';
import { PluginCronManager } from './cron-jobs.js';
import { addMiddleware, wrapMethod } from './layers.js';
import { Ledger } from './ledger.js';
import { classNameOf, normalizeNamespace, registryName, slugOf } from './names.js';
import { checkPluginOptions } from './options.js';
import { PluginHooks } from './plugin-hooks.js';
import { PluginStorage } from './plugin-storage.js';
import { storageClientOf, storedNamespaces } from './storage-client.js';

/** The database that a plugin given as a class receives in place of options. */
function isDatabase(value) {
  return typeof value?.createResource === 'function' && typeof value?.usePlugin === 'function';
}

function resourcesOf(database) {
  return Object.values(database?.resources ?? {});
}

/**
 * Base class of plugins (spec/05 section 6): names and namespaces, life cycle, storage, and everything that a plugin
 * attaches to resources, which `uninstall` takes back.
 *
 * Subclasses override `onInstall`, `onStart`, `onStop` and `onUninstall`; `onSetup` is an alias of `onInstall`.
 */
export class Plugin extends EventEmitter {
  /**
   * @param {object} [options] `slug` (prefix of stored keys), `namespace` or its alias `instanceId` (keeps several
   *   instances apart), `logger`, `logLevel`, and what the subclass reads
   */
  constructor(options = {}) {
    super();
    if (options === null || typeof options !== 'object') {
      throw new TypeError(`Plugin options must be an object, received ${options === null ? 'null' : typeof options}`);
    }
    const given = isDatabase(options) ? {} : options;
    const type = this.constructor;
    this.name = classNameOf(this);
    this.options = given;
    this.hooks = new Map();
    const state = {
      _slug: '',
      _slugAssigned: false,
      _ledger: new Ledger(),
      _pluginHooks: new PluginHooks(this),
      _state: 'new',
      _installedSlug: null,
      _logger: null,
      _background: null,
      _cronManager: null,
      _cronJobs: null,
      _processManager: null
    };
    for (const [key, value] of Object.entries(state)) Object.defineProperty(this, key, { value, writable: true, configurable: true });
    this.baseSlug = given.slug || (Object.hasOwn(type, 'slug') && type.slug) || this._generateSlug();
    this._slug = this.baseSlug;
    this._storage = null;
    this.instanceName = null;
    this.namespace = null;
    this._namespaceExplicit = false;
    const namespace = given.namespace ?? given.instanceId;
    if (namespace !== undefined && namespace !== null) this.setNamespace(namespace, { explicit: true });
  }

  // Names

  /** Namespace of stored keys: `plugin=<slug>/...`. Assigning one without a namespace makes it the base. */
  get slug() {
    return this._slug;
  }

  set slug(value) {
    const text = String(value);
    this._storage = null;
    if (text.includes('--')) {
      this._slug = text;
      return;
    }
    this.baseSlug = text;
    this._slugAssigned = true;
    this._slug = this.namespace === null || this.namespace === undefined ? text : `${text}--${this.namespace}`;
  }

  _generateSlug() {
    return slugOf(classNameOf(this));
  }

  _normalizeNamespace(value) {
    return normalizeNamespace(value);
  }

  /** A class field `slug = '...'` shadows the accessor; its value counts as an assignment. */
  _adoptSlugField() {
    if (!Object.hasOwn(this, 'slug')) return;
    const { value } = Object.getOwnPropertyDescriptor(this, 'slug');
    delete this.slug;
    this.slug = value;
  }

  /**
   * Keeps this instance's stored keys and resources apart from other instances of the class.
   * @param {any} value normalised: lower case, runs of other characters become `-`
   * @param {{ explicit?: boolean }} [options] explicit namespaces are not replaced by derived ones; an explicit empty one
   *   means none
   */
  setNamespace(value, { explicit = false } = {}) {
    this._adoptSlugField();
    const namespace = normalizeNamespace(value);
    if (namespace === null && !explicit) return;
    if (namespace === this.namespace && (!explicit || this._namespaceExplicit)) return;
    if (explicit) this._namespaceExplicit = true;
    this.namespace = namespace;
    this._slug = namespace === null ? this.baseSlug : `${this.baseSlug}--${namespace}`;
    this._storage = null;
    this.onNamespaceChanged(namespace);
  }

  /** Called by the database with the name in its registry; without an explicit namespace it gives one. */
  setInstanceName(name) {
    this._adoptSlugField();
    this.instanceName = name;
    if (this._namespaceExplicit || !name) return;
    // A slug chosen in the constructor is not extended by the name that only the class gave (decision 60).
    if (this._slugAssigned && name === registryName(this)) return;
    if (normalizeNamespace(name) !== this.baseSlug) this.setNamespace(name);
  }

  /** Overridable. Also called from the constructor, before the fields of a subclass exist. */
  onNamespaceChanged(_namespace) {}

  // Life cycle

  /** Overridable: set up resources, storage and hooks. By default what `onSetup` does. */
  async onInstall() {
    await this.onSetup();
  }

  /** Overridable, called when `onInstall` is not overridden. */
  async onSetup() {}

  /** Overridable: start timers and workers. */
  async onStart() {}

  /** Overridable: stop them, flush, close connections. */
  async onStop() {}

  /** Overridable: clean up what only the plugin knows of. */
  async onUninstall(_options) {}

  /** Attaches the plugin to a database. What it had registered is undone when `onInstall` fails. */
  async install(database) {
    this.database = database;
    this._adoptSlugField();
    this._logger = null;
    checkPluginOptions(this, database);
    this.beforeInstall();
    try {
      await this._ledger.run(() => this.onInstall(), resourcesOf(database));
    } catch (error) {
      this._ledger.undo();
      throw error;
    }
    this._pluginHooks.attach();
    this._installedSlug = this.slug;
    this._state = 'installed';
    this.afterInstall();
  }

  /** Alias of `install`. */
  async setup(database) {
    await this.install(database);
  }

  async start() {
    this.beforeStart();
    await this._announcing('plugin.started', () => this._ledger.run(() => this.onStart(), resourcesOf(this.database)));
    this._state = 'started';
    this.afterStart();
  }

  async stop() {
    this._state = 'stopped';
    this.beforeStop();
    try {
      await this._announcing('plugin.stopped', () => this.onStop());
    } finally {
      // After onStop, which may want to drain a queue first.
      await this._stopBackground();
    }
    this.afterStop();
  }

  /**
   * Stops the plugin and takes back what it put on the database and its resources.
   * @param {{ purgeData?: boolean, purgeResources?: boolean }} [options] `purgeData` deletes its storage,
   *   `purgeResources` also the resources that it created
   */
  async uninstall(options = {}) {
    if (this._state === 'started') await this.stop();
    this.beforeUninstall();
    await this.onUninstall(options);
    await this._stopBackground();
    this._pluginHooks.clear();
    this._ledger.undo();
    if (options?.purgeData) await this._purgeData();
    if (options?.purgeResources) await this._purgeResources();
    this._state = 'new';
    this.afterUninstall();
    this.database?._forgetPlugin?.(this);
  }

  /** Deletes what the plugin stored, under the slug of its installation and under the one it has now. */
  async _purgeData() {
    const current = this.getStorage();
    let deleted = await current.deleteAll();
    if (this._installedSlug !== null && this._installedSlug !== this.slug) {
      deleted += await new PluginStorage(current.client, this._installedSlug).deleteAll();
    }
    this.emit('plugin.dataPurged', { deleted });
  }

  /** Deletes the resources whose `createdBy` is this plugin. */
  async _purgeResources() {
    const owners = new Set([this.name, classNameOf(this)]);
    for (const resource of resourcesOf(this.database)) {
      if (owners.has(resource.config.createdBy)) await this.database.deleteResource(resource.name, { purgeData: true });
    }
  }

  /** Runs a step and emits its event, unless the subclass emits it itself. */
  async _announcing(event, run) {
    let emitted = false;
    const note = () => {
      emitted = true;
    };
    this.prependListener(event, note);
    try {
      await run();
    } finally {
      this.removeListener(event, note);
    }
    if (!emitted) this.emit(event, { name: this.name });
  }

  beforeInstall() {
    this.emit('plugin.beforeInstall', new Date());
  }

  afterInstall() {
    this.emit('plugin.afterInstall', new Date());
  }

  beforeStart() {
    this.emit('plugin.beforeStart', new Date());
  }

  afterStart() {
    this.emit('plugin.afterStart', new Date());
  }

  beforeStop() {
    this.emit('plugin.beforeStop', new Date());
  }

  afterStop() {
    this.emit('plugin.afterStop', new Date());
  }

  beforeUninstall() {
    this.emit('plugin.beforeUninstall', new Date());
  }

  afterUninstall() {
    this.emit('plugin.afterUninstall', new Date());
  }

  // Storage and background work

  /**
   * The plugin's storage, under `plugin=<slug>/`.
   * @throws {PluginError} before the plugin is installed
   */
  getStorage() {
    if (!this.database) {
      throw new PluginError('Plugin storage unavailable until plugin is installed', {
        pluginName: this.name,
        operation: 'getStorage',
        statusCode: 400,
        retriable: false,
        suggestion: 'Call getStorage() in onInstall or later.'
      });
    }
    this._adoptSlugField();
    this._storage ??= new PluginStorage(storageClientOf(this), this.slug);
    return this._storage;
  }

  /** Namespaces under which instances of this class have stored data; one warning when there are any. */
  async detectAndWarnNamespaces() {
    const namespaces = await storedNamespaces(this.getStorage().client, this.baseSlug);
    if (namespaces.length > 0) {
      const message = `${this.name} has stored data under the namespaces ${namespaces.join(', ')}`;
      this.emit('plugin.warning', { code: 'PLUGIN_NAMESPACES', message, plugin: this.name, details: { namespaces } });
      this.logger.warn(message);
    }
    return namespaces;
  }

  /** Timers, cron, queues, leases and elections of the plugin (docs/background.md); they end when it stops. */
  get background() {
    this._background ??= new Background({
      name: this.name,
      storage: () => this.getStorage(),
      onError: (error, failure) => this._backgroundFailed(error, failure)
    });
    return this._background;
  }

  set background(value) {
    // A plugin may have a member of this name for something else.
    Object.defineProperty(this, 'background', { value, writable: true, configurable: true, enumerable: true });
  }

  /** The jobs of `scheduleCron` and `scheduleInterval` as an object. */
  get cronManager() {
    return this._cronManager ?? this._jobs();
  }

  _jobs() {
    this._cronJobs ??= new PluginCronManager(this);
    return this._cronJobs;
  }

  set cronManager(value) {
    this._cronManager = value;
  }

  /** Timers and cleanups of the database: `processManager` of its options, or one that ends with its connection. */
  get processManager() {
    return this._processManager ?? this.database?.processManager;
  }

  set processManager(value) {
    this._processManager = value;
  }

  async _stopBackground() {
    await Promise.all([this._cronJobs?.stopAll(), this._background?.stop()]);
  }

  _backgroundFailed(error, failure) {
    this.emit('plugin.error', { plugin: this.name, error, ...failure });
    this.logger.warn(`${this.name}: background task '${failure.task}' failed: ${error?.message ?? error}`);
  }

  /** Runs `handler` at the times of a cron expression while the plugin runs (spec/05 section 18). */
  scheduleCron(expression, handler, suffix, options) {
    return this._jobs().schedule(expression, handler, suffix, options);
  }

  /** Runs `handler` every `ms` milliseconds while the plugin runs. */
  scheduleInterval(ms, handler, suffix, options) {
    return this._jobs().scheduleInterval(ms, handler, suffix, options);
  }

  /** Stops what `scheduleCron` and `scheduleInterval` started; how many. */
  async stopAllCronJobs() {
    return this._jobs().stopAll();
  }

  // Resources

  /** The resource of an argument that may be a name. */
  _resource(resource, operation) {
    if (typeof resource !== 'string') return resource;
    const found = this.database?.resources[resource];
    if (found !== undefined) return found;
    throw new PluginError(`Resource '${resource}' not found`, {
      pluginName: this.name,
      operation,
      resourceName: resource,
      statusCode: 404,
      retriable: false,
      suggestion: 'Create the resource first, or wait for it with database.addHook("afterCreateResource", ...).'
    });
  }

  /**
   * Puts `async (next, ...args)` around a method of a resource: `next(...args)` continues, the return value is the
   * result. The first registered is outermost.
   * @param {object | string} resource
   * @param {string} methodName
   * @param {(next: (...args: any[]) => Promise<any>, ...args: any[]) => any} middleware
   */
  addMiddleware(resource, methodName, middleware) {
    this._ledger.track('layer', addMiddleware(this, this._resource(resource, 'addMiddleware'), methodName, middleware));
  }

  /**
   * Runs `async (result, args, methodName)` after a method of a resource; its return value is the result.
   * @param {object | string} resource
   * @param {string} methodName
   * @param {(result: any, args: any[], methodName: string) => any} wrapper
   */
  wrapResourceMethod(resource, methodName, wrapper) {
    this._ledger.track('layer', wrapMethod(this, this._resource(resource, 'wrapResourceMethod'), methodName, wrapper));
  }

  /**
   * Adds a hook to a resource, now or when it is created.
   * @param {string} resourceName
   * @param {string} event a resource hook such as `beforeInsert`
   * @param {Function} handler
   */
  addHook(resourceName, event, handler) {
    this._pluginHooks.add(resourceName, event, handler);
  }

  /** Removes a hook that `addHook` added. */
  removeHook(resourceName, event, handler) {
    this._pluginHooks.remove(resourceName, event, handler);
  }

  /** Removes every hook that the plugin added to resources and to the database. */
  removeAllHooks() {
    this._pluginHooks.clear();
    this._ledger.undo(['hook', 'database-hook']);
  }

  /** Removes every hook that the plugin added to resources; those on the database stay. */
  removeHooksFromResources() {
    this._pluginHooks.clear();
    this._ledger.undo(['hook']);
  }

  // Partitions

  /**
   * Values of a record for each partition of a resource, as its keys store them: `{ byRegion: { region: 'eu' } }`.
   * Null and undefined values are left out.
   */
  getPartitionValues(data, resource) {
    const values = {};
    for (const [name, definition] of Object.entries(resource?.config?.partitions ?? {})) {
      values[name] = {};
      for (const [field, rule] of Object.entries(definition?.fields ?? {})) {
        const value = this.getNestedFieldValue(data, field);
        if (value !== null && value !== undefined) values[name][field] = resource.applyPartitionRule(value, rule);
      }
    }
    return values;
  }

  /** @deprecated name of the old typings; use `getPartitionValues`. */
  extractPartitionValues(data, resource) {
    return this.getPartitionValues(data, resource);
  }

  /** Value at a dotted path, null when any part is missing. */
  getNestedFieldValue(data, path) {
    return getNested(data, path) ?? null;
  }

  // Logging

  /** The logger of the options or of the database, else the console at `logLevel`. */
  get logger() {
    this._logger ??= pluginLogger(this);
    return this._logger;
  }

  set logger(logger) {
    this._logger = logger;
  }

  /** A logger with a name of its own. */
  getChildLogger(name, bindings = {}) {
    return childLogger(this.logger, name, bindings);
  }
}

/** A plugin that does nothing: for plugins written as plain objects. */
export const PluginObject = {
  setup(_database) {},
  start() {},
  stop() {}
};

export default Plugin;
