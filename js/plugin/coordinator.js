/**
 * One election and what its leader does: the base of `CoordinatorPlugin` and of `database.getGlobalCoordinator`.
 *
 * The leader holds a fenced lock (`BackgroundLeader`). Everything it does belongs to its term: it has the fence of the
 * lock, and it has ended before the lock is given back.
 */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { hostname } from 'node:os';
import { Background } from './background.js';
import { Epochs } from './epochs.js';

/** For work of a term whose leader resigns; `stop` of an election waits longer. */
const RESIGN = { grace: 3000, abortGrace: 1000 };
/** For work of a term that was lost: somebody else may lead by now. */
const LOST = { grace: 0, abortGrace: 1000 };

/** What belongs to one time between start and stop. */
class Session {
  leader = null;
  stopped = false;
  #timers = new Set();

  /** @param {Background} background of the election and the heartbeat */
  constructor(background) {
    this.background = background;
  }

  /** Resolves to true after `ms`, to false as soon as the session ends; keeps no process alive. */
  wait(ms) {
    if (this.stopped) return Promise.resolve(false);
    if (ms <= 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = { id: setTimeout(() => this.#end(timer, true), ms), resolve };
      timer.id.unref();
      this.#timers.add(timer);
    });
  }

  #end(timer, done) {
    clearTimeout(timer.id);
    this.#timers.delete(timer);
    timer.resolve(done);
  }

  end() {
    this.stopped = true;
    for (const timer of [...this.#timers]) this.#end(timer, false);
  }
}

export class Coordinator extends EventEmitter {
  #storage;
  #lock;
  #pluginName;
  #hooks;
  #onError;
  #session = null;
  #stopping = null;
  #epochs = new Epochs();
  #metrics = { heartbeatCount: 0, electionCount: 0, leaderChanges: 0, startTime: null, lastHeartbeatTime: null };

  /**
   * @param {object} facts
   * @param {string} facts.namespace told in events
   * @param {string} facts.pluginName told in events and to other workers
   * @param {() => any} facts.storage PluginStorage of the lock and the workers
   * @param {string} facts.lock its name
   * @param {any} facts.config see coordinator-config.js
   * @param {string} [facts.workerId]
   * @param {(error: any, failure: any) => void} facts.onError
   * @param {{ begin?: Function, work?: Function, end?: Function, phase?: Function }} [facts.hooks] called with the term;
   *   `phase` with each step of a cold start
   */
  constructor({ namespace, pluginName, storage, lock, config, workerId, onError, hooks = {} }) {
    super();
    this.namespace = namespace;
    this.config = config;
    this.workerId = workerId ?? `worker-${Date.now()}-${process.pid}-${randomUUID().slice(0, 8)}`;
    this.#pluginName = pluginName;
    this.#storage = storage;
    this.#lock = lock;
    this.#hooks = hooks;
    this.#onError = onError;
  }

  #makeBackground(fence) {
    return new Background({ name: this.#pluginName, storage: this.#storage, onError: this.#onError, fence });
  }

  /** Whether it takes part, or is about to. */
  get isRunning() {
    return this.#session !== null;
  }

  /** True while this process leads: false from the moment its lock may have expired. */
  get isLeader() {
    return this.#session?.leader?.isLeader === true;
  }

  /** Who leads, as far as this process knows. */
  get currentLeaderId() {
    return this.#session?.leader?.leader?.workerId ?? null;
  }

  /** The highest epoch that this process knows; 0 before it has seen one. */
  get currentEpoch() {
    return this.#epochs.current;
  }

  /** Takes part, after the startup jitter and the cold start; returns at once. */
  start() {
    if (this.#session !== null) return;
    const session = new Session(this.#makeBackground());
    this.#session = session;
    this.#metrics.startTime = Date.now();
    session.background.every(this.config.heartbeatInterval, () => this.#beat(), {
      name: 'heartbeat',
      immediate: true,
      jitter: this.config.heartbeatJitter
    });
    this.#enter(session).catch((error) => this.#failed(error));
  }

  /** Takes part no more: work of a term ends, the lock is given back. */
  async stop() {
    if (this.#session !== null) this.#stopping = this.#leave(this.#session);
    await this.#stopping;
  }

  async #leave(session) {
    this.#session = null;
    session.end();
    const { leader } = session;
    await leader?.stop();
    await session.background.stop();
    // Another session may have started meanwhile.
    if (this.#session === null) await this.#forget();
  }

  async #enter(session) {
    const { startupJitterMin: least, startupJitterMax: most, skipColdStart, coldStartDuration } = this.config;
    if (!(await session.wait(least + Math.random() * (most - least)))) return;
    const third = skipColdStart ? 0 : coldStartDuration / 3;
    const started = Date.now();
    const cold = async (phase, details) => {
      if (third === 0) return true;
      // Nobody stays out because there was nothing to be seen.
      const seen = await details().catch((error) => this.#failed(error));
      if (!session.stopped) this.#hooks.phase?.(phase, { ...seen });
      return session.wait(third);
    };
    // Those who came earlier are seen before anybody is elected, and who is elected waits before there is work.
    if (!(await cold('observing', async () => ({ workersDiscovered: (await this.getActiveWorkers()).length })))) return;
    let begin;
    this.#elect(
      session,
      new Promise((resolve) => {
        begin = resolve;
      })
    );
    if (!(await cold('election', async () => ({ leaderId: await this.getLeader(), isLeader: this.isLeader })))) return;
    if (!(await cold('preparation', async () => ({ isLeader: this.isLeader })))) return;
    this.#hooks.phase?.('ready', { duration: Date.now() - started, isLeader: this.isLeader });
    begin();
  }

  /** @param {Session} session @param {Promise<void>} ready resolves when work may begin */
  #elect(session, ready) {
    if (session.stopped) return;
    let known = null;
    session.leader = session.background.leader('election', {
      lock: this.#lock,
      ttl: this.config.leaseTimeout,
      retryEvery: this.config.heartbeatInterval,
      workerId: this.workerId,
      onElected: (run) => this.#term(session, run, ready),
      onLeader: (leader) => {
        const [previousLeader, newLeader] = [known, leader?.workerId ?? null];
        known = newLeader;
        if (leader !== null) this.#epochs.note(leader.fence);
        if (previousLeader === newLeader) return;
        this.#metrics.leaderChanges += 1;
        const { namespace } = this;
        this.emit('leader:changed', { namespace, previousLeader, newLeader, epoch: this.#epochs.current, timestamp: Date.now() });
      }
    });
  }

  async #term(session, { fence, signal }, ready) {
    this.#metrics.electionCount += 1;
    const background = this.#makeBackground(fence);
    const term = { epoch: fence, fence, workerId: this.workerId, signal, background };
    const over = new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', resolve, { once: true });
    });
    let begun = false;
    try {
      await Promise.race([ready, over]);
      if (signal.aborted) return;
      begun = true;
      await this.#hooks.begin?.(term);
      this.emit('promoted', term);
      const { coordinatorWorkInterval: every } = this.config;
      if (every !== null && this.#hooks.work && !signal.aborted) {
        // The signal of the term is the first to tell that the work should end.
        const work = ({ name, scheduledAt, startedAt, attempt }) => this.#hooks.work({ ...term, name, scheduledAt, startedAt, attempt });
        background.every(every, work, { name: 'coordinator-work', immediate: true });
      }
      await over;
    } catch (error) {
      // Others may be luckier than a leader that cannot begin.
      if (!signal.aborted) this.#retire(session);
      throw error;
    } finally {
      await background.stop(signal.reason?.reason === 'lease-lost' ? LOST : RESIGN);
      if (begun) {
        await this.#hooks.end?.(term);
        this.emit('demoted', term);
      }
    }
  }

  /** Resigns, and takes part again when others have had their turn. */
  #retire(session) {
    const again = async () => {
      await session.leader.stop();
      if (await session.wait(this.config.leaseTimeout)) this.#elect(session, Promise.resolve());
    };
    again().catch((error) => this.#failed(error));
  }

  #failed(error) {
    this.#onError(error, { task: 'election', attempt: 0, kind: 'failed', willRetry: false });
  }

  // Workers

  #key(storage) {
    return storage.getPluginKey(null, 'coordination', this.#lock, 'workers', this.workerId);
  }

  async #beat() {
    const storage = this.#storage();
    const { workerId, namespace } = this;
    const now = Date.now();
    const pod = process.env.HOSTNAME || hostname();
    const worker = { workerId, pluginName: this.#pluginName, pod, lastHeartbeat: now, startTime: this.#metrics.startTime, namespace };
    await storage.set(this.#key(storage), worker, { ttl: this.config.workerTimeout / 1000, behavior: 'body-only' });
    this.#metrics.heartbeatCount += 1;
    this.#metrics.lastHeartbeatTime = now;
  }

  async #forget() {
    const storage = this.#storage();
    // An entry that cannot be deleted expires.
    await storage.delete(this.#key(storage)).catch(() => {});
  }

  // What there is

  /** Who leads, as the storage tells; null when nobody does. */
  async getLeader() {
    return (await this.#stored())?.workerId ?? null;
  }

  /** The current epoch, as the storage tells; the highest known when nobody leads. */
  async getEpoch() {
    await this.#stored();
    return this.#epochs.current;
  }

  async #stored() {
    const { leader } = this.#session ?? {};
    if (leader?.isLeader) return leader.leader;
    const found = await this.#storage()._lockInfo(this.#lock);
    if (found === null) return null;
    this.#epochs.note(found.fence);
    return { workerId: found.workerId?.id ?? String(found.workerId), fence: found.fence };
  }

  /** @returns {Promise<object[]>} those that have given a sign within their `workerTimeout`, this one included, oldest first */
  async getActiveWorkers() {
    const workers = await this.#storage().listWithPrefix(['coordination', this.#lock, 'workers', ''].join('/'));
    return workers.sort((a, b) => a.startTime - b.startTime);
  }

  /** Counters of this process since it was created. */
  getMetrics() {
    return { ...this.#metrics };
  }

  /** See `Epochs.judge`. */
  judge(epoch, timestamp) {
    return this.#epochs.judge(epoch, timestamp, this.config.epochGracePeriodMs);
  }
}
