/** Definitions as s3db.js hands them to its validator: the public, 13.6-compatible view of `rules.js`. */

import { isNestedOptional } from './rules.js';
import { bareType, canonicalType, isRuleObject } from './shorthand.js';

const RANGES = { 'geo:lat': [-90, 90], 'geo:lon': [-180, 180] };

/**
 * Rewritten definitions: types of the library become types of the engine, nested objects become
 * object rules.
 * @param {Record<string, any>} attributes
 * @param {boolean} [allOptional] nested objects are optional unless they say otherwise
 * @returns {Record<string, any>}
 */
export function preprocessAttributes(attributes, allOptional = false) {
  const out = {};
  for (const name of Object.keys(attributes)) {
    out[name] = name.startsWith('$$') ? attributes[name] : rewrite(attributes[name], allOptional);
  }
  return out;
}

function rewrite(definition, allOptional) {
  if (typeof definition === 'string') return rewriteText(definition);
  if (definition === null || typeof definition !== 'object' || Array.isArray(definition)) return definition;
  if (isRuleObject(definition)) return rewriteRule(definition, allOptional);
  const rule = { type: 'object', properties: preprocessAttributes(definition, allOptional), strict: false };
  if (isNestedOptional(definition, allOptional)) rule.optional = true;
  return rule;
}

function rewriteText(text) {
  const [written, ...modifiers] = text.split('|').map((part) => part.trim());
  const type = canonicalType(bareType(written));
  const has = (name) => modifiers.some((modifier) => modifier.startsWith(`${name}:`));
  const join = (...parts) => [...parts, ...modifiers].join('|');
  switch (type) {
    case 'ip4':
    case 'ip6':
      return join('string');
    case 'money':
    case 'crypto':
      return has('min') ? join('number') : join('number', 'min:0');
    case 'decimal':
      return join('number');
    case 'geo:lat':
    case 'geo:lon': {
      const [min, max] = RANGES[type];
      return join('number', ...(has('min') ? [] : [`min:${min}`]), ...(has('max') ? [] : [`max:${max}`]));
    }
    case 'geo:point':
      return 'any';
    case 'buffer':
    case 'bits':
      return join('any');
    case 'embedding': {
      const size = /^embedding:(\d+)$/.exec(written)?.[1];
      return join('array', 'items:number', ...(size === undefined ? [] : [`length:${size}`]), 'empty:false');
    }
    default:
      return text;
  }
}

function rewriteRule(definition, allOptional) {
  const { __plugin__, __pluginCreated__, ...rule } = definition;
  const type = canonicalType(bareType(rule.type));
  switch (type) {
    case 'ip4':
    case 'ip6':
      return { ...rule, type: 'string' };
    case 'money':
    case 'crypto':
      return { min: 0, ...rule, type: 'number' };
    case 'decimal':
      return { ...rule, type: 'number' };
    case 'geo:lat':
    case 'geo:lon':
      return { min: RANGES[type][0], max: RANGES[type][1], ...rule, type: 'number' };
    case 'geo:point':
    case 'buffer':
    case 'bits':
      return { ...rule, type: 'any' };
    case 'object':
      return rule.properties ? { ...rule, properties: preprocessAttributes(rule.properties, allOptional) } : rule;
    default:
      return rule;
  }
}
