/** Versions that another process made after this one had connected: their definitions are read when a record names them. */

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
 * @returns {false | Promise<boolean>}
 */
export function learnedVersion(resource, { _originalVersion: given }) {
  if (given === undefined) return false;
  const version = bare(given);
  if (knows(resource, version)) return false;
  const names = asked.get(resource) ?? new Set();
  asked.set(resource, names);
  // A version that nobody stored is asked for once.
  if (names.has(version) || typeof resource.database?._storedVersions !== 'function') return false;
  names.add(version);
  return learn(resource, version);
}

async function learn(resource, version) {
  try {
    const stored = await resource.database._storedVersions(resource.name);
    if (!has(stored, version)) return false;
    resource._savedVersions = { ...resource._savedVersions, ...stored };
    return true;
  } catch {
    // The record itself was read; the next one of that version asks again.
    asked.get(resource).delete(version);
    return false;
  }
}
