/**
 * Helpers on record values: plain-object test, clones, the deep merge of updates,
 * system fields.
 */
import { ValidationError } from '../errors/index.js';

/** Fields that reads add to a record and that are never stored (plugin attributes are not among them). */
export const SYSTEM_FIELDS = new Set([
  '_v',
  '_contentLength',
  '_lastModified',
  '_hasContent',
  '_mimeType',
  '_etag',
  '_definitionHash',
  '_versionId',
  '_expiresAt',
  '_originalVersion',
  '_versionMapped',
  '_partition',
  '_partitionValues',
  '_decryptionFailed',
  '_error',
  '$overflow',
  '$truncated',
  '$before',
  '$after'
]);

const UNSAFE_SEGMENTS = new Set(['__proto__', 'constructor', 'prototype']);

/** True for `{}`-like objects: prototype `Object.prototype` (of any realm) or null. */
export function isPlainObject(value) {
  if (value === null || typeof value !== 'object') return false;
  const proto = Object.getPrototypeOf(value);
  return proto === null || proto === Object.prototype || Object.getPrototypeOf(proto) === null;
}

/** Deep copy of plain objects and arrays; dates and buffers are copied, everything else is kept by reference. */
export function cloneValue(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(cloneValue);
  if (value instanceof Date) return new Date(value.getTime());
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (!isPlainObject(value)) return value;
  const copy = {};
  for (const key of Object.keys(value)) setOwn(copy, key, cloneValue(value[key]));
  return copy;
}

/** Assigns an own property, also under names that would reach a setter of `Object.prototype`. */
function setOwn(target, key, value) {
  if (key === '__proto__') Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  else target[key] = value;
}

/** Those that every read sets, so that an attribute of that name could never be seen. */
const OF_EVERY_READ = new Set(['_v', '_contentLength', '_lastModified', '_hasContent', '_mimeType', '_etag', '_definitionHash']);

/** Copy of a record without the system fields of reads. Attributes that a resource declares under one of the rarer names stay. */
export function withoutSystemFields(record, attributes = {}) {
  const copy = {};
  for (const key of Object.keys(record)) {
    if (!SYSTEM_FIELDS.has(key) || (Object.hasOwn(attributes, key) && !OF_EVERY_READ.has(key))) setOwn(copy, key, record[key]);
  }
  return copy;
}

/** Refuses path segments that would reach a prototype. */
export function checkSegments(key) {
  const segments = key.includes('.') ? key.split('.') : [key];
  for (const segment of segments) {
    if (UNSAFE_SEGMENTS.has(segment)) {
      throw new ValidationError(`Attribute path '${key}' contains the reserved segment '${segment}'`, {
        field: key,
        statusCode: 400,
        suggestion: 'Rename the attribute: __proto__, constructor and prototype cannot be attribute names.'
      });
    }
  }
  return segments;
}

/** Refuses reserved keys at any depth of plain data. */
export function checkKeysDeep(value) {
  if (value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) {
    for (const item of value) checkKeysDeep(item);
  } else if (isPlainObject(value)) {
    for (const key of Object.keys(value)) {
      if (UNSAFE_SEGMENTS.has(key)) checkSegments(key);
      checkKeysDeep(value[key]);
    }
  }
}

/**
 * Deep merge with the semantics of lodash `merge` for plain data: undefined members of the source
 * are skipped when the target has a value, arrays merge by index, other objects replace.
 */
function mergeInto(target, source) {
  for (const key of Object.keys(source)) {
    if (UNSAFE_SEGMENTS.has(key)) checkSegments(key);
    const value = source[key];
    const current = Object.hasOwn(target, key) ? target[key] : undefined;
    if (value === undefined) {
      if (!Object.hasOwn(target, key)) target[key] = undefined;
    } else if (Array.isArray(value)) {
      target[key] = mergeInto(Array.isArray(current) ? current : [], value);
    } else if (isPlainObject(value)) {
      const base = isPlainObject(current) || Array.isArray(current) ? current : {};
      target[key] = mergeInto(base, value);
    } else {
      target[key] = value;
    }
  }
  return target;
}

/** Deep merge of `source` into a copy of `target`. */
export function mergeDeep(target, source) {
  return mergeInto(isPlainObject(target) ? cloneValue(target) : {}, source);
}

/**
 * Applies the attributes of an update to a copy of the record: dotted keys write the path, plain
 * objects merge deeply, everything else replaces.
 */
export function mergeUpdate(record, attributes) {
  const merged = { ...record };
  for (const key of Object.keys(attributes)) {
    const value = attributes[key];
    const segments = checkSegments(key);
    if (segments.length > 1) {
      writePath(merged, segments, value);
    } else if (isPlainObject(value)) {
      merged[key] = mergeDeep(merged[key], value);
    } else {
      merged[key] = value;
    }
  }
  return merged;
}

function writePath(root, segments, value) {
  let current = root;
  for (let i = 0; i < segments.length - 1; i += 1) {
    const segment = segments[i];
    const next = Object.hasOwn(current, segment) ? current[segment] : undefined;
    if (Array.isArray(next)) current[segment] = [...next];
    else if (next !== null && typeof next === 'object') current[segment] = isPlainObject(next) ? { ...next } : next;
    else current[segment] = {};
    current = current[segment];
  }
  current[segments.at(-1)] = value;
}

/** Emptiness in the sense of lodash `isEmpty` for what callers pass as an id. */
export function isEmptyId(id) {
  if (id === null || id === undefined) return true;
  if (typeof id === 'string') return id.length === 0;
  return typeof id === 'number' || typeof id === 'boolean' ? true : typeof id === 'object' && Object.keys(id).length === 0;
}

/** JSON-safe copy of attribute definitions: functions become null, as the binding expects. */
export function plainDefinition(value) {
  if (typeof value === 'function') return null;
  if (value === null || typeof value !== 'object' || value instanceof RegExp || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(plainDefinition);
  const copy = {};
  for (const key of Object.keys(value)) copy[key] = plainDefinition(value[key]);
  return copy;
}
