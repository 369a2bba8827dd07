/**
 * Resource hooks: the 24 lists, their execution, and the bookkeeping that lets a repeated
 * configuration replace its own functions instead of appending them again.
 */
import { ResourceError } from '../errors/index.js';
import { nearestName } from '../util/nearest-name.js';
import { currentOwner } from '../util/owner-scope.js';
import { isUnmodified } from './middleware.js';
import { createReferences, deleteReferences } from './partitions.js';
import { isSkipped } from './shortcuts.js';
import { warnUnknownHook } from './warnings.js';

/** Hook names in documented order. */
export const HOOK_NAMES = [
  'beforeInsert',
  'afterInsert',
  'beforeUpdate',
  'afterUpdate',
  'beforeDelete',
  'afterDelete',
  'beforeGet',
  'afterGet',
  'beforeList',
  'afterList',
  'beforeQuery',
  'afterQuery',
  'beforeExists',
  'afterExists',
  'beforeCount',
  'afterCount',
  'beforePatch',
  'afterPatch',
  'beforeReplace',
  'afterReplace',
  'beforeGetMany',
  'afterGetMany',
  'beforeDeleteMany',
  'afterDeleteMany'
];

const KNOWN = new Set(HOOK_NAMES);

/** Internal partition hooks: they stand in the lists, operations skip them. */
const INTERNAL = new WeakSet();

/** Bound hook -> the function the caller gave. */
const ORIGINAL = new WeakMap();

/** Bound hooks that came from a configuration, and may be replaced by the next one. */
const CONFIGURED = new WeakSet();

/** What hooks threw: it says nothing about the record or request of the operation that ran them. */
const THROWN = new WeakSet();

/** True for errors that came out of a hook. */
export function isHookError(error) {
  return error !== null && typeof error === 'object' && THROWN.has(error);
}

/** True for a known hook name. */
export function isHookName(name) {
  return KNOWN.has(name);
}

/** Fresh table of empty lists. */
export function emptyHooks() {
  const hooks = {};
  for (const name of HOOK_NAMES) hooks[name] = [];
  return hooks;
}

/** The function a hook entry was made from. */
export function originalHook(entry) {
  return ORIGINAL.get(entry) ?? entry;
}

function bindHook(resource, fn) {
  const bound = fn.bind(resource);
  ORIGINAL.set(bound, fn);
  return bound;
}

/** Appends a hook; unknown names are ignored with a warning. */
export function addHook(resource, name, fn) {
  if (typeof fn !== 'function') {
    throw new ResourceError(`Hook '${name}' must be a function`, {
      resourceName: resource.name,
      operation: 'addHook',
      field: name,
      statusCode: 400,
      suggestion: 'Pass a function as the second argument of addHook().'
    });
  }
  if (!KNOWN.has(name)) {
    warnUnknownHook(resource, name, nearestName(String(name), HOOK_NAMES));
    return;
  }
  resource.hooks[name].push(bindHook(resource, fn));
  currentOwner()?.track('hook', () => removeHook(resource, name, fn));
}

/** Removes the first hook made from `fn`; true when one was found. */
export function removeHook(resource, name, fn) {
  const list = resource.hooks[name];
  if (!list) return false;
  const index = list.findIndex((entry) => !INTERNAL.has(entry) && (entry === fn || ORIGINAL.get(entry) === fn));
  if (index === -1) return false;
  list.splice(index, 1);
  return true;
}

/**
 * Adds the hooks of a configuration. A function identical to, or with the same source as, one of an
 * earlier configuration takes its place; others are appended.
 */
export function configureHooks(resource, hooks) {
  if (!hooks) return;
  for (const name of Object.keys(hooks)) {
    if (!KNOWN.has(name) || !Array.isArray(hooks[name])) continue;
    const list = resource.hooks[name];
    const taken = new Set();
    for (const fn of hooks[name]) {
      if (typeof fn !== 'function') continue;
      const bound = bindHook(resource, fn);
      CONFIGURED.add(bound);
      const source = String(fn);
      const index = list.findIndex(
        (entry, at) => !taken.has(at) && CONFIGURED.has(entry) && (ORIGINAL.get(entry) === fn || String(ORIGINAL.get(entry)) === source)
      );
      if (index === -1) {
        taken.add(list.length);
        list.push(bound);
      } else {
        taken.add(index);
        list[index] = bound;
      }
    }
  }
}

/** Installs the pair of internal partition hooks, first in their lists, at most once. */
export function setupPartitionHooks(resource) {
  const partitions = resource.config.partitions;
  if (!partitions || Object.keys(partitions).length === 0) return;
  if (!resource.hooks.afterInsert.some((entry) => INTERNAL.has(entry))) {
    const hook = async (data) => {
      await createReferences(resource, data);
      return data;
    };
    INTERNAL.add(hook);
    resource.hooks.afterInsert.unshift(hook);
  }
  if (!resource.hooks.afterDelete.some((entry) => INTERNAL.has(entry))) {
    const hook = async (data) => {
      await deleteReferences(resource, data);
      return data;
    };
    INTERNAL.add(hook);
    resource.hooks.afterDelete.unshift(hook);
  }
}

const OF_INSERTS = new Set(['beforeInsert', 'afterInsert']);

/** True when user hooks of that name exist, and are not left out. */
export function hasHooks(resource, name) {
  const list = resource.hooks[name];
  if (list === undefined || list.length === 0 || (OF_INSERTS.has(name) && isSkipped(resource, 'hooks'))) return false;
  return list.length > 1 || !INTERNAL.has(list[0]);
}

/** True when `executeHooks` was replaced on the instance or in a subclass. */
function isReplaced(resource) {
  return !isUnmodified(resource, 'executeHooks');
}

/**
 * Runs the user hooks of an operation, skipping internal ones; a hook that returns undefined leaves
 * the value as it is.
 */
export async function runHooks(resource, name, data) {
  try {
    return await chained(resource, name, data);
  } catch (error) {
    if (error !== null && typeof error === 'object') THROWN.add(error);
    throw error;
  }
}

async function chained(resource, name, data) {
  if (isReplaced(resource)) {
    const result = await resource.executeHooks(name, data);
    return result === undefined ? data : result;
  }
  const list = resource.hooks[name];
  let value = data;
  for (let i = 0; i < list.length; i += 1) {
    const hook = list[i];
    if (INTERNAL.has(hook)) continue;
    const result = await hook(value);
    if (result !== undefined) value = result;
  }
  return value;
}

/** Public `executeHooks`: the whole chain, internal hooks included. */
export async function executeHooks(resource, name, data) {
  const list = resource.hooks[name];
  if (!list) return data;
  let value = data;
  for (const hook of list) {
    const result = await hook(value);
    if (result !== undefined) value = result;
  }
  return value;
}

/** Whether an operation has to run hooks of that name at all. */
export function needsHooks(resource, name) {
  return hasHooks(resource, name) || (isReplaced(resource) && !(OF_INSERTS.has(name) && isSkipped(resource, 'hooks')));
}
