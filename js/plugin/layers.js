/**
 * Layers that plugins put around resource methods: middlewares before, wrappers after (spec/05 sections 6.4 to 6.6).
 * The position of a layer is that of its first registration; later ones of the same kind and method join it.
 */
import { DatabaseError, PluginError } from '../errors/index.js';

/** Layer -> the method it was put around and the list it runs. */
const layers = new WeakMap();

/** True for a function that is one of the layers of this module. */
export function isLayer(fn) {
  return typeof fn === 'function' && layers.has(fn);
}

function requireMethod(plugin, resource, methodName, verb) {
  if (resource === null || resource === undefined || typeof resource[methodName] !== 'function') {
    throw new PluginError(`Cannot ${verb} "${methodName}"`, {
      pluginName: plugin.name,
      operation: 'addMiddleware',
      methodName,
      resourceName: resource?.name ?? 'unknown',
      statusCode: 400,
      retriable: false,
      suggestion: `Name a method of the resource; '${methodName}' is not one.`
    });
  }
}

function requireFunction(plugin, fn, methodName, operation) {
  if (typeof fn === 'function') return;
  throw new PluginError(`${operation} of "${methodName}" needs a function`, {
    pluginName: plugin.name,
    operation,
    methodName,
    statusCode: 400,
    retriable: false,
    suggestion: 'Pass a function as the third argument.'
  });
}

function refuseStale(resource, methodName) {
  throw new DatabaseError(`Resource '${resource.name}' belongs to a disconnected database`, {
    operation: methodName,
    resourceName: resource.name,
    statusCode: 410,
    retriable: false,
    suggestion: 'Connect again and take the resource from database.resources.'
  });
}

/** Puts a layer around the method; mocks keep what their test framework reads from them. */
function install(resource, methodName, list, run) {
  const inner = resource[methodName];
  const layer = async function (...args) {
    if (list.length === 0) return inner.apply(this, args);
    return run(this, inner, args);
  };
  if (inner._isMockFunction) {
    Object.setPrototypeOf(layer, Object.getPrototypeOf(inner));
    Object.assign(layer, inner);
  }
  layers.set(layer, { inner, list });
  resource[methodName] = layer;
}

/** Takes the emptied outermost layers off again; inner ones just pass through. */
function peel(resource, methodName) {
  for (;;) {
    const layer = layers.get(resource[methodName]);
    if (layer === undefined || layer.list.length > 0) return;
    resource[methodName] = layer.inner;
  }
}

function removeFrom(resource, methodName, list, fn) {
  const index = list.indexOf(fn);
  if (index !== -1) list.splice(index, 1);
  if (list.length === 0) peel(resource, methodName);
}

/** A list that is still part of a layer of the method, or undefined. */
function liveList(resource, methodName, list) {
  if (list === undefined) return undefined;
  for (let layer = layers.get(resource[methodName]); layer !== undefined; layer = layers.get(layer.inner)) {
    if (layer.list === list) return list;
  }
  // Something else covers the layer: it still runs, unless it was taken off while it was empty.
  return list.length > 0 ? list : undefined;
}

/** Adds `async (next, ...args)` around a method; the first registered is outermost. */
export function addMiddleware(plugin, resource, methodName, middleware) {
  requireMethod(plugin, resource, methodName, 'add middleware to');
  requireFunction(plugin, middleware, methodName, 'addMiddleware');
  resource._pluginMiddlewares ??= {};
  let chain = liveList(resource, methodName, resource._pluginMiddlewares[methodName]);
  if (chain === undefined) {
    chain = [];
    resource._pluginMiddlewares[methodName] = chain;
    install(resource, methodName, chain, (self, inner, args) => {
      // The chain as it is when the call begins: a plugin that leaves meanwhile does not shift the others.
      const steps = [...chain];
      const from =
        (position) =>
        async (...passed) =>
          position < steps.length ? steps[position].call(self, from(position + 1), ...passed) : inner.apply(self, passed);
      return from(0)(...args);
    });
  }
  chain.push(middleware);
  return () => removeFrom(resource, methodName, chain, middleware);
}

/** Adds `async (result, args, methodName)` after a method; what it returns is the result. */
export function wrapMethod(plugin, resource, methodName, wrapper) {
  requireMethod(plugin, resource, methodName, 'wrap');
  requireFunction(plugin, wrapper, methodName, 'wrapResourceMethod');
  resource._pluginWrappers ??= new Map();
  let wrappers = liveList(resource, methodName, resource._pluginWrappers.get(methodName));
  if (wrappers === undefined) {
    wrappers = [];
    resource._pluginWrappers.set(methodName, wrappers);
    resource[`_wrapped_${methodName}`] = resource[methodName];
    install(resource, methodName, wrappers, async (self, inner, args) => {
      let result = await inner.apply(self, args);
      for (const each of [...wrappers]) result = await each.call(self, result, args, methodName);
      return result;
    });
  }
  wrappers.push(wrapper);
  return () => removeFrom(resource, methodName, wrappers, wrapper);
}

/**
 * After a disconnect the methods of a resource that plugins had layers on refuse to run: they would do without what
 * their plugins are there for.
 */
export function retireLayers(resource) {
  for (const methodName of [...Object.keys(resource._pluginMiddlewares ?? {}), ...(resource._pluginWrappers?.keys() ?? [])]) {
    resource[methodName] = async () => refuseStale(resource, methodName);
  }
}
