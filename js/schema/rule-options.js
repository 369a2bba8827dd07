/** Options of rules, checked by type: they end up in the source text that the engine compiles. */

import { types } from 'node:util';
import { SchemaError } from '../errors/index.js';
import { escapeText } from './validator.js';

const NUMBERS = new Set(['min', 'max', 'length', 'equal', 'notEqual', 'padStart', 'padEnd', 'minProps', 'maxProps', 'version']);
const BOOLEANS = new Set([
  ...['optional', 'nullable', 'required', 'empty', 'trim', 'trimLeft', 'trimRight', 'lowercase', 'uppercase', 'localeLowercase'],
  ...['localeUppercase', 'numeric', 'alpha', 'alphanum', 'alphadash', 'hex', 'singleLine', 'base64', 'integer', 'positive', 'negative'],
  ...['unique', 'normalize', 'remove', 'symbolOptional', 'raw', 'packed']
]);
const TEXTS = new Set(['label', 'padChar', 'patternFlags', 'currencySymbol', 'thousandSeparator', 'decimalSeparator', 'mode', 'field']);
const LISTS = new Set(['enum', 'values']);
/** Members of rules that are never attributes. */
export const OPTION_NAMES = new Set([
  ...NUMBERS,
  ...BOOLEANS,
  ...TEXTS,
  ...LISTS,
  ...['strict', 'convert', 'contains', 'pattern', 'customRegex', 'messages', 'custom', 'check', 'instanceOf', 'ObjectID', 'default'],
  ...['items', 'key', 'value', 'rules', 'properties', 'props']
]);

const DELIMITED = /^\/(.+)\/([a-z]*)$/s;

/**
 * Checked copy of a rule.
 * @param {Record<string, any>} rule
 * @param {string} path attribute the rule is for
 * @returns {Record<string, any>}
 */
export function checkOptions(rule, path) {
  const out = { type: rule.type };
  for (const name of Object.keys(rule)) {
    const value = rule[name];
    if (name === 'type' || name === '__proto__' || name.startsWith('__plugin') || value === undefined) continue;
    out[name] = checkOption(name, value, rule, path);
  }
  if (out.required === false) out.optional = true;
  if (rule.type === 'equal' && typeof out.field === 'string') out.field = escapeText(out.field);
  return out;
}

function checkOption(name, value, rule, path) {
  if (NUMBERS.has(name)) return checkNumber(name, value, path);
  if (BOOLEANS.has(name)) return checkBoolean(name, value, path);
  if (TEXTS.has(name)) return checkText(name, value, path);
  if (LISTS.has(name)) return checkList(name, value, rule, path);
  switch (name) {
    case 'strict':
      return value === 'remove' ? value : checkBoolean(name, value, path);
    case 'convert':
      return value === 'hexString' ? value : checkBoolean(name, value, path);
    case 'contains':
      return rule.type === 'array' ? value : checkText(name, value, path);
    case 'pattern':
    case 'customRegex':
      return checkPattern(name, value, rule.patternFlags, path);
    case 'messages':
      return checkMessages(value, path);
    case 'custom':
    case 'check':
      return checkCustom(name, value, path);
    case 'instanceOf':
      return typeof value === 'function' || value === null ? (value ?? undefined) : fail(name, path, 'a class');
    default:
      return value;
  }
}

function fail(name, path, expected) {
  throw new SchemaError(`Option '${name}' of attribute '${path}' must be ${expected}`, {
    attribute: path,
    option: name,
    suggestion: `Correct or remove '${name}' in the definition of '${path}'.`
  });
}

function checkNumber(name, value, path) {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) {
    if (value === null) return null;
    fail(name, path, 'a number');
  }
  return number;
}

function checkBoolean(name, value, path) {
  if (typeof value === 'boolean') return value;
  if (value === 0 || value === 1) return value === 1;
  if (value === 'true' || value === 'false') return value === 'true';
  if (value === null) return undefined;
  return fail(name, path, 'true or false');
}

function checkText(name, value, path) {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null) return undefined;
  return fail(name, path, 'text');
}

function checkList(name, value, rule, path) {
  const items = Array.isArray(value) ? [...value] : typeof value === 'object' ? fail(name, path, 'a list') : String(value).split(',');
  if (items.some((item) => item !== null && typeof item === 'object')) fail(name, path, 'a list of plain values');
  if (Array.isArray(value)) return items;
  const numeric = rule.type === 'number' || (rule.type === 'array' && rule.items === 'number');
  return items.map((item) => (numeric ? checkNumber(name, item, path) : item.trim()));
}

function checkPattern(name, value, flags, path) {
  if (types.isRegExp(value)) return value;
  // What JSON leaves of a RegExp in a definition file says nothing.
  if (value === null || typeof value === 'object') return undefined;
  const text = checkText(name, value, path);
  const delimited = DELIMITED.exec(text);
  try {
    return delimited ? new RegExp(delimited[1], delimited[2]) : new RegExp(text, typeof flags === 'string' ? flags : '');
  } catch {
    return fail(name, path, 'a valid regular expression');
  }
}

function checkMessages(value, path) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) fail('messages', path, 'an object of texts');
  return Object.fromEntries(Object.entries(value).map(([type, text]) => [type, checkText('messages', text, path)]));
}

function checkCustom(name, value, path) {
  if (typeof value === 'function') return value;
  if (Array.isArray(value) && value.every((each) => typeof each === 'function' || typeof each === 'string')) return [...value];
  // Functions do not survive a definition file; what is left of them is dropped.
  if (value === null || typeof value === 'object') return undefined;
  return fail(name, path, 'a function');
}
