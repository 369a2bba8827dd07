/**
 * Which reads may still be stored, for the processes that share a Redis server.
 *
 * A resource's mark is random text that every write replaces before it clears; readers store only while it is the one they
 * saw. While a clear is under way nobody gets a mark: what is loaded then may be made of entries that are about to go.
 * Scripts run on the server, one at a time.
 */
import { randomHex } from './builtins.js';

/** How long a clear may take before readers think that its process died; it begins anew then. */
const CLEAR_MS = 60_000;

const NOW = `local t = redis.call('time')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`;

/** The mark of a resource, made when there is none; nothing while a clear is under way. */
const TOKEN = `${NOW}redis.call('zremrangebyscore', KEYS[2], '-inf', now)
if redis.call('zcard', KEYS[2]) > 0 then return false end
redis.call('set', KEYS[1], ARGV[1], 'NX')
return redis.call('get', KEYS[1])`;

const CLOSE = `${NOW}redis.call('zadd', KEYS[2], now + ARGV[3], ARGV[2])
redis.call('set', KEYS[1], ARGV[1])
return 1`;

const STORE = `if redis.call('get', KEYS[2]) ~= ARGV[1] then return 0 end
if tonumber(ARGV[3]) > 0 then redis.call('set', KEYS[1], ARGV[2], 'EX', ARGV[3]) else redis.call('set', KEYS[1], ARGV[2]) end
return 1`;

export class RedisMarks {
  #base;

  /** @param {string} keyPrefix of the entries */
  constructor(keyPrefix) {
    this.#base = String(keyPrefix).replace(/\/$/, '');
  }

  /** Prefixes of the keys of marks. */
  get prefixes() {
    return [`${this.#base}:mark:`, `${this.#base}:clearing:`];
  }

  /** Key that holds the run of the server that was last seen. */
  get serverKey() {
    return `${this.#base}:server`;
  }

  #keys(resource) {
    return this.prefixes.map((prefix) => `${prefix}${resource}`);
  }

  /** The mark to store under, null while a clear is under way. */
  async token(client, resource) {
    return (await client.eval(TOKEN, 2, ...this.#keys(resource), randomHex(12))) ?? null;
  }

  /** Begins a clear; resolves its id. */
  async close(client, resource) {
    const id = randomHex(12);
    await client.eval(CLOSE, 2, ...this.#keys(resource), randomHex(12), id, String(CLEAR_MS));
    return id;
  }

  /** Ends a clear; false when readers no longer waited for it. */
  async open(client, resource, id) {
    return Number(await client.zrem(this.#keys(resource)[1], id)) === 1;
  }

  /** Stores an entry while the mark is `token`. */
  store(client, resource, token, { name, text, seconds }) {
    return client.eval(STORE, 2, name, this.#keys(resource)[0], token, text, String(seconds));
  }
}
