/**
 * Recently read values by key, bounded by number and bytes: two generations, the older dropped when the younger is full,
 * so that whatever is read often stays.
 */
export class Memo {
  #young = new Map();
  #old = new Map();
  #bytes = 0;
  #maxItems;
  #maxBytes;

  /** @param {{ items: number, bytes: number }} limits of one generation */
  constructor({ items, bytes }) {
    this.#maxItems = items;
    this.#maxBytes = bytes;
  }

  get(key) {
    const found = this.#young.get(key);
    if (found !== undefined) return found.value;
    const older = this.#old.get(key);
    if (older === undefined) return undefined;
    this.#old.delete(key);
    this.#put(key, older);
    return older.value;
  }

  /** Remembers a value of about `size` bytes; one that would take half of a generation is not worth it. */
  set(key, value, size) {
    this.delete(key);
    if (size * 2 > this.#maxBytes) return;
    this.#put(key, { value, size });
  }

  #put(key, entry) {
    if (this.#young.size >= this.#maxItems || this.#bytes + entry.size > this.#maxBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#bytes = 0;
    }
    this.#young.set(key, entry);
    this.#bytes += entry.size;
  }

  delete(key) {
    const entry = this.#young.get(key);
    if (entry !== undefined) {
      this.#bytes -= entry.size;
      this.#young.delete(key);
    }
    this.#old.delete(key);
  }

  clear() {
    this.#young.clear();
    this.#old.clear();
    this.#bytes = 0;
  }
}
