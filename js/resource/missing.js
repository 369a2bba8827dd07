/** Whether a failed read means that the record is not there. */
import { isNotFound } from '../errors/index.js';
import { isHookError } from './hooks.js';

const saysNoSuchKey = ({ name, code, message }) => name === 'NoSuchKey' || code === 'NoSuchKey' || String(message).includes('NoSuchKey');

/** True for errors that name another record, or another object, than the one that was read. */
function isAboutAnother(resource, id, { resourceName, id: about, key }, hooked) {
  // An id without a resource may be anything of a client's.
  if (typeof resourceName === 'string') {
    return resourceName !== resource.name || (about !== undefined && about !== null && String(about) !== String(id));
  }
  return hooked && typeof key === 'string' && !key.includes(`resource=${resource.name}/`);
}

/**
 * True when an error of `get` means that this record does not exist. A hook may fail because something else does not (a
 * related record, a page of some service): that is an error like any other, unless it says `NoSuchKey` of no other record.
 */
export function isMissing(resource, id, error) {
  if (error === null || typeof error !== 'object' || !(isNotFound(error) || saysNoSuchKey(error))) return false;
  const hooked = isHookError(error);
  return !(hooked && !saysNoSuchKey(error)) && !isAboutAnother(resource, id, error, hooked);
}
