// Option types of plugins that published typings name, so that code which mentions them compiles.
import type { PluginConfig } from './options.js';

export interface AuditPluginConfig extends PluginConfig {
  trackOperations?: string[];
  includeData?: boolean;
  retentionDays?: number;
  logToConsole?: boolean;
  customLogger?: (entry: any) => void;
}

export interface CachePluginConfig extends PluginConfig {
  type?: 'memory' | 'filesystem' | 's3' | 'redis' | 'multi';
  ttl?: number;
  maxSize?: number;
  enableCompression?: boolean;
  storageClass?: string;
  enableEncryption?: boolean;
}

export interface CostsPluginConfig extends PluginConfig {
  trackOperations?: boolean;
  trackStorage?: boolean;
  trackRequests?: boolean;
  costThreshold?: number;
  alertOnThreshold?: boolean;
  customPricing?: Record<string, number>;
}

export interface FulltextPluginConfig extends PluginConfig {
  searchableFields?: string[];
  indexOnInsert?: boolean;
  indexOnUpdate?: boolean;
  searchAlgorithm?: 'exact' | 'fuzzy' | 'prefix';
  maxResults?: number;
}

export interface GeoResourceConfig {
  latField: string;
  lonField: string;
  precision?: number;
  addGeohash?: boolean;
}

export interface GeoPluginConfig extends PluginConfig {
  resources?: Record<string, GeoResourceConfig>;
  verbose?: boolean;
}

export interface GeoResourceExtensions {
  findNearby(options: { lat: number; lon: number; radius?: number; limit?: number }): Promise<any[]>;
  findInBounds(options: { north: number; south: number; east: number; west: number; limit?: number }): Promise<any[]>;
  getDistance(id1: string, id2: string): Promise<{ distance: number; unit: string; from: string; to: string }>;
}

export interface MetricsPluginConfig extends PluginConfig {
  trackLatency?: boolean;
  trackThroughput?: boolean;
  trackErrors?: boolean;
  customMetrics?: string[];
  exportToCloudWatch?: boolean;
}

export interface QueueConsumerPluginConfig extends PluginConfig {
  consumers?: QueueConsumerConfig[];
}

export interface QueueConsumerConfig {
  driver: 'sqs' | 'rabbitmq';
  config: SQSConsumerConfig | RabbitMQConsumerConfig;
  resources?: string[];
}

export interface SQSConsumerConfig {
  region: string;
  accessKeyId?: string;
  secretAccessKey?: string;
  sessionToken?: string;
  queueUrl: string;
  maxNumberOfMessages?: number;
  waitTimeSeconds?: number;
  visibilityTimeout?: number;
  messageRetentionPeriod?: number;
  maxReceiveCount?: number;
  deadLetterQueueUrl?: string;
  logMessages?: boolean;
  autoDeleteMessages?: boolean;
  sqsClientOptions?: Record<string, any>;
}

export interface RabbitMQConsumerConfig {
  connectionUrl: string;
  queueName: string;
  exchangeName?: string;
  routingKey?: string;
  durable?: boolean;
  autoDelete?: boolean;
  exclusive?: boolean;
  arguments?: Record<string, any>;
  prefetch?: number;
  autoAck?: boolean;
  logMessages?: boolean;
  connectionOptions?: Record<string, any>;
}

export interface ReplicatorPluginConfig extends PluginConfig {
  replicators: ReplicatorConfig[];
  persistReplicatorLog?: boolean;
  replicatorLogResource?: string;
  logErrors?: boolean;
  batchSize?: number;
  maxRetries?: number;
  timeout?: number;
  verbose?: boolean;
}

export interface ReplicatorConfig {
  driver: 's3db' | 'sqs' | 'bigquery' | 'postgres';
  config: S3dbReplicatorConfig | SQSReplicatorConfig | BigQueryReplicatorConfig | PostgresReplicatorConfig;
  resources?: string[];
}

export interface S3dbReplicatorConfig {
  connectionString: string;
  region?: string;
  accessKeyId?: string;
  secretAccessKey?: string;
  sessionToken?: string;
  createResources?: boolean;
  overwriteExisting?: boolean;
  preservePartitions?: boolean;
  syncMetadata?: boolean;
  batchSize?: number;
  maxConcurrency?: number;
  logProgress?: boolean;
  targetPrefix?: string;
  resourceMapping?: Record<string, string>;
  validateData?: boolean;
  retryAttempts?: number;
  retryDelay?: number;
}

export interface SQSReplicatorConfig {
  region: string;
  accessKeyId?: string;
  secretAccessKey?: string;
  sessionToken?: string;
  defaultQueueUrl?: string;
  resourceQueues?: Record<string, string>;
  maxRetries?: number;
  retryDelay?: number;
  logMessages?: boolean;
  messageDelaySeconds?: number;
  messageAttributes?: Record<string, any>;
  messageGroupId?: string;
  useFIFO?: boolean;
  batchSize?: number;
  compressMessages?: boolean;
  messageFormat?: 'json' | 'stringified';
  sqsClientOptions?: Record<string, any>;
}

export interface BigQueryReplicatorConfig {
  projectId: string;
  datasetId: string;
  credentials?: Record<string, any>;
  location?: string;
  logTable?: string;
  batchSize?: number;
  maxRetries?: number;
  writeDisposition?: string;
  createDisposition?: string;
  tableMapping?: Record<string, string>;
  logOperations?: boolean;
}

export interface BigQueryResourceConfig {
  table: string;
  actions?: ('insert' | 'update' | 'delete')[];
  transform?: (data: any) => any;
}

export interface PostgresReplicatorConfig {
  database: string;
  resourceArn: string;
  secretArn: string;
  region?: string;
  tableMapping?: Record<string, string>;
  logOperations?: boolean;
  schema?: string;
  maxRetries?: number;
  retryDelay?: number;
  useUpsert?: boolean;
  conflictColumn?: string;
}

export interface ReplicatorStats {
  replicators: { id: string; driver: string; config: any; status: any }[];
  stats: { totalReplications: number; totalErrors: number; lastSync: string | null };
  lastSync: string | null;
}

export interface MemoryCacheConfig {
  maxSize?: number;
  ttl?: number;
  enableStats?: boolean;
  evictionPolicy?: 'lru' | 'fifo';
  logEvictions?: boolean;
  cleanupInterval?: number;
  caseSensitive?: boolean;
  serializer?: (value: any) => string;
  deserializer?: (text: string) => any;
  enableCompression?: boolean;
  compressionThreshold?: number;
  tags?: Record<string, any>;
  persistent?: boolean;
  persistencePath?: string;
  persistenceInterval?: number;
}

export interface S3CacheConfig {
  bucket: string;
  region?: string;
  accessKeyId?: string;
  secretAccessKey?: string;
  sessionToken?: string;
  prefix?: string;
  ttl?: number;
  enableCompression?: boolean;
  compressionThreshold?: number;
  storageClass?: string;
  enableEncryption?: boolean;
  encryptionAlgorithm?: string;
  kmsKeyId?: string;
  maxConcurrency?: number;
  retryAttempts?: number;
  retryDelay?: number;
  logOperations?: boolean;
  metadata?: Record<string, any>;
  contentType?: string;
  enableVersioning?: boolean;
  maxKeys?: number;
  enableCacheControl?: boolean;
  cacheControl?: string;
  s3ClientOptions?: Record<string, any>;
  enableLocalCache?: boolean;
  localCacheSize?: number;
  localCacheTtl?: number;
}

export interface EventualConsistencyPluginConfig extends PluginConfig {
  resources: Record<string, string[]>;
  consolidation?: { mode?: 'sync' | 'async'; interval?: number; concurrency?: number; window?: number; auto?: boolean };
  locks?: { timeout?: number };
  garbageCollection?: { retention?: number; interval?: number };
  analytics?: {
    enabled?: boolean;
    periods?: ('hour' | 'day' | 'month')[];
    metrics?: ('count' | 'sum' | 'avg' | 'min' | 'max')[];
    rollupStrategy?: 'incremental' | 'full';
    retentionDays?: number;
  };
  batch?: { enabled?: boolean; size?: number };
  lateArrivals?: { strategy?: 'warn' | 'ignore' | 'error' };
  checkpoints?: {
    enabled?: boolean;
    strategy?: 'hourly' | 'daily' | 'threshold';
    retention?: number;
    threshold?: number;
    deleteConsolidated?: boolean;
    auto?: boolean;
  };
  cohort?: { timezone?: string };
  reducer?: (transactions: any[]) => any;
  verbose?: boolean;
}

export interface EventualConsistencyAnalyticsOptions {
  period?: 'hour' | 'day' | 'month';
  startDate?: string;
  endDate?: string;
  date?: string;
  breakdown?: 'operations';
  fillGaps?: boolean;
}

export interface EventualConsistencyTopRecordsOptions {
  period?: 'hour' | 'day' | 'month';
  date?: string;
  metric?: 'transactionCount' | 'totalValue';
  limit?: number;
}

export interface EventualConsistencyAnalyticsResult {
  cohort: string;
  count: number;
  sum: number;
  avg: number;
  min: number;
  max: number;
  recordCount: number;
  add?: { count: number; sum: number };
  sub?: { count: number; sum: number };
  set?: { count: number; sum: number };
}

export interface EventualConsistencyTopRecordResult {
  recordId: string;
  count: number;
  sum: number;
}

export interface EventualConsistencyCohortInfo {
  date: string;
  hour: string;
  month: string;
}

export interface EventualConsistencyResourceExtensions {
  set(id: string, field: string, value: number): Promise<number>;
  add(id: string, field: string, amount: number): Promise<number>;
  sub(id: string, field: string, amount: number): Promise<number>;
  increment(id: string, field: string): Promise<number>;
  decrement(id: string, field: string): Promise<number>;
  consolidate(id: string, field: string): Promise<number>;
  recalculate(id: string, field: string): Promise<number>;
  getConsolidatedValue(id: string, field: string, options?: Record<string, any>): Promise<number>;
}
