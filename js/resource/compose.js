/** Records of their stored form, and errors of lists: names of s3db.js that callers reach for. */
import { isPlainObject, SYSTEM_FIELDS } from './values.js';

const IN_BODY = new Set(['user-managed', 'body-overflow']);

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return isPlainObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const withoutMarkers = (resource, record) =>
  Object.fromEntries(
    Object.entries(record).filter(
      ([name]) => Object.hasOwn(resource.attributes, name) || !(name.startsWith('_') || name.startsWith('$') || SYSTEM_FIELDS.has(name))
    )
  );

/**
 * The record that `schema.mapper` and the behaviour made into metadata and body, with its id and without system fields.
 * Metadata wins over the body.
 * @param {{ id: string, metadata?: Record<string, any>, body?: string | Uint8Array, behavior?: string }} written metadata with decoded values
 */
export async function composeFullObject(resource, { id, metadata = {}, body = '', behavior = resource.behavior }) {
  const text = typeof body === 'string' ? body : Buffer.from(body ?? []).toString('utf8');
  const inBody = text === '' ? undefined : parsed(text);
  let stored = metadata;
  if (behavior === 'body-only') stored = inBody ?? {};
  else if (inBody && IN_BODY.has(behavior)) stored = { ...inBody, ...metadata };
  const map = behavior === 'body-only' && metadata._map ? parsed(metadata._map) : undefined;
  const pluginMap = parsed(metadata._pluginMap ?? metadata._pluginmap ?? '');
  const record = await resource.schema.unmapper(stored, map, pluginMap);
  return { ...withoutMarkers(resource, record), id };
}

/** Placeholder of a record whose secrets cannot be read, or null. */
export function undecryptable(id, error) {
  const message = error?.message ?? '';
  if (!message.includes('Cipher job failed') && !message.includes('OperationError')) return null;
  return { id, _decryptionFailed: true, _error: message };
}

/** What a list has for a record that failed: a placeholder when it cannot be decrypted, else the error is thrown. */
export function handleResourceError(error, id, context) {
  const placeholder = undecryptable(id, error);
  if (placeholder === null) throw error;
  return context === 'partition' ? { ...placeholder, _partition: context } : placeholder;
}

/** Reports a list that failed, and throws its error (decision 7). */
export function handleListError(resource, error, { partition = null, partitionValues = {} } = {}) {
  resource.emit('list', { partition, partitionValues, count: 0, errors: 1 });
  throw error;
}
