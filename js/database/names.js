/** Names of new resources. */
import { ResourceError } from '../errors/index.js';

/** Refuses names whose keys would leave or collapse the key space of the resource. Others are left to the resource's own checks. */
export function checkName(name) {
  if (typeof name !== 'string' || name.trim() === '') return;
  const segments = name.split('/');
  // eslint-disable-next-line no-control-regex
  if (segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..') && !/[\u0000-\u001f\u007f]/.test(name)) return;
  throw new ResourceError(`Invalid resource name '${name}': empty, '.' and '..' path segments and control characters are not allowed`, {
    resourceName: name, operation: 'createResource', field: 'name', statusCode: 400, retriable: false,
    suggestion: 'Choose a name without empty or relative path segments.',
  });
}
