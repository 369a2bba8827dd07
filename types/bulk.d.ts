import { EventEmitter } from 'node:events';
import type { Database } from './database.js';
import type { Insertable, Resource, Stored } from './resource.js';

export interface HighPerformanceInserterOptions {
  /** Records of a batch, 100 unless given. */
  batchSize?: number;
  /** Records under way at once, in steps of the resource's `parallelism`; 50 unless given. */
  concurrency?: number;
  /** Milliseconds after which a smaller batch is stored, 1000 unless given. */
  flushInterval?: number;
  /** No partition references for these records. */
  disablePartitions?: boolean;
  /** Records beyond which `add` waits, 10000 unless given. */
  maxBufferSize?: number;
  /** Failures that are kept, 1000 unless given. */
  maxFailureHistory?: number;
  /** Without effect, as in s3db.js. */
  useStreamMode?: boolean;
}

export interface HighPerformanceInserterStats {
  inserted: number;
  failed: number;
  /** Records whose references may still be queued. */
  partitionsPending: number;
  /** Milliseconds for each record. */
  avgInsertTime: number;
  bufferSize: number;
  isProcessing: boolean;
  /** Records a second. */
  throughput: number;
}

/** Collects records and stores them in batches; what was added is stored before the database disconnects. */
export class HighPerformanceInserter<T = any> {
  constructor(resource: Resource<T>, options?: HighPerformanceInserterOptions);
  resource: Resource<T>;
  batchSize: number;
  concurrency: number;
  flushInterval: number;
  disablePartitions: boolean;
  useStreamMode: boolean;
  maxBufferSize: number;
  maxFailureHistory: number;
  insertBuffer: Insertable<T>[];
  stats: { inserted: number; failed: number; partitionsPending: number; avgInsertTime: number };
  /** The last failures. */
  failures: { item: any; error: Error }[];
  readonly isProcessing: boolean;
  /** Waits while `maxBufferSize` records are buffered. */
  add(data: Insertable<T>): Promise<{ queued: true; position: number }>;
  bulkAdd(items: Iterable<Insertable<T>>): Promise<{ queued: number }>;
  /** Stores what was added so far. */
  flush(): Promise<void>;
  /** `flush`, then waits for the partition references. */
  forceFlush(): Promise<void>;
  getStats(): HighPerformanceInserterStats;
  /** Takes no further record; resolves when those that were added are stored. */
  destroy(): Promise<void>;
}

export interface StreamInserterOptions {
  /** Records under way at once, in steps of the resource's `parallelism`; 100 unless given. */
  concurrency?: number;
  /** No partition references (the default). */
  skipPartitions?: boolean;
  /** No `beforeInsert` and `afterInsert` hooks, those of plugins included. */
  skipHooks?: boolean;
  skipValidation?: boolean;
}

/** Inserts without the steps that the caller can vouch for. */
export class StreamInserter<T = any> {
  constructor(resource: Resource<T>, options?: StreamInserterOptions);
  resource: Resource<T>;
  concurrency: number;
  skipPartitions: boolean;
  skipHooks: boolean;
  skipValidation: boolean;
  fastInsert(data: Insertable<T>): Promise<Stored<T>>;
  /** `errors` are the first ten. */
  bulkInsert(items: Iterable<Insertable<T>>): Promise<{ success: number; failed: number; errors: { error: Error; item: any }[] }>;
}

/** Upkeep of the partition references of a record; the resource itself, or its name where the queue has a `database`. */
export type PartitionOperation = { resource: Resource<any> | string } & (
  | { type: 'create' | 'delete'; data: any }
  | { type: 'update'; data: { original: any; updated: any } }
);

export interface PartitionQueueItem {
  id: string;
  operation: PartitionOperation;
  retries: number;
  createdAt: Date;
  status: 'pending' | 'retrying' | 'completed' | 'failed';
  lastError: Error | null;
}

/** Where a PartitionQueue keeps its items. */
export interface PartitionQueuePersistence {
  save(item: PartitionQueueItem): Promise<void>;
  remove(id: string): Promise<void>;
  moveToDLQ(item: PartitionQueueItem): Promise<void>;
  getPending(): Promise<PartitionQueueItem[]>;
  getDLQ(): Promise<PartitionQueueItem[]>;
}

export interface PartitionQueueOptions {
  /** Repetitions of an operation that fails, 3 unless given. */
  maxRetries?: number;
  /** Milliseconds before the first repetition, doubled for each further one; 1000 unless given. */
  retryDelay?: number;
  persistence?: PartitionQueuePersistence | null;
  /** Failed items that are kept, 1000 unless given. */
  maxFailureHistory?: number;
  /** Items beyond which `enqueue` waits, 10000 unless given. */
  maxQueueSize?: number;
  /** Items at work at once, 10 unless given. */
  concurrency?: number;
  /** Where resources are found by their names; items are kept with these then. */
  database?: Database | null;
}

export interface PartitionQueueEvents {
  success: [item: PartitionQueueItem];
  retry: [event: { item: PartitionQueueItem; error: Error; delay: number }];
  failure: [event: { item: PartitionQueueItem; error: Error }];
  recovered: [event: { count: number }];
  persistenceError: [event: { item: PartitionQueueItem; error: Error }];
}

/** Partition maintenance that is repeated until it works, in order for each record. */
export class PartitionQueue extends EventEmitter {
  constructor(options?: PartitionQueueOptions);
  maxRetries: number;
  retryDelay: number;
  persistence: PartitionQueuePersistence | null;
  maxFailureHistory: number;
  maxQueueSize: number;
  concurrency: number;
  database: Database | null;
  /** The last items that failed for good. */
  failures: { item: PartitionQueueItem; error: Error }[];
  readonly processing: boolean;
  /** Resolves the id of the item; waits while the queue is full. */
  enqueue(operation: PartitionOperation): Promise<string>;
  /** Resolves when nothing is left to do. */
  process(): Promise<void>;
  /** The same, without waiting for the delays of repetitions. */
  drain(): Promise<void>;
  /** Takes up what the persistence kept; the number of items. */
  recover(): Promise<number>;
  getStats(): { pending: number; failures: number; processing: boolean; failureRate: number };
  on<K extends keyof PartitionQueueEvents>(event: K, listener: (...args: PartitionQueueEvents[K]) => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
  once<K extends keyof PartitionQueueEvents>(event: K, listener: (...args: PartitionQueueEvents[K]) => void): this;
  once(event: string | symbol, listener: (...args: any[]) => void): this;
}

/** Items of a PartitionQueue, in memory. */
export class InMemoryPersistence implements PartitionQueuePersistence {
  constructor(options?: { maxFailureHistory?: number });
  items: Map<string, PartitionQueueItem>;
  dlq: PartitionQueueItem[];
  save(item: PartitionQueueItem): Promise<void>;
  remove(id: string): Promise<void>;
  moveToDLQ(item: PartitionQueueItem): Promise<void>;
  getPending(): Promise<PartitionQueueItem[]>;
  getDLQ(): Promise<PartitionQueueItem[]>;
}
