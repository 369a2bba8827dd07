import type { Client } from './client.js';
import type { Database } from './database.js';
import type { CronManager, ProcessManager } from './managers.js';
import type { Resource } from './resource.js';

/** Options of the HTTP connections to S3. */
export interface HttpClientOptions {
  keepAlive?: boolean;
  /** Default 1000. */
  keepAliveMsecs?: number;
  /** Default 500. */
  maxSockets?: number;
  /** Default 100. */
  maxFreeSockets?: number;
  /** Milliseconds; default 60000. */
  timeout?: number;
  /** A named set, see `HTTP_CLIENT_PROFILES`. */
  httpClientProfile?: 'balanced' | 'throughput' | 'resilient';
  /** Attempts of a request, the first included. Default 3. */
  retryAttempts?: number;
  /** Attempts beside the first; `retryAttempts` wins. */
  maxRetries?: number;
  /** Milliseconds; default 10000. */
  connectTimeout?: number;
  /** Names of later versions. */
  [option: string]: unknown;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** A logger such as the console or pino. */
export interface Logger {
  trace?(...args: any[]): void;
  debug(...args: any[]): void;
  info(...args: any[]): void;
  warn(...args: any[]): void;
  error(...args: any[]): void;
  fatal?(...args: any[]): void;
  child?(bindings: Record<string, unknown>): Logger;
  level?: LogLevel | string;
  [member: string]: any;
}

/** Cost of Argon2id. */
export interface Argon2Cost {
  /** KiB, a power of two, at least 8 times the parallelism; default 65536. */
  memoryCost?: number;
  /** Passes; default 3. */
  timeCost?: number;
  /** Lanes; default 4. */
  parallelism?: number;
}

/** Secrets and passwords, as later versions of s3db.js name the settings. */
export interface SecurityConfig {
  /** Passphrase of `secret` attributes; the option `passphrase` wins. */
  passphrase?: string;
  /** Appended to every password before it is hashed; give it to `verifyPassword` too. */
  pepper?: string;
  /** 4 to 31; default 12 where `security` is given. The option `bcryptRounds` wins. */
  bcrypt?: { rounds?: number };
  argon2?: Argon2Cost;
}

/** Options of `new S3db(...)`. */
export interface DatabaseConfig {
  /** `s3://KEY:SECRET@BUCKET/PREFIX`, `https://KEY:SECRET@HOST/BUCKET/PREFIX`, `memory://BUCKET/PREFIX` or `file:///path`. */
  connectionString?: string;
  region?: string;
  accessKeyId?: string;
  secretAccessKey?: string;
  sessionToken?: string;
  bucket?: string;
  endpoint?: string;
  forcePathStyle?: boolean;
  verbose?: boolean;
  /** Requests that one operation has under way at a time; `auto` goes by the cores. Default: that of `executorPool`, else 10. */
  parallelism?: number | string;
  /** Requests of an S3 client pass a pool; default: none. `retries` come on top of the attempts of the transport; times in ms. */
  executorPool?:
    | boolean
    | {
        enabled?: boolean;
        concurrency?: number | 'auto';
        retries?: number;
        retryDelay?: number;
        timeout?: number;
        retryableErrors?: string[];
        /** Finds the concurrency that the store bears. Default false. */
        autotune?: boolean | { enabled?: boolean; minConcurrency?: number; maxConcurrency?: number; targetLatency?: number };
        /** Which finished tasks `getAggregateMetrics` knows. Default: all. */
        monitoring?: boolean | { enabled?: boolean; collectMetrics?: boolean; sampleRate?: number };
        [key: string]: unknown;
      };
  /** `monitoring` of the pool, where that does not say anything itself. */
  taskExecutorMonitoring?: boolean | { enabled?: boolean; collectMetrics?: boolean; sampleRate?: number };
  /** Options of the client; they win over the parameters of the connection string. */
  clientOptions?: Record<string, unknown>;
  /** Passphrase of `secret` attributes; default `secret`. */
  passphrase?: string;
  /** Writing `secret` attributes under the default passphrase throws `EncryptionError`. */
  requirePassphrase?: boolean;
  /** Resources emit nothing, unless one has `disableEvents: false`; events of the database stay. Default false. */
  disableResourceEvents?: boolean;
  /** Cost of `password` attributes; default 10. */
  bcryptRounds?: number;
  /** As later versions of s3db.js name passphrase and cost; `passphrase` and `bcryptRounds` win. */
  security?: SecurityConfig | null;
  versioningEnabled?: boolean;
  /** `createResource` returns before its definition is written; `flushMetadata()` and `disconnect()` write it. Default false. */
  deferMetadataWrites?: boolean;
  /** Milliseconds from the first change to the write under `deferMetadataWrites`. Default 100. */
  metadataWriteDelay?: number;
  /** Its `shutdown` disconnects the database. */
  processManager?: ProcessManager;
  /** Lists and stops the cron jobs of plugins as well; `disabled` counts for them. */
  cronManager?: CronManager;
  /** SIGTERM and SIGINT disconnect, for at most ten seconds, before they end the process. Default false. */
  exitOnSignal?: boolean;
  /** False: nothing runs when the process exits. Default true. */
  autoCleanup?: boolean;
  persistHooks?: boolean;
  trustUnsignedHooks?: boolean;
  strictValidation?: boolean;
  strictHooks?: boolean;
  /** Option keys that are unknown or have no effect become errors instead of one warning. */
  strictOptions?: boolean;
  cache?: CacheConfig | boolean;
  plugins?: (PluginInterface | PluginFunction)[];
  /** A ready client, or any object with the client's methods. */
  client?: Client | ClientLike;
  httpClientOptions?: HttpClientOptions;
  /** Default: the console. */
  logger?: Logger;
  /** Lowest level that is written. Default `warn`, or `debug` with `verbose`. */
  logLevel?: LogLevel;
  /** As later versions of s3db.js name it; `logLevel` wins. `childLevels`: levels of child loggers by name. */
  loggerOptions?: {
    level?: LogLevel;
    childLevels?: Record<string, LogLevel>;
    /** File path, or a stream; default: the console. */
    destination?: string | { write(text: string): any };
    /** Text rather than a line of JSON; the default on the console only. */
    pretty?: boolean;
    [key: string]: unknown;
  };
  /** A built client of the AWS SDK to use instead of the native one. */
  AwsS3Client?: any;
}

/** What a client passed as `client` must have. */
export interface ClientLike {
  bucket?: string;
  keyPrefix?: string;
  [key: string]: any;
}

/** One attribute: shorthand text, a rule object, or a nested object. */
export type AttributeDefinition = string | { [key: string]: any };

/** Attributes by name. */
export type Attributes = Record<string, AttributeDefinition>;

export interface PartitionConfig {
  fields: Record<string, string>;
  description?: string;
}

export type HookName =
  | 'beforeInsert'
  | 'afterInsert'
  | 'beforeUpdate'
  | 'afterUpdate'
  | 'beforeDelete'
  | 'afterDelete'
  | 'beforeGet'
  | 'afterGet'
  | 'beforeList'
  | 'afterList'
  | 'beforeQuery'
  | 'afterQuery'
  | 'beforeExists'
  | 'afterExists'
  | 'beforeCount'
  | 'afterCount'
  | 'beforePatch'
  | 'afterPatch'
  | 'beforeReplace'
  | 'afterReplace'
  | 'beforeGetMany'
  | 'afterGetMany'
  | 'beforeDeleteMany'
  | 'afterDeleteMany';

export type HookFunction = (this: Resource<any>, data: any) => unknown;

/** Hooks by name. */
export type HookConfig = Partial<Record<HookName, HookFunction[]>>;

/** Listeners by event name. */
export type EventListenerConfig = Record<string, EventListener | EventListener[]>;

type EventListener = (this: Resource<any>, ...args: any[]) => unknown;

export interface MiddlewareContext {
  resource: Resource<any>;
  args: any[];
  method: string;
  [key: string]: unknown;
}

export type Middleware = (context: MiddlewareContext, next: () => Promise<any>) => unknown;

/** Authorisation rules by operation; an array or a function holds for all of them. */
export type GuardConfig = string[] | GuardDecision | Record<string, GuardRule>;

export type GuardRule = boolean | string[] | GuardDecision;

/** Allows what it answers with `true`, or a promise of it. */
export type GuardDecision = (context: any, record: any) => unknown;

/**
 * A size of random ids, the name of a generator, incremental ids, or a function. A function that declares a parameter is called
 * with the record that is going to be stored, without an id.
 */
export type IdGenerator =
  | number
  | 'sid'
  | 'ulid'
  | 'uuidv7'
  | 'incremental'
  | `incremental:${string}`
  | IncrementalIdOptions
  | ((record: any) => unknown);

/** Ids that are numbers of a sequence: none is given twice, among any number of processes. */
export interface IncrementalIdOptions {
  type: 'incremental';
  /** First number, 1 unless given. */
  start?: number;
  /** Distance between two numbers, 1 unless given; negative ones count down. */
  increment?: number;
  /** `standard` (default) takes each number when it is needed; `fast` reserves `batchSize` numbers for this process. */
  mode?: 'standard' | 'fast';
  /** Numbers of a reservation in mode `fast`, 1 to 100000; 100 unless given. */
  batchSize?: number;
  /** Text before the number. */
  prefix?: string;
  /** Characters that a number is filled up to with zeros, 0 to 20. */
  padding?: number;
}

/** A stored sequence. */
export interface StoredSequence {
  /** The number that is due. */
  value: number;
  name: string;
  /** Epoch milliseconds, as the others. */
  createdAt: number;
  updatedAt?: number;
  resetAt?: number;
}

/** Numbers taken from a sequence: `start`, up to but without `end`. */
export interface ReservedIds {
  start: number;
  end: number;
  current: number;
  /** Epoch milliseconds. */
  reservedAt: number;
}

/** What `new Resource(...)` and `db.createResource(...)` share. */
export interface ResourceOptions {
  name: string;
  database?: Database;
  version?: string;
  attributes: Attributes;
  behavior?: BehaviorName;
  passphrase?: string;
  bcryptRounds?: number;
  /** Over those of the database. */
  security?: SecurityConfig | null;
  parallelism?: number;
  observers?: { emit(event: string, ...args: any[]): unknown }[];
  cache?: boolean | CacheConfig;
  autoDecrypt?: boolean;
  timestamps?: boolean;
  paranoid?: boolean;
  allNestedObjectsOptional?: boolean;
  hooks?: HookConfig | null;
  /** How records without an id get one (docs/ids.md): 22 random symbols unless given. */
  idGenerator?: IdGenerator;
  idSize?: number;
  versioningEnabled?: boolean;
  strictValidation?: boolean;
  asyncEvents?: boolean;
  /** True: nothing is emitted, and listeners are dropped with one warning. Default: `disableResourceEvents` of the database. */
  disableEvents?: boolean;
  /** The same as `disableEvents`, which wins. */
  disableResourceEvents?: boolean;
  /** False: the check of records is compiled with the resource. Default: with the first record, or by `prewarmSchema()`. */
  lazySchema?: boolean;
  asyncPartitions?: boolean;
  strictPartitions?: boolean;
  map?: Record<string, string>;
  events?: EventListenerConfig;
  guard?: GuardConfig;
  createdBy?: string;
  description?: string;
}

/** Options of `new Resource(...)`. Other keys are kept in `$schema`. */
export interface ResourceConfig extends ResourceOptions {
  client: Client | ClientLike;
  partitions?: Record<string, PartitionConfig>;
  [key: string]: unknown;
}

/** Options of `db.createResource(...)`. Other keys are kept in `$schema`. */
export interface CreateResourceConfig extends ResourceOptions {
  /** Definitions by name, or the names of the attributes to partition by. */
  partitions?: Record<string, PartitionConfig> | string[] | null;
  middlewares?: Middleware[] | Record<string, Middleware | Middleware[]>;
  [key: string]: unknown;
}

export type SortDirection = 1 | -1 | 'asc' | 'desc';
/** `{ age: -1 }`, `'age'`, `'-age'`, `['age', 'desc']`, or an array of these. */
export type QuerySort = string | Record<string, SortDirection> | (string | Record<string, SortDirection>)[];
/** Attributes to keep (`['a', 'b.c']`, `{ a: 1 }`) or to leave out (`{ a: 0 }`). The id is always kept. */
export type QuerySelect = string | string[] | Record<string, 0 | 1 | boolean>;

/** Conditions on one attribute (docs/query.md). */
export interface QueryOperators {
  $eq?: any;
  $ne?: any;
  $gt?: number | string | boolean | Date | bigint;
  $gte?: number | string | boolean | Date | bigint;
  $lt?: number | string | boolean | Date | bigint;
  $lte?: number | string | boolean | Date | bigint;
  $in?: any[];
  $nin?: any[];
  $exists?: boolean;
  $regex?: string | RegExp;
  /** Flags of `$regex`. */
  $options?: string;
  $not?: QueryOperators | RegExp;
  $all?: any[];
  $size?: number;
  $elemMatch?: QueryFilter | QueryOperators;
  $contains?: string | number | boolean | null;
}

/** A plain value means strict equality; dotted names reach nested attributes. */
export interface QueryFilter {
  $and?: QueryFilter[];
  $or?: QueryFilter[];
  $nor?: QueryFilter[];
  $not?: QueryFilter;
  [attribute: string]: any;
}

export interface QueryOptions extends CacheOptions {
  /** Default 100. */
  limit?: number | null;
  /** Records to skip before the filter; with `sort`, results to skip. */
  offset?: number;
  partition?: string | null;
  partitionValues?: Record<string, any>;
  sort?: QuerySort;
  select?: QuerySelect;
  /** Alias of `select`. */
  fields?: QuerySelect;
  /** Alias of `select`. */
  projection?: QuerySelect;
  /** Read the partition whose leading fields the filter pins. Default false. */
  usePartition?: boolean;
}

/** How a query would run. */
export interface QueryExplanation {
  resource: string;
  /** Partition that would be read. */
  partition: string | null;
  partitionValues: Record<string, any>;
  /** Partition that `usePartition` would choose. */
  candidate: { partition: string; partitionValues: Record<string, any> } | null;
  /** `engine`: while records stream in; `records`: through the methods of the resource, for `reason`. */
  evaluation: 'engine' | 'records';
  reason: string;
  /** Keys in the listing. */
  entries: number;
  records: { least: number; most: number; exact: boolean };
  requests: { list: number; get: { least: number; most: number; exact: boolean }; forExplaining: number };
  sort: 'key order' | 'in memory';
  limit: number | null;
  offset: number;
}

/** Of reads on resources with a cache. */
export interface CacheOptions {
  /** Read from the bucket; neither look at the cache nor fill it. */
  skipCache?: boolean;
}

export interface ListOptions extends CacheOptions {
  partition?: string | null;
  partitionValues?: Record<string, any>;
  /** Without a limit everything is returned. */
  limit?: number;
  offset?: number;
}

export interface InsertOptions {
  id?: string;
}

export interface UpdateOptions {
  id?: string;
}

export interface DeleteOptions {
  id?: string;
}

export interface PageOptions extends CacheOptions {
  offset?: number;
  /** Number of the page, from 1, in place of `offset`. */
  page?: number;
  /** `nextCursor` of the page before, with the same partition. */
  cursor?: string | null;
  /** Default 100. */
  size?: number;
  partition?: string | null;
  partitionValues?: Record<string, any>;
  skipCount?: boolean;
}

export interface CountOptions extends CacheOptions {
  partition?: string | null;
  partitionValues?: Record<string, any>;
}

export type BehaviorName = 'user-managed' | 'enforce-limits' | 'truncate-data' | 'body-overflow' | 'body-only';

export interface CacheConfig {
  type?: 'memory' | 's3';
  ttl?: number;
  maxSize?: number;
  enableCompression?: boolean;
  storageClass?: string;
  enableEncryption?: boolean;
}

/** A plugin class; the database makes the instance. */
export type PluginFunction = new (...args: any[]) => PluginInterface;

/** What a plugin object needs: `install` and `start`; the rest where it has them. */
export interface PluginInterface {
  name?: string;
  install?(database: Database): unknown;
  setup?(database: Database): unknown;
  start?(): unknown;
  stop?(): unknown;
  uninstall?(options?: { purgeData?: boolean }): unknown;
  beforeSetup?(): unknown;
  afterSetup?(): unknown;
  beforeStart?(): unknown;
  afterStart?(): unknown;
  beforeStop?(): unknown;
  afterStop?(): unknown;
  [key: string]: any;
}

export interface PluginConfig {
  enabled?: boolean;
}

export interface ExceedsLimitEvent {
  operation: 'insert' | 'update' | 'upsert';
  id?: string;
  totalSize: number;
  limit: number;
  effectiveLimit?: number;
  excess: number;
  data: any;
}

export interface TruncateEvent {
  operation: string;
  id?: string;
  fieldName: string;
  originalLength: number;
  truncatedLength: number;
  truncatedFields?: string[];
  originalSize?: number;
  finalSize?: number;
  data: any;
}

export interface OverflowEvent {
  operation: string;
  id?: string;
  strategy: 'truncate' | 'split' | 'reject';
  originalSize: number;
  maxSize: number;
  metadataSize?: number;
  bodySize?: number;
  data: any;
}

export interface DefinitionChangeEvent {
  type: 'new' | 'changed' | 'deleted';
  resourceName: string;
  currentHash: string | null;
  savedHash: string | null;
  fromVersion?: string;
  toVersion?: string;
  deletedVersion?: string;
}

/** Event `db:warning`. */
export interface DatabaseWarning {
  code: string;
  message: string;
  resource?: string;
  plugin?: string;
  details?: any;
}

/** Event `db:storage:degraded`: the store has no conditional writes. */
export interface StorageDegradedEvent {
  bucket: string;
  missing: string[];
  mode: 'read-back';
}
