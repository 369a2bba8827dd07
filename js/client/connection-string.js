import { fromNative } from '../errors/from-native.js';
import { redact } from '../errors/redact.js';
import { native } from '../native/load.js';
import { fromText, toText } from '../native/text.js';
import { showAs } from '../util/shown.js';

export const S3_DEFAULT_REGION = 'us-east-1';
export const S3_DEFAULT_ENDPOINT = 'https://s3.us-east-1.amazonaws.com';

/** Parts of a connection string, as own properties in a fixed order; parameters come last. */
export class ConnectionString {
  /** @param {string} connectionString */
  constructor(connectionString) {
    let parts;
    try {
      parts = fromText(native.pure('parseConnectionString', toText([String(connectionString)])));
    } catch (error) {
      throw withOriginal(fromNative(error), connectionString);
    }
    for (const [name, value] of Object.entries(parts)) {
      Object.defineProperty(this, name, { value, enumerable: true, configurable: true, writable: true });
    }
  }
}

// With the credentials hidden.
showAs(ConnectionString, (parts) => redact({ ...parts }));

/** The error of the platform as `original`; its text holds no part of the string. */
function withOriginal(error, connectionString) {
  if (error.code === 'ERR_INVALID_URL') {
    error.original = Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL' });
  } else if (error.code === 'URIError') {
    error.original = new URIError('URI malformed');
  }
  if (typeof connectionString !== 'string') error.data.input ??= String(connectionString);
  if (connectionString === undefined || connectionString === null) {
    error.suggestion = 'Pass connectionString, or client, or bucket with both of accessKeyId and secretAccessKey or neither.';
    error.data.suggestion = error.suggestion;
  }
  return error;
}

export default ConnectionString;
