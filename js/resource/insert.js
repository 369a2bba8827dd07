/** Insert and upsert. */

import { InvalidResourceItem, MetadataLimitError, ValidationError } from '../errors/index.js';
import { fromText, toText } from '../native/text.js';
import { copyMembers } from '../schema/clone.js';
import { innerArgs } from '../util/inner-call.js';
import { emitStandardized } from './events.js';
import { isHookError, needsHooks, runHooks } from './hooks.js';
import { explicitId, generateId, sequenceOf } from './ids.js';
import { isUnmodified } from './middleware.js';
import { emitNativeEvents, nativeOf, refsMode, toPublic, withDate } from './native.js';
import { dateHints } from './partition-rules.js';
import { maintainReplaced } from './partitions.js';
import { problemsWithoutSecrets, withoutSecrets } from './secrets.js';
import { isSkipped } from './shortcuts.js';
import { validateRecord } from './validation.js';
import { warnDefaultPassphrase } from './warnings.js';

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
export function draftOf(resource, data) {
  const draft = copyMembers(data, data.id === undefined ? 'id' : undefined);
  if (resource.config.timestamps) {
    const now = new Date().toISOString();
    draft.createdAt = now;
    draft.updatedAt = now;
  }
  if (!isUnmodified(resource, 'applyDefaults')) return resource.applyDefaults(draft);
  return resource.schema.applyDefaults(draft);
}

/** Error of a record that failed validation; the message is the first problem's unless `messageOf` says otherwise. */
export function invalidRecord(resource, errors, attributes, fallback, messageOf = (problems) => problems[0]?.message) {
  const validation = problemsWithoutSecrets(resource, errors);
  return new InvalidResourceItem({
    bucket: resource.client?.config?.bucket ?? resource.client?.bucket ?? 'unknown',
    resourceName: resource.name,
    attributes: withoutSecrets(resource, attributes),
    validation,
    message: messageOf(validation) ?? fallback,
    statusCode: 422
  });
}

/**
 * Validated record and its id; `explicit` when the id must be free. A promise only where hooks, a custom generator or a
 * validator are asynchronous.
 * @param {object} resource
 * @param {any} data
 * @param {(resource: object, record: object) => any} [idOf] gives the id of a record that has none
 */
export function prepare(resource, data, idOf = isUnmodified(resource, 'generateId') ? generateId : ownId) {
  requireRecord(resource, data, 'insert');
  const draft = draftOf(resource, data);
  if (needsHooks(resource, 'beforeInsert')) return prepareWithHooks(resource, draft, idOf);
  return identified(resource, draft, validated(resource, draft), draft.id, idOf);
}

/** The id that a replaced `generateId` gives. */
function ownId(resource, record) {
  const id = resource.generateId(record);
  return typeof id?.then === 'function' ? Promise.resolve(id).then(String) : String(id);
}

const NO_ERRORS = Object.freeze([]);

const validated = (resource, draft) =>
  isSkipped(resource, 'validation') ? { errors: NO_ERRORS, data: draft } : validateRecord(resource, draft);

async function prepareWithHooks(resource, draft, idOf) {
  const hooked = await runHooks(resource, 'beforeInsert', draft);
  requireRecord(resource, hooked, 'insert');
  return identified(resource, hooked, await validated(resource, hooked), explicitId(hooked.id) ?? draft.id, idOf);
}

/** Refuses an invalid record and gives a valid one its id. */
function identified(resource, draft, outcome, callerId, idOf) {
  if (outcome instanceof Promise) return outcome.then((settled) => identified(resource, draft, settled, callerId, idOf));
  if (outcome.errors.length > 0) throw invalidRecord(resource, outcome.errors, draft, 'Insert failed');
  const record = withoutId(outcome.data);
  const id = explicitId(callerId);
  if (id === undefined) {
    // A number of a sequence never takes the place of a record that somebody gave that id; ids of functions may.
    const explicit = sequenceOf(resource) !== undefined;
    const generated = idOf(resource, record);
    if (generated instanceof Promise) return generated.then((made) => ({ id: made, explicit, record }));
    return { id: generated, explicit, record };
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
export function withItem(resource, record) {
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

/** How references are made for an insert. */
export const insertRefs = (resource) => (isSkipped(resource, 'references') ? 'none' : refsMode(resource));

/** Inserts one record. */
export async function insert(resource, data) {
  const { id, explicit, record } = await prepare(resource, data);
  if (resource._warnPassphrase) warnDefaultPassphrase(resource);
  const refs = insertRefs(resource);
  const replacedReferences = refs !== 'none' && resource._hasPartitions() && !isUnmodified(resource, 'createPartitionReferences');
  const options = { id, explicit, refs: replacedReferences ? 'none' : refs };
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
    // A hook may have failed to insert something else: that is no reason to update this.
    if (!(error instanceof InvalidResourceItem || error instanceof MetadataLimitError) || isHookError(error)) throw error;
    const duplicate = error.statusCode === 409;
    if (duplicate || (insertFirst && (await resource.exists(id, ...fresh)))) return resource.update(id, attributes, ...inner);
    throw error;
  }
}
