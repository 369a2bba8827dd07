/**
 * Stored numbers that are given out once, among any number of processes: `resource=<name>/sequence=<field>/value`, where
 * s3db.js 19 keeps them. It changes them under the lock beside them and without a condition, so the lock is held here too;
 * the condition of each write keeps a process that lost its lock from giving a number again.
 */

import { missingMethod } from '../client/adapter.js';
import { storeFor } from '../client/store-for.js';
import { ResourceError, ValidationError } from '../errors/index.js';
import { fromText } from '../native/text.js';
import { PluginStorage } from '../plugin/plugin-storage.js';

/** Longer than a lock lives, so that a process that died delays the others and fails none. */
const LOCK = { ttl: 10, timeout: 30_000, retryDelay: 20, maxRetryDelay: 250, workerId: 'sequence', discard: true };
/** Milliseconds before its expiry from which a lock may be another's by the time that a delete arrives. */
const MARGIN = 3000;
/** Times that a lock may be lost before the write. */
const ATTEMPTS = 8;

const storages = new WeakMap();

function storageOf({ client }) {
  let storage = storages.get(client);
  if (storage === undefined) {
    storage = new PluginStorage(client, 's3db-core');
    storages.set(client, storage);
  }
  return storage;
}

const prefixOf = (resource) => `resource=${resource.name}/sequence=`;

/** The name of a sequence, which is a segment of its key. */
export function checkField(resource, field, operation) {
  if (typeof field === 'string' && field.trim() !== '' && !/[/\\]/.test(field)) return field;
  throw new ValidationError(`${operation} requires the name of a sequence: text without slashes`, {
    field: 'field',
    value: field,
    resourceName: resource.name,
    operation,
    statusCode: 400,
    suggestion: `Pass the name first, for example ${operation}('id').`
  });
}

function failure(resource, field, operation, cause) {
  return new ResourceError(`The sequence '${field}' of resource '${resource.name}' failed in ${operation}: ${cause.message}`, {
    resourceName: resource.name,
    sequence: field,
    operation,
    code: cause.code,
    statusCode: cause.statusCode ?? 500,
    retriable: cause.retriable === true,
    original: cause,
    suggestion: cause.suggestion
  });
}

function lockedOut(resource, field, operation) {
  return new ResourceError(`Failed to acquire lock for sequence "${field}"`, {
    resourceName: resource.name,
    sequence: field,
    operation,
    code: 'LockTimeout',
    statusCode: 409,
    retriable: true,
    suggestion: "Other processes take ids of this resource all the time: use mode 'fast', insertMany, or try again."
  });
}

function unusable(resource, field, operation, value) {
  return new ResourceError(`The sequence '${field}' of resource '${resource.name}' has no further whole number`, {
    resourceName: resource.name,
    sequence: field,
    operation,
    value,
    statusCode: 409,
    retriable: false,
    suggestion: `Set the number that is due: resource.resetSequence('${field}', 1).`
  });
}

/**
 * Removes a lock. An expired one must not stay in its place, as it does where conditional deletes are missing: s3db.js 19
 * deletes what it saw expired, even when somebody has taken it since.
 */
async function release(storage, lock) {
  const { deleteIfMatch } = fromText(await storeFor(storage.client).capabilities());
  if (deleteIfMatch || Date.now() > lock.expiresAt - MARGIN) await storage.releaseLock(lock);
  else await storage.delete(lock.key);
}

/** One sequence of a resource. */
export class StoredSequence {
  #resource;
  #field;
  #lock;

  constructor(resource, field, lock = LOCK) {
    this.#resource = resource;
    this.#field = field;
    this.#lock = lock;
  }

  #key(suffix) {
    return `${prefixOf(this.#resource)}${this.#field}/${suffix}`;
  }

  /** The number that is due, without taking it; null when there is none yet. */
  async read() {
    try {
      const data = await storageOf(this.#resource).get(this.#key('value'));
      return data?.value ?? null;
    } catch (error) {
      throw failure(this.#resource, this.#field, 'getSequenceValue', error);
    }
  }

  /**
   * Takes `count` numbers, `increment` apart.
   * @returns {Promise<number>} the first of them
   */
  advance(count, { start, increment }, operation) {
    return this.#change(operation, (data) => {
      const first = data === null ? start : data.value;
      const due = first + count * increment;
      if (!Number.isSafeInteger(first) || !Number.isSafeInteger(due)) throw unusable(this.#resource, this.#field, operation, first);
      return { answer: first, due, stamp: data === null ? {} : { updatedAt: Date.now() } };
    });
  }

  /** Sets the number that is due. */
  reset(value) {
    return this.#change('resetSequence', () => {
      const now = Date.now();
      return { answer: true, due: value, stamp: { updatedAt: now, resetAt: now } };
    });
  }

  async #change(operation, plan) {
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const outcome = await this.#underLock(operation, plan);
        if (outcome !== undefined) return outcome.answer;
      }
    } catch (error) {
      if (error instanceof ResourceError && error.data.sequence !== undefined) throw error;
      throw failure(this.#resource, this.#field, operation, error);
    }
    throw lockedOut(this.#resource, this.#field, operation);
  }

  /** What was changed, or undefined when the lock was lost to another process meanwhile. */
  async #underLock(operation, plan) {
    const storage = storageOf(this.#resource);
    const lock = await storage._acquireAt(this.#key('lock'), this.#field, this.#lock);
    if (lock === null) throw lockedOut(this.#resource, this.#field, operation);
    try {
      const key = this.#key('value');
      const { data, version } = await storage.getWithVersion(key);
      const { answer, due, stamp } = plan(data);
      const next = { createdAt: Date.now(), ...data, value: due, name: this.#field, ...stamp };
      const written = version === null ? await storage.setIfNotExists(key, next) : await storage.setIfVersion(key, next, version);
      return written === null ? undefined : { answer };
    } finally {
      // One that cannot be released expires; the numbers are safe either way.
      await release(storage, lock).catch(() => {});
    }
  }
}

async function valueKeys(resource) {
  const { client } = resource;
  if (typeof client.listObjects !== 'function') throw missingMethod('listObjects');
  const prefix = prefixOf(resource);
  const keys = [];
  let continuationToken;
  do {
    const page = await client.listObjects({ prefix, continuationToken });
    // Some clients show their own prefix before the key.
    for (const { Key } of page.Contents ?? []) if (Key.endsWith('/value')) keys.push(Key.slice(Key.indexOf(prefix)));
    continuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (continuationToken);
  return keys.sort();
}

/** Every sequence of a resource as stored: `{ value, name, createdAt, updatedAt?, resetAt? }`, by name. */
export async function storedSequences(resource) {
  try {
    const found = await storageOf(resource).batchGet(await valueKeys(resource));
    const sequences = [];
    for (const { ok, data, error } of found) {
      if (!ok) throw error;
      if (data !== null) sequences.push(data);
    }
    return sequences;
  } catch (error) {
    throw failure(resource, '*', 'listSequences', error);
  }
}
