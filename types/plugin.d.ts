import { EventEmitter } from 'node:events';
import type { Background, BackgroundHandler, BackgroundTaskOptions } from './background.js';
import type { Database } from './database.js';
import type { CronJob, CronJobOptions, PluginCronManager, ProcessManager } from './managers.js';
import type { Logger, LogLevel } from './options.js';
import type { PluginStorage } from './plugin-storage.js';
import type { Resource } from './resource.js';

/** Options that every plugin reads. */
export interface PluginOptions {
  /** Base of the storage namespace `plugin=<slug>/...`; by default derived from the class name. */
  slug?: string;
  /** Keeps several instances apart; normalised to lower case with hyphens. */
  namespace?: string | null;
  /** Alias of `namespace`. */
  instanceId?: string | null;
  verbose?: boolean;
  logger?: PluginLogger;
  /** Where the plugin stores, when not with the database. */
  storage?: { driver?: 's3' | 'filesystem'; config?: Record<string, any> };
  /** What reaches the console when there is no logger. Default: `warn`, or `debug` with `verbose`. */
  logLevel?: LogLevel;
  [option: string]: any;
}

export type PluginLogger = Logger;

export interface UninstallOptions {
  /** Delete what the plugin keeps in its storage. Default false. */
  purgeData?: boolean;
  /** Delete the resources that the plugin created. Default false. */
  purgeResources?: boolean;
  [option: string]: any;
}

export type PluginMiddleware = (this: any, next: (...args: any[]) => Promise<any>, ...args: any[]) => any;
export type PluginMethodWrapper = (this: any, result: any, args: any[], methodName: string) => any;

/**
 * Base class of plugins: names and namespaces, life cycle, storage, and what it attaches to resources, which
 * `uninstall` takes back.
 */
export class Plugin<O extends PluginOptions = PluginOptions> extends EventEmitter {
  constructor(options?: O | Database);
  name: string;
  options: O;
  hooks: Map<string, Map<string, Function[]>>;
  baseSlug: string;
  /** Assigning a value without `--` makes it the base of the slug. */
  slug: string;
  instanceName: string | null;
  namespace: string | null;
  /** Undefined until `install`. */
  database: Database;
  logger: PluginLogger;
  static pluginName?: string;
  static slug?: string;

  setNamespace(value: unknown, options?: { explicit?: boolean }): void;
  setInstanceName(name: string): void;
  onNamespaceChanged(namespace: string | null): void;

  install(database: Database): Promise<void>;
  /** Alias of `install`. */
  setup(database: Database): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  uninstall(options?: UninstallOptions): Promise<void>;
  onInstall(): unknown;
  /** Called when `onInstall` is not overridden. */
  onSetup(): unknown;
  onStart(): unknown;
  onStop(): unknown;
  onUninstall(options?: UninstallOptions): unknown;
  beforeInstall(): void;
  afterInstall(): void;
  beforeStart(): void;
  afterStart(): void;
  beforeStop(): void;
  afterStop(): void;
  beforeUninstall(): void;
  afterUninstall(): void;

  addMiddleware(resource: Resource<any> | string, methodName: string, middleware: PluginMiddleware): void;
  wrapResourceMethod(resource: Resource<any> | string, methodName: string, wrapper: PluginMethodWrapper): void;
  addHook(resourceName: string, event: string, handler: Function): void;
  removeHook(resourceName: string, event: string, handler: Function): void;
  removeAllHooks(): void;
  removeHooksFromResources(): void;

  /** The plugin's storage, under `plugin=<slug>/`; throws `PluginError` before the plugin is installed. */
  getStorage(): PluginStorage;
  /** Namespaces under which instances of the class have stored data. */
  detectAndWarnNamespaces(): Promise<string[]>;

  /** Timers, cron, queues, leases and elections of the plugin; they end when it stops. */
  background: Background;
  /** The jobs of `scheduleCron` and `scheduleInterval`. */
  cronManager: PluginCronManager;
  /** That of the database: `processManager` of its options, or one that ends with the connection. */
  processManager: ProcessManager;
  scheduleCron(expression: string, handler: BackgroundHandler, suffix?: string, options?: CronJobOptions): CronJob;
  scheduleInterval(ms: number, handler: BackgroundHandler, suffix?: string, options?: BackgroundTaskOptions): CronJob;
  /** Stops what `scheduleCron` and `scheduleInterval` started; how many. */
  stopAllCronJobs(): Promise<number>;

  getPartitionValues(data: any, resource: Resource<any>): Record<string, Record<string, any>>;
  /** @deprecated use `getPartitionValues` */
  extractPartitionValues(data: any, resource: Resource<any>): Record<string, Record<string, any>>;
  getNestedFieldValue(data: any, path: string): any;
  getChildLogger(name: string, bindings?: Record<string, unknown>): PluginLogger;
}

/** A plugin that does nothing: for plugins written as plain objects. */
export const PluginObject: { setup(database: Database): void; start(): void; stop(): void };
