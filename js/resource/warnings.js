/** Warnings raised by resources, delivered as `db:warning` where a database is attached. */
import { EncryptionError } from '../errors/index.js';
import { nearestName } from '../util/nearest-name.js';
import { warnOnce } from '../util/warn.js';

/**
 * The first write of a secret under the default passphrase warns once; under `requirePassphrase` every one is refused
 * (spec/04 section 14, row 10).
 */
export function warnDefaultPassphrase(resource) {
  if (resource.database?.options?.requirePassphrase === true) {
    throw new EncryptionError(`Resource '${resource.name}' has secret attributes and no passphrase of its own`, {
      resourceName: resource.name,
      operation: 'encrypt',
      field: 'passphrase',
      retriable: false,
      suggestion: "Set 'passphrase' on the database or the resource, or leave out 'requirePassphrase'."
    });
  }
  resource._warnPassphrase = false;
  warnOnce(resource.database, {
    code: 'DEFAULT_PASSPHRASE',
    resource: resource.name,
    message: `Resource '${resource.name}' stores secret attributes under the default passphrase; set 'passphrase' on the database or the resource.`
  });
}

/** A listener on a resource without events would never be called. */
export function warnEventsDisabled(resource, event) {
  warnOnce(resource.database, {
    code: 'EVENTS_DISABLED',
    resource: resource.name,
    message: `Resource '${resource.name}' emits no events (disableEvents): the listener of '${String(event)}' is ignored.`
  });
}

/** 13.6 ignores hooks of unknown names, so this is no error. */
export function warnUnknownHook(resource, event, nearest) {
  warnOnce(resource.database, {
    code: 'UNKNOWN_HOOK',
    resource: resource.name,
    message: `Resource '${resource.name}' has no hook '${String(event)}'${nearest ? `, did you mean '${nearest}'?` : '.'} The function is ignored.`,
    details: { option: String(event), nearest }
  });
}

const meant = (nearest) => (nearest ? `; did you mean '${nearest}'?` : '.');

/** Lists of partitions that do not exist are empty, as in 13.6 (decision 54). */
export function warnUnknownPartition(resource, partition) {
  const nearest = nearestName(String(partition), Object.keys(resource.config.partitions ?? {}));
  warnOnce(resource.database, {
    code: 'UNKNOWN_PARTITION',
    resource: resource.name,
    message: `Resource '${resource.name}' has no partition '${String(partition)}', its list is empty${meant(nearest)}`,
    details: { option: String(partition), nearest }
  });
}

/** Values for what is no field of the partition select nothing: the list has the records of all values. */
export function warnUnknownPartitionFields(resource, partition, { fields }, partitionValues) {
  for (const key of Object.keys(partitionValues)) {
    if (Object.hasOwn(fields, key) || Object.keys(fields).some((field) => field.startsWith(`${key}.`))) continue;
    const nearest = nearestName(key, Object.keys(fields));
    warnOnce(resource.database, {
      code: 'UNKNOWN_PARTITION_FIELD',
      resource: resource.name,
      message: `Partition '${partition}' of resource '${resource.name}' has no field '${key}', its value selects nothing${meant(nearest)}`,
      details: { option: `${partition}.${key}`, nearest }
    });
  }
}
