/** The `security` option of later versions: passphrase, pepper and the costs of password hashes. */

import { ValidationError } from '../errors/index.js';

const KEYS = new Set(['passphrase', 'pepper', 'bcrypt', 'argon2']);
const DEFAULT_ROUNDS = 12;
const MAX_MEMORY = 4_194_304;

function refuse(field, value, expected) {
  throw new ValidationError(`Option '${field}' must be ${expected}`, {
    statusCode: 400,
    field,
    value,
    suggestion: `Correct or leave out '${field}'.`
  });
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const inRange = (value, min, max) => Number.isInteger(value) && value >= min && value <= max;

function group(security, name) {
  const value = security[name] ?? {};
  if (!isObject(value)) refuse(`security.${name}`, undefined, 'an object');
  return value;
}

function secretText(security, name) {
  const value = security[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') refuse(`security.${name}`, undefined, 'text');
  return value === '' ? undefined : value;
}

function argonCost({ memoryCost = 65_536, timeCost = 3, parallelism = 4 }) {
  if (!inRange(parallelism, 1, 1024)) refuse('security.argon2.parallelism', parallelism, 'a whole number from 1 to 1024');
  if (!inRange(timeCost, 1, 65_536)) refuse('security.argon2.timeCost', timeCost, 'a whole number from 1 to 65536');
  if (!inRange(memoryCost, 8 * parallelism, MAX_MEMORY) || !Number.isInteger(Math.log2(memoryCost))) {
    const least = 2 ** Math.ceil(Math.log2(8 * parallelism));
    refuse('security.argon2.memoryCost', memoryCost, `a power of two in KiB from ${least} (8 times the parallelism) to ${MAX_MEMORY}`);
  }
  return { memoryCost, timeCost, parallelism };
}

/**
 * Checked settings. Without the option nothing but the defaults of Argon2id is set.
 * @param {{ passphrase?: string, pepper?: string, bcrypt?: { rounds?: number },
 *   argon2?: { memoryCost?: number, timeCost?: number, parallelism?: number } } | null} [security]
 *   pepper is appended to every password before it is hashed; rounds 4 to 31, 12 when left out; memoryCost in KiB, a power of
 *   two, 65536 when left out; timeCost 3; parallelism 4
 * @returns {{ passphrase?: string, pepper?: string, rounds?: number, argon2: object }}
 * @throws {ValidationError} naming the option
 */
export function passwordSettings(security) {
  if (security === undefined || security === null) return { argon2: argonCost({}) };
  if (!isObject(security)) refuse('security', undefined, 'an object { passphrase, pepper, bcrypt, argon2 }');
  const { rounds = DEFAULT_ROUNDS } = group(security, 'bcrypt');
  if (!inRange(rounds, 4, 31)) refuse('security.bcrypt.rounds', rounds, 'a whole number from 4 to 31');
  return {
    passphrase: secretText(security, 'passphrase'),
    pepper: secretText(security, 'pepper'),
    rounds,
    argon2: argonCost(group(security, 'argon2'))
  };
}

/** Names in the option that mean nothing. */
export const unknownSecurityOptions = (security) => (isObject(security) ? Object.keys(security).filter((key) => !KEYS.has(key)) : []);
