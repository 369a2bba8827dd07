/** Bulk insert: chunks of validated records, each one call of the engine. */

import { storeFor } from '../client/store-for.js';
import { ValidationError } from '../errors/index.js';
import { fromText, plainText, toText } from '../native/text.js';
import { copyMembers } from '../schema/clone.js';
import { mapBounded } from '../util/concurrency.js';
import { innerArgs } from '../util/inner-call.js';
import { decideBulk, isHeard } from './bulk.js';
import { emitItemError, emitStandardized } from './events.js';
import { needsHooks, runHooks } from './hooks.js';
import { sequenceOf } from './ids.js';
import { insertRefs, prepare, withItem } from './insert.js';
import { RowShapes } from './insert-rows.js';
import { emitNativeEvents, nativeOf, toPublic, withDate } from './native.js';
import { dateHints } from './partition-rules.js';
import { warnDefaultPassphrase } from './warnings.js';

const BULK_CHUNK = 1000;
/** Slot of an item that failed; a hook may make `undefined` the result of one that did not. */
const MISSING = Symbol('missing');

/** Inserts many records; items that fail are reported by `error` events and left out of the result. */
export async function insertMany(resource, objects) {
  const items = Array.isArray(objects) ? objects : await toArray(objects);
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
    const shapes = new RowShapes(resource);
    for (let from = 0; from < items.length; from += BULK_CHUNK) {
      const chunk = await prepareChunk(resource, shapes, items, range(from, Math.min(items.length, from + BULK_CHUNK)), fail);
      if (chunk.indexes.length === 0) continue;
      if (sending.length >= depth) await sending.shift();
      if (resource._warnPassphrase) warnDefaultPassphrase(resource);
      const sent = sendChunk(resource, shapes, chunk, slots, fail);
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

async function toArray(objects) {
  if (objects !== null && typeof objects === 'object' && (objects[Symbol.iterator] ?? objects[Symbol.asyncIterator])) {
    const items = [];
    for await (const item of objects) items.push(item);
    return items;
  }
  throw new ValidationError('"items" must be an array, an iterable or an async iterable.', {
    field: 'items',
    value: typeof objects,
    statusCode: 400,
    operation: 'insertMany',
    suggestion: 'Pass an array of records to insertMany().'
  });
}

/** Whole numbers from `from` up to but without `to`. */
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

const noId = () => undefined;

/**
 * Validated items of a chunk as the engine takes them; refused ones are reported. `offsets` tells for each item where its row
 * is, or by a negative number which of `records` it is: -1 for the first.
 */
async function prepareChunk(resource, shapes, items, wanted, fail) {
  const chunk = { rows: [], ids: [], records: [], explicit: [], dates: undefined, indexes: [], offsets: [] };
  const { rows, indexes, offsets } = chunk;
  const sequence = sequenceOf(resource);
  const idOf = sequence === undefined ? undefined : noId;
  for (const i of wanted) {
    try {
      const offset = rows.length;
      const added = shapes.add(rows, items[i]);
      if (added === true || (added !== false && (await added))) {
        offsets.push(offset);
      } else {
        const outcome = prepare(resource, items[i], idOf);
        addRecord(resource, chunk, outcome instanceof Promise ? await outcome : outcome);
        offsets.push(-chunk.ids.length);
      }
      indexes.push(i);
    } catch (error) {
      fail(i, error);
    }
  }
  if (sequence === undefined) return chunk;
  const failed = await takeNumbers(sequence, chunk, fail);
  return failed.size === 0
    ? chunk
    : prepareChunk(
        resource,
        shapes,
        items,
        indexes.filter((i) => !failed.has(i)),
        fail
      );
}

/** Gives the valid items of a chunk that have no id theirs, all in one step; the indexes of those that got none. */
async function takeNumbers(sequence, chunk, fail) {
  const { rows, ids, indexes, offsets } = chunk;
  const lacking = [];
  for (let at = 0; at < offsets.length; at += 1) if (idAt(chunk, at) === undefined) lacking.push(at);
  if (lacking.length === 0) return new Set();
  let numbers;
  try {
    numbers = await sequence.take(lacking.length);
  } catch (error) {
    for (const at of lacking) fail(indexes[at], error);
    return new Set(lacking.map((at) => indexes[at]));
  }
  lacking.forEach((at, k) => {
    if (offsets[at] >= 0) rows[offsets[at] + 1] = numbers[k];
    else ids[-offsets[at] - 1] = numbers[k];
  });
  return new Set();
}

function addRecord(resource, chunk, { id, explicit, record }) {
  if (resource._hasPartitions()) {
    const hints = dateHints(resource.config.partitions, record);
    if (hints) {
      chunk.dates ??= {};
      chunk.dates[chunk.ids.length] = hints;
    }
  }
  if (explicit) chunk.explicit.push(chunk.ids.length);
  chunk.ids.push(id);
  chunk.records.push(record);
  chunk.rows.push(-1);
}

/** Texts of a chunk. Records in which a lone surrogate was replaced do not read back as they were given. */
function chunkTexts(shapes, { rows, ids, records, explicit, dates, offsets }) {
  const text = toText(records);
  // Nothing but markers in the rows: the records alone, in order.
  const rowsText = ids.length === offsets.length ? undefined : plainText(rows);
  const compact = !text.includes('\ufffd') && !rowsText?.includes('\ufffd');
  const rest = dates ? `,"dates":${JSON.stringify(dates)}` : '';
  const batch = `{"compact":${compact},"ids":${JSON.stringify(ids)},"explicit":[${explicit}]${rest},"shapes":${shapes.text()},"records":${text}}`;
  return [batch, rowsText];
}

/** Id of an item of a chunk. */
const idAt = ({ rows, ids, offsets }, position) => (offsets[position] >= 0 ? rows[offsets[position] + 1] : ids[-offsets[position] - 1]);

/** Whether anything of the caller's runs for each stored record. */
function isFollowed(resource) {
  return needsHooks(resource, 'afterInsert') || isHeard(resource, 'inserted');
}

/** Runs `afterInsert` hooks and emits `inserted` for the stored records of a chunk, as many at once as single inserts would. */
async function followChunk(resource, chunk, slots, fail) {
  const hooked = needsHooks(resource, 'afterInsert');
  await mapBounded(chunk.indexes, resource.parallelism, async (index, position) => {
    if (slots[index] === MISSING) return;
    try {
      if (hooked) slots[index] = await runHooks(resource, 'afterInsert', withItem(resource, slots[index]));
      const waiting = emitStandardized(resource, 'inserted', slots[index], idAt(chunk, position));
      if (waiting !== undefined) await waiting;
    } catch (error) {
      slots[index] = MISSING;
      fail(index, error);
    }
  });
}

async function sendChunk(resource, shapes, chunk, slots, fail) {
  const { rows, ids, records, indexes, offsets } = chunk;
  let reply;
  try {
    const [batch, rowsText] = chunkTexts(shapes, chunk);
    reply = fromText(await nativeOf(resource).insertMany(batch, JSON.stringify({ refs: insertRefs(resource) }), rowsText));
  } catch (error) {
    const failure = toPublic(resource, error, { operation: 'insertMany' });
    for (const index of indexes) fail(index, failure);
    return;
  }
  const completed = (at, time, etag) => {
    const offset = offsets[at];
    if (offset >= 0) return shapes.record(rows, offset, time, etag);
    const k = -offset - 1;
    return completeRecord(resource, records[k], ids[k], time, etag);
  };
  const { results, etag, asGiven } = reply;
  for (let i = 0; i < indexes.length; i += 1) {
    const result = results === undefined ? asGiven : results[i];
    if (typeof result === 'number') {
      slots[indexes[i]] = completed(i, result, etag);
      continue;
    }
    if (result.events) emitNativeEvents(resource, result.events);
    if (result.error) {
      fail(indexes[i], toPublic(resource, result.error, { id: idAt(chunk, i), operation: 'insert' }));
    } else if (result.asGiven !== undefined) slots[indexes[i]] = completed(i, result.asGiven, result.etag);
    else slots[indexes[i]] = withDate(result.record);
  }
  if (isFollowed(resource)) await followChunk(resource, chunk, slots, fail);
}

/** A record that was stored as it is, with what a read would add (spec/03 section 5). */
function completeRecord(resource, given, id, lastModified, etag) {
  const record = copyMembers(given);
  record.id = id;
  record._contentLength = 0;
  record._lastModified = new Date(lastModified);
  record._hasContent = false;
  record._mimeType = 'application/octet-stream';
  record._etag = etag;
  record._v = String(resource.version);
  record._definitionHash = resource.getDefinitionHash();
  return record;
}
