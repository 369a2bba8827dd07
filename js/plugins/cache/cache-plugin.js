import { Plugin } from '../../plugin/plugin.js';
import { coverOperations, onMaintenance, watchInnerCalls } from '../../util/inner-call.js';
import { attach, detach, freeKey, resolveKey } from './attachments.js';
import { createDriver } from './create-driver.js';
import { Invalidation, WRITE_METHODS } from './invalidation.js';
import { cacheKey, hashParams, resourcePrefix } from './keys.js';
import { purgeDriver } from './multi-tier-cache.js';
import { namespaceOf } from './namespace.js';
import { checkNestedOptions, OPTION_NAMES, READ_METHODS, readOptions, readPolicies } from './options.js';
import { ResourceCache } from './resource-cache.js';
import { formatUptime, freshStats, statsReport } from './statistics.js';
import { analyzeUsage, warmCache } from './warming.js';

/** Driver events that the plugin passes on, attached when somebody listens. */
const FORWARDED = { 'cache:memoryPressure': 'memory:pressure', 'cache:memoryEvict': 'memory:evict' };

/**
 * Caches the results of reads and clears what writes change (spec/10).
 *
 * A hit is a copy: changing it changes nothing in the cache. A cache that fails makes reads slower, never wrong: the bucket
 * answers, and `plg:cache:error` or `plg:cache:clear-error` tells.
 */
export class CachePlugin extends Plugin {
  static pluginName = 'CachePlugin';
  static optionNames = OPTION_NAMES;

  #caches = new Map();
  #undo = [];
  #invalidation = new Invalidation(this);
  #created = null;

  /**
   * @param {object} [options] `driver` (`memory`, `filesystem`, `s3` (default), `redis`, `multi`, or an object with `get`,
   *   `set` and `clear`), `drivers` (tiers, fastest first), `ttl` (ms), `maxSize`, `maxMemoryBytes`, `maxMemoryPercent`,
   *   `config` (options of the driver), `include` and `exclude` (resource names), `methodPolicies`, `retryAttempts` (3) and
   *   `retryDelay` (ms, 100) of clears, `namespace`, `verbose`
   * @throws {CacheError} for an unknown driver or strategy, and for options that contradict each other
   */
  constructor(options = {}) {
    super(options);
    this.config = readOptions(this.options);
    this.driver = undefined;
    this.stats = freshStats();
    /** False: reads go to the bucket; writes are still cleared. */
    this.enabled = this.options.enabled !== false;
    const state = { _policies: readPolicies(this.options.methodPolicies), _operations: 0, _stopped: true, _instanceKey: null };
    for (const [key, value] of Object.entries(state)) Object.defineProperty(this, key, { value, writable: true, configurable: true });
    this.on('newListener', (event) => {
      if (Object.hasOwn(FORWARDED, event)) this.#forward(event);
    });
  }

  #forward(event) {
    const { driver } = this;
    const source = FORWARDED[event];
    if (typeof driver?.on !== 'function' || driver.listeners?.(source).some((each) => each.plugin === this)) return;
    const pass = Object.assign((payload) => this.emit(event, payload), { plugin: this });
    driver.on(source, pass);
  }

  // Life cycle

  async onInstall() {
    checkNestedOptions(this, this.database);
    this.#release();
    this._stopped = false;
    this._instanceKey = this.instanceName || this.slug;
    if (typeof this.config.driver === 'object') this.driver = this.config.driver;
    else {
      await this.#created?.close();
      this.driver = createDriver(this.config, { client: this.database.client, slug: this.namespace ? this.slug : 'cache' });
      this.#created = this.driver;
    }
    for (const event of Object.keys(FORWARDED)) if (this.listenerCount(event) > 0) this.#forward(event);
    this.installDatabaseHooks();
    this.installResourceHooks();
  }

  async onStart() {
    // Marked dirty before reads come back, so that none meets what writes without a clear have left.
    const missed = [...this.#caches.values()].filter((cache) => cache.missedWrites || cache.dirty);
    for (const cache of missed) this.#invalidation.markDirty(cache);
    this._stopped = false;
    for (const cache of missed) cache.missedWrites = false;
  }

  /** Closes timers and connections; entries stay, and reads go to the bucket. */
  async onStop() {
    this._stopped = true;
    this.#invalidation.stop();
    await this.driver?.close?.();
  }

  async onUninstall(options = {}) {
    if (options?.purgeData && this.driver) {
      await purgeDriver(this.driver);
      // The purge may have opened again what `onStop` had closed.
      await this.driver.close?.();
    }
    this.#release();
  }

  /** Takes back what this instance has on resources. */
  #release() {
    for (const resource of this.#caches.keys()) detach(resource, this);
    for (const undo of this.#undo.splice(0).reverse()) undo();
    this.#caches.clear();
    this.#invalidation.stop();
  }

  /** Installs the cache on resources that are created from now on. */
  installDatabaseHooks() {
    this.database.addHook('afterCreateResource', ({ resource }) => {
      this.installResourceHooksForResource(resource);
    });
  }

  /** Installs the cache on every resource that qualifies. */
  installResourceHooks() {
    for (const resource of Object.values(this.database.resources)) this.installResourceHooksForResource(resource);
  }

  /** Installs the cache on a resource, once; does nothing on those that do not qualify. */
  installResourceHooksForResource(resource) {
    if (!resource || !this.#qualifies(resource.name, resource)) return;
    const known = this.#caches.get(resource);
    if (known !== undefined) {
      this._redefined(known);
      return;
    }
    const cache = new ResourceCache(this, resource);
    this.#caches.set(resource, cache);
    this._instanceKey = freeKey(resource, this.instanceName || this.slug, this);
    attach(resource, { key: this._instanceKey, plugin: this, cache, facade: namespaceOf(this, cache) });
    this.#undo.push(
      watchInnerCalls(resource),
      onMaintenance(resource, () => this._clearResource(cache, null))
    );
    for (const method of READ_METHODS) {
      // The engine's own upsert asks the store whether a record exists.
      this.#use(
        resource,
        method,
        coverOperations((ctx, next) => cache.read(method, ctx.args, next), ['upsert'])
      );
    }
    for (const method of WRITE_METHODS) {
      const middleware = (ctx, next) => this.#invalidation.write(cache, method, ctx.args, next);
      // Bulk inserts may go to the engine at once: the middleware of insertMany clears for all of them.
      this.#use(resource, method, coverOperations(middleware, method === 'insert' ? ['insertMany', 'upsert'] : []));
    }
  }

  #use(resource, method, middleware) {
    if (typeof resource[method] !== 'function') return;
    resource.useMiddleware(method, middleware);
    this.#undo.push(() => {
      const chain = resource._middlewares?.get(method) ?? [];
      const index = chain.indexOf(middleware);
      if (index !== -1) chain.splice(index, 1);
    });
  }

  #qualifies(name, resource) {
    const { include, exclude } = this.config;
    if (exclude.includes(name)) return false;
    if (include !== null) return include.includes(name);
    const createdBy = resource?.$schema?.createdBy ?? resource?.config?.createdBy;
    return !name.startsWith('plg_') && (createdBy === undefined || createdBy === null || createdBy === 'user');
  }

  /** Whether reads of a resource are cached. */
  shouldCacheResource(name) {
    return this.#qualifies(name, this.database?.resources?.[name]);
  }

  _getDriverForResource(_resource) {
    return this.driver;
  }

  // Used by the parts of the plugin

  /** A read or store that the driver failed: counted, told, and answered from the bucket. */
  _readFailed(cache, method, operation, key, error) {
    this.stats.errors += 1;
    const payload = { resource: cache.name, method, operation, key, error: error?.message ?? String(error) };
    this._warn(`cache ${operation} of ${cache.name}.${method} failed: ${payload.error}`);
    this.emit('plg:cache:error', payload);
    cache.resource.emit('cache-error', payload);
  }

  _warn(message) {
    if (this.config.verbose) this.logger.warn(message);
  }

  /** Clears a resource whose definition has changed: what is cached was read under the old one. */
  _redefined(cache) {
    const { resource } = cache;
    cache.revision = resource._definitionRevision;
    const definition = resource.getDefinitionHash();
    if (definition === cache.definition) return;
    cache.definition = definition;
    this.#invalidation.markDirty(cache);
  }

  _markDirty(cache) {
    this.#invalidation.markDirty(cache);
  }

  async _clearResource(cache, ids) {
    cache.generation += 1;
    await this.#invalidation.clear(cache, ids);
  }

  _resolveKey(resource, options) {
    return resolveKey(resource, options);
  }

  // Keys and clears

  /**
   * Key of a cached result.
   * @param {object} resource
   * @param {string} action
   * @param {object} [params]
   * @param {string | null} [partition]
   * @param {object | null} [partitionValues]
   */
  async generateCacheKey(resource, action, params = {}, partition = null, partitionValues = null) {
    return cacheKey(resource.name, action, params, partition, partitionValues);
  }

  hashParams(params) {
    return hashParams(params);
  }

  /**
   * Clears what a write of `data` changes; without an id the aggregates alone, without data everything of the resource.
   * @param {object} resource
   * @param {object} [data]
   */
  async clearCacheForResource(resource, data) {
    const cache = this.#caches.get(resource);
    if (cache === undefined) {
      await this.clearCacheWithRetry(this.driver, resourcePrefix(resource.name));
      return;
    }
    await this._clearResource(cache, data === undefined || data === null ? null : [data.id]);
  }

  /**
   * Clears a key prefix in a driver, with retries.
   * @returns {Promise<[boolean, Error | null]>}
   */
  async clearCacheWithRetry(driver, key) {
    const result = await this.#invalidation.attempt(() => driver.clear(key));
    if (result[0]) this.stats.deletes += 1;
    return result;
  }

  /** Clears every resource of the database. */
  async clearAllCache() {
    for (const resource of Object.values(this.database.resources)) {
      const cache = this.#caches.get(resource);
      if (cache !== undefined) cache.generation += 1;
      await this.driver.clear(resourcePrefix(resource.name));
      if (cache !== undefined) cache.generation += 1;
    }
  }

  /** Alias of `clearAllCache`. */
  async clearCache() {
    await this.clearAllCache();
  }

  // Reports

  async getCacheStats() {
    const { driver } = this;
    if (!driver) return null;
    return {
      size: typeof driver.size === 'function' ? await driver.size() : 0,
      keys: typeof driver.keys === 'function' ? await driver.keys() : [],
      driver: driver.constructor.name,
      stats: typeof driver.getStats === 'function' ? driver.getStats() : null
    };
  }

  warmCache(resourceName, options) {
    return warmCache(this, resourceName, options);
  }

  analyzeCacheUsage() {
    return analyzeUsage(this);
  }

  /** Counters since the start or the last reset. `operations`: outermost reads and writes on cached resources. */
  getStats() {
    return statsReport(this.stats, this._operations);
  }

  resetStats() {
    Object.assign(this.stats, freshStats());
    this._operations = 0;
  }

  _formatUptime(seconds) {
    return formatUptime(seconds);
  }
}

export default CachePlugin;
