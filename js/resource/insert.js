/** Insert, bulk insert and upsert. */

import { storeFor } from '../client/store-for.js';
import { InvalidResourceItem, MetadataLimitError, ValidationError } from '../errors/index.js';
import { fromText, toText } from '../native/text.js';
import { copyMembers } from '../schema/clone.js';
import { mapBounded } from '../util/concurrency.js';
import { innerArgs } from '../util/inner-call.js';
import { decideBulk, isHeard } from './bulk.js';
import { emitItemError, emitStandardized } from './events.js';
import { needsHooks, runHooks } from './hooks.js';
import { explicitId, generateId } from './ids.js';
import { isUnmodified } from './middleware.js';
import { emitNativeEvents, nativeOf, refsMode, toPublic, withDate } from './native.js';
import { dateHints } from './partition-rules.js';
import { maintainReplaced } from './partitions.js';
import { validateRecord } from './validation.js';
import { warnDefaultPassphrase } from './warnings.js';

const BULK_CHUNK = 1000;
/** Slot of an item that failed; a hook may make `undefined` the result of one that did not. */
const MISSING = Symbol('missing');

function requireRecord(resource, data, operation) {
  if (data === null || typeof data !== 'object' || Array.isArray(data)) {
    throw new ValidationError(`${operation} requires an object with the attributes of the record`, {
      field: 'data',
      value: data === null ? 'null' : typeof data,
      resourceName: resource.name,
      operation,
      statusCode: 400,
      suggestion: `Pass a plain object: resource.${operation}({ name: 'value' }).`
    });
  }
}

/** The caller's data as hooks see it: own copy of the top level, timestamps, defaults. */
function draftOf(resource, data) {
  const draft = copyMembers(data, data.id === undefined ? 'id' : undefined);
  if (resource.config.timestamps) {
    const now = new Date().toISOString();
    draft.createdAt = now;
    draft.updatedAt = now;
  }
  if (!isUnmodified(resource, 'applyDefaults')) return resource.applyDefaults(draft);
  return resource.schema.applyDefaults(draft);
}

/** Error of a record that failed validation; the message is the first problem's unless one is given. */
export function invalidRecord(resource, errors, attributes, fallback, message = errors[0]?.message ?? fallback) {
  return new InvalidResourceItem({
    bucket: resource.client?.config?.bucket ?? resource.client?.bucket ?? 'unknown',
    resourceName: resource.name,
    attributes,
    validation: errors,
    message,
    statusCode: 422
  });
}

/** Validated record and its id. A promise only where hooks, a custom generator or a validator are asynchronous. */
function prepare(resource, data) {
  requireRecord(resource, data, 'insert');
  const draft = draftOf(resource, data);
  if (needsHooks(resource, 'beforeInsert')) return prepareWithHooks(resource, draft);
  return identified(resource, draft, validateRecord(resource, draft), draft.id);
}

async function prepareWithHooks(resource, draft) {
  const hooked = await runHooks(resource, 'beforeInsert', draft);
  requireRecord(resource, hooked, 'insert');
  return identified(resource, hooked, await validateRecord(resource, hooked), explicitId(hooked.id) ?? draft.id);
}

/** Refuses an invalid record and gives a valid one its id. */
function identified(resource, draft, outcome, callerId) {
  if (outcome instanceof Promise) return outcome.then((settled) => identified(resource, draft, settled, callerId));
  if (outcome.errors.length > 0) throw invalidRecord(resource, outcome.errors, draft, 'Insert failed');
  const record = withoutId(outcome.data);
  const id = explicitId(callerId);
  if (id === undefined) {
    const generated = generateId(resource);
    if (typeof generated === 'string') return { id: generated, explicit: false, record };
    return generated.then((made) => ({ id: made, explicit: false, record }));
  }
  if (id.trim() === '') {
    throw invalidRecord(resource, [{ message: 'Generated ID is invalid', field: 'id' }], draft, 'Generated ID is invalid');
  }
  return { id, explicit: true, record };
}

/** The record as the engine takes it: the id is not an attribute. */
export function withoutId(record) {
  if (!('id' in record)) return record;
  return copyMembers(record, 'id');
}

/** Gives the record a non-enumerable `item` that returns itself, for hooks written as `({ item })`. */
function withItem(resource, record) {
  if (!Object.hasOwn(resource.attributes, 'item') && Object.isExtensible(record) && !Object.hasOwn(record, 'item')) {
    Object.defineProperty(record, 'item', {
      get() {
        return this;
      },
      enumerable: false,
      configurable: true
    });
  }
  return record;
}

/** Inserts one record. */
export async function insert(resource, data) {
  const { id, explicit, record } = await prepare(resource, data);
  if (resource._warnPassphrase) warnDefaultPassphrase(resource);
  const replacedReferences = resource._hasPartitions() && !isUnmodified(resource, 'createPartitionReferences');
  const options = { id, explicit, refs: replacedReferences ? 'none' : refsMode(resource) };
  const dates = resource._hasPartitions() ? dateHints(resource.config.partitions, record) : undefined;
  if (dates) options.dates = dates;
  let text;
  try {
    const stored = nativeOf(resource).insert(toText(record), JSON.stringify(options));
    text = typeof stored === 'string' ? stored : await stored;
  } catch (error) {
    throw toPublic(resource, error, { id, operation: 'insert' });
  }
  const result = fromText(text);
  if (result.events) emitNativeEvents(resource, result.events);
  let final = withDate(result.record);
  if (replacedReferences) await maintainReplaced(resource, 'insert', id, () => resource.createPartitionReferences(final));
  if (needsHooks(resource, 'afterInsert')) final = await runHooks(resource, 'afterInsert', withItem(resource, final));
  const waiting = emitStandardized(resource, 'inserted', final, id);
  if (waiting !== undefined) await waiting;
  return final;
}

/** Inserts many records; items that fail are reported by `error` events and left out of the result. */
export async function insertMany(resource, objects) {
  const items = toArray(objects);
  const slots = new Array(items.length).fill(MISSING);
  const errors = [];
  const fail = (index, error) => {
    errors.push({ index, error, item: items[index] });
    emitItemError(resource, error, items[index]);
  };
  if (decideBulk(resource, 'insertMany').allowed) {
    const started = performance.now();
    // While the engine stores chunks, the next one is validated. A store in memory takes two at once, one for each core.
    const depth = storeFor(resource.client).immediate ? 2 : 1;
    const sending = [];
    for (let from = 0; from < items.length; from += BULK_CHUNK) {
      const chunk = await prepareChunk(resource, items, from, Math.min(items.length, from + BULK_CHUNK), fail);
      if (chunk.ids.length === 0) continue;
      if (sending.length >= depth) await sending.shift();
      if (resource._warnPassphrase) warnDefaultPassphrase(resource);
      const sent = sendChunk(resource, chunk, slots, fail);
      // A listener that throws is reported by the await of this chunk, not as an unhandled rejection.
      sent.catch(() => {});
      sending.push(sent);
    }
    await Promise.all(sending);
    if (resource._taps?.has('bulk')) {
      const duration = performance.now() - started;
      resource._runTaps('bulk', [{ operation: 'insert', calls: items.length, duration, errors: errors.map(({ error }) => error) }]);
    }
  } else {
    await mapBounded(items, resource.parallelism, async (item, index) => {
      try {
        slots[index] = await resource.insert(item, ...innerArgs(resource));
      } catch (error) {
        fail(index, error);
      }
    });
  }
  resource.emit('inserted-many', items.length);
  const results = [];
  for (const slot of slots) if (slot !== MISSING) results.push(slot);
  errors.sort((a, b) => a.index - b.index);
  Object.defineProperty(results, 'errors', { value: errors, enumerable: false, configurable: true, writable: true });
  return results;
}

function toArray(objects) {
  if (Array.isArray(objects)) return objects;
  if (objects !== null && objects !== undefined && typeof objects !== 'string' && typeof objects[Symbol.iterator] === 'function')
    return [...objects];
  throw new ValidationError('"items" must be an array, an iterable or an async iterable.', {
    field: 'items',
    value: typeof objects,
    statusCode: 400,
    operation: 'insertMany',
    suggestion: 'Pass an array of records to insertMany().'
  });
}

/** Validated items of a chunk as the engine takes them; refused ones are reported. */
async function prepareChunk(resource, items, from, to, fail) {
  const ids = [];
  const records = [];
  const explicit = [];
  const indexes = [];
  let dates;
  const withPartitions = resource._hasPartitions();
  for (let i = from; i < to; i += 1) {
    try {
      const outcome = prepare(resource, items[i]);
      const item = outcome instanceof Promise ? await outcome : outcome;
      if (withPartitions) {
        const hints = dateHints(resource.config.partitions, item.record);
        if (hints) {
          dates ??= {};
          dates[ids.length] = hints;
        }
      }
      if (item.explicit) explicit.push(ids.length);
      ids.push(item.id);
      records.push(item.record);
      indexes.push(i);
    } catch (error) {
      fail(i, error);
    }
  }
  return { ids, records, explicit, dates, indexes };
}

/** Text of a chunk. Records in which a lone surrogate was replaced do not read back as they were given. */
function chunkText({ ids, records, explicit, dates }) {
  const text = toText(records);
  const rest = dates ? `,"dates":${JSON.stringify(dates)}` : '';
  return `{"compact":${!text.includes('\ufffd')},"ids":${JSON.stringify(ids)},"explicit":[${explicit}]${rest},"records":${text}}`;
}

/** Whether anything of the caller's runs for each stored record. */
function isFollowed(resource) {
  return needsHooks(resource, 'afterInsert') || isHeard(resource, 'inserted');
}

/** Runs `afterInsert` hooks and emits `inserted` for the stored records of a chunk, as many at once as single inserts would. */
async function followChunk(resource, { ids, indexes }, slots, fail) {
  const hooked = needsHooks(resource, 'afterInsert');
  await mapBounded(indexes, resource.parallelism, async (index, position) => {
    if (slots[index] === MISSING) return;
    try {
      if (hooked) slots[index] = await runHooks(resource, 'afterInsert', withItem(resource, slots[index]));
      const waiting = emitStandardized(resource, 'inserted', slots[index], ids[position]);
      if (waiting !== undefined) await waiting;
    } catch (error) {
      slots[index] = MISSING;
      fail(index, error);
    }
  });
}

async function sendChunk(resource, chunk, slots, fail) {
  const { ids, records, indexes } = chunk;
  let reply;
  try {
    reply = fromText(await nativeOf(resource).insertMany(chunkText(chunk), JSON.stringify({ refs: refsMode(resource) })));
  } catch (error) {
    const failure = toPublic(resource, error, { operation: 'insertMany' });
    for (const index of indexes) fail(index, failure);
    return;
  }
  const version = String(resource.version);
  const definitionHash = resource.getDefinitionHash();
  const { results, etag } = reply;
  for (let i = 0; i < results.length; i += 1) {
    const result = results[i];
    if (typeof result === 'number') {
      slots[indexes[i]] = completed(records[i], ids[i], result, etag, version, definitionHash);
      continue;
    }
    if (result.events) emitNativeEvents(resource, result.events);
    if (result.error) fail(indexes[i], toPublic(resource, result.error, { id: ids[i], operation: 'insert' }));
    else if (result.asGiven !== undefined) {
      slots[indexes[i]] = completed(records[i], ids[i], result.asGiven, result.etag, version, definitionHash);
    } else slots[indexes[i]] = withDate(result.record);
  }
  if (isFollowed(resource)) await followChunk(resource, chunk, slots, fail);
}

/** A record that was stored as it is, with what a read would add (spec/03 section 5). */
function completed(given, id, lastModified, etag, version, definitionHash) {
  const record = copyMembers(given);
  record.id = id;
  record._contentLength = 0;
  record._lastModified = new Date(lastModified);
  record._hasContent = false;
  record._mimeType = 'application/octet-stream';
  record._etag = etag;
  record._v = version;
  record._definitionHash = definitionHash;
  return record;
}

/** Inserts the record or, when its id exists, updates it. */
export async function upsert(resource, first, second) {
  const input = typeof first === 'string' ? { ...second, id: first } : first;
  requireRecord(resource, input, 'upsert');
  const { id: given, ...attributes } = input;
  const id = explicitId(given);
  const inner = innerArgs(resource);
  if (id === undefined) return resource.insert(attributes, ...inner);
  const insertFirst =
    isUnmodified(resource, 'insert', 'upsert') &&
    isUnmodified(resource, 'exists', 'upsert') &&
    isUnmodified(resource, 'executeHooks') &&
    !needsHooks(resource, 'beforeInsert') &&
    !needsHooks(resource, 'beforeExists') &&
    !needsHooks(resource, 'afterExists');
  const fresh = innerArgs(resource, { skipCache: true });
  if (!insertFirst && (await resource.exists(id, ...fresh))) return resource.update(id, attributes, ...inner);
  try {
    return await resource.insert({ id, ...attributes }, ...inner);
  } catch (error) {
    if (!(error instanceof InvalidResourceItem || error instanceof MetadataLimitError)) throw error;
    const duplicate = error.statusCode === 409;
    if (duplicate || (insertFirst && (await resource.exists(id, ...fresh)))) return resource.update(id, attributes, ...inner);
    throw error;
  }
}
