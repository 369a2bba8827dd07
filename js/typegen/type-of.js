/** TypeScript types of attribute definitions (spec/01 section 8): what a record read back has. */

import { FORMAT_TYPES } from '../schema/formats.js';
import { bareType, canonicalType, isRuleObject, parseShorthand } from '../schema/shorthand.js';
import { comment, propertyName, quote } from './names.js';

const SIMPLE = new Map(
  Object.entries({
    ...Object.fromEntries(['string', 'secret', 'email', 'url', 'ip4', 'ip6'].map((type) => [type, 'string'])),
    ...Object.fromEntries(['password', 'uuid', 'mac', 'luhn', 'currency'].map((type) => [type, 'string'])),
    ...Object.fromEntries(FORMAT_TYPES.map((type) => [type, 'string'])),
    buffer: 'Buffer',
    bits: 'Buffer',
    ...Object.fromEntries(['number', 'integer', 'secretNumber', 'money', 'crypto', 'decimal'].map((type) => [type, 'number'])),
    'geo:lat': 'number',
    'geo:lon': 'number',
    'geo:point': '{ latitude: number; longitude: number }',
    boolean: 'boolean',
    bool: 'boolean',
    date: 'Date',
    json: 'Record<string, any>',
    object: 'Record<string, any>',
    forbidden: 'never'
  })
);

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/**
 * Type of a definition in any notation. Definitions that contain themselves are `any` where they do.
 * @param {any} definition
 * @param {{ indent?: string, comments?: boolean, seen?: Set<object> }} [context]
 * @returns {string}
 */
export function typeOf(definition, context = {}) {
  if (typeof definition === 'string') return typeOfRule(parseShorthand(definition), context);
  if (definition === null || typeof definition !== 'object') return 'any';
  const seen = context.seen ?? new Set();
  if (seen.has(definition)) return 'any';
  seen.add(definition);
  const inner = { ...context, seen };
  let text;
  if (Array.isArray(definition)) text = union(definition, inner);
  else if (isRuleObject(definition)) text = typeOfRule(definition, inner);
  else text = objectType(definition, inner);
  seen.delete(definition);
  return text;
}

function typeOfRule(rule, context) {
  if (typeof rule.type !== 'string') return 'any';
  if (rule.type.endsWith('[]')) return `Array<${typeOf(rule.type.slice(0, -2), context)}>`;
  const type = canonicalType(bareType(rule.type));
  const simple = SIMPLE.get(type);
  switch (type) {
    case 'array':
      return rule.items === undefined || rule.items === null ? 'any[]' : `Array<${typeOf(rule.items, context)}>`;
    case 'embedding':
      return embeddingType(rule);
    case 'object': {
      const properties = rule.properties ?? rule.props;
      return isObject(properties) ? objectType(properties, context) : simple;
    }
    case 'record':
      return `Record<string, ${rule.value === undefined ? 'any' : typeOf(rule.value, context)}>`;
    case 'tuple':
      return Array.isArray(rule.items) ? `[${rule.items.map((item) => typeOf(item, context)).join(', ')}]` : 'any[]';
    case 'multi':
      return union(rule.rules ?? [], context);
    case 'enum':
      return literals(Array.isArray(rule.values) ? rule.values : String(rule.values ?? '').split(','));
    case 'equal':
      return rule.value === undefined ? 'any' : literals([rule.value]);
    default:
      return simple ?? 'any';
  }
}

function embeddingType(rule) {
  const size = Number(/:(\d+)$/.exec(rule.type)?.[1] ?? rule.length);
  return Number.isSafeInteger(size) && size > 0 ? `number[] /* ${size} dimensions */` : 'number[]';
}

function union(alternatives, context) {
  const types = [...new Set(alternatives.map((each) => typeOf(each, context)))];
  return types.length === 0 || types.includes('any') ? 'any' : types.join(' | ');
}

function literals(values) {
  const types = values.map((value) => {
    if (typeof value === 'string') return quote(value.trim());
    if (typeof value === 'boolean' || value === null) return String(value);
    return Number.isFinite(value) ? String(value) : 'any';
  });
  return types.length === 0 || types.includes('any') ? 'any' : [...new Set(types)].join(' | ');
}

function objectType(attributes, context) {
  const indent = context.indent ?? '';
  const lines = fieldLines(attributes, { ...context, indent: `${indent}  ` });
  return lines.length === 0 ? 'Record<string, any>' : `{\n${lines.join('\n')}\n${indent}}`;
}

/**
 * Lines of the fields of an object.
 * @param {Record<string, any>} attributes
 * @param {{ indent: string, comments?: boolean, seen?: Set<object>, omit?: Set<string> }} context
 * @returns {string[]}
 */
export function fieldLines(attributes, { omit, ...context }) {
  const lines = [];
  for (const name of Object.keys(attributes)) {
    if (name.startsWith('$$') || omit?.has(name)) continue;
    const definition = attributes[name];
    const about = context.comments === false ? undefined : descriptionOf(definition);
    if (about !== undefined) lines.push(...comment([about], context.indent));
    const mark = isFieldOptional(definition) ? '?' : '';
    lines.push(`${context.indent}${propertyName(name)}${mark}: ${typeOf(definition, context)};`);
  }
  return lines;
}

function descriptionOf(definition) {
  const text = isObject(definition) && isRuleObject(definition) ? definition.description : undefined;
  return typeof text === 'string' && text !== '' ? text : undefined;
}

/**
 * Whether the field of a definition carries a `?`: every field that is not explicitly required.
 * @param {any} definition
 */
export function isFieldOptional(definition) {
  if (typeof definition === 'string') return !/\|\s*required\b/.test(definition);
  if (!isObject(definition)) return true;
  if (isRuleObject(definition)) return !definition.required;
  return !(typeof definition.$$type === 'string' && definition.$$type.includes('required'));
}

/**
 * Type of a type name or shorthand.
 * @param {any} definition
 * @returns {string}
 */
export const mapFieldTypeToTypeScript = (definition) => typeOf(definition);

/**
 * Doc comment of a field, or an empty text where its definition has no description.
 * @param {string} name
 * @param {any} definition
 * @returns {string}
 */
export function generateFieldComment(name, definition) {
  const about = descriptionOf(definition);
  return about === undefined ? '' : comment([`${name}: ${about}`]).join('\n');
}
