/**
 * What a plugin's code puts on resources by assignment (`resource.myMethod = ...`): found by comparing own
 * properties before and after that code ran, so that uninstalling can take it back (spec/05 section 6.3).
 */
import { isLayer } from './layers.js';

/** Kept by the resource and by layers themselves. */
const INTERNAL = /^_(pluginMiddlewares$|pluginWrappers$|wrapped_|original_|events$|eventsCount$|maxListeners$)/;

function ownProperties(resource) {
  const found = new Map();
  for (const key of Reflect.ownKeys(resource)) {
    if (typeof key === 'string' && !INTERNAL.test(key)) found.set(key, Object.getOwnPropertyDescriptor(resource, key));
  }
  return found;
}

/** Own properties of resources now. */
export function footprintOf(resources) {
  return new Map(resources.map((resource) => [resource, ownProperties(resource)]));
}

const same = (a, b) => a?.value === b?.value && a?.get === b?.get;

function undo(resource, key, before, mine) {
  const now = Object.getOwnPropertyDescriptor(resource, key);
  // Somebody has put something else in its place since: that is theirs.
  if (now === undefined || !same(now, mine) || now.configurable === false) return;
  if (before === undefined) delete resource[key];
  else Object.defineProperty(resource, key, before);
}

/**
 * Undo functions for what was added or, where both are functions, replaced since `before`. Resources made meanwhile
 * are compared with nothing and skipped.
 */
export function changesSince(before) {
  const undos = [];
  for (const [resource, properties] of before) {
    for (const [key, mine] of ownProperties(resource)) {
      const earlier = properties.get(key);
      if (isLayer(mine.value)) continue;
      const added = earlier === undefined;
      const patched = !added && !same(earlier, mine) && typeof earlier.value === 'function' && typeof mine.value === 'function';
      if (added || patched) undos.push(() => undo(resource, key, earlier, mine));
    }
  }
  return undos;
}
