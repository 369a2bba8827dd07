/** Deep copies of cached values, so that no caller can change what the cache holds. */

/** Copy of a value made of plain objects, arrays, dates, buffers and primitives; anything else stays itself. */
export function copyValue(value) {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const copy = new Array(value.length);
    for (let i = 0; i < value.length; i += 1) copy[i] = copyValue(value[i]);
    return copy;
  }
  if (value instanceof Date) return new Date(value.getTime());
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (value instanceof RegExp) return new RegExp(value.source, value.flags);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const copy = { ...value };
  for (const key in copy) {
    const item = copy[key];
    if (typeof item === 'object' && item !== null) assign(copy, key, copyValue(item));
  }
  return copy;
}

/** Assigning `__proto__` would set the prototype. */
function assign(target, key, value) {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/**
 * A function that makes copies of one value, which nobody else may have. Which members need more than a flat copy is found
 * out once.
 * @param {any} value
 * @returns {() => any}
 */
export function copierOf(value) {
  if (typeof value !== 'object' || value === null) return () => value;
  const isFlat = Object.getPrototypeOf(value) === Object.prototype && !Object.hasOwn(value, '__proto__');
  if (!isFlat) return () => copyValue(value);
  const deep = Object.keys(value).filter((key) => typeof value[key] === 'object' && value[key] !== null);
  if (deep.length === 0) return () => ({ ...value });
  return () => {
    const copy = { ...value };
    for (let i = 0; i < deep.length; i += 1) copy[deep[i]] = copyValue(value[deep[i]]);
    return copy;
  };
}
