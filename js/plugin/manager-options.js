/** Options of ProcessManager and CronManager, under the names of later versions. */
import { ValidationError } from '../errors/index.js';
import { nearestName } from '../util/nearest-name.js';

const CHECKS = {
  logLevel: [(value) => typeof value === 'string', 'a log level'],
  logger: [(value) => typeof value?.error === 'function', 'a logger with the method error'],
  shutdownTimeout: [(value) => typeof value === 'number' && value >= 0 && value < 2 ** 31, 'a number of milliseconds, 0 or more'],
  exitOnSignal: [(value) => typeof value === 'boolean', 'true or false'],
  keepAlive: [(value) => typeof value === 'boolean', 'true or false'],
  disabled: [(value) => typeof value === 'boolean', 'true or false']
};

function refuse(owner, message, field, suggestion) {
  return new ValidationError(`${owner}: ${message}`, { field, operation: 'constructor', suggestion });
}

/**
 * @param {string} owner class, for errors
 * @param {any} given
 * @param {Record<string, any>} defaults the options that the class has
 */
export function managerOptions(owner, given, defaults) {
  if (given === null || typeof given !== 'object')
    throw refuse(owner, 'options must be an object', 'options', 'Leave them out, or give an object.');
  const names = Object.keys(defaults);
  const options = { ...defaults };
  for (const [name, value] of Object.entries(given)) {
    if (!names.includes(name)) {
      const near = nearestName(name, names);
      throw refuse(owner, `unknown option '${name}'`, name, `${near ? `Did you mean '${near}'? ` : ''}Known options: ${names.join(', ')}.`);
    }
    if (value === undefined) continue;
    const [valid, expected] = CHECKS[name];
    if (!valid(value)) throw refuse(owner, `'${name}' must be ${expected}`, name, `Give ${expected} as '${name}'.`);
    options[name] = value;
  }
  return options;
}

/** A name that timers, cleanups and jobs are known by. */
export function requireName(owner, name) {
  if (typeof name === 'string' && name !== '') return name;
  throw new ValidationError(`${owner}: a name must be a text that is not empty`, {
    field: 'name',
    suggestion: 'Name it: the name stops it, and tells what failed.'
  });
}

/**
 * A manager that a process has one of.
 * @template {{ options: object, shutdown: () => Promise<void> }} T
 * @param {string} owner
 * @param {(options?: object) => T} make
 */
export function sharedManager(owner, make) {
  let instance = null;
  return {
    get(options) {
      if (instance === null) instance = make(options);
      else {
        const other = Object.keys(options ?? {}).find((name) => options[name] !== undefined && options[name] !== instance.options[name]);
        if (other !== undefined) {
          throw refuse(
            owner,
            `the shared one exists with another '${other}'`,
            other,
            'Give options where it is asked for first, or make one of your own.'
          );
        }
      }
      return instance;
    },
    async reset() {
      const before = instance;
      instance = null;
      await before?.shutdown();
    }
  };
}
