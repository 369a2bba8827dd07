/** Defaults of attribute definitions: shorthand, object notation and nested, for `undefined` only. */
import { cloneValue, isPlainObject } from './values.js';

const cache = new WeakMap();

/** Names whose presence marks an object as a rule rather than a nested object of attributes. */
function isRule(definition) {
  return typeof definition.type === 'string' || Array.isArray(definition.type);
}

/** Default of a shorthand definition, or undefined when it has none. */
function shorthandDefault(definition) {
  const match = /(?:^|\|)\s*default:([^|]*)/.exec(definition);
  if (match === null) return undefined;
  const text = match[1];
  if (definition.includes('boolean')) return text === 'true';
  if (definition.includes('number')) return Number(text);
  return text;
}

function collect(attributes) {
  const entries = [];
  for (const name of Object.keys(attributes ?? {})) {
    const definition = attributes[name];
    if (typeof definition === 'string') {
      const value = shorthandDefault(definition);
      if (value !== undefined) entries.push({ name, value });
    } else if (isPlainObject(definition)) {
      if (isRule(definition)) {
        if (definition.default !== undefined && definition.default !== null) entries.push({ name, value: definition.default, definition });
        const members = collect(definition.props ?? definition.properties);
        if (members.length > 0) entries.push({ name, members });
      } else {
        const members = collect(definition);
        if (members.length > 0) entries.push({ name, members });
      }
    }
  }
  return entries;
}

function entriesOf(attributes) {
  let entries = cache.get(attributes);
  if (entries === undefined) cache.set(attributes, entries = collect(attributes));
  return entries;
}

/** Forgets the defaults of attributes that were changed in place. */
export function forgetDefaults(attributes) {
  cache.delete(attributes);
}

function fill(target, entries, root) {
  for (const { name, value, definition, members } of entries) {
    if (members !== undefined) {
      if (isPlainObject(target[name])) target[name] = fill({ ...target[name] }, members, root);
    } else if (target[name] === undefined) {
      target[name] = typeof value === 'function' ? value.call(null, definition, name, target, root) : cloneValue(value);
    }
  }
  return target;
}

/** Fills the defaults of a record that the caller owns. */
export function applyDefaultsInPlace(resource, record) {
  const entries = entriesOf(resource.attributes);
  return entries.length === 0 ? record : fill(record, entries, record);
}

/** Copy of the data with defaults filled. */
export function applyDefaults(resource, data) {
  return applyDefaultsInPlace(resource, { ...data });
}
