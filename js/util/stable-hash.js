/** SHA-256 of stable JSON: the definition hashes of resources and databases. */
import { createHash } from 'node:crypto';

/**
 * JSON without whitespace, object keys in UTF-16 order at every level, undefined and function
 * members left out (null in arrays), `toJSON` honoured. Undefined for values that JSON leaves out.
 */
export function stableJson(value, key = '') {
  let current = value;
  if (current !== null && typeof current === 'object' && typeof current.toJSON === 'function') current = current.toJSON(key);
  if (current === null || typeof current !== 'object') {
    return typeof current === 'bigint' ? JSON.stringify(String(current)) : JSON.stringify(current);
  }
  if (Array.isArray(current)) return `[${current.map((item, index) => stableJson(item, String(index)) ?? 'null').join(',')}]`;
  const parts = [];
  for (const name of Object.keys(current).sort()) {
    const text = stableJson(current[name], name);
    if (text !== undefined) parts.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${parts.join(',')}}`;
}

/** `sha256:` and the hex digest of the stable JSON of a value. */
export function stableHash(value) {
  return `sha256:${createHash('sha256').update(stableJson(value) ?? 'null', 'utf8').digest('hex')}`;
}
