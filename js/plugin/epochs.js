/** Epochs that a process has seen: the fences of the terms of leaders, each higher than the one before. */
export class Epochs {
  #now;
  #current = 0;
  #previous = null;
  #changedAt = 0;

  /** @param {() => number} [now] epoch ms */
  constructor(now = Date.now) {
    this.#now = now;
  }

  /** The highest seen; 0 before the first. */
  get current() {
    return this.#current;
  }

  /** Takes note of an epoch; lower ones are old news. */
  note(epoch) {
    if (!(epoch > this.#current)) return;
    this.#previous = this.#current || null;
    this.#current = epoch;
    this.#changedAt = this.#now();
  }

  /**
   * Whether work of an epoch may still be done: that of the current one, and shortly after a change that of the one before.
   * @param {number} epoch of the work
   * @param {number} timestamp when the work was given out, epoch ms
   * @param {number} grace ms
   * @returns {{ valid: boolean, reason: 'current' | 'grace_period' | 'stale', taskEpoch: number, currentEpoch: number }}
   */
  judge(epoch, timestamp, grace) {
    // Nobody works under a term that never began: a higher one has been missed here so far.
    this.note(epoch);
    const now = this.#now();
    const recent = epoch === this.#previous && now - this.#changedAt <= grace && now - timestamp <= grace;
    const reason = epoch === this.#current ? 'current' : recent ? 'grace_period' : 'stale';
    return { valid: reason !== 'stale', reason, taskEpoch: epoch, currentEpoch: this.#current };
  }
}
