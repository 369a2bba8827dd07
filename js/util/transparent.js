/**
 * Functions put around a method that change nothing about it, such as measuring ones: operations of the engine that stand
 * for many calls of the method need not call it one by one because of them.
 */
const inner = new WeakMap();

/** Says that `fn` does what `method` does and nothing that a caller or another plugin could see. */
export function markTransparent(fn, method) {
  inner.set(fn, method);
}

/** The method behind transparent functions. */
export function seeThrough(fn) {
  let method = fn;
  while (inner.has(method)) method = inner.get(method);
  return method;
}
