/** Error classes of the library and what builds them. */
export { BaseError, S3dbError } from './base.js';
export {
  AnalyticsNotEnabledError,
  AuthenticationError,
  BehaviorError,
  ConnectionStringError,
  CryptoError,
  DatabaseError,
  EncryptionError,
  InvalidResourceItem,
  MetadataLimitError,
  MissingMetadata,
  NoSuchBucket,
  NoSuchKey,
  NotFound,
  PartitionDriverError,
  PartitionError,
  PermissionError,
  PluginError,
  PluginStorageError,
  ResourceError,
  ResourceNotFound,
  SchemaError,
  StreamError,
  UnknownError,
  ValidationError
} from './classes.js';
export { codeOf, ErrorMap, isNotFound, isPrecondition, mapAwsError, statusOf } from './map-aws-error.js';
