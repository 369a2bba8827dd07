/** Random and time-ordered ids, and passwords. */

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

/** Alias of `idGenerator`, the name that later versions use. */
export const sid = idGenerator;

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID_TIME = 10;
const ulidRandom = batched(CROCKFORD, 16);
const hexRandom = batched('0123456789abcdef', 19);
/** Values of the counter of `uuidv7` within a millisecond. */
const UUID_COUNTS = 0x1000;

/** Text of a time in Crockford's base 32. */
function ulidTime(ms) {
  let text = '';
  for (let left = ms; text.length < ULID_TIME; left = Math.floor(left / 32)) text = CROCKFORD[left % 32] + text;
  return text;
}

/** The text that follows in Crockford's base 32; undefined after the last one of its length. */
function nextCrockford(text) {
  const at = text.search(/[^Z]Z*$/);
  if (at === -1) return undefined;
  return text.slice(0, at) + CROCKFORD[CROCKFORD.indexOf(text[at]) + 1] + '0'.repeat(text.length - at - 1);
}

const lastUlid = { time: -1, random: undefined };
const lastUuid = { time: -1, count: UUID_COUNTS };

/** Id of 26 characters: the millisecond, then 80 random bits. Each one of a process is greater than those before. */
export function ulid() {
  const now = Date.now();
  const random = now > lastUlid.time ? undefined : nextCrockford(lastUlid.random);
  if (random === undefined) lastUlid.time = Math.max(now, lastUlid.time + 1);
  lastUlid.random = random ?? ulidRandom();
  return ulidTime(lastUlid.time) + lastUlid.random;
}

/** UUID of version 7 (RFC 9562): the millisecond, a counter, 62 random bits. Each one of a process is greater than those before. */
export function uuidv7() {
  const now = Date.now();
  const random = hexRandom();
  lastUuid.count += 1;
  if (now > lastUuid.time || lastUuid.count >= UUID_COUNTS) {
    lastUuid.time = Math.max(now, lastUuid.time + 1);
    // The upper half of the counter is left for ids of the same millisecond.
    lastUuid.count = Number.parseInt(random.slice(0, 3), 16) % (UUID_COUNTS / 2);
  }
  const time = lastUuid.time.toString(16).padStart(12, '0');
  const count = lastUuid.count.toString(16).padStart(3, '0');
  const variant = '89ab'[Number.parseInt(random[3], 16) % 4];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${variant}${random.slice(4, 7)}-${random.slice(7)}`;
}

/** @returns {string} the 64 symbols of ids */
export const getUrlAlphabet = () => URL_ALPHABET;

/** Resolves at once: generators are usable immediately. */
export async function initializeNanoid() {}

/** @returns {null} generators need no package that could fail to load */
export const getNanoidInitializationError = () => null;
