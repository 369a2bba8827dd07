import { PluginError } from '../../errors/index.js';
import { checkKeys } from '../../plugin/options.js';
import { Plugin } from '../../plugin/plugin.js';
import { mapBounded } from '../../util/concurrency.js';
import { existingResourceName, resolveResourceName } from '../concerns/resource-names.js';
import { GRANULARITIES } from './cohorts.js';
import { ExpiryIndex, entryId, indexConfig } from './expiry-index.js';
import { CREATED, completeRule, expiryOf, followsRecord, RULE_NAMES } from './rules.js';
import { sweep } from './sweep.js';

const LOCK_SECONDS = 60;
const RENEW_MS = 20_000;
const MANUAL_WAIT_MS = 30_000;
const BACKFILL_BATCH = 500;

/** Methods after which the expiry of a record may have changed. */
const WRITES = ['update', 'patch', 'replace', 'updateConditional'];

/** Options of later versions that steer their election of one cleaner; here a lock decides for each sweep. */
const COORDINATOR_OPTIONS = [
  'enableCoordinator',
  'heartbeatInterval',
  'heartbeatJitter',
  'leaseTimeout',
  'workerTimeout',
  'coldStartDuration',
  'skipColdStart',
  'startupJitterMin',
  'startupJitterMax',
  'coordinatorWorkInterval',
  'epochFencingEnabled',
  'epochGracePeriodMs'
];

/**
 * Expires records (spec/11). Each rule says when the records of a resource expire and what happens then; expiries are kept in
 * an index resource by cohort, so that a sweep reads what is due and nothing else, after any time without a process.
 */
export class TTLPlugin extends Plugin {
  static pluginName = 'TTLPlugin';
  static optionNames = [
    'resources',
    'batchSize',
    'verbose',
    'indexResourceName',
    'resourceNames',
    'indexExisting',
    'schedules',
    'resourceFilter',
    'resourceAllowlist',
    'resourceBlocklist',
    ...COORDINATOR_OPTIONS
  ];

  /**
   * @param {object} [options] `resources`: name or pattern with `*` -> `{ ttl (seconds), field, onExpire: 'soft-delete' |
   *   'hard-delete' | 'archive' | 'callback', deleteField, archiveResource, keepOriginalId, callback, retry }`;
   *   `batchSize` (100): records handled at once; `indexExisting` (false): index records that were there before;
   *   `schedules`: cron text by granularity in place of the fixed intervals
   */
  constructor(options = {}) {
    super(options);
    const { resources = {}, batchSize, verbose = false } = this.options;
    this.verbose = verbose;
    this.batchSize = batchSize || 100;
    if (!Number.isInteger(this.batchSize) || this.batchSize < 1 || this.batchSize > 10_000) {
      throw new PluginError('[TTLPlugin] Invalid batchSize', {
        pluginName: 'TTLPlugin',
        operation: 'constructor',
        field: 'batchSize',
        value: batchSize,
        statusCode: 400,
        retriable: false,
        suggestion: 'Set batchSize to an integer from 1 to 10000.'
      });
    }
    this.config = { ...this.options, batchSize: this.batchSize, verbose };
    this.resources = { ...resources };
    this.stats = {
      totalScans: 0,
      totalExpired: 0,
      totalDeleted: 0,
      totalArchived: 0,
      totalSoftDeleted: 0,
      totalCallbacks: 0,
      totalErrors: 0,
      lastScanAt: null,
      lastScanDuration: 0
    };
    this.intervals = [];
    this.isRunning = false;
    this.expirationIndex = null;
    const state = {
      index: null,
      sweeping: new Set(),
      _patterns: [],
      _attached: new WeakSet(),
      _active: new Set(),
      _timed: new Set(),
      _running: new Map()
    };
    for (const [key, value] of Object.entries(state)) Object.defineProperty(this, key, { value, writable: true });
  }

  /** Name of the index resource. */
  get indexResourceName() {
    const override = this.options.resourceNames?.index ?? this.options.indexResourceName;
    const { namespace } = this;
    const name = resolveResourceName('ttl', { defaultName: 'plg_ttl_expiration_index', override }, { namespace });
    return override ? name : existingResourceName(name, namespace, this.database?.resources);
  }

  async onInstall() {
    const { schedules } = this.options;
    checkKeys(this, this.database, { path: 'schedules', given: schedules, valid: Object.keys(GRANULARITIES) });
    this._patterns = [];
    for (const [name, given] of Object.entries(this.resources)) {
      const rule = completeRule(name, given);
      checkKeys(this, this.database, { path: `resources.${name}`, given, valid: RULE_NAMES });
      if (name.includes('*')) this._patterns.push({ pattern: patternOf(name), rule });
      this.resources[name] = rule;
    }
    this.expirationIndex = await this.database.createResource(indexConfig(this.indexResourceName));
    this.index = new ExpiryIndex(this.expirationIndex, this.database.client);
    this.isRunning = true;
    this._active.clear();
    for (const resource of Object.values(this.database.resources)) this._attach(resource);
    this.database.addHook('afterCreateResource', async ({ resource }) => {
      this._attach(resource);
    });
    this.emit('db:plugin:installed', { plugin: 'TTLPlugin', resources: Object.keys(this.resources) });
  }

  async onStart() {
    this._startIntervals();
  }

  async onStop() {
    this._stopIntervals();
    await Promise.allSettled([...this._running.values()]);
  }

  async onUninstall() {
    // Its layers go; another installation puts them on anew.
    this._attached = new WeakSet();
    this._active.clear();
    this._stopIntervals();
  }

  /** The rule of a resource: its own, else the first pattern that fits; resources of plugins need one of their own. */
  _ruleFor(name) {
    const { resourceFilter, resourceAllowlist, resourceBlocklist } = this.options;
    if (Array.isArray(resourceAllowlist) && !resourceAllowlist.includes(name)) return undefined;
    if (Array.isArray(resourceBlocklist) && resourceBlocklist.includes(name)) return undefined;
    if (typeof resourceFilter === 'function' && !resourceFilter(name)) return undefined;
    if (Object.hasOwn(this.resources, name)) return this.resources[name];
    if (name.startsWith('plg_')) return undefined;
    const rule = this._patterns.find(({ pattern }) => pattern.test(name))?.rule;
    if (rule !== undefined) this.resources[name] = { ...rule };
    return this.resources[name];
  }

  /** Follows the writes of a resource that has a rule; once for each resource object. */
  _attach(resource) {
    if (this._attached.has(resource) || resource === this.expirationIndex) return;
    const rule = this._ruleFor(resource.name);
    if (rule === undefined) return;
    this._attached.add(resource);
    if (rule.field === CREATED && resource.config.timestamps === false) {
      this.logger.warn(
        `[TTLPlugin] WARNING: resource '${resource.name}' has no timestamps; its records expire ${rule.ttl} seconds after they are indexed`
      );
    }
    this.addMiddleware(resource, 'insert', async (next, ...args) => {
      const record = await next(...args);
      await this._index(resource, record);
      return record;
    });
    for (const method of WRITES) {
      this.addMiddleware(resource, method, async (next, ...args) => {
        const result = await next(...args);
        const record = method === 'updateConditional' ? result?.data : result;
        if (record && followsRecord(rule) && (method === 'replace' || rule.field in (args[1] ?? {}))) await this._index(resource, record);
        return result;
      });
    }
    this._followDeletes(resource);
    this._active.add(rule.granularity);
    if (this.isRunning) this._startIntervals();
    if (this.options.indexExisting) {
      this.backfill(resource.name).catch((error) => this._failed(error, { resource: resource.name, phase: 'backfill' }));
    }
  }

  _followDeletes(resource) {
    const { name } = resource;
    this.addMiddleware(resource, 'delete', async (next, ...args) => {
      const result = await next(...args);
      // A sweep removes the entries of what it deletes itself, in batches.
      if (!this.sweeping.has(entryId(name, args[0]))) await this._unindex(name, args[0], () => this.index.remove(name, args[0]));
      return result;
    });
    this.addMiddleware(resource, 'deleteMany', async (next, ...args) => {
      const result = await next(...args);
      await this._unindex(name, undefined, () => this.index.removeEntries([...args[0]].map((id) => entryId(name, id))));
      return result;
    });
    for (const method of ['deleteAll', 'deleteAllData']) {
      this.addMiddleware(resource, method, async (next, ...args) => {
        const result = await next(...args);
        await this._unindex(name, undefined, () => this.index.removeResource(name));
        return result;
      });
    }
  }

  /** Writes the index entry of a stored record; a failure is reported and does not fail the write. */
  async _index(resource, record, created = Date.now()) {
    const rule = this.resources[resource.name];
    try {
      const expiresAt = expiryOf(rule, record, created);
      if (expiresAt === undefined) {
        if (this.verbose) this.logger.warn(`record '${record.id}' of '${resource.name}' has no '${rule.field}' and does not expire`);
        return;
      }
      await this.index.put(resource.name, record.id, rule, expiresAt);
    } catch (error) {
      this._failed(error, { resource: resource.name, recordId: record.id, phase: 'index' });
    }
  }

  async _unindex(resource, recordId, remove) {
    try {
      await remove();
    } catch (error) {
      this._failed(error, { resource, recordId, phase: 'index' });
    }
  }

  /** Counts and reports a failure. */
  _failed(error, details) {
    this.stats.totalErrors += 1;
    this.emit('plg:ttl:cleanup-error', { ...details, error });
    this.logger.warn(`${details.phase ?? 'cleanup'} of ${details.resource ?? details.granularity} failed: ${error?.message ?? error}`);
  }

  /**
   * Indexes the records that a resource has already.
   * @param {string} name
   * @returns {Promise<{ indexed: number, failed: number }>}
   */
  async backfill(name) {
    const resource = this.database.resources[name];
    const rule = this._required(name);
    const before = this.stats.totalErrors;
    let indexed = 0;
    const ids = await resource.listIds();
    for (let from = 0; from < ids.length; from += BACKFILL_BATCH) {
      const records = await resource.getMany(ids.slice(from, from + BACKFILL_BATCH));
      await mapBounded(records.filter(Boolean), this.batchSize, async (record) => {
        const created = record.createdAt ? new Date(record.createdAt).getTime() : new Date(record._lastModified).getTime();
        if (expiryOf(rule, record, created) === undefined) return;
        await this._index(resource, record, created);
        indexed += 1;
      });
    }
    const failed = this.stats.totalErrors - before;
    return { indexed: indexed - failed, failed };
  }

  _required(name) {
    if (Object.hasOwn(this.resources, name) && this.database?.resources[name]) return this.resources[name];
    throw new PluginError(`Resource "${name}" not configured in TTLPlugin`, {
      pluginName: 'TTLPlugin',
      operation: 'cleanupResource',
      resourceName: name,
      statusCode: 404,
      retriable: false,
      suggestion: `Resources with a rule: ${Object.keys(this.resources).join(', ') || '(none)'}.`
    });
  }

  // Sweeps

  /** Granularities of the attached rules, from the shortest. */
  _granularities() {
    return Object.keys(GRANULARITIES).filter((granularity) => this._active.has(granularity));
  }

  /** Starts a timer for each granularity in use that has none. */
  _startIntervals() {
    const schedules = this.options.schedules ?? {};
    for (const granularity of this._granularities()) {
      if (this._timed.has(granularity)) continue;
      const handler = () => this._sweep(granularity, { wait: 0 });
      const options = { name: this._freeName(`sweep-${granularity}`), overlap: 'skip' };
      this._timed.add(granularity);
      this.intervals.push(
        schedules[granularity]
          ? this.background.cron(schedules[granularity], handler, options)
          : this.background.every(GRANULARITIES[granularity].interval, handler, options)
      );
    }
    this.isRunning = true;
  }

  /** A task that was told to stop keeps its name until it has. */
  _freeName(base) {
    let name = base;
    for (let number = 2; this.background.get(name) !== undefined; number += 1) name = `${base}-${number}`;
    return name;
  }

  /** Stops the timers: from here on only the manual methods clean up. */
  _stopIntervals() {
    for (const task of this.intervals.splice(0)) task.stop();
    this._timed.clear();
    this.isRunning = false;
  }

  /** Cleans up every granularity in use, from the shortest; waits for a sweep of another process. */
  async runCleanup() {
    for (const granularity of this._granularities()) await this._sweep(granularity, { wait: MANUAL_WAIT_MS });
  }

  /** Cleans up one resource. */
  async cleanupResource(name) {
    const { granularity } = this._required(name);
    await this._sweep(granularity, { wait: MANUAL_WAIT_MS, only: name });
    return { resource: name, granularity };
  }

  /** One sweep at a time for each granularity in this process; a lock keeps other processes out. */
  async _sweep(granularity, { wait, only }) {
    for (let running = this._running.get(granularity); running !== undefined; running = this._running.get(granularity)) {
      if (wait === 0) return;
      await running;
    }
    const run = this._lockedSweep(granularity, wait, only).catch((error) => this._failed(error, { granularity }));
    this._running.set(granularity, run);
    try {
      await run;
    } finally {
      this._running.delete(granularity);
    }
  }

  async _lockedSweep(granularity, wait, only) {
    const storage = this.getStorage();
    let lock = await storage.acquireLock(`sweep-${granularity}`, { ttl: LOCK_SECONDS, timeout: wait, workerId: String(process.pid) });
    if (lock === null) return;
    const renew = async () => {
      lock = lock && (await storage.renewLock(lock, LOCK_SECONDS));
    };
    // A renewal that fails is told; the lock simply runs out, which `isHeld` sees.
    const renewal = this.background.every(RENEW_MS, renew, { name: `renew-${granularity}` });
    try {
      await this._scan(granularity, storage, only, () => lock !== null && Date.now() < lock.expiresAt);
    } finally {
      await renewal.stop();
      if (lock !== null) await storage.releaseLock(lock);
    }
  }

  async _scan(granularity, storage, only, isHeld) {
    const started = Date.now();
    this.stats.totalScans += 1;
    const key = storage.getPluginKey(null, 'sweep', granularity);
    const mark = (await storage.get(key))?.cohort ?? null;
    const isOurs = (name) => (only === undefined ? Object.hasOwn(this.resources, name) : name === only);
    const result = await sweep(this, granularity, { mark, isOurs, isHeld });
    // A sweep of one resource, or one that lost its lock, says nothing about what is before the present.
    if (only === undefined && result.complete && result.mark !== mark) {
      await storage.set(key, { cohort: result.mark, rev: Math.random().toString(36).slice(2) }, { behavior: 'body-only' });
    }
    this.stats.lastScanAt = new Date().toISOString();
    this.stats.lastScanDuration = Date.now() - started;
    const { cohorts, totalExpired, totalProcessed } = result;
    this.emit('plg:ttl:scan-completed', { granularity, duration: this.stats.lastScanDuration, cohorts, totalExpired, totalProcessed });
  }

  /** Counters, and how many resources and timers there are. */
  getStats() {
    return {
      ...this.stats,
      resources: Object.keys(this.resources).length,
      isRunning: this.isRunning,
      intervals: this.intervals.length
    };
  }
}

/** Regular expression of a name with `*`. */
function patternOf(name) {
  return new RegExp(
    `^${name
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`
  );
}
