/** Reading single records and sets of ids. */

import { isNotFound, PartitionError, ResourceError, ValidationError } from '../errors/index.js';
import { fromText } from '../native/text.js';
import { mapBounded } from '../util/concurrency.js';
import { innerArgs } from '../util/inner-call.js';
import { decideBulk } from './bulk.js';
import { undecryptable } from './compose.js';
import { emitItemError, emitStandardized } from './events.js';
import { needsHooks, runHooks } from './hooks.js';
import { checkReadId } from './ids.js';
import { isMissing } from './missing.js';
import { nativeOf, toPublic, withDate } from './native.js';
import { completeBatch, knownVersions, learnedVersion } from './newer-versions.js';
import { normaliseId, partitionPrefix, requestedValues } from './partition-rules.js';
import { requirePartition } from './partitions.js';

/** Reads one record. */
export async function get(resource, id) {
  checkReadId(id);
  if (needsHooks(resource, 'beforeGet')) await runHooks(resource, 'beforeGet', { id });
  const known = resource._savedVersions;
  let record = readNow(resource, id);
  if (record instanceof Promise) record = await record;
  const again = learnedVersion(resource, record, known);
  if (again && (await again)) record = await readNow(resource, id);
  if (needsHooks(resource, 'afterGet')) record = await runHooks(resource, 'afterGet', record);
  emitStandardized(resource, 'fetched', record, id);
  return record;
}

/** The record as it is stored; a promise where the store is not in this process. */
function readNow(resource, id) {
  const failed = (error) => {
    throw toPublic(resource, error, { id, operation: 'get' });
  };
  try {
    const text = nativeOf(resource).get(id);
    if (typeof text === 'string') return withDate(fromText(text));
    return text.then((later) => withDate(fromText(later))).catch(failed);
  } catch (error) {
    return failed(error);
  }
}

/** A record of a batch, below hooks and events; undefined when it is gone. */
export async function readAgain(resource, id) {
  try {
    return await readNow(resource, id);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Record or null. */
export async function getOrNull(resource, id) {
  try {
    return await resource.get(id);
  } catch (error) {
    if (isMissing(resource, id, error)) return null;
    throw error;
  }
}

/** Record or `ResourceError` with code `RESOURCE_NOT_FOUND`. */
export async function getOrThrow(resource, id) {
  try {
    return await resource.get(id);
  } catch (error) {
    if (!isMissing(resource, id, error)) throw error;
    throw new ResourceError(`Resource '${resource.name}' with id '${id}' not found`, {
      resourceName: resource.name,
      id,
      code: 'RESOURCE_NOT_FOUND',
      statusCode: 404,
      original: error,
      operation: 'getOrThrow',
      retriable: false,
      suggestion: 'Check the id, or use getOrNull() where the record may be absent.'
    });
  }
}

/** Whether the record exists; only "not found" is false, other failures reject. */
export async function exists(resource, id) {
  if (needsHooks(resource, 'beforeExists')) await runHooks(resource, 'beforeExists', { id });
  let found;
  try {
    // No record has an empty id.
    const text = String(id);
    const result = text !== '' && nativeOf(resource).exists(text);
    found = typeof result === 'boolean' ? result : await result;
  } catch (error) {
    throw toPublic(resource, error, { id, operation: 'exists' });
  }
  if (needsHooks(resource, 'afterExists')) await runHooks(resource, 'afterExists', { id, exists: found });
  return found;
}

/** Records of the ids in input order; missing ones are left out. */
export async function getMany(resource, ids, options) {
  if (!Array.isArray(ids)) {
    throw new ValidationError('getMany requires an array of ids', {
      field: 'ids',
      value: ids === null ? 'null' : typeof ids,
      resourceName: resource.name,
      statusCode: 400,
      operation: 'getMany',
      suggestion: 'Pass an array of record ids.'
    });
  }
  if (needsHooks(resource, 'beforeGetMany')) await runHooks(resource, 'beforeGetMany', { ids });
  let records = decideBulk(resource, 'getMany').allowed ? await bulkGet(resource, ids) : await loopGet(resource, ids, options);
  if (needsHooks(resource, 'afterGetMany')) records = await runHooks(resource, 'afterGetMany', records);
  resource.emit('fetched-many', ids.length);
  return records;
}

async function bulkGet(resource, ids) {
  if (ids.length === 0) return [];
  for (const id of ids) checkReadId(id);
  let results;
  const known = knownVersions(resource);
  try {
    results = fromText(await nativeOf(resource).getMany(JSON.stringify(ids))).results;
  } catch (error) {
    throw toPublic(resource, error, { operation: 'getMany' });
  }
  const records = [];
  for (let i = 0; i < results.length; i += 1) {
    const { record, missing, error } = results[i];
    if (record !== undefined) records.push(withDate(record));
    else if (error !== undefined && !missing) {
      const failure = toPublic(resource, error, { id: ids[i], operation: 'getMany' });
      emitItemError(resource, failure, ids[i]);
      throw failure;
    }
  }
  await completeBatch(resource, known, records, (id) => readAgain(resource, id));
  return records;
}

async function loopGet(resource, ids, options) {
  const load = (id) => loadOrSkip(resource, id, options);
  const found = await mapBounded(ids, resource.client?.parallelism ?? resource.parallelism, load);
  return found.filter((record) => record !== undefined);
}

/** A record through the instance's `get`, as part of a call with `options`; undefined when it does not exist. */
export async function loadOrSkip(resource, id, options) {
  try {
    return await resource.get(id, ...innerArgs(resource, options));
  } catch (error) {
    if (isMissing(resource, id, error)) return undefined;
    if (undecryptable(id, error) === null) emitItemError(resource, error, id);
    return resource.handleResourceError(error, id, 'main');
  }
}

/** Reads a record that must be referenced in a partition. */
export async function getFromPartition(resource, options) {
  const { id, partitionName, partitionValues = {} } = options ?? {};
  const definition = requirePartition(resource, partitionName, 'getFromPartition');
  const values = requestedValues(definition, partitionValues);
  if (values === null) {
    throw new PartitionError(`No partition values provided for partition '${partitionName}'`, {
      resourceName: resource.name,
      partitionName,
      operation: 'getFromPartition',
      statusCode: 400,
      suggestion: `Pass partitionValues for: ${Object.keys(definition.fields ?? {}).join(', ')}.`
    });
  }
  checkReadId(id);
  const key = `${partitionPrefix(resource.name, partitionName, definition, partitionValues)}/id=${normaliseId(id)}`;
  try {
    await resource.client.headObject(key);
  } catch (error) {
    if (!isNotFound(error) && error?.statusCode !== 404) throw error;
    throw new ResourceError(`Resource with id '${id}' not found in partition '${partitionName}'`, {
      resourceName: resource.name,
      id,
      partitionName,
      statusCode: 404,
      original: error,
      operation: 'getFromPartition',
      retriable: false,
      suggestion: 'Check the id and the partition values.'
    });
  }
  const record = await resource.get(id, ...innerArgs(resource, options));
  record._partition = partitionName;
  record._partitionValues = partitionValues;
  emitStandardized(resource, 'partition-fetched', record, id);
  return record;
}
