import { ValidationError } from '../errors/index.js';

/** Tasks that are judged together, at least. */
const WINDOW = 10;

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

function number(value, field, isValid, requirement) {
  if (isValid(Number(value))) return Number(value);
  throw new ValidationError(`${field} must be ${requirement}`, {
    field,
    value,
    statusCode: 400,
    suggestion: `Correct or leave out ${field}.`
  });
}

/** The option as an object, or null where it asks for nothing. */
function wanted(option, field) {
  if (option === undefined || option === null || option === false || option.enabled === false) return null;
  if (option === true) return {};
  if (isObject(option)) return option;
  throw new ValidationError(`${field} must be a boolean or an object`, { field, value: option, statusCode: 400 });
}

/**
 * Finds the concurrency that a store bears. After every ten finished tasks (after as many as run at a time, if those are more):
 * a third less when one met an error of throttling or an outage, a tenth less when they took longer than
 * `targetLatency`, a tenth more when tasks had to wait.
 */
export class Autotune {
  #min;
  #max;
  #target;
  #finished = 0;
  #duration = 0;
  #refused = false;
  #waited = false;

  /**
   * @param {number} concurrency at the start
   * @param {{ minConcurrency?: number, maxConcurrency?: number, targetLatency?: number }} options latency in ms, default 1000
   */
  constructor(concurrency, { minConcurrency = 1, maxConcurrency = Math.max(100, concurrency), targetLatency = 1000 }) {
    const prefix = 'executorPool.autotune';
    this.#min = number(minConcurrency, `${prefix}.minConcurrency`, (n) => Number.isInteger(n) && n >= 1, 'a whole number above 0');
    this.#max = number(
      maxConcurrency,
      `${prefix}.maxConcurrency`,
      (n) => Number.isInteger(n) && n >= this.#min,
      'a whole number, and not below minConcurrency'
    );
    this.#target = number(targetLatency, `${prefix}.targetLatency`, (n) => n > 0, 'a number of milliseconds above 0');
  }

  /** @returns {Autotune | null} what an option asks for */
  static of(option, concurrency) {
    const options = wanted(option, 'executorPool.autotune');
    return options === null ? null : new Autotune(concurrency, options);
  }

  /** Notes that the store refused an attempt or was away. */
  refused() {
    this.#refused = true;
  }

  /**
   * Notes a finished task.
   * @param {number} concurrency now
   * @param {{ duration: number, waiting: boolean }} task duration in ms; waiting: others stand in line
   * @returns {number} the concurrency from here on
   */
  finished(concurrency, { duration, waiting }) {
    this.#finished += 1;
    this.#duration += duration;
    this.#waited ||= waiting;
    if (this.#finished < Math.max(WINDOW, concurrency)) return concurrency;
    const next = this.#next(concurrency);
    this.#finished = 0;
    this.#duration = 0;
    this.#refused = false;
    this.#waited = false;
    return Math.min(this.#max, Math.max(this.#min, next));
  }

  #next(concurrency) {
    if (this.#refused) return Math.floor((concurrency * 2) / 3);
    if (this.#duration / this.#finished > this.#target) return Math.min(concurrency - 1, Math.floor(concurrency * 0.9));
    return this.#waited ? concurrency + Math.ceil(concurrency / 10) : concurrency;
  }
}

/**
 * Which finished tasks are kept for figures (`monitoring` of a pool).
 * @param {boolean | { enabled?: boolean, collectMetrics?: boolean, sampleRate?: number } | undefined} option default: all of them
 * @returns {(serial: number) => boolean}
 */
export function sampling(option) {
  if (option === undefined || option === null) return () => true;
  const options = wanted(option, 'executorPool.monitoring');
  if (options === null || options.collectMetrics === false) return () => false;
  const rate = number(options.sampleRate ?? 1, 'executorPool.monitoring.sampleRate', (n) => n >= 0 && n <= 1, 'a number from 0 to 1');
  // Evenly spread, without chance: each number at which the sum of the rates passes the next whole one.
  return (serial) => Math.floor(serial * rate) > Math.floor((serial - 1) * rate);
}
