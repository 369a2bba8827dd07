/** Definition versions: hash, next version, stored attribute order. */

import { stableHash, stableJson } from '../concerns/stable-hash.js';
import { isPlainObject } from '../resource/values.js';

/** Hash that decides whether a definition needs a new version. */
export function definitionHash(definition, behavior) {
  const attributes = { ...definition.attributes };
  if (definition.timestamps) {
    delete attributes.createdAt;
    delete attributes.updatedAt;
  }
  return stableHash({
    attributes,
    behavior: behavior || definition.behavior || 'user-managed',
    partitions: definition.partitions || {}
  });
}

/** `v` and one more than the highest number among the version names. */
export function nextVersion(versions = {}) {
  const numbers = Object.keys(versions)
    .filter((name) => name.startsWith('v'))
    .map((name) => Number.parseInt(name.slice(1), 10))
    .filter((number) => !Number.isNaN(number));
  return `v${numbers.length > 0 ? Math.max(...numbers) + 1 : 1}`;
}

/** Orders the keys of `declared` as `saved` has them, at every level; other keys follow. */
function orderLike(declared, saved) {
  if (!isPlainObject(declared) || !isPlainObject(saved)) return declared;
  const ordered = {};
  for (const key of Object.keys(saved)) if (Object.hasOwn(declared, key)) ordered[key] = orderLike(declared[key], saved[key]);
  for (const key of Object.keys(declared)) if (!Object.hasOwn(ordered, key)) ordered[key] = declared[key];
  return ordered;
}

/** Plugin attributes of a saved version entry. */
export function savedPluginAttributes(entry) {
  const result = {};
  for (const name of Object.keys(entry?.attributes ?? {})) {
    const definition = entry.attributes[name];
    if ((isPlainObject(definition) && definition.__plugin__) || Object.hasOwn(entry.pluginAttributes ?? {}, name))
      result[name] = definition;
  }
  return result;
}

/**
 * Attributes as they must be used with a saved version: its plugin attributes are kept, and where
 * the definition is the same but for its order, the stored order wins, since it decides the keys of
 * stored records.
 */
export function reconcileAttributes(attributes, entry) {
  if (!isPlainObject(attributes) || !isPlainObject(entry?.attributes)) return attributes;
  const saved = entry.attributes;
  const plugin = savedPluginAttributes(entry);
  const strip = (source) => {
    const copy = { ...source };
    for (const name of Object.keys(plugin)) delete copy[name];
    if (entry.timestamps) {
      delete copy.createdAt;
      delete copy.updatedAt;
    }
    return copy;
  };
  const complete = { ...attributes };
  for (const name of Object.keys(plugin)) if (!Object.hasOwn(complete, name)) complete[name] = plugin[name];
  return stableJson(strip(attributes)) === stableJson(strip(saved)) ? orderLike(complete, saved) : complete;
}

/**
 * Whether a definition needs a version of its own because of its codes: stored records are read with those of their version.
 * s3db.js 13.6 stores no `map`, so that an entry without one says nothing.
 */
export function mapsDiffer(saved, map) {
  return isPlainObject(saved?.map) && map !== undefined && stableJson(saved.map) !== stableJson(map);
}
