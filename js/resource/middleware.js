/** Middlewares around resource methods. */
import { ResourceError } from '../errors/index.js';
import { isCovered } from '../util/inner-call.js';
import { currentOwner } from '../util/owner-scope.js';
import { seeThrough } from '../util/transparent.js';

let basePrototype = null;

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

/**
 * Tells this module the prototype whose methods count as unmodified, and gives it the `_original_` members of s3db.js 13.6: the
 * method as it was when it was wrapped, bound to the resource.
 */
export function registerBasePrototype(prototype) {
  basePrototype = prototype;
  for (const method of [...MIDDLEWARE_METHODS, ...EXTRA_METHODS]) {
    Object.defineProperty(prototype, `_original_${method}`, {
      get() {
        return originalOf(this._wrapped.get(method));
      },
      set(original) {
        this._wrapped.get(method).bound = original;
      },
      configurable: true
    });
  }
}

/** Bound when first asked for: most never are. */
function originalOf(wrapped) {
  if (wrapped !== undefined) wrapped.bound ??= wrapped.original.bind(wrapped.resource);
  return wrapped?.bound;
}

/** Installs the per-instance wrappers of the supported methods. */
export function installMiddlewares(resource) {
  resource._middlewares = new Map();
  resource._middlewareMethods = MIDDLEWARE_METHODS.filter((method) => typeof resource[method] === 'function');
  Object.defineProperties(resource, {
    // method -> { resource, original, bound, wrapper }
    _wrapped: { value: new Map() },
    _configuredMiddlewares: { value: new WeakSet() }
  });
  for (const method of resource._middlewareMethods) wrapMethod(resource, method);
}

function wrapMethod(resource, method) {
  const wrapped = { resource, original: resource[method], bound: undefined, wrapper: undefined };
  const chain = [];
  wrapped.wrapper = wrapperOf(resource, method, wrapped, chain);
  resource._middlewares.set(method, chain);
  resource._wrapped.set(method, wrapped);
  resource[method] = wrapped.wrapper;
}

/** Anonymous for the reason that `step` gives; every resource has about twenty. */
function wrapperOf(resource, method, wrapped, chain) {
  const { original } = wrapped;
  return (...args) => {
    if (chain.length === 0) return original.apply(resource, args);
    return runChain(chain, { resource, args, method }, wrapped);
  };
}

/**
 * Calls a step of the chain, and behind the last one the method. Steps get an anonymous function: the bundler records the
 * name of each named one when it is made, which takes longer than a cached read.
 */
function step(chain, index, ctx, wrapped) {
  if (index >= chain.length) return originalOf(wrapped)(...ctx.args);
  let called = false;
  return chain[index](ctx, async () => {
    if (called) throw calledTwice(ctx);
    called = true;
    return step(chain, index + 1, ctx, wrapped);
  });
}

/** Not async: a promise inside a promise costs as much. */
function runChain(chain, ctx, wrapped) {
  try {
    return Promise.resolve(step(chain, 0, ctx, wrapped));
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

/** Refuses a configuration of middlewares that names unknown methods, or has what is no function, before anything is declared. */
export function checkMiddlewares(middlewares, resourceName) {
  if (!middlewares) return;
  if (typeof middlewares !== 'object') throw notAFunction('*', resourceName, 'middlewares');
  for (const [name, given] of Array.isArray(middlewares) ? [['*', middlewares]] : Object.entries(middlewares)) {
    const method = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
    if (method !== '*' && !MIDDLEWARE_METHODS.includes(method) && !EXTRA_METHODS.has(method)) throw unknownMethod(name, resourceName);
    if (given === undefined || given === null) continue;
    for (const fn of [given].flat()) if (typeof fn !== 'function') throw notAFunction(name, resourceName, 'middlewares');
  }
}

function notAFunction(method, resourceName, operation) {
  return new ResourceError(`Middleware for '${method}' must be a function`, {
    resourceName,
    operation,
    method,
    statusCode: 400,
    suggestion:
      operation === 'middlewares'
        ? 'Give functions (ctx, next): in an array for every method, or by method name.'
        : 'Pass a function (ctx, next) as the second argument of useMiddleware().'
  });
}

/** Appends a middleware to a method. */
export function useMiddleware(resource, name, fn) {
  const method = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  if (typeof fn !== 'function') throw notAFunction(name, resource.name, 'useMiddleware');
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
    for (const fn of [list ?? []].flat()) {
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
    const own = resource._wrapped.get(method)?.wrapper;
    if (resource[method] !== own && seeThrough(resource[method]) !== own) return false;
    if (!chain.every((fn) => isCovered(fn, operation))) return false;
  } else if (Object.hasOwn(resource, method)) {
    return false;
  }
  const prototype = Object.getPrototypeOf(resource);
  return prototype === basePrototype || prototype[method] === basePrototype[method];
}
