/** Values of `secret` and `password` attributes never appear in errors: those are logged. */
import { bareType, canonicalType, isRuleObject } from '../schema/shorthand.js';
import { isPlainObject } from './values.js';

const HIDDEN = '[redacted]';
const TYPES = new Set(['secret', 'secretAny', 'secretNumber', 'password']);

const typeIsSecret = (text) => TYPES.has(canonicalType(bareType(text.split('|', 1)[0].trim())).replace(/\[\]$/, ''));

/** Attributes of an object, whichever notation it has; undefined for anything else. */
function membersOf(definition) {
  if (!isPlainObject(definition)) return undefined;
  return isRuleObject(definition) ? (definition.properties ?? definition.props) : definition;
}

function isSecret(definition) {
  if (typeof definition === 'string') return typeIsSecret(definition);
  // One alternative, or the items of a list: what was given is not split up.
  if (Array.isArray(definition)) return definition.some(hasSecret);
  if (!isPlainObject(definition) || !isRuleObject(definition)) return false;
  if (typeof definition.type === 'string' && typeIsSecret(definition.type)) return true;
  return [definition.items, definition.rules, definition.value].some((inner) => inner !== undefined && hasSecret(inner));
}

function hasSecret(definition) {
  return isSecret(definition) || Object.values(membersOf(definition) ?? {}).some(hasSecret);
}

function masked(definitions, values) {
  if (!isPlainObject(definitions) || !isPlainObject(values)) return values;
  const out = { ...values };
  for (const name of Object.keys(out)) {
    if (!Object.hasOwn(definitions, name) || out[name] === undefined || out[name] === null) continue;
    const definition = definitions[name];
    if (isSecret(definition)) out[name] = HIDDEN;
    else if (isPlainObject(out[name])) out[name] = masked(membersOf(definition), out[name]);
    // An object was expected: what came instead cannot be told apart.
    else if (hasSecret(definition)) out[name] = HIDDEN;
  }
  // `update` takes paths as well.
  for (const name of Object.keys(out)) if (name.includes('.') && pathIsSecret(definitions, name)) out[name] = HIDDEN;
  return out;
}

function pathIsSecret(definitions, path) {
  let members = definitions;
  for (const name of path.split(/[.[]/)) {
    if (!isPlainObject(members) || !Object.hasOwn(members, name)) return false;
    if (isSecret(members[name])) return true;
    members = membersOf(members[name]);
  }
  return members !== undefined && Object.values(members).some(hasSecret);
}

/** A copy of a record without the values of its secret attributes. */
export function withoutSecrets(resource, record) {
  return masked(resource.attributes, record);
}

/** The problems of a record, without the values of its secret attributes. */
export function problemsWithoutSecrets(resource, errors) {
  return errors.map((each) => {
    const { field, actual, message } = each;
    if (actual === undefined || typeof field !== 'string' || !pathIsSecret(resource.attributes, field)) return each;
    const clean = { ...each, actual: HIDDEN };
    if (typeof message === 'string' && typeof actual === 'string' && actual !== '') clean.message = message.replaceAll(actual, HIDDEN);
    return clean;
  });
}
