/** Passwords that are given back as they were read: the stored hash is kept, never hashed again (spec/04 section 16.6). */
import { isBcryptHash } from '../concerns/password-hashing.js';
import { isNotFound } from '../errors/index.js';
import { fromText } from '../native/text.js';
import { getNested } from '../util/nested.js';
import { nativeOf, toPublic } from './native.js';
import { isPlainObject } from './values.js';

const IS_PASSWORD = /^\s*password\s*(\||:|$)/;

/** Dotted paths of the password attributes of a definition. */
export function passwordPaths(attributes, prefix = '') {
  const paths = [];
  for (const [name, definition] of Object.entries(attributes)) {
    const path = `${prefix}${name}`;
    const type = isPlainObject(definition) ? definition.type : definition;
    if (typeof type === 'string') {
      if (IS_PASSWORD.test(type)) paths.push(path);
      const members = isPlainObject(definition) ? (definition.props ?? definition.properties) : undefined;
      if (isPlainObject(members)) paths.push(...passwordPaths(members, `${path}.`));
    } else if (isPlainObject(definition)) {
      paths.push(...passwordPaths(definition, `${path}.`));
    }
  }
  return paths;
}

/** The read of the stored record when the new one carries one of its password hashes, else null. */
export async function readOfKeptHashes(resource, id, record) {
  const given = resource._passwordPaths.filter((path) => {
    const value = getNested(record, path);
    return typeof value === 'string' && value.length >= 53 && isBcryptHash(value);
  });
  if (given.length === 0) return null;
  try {
    const read = await nativeOf(resource).read(id);
    const stored = fromText(read.text);
    return given.some((path) => getNested(stored, path) === getNested(record, path)) ? read : null;
  } catch (error) {
    const failure = toPublic(resource, error, { id, operation: 'replace' });
    if (isNotFound(failure)) return null;
    throw failure;
  }
}
