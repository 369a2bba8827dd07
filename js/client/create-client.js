import { ConnectionStringError } from '../errors/index.js';
import { ConnectionString } from './connection-string.js';
import { FileSystemClient } from './filesystem-client.js';
import { MemoryClient } from './memory-client.js';
import { S3Client } from './s3-client.js';

/** Parts of a connection string to an S3 server; client options of these names replace them, as parameters do. */
export const S3_PARTS = ['region', 'endpoint', 'forcePathStyle', 'sessionToken', 'bucket', 'keyPrefix', 'accessKeyId', 'secretAccessKey'];

/** Options of the clients, those of later versions among them. */
export const CLIENT_OPTIONS = [
  ...S3_PARTS,
  ...['id', 'verbose', 'parallelism', 'logLevel', 'logger'],
  ...['httpClientOptions', 'httpClientProfile', 'executorPool', 'taskExecutor', 'AwsS3Client', 'AwsS3Commands'],
  ...['basePath', 'durability', 'compression', 'ttl', 'locking', 'backup', 'journal', 'stats'],
  ...['enforceLimits', 'metadataLimit', 'maxObjectSize', 'persistPath', 'autoPersist', 'shared', 'maxMemoryMB', 'evictionEnabled'],
  ...['concurrency', 'retries', 'retryDelay', 'timeout', 'retryableErrors']
];

/** Options of the S3 client that parameters of its connection string set, with dots for what lies inside. */
const S3_PARAMETERS = ['httpClientOptions', 'httpClientProfile', 'executorPool', 'taskExecutor', 'parallelism'];

/** Schemes for which URLs know an origin, and no store belongs to. */
const NO_STORE = ['ftp:', 'ws:', 'wss:'];

/**
 * The client of a connection string: `s3://`, `http(s)://`, `memory://BUCKET/PREFIX` (objects shared by all
 * clients of that bucket in the process) or `file:///path`. Query parameters are
 * constructor options; `clientOptions` win over them.
 * @param {string} connectionString
 * @param {{ verbose?: boolean, parallelism?: number, httpClientOptions?: object, sessionToken?: string, executorPool?: boolean | object, clientOptions?: object }} [options]
 * @returns {S3Client | MemoryClient | FileSystemClient}
 */
export function createClient(
  connectionString,
  { verbose, parallelism, httpClientOptions, sessionToken, executorPool, clientOptions = {} } = {}
) {
  const parsed = new ConnectionString(connectionString);
  const common = present({ verbose, parallelism });
  if (parsed.clientType === 'memory' || parsed.clientType === 'filesystem') {
    const { bucket, keyPrefix, basePath } = parsed;
    const options = { ...common, ...present({ bucket, keyPrefix }), ...parsed.clientOptions, ...clientOptions };
    if (parsed.clientType === 'filesystem') return new FileSystemClient({ basePath, ...options });
    return new MemoryClient({ shared: true, ...options });
  }
  const parts = present(Object.fromEntries(S3_PARTS.map((name) => [name, clientOptions[name]])));
  const { protocol } = new URL(connectionString);
  // Of a scheme that names no server nothing but an explicit endpoint can be used.
  if ((parsed.endpoint === 'null' || NO_STORE.includes(protocol)) && parts.endpoint === undefined) throw unknownScheme(protocol);
  const parameters = parametersOf(connectionString);
  const given = present({ sessionToken, executorPool });
  if (httpClientOptions !== undefined) given.httpClientOptions = { ...parameters.httpClientOptions, ...httpClientOptions };
  return new S3Client({
    ...common,
    ...parameters,
    ...given,
    ...clientOptions,
    connectionString: withParts(connectionString, parts)
  });
}

function unknownScheme(protocol) {
  return new ConnectionStringError(`Unknown scheme '${protocol}' in connection string`, {
    field: 'connectionString',
    value: protocol,
    description: 'No store belongs to the scheme of the connection string.',
    suggestion: 'Use s3://, http://, https://, memory:// or file://.'
  });
}

/** Options of the S3 client among the parameters; they nest and convert as those of the embedded stores. */
function parametersOf(connectionString) {
  const { search } = new URL(connectionString);
  if (search === '') return {};
  const { clientOptions } = new ConnectionString(`memory://options${search}`);
  return present(Object.fromEntries(S3_PARAMETERS.map((name) => [name, clientOptions[name]])));
}

function withParts(connectionString, parts) {
  if (Object.keys(parts).length === 0) return connectionString;
  const url = new URL(connectionString);
  for (const [name, value] of Object.entries(parts)) url.searchParams.set(name, String(value));
  return url.href;
}

const present = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
