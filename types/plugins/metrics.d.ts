import type { Server } from 'node:http';
import type { BackgroundTask } from '../background.js';
import type { Database } from '../database.js';
import { Plugin, type PluginOptions } from '../plugin.js';
import type { Resource } from '../resource.js';

export type MeasuredOperation = 'insert' | 'update' | 'delete' | 'get' | 'list' | 'count';

export interface PrometheusOptions {
  /** Default true. */
  enabled?: boolean;
  /** Default `auto`: a route of a running API plugin, else an own server. */
  mode?: 'auto' | 'integrated' | 'standalone';
  /** Default 9090. */
  port?: number;
  /** Default `/metrics`. */
  path?: string;
  /** Default `127.0.0.1`, or all interfaces with `ipAllowlist`. */
  host?: string;
  /** Addresses and networks that may ask. Default: loopback and private ones. */
  ipAllowlist?: string[];
  /** Default true. */
  enforceIpAllowlist?: boolean;
  /** Value of `Access-Control-Allow-Origin`. Default: none. */
  cors?: boolean | string;
  /** False: only the rows of all resources together. Default true. */
  includeResourceLabels?: boolean;
}

export interface AlertThresholds {
  /** Share of calls that failed, 0 to 1. */
  errorRate?: number;
  /** Milliseconds. */
  averageResponseTime?: number;
  /** Alias of `averageResponseTime`. */
  responseTime?: number;
  /** Milliseconds. */
  p95?: number;
  /** Milliseconds. */
  p99?: number;
}

export interface SlowCall {
  resourceName: string;
  operation: MeasuredOperation;
  /** Milliseconds. */
  duration: number;
  timestamp: string;
  threshold: number;
}

export interface MetricsPluginOptions extends PluginOptions {
  /** Default true. */
  collectPerformance?: boolean;
  /** Alias of `collectPerformance`. */
  trackLatency?: boolean;
  /** Default true. */
  collectErrors?: boolean;
  /** Alias of `collectErrors`. */
  trackErrors?: boolean;
  /** No effect. */
  collectUsage?: boolean;
  /** Days, for `cleanupOldData`. Default 30. */
  retentionDays?: number;
  /** Milliseconds; 0 for never. Default 60000. */
  flushInterval?: number;
  /** Name of the background task that flushes. Default `flush`. */
  flushJobName?: string;
  prometheus?: PrometheusOptions;
  resourceNames?: { metrics?: string; errors?: string; performance?: string };
  /** False: nothing is measured, stored or served. */
  enabled?: boolean;
  /** Collect under NODE_ENV=test too. Default false. */
  collectInTests?: boolean;
  /** Share of the calls whose times are kept, 0 to 1. Default 1. */
  sampleRate?: number;
  /** Default false. */
  trackSlowQueries?: boolean;
  /** Milliseconds. Default 1000. */
  slowQueryThreshold?: number;
  /** Records per write. Default 100. */
  batchSize?: number;
  alertThresholds?: AlertThresholds;
  onSlowQuery?: (call: SlowCall) => unknown;
  onHighErrorRate?: (alert: { errorRate: number; threshold: number; count: number; errors: number }) => unknown;
  onThresholdExceeded?: (alert: { metric: keyof AlertThresholds; value: number; threshold: number }) => unknown;
}

export interface OperationCounts {
  count: number;
  /** Milliseconds. */
  totalTime: number;
  errors: number;
}

export interface MetricsTable {
  operations: Record<MeasuredOperation, OperationCounts>;
  resources: Record<string, Record<MeasuredOperation, OperationCounts>>;
  /** ISO */
  startTime: string;
}

/** Requests of a client with a pool (`executorPool`) since the process began; times in milliseconds. */
export interface PoolCounts {
  tasksStarted: number;
  tasksCompleted: number;
  tasksFailed: number;
  tasksRetried: number;
  totalExecutionTime: number;
  avgExecutionTime: number;
}

/** Times in milliseconds. */
export interface TimingSummary {
  count: number;
  errors: number;
  totalTime: number;
  avgTime: number;
  minTime: number;
  maxTime: number;
  p50: number;
  p95: number;
  p99: number;
}

export interface MetricsFilter {
  resourceName?: string;
  operation?: string;
  /** Inclusive. */
  startDate?: string | number | Date;
  /** Inclusive; a day stands for all of it. */
  endDate?: string | number | Date;
  /** Default 100; null for all. */
  limit?: number | null;
  offset?: number;
}

export interface MetricsRecord {
  id: string;
  type: string;
  resourceName: string;
  operation: string;
  count: number;
  totalTime: number;
  errors: number;
  avgTime: number;
  timestamp: string;
  createdAt: string;
  metadata: Record<string, any>;
  [member: string]: any;
}

export interface ErrorRecord {
  id: string;
  resourceName: string;
  operation: string;
  error: string;
  stack?: string;
  timestamp: string;
  createdAt: string;
  metadata: Record<string, any>;
  [member: string]: any;
}

export interface PerformanceRecord {
  id: string;
  resourceName: string;
  operation: string;
  /** Milliseconds, the average where `metadata.count` is above 1. */
  duration: number;
  timestamp: string;
  createdAt: string;
  metadata: Record<string, any>;
  [member: string]: any;
}

/** Stored records, with facts of this process as members that are not enumerable. */
export type MetricsResult = MetricsRecord[] & {
  readonly performance: {
    averageResponseTime: number;
    totalRequests: number;
    requestsPerSecond: number;
    maxTime: number;
    p50: number;
    p95: number;
    p99: number;
    slowestOperations: (TimingSummary & { resource: string; operation: string })[];
  };
  readonly usage: { resources: Record<string, Record<string, number>>; totalOperations: number; mostActiveResource: string | null };
  readonly errors: { total: number; errorRate: number; byOperation: Record<string, number>; byResource: Record<string, number> };
  readonly cache: { hits: number; misses: number; hitRate: number };
  readonly operations: Record<MeasuredOperation, OperationCounts>;
};

export interface MetricsStats {
  period: '24h';
  totalOperations: number;
  totalErrors: number;
  avgResponseTime: number;
  operationsByType: Record<string, { count: number; errors: number; avgTime: number }>;
  resources: Record<string, { count: number; errors: number; avgTime: number }>;
  uptime: { startTime: string; duration: number };
  /** Only where the client has a pool. */
  pool?: PoolCounts;
}

/** Measures the operations of resources, stores the counts and serves them to Prometheus. */
export class MetricsPlugin extends Plugin<MetricsPluginOptions> {
  constructor(options?: MetricsPluginOptions | Database);
  config: MetricsPluginOptions & { prometheus: PrometheusOptions };
  resourceNames: { metrics: string; errors: string; performance: string };
  metricsResource: Resource<any> | null;
  errorsResource: Resource<any> | null;
  performanceResource: Resource<any> | null;
  /** The task that flushes; null while there is none. */
  flushTimer: BackgroundTask | null;
  metricsServer: Server | null;
  /** Since the last flush. */
  readonly metrics: MetricsTable & {
    errors: { resourceName: string; operation: string; error: string; stack?: string; timestamp: string }[];
    performance: { resourceName: string; operation: string; duration: number; timestamp: string }[];
    /** Only where the client has a pool; since the process began. */
    pool?: PoolCounts;
  };
  /** Since the process began; never decrease. */
  readonly metricsTotals: MetricsTable;
  isInternalResource(name: string): boolean;
  installDatabaseHooks(): void;
  removeDatabaseHooks(): void;
  installResourceHooks(resource: Resource<any>): void;
  startFlushTimer(): void;
  recordOperation(resourceName: string, operation: string, duration: number, isError?: boolean): void;
  recordError(resourceName: string, operation: string, error: unknown): void;
  trackOperation(operation: string, resourceName: string, duration: number, success?: boolean): void;
  resetMetrics(): void;
  clearMetrics(): void;
  flushMetrics(): Promise<void>;
  getMetrics(options?: MetricsFilter & { type?: string }): Promise<MetricsResult>;
  getErrorLogs(options?: MetricsFilter): Promise<ErrorRecord[]>;
  getPerformanceLogs(options?: MetricsFilter): Promise<PerformanceRecord[]>;
  getStats(): Promise<MetricsStats>;
  getResourceMetrics(name: string): TimingSummary;
  getOperationMetrics(operation: string): TimingSummary;
  exportMetrics(format?: 'json' | 'csv' | 'xml'): string;
  cleanupOldData(): Promise<void>;
  getPrometheusMetrics(): string;
}
