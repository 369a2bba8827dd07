import { misuse } from './cache-error.js';

/**
 * One cache instance of one resource (spec/10 section 10.16): warming, invalidation and keys. Every other property is
 * the driver's.
 */
export class CacheNamespace {
  #plugin;
  #cache;

  constructor(plugin, cache) {
    this.#plugin = plugin;
    this.#cache = cache;
  }

  get driver() {
    return this.#plugin.driver;
  }

  get instanceKey() {
    return this.#plugin._instanceKey;
  }

  get driverName() {
    const { driver } = this.#plugin.config;
    return this.#plugin.config.isMultiTier ? 'multi' : typeof driver === 'string' ? driver : driver.constructor.name;
  }

  /** Key of a result: `keyFor('list')`, `keyFor('get', { params: { id } })`. */
  keyFor(action, options = {}) {
    return this.#plugin._resolveKey(this.#cache.resource, { action, ...options });
  }

  /** As `keyFor`, with the action in the options. */
  resolve(options = {}) {
    return this.#plugin._resolveKey(this.#cache.resource, options);
  }

  getDriver() {
    return this.driver;
  }

  async #fresh(options, read) {
    if (options?.forceRefresh) await this.invalidate();
    return read();
  }

  warm(options) {
    return this.#plugin.warmCache(this.#cache.name, options);
  }

  /** Reads one record into the cache; resolves it with `returnData`, else true. */
  async warmItem(id, { forceRefresh = false, returnData = false } = {}) {
    if (forceRefresh) await this.invalidate({ id });
    const record = await this.#cache.resource.get(id);
    return returnData ? record : true;
  }

  async warmMany(ids, { forceRefresh = false, returnData = false } = {}) {
    const records = await this.#fresh({ forceRefresh }, () => this.#cache.resource.getMany(ids));
    return returnData ? records : true;
  }

  async warmList(options = {}) {
    return this.#fresh(options, () => this.#cache.resource.list(options));
  }

  async warmPage(options = {}) {
    return this.#fresh(options, () => this.#cache.resource.page(options));
  }

  async warmQuery(filter = {}, options = {}) {
    return this.#fresh(options, () => this.#cache.resource.query(filter, options));
  }

  async warmCount(options = {}) {
    return this.#fresh(options, () => this.#cache.resource.count(options));
  }

  async warmPartition(partition, partitionValues = {}, options = {}) {
    return this.#fresh(options, () => this.#cache.resource.list({ ...options, partition, partitionValues }));
  }

  /**
   * Removes entries of the resource: all of them, or those of one record with the aggregates.
   * @param {string | { id?: string, ids?: string[] }} [scope] an id, or ids
   */
  async invalidate(scope) {
    const ids = scope === undefined || scope === null ? null : typeof scope === 'string' ? [scope] : (scope.ids ?? [scope.id]);
    if (ids?.some((id) => typeof id !== 'string')) {
      throw misuse('invalidate() takes an id, { id } or { ids }', {
        operation: 'invalidate',
        suggestion: 'Call it without arguments to clear the resource.'
      });
    }
    await this.#plugin._clearResource(this.#cache, ids);
  }

  /** Removes every entry of the resource. */
  async clearAll() {
    await this.invalidate();
  }

  /** Alias of `clearAll`; the driver's `clear` empties every resource. */
  async clear(prefix) {
    if (prefix === undefined) await this.invalidate();
    else await this.driver.clear(prefix);
  }

  stats() {
    return this.#plugin.getStats();
  }
}

/** The namespace object of an instance on a resource: its own members first, then the driver's. */
export function namespaceOf(plugin, cache) {
  return new Proxy(new CacheNamespace(plugin, cache), {
    get(target, name) {
      const owner = name in target ? target : target.driver;
      const value = owner?.[name];
      return typeof value === 'function' ? value.bind(owner) : value;
    }
  });
}
