import { join } from 'node:path';
import { readText, replaceFile } from './files.js';

const DAY_MS = 86_400_000;
const SAVE_EVERY = 10;

/** How often each partition is read: kept in memory and in one file beside the entries (spec/10 section 10.11). */
export class PartitionUsage {
  #file;

  constructor(directory, file) {
    this.#file = join(directory, file);
    /** Usage key -> `{ count, firstAccess, lastAccess }`. */
    this.entries = new Map();
  }

  /** `<resource>/<partition>/<field=value|...>`, fields sorted. */
  static key(resource, partition, values = {}) {
    const parts = Object.keys(values ?? {})
      .sort()
      .map((field) => `${field}=${values[field]}`);
    return `${resource}/${partition}/${parts.join('|')}`;
  }

  async load() {
    const text = await readText(this.#file);
    if (text === null) return;
    let stored;
    try {
      stored = JSON.parse(text);
    } catch {
      return; // Counts only: they start again.
    }
    for (const [key, entry] of Object.entries(stored ?? {})) {
      if (entry && typeof entry.count === 'number') this.entries.set(key, entry);
    }
  }

  async save() {
    await replaceFile(this.#file, JSON.stringify(Object.fromEntries(this.entries)));
  }

  /** Counts one access. */
  async note(key) {
    const now = Date.now();
    const entry = this.entries.get(key) ?? { count: 0, firstAccess: now, lastAccess: now };
    entry.count += 1;
    entry.lastAccess = now;
    this.entries.set(key, entry);
    if (entry.count % SAVE_EVERY === 0) await this.save();
  }

  /** Forgets what starts with a prefix, or everything. */
  async forget(prefix) {
    for (const key of [...this.entries.keys()]) if (!prefix || key.startsWith(prefix)) this.entries.delete(key);
    await this.save();
  }

  /** Counts by partition of a resource. */
  of(resource, partition = null) {
    const usage = {};
    for (const [key, { count, firstAccess, lastAccess }] of this.entries) {
      const [owner, name] = key.split('/');
      if (owner !== resource || (partition !== null && name !== partition)) continue;
      usage[name] ??= { count: 0, firstAccess, lastAccess };
      const sum = usage[name];
      sum.count += count;
      sum.firstAccess = Math.min(sum.firstAccess, firstAccess);
      sum.lastAccess = Math.max(sum.lastAccess, lastAccess);
    }
    return usage;
  }

  /** What to do with each used partition of a resource, most important first. */
  recommendations(resource) {
    const list = [];
    const now = Date.now();
    for (const [key, { count, lastAccess }] of this.entries) {
      if (!key.startsWith(`${resource}/`)) continue;
      const partition = key.slice(resource.length + 1).split('/')[0];
      const days = (now - lastAccess) / DAY_MS;
      const perDay = count / Math.max(1, days);
      let recommendation = 'keep';
      let priority = count;
      if (days > 30) [recommendation, priority] = ['archive', 0];
      else if (perDay < 0.1) [recommendation, priority] = ['reduce_ttl', 1];
      else if (perDay > 10) [recommendation, priority] = ['preload', 100];
      list.push({ partition, recommendation, priority, usage: count, lastAccess: new Date(lastAccess).toISOString() });
    }
    return list.sort((a, b) => b.priority - a.priority);
  }
}
