/** Short codes for values that are common in metadata. */

import { call } from './native-call.js';

const SYMBOLS = [...'0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
/** Entries by kind, and the characters that the exact ones save on average. */
const STATS = {
  contentTypes: 20,
  urlPrefixes: 16,
  statusMessages: 17,
  total: 53,
  avgSavingsContentType: 10.8,
  avgSavingsStatus: 96 / 17
};

let tables;

/** Codes of the engine, read back from what it decodes. */
function loadTables() {
  if (tables !== undefined) return tables;
  const entries = (mark) =>
    SYMBOLS.map((symbol) => [call('dictionaryDecode', [`d:${mark}${symbol}`]), mark + symbol]).filter(
      ([value]) => typeof value === 'string'
    );
  tables = {
    exact: new Map(entries('')),
    prefixes: entries('@').sort(([a], [b]) => b.length - a.length)
  };
  return tables;
}

/**
 * Encoded form of a known value or prefix, or null.
 * @param {any} value
 */
export function dictionaryEncode(value) {
  if (typeof value !== 'string' || value === '') return null;
  const { exact, prefixes } = loadTables();
  const code = exact.get(value);
  if (code !== undefined) return result(value, `d:${code}`, { dictionaryType: 'exact' });
  const found = prefixes.find(([prefix]) => value.startsWith(prefix));
  if (found === undefined) return null;
  const remainder = value.slice(found[0].length);
  return result(value, `d:${found[1]}${remainder}`, { dictionaryType: 'prefix', prefix: found[0], remainder });
}

function result(value, encoded, { dictionaryType, ...extra }) {
  const originalLength = value.length;
  const encodedLength = encoded.length;
  return {
    encoded,
    encoding: 'dictionary',
    originalLength,
    encodedLength,
    dictionaryType,
    ...extra,
    savings: originalLength - encodedLength
  };
}

/**
 * Value of an encoded form; null when it is none.
 * @param {any} encoded
 * @returns {string | null}
 */
export function dictionaryDecode(encoded) {
  return typeof encoded === 'string' && encoded.startsWith('d:') ? call('dictionaryDecode', [encoded]) : null;
}

/**
 * Lengths with and without the dictionary.
 * @param {any} value
 */
export function calculateDictionaryCompression(value) {
  const encoded = dictionaryEncode(value);
  if (encoded === null) {
    const length = typeof value === 'string' ? value.length : 0;
    return { compressible: false, original: length, encoded: length, savings: 0, ratio: 1 };
  }
  const { originalLength, encodedLength, savings } = encoded;
  return {
    compressible: true,
    original: originalLength,
    encoded: encodedLength,
    savings,
    ratio: encodedLength / originalLength,
    savingsPercent: `${((savings / originalLength) * 100).toFixed(1)}%`
  };
}

/** Number of entries by kind. */
export const getDictionaryStats = () => ({ ...STATS });
