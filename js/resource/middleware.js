/** Middlewares around resource methods. */
import { ResourceError } from '../errors/index.js';
import { isCovered } from '../util/inner-call.js';
import { currentOwner } from '../util/owner-scope.js';
import { seeThrough } from '../util/transparent.js';

let basePrototype = null;

/** Tells this module the prototype whose methods count as unmodified. */
export function registerBasePrototype(prototype) {
  basePrototype = prototype;
}

/** Methods wrapped at construction, in documented order. */
export const MIDDLEWARE_METHODS = [
  'get',
  'list',
  'listIds',
  'getAll',
  'count',
  'page',
  'insert',
  'update',
  'delete',
  'deleteMany',
  'exists',
  'getMany',
  'content',
  'hasContent',
  'query',
  'getFromPartition',
  'setContent',
  'deleteContent',
  'replace'
];

/** Wrapped on first use only, so that array and `*` forms keep their reach. */
const EXTRA_METHODS = new Set([
  'patch',
  'insertMany',
  'upsert',
  'updateConditional',
  'getOrNull',
  'getOrThrow',
  'deleteAll',
  'deleteAllData'
]);

const ALIASES = { inserted: 'insert', updated: 'update', deleted: 'delete', fetched: 'get' };

/** Installs the per-instance wrappers of the supported methods. */
export function installMiddlewares(resource) {
  resource._middlewares = new Map();
  resource._middlewareMethods = [];
  Object.defineProperty(resource, '_methodWrappers', { value: Object.create(null) });
  Object.defineProperty(resource, '_configuredMiddlewares', { value: new WeakSet() });
  for (const method of MIDDLEWARE_METHODS) {
    if (typeof resource[method] !== 'function') continue;
    resource._middlewareMethods.push(method);
    wrapMethod(resource, method);
  }
}

function wrapMethod(resource, method) {
  const original = resource[method].bind(resource);
  const slot = `_original_${method}`;
  const chain = [];
  resource._middlewares.set(method, chain);
  resource[slot] = original;
  resource[method] = wrapperOf(resource, method, original, chain, slot);
  resource._methodWrappers[method] = resource[method];
}

/** Anonymous for the reason that `step` gives; every resource has about twenty. */
function wrapperOf(resource, method, original, chain, slot) {
  return (...args) => {
    if (chain.length === 0) return original(...args);
    return runChain(chain, { resource, args, method }, slot);
  };
}

/**
 * Calls a step of the chain, and behind the last one the method. Steps get an anonymous function: the bundler records the
 * name of each named one when it is made, which takes longer than a cached read.
 */
function step(chain, index, ctx, slot) {
  if (index >= chain.length) return ctx.resource[slot](...ctx.args);
  let called = false;
  return chain[index](ctx, async () => {
    if (called) throw calledTwice(ctx);
    called = true;
    return step(chain, index + 1, ctx, slot);
  });
}

/** Not async: a promise inside a promise costs as much. */
function runChain(chain, ctx, slot) {
  try {
    return Promise.resolve(step(chain, 0, ctx, slot));
  } catch (error) {
    return Promise.reject(error);
  }
}

function calledTwice({ resource, method }) {
  return new ResourceError('Resource middleware next() called multiple times', {
    resourceName: resource.name,
    method,
    statusCode: 500,
    retriable: false,
    suggestion: 'Call next() at most once per middleware.'
  });
}

function unknownMethod(name, resourceName) {
  return new ResourceError(`No such method for middleware: ${name}`, {
    resourceName,
    operation: 'useMiddleware',
    method: name,
    statusCode: 400,
    suggestion: `Use one of: ${[...MIDDLEWARE_METHODS, ...EXTRA_METHODS].join(', ')}.`
  });
}

/** Refuses a configuration of middlewares that names unknown methods, before anything is declared. */
export function checkMiddlewares(middlewares, resourceName) {
  if (middlewares === null || typeof middlewares !== 'object' || Array.isArray(middlewares)) return;
  for (const name of Object.keys(middlewares)) {
    const method = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
    if (method !== '*' && !MIDDLEWARE_METHODS.includes(method) && !EXTRA_METHODS.has(method)) throw unknownMethod(name, resourceName);
  }
}

/** Appends a middleware to a method. */
export function useMiddleware(resource, name, fn) {
  const method = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  if (typeof fn !== 'function') {
    throw new ResourceError(`Middleware for '${name}' must be a function`, {
      resourceName: resource.name,
      operation: 'useMiddleware',
      method: name,
      statusCode: 400,
      suggestion: 'Pass a function (ctx, next) as the second argument of useMiddleware().'
    });
  }
  if (!resource._middlewares.has(method)) {
    if (!EXTRA_METHODS.has(method)) throw unknownMethod(name, resource.name);
    wrapMethod(resource, method);
  }
  const chain = resource._middlewares.get(method);
  chain.push(fn);
  currentOwner()?.track('middleware', () => {
    const index = chain.indexOf(fn);
    if (index !== -1) chain.splice(index, 1);
  });
}

/**
 * Adds the middlewares of a configuration: an array for every wrapped method, or an object from
 * method (or `*`) to functions. A function identical to, or with the same source as, one of an
 * earlier configuration takes its place.
 */
export function configureMiddlewares(resource, middlewares) {
  if (!middlewares) return;
  const taken = new Map();
  const add = (method, fn) => {
    if (typeof fn !== 'function') return;
    const name = Object.hasOwn(ALIASES, method) ? ALIASES[method] : method;
    const chain = resource._middlewares.get(name);
    const used = taken.get(name) ?? new Set();
    taken.set(name, used);
    const source = String(fn);
    const configured = resource._configuredMiddlewares;
    const index =
      chain?.findIndex((entry, at) => !used.has(at) && configured.has(entry) && (entry === fn || String(entry) === source)) ?? -1;
    configured.add(fn);
    if (index === -1) {
      useMiddleware(resource, method, fn);
      used.add(resource._middlewares.get(name).length - 1);
    } else {
      chain[index] = fn;
      used.add(index);
    }
  };
  const addAll = (method, list) => {
    for (const fn of Array.isArray(list) ? list : [list]) {
      if (method === '*') for (const name of resource._middlewareMethods) add(name, fn);
      else add(method, fn);
    }
  };
  if (Array.isArray(middlewares)) addAll('*', middlewares);
  else for (const method of Object.keys(middlewares)) addAll(method, middlewares[method]);
}

/**
 * True when a call of the method would run nothing but the method of the class, and middlewares that `operation` may
 * bypass because their owner covers it as a whole.
 */
export function isUnmodified(resource, method, operation = undefined) {
  const chain = resource._middlewares.get(method);
  if (chain !== undefined) {
    const own = resource._methodWrappers[method];
    if (resource[method] !== own && seeThrough(resource[method]) !== own) return false;
    if (!chain.every((fn) => isCovered(fn, operation))) return false;
  } else if (Object.hasOwn(resource, method)) {
    return false;
  }
  const prototype = Object.getPrototypeOf(resource);
  return prototype === basePrototype || prototype[method] === basePrototype[method];
}
