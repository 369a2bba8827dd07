import FastestValidator from 'fastest-validator';
import { encrypt } from '../concerns/crypto.js';
import { compactHash, compactWithCost, hashPassword, hashPasswordSync, isPasswordHash } from '../concerns/password-hashing.js';
import { ValidationError } from '../errors/index.js';
import { showAs } from '../util/shown.js';
import { FORMAT_MESSAGES, FORMAT_TYPES, formatCheck } from './formats.js';
import { passwordSettings } from './security.js';

const MESSAGES = {
  encryptionKeyMissing: 'Missing configuration for secrets encryption.',
  encryptionProblem: 'Problem encrypting secret. Actual: {actual}. Error: {error}',
  bcryptRoundsMissing: 'Missing bcrypt rounds configuration for password hashing.',
  passwordHashingProblem: 'Problem hashing password. Error: {error}',
  ...FORMAT_MESSAGES
};

/** Error types whose `expected` the engine pastes as unescaped text between quotes. */
const RAW_EXPECTED = new Set(['stringEnum', 'enumValue', 'arrayEnum', 'objectStrict']);

const isMissing = (value) => value === undefined || value === null;

/** Value encrypted with the passphrase of the validator; a promise, which `$$async` schemas await. */
function encryptSecret(value, errors) {
  if (isMissing(value)) return value;
  if (!this.passphrase) {
    errors.push({ type: 'encryptionKeyMissing' });
    return value;
  }
  return encrypt(String(value), this.passphrase).catch((error) => {
    // The plaintext never enters the error.
    errors.push({ type: 'encryptionProblem', error: error.message });
    return value;
  });
}

function hashSecret(value, errors) {
  if (isMissing(value)) return value;
  if (!this.bcryptRounds) {
    errors.push({ type: 'bcryptRoundsMissing' });
    return value;
  }
  try {
    return compactHash(hashPasswordSync(`${value}${value === '' ? '' : this.pepper}`, this.bcryptRounds));
  } catch (error) {
    errors.push({ type: 'passwordHashingProblem', error: error.message });
    return value;
  }
}

/** Compact hash by a named algorithm; a promise, which `$$async` schemas await. */
function hashWith(algorithm) {
  return function hash(value, errors) {
    if (isMissing(value) || (String(value).startsWith('$') && isPasswordHash(value))) return value;
    const { pepper, argon2, bcryptRounds: rounds } = this;
    return hashPassword(String(value), { algorithm, pepper, argon2, rounds }).then(compactWithCost, (error) => {
      errors.push({ type: 'passwordHashingProblem', error: error.message });
      return value;
    });
  };
}

function stringifyJson(value) {
  if (isMissing(value) || typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new ValidationError('Failed to stringify JSON', { original: cause });
  }
}

/**
 * The fastest-validator class with the types of the library. The source text it compiles holds
 * definition values only in escaped form.
 */
export class Validator extends FastestValidator {
  /**
   * @param {{ options?: object, passphrase?: string, bcryptRounds?: number, security?: object, autoEncrypt?: boolean,
   *   autoHash?: boolean }} [config]
   */
  constructor({ options = {}, passphrase, bcryptRounds, security, autoEncrypt = true, autoHash = true } = {}) {
    super(engineOptions(options));
    const settings = passwordSettings(security);
    this.passphrase = passphrase ?? settings.passphrase;
    this.bcryptRounds = bcryptRounds === undefined ? (settings.rounds ?? 10) : bcryptRounds;
    Object.defineProperty(this, 'pepper', { value: settings.pepper ?? '', enumerable: false });
    this.argon2 = settings.argon2;
    this.autoEncrypt = autoEncrypt;
    this.autoHash = autoHash;
    const secret = autoEncrypt ? { custom: encryptSecret.bind(this) } : {};
    this.alias('secret', {
      type: 'string',
      ...secret,
      messages: {
        string: "The '{field}' field must be a string.",
        stringMin: "This secret '{field}' field length must be at least {expected} long."
      }
    });
    this.alias('secretAny', { type: 'any', ...secret });
    this.alias('secretNumber', { type: 'number', ...secret });
    const hashes = { password: hashSecret, 'password:bcrypt': hashWith('bcrypt'), 'password:argon2id': hashWith('argon2id') };
    for (const [name, hash] of Object.entries(hashes)) {
      this.alias(name, {
        type: 'string',
        ...(autoHash ? { custom: hash.bind(this) } : {}),
        messages: { stringMin: "This password '{field}' field length must be at least {expected} long." }
      });
    }
    for (const name of FORMAT_TYPES) this.alias(name, { type: 'any', custom: formatCheck(name) });
    this.alias('json', { type: 'any', ...(autoEncrypt ? { custom: stringifyJson } : {}) });
    this.alias('embedding', { type: 'array', items: 'number', empty: false });
  }

  /** Source of an error; texts that come from definitions are written as string literals. */
  makeError({ type, field, expected, actual, messages }) {
    const members = [`type: ${JSON.stringify(type)}`, `message: ${JSON.stringify(messages[type]) ?? 'undefined'}`];
    members.push(field ? `field: ${JSON.stringify(field)}` : 'field');
    if (!isMissing(expected)) members.push(`expected: ${escapeExpected(type, expected)}`);
    if (!isMissing(actual)) members.push(`actual: ${actual}`);
    members.push('label');
    return `errors.push({ ${members.join(', ')} });`;
  }

  /** Source of a custom check; the path is made of attribute names. */
  makeCustomValidator(options) {
    const { path } = options;
    return super.makeCustomValidator(typeof path === 'string' ? { ...options, path: escapeText(path) } : options);
  }
}

function engineOptions(options) {
  const { defaults = {}, messages = {}, ...rest } = options;
  return {
    useNewCustomCheckerFunction: true,
    ...rest,
    messages: { ...MESSAGES, ...messages },
    defaults: {
      ...defaults,
      string: { trim: true, ...defaults.string },
      object: { strict: 'remove', ...defaults.object },
      number: { convert: true, ...defaults.number }
    }
  };
}

/**
 * Text as it stands between the quotes of a JavaScript string literal.
 * @param {string} text
 * @returns {string}
 */
export function escapeText(text) {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029');
}

function escapeExpected(type, expected) {
  if (typeof expected !== 'string' || expected[0] !== '"') return expected;
  if (type === 'stringPattern') return JSON.stringify(expected.slice(1, -1).replace(/\\"/g, '"'));
  return RAW_EXPECTED.has(type) ? JSON.stringify(expected.slice(1, -1)) : expected;
}

let shared;

/** The first instance of the process, whatever it is constructed with later. */
export class ValidatorManager extends Validator {
  constructor(config) {
    super(shared === undefined ? config : undefined);
    if (shared !== undefined) {
      // biome-ignore lint/correctness/noConstructorReturn: constructing it again gives the first instance, by contract.
      return shared;
    }
    shared = this;
  }
}

// It has the passphrase.
showAs(Validator, ({ autoEncrypt, autoHash }) => ({ autoEncrypt, autoHash }));

export default Validator;
