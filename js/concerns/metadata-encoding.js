/** Values as they travel in S3 metadata headers. */

import { dictionaryEncode } from './dictionary-encoding.js';
import { call } from './native-call.js';

/**
 * Kind of the characters of a text and the encoding that suits it.
 * @param {any} text
 */
export function analyzeString(text) {
  if (typeof text !== 'string' || text === '') return { type: 'none', safe: true };
  const stats = { ascii: 0, latin1: 0, multibyte: 0 };
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x20 && unit <= 0x7e) stats.ascii += 1;
    else if (unit >= 0x80 && unit <= 0xff) stats.latin1 += 1;
    else stats.multibyte += 1;
  }
  const { length } = text;
  if (stats.ascii === length) return { type: 'ascii', safe: true, stats };
  if (stats.multibyte > 0) {
    if (stats.multibyte / length > 0.3) return { type: 'base64', safe: false, reason: 'high multibyte content', stats };
    return { type: 'url', safe: false, reason: 'contains multibyte characters', stats };
  }
  if (stats.latin1 / length > 0.5) return { type: 'base64', safe: false, reason: 'high Latin-1 content', stats };
  return { type: 'url', safe: false, reason: 'contains Latin-1 extended characters', stats };
}

/**
 * Encoded form of a value, always printable ASCII without outer spaces.
 * @param {any} value
 * @returns {{ encoded: string, encoding: 'none' | 'special' | 'dictionary' | 'url' | 'base64', [detail: string]: any }}
 */
export function metadataEncode(value) {
  if (value === null || value === undefined) return { encoded: String(value), encoding: 'special' };
  const text = String(value);
  const encoded = call('metadataEncodeText', [text]);
  if (encoded === text) return { encoded, encoding: 'none', analysis: analyzeString(text) };
  if (encoded.startsWith('d:')) {
    const { dictionaryType, savings } = dictionaryEncode(text);
    return { encoded, encoding: 'dictionary', dictionaryType, savings, compressionRatio: (encoded.length / text.length).toFixed(3) };
  }
  return { encoded, encoding: encoded.startsWith('u:') ? 'url' : 'base64', analysis: analyzeString(text) };
}

/**
 * @param {any} value
 * @returns {any}
 */
export function metadataDecode(value) {
  return typeof value === 'string' ? call('metadataDecode', [value]) : value;
}

/**
 * Size of the encoded form, judged by the characters alone.
 * @param {string} text
 */
export function calculateEncodedSize(text) {
  const { type } = analyzeString(text);
  const original = Buffer.byteLength(text, 'utf8');
  let encoded = original;
  if (type === 'url') encoded = encodeURIComponent(text.toWellFormed()).length + 2;
  else if (type === 'base64') encoded = Math.ceil(original / 3) * 4 + 2;
  return { original, encoded, overhead: encoded - original, ratio: encoded / original, encoding: type };
}
