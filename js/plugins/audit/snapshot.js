/** Snapshots of records for the log: what is left out, hidden and cut (spec/12 sections A.3 and A.7). */

export const REDACTED = '[REDACTED]';
const HIDDEN_TYPES = new Set(['secret', 'password']);
/** Names without an underscore that s3db.js 13.6 leaves in records. */
const RESIDUE = new Set(['metadata_updatedAt', 'metadata_updatedat']);

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

function typeOf(definition) {
  if (typeof definition === 'string') return definition.split('|')[0].trim();
  return typeof definition?.type === 'string' ? definition.type.split('|')[0].trim() : undefined;
}

/** What of a definition has to be hidden: true for all of it, a tree of members, or undefined for nothing. */
function hiddenIn(definition) {
  const type = typeOf(definition);
  if (HIDDEN_TYPES.has(type)) return true;
  if (typeof definition === 'string') return /\bitems:(secret|password)\b/.test(definition) ? { items: true } : undefined;
  if (Array.isArray(definition)) return definition.some((each) => hiddenIn(each) !== undefined) ? true : undefined;
  if (!isObject(definition)) return undefined;
  if (type !== undefined) {
    const items = definition.items === undefined ? undefined : hiddenIn(definition.items);
    if (items !== undefined) return { items };
    const { props = definition.properties ?? definition.$$props } = definition;
    if (type !== 'object') return undefined;
    return membersOf(isObject(props) ? props : definition);
  }
  return membersOf(definition);
}

function membersOf(definitions) {
  const members = {};
  for (const [name, definition] of Object.entries(definitions)) {
    const hidden = hiddenIn(definition);
    if (hidden !== undefined) members[name] = hidden;
  }
  return Object.keys(members).length > 0 ? { members } : undefined;
}

const plans = new WeakMap();

/** The plan of a resource, made once per definition. */
function planOf(resource) {
  const { attributes } = resource;
  if (!isObject(attributes)) return undefined;
  if (!plans.has(attributes)) plans.set(attributes, membersOf(attributes));
  return plans.get(attributes);
}

function hide(value, plan) {
  if (plan === undefined || value === null || value === undefined) return value;
  if (plan === true) return REDACTED;
  if (plan.items !== undefined) return Array.isArray(value) ? value.map((item) => hide(item, plan.items)) : REDACTED;
  if (!isObject(value)) return value;
  const copy = { ...value };
  for (const [name, inner] of Object.entries(plan.members)) if (Object.hasOwn(copy, name)) copy[name] = hide(copy[name], inner);
  return copy;
}

/** A record without system fields and with its secrets hidden; other values are passed through. */
export function cleanRecord(data, resource) {
  if (!isObject(data)) return data;
  const copy = {};
  for (const key of Object.keys(data)) {
    const declared = Object.hasOwn(resource?.attributes ?? {}, key);
    if (!declared && (key.startsWith('_') || key.startsWith('$') || RESIDUE.has(key))) continue;
    copy[key] = data[key];
  }
  return resource === undefined ? copy : hide(copy, planOf(resource));
}

/** JSON text of any record: what JSON cannot hold becomes text. */
export function jsonText(value) {
  return JSON.stringify(value, (_key, member) => (typeof member === 'bigint' ? String(member) : member));
}

/**
 * The snapshot itself when its JSON has at most `max` characters, else as many of its first members as fit, and markers.
 * @returns {{ data: object | null, text: string | undefined }}
 */
export function truncate(data, max) {
  if (data === null || data === undefined) return { data: null, text: undefined };
  const text = jsonText(data);
  if (text === undefined || text.length <= max) return { data, text };
  const cut = {};
  let size = 2;
  for (const [key, value] of isObject(data) ? Object.entries(data) : []) {
    const member = jsonText(value);
    if (member === undefined) continue;
    const length = jsonText(key).length + 1 + member.length + (size > 2 ? 1 : 0);
    if (size + length > max) continue;
    cut[key] = value;
    size += length;
  }
  Object.assign(cut, { _truncated: true, _originalSize: text.length, _truncatedAt: new Date().toISOString() });
  return { data: cut, text: jsonText(cut) };
}
