/** Specifications of incremental ids (spec/03 section 27): texts, objects, and the id of a number. */
import { nearestName } from '../util/nearest-name.js';

const DEFAULTS = { start: 1, increment: 1, mode: 'standard', batchSize: 100, prefix: '', padding: 0 };
const MODES = ['standard', 'fast'];
const MAX_PADDING = 20;
const FORMS = "'incremental', 'incremental:1000', 'incremental:ORD-0001', and the same after 'incremental:fast:'";

/** Most ids of one reservation. */
export const MAX_BATCH = 100_000;

/** Whether an `idGenerator` asks for incremental ids, well formed or not. */
export function isIncremental(given) {
  if (typeof given === 'string') return given === 'incremental' || given.startsWith('incremental:');
  return given !== null && typeof given === 'object' && given.type === 'incremental';
}

const within = (value, least, most) => Number.isInteger(value) && value >= least && value <= most;

const RULES = {
  start: [Number.isSafeInteger, 'a whole number'],
  increment: [(value) => Number.isSafeInteger(value) && value !== 0, 'a whole number other than 0'],
  mode: [(value) => MODES.includes(value), `one of: ${MODES.join(', ')}`],
  batchSize: [(value) => within(value, 1, MAX_BATCH), `a whole number from 1 to ${MAX_BATCH}`],
  prefix: [(value) => typeof value === 'string', 'a string'],
  padding: [(value) => within(value, 0, MAX_PADDING), `a whole number from 0 to ${MAX_PADDING}`]
};

/** Members that a text asks for, or undefined when it has no known form. */
function fromText(text) {
  const [, fast, rest = ''] = /^incremental(?::(fast)(?=:|$))?(?::(.*))?$/s.exec(text);
  const mode = fast === undefined ? {} : { mode: 'fast' };
  if (rest === '') return mode;
  if (/^(?:0|-?[1-9]\d*)$/.test(rest)) return { ...mode, start: Number(rest) };
  const numbered = /^([A-Za-z]+-?)(\d+)$/.exec(rest);
  if (numbered === null) return undefined;
  return { ...mode, prefix: numbered[1], start: Number(numbered[2]), padding: numbered[2].length };
}

/**
 * Reads what {@link isIncremental} accepts.
 * @param {string | object} given `'incremental'`, `'incremental:1000'`, `'incremental:ORD-0001'`, `'incremental:fast:1000'`, or
 *   `{ type: 'incremental', start, increment, mode, batchSize, prefix, padding }`
 * @returns {{ config: typeof DEFAULTS, problems: string[], unknown: Array<{ key: string, near: string | null }> }}
 */
export function parseIncremental(given) {
  const members = typeof given === 'string' ? fromText(given) : given;
  if (members === undefined) {
    return { config: DEFAULTS, problems: [`Resource 'idGenerator' has no form of '${given}'; the forms are ${FORMS}`], unknown: [] };
  }
  const config = { ...DEFAULTS };
  const problems = [];
  const unknown = [];
  for (const key of Object.keys(members)) {
    if (key === 'type' || members[key] === undefined) continue;
    if (!Object.hasOwn(RULES, key)) unknown.push({ key, near: nearestName(key, Object.keys(RULES)) });
    else if (RULES[key][0](members[key])) config[key] = members[key];
    else problems.push(`Resource 'idGenerator.${key}' must be ${RULES[key][1]}`);
  }
  return { config, problems, unknown };
}

/** Whether two configurations give the same ids in the same way. */
export const isSameIncremental = (a, b) => Object.keys(RULES).every((key) => a[key] === b[key]);

/** The id of a number: prefix, then at least `padding` characters. */
export const formatId = (number, { prefix, padding }) => prefix + String(number).padStart(padding, '0');
