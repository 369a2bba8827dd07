import type { EventEmitter } from 'node:events';
import type { Background } from './background.js';
import { Plugin, type PluginOptions } from './plugin.js';

/** Options of an election. All times in milliseconds. */
export interface CoordinatorTimes {
  /** After which another process takes over from a coordinator that died. At least 1000, default 15000. */
  leaseTimeout?: number;
  /** Between signs of life, and between attempts to become coordinator. At least 100, default 5000. */
  heartbeatInterval?: number;
  /** Each sign of life comes up to so much later, at random. Below `heartbeatInterval`. Default 1000, at most a fifth of it. */
  heartbeatJitter?: number;
  /** A worker without a sign of life for so long counts as gone. Default 20000, at least two heartbeats. */
  workerTimeout?: number;
  /** Waits so long before it takes part, at random between the two. Defaults 0 and 5000; with `getGlobalCoordinator` both 0. */
  startupJitterMin?: number;
  startupJitterMax?: number;
}

export interface CoordinatorPluginOptions extends PluginOptions, CoordinatorTimes {
  /** False: never takes part. Default true. */
  enableCoordinator?: boolean;
  /** Time between calls of `coordinatorWork`. Default null: it is not called. */
  coordinatorWorkInterval?: number | null;
  /** Looks around for a third of this time before it takes part, and works only when it is over. Default 0. */
  coldStartDuration?: number;
  skipColdStart?: boolean;
  /** False: `validateEpoch` finds everything valid. Default true. */
  epochFencingEnabled?: boolean;
  /** How long work of the term before is valid after a change of coordinator. Default 5000. */
  epochGracePeriodMs?: number;
}

/** `coordinatorConfig`: the options with their defaults. */
export type CoordinatorConfig = Required<Omit<CoordinatorPluginOptions, keyof PluginOptions>>;

/** The time during which a process is coordinator. */
export interface CoordinatorTerm {
  /** Number of the term: higher than that of every term before, also of other processes. */
  readonly epoch: number;
  /** The same number, as the fence of the lock: for whatever must refuse a coordinator that was overtaken. */
  readonly fence: number;
  readonly workerId: string;
  /** Aborted when the term ends; its reason is an `AbortError` with `reason` `stopped` or `lease-lost`. */
  readonly signal: AbortSignal;
  /** What runs here ends with the term, before the lock is given back. */
  readonly background: Background;
}

/** What `coordinatorWork` receives. Moments are epoch milliseconds. */
export interface CoordinatorRun extends CoordinatorTerm {
  readonly name: string;
  readonly scheduledAt: number;
  readonly startedAt: number;
  readonly attempt: number;
}

/** One that takes part in an election. */
export interface CoordinatorWorker {
  workerId: string;
  pluginName: string;
  /** `HOSTNAME`, or the name of the machine. */
  pod: string;
  /** Epoch ms. */
  lastHeartbeat: number;
  /** Epoch ms. */
  startTime: number;
  namespace: string;
}

export interface EpochVerdict {
  valid: boolean;
  reason: 'current' | 'grace_period' | 'stale';
  taskEpoch: number;
  currentEpoch: number;
}

/**
 * A plugin that elects one of all processes that use it with the same storage and slug. Call `startCoordination()` in
 * `onStart`; a plugin that stops resigns by itself.
 *
 * Events: `plg:coordinator:promoted` and `plg:coordinator:demoted` `{ workerId, timestamp, pluginName, epoch }`,
 * `plg:coordinator:leader-changed` `{ previousLeader, newLeader, epoch, ... }`, `plg:coordinator:cold-start-phase`,
 * `plg:coordinator:cold-start-complete`.
 */
export class CoordinatorPlugin<O extends CoordinatorPluginOptions = CoordinatorPluginOptions> extends Plugin<O> {
  constructor(options?: O);
  /** Names this instance in the storage, in events and to other workers. */
  workerId: string;
  workerStartTime: number;
  coldStartPhase: 'not_started' | 'observing' | 'election' | 'preparation' | 'ready';
  coldStartCompleted: boolean;
  readonly coordinatorConfig: CoordinatorConfig;
  readonly enableCoordinator: boolean;
  /** True while this process is the coordinator: false from the moment when another may be. */
  readonly isCoordinator: boolean;
  readonly currentLeaderId: string | null;

  /** Overridable: this process became the coordinator. Who throws here resigns. */
  onBecomeCoordinator(term: CoordinatorTerm): unknown;
  /** Overridable: it no longer is, and the work of the term has ended. */
  onStopBeingCoordinator(term: CoordinatorTerm): unknown;
  /** Overridable: called every `coordinatorWorkInterval` while this process is the coordinator. */
  coordinatorWork(run: CoordinatorRun): unknown;

  /** Takes part in the election; resolves at once. */
  startCoordination(): Promise<void>;
  /** Takes part no more; a coordinator ends its work and resigns. */
  stopCoordination(): Promise<void>;
  isLeader(): Promise<boolean>;
  /** `workerId` of the coordinator; null when there is none. */
  getLeader(): Promise<string | null>;
  getActiveWorkers(): Promise<CoordinatorWorker[]>;
  /** 0 before there was a term. */
  getCurrentEpoch(): Promise<number>;
  /** Whether work given out in a term, at a time in epoch ms, may be done. */
  validateEpoch(taskEpoch: number, timestamp: number): EpochVerdict;
  isEpochValid(taskEpoch: number, timestamp: number): boolean;
}

export interface GlobalCoordinatorOptions {
  /** Takes part at once. Default false: call `start()`. */
  autoStart?: boolean;
  config?: CoordinatorTimes & { [laterOption: string]: unknown };
}

export interface LeaderChange {
  namespace: string;
  previousLeader: string | null;
  newLeader: string | null;
  epoch: number;
  /** Epoch ms. */
  timestamp: number;
}

interface GlobalCoordinatorEvents {
  promoted: [term: CoordinatorTerm];
  demoted: [term: CoordinatorTerm];
  'leader:changed': [change: LeaderChange];
}

/** The part of one database in the election of a namespace. */
export interface GlobalCoordinator extends EventEmitter {
  readonly namespace: string;
  readonly workerId: string;
  readonly config: CoordinatorConfig;
  readonly isRunning: boolean;
  /** True while this process leads. */
  readonly isLeader: boolean;
  readonly currentLeaderId: string | null;
  readonly currentEpoch: number;
  start(): void;
  stop(): Promise<void>;
  getLeader(): Promise<string | null>;
  getEpoch(): Promise<number>;
  getActiveWorkers(): Promise<CoordinatorWorker[]>;
  /** Of this process since it was created; times in epoch ms. */
  getMetrics(): {
    heartbeatCount: number;
    electionCount: number;
    leaderChanges: number;
    startTime: number | null;
    lastHeartbeatTime: number | null;
  };
  on<K extends keyof GlobalCoordinatorEvents>(event: K, listener: (...args: GlobalCoordinatorEvents[K]) => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
  once<K extends keyof GlobalCoordinatorEvents>(event: K, listener: (...args: GlobalCoordinatorEvents[K]) => void): this;
  once(event: string | symbol, listener: (...args: any[]) => void): this;
}
