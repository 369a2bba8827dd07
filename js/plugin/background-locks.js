/** Locks of the plugin's storage for leases and elections. */
import { randomUUID } from 'node:crypto';

const REMEMBERED = 16;

export class BackgroundLocks {
  #storage;
  #errors = new Map();
  /** Who holds a lock, as others read it in the storage. */
  #workerId = `${process.pid}-${randomUUID().slice(0, 8)}`;

  /** @param {(() => any) | undefined} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** Never rejects: `{ ok: true, text }` with the lock or null, or `{ ok: false, text }` with what went wrong. */
  async call({ op, name, held, ttl }) {
    try {
      const storage = await this.#storage();
      if (op === 'acquire') {
        const lock = await storage.acquireLock(name, { ttl, timeout: 0, workerId: this.#workerId });
        return { ok: true, text: lock ? JSON.stringify(lock) : null };
      }
      const lock = JSON.parse(held);
      if (op === 'release') {
        await storage.releaseLock(lock);
        return { ok: true, text: null };
      }
      const renewed = await storage.renewLock(lock, ttl);
      return { ok: true, text: renewed ? JSON.stringify(renewed) : null };
    } catch (error) {
      const text = String(error?.message ?? error);
      this.#errors.set(text, error);
      if (this.#errors.size > REMEMBERED) this.#errors.delete(this.#errors.keys().next().value);
      return { ok: false, text };
    }
  }

  /** The error that the storage gave with that message. */
  errorOf(message) {
    return this.#errors.get(message);
  }
}
