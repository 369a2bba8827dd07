/** Deletion of records. */

import { isNotFound, ResourceError, ValidationError } from '../errors/index.js';
import { fromText } from '../native/text.js';
import { emitItemError, emitStandardized, emitToObservers } from './events.js';
import { needsHooks, runHooks } from './hooks.js';
import { checkWriteId, sequenceOf } from './ids.js';
import { isUnmodified } from './middleware.js';
import { emitNativeEvents, nativeOf, refsMode, toPublic } from './native.js';
import { applyRule, dateHints } from './partition-rules.js';
import { maintainReplaced } from './partitions.js';
import { readForWrite } from './update.js';

const CHUNK = 1000;

/** Deletes one record; a missing one is still deleted (idempotent) and then rejects with `NoSuchKey`. */
export async function remove(resource, rawId) {
  const id = checkWriteId(rawId, 'delete');
  const { read = null, record = { id }, failure: missing } = await readForWrite(resource, id, 'delete');
  if (missing && !isNotFound(missing)) throw missing;
  if (needsHooks(resource, 'beforeDelete')) await runHooks(resource, 'beforeDelete', record);
  const partitioned = resource._hasPartitions();
  const replaced = partitioned && !isUnmodified(resource, 'deletePartitionReferences');
  const options = { refs: replaced ? 'none' : refsMode(resource) };
  const oldDates = partitioned ? dateHints(resource.config.partitions, record) : undefined;
  if (oldDates) options.oldDates = oldDates;
  let text;
  try {
    text = nativeOf(resource).delete(id, read, JSON.stringify(options));
    if (text instanceof Promise) text = await text;
  } catch (error) {
    throw toPublic(resource, error, { id, operation: 'delete' });
  }
  const response = fromText(text);
  if (response?.events) {
    emitNativeEvents(resource, response.events);
    delete response.events;
  }
  if (replaced && !missing) await maintainReplaced(resource, 'delete', id, () => resource.deletePartitionReferences(record));
  if (needsHooks(resource, 'afterDelete')) await runHooks(resource, 'afterDelete', record);
  const waiting = emitStandardized(resource, 'deleted', { ...record, $before: record, $after: null }, id);
  if (waiting !== undefined) await waiting;
  if (missing) throw missing;
  return response;
}

/** Deletes up to a thousand records; where the engine asks for the days of texts, in two steps. */
async function deleteChunk(resource, ids) {
  const native = nativeOf(resource);
  const report = fromText(await native.deleteMany(JSON.stringify(ids)));
  if (report.undated === undefined) return report;
  const dates = Object.fromEntries(report.dates.map((text) => [text, applyRule(text, 'date')]));
  const rest = fromText(await native.deleteMany(JSON.stringify(report.undated), JSON.stringify(dates)));
  // Records that changed in between.
  const changed = (rest.undated ?? []).map((id) => ({ id, code: 'Conflict', message: `Record '${id}' is being changed; delete it again` }));
  const order = new Map(ids.map((id, at) => [id, at]));
  return {
    deleted: [...report.deleted, ...rest.deleted].sort((a, b) => order.get(a) - order.get(b)),
    errors: [...report.errors, ...rest.errors, ...changed]
  };
}

/** Deletes many records, their references and content; resolves one report per thousand ids. */
export async function deleteMany(resource, ids) {
  if (!Array.isArray(ids)) {
    throw new ValidationError('deleteMany requires an array of ids', {
      field: 'ids',
      value: typeof ids,
      statusCode: 400,
      operation: 'deleteMany',
      suggestion: 'Pass an array of record ids.'
    });
  }
  if (needsHooks(resource, 'beforeDeleteMany')) await runHooks(resource, 'beforeDeleteMany', { ids });
  const results = [];
  let deleted = 0;
  let failed = 0;
  for (let from = 0; from < ids.length; from += CHUNK) {
    const chunk = ids.slice(from, from + CHUNK).map((id) => checkWriteId(typeof id === 'number' ? String(id) : id, 'deleteMany'));
    let report;
    try {
      report = await deleteChunk(resource, chunk);
    } catch (error) {
      const failure = toPublic(resource, error, { operation: 'deleteMany' });
      failed += chunk.length;
      emitItemError(resource, failure, chunk);
      results.push({ deleted: [], notFound: [{ message: failure.message, raw: failure, item: chunk }], Deleted: [], Errors: [] });
      continue;
    }
    for (const id of report.deleted) {
      resource.emit('deleted', id);
      emitToObservers(resource, 'deleted', resource.name, id);
    }
    deleted += report.deleted.length;
    const notFound = [];
    for (const { id, code, message } of report.errors) {
      const failure = new ResourceError(message ?? `Delete of '${id}' failed`, {
        resourceName: resource.name,
        id,
        code,
        operation: 'deleteMany'
      });
      failed += 1;
      notFound.push({ message: failure.message, raw: failure, item: [id] });
      emitItemError(resource, failure, id);
    }
    const Deleted = report.deleted.map((id) => ({ Key: resource.getResourceKey(id) }));
    const Errors = report.errors.map(({ id, code, message }) => ({ Key: resource.getResourceKey(id), Code: code, Message: message }));
    results.push({ deleted: [{ Deleted, Errors }], notFound, Deleted, Errors });
  }
  Object.defineProperty(results, 'deleted', { value: deleted, enumerable: false, configurable: true });
  Object.defineProperty(results, 'errors', { value: failed, enumerable: false, configurable: true });
  if (needsHooks(resource, 'afterDeleteMany')) await runHooks(resource, 'afterDeleteMany', { ids, results });
  resource.emit('deleted-many', ids.length);
  return results;
}

function refuseParanoid(resource, method) {
  if (resource.config.paranoid === false) return;
  throw new ResourceError(`${method}() is a dangerous operation and requires paranoid: false option.`, {
    resourceName: resource.name,
    operation: method,
    paranoid: resource.config.paranoid,
    statusCode: 400,
    retriable: false,
    suggestion: 'Create the resource with paranoid: false to allow this.'
  });
}

async function removeScope(resource, scope, operation) {
  try {
    return fromText(await nativeOf(resource).deleteAll(scope)).deletedCount;
  } catch (error) {
    throw toPublic(resource, error, { operation });
  }
}

/** Deletes every record with references and content; historical copies stay. */
export async function deleteAll(resource) {
  refuseParanoid(resource, 'deleteAll');
  const deletedCount = await removeScope(resource, 'records', 'deleteAll');
  resource.emit('deleted-all', { version: resource.version, prefix: `resource=${resource.name}/data`, deletedCount });
  return { deletedCount, version: resource.version };
}

/** Deletes everything under the resource. */
export async function deleteAllData(resource) {
  refuseParanoid(resource, 'deleteAllData');
  const deletedCount = await removeScope(resource, 'all', 'deleteAllData');
  // Its sequences are gone as well, and start again.
  sequenceOf(resource)?.release();
  resource.emit('deleted-all-data', { resource: resource.name, prefix: `resource=${resource.name}`, deletedCount });
  return { deletedCount, resource: resource.name };
}
