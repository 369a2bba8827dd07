/** Sequence methods of PluginStorage (spec/05 section 18). */

import { misuse } from './storage-errors.js';

const DEFAULTS = { initialValue: 1, increment: 1, lockTimeout: 5000, lockTTL: 10 };

function requireNumber(storage, value, field, operation) {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw misuse(`${field} of a sequence must be a finite number`, operation, {
    pluginSlug: storage.pluginSlug,
    field,
    suggestion: `Pass a finite number as ${field}.`
  });
}

function sequenceOptions(storage, name, options, operation) {
  if (typeof name !== 'string' || name === '') {
    throw misuse(`${operation} requires the name of a sequence`, operation, {
      pluginSlug: storage.pluginSlug,
      field: 'name',
      suggestion: 'Pass a text, for example "invoices".'
    });
  }
  const { resourceName, initialValue, increment, lockTimeout, lockTTL } = { ...DEFAULTS, ...options };
  return {
    name,
    resource: resourceName ? String(resourceName) : undefined,
    initialValue: requireNumber(storage, initialValue, 'initialValue', operation),
    increment: requireNumber(storage, increment, 'increment', operation),
    lockTimeout: requireNumber(storage, lockTimeout, 'lockTimeout', operation),
    lockTtl: requireNumber(storage, lockTTL, 'lockTTL', operation)
  };
}

export const sequenceMethods = {
  /** `[resource=<r>/]plugin=<slug>/sequence=<name>/<suffix>` */
  getSequenceKey(resourceName, name, suffix) {
    return this.getPluginKey(resourceName, `sequence=${name}`, suffix);
  },

  /**
   * Takes the number that is due; every number is given out once, among any number of processes.
   * @param {string} name
   * @param {{ resourceName?: string, initialValue?: number, increment?: number, lockTimeout?: number, lockTTL?: number }} [options]
   *   `lockTimeout` milliseconds (5000), `lockTTL` seconds (10)
   * @returns {Promise<number>}
   */
  async nextSequence(name, options = {}) {
    const given = sequenceOptions(this, name, options, 'nextSequence');
    return this._run('sequence', this.getSequenceKey(given.resource, name, 'value'), (handle) => handle.nextSequence(this._options(given)));
  },

  /** @returns {Promise<number | null>} the number that is due, without taking it; null for an unknown sequence */
  async getSequence(name, options = {}) {
    const given = sequenceOptions(this, name, options, 'getSequence');
    const text = await this._run('sequence', name, (handle) => handle.sequence(this._options(given)));
    return text === null || text === undefined ? null : JSON.parse(text).value;
  },

  /** Sets the number that is due. */
  async resetSequence(name, value, options = {}) {
    const given = sequenceOptions(this, name, options, 'resetSequence');
    const due = requireNumber(this, value, 'value', 'resetSequence');
    await this._run('sequence', name, (handle) => handle.resetSequence(this._options({ ...given, value: due })));
    return true;
  },

  /** @returns {Promise<boolean>} false when there was no such sequence */
  async deleteSequence(name, options = {}) {
    const given = sequenceOptions(this, name, options, 'deleteSequence');
    return this._run('sequence', name, (handle) => handle.deleteSequence(this._options(given)));
  },

  /** The sequences `{ value, name, resourceName, createdAt, updatedAt?, resetAt? }` of the plugin, or with `resourceName` those of one of its resources. */
  async listSequences({ resourceName } = {}) {
    const options = this._options({ resource: resourceName ? String(resourceName) : undefined, parallelism: this._parallelism() });
    return JSON.parse(await this._run('sequence', '', (handle) => handle.listSequences(options)));
  }
};
