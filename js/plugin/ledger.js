/** What one plugin has registered elsewhere, so that it can be taken back (spec/05 section 6.3). */
import { runAsOwner } from '../util/owner-scope.js';
import { changesSince, footprintOf } from './footprint.js';

export class Ledger {
  #entries = [];

  /**
   * Notes something to undo later.
   * @param {'hook' | 'database-hook' | 'middleware' | 'layer' | 'listener' | 'property'} kind
   * @param {() => void} undo called at most once
   */
  track(kind, undo) {
    this.#entries.push({ kind, undo });
  }

  /** Undoes what is noted, the latest first; `kinds` limits it. */
  undo(kinds) {
    const chosen = this.#entries.filter(({ kind }) => kinds === undefined || kinds.includes(kind));
    this.#entries = this.#entries.filter((entry) => !chosen.includes(entry));
    for (const { undo } of chosen.reverse()) undo();
  }

  /**
   * Runs code of the plugin: what it registers is noted, and so are the properties that it puts on `resources`.
   * @param {() => any} fn
   * @param {object[]} resources
   */
  async run(fn, resources) {
    const before = footprintOf(resources);
    try {
      return await runAsOwner(this, fn);
    } finally {
      for (const undo of changesSince(before)) this.track('property', undo);
    }
  }
}
