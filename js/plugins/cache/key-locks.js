import { CacheError } from './cache-error.js';

/** Turns of writers by key, in this process. */
export class KeyLocks {
  #tails = new Map();
  #timeout;

  /** @param {number | null} timeout ms to wait at most; null waits for as long as it takes */
  constructor(timeout) {
    this.#timeout = timeout;
  }

  /** Resolves to the function that ends the turn. */
  async take(key) {
    const before = this.#tails.get(key) ?? Promise.resolve();
    let end;
    const turn = new Promise((resolve) => {
      end = resolve;
    });
    const tail = before.then(() => turn);
    this.#tails.set(key, tail);
    const release = () => {
      end();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    };
    if (!(await this.#arrives(before))) {
      release();
      throw new CacheError(`The lock of cache key '${key}' was not free within ${this.#timeout} ms`, {
        driver: 'filesystem',
        operation: 'lock',
        key,
        retriable: true,
        suggestion: 'Raise lockTimeout, or write the key less often.'
      });
    }
    return release;
  }

  async #arrives(before) {
    if (this.#timeout === null || !(this.#timeout > 0)) {
      await before;
      return true;
    }
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve(false), this.#timeout);
    });
    try {
      return await Promise.race([before.then(() => true), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
