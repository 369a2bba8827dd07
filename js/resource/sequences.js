/** Methods of resources with incremental ids (spec/03 section 27). For other resources they answer null or false, as in s3db.js 19. */
import { ValidationError } from '../errors/index.js';
import { ID_FIELD } from './id-sequence.js';
import { sequenceOf } from './ids.js';
import { formatId, MAX_BATCH } from './incremental.js';
import { checkField, StoredSequence, storedSequences } from './stored-sequence.js';

function refuse(resource, operation, field, value, message, suggestion) {
  return new ValidationError(message, { field, value, resourceName: resource.name, operation, statusCode: 400, suggestion });
}

/** The number that is due, without taking it. */
export async function sequenceValue(resource, field = ID_FIELD) {
  if (sequenceOf(resource) === undefined) return null;
  return new StoredSequence(resource, checkField(resource, field, 'getSequenceValue')).read();
}

/** Sets the number that is due, and forgets what this process has reserved. */
export async function resetSequence(resource, field, value) {
  const sequence = sequenceOf(resource);
  if (sequence === undefined) return false;
  checkField(resource, field, 'resetSequence');
  if (!Number.isSafeInteger(value)) {
    const example = "Pass the number that is due next, for example resetSequence('id', 1).";
    throw refuse(resource, 'resetSequence', 'value', value, 'resetSequence requires a whole number', example);
  }
  await new StoredSequence(resource, field).reset(value);
  if (field === ID_FIELD) sequence.release();
  return true;
}

export async function listSequences(resource) {
  return sequenceOf(resource) === undefined ? null : storedSequences(resource);
}

/** Takes `count` ids for the caller to use: `start` up to but without `end`, and their texts. */
export async function reserveIdBatch(resource, count = 100) {
  const sequence = sequenceOf(resource);
  if (sequence === undefined) return null;
  if (!Number.isInteger(count) || count < 1 || count > MAX_BATCH) {
    const message = `reserveIdBatch requires a whole number from 1 to ${MAX_BATCH}`;
    throw refuse(resource, 'reserveIdBatch', 'count', count, message, 'Pass the number of ids, for example reserveIdBatch(100).');
  }
  const { config } = sequence;
  const start = await new StoredSequence(resource, ID_FIELD).advance(count, config, 'reserveIdBatch');
  const ids = Array.from({ length: count }, (_, i) => formatId(start + i * config.increment, config));
  return { start, end: start + count * config.increment, current: start, reservedAt: Date.now(), ids };
}

/** What this process has reserved in mode `fast`; null when nothing is. */
export function batchStatus(resource, field = ID_FIELD) {
  return (field === ID_FIELD && sequenceOf(resource)?.batch) || null;
}

/** Forgets what this process has reserved. */
export function releaseBatch(resource, field = ID_FIELD) {
  if (field === ID_FIELD) sequenceOf(resource)?.release();
}
