/** Time of background work: the clock of tests, time zones, cron times. */
import { fromNative } from '../errors/from-native.js';
import { native as addon } from '../native/load.js';
import { invalid } from './background-options.js';

/** A clock for tests: stands still until it is moved. */
export class ManualClock {
  #native;
  #elapsed = 0;

  /** @param {number | Date} [now] start of the wall clock, epoch ms */
  constructor(now = Date.now()) {
    this.#native = new addon.NativeManualClock(Number(now));
  }

  /** Moves the clock forward by `ms` in one step and wakes what is due. */
  step(ms) {
    this.#elapsed += ms;
    this.#native.step(ms);
  }

  /** Sets the wall clock alone, as an operator or a time server does. */
  setWall(now) {
    this.#native.setWall(Number(now));
  }

  /** The wall clock, epoch ms. */
  now() {
    return this.#native.now();
  }

  /** @internal how far it was moved, whatever happened to the wall clock */
  get _elapsed() {
    return this.#elapsed;
  }

  /** @internal */
  get _native() {
    return this.#native;
  }
}

/** The two clocks that leases need, ms: the wall, and one that only goes forward. */
export function clocksOf(manual) {
  if (manual === undefined) return { wall: () => Date.now(), monotonic: () => performance.now() };
  return { wall: () => manual.now(), monotonic: () => manual._elapsed };
}

/** Time zone of this process, as cron uses it where none is given. */
export function localTimeZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/**
 * The first time of a cron expression after `from`, or null when there is none.
 * @param {string} expression
 * @param {{ timeZone?: string, from?: number | Date }} [options] defaults: the zone of the process, now
 * @returns {Date | null}
 */
export function nextCronDate(expression, { timeZone = localTimeZone(), from } = {}) {
  if (typeof expression !== 'string') throw invalid('cron', 'a cron expression', expression);
  try {
    const at = addon.cronNext(expression, timeZone, from === undefined ? undefined : Number(from));
    return at === null ? null : new Date(at);
  } catch (error) {
    throw fromNative(error, { operation: 'nextCronDate' });
  }
}
