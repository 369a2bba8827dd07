/** What happens to a record before it is stored: defaults, then explicit sanitisers and conversions. */

import { currencyCode, formatOf } from './formats.js';
import { bareType, canonicalType, isRuleObject, parseShorthand } from './shorthand.js';

const NUMERIC = new Set(['number', 'money', 'crypto', 'decimal', 'geo:lat', 'geo:lon', 'secretNumber']);
const JSON_TYPES = new Set(['json', 'object', 'array', 'any', 'secretAny', 'record', 'tuple', 'embedding']);
const TRUE = new Set([1, 'true', '1', 'on']);
const FALSE = new Set([0, 'false', '0', 'off']);

/**
 * Fields of a definition tree with something to do.
 * @typedef {{ name: string, fill?: (parent: object) => any, convert?: (value: any) => any, fields?: FieldPlan[] }} FieldPlan
 */

/**
 * @param {Record<string, any>} attributes
 * @returns {FieldPlan[]}
 */
export function planFields(attributes, seen = new Set()) {
  const fields = [];
  if (seen.has(attributes)) return fields;
  seen.add(attributes);
  for (const name of Object.keys(attributes)) {
    if (name.startsWith('$$') || name === '__proto__') continue;
    const field = planField(name, attributes[name], seen);
    if (field.fill !== undefined || field.convert !== undefined || field.fields?.length > 0) fields.push(field);
  }
  seen.delete(attributes);
  return fields;
}

function planField(name, definition, seen) {
  if (typeof definition === 'string') {
    const rule = parseShorthand(definition);
    // The text itself: `default:007` of a string is '007'.
    const text = /\|\s*default\s*:([^|]*)/.exec(definition)?.[1].trim();
    return planRule(name, text === undefined ? rule : { ...rule, default: text }, true, seen);
  }
  if (definition === null || typeof definition !== 'object' || Array.isArray(definition)) return { name };
  if (isRuleObject(definition)) return planRule(name, definition, false, seen);
  return { name, fields: planFields(definition, seen) };
}

function planRule(name, rule, shorthand, seen) {
  const type = typeof rule.type === 'string' ? canonicalType(bareType(rule.type)) : 'any';
  const field = { name, fill: fillOf(rule, type, name, shorthand), convert: conversionOf(rule, type, shorthand) };
  const properties = rule.properties ?? rule.props;
  if (type === 'object' && properties !== null && typeof properties === 'object') field.fields = planFields(properties, seen);
  return field;
}

function fillOf(rule, type, name, shorthand) {
  const fallback = rule.default;
  if (fallback === undefined || fallback === null) return undefined;
  if (typeof fallback === 'function') return (parent) => fallback.call(null, rule, name, parent, {});
  if (typeof fallback === 'object') return () => structuredClone(fallback);
  const value = shorthand ? readDefault(fallback, type) : fallback;
  return () => (value !== null && typeof value === 'object' ? structuredClone(value) : value);
}

/** Value of the text after `default:` in a shorthand. */
function readDefault(text, type) {
  if (typeof text !== 'string') return text;
  if (type === 'boolean' || type === 'bool') return text === 'true';
  if (NUMERIC.has(type)) return Number(text);
  if (!JSON_TYPES.has(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function conversionOf(rule, type, shorthand = true) {
  const steps = stepsOf(rule, type, shorthand);
  if (steps.length === 0) return undefined;
  if (steps.length === 1) return steps[0];
  return (value) => steps.reduce((current, step) => step(current), value);
}

function stepsOf(rule, type, shorthand) {
  const steps = [];
  const format = formatOf(type, rule.type);
  if (format !== undefined) return [(value) => format(value) ?? value];
  if (type === 'currency' && shorthand) return [(value) => currencyCode(value) ?? value];
  const item = itemOf(rule);
  if (item !== undefined && (type === 'array' || item !== rule.items)) {
    const convert = conversionOf(typeof item === 'string' ? { type: item } : item, canonicalType(bareType(item.type ?? item)));
    if (convert !== undefined && formatOf(bareType(item.type ?? item)) !== undefined) steps.push(eachItem(convert));
  }
  if (NUMERIC.has(type)) {
    if (rule.convert !== false) steps.push(toNumber);
  } else if (type === 'boolean' || type === 'bool') {
    if (rule.convert === true || (type === 'bool' && rule.convert !== false)) steps.push(toBoolean);
  } else if (type === 'date') {
    if (rule.convert === true) steps.push(toDate);
  } else if (type === 'array' || type === 'embedding') {
    if (rule.convert === true) steps.push((value) => (Array.isArray(value) ? value : [value]));
    if (type === 'embedding' || rule.items === 'number' || rule.items?.type === 'number') steps.push(toNumbers);
  } else if (type === 'string' || type === 'secret') {
    steps.push(...textSteps(rule));
  } else if (type === 'email' && rule.normalize === true) {
    steps.push(onText((text) => text.trim().toLowerCase()));
  }
  return steps;
}

/** Definition of the items of an array, in any notation; undefined when there is none with a type. */
function itemOf({ type, items }) {
  if (typeof type === 'string' && type.endsWith('[]')) return type.slice(0, -2);
  const text = typeof items === 'string' ? items : items?.type;
  return typeof text === 'string' ? items : undefined;
}

const eachItem = (convert) => (value) =>
  Array.isArray(value) ? value.map((item) => (item === undefined || item === null ? item : convert(item))) : value;

function textSteps(rule) {
  const steps = [];
  const on = (name) => rule[name] === true;
  if (on('convert')) steps.push((value) => (typeof value === 'string' ? value : String(value)));
  if (on('trim')) steps.push(onText((text) => text.trim()));
  if (on('trimLeft')) steps.push(onText((text) => text.trimStart()));
  if (on('trimRight')) steps.push(onText((text) => text.trimEnd()));
  const pad = rule.padChar === undefined || rule.padChar === null ? ' ' : String(rule.padChar);
  if (rule.padStart) steps.push(onText((text) => text.padStart(Number(rule.padStart), pad)));
  if (rule.padEnd) steps.push(onText((text) => text.padEnd(Number(rule.padEnd), pad)));
  if (on('lowercase')) steps.push(onText((text) => text.toLowerCase()));
  if (on('uppercase')) steps.push(onText((text) => text.toUpperCase()));
  if (on('localeLowercase')) steps.push(onText((text) => text.toLocaleLowerCase()));
  if (on('localeUppercase')) steps.push(onText((text) => text.toLocaleUpperCase()));
  return steps;
}

const onText = (change) => (value) => (typeof value === 'string' ? change(value) : value);

/** The number that the validator accepted; what is no number stays for it to reject. */
function toNumber(value) {
  if (typeof value === 'number' || typeof value === 'symbol') return value;
  const number = Number(value);
  return Number.isFinite(number) ? number : value;
}

function toNumbers(value) {
  if (!Array.isArray(value)) return value;
  if (value.every((item) => typeof item === 'number')) return value;
  return value.map((item) => (item === null || item === undefined ? item : toNumber(item)));
}

function toBoolean(value) {
  if (TRUE.has(value)) return true;
  return FALSE.has(value) ? false : value;
}

function toDate(value) {
  if (value instanceof Date) return value;
  const date = new Date(typeof value === 'string' && value !== '' && !Number.isNaN(Number(value)) ? Number(value) : value);
  return Number.isNaN(date.getTime()) ? value : date;
}

/**
 * The record with defaults in place of what is `undefined`; itself when nothing is missing.
 * @param {FieldPlan[]} fields
 * @param {Record<string, any>} record
 */
export function fillDefaults(fields, record) {
  return walk(fields, record, fillField);
}

/**
 * The record with explicit sanitisers and conversions applied; itself when nothing changes.
 * @param {FieldPlan[]} fields
 * @param {Record<string, any>} record
 */
export function sanitiseRecord(fields, record) {
  return walk(fields, record, convertField);
}

const fillField = (field, value, record) => (value === undefined && field.fill !== undefined ? field.fill(record) : value);
const convertField = (field, value) =>
  value === undefined || value === null || field.convert === undefined ? value : field.convert(value);

function walk(fields, record, change) {
  let out = record;
  for (const field of fields) {
    const value = record[field.name];
    let next = change(field, value, record);
    if (field.fields !== undefined && next !== null && typeof next === 'object' && !Array.isArray(next))
      next = walk(field.fields, next, change);
    if (next === value) continue;
    if (out === record) out = { ...record };
    out[field.name] = next;
  }
  return out;
}
