import { nativeReport } from '../errors/from-native.js';
import { fromPairs } from './native-transport.js';

const PAGE = 1000;

/**
 * Record of `MemoryStorage.objects` from a native object.
 * @param {{ meta: string, body: Buffer }} object
 */
export function toRecord({ meta: text, body }) {
  const meta = JSON.parse(text);
  return {
    body: body ?? Buffer.alloc(0),
    metadata: fromPairs(meta.metadata),
    contentType: meta.contentType ?? 'application/octet-stream',
    etag: meta.etag,
    lastModified: new Date(meta.lastModified).toISOString(),
    size: meta.size,
    contentEncoding: meta.contentEncoding,
    contentLength: meta.size
  };
}

/** Whether a native error says that the object is missing. */
export const isMissing = (error) => nativeReport(error)?.kind === 'NoSuchKey';

/**
 * Live view of an in-memory store with the interface of a `Map` of full key to record. Keys come in
 * listing order; records are copies, so changing one does not change the store.
 */
export class ObjectMap {
  #store;
  #write;
  #changed;

  /**
   * @param {() => import('../native/binding.d.ts').NativeStore} store
   * @param {(key: string, record: object) => void} write
   * @param {() => void} changed called after a change made through the view
   */
  constructor(store, write, changed) {
    this.#store = store;
    this.#write = write;
    this.#changed = changed;
  }

  /** Number of objects. */
  get size() {
    return JSON.parse(this.#store().memoryStats()).objectCount;
  }

  /** @param {string} key */
  get(key) {
    try {
      return toRecord(this.#store().get(String(key)));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** @param {string} key */
  has(key) {
    try {
      this.#store().head(String(key));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /**
   * @param {string} key
   * @param {{ body?: Buffer | string, metadata?: object, contentType?: string, contentEncoding?: string }} record
   */
  set(key, record) {
    this.#write(String(key), record);
    this.#changed();
    return this;
  }

  /** @param {string} key */
  delete(key) {
    if (!this.has(key)) return false;
    this.#store().delete(JSON.stringify({ key: String(key) }));
    this.#changed();
    return true;
  }

  /** Removes everything. */
  clear() {
    this.#store().clear();
    this.#changed();
  }

  *keys() {
    let token;
    do {
      const page = JSON.parse(this.#store().list(JSON.stringify({ prefix: '', maxKeys: PAGE, token })));
      for (const { key } of page.entries) yield key;
      token = page.nextToken ?? undefined;
    } while (token !== undefined);
  }

  *entries() {
    for (const key of this.keys()) {
      const record = this.get(key);
      if (record !== undefined) yield [key, record];
    }
  }

  *values() {
    for (const [, record] of this.entries()) yield record;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  /** @param {(record: object, key: string, map: ObjectMap) => void} callback */
  forEach(callback, thisArg) {
    for (const [key, record] of this.entries()) callback.call(thisArg, record, key, this);
  }

  get [Symbol.toStringTag]() {
    return 'Map';
  }
}
