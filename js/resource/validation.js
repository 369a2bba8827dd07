/** Validation of records: explicit sanitisers apply to what is stored, implicit ones only to the check. */
import { cloneContainers } from '../schema/clone.js';
import { isUnmodified } from './middleware.js';
import { cloneValue } from './values.js';

const NO_ERRORS = Object.freeze([]);

function failed(error) {
  return [{ message: error?.message ?? String(error), error }];
}

/** Errors of the compiled check on a copy of the data; a promise only for asynchronous rules. */
const check = (schema, data) => checkOwned(schema, cloneContainers(data));

/** The same on data that the check may change. */
export function checkOwned(schema, data) {
  let result;
  try {
    result = schema.check(data);
  } catch (error) {
    return failed(error);
  }
  if (result === true) return NO_ERRORS;
  if (Array.isArray(result)) return result;
  return result.then((outcome) => (outcome === true ? NO_ERRORS : outcome), failed);
}

/**
 * Errors and storable form of a record that the caller owns. `errors` is empty for a valid one.
 * @returns {{ errors: object[], data: object } | Promise<{ errors: object[], data: object }>}
 */
export function validateRecord(resource, record) {
  if (!isUnmodified(resource, 'validate')) return validateThrough(resource, record);
  let data;
  try {
    data = resource.schema.sanitise(record);
  } catch (error) {
    return { errors: failed(error), data: record };
  }
  const errors = check(resource.schema, data);
  return Array.isArray(errors) ? { errors, data } : errors.then((list) => ({ errors: list, data }));
}

async function validateThrough(resource, record) {
  const { isValid, errors, data } = await resource.validate(record, { includeId: record.id !== undefined });
  return { errors: isValid ? NO_ERRORS : (errors ?? failed(new Error('Validation failed'))), data: data ?? record };
}

/** Outcome for what is no record at all. */
function refused(data, original, throwOnError) {
  const message = `A record must be an object, got ${data === null ? 'null' : typeof data}`;
  const errors = [{ type: 'object', message, expected: 'object', actual: data }];
  if (throwOnError) throw Object.assign(new Error('Validation failed'), { errors, validationErrors: errors, invalidData: data });
  return { original, isValid: false, valid: false, errors, data: original };
}

/** Public `validate`: never changes its argument unless `mutateOriginal`. */
export async function validate(resource, data, { throwOnError = false, includeId = false, mutateOriginal = false } = {}) {
  const original = cloneValue(data);
  if (data === null || typeof data !== 'object') return refused(data, original, throwOnError);
  const subject = mutateOriginal ? data : cloneValue(data);
  if (!includeId && subject !== null && typeof subject === 'object') delete subject.id;
  let validated = subject;
  let errors;
  try {
    validated = resource.schema.sanitise(subject);
    errors = await check(resource.schema, validated);
  } catch (error) {
    errors = failed(error);
  }
  if (mutateOriginal && validated !== subject) validated = Object.assign(subject, validated);
  const isValid = errors.length === 0;
  if (!isValid && throwOnError) {
    throw Object.assign(new Error('Validation failed'), { errors, validationErrors: errors, invalidData: data });
  }
  return { original, isValid, valid: isValid, errors: [...errors], data: validated };
}
