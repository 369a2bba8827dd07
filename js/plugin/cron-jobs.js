/** `scheduleCron` and its kin, as plugins of later versions call them (spec/05 section 18). */
import { PluginError } from '../errors/index.js';

/** Jobs by background, so that `stopAllCronJobs` leaves other work alone. */
const jobs = new WeakMap();

function jobsOf(background) {
  let set = jobs.get(background);
  if (set === undefined) {
    set = new Set();
    jobs.set(background, set);
  }
  for (const job of set) if (!job.active) set.delete(job);
  return set;
}

function nameOf(background, suffix, kind) {
  const base = suffix === undefined || suffix === null || suffix === '' ? kind : String(suffix);
  let name = base;
  for (let number = 2; background.get(name) !== undefined; number += 1) name = `${base}-${number}`;
  return name;
}

function add(background, job) {
  jobsOf(background).add(job);
  return job;
}

/**
 * Runs `fn` at the times of a cron expression, until it or all cron jobs are stopped.
 * @param {import('./background.js').Background} background
 * @param {string} expression
 * @param {(run: any) => any} fn
 * @param {string} [suffix] name of the job; a number is added when it is taken
 * @param {any} [options] those of `background.cron`; `timezone` is `timeZone`
 * @returns {any} the task's handle
 */
export function scheduleCron(background, expression, fn, suffix, { timezone, ...options } = {}) {
  const zone = options.timeZone ?? timezone;
  const name = nameOf(background, suffix ?? options.name, 'cron');
  return add(background, background.cron(expression, fn, { ...options, ...(zone === undefined ? {} : { timeZone: zone }), name }));
}

/**
 * Runs `fn` every `ms`, until it or all cron jobs are stopped.
 * @param {import('./background.js').Background} background
 * @param {number} ms
 * @param {(run: any) => any} fn
 * @param {string} [suffix] name of the job; a number is added when it is taken
 * @param {any} [options] those of `background.every`
 * @returns {any} the task's handle
 */
export function scheduleInterval(background, ms, fn, suffix, options = {}) {
  return add(background, background.every(ms, fn, { ...options, name: nameOf(background, suffix ?? options.name, 'interval') }));
}

/**
 * Stops what `scheduleCron` and `scheduleInterval` started.
 * @param {import('./background.js').Background} background
 * @param {{ grace?: number, abortGrace?: number }} [options]
 * @returns {Promise<number>} how many
 */
export async function stopAllCronJobs(background, options) {
  const running = [...jobsOf(background)];
  await Promise.all(running.map((job) => job.stop(options)));
  jobsOf(background);
  return running.length;
}

/**
 * The jobs of a plugin as an object.
 * @param {import('./background.js').Background} background
 */
export function createCronManager(background) {
  const find = (name) => [...jobsOf(background)].find((job) => job.name === name);
  const need = (name) => {
    const job = find(name);
    if (job === undefined) {
      const names = [...jobsOf(background)].map((each) => each.name);
      throw new PluginError(`No cron job '${name}'`, {
        pluginName: background.name,
        operation: 'cronManager',
        statusCode: 404,
        retriable: false,
        suggestion: `Jobs: ${names.join(', ') || '(none)'}.`
      });
    }
    return job;
  };
  return {
    schedule: (expression, fn, name, options) => scheduleCron(background, expression, fn, name, options),
    scheduleInterval: (ms, fn, name, options) => scheduleInterval(background, ms, fn, name, options),
    /** Names, in order of creation. */
    list: () => [...jobsOf(background)].map((job) => job.name),
    get: (name) => find(name),
    has: (name) => find(name) !== undefined,
    run: (name) => need(name).trigger(),
    stats: (name) => need(name).stats(),
    stop: (name, options) => need(name).stop(options),
    stopAll: (options) => stopAllCronJobs(background, options)
  };
}
