/**
 * Which reads may still be stored, for the processes that share a cache directory.
 *
 * A resource's mark is random text that every write replaces. What is to be stored waits in a folder of the resource until
 * the mark has been found unchanged; a write replaces the mark, then removes what waits, then the entries. So whatever was
 * read before a write is either removed with the entries, or not there any more when it is to be put in place. While a clear
 * is under way nobody gets a mark: what is loaded then may be made of entries that are about to go.
 */
import { join } from 'node:path';
import { randomHex } from './builtins.js';
import { createFile, entriesOf, prepareFile, readText, removeFile, replaceFile, statOf } from './files.js';

/** Folder of the marks, beside the entries. */
export const MARKS = '.marks';
const BYTES = 12;
/** How long a clear may take before readers think that its process died; it begins anew then. */
const CLEAR_MS = 60_000;
const MAX_ROUNDS = 10;
const isMark = (text) => text !== null && text.length === 2 * BYTES;

export class FileMarks {
  #directory;
  #folder;
  #mode;
  #creates;

  /** @param {{ directory: string, fileMode: number, createDirectory: boolean }} config of the cache */
  constructor({ directory, fileMode, createDirectory }) {
    this.#directory = directory;
    this.#folder = join(directory, MARKS);
    this.#mode = fileMode;
    this.#creates = createDirectory;
  }

  /** The mark to store under, made when it is missing or damaged; null while a clear is under way. */
  async token(name) {
    const mark = await this.read(name);
    return (await this.#isClearing(name)) ? null : mark;
  }

  /** The mark as it is; one that is missing or damaged is made anew. */
  async read(name) {
    const file = join(this.#folder, name);
    const known = await readText(file);
    if (isMark(known)) return known;
    await this.#requireDirectory();
    if (known === null) {
      const mark = randomHex(BYTES);
      if (await createFile(file, mark, { mode: this.#mode })) return mark;
      const other = await readText(file);
      if (isMark(other)) return other;
    }
    return this.#renew(name);
  }

  async #renew(name) {
    const mark = randomHex(BYTES);
    await replaceFile(join(this.#folder, name), mark, { mode: this.#mode });
    await this.#dropWaiting(name);
    return mark;
  }

  /** Makes the mark of before worthless, on a full disk too. */
  async #void(name) {
    try {
      await this.#renew(name);
    } catch {
      await removeFile(join(this.#folder, name));
      await this.#dropWaiting(name);
    }
  }

  async #dropWaiting(name) {
    const waiting = this.#waiting(name);
    for (const entry of await entriesOf(waiting)) await removeFile(join(waiting, entry.name));
  }

  /**
   * Runs a clear: nothing that was read before its end is put in place after it. Where that cannot be had, the clear runs
   * none the less, and rejects.
   * @template T
   * @param {string} name
   * @param {() => Promise<T>} clear may run more than once
   * @returns {Promise<T>} result of its last run
   */
  async clearing(name, clear) {
    await this.#requireDirectory();
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const file = join(this.#clearingFolder(name), randomHex(BYTES));
      let failure = null;
      try {
        await createFile(file, '', { mode: this.#mode });
        await this.#void(name);
      } catch (error) {
        failure = error;
      }
      const result = await clear();
      if (failure !== null) throw failure;
      // Gone: readers took it for one whose process died, and may have stored what they made of entries that have gone since.
      if (await removeFile(file)) return result;
    }
    throw new Error(`the clear of '${name}' was taken for a dead one ${MAX_ROUNDS} times: the clocks of the machines are apart`);
  }

  async #isClearing(name) {
    const folder = this.#clearingFolder(name);
    let clearing = false;
    for (const entry of await entriesOf(folder)) {
      const file = join(folder, entry.name);
      const begun = (await statOf(file))?.mtimeMs;
      if (begun === undefined) continue;
      if (Math.abs(Date.now() - begun) > CLEAR_MS) await removeFile(file);
      else clearing = true;
    }
    return clearing;
  }

  #clearingFolder(name) {
    return join(this.#folder, 'clearing', name);
  }

  /** Prepares a file that a renewal removes. */
  prepare(name, file, content, options) {
    return prepareFile(file, content, { ...options, createDirectory: true, folder: this.#waiting(name) });
  }

  #waiting(name) {
    return join(this.#folder, 'waiting', name);
  }

  async #requireDirectory() {
    if (this.#creates || (await statOf(this.#directory)) !== null) return;
    throw Object.assign(new Error(`'${this.#directory}' does not exist`), { code: 'ENOENT' });
  }
}
