/** Attribute definitions as text, and which objects are rules. */

import { FORMAT_TYPES } from './formats.js';
import { OPTION_NAMES } from './rule-options.js';

const TYPES = new Set([
  ...['any', 'array', 'boolean', 'class', 'currency', 'custom', 'date', 'email', 'enum', 'equal', 'forbidden', 'function'],
  ...['luhn', 'mac', 'multi', 'number', 'object', 'objectID', 'record', 'string', 'tuple', 'url', 'uuid'],
  ...['json', 'secret', 'secretAny', 'secretNumber', 'password', 'embedding', 'bool'],
  ...['ip4', 'ip6', 'money', 'crypto', 'decimal', 'geo:lat', 'geo:lon', 'geo:point'],
  ...FORMAT_TYPES
]);

const SPELLINGS = {
  geoLat: 'geo:lat',
  'geo-lat': 'geo:lat',
  geoLon: 'geo:lon',
  'geo-lon': 'geo:lon',
  geoPoint: 'geo:point',
  'geo-point': 'geo:point'
};

/** Types that take a number after a colon (decimals, precision or length), and passwords with their algorithm. */
const PARAMETRISED =
  /^(?:(?:money|crypto|decimal|embedding|bits|geo:lat|geo:lon|geo:point|geoLat|geoLon|geoPoint|geo-lat|geo-lon|geo-point):\d+|password:(?:bcrypt|argon2id))$/;

/** @param {string} type */
export const isKnownType = (type) => TYPES.has(type);

/**
 * Type without its parameter: `money:4` is `money`.
 * @param {any} type
 */
export function bareType(type) {
  return typeof type === 'string' && PARAMETRISED.test(type) ? type.slice(0, type.lastIndexOf(':')) : type;
}

/** @param {string} type */
export const canonicalType = (type) => (Object.hasOwn(SPELLINGS, type) ? SPELLINGS[type] : type);

/**
 * Type and options of a shorthand definition, as the engine reads them.
 * @param {string} text
 * @returns {{ type: string, [option: string]: any }}
 */
export function parseShorthand(text) {
  const [type, ...modifiers] = text.split('|').map((part) => part.trim());
  const rule = { type };
  for (const modifier of modifiers) {
    const colon = modifier.indexOf(':');
    if (colon >= 0) setOption(rule, modifier.slice(0, colon).trim(), scalar(modifier.slice(colon + 1).trim()));
    else if (modifier.startsWith('no-')) setOption(rule, modifier.slice(3), false);
    else if (modifier !== '') setOption(rule, modifier, true);
  }
  return rule;
}

/** The modifiers of a shorthand cannot name its type or prototype. */
function setOption(rule, name, value) {
  if (name !== 'type' && name !== '__proto__') rule[name] = value;
}

function scalar(text) {
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

/**
 * Whether an object is a rule (`{ type, ... }`) rather than nested attributes: a `type` that is
 * not itself a definition, and no other member that is plainly an attribute.
 * @param {Record<string, any>} definition
 */
export function isRuleObject(definition) {
  const { type } = definition;
  if (type === undefined || (type !== null && typeof type === 'object' && !Array.isArray(type))) return false;
  if (typeof type !== 'string') return true;
  if (type.includes('|')) return false;
  const known = isKnownType(canonicalType(bareType(type))) || type.endsWith('[]');
  // An unknown bare type is a mistake in a rule, not an attribute called "type".
  if (!known) return true;
  return !Object.entries(definition).some(([name, value]) => isAttribute(name, value));
}

/** Whether a member of an object with a `type` is plainly an attribute beside one called "type". */
function isAttribute(name, value) {
  if (name === 'type' || name.startsWith('$$') || name.startsWith('__plugin') || OPTION_NAMES.has(name)) return false;
  if (typeof value === 'string') return value.includes('|') && namesType(value);
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof RegExp) return false;
  return isRuleObject(value) || Object.values(value).some((each) => typeof each === 'string' && namesType(each));
}

const namesType = (definition) => isKnownType(canonicalType(bareType(definition.split('|', 1)[0].trim())));
