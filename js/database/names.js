/** Names of new resources. */
import { ResourceError } from '../errors/index.js';
import { hasControlCharacter } from '../resource/partition-rules.js';

/** Refuses names whose keys would leave or collapse the key space of the resource. Others are left to the resource's own checks. */
export function checkName(name) {
  if (typeof name !== 'string' || name.trim() === '') return;
  const segments = name.split('/');
  if (segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..') && !hasControlCharacter(name)) return;
  throw new ResourceError(`Invalid resource name '${name}': empty, '.' and '..' path segments and control characters are not allowed`, {
    resourceName: name,
    operation: 'createResource',
    field: 'name',
    statusCode: 400,
    retriable: false,
    suggestion: 'Choose a name without empty or relative path segments.'
  });
}
