/** Encryption of secrets and digests. */

import { fromNative } from '../errors/from-native.js';
import { native } from '../native/load.js';
import { call } from './native-call.js';

/** Runs engine work; failures are published errors without the inputs. */
async function published(operation, work) {
  try {
    return await work();
  } catch (error) {
    throw fromNative(error, { operation });
  }
}

/**
 * Encrypts text with AES-256-GCM under a key derived from the passphrase.
 * @param {any} content
 * @param {string} passphrase
 * @returns {Promise<string>} base64 of salt, nonce, ciphertext and tag
 */
export function encrypt(content, passphrase) {
  return published('encrypt', () => native.encrypt(content === undefined ? '' : String(content), String(passphrase)));
}

/**
 * @param {string} encrypted result of `encrypt`
 * @param {string} passphrase
 * @returns {Promise<string>}
 */
export function decrypt(encrypted, passphrase) {
  return published('decrypt', () => native.decrypt(String(encrypted), String(passphrase)));
}

/**
 * @param {any} text
 * @returns {Promise<string>} hexadecimal digest
 */
export async function sha256(text) {
  return call('sha256', [text]);
}

/**
 * @param {any} data text or bytes
 * @returns {Promise<string>} base64 digest
 */
export async function md5(data) {
  return call('md5', [data]);
}
