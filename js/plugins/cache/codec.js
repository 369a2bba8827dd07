/**
 * Text of values in stores that s3db.js shares: the JSON it would write, and beside it the types that JSON loses, as tags
 * by JSON pointer (spec/10 section 10.17). s3db.js ignores the tags.
 */
import { misuse } from './cache-error.js';

const MAX_DEPTH = 500;

/** True when JSON gives the value back as it is. */
export function isPlainJson(value, depth = 0) {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return value === 0 ? 1 / value > 0 : Number.isFinite(value);
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) if (!isPlainJson(value[i], depth + 1)) return false;
    return true;
  }
  if (!isPlainObject(value) || typeof value.toJSON === 'function') return false;
  for (const key of Object.keys(value)) if (!isPlainJson(value[key], depth + 1)) return false;
  return true;
}

function isPlainObject(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

const escapeToken = (key) => key.replace(/~/g, '~0').replace(/\//g, '~1');
const unescapeToken = (token) => token.replace(/~1/g, '/').replace(/~0/g, '~');

function refuse(path, what, strict) {
  if (!strict) return;
  throw misuse(`The value cannot be cached exactly: ${path === '' ? 'it' : path} is ${what}`, {
    operation: 'set',
    suggestion: 'Cache plain objects, arrays, texts, numbers, booleans, dates and buffers.'
  });
}

/** JSON-safe copy; what JSON lacks goes to `types`. */
function convert(value, path, types, strict, depth) {
  const tag = (name, json) => {
    types[path] = name;
    return json;
  };
  switch (typeof value) {
    case 'number':
      if (Number.isNaN(value)) return tag('nan', null);
      if (!Number.isFinite(value)) return tag(value > 0 ? 'inf' : '-inf', null);
      return Object.is(value, -0) ? tag('-0', 0) : value;
    case 'bigint':
      return tag('bigint', String(value));
    case 'undefined':
      return tag('undefined', null);
    case 'function':
    case 'symbol':
      refuse(path, `a ${typeof value}`, strict);
      return undefined;
    case 'object':
      return value === null ? null : convertObject(value, path, types, strict, depth, tag);
    default:
      return value;
  }
}

function convertObject(value, path, types, strict, depth, tag) {
  if (depth > MAX_DEPTH) throw misuse(`The value is nested more than ${MAX_DEPTH} levels deep, or contains itself`, { operation: 'set' });
  if (value instanceof Date) return tag('date', Number.isNaN(value.getTime()) ? null : value.toISOString());
  if (value instanceof Uint8Array) return tag('buffer', { type: 'Buffer', data: Array.from(value) });
  if (Array.isArray(value)) return value.map((item, index) => convert(item, `${path}/${index}`, types, strict, depth + 1));
  if (typeof value.toJSON === 'function') {
    refuse(path, 'an object with toJSON', strict);
    return convert(value.toJSON(), path, types, strict, depth + 1);
  }
  if (!isPlainObject(value)) refuse(path, `an instance of ${value.constructor?.name || 'a class'}`, strict);
  const copy = Object.create(null);
  for (const key of Object.keys(value)) {
    const at = `${path}/${escapeToken(key)}`;
    const item = convert(value[key], at, types, strict, depth + 1);
    // As JSON.stringify: members without a value are left out; the tag brings them back.
    if (types[at] !== 'undefined') copy[key] = item;
  }
  return copy;
}

/**
 * JSON text and type tags of a value; text undefined where JSON has none.
 * @param {any} value
 * @param {boolean} [strict] refuse what would not read back exactly, instead of doing as `JSON.stringify` does
 * @returns {{ text: string | undefined, types: Record<string, string> }}
 */
export function encode(value, strict = false) {
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') return { text: undefined, types: {} };
  if (isPlainJson(value)) return { text: JSON.stringify(value), types: {} };
  const types = {};
  const json = convert(value, '', types, strict, 0);
  return { text: JSON.stringify(json), types };
}

function revive(tag, json) {
  switch (tag) {
    case 'date':
      return new Date(json === null ? Number.NaN : json);
    case 'buffer':
      return Buffer.from(json.data);
    case 'bigint':
      return BigInt(json);
    case 'undefined':
      return undefined;
    case 'nan':
      return Number.NaN;
    case 'inf':
      return Number.POSITIVE_INFINITY;
    case '-inf':
      return Number.NEGATIVE_INFINITY;
    case '-0':
      return -0;
    default:
      throw new Error(`unknown type tag '${tag}'`);
  }
}

/**
 * The value of a text and its type tags.
 * @throws {Error} for a text that is no JSON, or tags that do not fit it
 */
export function decode(text, types) {
  const root = { value: JSON.parse(text) };
  for (const [pointer, tag] of Object.entries(types ?? {})) {
    const tokens = pointer.split('/').slice(1).map(unescapeToken);
    let holder = root;
    let key = 'value';
    for (const token of tokens) {
      holder = holder[key];
      if (holder === null || typeof holder !== 'object') throw new Error('a type tag points outside the value');
      key = token;
    }
    const value = revive(tag, Object.hasOwn(holder, key) ? holder[key] : undefined);
    Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return root.value;
}
