/** Record ids: generators, blocks of native ids, argument checks. */
import { createCustomGenerator, getUrlAlphabet, ulid, uuidv7 } from '../concerns/id.js';
import { ValidationError } from '../errors/index.js';
import { copyMembers } from '../schema/clone.js';
import { IdSequence } from './id-sequence.js';
import { isIncremental, isSameIncremental, parseIncremental } from './incremental.js';
import { isEmptyId } from './values.js';

/** One generator per size: each takes its ids from blocks fetched ahead. */
const generators = new Map();

/** Sequence of each generator function of incremental ids. */
const sequences = new WeakMap();

/** Generators by name: size -> id. */
const NAMED = { sid: (size) => nextId(size), ulid: () => ulid(), uuidv7: () => uuidv7() };

export const GENERATOR_NAMES = Object.keys(NAMED);

const AsyncFunction = (async () => {}).constructor;

/** Generator functions whose ids are promises. */
const asynchronous = new WeakSet();

/** A random id of `size` symbols of the URL alphabet. */
export function nextId(size) {
  let generator = generators.get(size);
  if (generator === undefined) {
    generator = createCustomGenerator(getUrlAlphabet(), Math.max(1, Math.floor(size)));
    generators.set(size, generator);
  }
  return generator();
}

const isPromise = (value) => value !== null && typeof value === 'object' && typeof value.then === 'function';

/** A generator of the caller's. Its length tells whether it takes the record. */
function customGenerator(custom) {
  // Nothing is blank, and not the id 'undefined' of all records.
  const text = (id) => (id === undefined || id === null ? '' : String(id));
  const generator = (...args) => {
    const id = custom(...args);
    return isPromise(id) ? Promise.resolve(id).then(text) : text(id);
  };
  Object.defineProperty(generator, 'length', { value: custom.length });
  if (custom instanceof AsyncFunction) asynchronous.add(generator);
  return generator;
}

function incrementalGenerator(resource, given) {
  const { config } = parseIncremental(given);
  // The numbers that this process has reserved outlive a declaration that changes nothing.
  const current = sequenceOf(resource);
  if (current !== undefined && isSameIncremental(current.config, config)) return resource.idGenerator;
  const sequence = new IdSequence(resource, config);
  const generator = async () => (await sequence.take(1))[0];
  sequences.set(generator, sequence);
  asynchronous.add(generator);
  return generator;
}

/** The generator function of a configuration that was checked. */
export function configureIdGenerator(resource, custom, size) {
  if (typeof custom === 'function') return customGenerator(custom);
  if (isIncremental(custom)) return incrementalGenerator(resource, custom);
  if (Object.hasOwn(NAMED, custom)) return () => NAMED[custom](size);
  const length = typeof custom === 'number' && custom > 0 ? custom : size;
  return () => nextId(length);
}

/** What `s3db.json` keeps about the generator. */
export function idGeneratorType(custom, size) {
  if (typeof custom === 'function') return 'custom_function';
  if (isIncremental(custom)) return 'incremental';
  if (Object.hasOwn(NAMED, custom)) return custom;
  return typeof custom === 'number' && custom > 0 ? custom : size;
}

/** The sequence that a resource takes its ids from; undefined unless they are incremental. */
export function sequenceOf(resource) {
  return sequences.get(resource.idGenerator);
}

/** Whether generated ids are known to be promises. */
export function hasAsyncIdGenerator({ idGenerator }) {
  return asynchronous.has(idGenerator) || idGenerator instanceof AsyncFunction;
}

/** Whether the generator takes the record: one that declares no parameter may mean a size by its first argument (nanoid). */
export const takesRecord = ({ idGenerator }) => idGenerator.length > 0;

/**
 * A generated id; blank results of custom generators fall back to the default. Promise only when the generator is async.
 * @param {object} resource
 * @param {object} [record] what is going to be stored, without an id
 */
export function generateId(resource, record) {
  const id = takesRecord(resource) ? resource.idGenerator(copyMembers(record ?? {})) : resource.idGenerator();
  return isPromise(id) ? Promise.resolve(id).then(orDefault) : orDefault(id);
}

function orDefault(id) {
  const text = String(id);
  return text.trim() === '' ? nextId(22) : text;
}

function notText(id, operation) {
  return new ValidationError('Resource id must be a string', {
    field: 'id',
    value: typeof id,
    statusCode: 400,
    retriable: false,
    operation,
    suggestion: 'Pass the record id as a string.'
  });
}

/** The id a write gets from the caller: numbers and bigints become text, absent values undefined; nothing else is an id. */
export function explicitId(id) {
  if (id === undefined || id === null || id === '') return undefined;
  if (typeof id === 'string') return id;
  if (typeof id === 'number' || typeof id === 'bigint') return String(id);
  throw notText(id, 'insert');
}

function emptyIdError(id, operation) {
  return new ValidationError('Resource id cannot be empty', {
    field: 'id',
    value: id,
    statusCode: 400,
    retriable: false,
    operation,
    suggestion:
      typeof id === 'number' && !Number.isNaN(id)
        ? `Ids are text, also those that were inserted as numbers: pass '${id}'.`
        : 'Pass a non-empty string as the record id.'
  });
}

/** Check of `get`: objects and empty values are refused. */
export function checkReadId(id) {
  if (typeof id === 'string' && id.length > 0) return id;
  if (id !== null && (typeof id === 'object' || typeof id === 'function')) throw notText(id, 'get');
  throw emptyIdError(id, 'get');
}

/** Check of writes: empty values are refused, the rest becomes text. */
export function checkWriteId(id, operation) {
  if (typeof id === 'string' && id.length > 0) return id;
  if (typeof id === 'bigint') return String(id);
  if (isEmptyId(id)) throw emptyIdError(id, operation);
  if (typeof id === 'object' || typeof id === 'function') throw notText(id, operation);
  return String(id);
}
