/** One sweep of a granularity: finds the entries that are due and acts on their records (spec/11 sections 11.7 and 11.13). */
import { createHash } from 'node:crypto';
import { PluginError } from '../../errors/index.js';
import { mapBounded } from '../../util/concurrency.js';
import { cohortOf, mayBeDue, startOf } from './cohorts.js';
import { expiryOf, followsRecord } from './rules.js';

const isMissing = (error) => ['NoSuchKey', 'NotFound'].includes(error?.code) || error?.name === 'NoSuchKey' || error?.statusCode === 404;

/** Id of the copy in an archive: the same for the same record, so that a crash before the delete archives nothing twice. */
function archiveId(resourceName, recordId) {
  return `arc_${createHash('sha256').update(`${resourceName}:${recordId}`).digest('base64url').slice(0, 22)}`;
}

async function archive(plugin, resource, rule, record) {
  const target = plugin.database.resources[rule.archiveResource];
  if (target === undefined) {
    throw new PluginError(`Archive resource "${rule.archiveResource}" not found`, {
      pluginName: 'TTLPlugin',
      operation: 'archive',
      resourceName: resource.name,
      statusCode: 404,
      retriable: false,
      suggestion: `Create the resource '${rule.archiveResource}', or name another archiveResource.`
    });
  }
  const copy = {};
  for (const [key, value] of Object.entries(record)) if (!key.startsWith('_') && key !== 'id') copy[key] = value;
  copy.archivedAt = new Date().toISOString();
  copy.archivedFrom = resource.name;
  copy.originalId = record.id;
  copy.id = rule.keepOriginalId ? record.id : archiveId(resource.name, record.id);
  try {
    await target.insert(copy);
  } catch (error) {
    // The copy is there: an earlier sweep stopped between the copy and the delete.
    if (error?.statusCode !== 409) throw error;
  }
}

async function deleteRecord(resource, id) {
  try {
    await resource.delete(id);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Acts on an expired record; false keeps its entry for the next sweep. */
async function expire(plugin, resource, rule, record) {
  const { stats } = plugin;
  switch (rule.onExpire) {
    case 'soft-delete':
      await resource.update(record.id, { [rule.deleteField]: new Date().toISOString(), isdeleted: 'true' });
      stats.totalSoftDeleted += 1;
      return true;
    case 'archive':
      await archive(plugin, resource, rule, record);
      await deleteRecord(resource, record.id);
      stats.totalArchived += 1;
      stats.totalDeleted += 1;
      return true;
    case 'callback': {
      const remove = await rule.callback(record, resource);
      stats.totalCallbacks += 1;
      if (!remove) return rule.retry !== true;
      await deleteRecord(resource, record.id);
      stats.totalDeleted += 1;
      return true;
    }
    default:
      await deleteRecord(resource, record.id);
      stats.totalDeleted += 1;
      return true;
  }
}

async function load(resource, id) {
  try {
    return await resource.get(id, { skipCache: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** What became of an entry: `done` entries are removed, `kept` ones hold the mark back, `other` ones are not ours. */
async function settle(plugin, entry, isOurs, granularity) {
  const { resourceName, recordId, expiresAtTimestamp } = entry;
  const resource = plugin.database.resources[resourceName];
  if (resource === undefined || entry.granularity !== granularity || !isOurs(resourceName)) return 'other';
  if (expiresAtTimestamp > Date.now()) return 'later';
  const rule = plugin.resources[resourceName];
  const record = await load(resource, recordId);
  if (record === undefined) return 'done';
  if (followsRecord(rule)) {
    const expiresAt = expiryOf(rule, record, expiresAtTimestamp);
    if (expiresAt !== undefined && expiresAt > Date.now()) {
      await plugin.index.put(resourceName, recordId, rule, expiresAt);
      return 'moved';
    }
  }
  if (!(await expire(plugin, resource, rule, record))) return 'kept';
  plugin.stats.totalExpired += 1;
  plugin.emit('plg:ttl:record-expired', { resource: resourceName, record, recordId, strategy: rule.onExpire });
  return 'done';
}

/**
 * Sweeps the cohorts of a granularity that are due.
 * @param {object} plugin
 * @param {string} granularity
 * @param {{ mark: string | null, isOurs: (resourceName: string) => boolean, isHeld: () => boolean }} context `isHeld` tells
 *   whether the lock still is this process's
 * @returns {Promise<{ cohorts: string[], totalExpired: number, totalProcessed: number, mark: string, complete: boolean }>}
 */
export async function sweep(plugin, granularity, { mark, isOurs, isHeld }) {
  const begun = Date.now();
  const current = cohortOf(granularity, begun);
  // A mark ahead of the clock was written while the clock was wrong.
  const start = mark !== null && mark <= current ? startOf(granularity, mark) : '';
  const result = { cohorts: [], totalExpired: 0, totalProcessed: 0, mark: current, complete: true };
  let unfinished = null;
  const expiredBefore = plugin.stats.totalExpired;
  for await (const cohort of plugin.index.cohorts(start)) {
    if (!isHeld()) {
      result.complete = false;
      break;
    }
    if (!mayBeDue(granularity, cohort, begun)) {
      // Texts of one form are in order: nothing after the present is due.
      if (granularity !== 'week' && cohort.slice(0, current.length) > current) break;
      continue;
    }
    result.cohorts.push(cohort);
    const kept = await sweepCohort(plugin, granularity, cohort, { isOurs, isHeld, result });
    if (kept && unfinished === null) unfinished = cohort;
  }
  result.totalExpired = plugin.stats.totalExpired - expiredBefore;
  if (unfinished !== null) result.mark = unfinished;
  return result;
}

/** Handles the entries of a cohort; true when some that are due stay. */
async function sweepCohort(plugin, granularity, cohort, { isOurs, isHeld, result }) {
  let kept = false;
  for await (const ids of plugin.index.entryIds(cohort)) {
    const done = [];
    await mapBounded(ids, plugin.batchSize, async (id) => {
      if (!isHeld()) {
        kept = true;
        result.complete = false;
        return;
      }
      plugin.sweeping.add(id);
      let entry;
      try {
        // Read right before it is acted upon: what was read with its page may be about an earlier record of the same id.
        entry = await plugin.index.get(id);
        if (entry === undefined) return;
        const outcome = await settle(plugin, entry, isOurs, granularity);
        if (outcome === 'done') done.push(entry);
        if (outcome === 'kept') kept = true;
        if (outcome !== 'other' && outcome !== 'later') result.totalProcessed += 1;
      } catch (error) {
        kept = true;
        plugin._failed(error, { granularity, resource: entry?.resourceName, recordId: entry?.recordId });
      } finally {
        plugin.sweeping.delete(id);
      }
    });
    await plugin.index.removeSettled(done);
  }
  return kept;
}
