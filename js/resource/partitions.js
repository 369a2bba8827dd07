/** Partition methods of a resource: definitions against attributes, references, maintenance. */
import { PartitionError } from '../errors/index.js';
import { partitionKey, sortedFields } from './partition-rules.js';
import { isPlainObject } from './values.js';
import { indexView } from './versions.js';

const clientMissing = (method) => `Client does not implement ${method}()`;

/** The definition of a partition, or undefined. */
export function partitionOf(resource, name) {
  const partitions = resource.config.partitions;
  return partitions && typeof name === 'string' && Object.hasOwn(partitions, name) ? partitions[name] : undefined;
}

/** The definition of a partition; unknown names are refused. */
export function requirePartition(resource, name, operation) {
  const definition = partitionOf(resource, name);
  if (definition === undefined) {
    throw new PartitionError(`Partition '${name}' not found`, {
      resourceName: resource.name,
      partitionName: name,
      operation,
      availablePartitions: Object.keys(resource.config.partitions ?? {}),
      statusCode: 400,
      suggestion: `Use one of the partitions of the resource: ${Object.keys(resource.config.partitions ?? {}).join(', ') || '(none)'}.`
    });
  }
  return definition;
}

/** True when a partition field exists in the attributes. */
export function fieldExists(attributes, name) {
  if (name.startsWith('_')) return true;
  if (!name.includes('.')) return Object.hasOwn(attributes ?? {}, name);
  if (Object.hasOwn(attributes ?? {}, name)) return true;
  let current = attributes;
  for (const segment of name.split('.')) {
    if (current === null || typeof current !== 'object') return false;
    if (Object.hasOwn(current, segment)) current = current[segment];
    else if (isPlainObject(current.props) && Object.hasOwn(current.props, segment)) current = current.props[segment];
    else if (isPlainObject(current.properties) && Object.hasOwn(current.properties, segment)) current = current.properties[segment];
    else return false;
  }
  return true;
}

/** Throws for the first partition field that does not exist, unless the resource is lenient. */
export function validatePartitions(resource, attributes = resource.attributes) {
  if (!resource.strictValidation) return;
  const partitions = resource.config.partitions ?? {};
  for (const partitionName of Object.keys(partitions)) {
    for (const fieldName of Object.keys(partitions[partitionName]?.fields ?? {})) {
      if (resource.fieldExistsInAttributes(fieldName, attributes)) continue;
      const availableFields = Object.keys(attributes ?? {});
      throw new PartitionError(
        `Partition '${partitionName}' uses field '${fieldName}' which does not exist in resource attributes. ` +
          `Available fields: ${availableFields.join(', ')}.`,
        {
          resourceName: resource.name,
          partitionName,
          fieldName,
          availableFields,
          strictValidation: resource.strictValidation,
          statusCode: 400
        }
      );
    }
  }
}

/** Partitions whose fields are missing from the attributes. */
export function findOrphanedPartitions(resource) {
  const orphaned = {};
  const partitions = resource.config.partitions ?? {};
  for (const name of Object.keys(partitions)) {
    const definition = partitions[name];
    const allFields = Object.keys(definition?.fields ?? {});
    const missingFields = allFields.filter((field) => !resource.fieldExistsInAttributes(field));
    if (missingFields.length > 0) orphaned[name] = { missingFields, definition, allFields };
  }
  return orphaned;
}

/** Removes orphaned partitions from the configuration. */
export function removeOrphanedPartitions(resource, { dryRun = false } = {}) {
  const orphaned = resource.findOrphanedPartitions();
  const removed = Object.keys(orphaned);
  if (removed.length === 0 || dryRun) return orphaned;
  const kept = { ...resource.config.partitions };
  for (const name of removed) delete kept[name];
  resource.config.partitions = kept;
  resource.emit('orphanedPartitionsRemoved', { resourceName: resource.name, removed, details: orphaned });
  return orphaned;
}

/** Key of the record in a partition, or null. */
export function keyInPartition(resource, { partitionName, id, data }) {
  const definition = requirePartition(resource, partitionName, 'getPartitionKey');
  return partitionKey(resource.name, partitionName, definition, id, indexView(resource, data));
}

async function putReference(resource, key) {
  if (typeof resource.client.putObject !== 'function')
    throw new PartitionError(clientMissing('putObject'), { resourceName: resource.name });
  await resource.client.putObject({ key, metadata: { _v: String(resource.version) }, body: '', contentType: undefined });
}

async function dropReferences(resource, keys) {
  const { client } = resource;
  if (keys.length === 0) return;
  if (typeof client.deleteObjects === 'function') await client.deleteObjects(keys);
  else for (const key of keys) await client.deleteObject(key);
}

/** Reports failures of reference maintenance by `partitionIndexWarning`, or throws the first one for a caller that repeats it. */
function report(resource, operation, id, failures, strict) {
  if (failures.length === 0) return;
  if (strict) throw failures[0];
  resource.emit('partitionIndexWarning', { operation, id, failures });
}

/** Puts the references of a record; failures are reported by `partitionIndexWarning`, with `strict` they reject. */
export async function createReferences(resource, data, { strict = false } = {}) {
  const partitions = resource.config.partitions ?? {};
  if (!data || Object.keys(partitions).length === 0) return;
  const results = await Promise.allSettled(
    Object.keys(partitions).map(async (partitionName) => {
      const key = resource.getPartitionKey({ partitionName, id: data.id, data });
      if (key) await putReference(resource, key);
    })
  );
  const failures = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
  report(resource, 'create', data.id, failures, strict);
}

/** Removes the references of a record; failures are swallowed, a dangling reference is skipped by readers. */
export async function deleteReferences(resource, data, { strict = false } = {}) {
  const partitions = resource.config.partitions ?? {};
  if (!data || Object.keys(partitions).length === 0) return;
  const keys = [];
  for (const partitionName of Object.keys(partitions)) {
    const key = resource.getPartitionKey({ partitionName, id: data.id, data });
    if (key) keys.push(key);
  }
  try {
    await dropReferences(resource, keys);
  } catch (error) {
    report(resource, 'delete', data.id, [error], strict);
  }
}

/** Puts the reference of every partition of a record, one after the other. */
export async function refreshReferences(resource, data) {
  for (const partitionName of Object.keys(resource.config.partitions ?? {})) {
    const key = resource.getPartitionKey({ partitionName, id: data?.id, data });
    if (!key) continue;
    try {
      await putReference(resource, key);
    } catch (error) {
      resource.emit('partitionIndexWarning', { operation: 'update', id: data?.id, failures: [error] });
    }
  }
}

/** New data as its references see it: results of writes have no `_v`, what was written has the current one. */
function written(resource, data) {
  return data?.id === undefined || data._v !== undefined ? indexView(resource, data) : { ...data, _v: String(resource.version) };
}

/** Moves the reference of one partition: new first, then the old one. */
export async function moveReference(resource, partitionName, definition, oldData, newData, { strict = false } = {}) {
  const id = newData?.id || oldData?.id;
  const oldKey = partitionKey(resource.name, partitionName, definition, id, indexView(resource, oldData) ?? {});
  const newKey = partitionKey(resource.name, partitionName, definition, id, written(resource, newData) ?? {});
  if (oldKey === newKey) return;
  try {
    if (newKey) await putReference(resource, newKey);
    if (oldKey) await resource.client.deleteObject(oldKey);
  } catch (error) {
    report(resource, 'update', id, [error], strict);
  }
}

/** Moves the references of every partition. */
export async function moveReferences(resource, oldData, newData, options = {}) {
  const partitions = resource.config.partitions ?? {};
  const results = await Promise.allSettled(
    Object.keys(partitions).map((name) => resource.handlePartitionReferenceUpdate(name, partitions[name], oldData, newData, options))
  );
  for (const { status, reason } of results) if (status === 'rejected') throw reason;
}

/** Field order helper for callers that list keys themselves. */
export function fieldsOf(definition) {
  return sortedFields(definition);
}

/** Resource -> id -> maintenance that is under way: that of one record keeps its order. */
const queued = new WeakMap();

/**
 * Runs reference maintenance that a caller replaced on the instance, in the mode of the resource.
 * The native engine leaves references alone then (`refs: 'none'`).
 */
export async function maintainReplaced(resource, operation, id, run) {
  const report = (error) => resource.emit('partitionIndexError', { operation, id, error, message: error?.message });
  if (resource.config.strictPartitions) {
    await run();
  } else if (resource.config.asyncPartitions) {
    const turn = new Promise((resolve) => {
      setImmediate(resolve);
    });
    const before = queued.get(resource)?.get(id);
    const pending = Promise.all([before, turn]).then(run).catch(report);
    if (!queued.has(resource)) queued.set(resource, new Map());
    const last = queued.get(resource).set(id, pending);
    resource._pendingIndex.add(pending);
    pending.then(() => {
      resource._pendingIndex.delete(pending);
      if (last.get(id) === pending) last.delete(id);
    });
  } else {
    try {
      await run();
    } catch (error) {
      report(error);
    }
  }
}
