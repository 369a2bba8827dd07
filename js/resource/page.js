/** Pages: by offset with totals, or by cursor. */
import { ValidationError } from '../errors/index.js';
import { toText } from '../native/text.js';
import { innerOptions } from '../util/inner-call.js';
import { decideBulk } from './bulk.js';
import { loadReferenced, referenceScan } from './list.js';
import { nativeOf } from './native.js';
import { dateHints, recordKey } from './partition-rules.js';
import { partitionOf, requirePartition } from './partitions.js';
import { partitionOptions, scanSteps } from './scan.js';
import { indexView } from './versions.js';

const VERSION = 1;

/** What a cursor is bound to: the listing that it continues. */
function placeOf(resource, partition, partitionValues) {
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

/** One page after a cursor: no key before it is listed again, whatever was inserted or deleted meanwhile. */
async function pageByCursor(resource, given) {
  const { cursor, size = 100, partition = null, partitionValues = {}, skipCount = true } = given;
  positiveSize(resource, size);
  const prefix = placeOf(resource, partition, partitionValues);
  const definition = partition ? requirePartition(resource, partition, 'page') : undefined;
  const after = decodeCursor(resource, cursor, prefix);
  const direct = decideBulk(resource, partition ? 'listPartition' : 'listMain').allowed;
  const place = { partition, definition, partitionValues: partitionValues ?? {} };
  const options = {
    kind: direct ? 'records' : 'ids',
    ...(partition && !direct ? referenceScan(place) : partitionOptions(partition, definition, partitionValues)),
    limit: size,
    startAfter: after,
    positions: true
  };
  const found = [];
  let last = after;
  let more = false;
  for await (const step of scanSteps(resource, options, 'page')) {
    if (partition && !direct) for (const id of step.items) found.push({ id, key: options.batch === 1 ? step.position : undefined });
    else found.push(...step.items);
    last = step.position ?? last;
    more = step.more;
  }
  let items = found;
  const inner = innerOptions(resource, given);
  if (!direct) {
    items = partition
      ? await loadReferenced(resource, found, place, inner)
      : await resource.processListResults(found, 'main', ...(inner ? [inner] : []));
  }
  const totalItems = skipCount ? null : await resource.count({ partition, partitionValues, ...inner });
  return finish(resource, {
    items,
    totalItems,
    size,
    offset: null,
    hasMore: more,
    skipCount,
    nextCursor: more ? encodeCursor(prefix, last, size) : null
  });
}

/** The cursor after the last item of a page by offset. */
function cursorAfter(resource, items, { size, partition, partitionValues }) {
  const record = items.at(-1);
  if (record === undefined || typeof record.id !== 'string') return null;
  let key = recordKey(resource.name, record.id);
  if (partition) {
    const hints = dateHints(resource.config.partitions, record);
    key =
      partitionOf(resource, partition) &&
      nativeOf(resource).partitionKey(partition, record.id, toText(indexView(resource, record)), hints && JSON.stringify(hints));
    if (!key) return null;
  }
  return encodeCursor(placeOf(resource, partition, partitionValues), key, size);
}

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

/** One page: by `offset`, by `page` (from 1), or after a `cursor`. */
export async function page(resource, options = {}) {
  const given = options ?? {};
  if (given.cursor !== undefined && given.cursor !== null) return pageByCursor(resource, given);
  const { size = 100, partition = null, partitionValues = {}, skipCount = false } = given;
  const offset = given.offset ?? (Number.isInteger(given.page) && given.page > 0 && size > 0 ? (given.page - 1) * size : 0);
  const inner = innerOptions(resource, given);
  const totalItems = skipCount ? null : await resource.count({ partition, partitionValues, ...inner });
  const items = size > 0 ? await resource.list({ partition, partitionValues, limit: size, offset, ...inner }) : [];
  let hasMore;
  if (size <= 0) hasMore = true;
  else if (totalItems !== null) hasMore = offset + items.length < totalItems && items.length > 0;
  else
    hasMore =
      items.length === size &&
      (await resource.listIds({ partition, partitionValues, limit: 1, offset: offset + size, ...inner })).length > 0;
  return finish(resource, {
    items,
    totalItems,
    size,
    offset,
    hasMore,
    skipCount,
    number: size > 0 ? Math.floor(offset / size) : 0,
    nextCursor: hasMore && size > 0 ? cursorAfter(resource, items, { size, partition, partitionValues }) : null
  });
}
