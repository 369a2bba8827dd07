/** Bytes and bitmaps as base64 text, and the bits of bitmaps. Bit 0 is the lowest of the first byte. */

import { ValidationError } from '../errors/index.js';

/** Base64 characters that fit the metadata of one record. */
const METADATA_CHARACTERS = 1500;

function refuse(message, field, suggestion) {
  throw new ValidationError(message, { statusCode: 422, field, suggestion });
}

const asBuffer = (bytes) => (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));

function checkBitmap(bitmap, what = 'Bitmap') {
  if (!(bitmap instanceof Uint8Array)) refuse(`${what} must be a Buffer or Uint8Array`, 'bits', 'Make one with createBitmap(bits).');
}

function checkIndex(bitmap, index) {
  checkBitmap(bitmap);
  if (!Number.isInteger(index) || index < 0 || index >= bitmap.length * 8) {
    refuse(
      `Bit index ${index} out of bounds for bitmap of ${bitmap.length * 8} bits`,
      'index',
      'Use a whole number below the number of bits.'
    );
  }
}

function checkLength(length, bits, what) {
  if (bits === undefined || bits === null) return;
  const expected = Math.ceil(bits / 8);
  if (length !== expected) {
    refuse(
      `${what} size mismatch: expected ${expected} bytes (${bits} bits), got ${length} bytes`,
      'bits',
      'Make it with createBitmap(bits).'
    );
  }
}

/**
 * @param {Uint8Array | null | undefined} bytes
 * @returns {string | null} base64; null for nothing
 */
export function encodeBuffer(bytes) {
  if (bytes === null || bytes === undefined) return null;
  if (!(bytes instanceof Uint8Array)) refuse('Value must be a Buffer or Uint8Array', 'buffer', 'Wrap it with Buffer.from().');
  return asBuffer(bytes).toString('base64');
}

/**
 * @param {string | null | undefined} encoded
 * @returns {Buffer | null}
 */
export function decodeBuffer(encoded) {
  if (encoded === null || encoded === undefined) return null;
  if (typeof encoded !== 'string') refuse('Encoded buffer must be a string', 'encoded', 'Pass the result of encodeBuffer().');
  return Buffer.from(encoded, 'base64');
}

/**
 * @param {Uint8Array | null | undefined} bitmap
 * @param {number | null} [bits] size to check
 * @returns {string | null} base64; null for nothing
 */
export function encodeBits(bitmap, bits) {
  if (bitmap === null || bitmap === undefined) return null;
  checkBitmap(bitmap);
  checkLength(bitmap.length, bits, 'Bitmap');
  return encodeBitsFast(bitmap);
}

/**
 * @param {string | null | undefined} encoded
 * @param {number | null} [bits] size to check
 * @returns {Buffer | null}
 */
export function decodeBits(encoded, bits) {
  if (encoded === null || encoded === undefined) return null;
  if (typeof encoded !== 'string') refuse('Encoded bits must be a string', 'encoded', 'Pass the result of encodeBits().');
  const bitmap = decodeBitsFast(encoded);
  checkLength(bitmap.length, bits, 'Decoded bitmap');
  return bitmap;
}

/**
 * @param {number} bits
 * @returns {Buffer} all zero
 */
export function createBitmap(bits) {
  if (!Number.isInteger(bits) || bits <= 0) refuse('Bits must be a positive integer', 'bits', 'Pass the number of bits, for example 64.');
  return createBitmapFast(bits);
}

/** Sets a bit; returns the bitmap. */
export function setBit(bitmap, index) {
  checkIndex(bitmap, index);
  setBitFast(bitmap, index);
  return bitmap;
}

/** Clears a bit; returns the bitmap. */
export function clearBit(bitmap, index) {
  checkIndex(bitmap, index);
  clearBitFast(bitmap, index);
  return bitmap;
}

/** Inverts a bit; returns the bitmap. */
export function toggleBit(bitmap, index) {
  checkIndex(bitmap, index);
  toggleBitFast(bitmap, index);
  return bitmap;
}

/** @returns {0 | 1} */
export function getBit(bitmap, index) {
  checkIndex(bitmap, index);
  return getBitFast(bitmap, index);
}

/** @returns {number} bits that are set */
export function countBits(bitmap) {
  checkBitmap(bitmap);
  return countBitsFast(bitmap);
}

// Without checks of the arguments, for loops.
export const createBitmapFast = (bits) => Buffer.alloc((bits + 7) >> 3);
export const encodeBitsFast = (bitmap) => asBuffer(bitmap).toString('base64');
export const decodeBitsFast = (encoded) => Buffer.from(encoded, 'base64');
export const getBitFast = (bitmap, index) => (bitmap[index >> 3] >> (index & 7)) & 1;
export function setBitFast(bitmap, index) {
  bitmap[index >> 3] |= 1 << (index & 7);
}
export function clearBitFast(bitmap, index) {
  bitmap[index >> 3] &= ~(1 << (index & 7));
}
export function toggleBitFast(bitmap, index) {
  bitmap[index >> 3] ^= 1 << (index & 7);
}
export function countBitsFast(bitmap) {
  let count = 0;
  for (let byte of bitmap) for (; byte !== 0; byte &= byte - 1) count += 1;
  return count;
}

/**
 * What bytes cost as base64.
 * @param {Uint8Array} bytes
 */
export function calculateBufferSavings(bytes) {
  checkBitmap(bytes, 'Value');
  const originalBytes = bytes.length;
  const encodedSize = Math.ceil(originalBytes / 3) * 4;
  const overhead = originalBytes === 0 ? 0 : Math.round(((encodedSize - originalBytes) / originalBytes) * 10_000) / 100;
  return {
    originalBytes,
    originalBits: originalBytes * 8,
    encodedSize,
    overhead,
    overheadPercent: `${Math.round(overhead)}%`,
    fitsInMetadata: encodedSize <= METADATA_CHARACTERS,
    maxBitsInMetadata: (METADATA_CHARACTERS / 4) * 3 * 8
  };
}
