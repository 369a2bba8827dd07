/** Password hashes: bcrypt, stored without the algorithm prefix. */

import { fromNative } from '../errors/from-native.js';
import { ValidationError } from '../errors/index.js';
import { native } from '../native/load.js';
import { call, pureFunction } from './native-call.js';

const DEFAULT_ROUNDS = 10;
const MAX_ATTEMPTS = 3;

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

/**
 * @param {string} password
 * @param {number} [rounds] bcrypt cost, 4 to 31
 * @returns {Promise<string>} 60 characters
 */
export async function hashPassword(password, rounds = DEFAULT_ROUNDS) {
  check(password, rounds);
  try {
    return await native.hashPassword(password, rounds);
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
 * Whether a password belongs to a hash, full or as stored. A stored hash does not name its cost:
 * `options.rounds` is tried, or else 10 and the costs that databases of this process use.
 * @param {string} plaintext
 * @param {string} hash
 * @param {{ rounds?: number }} [options]
 * @returns {Promise<boolean>} false for anything that is not a password and its hash
 */
export async function verifyPassword(plaintext, hash, options = {}) {
  if (typeof plaintext !== 'string' || typeof hash !== 'string' || plaintext === '' || hash === '') return false;
  const rounds = options?.rounds === undefined ? [DEFAULT_ROUNDS, ...registered].slice(0, MAX_ATTEMPTS) : [options.rounds];
  try {
    return await native.verifyPassword(plaintext, hash, JSON.stringify(rounds));
  } catch {
    // By contract the answer is never an exception.
    return false;
  }
}

/**
 * Hash without its algorithm prefix, as it is stored.
 * @param {string} hash
 * @returns {string} 53 characters
 */
export const compactHash = pureFunction('compactHash');

/**
 * Full hash of a stored one.
 * @param {string} compact
 * @param {number} [rounds]
 * @returns {string}
 */
export const expandHash = (compact, rounds = DEFAULT_ROUNDS) => call('expandHash', [compact, rounds]);

/** Whether a text is a bcrypt hash, full or as stored. */
export const isBcryptHash = (text) => call('isBcryptHash', [text]);
