/**
 * The lock of an election.
 *
 * Clocks of machines differ, so the time that another process wrote decides nothing here: a lock is taken over only
 * after it stood unchanged for its whole time to live, measured on this process's own clock. Its holder stops leading
 * that long after its last renewal, measured on its own. Nobody has to be right about the time of day.
 */

/** A released lock has the expiry 1, so at this time every other one is held. */
const BEFORE_ALL = 2;
/** For clocks that run at slightly different speeds. */
const MARGIN = 1.01;

/** The fenced locks of `PluginStorage`; another storage takes over by its own rules. */
const isFenced = (storage) => typeof storage._lockInfo === 'function';

export class ElectionLock {
  #name;
  #holder;
  #monotonic;
  #onLeader;
  #onDue;
  /** What was there at the last look, since when, and whose it is. */
  #seen = null;
  #leader = null;

  /**
   * @param {{ name: string, holder: string, monotonic: () => number, onLeader: Function, onDue: (ms: number) => void }} facts
   *   `holder` names this process in the lock; `monotonic` ms; `onLeader({ workerId, fence } | null)` hears of changes,
   *   `onDue` after an attempt when the lock may be taken over, should nothing change until then
   */
  constructor({ name, holder, monotonic, onLeader, onDue }) {
    this.#name = name;
    this.#holder = holder;
    this.#monotonic = monotonic;
    this.#onLeader = onLeader;
    this.#onDue = onDue;
  }

  /** Who holds the lock as far as this process knows: `{ workerId, fence }` or null. */
  get leader() {
    return this.#leader;
  }

  /**
   * One attempt.
   * @param {any} storage
   * @param {number} ttl seconds
   * @returns {Promise<object | null>} the lock
   */
  async acquire(storage, ttl) {
    if (!isFenced(storage)) {
      const lock = await storage.acquireLock(this.#name, { ttl, timeout: 0, workerId: this.#holder });
      if (lock) this.#lead({ workerId: this.#holder, fence: lock.fence ?? null });
      return lock;
    }
    const found = await storage._lockInfo(this.#name, {}, BEFORE_ALL);
    if (found !== null && !this.#abandoned(found, ttl)) return null;
    // At this time only the very lock that was looked at counts as expired: one that was renewed or taken has a later expiry.
    const now = found === null ? BEFORE_ALL : found.expiresAt + 1;
    const worker = { id: this.#holder, ttl: ttl * 1000 };
    const lock = await storage._acquireAt(storage.getPluginKey(null, 'locks', this.#name), this.#name, { ttl, workerId: worker }, now);
    if (lock === null) return null;
    // That was no time of day: readers get one, and the fence stays above those of a lock that was purged.
    const acquiredAt = storage._clock() ?? Date.now();
    const held = await this.renew(storage, { ...lock, acquiredAt, fence: Math.max(lock.fence, acquiredAt * 1000) }, ttl);
    if (held !== null) this.#lead({ workerId: this.#holder, fence: held.fence });
    return held;
  }

  /** Extends the lock. The stored expiry only grows, whatever the clock does. */
  async renew(storage, lock, ttl) {
    if (!isFenced(storage)) return storage.renewLock(lock, ttl);
    const now = Math.max(storage._clock() ?? Date.now(), lock.expiresAt - ttl * 1000 + 1);
    return storage._renewAt(lock, ttl, now);
  }

  /** Says that this process holds the lock no more. */
  forget() {
    this.#seen = null;
    if (this.#leader?.workerId === this.#holder) this.#lead(null);
  }

  #abandoned({ token, expiresAt, workerId, fence }, ttl) {
    const now = this.#monotonic();
    const holder = typeof workerId?.id === 'string' ? workerId : { id: String(workerId), ttl: ttl * 1000 };
    if (this.#seen?.token !== token || this.#seen.expiresAt !== expiresAt) this.#seen = { token, expiresAt, at: now };
    const left = this.#seen.at + Math.max(Number(holder.ttl) || 0, 1) * MARGIN - now;
    if (left <= 0) return true;
    this.#lead({ workerId: holder.id, fence });
    this.#onDue(left);
    return false;
  }

  #lead(leader) {
    const before = this.#leader;
    this.#leader = leader;
    if (before?.workerId !== leader?.workerId || before?.fence !== leader?.fence) this.#onLeader(leader);
  }
}
