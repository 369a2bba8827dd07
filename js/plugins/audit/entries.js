/** Entries of the log: their ids, their stored form, and packs of many (spec/12 sections A.2 and C.6). */

const OPERATIONS = ['insert', 'update', 'delete', 'deleteMany'];
const PAST = { inserted: ['insert'], updated: ['update'], deleted: ['delete', 'deleteMany'], deletedMany: ['deleteMany'] };
/** Operation of a record that holds many entries. */
export const PACK = 'batch';

export const OPERATION_NAMES = [...OPERATIONS, ...Object.keys(PAST)];

/** Stored operations that a name stands for: itself, or those of the past tense. */
export function operationsOf(name) {
  return Object.hasOwn(PAST, name) ? PAST[name] : [name];
}

let counter = Math.floor(Math.random() * 36 ** 4);
let lastMs = 0;

/** `audit-<ms>-<9 base-36 characters>`, ascending within the process. */
export function nextAuditId() {
  lastMs = Math.max(lastMs, Date.now());
  counter = (counter + 1) % 36 ** 5;
  // A counter that starts over would sort before its predecessors of the same millisecond.
  if (counter === 0) lastMs += 1;
  const random = Math.floor(Math.random() * 36 ** 4);
  return `audit-${lastMs}-${counter.toString(36).padStart(5, '0')}${random.toString(36).padStart(4, '0')}`;
}

/** Epoch milliseconds in an id, or undefined for a foreign one. */
export function timeOfId(id) {
  const match = /^audit-(\d+)-/.exec(id);
  return match === null ? undefined : Number(match[1]);
}

const isNone = (value) => value === null || value === undefined;

/** Members in stored order, those without a value left out. */
export function storedRecord(entry) {
  const record = {};
  for (const name of [
    'id',
    'resourceName',
    'operation',
    'recordId',
    'userId',
    'timestamp',
    'createdAt',
    'oldData',
    'newData',
    'partition',
    'partitionValues',
    'metadata'
  ]) {
    if (!isNone(entry[name])) record[name] = entry[name];
  }
  return record;
}

function parsed(value) {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** An entry as callers see it: snapshots, partition values and metadata as objects. */
export function readableEntry(record) {
  const entry = storedRecord(record);
  for (const name of ['oldData', 'newData', 'partitionValues', 'metadata']) if (name in entry) entry[name] = parsed(entry[name]);
  return entry;
}

/** One record for the entries of a resource and day. */
function pack(entries) {
  const { resourceName, createdAt, timestamp } = entries[0];
  return {
    id: nextAuditId(),
    resourceName,
    operation: PACK,
    recordId: `${entries.length} entries`,
    userId: 'system',
    timestamp,
    createdAt,
    newData: JSON.stringify(entries.map(readableEntry)),
    metadata: JSON.stringify({ source: 'audit-plugin', version: '2.0', format: PACK, count: entries.length })
  };
}

/** Records that hold the entries: one per resource and day, so that the partitions of the log stay right. */
export function packEntries(entries) {
  const groups = new Map();
  for (const entry of entries) {
    const key = `${entry.createdAt}\n${entry.resourceName}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(entry);
  }
  return [...groups.values()].map((group) => ({ entries: group, record: group.length === 1 ? storedRecord(group[0]) : pack(group) }));
}

/** The entries of a stored record: itself, or those it packs. */
export function unpack(record) {
  if (record.operation !== PACK) return [record];
  const entries = parsed(record.newData);
  return Array.isArray(entries) ? entries : [record];
}
