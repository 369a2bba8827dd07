/** Versions that another process made after this one had connected: their definitions are read when a record names them. */

/** resource -> version -> false, or the answer that is on its way. */
const asked = new WeakMap();

/** The name of a version without its `v`, as records give it. */
const bare = (version) => String(version).replace(/^v/, '');

const has = (versions, version) => Object.keys(versions ?? {}).some((name) => bare(name) === version);

const knows = (resource, version) => version === bare(resource.version) || has(resource._savedVersions, version);

/**
 * Whether a record was decoded without the definition of its version, and that is known now: it must be decoded again, or what only
 * that definition has would be missing, and lost with the next update.
 * @param {object} resource
 * @param {{ _originalVersion?: string }} record
 * @param {object | null} known `_savedVersions` at the time of the read; others may have learned more since
 * @returns {boolean | Promise<boolean>}
 */
export function learnedVersion(resource, { _originalVersion: given }, known) {
  if (given === undefined) return false;
  const version = bare(given);
  if (version === bare(resource.version) || has(known, version)) return false;
  if (has(resource._savedVersions, version)) return true;
  if (typeof resource.database?._storedVersions !== 'function') return false;
  const answers = asked.get(resource) ?? new Map();
  asked.set(resource, answers);
  // Those who ask at the same time wait together; a version that nobody stored is asked for once.
  if (!answers.has(version)) answers.set(version, learn(resource, version, answers));
  return answers.get(version);
}

/**
 * Versions that were asked for in vain, for a scan that tells of others; undefined where nothing can be asked.
 * @returns {string[] | undefined}
 */
export function learnableVersions(resource) {
  if (typeof resource.database?._storedVersions !== 'function') return undefined;
  const answers = asked.get(resource) ?? new Map();
  return [...answers.keys()].filter((version) => answers.get(version) === false && !knows(resource, version));
}

/** The versions that a native handle of this moment knows. */
export const knownVersions = (resource) => new Set([resource.version, ...Object.keys(resource._savedVersions ?? {})].map(bare));

/**
 * Replaces the records of a batch that were decoded without the definition of their version.
 * @param {object} resource
 * @param {Set<string>} known what the handle of the batch knew
 * @param {object[]} records
 * @param {(id: string) => any} readAgain
 */
export async function completeBatch(resource, known, records, readAgain) {
  for (let i = 0; i < records.length; i += 1) {
    const version = records[i]?._originalVersion;
    if (version === undefined || known.has(bare(version))) continue;
    await learnedVersion(resource, records[i], null);
    // Deleted meanwhile: what was read of it stays.
    if (knows(resource, bare(version))) Object.assign(records[i], emptied(records[i], await readAgain(records[i].id)));
  }
}

/** The record as read again, with what only the batch knows (`_partition`); names that were codes go. */
function emptied(record, again) {
  if (!again) return {};
  for (const name of Object.keys(record)) if (!Object.hasOwn(again, name) && !name.startsWith('_partition')) delete record[name];
  return again;
}

async function learn(resource, version, answers) {
  try {
    const stored = await resource.database._storedVersions(resource.name);
    if (!has(stored, version)) {
      answers.set(version, false);
      return false;
    }
    resource._savedVersions = { ...resource._savedVersions, ...stored };
    return true;
  } catch {
    // The record itself was read; the next one of that version asks again.
    answers.delete(version);
    return false;
  }
}
