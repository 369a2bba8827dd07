/** Values inside records by dotted path. */

/** Value at a dotted path; a name without dots is an own property. */
export function getNested(data, path) {
  if (data === null || data === undefined) return undefined;
  if (!path.includes('.')) return data[path];
  let current = data;
  for (const segment of path.split('.')) {
    if (current === null || typeof current !== 'object' || !(segment in current)) return undefined;
    current = current[segment];
  }
  return current;
}
