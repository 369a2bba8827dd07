import { Plugin, type PluginOptions } from '../plugin.js';
import type { Resource } from '../resource.js';

/** When the records of a resource expire, and what happens then. */
export interface TTLRule {
  /** Seconds from the base time (`field`, or when the record was stored). */
  ttl?: number | string;
  /** Attribute with the base time; without `ttl`, with the expiry time itself. Numbers are epoch milliseconds. */
  field?: string;
  onExpire: 'soft-delete' | 'hard-delete' | 'archive' | 'callback';
  /** soft-delete: attribute that receives the time. Default `deletedat`. */
  deleteField?: string;
  /** archive: name of the resource that receives the copy. */
  archiveResource?: string;
  /** archive: the copy has the id of the record. Default false. */
  keepOriginalId?: boolean;
  /** callback: a truthy result deletes the record. */
  callback?: (record: any, resource: Resource<any>) => unknown;
  /** callback: ask again in the next sweep after a falsy result. Default false. */
  retry?: boolean;
  /** Written by the plugin. */
  readonly granularity?: TTLGranularity;
}

export type TTLGranularity = 'minute' | 'hour' | 'day' | 'week';

export interface TTLPluginOptions extends PluginOptions {
  /** By resource name, or by a pattern with `*`. */
  resources?: Record<string, TTLRule>;
  /** Records handled at once, 1 to 10000. Default 100. */
  batchSize?: number;
  indexResourceName?: string;
  resourceNames?: { index?: string };
  /** Index the records that a resource has already. Default false. */
  indexExisting?: boolean;
  /** Cron text by granularity, in place of every 10 seconds, 10 minutes, hour and day. */
  schedules?: Partial<Record<TTLGranularity, string>>;
  resourceFilter?: (name: string) => boolean;
  resourceAllowlist?: string[];
  resourceBlocklist?: string[];
}

export interface TTLStats {
  totalScans: number;
  totalExpired: number;
  totalDeleted: number;
  totalArchived: number;
  totalSoftDeleted: number;
  totalCallbacks: number;
  totalErrors: number;
  lastScanAt: string | null;
  lastScanDuration: number;
  resources: number;
  isRunning: boolean;
  intervals: number;
}

/** Expires records by rule, also those that came due while no process ran. */
export class TTLPlugin extends Plugin<TTLPluginOptions> {
  constructor(options?: TTLPluginOptions);
  config: TTLPluginOptions;
  resources: Record<string, TTLRule>;
  batchSize: number;
  verbose: boolean;
  isRunning: boolean;
  expirationIndex: Resource<any> | null;
  readonly indexResourceName: string;
  /** Sweeps every granularity in use now. */
  runCleanup(): Promise<void>;
  /** Sweeps the entries of one resource now. */
  cleanupResource(name: string): Promise<{ resource: string; granularity: TTLGranularity }>;
  /** Indexes the records that a resource has already. */
  backfill(name: string): Promise<{ indexed: number; failed: number }>;
  getStats(): TTLStats;
}
