import { PluginError } from '../../errors/index.js';

/** Misuse of the cache or failure of a cache driver (spec/10 section 10.1). */
export class CacheError extends PluginError {
  static suggestion = 'Check the options of the cache driver and that its store can be reached.';

  /**
   * @param {string} message
   * @param {object} [details] `driver`, `operation`, `key`, `statusCode` (400 for misuse, 413 for a value that is too large,
   *   500 otherwise), `original`, `suggestion`
   */
  constructor(message, details = {}) {
    super(message, { pluginName: 'CachePlugin', operation: 'cache', ...details });
  }

  /** Alias of `data`. */
  get context() {
    return this.data;
  }
}

/** A refusal of bad options or arguments: status 400, not to be retried. */
export function misuse(message, details = {}) {
  return new CacheError(message, { statusCode: 400, retriable: false, ...details });
}

/** A driver operation that failed; the cause is `original`, its text part of the message. */
export function failed(message, original, details = {}) {
  return new CacheError(`${message}: ${original?.message ?? original}`, { retriable: true, ...details, original });
}
