/** Pages: by offset with totals, or by cursor. */
import { compareKeys } from '../client/keys.js';
import { ValidationError } from '../errors/index.js';
import { toText } from '../native/text.js';
import { innerOptions } from '../util/inner-call.js';
import { decideBulk } from './bulk.js';
import { needsHooks } from './hooks.js';
import { loadReferenced, referenceScan } from './list.js';
import { isUnmodified } from './middleware.js';
import { nativeOf } from './native.js';
import { dateHints, recordKey } from './partition-rules.js';
import { partitionOf, requirePartition } from './partitions.js';
import { PAGING, partitionOptions, scanSteps, windowOf } from './scan.js';
import { indexView } from './versions.js';

const VERSION = 1;

/** What a cursor is bound to: the listing that it continues. */
function placeOf(resource, { partition, partitionValues }) {
  if (!partition) return `resource=${resource.name}/data`;
  return `resource=${resource.name}/partition=${partition}?${JSON.stringify(Object.entries(partitionValues ?? {}).sort())}`;
}

function encodeCursor(prefix, after, pageSize) {
  return Buffer.from(JSON.stringify({ v: VERSION, prefix, after, pageSize })).toString('base64url');
}

function refuse(resource, why) {
  return new ValidationError(`Invalid cursor: ${why}`, {
    field: 'cursor',
    resourceName: resource.name,
    operation: 'page',
    statusCode: 400,
    retriable: false,
    suggestion: 'Pass nextCursor of the page before, with the same partition and partitionValues; omit it for the first page.'
  });
}

/** Key that a page begins after. */
function decodeCursor(resource, cursor, prefix) {
  let content;
  try {
    content = JSON.parse(Buffer.from(String(cursor), 'base64url').toString('utf8'));
  } catch {
    throw refuse(resource, 'it cannot be read');
  }
  if (content === null || typeof content !== 'object' || content.v !== VERSION || typeof content.after !== 'string') {
    throw refuse(resource, 'it is not one of this version');
  }
  if (content.prefix !== prefix || !content.after.startsWith(`resource=${resource.name}/`))
    throw refuse(resource, 'it belongs to another listing');
  return content.after;
}

function positiveSize(resource, size) {
  if (Number.isInteger(size) && size > 0) return size;
  throw new ValidationError('size must be a whole number above 0 with a cursor', {
    field: 'size',
    value: size,
    resourceName: resource.name,
    operation: 'page',
    statusCode: 400,
    suggestion: 'Pass size: 100, for example.'
  });
}

/**
 * One page after a cursor: no key before it is listed again, whatever was inserted or deleted meanwhile. It passes through
 * `list` of the instance with its hooks and middlewares, as a page by offset does.
 */
async function pageByCursor(resource, given) {
  const { cursor, partition = null, partitionValues = {}, skipCount = true } = given;
  const size = positiveSize(resource, sizeOf(given));
  const inner = innerOptions(resource, given);
  const paging = {};
  const items = await resource.list({ partition, partitionValues, limit: size, cursor, ...inner, [PAGING]: paging });
  const totalItems = skipCount ? null : await resource.count({ partition, partitionValues, ...inner });
  // What took the place of list and keeps options to itself: all there is to go by are its records.
  const { more = items.length === size, last = items.length === size ? endOfItems(resource, items, paging, given) : null } = paging;
  return finish(resource, {
    items,
    totalItems,
    size,
    offset: null,
    hasMore: more,
    skipCount,
    nextCursor: more && last ? encodeCursor(placeOf(resource, paging.place ?? { partition, partitionValues }), last, size) : null
  });
}

/** Records after a cursor; `paging` learns the key of the last entry and whether more follow. */
export async function readAfter(resource, { cursor, partition, partitionValues, limit }, inner, paging) {
  const definition = partition ? requirePartition(resource, partition, 'page') : undefined;
  const after = decodeCursor(resource, cursor, placeOf(resource, { partition, partitionValues }));
  const direct = decideBulk(resource, partition ? 'listPartition' : 'listMain').allowed;
  const place = { partition, definition, partitionValues: partitionValues ?? {} };
  const options = {
    kind: direct ? 'records' : 'ids',
    ...(partition && !direct ? referenceScan(place) : partitionOptions(partition, definition, partitionValues)),
    ...windowOf(limit, 0),
    startAfter: after,
    positions: true
  };
  const found = [];
  paging.last = after;
  for await (const step of scanSteps(resource, options, 'page')) {
    if (partition && !direct) for (const id of step.items) found.push({ id, key: options.batch === 1 ? step.position : undefined });
    else found.push(...step.items);
    paging.last = step.position ?? paging.last;
    paging.more = step.more;
  }
  let items = found;
  if (!direct) {
    items = partition
      ? await loadReferenced(resource, found, place, inner)
      : await resource.processListResults(found, 'main', ...(inner ? [inner] : []));
  }
  resource.emit('list', { ...(partition ? { partition, partitionValues } : {}), count: items.length, errors: 0 });
  return items;
}

/** Key of the entry at a position of a listing. */
async function keyAt(resource, { partition, partitionValues }, offset) {
  const options = partitionOptions(partition, partition ? requirePartition(resource, partition, 'page') : undefined, partitionValues);
  for await (const { position } of scanSteps(resource, { kind: 'ids', ...options, offset, limit: 1, positions: true }, 'page'))
    return position;
  return undefined;
}

/** Key of the last of some records where they were listed; undefined when they do not tell. */
function endOfItems(resource, items, { place }, { partition, partitionValues }) {
  const listed = place ?? { partition, partitionValues };
  const record = items.at(-1);
  if (record === undefined || typeof record?.id !== 'string') return undefined;
  if (!listed.partition) return recordKey(resource.name, record.id);
  if (!partitionOf(resource, listed.partition)) return undefined;
  const hints = dateHints(resource.config.partitions, record);
  const text = toText(indexView(resource, record));
  return nativeOf(resource).partitionKey(listed.partition, record.id, text, hints && JSON.stringify(hints)) ?? undefined;
}

/** Whether what `list` resolves is what the listing has, so that the last record tells where it ended. */
const isPlainList = (resource) =>
  isUnmodified(resource, 'list') && !needsHooks(resource, 'beforeList') && !needsHooks(resource, 'afterList');

function finish(resource, { items, totalItems, size, offset, hasMore, skipCount, nextCursor, number = null }) {
  const totalPages = totalItems === null ? null : size > 0 ? Math.ceil(totalItems / size) : 0;
  const result = {
    items,
    totalItems,
    page: number,
    pageSize: size,
    totalPages,
    hasMore,
    nextCursor,
    _debug: {
      requestedSize: size,
      requestedOffset: offset,
      actualItemsReturned: items.length,
      skipCount,
      hasTotalItems: totalItems !== null
    },
    total: totalItems,
    pages: totalPages,
    offset,
    size,
    hasNext: hasMore,
    hasPrev: offset === null || offset > 0
  };
  resource.emit('paginated', result);
  return result;
}

/** Whether records of the main data are in the order of their keys, whatever else was done to them. */
const isInKeyOrder = (items) => items.every((item, at) => at === 0 || compareKeys(String(items[at - 1]?.id), String(item?.id)) < 0);

/** Sizes come from query strings as well. */
const sizeOf = ({ size }) => (typeof size === 'string' && size.trim() !== '' ? Number(size) : (size ?? 100));

/** One page: by `offset`, by `page` (from 1), or after a `cursor`. */
export async function page(resource, options = {}) {
  const given = options ?? {};
  if (given.cursor !== undefined && given.cursor !== null) return pageByCursor(resource, given);
  const { partition = null, partitionValues = {}, skipCount = false } = given;
  const size = sizeOf(given);
  const number = Number(given.page);
  const start = given.offset ?? (Number.isInteger(number) && number > 0 && size > 0 ? (number - 1) * size : 0);
  const offset = windowOf(null, start).offset ?? 0;
  const inner = innerOptions(resource, given);
  const totalItems = skipCount ? null : await resource.count({ partition, partitionValues, ...inner });
  const paging = {};
  const listing = { partition, partitionValues, limit: size, offset, ...inner, [PAGING]: paging };
  const items = size > 0 ? await resource.list(listing) : [];
  const place = paging.place ?? { partition, partitionValues };
  const plain = isPlainList(resource);
  let hasMore;
  if (size <= 0) hasMore = true;
  // Hooks and middlewares may have taken records away: the listing tells, not what is left of it.
  else if (totalItems !== null && place.partition === partition) hasMore = offset + size < totalItems;
  else if (plain ? items.length < size : place.partition && !partitionOf(resource, place.partition)) hasMore = false;
  else hasMore = (await resource.listIds({ ...place, limit: 1, offset: offset + size, ...inner })).length > 0;
  let nextCursor = null;
  if (hasMore && size > 0) {
    const whole = items.length === size && (plain || (!place.partition && isInKeyOrder(items)));
    const own = whole ? endOfItems(resource, items, paging, given) : undefined;
    const last = own ?? (await keyAt(resource, place, offset + size - 1));
    if (last) nextCursor = encodeCursor(placeOf(resource, place), last, size);
  }
  return finish(resource, {
    items,
    totalItems,
    size,
    offset,
    hasMore,
    skipCount,
    number: size > 0 ? Math.floor(offset / size) : 0,
    nextCursor
  });
}
