/** What a call of a cached method reads: the parts of its key, or null for calls that are answered without the cache. */
import { isPlainJson } from './codec.js';
import { ITEM_ACTIONS } from './keys.js';

const isOptions = (value) => value === undefined || value === null || (typeof value === 'object' && !Array.isArray(value));
const isSimple = (value) =>
  value === undefined || value === null || (typeof value === 'number' ? Number.isFinite(value) : typeof value === 'string');
const given = (value) => value !== undefined && value !== null;

/** Values of a partition as key parts, null when one of them has no exact text. */
function keyValues(values) {
  const exact = {};
  for (const [field, value] of Object.entries(values)) {
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) return null;
      exact[field] = value.toISOString();
    } else if (value === null || value === undefined || ['string', 'number', 'boolean'].includes(typeof value)) {
      exact[field] = value;
    } else {
      return null;
    }
  }
  return exact;
}

function inPartition(params, partition, partitionValues) {
  if (!partition) return { params, partition: null, partitionValues: null };
  if (typeof partition !== 'string' || !isOptions(partitionValues)) return null;
  const values = keyValues(partitionValues ?? {});
  if (values === null) return null;
  // Without values the key has no partition part: the name goes into the hash, or it would be the key of the whole list.
  if (Object.keys(values).length === 0) return { params: { ...params, partition }, partition: null, partitionValues: null };
  return { params, partition, partitionValues: values };
}

const windowed = (args) => {
  const options = args[0] ?? {};
  const { limit, offset, partition, partitionValues } = options;
  if (!isOptions(args[0]) || !isSimple(limit) || !isSimple(offset)) return null;
  // A page after a cursor needs to learn where it ended; `page` itself is cached.
  if (given(options.cursor)) return null;
  const params = given(limit) || given(offset) ? { limit, offset } : {};
  return inPartition(params, partition, partitionValues);
};

/** Options of `query` beside the window that change its result. */
const SHAPES = ['sort', 'select', 'fields', 'projection', 'usePartition'];

const READERS = {
  list: windowed,
  listIds: windowed,
  count(args) {
    if (!isOptions(args[0])) return null;
    return inPartition({}, args[0]?.partition, args[0]?.partitionValues);
  },
  getAll: () => ({ params: {}, partition: null, partitionValues: null }),
  getMany(args) {
    const ids = args[0];
    if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string')) return null;
    return { params: { ids }, partition: null, partitionValues: null };
  },
  page(args) {
    if (!isOptions(args[0])) return null;
    const { offset, size, page, cursor, skipCount, partition, partitionValues } = args[0] ?? {};
    if (![offset, size, page, cursor].every(isSimple)) return null;
    const params = { offset, size };
    if (given(page)) params.page = page;
    if (given(cursor)) params.cursor = cursor;
    // A page without totals is another result.
    if (given(cursor) ? skipCount === false : skipCount) params.skipCount = Boolean(skipCount);
    return inPartition(params, partition, partitionValues);
  },
  query(args) {
    const [filter, options] = args;
    if (!isOptions(options) || !isOptions(filter)) return null;
    const { limit, offset, partition, partitionValues } = options ?? {};
    // JSON would make one key of filters that differ, such as `{ a: undefined }` and `{}`.
    if (!isSimple(limit) || !isSimple(offset) || (given(filter) && !isPlainJson(filter))) return null;
    const shape = {};
    for (const name of SHAPES) {
      const value = options?.[name];
      if (!given(value)) continue;
      if (!isPlainJson(value)) return null;
      // As text: the order of sort keys is part of the question.
      shape[name] = JSON.stringify(value);
    }
    return inPartition({ filter, options: { limit, offset, ...shape } }, partition, partitionValues);
  },
  getFromPartition(args) {
    const { id, partitionName, partitionValues } = args[0] ?? {};
    if (typeof id !== 'string' || typeof partitionName !== 'string') return null;
    return inPartition({ id, partitionName }, partitionName, partitionValues);
  }
};

for (const action of ITEM_ACTIONS) {
  READERS[action] = ([id]) => (typeof id === 'string' && id !== '' ? { params: { id }, partition: null, partitionValues: null } : null);
}

/**
 * @param {string} method
 * @param {any[]} args
 * @returns {{ params: object, partition: string | null, partitionValues: object | null } | null}
 */
export function requestOf(method, args) {
  return READERS[method](args);
}
