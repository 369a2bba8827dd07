/** Counts, times and errors of operations by resource (spec/12 sections B.1 and B.8). */
import { Histogram } from './histogram.js';

export const OPERATIONS = ['insert', 'update', 'delete', 'get', 'list', 'count'];
/** Entries kept in the lists of `plugin.metrics`, and distinct errors and slow calls of a flush. */
export const MAX_ENTRIES = 1000;

const blankOperation = () => ({ count: 0, totalTime: 0, errors: 0 });
/** The six operations at zero. */
export const blankOperations = () => Object.fromEntries(OPERATIONS.map((operation) => [operation, blankOperation()]));

const own = (table, key, make) => {
  if (!Object.hasOwn(table, key))
    Object.defineProperty(table, key, { value: make(), enumerable: true, configurable: true, writable: true });
  return table[key];
};

function count(table, resourceName, operation, duration, calls, errors) {
  if (!OPERATIONS.includes(operation)) return;
  for (const operations of [table.operations, own(table.resources, resourceName, blankOperations)]) {
    operations[operation].count += calls;
    operations[operation].totalTime += duration * calls;
    operations[operation].errors += errors;
  }
}

/** Histograms by resource and operation. */
export class Latencies {
  constructor() {
    this.entries = new Map();
  }

  of(resourceName, operation) {
    const key = `${operation}\n${resourceName}`;
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = { resourceName, operation, histogram: new Histogram() };
      this.entries.set(key, entry);
    }
    return entry.histogram;
  }

  /** One histogram of all that match. */
  merged(matches) {
    const all = new Histogram();
    for (const entry of this.entries.values()) if (matches(entry)) all.merge(entry.histogram);
    return all;
  }
}

/** What a flush writes: swapped out as a whole, merged back when writing fails. */
export function blankWindow() {
  return { operations: blankOperations(), resources: {}, latencies: new Latencies(), errors: new Map(), slow: [], lostErrors: 0 };
}

/** Adds the numbers of one table to another. */
export function mergeOperations(target, source) {
  for (const [operation, { count: calls, totalTime, errors }] of Object.entries(source)) {
    const into = own(target, operation, blankOperation);
    into.count += calls;
    into.totalTime += totalTime;
    into.errors += errors;
  }
}

export class Counters {
  constructor() {
    this.startTime = new Date().toISOString();
    this.totals = { operations: blankOperations(), resources: {}, startTime: this.startTime };
    this.latencies = new Latencies();
    this.metrics = { operations: blankOperations(), resources: {}, errors: [], performance: [], startTime: this.startTime };
    this.window = blankWindow();
  }

  /** Counts calls of an operation, each of `duration` ms. */
  count(resourceName, operation, duration, calls, errors) {
    for (const table of [this.metrics, this.totals, this.window]) count(table, resourceName, operation, duration, calls, errors);
  }

  /** Notes how long calls took. */
  time(resourceName, operation, duration, calls, timestamp) {
    this.latencies.of(resourceName, operation).add(duration, calls);
    this.window.latencies.of(resourceName, operation).add(duration, calls);
    push(this.metrics.performance, { resourceName, operation, duration, timestamp });
  }

  slow(resourceName, operation, duration, timestamp) {
    push(this.window.slow, { resourceName, operation, duration, timestamp });
  }

  error(resourceName, operation, error, timestamp) {
    const message = error?.message ?? String(error);
    const stack = error?.stack;
    push(this.metrics.errors, { resourceName, operation, error: message, stack, timestamp });
    addError(this.window, { resourceName, operation, error: message, stack, timestamp, count: 1 });
  }

  /** Zeroes what is counted since the last flush; names of resources stay. */
  reset() {
    this.metrics.operations = blankOperations();
    for (const name of Object.keys(this.metrics.resources)) this.metrics.resources[name] = blankOperations();
    this.metrics.errors = [];
    this.metrics.performance = [];
    this.window = blankWindow();
  }

  /** Takes the window out, leaving an empty one. */
  swap() {
    const { window } = this;
    this.reset();
    return window;
  }

  /** Starts over. */
  clear() {
    this.reset();
    this.totals.operations = blankOperations();
    this.totals.resources = {};
    this.metrics.resources = {};
    this.latencies = new Latencies();
  }

  /** `{ count, errors, totalTime, avgTime, minTime, maxTime, p50, p95, p99 }`, ms, of the process so far. */
  summary(operations, histogram) {
    let [calls, errors, totalTime] = [0, 0, 0];
    for (const each of operations) {
      calls += each.count;
      errors += each.errors;
      totalTime += each.totalTime;
    }
    return {
      count: calls,
      errors,
      totalTime,
      avgTime: calls === 0 ? 0 : totalTime / calls,
      minTime: histogram.min,
      maxTime: histogram.max,
      p50: histogram.quantile(0.5),
      p95: histogram.quantile(0.95),
      p99: histogram.quantile(0.99)
    };
  }
}

function push(list, entry) {
  list.push(entry);
  if (list.length > MAX_ENTRIES) list.shift();
}

/** Adds an error to those of its resource, operation and message; beyond the bound only their number is kept. */
export function addError(window, entry) {
  const key = `${entry.operation}\n${entry.resourceName}\n${entry.error}`;
  const known = window.errors.get(key);
  if (known !== undefined) {
    known.count += entry.count;
    if (entry.timestamp > known.timestamp) known.timestamp = entry.timestamp;
  } else if (window.errors.size < MAX_ENTRIES) window.errors.set(key, { ...entry });
  else window.lostErrors += entry.count;
}
