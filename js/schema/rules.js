/**
 * Definitions as rules of the validator: checked, with the types of the library rewritten to those
 * of the engine. Nothing that was not checked here reaches the compiler.
 */

import { isIPv6 } from 'node:net';
import FastestValidator from 'fastest-validator';
import { SchemaError } from '../errors/index.js';
import { currencyCode, FORMAT_TYPES, formatCheck } from './formats.js';
import { checkOptions } from './rule-options.js';
import { bareType, canonicalType, isKnownType, isRuleObject, parseShorthand } from './shorthand.js';
import { escapeText } from './validator.js';

const SECRET_TYPES = new Set(['secret', 'secretAny', 'secretNumber', 'password']);
const FORBIDDEN_NAMES = new Set(['__proto__', 'constructor', 'prototype']);
/** Rules by text: many attributes share a few. */
const shorthandRules = new Map();
const MOST_SHORTHANDS = 1000;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|[01]?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|[01]?\d?\d)$/;
const EMAIL = /^\S+@\S+\.\S+$/;
const URL_TEXT = /^https?:\/\/\S+/;

/** Rewrites by type; each gets the checked options and returns a rule of the engine. */
const REWRITE = {
  ip4: (rule) =>
    withChecks(
      { trim: false, ...rule, type: 'string' },
      textCheck('ip4', (text) => IPV4.test(text), 'a valid IPv4 address')
    ),
  ip6: (rule) => withChecks({ trim: false, ...rule, type: 'string' }, textCheck('ip6', isIPv6, 'a valid IPv6 address')),
  money: (rule) => ({ min: 0, ...rule, type: 'number' }),
  crypto: (rule) => ({ min: 0, ...rule, type: 'number' }),
  decimal: (rule) => ({ ...rule, type: 'number' }),
  'geo:lat': (rule) => ({ min: -90, max: 90, ...rule, type: 'number' }),
  'geo:lon': (rule) => ({ min: -180, max: 180, ...rule, type: 'number' }),
  'geo:point': ({ optional, nullable, custom, label, messages, default: fallback }) =>
    compact({ type: 'any', optional, nullable, custom, label, messages, default: fallback }),
  bool: (rule) => ({ convert: true, ...rule, type: 'boolean' }),
  ...Object.fromEntries(
    FORMAT_TYPES.map((type) => [type, (rule, written) => withChecks({ ...rule, type: 'any' }, formatCheck(type, written))])
  ),
  date: (rule) => (rule.convert === undefined ? { ...rule, type: 'instant' } : rule),
  // A class does not survive a definition file; neither does its check.
  class: (rule) => (rule.instanceOf === undefined ? { ...rule, type: 'any' } : rule),
  objectID: (rule) => (rule.ObjectID === undefined || rule.ObjectID === null ? { ...rule, type: 'any' } : rule),
  string: rewriteString,
  number: (rule) => (rule.enum === undefined ? rule : withChecks(omit(rule, 'enum'), listCheck(rule.enum)))
};

function rewriteString(rule) {
  const { email, url } = rule;
  const checks = [];
  if (email === true) checks.push(textCheck('email', (text) => EMAIL.test(text)));
  if (url === true) checks.push(textCheck('url', (text) => URL_TEXT.test(text)));
  const checked = { ...rule };
  if (typeof rule.contains === 'string') checked.contains = escapeText(rule.contains);
  return withChecks(checked, ...checks);
}

/** Check of non-empty text; it runs after the checks of the type, which report other values. */
function textCheck(type, accepts, what) {
  return (value, errors) => {
    if (typeof value === 'string' && value !== '' && !accepts(value)) {
      errors.push(what === undefined ? { type, actual: value } : { type, message: `The '{field}' field must be ${what}.`, actual: value });
    }
    return value;
  };
}

function listCheck(allowed) {
  return (value, errors) => {
    if (value !== undefined && value !== null && !allowed.includes(value)) {
      errors.push({ type: 'enumValue', expected: allowed.join(', '), actual: value });
    }
    return value;
  };
}

function withChecks(rule, ...checks) {
  if (checks.length === 0) return rule;
  const own = rule.custom === undefined ? [] : [rule.custom].flat();
  return { ...rule, custom: [...own, ...checks] };
}

const omit = (object, name) => Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
const compact = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/**
 * Rules of all attributes, checked.
 * @param {Record<string, any>} attributes
 * @param {{ allNestedObjectsOptional?: boolean }} [options]
 * @returns {{ rules: Record<string, object>, custom: boolean, secrets: Set<string> }} custom: some check is a function of the
 *   caller, perhaps asynchronous; secrets: paths whose values appear in no error
 */
export function rulesOf(attributes, { allNestedObjectsOptional = false } = {}) {
  const context = { allNestedObjectsOptional, seen: new Map(), custom: false, secrets: new Set() };
  const rules = propertyRules(attributes, '', context);
  return { rules, custom: context.custom, secrets: context.secrets };
}

function propertyRules(attributes, prefix, context) {
  const rules = {};
  for (const name of Object.keys(attributes)) {
    if (name.startsWith('$$')) continue;
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (FORBIDDEN_NAMES.has(name)) {
      throw new SchemaError(`Attribute '${path}' has a reserved name`, {
        attribute: path,
        suggestion: 'Choose another name for the attribute.'
      });
    }
    rules[name] = ruleOf(attributes[name], path, context);
  }
  return rules;
}

/** Rule of one definition in any notation. */
function ruleOf(definition, path, context) {
  if (typeof definition === 'string') return { ...(shorthandRules.get(definition) ?? shorthandRule(definition, path, context)) };
  if (Array.isArray(definition)) return multiRule(definition, path, context);
  if (definition === null || typeof definition !== 'object') {
    const text = definition === null ? 'null' : typeof definition;
    throw new SchemaError(`Invalid 'undefined' type in validator schema. Attribute '${path}' is ${text}`, {
      attribute: path,
      suggestion: "Write the definition as text such as 'string|required', as { type: ... }, or as an object of nested attributes."
    });
  }
  // Recursive definitions are one rule that refers to itself.
  const known = context.seen.get(definition);
  if (known !== undefined) return known;
  const rule = {};
  context.seen.set(definition, rule);
  Object.assign(rule, isRuleObject(definition) ? typedRule(definition, path, context) : nestedRule(definition, path, context));
  context.seen.delete(definition);
  return rule;
}

/** Rule of a text, kept for the next attribute with the same one if nothing but the text made it. */
function shorthandRule(text, path, context) {
  const own = { ...context, custom: false, secrets: new Set() };
  const typed = typedRule(parseShorthand(text), path, own);
  const rule = typed.type === 'currency' && !CURRENCY_OPTIONS.some((name) => typed[name] !== undefined) ? currencyRule(typed) : typed;
  if (own.custom) context.custom = true;
  for (const secret of own.secrets) context.secrets.add(secret);
  if (!own.custom && own.secrets.size === 0) {
    if (shorthandRules.size >= MOST_SHORTHANDS) shorthandRules.clear();
    shorthandRules.set(text, rule);
  }
  return rule;
}

function multiRule(alternatives, path, context) {
  if (alternatives.length === 0) {
    throw new SchemaError(`Invalid schema. Attribute '${path}' lists no alternatives`, {
      attribute: path,
      suggestion: 'Name at least one type.'
    });
  }
  const rules = alternatives.map((each) => ruleOf(each, path, context));
  const rule = { type: 'multi', rules };
  if (rules.every((each) => each.optional === true)) rule.optional = true;
  if (rules.every((each) => each.nullable === true)) rule.nullable = true;
  return rule;
}

function nestedRule(definition, path, context) {
  const rule = { type: 'object', properties: propertyRules(definition, path, context), strict: false };
  if (isNestedOptional(definition, context.allNestedObjectsOptional)) rule.optional = true;
  return rule;
}

/**
 * Whether an object of nested attributes may be missing.
 * @param {object} definition
 * @param {boolean} [allOptional]
 */
export function isNestedOptional(definition, allOptional = false) {
  const own = typeof definition.$$type === 'string' ? definition.$$type : '';
  return own.includes('optional') || (allOptional && !own.includes('required'));
}

function typedRule(definition, path, context) {
  const written = definition.type;
  const itemType = typeof written === 'string' && written.endsWith('[]') ? written.slice(0, -2) : undefined;
  const type = itemType === undefined ? canonicalType(bareType(written)) : 'array';
  if (!isKnownType(type)) {
    throw new SchemaError(`Invalid '${written}' type in validator schema.`, {
      attribute: path,
      type: written,
      suggestion: `Use a known type for '${path}', for example string, number, boolean, date, array, object, json, secret or password.`
    });
  }
  let rule = checkOptions({ ...definition, type }, path);
  if (rule.custom !== undefined || rule.check !== undefined) context.custom = true;
  if (SECRET_TYPES.has(type)) {
    context.secrets.add(path);
    if (rule.messages !== undefined) rule.messages = withoutActual(rule.messages);
  }
  if (itemType !== undefined) rule.items = itemType;
  if (type === 'embedding') rule = embeddingRule(rule, written);
  for (const name of ['items', 'key', 'value']) {
    if (name === 'value' && type !== 'record') continue;
    if (rule[name] === undefined || rule[name] === null) continue;
    const each = rule[name];
    rule[name] =
      type === 'tuple' && Array.isArray(each) ? each.map((one) => ruleOf(one, path, context)) : ruleOf(each, `${path}[]`, context);
  }
  requireOptions(rule, path);
  if (type === 'multi') rule.rules = multiRule(rule.rules ?? [], path, context).rules;
  const properties = rule.properties ?? rule.props;
  if (type === 'object' && properties !== null && typeof properties === 'object') {
    rule.properties = propertyRules(properties, path, context);
    rule.props = undefined;
  }
  return REWRITE[type] ? REWRITE[type](rule, written) : rule;
}

const CURRENCY_OPTIONS = ['currencySymbol', 'symbolOptional', 'thousandSeparator', 'decimalSeparator', 'customRegex'];
let amountCheck;

/** The shorthand `currency`: an amount, as in 13.6, or the code of a currency, as in later versions. */
function currencyRule(rule) {
  const check = (value, errors) => {
    if (value === undefined || value === null || currencyCode(value) !== undefined) return value;
    amountCheck ??= new FastestValidator().compile({ amount: 'currency' });
    if (typeof value !== 'string' || amountCheck({ amount: value }) !== true) errors.push({ type: 'currency', actual: value });
    return value;
  };
  return withChecks({ ...rule, type: 'any' }, check);
}

const withoutActual = (messages) =>
  Object.fromEntries(Object.entries(messages).map(([type, text]) => [type, text?.replaceAll('{actual}', '[redacted]')]));

/** Options without which a type has no meaning. */
function requireOptions(rule, path) {
  const missing =
    (rule.type === 'enum' && !Array.isArray(rule.values) && 'values') ||
    (rule.type === 'tuple' && rule.items !== undefined && (!Array.isArray(rule.items) || rule.items.length === 0) && 'items');
  if (missing) {
    throw new SchemaError(`Attribute '${path}' of type '${rule.type}' needs the option '${missing}'`, {
      attribute: path,
      option: missing,
      suggestion: `Add '${missing}' to the definition of '${path}'.`
    });
  }
}

function embeddingRule(rule, written) {
  const size = Number(/^embedding:(\d+)$/.exec(written)?.[1]);
  return { ...(size > 0 ? { length: size } : {}), ...rule, type: 'array', items: 'number', empty: false };
}
