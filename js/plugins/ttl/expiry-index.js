/** The index of expiries: entries by record, grouped by cohort (spec/11 section 11.5). */
import { cohortOf } from './cohorts.js';

const PARTITION = 'byExpiresAtCohort';
const FIELD = 'expiresAtCohort';
const BATCH = 500;
/** What tells an entry from one that was written later for the same record. */
const TIMES = ['expiresAtCohort', 'expiresAtTimestamp', 'createdAt'];

/** Configuration of the index resource. */
export function indexConfig(name) {
  return {
    name,
    attributes: {
      resourceName: 'string|required',
      recordId: 'string|required',
      expiresAtCohort: 'string|required',
      expiresAtTimestamp: 'number|required',
      granularity: 'string|required',
      createdAt: 'number'
    },
    partitions: { [PARTITION]: { fields: { [FIELD]: 'string' } } },
    asyncPartitions: false,
    createdBy: 'TTLPlugin'
  };
}

export const entryId = (resourceName, recordId) => `${resourceName}:${recordId}`;

const isMissing = (error) =>
  error?.code === 'NoSuchKey' || error?.code === 'NotFound' || error?.name === 'NoSuchKey' || error?.statusCode === 404;

export class ExpiryIndex {
  /** @param {object} resource the index resource @param {object} client */
  constructor(resource, client) {
    this.resource = resource;
    this.client = client;
  }

  /** Writes the entry of a record, or moves it. A time that has passed goes to the cohort of now, where sweeps look. */
  async put(resourceName, recordId, { granularity }, expiresAt) {
    const now = Date.now();
    await this.resource.upsert({
      id: entryId(resourceName, recordId),
      resourceName,
      recordId,
      expiresAtCohort: cohortOf(granularity, Math.max(expiresAt, now)),
      expiresAtTimestamp: expiresAt,
      granularity,
      createdAt: now
    });
  }

  /** The entry of an id, undefined when there is none. */
  async get(id) {
    try {
      return await this.resource.get(id, { skipCache: true });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Removes the entry of a record; a missing one is fine. */
  async remove(resourceName, recordId) {
    try {
      await this.resource.delete(entryId(resourceName, recordId));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** Removes entries by their ids, in batches. */
  async removeEntries(ids) {
    if (ids.length === 0) return;
    const results = await this.resource.deleteMany(ids);
    for (const { notFound } of results) if (notFound.length > 0) throw notFound[0].raw ?? new Error(notFound[0].message);
  }

  /**
   * Removes entries whose records have been dealt with, in batches; those that were written anew meanwhile stay.
   * @param {object[]} entries as they were read
   */
  async removeSettled(entries) {
    const before = new Map(entries.map((entry) => [entry.id, entry]));
    for (let from = 0; from < entries.length; from += BATCH) {
      const ids = entries.slice(from, from + BATCH).map(({ id }) => id);
      const current = await this.resource.getMany(ids, { skipCache: true });
      const same = current.filter((entry) => entry && TIMES.every((name) => entry[name] === before.get(entry.id)[name]));
      if (this.#isObserved()) await this.removeEntries(same.map(({ id }) => id));
      else await this.#deleteObjects(same);
    }
  }

  /** Whether somebody would notice the deletion of an entry: then it goes through the methods of the resource. */
  #isObserved() {
    const { resource, client } = this;
    if (typeof client.deleteObjects !== 'function') return true;
    if (resource.deleteMany !== resource._wrapped?.get('deleteMany')?.wrapper || resource._middlewares.get('deleteMany').length > 0)
      return true;
    if (['deleted', 'deleted-many'].some((event) => resource.listenerCount(event) > 0)) return true;
    return ['beforeDeleteMany', 'afterDeleteMany'].some((hook) => resource.hooks[hook]?.length > 0);
  }

  /** Deletes what entries consist of, which need not be read once more for it. */
  async #deleteObjects(entries) {
    const keys = entries.flatMap(({ id, ...entry }) => [
      this.resource.getResourceKey(id),
      this.resource.getPartitionKey({ partitionName: PARTITION, id, data: entry })
    ]);
    if (keys.length === 0) return;
    const { notFound } = await this.client.deleteObjects(keys);
    if (notFound?.length > 0) throw notFound[0].raw instanceof Error ? notFound[0].raw : notFound[0];
  }

  /** Removes the entries of all records of a resource. */
  async removeResource(resourceName) {
    const prefix = `resource=${this.resource.name}/data/id=`;
    for await (const { keys } of this.#pages({ prefix: `${prefix}${resourceName}:` })) {
      await this.removeEntries(keys.map((key) => key.slice(prefix.length)));
    }
  }

  /** Cohorts that have entries, from `start` on, in the order of their texts. */
  async *cohorts(start = '') {
    const prefix = `resource=${this.resource.name}/partition=${PARTITION}/`;
    const seen = new Set();
    const startAfter = start === '' ? undefined : `${prefix}${FIELD}=${start}`;
    for await (const { keys, prefixes } of this.#pages({ prefix, delimiter: '/', startAfter })) {
      for (const path of [...prefixes, ...keys]) {
        const cohort = path.slice(prefix.length + FIELD.length + 1).split('/', 1)[0];
        // A page that begins after `start` still shows the cohort that begins with it.
        if (seen.has(cohort) || cohort < start) continue;
        seen.add(cohort);
        yield cohort;
      }
    }
  }

  /** Ids of the entries of a cohort, a page at a time. */
  async *entryIds(cohort) {
    const prefix = `resource=${this.resource.name}/partition=${PARTITION}/${FIELD}=${cohort}/`;
    for await (const { keys } of this.#pages({ prefix })) {
      const ids = keys.map((key) => key.slice(prefix.length + 'id='.length));
      for (let from = 0; from < ids.length; from += BATCH) yield ids.slice(from, from + BATCH);
    }
  }

  /** Keys and common prefixes below the database's path, a page at a time. */
  async *#pages(request) {
    const keyPrefix = String(this.client.config?.keyPrefix ?? this.client.keyPrefix ?? '');
    const strip = (key) => (keyPrefix !== '' && key.startsWith(keyPrefix) ? key.slice(keyPrefix.length).replace(/^\//, '') : key);
    if (typeof this.client.listObjects !== 'function') {
      yield { keys: await this.client.getAllKeys({ prefix: request.prefix }), prefixes: [] };
      return;
    }
    let continuationToken;
    do {
      const page = await this.client.listObjects({ ...request, continuationToken });
      yield {
        keys: (page.Contents ?? []).map(({ Key }) => strip(Key)),
        prefixes: (page.CommonPrefixes ?? []).map(({ Prefix }) => strip(Prefix))
      };
      continuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (continuationToken);
  }
}
