/** Storage of plugins over any client: entries with a time to live, locks, counters, sequences. */

import { missingMethod } from '../client/adapter.js';
import { announceDegraded } from '../client/degraded.js';
import { MemoryClient } from '../client/memory-client.js';
import { forEachLimited } from '../client/pool.js';
import { storeFor } from '../client/store-for.js';
import { native } from '../native/load.js';
import { fromText, toText } from '../native/text.js';
import { misuse, storageError } from './storage-errors.js';
import { lockMethods } from './storage-locks.js';
import { sequenceMethods } from './storage-sequences.js';

/** @typedef {{ ttl?: number, behavior?: string, contentType?: string, ifMatch?: string, ifNoneMatch?: string }} SetOptions */

const NO_OPTIONS = '{}';

/** Text of the data to store, with what `JSON.stringify` makes of values that have no text form of their own. */
function dataText(data) {
  const copy = { ...data };
  try {
    return toText(copy);
  } catch {
    const plain = JSON.parse(JSON.stringify(copy));
    for (const [name, value] of Object.entries(copy)) {
      if (typeof value === 'number' && !Number.isFinite(value)) plain[name] = value;
    }
    return toText(plain);
  }
}

const isTtl = (ttl) => typeof ttl === 'number' && ttl > 0;

/** Options as the engine reads them; a ttl that is no number above 0 counts as none. */
function setOptions({ ttl, behavior, contentType, ifMatch, ifNoneMatch }, now) {
  return {
    ttl: isTtl(ttl) && Number.isFinite(ttl) ? ttl : undefined,
    behavior: behavior === undefined || behavior === null ? undefined : String(behavior),
    contentType: contentType === undefined || contentType === null ? undefined : String(contentType),
    ifMatch: ifMatch ?? undefined,
    ifNoneMatch: ifNoneMatch ?? undefined,
    now
  };
}

const limitOf = (limit) => (typeof limit === 'number' && limit >= 0 && Number.isFinite(limit) ? Math.floor(limit) : undefined);

/**
 * Storage of one plugin under `plugin=<slug>/...` (spec/05 sections 10 and 18). Every method takes complete keys, which
 * `getPluginKey` builds; any other key is stored at the root of the database and shared by all plugins.
 *
 * Failures are `PluginStorageError` with `code`, `statusCode` and `original` of the cause. A client that lacks a needed
 * method gives `DatabaseError`.
 */
export class PluginStorage {
  /** Called with the result of the clock, when there is one. */
  #now;
  #slot = { store: null, slug: null, handle: null, foreign: false };

  /**
   * @param {object} client S3Client, MemoryClient, FileSystemClient, or any object with the client methods used
   * @param {string} pluginSlug
   * @param {{ now?: () => number }} [options] `now`: clock in epoch milliseconds, for tests
   */
  constructor(client, pluginSlug, { now } = {}) {
    if (!client) throw misuse('PluginStorage requires a client instance', 'constructor', { suggestion: 'Pass database.client.' });
    if (!pluginSlug) {
      throw misuse('PluginStorage requires a pluginSlug', 'constructor', {
        suggestion: 'Pass the slug of the plugin, for example "cache".'
      });
    }
    this.client = client;
    this.pluginSlug = pluginSlug;
    this.#now = now;
  }

  /** The handle for the store that the client uses now. */
  _handle() {
    const store = storeFor(this.client);
    const slug = String(this.pluginSlug);
    const slot = this.#slot;
    if (slot.store === store && slot.slug === slug) return slot.handle;
    const handle = new native.NativePluginStorage(store, slug);
    const client = new WeakRef(this.client);
    handle.setEventSink((text) => {
      const { event, payload } = fromText(text);
      const alive = client.deref();
      if (alive !== undefined && event === 'db:storage:degraded') announceDegraded(alive, payload);
    });
    this.#slot = { store, slug, handle, foreign: store.kind === 'js' };
    return handle;
  }

  _clock() {
    return this.#now === undefined ? undefined : this.#now();
  }

  /** Options with the clock, as text. */
  _options(options) {
    if (this.#now !== undefined) return JSON.stringify({ ...options, now: this._clock() });
    return options === undefined ? NO_OPTIONS : JSON.stringify(options);
  }

  _parallelism() {
    return Math.max(1, Math.trunc(Number(this.client.parallelism)) || 10);
  }

  /** Runs a native call; failures become published errors. */
  async _run(operation, key, call) {
    try {
      const result = call(this._handle());
      return result instanceof Promise ? await result : result;
    } catch (error) {
      throw storageError(error, operation, { pluginSlug: this.pluginSlug, key });
    }
  }

  /** ETag as the client shows it: bare on MemoryClient, quoted as S3 sends it elsewhere. */
  _etag(etag) {
    if (etag === undefined || etag === null) return undefined;
    return this.client instanceof MemoryClient ? etag : `"${etag}"`;
  }

  /** Keys may be anything that has a text. */
  _key(key, operation) {
    if (typeof key === 'string') return key;
    if (key === undefined || key === null || typeof key === 'object') {
      throw misuse('Invalid key: it is no text', operation, {
        pluginSlug: this.pluginSlug,
        key: String(key),
        suggestion: 'Build the key with getPluginKey(resourceName, ...parts).'
      });
    }
    return String(key);
  }

  /**
   * `resource=<name>/plugin=<slug>/<parts>`, or `plugin=<slug>/<parts>` with a falsy resource name. Parts are not encoded.
   * @param {string | null} resourceName
   * @param {...string} parts
   * @returns {string}
   */
  getPluginKey(resourceName, ...parts) {
    const path = `plugin=${this.pluginSlug}/${parts.join('/')}`;
    return resourceName ? `resource=${resourceName}/${path}` : path;
  }

  /**
   * Writes an entry, one PUT.
   * @param {string} key
   * @param {object} data
   * @param {SetOptions} [options] `ttl` in seconds; `behavior` `body-overflow` (default), `body-only` or `enforce-limits`
   * @returns {Promise<{ ETag?: string }>} the client's response
   */
  async set(key, data, options = {}) {
    const at = this._key(key, 'set');
    return this._run('set', at, async (handle) => {
      const text = dataText(data);
      const given = setOptions(options ?? {}, this._clock());
      if (this.#slot.foreign) return this.#setThroughClient(handle, at, text, given);
      const result = handle.set(at, text, JSON.stringify(given));
      const { etag, versionId } = JSON.parse(result instanceof Promise ? await result : result);
      return { ETag: this._etag(etag), VersionId: versionId ?? (this.client instanceof MemoryClient ? null : undefined) };
    });
  }

  /** The client itself is called, so that its own response comes back. */
  async #setThroughClient(handle, key, text, { now, ...options }) {
    handle.checkKey(key);
    const { metadata, body } = this.#split(handle, text, { ...options, now });
    const { client } = this;
    if (typeof client.putObject !== 'function') throw missingMethod('putObject');
    const request = {
      key,
      metadata,
      contentType: options.contentType ?? 'application/json',
      body: body === null ? '' : JSON.stringify(body)
    };
    if (options.ifMatch !== undefined) request.ifMatch = options.ifMatch;
    if (options.ifNoneMatch !== undefined) request.ifNoneMatch = options.ifNoneMatch;
    return client.putObject(request);
  }

  #split(handle, text, options) {
    // Conditions are the client's business here.
    const { ifMatch: _match, ifNoneMatch: _none, ...rest } = options;
    const { metadata, body } = fromText(handle.split(text, JSON.stringify(rest)));
    return { metadata: Object.fromEntries(metadata), body };
  }

  /** Alias of `set`. */
  async put(key, data, options = {}) {
    return this.set(key, data, options);
  }

  /**
   * What `set` would store. Semi-public.
   * @param {object} data
   * @param {string} behavior
   * @returns {{ metadata: object, body: object | null }}
   */
  _applyBehavior(data, behavior = 'body-overflow') {
    try {
      return this.#split(this._handle(), dataText(data), { behavior });
    } catch (error) {
      throw storageError(error, 'set', { pluginSlug: this.pluginSlug });
    }
  }

  /**
   * Reads an entry, one GET. An expired one is removed.
   * @param {string} key
   * @returns {Promise<object | null>} null when missing or expired
   */
  async get(key) {
    const at = this._key(key, 'get');
    const text = await this._run('get', at, (handle) => handle.get(at, this._options()));
    return text === null || text === undefined ? null : fromText(text);
  }

  /**
   * Keys under `plugin=<slug>/<prefix>`, ascending, expired entries included. The prefix is plain text: `config` also
   * finds `config2`.
   * @param {string} [prefix]
   * @param {{ limit?: number }} [options]
   * @returns {Promise<string[]>} keys for `get` and `delete`
   */
  async list(prefix = '', { limit } = {}) {
    const options = this._options({ prefix: String(prefix ?? ''), limit: limitOf(limit) });
    return JSON.parse(await this._run('list', '', (handle) => handle.list(options)));
  }

  /** Alias of `list`. */
  async listKeysWithPrefix(prefix = '', options = {}) {
    return this.list(prefix, options);
  }

  /**
   * Data of the live entries under `plugin=<slug>/<prefix>`, in key order.
   * @param {string} [prefix]
   * @param {{ limit?: number }} [options] `limit` bounds the keys that are read
   * @returns {Promise<object[]>}
   */
  async listWithPrefix(prefix = '', { limit } = {}) {
    const options = this._options({ prefix: String(prefix ?? ''), limit: limitOf(limit), parallelism: this._parallelism() });
    return fromText(await this._run('list', '', (handle) => handle.listData(options)));
  }

  /**
   * Keys under `resource=<name>/plugin=<slug>/<subPrefix>`, ascending.
   * @param {string} resourceName
   * @param {string} [subPrefix]
   * @param {{ limit?: number }} [options]
   * @returns {Promise<string[]>}
   */
  async listForResource(resourceName, subPrefix = '', { limit } = {}) {
    const options = this._options({ resource: String(resourceName), prefix: String(subPrefix ?? ''), limit: limitOf(limit) });
    return JSON.parse(await this._run('listForResource', '', (handle) => handle.list(options)));
  }

  /** Keys without the client's key prefix. Semi-public. */
  _removeKeyPrefix(keys) {
    const prefix = this.client.config?.keyPrefix ?? this.client.keyPrefix;
    if (!prefix) return keys;
    return keys.map((key) => key.replace(prefix, '').replace(/^\//, ''));
  }

  /**
   * Deletes an entry; a missing one is fine.
   * @param {string} key
   */
  async delete(key) {
    const at = this._key(key, 'delete');
    await this._run('delete', at, (handle) => handle.delete(at));
  }

  /**
   * Deletes what the plugin stored for a resource, or everything it stored, locks and counters included.
   * @param {string | null} [resourceName]
   * @returns {Promise<number>} objects deleted
   */
  async deleteAll(resourceName = null) {
    const options = this._options({ resource: resourceName ? String(resourceName) : undefined });
    return this._run('deleteAll', '', (handle) => handle.deleteAll(options));
  }

  /**
   * Writes several entries, up to `client.parallelism` at once. Never rejects for an item.
   * @param {Array<{ key: string, data: object, options?: SetOptions }>} items
   * @returns {Promise<Array<{ ok: boolean, key: string, error?: Error }>>} in input order
   */
  async batchSet(items) {
    const results = new Array(items.length);
    await forEachLimited([...items], this._parallelism(), async ({ key, data, options }, index) => {
      try {
        await this.set(key, data, options);
        results[index] = { ok: true, key };
      } catch (error) {
        results[index] = { ok: false, key, error };
      }
    });
    return results;
  }

  /** Twin of `batchSet`; results `{ key, ok, error }`. */
  async batchPut(items) {
    const results = await this.batchSet(items);
    return results.map(({ key, ok, error }) => ({ key, ok, error: error ?? null }));
  }

  /**
   * Reads several entries, up to `client.parallelism` at once. Never rejects for a key.
   * @param {string[]} keys
   * @returns {Promise<Array<{ key: string, ok: boolean, data: object | null, error?: Error }>>} in input order
   */
  async batchGet(keys) {
    const wanted = [...keys];
    if (this.get !== PluginStorage.prototype.get || wanted.some((key) => typeof key !== 'string')) return this.#getEach(wanted);
    const options = this._options({ parallelism: this._parallelism() });
    const replies = fromText(await this._run('get', '', (handle) => handle.getMany(JSON.stringify(wanted), options)));
    return replies.map(({ data, error }, index) => {
      const key = wanted[index];
      if (error === undefined) return { key, ok: true, data: data ?? null };
      return { key, ok: false, data: null, error: storageError(error, 'get', { pluginSlug: this.pluginSlug, key }) };
    });
  }

  async #getEach(keys) {
    const results = new Array(keys.length);
    await forEachLimited(keys, this._parallelism(), async (key, index) => {
      try {
        results[index] = { key, ok: true, data: await this.get(key) };
      } catch (error) {
        results[index] = { key, ok: false, data: null, error };
      }
    });
    return results;
  }

  /** Whether a live entry exists; removes an expired one. */
  async has(key) {
    return (await this.get(key)) !== null;
  }

  /** True when an entry is missing, unreadable or expired; false without a ttl. Removes nothing. */
  async isExpired(key) {
    const at = this._key(key, 'isExpired');
    return this._run('get', at, (handle) => handle.isExpired(at, this._options()));
  }

  /** Whole seconds left; null without a ttl, or when the entry is missing or unreadable. */
  async getTTL(key) {
    const at = this._key(key, 'getTTL');
    return (await this._run('get', at, (handle) => handle.timeToLive(at, this._options()))) ?? null;
  }

  /**
   * Adds seconds to the current expiry and leaves the rest of the entry byte for byte.
   * @returns {Promise<boolean>} false when the entry is missing, expired or without a ttl, or when the write fails
   */
  async touch(key, additionalSeconds) {
    const at = this._key(key, 'touch');
    return this._run('touch', at, (handle) => handle.touch(at, Number(additionalSeconds), this._options()));
  }

  /**
   * Adds to the counter under `key`, atomically among any number of processes. A missing or expired one starts at 0;
   * other fields are kept.
   * @param {string} key
   * @param {number} [amount]
   * @param {{ ttl?: number, contentType?: string }} [options] `ttl` sets a new expiry; without it the present one is kept
   * @returns {Promise<number>} the new value
   */
  async increment(key, amount = 1, options = {}) {
    const at = this._key(key, 'increment');
    if (typeof amount !== 'number' || !Number.isFinite(amount)) {
      throw misuse('Cannot increment counter: the amount is not a finite number', 'increment', {
        pluginSlug: this.pluginSlug,
        key: at,
        field: 'amount',
        suggestion: 'Pass a finite number, for example increment(key, 5).'
      });
    }
    const { ttl, contentType } = setOptions(options ?? {});
    return this._run('increment', at, (handle) => handle.increment(at, this._options({ amount, ttl, contentType })));
  }

  /** `increment` by the negated amount. */
  async decrement(key, amount = 1, options = {}) {
    return this.increment(key, -amount, options);
  }

  /**
   * Writes an entry only where no live one is.
   * @returns {Promise<string | null>} the ETag, or null when there is one already
   */
  async setIfNotExists(key, data, options = {}) {
    return this.#setIf(key, data, options, undefined);
  }

  /**
   * Writes an entry only while its version is `version`.
   * @returns {Promise<string | null>} the new version, or null when it changed or is gone
   */
  async setIfVersion(key, data, version, options = {}) {
    if (typeof version !== 'string' || version === '') {
      throw misuse('setIfVersion requires a version', 'setIfVersion', {
        pluginSlug: this.pluginSlug,
        key: String(key),
        field: 'version',
        suggestion: 'Pass the version that getWithVersion(key) returned, or use setIfNotExists(key, data).'
      });
    }
    return this.#setIf(key, data, options, version);
  }

  async #setIf(key, data, options, version) {
    const at = this._key(key, 'set');
    const { ttl, contentType } = setOptions(options ?? {});
    const etag = await this._run('set', at, (handle) => handle.setIf(at, dataText(data), this._options({ ttl, contentType, version })));
    return etag === null || etag === undefined ? null : (this._etag(etag) ?? '');
  }

  /**
   * Reads an entry with the version for `setIfVersion` and `deleteIfVersion`.
   * @returns {Promise<{ data: object | null, version: string | null }>} both null when missing or expired
   */
  async getWithVersion(key) {
    const at = this._key(key, 'get');
    const text = await this._run('get', at, (handle) => handle.getWithVersion(at, this._options()));
    if (text === null || text === undefined) return { data: null, version: null };
    const { data, version } = fromText(text);
    return { data, version: version.includes(';') ? version : this._etag(version) };
  }

  /**
   * Deletes an entry only while its version is `version`.
   * @returns {Promise<boolean>} false when it changed or is gone
   */
  async deleteIfVersion(key, version) {
    const at = this._key(key, 'delete');
    return this._run('delete', at, (handle) => handle.deleteIfVersion(at, String(version)));
  }

  /** Values of metadata texts. Semi-public. */
  _parseMetadataValues(metadata) {
    return fromText(this._handle().parseValues(toText({ ...metadata })));
  }

  /** Wait after attempt number `attempt`, milliseconds. Semi-public. */
  _computeBackoff(attempt, base = 100, max = 1000) {
    return Math.min(base * 2 ** Math.max(0, attempt - 1), max) + Math.floor((Math.random() * base) / 2);
  }

  /** Semi-public. */
  _sleep(ms) {
    return new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
  }
}

for (const methods of [lockMethods, sequenceMethods]) {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(methods))) {
    Object.defineProperty(PluginStorage.prototype, name, { ...descriptor, enumerable: false });
  }
}

export default PluginStorage;
