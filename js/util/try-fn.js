/**
 * Runs a function or awaits a promise without throwing.
 * @template T
 * @param {(() => T | Promise<T>) | Promise<T> | T} fnOrPromise
 * @returns {[true, null, T] | [false, any, undefined] | Promise<[true, null, T] | [false, any, undefined]>}
 */
export function tryFn(fnOrPromise) {
  if (fnOrPromise === null || fnOrPromise === undefined) {
    return [false, captured(new Error('fnOrPromise cannot be null or undefined')), undefined];
  }
  let value = fnOrPromise;
  if (typeof fnOrPromise === 'function') {
    try {
      value = fnOrPromise();
    } catch (error) {
      return [false, captured(error), undefined];
    }
  }
  if (!isThenable(value)) return [true, null, value];
  return Promise.resolve(value).then(
    (result) => [true, null, result],
    (reason) => [false, captured(reason), undefined]
  );
}

/**
 * Runs a function without throwing and without awaiting its result.
 * @template T
 * @param {() => T} fn
 * @returns {[true, null, T] | [false, any, null]}
 */
export function tryFnSync(fn) {
  try {
    return [true, null, fn()];
  } catch (error) {
    return [false, captured(error), null];
  }
}

const isThenable = (value) =>
  value !== null && (typeof value === 'object' || typeof value === 'function') && typeof value.then === 'function';

/** Notes on the error where it was caught; its own stack stays. */
function captured(error) {
  if (error instanceof Error && Object.isExtensible(error) && !Object.hasOwn(error, 'capturedAtStack')) {
    const here = {};
    Error.captureStackTrace?.(here, captured);
    Object.defineProperty(error, 'capturedAtStack', { value: here.stack, enumerable: false, configurable: true, writable: true });
  }
  return error;
}

export default tryFn;
