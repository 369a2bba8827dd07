/** Where a PartitionQueue keeps its items: the interface, in memory (spec/03 section 20.3). */
export class InMemoryPersistence {
  #limit;

  /** @param {{ maxFailureHistory?: number }} [options] failed items that are kept, 1000 unless given */
  constructor({ maxFailureHistory = 1000 } = {}) {
    this.#limit = maxFailureHistory;
    this.items = new Map();
    /** Items that failed for good. */
    this.dlq = [];
  }

  async save(item) {
    this.items.set(item.id, item);
  }

  async remove(id) {
    this.items.delete(id);
  }

  async moveToDLQ(item) {
    this.items.delete(item.id);
    this.dlq.push(item);
    if (this.dlq.length > this.#limit) this.dlq.shift();
  }

  async getPending() {
    return [...this.items.values()];
  }

  async getDLQ() {
    return [...this.dlq];
  }
}
