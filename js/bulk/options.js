/** Options of the bulk helpers. */
import { ValidationError } from '../errors/index.js';
import { nearestName } from '../util/nearest-name.js';
import { warnOnce } from '../util/warn.js';

function invalid(owner, field, value, wanted) {
  return new ValidationError(`${field} of ${owner} must be ${wanted}`, {
    field,
    value,
    statusCode: 400,
    suggestion: `Pass ${wanted} as ${field}, or leave it out.`
  });
}

const count = (least) => ({ fits: (value) => Number.isInteger(value) && value >= least, wanted: `a whole number of at least ${least}` });

/** Kinds of options. */
export const COUNT = count(1);
export const COUNT_OR_ZERO = count(0);
export const MILLISECONDS = { fits: (value) => Number.isFinite(value) && value >= 0, wanted: 'a number of milliseconds of at least 0' };
export const FLAG = { fits: (value) => typeof value === 'boolean', wanted: 'true or false' };
export const OBJECT = { fits: (value) => value === null || typeof value === 'object', wanted: 'an object or null' };

/**
 * Options with their defaults. Unknown ones warn once (decision 22).
 * @param {string} owner name of the class
 * @param {Record<string, [any, { fits: (value: any) => boolean, wanted: string }]>} table option -> default and kind
 * @param {object} given
 * @param {object} [database] emitter of the warning
 */
export function readOptions(owner, table, given, database) {
  if (given === null || typeof given !== 'object') throw invalid(owner, 'options', given, 'an object');
  const options = {};
  for (const [name, [preset, kind]] of Object.entries(table)) {
    options[name] = given[name] ?? preset;
    if (!kind.fits(options[name])) throw invalid(owner, name, given[name], kind.wanted);
  }
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(table, name)) continue;
    const near = nearestName(name, Object.keys(table));
    const message = `Unknown option '${name}' for ${owner}${near ? `; did you mean '${near}'?` : ''}`;
    warnOnce(database, { code: 'UNKNOWN_OPTION', message, details: { option: name, nearest: near } });
  }
  return options;
}

/** The resource that a helper works on. */
export function requireResource(owner, resource) {
  if (resource !== null && typeof resource === 'object' && typeof resource.insertMany === 'function') return resource;
  throw invalid(owner, 'resource', typeof resource, 'a resource');
}

/** A list of records. */
export function requireItems(operation, items) {
  if (items !== null && typeof items === 'object' && typeof items[Symbol.iterator] === 'function') return items;
  throw invalid(operation, 'items', typeof items, 'an array or an iterable');
}
