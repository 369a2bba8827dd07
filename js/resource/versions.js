/** Definition versions: what the engine needs to decode records written by older versions. */
import { Schema } from '../schema/schema.js';
import { plainDefinition } from './values.js';

/** `{ [version]: { attributes, map?, pluginAttributes? } }` of every saved version of the resource. */
export function versionDefinitions(resource) {
  const result = {};
  const saved = resource._savedVersions ?? {};
  for (const version of Object.keys(saved)) {
    const { attributes, map, pluginAttributes } = saved[version] ?? {};
    if (attributes === null || typeof attributes !== 'object') continue;
    result[version] = { attributes: plainDefinition(attributes) };
    if (map) result[version].map = map;
    if (pluginAttributes) result[version].pluginAttributes = pluginAttributes;
  }
  return result;
}

/** Text after `v=` of the first segment that starts with it, or null. */
export function versionOfKey(key) {
  const segment = String(key)
    .split('/')
    .find((part) => part.startsWith('v='));
  return segment === undefined ? null : segment.slice(2);
}

/** Record relabelled from one version to another; fields are never converted. */
export function relabel(data, from, to) {
  if (from === to) return data;
  return { ...data, _v: to, _originalVersion: from, _versionMapped: true };
}

/**
 * A record as its references see it: under the version that wrote it. Reads show the current version, and only a record
 * that was read of an older one says which.
 */
export function indexView(resource, record) {
  if (record?._versionMapped !== true || record._originalVersion === undefined) return record;
  const original = String(record._originalVersion);
  return { ...record, _v: String(resource.version).startsWith('v') ? `v${original}` : original };
}

const schemas = new WeakMap();

/** Schema of a saved version; the current one for the current and for unknown versions. */
export function schemaForVersion(resource, version) {
  const saved = resource._savedVersions;
  // Records show the version that wrote them without its letter.
  const given = String(version);
  const name = saved && !Object.hasOwn(saved, given) && Object.hasOwn(saved, `v${given}`) ? `v${given}` : given;
  if (name === String(resource.version) || !saved || !Object.hasOwn(saved, name) || !saved[name]?.attributes) return resource.schema;
  const cache = schemas.get(saved) ?? new Map();
  schemas.set(saved, cache);
  let schema = cache.get(name);
  if (schema === undefined) {
    const { attributes, map, pluginAttributes } = saved[name];
    schema = new Schema({
      name: resource.name,
      attributes,
      version: name,
      passphrase: resource.passphrase,
      bcryptRounds: resource.bcryptRounds,
      security: resource._security,
      options: { autoDecrypt: resource.config.autoDecrypt, allNestedObjectsOptional: saved[name].allNestedObjectsOptional ?? true },
      ...(map ? { map } : {}),
      _pluginAttributeMetadata: pluginOwners(attributes, pluginAttributes)
    });
    cache.set(name, schema);
  }
  return schema;
}

/** Owner marks of string-notation plugin attributes, from what a version entry remembers. */
export function pluginOwners(attributes, pluginAttributes) {
  const owners = {};
  for (const name of Object.keys(pluginAttributes ?? {})) {
    if (typeof attributes?.[name] === 'string') owners[name] = { __plugin__: pluginAttributes[name], __pluginCreated__: 0 };
  }
  return owners;
}
