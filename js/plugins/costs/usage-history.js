/** Requests over time and by owner, bounded in age and number (spec/12 section C.7). */

/** Owners kept apart; further ones are counted together. */
const MAX_OWNERS = 4096;
const OTHERS = '_others';
/** Points of the same kind nearer than this are one point. */
const RESOLUTION_MS = 1000;

function blank() {
  return { totalRequests: 0, requestCost: 0, bytesIn: 0, bytesOut: 0, byMethod: {} };
}

/** Adds a point to a summary. */
export function addTo(summary, { method, count, requestCost, bytesIn, bytesOut }) {
  summary.totalRequests += count;
  summary.requestCost += requestCost;
  summary.bytesIn += bytesIn;
  summary.bytesOut += bytesOut;
  summary.byMethod[method] = (summary.byMethod[method] ?? 0) + count;
}

/** The summary of an owner in a table without a prototype of its own. */
export function ownerIn(table, name) {
  const known = Object.hasOwn(table, name);
  const key = known || Object.keys(table).length < MAX_OWNERS ? name : OTHERS;
  if (!Object.hasOwn(table, key))
    Object.defineProperty(table, key, { value: blank(), enumerable: true, configurable: true, writable: true });
  return table[key];
}

export class UsageHistory {
  /** @param {{ historyRetentionMs: number, maxHistoryPoints: number }} limits */
  constructor(limits) {
    this.configure(limits);
    this.reset();
  }

  configure({ historyRetentionMs, maxHistoryPoints }) {
    this.historyRetentionMs = historyRetentionMs;
    this.maxHistoryPoints = maxHistoryPoints;
  }

  reset() {
    this.totalEvents = 0;
    this.byResource = {};
    this.byPlugin = {};
    this.points = [];
    this.lastUpdatedAt = null;
    /** The last point of each kind. */
    this.recent = new Map();
  }

  /** @param {object} point with `timestamp` in epoch milliseconds and `count` requests */
  add(point) {
    this.totalEvents += point.count;
    this.lastUpdatedAt = point.timestamp;
    if (point.resource !== null) addTo(ownerIn(this.byResource, point.resource), point);
    if (point.plugin !== null) addTo(ownerIn(this.byPlugin, point.plugin), point);
    const kind = `${point.command}\n${point.resource}\n${point.plugin}\n${point.key}`;
    const last = this.recent.get(kind);
    if (last !== undefined && point.timestamp - last.timestamp < RESOLUTION_MS) {
      for (const member of ['count', 'requestCost', 'bytesIn', 'bytesOut']) last[member] += point[member];
      return;
    }
    this.points.push(point);
    if (this.recent.size >= MAX_OWNERS) this.recent.clear();
    this.recent.set(kind, point);
    this.trim(point.timestamp);
  }

  /** Drops what is too old or too much; in one go, since shifting one by one is slow. */
  trim(now) {
    const from = now - this.historyRetentionMs;
    let drop = 0;
    while (drop < this.points.length && this.points[drop].timestamp < from) drop += 1;
    const excess = this.points.length - this.maxHistoryPoints;
    if (excess > 0) drop = Math.max(drop, excess + Math.floor(this.maxHistoryPoints / 10));
    if (drop > 0) this.points.splice(0, drop);
  }

  describe() {
    const { historyRetentionMs, maxHistoryPoints, totalEvents, byResource, byPlugin, points, lastUpdatedAt } = this;
    return { historyRetentionMs, maxHistoryPoints, totalEvents, byResource, byPlugin, points, lastUpdatedAt };
  }
}
