/** Emission helpers: id variants and per-item errors. */

/** Emits `event` and, with an id, `event:id`. Returns a promise when something has to be waited for (`_tap` of the emitter). */
export function emitStandardized(resource, event, payload, id = null) {
  if (
    resource._eventsCount === 0 &&
    resource._taps === undefined &&
    !Object.hasOwn(resource, 'emit') &&
    !Object.hasOwn(resource, '_emitStandardized')
  )
    return undefined;
  resource._emitStandardized(event, payload, id);
  return resource._tapped === undefined ? undefined : resource._takeTapped();
}

/** Reports a failed item of a bulk operation to whoever listens; never throws for lack of a listener. */
export function emitItemError(resource, error, item) {
  if (resource.listenerCount('error') > 0) resource.emit('error', error, item);
  for (const observer of resource.observers ?? []) {
    if (typeof observer?.emit !== 'function') continue;
    if (typeof observer.listenerCount === 'function' && observer.listenerCount('error') === 0) continue;
    observer.emit('error', resource.name, error, item);
  }
}

/** Tells the observers of an event that needs no listener. */
export function emitToObservers(resource, event, ...args) {
  for (const observer of resource.observers ?? []) {
    if (typeof observer?.emit === 'function') observer.emit(event, ...args);
  }
}

/** The end of a resource object: `resource:disposed` while its listeners can still hear it. Stored data is not touched. */
export function dispose(resource) {
  try {
    resource.emitSync('resource:disposed', { resourceName: resource.name });
  } finally {
    resource.removeAllListeners();
    resource.schema.dispose();
  }
}
