import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ValidationError } from '../errors/index.js';
import { CommandClient } from './command-client.js';
import { NativeTransport } from './native-transport.js';
import { openStore } from './open-store.js';
import { sdkError } from './sdk-errors.js';

const DURABILITY = ['full', 'none'];

/**
 * Client of a directory: the methods, events, response shapes and error classes of `S3Client` over
 * files. Safe for several processes; conditional writes are honoured.
 */
export class FileSystemClient extends CommandClient {
  /**
   * @param {object} options
   * @param {string} options.basePath directory, created when missing
   * @param {string} [options.bucket]
   * @param {string} [options.keyPrefix]
   * @param {'full' | 'none'} [options.durability] `full`: every write is on disk before it resolves
   * @param {string | null} [options.id]
   * @param {boolean} [options.verbose]
   * @param {number} [options.parallelism]
   * @param {string} [options.region]
   */
  constructor({
    basePath,
    bucket = 's3db',
    keyPrefix = '',
    durability = 'full',
    id = null,
    verbose = false,
    parallelism = 10,
    region = 'us-east-1'
  } = {}) {
    super({ id, verbose, parallelism });
    if (typeof basePath !== 'string' || basePath === '') {
      throw new ValidationError('FileSystemClient requires a path', {
        field: 'basePath',
        value: basePath,
        statusCode: 400,
        suggestion: 'Pass basePath, or a connection string such as file:///var/lib/app.'
      });
    }
    if (!DURABILITY.includes(durability)) {
      throw new ValidationError(`Unknown durability '${durability}'. Valid: ${DURABILITY.join(', ')}`, {
        field: 'durability',
        value: durability,
        statusCode: 400
      });
    }
    this.basePath = resolve(basePath);
    this.durability = durability;
    this.config = { bucket, keyPrefix, region, endpoint: pathToFileURL(this.basePath).href, basePath: this.basePath, forcePathStyle: true };
    this.client = this.createClient();
  }

  /**
   * A new transport for the current `config`.
   * @returns {NativeTransport}
   */
  createClient() {
    const { bucket, keyPrefix = '', region, endpoint, basePath } = this.config;
    const open = (name) => {
      if (name !== bucket) throw sdkError('NoSuchBucket', 404);
      return openStore('file', { basePath, bucket, prefix: keyPrefix, durability: this.durability });
    };
    const { protocol, hostname, pathname } = new URL(endpoint);
    const config = { region: async () => region, endpoint: async () => ({ protocol, hostname, path: pathname }), forcePathStyle: true };
    return new NativeTransport(open, { bucket, keyPrefix, config });
  }
}

export default FileSystemClient;
