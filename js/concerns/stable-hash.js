/** Hash of stable JSON: the definition hashes of resources and databases. */
import { plainJson } from '../native/text.js';
import { callText } from './native-call.js';

/**
 * JSON without whitespace, object keys in UTF-16 order at every level; undefined and function
 * members are left out (null in arrays), `toJSON` is honoured.
 */
export function stableJson(value) {
  return callText('stableStringify', () => `[${plainJson(value)}]`);
}

/** `sha256:` and the hex digest of the stable JSON of a value. */
export function stableHash(value) {
  return callText('stableHash', () => `[${plainJson(value)}]`);
}
