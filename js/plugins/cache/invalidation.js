import { isInnerCall } from '../../util/inner-call.js';
import { ITEM_ACTIONS } from './keys.js';

/** More ids than this in one write: the whole resource is cleared instead of key by key. */
const MAX_IDS = 250;
const MAX_BACKOFF_MS = 30_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const idText = (id) => (typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint' ? String(id) : undefined);

/** Ids that a write touched, from its arguments and its result; null means the whole resource. */
const WRITTEN = {
  insert: ([data], result) => [idText(result?.id) ?? idText(data?.id)],
  upsert: ([data], result) => [idText(result?.id) ?? idText(data?.id ?? data)],
  update: ([id]) => [idText(id)],
  patch: ([id]) => [idText(id)],
  replace: ([id]) => [idText(id)],
  updateConditional: ([id]) => [idText(id)],
  delete: ([id]) => [idText(id)],
  setContent: ([options]) => [idText(options?.id)],
  deleteContent: ([id]) => [idText(id?.id ?? id)],
  deleteMany: ([ids]) => (Array.isArray(ids) ? ids.map(idText) : null),
  insertMany: (_args, result) => (Array.isArray(result) ? result.map((record) => idText(record?.id)) : null),
  deleteAll: () => null,
  deleteAllData: () => null
};

/** Methods whose success changes what reads give. */
export const WRITE_METHODS = Object.keys(WRITTEN);

/** A refusal before anything was written: bad arguments, a missing record, a lost condition. */
function isRefusal(error) {
  return typeof error?.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500;
}

/** Clears of one plugin (spec/10 sections 10.6 and 10.17). */
export class Invalidation {
  #plugin;
  #retries = new Map();
  #following = new Map();

  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** Runs a write method and clears what it changed. */
  async write(cache, method, args, next) {
    const plugin = this.#plugin;
    if (isInnerCall(args.at(-1))) return next();
    plugin._operations += 1;
    if (plugin._stopped) {
      // The driver is closed: what this write makes wrong is cleared when the plugin starts again.
      cache.missedWrites = true;
      return next();
    }
    cache.generation += 1;
    let result;
    try {
      result = await next();
    } catch (error) {
      cache.generation += 1;
      await this.#afterFailure(cache, method, args, error);
      throw error;
    }
    cache.generation += 1;
    await this.clear(cache, WRITTEN[method](args, result));
    this.#followIndex(cache);
    return result;
  }

  /**
   * A refused write clears nothing; but a record that turned out to be missing cannot be cached any longer, and a failure
   * that may have come after the store took the write clears as a success does.
   */
  async #afterFailure(cache, method, args, error) {
    const ids = WRITTEN[method](args, undefined);
    if (!isRefusal(error)) await this.clear(cache, ids);
    else if (error.statusCode === 404 && (method === 'delete' || method === 'update')) await this.#clearItems(cache, ids);
  }

  /**
   * Clears the entries of records and every aggregate of a resource.
   * @param {object} cache
   * @param {Array<string | undefined> | null} ids null for the whole resource
   */
  async clear(cache, ids) {
    const plugin = this.#plugin;
    const known = (ids ?? []).filter((id) => id !== undefined && id !== '');
    const whole = ids === null || known.length > MAX_IDS;
    if (cache.dirty) {
      // The pending clear covers this write too.
      this.markDirty(cache);
      return;
    }
    const { driver } = plugin;
    const keep = whole ? [] : ITEM_ACTIONS.map((action) => `${cache.prefix}action=${action}/`);
    const keys = whole ? [] : known.flatMap((id) => ITEM_ACTIONS.map((action) => cache.itemKey(action, id)));
    const what = { resource: cache.name, prefix: cache.prefix, keep, keys };
    const [ok, error] = await this.attempt(() => invalidate(driver, what));
    // Reads that began during the clear may have met what it was about to remove.
    cache.generation += 1;
    if (ok) {
      plugin.stats.deletes += keys.length + 1;
      return;
    }
    plugin.stats.errors += 1;
    const message = error?.message ?? String(error);
    for (const id of whole ? [] : known) {
      for (const method of ITEM_ACTIONS) plugin.emit('plg:cache:clear-error', { resource: cache.name, method, id, error: message });
    }
    plugin.emit('plg:cache:clear-error', { resource: cache.name, type: 'broad', error: message });
    plugin._warn(`could not clear the cache of '${cache.name}': ${message}`);
    this.markDirty(cache);
  }

  async #clearItems(cache, ids) {
    const { driver } = this.#plugin;
    for (const id of ids ?? []) {
      if (id === undefined) continue;
      for (const action of ITEM_ACTIONS) {
        const [ok, error] = await this.attempt(() => remove(driver, cache.itemKey(action, id)));
        if (!ok)
          this.#plugin.emit('plg:cache:clear-error', { resource: cache.name, method: action, id, error: error?.message ?? String(error) });
      }
    }
  }

  /** Up to `retryAttempts` tries, the delay between them doubled; a missing key is success. */
  async attempt(work) {
    const { retryAttempts, retryDelay } = this.#plugin.config;
    let lastError = null;
    for (let attempt = 0; attempt < retryAttempts; attempt += 1) {
      if (attempt > 0) await pause(retryDelay * 2 ** (attempt - 1));
      try {
        await work();
        return [true, null];
      } catch (error) {
        if (error?.name === 'NoSuchKey' || error?.code === 'NoSuchKey') return [true, null];
        lastError = error;
      }
    }
    return [false, lastError];
  }

  /** Sends reads of a resource to the bucket until a clear of all its entries has succeeded. */
  markDirty(cache) {
    cache.dirty = true;
    cache.generation += 1;
    const pending = this.#retries.get(cache);
    if (pending !== undefined) {
      pending.writes += 1;
      return;
    }
    const retry = { writes: 0, delay: this.#plugin.config.retryDelay, timer: null };
    this.#retries.set(cache, retry);
    this.#schedule(cache, retry);
  }

  #schedule(cache, retry) {
    retry.timer = setTimeout(() => void this.#retry(cache, retry), retry.delay);
    retry.timer.unref();
    retry.delay = Math.min(retry.delay * 2, MAX_BACKOFF_MS);
  }

  async #retry(cache, retry) {
    const { writes } = retry;
    const what = { resource: cache.name, prefix: cache.prefix, keep: [], keys: [] };
    try {
      await invalidate(this.#plugin.driver, what);
    } catch (error) {
      this.#plugin.emit('plg:cache:clear-error', { resource: cache.name, type: 'retry', error: error?.message ?? String(error) });
      if (this.#retries.get(cache) === retry) this.#schedule(cache, retry);
      return;
    }
    if (this.#retries.get(cache) !== retry) return;
    // A write ended meanwhile: what others stored before it may have come after this clear.
    if (retry.writes !== writes) {
      this.#schedule(cache, retry);
      return;
    }
    this.#retries.delete(cache);
    cache.generation += 1;
    cache.dirty = false;
    this.#plugin.emit('plg:cache:clear-recovered', { resource: cache.name });
  }

  /** Partition references that are written after the write resolves change lists once more. */
  #followIndex(cache) {
    const { resource } = cache;
    const { asyncPartitions, strictPartitions } = resource.config;
    if (!asyncPartitions || strictPartitions || !resource._hasPartitions() || typeof resource._drain !== 'function') return;
    const running = this.#following.get(cache);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    const state = { again: false };
    this.#following.set(cache, state);
    void this.#drain(cache, state);
  }

  async #drain(cache, state) {
    try {
      do {
        state.again = false;
        await cache.resource._drain();
        if (this.#plugin._stopped) return;
        cache.generation += 1;
        await this.clear(cache, []);
      } while (state.again);
    } catch (error) {
      this.#plugin.emit('plg:cache:clear-error', { resource: cache.name, type: 'partitions', error: error?.message ?? String(error) });
      this.markDirty(cache);
    } finally {
      this.#following.delete(cache);
    }
  }

  /** Ends the background retries. */
  stop() {
    for (const { timer } of this.#retries.values()) clearTimeout(timer);
    this.#retries.clear();
  }
}

async function remove(driver, key) {
  if (typeof driver.del === 'function') await driver.del(key);
  else await driver.clear(key);
}

/** Clears in a driver that may have no more than `clear`. */
export async function invalidate(driver, what) {
  if (typeof driver.invalidate === 'function') {
    await driver.invalidate(what);
    return;
  }
  for (const key of what.keys) await remove(driver, key);
  await driver.clear(what.prefix);
}
