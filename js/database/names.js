/** Names of new resources. */
import { ResourceError } from '../errors/index.js';
import { hasControlCharacter } from '../resource/partition-rules.js';

/** Refuses names whose keys would leave or collapse the key space of the resource. Others are left to the resource's own checks. */
export function checkName(name) {
  if (typeof name !== 'string' || name.trim() === '') return;
  const segments = name.split('/');
  if (isReserved(name)) throw refused(name, `Invalid resource name '${name}': JavaScript keeps it for the prototype of objects`);
  if (segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..') && !hasControlCharacter(name)) return;
  throw refused(name, `Invalid resource name '${name}': empty, '.' and '..' path segments and control characters are not allowed`);
}

/** Whether a name cannot be a property of its own of `database.resources`, nor of `s3db.json`. */
export const isReserved = (name) => name === '__proto__';

function refused(name, message) {
  return new ResourceError(message, {
    resourceName: name,
    operation: 'createResource',
    field: 'name',
    statusCode: 400,
    retriable: false,
    suggestion: 'Choose a name of letters, digits, hyphens and underscores.'
  });
}
