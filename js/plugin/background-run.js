/** One attempt of a handler. */

const MESSAGES = {
  timeout: 'took longer than its timeout',
  'lease-lost': 'lost the lock under which it ran',
  stopped: 'was stopped'
};

/** Reason of an aborted signal: an `AbortError` whose `reason` is `timeout`, `lease-lost` or `stopped`. */
function abortError(name, reason) {
  const error = new DOMException(`Background task '${name}' ${MESSAGES[reason] ?? 'was aborted'}`, 'AbortError');
  Object.defineProperty(error, 'reason', { value: reason, enumerable: true });
  return error;
}

export class BackgroundRun {
  #controller = null;
  #reason = null;

  /** @param {any} handle task, queue or election @param {any} message of the engine @param {number} [fence] of its lock */
  constructor(handle, message, fence) {
    this.handle = handle;
    this.id = message.run;
    this.attempt = message.attempt;
    this.item = undefined;
    this.failed = false;
    /** Whether the engine has told that it took too long. */
    this.timedOut = false;
    this.error = undefined;
    const run = this;
    /** What the handler receives. The signal is made when it is asked for. */
    this.context = {
      name: handle.name,
      scheduledAt: message.scheduledAt,
      startedAt: message.startedAt,
      attempt: message.attempt,
      get signal() {
        return run.#signal();
      }
    };
    if (fence !== undefined) this.context.fence = fence;
  }

  #signal() {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason) {
    if (this.#reason !== null) return;
    this.#reason = abortError(this.handle.name, reason);
    this.#controller?.abort(this.#reason);
  }

  /** True for the error of a handler that obeyed its signal. */
  isAbort(error) {
    return this.#reason !== null && (error === this.#reason || error?.name === 'AbortError');
  }
}
