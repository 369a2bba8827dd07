/** Update, conditional update, patch and replace. */

import { isNotFound, isPrecondition, ResourceError, ValidationError } from '../errors/index.js';
import { fromText, toText } from '../native/text.js';
import { innerArgs } from '../util/inner-call.js';
import { emitStandardized } from './events.js';
import { isHookError, needsHooks, runHooks } from './hooks.js';
import { checkWriteId } from './ids.js';
import { invalidRecord, withoutId } from './insert.js';
import { isUnmodified } from './middleware.js';
import { emitNativeEvents, nativeOf, refsMode, toPublic, withDate } from './native.js';
import { learnedVersion } from './newer-versions.js';
import { dateHints } from './partition-rules.js';
import { maintainReplaced } from './partitions.js';
import { readOfKeptHashes } from './passwords.js';
import { problemsWithoutSecrets } from './secrets.js';
import { validateRecord } from './validation.js';
import { cloneValue, isPlainObject, mergeUpdate, withoutSystemFields } from './values.js';
import { warnDefaultPassphrase } from './warnings.js';

const MAX_ATTEMPTS = 10;

function pause(attempt) {
  const ceiling = Math.min(1000, 10 * 2 ** attempt);
  return new Promise((resolve) => {
    setTimeout(resolve, Math.random() * ceiling);
  });
}

function requireAttributes(attributes, name, operation) {
  if (attributes === null || typeof attributes !== 'object' || Array.isArray(attributes)) {
    throw new ValidationError(`${name} must be a non-empty object`, {
      field: name,
      value: attributes === null ? 'null' : typeof attributes,
      statusCode: 400,
      retriable: false,
      operation,
      suggestion: `Pass a plain object with the attributes: resource.${operation}(id, { name: 'value' }).`
    });
  }
}

function doesNotExist(resource, id, original) {
  return new ResourceError(`Resource with id '${id}' does not exist`, {
    resourceName: resource.name,
    id,
    statusCode: 404,
    original,
    code: 'NoSuchKey',
    operation: 'update',
    retriable: false,
    suggestion: 'Insert the record first, or use upsert().'
  });
}

/**
 * The stored record for a read-modify-write, below middlewares and plugin wrappers so that no cache
 * can supply a stale base; get hooks and `fetched` fire as for a read. A read that fails is the
 * `failure` of the result; what hooks throw rejects, also where it says "not found" of something else.
 * @returns {Promise<{ read?: any, record?: object, failure?: any }>}
 */
export async function readForWrite(resource, id, operation) {
  if (needsHooks(resource, 'beforeGet')) await runHooks(resource, 'beforeGet', { id });
  let read;
  let record;
  const known = resource._savedVersions;
  try {
    read = nativeOf(resource).read(id);
    if (read instanceof Promise) read = await read;
    record = withDate(fromText(read.text));
    const again = learnedVersion(resource, record, known);
    if (again && (await again)) {
      read = await nativeOf(resource).read(id);
      record = withDate(fromText(read.text));
    }
  } catch (error) {
    return { failure: toPublic(resource, error, { id, operation }) };
  }
  if (needsHooks(resource, 'afterGet')) record = await runHooks(resource, 'afterGet', record);
  emitStandardized(resource, 'fetched', record, id);
  return { read, record };
}

/** Merge, timestamps, hooks and validation of an update; resolves the complete record without system fields. */
async function nextRecord(resource, id, original, attributes) {
  const hooked = needsHooks(resource, 'beforeUpdate');
  // A hook may change nested values of what it gets; the original is `$before`, and tells which references move.
  let merged = mergeUpdate(hooked ? cloneValue(original) : original, attributes);
  if (resource.config.timestamps) {
    const now = new Date().toISOString();
    merged.updatedAt = now;
    if (declaresObject(resource.attributes.metadata)) {
      merged.metadata = isPlainObject(merged.metadata) ? { ...merged.metadata, updatedAt: now } : { updatedAt: now };
    }
  }
  if (hooked) {
    const returned = await runHooks(resource, 'beforeUpdate', merged);
    if (returned === null || typeof returned !== 'object') {
      throw new ValidationError('beforeUpdate hook must return an object', {
        field: 'beforeUpdate',
        resourceName: resource.name,
        statusCode: 400,
        suggestion: 'Return the record from the hook.'
      });
    }
    merged = { ...original, ...returned };
  }
  merged.id = id;
  const outcome = validateRecord(resource, withoutSystemFields(merged, resource.attributes));
  return outcome instanceof Promise ? await outcome : outcome;
}

function declaresObject(definition) {
  if (typeof definition === 'string') return definition.split('|')[0].trim() === 'object';
  if (!isPlainObject(definition)) return false;
  return typeof definition.type === 'string' ? definition.type.startsWith('object') : true;
}

function writeOptions(resource, operation, original, record, extra) {
  const options = { ...extra, operation };
  const partitioned = resource._hasPartitions();
  const replaced = partitioned && extra?.refs === undefined && !isUnmodified(resource, 'handlePartitionReferenceUpdates');
  options.refs = extra?.refs ?? (replaced ? 'none' : refsMode(resource));
  if (partitioned) {
    const dates = dateHints(resource.config.partitions, record);
    if (dates) options.dates = dates;
    const oldDates = original ? dateHints(resource.config.partitions, original) : undefined;
    if (oldDates) options.oldDates = oldDates;
  }
  return { text: JSON.stringify(options), replaced };
}

/** Attributes and id of a written record, with the marker fields of behaviours kept. */
function written(resource, record) {
  const result = withoutSystemFields(record, resource.attributes);
  if (record.$overflow !== undefined) result.$overflow = record.$overflow;
  if (record.$truncated !== undefined) result.$truncated = record.$truncated;
  return result;
}

async function finishUpdate(resource, id, original, result, hook, events = ['updated']) {
  const updated = written(resource, result.record);
  let final = updated;
  const replace = events.length > 1;
  if (needsHooks(resource, hook)) {
    if (!replace) {
      Object.defineProperty(updated, '$before', { value: original, enumerable: false, configurable: true });
      Object.defineProperty(updated, '$after', { value: updated, enumerable: false, configurable: true });
    }
    final = await runHooks(resource, hook, updated);
  }
  for (const event of events) {
    const waiting = emitStandardized(resource, event, { ...updated, $before: replace ? undefined : original, $after: final }, id);
    if (waiting !== undefined) await waiting;
  }
  return final;
}

/**
 * Runs a read-modify-write again, after a pause, as long as the record changes in between; up to ten
 * times, then rejects with a retriable `ResourceError` 409.
 */
export async function untilUnchanged(resource, id, operation, run) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (!isPrecondition(error) || isHookError(error)) throw error;
      if (attempt >= MAX_ATTEMPTS) throw lostRaces(resource, id, operation, error);
    }
    await pause(attempt);
  }
}

/** Updates a record by merging attributes into what is stored. */
export async function update(resource, rawId, attributes) {
  const id = checkWriteId(rawId, 'update');
  requireAttributes(attributes, 'attributes', 'update');
  if (resource._warnPassphrase) warnDefaultPassphrase(resource);
  const { base, result } = await untilUnchanged(resource, id, 'update', async () => {
    const base = await readForWrite(resource, id, 'update');
    if (base.failure) throw isNotFound(base.failure) ? doesNotExist(resource, id, base.failure) : base.failure;
    const { errors, data } = await nextRecord(resource, id, base.record, attributes);
    if (errors.length > 0) throw invalidUpdate(resource, errors, attributes);
    return { base, result: await writeUpdate(resource, id, base, data, 'update') };
  });
  return finishUpdate(resource, id, base.record, result, 'afterUpdate');
}

function invalidUpdate(resource, errors, attributes) {
  return invalidRecord(resource, errors, attributes, 'unknown', (problems) => `validation: ${JSON.stringify(problems)}`);
}

function lostRaces(resource, id, operation, original) {
  return new ResourceError(`Resource with id '${id}' was modified concurrently ${MAX_ATTEMPTS} times in a row`, {
    resourceName: resource.name,
    id,
    statusCode: 409,
    code: 'Conflict',
    retriable: true,
    original,
    operation,
    suggestion: 'Call it again; the record is under heavy concurrent modification.'
  });
}

async function writeUpdate(resource, id, base, data, operation, extra) {
  const record = withoutId(data);
  if (resource.versioningEnabled && base.record._versionMapped) await resource.createHistoricalVersion(id, base.record);
  const { text: options, replaced } = writeOptions(resource, operation, base.record, record, extra);
  let text;
  try {
    text = nativeOf(resource).update(base.read, toText(record), options);
    if (text instanceof Promise) text = await text;
  } catch (error) {
    throw toPublic(resource, error, { id, operation });
  }
  const result = fromText(text);
  if (result.events) emitNativeEvents(resource, result.events);
  if (replaced) {
    await maintainReplaced(resource, operation, id, () => moveReferencesOf(resource, id, base, result));
  }
  return result;
}

/** Moves the references from what was stored, which hooks may have changed in the record, to what is stored now. */
function moveReferencesOf(resource, id, base, result, options) {
  return resource.handlePartitionReferenceUpdates(fromText(base.read.text), { ...result.record, id }, options);
}

/** Compare-and-set: writes only when the stored ETag is the given one; resolves a result object. */
export async function updateConditional(resource, rawId, attributes, options = {}) {
  const id = checkWriteId(rawId, 'updateConditional');
  const ifMatch = options?.ifMatch;
  if (!ifMatch) {
    throw new ValidationError('updateConditional requires ifMatch option with ETag value', {
      field: 'ifMatch',
      statusCode: 428,
      retriable: false,
      operation: 'updateConditional',
      suggestion: 'Pass { ifMatch: record._etag } of the record that was read.'
    });
  }
  requireAttributes(attributes, 'attributes', 'updateConditional');
  const base = await readForWrite(resource, id, 'updateConditional');
  if (base.failure) {
    const error = isNotFound(base.failure) ? `Resource with id '${id}' does not exist` : base.failure?.message;
    return { success: false, error: error || 'Update failed' };
  }
  const { errors, data } = await nextRecord(resource, id, base.record, attributes);
  if (errors.length > 0) {
    const problems = problemsWithoutSecrets(resource, errors);
    return { success: false, error: `Validation failed: ${JSON.stringify(problems)}`, validationErrors: problems };
  }
  // Strict references come after the write, so that their failure rejects: the record has changed then.
  const strict = Boolean(resource.config.strictPartitions) && resource._hasPartitions();
  const extra = strict ? { ifMatch: String(ifMatch), refs: 'none' } : { ifMatch: String(ifMatch) };
  let result;
  try {
    result = await writeUpdate(resource, id, base, data, 'update', extra);
  } catch (error) {
    if (isPrecondition(error)) return { success: false, error: 'ETag mismatch - object was modified by another process' };
    return { success: false, error: error?.message || 'Update failed' };
  }
  if (strict) await moveReferencesOf(resource, id, base, result, { strict: true });
  const final = await finishUpdate(resource, id, base.record, result, 'afterUpdate');
  return { success: true, data: final, etag: result.etag };
}

/** Partial update; a COPY onto itself where the behaviour keeps everything in metadata. */
export async function patch(resource, rawId, fields, options = {}) {
  const id = checkWriteId(rawId, 'patch');
  requireAttributes(fields, 'fields', 'patch');
  if (needsHooks(resource, 'beforePatch')) await runHooks(resource, 'beforePatch', { id, fields, options });
  const copyable =
    (resource.behavior === 'enforce-limits' || resource.behavior === 'truncate-data') &&
    !Object.keys(fields).some((key) => key.includes('.'));
  let result = copyable
    ? await resource._patchViaCopyObject(id, fields, options)
    : await resource.update(id, fields, ...innerArgs(resource));
  if (needsHooks(resource, 'afterPatch')) result = await runHooks(resource, 'afterPatch', result);
  return result;
}

/** HEAD, merge, COPY with new metadata. */
export async function patchViaCopy(resource, rawId, fields) {
  const id = checkWriteId(rawId, 'patch');
  if (resource._warnPassphrase) warnDefaultPassphrase(resource);
  const { original, result, replaced } = await untilUnchanged(resource, id, 'patch', async () => {
    let handle = nativeOf(resource);
    const known = resource._savedVersions;
    try {
      let read = handle.readHead(id);
      if (read instanceof Promise) read = await read;
      let original = withDate(fromText(read.text));
      const again = learnedVersion(resource, original, known);
      if (again && (await again)) {
        handle = nativeOf(resource);
        read = await handle.readHead(id);
        original = withDate(fromText(read.text));
      }
      const { errors, data } = await nextRecord(resource, id, original, fields);
      if (errors.length > 0) throw patchInvalid(resource, id, errors);
      const record = withoutId(data);
      if (resource.versioningEnabled && original._versionMapped) await resource.createHistoricalVersion(id, original);
      const { text: options, replaced } = writeOptions(resource, 'update', original, record);
      let text = handle.patch(read, toText(record), options);
      if (text instanceof Promise) text = await text;
      return { original, result: fromText(text), replaced };
    } catch (error) {
      throw toPublic(resource, error, { id, operation: 'patch' });
    }
  });
  if (result.events) emitNativeEvents(resource, result.events);
  if (replaced) {
    await maintainReplaced(resource, 'patch', id, () => resource.handlePartitionReferenceUpdates(original, { ...result.record, id }));
  }
  return finishUpdate(resource, id, original, result, 'afterUpdate');
}

function patchInvalid(resource, id, problems) {
  const errors = problemsWithoutSecrets(resource, problems);
  const error = new ValidationError('Validation failed during patch', {
    resourceName: resource.name,
    id,
    statusCode: 422,
    retriable: false,
    operation: 'patch',
    validation: errors,
    errors,
    suggestion: 'Correct the fields named in the validation errors.'
  });
  errors.forEach((entry, index) => {
    error[index] = entry;
  });
  return error;
}

/** One PUT; where the record carries a password hash of the stored one, a read and a PUT that depends on it. */
async function writeReplacement(resource, id, text, options, record) {
  const keeps = resource._passwordPaths.length > 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const read = keeps ? await readOfKeptHashes(resource, id, record) : null;
      const handle = nativeOf(resource);
      return await (read === null ? handle.replace(id, text, options) : handle.update(read, text, options));
    } catch (error) {
      const failure = toPublic(resource, error, { id, operation: 'replace' });
      if (!isPrecondition(failure) || attempt >= MAX_ATTEMPTS) throw failure;
      await pause(attempt);
    }
  }
}

/** Writes a whole record without reading the old one; creates it when missing. */
export async function replace(resource, rawId, fullData, options = {}) {
  const id = checkWriteId(rawId, 'replace');
  requireAttributes(fullData, 'fullData', 'replace');
  if (needsHooks(resource, 'beforeReplace')) await runHooks(resource, 'beforeReplace', { id, fullData, options });
  const draft = { ...resource.applyDefaults(fullData) };
  if (resource.config.timestamps) {
    const now = new Date().toISOString();
    if (!draft.createdAt) draft.createdAt = now;
    draft.updatedAt = now;
  }
  draft.id = id;
  const outcome = validateRecord(resource, withoutSystemFields(draft, resource.attributes));
  const { errors, data } = outcome instanceof Promise ? await outcome : outcome;
  if (errors.length > 0) throw invalidRecord(resource, errors, draft, 'Replace failed');
  if (resource._warnPassphrase) warnDefaultPassphrase(resource);
  const record = withoutId(data);
  const { text: writeText, replaced } = writeOptions(resource, 'replace', null, record);
  const result = fromText(await writeReplacement(resource, id, toText(record), writeText, record));
  if (result.events) emitNativeEvents(resource, result.events);
  if (replaced) {
    await maintainReplaced(resource, 'replace', id, () => resource.handlePartitionReferenceUpdates({}, { ...result.record, id }));
  }
  return finishUpdate(resource, id, undefined, result, 'afterReplace', ['updated', 'replaced']);
}
