import { compareKeys, stripPrefix } from './keys.js';

/** Listing over clients of any make, from whichever listing methods they have. */

const PAGE = 1000;
const BATCH = 100000;
const SNAPSHOTS = 16;
const MARK = 'k:';

const sortedKeys = (keys) => {
  for (let i = 1; i < keys.length; i += 1) if (compareKeys(keys[i - 1], keys[i]) > 0) return false;
  return true;
};

/** Index of the first key after `after`. */
function firstAfter(keys, after) {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(keys[middle], after) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

const has = (client, name) => typeof client[name] === 'function';

/** Whether a prefix is one of partition references. */
export const isReference = (prefix) => prefix.includes('/partition=');

/** Methods that may serve a listing, best first: references are read with `getAllKeys`, records with `getKeysPage`. */
export const listingOrder = (prefix) =>
  isReference(prefix) ? ['getAllKeys', 'getKeysPage', 'listObjects'] : ['getKeysPage', 'getAllKeys', 'listObjects'];

/**
 * Pages of keys from a client that lists keys only. Pages after the first are cut from one sorted
 * reading of all keys, so that deletions between pages skip nothing and unsorted clients work.
 */
export class KeyLister {
  #client;
  #prefixOf;
  #missing;
  // Keys read for a listing that is under way, by token.
  #snapshots = new Map();

  /**
   * @param {() => object} client
   * @param {() => string} prefixOf the client's key prefix, stripped from keys that carry it
   * @param {(method: string) => Error} missing
   */
  constructor(client, prefixOf, missing) {
    this.#client = client;
    this.#prefixOf = prefixOf;
    this.#missing = missing;
  }

  /**
   * @param {{ prefix: string, delimiter?: string, startAfter?: string, token?: string, maxKeys: number }} request
   * @param {string[]} order listing methods, best first
   */
  async list({ prefix, delimiter, startAfter, token, maxKeys }, order) {
    const method = order.find((name) => has(this.#client(), name));
    if (method === undefined) throw this.#missing('listObjects');
    const limit = maxKeys > 0 ? maxKeys : PAGE;
    const after = token?.startsWith(MARK) ? token.slice(MARK.length) : startAfter;
    if (delimiter) return group(await this.#all(method, prefix), { prefix, delimiter, after, limit });
    if (after === undefined && method === 'getKeysPage') {
      const keys = this.#relative(await this.#client().getKeysPage({ prefix, offset: 0, amount: limit }));
      if (keys.length < limit || sortedKeys(keys)) return page(keys.sort(compareKeys).slice(0, limit), keys.length >= limit);
    }
    const known = token === undefined ? undefined : this.#snapshots.get(token);
    const keys = known ?? (await this.#all(method, prefix));
    if (token !== undefined) this.#snapshots.delete(token);
    const from = after === undefined ? 0 : firstAfter(keys, after);
    const result = page(keys.slice(from, from + limit), from + limit < keys.length);
    if (result.nextToken !== undefined) this.#remember(result.nextToken, keys);
    return result;
  }

  #remember(token, keys) {
    this.#snapshots.set(token, keys);
    if (this.#snapshots.size > SNAPSHOTS) this.#snapshots.delete(this.#snapshots.keys().next().value);
  }

  #relative(keys) {
    const prefix = this.#prefixOf();
    return prefix ? keys.map((key) => (key.startsWith(prefix) ? stripPrefix(prefix, key) : key)) : [...keys];
  }

  async #all(method, prefix) {
    const client = this.#client();
    let keys = [];
    if (method === 'getAllKeys') keys = await client.getAllKeys({ prefix });
    else if (method === 'getKeysPage') {
      for (;;) {
        const part = await client.getKeysPage({ prefix, offset: keys.length, amount: BATCH });
        keys = keys.length === 0 ? [...part] : keys.concat(part);
        if (part.length === 0) break;
      }
    } else {
      let continuationToken;
      do {
        const reply = await client.listObjects({ prefix, maxKeys: PAGE, continuationToken });
        for (const { Key } of reply?.Contents ?? []) keys.push(Key);
        continuationToken = reply?.IsTruncated ? (reply.NextContinuationToken ?? undefined) : undefined;
      } while (continuationToken !== undefined);
    }
    return this.#relative(keys).sort(compareKeys);
  }
}

/** One page of keys and groups, by the rules of S3. */
function group(keys, { prefix, delimiter, after, limit }) {
  const entries = [];
  const commonPrefixes = [];
  let last;
  for (const key of keys) {
    const cut = key.indexOf(delimiter, prefix.length);
    const common = cut < 0 ? null : key.slice(0, cut + delimiter.length);
    const mark = common ?? key;
    if (after !== undefined && (compareKeys(mark, after) <= 0 || (common !== null && after.startsWith(common)))) continue;
    if (common !== null && commonPrefixes.at(-1) === common) continue;
    if (entries.length + commonPrefixes.length === limit) return { entries, commonPrefixes, nextToken: MARK + last };
    if (common === null) entries.push(entry(key));
    else commonPrefixes.push(common);
    last = mark;
  }
  return { entries, commonPrefixes };
}

/** Size and time are unknown where a client returns keys only. */
const entry = (key) => ({ key, size: 0, lastModified: 0 });

function page(keys, more) {
  const nextToken = more && keys.length > 0 ? MARK + keys[keys.length - 1] : undefined;
  return { entries: keys.map(entry), commonPrefixes: [], nextToken };
}
