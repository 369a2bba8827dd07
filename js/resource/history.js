/** Historical copies: one slot per id, for records of an older definition version that are rewritten. */
import { fullKey } from '../client/keys.js';
import { storeFor } from '../client/store-for.js';
import { fromText, toText } from '../native/text.js';
import { withoutId } from './insert.js';
import { nativeOf, toPublic } from './native.js';
import { normaliseId, recordKey } from './partition-rules.js';
import { withoutSystemFields } from './values.js';

function keysOf(resource, id) {
  const { client } = resource;
  const prefix = client.config?.keyPrefix ?? client.keyPrefix ?? '';
  return {
    record: fullKey(prefix, recordKey(resource.name, id)),
    history: fullKey(prefix, `resource=${resource.name}/historical/id=${normaliseId(id)}`)
  };
}

/** Copies the stored object as it is: its codes belong to the version named in its `_v`. */
async function copyStored(store, keys, stamp) {
  const meta = JSON.parse(await store.head(keys.record));
  const metadata = [...meta.metadata, ['_historicalTimestamp', stamp]];
  const request = { from: keys.record, to: keys.history, metadata };
  if (meta.contentType) request.contentType = meta.contentType;
  if (meta.etag) request.sourceIfMatch = meta.etag;
  await store.copy(JSON.stringify(request));
}

async function writeGiven(resource, store, keys, id, data, stamp) {
  const record = withoutId(withoutSystemFields(data, resource.attributes));
  const { metadata, body, contentType } = fromText(await nativeOf(resource).encode(toText(record), 'insert', id));
  const request = { key: keys.history, metadata: [...metadata, ['_historicalTimestamp', stamp]] };
  if (contentType) request.contentType = contentType;
  await store.put(JSON.stringify(request), body ? Buffer.from(body, 'utf8') : null);
}

/**
 * Writes the historical copy of a record. A record that was read from an older version is copied as
 * stored; other data is written in the form of an insert under the current version.
 */
export async function createHistoricalVersion(resource, id, data) {
  const store = storeFor(resource.client);
  const stamp = new Date().toISOString();
  try {
    const keys = keysOf(resource, id);
    if (data._versionMapped) await copyStored(store, keys, stamp);
    else await writeGiven(resource, store, keys, id, data, stamp);
  } catch (error) {
    throw toPublic(resource, error, { id, operation: 'createHistoricalVersion' });
  }
}
