/**
 * Partition definitions as key rules: field order, rule application, segments, prefixes and the
 * parsing of keys. Everything here is synchronous and does not touch a store.
 */
import { PartitionError, ValidationError } from '../errors/index.js';
import { getNested } from '../util/nested.js';

/** Fields of partitions -> their names and rules as they were, and in the order of the key. */
const known = new WeakMap();

/** Whether fields are as they were: definitions may be changed in place at run time. */
function isAsKnown(entry, fields) {
  const { names, rules } = entry;
  let count = 0;
  for (const name in fields) {
    if (names[count] !== name || rules[count] !== fields[name]) return false;
    count += 1;
  }
  return count === names.length;
}

function knownFields(fields) {
  let entry = known.get(fields);
  if (entry === undefined || !isAsKnown(entry, fields)) {
    const sorted = Object.entries(fields).sort(([a], [b]) => a.localeCompare(b));
    entry = { names: Object.keys(fields), rules: Object.values(fields), sorted };
    known.set(fields, entry);
  }
  return entry;
}

/** Fields of a partition as `[name, rule]`, in the order of its key: `localeCompare`, computed once. */
export function sortedFields(definition) {
  const fields = definition?.fields;
  return fields === null || typeof fields !== 'object' ? [] : knownFields(fields).sorted;
}

/** What {@link isSamePartitions} compares with: names and fields of partitions as they are now. */
export function partitionsNow(partitions) {
  return Object.keys(partitions ?? {}).map((name) => ({ name, sorted: sortedFields(partitions[name]) }));
}

/** Whether partitions are those of then. Runs before every operation: it makes nothing. */
export function isSamePartitions(then, partitions) {
  let count = 0;
  for (const name in partitions) {
    if (!Object.hasOwn(partitions, name)) continue;
    const entry = then[count];
    // A change of fields makes another list of them.
    if (entry === undefined || entry.name !== name || (entry.sorted.length > 0 && entry.sorted !== sortedFields(partitions[name])))
      return false;
    if (entry.sorted.length === 0 && sortedFields(partitions[name]).length > 0) return false;
    count += 1;
  }
  return count === then.length;
}

/** All partitions for the native configuration. */
export function sortedPartitions(partitions) {
  const result = [];
  for (const name of Object.keys(partitions ?? {})) {
    result.push({ name, fields: sortedFields(partitions[name]).map(([field, rule]) => [field, String(rule)]) });
  }
  return result;
}

function maxLength(rule) {
  const match = /maxlength:(\d+)/.exec(rule);
  return match ? Number(match[1]) : null;
}

/** A text as the rule cuts it. Half of a surrogate pair is no character of a key: it becomes U+FFFD, as in the engine. */
function cut(text, rule) {
  const limit = maxLength(rule);
  return limit !== null && text.length > limit ? text.slice(0, limit).toWellFormed() : text;
}

const utcDay = (date) => date.toISOString().split('T', 1)[0];

/** A value as a partition key stores it. */
export function applyRule(value, rule) {
  if (value === null || value === undefined) return value;
  const text = typeof rule === 'string' ? rule : '';
  let result = typeof value === 'string' ? cut(value, text) : value;
  if (text.includes('date')) {
    if (result instanceof Date) {
      result = Number.isNaN(result.getTime()) ? String(result) : utcDay(result);
    } else if (typeof result === 'string') {
      if (result.includes('T') && result.includes('Z')) {
        result = result.slice(0, result.indexOf('T'));
      } else {
        const date = new Date(result);
        if (!Number.isNaN(date.getTime())) result = utcDay(date);
      }
    }
  }
  return result;
}

/** Days, months and years, which the engine reads by itself. */
const ISO_DAY = /^\d{4}(?:-\d{2}){0,2}$/;

/**
 * Days by text, as the rules have cut it, of `date` fields whose text only the JavaScript date parser understands, for the
 * native key builder; undefined when there are none.
 */
export function dateHints(partitions, data) {
  let hints;
  for (const name in partitions) {
    if (!Object.hasOwn(partitions, name)) continue;
    for (const [field, rule] of sortedFields(partitions[name])) {
      if (typeof rule !== 'string' || !rule.includes('date')) continue;
      const value = getNested(data, field);
      if (typeof value !== 'string') continue;
      const text = cut(value, rule);
      if (ISO_DAY.test(text) || (text.includes('T') && text.includes('Z'))) continue;
      const day = applyRule(value, rule);
      if (day !== text) {
        hints ??= {};
        hints[text] = day;
      }
    }
  }
  return hints;
}

/** True when the text has an ASCII control character. */
export function hasControlCharacter(text) {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 32 || code === 127) return true;
  }
  return false;
}

/** Drops empty and `.` segments, as a POSIX path join does; refuses `..` and control characters. */
export function normaliseSegments(text, what) {
  if (hasControlCharacter(text)) {
    throw new ValidationError(`Invalid ${what}: contains a control character`, {
      field: what,
      statusCode: 400,
      suggestion: `Remove control characters from the ${what}.`
    });
  }
  if (!text.includes('/') && text !== '.' && text !== '..') return text;
  const kept = [];
  for (const segment of text.split('/')) {
    if (segment === '..') {
      throw new ValidationError(`Invalid ${what}: contains a '..' segment`, {
        field: what,
        statusCode: 400,
        suggestion: `Encode or remove '..' in the ${what}; it would leave the resource's own keys.`
      });
    }
    if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return kept.join('/');
}

/** Key of a record. */
export function recordKey(name, id) {
  return `resource=${name}/data/id=${normaliseId(id)}`;
}

/** An id as the key stores it: it ends the key, and a path join keeps a slash there. */
export function normaliseId(id) {
  const text = `id=${id}`;
  const joined = normaliseSegments(text, 'id').slice(3);
  return text.endsWith('/') ? `${joined}/` : joined;
}

/** `FIELD=VALUE` with the normalisation of keys. */
function segment(field, value) {
  return normaliseSegments(`${field}=${value}`.toWellFormed(), 'partition value');
}

/** Key of a partition reference, or null when the record is not in the partition. */
export function partitionKey(resourceName, partitionName, definition, id, data) {
  const fields = sortedFields(definition);
  const recordId = id || data?.id;
  if (fields.length === 0 || !recordId) return null;
  let key = `resource=${resourceName}/partition=${partitionName}`;
  for (const [field, rule] of fields) {
    const value = applyRule(getNested(data, field), rule);
    if (value === null || value === undefined) return null;
    key += `/${segment(field, value)}`;
  }
  return `${key}/id=${normaliseId(recordId)}`;
}

/** Prefix of the references that have the given values, without a trailing slash. */
export function partitionPrefix(resourceName, partitionName, definition, values) {
  let prefix = `resource=${resourceName}/partition=${partitionName}`;
  for (const [field, rule] of sortedFields(definition)) {
    const value = applyRule(values?.[field], rule);
    if (value === null || value === undefined) continue;
    prefix += `/${segment(field, value)}`;
  }
  return prefix;
}

/** Id of a key: everything after the first `id=` that starts a path segment. */
export function idOfKey(key) {
  if (key.startsWith('id=')) return key.slice(3);
  const at = key.indexOf('/id=');
  return at === -1 ? undefined : key.slice(at + 4);
}

/** Values of a partition key, as strings. `fields` are `[name, rule]` in key order. */
export function valuesOfKey(id, keys, fields) {
  const wanted = normaliseId(id);
  const key = keys.find((candidate) => idOfKey(candidate) === wanted);
  if (key === undefined) {
    throw new PartitionError(`Partition key not found for ID ${id}`, {
      resourceId: id,
      availableKeys: keys.length,
      statusCode: 400,
      operation: 'extractPartitionValuesFromKey',
      suggestion: 'Pass the keys of the partition that holds the record.'
    });
  }
  const values = {};
  const end = key.startsWith('id=') ? 0 : key.indexOf('/id=');
  const body = key.slice(0, end);
  let from = 0;
  for (let i = 0; i < fields.length; i += 1) {
    const field = fields[i][0];
    const start = body.startsWith(`${field}=`, from) ? from : body.indexOf(`/${field}=`, from) + 1;
    if (start === 0 && !body.startsWith(`${field}=`)) continue;
    const valueStart = start + field.length + 1;
    let valueEnd = body.length;
    if (i + 1 < fields.length) {
      const next = body.indexOf(`/${fields[i + 1][0]}=`, valueStart);
      if (next !== -1) valueEnd = next;
    }
    values[field] = body.slice(valueStart, valueEnd);
    from = valueEnd;
  }
  return values;
}

/** True when a record belongs where the requested values point. */
export function matchesValues(definition, values, record) {
  for (const [field, rule] of sortedFields(definition)) {
    const wanted = applyRule(values?.[field], rule);
    if (wanted === null || wanted === undefined) continue;
    const actual = applyRule(getNested(record, field), rule);
    if (actual === null || actual === undefined) return false;
    if (segment(field, actual) !== segment(field, wanted)) return false;
  }
  return true;
}

/** Partition values of a record as its key shows them (strings), or null when it is not indexed. */
export function valuesOfRecord(definition, record) {
  const values = {};
  for (const [field, rule] of sortedFields(definition)) {
    const value = applyRule(getNested(record, field), rule);
    if (value === null || value === undefined) return null;
    values[field] = segment(field, value).slice(field.length + 1);
  }
  return values;
}

/** Requested values as strings, for native calls: rule applied, unusable ones left out; null when none is usable. */
export function requestedValues(definition, values) {
  let result = null;
  for (const [field, rule] of sortedFields(definition)) {
    const value = applyRule(values?.[field], rule);
    if (value === null || value === undefined) continue;
    result ??= {};
    result[field] = String(value).toWellFormed();
  }
  return result;
}
