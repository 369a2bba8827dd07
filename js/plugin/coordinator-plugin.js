/** Base class of plugins of which one process does the work (spec/05 section 18). */
import { randomUUID } from 'node:crypto';
import { PluginError } from '../errors/index.js';
import { Coordinator } from './coordinator.js';
import { coordinatorConfig } from './coordinator-config.js';
import { Plugin } from './plugin.js';

let serial = 0;

/**
 * A plugin that elects one of all processes that use it with the same storage and slug.
 *
 * Subclasses call `startCoordination()` in `onStart` and override `onBecomeCoordinator`, `onStopBeingCoordinator` and
 * `coordinatorWork`. When the plugin stops, it resigns by itself.
 */
export class CoordinatorPlugin extends Plugin {
  /**
   * @param {object} [options] those of `Plugin`, and milliseconds: `leaseTimeout` (15000) after which another process takes over
   *   from one that died; `heartbeatInterval` (5000) and `heartbeatJitter` (1000) of the sign of life and of attempts to lead;
   *   `workerTimeout` (20000) after which a worker without one counts as gone; `coordinatorWorkInterval` (null: no such work);
   *   `startupJitterMin`, `startupJitterMax` (0, 5000) before it takes part; `coldStartDuration` (0), `skipColdStart`;
   *   `enableCoordinator` (true); `epochFencingEnabled` (true), `epochGracePeriodMs` (5000)
   * @throws {PluginError} for an option that is none, with `field`
   */
  constructor(options = {}) {
    super(options);
    serial += 1;
    const state = { _coordinatorConfig: coordinatorConfig(this.options, this.name), _coordinator: null };
    for (const [key, value] of Object.entries(state)) Object.defineProperty(this, key, { value, writable: true, configurable: true });
    /** Names this instance in the storage, in events and to other workers. */
    this.workerId = `worker-${Date.now()}-${serial}-${randomUUID().slice(0, 8)}`;
    this.workerStartTime = Date.now();
    this.coldStartPhase = 'not_started';
    this.coldStartCompleted = false;
  }

  // What subclasses override

  /** Called when this process became the coordinator. What `term.background` runs ends with the term. */
  async onBecomeCoordinator(_term) {}

  /** Called when it no longer is, after the work of the term has ended. */
  async onStopBeingCoordinator(_term) {}

  /** Called every `coordinatorWorkInterval` while this process is the coordinator. */
  async coordinatorWork(_run) {}

  // Coordination

  /** The options with their defaults. */
  get coordinatorConfig() {
    return this._coordinatorConfig;
  }

  get enableCoordinator() {
    return this._coordinatorConfig.enableCoordinator;
  }

  /** True while this process is the coordinator: false from the moment when another may be. */
  get isCoordinator() {
    return this._coordinator?.isLeader === true;
  }

  /** The coordinator, as far as this process knows. */
  get currentLeaderId() {
    return this._coordinator?.currentLeaderId ?? null;
  }

  /**
   * Takes part in the election. Resolves at once: `plg:coordinator:promoted` tells when this process was elected.
   * @throws {PluginError} before the plugin is installed
   */
  async startCoordination() {
    if (!this.enableCoordinator) return;
    if (!this.database) {
      throw new PluginError('Database not available - cannot initialize coordinator', {
        pluginName: this.name,
        operation: 'startCoordination',
        statusCode: 400,
        retriable: false,
        suggestion: 'Call startCoordination() in onStart().'
      });
    }
    this._coordinator ??= this._makeCoordinator();
    this._coordinator.start();
  }

  /** Takes part no more; a coordinator ends its work and resigns. Happens by itself when the plugin stops. */
  async stopCoordination() {
    await this._coordinator?.stop();
    this.coldStartPhase = 'not_started';
    this.coldStartCompleted = false;
  }

  async _stopBackground() {
    try {
      await this.stopCoordination();
    } finally {
      await super._stopBackground();
    }
  }

  _makeCoordinator() {
    const about = () => ({ workerId: this.workerId, timestamp: Date.now(), pluginName: this.name });
    const coordinator = new Coordinator({
      namespace: this.namespace ?? 'default',
      pluginName: this.instanceName ?? this.name,
      storage: () => this.getStorage(),
      lock: 'coordinator',
      config: this._coordinatorConfig,
      workerId: this.workerId,
      onError: (error, failure) => this._backgroundFailed(error, failure),
      hooks: {
        begin: async (term) => {
          await this.onBecomeCoordinator(term);
          if (!term.signal.aborted) this.emit('plg:coordinator:promoted', { ...about(), epoch: term.epoch });
        },
        work: (run) => this.coordinatorWork(run),
        end: async (term) => {
          await this.onStopBeingCoordinator(term);
          this.emit('plg:coordinator:demoted', { ...about(), epoch: term.epoch });
        },
        phase: (phase, details) => this._enterPhase(phase, { ...details, ...about() })
      }
    });
    coordinator.on('leader:changed', (change) => this.emit('plg:coordinator:leader-changed', { ...about(), ...change }));
    return coordinator;
  }

  _enterPhase(phase, details) {
    this.coldStartPhase = phase;
    this.coldStartCompleted = phase === 'ready';
    if (phase !== 'ready') this.emit('plg:coordinator:cold-start-phase', { phase, ...details });
    else this.emit('plg:coordinator:cold-start-complete', details);
  }

  // What there is

  /** Whether this process is the coordinator. */
  async isLeader() {
    return this.isCoordinator;
  }

  /** `workerId` of the coordinator, as the storage tells; null when there is none. */
  async getLeader() {
    return (await this._coordinator?.getLeader()) ?? null;
  }

  /** The workers that take part and live: `{ workerId, pluginName, pod, lastHeartbeat, startTime, namespace }`. */
  async getActiveWorkers() {
    return (await this._coordinator?.getActiveWorkers()) ?? [];
  }

  /** Number of the current term, which grows with every change of coordinator; 0 before there was one. */
  async getCurrentEpoch() {
    return (await this._coordinator?.getEpoch()) ?? 0;
  }

  /**
   * Whether work that a coordinator gave out may be done. That of the term before counts for `epochGracePeriodMs` after a
   * change, if it was given out as recently.
   * @param {number} taskEpoch `term.epoch` of who gave it out
   * @param {number} timestamp when, epoch ms
   * @returns {{ valid: boolean, reason: 'current' | 'grace_period' | 'stale', taskEpoch: number, currentEpoch: number }}
   */
  validateEpoch(taskEpoch, timestamp) {
    if (!this._coordinatorConfig.epochFencingEnabled) {
      return { valid: true, reason: 'current', taskEpoch, currentEpoch: this._coordinator?.currentEpoch ?? 0 };
    }
    this._coordinator ??= this._makeCoordinator();
    return this._coordinator.judge(taskEpoch, timestamp);
  }

  /** `validateEpoch(...).valid` */
  isEpochValid(taskEpoch, timestamp) {
    return this.validateEpoch(taskEpoch, timestamp).valid;
  }
}

export default CoordinatorPlugin;
