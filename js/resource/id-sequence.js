/** Incremental ids of a resource: numbers of its stored sequence, as ids. */

import { formatId } from './incremental.js';
import { StoredSequence } from './stored-sequence.js';

/** The sequence that ids are taken from. */
export const ID_FIELD = 'id';

/**
 * Hands out ids. Calls that come while numbers are being taken share the next reservation, in their order, so any number
 * of inserts at once costs one or two. In mode `fast` a reservation is `batchSize` numbers, of which this process hands out
 * the rest without a request.
 */
export class IdSequence {
  #stored;
  /** Calls without their numbers yet: `{ count, resolve, reject }`. */
  #waiting = [];
  #serving = false;
  /** Numbers reserved: `{ next, count, start, end, reservedAt }`; `next` and `count` say what is left. */
  #batch = null;
  /** Counts the releases. */
  #epoch = 0;

  /**
   * @param {object} resource
   * @param {{ start: number, increment: number, mode: string, batchSize: number, prefix: string, padding: number }} config
   */
  constructor(resource, config) {
    this.config = config;
    this.#stored = new StoredSequence(resource, ID_FIELD);
  }

  /**
   * @param {number} count
   * @returns {Promise<string[]>} that many ids, ascending by number
   */
  take(count) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ count, resolve, reject });
      if (!this.#serving) this.#serve();
    });
  }

  async #serve() {
    this.#serving = true;
    // Callers of this turn come along.
    await null;
    while (this.#waiting.length > 0) {
      const callers = this.#waiting.splice(0);
      try {
        const numbers = await this.#numbers(callers.reduce((sum, { count }) => sum + count, 0));
        let from = 0;
        for (const { count, resolve } of callers) {
          resolve(numbers.slice(from, from + count).map((number) => formatId(number, this.config)));
          from += count;
        }
      } catch (error) {
        for (const { reject } of callers) reject(error);
      }
    }
    this.#serving = false;
  }

  async #numbers(count) {
    const numbers = [];
    while (numbers.length < count) {
      if (this.#batch === null || this.#batch.count === 0) await this.#reserve(count - numbers.length);
      const batch = this.#batch;
      for (; batch.count > 0 && numbers.length < count; batch.count -= 1) {
        numbers.push(batch.next);
        batch.next += this.config.increment;
      }
    }
    return numbers;
  }

  /** Reserves numbers, at least `count`. */
  async #reserve(count) {
    const { increment, mode, batchSize } = this.config;
    const epoch = this.#epoch;
    const reserved = mode === 'fast' ? Math.max(count, batchSize) : count;
    const start = await this.#stored.advance(reserved, this.config, 'insert');
    // Released meanwhile: those who wait for these numbers get them, nobody else.
    const left = epoch === this.#epoch ? reserved : count;
    this.#batch = { next: start, count: left, start, end: start + reserved * increment, reservedAt: Date.now() };
  }

  /** What this process has reserved in mode `fast`; null when nothing is. */
  get batch() {
    if (this.config.mode !== 'fast' || this.#batch === null) return null;
    const { start, end, next, count, reservedAt } = this.#batch;
    return { start, end, current: next, remaining: count, reservedAt };
  }

  /** Forgets the reserved numbers; nobody gets them. */
  release() {
    this.#epoch += 1;
    this.#batch = null;
  }
}
