import { native } from '../native/load.js';
import { storeCallbacks } from './adapter.js';
import { nativeStoreOf } from './native-store-of.js';

const adapted = new WeakMap();

const bucketOf = (client) => String(client.config?.bucket ?? client.bucket ?? 'unknown');

/**
 * A native store for any client: its own when `nativeStoreOf` allows it, else one that calls the client's
 * methods, made once per client object and bucket.
 * @param {object} client
 * @returns {import('../native/binding.d.ts').NativeStore}
 */
export function storeFor(client) {
  return nativeStoreOf(client) ?? adaptedStore(client);
}

function adaptedStore(client) {
  const bucket = bucketOf(client);
  const known = adapted.get(client);
  if (known !== undefined && known.bucket === bucket) return known.store;
  const store = native.NativeStore.js(storeCallbacks(client), JSON.stringify({ bucket }));
  // Its callbacks refer to the client weakly; the handle itself keeps it.
  Object.defineProperty(store, 'client', { value: client });
  adapted.set(client, { bucket, store });
  return store;
}
