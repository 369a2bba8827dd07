import type {
  BackgroundCronOptions,
  BackgroundHandler,
  BackgroundOutcome,
  BackgroundStopOptions,
  BackgroundTaskOptions
} from './background.js';
import type { Logger, LogLevel } from './options.js';

/** Options of ProcessManager, and of CronManager with `disabled`. */
export interface ProcessManagerOptions {
  /** Milliseconds. Default 30000. */
  shutdownTimeout?: number;
  /** SIGTERM and SIGINT shut it down, then end the process with 143 or 130; false leaves them to the application. Default true. */
  exitOnSignal?: boolean;
  /** Timers and jobs keep the process alive. Default true. */
  keepAlive?: boolean;
  /** Default: the console. */
  logger?: Logger;
  /** Of the console. Default `warn`. */
  logLevel?: LogLevel;
}

export interface ProcessManagerStatus {
  isShuttingDown: boolean;
  intervals: string[];
  timeouts: string[];
  cleanups: string[];
  counts: { intervals: number; timeouts: number; cleanups: number };
}

/** A timer of a ProcessManager. */
export interface ManagedTimer {
  readonly name: string;
  readonly active: boolean;
  stop(options?: BackgroundStopOptions): Promise<void>;
}

/** Timers and cleanups with names, and one orderly end for all of them. */
export class ProcessManager {
  constructor(options?: ProcessManagerOptions);
  readonly options: ProcessManagerOptions;
  readonly logger: Logger;
  readonly isShuttingDown: boolean;
  /** Never calls twice at a time. One of the same name is replaced. */
  setInterval(fn: () => unknown, ms: number, name: string): ManagedTimer;
  setTimeout(fn: () => unknown, ms: number, name: string): ManagedTimer;
  clearInterval(name: string): void;
  clearTimeout(name: string): void;
  registerCleanup(fn: () => unknown, name: string): void;
  unregisterCleanup(name: string): void;
  /** Ends timers, then calls cleanups, the last registered first; `timeout` in milliseconds for all of them. */
  shutdown(options?: { timeout?: number }): Promise<void>;
  getStatus(): ProcessManagerStatus;
  removeSignalHandlers(): void;
}

/** The one of this process; options that differ from what it has are refused. */
export function getProcessManager(options?: ProcessManagerOptions): ProcessManager;
/** Ends it and forgets it. */
export function resetProcessManager(): Promise<void>;

export interface CronManagerOptions extends ProcessManagerOptions {
  /** Jobs run only by `run(name)`. Default false. */
  disabled?: boolean;
}

export type CronJobOptions = BackgroundCronOptions & { timezone?: string };

/** A job; `stats` are those of a background task, or zeros when the manager is disabled. */
export interface CronJob {
  readonly kind: 'every' | 'cron' | 'disabled';
  readonly name: string;
  readonly active: boolean;
  stats(): CronJobStats;
  trigger(): Promise<BackgroundOutcome>;
  stop(options?: BackgroundStopOptions): Promise<void>;
}

export interface CronJobStats {
  runs: number;
  failures: number;
  running: number;
  /** Epoch ms. */
  nextRunAt: number | null;
  [counter: string]: any;
}

/** Jobs at cron times and intervals, by name. */
export class CronManager {
  constructor(options?: CronManagerOptions);
  readonly options: CronManagerOptions;
  readonly logger: Logger;
  readonly disabled: boolean;
  /** A name that is taken is refused. */
  schedule(expression: string, handler: BackgroundHandler, name: string, options?: CronJobOptions): CronJob;
  scheduleInterval(ms: number, handler: BackgroundHandler, name: string, options?: BackgroundTaskOptions): CronJob;
  list(): string[];
  get(name: string): CronJob | undefined;
  has(name: string): boolean;
  run(name: string): Promise<BackgroundOutcome>;
  stats(name: string): CronJobStats;
  /** False when there is none of that name. */
  stop(name: string, options?: BackgroundStopOptions): Promise<boolean>;
  stopAll(options?: BackgroundStopOptions): Promise<number>;
  getStats(): {
    totalJobs: number;
    /** `createdAt` in epoch ms, `uptime` in ms. */
    jobs: {
      name: string;
      expression: string;
      createdAt: number;
      uptime: number;
      runs: number;
      failures: number;
      nextRunAt: number | null;
    }[];
    isDestroyed: boolean;
  };
  isDestroyed(): boolean;
  /** Stops all jobs and takes no further one. */
  shutdown(): Promise<void>;
  removeSignalHandlers(): void;
}

/** The jobs of one plugin: names may be left out, and get a number when they are taken. */
export interface PluginCronManager extends CronManager {
  schedule(expression: string, handler: BackgroundHandler, name?: string, options?: CronJobOptions): CronJob;
  scheduleInterval(ms: number, handler: BackgroundHandler, name?: string, options?: BackgroundTaskOptions): CronJob;
}

/** The one of this process; options that differ from what it has are refused. */
export function getCronManager(options?: CronManagerOptions): CronManager;
/** Ends it and forgets it. */
export function resetCronManager(): Promise<void>;
export function createCronManager(options?: CronManagerOptions): CronManager;

/** The nearest cron expression; `scheduleInterval` keeps any interval exactly. */
export function intervalToCron(ms: number): string;

/** Cron expressions by name. */
export const CRON_PRESETS: Readonly<
  Record<
    | 'EVERY_SECOND'
    | 'EVERY_5_SECONDS'
    | 'EVERY_10_SECONDS'
    | 'EVERY_15_SECONDS'
    | 'EVERY_30_SECONDS'
    | 'EVERY_MINUTE'
    | 'EVERY_5_MINUTES'
    | 'EVERY_10_MINUTES'
    | 'EVERY_15_MINUTES'
    | 'EVERY_30_MINUTES'
    | 'EVERY_HOUR'
    | 'EVERY_2_HOURS'
    | 'EVERY_6_HOURS'
    | 'EVERY_12_HOURS'
    | 'EVERY_DAY'
    | 'EVERY_DAY_NOON'
    | 'EVERY_WEEK'
    | 'EVERY_MONTH'
    | 'BUSINESS_HOURS_START'
    | 'BUSINESS_HOURS_END',
    string
  >
>;
