import { ValidationError } from '../errors/index.js';
import { native } from '../native/load.js';
import { fromText, toText } from '../native/text.js';

const PRINTABLE = /^[\x20-\x7e]*$/;
// What the dictionary may know: one of its words, or a text with one of its prefixes.
const DICTIONARY_WORD = /^[a-z][a-z0-9/+._-]*$/;

/**
 * Wire form of one metadata value. Only values that need work cross into native code.
 * @param {unknown} value
 * @returns {string}
 */
export function encodeValue(value) {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  const text = String(value);
  const plain =
    PRINTABLE.test(text) &&
    text.charCodeAt(1) !== 58 &&
    text[0] !== ' ' &&
    text[text.length - 1] !== ' ' &&
    text[0] !== '/' &&
    !text.startsWith('http') &&
    !DICTIONARY_WORD.test(text);
  return plain ? text : fromText(native.pure('metadataEncodeText', toText([text])));
}

/**
 * Value of a wire form; `null` and `undefined` restored.
 * @param {unknown} wire
 */
export function decodeValue(wire) {
  if (typeof wire !== 'string') return wire;
  if (wire === 'null') return null;
  if (wire === 'undefined') return undefined;
  if (wire.charCodeAt(1) !== 58) return wire;
  return fromText(native.pure('metadataDecode', toText([wire])));
}

/**
 * Metadata as it is sent: names restricted to `[A-Za-z0-9_-]`, values in wire form.
 * @param {Record<string, unknown>} metadata
 * @param {{ caseSensitive?: boolean }} [options] `caseSensitive`: the store keeps the case of names
 * @returns {Record<string, string>}
 */
export function encodeMetadata(metadata, { caseSensitive = false } = {}) {
  const encoded = Object.create(null);
  const seen = caseSensitive ? null : new Map();
  for (const [name, value] of Object.entries(metadata)) {
    const key = name.replace(/[^a-zA-Z0-9\-_]/g, '_');
    if (seen !== null) {
      const lower = key.toLowerCase();
      const other = seen.get(lower);
      if (other !== undefined) {
        throw new ValidationError(`Metadata names "${other}" and "${name}" are the same header, so one value would be lost`, {
          field: 'metadata',
          value: [other, name],
          statusCode: 400,
          suggestion: 'Rename one of them: S3 ignores the case of metadata names.'
        });
      }
      seen.set(lower, name);
    }
    encoded[key] = encodeValue(value);
  }
  return { ...encoded };
}

/**
 * @param {Record<string, unknown> | undefined} metadata
 * @returns {Record<string, unknown>}
 */
export function decodeMetadata(metadata) {
  const decoded = {};
  for (const [name, value] of Object.entries(metadata ?? {})) {
    // Not an assignment: `__proto__` is an ordinary name.
    Object.defineProperty(decoded, name, { value: decodeValue(value), writable: true, enumerable: true, configurable: true });
  }
  return decoded;
}
