/** Locks of the plugin's storage for leases and elections. */
import { randomUUID } from 'node:crypto';
import { ElectionLock } from './election-lock.js';

const REMEMBERED = 16;

export class BackgroundLocks {
  #storage;
  #clocks;
  #errors = new Map();
  /** Locks held, by name: `{ fence, since, ttl }`, ms of the wall clock. */
  #held = new Map();
  #elections = new Map();
  /** Who holds a lock, as others read it in the storage. */
  #workerId = `${process.pid}-${randomUUID().slice(0, 8)}`;

  /**
   * @param {(() => any) | undefined} storage
   * @param {{ wall: () => number, monotonic: () => number }} clocks
   */
  constructor(storage, clocks) {
    this.#storage = storage;
    this.#clocks = clocks;
  }

  /**
   * Marks a lock as that of an election.
   * @param {string} name
   * @param {{ workerId?: string, onLeader: Function, onDue: (ms: number) => void }} options
   */
  elect(name, { workerId = this.#workerId, onLeader, onDue }) {
    const { monotonic } = this.#clocks;
    const election = new ElectionLock({ name, holder: workerId, monotonic, onLeader, onDue });
    this.#elections.set(name, election);
    return election;
  }

  /** Takes the mark back. */
  retire(name) {
    this.#elections.delete(name);
  }

  /** Never rejects: `{ ok: true, text }` with the lock or null, or `{ ok: false, text }` with what went wrong. */
  async call({ op, name, held, ttl }) {
    try {
      const storage = await this.#storage();
      if (op === 'acquire') return { ok: true, text: await this.#acquire(storage, name, ttl) };
      const { name: of, lock } = JSON.parse(held);
      if (op === 'renew') return { ok: true, text: await this.#renew(storage, of, lock, ttl) };
      this.#held.delete(of);
      this.#elections.get(of)?.forget();
      await storage.releaseLock(lock);
      return { ok: true, text: null };
    } catch (error) {
      const text = String(error?.message ?? error);
      this.#errors.set(text, error);
      if (this.#errors.size > REMEMBERED) this.#errors.delete(this.#errors.keys().next().value);
      return { ok: false, text };
    }
  }

  async #acquire(storage, name, ttl) {
    const since = this.#clocks.wall();
    const election = this.#elections.get(name);
    const lock = election
      ? await election.acquire(storage, ttl)
      : await storage.acquireLock(name, { ttl, timeout: 0, workerId: this.#workerId });
    return this.#note(name, lock, since, ttl);
  }

  async #renew(storage, name, lock, ttl) {
    const since = this.#clocks.wall();
    const election = this.#elections.get(name);
    const renewed = election ? await election.renew(storage, lock, ttl) : await storage.renewLock(lock, ttl);
    if (!renewed) election?.forget();
    return this.#note(name, renewed, since, ttl);
  }

  #note(name, lock, since, ttl) {
    if (!lock) {
      this.#held.delete(name);
      return null;
    }
    this.#held.set(name, { fence: lock.fence, since, ttl: ttl * 1000 });
    return JSON.stringify({ name, lock });
  }

  /** Fence of a lock that was taken and not given back, if its storage has fences. */
  fenceOf(name) {
    return this.#held.get(name)?.fence;
  }

  /** Whether the wall clock, too, says that a lock cannot have expired: it goes on while a machine sleeps. */
  isFresh(name) {
    const held = this.#held.get(name);
    return held !== undefined && this.#clocks.wall() - held.since <= held.ttl;
  }

  /** The error that the storage gave with that message. */
  errorOf(message) {
    return this.#errors.get(message);
  }
}
