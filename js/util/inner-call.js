/**
 * What plugins that answer or count reads need to know of calls that the methods of a resource make on the resource
 * itself: that they are part of another call, and whether that one was told to skip caches. Nothing is passed on
 * resources that no such plugin watches.
 */

/** Member of the options of inner calls. */
const INNER = Symbol('inner call');

/** Resource -> number of plugins that look at inner calls. */
const watched = new WeakMap();

/** Middleware -> bulk operations that may go without it, because its owner covers them as a whole. */
const covers = new WeakMap();

/** Resource -> functions to run when its data changed in another way than through a write method. */
const listeners = new WeakMap();

/** Asks for marks on the inner calls of a resource; returns the undo. */
export function watchInnerCalls(resource) {
  watched.set(resource, (watched.get(resource) ?? 0) + 1);
  let active = true;
  return () => {
    if (active) watched.set(resource, watched.get(resource) - 1);
    active = false;
  };
}

/**
 * Options to merge into those of an inner call.
 * @param {object} resource
 * @param {any} outer options of the call that makes it
 */
export function innerOptions(resource, outer) {
  if (!((watched.get(resource) ?? 0) > 0)) return undefined;
  return outer?.skipCache === true ? { [INNER]: true, skipCache: true } : { [INNER]: true };
}

/** The same as trailing arguments, for methods whose options come last. */
export function innerArgs(resource, outer) {
  const options = innerOptions(resource, outer);
  return options === undefined ? [] : [options];
}

/** Whether the last argument of a call says that it is an inner one. */
export function isInnerCall(last) {
  return last !== null && typeof last === 'object' && last[INNER] === true;
}

/** Declares that bulk operations of these names may bypass a middleware. */
export function coverOperations(middleware, operations) {
  covers.set(middleware, new Set(operations));
  return middleware;
}

/** Whether a middleware may be bypassed by an operation. */
export function isCovered(middleware, operation) {
  return covers.get(middleware)?.has(operation) === true;
}

/** Runs `listener` after maintenance of a resource: partition references rebuilt, data purged. Returns the undo. */
export function onMaintenance(resource, listener) {
  const set = listeners.get(resource) ?? new Set();
  listeners.set(resource, set);
  set.add(listener);
  return () => set.delete(listener);
}

/** The result of maintenance, once those who follow it have done their part. */
export async function maintained(resource, result) {
  const value = await result;
  for (const listener of listeners.get(resource) ?? []) await listener();
  return value;
}
