import { EventEmitter } from 'node:events';
import type { Client } from './client.js';
import type { GlobalCoordinator, GlobalCoordinatorOptions } from './coordinator.js';
import type { CronManager, ProcessManager } from './managers.js';
import type {
  ClientLike,
  CreateResourceConfig,
  DatabaseConfig,
  DatabaseWarning,
  DefinitionChangeEvent,
  Logger,
  LogLevel,
  PluginFunction,
  PluginInterface,
  StorageDegradedEvent
} from './options.js';
import type { Resource } from './resource.js';

export type DatabaseHookName =
  | 'beforeConnect'
  | 'afterConnect'
  | 'beforeCreateResource'
  | 'afterCreateResource'
  | 'beforeUploadMetadata'
  | 'afterUploadMetadata'
  | 'beforeDisconnect'
  | 'afterDisconnect'
  | 'resourceCreated'
  | 'resourceUpdated';

export type DatabaseHookFunction = (context: any) => unknown;

/** Content of `s3db.json`. */
export interface DatabaseMetadata {
  version: string;
  s3dbVersion: string;
  lastUpdated: string;
  resources: Record<string, any>;
  [key: string]: any;
}

interface DatabaseEvents {
  'db:connected': [at: Date];
  disconnected: [at: Date];
  'db:disconnected': [at: Date];
  'db:resource-created': [name: string];
  'db:resource-updated': [name: string];
  'db:resource-definitions-changed': [event: { changes: DefinitionChangeEvent[]; metadata: DatabaseMetadata }];
  'db:metadata-uploaded': [metadata: DatabaseMetadata];
  /** `deferMetadataWrites`: a write failed; retryIn in ms, null when it is not tried again. */
  'db:metadata-write-failed': [event: { resources: string[]; error: unknown; retryIn: number | null }];
  'db:metadata-healed': [event: { healingLog: string[]; metadata: DatabaseMetadata; backupKey?: string }];
  'db:warning': [warning: DatabaseWarning];
  'db:storage:degraded': [event: StorageDegradedEvent];
  loggerError: [error: Error];
  hookError: [event: { event: string; error: Error; context: any }];
}

/** Resources by name as generated declarations give them; empty until one is included. */
export interface RegisteredResources {}

/** Type of `database.resources`. */
export type DatabaseResources = keyof RegisteredResources extends never ? Record<string, Resource<any>> : RegisteredResources;

export class Database extends EventEmitter {
  constructor(options: DatabaseConfig);
  id: string;
  version: string;
  s3dbVersion: string;
  resources: DatabaseResources;
  savedMetadata: DatabaseMetadata | null;
  options: DatabaseConfig;
  verbose: boolean;
  /** The logger of the options, else the console. */
  logger: Logger;
  /** A logger with a name and bindings, at the level of `loggerOptions.childLevels` or `setChildLevel`. */
  getChildLogger(name: string, bindings?: Record<string, unknown>): Logger;
  setChildLevel(name: string, level: LogLevel): void;
  /** Assigning reaches resources created later; see `setConcurrency`. */
  get parallelism(): number;
  set parallelism(value: number | string);
  /** Sets `parallelism` of the database, its client and pool, and its resources, except for those created with one of their own. */
  setConcurrency(concurrency: number | 'auto'): void;
  /** The pool that requests pass (`executorPool`), or null. */
  readonly taskExecutor: any;
  /** `security` of the options, with the passphrase and the cost in use. */
  readonly security: { passphrase: string; bcrypt: { rounds: number }; [key: string]: unknown };
  /** The constructor options. */
  readonly databaseOptions: DatabaseConfig;
  /** Loads the addon and opens the store, which otherwise the first operation does. */
  ensureClientInitialized(): Promise<void>;
  cache: DatabaseConfig['cache'];
  passphrase: string;
  bcryptRounds: number;
  versioningEnabled: boolean;
  persistHooks: boolean;
  strictValidation: boolean;
  strictHooks: boolean;
  pluginList: (PluginInterface | PluginFunction)[];
  pluginRegistry: Record<string, PluginInterface>;
  plugins: Record<string, PluginInterface>;
  client: Client & ClientLike;
  connectionString?: string;
  bucket: string;
  keyPrefix: string;
  readonly config: {
    version: string;
    s3dbVersion: string;
    bucket: string;
    keyPrefix: string;
    parallelism: number;
    verbose: boolean;
  };

  connect: () => Promise<void>;
  disconnect: () => Promise<void>;
  createResource: <T = any>(config: CreateResourceConfig) => Promise<Resource<T>>;
  uploadMetadataFile: () => Promise<void>;
  /** The same as `connect`. */
  init(): Promise<void>;
  /** The same as `connect`. */
  start(): Promise<void>;
  /** Writes definitions that wait (`deferMetadataWrites`) and waits for writes under way. */
  flushMetadata(): Promise<void>;
  /** What `uploadMetadataFile` would write now. */
  composeMetadata(): DatabaseMetadata;
  isConnected(): boolean;

  getResource<T = any>(name: string, options?: { strictValidation?: boolean }): Promise<Resource<T>>;
  resource<T = any>(name: string): Resource<T>;
  /** What `export()` of each resource gives. */
  listResources(): Promise<{ name: string; [key: string]: any }[]>;
  /** Compiles the checks of resources, all by default, ahead of the first record. Names in each list; `skipped` are unknown. */
  prewarmResources(names?: string[]): { warmed: string[]; skipped: string[]; alreadyCompiled: string[] };
  resourceExists(name: string): boolean;
  resourceExistsWithSameHash(config: { name: string; attributes: any; behavior?: string; partitions?: any }): {
    exists: boolean;
    sameHash: boolean;
    hash: string | null;
    existingHash?: string;
  };
  deleteResource(name: string, options?: { purgeData?: boolean }): Promise<any>;
  detectDefinitionChanges(savedMetadata: DatabaseMetadata): DefinitionChangeEvent[];
  generateDefinitionHash(definition: any, behavior?: string): string;
  getNextVersion(versions?: Record<string, any>): string;
  blankMetadataStructure(): DatabaseMetadata;

  startPlugins(): Promise<void>;
  usePlugin<P extends PluginInterface>(plugin: P | (new (...args: any[]) => P), name?: string | null): Promise<P>;
  use<P extends PluginInterface>(plugin: P | (new (...args: any[]) => P), name?: string | null): Promise<P>;
  installPlugin<P extends PluginInterface>(plugin: P | (new (...args: any[]) => P), name?: string | null): Promise<P>;
  getPlugin(name: string): PluginInterface | null | undefined;
  stopPlugins(): Promise<void>;
  /** Those of the options, or own ones that end with the connection. */
  readonly processManager: ProcessManager;
  readonly cronManager: CronManager;
  /** The election of a namespace among all processes with this database. */
  getGlobalCoordinator(namespace: string, options?: GlobalCoordinatorOptions): Promise<GlobalCoordinator>;
  uninstallPlugin(name: string | PluginInterface, options?: { purgeData?: boolean }): Promise<void>;

  addHook(event: DatabaseHookName | (string & {}), fn: DatabaseHookFunction): void;
  removeHook(event: string, fn: DatabaseHookFunction): void;
  getHooks(event: string): DatabaseHookFunction[];
  clearHooks(event: string): void;

  on<K extends keyof DatabaseEvents>(event: K, listener: (...args: DatabaseEvents[K]) => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
  once<K extends keyof DatabaseEvents>(event: K, listener: (...args: DatabaseEvents[K]) => void): this;
  once(event: string | symbol, listener: (...args: any[]) => void): this;
}

/** The same class as `Database`. */
export { Database as S3db };
