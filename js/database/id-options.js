/** Id generators in the version entries of `s3db.json`: `idGenerator`, `idSize` and, for incremental ids, `idGeneratorOptions`. */

import { stableJson } from '../concerns/stable-hash.js';
import { GENERATOR_NAMES, sequenceOf } from '../resource/ids.js';
import { isIncremental, parseIncremental } from '../resource/incremental.js';

/** What an entry says about incremental ids. s3db.js 19 keeps their name only. */
function incrementalOf(idGenerator, options) {
  const given = typeof idGenerator === 'string' && options ? { ...options, type: 'incremental' } : idGenerator;
  return parseIncremental(given).problems.length === 0 ? given : 'incremental';
}

/** Options of the resource that a version entry describes. Functions are not stored; `custom` and unknown names mean the default. */
export function restoredIds({ idGenerator, idSize, idGeneratorOptions }) {
  if (typeof idGenerator === 'number' && idGenerator > 0) return { idGenerator };
  const size = Number.isInteger(idSize) && idSize > 0 ? { idSize } : {};
  if (isIncremental(idGenerator)) return { ...size, idGenerator: incrementalOf(idGenerator, idGeneratorOptions) };
  return GENERATOR_NAMES.includes(idGenerator) ? { ...size, idGenerator } : size;
}

const isNamed = (type) => type === 'incremental' || GENERATOR_NAMES.includes(type);

/** Whether a version entry must be written again so that a reader makes the ids of the resource. */
export function idsDiffer({ idGenerator, idGeneratorOptions }, resource) {
  const type = resource.idGeneratorType;
  if (!isNamed(type) && !isNamed(idGenerator)) return false;
  const sequence = sequenceOf(resource);
  return type !== idGenerator || (sequence !== undefined && stableJson(sequence.config) !== stableJson(idGeneratorOptions ?? null));
}
