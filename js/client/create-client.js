import { ConnectionString } from './connection-string.js';
import { FileSystemClient } from './filesystem-client.js';
import { MemoryClient } from './memory-client.js';
import { S3Client } from './s3-client.js';

/**
 * The client of a connection string: `s3://`, `http(s)://`, `memory://BUCKET/PREFIX` (objects shared by all
 * clients of that bucket in the process) or `file:///path`. Query parameters of the embedded stores are
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
  return new S3Client({ ...common, ...present({ httpClientOptions, sessionToken, executorPool }), ...clientOptions, connectionString });
}

const present = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
