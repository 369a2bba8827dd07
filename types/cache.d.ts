// CachePlugin and its drivers.
import { EventEmitter } from 'node:events';
import type { Client } from './client.js';
import { PluginError } from './errors.js';
import { Plugin, type PluginOptions, type UninstallOptions } from './plugin.js';
import type { Resource } from './resource.js';

export type CacheDriverName = 'memory' | 'filesystem' | 's3' | 'redis' | 'multi';
export type CacheStrategy = 'write-through' | 'lazy-promotion' | 'all';
export type CachedMethod =
  | 'count'
  | 'listIds'
  | 'getMany'
  | 'getAll'
  | 'page'
  | 'list'
  | 'get'
  | 'exists'
  | 'content'
  | 'hasContent'
  | 'query'
  | 'getFromPartition';

/** What a driver object needs; `del`, `size`, `keys` and `getStats` are used where they are. */
export interface CacheDriver {
  get(key: string): Promise<any>;
  set(key: string, value: any, ttl?: number): Promise<any>;
  clear(prefix?: string): Promise<any>;
  del?(key: string): Promise<any>;
  size?(): Promise<number>;
  keys?(): Promise<string[]>;
  getStats?(): any;
  close?(): Promise<void>;
  [member: string]: any;
}

export interface MemoryCacheOptions {
  /** Entries at most; 0 for no limit. Default 1000. */
  maxSize?: number;
  /** Serialised bytes at most; 0 for no limit. */
  maxMemoryBytes?: number;
  /** Alias of `maxMemoryBytes`. */
  maxBytes?: number;
  /** Part of the system's memory, 0 to 1. */
  maxMemoryPercent?: number;
  /** Milliseconds; 0 for never. Default 300000. */
  ttl?: number;
  /** Default `fifo`. */
  evictionPolicy?: 'fifo' | 'lru';
  enableStats?: boolean;
  caseSensitive?: boolean;
  serializer?: (value: any) => string;
  deserializer?: (text: string) => any;
  enableCompression?: boolean;
  compressionThreshold?: number;
  /** Part of the heap limit at which `memory:pressure` is emitted and decoded values are dropped. */
  heapUsageThreshold?: number;
  /** Milliseconds. Default 15000. */
  monitorInterval?: number;
  [option: string]: any;
}

export interface S3CacheOptions {
  client?: Client | any;
  /** Default `cache`. */
  keyPrefix?: string;
  /** Milliseconds; 0 for never. Default 0. */
  ttl?: number;
  enableCompression?: boolean;
  compressionThreshold?: number;
  /** Whether clears of a namespaced cache also delete what s3db.js keeps without namespace. Default true. */
  legacyClear?: boolean;
  /** False when no other process writes what is cached here: saves what keeps processes apart. Default true. */
  crossProcess?: boolean;
  [option: string]: any;
}

export interface FilesystemCacheOptions {
  directory?: string;
  /** Alias of `directory`. */
  path?: string;
  prefix?: string;
  /** Milliseconds; 0 for never. Default 3600000. */
  ttl?: number;
  enableCompression?: boolean;
  compressionThreshold?: number;
  createDirectory?: boolean;
  fileExtension?: string;
  enableMetadata?: boolean;
  /** Bytes of JSON. Default 10485760. */
  maxFileSize?: number;
  enableStats?: boolean;
  enableCleanup?: boolean;
  cleanupInterval?: number;
  encoding?: BufferEncoding;
  fileMode?: number;
  enableBackup?: boolean;
  backupSuffix?: string;
  enableLocking?: boolean;
  lockTimeout?: number;
  enableJournal?: boolean;
  journalFile?: string;
  /** Bytes of all entries at most. */
  maxBytes?: number;
  evictionPolicy?: 'fifo' | 'lru';
  /** False when no other process writes what is cached here: saves what keeps processes apart. Default true. */
  crossProcess?: boolean;
  [option: string]: any;
}

export interface PartitionAwareFilesystemCacheOptions extends FilesystemCacheOptions {
  partitionStrategy?: 'hierarchical' | 'flat' | 'temporal';
  trackUsage?: boolean;
  preloadRelated?: boolean;
  preloadThreshold?: number;
  usageStatsFile?: string;
}

export interface RedisCacheOptions {
  host?: string;
  port?: number;
  password?: string;
  db?: number;
  keyPrefix?: string;
  /** Milliseconds; 0 for never. Default 3600000. */
  ttl?: number;
  enableCompression?: boolean;
  compressionThreshold?: number;
  connectTimeout?: number;
  commandTimeout?: number;
  retryAttempts?: number;
  retryDelay?: number;
  retryStrategy?: (times: number) => number | null;
  enableStats?: boolean;
  /** An ioredis instance for one server, which stays yours to close; clients of a cluster are refused. */
  client?: any;
  /** False when no other process writes what is cached here: saves what keeps processes apart. Default true. */
  crossProcess?: boolean;
  /** Passed to ioredis, as every unknown option is. */
  redisOptions?: Record<string, any>;
  [option: string]: any;
}

export interface CacheTier {
  driver: Exclude<CacheDriverName, 'multi'> | CacheDriver;
  name?: string;
  ttl?: number;
  maxSize?: number;
  maxMemoryBytes?: number;
  maxMemoryPercent?: number;
  maxBytes?: number;
  config?: Record<string, any>;
}

export interface MultiTierCacheOptions {
  /** Fastest first. */
  drivers: Array<{ driver: CacheDriver; name?: string }>;
  promoteOnHit?: boolean;
  strategy?: CacheStrategy;
  fallbackOnError?: boolean;
  verbose?: boolean;
}

export interface CacheMethodPolicy {
  enabled?: boolean;
  /** Milliseconds. */
  ttlMs?: number;
  /** Larger results are not stored. */
  maxPayloadBytes?: number;
  /** Store at this miss of a key; 1 is the first. */
  minHitsBeforeStore?: number;
}

/** Options of CachePlugin. */
export interface CachePluginOptions extends PluginOptions {
  /** Default `s3`. */
  driver?: CacheDriverName | CacheDriver;
  /** Alias of `driver`. */
  type?: CacheDriverName;
  /** Tiers, fastest first. */
  drivers?: CacheTier[];
  promoteOnHit?: boolean;
  strategy?: CacheStrategy;
  fallbackOnError?: boolean;
  /** Milliseconds. */
  ttl?: number;
  maxSize?: number;
  maxMemoryBytes?: number;
  maxMemoryPercent?: number;
  /** Options of the driver. */
  config?: MemoryCacheOptions &
    S3CacheOptions &
    PartitionAwareFilesystemCacheOptions &
    RedisCacheOptions & { destinations?: CacheTier[]; strategy?: CacheStrategy };
  /** Only these resources are cached. */
  include?: string[] | null;
  /** These never are. */
  exclude?: string[];
  includePartitions?: boolean;
  partitionStrategy?: 'hierarchical' | 'flat' | 'temporal';
  partitionAware?: boolean;
  trackUsage?: boolean;
  preloadRelated?: boolean;
  methodPolicies?: Partial<Record<CachedMethod, boolean | CacheMethodPolicy>>;
  retryAttempts?: number;
  /** Milliseconds. */
  retryDelay?: number;
}

export interface CacheKeyRequest {
  action?: string;
  params?: Record<string, any>;
  partition?: string | null;
  partitionValues?: Record<string, any> | null;
  id?: string;
}

export interface CachePluginStats {
  hits: number;
  misses: number;
  writes: number;
  deletes: number;
  errors: number;
  total: number;
  /** Outermost reads and writes on cached resources. */
  operations: number;
  hitRate: string;
  missRate: string;
  hitRateDecimal: number;
  missRateDecimal: number;
  uptime: number;
  uptimeFormatted: string;
  startTime: string;
  hitsPerSecond: string | 0;
  missesPerSecond: string | 0;
  writesPerSecond: string | 0;
}

/** What a driver removes after a write. */
export interface CacheInvalidation {
  resource: string;
  prefix: string;
  keep: string[];
  keys: string[];
}

export interface CacheLookup {
  hit: boolean;
  value: any;
  /** 2: exact types; 1: written by s3db.js. */
  fmt: number;
  token?: any;
}

/** Misuse of the cache (status 400, 413), or failure of a driver (500). */
export class CacheError extends PluginError {
  /** Alias of `data`. */
  readonly context: any;
}

/** Base class of cache drivers. */
export class Cache extends EventEmitter {
  constructor(config?: any);
  config: any;
  /** False: reads pass by; writes are still cleared. */
  enabled: boolean;
  stats: (() => any) & Record<string, any>;
  /** Whether other processes write what is cached here. */
  readonly shared: boolean;
  /** Whether reads that are part of other reads may be answered from here where their results are stored for others. */
  readonly servesInner: boolean;
  validateKey(key: string): void;
  set(key: string, data: any, ttl?: number): Promise<any>;
  get(key: string): Promise<any>;
  del(key: string): Promise<any>;
  delete(key: string): Promise<any>;
  clear(prefix?: string): Promise<any>;
  size(): Promise<number>;
  keys(): Promise<string[]>;
  lookup(key: string, scope?: any): Promise<CacheLookup>;
  store(key: string, value: any, ttl?: number, scope?: any, token?: any): Promise<void>;
  /** `during`: see the drivers that keep others from storing while they clear. */
  invalidate(what: CacheInvalidation, during?: () => Promise<void>): Promise<void>;
  /** Removes everything that the driver stored. */
  purge(): Promise<void>;
  /** Frees timers and connections; entries stay. */
  close(): Promise<void>;
}

export class MemoryCache extends Cache {
  constructor(config?: MemoryCacheOptions);
  maxSize: number;
  maxMemoryBytes: number;
  maxMemoryPercent: number;
  ttl: number;
  caseSensitive: boolean;
  evictionPolicy: 'fifo' | 'lru';
  enableCompression: boolean;
  compressionThreshold: number;
  memoryPressureEvents: number;
  readonly currentMemoryBytes: number;
  readonly evictedDueToMemory: number;
  readonly cache: Record<string, string>;
  readonly meta: Record<string, { size: number; createdAt: number; lastAccess: number }>;
  readonly compressionStats: any;
  getSync(key: string): any;
  storeSync(key: string, value: any, ttl?: number): void;
  invalidateSync(what: CacheInvalidation): void;
  getStats(): any;
  getCompressionStats(): any;
  getMemoryStats(): any;
  /** Stops the heap watch and drops every entry. */
  shutdown(): Promise<void>;
}

export class S3Cache extends Cache {
  constructor(config: S3CacheOptions & { client: any; slug?: string });
  client: any;
  keyPrefix: string;
  ttlMs: number;
  ttlSeconds: number;
  slug: string;
  readonly storage: any;
  /** Holds the place of an entry for a load that is about to begin; the result is the token for `store`. */
  reserve(key: string, token?: any, scope?: any, options?: { replace?: boolean }): Promise<any>;
  /** Takes a reservation back. */
  release(key: string, token: any): Promise<void>;
}

export class FilesystemCache extends Cache {
  constructor(config: FilesystemCacheOptions);
  directory: string;
  getStats(): any;
  /** Stops the cleanup timer. */
  destroy(): void;
}

export interface CachePartitionUsage {
  count: number;
  firstAccess: number;
  lastAccess: number;
}

export interface CachePartitionStats {
  totalFiles: number;
  totalSize: number;
  partitions: Record<string, any>;
  usage: Record<string, CachePartitionUsage>;
}

export interface CacheRecommendation {
  partition: string;
  recommendation: 'archive' | 'reduce_ttl' | 'preload' | 'keep';
  priority: number;
  usage: number;
  lastAccess: string;
}

export interface CachePartitionOptions {
  partition: string;
  partitionValues?: Record<string, any>;
  params?: Record<string, any>;
}

export class PartitionAwareFilesystemCache extends FilesystemCache {
  constructor(config: PartitionAwareFilesystemCacheOptions);
  partitionStrategy: string;
  trackUsage: boolean;
  preloadRelated: boolean;
  preloadThreshold: number;
  readonly partitionUsage: Map<string, CachePartitionUsage>;
  set(key: string, data: any, ttl?: number): Promise<any>;
  set(resource: string, action: string, data: any, options: CachePartitionOptions): Promise<any>;
  get(key: string): Promise<any>;
  get(resource: string, action: string, options: CachePartitionOptions): Promise<any>;
  loadUsageStats(): Promise<void>;
  clearPartition(resource: string, partition: string, values?: Record<string, any>): Promise<boolean>;
  clearResourcePartitions(resource: string): Promise<boolean>;
  getPartitionStats(resource: string, partition?: string | null): Promise<CachePartitionStats>;
  getCacheRecommendations(resource: string): Promise<CacheRecommendation[]>;
  warmPartitionCache(resource: string, options?: { partitions?: string[]; maxFiles?: number }): Promise<number>;
}

/** Needs the package ioredis, which is loaded at first use. */
export class RedisCache extends Cache {
  constructor(config?: RedisCacheOptions);
  keyPrefix: string;
  ttlMs: number;
  readonly client: any;
  getStats(): any;
  disconnect(): Promise<void>;
}

/**
 * The byte limit that options of a memory cache come to: `maxMemoryBytes`, else `maxMemoryPercent` (0..1) of the memory of the
 * machine, else `inferredMaxMemoryPercent` (0..1, default 0.25) of the heap limit of V8. Bytes.
 */
export function resolveCacheMemoryLimit(options?: {
  maxMemoryBytes?: number;
  maxMemoryPercent?: number;
  inferredMaxMemoryPercent?: number;
}): { maxMemoryBytes: number; heapLimit: number; derivedFromPercent: boolean; inferredPercent?: number };

export class MultiTierCache extends Cache {
  constructor(config: MultiTierCacheOptions);
  drivers: Array<{ instance: CacheDriver; name: string; tier: number }>;
  getStats(): any;
  /** Resolves when promotions and late writes under way have ended. */
  settled(): Promise<void>;
  promote(key: string, found: any, ttl: number | undefined, scope: any, stillValid: () => boolean): void;
  /** Reserves in the tiers that need it; tokens are lists here. */
  reserve(key: string, tokens?: any, scope?: any, options?: { replace?: boolean }): Promise<any[]>;
  release(key: string, tokens: any[]): Promise<void>;
}

/** One cache instance of one resource; every other property is the driver's. */
export interface CacheNamespace {
  readonly driver: CacheDriver;
  readonly instanceKey: string;
  readonly driverName: string;
  keyFor(action: string, options?: CacheKeyRequest): Promise<string>;
  resolve(options?: CacheKeyRequest): Promise<string>;
  getDriver(): CacheDriver;
  warm(options?: { includePartitions?: boolean; sampleSize?: number }): Promise<any>;
  warmItem(id: string, options?: { forceRefresh?: boolean; returnData?: boolean }): Promise<any>;
  warmMany(ids: string[], options?: { forceRefresh?: boolean; returnData?: boolean }): Promise<any>;
  warmList(options?: any): Promise<any[]>;
  warmPage(options?: any): Promise<any>;
  warmQuery(filter?: any, options?: any): Promise<any[]>;
  warmCount(options?: any): Promise<number>;
  warmPartition(partition: string, partitionValues?: Record<string, any>, options?: any): Promise<any[]>;
  invalidate(scope?: string | { id?: string; ids?: string[] }): Promise<void>;
  clearAll(): Promise<void>;
  clear(prefix?: string): Promise<void>;
  stats(): CachePluginStats;
  [member: string]: any;
}

/** Members that a cached resource gains. */
export interface CachedResource {
  cache: CacheDriver;
  cacheInstances: Record<string, CacheDriver>;
  cacheKeyResolvers: Record<string, (request: CacheKeyRequest) => Promise<string>>;
  cacheNamespaces: Record<string, CacheNamespace>;
  cacheKeyFor(request: CacheKeyRequest): Promise<string>;
  getCacheDriver(name?: string | null): CacheDriver | null;
  getCacheKeyResolver(name?: string | null): ((request: CacheKeyRequest) => Promise<string>) | null;
  getCacheNamespace(name?: string | null): CacheNamespace | null;
  clearPartitionCache?(partition: string, values?: Record<string, any>): Promise<boolean>;
  getPartitionCacheStats?(partition?: string | null): Promise<CachePartitionStats>;
  getCacheRecommendations?(): Promise<CacheRecommendation[]>;
  warmPartitionCache?(partitions?: string[], options?: { maxFiles?: number }): Promise<number>;
}

/** Caches the results of reads and clears what writes change. */
export class CachePlugin extends Plugin<CachePluginOptions> {
  constructor(options?: CachePluginOptions);
  config: any;
  /** Undefined until `install`. */
  driver: Cache | CacheDriver | any;
  stats: { hits: number; misses: number; writes: number; deletes: number; errors: number; startTime: number };
  /** False: reads go to the bucket; writes are still cleared. */
  enabled: boolean;
  onUninstall(options?: UninstallOptions): Promise<void>;
  installDatabaseHooks(): void;
  installResourceHooks(): void;
  installResourceHooksForResource(resource: Resource<any>): void;
  shouldCacheResource(name: string): boolean;
  generateCacheKey(
    resource: { name: string },
    action: string,
    params?: Record<string, any>,
    partition?: string | null,
    partitionValues?: Record<string, any> | null
  ): Promise<string>;
  hashParams(params?: any): string;
  clearCacheForResource(resource: Resource<any>, data?: any): Promise<void>;
  clearCacheWithRetry(driver: CacheDriver, key: string): Promise<[boolean, Error | null]>;
  clearAllCache(): Promise<void>;
  /** Alias of `clearAllCache`. */
  clearCache(): Promise<void>;
  getCacheStats(): Promise<{ size: number; keys: string[]; driver: string; stats: any } | null>;
  warmCache(resourceName: string, options?: { includePartitions?: boolean; sampleSize?: number }): Promise<any>;
  analyzeCacheUsage(): Promise<any>;
  getStats(): CachePluginStats;
  resetStats(): void;
}
