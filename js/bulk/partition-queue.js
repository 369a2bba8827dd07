/** Maintenance of partition references that is repeated until it works (spec/03 section 20.3). */
import { EventEmitter } from 'node:events';
import { PartitionDriverError } from '../errors/index.js';
import { COUNT, COUNT_OR_ZERO, MILLISECONDS, OBJECT, readOptions } from './options.js';

const OPTIONS = {
  maxRetries: [3, COUNT_OR_ZERO],
  retryDelay: [1000, MILLISECONDS],
  persistence: [null, OBJECT],
  maxFailureHistory: [1000, COUNT_OR_ZERO],
  maxQueueSize: [10_000, COUNT],
  concurrency: [10, COUNT],
  database: [null, OBJECT]
};
/** Part of a delay that may be added to it, so that what failed at once is not repeated at once. */
const JITTER = 0.25;
const LONGEST_DELAY = 60_000;
/** The same while somebody waits for the end, as a database does that disconnects. */
const LONGEST_DELAY_AT_END = 250;

const STRICT = { strict: true };
const WORK = {
  create: (resource, data) => resource.createPartitionReferences(data, STRICT),
  update: (resource, data) => resource.handlePartitionReferenceUpdates(data.original, data.updated, STRICT),
  delete: (resource, data) => resource.deletePartitionReferences(data, STRICT)
};

const idOf = (data) => data?.id ?? data?.updated?.id ?? data?.original?.id;

/**
 * Events: `success (item)`, `retry ({ item, error, delay })`, `failure ({ item, error })`, `recovered ({ count })`. Items of one
 * record are worked on in their order, also while one of them waits to be repeated. What is queued for a resource is done
 * before its database disconnects.
 */
export class PartitionQueue extends EventEmitter {
  /** Chains of items by record; the first of each is at work or waits to be repeated. */
  #lanes = new Map();
  #active = 0;
  #ready = [];
  #waiting = [];
  #size = 0;
  #completed = 0;
  #failed = 0;
  #watched = new WeakSet();
  /** Repetitions that wait: timer -> lane. */
  #timers = new Map();
  #draining = 0;

  /**
   * @param {object} [options] `maxRetries` (3); `retryDelay` milliseconds before the first repetition, doubled for each
   *   further one, at most a minute (a quarter of a second while it is drained), and up to a quarter more by chance (1000); `persistence` where items are kept (null);
   *   `maxFailureHistory` failed items kept (1000); `maxQueueSize` items beyond which `enqueue` waits (10000);
   *   `concurrency` items at work at once (10); `database` where resources are found by their names (null)
   */
  constructor(options = {}) {
    super();
    Object.assign(this, readOptions('PartitionQueue', OPTIONS, options));
    /** The last items that failed for good: `{ item, error }`. */
    this.failures = [];
  }

  /** Whether items are at work or wait for their turn. */
  get processing() {
    return this.#size > 0;
  }

  /**
   * Takes an operation. Waits while the queue is full.
   * @param {{ type: 'create' | 'update' | 'delete', resource: object | string, data: any }} operation `data` is the record, for
   *   `update` `{ original, updated }`
   * @returns {Promise<string>} id of the item
   */
  async enqueue(operation) {
    const id = `${Date.now()}-${Math.random()}`;
    const item = { id, operation, retries: 0, createdAt: new Date(), status: 'pending', lastError: null };
    while (this.#size >= this.maxQueueSize) await this.#change();
    // Counted from here, so that callers at once stay within the limit.
    this.#size += 1;
    try {
      await this.persistence?.save(this.#stored(item));
    } catch (error) {
      this.#size -= 1;
      this.#wake();
      throw error;
    }
    this.#accept(item);
    return id;
  }

  /** Resolves when nothing is left to do. */
  async process() {
    while (this.#size > 0) await this.#change();
  }

  /** Repeats now what waits to be repeated, and resolves when nothing is left to do. */
  async drain() {
    this.#draining += 1;
    for (const [timer, lane] of this.#timers) {
      clearTimeout(timer);
      this.#ready.push(lane);
    }
    this.#timers.clear();
    this.#start();
    await this.process();
    this.#draining -= 1;
  }

  /**
   * Takes up what the persistence kept from an earlier run.
   * @returns {Promise<number>} items taken up
   */
  async recover() {
    const pending = (await this.persistence?.getPending()) ?? [];
    for (const stored of pending) {
      while (this.#size >= this.maxQueueSize) await this.#change();
      this.#size += 1;
      this.#accept({ ...stored, retries: 0, status: 'pending' });
    }
    this.#tell('recovered', { count: pending.length });
    return pending.length;
  }

  /** `{ pending, failures, processing, failureRate }`: items not done, items failed for good, and their share of all done. */
  getStats() {
    const done = this.#completed + this.#failed;
    return {
      pending: this.#size,
      failures: this.#failed,
      processing: this.processing,
      failureRate: done === 0 ? 0 : this.#failed / done
    };
  }

  /** What is kept of an item: the resource by its name where it can be found again. */
  #stored(item) {
    const { resource } = item.operation ?? {};
    if (this.database === null || typeof resource?.name !== 'string') return item;
    return { ...item, operation: { ...item.operation, resource: resource.name } };
  }

  #resourceOf({ operation }) {
    const { resource } = operation ?? {};
    if (typeof resource !== 'string') return resource;
    return this.database?.resources?.[resource];
  }

  #accept(item) {
    const resource = this.#resourceOf(item);
    this.#drainWith(resource);
    const name = resource?.name ?? item.operation?.resource;
    const id = idOf(item.operation?.data);
    const lane = id === undefined ? item.id : `${name}\n${id}`;
    const items = this.#lanes.get(lane);
    if (items !== undefined) {
      items.push(item);
      return;
    }
    this.#lanes.set(lane, [item]);
    this.#ready.push(lane);
    this.#start();
  }

  /** The resource waits for this queue when it is drained, which its database does before it disconnects. */
  #drainWith(resource) {
    if (resource?._drains === undefined || this.#watched.has(resource)) return;
    this.#watched.add(resource);
    const drain = () => this.drain();
    resource._drains.add(drain);
    // A resource must not keep queues that have nothing to do.
    this.process().then(() => {
      resource._drains.delete(drain);
      this.#watched.delete(resource);
    });
  }

  #start() {
    while (this.#active < this.concurrency && this.#ready.length > 0) {
      this.#active += 1;
      this.#run(this.#ready.shift());
    }
  }

  /** Works on the first item of a lane. */
  async #run(lane) {
    const item = this.#lanes.get(lane)[0];
    try {
      await this.#execute(item);
      item.status = 'completed';
      this.#completed += 1;
      await this.#keep('remove', item, item.id);
      this.#tell('success', item);
    } catch (error) {
      item.lastError = error;
      const final = error instanceof PartitionDriverError && !error.retriable;
      if (!final && item.retries < this.maxRetries) {
        this.#repeat(lane, item, error);
        return;
      }
      await this.#fail(item, error);
    }
    this.#finish(lane);
  }

  #repeat(lane, item, error) {
    item.retries += 1;
    item.status = 'retrying';
    const longest = this.#draining > 0 ? LONGEST_DELAY_AT_END : LONGEST_DELAY;
    const delay = Math.min(this.retryDelay * 2 ** (item.retries - 1), longest);
    this.#active -= 1;
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        this.#ready.push(lane);
        this.#start();
      },
      delay * (1 + Math.random() * JITTER)
    );
    this.#timers.set(timer, lane);
    this.#tell('retry', { item, error, delay });
    this.#start();
  }

  async #fail(item, error) {
    item.status = 'failed';
    this.#failed += 1;
    this.failures.push({ item, error });
    if (this.failures.length > this.maxFailureHistory) this.failures.shift();
    await this.#keep('moveToDLQ', item, this.#stored(item));
    this.#tell('failure', { item, error });
  }

  #finish(lane) {
    this.#active -= 1;
    this.#size -= 1;
    const items = this.#lanes.get(lane);
    items.shift();
    if (items.length === 0) this.#lanes.delete(lane);
    else this.#ready.push(lane);
    this.#start();
    this.#wake();
  }

  async #execute(item) {
    const { type, data } = item.operation ?? {};
    const refuse = (message, suggestion) =>
      new PartitionDriverError(message, { driver: 'queue', operation: String(type), retriable: false, suggestion });
    if (typeof type !== 'string' || !Object.hasOwn(WORK, type)) {
      throw refuse(`Unknown partition operation type: ${type}`, `Use one of: ${Object.keys(WORK).join(', ')}.`);
    }
    const resource = this.#resourceOf(item);
    if (resource === null || typeof resource !== 'object') {
      throw refuse('The resource of a partition operation is unknown', 'Pass the resource, or its name and the option database.');
    }
    await WORK[type](resource, data);
  }

  /** A persistence that fails keeps no reference back: the item is done, and may be done again after a restart. */
  async #keep(method, item, value) {
    try {
      await this.persistence?.[method](value);
    } catch (error) {
      this.#tell('persistenceError', { item, error });
    }
  }

  /** Events of listeners that throw must not stop the queue. */
  #tell(event, payload) {
    try {
      this.emit(event, payload);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }

  /** Resolves when an item was done. */
  #change() {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
