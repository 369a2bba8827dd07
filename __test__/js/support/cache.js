/** Databases with a cache, and drivers that fail or wait on request. */
import { CachePlugin, MemoryCache } from '../../../js/index.js';
import { connectDatabase, requestsOf } from './databases.js';

export const attributes = { name: 'string|required', region: 'string|optional', n: 'number|optional', when: 'date|optional' };
export const partitions = { byRegion: { fields: { region: 'string' } } };

/** A database whose `users` are cached. */
export async function withCache(options = {}, { database: databaseOptions = {}, resource = {} } = {}) {
  const plugin = new CachePlugin({ driver: 'memory', retryDelay: 5, ...options });
  const database = await connectDatabase({ ...databaseOptions, plugins: [plugin] });
  const users = await database.createResource({ name: 'users', attributes, partitions, asyncPartitions: false, ...resource });
  const requests = async (run) => Object.values(await requestsOf(database, run)).reduce((sum, count) => sum + count, 0);
  return { database, plugin, users, requests };
}

/** A driver without `getSync`, as one over a network is, that fails while the name of an operation is in `broken`. */
export class SlowDriver extends MemoryCache {
  broken = new Set();
  /** Awaited before a store: a test holds readers there. */
  gate = null;

  async _get(key) {
    if (this.broken.has('get')) throw new Error('get is broken');
    return super._get(key);
  }

  async lookup(key) {
    if (this.broken.has('get')) throw new Error('get is broken');
    await null;
    return super.lookup(key);
  }

  async store(...args) {
    if (this.broken.has('set')) throw new Error('set is broken');
    await this.gate;
    await super.store(...args);
  }

  async invalidate(what) {
    if (this.broken.has('clear')) throw new Error('clear is broken');
    await super.invalidate(what);
  }
}
