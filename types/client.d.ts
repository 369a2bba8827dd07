import { EventEmitter } from 'node:events';
import type { HttpClientOptions } from './options.js';

export const S3_DEFAULT_REGION: 'us-east-1';
export const S3_DEFAULT_ENDPOINT: 'https://s3.us-east-1.amazonaws.com';

/** A parsed connection string. Query parameters become own string properties. */
export class ConnectionString {
  constructor(connectionString: string);
  region: string;
  bucket: string;
  keyPrefix: string;
  endpoint: string;
  accessKeyId?: string;
  secretAccessKey?: string;
  sessionToken?: string;
  forcePathStyle?: boolean | string;
  [parameter: string]: any;
}

/** An AWS SDK command, or any object of that shape. */
export interface Command {
  input: Record<string, any>;
}

export interface PutObjectOptions {
  key: string;
  metadata?: Record<string, any>;
  contentType?: string;
  body?: any;
  contentEncoding?: string;
  contentLength?: number;
  ifMatch?: string;
  ifNoneMatch?: string;
}

export interface CopyObjectOptions {
  from: string;
  to: string;
  metadata?: Record<string, any>;
  metadataDirective?: 'COPY' | 'REPLACE';
  contentType?: string;
  copySourceIfMatch?: string;
}

export interface ListObjectsOptions {
  prefix?: string;
  delimiter?: string | null;
  startAfter?: string;
  /** Default 1000. */
  maxKeys?: number;
  continuationToken?: string | null;
}

export interface ListObjectsResponse {
  Contents?: { Key: string; Size: number; LastModified: Date; ETag: string; [key: string]: any }[];
  CommonPrefixes?: { Prefix: string }[];
  IsTruncated?: boolean;
  NextContinuationToken?: string | null;
  KeyCount?: number;
  [key: string]: any;
}

export interface ObjectResponse {
  Metadata: Record<string, any>;
  ContentType?: string;
  ContentLength?: number;
  ContentEncoding?: string;
  ETag?: string;
  LastModified?: Date;
  [key: string]: any;
}

/** Body of `getObject`. */
export interface ObjectBody extends AsyncIterable<Uint8Array> {
  transformToString(encoding?: string): Promise<string>;
  transformToByteArray(): Promise<Uint8Array>;
  [key: string]: any;
}

interface ClientMethods {
  readonly bucket: string;
  readonly keyPrefix: string;
  readonly region: string;
  id: string;
  verbose: boolean;
  parallelism: number;
  sendCommand(command: Command): Promise<any>;
  putObject(options: PutObjectOptions): Promise<any>;
  getObject(key: string): Promise<ObjectResponse & { Body: ObjectBody }>;
  headObject(key: string): Promise<ObjectResponse>;
  copyObject(options: CopyObjectOptions): Promise<any>;
  exists(key: string): Promise<boolean>;
  deleteObject(key: string, options?: { ifMatch?: string }): Promise<any>;
  deleteAll(options?: { prefix?: string }): Promise<number>;
  moveObject(options: { from: string; to: string }): Promise<true>;
  moveAllObjects(options: { prefixFrom: string; prefixTo: string }): Promise<string[]>;
  listObjects(options?: ListObjectsOptions): Promise<ListObjectsResponse>;
  count(options?: { prefix?: string }): Promise<number>;
  getAllKeys(options?: { prefix?: string }): Promise<string[]>;
  getContinuationTokenAfterOffset(options?: { prefix?: string; offset?: number }): Promise<string | null>;
  getKeysPage(options?: { prefix?: string; offset?: number; amount?: number }): Promise<string[]>;
}

export interface S3ClientOptions {
  connectionString?: string;
  verbose?: boolean;
  id?: string | null;
  /** A built client of the AWS SDK to use instead of the native one. */
  AwsS3Client?: any;
  parallelism?: number;
  httpClientOptions?: HttpClientOptions;
}

export interface DeleteObjectsReport {
  deleted: any[];
  notFound: { message: string; raw: any; item: string[] }[];
}

/** Client of S3 and of servers that speak its protocol. */
export class S3Client extends EventEmitter {
  constructor(options: S3ClientOptions);
  config: ConnectionString;
  httpClientOptions: Required<HttpClientOptions>;
  client: { send(command: Command): Promise<any>; [key: string]: any };
  createClient(): any;
  deleteObjects(keys: string[]): Promise<DeleteObjectsReport>;
  getQueueStats(): any;
  getAggregateMetrics(since?: number): any;
  pausePool(): any;
  resumePool(): any;
  drainPool(): Promise<any>;
  stopPool(): any;
  destroy(): void;
}
export interface S3Client extends ClientMethods {}

export { S3Client as Client };

export interface MemoryClientOptions {
  id?: string;
  verbose?: boolean;
  parallelism?: number;
  bucket?: string;
  keyPrefix?: string;
  region?: string;
  enforceLimits?: boolean;
  metadataLimit?: number;
  maxObjectSize?: number;
  persistPath?: string;
  autoPersist?: boolean;
}

export interface MemorySnapshot {
  timestamp: string;
  bucket: string;
  objectCount: number;
  objects: Record<string, any>;
}

export interface MemoryStats {
  objectCount: number;
  totalSize: number;
  totalSizeFormatted: string;
  keys: string[];
  bucket: string;
}

/** Client of a store in this process. */
export class MemoryClient extends EventEmitter {
  constructor(options?: MemoryClientOptions);
  storage: MemoryStorage;
  config: { bucket: string; keyPrefix: string; region: string; endpoint: string; forcePathStyle: boolean };
  deleteObjects(keys: string[]): Promise<{ Deleted: { Key: string }[]; Errors: { Key: string; Code: string; Message: string }[] }>;
  snapshot(): MemorySnapshot;
  restore(snapshot: MemorySnapshot): void;
  saveToDisk(path?: string): Promise<string>;
  loadFromDisk(path?: string): Promise<MemorySnapshot>;
  getStats(): MemoryStats;
  clear(): void;
  exportBackup(outputDir: string, options?: { resources?: string[]; compress?: boolean; database?: any }): Promise<any>;
  importBackup(backupDir: string, options?: { resources?: string[]; clear?: boolean; database?: any }): Promise<any>;
  destroy(): void;
}
export interface MemoryClient extends ClientMethods {}

/** Objects of a memory client by full key. */
export class MemoryStorage {
  constructor(options?: Omit<MemoryClientOptions, 'id' | 'parallelism' | 'keyPrefix' | 'region'>);
  bucket: string;
  enforceLimits: boolean;
  metadataLimit: number;
  maxObjectSize: number;
  persistPath?: string;
  autoPersist: boolean;
  verbose: boolean;
  readonly objects: ReadonlyMap<string, any>;
  put(key: string, options: Omit<PutObjectOptions, 'key'>): Promise<any>;
  get(key: string): Promise<any>;
  head(key: string): Promise<any>;
  copy(from: string, to: string, options?: Omit<CopyObjectOptions, 'from' | 'to'>): Promise<any>;
  exists(key: string): boolean;
  delete(key: string): Promise<any>;
  deleteMultiple(keys: string[]): Promise<any>;
  list(options?: ListObjectsOptions): Promise<ListObjectsResponse>;
  snapshot(): MemorySnapshot;
  restore(snapshot: MemorySnapshot): void;
  saveToDisk(path?: string): Promise<string>;
  loadFromDisk(path?: string): Promise<MemorySnapshot>;
  getStats(): MemoryStats;
  clear(): void;
}

export interface FileSystemClientOptions {
  basePath: string;
  bucket?: string;
  keyPrefix?: string;
  id?: string;
  verbose?: boolean;
  parallelism?: number;
  /** `full` flushes every write to the disk before it returns; `none` leaves that to the system. */
  durability?: 'full' | 'none';
}

/** Objects under a folder by full key, in the layout of `FileSystemClient`; metadata is stored as it is given. */
export class FileSystemStorage {
  constructor(options: Pick<FileSystemClientOptions, 'basePath' | 'bucket' | 'durability'>);
  readonly basePath: string;
  readonly bucket: string;
  readonly durability: 'full' | 'none';
  put(key: string, options?: Omit<PutObjectOptions, 'key'>): Promise<any>;
  /** `Body` is a Buffer. */
  get(key: string): Promise<any>;
  head(key: string): Promise<any>;
  copy(from: string, to: string, options?: Record<string, any>): Promise<any>;
  exists(key: string): Promise<boolean>;
  delete(key: string, options?: { ifMatch?: string }): Promise<any>;
  deleteMultiple(keys: string[]): Promise<any>;
  /** One page of at most 1000 keys and groups. */
  list(options?: ListObjectsOptions): Promise<ListObjectsResponse>;
}

/** Client of a folder on a local disk, safe for several processes. */
export class FileSystemClient extends EventEmitter {
  constructor(options: FileSystemClientOptions);
  readonly basePath: string;
  config: { bucket: string; keyPrefix: string; [key: string]: any };
  createClient(): any;
  deleteObjects(keys: string[]): Promise<DeleteObjectsReport>;
  destroy(): void;
}
export interface FileSystemClient extends ClientMethods {}

/** Named sets of `httpClientOptions`, chosen with `httpClientProfile`. */
export const HTTP_CLIENT_PROFILES: Readonly<
  Record<'balanced' | 'throughput' | 'resilient', Readonly<{ maxSockets: number; timeout: number; retryAttempts: number }>>
>;
