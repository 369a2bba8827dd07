/**
 * Which plugin's code is running: what it registers on databases, resources and clients meanwhile is
 * noted, so that uninstalling the plugin takes it back (spec/05 section 6.3).
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage();
let running = 0;

/** The owner whose code is running here, or undefined. Cheap while no scope is open. */
export function currentOwner() {
  return running === 0 ? undefined : storage.getStore();
}

/**
 * Runs `fn` as code of `owner`; awaited work it starts belongs to the owner too, until `fn` has settled.
 * @param {{ track(undo: () => void): void } | undefined} owner
 * @param {() => any} fn
 */
export async function runAsOwner(owner, fn) {
  running += 1;
  try {
    return await storage.run(owner, fn);
  } finally {
    running -= 1;
    // Async context tracking slows every promise on Node 20: none of it outlives the scopes.
    if (running === 0) storage.disable();
  }
}
