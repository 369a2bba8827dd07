/** `scheduleCron` and its kin of plugins (spec/05 section 18). */
import { CronManager } from './cron-manager.js';

/**
 * The jobs of one plugin. They run on its background, so they end with it and their failures are those of the plugin; the
 * manager of the database lists them as well, can stop them, and decides whether jobs are disabled.
 */
export class PluginCronManager extends CronManager {
  #plugin;

  /** @param {any} plugin */
  constructor(plugin) {
    super({ exitOnSignal: false, keepAlive: false });
    this.#plugin = plugin;
  }

  get #parent() {
    const manager = this.#plugin.database?.cronManager;
    return manager instanceof CronManager ? manager : undefined;
  }

  get disabled() {
    return this.#parent?.disabled ?? false;
  }

  /** As `CronManager.schedule`; a name that is taken gets a number, one that is missing is made. */
  schedule(expression, fn, name, options = {}) {
    return super.schedule(expression, fn, this.#free(name ?? options.name, 'cron'), options);
  }

  /** As `CronManager.scheduleInterval`; names as in `schedule`. */
  scheduleInterval(ms, fn, name, options = {}) {
    return super.scheduleInterval(ms, fn, this.#free(name ?? options.name, 'interval'), options);
  }

  #free(given, kind) {
    const base = given === undefined || given === null || given === '' ? kind : String(given);
    let name = base;
    for (let number = 2; this.has(name) || this._jobBackground().get(name) !== undefined; number += 1) name = `${base}-${number}`;
    return name;
  }

  _jobBackground() {
    return this.#plugin._background ?? this.#plugin.background;
  }

  _keep(name, job, expression) {
    super._keep(name, job, expression);
    this.#parent?._keep(`${this.#plugin.slug}-${name}`, job, expression);
  }
}
