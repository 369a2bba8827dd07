import { CommandClient } from './command-client.js';
import { ConnectionString, S3_DEFAULT_ENDPOINT } from './connection-string.js';
import { mergeHttpOptions, transportSettings } from './http-options.js';
import { NativeTransport } from './native-transport.js';
import { openStore } from './open-store.js';
import { poolFor } from './task-pool.js';

const isTrue = (value) => value === true || value === 'true' || value === '1';

/**
 * Client of an S3 bucket. Requests are sent by the native store behind `client.send(command)`, or by an
 * AWS SDK client passed as `AwsS3Client`.
 *
 * Events: `cl:request` and `cl:response` per command, one `cl:<Method>` per method call; the older names
 * (`command.request`, `putObject`, ...) as well.
 */
export class S3Client extends CommandClient {
  /**
   * @param {object} options
   * @param {string} options.connectionString
   * @param {boolean} [options.verbose]
   * @param {string | null} [options.id] default: 77 random characters
   * @param {object} [options.AwsS3Client] an SDK v3 S3 client (an instance), used instead of `createClient()`
   * @param {object} [options.AwsS3Commands] the module `@aws-sdk/client-s3`, when it cannot be resolved from here
   * @param {number} [options.parallelism] concurrency of `deleteObjects` and `moveAllObjects`
   * @param {object} [options.httpClientOptions] `keepAlive`, `keepAliveMsecs`, `maxSockets`, `maxFreeSockets`, `timeout` (ms), and the names of later versions
   * @param {string} [options.httpClientProfile] one of `HTTP_CLIENT_PROFILES`
   * @param {string} [options.sessionToken] of temporary credentials
   * @param {boolean | object} [options.taskExecutor] requests pass a pool (see `TaskPool`); `executorPool` is the same
   */
  constructor({
    connectionString,
    verbose = false,
    id = null,
    AwsS3Client,
    parallelism = 10,
    httpClientOptions = {},
    httpClientProfile,
    sessionToken,
    AwsS3Commands,
    taskExecutor,
    executorPool
  }) {
    super({ id, verbose, parallelism });
    this.config = new ConnectionString(connectionString);
    if (sessionToken !== undefined && sessionToken !== null) this.config.sessionToken = sessionToken;
    // Holds credentials, so it is not shown when the client is printed.
    Object.defineProperty(this, 'connectionString', { value: connectionString, writable: true, configurable: true, enumerable: false });
    this.httpClientOptions = mergeHttpOptions(httpClientOptions, httpClientProfile);
    Object.defineProperty(this, 'sdk', { value: AwsS3Commands, writable: true, configurable: true, enumerable: false });
    this.pool = poolFor(taskExecutor ?? executorPool, (event, payload) => this.emit(event, payload));
    this.client = AwsS3Client || this.createClient();
  }

  /**
   * A new transport for the current `config` and `httpClientOptions`, with the surface of an SDK client
   * that this class needs: `send(command)`, `config`, `destroy()`.
   * @returns {NativeTransport}
   */
  createClient() {
    const { bucket, keyPrefix = '', region, endpoint, accessKeyId, secretAccessKey, sessionToken, forcePathStyle } = this.config;
    const { attempts, http } = transportSettings(this.httpClientOptions);
    const pathStyle = isTrue(forcePathStyle);
    const settings = {
      prefix: keyPrefix,
      region: region || 'us-east-1',
      // The default endpoint names one region; without it the region decides.
      endpoint: endpoint === S3_DEFAULT_ENDPOINT ? undefined : endpoint,
      forcePathStyle: pathStyle,
      parallelism: Math.max(1, Math.trunc(Number(this.parallelism)) || 10),
      attempts,
      http
    };
    const credentials = accessKeyId ? { accessKeyId, secretAccessKey, sessionToken: sessionToken || undefined } : {};
    const open = (name) => openStore('s3', { bucket: name, ...settings, ...credentials });
    const config = {
      region: async () => settings.region,
      endpoint: async () => endpointParts(endpoint),
      forcePathStyle: pathStyle,
      maxAttempts: async () => attempts
    };
    return new NativeTransport(open, { bucket, keyPrefix, config });
  }

  /** Numbers of the pool, or null without one. */
  getQueueStats() {
    return this.pool?.stats() ?? null;
  }

  /**
   * @param {number | Date} [since]
   * @returns {object | null} figures of the pool over the requests that ended since then
   */
  getAggregateMetrics(since) {
    return this.pool?.aggregate(since) ?? null;
  }

  /** Sends no further request until `resumePool()`. */
  pausePool() {
    this.pool?.pause();
  }

  /** Continues after `pausePool()`. */
  resumePool() {
    this.pool?.resume();
  }

  /** Resolves when the pool is empty. */
  async drainPool() {
    await this.pool?.drain();
  }

  /** Rejects waiting requests and every later one. */
  stopPool() {
    this.pool?.stop();
  }
}

function endpointParts(endpoint) {
  const { protocol, hostname, port, pathname } = new URL(endpoint ?? S3_DEFAULT_ENDPOINT);
  return { protocol, hostname, port: port ? Number(port) : undefined, path: pathname };
}

export { S3Client as Client };
export default S3Client;
