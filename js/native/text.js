/**
 * Tagged text, the form in which values cross to the engine: JSON in which an object whose first
 * key is "\u0000" stands for a value that JSON lacks.
 */

import { types } from 'node:util';
import { ValidationError } from '../errors/index.js';

const TAG = '\u0000';
const TAG_IN_TEXT = '"\\u0000"';
const MAX_PLAIN_DEPTH = 64;
const MAX_DEPTH = 1000;

/**
 * Tagged text of a value. Plain values take one walk and `JSON.stringify`; anything else is written
 * piece by piece. Lone surrogates become U+FFFD.
 * @param {unknown} value
 * @param {string} [field] name of the value in error messages
 * @returns {string}
 */
export function toText(value, field = '') {
  if (isPlain(value, 0)) return plainText(value);
  return repaired(write(value, field, []));
}

/**
 * The same for a value that is known to be plain.
 * @param {unknown} value
 * @returns {string}
 */
export const plainText = (value) => repaired(JSON.stringify(value));

/**
 * Tagged text of what `JSON.stringify` makes of a value.
 * @param {unknown} value
 * @returns {string}
 */
export function plainJson(value) {
  const text = plainText(value);
  // A member of this name would be taken for a tag.
  return text.includes(TAG_IN_TEXT) ? toText(JSON.parse(text)) : text;
}

const repaired = (text) => (text.includes('\\ud') ? wellFormed(text) : text);

/**
 * Value of a tagged text.
 * @param {string} text
 * @returns {any}
 */
export function fromText(text) {
  const value = JSON.parse(text);
  return text.includes(TAG_IN_TEXT) ? revive(value) : value;
}

/** True for numbers that JSON has a text for: neither NaN, an infinity nor -0. */
export function isJsonNumber(value) {
  return value === 0 ? 1 / value > 0 : value - value === 0;
}

/** True for texts, truth values, and numbers that JSON has a text for. */
export function isScalar(value) {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return isJsonNumber(value);
    default:
      return false;
  }
}

/** True when `JSON.stringify` prints the value and `JSON.parse` gives it back as it was. */
function isPlain(value, depth) {
  if (typeof value !== 'object') return isScalar(value);
  if (value === null) return true;
  // Deep nesting is left to the careful walk, which also finds cycles.
  if (depth > MAX_PLAIN_DEPTH) return false;
  if (Array.isArray(value)) {
    if (value.toJSON !== undefined) return false;
    for (let i = 0; i < value.length; i += 1) {
      if (!isPlain(value[i], depth + 1)) return false;
    }
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  // Inherited names appear only when somebody extended Object.prototype; the careful walk skips them.
  for (const key in value) {
    if (key === TAG || !isPlain(value[key], depth + 1)) return false;
  }
  return true;
}

function write(value, path, ancestors) {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      return writeNumber(value);
    case 'undefined':
      return '{"\\u0000":"undefined"}';
    case 'bigint':
      return `{"\\u0000":"bigint","v":"${value}"}`;
    case 'object':
      return value === null ? 'null' : writeObject(value, path, ancestors);
    default:
      throw unsupported(path, `a ${typeof value}`);
  }
}

function writeNumber(value) {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '{"\\u0000":"number","v":"-0"}' : String(value);
  return `{"\\u0000":"number","v":"${value}"}`;
}

function writeObject(value, path, ancestors) {
  const special = writeSpecial(value, path);
  if (special !== undefined) return special;
  if (ancestors.includes(value)) throw unsupported(path, 'a reference to an object that contains it (a cycle)');
  if (ancestors.length >= MAX_DEPTH) throw unsupported(path, `nested more than ${MAX_DEPTH} levels deep`);
  ancestors.push(value);
  const text = writeMembers(value, path, ancestors);
  ancestors.pop();
  return text;
}

function writeMembers(value, path, ancestors) {
  if (typeof value.toJSON === 'function') return write(value.toJSON(lastSegment(path)), path, ancestors);
  if (Array.isArray(value)) {
    const items = [];
    for (let i = 0; i < value.length; i += 1) items.push(write(value[i], `${path}[${i}]`, ancestors));
    return `[${items.join(',')}]`;
  }
  if (!isPlainObject(value)) throw unsupported(path, describe(value));
  const members = [];
  for (const key of Object.keys(value)) {
    const memberPath = path === '' ? key : `${path}.${key}`;
    if (key === TAG) throw unsupported(path, 'an object with a member named "\\u0000"');
    members.push(`${JSON.stringify(key)}:${write(value[key], memberPath, ancestors)}`);
  }
  return `{${members.join(',')}}`;
}

/** Text of the built-in objects that have a form of their own; undefined for the others. */
function writeSpecial(value, path) {
  if (Array.isArray(value)) return undefined;
  if (types.isDate(value)) {
    const time = Date.prototype.getTime.call(value);
    return `{"\\u0000":"date","v":${Number.isNaN(time) ? 'null' : String(time)}}`;
  }
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return writeBinary(value, path);
  if (types.isRegExp(value)) return `{"\\u0000":"regexp","v":${JSON.stringify(value.source)},"f":${JSON.stringify(value.flags)}}`;
  if (types.isBoxedPrimitive(value)) return write(value.valueOf(), path, []);
  return undefined;
}

/** Bytes for byte arrays; arrays of wider numbers (embeddings) are written as arrays. */
function writeBinary(value, path) {
  if (types.isAnyArrayBuffer(value)) return writeBytes(Buffer.from(value));
  if (value instanceof Uint8Array || types.isUint8Array(value) || types.isUint8ClampedArray(value) || types.isDataView(value)) {
    return writeBytes(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  }
  return write(Array.from(value), path, []);
}

const writeBytes = (bytes) => `{"\\u0000":"bytes","v":"${bytes.toString('base64')}"}`;

/** Plain in this realm or in another one (vm contexts have their own Object.prototype). */
function isPlainObject(value) {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

const lastSegment = (path) => path.slice(path.lastIndexOf('.') + 1);

function describe(value) {
  if (types.isMap(value)) return 'a Map';
  if (types.isSet(value)) return 'a Set';
  if (types.isPromise(value)) return 'a Promise (missing await?)';
  return `an instance of ${value.constructor?.name || 'a class'}`;
}

function unsupported(path, what) {
  const where = path === '' ? 'The value' : `'${path}'`;
  return new ValidationError(`${where} cannot be stored: it is ${what}`, {
    field: path,
    suggestion: 'Convert it to a plain object, array, string, number, boolean, Date or Buffer first, or give it a toJSON() method.'
  });
}

/** Escapes of lone surrogates are the only `\ud...` escapes that JSON.stringify writes. */
function wellFormed(text) {
  return text.replace(/\\(?:ud[89a-f][0-9a-f]{2}|.)/gs, (found) => (found.length === 6 ? '\ufffd' : found));
}

function revive(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) value[i] = revive(value[i]);
    return value;
  }
  const keys = Object.keys(value);
  if (keys[0] === TAG) return untag(value);
  for (const key of keys) {
    const item = value[key];
    if (item === null || typeof item !== 'object') continue;
    const revived = revive(item);
    if (revived === item) continue;
    // Assigning `__proto__` would set the prototype.
    if (key === '__proto__') Object.defineProperty(value, key, { value: revived, enumerable: true, configurable: true, writable: true });
    else value[key] = revived;
  }
  return value;
}

function untag(tagged) {
  const { v } = tagged;
  switch (tagged[TAG]) {
    case 'undefined':
      return undefined;
    case 'number':
      return Number(v);
    case 'bigint':
      return BigInt(v);
    case 'date':
      return new Date(v === null ? Number.NaN : v);
    case 'bytes':
      return Buffer.from(v, 'base64');
    case 'regexp':
      return new RegExp(v, tagged.f);
    default:
      return tagged;
  }
}
