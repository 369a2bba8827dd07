import { join } from 'node:path';
import { misuse } from './cache-error.js';
import { MARKS } from './file-marks.js';
import { filesBelow, statOf } from './files.js';

/** Keeps the data files of a directory within `maxBytes`, by order of writing (`fifo`) or of use (`lru`). */
export class ByteBudget {
  #driver;
  #maxBytes;
  #lru;
  #total = null;
  #used = new Map();
  #trimming = null;

  constructor(driver, { maxBytes, evictionPolicy = 'fifo' }) {
    if (!['fifo', 'lru'].includes(evictionPolicy)) {
      throw misuse(`Unknown eviction policy: ${evictionPolicy}`, {
        driver: 'filesystem',
        operation: 'constructor',
        option: 'evictionPolicy',
        validOptions: ['fifo', 'lru'],
        suggestion: 'Use one of: fifo, lru.'
      });
    }
    this.#driver = driver;
    this.#maxBytes = Number(maxBytes);
    this.#lru = evictionPolicy === 'lru';
  }

  used(file) {
    if (this.#lru) this.#used.set(file, Date.now());
  }

  /** Notes a written file; counts the directory again and makes room when the sum is above the budget. */
  async added(file, bytes) {
    this.used(file);
    if (this.#total !== null) this.#total += bytes;
    if (this.#total !== null && this.#total <= this.#maxBytes) return;
    this.#trimming ??= this.#trim().finally(() => {
      this.#trimming = null;
    });
    await this.#trimming;
  }

  async #trim() {
    const files = [];
    let total = 0;
    const marks = join(this.#driver.directory, MARKS);
    for await (const file of filesBelow(this.#driver.directory)) {
      if (file.startsWith(marks)) continue;
      if (!file.endsWith(this.#driver.config.fileExtension)) continue;
      const facts = await statOf(file);
      if (facts === null) continue;
      total += facts.size;
      files.push({ file, size: facts.size, time: Math.max(facts.mtimeMs, this.#used.get(file) ?? 0) });
    }
    files.sort((a, b) => a.time - b.time);
    for (const { file, size } of files) {
      if (total <= this.#maxBytes) break;
      await this.#driver._removeFile(file);
      this.#used.delete(file);
      total -= size;
    }
    this.#total = total;
  }
}
