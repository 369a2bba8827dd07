import { OwnedEmitter } from './owned-emitter.js';

/**
 * Event emitter whose listeners run after the operation that emits, one after the other and
 * awaited. In sync mode it is a plain EventEmitter.
 */
export class AsyncEventEmitter extends OwnedEmitter {
  constructor() {
    super();
    this._asyncMode = true;
  }

  /**
   * @param {string | symbol} event
   * @param {...any} args
   * @returns {boolean} whether anybody listens
   */
  emit(event, ...args) {
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
        if (event === 'error') console.error('Error in an error event handler:', error);
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
    return super.emit(event, ...args);
  }

  /** @param {boolean} enabled */
  setAsyncMode(enabled) {
    this._asyncMode = enabled;
  }
}

export default AsyncEventEmitter;
