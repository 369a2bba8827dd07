/** Hash of stable JSON: the definition hashes of resources and databases. */
import { call } from './native-call.js';

/**
 * JSON without whitespace, object keys in UTF-16 order at every level; undefined and function
 * members are left out (null in arrays), `toJSON` is honoured.
 */
export function stableJson(value) {
  return call('stableStringify', [plain(value)]);
}

/** `sha256:` and the hex digest of the stable JSON of a value. */
export function stableHash(value) {
  return call('stableHash', [plain(value)]);
}

const plain = (value) => JSON.parse(JSON.stringify(value));
