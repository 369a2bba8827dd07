/** Options that nothing reads, because of others that were given (the constructor tells of each). */

import { ConnectionString } from '../client/connection-string.js';
import { S3_PARTS } from '../client/create-client.js';
import { FileSystemClient } from '../client/filesystem-client.js';
import { S3Client } from '../client/s3-client.js';

/** What a client is made with; a client that is given has it already. */
const OF_CLIENT = ['httpClientOptions', 'clientOptions', 'executorPool', 'AwsS3Client'];

/** What the file client of later versions has besides locks, which are always on here. */
const OF_FILES = ['compression', 'ttl', 'backup', 'journal', 'stats'];

const isGiven = (value) => value !== undefined && value !== null && value !== '' && value !== false;

/** The text to compare: origins of endpoints, booleans of flags. */
function comparable(name, value) {
  if (name === 'forcePathStyle') return String(value === true || value === 'true' || value === '1');
  if (name !== 'endpoint') return String(value);
  try {
    return new URL(value).origin;
  } catch {
    return String(value);
  }
}

function differs(name, value, config) {
  return isGiven(value) && config[name] !== undefined && comparable(name, value) !== comparable(name, config[name]);
}

/**
 * @param {object} database with its client
 * @param {object} options
 * @returns {Generator<{ option: string, beside?: string, remedy: string }>}
 */
export function* withoutEffect(database, options) {
  const { client, connectionString, clientOptions } = options;
  const config = database.client.config ?? database.client;
  if (client) {
    const parts = S3_PARTS.filter((name) => name !== 'keyPrefix' && differs(name, options[name], config));
    const others = OF_CLIENT.filter((name) => isGiven(options[name]));
    for (const option of [...parts, ...others]) yield { option, beside: 'client', remedy: 'give it to the client' };
  } else if (connectionString && database.client instanceof S3Client) {
    for (const option of S3_PARTS) {
      // A token reaches the client; what the client options say wins anyway.
      if (option === 'keyPrefix' || option === 'sessionToken' || clientOptions?.[option] !== undefined) continue;
      if (differs(option, options[option], config))
        yield { option, beside: 'connectionString', remedy: 'write it into the connection string or into clientOptions' };
    }
  }
  if (!client && database.client instanceof FileSystemClient) {
    const given = { ...new ConnectionString(connectionString).clientOptions, ...clientOptions };
    for (const name of OF_FILES) {
      if (isGiven(given[name]))
        yield { option: `clientOptions.${name}`, remedy: 'files hold objects as they are, written whole and for good' };
    }
  }
  if (isGiven(options.keyPrefix) && options.keyPrefix !== database.keyPrefix) {
    yield { option: 'keyPrefix', remedy: 'write the path after the bucket of the connection string, or clientOptions.keyPrefix' };
  }
  if (isGiven(options.id)) yield { option: 'id', remedy: 'the id of a database is made for it' };
  const { taskExecutorMonitoring: monitoring } = options;
  if (isGiven(monitoring) && monitoring.enabled !== false && !database.client.pool) {
    yield { option: 'taskExecutorMonitoring', remedy: 'ask for a pool of an S3 client with executorPool' };
  }
}
