import { posix } from 'node:path';
import { ValidationError } from '../errors/index.js';

const trimSlash = (text) => (text.endsWith('/') ? text.slice(0, -1) : text);

function requireText(value, field) {
  if (typeof value !== 'string') {
    throw new ValidationError(`${field} must be a string`, { field, value, suggestion: `Pass ${field} as a string.` });
  }
}

function refuse(field, value, keyPrefix) {
  throw new ValidationError(`${field} leaves the key prefix of the client`, {
    field,
    value,
    keyPrefix,
    statusCode: 400,
    suggestion: `Remove ".." segments so that the normalized ${field} stays under the key prefix.`
  });
}

/** True when a normalized key is the prefix directory's content, not the directory or something beside it. */
function isUnder(full, keyPrefix) {
  const root = trimSlash(posix.normalize(keyPrefix));
  if (root === '.') return full !== '..' && !full.startsWith('../') && full !== '.';
  return full.startsWith(`${root}/`);
}

/**
 * Object key of a caller's key. With a prefix the result is normalized as POSIX paths are; without
 * one the key is used verbatim (existing data depends on both).
 * @param {string} keyPrefix
 * @param {string} key
 * @param {string} [field] name for errors
 */
export function fullKey(keyPrefix, key, field = 'key') {
  requireText(key, field);
  if (!keyPrefix) return key;
  // A plain key below a plain prefix is what nearly every call has.
  const full = posix.join(keyPrefix, key);
  if (!isUnder(full, keyPrefix)) refuse(field, key, keyPrefix);
  return full;
}

/**
 * Prefix of a listing. An empty prefix lists the database path itself, never its siblings.
 * @param {string} keyPrefix
 * @param {string} [prefix]
 */
export function listPrefix(keyPrefix, prefix) {
  if (prefix === undefined || prefix === null || prefix === '') {
    if (!keyPrefix) return '';
    const root = posix.normalize(keyPrefix);
    if (root === '.' || root === './') return '';
    return root.endsWith('/') ? root : `${root}/`;
  }
  requireText(prefix, 'prefix');
  if (!keyPrefix) return prefix;
  const full = posix.join(keyPrefix, prefix);
  if (full === trimSlash(posix.normalize(keyPrefix))) return `${full}/`;
  if (!isUnder(full, keyPrefix)) refuse('prefix', prefix, keyPrefix);
  return full;
}

/**
 * Position in a listing ("only keys after this one"). It is compared, not used as a key.
 * @param {string} keyPrefix
 * @param {string | undefined | null} position
 * @returns {string | undefined}
 */
export function listPosition(keyPrefix, position) {
  if (position === undefined || position === null || position === '') return undefined;
  requireText(position, 'startAfter');
  return keyPrefix ? listPrefix(keyPrefix) + position.replace(/^\/+/, '') : position;
}

/**
 * A returned key relative to the client's prefix.
 * @param {string} keyPrefix
 * @param {string} key
 */
export function stripPrefix(keyPrefix, key) {
  if (!keyPrefix) return key;
  let rest = key;
  if (key.startsWith(keyPrefix)) rest = key.slice(keyPrefix.length);
  else {
    const root = posix.normalize(keyPrefix);
    if (key.startsWith(root)) rest = key.slice(root.length);
  }
  return rest.startsWith('/') ? rest.slice(1) : rest;
}

/**
 * `CopySource` of a key, percent-encoded per segment.
 * @param {string} bucket
 * @param {string} key full key
 */
export function copySource(bucket, key) {
  return `${bucket}/${key}`.split('/').map(encodeURIComponent).join('/');
}

/**
 * Bucket and key of a `CopySource`: percent-decoded, with or without a leading slash.
 * @param {string} source
 * @returns {{ bucket: string, key: string }}
 */
export function parseCopySource(source) {
  requireText(source, 'CopySource');
  let text = source;
  try {
    text = decodeURIComponent(source);
  } catch {
    // A raw key with a stray percent sign, as 13.6 callers write it.
  }
  if (text.startsWith('/')) text = text.slice(1);
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1) {
    throw new ValidationError('CopySource must have the form bucket/key', { field: 'CopySource', value: source, statusCode: 400 });
  }
  return { bucket: text.slice(0, slash), key: text.slice(slash + 1) };
}

/**
 * Compares keys in the order of their UTF-8 bytes, which is the order of S3 listings.
 * @param {string} a
 * @param {string} b
 */
export function compareKeys(a, b) {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      // Surrogates sort after all other units in UTF-8.
      const sx = x >= 0xd800 && x <= 0xdfff;
      const sy = y >= 0xd800 && y <= 0xdfff;
      return sx === sy ? x - y : sx ? 1 : -1;
    }
  }
  return a.length - b.length;
}

/**
 * ETag without `W/` and quotes, the form that is compared.
 * @param {string | undefined | null} etag
 */
export function bareEtag(etag) {
  return typeof etag === 'string' ? etag.trim().replace(/^W\//, '').replace(/^"|"$/g, '') : undefined;
}

/**
 * ETag in quotes, as S3 sends it.
 * @param {string | undefined | null} etag
 */
export function quotedEtag(etag) {
  return typeof etag === 'string' ? `"${bareEtag(etag)}"` : undefined;
}
