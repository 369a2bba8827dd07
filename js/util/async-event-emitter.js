import { consoleLogger } from './logger.js';
import { OwnedEmitter } from './owned-emitter.js';

/**
 * Event emitter whose listeners run after the operation that emits, one after the other and
 * awaited. In sync mode it is a plain EventEmitter.
 */
export class AsyncEventEmitter extends OwnedEmitter {
  /**
   * @param {{ logger?: object, logLevel?: string }} [options] where failures of `error` listeners are told; without either it is
   *   the console
   */
  constructor({ logger, logLevel } = {}) {
    super();
    this._asyncMode = true;
    if (logger !== undefined || logLevel !== undefined) this.logger = logger ?? consoleLogger(logLevel, '[events]');
    /** Event -> functions that see it when it is emitted, and the promises they gave; undefined while there are none. */
    Object.defineProperty(this, '_taps', { value: undefined, writable: true, enumerable: false });
    Object.defineProperty(this, '_tapped', { value: undefined, writable: true, enumerable: false });
    Object.defineProperty(this, '_eventsDisabled', { value: false, writable: true, enumerable: false });
  }

  /**
   * Calls `fn(...args)` synchronously whenever `event` is emitted, in either mode. A promise that it returns is awaited by
   * the operation that emits. Taps are no listeners: they are not counted, named or removed as such.
   * @param {string} event
   * @param {(...args: any[]) => void | Promise<void>} fn must not throw
   * @returns {() => void} removes it
   */
  _tap(event, fn) {
    this._taps ??= new Map();
    if (!this._taps.has(event)) this._taps.set(event, new Set());
    this._taps.get(event).add(fn);
    return () => {
      const taps = this._taps?.get(event);
      taps?.delete(fn);
      if (taps?.size === 0) this._taps.delete(event);
      if (this._taps?.size === 0) this._taps = undefined;
    };
  }

  /** What the taps called since the last time want to be waited for, or undefined. */
  _takeTapped() {
    const promises = this._tapped;
    if (promises === undefined) return undefined;
    this._tapped = undefined;
    return promises.length === 1 ? promises[0] : Promise.all(promises);
  }

  _runTaps(event, args) {
    for (const fn of this._taps.get(event) ?? []) {
      const result = fn.apply(this, args);
      if (result === undefined) continue;
      this._tapped ??= [];
      this._tapped.push(result);
    }
  }

  /**
   * @param {string | symbol} event
   * @param {...any} args
   * @returns {boolean} whether anybody listens
   */
  emit(event, ...args) {
    if (this._taps !== undefined) this._runTaps(event, args);
    if (this._eventsDisabled) return false;
    if (!this._asyncMode) return super.emit(event, ...args);
    if (this.listenerCount(event) === 0) return false;
    const entries = this.rawListeners(event).map((registered) => {
      // A wrapper made by `once` carries the function it stands for.
      if (typeof registered.listener !== 'function') return { registered, listener: registered, once: false };
      // Removed now, so that a second emit before the dispatch does not run it again.
      this.removeListener(event, registered);
      return { registered, listener: registered.listener, once: true };
    });
    setImmediate(() => {
      void this._dispatch(event, entries, args);
    });
    return true;
  }

  async _dispatch(event, entries, args) {
    for (const { registered, listener, once } of entries) {
      if (!once && !this.rawListeners(event).includes(registered)) continue;
      try {
        const result = listener.apply(this, args);
        if (result !== null && typeof result?.then === 'function') await result;
      } catch (error) {
        if (event === 'error') (this.logger ?? console).error('Error in an error event handler:', error);
        else this.emit('error', error);
      }
    }
  }

  /**
   * Emits synchronously in either mode.
   * @param {string | symbol} event
   * @param {...any} args
   * @returns {boolean}
   */
  emitSync(event, ...args) {
    return !this._eventsDisabled && super.emit(event, ...args);
  }

  /** True when nothing is emitted and listeners are not kept; taps work all the same. */
  get eventsDisabled() {
    return this._eventsDisabled;
  }

  on(event, listener) {
    return this._eventsDisabled ? this._ignored(event) : super.on(event, listener);
  }

  addListener(event, listener) {
    return this._eventsDisabled ? this._ignored(event) : super.addListener(event, listener);
  }

  prependListener(event, listener) {
    return this._eventsDisabled ? this._ignored(event) : super.prependListener(event, listener);
  }

  /** What becomes of a listener that would never be called. */
  _ignored(_event) {
    return this;
  }

  /** Removes every listener. */
  destroy() {
    this.removeAllListeners();
  }

  /** @param {boolean} enabled */
  setAsyncMode(enabled) {
    this._asyncMode = enabled;
  }
}

export default AsyncEventEmitter;
