export interface ErrorDetails {
  bucket?: string;
  key?: string;
  code?: string;
  statusCode?: number;
  requestId?: string;
  original?: unknown;
  description?: string;
  suggestion?: string;
  retriable?: boolean;
  docs?: string;
  title?: string;
  hint?: string;
  verbose?: boolean;
  [key: string]: any;
}

export class BaseError extends Error {
  constructor(details: ErrorDetails & { message?: string });
  bucket?: string;
  key?: string;
  thrownAt: Date;
  code?: string;
  statusCode: number;
  requestId?: string;
  awsMessage?: string;
  original?: any;
  commandName?: string;
  commandInput?: any;
  metadata?: any;
  description?: string;
  suggestion?: string;
  retriable: boolean;
  docs?: string;
  title: string;
  hint?: string;
  data: Record<string, any>;
  /** Everything, as 13.6 names it. */
  toJson(): Record<string, any>;
  /** The same without secrets. */
  toJSON(): Record<string, any>;
}

export class S3dbError extends BaseError {
  constructor(message: string, details?: ErrorDetails);
}

export class DatabaseError extends S3dbError {
  [key: string]: any;
}
export class ValidationError extends S3dbError {
  [key: string]: any;
}
export class AuthenticationError extends S3dbError {
  [key: string]: any;
}
export class PermissionError extends S3dbError {
  [key: string]: any;
}
export class EncryptionError extends S3dbError {
  [key: string]: any;
}
export class ResourceError extends S3dbError {
  resourceName?: string;
  validation?: string[];
  id?: string;
  [key: string]: any;
}

export class ResourceNotFound extends S3dbError {
  constructor(details: ErrorDetails & { bucket: string; resourceName: string; id: string });
  resourceName: string;
  id: string;
}
export class NoSuchBucket extends S3dbError {
  constructor(details: ErrorDetails & { bucket: string });
}
export class NoSuchKey extends S3dbError {
  constructor(details: ErrorDetails & { bucket: string; key: string; resourceName?: string; id?: string });
  resourceName?: string;
  id?: string;
}
export class NotFound extends S3dbError {
  constructor(details: ErrorDetails & { bucket: string; key: string; resourceName?: string; id?: string });
  resourceName?: string;
  id?: string;
}
export class MissingMetadata extends S3dbError {
  constructor(details: ErrorDetails & { bucket: string });
}
export class InvalidResourceItem extends S3dbError {
  constructor(details: ErrorDetails & { bucket: string; resourceName: string; attributes?: any; validation?: any; message?: string });
  resourceName: string;
  attributes?: any;
  validation?: any;
  /** The problems of `validation`. */
  readonly errors: any[];
}

export class UnknownError extends S3dbError {}
export class ConnectionStringError extends S3dbError {}
export class CryptoError extends S3dbError {}
export class SchemaError extends S3dbError {}
export class PartitionError extends S3dbError {}
export class BehaviorError extends S3dbError {
  behavior?: string;
  availableBehaviors?: string[];
}
export class StreamError extends S3dbError {
  operation?: string;
  resource?: string;
}
export class MetadataLimitError extends S3dbError {
  totalSize?: number;
  effectiveLimit?: number;
  /** The same as `effectiveLimit`. */
  limit?: number;
  absoluteLimit?: number;
  excess?: number;
  resourceName?: string;
  operation?: string;
}
export class AnalyticsNotEnabledError extends S3dbError {
  constructor(details?: ErrorDetails);
}
export class PluginError extends S3dbError {}
export class PluginStorageError extends S3dbError {}
export class PartitionDriverError extends S3dbError {}

/** Error classes by AWS code. */
export const ErrorMap: Readonly<Record<string, new (...args: any[]) => S3dbError>>;

/** The library's error for an error of the transport. */
export function mapAwsError(error: unknown, context?: ErrorDetails): S3dbError;

export const RETRIABLE: 'RETRIABLE';
export const NON_RETRIABLE: 'NON_RETRIABLE';

/** Tells whether an error is worth another attempt. */
export class ErrorClassifier {
  static classify(error: any, options?: ClassifierOptions): 'RETRIABLE' | 'NON_RETRIABLE';
  static isRetriable(error: any, options?: ClassifierOptions): boolean;
  static isNonRetriable(error: any, options?: ClassifierOptions): boolean;
}

export interface ClassifierOptions {
  retryableErrors?: string[];
  nonRetriableErrors?: string[];
}
