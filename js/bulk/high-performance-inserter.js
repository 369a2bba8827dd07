/** Buffered inserts (spec/03 section 20.1). */
import { ResourceError } from '../errors/index.js';
import { skipping } from '../resource/shortcuts.js';
import { COUNT, COUNT_OR_ZERO, FLAG, MILLISECONDS, readOptions, requireItems, requireResource } from './options.js';

const OPTIONS = {
  batchSize: [100, COUNT],
  concurrency: [50, COUNT],
  flushInterval: [1000, MILLISECONDS],
  disablePartitions: [false, FLAG],
  useStreamMode: [false, FLAG],
  maxBufferSize: [10_000, COUNT],
  maxFailureHistory: [1000, COUNT_OR_ZERO]
};

/**
 * Collects records and stores them in batches through `resource.insertMany`. Records of one id keep their order. A record
 * that fails is counted and kept in `failures`; the others go on. What was added is stored before the database disconnects.
 */
export class HighPerformanceInserter {
  /** Own ids of the records under way. */
  #ids = new Set();
  #running = new Set();
  /** Waits for references of stored records. */
  #references = new Set();
  #timer = null;
  #scheduled = false;
  #destroyed = false;
  /** Records up to which `flush` asked for everything, counted from the first. */
  #flushTo = 0;
  #taken = 0;
  #busySince = null;
  #busy = 0;
  /** Calls that wait for something to change: `{ ready, resolve }`. */
  #waiting = [];
  #drain = () => this.flush();

  /**
   * @param {object} resource
   * @param {object} [options] `batchSize` records of a batch (100); `concurrency` records under way at once, in steps of
   *   the resource's `parallelism` (50); `flushInterval` milliseconds after which a smaller batch is stored (1000);
   *   `disablePartitions`: no partition references for these records (false); `maxBufferSize` records beyond which `add`
   *   waits (10000); `maxFailureHistory` failures kept (1000); `useStreamMode` has no effect, as in s3db.js
   */
  constructor(resource, options = {}) {
    this.resource = requireResource('HighPerformanceInserter', resource);
    Object.assign(this, readOptions('HighPerformanceInserter', OPTIONS, options, resource.database));
    this.batchSize = Math.min(this.batchSize, this.maxBufferSize);
    this.insertBuffer = [];
    /** The last failures: `{ item, error }`. */
    this.failures = [];
    this.stats = { inserted: 0, failed: 0, partitionsPending: 0, avgInsertTime: 0 };
    resource._drains?.add(this.#drain);
  }

  /**
   * Takes a record. Waits while `maxBufferSize` records are on their way.
   * @param {object} data
   * @returns {Promise<{ queued: true, position: number }>} its place in the buffer
   */
  async add(data) {
    this.#requireAlive('add');
    while (this.insertBuffer.length >= this.maxBufferSize) {
      await this.#until(() => this.insertBuffer.length < this.maxBufferSize);
      this.#requireAlive('add');
    }
    this.insertBuffer.push(data);
    const position = this.insertBuffer.length;
    this.#arm();
    return { queued: true, position };
  }

  /**
   * @param {Iterable<object>} items
   * @returns {Promise<{ queued: number }>}
   */
  async bulkAdd(items) {
    let queued = 0;
    for (const item of requireItems('bulkAdd', items)) {
      await this.add(item);
      queued += 1;
    }
    return { queued };
  }

  /** Stores what was added so far; resolves when it is stored or has failed. */
  async flush() {
    const upTo = this.#taken + this.insertBuffer.length;
    this.#flushTo = Math.max(this.#flushTo, upTo);
    this.#start();
    await this.#until(() => this.#taken >= upTo && this.#settledUpTo(upTo));
  }

  /** `flush`, then waits for the partition references. */
  async forceFlush() {
    await this.flush();
    await this.resource._drainIndex?.();
    await Promise.all(this.#references);
  }

  /** `{ inserted, failed, partitionsPending, avgInsertTime, bufferSize, isProcessing, throughput }`; times in milliseconds for each record. */
  getStats() {
    const { avgInsertTime } = this.stats;
    return {
      ...this.stats,
      bufferSize: this.insertBuffer.length,
      isProcessing: this.isProcessing,
      throughput: avgInsertTime > 0 ? Math.round(1000 / avgInsertTime) : 0
    };
  }

  /** Whether batches are under way. */
  get isProcessing() {
    return this.#running.size > 0;
  }

  /** Takes no further record; resolves when those that were added are stored. */
  async destroy() {
    this.#destroyed = true;
    await this.flush();
    this.resource._drains?.delete(this.#drain);
  }

  #requireAlive(operation) {
    if (!this.#destroyed) return;
    throw new ResourceError('The inserter was destroyed and takes no further record', {
      resourceName: this.resource.name,
      operation,
      statusCode: 409,
      retriable: false,
      suggestion: 'Make a new HighPerformanceInserter for the resource.'
    });
  }

  /** Sees to it that what is in the buffer will be stored. */
  #arm() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.flush();
    }, this.flushInterval);
    if (this.insertBuffer.length < this.batchSize || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#start();
    });
  }

  #start() {
    const lanes = Math.max(1, Math.round(this.concurrency / this.resource.parallelism));
    while (this.#running.size < lanes) {
      const due = this.insertBuffer.length >= this.batchSize || this.#taken < this.#flushTo;
      const batch = due ? this.#nextBatch() : [];
      if (batch.length === 0) break;
      this.#run(batch);
    }
    if (this.insertBuffer.length === 0) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    this.#wake();
  }

  /** The next records, up to one whose id is in this batch or one under way: records of one id keep their order. */
  #nextBatch() {
    const seen = new Set();
    let size = 0;
    for (; size < this.batchSize && size < this.insertBuffer.length; size += 1) {
      const id = this.insertBuffer[size]?.id;
      if (id === undefined || id === null || id === '') continue;
      const text = String(id);
      if (seen.has(text) || this.#ids.has(text)) break;
      seen.add(text);
    }
    for (const id of seen) this.#ids.add(id);
    return this.insertBuffer.splice(0, size);
  }

  async #run(batch) {
    const run = { from: this.#taken };
    this.#taken += batch.length;
    this.#running.add(run);
    this.#busySince ??= performance.now();
    const { resource, stats } = this;
    try {
      const stored = await skipping(resource, { references: this.disablePartitions }, () => resource.insertMany(batch));
      const errors = stored.errors ?? [];
      stats.inserted += batch.length - errors.length;
      for (const { item, error } of errors) this.#fail(item, error);
      if (!this.disablePartitions) this.#countReferences(batch.length - errors.length);
    } catch (error) {
      for (const item of batch) this.#fail(item, error);
    }
    for (const item of batch) this.#ids.delete(String(item?.id));
    this.#running.delete(run);
    this.#measure();
    this.#start();
  }

  #fail(item, error) {
    this.stats.failed += 1;
    this.failures.push({ item, error });
    if (this.failures.length > this.maxFailureHistory) this.failures.shift();
  }

  /** Counts records whose references may still be queued. */
  #countReferences(records) {
    const { resource, stats } = this;
    if (records === 0 || !resource._hasPartitions?.() || !resource.config.asyncPartitions) return;
    stats.partitionsPending += records;
    const done = () => {
      stats.partitionsPending -= records;
      this.#references.delete(pending);
    };
    const pending = resource._drainIndex().then(done, done);
    this.#references.add(pending);
  }

  #measure() {
    const now = performance.now();
    this.#busy += now - this.#busySince;
    this.#busySince = this.#running.size > 0 ? now : null;
    const { inserted, failed } = this.stats;
    this.stats.avgInsertTime = this.#busy / Math.max(1, inserted + failed);
  }

  /** Whether every record up to the given one has been stored or has failed. */
  #settledUpTo(upTo) {
    for (const { from } of this.#running) if (from < upTo) return false;
    return true;
  }

  #until(ready) {
    if (ready()) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push({ ready, resolve });
    });
  }

  #wake() {
    const still = [];
    for (const waiting of this.#waiting) {
      if (waiting.ready()) waiting.resolve();
      else still.push(waiting);
    }
    this.#waiting = still;
  }
}
