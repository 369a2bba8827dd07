import type { Database } from '../database.js';
import { Plugin, type PluginOptions } from '../plugin.js';
import type { Resource } from '../resource.js';

export type AuditOperation = 'insert' | 'update' | 'delete' | 'deleteMany';
/** Either tense; `deleted` stands for `delete` and `deleteMany`. */
export type AuditOperationName = AuditOperation | 'inserted' | 'updated' | 'deleted' | 'deletedMany';

export interface AuditEntryDetails {
  resourceName: string;
  operation: string;
  recordId?: string;
}

export interface AuditPluginOptions extends PluginOptions {
  /** Store snapshots. Default true. */
  includeData?: boolean;
  /** Store partition values. Default true. */
  includePartitions?: boolean;
  /** Characters of JSON that a snapshot may have; more is left out. Default 10000. */
  maxDataSize?: number;
  /** Name of the log resource; `plg_` is put in front. Default `plg_audits`. */
  resourceName?: string;
  resourceNames?: { audit?: string };
  /** The user of an entry; a function assigned to the instance wins. */
  getCurrentUserId?: (details: AuditEntryDetails) => unknown;
  /** Merged over the metadata of an entry. */
  getMetadata?: (details: AuditEntryDetails) => object | Promise<object>;
  /** Log these resources only. */
  resources?: string | string[];
  excludeResources?: string | string[];
  /** Log these operations only. */
  operations?: AuditOperationName | AuditOperationName[];
  /** Alias of `operations`. */
  trackOperations?: AuditOperationName | AuditOperationName[];
  /** False leaves an operation out. */
  shouldAudit?: (event: { resourceName: string; operation: AuditOperation; data: any }) => boolean | undefined;
  /** False: nothing is logged and no resource is made. */
  enabled?: boolean;
  /** Days; older entries are deleted once a day. */
  retentionDays?: number;
  /** One line per entry, without snapshots. */
  logToConsole?: boolean;
  customLogger?: (entry: AuditEntry) => unknown;
  /** `sync`: operations wait until their entries are stored. Default `async`. */
  mode?: 'async' | 'sync';
  /** `batch`: one record for up to `batchSize` entries. Default `record`. */
  format?: 'record' | 'batch';
  /** Default 100. */
  batchSize?: number;
  /** No effect: entries are always stored. */
  driver?: string;
}

export interface AuditEntry {
  id: string;
  resourceName: string;
  operation: AuditOperation | (string & {});
  recordId: string;
  userId?: string;
  /** ISO */
  timestamp: string;
  /** `YYYY-MM-DD` */
  createdAt: string;
  oldData?: any;
  newData?: any;
  partition?: string;
  partitionValues?: Record<string, Record<string, any>>;
  metadata?: any;
}

export interface AuditFilter {
  resourceName?: string;
  operation?: AuditOperationName | (string & {});
  recordId?: string;
  userId?: string;
  partition?: string;
  partitionValues?: Record<string, unknown>;
  /** Inclusive. */
  startDate?: string | number | Date;
  /** Inclusive; a day stands for all of it. */
  endDate?: string | number | Date;
  /** Default 100; null for all. */
  limit?: number | null;
  offset?: number;
  /** Default `asc`: oldest first. */
  order?: 'asc' | 'desc';
}

export interface AuditStats {
  total: number;
  byOperation: Record<string, number>;
  byResource: Record<string, number>;
  byPartition: Record<string, number>;
  byUser: Record<string, number>;
  /** By day. */
  timeline: Record<string, number>;
}

export interface AuditLogRequest {
  resourceName: string;
  operation: string;
  recordId: string | number;
  oldData?: object | string | null;
  newData?: object | string | null;
  partition?: string | null;
  partitionValues?: object | string | null;
}

/** Writes who changed what and when into a log resource. */
export class AuditPlugin extends Plugin<AuditPluginOptions> {
  constructor(options?: AuditPluginOptions | Database);
  config: AuditPluginOptions;
  /** Null while the plugin is inactive. */
  auditResource: Resource<any> | null;
  auditResourceName: string;
  getCurrentUserId?: (details: AuditEntryDetails) => unknown;
  setupResourceAuditing(resource: Resource<any>): void;
  installEventListenersForResource(resource: Resource<any>): void;
  /** Waits until every entry so far is stored or given up. */
  flush(): Promise<void>;
  logAudit(entry: AuditLogRequest): Promise<void>;
  logAudit(operation: string, resourceName: string, recordId: string, data?: object, oldData?: object): Promise<void>;
  truncateData(data: any): any;
  getPrimaryPartition(values: Record<string, unknown> | null): string | null;
  /** The newest 1000 entries of this process, oldest first. */
  getLogs(): AuditEntry[];
  getAuditLogs(filter?: AuditFilter): Promise<AuditEntry[]>;
  getRecordHistory(resourceName: string, recordId: string): Promise<AuditEntry[]>;
  getPartitionHistory(resourceName: string, partition: string, values?: Record<string, unknown>): Promise<AuditEntry[]>;
  getAuditStats(options?: AuditFilter): Promise<AuditStats>;
  cleanupOldAudits(retentionDays?: number): Promise<number>;
}
