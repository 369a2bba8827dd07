/** Random ids and passwords. */

import { ValidationError } from '../errors/index.js';
import { native } from '../native/load.js';

const URL_ALPHABET = 'useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict';
const PASSWORD_ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const ID_SIZE = 22;
const PASSWORD_SIZE = 16;
/** Ids made by one call of the engine. */
const BATCH = 512;

/** Generator that takes ids from a batch while the size stays the same. */
function batched(alphabet, defaultSize) {
  let pool = '';
  let at = 0;
  let pooledSize = -1;
  return (size = defaultSize) => {
    if (!Number.isInteger(size) || size < 0) {
      throw new ValidationError('The size of an id must be a whole number of at least 0', {
        field: 'size',
        value: size,
        suggestion: 'Pass the number of characters, for example 22.'
      });
    }
    if (size === 0) return '';
    if (size > 1024) return native.ids(1, size, alphabet);
    if (size !== pooledSize || at >= pool.length) {
      pool = native.ids(BATCH, size, alphabet);
      pooledSize = size;
      at = 0;
    }
    const id = pool.slice(at, at + size);
    at += size;
    return id;
  };
}

/** Id of 22 characters, or of `size`. */
export const idGenerator = batched(undefined, ID_SIZE);

/** Password of 16 unambiguous characters, or of `size`. */
export const passwordGenerator = batched(PASSWORD_ALPHABET, PASSWORD_SIZE);

/**
 * @param {string} alphabet
 * @param {number} size
 * @returns {(size?: number) => string}
 */
export function createCustomGenerator(alphabet, size) {
  if (typeof alphabet !== 'string' || alphabet === '') {
    throw new ValidationError('The alphabet of ids must be non-empty text', {
      field: 'alphabet',
      suggestion: "Pass the symbols as one string, for example '0123456789abcdef'."
    });
  }
  return batched(alphabet, size);
}

/** @returns {string} the 64 symbols of ids */
export const getUrlAlphabet = () => URL_ALPHABET;

/** Resolves at once: generators are usable immediately. */
export async function initializeNanoid() {}

/** @returns {null} generators need no package that could fail to load */
export const getNanoidInitializationError = () => null;
