import {
  BehaviorError,
  ConnectionStringError,
  CryptoError,
  DatabaseError,
  InvalidResourceItem,
  MetadataLimitError,
  NoSuchBucket,
  NoSuchKey,
  PartitionError,
  PermissionError,
  PluginStorageError,
  ResourceError,
  SchemaError,
  UnknownError,
  ValidationError
} from './classes.js';

import { credentialsRemedy } from './map-aws-error.js';

/** Error class by native kind. */
const CLASS_OF = {
  Permission: PermissionError,
  Precondition: ResourceError,
  Validation: ValidationError,
  Schema: SchemaError,
  Crypto: CryptoError,
  Behavior: BehaviorError,
  MetadataLimit: MetadataLimitError,
  Resource: ResourceError,
  Corrupted: ResourceError,
  Partition: PartitionError,
  PluginStorage: PluginStorageError,
  Database: DatabaseError,
  ConnectionString: ConnectionStringError,
  NoSuchKey,
  NoSuchBucket,
  InvalidResourceItem,
  Unsupported: UnknownError,
  Network: UnknownError,
  Unknown: UnknownError
};

/** Errors that JavaScript threw inside store callbacks, until the engine hands them back. */
const held = new Map();
const HELD_LIMIT = 10_000;
let lastId = 0;

/**
 * Keeps an error for the way through the engine; the id travels as `foreign`.
 * @param {unknown} error
 * @returns {number}
 */
export function holdForeign(error) {
  lastId += 1;
  held.set(lastId, error);
  // An error the engine swallowed (a retried attempt) is never asked for again.
  if (held.size > HELD_LIMIT) held.delete(held.keys().next().value);
  return lastId;
}

/**
 * Contents of a native error, of its JSON message or of such an object inside a result; null when
 * it is some other error.
 * @param {unknown} error
 * @returns {{ kind: string, message: string, code?: string, status?: number, requestId?: string, retriable?: boolean, fields?: object, foreign?: number } | null}
 */
export function nativeReport(error) {
  if (error === null || typeof error !== 'object') return null;
  if (!(error instanceof Error) && typeof error.kind === 'string') return error;
  const { message } = error;
  if (typeof message !== 'string' || message[0] !== '{') return null;
  try {
    const report = JSON.parse(message);
    return typeof report?.kind === 'string' && Object.hasOwn(CLASS_OF, report.kind) ? report : null;
  } catch {
    return null;
  }
}

/**
 * Published error of a native failure. An error that JavaScript threw inside a store callback comes
 * back itself, and one that is not native is returned as it is.
 * @param {unknown} error native error, or the error object inside a native result
 * @param {{ bucket?: string, key?: string, resourceName?: string, id?: string, operation?: string }} [context]
 * @returns {any}
 */
export function fromNative(error, context = {}) {
  const report = nativeReport(error);
  if (report === null) return error;
  if (report.foreign !== undefined && report.foreign !== null) {
    const own = held.get(report.foreign);
    if (held.delete(report.foreign)) return own;
  }
  const built = build(report, context);
  if (typeof Error.captureStackTrace === 'function') Error.captureStackTrace(built, fromNative);
  return built;
}

function build(report, context) {
  const { kind, message, fields = {} } = report;
  const details = { ...context, ...fields, retriable: report.retriable ?? false };
  if (report.code !== undefined && report.code !== null) details.code = report.code;
  if (report.status !== undefined && report.status !== null) details.statusCode = report.status;
  if (report.requestId !== undefined && report.requestId !== null) details.requestId = report.requestId;
  const Class = CLASS_OF[kind] ?? UnknownError;
  switch (kind) {
    case 'NoSuchKey':
      return new Class({ ...textual(details), key: String(details.key ?? ''), code: details.code ?? 'NoSuchKey' });
    case 'NoSuchBucket':
      return new Class({ ...textual(details), code: details.code ?? 'NoSuchBucket' });
    case 'InvalidResourceItem':
      return new Class({ ...textual(details), resourceName: String(details.resourceName ?? 'unknown'), message });
    case 'Precondition':
      return new Class(message, { ...details, code: details.code ?? 'PreconditionFailed', statusCode: details.statusCode ?? 412 });
    case 'Permission':
      return new Class('Access denied', {
        ...details,
        awsMessage: message,
        suggestion: details.suggestion ?? (isOfFiles(message) ? filesRemedy() : credentialsRemedy(details.code))
      });
    default:
      return new Class(message, details);
  }
}

/** Whether the file store says it, which knows no credentials and no policies. */
const isOfFiles = (message) => message.startsWith('file store: ');

/** @param {string} [path] folder of the store */
export const filesRemedy = (path) =>
  `Check that ${path ?? 'the folder of the connection string'} is a directory that this process can make, read and write.`;

/** Members that some classes require to be strings. */
function textual(details) {
  const out = { ...details, bucket: String(details.bucket ?? 'unknown') };
  if (out.id !== undefined) out.id = String(out.id);
  return out;
}
