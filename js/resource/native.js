/**
 * The native half of a resource: one handle per store and definition, created when first needed
 * and replaced when the definition changed.
 */

import { announceDegraded } from '../client/degraded.js';
import { MemoryClient } from '../client/memory-client.js';
import { storeFor } from '../client/store-for.js';
import { fromNative } from '../errors/from-native.js';
import { native } from '../native/load.js';
import { fromText, toText } from '../native/text.js';
import { passwordSettings } from '../schema/security.js';
import { warnOnce } from '../util/warn.js';
import { isSamePartitions, partitionsNow, sortedPartitions } from './partition-rules.js';
import { plainDefinition } from './values.js';
import { versionDefinitions } from './versions.js';

/** @typedef {{ handle: import('../native/binding.d.ts').NativeResource, stamp: object[] }} Slot */

/** True when nothing that the native handle was built from has changed. */
function isFresh(slot, resource, store) {
  const { config, schema } = resource;
  return (
    slot.store === store &&
    slot.version === resource.version &&
    slot.attributes === resource.attributes &&
    slot.schema === schema &&
    slot.revision === resource._definitionRevision &&
    isSamePartitions(slot.partitions, config.partitions) &&
    slot.behavior === resource.behavior &&
    slot.passphrase === resource.passphrase &&
    slot.bcryptRounds === resource.bcryptRounds &&
    slot.security === resource._security &&
    slot.parallelism === resource.parallelism &&
    slot.autoDecrypt === config.autoDecrypt &&
    slot.timestamps === config.timestamps &&
    slot.versions === resource._savedVersions
  );
}

function nativeConfig(resource) {
  const { config, schema } = resource;
  const passwords = passwordSettings(resource._security);
  const result = {
    name: resource.name,
    version: String(resource.version),
    attributes: plainDefinition(resource.attributes),
    behavior: resource.behavior,
    timestamps: Boolean(config.timestamps),
    autoDecrypt: config.autoDecrypt !== false,
    passphrase: resource.passphrase,
    bcryptRounds: resource.bcryptRounds,
    pepper: passwords.pepper ?? '',
    argon2: passwords.argon2,
    map: schema.map,
    pluginMap: schema.pluginMap,
    pluginAttributeMetadata: schema._pluginAttributeMetadata ?? {},
    definitionHash: resource.getDefinitionHash(),
    allNestedObjectsOptional: config.allNestedObjectsOptional !== false,
    versions: versionDefinitions(resource),
    partitions: sortedPartitions(config.partitions),
    parallelism: resource.parallelism,
    // MemoryClient shows bare ETags in the results of its methods, as 13.6 does.
    etagQuoted: !(resource.client instanceof MemoryClient)
  };
  if (resource._retiredPluginIds.size > 0) result.retiredPluginIds = [...resource._retiredPluginIds];
  if (resource._schemaRegistry) result.schemaRegistry = resource._schemaRegistry;
  if (resource._pluginSchemaRegistry) result.pluginSchemaRegistry = resource._pluginSchemaRegistry;
  return result;
}

/** The native handle of a resource for the store its client uses now. */
export function nativeOf(resource) {
  const store = storeFor(resource.client);
  const slots = resource._nativeSlots;
  for (let i = 0; i < slots.length; i += 1) {
    if (slots[i].store === store) {
      if (isFresh(slots[i], resource, store)) return slots[i].handle;
      retire(resource, slots.splice(i, 1)[0].handle);
      break;
    }
  }
  return buildSlot(resource, store).handle;
}

function buildSlot(resource, store) {
  let handle;
  try {
    handle = new native.NativeResource(store, toText(nativeConfig(resource)));
  } catch (error) {
    throw toPublic(resource, error, {});
  }
  const reference = new WeakRef(resource);
  handle.setEventSink((text) => {
    const target = reference.deref();
    if (target) emitNativeEvents(target, [fromText(text)]);
  });
  const slot = {
    store,
    handle,
    version: resource.version,
    attributes: resource.attributes,
    schema: resource.schema,
    revision: resource._definitionRevision,
    partitions: partitionsNow(resource.config.partitions),
    behavior: resource.behavior,
    passphrase: resource.passphrase,
    bcryptRounds: resource.bcryptRounds,
    security: resource._security,
    parallelism: resource.parallelism,
    autoDecrypt: resource.config.autoDecrypt,
    timestamps: resource.config.timestamps,
    versions: resource._savedVersions
  };
  resource._nativeSlots.push(slot);
  // The store of the client and the adapter of a spied client: two at most.
  if (resource._nativeSlots.length > 2) retire(resource, resource._nativeSlots.shift().handle);
  return slot;
}

/** Lets go of a handle; what is still queued in it counts as pending work of the resource. */
function retire(resource, handle) {
  const pending = handle.drain();
  resource._pendingIndex.add(pending);
  pending.finally(() => resource._pendingIndex.delete(pending));
}

/** Waits for queued index work of every handle of the resource. */
export async function drainNative(resource) {
  await Promise.all(resource._nativeSlots.map((slot) => slot.handle.drain()));
}

/** Published error for a native failure; errors that already are JavaScript classes pass unchanged. */
export function toPublic(resource, error, context) {
  return fromNative(error, {
    resourceName: resource.name,
    bucket: resource.client?.config?.bucket ?? resource.client?.bucket ?? 'unknown',
    ...context
  });
}

/** Emits the events that a native call reported. */
export function emitNativeEvents(resource, events) {
  if (!events) return;
  for (const { event, payload } of events) {
    if (payload && typeof payload === 'object') {
      if (isNativeError(payload.error)) {
        payload.error = toPublic(resource, payload.error, { id: payload.id, operation: payload.operation });
        payload.message ??= payload.error.message;
      }
      if (Array.isArray(payload.failures)) {
        payload.failures = payload.failures.map((failure) =>
          isNativeError(failure) ? toPublic(resource, failure, { id: payload.id }) : failure
        );
      }
    }
    if (event === 'warning') {
      const { code, message, ...details } = payload;
      warnOnce(resource.database, { code, message, resource: resource.name, details });
      continue;
    }
    // Facts about the store concern the database.
    if (event === 'db:storage:degraded') announceDegraded(resource.client, payload);
    else if (event.startsWith('db:')) resource.database?.emit(event, payload);
    else resource.emit(event, payload);
  }
}

/** Gives a record of the engine its `Date`: `_lastModified` crosses as epoch milliseconds. */
export function withDate(record) {
  if (typeof record._lastModified === 'number') record._lastModified = new Date(record._lastModified);
  return record;
}

function isNativeError(value) {
  return value !== null && typeof value === 'object' && !(value instanceof Error) && typeof value.kind === 'string';
}

/** How partition references are maintained for this call. */
export function refsMode(resource) {
  const { config } = resource;
  if (config.strictPartitions) return 'strict';
  return config.asyncPartitions ? 'queue' : 'await';
}
