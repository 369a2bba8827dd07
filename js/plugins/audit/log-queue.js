/** Writes log entries behind the operations they are about: in order, bounded, retried, flushed (spec/12 section A.7). */

const RETRY_MS = [200, 400, 800];
const WRITES_AT_ONCE = 100;

const sleep = (ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

export class LogQueue {
  #waiting = [];
  #running = null;
  #timer = null;
  #room = [];
  #write;
  #failed;
  #limit;
  #batch;
  #linger;

  /**
   * @param {object} options
   * @param {(entries: object[]) => Promise<{ entry: object, error: Error }[]>} options.write stores entries; resolves those
   *   that could not be
   * @param {(entry: object, error: Error) => void} options.failed told of entries that are given up
   * @param {number} [options.limit] entries held; above it `push` asks to wait
   * @param {number} [options.batch] entries per write
   * @param {number} [options.linger] milliseconds to wait for a full batch
   */
  constructor({ write, failed, limit = 10_000, batch = WRITES_AT_ONCE, linger = 0 }) {
    this.#write = write;
    this.#failed = failed;
    this.#limit = limit;
    this.#batch = batch;
    this.#linger = linger;
  }

  /** Entries that are not stored yet. */
  get size() {
    return this.#waiting.length;
  }

  /**
   * Takes an entry. `stored` resolves when it is stored or given up; `room` is a promise while the queue is full.
   * @returns {{ stored: Promise<void>, room: Promise<void> | undefined }}
   */
  push(entry) {
    let done;
    const stored = new Promise((resolve) => {
      done = resolve;
    });
    this.#waiting.push({ entry, done });
    this.#schedule();
    const room = this.#waiting.length > this.#limit ? new Promise((resolve) => this.#room.push(resolve)) : undefined;
    return { stored, room };
  }

  #schedule() {
    if (this.#running !== null) return;
    if (this.#linger > 0 && this.#waiting.length < this.#batch) {
      this.#timer ??= setTimeout(() => this.#start(), this.#linger).unref();
      return;
    }
    this.#start();
  }

  #start() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#running ??= this.#drain().finally(() => {
      this.#running = null;
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  async #drain() {
    // What one operation emits arrives within a turn.
    await null;
    do {
      const items = this.#waiting.slice(0, this.#batch);
      await this.#store(items);
      this.#waiting.splice(0, items.length);
      for (const { done } of items) done();
      if (this.#waiting.length <= this.#limit) for (const resume of this.#room.splice(0)) resume();
    } while (this.#waiting.length > 0 && (this.#linger === 0 || this.#waiting.length >= this.#batch));
  }

  async #store(items) {
    let entries = items.map(({ entry }) => entry);
    for (let attempt = 0; ; attempt += 1) {
      let failures;
      try {
        failures = await this.#write(entries);
      } catch (error) {
        failures = entries.map((entry) => ({ entry, error }));
      }
      if (failures.length === 0) return;
      if (attempt >= RETRY_MS.length) {
        for (const { entry, error } of failures) this.#failed(entry, error);
        return;
      }
      await sleep(RETRY_MS[attempt]);
      entries = failures.map(({ entry }) => entry);
    }
  }

  /** Waits until what is there now, and what comes meanwhile, is stored or given up. */
  async flush() {
    while (this.#waiting.length > 0 || this.#running !== null) {
      this.#start();
      await this.#running;
    }
  }
}
