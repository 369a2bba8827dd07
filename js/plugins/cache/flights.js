/** Loads under way by key, so that callers who miss the same one share it where that gives none of them an old value. */

/** One load: what its callers wait for, and what tells others whether they may join. */
export class Flight {
  /** True from the moment at which the load may have read something. */
  loading = false;
  token = undefined;
  #settle;
  #refuse;

  /**
   * @param {number} generation of the resource in this process when the first caller came
   * @param {object} found what the lookup gave that missed; one object for the callers who shared it
   */
  constructor(generation, found) {
    this.generation = generation;
    this.found = found;
    this.result = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#refuse = reject;
    });
    // Its own caller hears of a failure in another way.
    this.result.catch(() => {});
  }

  settle(value) {
    this.#settle(value);
  }

  refuse(error) {
    this.#refuse(error);
  }

  /**
   * Whether a caller gets nothing older than its own load would give: no write of this process came between, and the load
   * has not begun, or began after the lookup that they share, or no write of another process has changed the token.
   */
  admits(generation, found, token) {
    if (this.generation < generation) return false;
    return !this.loading || this.found === found || isSameToken(this.token, token);
  }
}

/** Whether two tokens of a driver are of the same state; those of tiers are lists. */
function isSameToken(a, b) {
  if (a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((each, index) => isSameToken(each, b[index]));
  return (a?.version ?? a) === (b?.version ?? b);
}

/** Lookups that have not begun: callers of one turn share them, since what they give is of after they came. */
export class Lookups {
  #waiting = new Map();

  /** @param {string} key @param {() => Promise<any>} run */
  share(key, run) {
    let waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      waiting = Promise.resolve().then(() => {
        this.#waiting.delete(key);
        return run();
      });
      this.#waiting.set(key, waiting);
    }
    return waiting;
  }
}
