/** Keys of cached results (spec/10 section 10.4), shared with s3db.js wherever the store is. */
import { native } from '../../native/load.js';

/** JSON with sorted keys; undefined members are left out. Undefined for values without JSON. */
export function stableText(value) {
  if (value !== null && typeof value === 'object') {
    if (typeof value.toJSON === 'function') return stableText(value.toJSON());
    if (Array.isArray(value)) return `[${value.map((item) => stableText(item) ?? 'null').join(',')}]`;
    const members = [];
    for (const key of Object.keys(value).sort()) {
      const text = stableText(value[key]);
      if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`);
    }
    return `{${members.join(',')}}`;
  }
  if (typeof value === 'bigint') return JSON.stringify(String(value));
  return JSON.stringify(value);
}

/** The first 16 hex digits of the MD5 of the stable JSON of parameters. */
export function hashParams(params) {
  return native.cacheHash(stableText(params) || 'empty');
}

/** Parts that could leave their segment are percent-encoded; everything else stays as it is. */
function segment(text) {
  const part = String(text);
  if (part === '.' || part === '..') return part.replace(/\./g, '%2E');
  return /[/%]/.test(part) ? part.replace(/%/g, '%25').replace(/\//g, '%2F') : part;
}

/** `resource=<name>/`: every key of a resource starts with it. */
export function resourcePrefix(resource) {
  return `resource=${segment(resource)}/`;
}

/**
 * @param {string} resource name
 * @param {string} action
 * @param {object} [params] hashed when it has members
 * @param {string | null} [partition]
 * @param {object | null} [partitionValues] in the order of its fields; null and undefined are left out
 */
export function cacheKey(resource, action, params = {}, partition = null, partitionValues = null) {
  let key = `${resourcePrefix(resource)}action=${segment(action)}`;
  if (partition && partitionValues && Object.keys(partitionValues).length > 0) {
    key += `/partition:${segment(partition)}`;
    for (const [field, value] of Object.entries(partitionValues)) {
      if (value !== null && value !== undefined) key += `/${segment(field)}:${segment(value)}`;
    }
  }
  if (params && Object.keys(params).length > 0) key += `/${hashParams(params)}`;
  return `${key}.json.gz`;
}

/** Key of `get`, `exists`, `content` and `hasContent` of one record: the short way to `cacheKey(resource, action, { id })`. */
export function itemKey(prefix, action, id) {
  return `${prefix}action=${action}/${native.cacheHash(`{"id":${JSON.stringify(id)}}`)}.json.gz`;
}

/** Actions that read one record by id. */
export const ITEM_ACTIONS = ['get', 'exists', 'content', 'hasContent'];
