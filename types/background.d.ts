/** What a handler receives. Moments are epoch milliseconds. */
export interface BackgroundRunContext {
  readonly name: string;
  /** Time the run is for: the tick, the cron time, the acceptance of an item, or when it was triggered. */
  readonly scheduledAt: number;
  readonly startedAt: number;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborted by timeout, loss of the lease, and `stop`; its reason is an `AbortError` with such a `reason`. */
  readonly signal: AbortSignal;
  /** Of the lock under which it runs: higher than that of every holder before. Absent without a lock. */
  readonly fence?: number;
}

export type BackgroundHandler = (run: BackgroundRunContext) => unknown;

/** A failure, beside its error. */
export interface BackgroundFailure {
  /** Name of the task, queue or election; null when none is to blame. */
  task: string | null;
  /** Attempt that failed; 0 when no handler was involved. */
  attempt: number;
  /**
   * `failed`: the handler threw or rejected. `late`: it did so after it had been given up. `lease`: the storage of locks failed.
   * `detached`: it was still running when the grace of `stop` had passed. `dropped`: a queue was stopped with unfinished items.
   */
  kind: 'failed' | 'timeout' | 'lease-lost' | 'lease' | 'detached' | 'dropped' | 'late';
  willRetry: boolean;
}

/** The part of PluginStorage that leases and elections use. `ttl` in seconds, `timeout` in milliseconds. */
export interface BackgroundLockStorage {
  acquireLock(name: string, options: { ttl: number; timeout: number; workerId: any }): Promise<object | null>;
  renewLock(lock: any, ttl: number): Promise<object | null>;
  releaseLock(lock: any): Promise<void>;
}

export interface BackgroundOptions {
  /** Name of the plugin in errors. */
  name?: string;
  /** Receives every failure. Default: a process warning. */
  onError?: (error: any, failure: BackgroundFailure) => void;
  /** Storage whose locks serve leases and elections. */
  storage?: () => BackgroundLockStorage | Promise<BackgroundLockStorage>;
  /** For tests. */
  clock?: ManualClock;
  /** Fence of the lock under which all of this work is done, for handlers. */
  fence?: number;
}

/** Waits between attempts: `base`, then twice as long each time, at most `max` (milliseconds). */
export interface BackgroundBackoff {
  /** Default 1000. */
  base?: number;
  /** Default 30000. */
  max?: number;
  /** Adds up to half of `base` at random. Default true. */
  jitter?: boolean;
}

export interface BackgroundAttemptOptions {
  /** Milliseconds after which an attempt has failed and its signal is aborted. Default 0: no limit. */
  timeout?: number;
  /** Slot of an attempt that timed out: given up at once (default), or kept until the handler ends. */
  onTimeout?: 'free' | 'keep';
  /** Further attempts after a failed one. Default 0. */
  retries?: number;
  backoff?: BackgroundBackoff;
}

export interface BackgroundTaskOptions extends BackgroundAttemptOptions {
  /** Unique among what runs. Default: `every-1`, `cron-2`, and so on. */
  name?: string;
  /** Also runs when it is created. Default false. */
  immediate?: boolean;
  /** Each run starts up to so many milliseconds later, at random. Below the interval. Default 0. */
  jitter?: number;
  /** What happens at a time at which the task is still running. Default `skip`. */
  overlap?: 'skip' | 'queue' | 'allow';
  /** Runs at once with `allow`. Default 16. */
  maxConcurrent?: number;
  /** Waiting runs with `queue`. Default 1. */
  maxQueued?: number;
  /** Runs only while this lock of the storage is held. `ttl` in milliseconds, default 30000. */
  lease?: { name: string; ttl?: number };
  /** Keeps the process alive until the task is stopped. Default false. */
  keepAlive?: boolean;
}

export interface BackgroundCronOptions extends BackgroundTaskOptions {
  /** IANA name. Default: the zone of the process. */
  timeZone?: string;
  /** The latest time missed while the machine slept is made up. Default true. */
  catchUp?: boolean;
}

export interface BackgroundQueueOptions<T = any> extends BackgroundAttemptOptions {
  /** Items in work at once. Default 1. */
  concurrency?: number;
  /** Accepted and unfinished items. Default 10000. */
  maxLength?: number;
  /** `push` on a full queue: waits (default) or rejects. */
  overflow?: 'wait' | 'reject';
  /** `stop` goes on with the items within its grace. Default false: it drops them and reports how many. */
  drainOnStop?: boolean;
  /** Items of one key are handled one after the other, in the order of their pushes. */
  key?: (item: T) => string | number | null | undefined;
  /** Takes an item whose attempts have all failed. */
  onDeadLetter?: (item: T, error: any, info: { task: string; attempts: number; key?: string }) => unknown;
  keepAlive?: boolean;
}

export interface BackgroundLeaderOptions {
  /** Milliseconds after which another process can take over from a leader that died. At least 1000. Default 30000. */
  ttl?: number;
  /** Milliseconds between attempts to become leader. Default a third of `ttl`. */
  retryEvery?: number;
  /** Name of the lock. Default: that of the election. */
  lock?: string;
  /** Runs while this process leads; its signal is aborted when that ends. */
  onElected?: BackgroundHandler;
  onLost?: () => unknown;
  /** Name of this process in the lock. Default: process id and random characters. */
  workerId?: string;
  /** Called when another leads than this process knew of; null: nobody. */
  onLeader?: (leader: BackgroundLeaderInfo | null) => unknown;
  keepAlive?: boolean;
}

/** Who leads. `fence` is null when the storage has none. */
export interface BackgroundLeaderInfo {
  workerId: string;
  fence: number | null;
}

export interface BackgroundStopOptions {
  /** Milliseconds for running handlers to end by themselves. Default 5000. */
  grace?: number;
  /** Milliseconds after their signals were aborted. Default 1000. */
  abortGrace?: number;
}

/** Counters since the task was created. Moments are epoch milliseconds. */
export interface BackgroundStats {
  runs: number;
  /** Runs whose attempts all failed. */
  failures: number;
  timeouts: number;
  retries: number;
  /** Passed over: still running, lock held elsewhere, stopped. */
  skipped: number;
  /** Times without a run of their own: the machine slept, the clock was set, the process was busy. */
  missed: number;
  running: number;
  queued: number;
  lastError: string | null;
  lastStartedAt: number | null;
  lastEndedAt: number | null;
  nextRunAt: number | null;
}

export interface BackgroundQueueStats extends BackgroundStats {
  deadLetters: number;
  rejected: number;
  dropped: number;
  /** Pushes that wait for a place. */
  waiting: number;
}

export interface BackgroundOutcome {
  status: 'done' | 'failed' | 'timeout' | 'skipped' | 'aborted';
  attempts: number;
  /** Why it was skipped. */
  reason?: 'overlap' | 'lease' | 'stopped';
  error?: any;
}

export interface BackgroundHandle {
  readonly kind: 'every' | 'cron' | 'queue' | 'leader';
  readonly name: string;
  /** True until it is stopped. */
  readonly active: boolean;
}

export interface BackgroundTask extends BackgroundHandle {
  stats(): BackgroundStats;
  /** Runs the task now, by the rules of its schedule. Never rejects. */
  trigger(): Promise<BackgroundOutcome>;
  stop(options?: BackgroundStopOptions): Promise<void>;
}

export interface BackgroundQueue<T = any> extends BackgroundHandle {
  stats(): BackgroundQueueStats;
  /** Resolves when the item, of which the handler gets a copy, has its place. */
  push(item: T, options?: { key?: string | number }): Promise<void>;
  /** Resolves when every item is done or failed for good. */
  drain(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Makes the items that wait for a retry due now. */
  trigger(): Promise<void>;
  /** Resolves to the number of items left unfinished. */
  stop(options?: BackgroundStopOptions): Promise<{ dropped: number }>;
}

export interface BackgroundLeader extends BackgroundHandle {
  /** False from the moment when another process may lead. */
  readonly isLeader: boolean;
  /** Who leads, as far as this process knows. */
  readonly leader: BackgroundLeaderInfo | null;
  /** Fence of the current term; null when this process does not lead. */
  readonly fence: number | null;
  stats(): BackgroundStats & { leader: boolean };
  /** Tries to become leader now. */
  trigger(): Promise<void>;
  stop(options?: BackgroundStopOptions): Promise<void>;
}

/** Background work of one plugin: timers, cron, queues, elections. */
export class Background {
  constructor(options?: BackgroundOptions);
  readonly name: string;
  /** What is not stopped, in order of creation. */
  readonly tasks: (BackgroundTask | BackgroundQueue | BackgroundLeader)[];
  get(name: string): BackgroundTask | BackgroundQueue | BackgroundLeader | undefined;
  /** Runs the handler every `ms`, at a fixed rate. */
  every(ms: number, handler: BackgroundHandler, options?: BackgroundTaskOptions): BackgroundTask;
  /** Runs the handler at the times of a cron expression of five fields, six with seconds first, or `@daily` and the like. */
  cron(expression: string, handler: BackgroundHandler, options?: BackgroundCronOptions): BackgroundTask;
  queue<T = any>(
    name: string,
    options: BackgroundQueueOptions<T> | undefined,
    handler: (item: T, run: BackgroundRunContext & { readonly key?: string }) => unknown
  ): BackgroundQueue<T>;
  /** Takes part in an election among all processes with the same storage and name. */
  leader(name: string, options?: BackgroundLeaderOptions): BackgroundLeader;
  /** Once it has resolved no handler is called any more. */
  stop(options?: BackgroundStopOptions): Promise<void>;
}

/** A clock for tests: stands still until it is moved. */
export class ManualClock {
  constructor(now?: number | Date);
  /** Moves the clock forward in one step and wakes what is due. */
  step(ms: number): void;
  /** Sets the wall clock alone. */
  setWall(now: number | Date): void;
  now(): number;
}

/** The first time of a cron expression after `from`, or null when there is none. */
export function nextCronDate(expression: string, options?: { timeZone?: string; from?: number | Date }): Date | null;
