import { EventEmitter } from 'node:events';
import { Readable, Transform, Writable } from 'node:stream';
import type { Client } from './client.js';
import type { Database } from './database.js';
import type {
  Attributes,
  BehaviorName,
  CacheOptions,
  ClientLike,
  CountOptions,
  GuardRule,
  HookFunction,
  HookName,
  ListOptions,
  Logger,
  LogLevel,
  Middleware,
  PageOptions,
  PartitionConfig,
  QueryExplanation,
  QueryFilter,
  QueryOptions,
  ReservedIds,
  ResourceConfig,
  StoredSequence
} from './options.js';
import type { Schema } from './schema.js';

/** What the library adds to a record that was read. */
export interface SystemFields {
  id: string;
  _contentLength: number;
  _lastModified: Date;
  _hasContent: boolean;
  _mimeType: string | null;
  _etag: string;
  _v: string;
  _definitionHash: string;
  _versionId?: string;
  _expiresAt?: string;
  _originalVersion?: string;
  _versionMapped?: true;
  _partition?: string;
  _partitionValues?: Record<string, any>;
}

/** A record as `get`, `list` and their kin return it. */
export type Stored<T> = T & SystemFields;

/** A record as `update`, `patch` and `replace` return it. */
export type Written<T> = T & { id: string };

/** What `upsert` returns: the result of `insert`, with system fields, or of `update`, without. */
export type Upserted<T> = Written<T> & Partial<Omit<SystemFields, 'id'>>;

/** What `timestamps: true` fills. */
type Timestamps = 'createdAt' | 'updatedAt';

/** A record to insert; without an id one is generated. Times that the library fills need not be given. */
export type Insertable<T> = Omit<T, 'id' | keyof SystemFields | Timestamps> & {
  [K in Extract<keyof T, Timestamps>]?: T[K];
} & { id?: string };

/** Changes: own keys, dotted paths, or both. */
export type Changes<T> = { [K in keyof T]?: T[K] | null | undefined } & { [path: `${string}.${string}`]: any };

/** Result of `insertMany`: what was inserted, in input order; failures are in `errors`. */
export type InsertManyResult<T> = Stored<T>[] & { readonly errors: { index: number; error: Error; item: any }[] };

export interface PageResult<T> {
  items: Stored<T>[];
  totalItems: number | null;
  /** From 0; null for a page by cursor. */
  page: number | null;
  pageSize: number;
  totalPages: number | null;
  hasMore: boolean;
  /** Cursor of the next page, null when there is none. */
  nextCursor: string | null;
  _debug: {
    requestedSize: number;
    requestedOffset: number;
    actualItemsReturned: number;
    skipCount: boolean;
    hasTotalItems: boolean;
  };
  /** The same as `totalItems`, `totalPages`, `pageSize` and `hasMore`. */
  total: number | null;
  pages: number | null;
  size: number;
  hasNext: boolean;
  /** Null for a page by cursor. */
  offset: number | null;
  hasPrev: boolean;
}

export interface ValidationResult<T> {
  /** Deep copy of what was given. */
  original: any;
  isValid: boolean;
  valid: boolean;
  errors: { type?: string; message: string; field?: string; expected?: any; actual?: any; error?: Error }[];
  /** With conversions and sanitisers applied. */
  data: T;
}

export type ConditionalResult<T> =
  | { success: true; data: Written<T>; etag: string }
  | { success: false; error: string; validationErrors?: any[] };

export interface OrphanedPartition {
  missingFields: string[];
  definition: PartitionConfig;
  allFields: string[];
}

/** Content as `setContent` takes it. */
export type ContentSource =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | NodeJS.ReadableStream
  | ReadableStream<Uint8Array>
  | AsyncIterable<string | Uint8Array>;

/** What `content` resolves. */
export type RecordContent = { buffer: Buffer; contentType: string | null } | { buffer: null; contentType: null };

interface ResourceEvents<T> {
  inserted: [record: Stored<T>];
  updated: [event: Written<T> & { $before: Stored<T> | undefined; $after: Written<T> }];
  replaced: [event: Written<T> & { $before: undefined; $after: Written<T> }];
  /** From `delete` the record with `$before` and `$after`, from `deleteMany` the id. */
  deleted: [event: any];
  'deleted-all': [event: { version: string; prefix: string; deletedCount: number }];
  'deleted-all-data': [event: { resource: string; prefix: string; deletedCount: number }];
  list: [event: { count: number; errors: number; partition?: string | null; partitionValues?: Record<string, any> }];
  exceedsLimit: [event: { operation: string; id?: string; totalSize: number; limit: number; excess: number; data: any }];
  partitionIndexError: [event: { operation: string; id: string; error: Error; message: string }];
  partitionIndexWarning: [event: { operation: string; id: string; failures: Error[] }];
  orphanedPartitionsRemoved: [event: { resourceName: string; removed: string[]; details: Record<string, OrphanedPartition> }];
  fetched: [record: Stored<T>];
  'inserted-many': [count: number];
  'deleted-many': [count: number];
  'fetched-many': [count: number];
  count: [count: number];
  'listed-ids': [count: number];
  paginated: [result: PageResult<T>];
  'partition-fetched': [record: Stored<T>];
  'content-set': [event: { id: string; contentType: string; contentLength: number }];
  'content-fetched': [event: { id: string; contentType: string | null; contentLength: number }];
  'content-deleted': [id: string];
  versionUpdated: [event: { oldVersion: string; newVersion: string }];
  'resource:disposed': [event: { resourceName: string }];
}

/** EventEmitter whose listeners run after the operation, one after the other, unless switched to synchronous. */
export class AsyncEventEmitter extends EventEmitter {
  /** Where failures of `error` listeners are told. Default: the console. */
  constructor(options?: { logger?: Logger; logLevel?: LogLevel });
  /** Removes every listener. */
  destroy(): void;
  emitSync(event: string | symbol, ...args: any[]): boolean;
  setAsyncMode(enabled: boolean): void;
  /** True when nothing is emitted and listeners are not kept (`disableEvents`). */
  readonly eventsDisabled: boolean;
}

/** A set of records with one definition. */
export class Resource<T = any> extends AsyncEventEmitter {
  constructor(config: ResourceConfig);
  name: string;
  client: Client & ClientLike;
  database?: Database;
  version: string;
  behavior: BehaviorName;
  observers: { emit(event: string, ...args: any[]): unknown }[];
  parallelism: number;
  passphrase: string;
  bcryptRounds: number;
  versioningEnabled: boolean;
  strictValidation: boolean;
  config: Record<string, any>;
  readonly options: Record<string, any>;
  schema: Schema;
  attributes: Attributes;
  map?: Record<string, string>;
  hooks: Record<HookName, HookFunction[]>;
  idGenerator: (...args: any[]) => any;
  idSize: number;
  idGeneratorType: string | number;
  guard: Record<string, GuardRule> | null;
  $schema: Record<string, any>;
  readonly state: {
    send(id: string, event: string, data?: any): Promise<any>;
    get(id: string): Promise<any>;
    canTransition(id: string, event: string): Promise<boolean>;
    getValidEvents(id: string): Promise<string[]>;
    initialize(id: string, context?: any): Promise<any>;
    history(id: string, options?: any): Promise<any>;
  };

  insert(data: Insertable<T>): Promise<Stored<T>>;
  insertMany(items: Iterable<Insertable<T>> | AsyncIterable<Insertable<T>>): Promise<InsertManyResult<T>>;
  upsert(data: Insertable<T>): Promise<Upserted<T>>;
  upsert(id: string, data: Insertable<T>): Promise<Upserted<T>>;
  get(id: string, options?: CacheOptions): Promise<Stored<T>>;
  getOrNull(id: string): Promise<Stored<T> | null>;
  getOrThrow(id: string): Promise<Stored<T>>;
  exists(id: string, options?: CacheOptions): Promise<boolean>;
  getMany(ids: string[], options?: CacheOptions): Promise<Stored<T>[]>;
  getAll(options?: CacheOptions): Promise<Stored<T>[]>;
  getFromPartition(
    options: CacheOptions & { id: string; partitionName: string; partitionValues?: Record<string, any> }
  ): Promise<Stored<T>>;
  /** After a `cursor` of `page`, only what follows it. */
  list(options?: ListOptions & { cursor?: string | null }): Promise<Stored<T>[]>;
  listIds(options?: ListOptions): Promise<string[]>;
  listMain(options?: ListOptions): Promise<Stored<T>[]>;
  listPartition(options: ListOptions): Promise<Stored<T>[]>;
  listPartition(partition: string, partitionValues?: Record<string, any>, options?: ListOptions): Promise<Stored<T>[]>;
  page(options?: PageOptions): Promise<PageResult<T>>;
  paginate(options?: PageOptions): Promise<PageResult<T>>;
  count(options?: CountOptions): Promise<number>;
  query(filter?: Partial<Record<keyof T, any>> & QueryFilter, options?: QueryOptions): Promise<Stored<T>[]>;
  /** How a query would run; only counts keys. */
  explain(filter?: Partial<Record<keyof T, any>> & QueryFilter, options?: QueryOptions): Promise<QueryExplanation>;
  update(id: string, attributes: Changes<T>): Promise<Written<T>>;
  patch(id: string, fields: Changes<T>, options?: { partition?: string; partitionValues?: Record<string, any> }): Promise<Written<T>>;
  replace(id: string, fullData: Insertable<T>, options?: Record<string, any>): Promise<Written<T>>;
  updateConditional(id: string, attributes: Changes<T>, options: { ifMatch: string }): Promise<ConditionalResult<T>>;
  delete(id: string): Promise<any>;
  /** One report per thousand ids; the counts are not enumerable. */
  deleteMany(ids: string[]): Promise<any[] & { readonly deleted: number; readonly errors: number }>;
  deleteAll(options?: { paranoid?: boolean }): Promise<{ deletedCount: number; version: string }>;
  /** Stores binary content; `buffer` of any body form, `contentType` `application/octet-stream` unless given. */
  setContent(options: {
    id: string;
    buffer: ContentSource;
    contentType?: string;
  }): Promise<Stored<T> & { _hasContent: true; _contentLength: number; _mimeType: string }>;
  /** Both null when there is no such record; an empty buffer when it has no content. */
  content(id: string): Promise<RecordContent>;
  getContent(id: string): Promise<RecordContent>;
  hasContent(id: string): Promise<boolean>;
  /** Resolves the ETag of the record's object. */
  deleteContent(id: string): Promise<{ ETag?: string }>;
  deleteAllData(options?: { paranoid?: boolean }): Promise<{ deletedCount: number; resource: string }>;

  readable(options?: StreamOptions & CountOptions): ResourceReader<T>;
  writable(options?: StreamOptions): ResourceWriter<T>;

  validate(data: any, options?: { throwOnError?: boolean; includeId?: boolean; mutateOriginal?: boolean }): Promise<ValidationResult<T>>;
  applyDefaults(data: any): any;
  updateAttributes(attributes: Attributes): { oldAttributes: Attributes; newAttributes: Attributes };
  /** The same as `updateAttributes`. */
  updateSchema(attributes: Attributes): { oldAttributes: Attributes; newAttributes: Attributes };
  applyConfiguration(options?: { map?: Record<string, string> }): void;
  /** Compiles the check of records and makes the native handle now. True when the check was not compiled yet. */
  prewarmSchema(): boolean;
  /** Whether the check of records is compiled. */
  isSchemaCompiled(): boolean;
  /** Emits `resource:disposed`, removes all listeners, frees the compiled schema; stored data is not touched. */
  dispose(): void;
  addPluginAttribute(name: string, definition: any, pluginName: string): any;
  removePluginAttribute(name: string, pluginName?: string | null): boolean;
  export(): Record<string, any>;
  getDefinitionHash(): string;
  /** A new id; `record` is for generators that take one. */
  generateId(record?: Insertable<T>): any;
  /** Whether generated ids are known to be promises: incremental ones, and those of `async` functions. */
  hasAsyncIdGenerator(): boolean;
  /** The number that is due, without taking it; null before the first. This and the following: null without incremental ids. */
  getSequenceValue(field?: string): Promise<number | null>;
  /** Sets the number that is due; false without incremental ids. */
  resetSequence(field: string, value: number): Promise<boolean>;
  listSequences(): Promise<StoredSequence[] | null>;
  /** Takes `count` ids (100 unless given) for the caller to use. */
  reserveIdBatch(count?: number): Promise<(ReservedIds & { ids: string[] }) | null>;
  /** What this process has reserved in mode `fast`. */
  getBatchStatus(field?: string): (ReservedIds & { remaining: number }) | null;
  /** Forgets what this process has reserved in mode `fast`; nobody gets those ids. */
  releaseBatch(field?: string): void;
  getResourceKey(id: string): string;
  configureIdGenerator(generator: any, size?: number): (...args: any[]) => any;
  getIdGeneratorType(generator: any, size?: number): string | number;
  calculateContentLength(body: any): number;
  processListResults(ids: string[], context?: any): Promise<Stored<T>[]>;
  /** The record of a stored form, with its id and without system fields. `metadata` has decoded values. */
  composeFullObjectFromWrite(written: {
    id: string;
    metadata?: Record<string, any>;
    body?: string | Uint8Array;
    behavior?: BehaviorName;
  }): Promise<Written<T>>;
  /** What a list has for a record that failed: a placeholder when it cannot be decrypted; every other error is thrown. */
  handleResourceError(error: Error, id: string, context?: string): { id: string; _decryptionFailed: true; _error: string };
  /** Emits `list` with the failure and throws the error. */
  handleListError(error: Error, options?: { partition?: string | null; partitionValues?: Record<string, any> }): never;
  processPartitionResults(ids: string[], partition: string, definition: PartitionConfig, keys: string[]): Promise<Stored<T>[]>;

  applyPartitionRule(value: any, rule: string): any;
  getPartitionKey(options: { partitionName: string; id?: string; data: any }): string | null;
  getNestedFieldValue(data: any, path: string): any;
  buildPartitionPrefix(partition: string, definition: PartitionConfig, values: Record<string, any>): string;
  /** Failures are `partitionIndexWarning` events; with `strict` they reject, here and in the methods below that take it. */
  createPartitionReferences(record: any, options?: { strict?: boolean }): Promise<void>;
  deletePartitionReferences(record: any, options?: { strict?: boolean }): Promise<void>;
  updatePartitionReferences(record: any): Promise<void>;
  handlePartitionReferenceUpdates(oldRecord: any, newRecord: any, options?: { strict?: boolean }): Promise<void>;
  handlePartitionReferenceUpdate(
    name: string,
    definition: PartitionConfig,
    oldRecord: any,
    newRecord: any,
    options?: { strict?: boolean }
  ): Promise<void>;
  validatePartitions(): void;
  fieldExistsInAttributes(name: string): boolean;
  findOrphanedPartitions(): Record<string, OrphanedPartition>;
  removeOrphanedPartitions(options?: { dryRun?: boolean }): Record<string, OrphanedPartition>;
  setupPartitionHooks(): void;
  extractIdsFromKeys(keys: string[]): string[];
  extractPartitionValuesFromKey(id: string, keys: string[], sortedFields: [string, string][]): Record<string, string>;

  createHistoricalVersion(id: string, data: any): Promise<void>;
  applyVersionMapping(data: any, fromVersion: string, toVersion: string): Promise<any>;
  getSchemaForVersion(version: string): Promise<Schema>;
  extractVersionFromKey(key: string): string | null;

  addHook(event: HookName, fn: HookFunction): void;
  /** True when there was one. */
  removeHook(event: HookName, fn: HookFunction): boolean;
  executeHooks(event: HookName, data: any): Promise<any>;
  useMiddleware(method: string, fn: Middleware): void;
  executeGuard(operation: string, context: any, record?: any): Promise<boolean>;

  on<K extends keyof ResourceEvents<T>>(event: K, listener: (...args: ResourceEvents<T>[K]) => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
  once<K extends keyof ResourceEvents<T>>(event: K, listener: (...args: ResourceEvents<T>[K]) => void): this;
  once(event: string | symbol, listener: (...args: any[]) => void): this;
}

export interface StreamOptions {
  batchSize?: number;
  concurrency?: number;
}

/** Records as an object-mode stream, in key order. */
export class ResourceReader<T = any> extends Readable {
  constructor(options: { resource: Resource<T> } & StreamOptions & CountOptions);
  resource: Resource<T>;
  client: any;
  batchSize: number;
  concurrency: number;
  readonly input: ResourceIdsPageReader;
  readonly transform: Transform;
  build(): this;
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<Stored<T>>;
}

/** Inserts what is written to it. */
export class ResourceWriter<T = any> extends Writable {
  constructor(options: { resource: Resource<T> } & StreamOptions);
  resource: Resource<T>;
  client: any;
  batchSize: number;
  concurrency: number;
  /** Records handed over and not inserted yet. */
  readonly buffer: Insertable<T>[];
  readonly writing: boolean;
  readonly ended: boolean;
  build(): this;
}

/** Ids one by one, in key order; each is also an event `id`. */
export class ResourceIdsReader extends Readable {
  constructor(options: { resource: Resource<any> } & CountOptions);
  resource: Resource<any>;
  client: any;
  build(): this;
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<string>;
}

/** Ids page by page, in key order; each page is also an event `page`. */
export class ResourceIdsPageReader extends Readable {
  constructor(options: { resource: Resource<any>; batchSize?: number } & CountOptions);
  resource: Resource<any>;
  client: any;
  build(): this;
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<string[]>;
}

export function streamToString(stream: AsyncIterable<any>): Promise<string>;
