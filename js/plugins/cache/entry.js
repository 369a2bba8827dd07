/** The envelope of entries on S3 and Redis (spec/10 sections 10.10, 10.12 and 10.17). */
import { compress, expand } from './builtins.js';
import { decode, encode } from './codec.js';

/**
 * @param {any} value
 * @param {{ enableCompression: boolean, compressionThreshold: number, strict?: boolean, binarySize?: boolean }} options
 *   `binarySize`: `compressedSize` counts gzip bytes instead of base64 characters
 * @returns {Promise<object | null>} null for a value that has no JSON text
 */
export async function wrap(value, { enableCompression, compressionThreshold, strict = false, binarySize = false }) {
  const { text, types } = encode(value, strict);
  if (text === undefined) return null;
  const envelope = { data: text, compressed: false, originalSize: text.length };
  if (enableCompression && text.length >= compressionThreshold) {
    const bytes = await compress(Buffer.from(text, 'utf8'));
    envelope.data = bytes.toString('base64');
    envelope.compressed = true;
    envelope.compressedSize = binarySize ? bytes.length : envelope.data.length;
    envelope.compressionRatio = (envelope.compressedSize / text.length).toFixed(2);
  }
  return { ...envelope, fmt: 2, types };
}

/**
 * @param {any} envelope what was stored
 * @returns {Promise<{ value: any, fmt: number } | null>} null for what is no complete entry
 */
export async function unwrap(envelope) {
  if (envelope === null || typeof envelope !== 'object' || typeof envelope.data !== 'string') return null;
  try {
    const text = envelope.compressed ? (await expand(Buffer.from(envelope.data, 'base64'))).toString('utf8') : envelope.data;
    if (typeof envelope.originalSize === 'number' && envelope.originalSize !== text.length) return null;
    if (envelope.fmt !== 2) return { value: JSON.parse(text), fmt: 1 };
    return { value: decode(text, envelope.types), fmt: 2 };
  } catch {
    // Cut short or not ours: a miss, which the next read replaces.
    return null;
  }
}
