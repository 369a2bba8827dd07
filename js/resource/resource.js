import { AsyncEventEmitter } from '../util/async-event-emitter.js';
import { maintained } from '../util/inner-call.js';
import { getNested } from '../util/nested.js';
import { showAs } from '../util/shown.js';
import { composeFullObject, handleListError, handleResourceError } from './compose.js';
import { applyConfiguration, construct, prewarmSchema, updateAttributes } from './config.js';
import { content, deleteContent, hasContent, setContent } from './content.js';
import { dispose } from './events.js';
import { checkRolesScopes, executeGuard, normalizeGuard } from './guard.js';
import { createHistoricalVersion } from './history.js';
import { addHook, executeHooks, removeHook, setupPartitionHooks } from './hooks.js';
import { configureIdGenerator, generateId, hasAsyncIdGenerator, idGeneratorType } from './ids.js';
import { insert, upsert } from './insert.js';
import { insertMany } from './insert-many.js';
import { contentLength, definitionHash, exportResource, stateOf } from './introspection.js';
import { count, getAll, list, listIds, listMain, listPartition, processListResults, processPartitionResults } from './list.js';
import { registerBasePrototype, useMiddleware } from './middleware.js';
import { drainNative, nativeOf, toPublic } from './native.js';
import { page } from './page.js';
import { applyRule, idOfKey, partitionPrefix, recordKey, valuesOfKey } from './partition-rules.js';
import {
  createReferences,
  deleteReferences,
  fieldExists,
  findOrphanedPartitions,
  keyInPartition,
  moveReference,
  moveReferences,
  refreshReferences,
  removeOrphanedPartitions,
  validatePartitions
} from './partitions.js';
import { addPluginAttribute, removePluginAttribute } from './plugin-attributes.js';
import { explain, query } from './query.js';
import { exists, get, getFromPartition, getMany, getOrNull, getOrThrow } from './read.js';
import { deleteAll, deleteAllData, deleteMany, remove } from './remove.js';
import { openScan } from './scan.js';
import { batchStatus, listSequences, releaseBatch, reserveIdBatch, resetSequence, sequenceValue } from './sequences.js';
import { ResourceReader, ResourceWriter } from './streams.js';
import { patch, patchViaCopy, replace, update, updateConditional } from './update.js';
import { validate } from './validation.js';
import { relabel, schemaForVersion, versionOfKey } from './versions.js';
import { warnEventsDisabled } from './warnings.js';

/**
 * A collection of records under one definition.
 *
 * Methods live on the prototype so that subclasses, spies and plugins can replace them; sibling
 * methods are always called through the instance.
 */
export class Resource extends AsyncEventEmitter {
  /** @param {object} config see the documentation of `createResource`; `client` is required here */
  constructor(config = {}) {
    super();
    construct(this, config);
  }

  /** Live configuration, under the name the typings promise. */
  get options() {
    return this.config;
  }

  // Create

  /** Inserts a record and resolves it as a read would return it. */
  insert(data) {
    return insert(this, data);
  }

  /** Inserts many records; failures are emitted as `error` and listed in the result's `errors`. */
  insertMany(objects) {
    return insertMany(this, objects);
  }

  /** Inserts `{ id, ...attributes }`, or updates the record when the id exists. */
  upsert(data, attributes) {
    return upsert(this, data, attributes);
  }

  // Read

  get(id) {
    return get(this, id);
  }

  getOrNull(id) {
    return getOrNull(this, id);
  }

  getOrThrow(id) {
    return getOrThrow(this, id);
  }

  exists(id) {
    return exists(this, id);
  }

  getMany(ids, options) {
    return getMany(this, ids, options);
  }

  getAll(options) {
    return getAll(this, options);
  }

  getFromPartition(options) {
    return getFromPartition(this, options);
  }

  list(options) {
    return list(this, options);
  }

  listIds(options) {
    return listIds(this, options);
  }

  listMain(options) {
    return listMain(this, options);
  }

  listPartition(options, values, more) {
    return listPartition(this, options, values, more);
  }

  processListResults(ids, context, options) {
    return processListResults(this, ids, context, options);
  }

  processPartitionResults(ids, partition, definition, keys) {
    return processPartitionResults(this, ids, partition, definition, keys);
  }

  /** Placeholder of a record that a list cannot decrypt; throws every other error. */
  handleResourceError(error, id, context) {
    return handleResourceError(error, id, context);
  }

  /** Emits `list` with the failure and throws it. */
  handleListError(error, options) {
    return handleListError(this, error, options);
  }

  count(options) {
    return count(this, options);
  }

  page(options) {
    return page(this, options);
  }

  /** Alias of `page`. */
  async paginate(options) {
    return this.page(options);
  }

  /** Records that match a filter of plain values and operators. */
  query(filter, options) {
    return query(this, filter, options);
  }

  /** How a query would run: partition, records and requests. */
  async explain(filter, options) {
    return explain(this, filter, options);
  }

  // Update

  /** The record of a stored form: `{ id, metadata, body, behavior }`. */
  composeFullObjectFromWrite(written) {
    return composeFullObject(this, written);
  }

  update(id, attributes) {
    return update(this, id, attributes);
  }

  updateConditional(id, attributes, options) {
    return updateConditional(this, id, attributes, options);
  }

  patch(id, fields, options) {
    return patch(this, id, fields, options);
  }

  _patchViaCopyObject(id, fields) {
    return patchViaCopy(this, id, fields);
  }

  replace(id, fullData, options) {
    return replace(this, id, fullData, options);
  }

  // Delete

  delete(id) {
    return remove(this, id);
  }

  deleteMany(ids) {
    return deleteMany(this, ids);
  }

  deleteAll() {
    return deleteAll(this);
  }

  deleteAllData() {
    return deleteAllData(this);
  }

  // Content

  /** Stores binary content of a record: Buffer, typed array, string, Blob or stream. */
  setContent(options) {
    return setContent(this, options);
  }

  /** `{ buffer, contentType }` of a record's content. */
  content(id) {
    return content(this, id);
  }

  /** Alias of `content`. */
  async getContent(id) {
    return this.content(id);
  }

  hasContent(id) {
    return hasContent(this, id);
  }

  deleteContent(id) {
    return deleteContent(this, id);
  }

  // Streams

  /** Node stream of the records, in key order. */
  readable(options) {
    return new ResourceReader({ ...options, resource: this });
  }

  /** Node stream that inserts what is written to it. */
  writable(options) {
    return new ResourceWriter({ ...options, resource: this });
  }

  // Schema and definition

  validate(data, options) {
    return validate(this, data, options);
  }

  applyDefaults(data) {
    const filled = this.schema.applyDefaults(data);
    return filled === data ? { ...data } : filled;
  }

  updateAttributes(attributes) {
    return updateAttributes(this, attributes);
  }

  /** The same as `updateAttributes`. */
  updateSchema(attributes) {
    return this.updateAttributes(attributes);
  }

  applyConfiguration(options) {
    return applyConfiguration(this, options);
  }

  addPluginAttribute(name, definition, pluginName) {
    return addPluginAttribute(this, name, definition, pluginName);
  }

  removePluginAttribute(name, pluginName = null) {
    return removePluginAttribute(this, name, pluginName);
  }

  export() {
    return exportResource(this);
  }

  getDefinitionHash() {
    return definitionHash(this);
  }

  /** Compiles the check of records and makes the native handle, which otherwise the first operations do. True when the check was not compiled. */
  prewarmSchema() {
    return prewarmSchema(this);
  }

  /** Whether the check of records is compiled. */
  isSchemaCompiled() {
    return this.schema.isCompiled();
  }

  async getSchemaForVersion(version) {
    return schemaForVersion(this, version);
  }

  async applyVersionMapping(data, from, to) {
    return relabel(data, from, to);
  }

  /** Writes the historical copy of a record, one slot per id. */
  createHistoricalVersion(id, data) {
    return createHistoricalVersion(this, id, data);
  }

  extractVersionFromKey(key) {
    return versionOfKey(key);
  }

  // Ids and keys

  /** A new id from the generator of the resource; a promise when that is asynchronous. */
  generateId(record) {
    return generateId(this, record);
  }

  configureIdGenerator(generator, size = 22) {
    return configureIdGenerator(this, generator, size);
  }

  /** Whether generated ids are known to be promises: incremental ones, and those of `async` functions. */
  hasAsyncIdGenerator() {
    return hasAsyncIdGenerator(this);
  }

  /** The number of a sequence that is due, without taking it; null before the first, and without incremental ids. */
  getSequenceValue(field) {
    return sequenceValue(this, field);
  }

  /** Sets the number that is due; false without incremental ids. */
  resetSequence(field, value) {
    return resetSequence(this, field, value);
  }

  /** The stored sequences `{ value, name, createdAt, updatedAt?, resetAt? }`; null without incremental ids. */
  listSequences() {
    return listSequences(this);
  }

  /** Takes ids for the caller to use; null without incremental ids. */
  reserveIdBatch(count) {
    return reserveIdBatch(this, count);
  }

  /** What this process has reserved in mode `fast`; null when nothing is. */
  getBatchStatus(field) {
    return batchStatus(this, field);
  }

  /** Forgets what this process has reserved in mode `fast`; nobody gets those ids. */
  releaseBatch(field) {
    releaseBatch(this, field);
  }

  getIdGeneratorType(generator, size) {
    return idGeneratorType(generator, size);
  }

  getResourceKey(id) {
    return recordKey(this.name, id);
  }

  calculateContentLength(body) {
    return contentLength(body);
  }

  extractIdsFromKeys(keys) {
    return keys.map(idOfKey).filter((id) => id !== undefined);
  }

  // Partitions

  applyPartitionRule(value, rule) {
    return applyRule(value, rule);
  }

  getPartitionKey(options) {
    return keyInPartition(this, options);
  }

  getNestedFieldValue(data, path) {
    return getNested(data, path);
  }

  buildPartitionPrefix(partition, definition, values) {
    return partitionPrefix(this.name, partition, definition, values);
  }

  extractPartitionValuesFromKey(id, keys, fields) {
    return valuesOfKey(id, keys, fields);
  }

  fieldExistsInAttributes(name, attributes = this.attributes) {
    return fieldExists(attributes, name);
  }

  validatePartitions() {
    validatePartitions(this);
  }

  findOrphanedPartitions() {
    return findOrphanedPartitions(this);
  }

  removeOrphanedPartitions(options) {
    const removed = removeOrphanedPartitions(this, options);
    void maintained(this);
    return removed;
  }

  setupPartitionHooks() {
    setupPartitionHooks(this);
  }

  createPartitionReferences(data, options) {
    return maintained(this, createReferences(this, data, options));
  }

  deletePartitionReferences(data, options) {
    return maintained(this, deleteReferences(this, data, options));
  }

  updatePartitionReferences(data) {
    return maintained(this, refreshReferences(this, data));
  }

  handlePartitionReferenceUpdates(oldData, newData, options) {
    return maintained(this, moveReferences(this, oldData, newData, options));
  }

  handlePartitionReferenceUpdate(name, definition, oldData, newData, options) {
    return moveReference(this, name, definition, oldData, newData, options);
  }

  _hasPartitions() {
    for (const name in this.config.partitions) if (Object.hasOwn(this.config.partitions, name)) return true;
    return false;
  }

  // Hooks, middlewares, guard, events

  addHook(name, fn) {
    addHook(this, name, fn);
  }

  removeHook(name, fn) {
    return removeHook(this, name, fn);
  }

  executeHooks(name, data) {
    return executeHooks(this, name, data);
  }

  useMiddleware(method, fn) {
    useMiddleware(this, method, fn);
  }

  executeGuard(operation, context, record = null) {
    return executeGuard(this, operation, context, record);
  }

  _normalizeGuard(guard) {
    return normalizeGuard(guard);
  }

  _checkRolesScopes(required, user) {
    return checkRolesScopes(required, user);
  }

  /** A listener under `disableEvents` is dropped, with one warning. */
  _ignored(event) {
    warnEventsDisabled(this, event);
    return this;
  }

  /** Tells `resource:disposed`, then lets go of listeners and of the compiled schema. */
  dispose() {
    dispose(this);
  }

  /** Emits `event` and, with an id, `event:id`. */
  _emitStandardized(event, payload, id = null) {
    this.emit(event, payload);
    if (id) this.emit(`${event}:${id}`, payload);
  }

  // State machine

  get state() {
    return stateOf(this);
  }

  _attachStateMachine(machine) {
    this._stateMachine = machine;
  }

  // Native half

  /** Batches of ids or records, pulled: the source of streams. */
  _scan(options) {
    return openScan(this, options);
  }

  /** The native handle for the client in use; for plugins of this package. */
  get _native() {
    return nativeOf(this);
  }

  /** Waits for what helpers of the resource still hold, and for index work that runs after writes. */
  async _drain() {
    await this._drainHelpers();
    await this._drainIndex();
  }

  /** Waits for the records of inserters and the items of partition queues. */
  async _drainHelpers() {
    await Promise.all([...this._drains].map((drain) => drain()));
  }

  /** Waits for index work that runs after writes. */
  async _drainIndex() {
    await Promise.all(this._pendingIndex);
    await drainNative(this);
  }

  /** Published error for a native failure of this resource. */
  _publicError(error, context = {}) {
    return toPublic(this, error, context);
  }
}

registerBasePrototype(Resource.prototype);

// A resource has a passphrase, and its database credentials.
showAs(Resource, ({ name, version, behavior, attributes, config }) => ({
  name,
  version,
  behavior,
  attributes,
  partitions: config?.partitions,
  timestamps: config?.timestamps
}));

export default Resource;
