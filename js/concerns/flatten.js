/** Nested objects as flat ones with dotted names, and back. */

const UNSAFE = new Set(['__proto__', 'constructor', 'prototype']);

function isNested(value) {
  return Object.prototype.toString.call(value) === '[object Object]' && !(value instanceof Uint8Array) && Object.keys(value).length > 0;
}

/**
 * Arrays, dates and empty objects are values; only objects are taken apart.
 * @param {Record<string, any>} object
 * @param {{ delimiter?: string, maxDepth?: number }} [options]
 * @returns {Record<string, any>}
 */
export function flatten(object, { delimiter = '.', maxDepth = Number.POSITIVE_INFINITY } = {}) {
  const out = {};
  const visit = (current, prefix, depth) => {
    for (const [name, value] of Object.entries(current)) {
      if (UNSAFE.has(name)) continue;
      const path = prefix === '' ? name : prefix + delimiter + name;
      if (isNested(value) && depth < maxDepth) visit(value, path, depth + 1);
      else out[path] = value;
    }
  };
  visit(object, '', 1);
  return out;
}

/**
 * Inverse of `flatten`; values are left as they are.
 * @param {Record<string, any>} object
 * @param {{ delimiter?: string }} [options]
 * @returns {Record<string, any>}
 */
export function unflatten(object, { delimiter = '.' } = {}) {
  const out = {};
  for (const [path, value] of Object.entries(object)) {
    const names = path.split(delimiter);
    if (names.some((name) => UNSAFE.has(name))) continue;
    let current = out;
    for (const name of names.slice(0, -1)) {
      if (current[name] === null || typeof current[name] !== 'object') current[name] = {};
      current = current[name];
    }
    current[names.at(-1)] = value;
  }
  return out;
}
