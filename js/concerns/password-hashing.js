/** Password hashes: bcrypt and Argon2id, full and in their stored forms. */

import { fromNative } from '../errors/from-native.js';
import { ValidationError } from '../errors/index.js';
import { native } from '../native/load.js';
import { call, pureFunction } from './native-call.js';

const DEFAULT_ROUNDS = 10;
const LATER_DEFAULT_ROUNDS = 12;
const MAX_ATTEMPTS = 3;
const ALGORITHMS = ['bcrypt', 'argon2id'];

/** Costs that databases of this process use or have found stored, newest first. */
const registered = [];

/**
 * Makes `verifyPassword` try a cost for hashes stored without one.
 * @param {number} rounds
 */
export function registerRounds(rounds) {
  if (!Number.isInteger(rounds) || rounds === DEFAULT_ROUNDS) return;
  const at = registered.indexOf(rounds);
  if (at >= 0) registered.splice(at, 1);
  registered.unshift(rounds);
}

function check(password, rounds) {
  if (typeof password !== 'string' || password === '') {
    throw new ValidationError('Password must be a non-empty string', {
      statusCode: 400,
      field: 'password',
      suggestion: 'Pass the password as non-empty text.'
    });
  }
  if (!Number.isInteger(rounds) || rounds < 4 || rounds > 31) {
    throw new ValidationError('Bcrypt rounds must be between 4 and 31', {
      statusCode: 400,
      field: 'rounds',
      value: rounds,
      suggestion: 'Use a whole number from 4 to 31; 10 to 12 are usual.'
    });
  }
}

/** Options of `hashPassword`, checked; a number is the bcrypt cost. */
function hashOptions(options) {
  if (options === null || typeof options !== 'object') return { algorithm: 'bcrypt', rounds: options, pepper: '' };
  const { algorithm = 'bcrypt', rounds, bcrypt, argon2, pepper = '', passphrase, ...others } = options;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) {
    throw new ValidationError(`Unknown option '${unknown}' of hashPassword`, {
      statusCode: 400,
      field: unknown,
      suggestion: 'Use algorithm, rounds, bcrypt: { rounds }, argon2: { memoryCost, timeCost, parallelism } and pepper.'
    });
  }
  if (!ALGORITHMS.includes(algorithm)) {
    throw new ValidationError(`Unknown password algorithm '${algorithm}'`, {
      statusCode: 400,
      field: 'algorithm',
      value: algorithm,
      suggestion: `Use one of ${ALGORITHMS.join(', ')}.`
    });
  }
  if (typeof pepper !== 'string') {
    throw new ValidationError("Option 'pepper' of hashPassword must be text", {
      statusCode: 400,
      field: 'pepper',
      suggestion: 'Pass the same text as in the security option of the database.'
    });
  }
  return { algorithm, rounds: rounds ?? bcrypt?.rounds ?? LATER_DEFAULT_ROUNDS, argon2: argon2 ?? {}, pepper };
}

/**
 * @param {string} password
 * @param {number | { algorithm?: 'bcrypt' | 'argon2id', rounds?: number, bcrypt?: { rounds?: number }, pepper?: string,
 *   argon2?: { memoryCost?: number, timeCost?: number, parallelism?: number } }} [options] the bcrypt cost, 4 to 31, 10 when left
 *   out; or settings as in the `security` option of a database, where it is 12 when left out. The pepper is appended to the password
 * @returns {Promise<string>} full hash: `$2b$...`, 60 characters, or `$argon2id$...`
 * @throws {ValidationError} naming the option
 */
export async function hashPassword(password, options = DEFAULT_ROUNDS) {
  const { algorithm, rounds, argon2, pepper } = hashOptions(options);
  check(password, rounds);
  try {
    if (algorithm === 'argon2id') return await native.hashArgon2(password, pepper, JSON.stringify(argon2));
    return await native.hashPassword(password + pepper, rounds);
  } catch (error) {
    throw fromNative(error, { operation: 'hashPassword' });
  }
}

/**
 * As `hashPassword`, blocking the event loop.
 * @param {string} password
 * @param {number} [rounds]
 * @returns {string}
 */
export function hashPasswordSync(password, rounds = DEFAULT_ROUNDS) {
  check(password, rounds);
  try {
    return native.hashPasswordSync(password, rounds);
  } catch (error) {
    throw fromNative(error, { operation: 'hashPassword' });
  }
}

/**
 * Whether a password belongs to a hash, full or as stored. The 53 characters that `password` attributes store do not name
 * their cost: `rounds` is tried, or else 10 and the costs that databases of this process use.
 * @param {string} plaintext
 * @param {string} hash
 * @param {string | { rounds?: number, pepper?: string }} [options] the pepper of the database, or options
 * @returns {Promise<boolean>} false for anything that is not a password and its hash
 */
export async function verifyPassword(plaintext, hash, options = {}) {
  if (typeof plaintext !== 'string' || typeof hash !== 'string' || plaintext === '' || hash === '') return false;
  const { rounds: given, pepper = '' } = typeof options === 'string' ? { pepper: options } : (options ?? {});
  const rounds = given === undefined ? [DEFAULT_ROUNDS, ...registered].slice(0, MAX_ATTEMPTS) : [given];
  try {
    return await native.verifyPassword(plaintext + pepper, hash, JSON.stringify(rounds));
  } catch {
    // By contract the answer is never an exception.
    return false;
  }
}

/**
 * Hash without its algorithm prefix, as it is stored: 53 characters of bcrypt, which do not tell the cost, or
 * `$<version>|<log2 memory>|<time>|<parallelism>$<salt>$<digest>` of Argon2id.
 * @param {string} hash
 * @returns {string}
 */
export const compactHash = pureFunction('compactHash');

/** As `compactHash`, with the cost of bcrypt hashes: `$<base62 cost>$<53 characters>`, the form of `password:bcrypt`. */
export const compactWithCost = pureFunction('compactWithCost');

/**
 * Full hash of a stored one.
 * @param {string} compact
 * @param {number} [rounds] where the hash does not tell its cost
 * @returns {string}
 */
export const expandHash = (compact, rounds = DEFAULT_ROUNDS) => call('expandHash', [compact, rounds]);

/** Whether a text is a bcrypt hash, full or as stored. */
export const isBcryptHash = (text) => call('isBcryptHash', [text]);

/** Whether a text is an Argon2 hash, full or as stored. */
export const isArgon2Hash = (text) => call('isArgon2Hash', [text]);

/**
 * @param {any} text
 * @returns {'bcrypt' | 'argon2id' | 'argon2i' | 'argon2d' | null} null for what is no hash
 */
export const detectAlgorithm = (text) => call('detectAlgorithm', [text]);

/** Whether a text is a password hash, full or as stored. */
export const isPasswordHash = (text) => detectAlgorithm(text) !== null;
