/** Timers and cleanups with names, and one orderly end for all of them (spec/01 section 14). */
import { DatabaseError } from '../errors/index.js';
import { consoleLogger } from '../util/logger.js';
import { offSignal, onSignal } from '../util/signals.js';
import { Background } from './background.js';
import { requireFunction } from './background-options.js';
import { managerOptions, requireName, sharedManager } from './manager-options.js';

/** A call that is stopped goes on until it is done. */
const TO_ITS_END = { grace: 2 ** 31 - 1 };
const OWNER = 'ProcessManager';
const DEFAULTS = { logLevel: 'warn', logger: undefined, shutdownTimeout: 30_000, exitOnSignal: true, keepAlive: true };

export class ProcessManager {
  #background;
  #keepAlive;
  #timers = { interval: new Map(), timeout: new Map() };
  #cleanups = new Map();
  #shutdown = null;
  #onSignal = () => this.shutdown();

  /**
   * @param {object} [options] `shutdownTimeout` (30000 ms) for cleanups; `exitOnSignal` (true): SIGTERM and SIGINT shut
   *   it down and then end the process, false leaves them to the application; `keepAlive` (true): timers keep the process
   *   alive; `logger`, `logLevel` (`warn`)
   */
  constructor(options = {}) {
    this.options = managerOptions(OWNER, options, DEFAULTS);
    this.logger = this.options.logger ?? consoleLogger(this.options.logLevel, `[${OWNER}]`);
    this.#keepAlive = this.options.keepAlive;
    this.#background = new Background({ name: OWNER, onError: (error, { task }) => this.#failed(task, error) });
  }

  /** True from the first `shutdown` on. */
  get isShuttingDown() {
    return this.#shutdown !== null;
  }

  /**
   * Calls `fn` every `ms` milliseconds, never twice at a time. One of the same name is replaced.
   * @param {() => any} fn
   * @param {number} ms
   * @param {string} name
   * @returns {any} handle of the task
   */
  setInterval(fn, ms, name) {
    return this.#start('interval', fn, ms, name);
  }

  /** Calls `fn` once after `ms` milliseconds. One of the same name is replaced. */
  setTimeout(fn, ms, name) {
    return this.#start('timeout', fn, ms, name);
  }

  clearInterval(name) {
    this.#clear('interval', name);
  }

  clearTimeout(name) {
    this.#clear('timeout', name);
  }

  /** Has `fn` called by `shutdown`. One of the same name is replaced. */
  registerCleanup(fn, name) {
    requireFunction('handler', fn);
    this.#check('cleanup', name);
    // At the end of the order, also when it is there already.
    this.#cleanups.delete(name);
    this.#cleanups.set(name, fn);
    this.#listen();
  }

  unregisterCleanup(name) {
    this.#cleanups.delete(name);
    this.#rest();
  }

  /**
   * Ends all timers and calls the cleanups, the last registered first. Failures are logged and keep no other one from being called.
   * @param {{ timeout?: number }} [options] ms for all cleanups, default `shutdownTimeout`; those that take longer are left behind
   */
  shutdown({ timeout = this.options.shutdownTimeout } = {}) {
    this.#shutdown ??= this.#end(timeout);
    return this.#shutdown;
  }

  /** Names of what there is. */
  getStatus() {
    const names = (map) => [...map.keys()];
    const [intervals, timeouts] = [names(this.#timers.interval), names(this.#timers.timeout)];
    const cleanups = names(this.#cleanups);
    const counts = { intervals: intervals.length, timeouts: timeouts.length, cleanups: cleanups.length };
    return { isShuttingDown: this.isShuttingDown, intervals, timeouts, cleanups, counts };
  }

  /** Leaves SIGTERM and SIGINT to others. */
  removeSignalHandlers() {
    offSignal(this.#onSignal);
  }

  #start(kind, fn, ms, name) {
    requireFunction('handler', fn);
    this.#check(kind, name);
    const timers = this.#timers[kind];
    const once = async () => {
      if (timers.get(name) === task) timers.delete(name);
      try {
        await fn();
      } finally {
        task.stop(TO_ITS_END);
        this.#rest();
      }
    };
    // Node's timers take 0 for 1.
    const wait = typeof ms === 'number' && ms >= 0 ? Math.max(1, ms) : ms;
    const before = timers.get(name);
    const task = this.#background.every(wait, kind === 'timeout' ? once : () => fn(), {
      name: this.#taskName(kind, name),
      keepAlive: this.#keepAlive
    });
    before?.stop(TO_ITS_END);
    timers.set(name, task);
    this.#listen();
    return task;
  }

  /** The one that is replaced may still be running under the plain name. */
  #taskName(kind, name) {
    const base = `${kind} '${name}'`;
    let free = base;
    for (let number = 2; this.#background.get(free) !== undefined; number += 1) free = `${base} (${number})`;
    return free;
  }

  #clear(kind, name) {
    this.#timers[kind].get(name)?.stop(TO_ITS_END);
    this.#timers[kind].delete(name);
    this.#rest();
  }

  #check(kind, name) {
    requireName(OWNER, name);
    if (!this.isShuttingDown) return;
    throw new DatabaseError(`[${OWNER}] Cannot register ${kind} '${name}' during shutdown`, {
      operation: 'register',
      statusCode: 409,
      retriable: false,
      suggestion: 'Make another ProcessManager, or call resetProcessManager() for the shared one.'
    });
  }

  #listen() {
    const { exitOnSignal, shutdownTimeout } = this.options;
    if (exitOnSignal) onSignal(this.#onSignal, shutdownTimeout + 5000);
  }

  /** Without anything to end, signals are left alone. */
  #rest() {
    if (this.#cleanups.size + this.#timers.interval.size + this.#timers.timeout.size === 0) this.removeSignalHandlers();
  }

  async #end(timeout) {
    const cleanups = [...this.#cleanups].reverse();
    this.#timers.interval.clear();
    this.#timers.timeout.clear();
    this.#cleanups.clear();
    const until = Date.now() + timeout;
    const stopped = this.#background.stop({ grace: timeout, abortGrace: 0 });
    for (const [name, cleanup] of cleanups) await this.#run(name, cleanup, until);
    await stopped;
    this.removeSignalHandlers();
  }

  async #run(name, cleanup, until) {
    let timer;
    const late = new Promise((_, reject) => {
      const left = Math.max(0, until - Date.now());
      timer = setTimeout(() => reject(new Error('it was not done in time')), left);
    });
    try {
      await Promise.race([Promise.resolve().then(cleanup), late]);
    } catch (error) {
      this.#failed(`cleanup '${name}'`, error);
    } finally {
      clearTimeout(timer);
    }
  }

  #failed(what, error) {
    this.logger.error(`${what} failed: ${error?.message ?? error}`);
  }
}

const shared = sharedManager(OWNER, (options) => new ProcessManager(options));

/** The ProcessManager that all of this process share; options that differ from what it has are refused. */
export function getProcessManager(options) {
  return shared.get(options);
}

/** Ends the shared one and forgets it. */
export async function resetProcessManager() {
  await shared.reset();
}
