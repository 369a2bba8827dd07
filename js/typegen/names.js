/** Names and texts of generated TypeScript: nothing of a definition can end a literal, a comment or a declaration. */

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
/** Names that the generated file itself uses. */
const TAKEN = new Set(['Array', 'Database', 'Date', 'Record', 'RegisteredResources', 'Resource', 'ResourceMap']);

/**
 * A string literal in single quotes.
 * @param {string} text
 */
export function quote(text) {
  const escaped = JSON.stringify(String(text)).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${escaped.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`;
}

/**
 * A property name, quoted where it is no identifier.
 * @param {string} name
 */
export const propertyName = (name) => (IDENTIFIER.test(name) ? name : quote(name));

/**
 * Name of the interface of a resource: parts of letters and digits, first letters upper-cased, joined.
 * @param {string} resourceName
 */
export function interfaceName(resourceName) {
  const parts = String(resourceName).split(/[^\p{ID_Continue}$]+|_+/u);
  const joined = parts.map((part) => part.slice(0, 1).toUpperCase() + part.slice(1)).join('');
  const name = IDENTIFIER.test(joined) ? joined : `_${joined}`;
  return TAKEN.has(name) ? `${name}Record` : name;
}

/**
 * Interface names of several resources, each its own.
 * @param {string[]} resourceNames
 * @returns {Map<string, string>} by resource name
 */
export function interfaceNames(resourceNames) {
  const names = new Map();
  const used = new Set();
  for (const resourceName of resourceNames) {
    const wanted = interfaceName(resourceName);
    let name = wanted;
    for (let number = 2; used.has(name); number += 1) name = `${wanted}${number}`;
    used.add(name);
    names.set(resourceName, name);
  }
  return names;
}

/**
 * Lines of a block comment.
 * @param {string[]} texts
 * @param {string} [indent]
 */
export function comment(texts, indent = '') {
  const lines = texts.flatMap((text) =>
    String(text)
      .replaceAll('*/', '*\\/')
      .split(/\r\n|[\n\r\u2028\u2029]/)
  );
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`];
}
