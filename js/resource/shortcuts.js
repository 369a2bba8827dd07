/** Inserts that leave out steps on request, whatever middlewares and plugins they pass on their way (StreamInserter and its like). */
import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage();
let running = 0;

/**
 * Runs inserts of a resource without some of their steps.
 * @param {object} resource
 * @param {{ references?: boolean, hooks?: boolean, validation?: boolean }} skipped true for each step to leave out
 * @param {() => any} run
 */
export async function skipping(resource, skipped, run) {
  if (!skipped.references && !skipped.hooks && !skipped.validation) return run();
  running += 1;
  try {
    return await storage.run({ ...skipped, resource }, run);
  } finally {
    running -= 1;
    // Async context tracking slows every promise on Node 20: none of it outlives the calls.
    if (running === 0) storage.disable();
  }
}

/** Whether an insert of the resource leaves out a step. Cheap while no such call runs. */
export function isSkipped(resource, step) {
  if (running === 0) return false;
  const scope = storage.getStore();
  return scope !== undefined && scope.resource === resource && scope[step] === true;
}
