/** The facts about a resource that decide between native bulk calls and loops over its methods. */
import { decide } from '../fastpath/decide.js';
import { hasHooks } from './hooks.js';
import { isUnmodified } from './middleware.js';

/** True when anybody listens to an event of the resource or to a variant of it for one id. */
export function isHeard(resource, event) {
  if (resource.listenerCount(event) > 0 || resource._taps?.has(event)) return true;
  const variant = `${event}:`;
  return resource.eventNames().some((name) => typeof name === 'string' && name.startsWith(variant));
}

/** Whether a bulk operation of the resource may run as one native call, and what is in the way. */
export function decideBulk(resource, operation) {
  return decide(operation, {
    isUnmodified: (method) => isUnmodified(resource, method, operation),
    hasHooks: (hook) => hasHooks(resource, hook),
    isHeard: (event) => isHeard(resource, event)
  });
}
