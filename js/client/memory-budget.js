import { ResourceError } from '../errors/index.js';

/**
 * Bound on the bytes of an in-memory store. Without eviction a write that does not fit is refused;
 * with it the objects used longest ago make room.
 */
export class MemoryBudget {
  #sizes = new Map();
  #used = 0;

  /** @param {{ maxBytes: number, evict: boolean }} options */
  constructor({ maxBytes, evict }) {
    this.maxBytes = maxBytes;
    this.evict = evict;
    this.evictions = 0;
    this.evictedBytes = 0;
    this.peakBytes = 0;
  }

  /** Forgets everything and counts these objects, oldest first. */
  reset(entries) {
    this.#sizes.clear();
    this.#used = 0;
    for (const [key, size] of entries) this.stored(key, size);
  }

  /** Marks an object as used now. */
  touched(key) {
    const size = this.#sizes.get(key);
    if (size === undefined) return;
    this.#sizes.delete(key);
    this.#sizes.set(key, size);
  }

  /** Counts a written object. */
  stored(key, size) {
    this.removed(key);
    this.#sizes.set(key, size);
    this.#used += size;
    this.peakBytes = Math.max(this.peakBytes, this.#used);
  }

  /** Forgets a deleted object. */
  removed(key) {
    this.#used -= this.#sizes.get(key) ?? 0;
    this.#sizes.delete(key);
  }

  /**
   * Makes room for a write.
   * @param {string} key
   * @param {number} size
   * @param {(key: string) => void} drop deletes an object
   */
  reserve(key, size, drop) {
    const others = this.#used - (this.#sizes.get(key) ?? 0);
    let excess = others + size - this.maxBytes;
    if (excess <= 0) return;
    if (!this.evict || size > this.maxBytes) {
      throw new ResourceError('Memory limit of the in-memory storage exceeded', {
        operation: 'put',
        key,
        statusCode: 507,
        usedBytes: this.#used,
        maxBytes: this.maxBytes,
        suggestion: 'Raise maxMemoryMB, delete objects, or set evictionEnabled: true (which loses the oldest objects).'
      });
    }
    for (const [oldest, bytes] of [...this.#sizes]) {
      if (excess <= 0) break;
      if (oldest === key) continue;
      drop(oldest);
      this.removed(oldest);
      this.evictions += 1;
      this.evictedBytes += bytes;
      excess -= bytes;
    }
  }

  /** Members of `getStats()`. */
  stats() {
    return {
      memoryUsagePercent: this.maxBytes === 0 ? 0 : (this.#used / this.maxBytes) * 100,
      evictions: this.evictions,
      evictedBytes: this.evictedBytes,
      peakMemoryBytes: this.peakBytes,
      maxMemoryBytes: this.maxBytes
    };
  }
}
