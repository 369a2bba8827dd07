/** Jobs with names: `CronManager` of later versions (spec/05 section 18, spec/01 section 14). */
import { PluginError, ValidationError } from '../errors/index.js';
import { consoleLogger } from '../util/logger.js';
import { offSignal, onSignal } from '../util/signals.js';
import { Background, nextCronDate } from './background.js';
import { invalid, requireFunction } from './background-options.js';
import { managerOptions, requireName, sharedManager } from './manager-options.js';

const OWNER = 'CronManager';
const DEFAULTS = { logLevel: 'warn', logger: undefined, shutdownTimeout: 30_000, exitOnSignal: true, keepAlive: true, disabled: false };

/** Expressions by name. */
export const CRON_PRESETS = Object.freeze({
  EVERY_SECOND: '* * * * * *',
  EVERY_5_SECONDS: '*/5 * * * * *',
  EVERY_10_SECONDS: '*/10 * * * * *',
  EVERY_15_SECONDS: '*/15 * * * * *',
  EVERY_30_SECONDS: '*/30 * * * * *',
  EVERY_MINUTE: '* * * * *',
  EVERY_5_MINUTES: '*/5 * * * *',
  EVERY_10_MINUTES: '*/10 * * * *',
  EVERY_15_MINUTES: '*/15 * * * *',
  EVERY_30_MINUTES: '*/30 * * * *',
  EVERY_HOUR: '0 * * * *',
  EVERY_2_HOURS: '0 */2 * * *',
  EVERY_6_HOURS: '0 */6 * * *',
  EVERY_12_HOURS: '0 */12 * * *',
  EVERY_DAY: '0 0 * * *',
  EVERY_DAY_NOON: '0 12 * * *',
  EVERY_WEEK: '0 0 * * 0',
  EVERY_MONTH: '0 0 1 * *',
  BUSINESS_HOURS_START: '0 9 * * 1-5',
  BUSINESS_HOURS_END: '0 17 * * 1-5'
});

const UNITS = [
  { ms: 1000, count: 60, cron: (every) => `*/${every} * * * * *` },
  { ms: 60_000, count: 60, cron: (every) => `*/${every} * * * *` },
  { ms: 3_600_000, count: 24, cron: (every) => `0 */${every} * * *` },
  { ms: 86_400_000, count: Number.POSITIVE_INFINITY, cron: (every) => `0 0 */${every} * *` }
];

/**
 * The cron expression nearest to an interval: whole seconds, minutes, hours or days, rounded down, one second at least. Only
 * those that divide the next unit come at even distances; `scheduleInterval` keeps any interval exactly.
 * @param {number} ms
 * @returns {string}
 */
export function intervalToCron(ms) {
  if (typeof ms !== 'number' || !Number.isFinite(ms)) {
    throw new ValidationError('intervalToCron requires a number of milliseconds', { field: 'ms', suggestion: 'For example 60000.' });
  }
  const unit = UNITS.find(({ ms: size, count }) => ms < size * count);
  return unit.cron(Math.max(1, Math.floor(ms / unit.ms)));
}

/** A job of a manager that is disabled: never due, runs only when it is told to. */
class DisabledJob {
  #fn;

  constructor(name, fn) {
    this.kind = 'disabled';
    this.name = name;
    /** True until it is stopped. */
    this.active = true;
    this.#fn = fn;
  }

  async trigger() {
    const now = Date.now();
    try {
      await this.#fn({ name: this.name, scheduledAt: now, startedAt: now, attempt: 1, signal: new AbortController().signal });
      return { status: 'done', attempts: 1 };
    } catch (error) {
      return { status: 'failed', attempts: 1, error };
    }
  }

  stats() {
    return { runs: 0, failures: 0, running: 0, nextRunAt: null };
  }

  async stop() {
    this.active = false;
  }
}

/** Jobs at cron times and intervals, by name. */
export class CronManager {
  #background;
  #jobs = new Map();
  #ended = null;
  #onSignal = () => this.shutdown();

  /**
   * @param {object} [options] `disabled` (false): jobs run only by `run(name)`, for tests; `shutdownTimeout` (30000 ms) for running
   *   jobs; `exitOnSignal` (true): SIGTERM and SIGINT shut it down and then end the process, false leaves them to the application;
   *   `keepAlive` (true): jobs keep the process alive; `logger`, `logLevel` (`warn`)
   */
  constructor(options = {}) {
    this.options = managerOptions(OWNER, options, DEFAULTS);
    this.logger = this.options.logger ?? consoleLogger(this.options.logLevel, `[${OWNER}]`);
    this.#background = new Background({
      name: OWNER,
      onError: (error, { task }) => this.logger.error(`job '${task}' failed: ${error?.message ?? error}`)
    });
  }

  get disabled() {
    return this.options.disabled;
  }

  /**
   * Runs `fn` at the times of a cron expression.
   * @param {string} expression
   * @param {(run: any) => any} fn
   * @param {string} name
   * @param {any} [options] those of `background.cron`; `timezone` is `timeZone`
   * @returns {any} the task's handle
   */
  schedule(expression, fn, name, { timezone, ...options } = {}) {
    const timeZone = options.timeZone ?? timezone;
    const given = { ...options, ...(timeZone === undefined ? {} : { timeZone }) };
    return this._add(name, expression, fn, given, {
      check: () => nextCronDate(expression, { timeZone }),
      start: (background, settled) => background.cron(expression, fn, settled)
    });
  }

  /**
   * Runs `fn` every `ms`.
   * @param {number} ms
   * @param {(run: any) => any} fn
   * @param {string} name
   * @param {any} [options] those of `background.every`
   */
  scheduleInterval(ms, fn, name, options = {}) {
    return this._add(name, `every ${ms} ms`, fn, options, {
      check: () => {
        if (typeof ms !== 'number' || !(ms >= 1)) throw invalid('every', 'a number of milliseconds, 1 or more', ms);
      },
      start: (background, settled) => background.every(ms, fn, settled)
    });
  }

  /** Adds a job under a name that is free; `start` makes its handle, `check` tells whether it could. */
  _add(name, expression, fn, options, { check, start }) {
    requireFunction('handler', fn);
    requireName(OWNER, name);
    if (this.isDestroyed()) throw this.#error(`was shut down and takes no job '${name}'`, 409, 'Make another CronManager.');
    if (this.has(name)) throw this.#error(`Job '${name}' already exists`, 409, 'Stop the other one first, or choose another name.');
    check();
    const job = this.disabled
      ? new DisabledJob(name, fn)
      : start(this._jobBackground(), { keepAlive: this.options.keepAlive, ...options, name });
    this._keep(name, job, expression);
    return job;
  }

  /** Where jobs run. */
  _jobBackground() {
    return this.#background;
  }

  /** Lists a job, which may belong to the background of a plugin. */
  _keep(name, job, expression) {
    let free = name;
    for (let number = 2; this.has(free); number += 1) free = `${name}-${number}`;
    this.#jobs.set(free, { job, expression, createdAt: Date.now() });
    this.#listen();
  }

  #error(message, statusCode, suggestion) {
    return new PluginError(`[${OWNER}] ${message}`, {
      pluginName: OWNER,
      operation: 'cronManager',
      statusCode,
      retriable: false,
      suggestion
    });
  }

  /** Jobs that were stopped by their own handles, or with their plugin, are gone. */
  #current() {
    for (const [name, { job }] of this.#jobs) if (!job.active) this.#jobs.delete(name);
    return this.#jobs;
  }

  /** Names, in order of creation. */
  list() {
    return [...this.#current().keys()];
  }

  get(name) {
    return this.#current().get(name)?.job;
  }

  has(name) {
    return this.#current().has(name);
  }

  #need(name) {
    const job = this.get(name);
    if (job === undefined) throw this.#error(`No cron job '${name}'`, 404, `Jobs: ${this.list().join(', ') || '(none)'}.`);
    return job;
  }

  /** Runs a job now; its outcome. */
  run(name) {
    return this.#need(name).trigger();
  }

  stats(name) {
    return this.#need(name).stats();
  }

  /**
   * Stops a job; a run that is going on has the grace to end.
   * @returns {Promise<boolean>} false when there is none of that name
   */
  async stop(name, options) {
    const job = this.get(name);
    if (job === undefined) return false;
    this.#jobs.delete(name);
    this.#rest();
    await job.stop(options);
    return true;
  }

  /** Stops all jobs; how many. */
  async stopAll(options) {
    const names = this.list();
    await Promise.all(names.map((name) => this.stop(name, options)));
    return names.length;
  }

  /** Jobs with name, expression, creation (epoch ms), age in ms, and what they did. */
  getStats() {
    const now = Date.now();
    const jobs = [...this.#current()].map(([name, { job, expression, createdAt }]) => {
      const { runs, failures, nextRunAt } = job.stats();
      return { name, expression, createdAt, uptime: now - createdAt, runs, failures, nextRunAt };
    });
    return { totalJobs: jobs.length, jobs, isDestroyed: this.isDestroyed() };
  }

  isDestroyed() {
    return this.#ended !== null;
  }

  /** Stops all jobs and takes no further one. */
  shutdown() {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end() {
    const grace = { grace: this.options.shutdownTimeout };
    await Promise.all([this.stopAll(grace), this.#background.stop(grace)]);
    this.removeSignalHandlers();
  }

  /** Leaves SIGTERM and SIGINT to others. */
  removeSignalHandlers() {
    offSignal(this.#onSignal);
  }

  #listen() {
    const { exitOnSignal, shutdownTimeout } = this.options;
    if (exitOnSignal && !this.disabled) onSignal(this.#onSignal, shutdownTimeout + 5000);
  }

  #rest() {
    if (this.#jobs.size === 0) this.removeSignalHandlers();
  }
}

/** A CronManager of its own. */
export function createCronManager(options) {
  return new CronManager(options);
}

const shared = sharedManager(OWNER, createCronManager);

/** The CronManager that all of this process share; options that differ from what it has are refused. */
export function getCronManager(options) {
  return shared.get(options);
}

/** Ends the shared one and forgets it. */
export async function resetCronManager() {
  await shared.reset();
}
