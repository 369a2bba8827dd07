import { PluginError } from '../../errors/index.js';
import { addMiddleware } from '../../plugin/layers.js';
import { Plugin } from '../../plugin/plugin.js';
import { getNested } from '../../util/nested.js';
import { DAY_MS, dayOf, deleteDaysBefore } from '../concerns/dated-records.js';
import { existingResourceName, resolveResourceName } from '../concerns/resource-names.js';
import { AUDIT_OPTIONS, checkAuditOptions } from './audit-options.js';
import { nextAuditId, operationsOf, packEntries, readableEntry, storedRecord } from './entries.js';
import { LogQueue } from './log-queue.js';
import { dateRange, findEntries, statsOf } from './queries.js';
import { cleanRecord, jsonText, truncate } from './snapshot.js';

const DEFAULTS = { includeData: true, includePartitions: true, maxDataSize: 10_000 };
const BASE_METADATA = { source: 'audit-plugin', version: '2.0' };
/** Entries that `getLogs` remembers. */
const REMEMBERED = 1000;
const BATCH_LINGER_MS = 250;
const FIRST_CLEANUP_MS = 60_000;

const LOG_ATTRIBUTES = {
  id: 'string|required',
  resourceName: 'string|required',
  operation: 'string|required',
  recordId: 'string|required',
  userId: 'string|optional',
  timestamp: 'string|required',
  createdAt: 'string|required',
  oldData: 'string|optional',
  newData: 'string|optional',
  partition: 'string|optional',
  partitionValues: 'string|optional',
  metadata: 'string|optional'
};

const isThenable = (value) => value !== null && typeof value?.then === 'function';
const isNone = (value) => value === null || value === undefined;

/** JSON text of a member that callers give as an object or as text. */
function asText(value) {
  if (isNone(value) || typeof value === 'string') return value ?? undefined;
  return jsonText(value);
}

/**
 * Writes who changed what and when into a log resource (spec/12 part A).
 *
 * Events: `plg:audit:log-failed` `{ entry, error }` for an entry that could not be stored. Failures of the log never fail
 * the operation that it is about.
 */
export class AuditPlugin extends Plugin {
  static pluginName = 'AuditPlugin';
  static optionNames = AUDIT_OPTIONS;

  #attached = new Map();
  #remembered = [];
  #queue = null;
  #cleanup = null;
  #active = false;

  /** @param {object} [options] see docs/plugins/audit.md */
  constructor(options = {}) {
    super(options);
    this.config = { ...DEFAULTS, ...this.options };
    checkAuditOptions(this.config);
    this.auditResource = null;
    this.auditResourceName = this.#resolveName();
  }

  #resolveName() {
    const { resourceNames, resourceName } = this.options;
    return resolveResourceName(
      'audit',
      { defaultName: 'plg_audits', override: resourceNames?.audit ?? resourceName },
      { namespace: this.namespace }
    );
  }

  onNamespaceChanged() {
    // The base constructor calls this before the fields exist.
    if (this.config !== undefined) this.auditResourceName = this.#resolveName();
  }

  // Life cycle

  async onInstall() {
    if (this.config.enabled === false) return;
    const { database } = this;
    this.auditResourceName = existingResourceName(this.#resolveName(), this.namespace, database.resources);
    try {
      this.auditResource = await database.createResource({
        name: this.auditResourceName,
        attributes: LOG_ATTRIBUTES,
        behavior: 'body-overflow',
        partitions: {
          byDate: { fields: { createdAt: 'string|maxlength:10' } },
          byResource: { fields: { resourceName: 'string' } }
        },
        createdBy: 'AuditPlugin'
      });
    } catch (error) {
      this.auditResource = database.resources[this.auditResourceName] ?? null;
      this.#report('install', error);
      if (this.auditResource === null) return;
    }
    const batch = this.config.format === 'batch';
    this.#queue = new LogQueue({
      write: (entries) => this.#store(entries),
      failed: (entry, error) => this.#giveUp(entry, error),
      batch: batch ? (this.config.batchSize ?? 100) : undefined,
      linger: batch && this.config.mode !== 'sync' ? BATCH_LINGER_MS : 0
    });
    this.#active = true;
    for (const resource of Object.values(database.resources)) this.setupResourceAuditing(resource);
    database.addHook('afterCreateResource', ({ resource }) => this.setupResourceAuditing(resource));
  }

  async onStart() {
    if (this.auditResource === null) return;
    this.#active = true;
    for (const resource of Object.values(this.database.resources)) this.setupResourceAuditing(resource);
    const { retentionDays } = this.config;
    if (isNone(retentionDays) || retentionDays === 0 || this.#cleanup?.active) return;
    // Once after the start, in the course of a minute, so that processes that live shorter than a day clean up as well.
    this.#cleanup = this.background.every(DAY_MS, () => this.cleanupOldAudits(retentionDays), {
      name: 'cleanup',
      immediate: true,
      jitter: FIRST_CLEANUP_MS
    });
  }

  async onStop() {
    this.#detach();
    await this.#cleanup?.stop();
    await this.flush();
  }

  async onUninstall() {
    this.#detach();
    this.auditResource = null;
  }

  #detach() {
    this.#active = false;
    for (const detach of this.#attached.values()) detach();
    this.#attached.clear();
  }

  /** Waits until every entry captured so far is stored or given up. */
  async flush() {
    await this.#queue?.flush();
    await this.auditResource?._drain?.();
  }

  #report(operation, error) {
    const info = { name: this.instanceName ?? this.name, pluginName: this.name, plugin: this, operation, error };
    this.database?.emit('plugin.error', info);
  }

  // Capture

  /** Whether operations of a resource are logged. */
  #follows(resource) {
    if (resource === this.auditResource || resource.name === this.auditResourceName) return false;
    // Logs of other audit plugins: two that log each other would never end.
    if (resource.config?.createdBy === 'AuditPlugin') return false;
    const { resources, excludeResources } = this.config;
    if (!isNone(excludeResources) && [excludeResources].flat().includes(resource.name)) return false;
    return isNone(resources) || [resources].flat().includes(resource.name);
  }

  /**
   * Whether a resource holds the measurements of a metrics plugin. An entry for each of them would be measured again at the
   * next flush, for ever; `resources` asks for them by name.
   */
  #isMeasurement({ name, config }) {
    if (!name.startsWith('plg_') || !isNone(this.config.resources)) return false;
    if (config?.createdBy === 'MetricsPlugin') return true;
    return Object.values(this.database.pluginRegistry).some((plugin) => plugin?.isInternalResource?.(name) === true);
  }

  /** Logs the operations of a resource from now on; once per resource object. */
  setupResourceAuditing(resource) {
    if (!this.#active || typeof resource?._tap !== 'function') return;
    if (this.#attached.has(resource) || !this.#follows(resource)) return;
    const undo = [
      resource._tap('inserted', (data) => this.#onInserted(resource, data)),
      resource._tap('updated', (data) => this.#onUpdated(resource, data)),
      resource._tap('deleted', (data) => this.#onDeleted(resource, data))
    ];
    const own = !Object.hasOwn(resource, '_originalDeleteMany');
    if (own) {
      const original = resource.deleteMany;
      Object.defineProperty(resource, '_originalDeleteMany', { value: original, writable: true, configurable: true, enumerable: false });
      undo.push(() => {
        delete resource._originalDeleteMany;
      });
    }
    undo.push(addMiddleware(this, resource, 'deleteMany', (next, ids, ...rest) => this.#deleteMany(resource, next, ids, rest)));
    this.#attached.set(resource, () => {
      for (const each of undo) each();
    });
  }

  /** Alias of `setupResourceAuditing`. */
  installEventListenersForResource(resource) {
    this.setupResourceAuditing(resource);
  }

  #onInserted(resource, data) {
    return this.#captured({ resource, operation: 'insert', recordId: data?.id ?? 'auto-generated', newData: data, of: data });
  }

  #onUpdated(resource, data) {
    return this.#captured({ resource, operation: 'update', recordId: data?.id, oldData: data?.$before, newData: data, of: data });
  }

  #onDeleted(resource, data) {
    // deleteMany emits ids; the layer around it logs those.
    if (data === null || typeof data !== 'object') return undefined;
    return this.#captured({ resource, operation: 'delete', recordId: data.id, oldData: data, of: data });
  }

  /** What the operation has to wait for: the write in sync mode, room in a full queue, else nothing. */
  #captured(event) {
    try {
      const pushed = this.#capture(event);
      if (pushed === undefined) return undefined;
      return this.config.mode === 'sync' ? pushed.stored : pushed.room;
    } catch (error) {
      this.#giveUp({ resourceName: event.resource.name, operation: event.operation, recordId: event.recordId }, error);
      return undefined;
    }
  }

  async #deleteMany(resource, next, ids, rest) {
    if (!Array.isArray(ids) || !this.#isLogged('deleteMany') || this.#isMeasurement(resource)) return next(ids, ...rest);
    const unique = [...new Set(ids.map(String))];
    const before = await this.#recordsOf(resource, unique);
    const result = await next(ids, ...rest);
    const reports = Array.isArray(result) ? result : [];
    const failed = new Set(reports.flatMap((report) => (report?.notFound ?? []).flatMap(({ item }) => item ?? [])).map(String));
    const writes = [];
    for (const id of unique) {
      if (failed.has(id)) continue;
      const record = before.get(id) ?? { id };
      try {
        writes.push(this.#capture({ resource, operation: 'deleteMany', recordId: id, oldData: record, of: record })?.stored);
      } catch (error) {
        this.#giveUp({ resourceName: resource.name, operation: 'deleteMany', recordId: id }, error);
      }
    }
    await Promise.all(writes);
    return result;
  }

  /** Records that are about to be deleted; those that cannot be read are logged by their id. */
  async #recordsOf(resource, ids) {
    const found = new Map();
    if (!this.config.includeData && !this.config.includePartitions) return found;
    for (let at = 0; at < ids.length; at += 1000) {
      try {
        for (const record of await resource.getMany(ids.slice(at, at + 1000))) found.set(String(record.id), record);
      } catch (error) {
        this.#report('deleteMany', error);
      }
    }
    return found;
  }

  #isLogged(operation) {
    const { operations, trackOperations } = this.config;
    const wanted = operations ?? trackOperations;
    return isNone(wanted) || [wanted].flat().some((name) => operationsOf(name).includes(operation));
  }

  /** Makes the entry of an event and queues it. */
  #capture({ resource, operation, recordId, oldData, newData, of }) {
    if (!this.#isLogged(operation) || this.#isMeasurement(resource)) return undefined;
    const resourceName = resource.name;
    const { shouldAudit } = this.config;
    if (typeof shouldAudit === 'function') {
      const verdict = this.#guarded('shouldAudit', () => shouldAudit({ resourceName, operation, data: cleanRecord(of, resource) }), true);
      if (verdict === false) return undefined;
    }
    const values = this.getPartitionValues(of, resource);
    return this.#queueEntry({
      resourceName,
      operation,
      recordId,
      oldData: this.#snapshot(oldData, resource),
      newData: this.#snapshot(newData, resource),
      partition: values === null ? undefined : this.getPrimaryPartition(values),
      partitionValues: values === null ? undefined : jsonText(values)
    });
  }

  #snapshot(data, resource) {
    if (isNone(data) || !this.config.includeData) return undefined;
    return truncate(cleanRecord(data, resource), this.config.maxDataSize ?? Infinity).text;
  }

  /** Completes an entry, remembers it and queues it. */
  #queueEntry(given) {
    const now = new Date().toISOString();
    const entry = storedRecord({
      ...given,
      id: nextAuditId(),
      recordId: isNone(given.recordId) ? undefined : String(given.recordId),
      userId: 'system',
      timestamp: now,
      createdAt: now.slice(0, 10),
      metadata: JSON.stringify(BASE_METADATA)
    });
    const ready = this.#complete(entry);
    this.#remembered.push(entry);
    if (this.#remembered.length > REMEMBERED) this.#remembered.shift();
    const pushed = this.#queue.push(ready === undefined ? entry : { entry, ready });
    if (ready === undefined) this.#show(entry);
    else ready.then(() => this.#show(entry));
    return pushed;
  }

  /** Asks the user's functions for user and metadata; a promise when one of them is asynchronous. */
  #complete(entry) {
    const user = this.getCurrentUserId ?? this.config.getCurrentUserId;
    const { getMetadata } = this.config;
    const details = { resourceName: entry.resourceName, operation: entry.operation, recordId: entry.recordId };
    const setUser = (id) => {
      if (!isNone(id) && id !== '') entry.userId = String(id);
    };
    const setMetadata = (extra) => {
      if (extra !== null && typeof extra === 'object') entry.metadata = jsonText({ ...BASE_METADATA, ...extra });
    };
    const waiting = [];
    for (const [name, fn, set] of [
      ['getCurrentUserId', user, setUser],
      ['getMetadata', getMetadata, setMetadata]
    ]) {
      if (typeof fn !== 'function') continue;
      const value = this.#guarded(name, () => fn.call(this, details));
      if (isThenable(value)) waiting.push(Promise.resolve(value).then(set, (error) => this.#report(name, error)));
      else this.#guarded(name, () => set(value));
    }
    return waiting.length === 0 ? undefined : Promise.all(waiting);
  }

  /** Runs a function of the user's; what it throws is reported, not raised. */
  #guarded(name, run, fallback) {
    try {
      return run();
    } catch (error) {
      this.#report(name, error);
      return fallback;
    }
  }

  #show(entry) {
    const { logToConsole, customLogger } = this.config;
    if (logToConsole === true) {
      console.log(`[audit] ${entry.timestamp} ${entry.userId} ${entry.operation} ${entry.resourceName}/${entry.recordId}`);
    }
    if (typeof customLogger !== 'function') return;
    const result = this.#guarded('customLogger', () => customLogger(readableEntry(entry)));
    if (isThenable(result)) result.then(undefined, (error) => this.#report('customLogger', error));
  }

  // Storing

  async #store(items) {
    const entries = [];
    for (const item of items) {
      if (item.ready !== undefined) await item.ready;
      entries.push(item.ready === undefined ? item : item.entry);
    }
    const itemOf = new Map(entries.map((entry, index) => [entry, items[index]]));
    const writes =
      this.config.format === 'batch' ? packEntries(entries) : entries.map((entry) => ({ entries: [entry], record: storedRecord(entry) }));
    const failures = [];
    const fail = (write, error) => {
      for (const entry of write.entries) failures.push({ entry: itemOf.get(entry), error });
    };
    if (writes.length === 1) {
      try {
        await this.auditResource.insert(writes[0].record);
      } catch (error) {
        if (!alreadyStored(error)) fail(writes[0], error);
      }
      return failures;
    }
    const result = await this.auditResource.insertMany(writes.map(({ record }) => record));
    for (const { index, error } of result?.errors ?? []) if (!alreadyStored(error)) fail(writes[index], error);
    return failures;
  }

  #giveUp(item, error) {
    const entry = readableEntry(item.entry ?? item);
    const logger = this.options.logger ?? this.database?.options?.logger ?? console;
    logger.warn('Audit logging failed:', error?.message ?? String(error));
    this.emit('plg:audit:log-failed', { entry, error });
  }

  /**
   * Writes one entry: `logAudit({ resourceName, operation, recordId, oldData, newData, partition, partitionValues })`, or
   * `logAudit(operation, resourceName, recordId, data, oldData)`. Resolves when it is stored or given up.
   */
  async logAudit(first, resourceName, recordId, data, oldData) {
    if (this.#queue === null) return;
    const given = typeof first === 'string' ? { operation: first, resourceName, recordId, newData: data, oldData } : { ...first };
    const stored = this.#queueEntry({
      resourceName: given.resourceName,
      operation: given.operation,
      recordId: given.recordId,
      oldData: asText(given.oldData),
      newData: asText(given.newData),
      partition: given.partition ?? undefined,
      partitionValues: asText(given.partitionValues)
    }).stored;
    await stored;
  }

  // Helpers of s3db.js 13.6

  /** The data cut to `maxDataSize` characters of JSON, with markers when something was left out; null without `includeData`. */
  truncateData(data) {
    if (!this.config.includeData || isNone(data)) return null;
    return truncate(data, this.config.maxDataSize ?? Infinity).data;
  }

  /** Raw values of a record for each partition that has one, or null. */
  getPartitionValues(data, resource) {
    if (!this.config.includePartitions) return null;
    const values = {};
    for (const [name, definition] of Object.entries(resource?.config?.partitions ?? {})) {
      const fields = Object.keys(definition?.fields ?? {}).map((field) => [field, this.getNestedFieldValue(data, field)]);
      if (fields.some(([, value]) => !isNone(value))) values[name] = Object.fromEntries(fields.filter(([, value]) => !isNone(value)));
    }
    return Object.keys(values).length > 0 ? values : null;
  }

  /** Value at a dotted path, undefined where there is none. */
  getNestedFieldValue(data, path) {
    return isNone(data) ? undefined : getNested(data, path);
  }

  /** First partition of `getPartitionValues`, or null. */
  getPrimaryPartition(values) {
    return isNone(values) ? null : (Object.keys(values)[0] ?? null);
  }

  _generateDateRange(start, end) {
    return dateRange(start, end);
  }

  // Queries

  /** What this process recorded, oldest first, the newest 1000 at most; an entry is here before its operation resolves. */
  getLogs() {
    return this.#remembered.map(readableEntry);
  }

  /**
   * Entries that match every filter given.
   * @param {object} [filter] `resourceName`, `operation` (either tense), `recordId`, `userId`, `partition`,
   *   `partitionValues`, `startDate`, `endDate` (inclusive; a day stands for all of it), `limit` (100, null for all),
   *   `offset`, `order` (`asc`, `desc`)
   */
  async getAuditLogs(filter = {}) {
    if (this.auditResource === null) return [];
    await this.flush();
    return findEntries(this.auditResource, filter ?? {});
  }

  /** Every entry of a record. */
  async getRecordHistory(resourceName, recordId) {
    return this.getAuditLogs({ resourceName, recordId, limit: null });
  }

  /** Every entry of a partition of a resource, of the given values where some are given. */
  async getPartitionHistory(resourceName, partition, values) {
    const partitionValues = isNone(values) || Object.keys(values).length === 0 ? undefined : values;
    return this.getAuditLogs({ resourceName, partition, partitionValues, limit: null });
  }

  /** Totals of the entries that match `options` (as `getAuditLogs`; no limit by default). */
  async getAuditStats(options = {}) {
    return statsOf(await this.getAuditLogs({ limit: null, ...options }));
  }

  /** Deletes entries of days more than `retentionDays` ago; resolves their number. */
  async cleanupOldAudits(retentionDays = this.config.retentionDays || 90) {
    if (this.auditResource === null) return 0;
    if (typeof retentionDays !== 'number' || !(retentionDays >= 0)) {
      throw new PluginError('cleanupOldAudits needs a number of days, 0 or more', {
        pluginName: this.name,
        operation: 'cleanupOldAudits',
        option: 'retentionDays',
        statusCode: 400,
        retriable: false,
        suggestion: 'For example cleanupOldAudits(90).'
      });
    }
    await this.flush();
    return deleteDaysBefore(this.auditResource, dayOf(Date.now() - retentionDays * DAY_MS));
  }
}

/** A repeated write whose first try did arrive. */
function alreadyStored(error) {
  return error?.statusCode === 409;
}

export default AuditPlugin;
