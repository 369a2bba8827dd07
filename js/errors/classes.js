import { S3dbError } from './base.js';

function requireText(className, field, value, suffix = '') {
  if (typeof value !== 'string') {
    throw new ValidationError(`${className} requires ${field} to be a string${suffix}`, { field, value });
  }
}

/** Misuse of a database, or an operation of it that failed. */
export class DatabaseError extends S3dbError {
  static ownStatus = true;
  static suggestion = 'Check the database configuration and that the operation is valid in its current state.';
}

/** Bad argument or value. */
export class ValidationError extends S3dbError {
  static statusCode = 422;
  static ownStatus = true;
  static suggestion = 'Check the value against the schema and the documented argument types.';
}

/** Credentials that were not accepted. */
export class AuthenticationError extends S3dbError {
  static statusCode = 401;
  static ownStatus = true;
  static suggestion = 'Check that the credentials are present, correct and not expired.';
}

/** Access denied. */
export class PermissionError extends S3dbError {
  static statusCode = 403;
  static ownStatus = true;
  static suggestion = 'Check the policies that apply to these credentials and this bucket.';
}

/** Encryption is misconfigured or failed. */
export class EncryptionError extends S3dbError {
  static ownStatus = true;
  static suggestion = 'Check the passphrase and that the value was encrypted with it.';
}

/** Operation on a resource that cannot be carried out. */
export class ResourceError extends S3dbError {
  static statusCode = 400;
  static ownStatus = true;
  static suggestion = 'Check the resource configuration, its attributes and the arguments of the operation.';
  static description = 'The resource could not carry out the operation with the given configuration or arguments.';
}

/** Record that does not exist. */
export class ResourceNotFound extends S3dbError {
  static statusCode = 404;
  static suggestion = 'Check that the record exists and that the id is right.';

  /** @param {{ bucket: string, resourceName: string, id: string, original?: any }} details */
  constructor({ bucket, resourceName, id, original, ...rest }) {
    requireText('ResourceNotFound', 'id', id);
    requireText('ResourceNotFound', 'bucket', bucket);
    requireText('ResourceNotFound', 'resourceName', resourceName);
    super(`Resource not found: ${resourceName}/${id} [bucket:${bucket}]`, { bucket, resourceName, id, original, ...rest });
  }
}

/** Bucket that does not exist. */
export class NoSuchBucket extends S3dbError {
  static statusCode = 404;
  static suggestion = 'Check the bucket name and create the bucket if it is missing.';

  /** @param {{ bucket: string, original?: any }} details */
  constructor({ bucket, original, ...rest }) {
    requireText('NoSuchBucket', 'bucket', bucket);
    super(`Bucket does not exists [bucket:${bucket}]`, { bucket, original, ...rest });
  }
}

/** Object that does not exist. */
export class NoSuchKey extends S3dbError {
  static statusCode = 404;
  static suggestion = 'Check the key and the prefix of the client; the object may have been deleted.';

  /** @param {{ bucket: string, key: string, resourceName?: string, id?: string, original?: any }} details */
  constructor({ bucket, key, resourceName, id, original, ...rest }) {
    requireText('NoSuchKey', 'key', key);
    requireText('NoSuchKey', 'bucket', bucket);
    if (id !== undefined) requireText('NoSuchKey', 'id', id, ' when provided');
    super(`No such key: ${key} [bucket:${bucket}]`, { bucket, key, resourceName, id, original, ...rest });
  }
}

/** Object that was not found. */
export class NotFound extends S3dbError {
  static statusCode = 404;
  static suggestion = 'Check the key and the prefix of the client; the object may have been deleted.';

  /** @param {{ bucket: string, key: string, resourceName?: string, id?: string, original?: any }} details */
  constructor({ bucket, key, resourceName, id, original, ...rest }) {
    requireText('NotFound', 'key', key);
    requireText('NotFound', 'bucket', bucket);
    super(`Not found: ${key} [bucket:${bucket}]`, { bucket, key, resourceName, id, original, ...rest });
  }
}

/** Bucket without a metadata file. */
export class MissingMetadata extends S3dbError {
  static suggestion = 'Check that the object was written by this library and that its metadata was not stripped.';

  /** @param {{ bucket: string, original?: any }} details */
  constructor({ bucket, original, ...rest }) {
    requireText('MissingMetadata', 'bucket', bucket);
    super(`Missing metadata for bucket [bucket:${bucket}]`, { bucket, original, ...rest });
  }
}

const TAKEN_ID = 'Insert under another id, or change the stored record with update(), patch(), replace() or upsert().';

/** Record that was rejected. */
export class InvalidResourceItem extends S3dbError {
  static statusCode = 422;
  static suggestion = 'Correct the fields listed in `validation` and try again.';

  /** @param {{ bucket: string, resourceName: string, attributes?: object, validation?: any, message?: string, original?: any }} details */
  constructor({ bucket, resourceName, attributes, validation, message, original, ...rest }) {
    requireText('InvalidResourceItem', 'bucket', bucket);
    requireText('InvalidResourceItem', 'resourceName', resourceName);
    const text =
      message ||
      `Validation error: This item is not valid. Resource=${resourceName} [bucket:${bucket}].\n${JSON.stringify(validation, null, 2)}`;
    // The record itself is as good as any: its id is taken.
    const taken = rest.statusCode === 409 ? { suggestion: TAKEN_ID } : {};
    super(text, { bucket, resourceName, attributes, validation, original, ...taken, ...rest });
  }

  /** The problems, under the name that other validation failures have. */
  get errors() {
    return Array.isArray(this.validation) ? this.validation : [];
  }
}

/** Failure without a class of its own. */
export class UnknownError extends S3dbError {}

/** Connection string that cannot be understood. */
export class ConnectionStringError extends S3dbError {
  static statusCode = 400;
  static suggestion = 'Use s3://KEY:SECRET@BUCKET/PREFIX or http(s)://KEY:SECRET@HOST:PORT/BUCKET/PREFIX, with the secret percent-encoded.';
  static description = 'The connection string is not a valid URL, or a part of it is not validly percent-encoded.';
}

/** Encryption, decryption or hashing failed. */
export class CryptoError extends S3dbError {
  static suggestion = 'Check the passphrase, and that the value is complete and was made with it.';
  static description = 'A cryptographic operation failed: key derivation, encryption, decryption or hashing.';
}

/** Bad attribute definition or schema data. */
export class SchemaError extends S3dbError {
  static statusCode = 400;
  static suggestion = 'Check the attribute definitions: type names, options and their values.';
  static description = 'The schema, or data describing one, is not valid.';
}

/** Partition unknown or unusable. */
export class PartitionError extends S3dbError {
  static statusCode = 400;

  constructor(message, details = {}) {
    super(message, { ...details, description: details.description ?? describePartition(details) ?? describePartially(message, details) });
  }
}

function describePartially(message, { resourceName, partitionName }) {
  const subject = [partitionName && `partition '${partitionName}'`, resourceName && `resource '${resourceName}'`].filter(Boolean);
  return subject.length === 0 ? `Partition: ${message}` : `${message}\nConcerns ${subject.join(' of ')}.`;
}

function describePartition({ resourceName, partitionName, fieldName, availableFields = [], strictValidation }) {
  if (!resourceName || !partitionName || !fieldName) return undefined;
  const known = availableFields.length > 0 ? availableFields.join(', ') : 'none';
  const lines = [
    `Partition '${partitionName}' of resource '${resourceName}' uses the field '${fieldName}', which the schema does not have.`,
    `Available fields: ${known}.`,
    `Nested fields are written in dot notation, for example 'address.city'.`
  ];
  if (strictValidation !== false) {
    lines.push('To load the resource anyway and repair it, set strictValidation: false.');
  }
  return lines.join('\n');
}

/** Analytics asked for a field that has none. */
export class AnalyticsNotEnabledError extends S3dbError {
  static statusCode = 400;
  static suggestion = 'Add the field to the plugin configuration with analytics enabled, and create the resource before using it.';

  constructor(details = {}) {
    const {
      pluginName = 'EventualConsistency',
      resourceName = 'unknown',
      field = 'unknown',
      configuredResources = [],
      registeredResources = [],
      pluginInitialized = false
    } = details;
    const facts = { ...details, pluginName, resourceName, field, configuredResources, registeredResources, pluginInitialized };
    const status = configuredResources.map((name) => `${name} (${registeredResources.includes(name) ? 'registered' : 'not registered'})`);
    super(`Analytics not enabled for ${resourceName}.${field}`, {
      ...facts,
      description:
        details.description ??
        [
          `${pluginName} has no analytics for '${resourceName}.${field}'.`,
          `Configured resources: ${status.length > 0 ? status.join(', ') : 'none'}.`,
          `Plugin initialised: ${pluginInitialized ? 'yes' : 'no'}.`
        ].join('\n')
    });
  }
}

/** Failure inside a plugin. */
export class PluginError extends S3dbError {
  constructor(message, details = {}) {
    const { pluginName = 'Unknown', operation = 'unknown' } = details;
    super(message, {
      ...details,
      pluginName,
      operation,
      description: details.description ?? `Plugin '${pluginName}' failed during '${operation}': ${message}`
    });
  }
}

/** Failure of a plugin's storage. */
export class PluginStorageError extends S3dbError {
  static suggestion = 'Check that the key is valid and that the client can read and write under the plugin prefix.';

  constructor(message, details = {}) {
    const { pluginSlug = 'unknown', key = '', operation = 'unknown' } = details;
    super(message, {
      ...details,
      pluginSlug,
      key,
      operation,
      description:
        details.description ?? `Plugin: ${pluginSlug}\nKey: ${key === '' ? '(none)' : key}\nOperation: ${operation}\n\n${message}`
    });
  }
}

/** Failure of partition index work. */
export class PartitionDriverError extends S3dbError {
  static statusCode = 503;

  constructor(message, details = {}) {
    const { driver = 'unknown', operation = 'unknown', queueSize, maxQueueSize } = details;
    const full = queueSize !== undefined && maxQueueSize !== undefined && queueSize >= maxQueueSize;
    super(message, {
      ...details,
      driver,
      operation,
      retriable: details.retriable ?? full,
      description: details.description ?? `Partition driver '${driver}' failed during '${operation}': ${message}`
    });
  }
}

/** Unknown storage behaviour, or one that failed. */
export class BehaviorError extends S3dbError {
  static statusCode = 400;

  constructor(message, details = {}) {
    const { behavior = 'unknown', availableBehaviors = [] } = details;
    super(message, {
      ...details,
      behavior,
      availableBehaviors,
      suggestion: details.suggestion ?? (availableBehaviors.length > 0 ? `Use one of: ${availableBehaviors.join(', ')}.` : undefined),
      description: details.description ?? `Behavior '${behavior}' cannot be used. Available behaviors: ${availableBehaviors.join(', ')}.`
    });
  }
}

/** Failure of a record stream. */
export class StreamError extends S3dbError {
  constructor(message, details = {}) {
    const { operation = 'unknown', resource } = details;
    super(message, {
      ...details,
      operation,
      description: details.description ?? `Stream operation '${operation}'${resource ? ` on '${resource}'` : ''} failed: ${message}`
    });
  }
}

/** Record too large for its behaviour. */
export class MetadataLimitError extends S3dbError {
  static statusCode = 413;

  constructor(message, details = {}) {
    const { totalSize, effectiveLimit, absoluteLimit = 2047, excess, resourceName, operation } = details;
    const sized = totalSize !== undefined && effectiveLimit !== undefined;
    const over = excess ?? (sized ? totalSize - effectiveLimit : undefined);
    super(message, {
      ...details,
      absoluteLimit,
      ...(effectiveLimit === undefined ? {} : { limit: effectiveLimit }),
      ...(over === undefined ? {} : { excess: over }),
      description:
        details.description ??
        (sized
          ? [
              `The metadata of ${resourceName ? `a record of '${resourceName}'` : 'the record'} takes ${totalSize} bytes${operation ? ` on ${operation}` : ''}.`,
              `Limit: ${effectiveLimit} bytes of ${absoluteLimit} after system fields; ${over} bytes too many.`,
              `Use the behavior 'body-overflow' or 'body-only', or store less.`
            ].join('\n')
          : undefined)
    });
  }
}
