/** Record ids: generators, blocks of native ids, argument checks. */
import { createCustomGenerator, getUrlAlphabet } from '../concerns/id.js';
import { ValidationError } from '../errors/index.js';
import { isEmptyId } from './values.js';

/** One generator per size: each takes its ids from blocks fetched ahead. */
const generators = new Map();

/** A random id of `size` symbols of the URL alphabet. */
export function nextId(size) {
  let generator = generators.get(size);
  if (generator === undefined) {
    generator = createCustomGenerator(getUrlAlphabet(), Math.max(1, Math.floor(size)));
    generators.set(size, generator);
  }
  return generator();
}

/** The generator function of a configuration. */
export function configureIdGenerator(custom, size) {
  if (typeof custom === 'function') {
    return (...args) => {
      const id = custom(...args);
      if (id !== null && typeof id === 'object' && typeof id.then === 'function') return id.then(String);
      return String(id);
    };
  }
  const length = typeof custom === 'number' && custom > 0 ? custom : size;
  return () => nextId(length);
}

/** What `s3db.json` keeps about the generator. */
export function idGeneratorType(custom, size) {
  if (typeof custom === 'function') return 'custom_function';
  return typeof custom === 'number' && custom > 0 ? custom : size;
}

/** A generated id; blank results of custom generators fall back to the default. Promise only when the generator is async. */
export function generateId(resource) {
  const id = resource.idGenerator();
  if (id !== null && typeof id === 'object' && typeof id.then === 'function') return id.then((value) => orDefault(value));
  return orDefault(id);
}

function orDefault(id) {
  const text = String(id);
  return text.trim() === '' ? nextId(22) : text;
}

/** The id a write gets from the caller: numbers and bigints become text, absent values undefined. */
export function explicitId(id) {
  if (id === undefined || id === null || id === '') return undefined;
  return typeof id === 'string' ? id : String(id);
}

function emptyIdError(id, operation) {
  return new ValidationError('Resource id cannot be empty', {
    field: 'id',
    value: id,
    statusCode: 400,
    retriable: false,
    operation,
    suggestion: 'Pass a non-empty string as the record id.'
  });
}

/** Check of `get`: objects and empty values are refused. */
export function checkReadId(id) {
  if (typeof id === 'string' && id.length > 0) return id;
  if (id !== null && (typeof id === 'object' || typeof id === 'function')) {
    throw new ValidationError('Resource id must be a string', {
      field: 'id',
      value: typeof id,
      statusCode: 400,
      retriable: false,
      suggestion: 'Pass the record id as a string.'
    });
  }
  throw emptyIdError(id, 'get');
}

/** Check of writes: empty values are refused, the rest becomes text. */
export function checkWriteId(id, operation) {
  if (typeof id === 'string' && id.length > 0) return id;
  if (typeof id === 'bigint') return String(id);
  if (isEmptyId(id)) throw emptyIdError(id, operation);
  if (typeof id === 'object' || typeof id === 'function') {
    throw new ValidationError('Resource id must be a string', {
      field: 'id',
      value: typeof id,
      statusCode: 400,
      retriable: false,
      operation,
      suggestion: 'Pass the record id as a string.'
    });
  }
  return String(id);
}
