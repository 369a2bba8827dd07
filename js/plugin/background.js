/**
 * Background work of plugins: timers, cron, queues, leases and elections (spec/05 sections 17 and 18).
 *
 * The engine owns every timer, slot, retry and lock renewal (src/background); here handlers are called, their promises
 * awaited and their errors kept. All messages of the engine come through one function, in order.
 */

import { fromNative, nativeReport } from '../errors/from-native.js';
import { PluginError } from '../errors/index.js';
import { native as addon } from '../native/load.js';
import { fromText } from '../native/text.js';
import { clocksOf, localTimeZone } from './background-clock.js';
import { BackgroundLeader, BackgroundQueue, BackgroundTask } from './background-handles.js';
import { BackgroundLocks } from './background-locks.js';
import {
  BACKGROUND_OPTIONS,
  CRON_OPTIONS,
  checkOptions,
  INTERVAL_OPTIONS,
  invalid,
  LEADER_OPTIONS,
  leaseOf,
  QUEUE_OPTIONS,
  requireFunction,
  STOP_OPTIONS
} from './background-options.js';
import { BackgroundRun } from './background-run.js';

export { ManualClock, nextCronDate } from './background-clock.js';

const LONGEST_TIMER = 2 ** 31 - 1;

/** Background work of one plugin. */
export class Background {
  #name;
  #onError;
  #storage;
  #clock;
  #native = null;
  #stopping = null;
  #handles = new Map();
  #byId = new Map();
  #runs = new Map();
  #requests = new Map();
  #locks;
  #lastRequest = 0;
  #holds = 0;
  #hold = null;
  #serial = 0;
  #fence;
  #owner;

  /**
   * @param {{ name?: string, onError?: (error: any, info: any) => void, storage?: () => any, clock?: any, fence?: number }} [options]
   *   `name` of the plugin in errors; `onError` receives every failure (default: a process warning); `storage` gives the
   *   PluginStorage whose locks serve leases and elections; `clock` a ManualClock for tests; `fence` of the lock under
   *   which all this work is done, for handlers
   */
  constructor(options = {}) {
    const { name = 'plugin', onError, storage, clock, fence } = checkOptions(options, BACKGROUND_OPTIONS);
    this.#name = name;
    this.#onError = onError;
    this.#storage = storage;
    this.#clock = clock;
    this.#fence = fence;
    this.#locks = new BackgroundLocks(storage, clocksOf(clock));
    this.#owner = {
      locks: this.#locks,
      native: () => this.#native,
      ask: (call) => this.#ask(call),
      stopPart: (handle, given) => this.#stopPart(handle, given),
      error: (message, details) => this.#error(message, details),
      failed: (handle, error) => this.#report(error, { task: handle.name, attempt: 0, kind: 'failed', willRetry: false }),
      nativeError: (error, task) => this.#nativeError(error, task),
      stopped: (task) =>
        this.#error(`Background queue '${task}' was stopped and takes no further items`, { task, code: 'BACKGROUND_STOPPED' })
    };
  }

  /** Name of the plugin. */
  get name() {
    return this.#name;
  }

  /** Handles of what is not stopped, in order of creation. */
  get tasks() {
    return [...this.#handles.values()];
  }

  /** The handle of that name, if it is not stopped. */
  get(name) {
    return this.#handles.get(name);
  }

  /**
   * Runs `handler` every `ms`, at a fixed rate that does not depend on how long runs take.
   * @param {number} ms
   * @param {(run: any) => any} handler
   * @param {object} [options] see docs/background.md
   */
  every(ms, handler, options) {
    if (typeof ms !== 'number' || !(ms >= 1)) throw invalid('every', 'a number of milliseconds, 1 or more', ms);
    return this.#task('every', { every: ms }, handler, checkOptions(options, INTERVAL_OPTIONS));
  }

  /**
   * Runs `handler` at the times of a cron expression.
   * @param {string} expression five fields, six with seconds first, or `@daily` and the like
   * @param {(run: any) => any} handler
   * @param {object} [options] those of `every`, `timeZone` (default: of the process) and `catchUp`
   */
  cron(expression, handler, options) {
    if (typeof expression !== 'string') throw invalid('cron', 'a cron expression', expression);
    const { timeZone = localTimeZone(), ...checked } = checkOptions(options, CRON_OPTIONS);
    return this.#task('cron', { cron: expression, timeZone }, handler, checked);
  }

  /**
   * A queue in memory.
   * @param {string} name
   * @param {object} options see docs/background.md
   * @param {(item: any, run: any) => any} handler
   */
  queue(name, options, handler) {
    requireFunction('handler', handler);
    const { key, onDeadLetter, keepAlive, ...config } = checkOptions(options, QUEUE_OPTIONS);
    const handle = new BackgroundQueue(this.#owner, {
      kind: 'queue',
      name: this.#free(name, 'queue'),
      handler,
      keepAlive,
      key,
      onDeadLetter
    });
    return this.#start(handle, 'queue', config);
  }

  /**
   * Takes part in an election among all processes with the same storage and name.
   * @param {string} name
   * @param {object} [options] `ttl` (30000 ms), `retryEvery`, `lock`, `workerId`, `onElected(run)`, `onLost()`,
   *   `onLeader({ workerId, fence } | null)`
   */
  leader(name, options) {
    const { onElected = () => {}, onLost, onLeader, workerId, keepAlive, ...config } = checkOptions(options, LEADER_OPTIONS);
    const free = this.#free(name, 'leader');
    const lock = config.lock ?? free;
    const rival = this.tasks.find((task) => task.kind === 'leader' && task._lock === lock);
    if (rival !== undefined) {
      throw this.#error(`Election '${rival.name}' has the lock '${lock}' already`, {
        task: free,
        code: 'BACKGROUND_NAME_TAKEN',
        suggestion: 'Give each election a lock of its own.'
      });
    }
    const facts = { kind: 'leader', name: free, handler: onElected, keepAlive, lock, onLost, workerId };
    const told = onLeader === undefined ? () => {} : (leader) => this.#call(handle, () => onLeader(leader));
    const handle = new BackgroundLeader(this.#owner, facts, told, this.#clock === undefined);
    return this.#start(handle, 'leader', config);
  }

  /**
   * Stops everything: nothing new starts, running handlers have `grace` to end, then their signals are aborted and they
   * have `abortGrace` more. Once it has resolved no handler is called any more. New work may be started then.
   * @param {{ grace?: number, abortGrace?: number }} [options] ms, defaults 5000 and 1000
   */
  stop(options) {
    const config = JSON.stringify(checkOptions(options, STOP_OPTIONS));
    if (this.#native === null) return Promise.resolve();
    this.#stopping ??= this.#stopAll(config);
    return this.#stopping;
  }

  async #stopAll(config) {
    try {
      await this.#ask((native, request) => native.stop(null, config, request));
      for (const handle of [...this.#handles.values()]) this.#forget(handle);
      // Those that were given up: whatever they do later reaches nobody.
      this.#runs.clear();
      this.#native.shutDown();
      this.#native = null;
    } finally {
      this.#stopping = null;
    }
  }

  async #stopPart(handle, given) {
    const config = JSON.stringify(checkOptions(given, STOP_OPTIONS));
    if (handle._id === null) return undefined;
    if (this.#stopping !== null) return this.#stopping;
    handle._stopping ??= this.#ask((native, request) => native.stop(handle._id, config, request));
    const result = await handle._stopping;
    this.#forget(handle);
    return result ?? undefined;
  }

  #forget(handle) {
    if (handle._id === null) return;
    const id = handle._id;
    handle._ended();
    this.#native.forget(id);
    this.#handles.delete(handle.name);
    this.#byId.delete(id);
    if (handle._keepAlive) this.#release();
  }

  #task(kind, schedule, handler, { name, keepAlive, lease, ...config }) {
    requireFunction('handler', handler);
    const handle = new BackgroundTask(this.#owner, { kind, name: this.#free(name, kind), handler, keepAlive, lock: lease?.name });
    return this.#start(handle, 'task', { ...schedule, ...config, lease: leaseOf(lease) });
  }

  #start(handle, method, config) {
    if (this.#stopping !== null) {
      throw this.#error('Background work is being stopped: start new work once stop() has resolved', {
        task: handle.name,
        code: 'BACKGROUND_STOPPED'
      });
    }
    this.#native ??= new addon.NativeBackground((text) => this.#dispatch(text), this.#storage !== undefined, this.#clock?._native);
    try {
      handle._id = this.#native[method](JSON.stringify({ name: handle.name, ...config }));
    } catch (error) {
      handle._ended();
      throw this.#nativeError(error, handle.name);
    }
    this.#handles.set(handle.name, handle);
    this.#byId.set(handle._id, handle);
    if (handle._keepAlive) this.#retain();
    return handle;
  }

  /** The given name, which must be free, or one made from the kind. */
  #free(name, kind) {
    if (name === undefined && (kind === 'every' || kind === 'cron')) {
      do this.#serial += 1;
      while (this.#handles.has(`${kind}-${this.#serial}`));
      return `${kind}-${this.#serial}`;
    }
    if (typeof name !== 'string' || name === '') throw invalid('name', 'a text that is not empty', name);
    if (this.#handles.has(name)) {
      throw this.#error(`Background work '${name}' is already running`, {
        task: name,
        code: 'BACKGROUND_NAME_TAKEN',
        suggestion: 'Stop the other one first, or choose another name.'
      });
    }
    return name;
  }

  // The process lives while somebody waits for an answer, and for tasks that ask for it.

  #retain() {
    this.#holds += 1;
    this.#hold ??= setInterval(() => {}, LONGEST_TIMER);
  }

  #release() {
    this.#holds -= 1;
    if (this.#holds > 0) return;
    clearInterval(this.#hold);
    this.#hold = null;
  }

  /** Calls the engine and waits for its reply; a call that gives a value needs none. */
  async #ask(call) {
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    this.#retain();
    try {
      return await new Promise((resolve, reject) => {
        this.#requests.set(request, resolve);
        try {
          const now = call(this.#native, request);
          if (now !== undefined) resolve(now);
        } catch (error) {
          reject(nativeReport(error) === null ? error : this.#nativeError(error));
        }
      });
    } finally {
      this.#requests.delete(request);
      this.#release();
    }
  }

  /** Nothing may be thrown here: it would end the process. */
  #dispatch(text) {
    try {
      const message = JSON.parse(text);
      this.#receive(message);
    } catch (error) {
      this.#report(error, { task: null, attempt: 0, kind: 'failed', willRetry: false });
    }
  }

  #receive(message) {
    switch (message.t) {
      case 'run':
        return this.#run(message);
      case 'abort':
        return this.#runs.get(message.run)?.abort(message.reason);
      case 'end':
        return this.#end(message);
      case 'failure':
        return this.#failure(message);
      case 'reply':
        return this.#requests.get(message.request)?.(message.value);
      case 'leader':
        return this.#changed(message);
      default:
        return this.#lock(message);
    }
  }

  #run(message) {
    const handle = this.#byId.get(message.part);
    if (handle === undefined) return this.#native?.settle(message.run, false, 'stopped', 'ABORT_ERR');
    const fence = handle._lock === undefined ? undefined : this.#locks.fenceOf(handle._lock);
    const run = new BackgroundRun(handle, message, fence ?? this.#fence);
    this.#runs.set(run.id, run);
    try {
      let result;
      if (message.item === undefined) result = handle._handler(run.context);
      else {
        run.item = message.item;
        result = handle._handler(fromText(message.item), Object.assign(run.context, { key: message.key ?? undefined }));
      }
      if (result === null || typeof result !== 'object' || typeof result.then !== 'function') return this.#settled(run);
      Promise.resolve(result).then(
        () => this.#settled(run),
        (error) => this.#failed(run, error)
      );
    } catch (error) {
      this.#failed(run, error);
    }
  }

  #settled(run) {
    if (this.#runs.delete(run.id)) this.#native?.settle(run.id, true);
  }

  #failed(run, error) {
    const aborted = run.isAbort(error);
    if (this.#runs.get(run.id) === run) {
      run.failed = true;
      run.error = error;
      this.#native?.settle(run.id, false, messageOf(error), aborted ? 'ABORT_ERR' : codeOf(error));
      // The engine has told of this attempt already and tells nothing more.
      if (run.timedOut && !aborted) this.#reportLate(run, error);
    } else if (!aborted && this.#native !== null) {
      this.#reportLate(run, error);
    }
  }

  #reportLate(run, error) {
    this.#report(error, { task: run.handle.name, attempt: run.attempt, kind: 'late', willRetry: false });
  }

  /** A run that did not succeed is over for the engine. */
  #end({ run: id, reason }) {
    const run = this.#runs.get(id);
    if (reason !== null) run?.abort(reason);
    this.#runs.delete(id);
  }

  #failure(message) {
    const { task, kind, attempt, willRetry } = message;
    const run = message.run === null ? undefined : this.#runs.get(message.run);
    if (run !== undefined && kind === 'timeout') run.timedOut = true;
    const handle = this.#handles.get(task);
    const error = this.#errorOf(message, run);
    if (handle !== undefined) handle._lastFailure = { message: message.message, error };
    this.#report(error, { task, attempt, kind, willRetry });
    const dead = kind === 'failed' || kind === 'timeout';
    if (dead && !willRetry && run?.item !== undefined && handle?._onDeadLetter) this.#deadLetter(handle, run, error);
  }

  #errorOf({ kind, message, code, task }, run) {
    if (kind === 'failed' && run?.failed) {
      const { error } = run;
      return error instanceof Error ? error : this.#error(message, { task, original: error });
    }
    const ofStorage = kind === 'lease' ? this.#locks.errorOf(message) : undefined;
    return ofStorage ?? this.#error(message, { task, code: code ?? undefined });
  }

  async #deadLetter(handle, run, error) {
    try {
      await handle._onDeadLetter(fromText(run.item), error, { task: handle.name, attempts: run.attempt, key: run.context.key });
    } catch (failure) {
      this.#report(failure, { task: handle.name, attempt: run.attempt, kind: 'failed', willRetry: false });
    }
  }

  #changed({ part, leader }) {
    const handle = this.#byId.get(part);
    if (handle === undefined || leader) return undefined;
    handle._deposed();
    return handle._onLost && this.#call(handle, () => handle._onLost());
  }

  /** Calls a function of the user that is no run. */
  async #call(handle, fn) {
    try {
      await fn();
    } catch (error) {
      this.#owner.failed(handle, error);
    }
  }

  async #lock(message) {
    const answer = await this.#locks.call(message);
    this.#native?.answer(message.call, answer.ok, answer.text);
  }

  #report(error, info) {
    try {
      if (this.#onError === undefined) warn(this.#name, error, info);
      else Promise.resolve(this.#onError(error, info)).catch((failure) => warn(this.#name, failure, info));
    } catch (failure) {
      warn(this.#name, failure, info);
    }
  }

  #error(message, { task, ...details } = {}) {
    return new PluginError(message, { pluginName: this.#name, operation: 'background', retriable: false, ...details, taskName: task });
  }

  #nativeError(error, task) {
    const report = nativeReport(error);
    if (report?.kind === 'Validation') return fromNative(error, { operation: 'background' });
    return report === null ? error : this.#error(report.message, { task, code: report.code, retriable: report.retriable });
  }
}

function messageOf(error) {
  return typeof error?.message === 'string' ? error.message : `a handler rejected with ${typeof error}`;
}

function codeOf(error) {
  const code = error?.code;
  // The engine gives these codes a meaning of their own.
  return typeof code === 'string' && code !== 'ABORT_ERR' ? code : undefined;
}

/** A failure that nobody listens for is still seen. */
function warn(plugin, error, { task }) {
  const where = task === null ? `Background work of ${plugin}` : `Background task '${task}' of ${plugin}`;
  process.emitWarning(`${where} failed: ${messageOf(error)}`, { type: 'S3dbWarning', code: 'BACKGROUND_FAILED' });
}
