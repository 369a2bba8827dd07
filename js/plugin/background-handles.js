/** What `every`, `cron`, `queue` and `leader` return. */
import { toText } from '../native/text.js';

/** A task with a schedule. */
export class BackgroundTask {
  #owner;
  #last = null;

  /**
   * @param {any} owner what the `Background` lends its handles
   * @param {{ kind: string, name: string, handler: Function, keepAlive?: boolean, lock?: string }} facts
   */
  constructor(owner, { kind, name, handler, keepAlive = false, lock }) {
    this.#owner = owner;
    this.kind = kind;
    this.name = name;
    Object.defineProperties(this, {
      _handler: { value: handler },
      _keepAlive: { value: keepAlive },
      _lock: { value: lock },
      _id: { value: null, writable: true },
      _stopping: { value: undefined, writable: true },
      _lastFailure: { value: null, writable: true }
    });
  }

  get _owner() {
    return this.#owner;
  }

  /** True until `stop` has been called. */
  get active() {
    return this._id !== null;
  }

  /** Counters so far; those at its end for a task that was stopped. */
  stats() {
    if (this._id !== null) this.#last = JSON.parse(this.#owner.native().stats(this._id));
    return { ...this.#last };
  }

  /**
   * Runs the task now, by the rules of its schedule.
   * @returns {Promise<{ status: 'done' | 'failed' | 'timeout' | 'skipped' | 'aborted', attempts: number, reason?: string, error?: Error }>}
   *   never rejects: failures are reported as those of scheduled runs
   */
  async trigger() {
    if (this._id === null) return { status: 'skipped', reason: 'stopped', attempts: 0 };
    const { message, code, ...outcome } = await this.#owner.ask((native, request) => native.trigger(this._id, request));
    if (message === undefined) return outcome;
    const last = this._lastFailure;
    return { ...outcome, error: last?.message === message ? last.error : this.#owner.error(message, { code, task: this.name }) };
  }

  /**
   * Starts no further run; resolves when running ones have ended, or were aborted and given up.
   * @param {{ grace?: number, abortGrace?: number }} [options] ms to end by themselves (5000) and after the abort (1000)
   */
  async stop(options) {
    await this.#owner.stopPart(this, options);
  }

  /** Called by the `Background` at the end of the task. */
  _ended() {
    if (this._id === null) return;
    this.stats();
    this.#last = { ...this.#last, running: 0, queued: 0, nextRunAt: null };
    this._id = null;
  }
}

/** A queue in memory. */
export class BackgroundQueue extends BackgroundTask {
  constructor(owner, facts) {
    super(owner, facts);
    Object.defineProperties(this, { _key: { value: facts.key }, _onDeadLetter: { value: facts.onDeadLetter } });
  }

  /**
   * Adds an item, which the handler receives as a copy. Resolves when it has its place; on a full queue that is when an
   * earlier item is done, or never with `overflow: 'reject'`.
   * @param {any} item plain data, dates, buffers
   * @param {{ key?: string }} [options] items of one key are handled one after the other, in the order of their pushes
   */
  async push(item, { key = this._key?.(item) } = {}) {
    if (this._id === null) throw this._owner.stopped(this.name);
    const text = toText(item, 'item');
    const by = key === undefined || key === null ? undefined : String(key);
    const reply = await this._owner.ask((native, request) => {
      try {
        return native.push(this._id, text, by, request) ? null : undefined;
      } catch (error) {
        throw this._owner.nativeError(error, this.name);
      }
    });
    if (reply?.error) throw this._owner.error(reply.error.message, { code: reply.error.code, task: this.name });
  }

  /** Resolves when every item is done or failed for good. */
  async drain() {
    if (this._id !== null) await this._owner.ask((native, request) => native.drain(this._id, request));
  }

  /** Starts no further item. */
  pause() {
    if (this._id !== null) this._owner.native().pause(this._id, true);
  }

  /** Goes on after `pause`. */
  resume() {
    if (this._id !== null) this._owner.native().pause(this._id, false);
  }

  /** Makes the items that wait for a retry due now. */
  async trigger() {
    if (this._id !== null) await this._owner.ask((native, request) => native.trigger(this._id, request));
  }

  /**
   * Takes no further item; those not in work are dropped, unless `drainOnStop` was given.
   * @param {{ grace?: number, abortGrace?: number }} [options]
   * @returns {Promise<{ dropped: number }>} items left unfinished, which are also reported
   */
  async stop(options) {
    return (await this._owner.stopPart(this, options)) ?? { dropped: this.stats().dropped ?? 0 };
  }
}

/** Part in an election. */
export class BackgroundLeader extends BackgroundTask {
  #election;
  #due;

  /**
   * @param {any} owner
   * @param {any} facts
   * @param {(leader: { workerId: string, fence: number | null } | null) => void} onLeader
   * @param {boolean} wakes whether it tries by itself at the moment when a lock may be taken over
   */
  constructor(owner, facts, onLeader, wakes) {
    super(owner, facts);
    Object.defineProperties(this, { _onLost: { value: facts.onLost } });
    const onDue = (ms) => wakes && this.#wakeIn(ms);
    this.#election = owner.locks.elect(facts.lock, { workerId: facts.workerId, onLeader, onDue });
  }

  /** True while this process holds the lock. */
  get isLeader() {
    return this._id !== null && this.stats().leader === true && this._owner.locks.isFresh(this._lock);
  }

  /** Who leads, as far as this process knows: `{ workerId, fence }`, or null. */
  get leader() {
    return this._id === null ? null : this.#election.leader;
  }

  /** Number of the term of this process, which grows with every change of leader; null when it does not lead. */
  get fence() {
    return this.isLeader ? (this._owner.locks.fenceOf(this._lock) ?? null) : null;
  }

  /** Tries to become leader now. */
  async trigger() {
    if (this._id !== null) await this._owner.ask((native, request) => native.trigger(this._id, request));
  }

  /** Called when this process leads no more. */
  _deposed() {
    this.#election.forget();
  }

  #wakeIn(ms) {
    clearTimeout(this.#due);
    // The election reports an attempt that fails; what fails here is the call itself.
    const attempt = () => this.trigger().catch((error) => this._owner.failed(this, error));
    this.#due = setTimeout(attempt, Math.min(Math.ceil(ms), 2 ** 31 - 1));
    this.#due.unref();
  }

  _ended() {
    clearTimeout(this.#due);
    this._owner.locks.retire(this._lock);
    super._ended();
  }
}
