import { DatabaseError, UnknownError, ValidationError } from '../errors/index.js';
import { Autotune, sampling } from './autotune.js';
import { isRetriable } from './foreign-errors.js';

const DEFAULTS = Object.freeze({ concurrency: 10, retries: 0, retryDelay: 1000, timeout: 30000, retryableErrors: [] });

function atLeast(minimum, value, field) {
  const number = Number(value);
  if (number >= minimum) return number;
  throw new ValidationError(`${field} must be a number of at least ${minimum}`, { field, value, statusCode: 400 });
}

/** Names of the options of a pool. */
export const POOL_OPTIONS = [
  ...['enabled', 'concurrency', 'retries', 'retryDelay', 'timeout', 'retryableErrors', 'autotune', 'monitoring']
];

/**
 * The pool that an option asks for: `true`, or an object without `enabled: false`.
 * @param {boolean | object | undefined} option
 * @param {(event: string, payload: object) => void} emit
 * @returns {TaskPool | null}
 */
export function poolFor(option, emit) {
  const { S3DB_EXECUTOR_ENABLED, S3DB_CONCURRENCY } = process.env;
  const wanted = option ?? S3DB_EXECUTOR_ENABLED === 'true';
  if (!wanted || wanted.enabled === false) return null;
  const base = S3DB_CONCURRENCY ? { concurrency: S3DB_CONCURRENCY } : {};
  return new TaskPool({ ...base, ...(wanted === true ? {} : wanted) }, emit);
}

/** Runs requests, at most `concurrency` at a time, in the order of their arrival. */
export class TaskPool {
  #queue = [];
  #active = 0;
  #idle = [];
  #paused = false;
  #stopped = false;
  #serial = 0;
  #counts = { started: 0, completed: 0, failed: 0, retried: 0 };
  #history = [];
  #emit;
  #autotune;
  #isSampled;

  /**
   * @param {{ concurrency?: number, retries?: number, retryDelay?: number, timeout?: number, retryableErrors?: string[],
   *   autotune?: boolean | object, monitoring?: boolean | object }} options
   *   `retries` come on top of the attempts of the transport; `retryDelay` and `timeout` in ms, 0 for no time limit; `autotune`:
   *   see `Autotune`; `monitoring`: which tasks `aggregate` knows, all by default
   * @param {(event: string, payload: object) => void} emit
   */
  constructor(options, emit) {
    const merged = { ...DEFAULTS, ...options };
    this.concurrency = Math.trunc(
      atLeast(1, merged.concurrency === 'auto' ? DEFAULTS.concurrency : merged.concurrency, 'taskExecutor.concurrency')
    );
    this.retries = Math.trunc(atLeast(0, merged.retries, 'taskExecutor.retries'));
    this.retryDelay = atLeast(0, merged.retryDelay, 'taskExecutor.retryDelay');
    this.timeout = atLeast(0, merged.timeout, 'taskExecutor.timeout');
    this.retryableErrors = merged.retryableErrors;
    this.#autotune = Autotune.of(merged.autotune, this.concurrency);
    this.#isSampled = sampling(merged.monitoring);
    this.#emit = emit;
  }

  /**
   * @template T
   * @param {string} name
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  run(name, work) {
    if (this.#stopped) return Promise.reject(stoppedError());
    this.#serial += 1;
    const id = this.#serial;
    return new Promise((resolve, reject) => {
      this.#queue.push({ id, name, work, resolve, reject });
      this.#next();
    });
  }

  #next() {
    while (!this.#paused && this.#active < this.concurrency && this.#queue.length > 0) {
      this.#active += 1;
      this.#execute(this.#queue.shift()).then(() => {
        this.#active -= 1;
        this.#next();
      });
    }
    if (this.#active === 0 && this.#queue.length === 0) for (const done of this.#idle.splice(0)) done();
  }

  async #execute({ id, name, work, resolve, reject }) {
    const started = Date.now();
    this.#counts.started += 1;
    this.#emit('pool:taskStarted', { id, name });
    for (let attempt = 1; ; attempt += 1) {
      try {
        const result = await this.#limited(name, work);
        this.#settle('completed', 'pool:taskCompleted', { id, name, attempts: attempt, duration: Date.now() - started });
        resolve(result);
        return;
      } catch (error) {
        if (isRetriable(error)) this.#autotune?.refused();
        if (attempt > this.retries || !this.#mayRetry(error)) {
          this.#settle('failed', 'pool:taskFailed', { id, name, attempts: attempt, duration: Date.now() - started, error });
          reject(error);
          return;
        }
        this.#counts.retried += 1;
        this.#emit('pool:taskRetried', { id, name, attempt, error });
        await new Promise((wait) => setTimeout(wait, this.retryDelay * 2 ** (attempt - 1)));
      }
    }
  }

  #settle(count, event, payload) {
    this.#counts[count] += 1;
    const { duration } = payload;
    if (this.#isSampled(this.#counts.completed + this.#counts.failed)) this.#history.push({ at: Date.now(), count, duration });
    if (this.#history.length > 1000) this.#history.shift();
    this.#emit(event, payload);
    if (this.#autotune === null) return;
    const from = this.concurrency;
    this.concurrency = this.#autotune.finished(from, { duration, waiting: this.#queue.length > 0 });
    if (this.concurrency !== from) this.#emit('pool:tuned', { from, to: this.concurrency });
  }

  #mayRetry(error) {
    const listed = this.retryableErrors.some((text) => text === error?.code || text === error?.name || error?.message?.includes(text));
    return listed || isRetriable(error);
  }

  async #limited(name, work) {
    if (this.timeout === 0) return work();
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new UnknownError(`${name} did not finish within ${this.timeout} ms`, { code: 'ETIMEDOUT', retriable: true, operation: name })
        );
      }, this.timeout);
    });
    try {
      return await Promise.race([work(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {number} concurrency tasks at a time, from now on */
  setConcurrency(concurrency) {
    this.concurrency = Math.trunc(atLeast(1, concurrency, 'taskExecutor.concurrency'));
    this.#next();
  }

  /** Starts no further task until `resume()`. */
  pause() {
    this.#paused = true;
  }

  /** Continues after `pause()`. */
  resume() {
    this.#paused = false;
    this.#next();
  }

  /** Resolves when nothing runs and nothing waits. */
  drain() {
    if (this.#active === 0 && this.#queue.length === 0) return Promise.resolve();
    return new Promise((done) => {
      this.#idle.push(done);
    });
  }

  /** Rejects waiting tasks and every later one; running tasks finish. */
  stop() {
    this.#stopped = true;
    for (const { reject } of this.#queue.splice(0)) reject(stoppedError());
    this.#next();
  }

  /** What waits and runs now, and what was done so far. */
  stats() {
    const { started, completed, failed, retried } = this.#counts;
    return {
      queueSize: this.#queue.length,
      activeCount: this.#active,
      concurrency: this.concurrency,
      paused: this.#paused,
      stopped: this.#stopped,
      startedCount: started,
      processedCount: completed,
      errorCount: failed,
      retryCount: retried
    };
  }

  /**
   * Figures over the tasks that ended since a time, of the last thousand.
   * @param {number | Date} [since] epoch ms
   */
  aggregate(since = 0) {
    const recent = this.#history.filter(({ at }) => at >= Number(since));
    const total = recent.reduce((sum, { duration }) => sum + duration, 0);
    const errors = recent.filter(({ count }) => count === 'failed').length;
    return {
      count: recent.length,
      errors,
      successRate: recent.length === 0 ? 1 : (recent.length - errors) / recent.length,
      avgExecution: recent.length === 0 ? 0 : total / recent.length,
      totalExecution: total
    };
  }
}

const stoppedError = () =>
  new DatabaseError('The task pool of this client is stopped', { operation: 'sendCommand', suggestion: 'Create a new client.' });
