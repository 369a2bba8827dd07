// Golden vectors: values that JSON lacks are tagged with `$type`.
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

/** @param {string} name file in __test__/golden without its extension */
export function golden(name) {
  return revive(JSON.parse(readFileSync(new URL(`../../golden/${name}.json`, import.meta.url), 'utf8')));
}

function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== 'object') return value;
  switch (value.$type) {
    case undefined:
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revive(item)]));
    case 'undefined':
      return undefined;
    case 'number':
      return Number(value.value);
    case 'bigint':
      return BigInt(value.value);
    case 'date':
      return new Date(value.value);
    case 'bytes':
      return Buffer.from(value.base64, 'base64');
    case 'regexp':
      return new RegExp(value.source, value.flags);
    case 'function':
      return { [value.name]: () => {} }[value.name];
    case 'utf16':
      return String.fromCharCode(...value.units);
    case 'concat':
      return value.parts.map((part) => (typeof part === 'string' ? part : part.repeat.repeat(part.count))).join('');
    default:
      return value;
  }
}

export const same = isDeepStrictEqual;
