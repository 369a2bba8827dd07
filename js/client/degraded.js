import { warnOnce } from '../util/warn.js';

/** Says once per client that its store ignores conditional writes (spec/05 section 2.8). */

/** @type {WeakMap<object, { told: boolean, watchers: Set<WeakRef<object>> }>} */
const states = new WeakMap();

function stateOf(client) {
  let state = states.get(client);
  if (state === undefined) {
    state = { told: false, watchers: new Set() };
    states.set(client, state);
  }
  return state;
}

/**
 * Makes an emitter (a database) hear `db:storage:degraded` of the stores of a client.
 * @param {object} client
 * @param {{ emit(event: string, payload: object): unknown }} emitter held weakly
 */
export function watchDegraded(client, emitter) {
  const { watchers } = stateOf(client);
  for (const reference of watchers) {
    const known = reference.deref();
    if (known === emitter) return;
    if (known === undefined) watchers.delete(reference);
  }
  watchers.add(new WeakRef(emitter));
}

/**
 * Reports what the engine found out about the store of a client: to every database over the client, once, and as a
 * process warning.
 * @param {object} client
 * @param {{ bucket: string, missing: string[], mode: string }} payload
 */
export function announceDegraded(client, payload) {
  const state = stateOf(client);
  if (state.told) return;
  state.told = true;
  for (const reference of state.watchers) reference.deref()?.emit('db:storage:degraded', payload);
  warnOnce(null, {
    code: 'STORAGE_DEGRADED',
    message: `The store of bucket '${payload.bucket}' ignores conditional writes (${payload.missing.join(', ')}): locks, counters and create-only writes use the weaker read-back mode`,
    details: payload
  });
}
