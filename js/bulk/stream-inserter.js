/** Inserts without the steps that a caller can vouch for (spec/03 section 20.2). */
import { skipping } from '../resource/shortcuts.js';
import { mapBounded } from '../util/concurrency.js';
import { COUNT, FLAG, readOptions, requireItems, requireResource } from './options.js';

const OPTIONS = { concurrency: [100, COUNT], skipPartitions: [true, FLAG], skipHooks: [false, FLAG], skipValidation: [false, FLAG] };
const SHOWN_ERRORS = 10;
/** Records of one bulk call, as many as keep every lane at work. */
const SMALLEST_CHUNK = 100;
const LARGEST_CHUNK = 1000;

/**
 * Inserts through the methods of the resource, so that middlewares, caches and events see every record, but without partition
 * references, `beforeInsert` and `afterInsert` hooks (those of plugins included) or validation, as the options say.
 */
export class StreamInserter {
  /**
   * @param {object} resource
   * @param {object} [options] `concurrency` records under way at once, in steps of the resource's `parallelism` (100);
   *   `skipPartitions` (true), `skipHooks` (false), `skipValidation` (false)
   */
  constructor(resource, options = {}) {
    this.resource = requireResource('StreamInserter', resource);
    Object.assign(this, readOptions('StreamInserter', OPTIONS, options, resource.database));
  }

  #skipping(run) {
    return skipping(this.resource, { references: this.skipPartitions, hooks: this.skipHooks, validation: this.skipValidation }, run);
  }

  /**
   * @param {object} data
   * @returns {Promise<object>} the record, as `insert` resolves it
   */
  fastInsert(data) {
    return this.#skipping(() => this.resource.insert(data));
  }

  /**
   * Inserts many records; items that fail do not keep the others back.
   * @param {Iterable<object>} items
   * @returns {Promise<{ success: number, failed: number, errors: Array<{ error: Error, item: any }> }>} the first ten errors
   */
  async bulkInsert(items) {
    const list = [...requireItems('bulkInsert', items)];
    const lanes = Math.max(1, Math.round(this.concurrency / this.resource.parallelism));
    const size = Math.min(LARGEST_CHUNK, Math.max(SMALLEST_CHUNK, Math.ceil(list.length / lanes)));
    const chunks = [];
    for (let from = 0; from < list.length; from += size) chunks.push(list.slice(from, from + size));
    let failed = 0;
    const errors = [];
    const note = (found) => {
      failed += found.length;
      for (const { error, item } of found) if (errors.length < SHOWN_ERRORS) errors.push({ error, item });
    };
    await mapBounded(chunks, lanes, async (chunk) => {
      try {
        const stored = await this.#skipping(() => this.resource.insertMany(chunk));
        note(stored.errors ?? []);
      } catch (error) {
        note(chunk.map((item) => ({ error, item })));
      }
    });
    return { success: list.length - failed, failed, errors };
  }
}
