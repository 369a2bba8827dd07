import { EventEmitter } from 'node:events';
import { ValidationError } from '../errors/index.js';
import { consoleLogger, LEVELS } from './logger.js';

/** Those that end with the process. */
const live = new Set();

function destroyAll() {
  for (const emitter of [...live]) emitter.destroy();
}

const LEVEL_NAMES = [...LEVELS, 'silent'];

/**
 * Event emitter whose `emit` never throws: the error of a listener, and an `error` that nobody hears, are logged, and `emit`
 * gives false. A name of later versions of s3db.js.
 */
export class SafeEventEmitter extends EventEmitter {
  #destroyed = false;

  /**
   * @param {{ autoCleanup?: boolean, maxListeners?: number, logLevel?: string, logger?: { error: Function } }} [options]
   *   `autoCleanup` (true): `destroy()` when the process exits; it lives until then, or until `destroy()`; `maxListeners` (0, any number); `logLevel` (`warn`)
   */
  constructor({ autoCleanup = true, maxListeners = 0, logLevel = 'warn', logger } = {}) {
    super();
    if (!LEVEL_NAMES.includes(logLevel)) {
      throw new ValidationError(`Unknown log level '${String(logLevel)}'`, {
        field: 'logLevel',
        statusCode: 400,
        retriable: false,
        suggestion: `Use one of: ${LEVEL_NAMES.join(', ')}.`
      });
    }
    this.options = { autoCleanup, maxListeners, logLevel };
    this.logger = logger ?? consoleLogger(logLevel, '[SafeEventEmitter]');
    this.setMaxListeners(maxListeners);
    if (!autoCleanup) return;
    if (live.size === 0) process.on('exit', destroyAll);
    live.add(this);
  }

  /** @returns {boolean} whether listeners ran without an error */
  emit(event, ...args) {
    if (this.#destroyed) return false;
    try {
      if (event === 'error' && this.listenerCount('error') === 0) throw args[0];
      return super.emit(event, ...args);
    } catch (error) {
      this.handleError(error, event);
      return false;
    }
  }

  on(event, listener) {
    return this.#destroyed ? this : super.on(event, listener);
  }

  addListener(event, listener) {
    return this.on(event, listener);
  }

  prependListener(event, listener) {
    return this.#destroyed ? this : super.prependListener(event, listener);
  }

  /** Logs an error of a listener; for subclasses to replace. */
  handleError(error, event) {
    this.logger.error(`a listener of '${String(event)}' failed: ${error?.message ?? String(error)}`, error);
  }

  /** Number of listeners by event. */
  getListenerStats() {
    return Object.fromEntries(this.eventNames().map((event) => [String(event), this.listenerCount(event)]));
  }

  getTotalListenerCount() {
    return this.eventNames().reduce((sum, event) => sum + this.listenerCount(event), 0);
  }

  /** Removes all listeners, for good. */
  destroy() {
    this.#destroyed = true;
    this.removeAllListeners();
    this.removeSignalHandlers();
  }

  isDestroyed() {
    return this.#destroyed;
  }

  /** No `destroy()` when the process exits. */
  removeSignalHandlers() {
    if (live.delete(this) && live.size === 0) process.off('exit', destroyAll);
  }
}

/** @param {ConstructorParameters<typeof SafeEventEmitter>[0]} [options] */
export const createSafeEventEmitter = (options) => new SafeEventEmitter(options);
