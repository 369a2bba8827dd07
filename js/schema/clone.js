/** Copies of records and definitions. */

function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Own enumerable members in a new object. Copied one by one: V8 makes an object that comes from a spread slow to extend
 * (5 us instead of 0.1 us for the eight fields that a write adds).
 * @param {object} source
 * @param {string} [omitted] name left out
 * @returns {object}
 */
export function copyMembers(source, omitted) {
  const out = {};
  for (const key of Object.keys(source)) {
    if (key === omitted) continue;
    if (key === '__proto__') {
      Object.defineProperty(out, key, { value: source[key], enumerable: true, configurable: true, writable: true });
    } else out[key] = source[key];
  }
  return out;
}

/**
 * Copy of the plain objects and arrays of a value; everything else is kept by reference.
 * @template T
 * @param {T} value
 * @returns {T}
 */
export function cloneContainers(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(cloneContainers);
  if (!isPlain(value)) return value;
  const out = {};
  for (const key of Object.keys(value)) {
    const item = value[key];
    const copy = item !== null && typeof item === 'object' ? cloneContainers(item) : item;
    if (key === '__proto__') Object.defineProperty(out, key, { value: copy, enumerable: true, configurable: true, writable: true });
    else out[key] = copy;
  }
  return out;
}

/**
 * Definitions in which functions are `null`, as the engine takes them: a copy where there is one.
 * @param {any} definition
 * @returns {any}
 */
export function withoutFunctions(definition) {
  return isFlat(definition) ? definition : copyWithoutFunctions(definition, []);
}

/** True for the definitions of most resources, texts all of them. */
const isFlat = (definition) => isPlain(definition) && Object.values(definition).every((each) => typeof each === 'string');

function copyWithoutFunctions(definition, ancestors) {
  if (typeof definition === 'function') return null;
  if (definition === null || typeof definition !== 'object' || definition instanceof RegExp || definition instanceof Date)
    return definition;
  if (ancestors.includes(definition)) return null;
  const inner = [...ancestors, definition];
  if (Array.isArray(definition)) return definition.map((each) => copyWithoutFunctions(each, inner));
  return Object.fromEntries(Object.entries(definition).map(([name, value]) => [name, copyWithoutFunctions(value, inner)]));
}
