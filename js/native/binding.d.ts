/**
 * Contract of the native addon. Only `js/native/load.js` loads it; the classes that users see
 * are JavaScript.
 *
 * "Text" is tagged JSON (see src/value/text.rs): plain JSON in which an object whose first key is
 * "\u0000" stands for a value that JSON lacks (undefined, NaN, Infinity, -0, Date, Buffer, BigInt,
 * RegExp). `js/native/text.js` has `toText(value)` and `fromText(text)`.
 *
 * `Sync<T>` results are plain values on immediate stores (memory) and promises otherwise; callers
 * test `result instanceof Promise` (or simply await).
 *
 * Errors: a thrown or rejected native error has a `message` that is JSON
 * `{ kind, message, code?, status?, requestId?, retriable, fields, foreign? }`.
 * `js/errors/from-native.js` builds the published class; `foreign` is the registry id of an error
 * that JavaScript itself threw inside a store callback and that is handed back by identity.
 */
export type Text = string;
export type Sync<T> = T | Promise<T>;

/** Pure synchronous functions by name (codecs, sizes, keys, hashes). `args` is a tagged array, result tagged text. */
export function pure(name: string, args: Text): Text;
/** `count` ids of `size` symbols of the URL alphabet (or `alphabet`), concatenated. */
export function ids(count: number, size: number, alphabet?: string): string;
export function encrypt(text: string, passphrase: string): Promise<string>;
export function decrypt(base64: string, passphrase: string): Promise<string>;
export function hashPassword(password: string, rounds: number): Promise<string>;
/** Full Argon2id hash; `cost` is the text of `{ memoryCost, timeCost, parallelism }`. */
export function hashArgon2(password: string, pepper: string, cost: Text): Promise<string>;
export function hashPasswordSync(password: string, rounds: number): string;
/** `rounds`: costs to try for compact hashes, in order, as a JSON array. */
export function verifyPassword(password: string, hash: string, rounds: Text): Promise<boolean>;

export class NativeSchema {
  /**
   * config: { name, attributes, map?, pluginMap?, passphrase, bcryptRounds, version, options: { autoEncrypt,
   * autoDecrypt, arraySeparator, generateAutoHooks, hooks }, pluginAttributeMetadata }. Functions in attributes
   * are replaced by null, RegExps are tagged.
   */
  constructor(config: Text);
  /** { map, pluginMap, hooks: { beforeMap, afterMap, beforeUnmap, afterUnmap }, pluginAttributes } of a config, without a handle. */
  static describe(config: Text): Text;
  mapper(record: Text): Promise<Text>;
  unmapper(mapped: Text, map?: Text, pluginMap?: Text): Promise<Text>;
  applyHooks(record: Text, hook: string): Promise<Text>;
  /** One SchemaActions entry. */
  static action(name: string, value: Text, params: Text): Sync<Text>;
}

/** The eight store methods a JavaScript object provides (js/client/adapter.js); keys are relative to its prefix, metadata is wire form. */
export interface JsStoreCallbacks {
  /** request: { key, metadata: [[k, v]], contentType?, contentEncoding?, ifMatch?, ifNoneMatch? } -> { etag?, versionId?, lastModified? } */
  put(request: Text, body: Buffer | null): Promise<Text>;
  /** -> { meta: Text, body: Buffer } with meta { metadata: [[k, v]], etag?, size, lastModified, contentType?, contentEncoding?, versionId?, expiration? } */
  get(key: string): Promise<{ meta: Text; body: Buffer | null }>;
  head(key: string): Promise<Text>;
  /** request: { from, to, metadata?: [[k, v]], contentType?, sourceIfMatch? } */
  copy(request: Text): Promise<Text>;
  /** request: { key, ifMatch? } */
  delete(request: Text): Promise<Text>;
  /** keys: string[] -> { deleted: string[], errors: [{ key, code, message }] } */
  deleteMany(keys: Text): Promise<Text>;
  /** request: { prefix, delimiter?, startAfter?, token?, maxKeys } -> { entries: [{ key, size, etag?, lastModified }], commonPrefixes, nextToken? } */
  list(request: Text): Promise<Text>;
}

export class NativeStore {
  /** { bucket, prefix, shared: boolean, enforceLimits, metadataLimit, maxObjectSize }. shared: one storage per bucket name and process. */
  static memory(config: Text): NativeStore;
  /** { basePath, bucket, prefix, durability: 'full' | 'none' } */
  static file(config: Text): NativeStore;
  /**
   * { bucket, prefix, region, endpoint?, accessKeyId?, secretAccessKey?, sessionToken?, forcePathStyle, parallelism, attempts,
   *   http: { maxSockets, keepAliveMsecs, timeout, keepAlive } }
   */
  static s3(config: Text): NativeStore;
  /** { bucket, prefix, parallelism }: prefix is informational, the object applies its own. */
  static js(callbacks: JsStoreCallbacks, config: Text): NativeStore;
  readonly immediate: boolean;
  readonly kind: 's3' | 'memory' | 'file' | 'js';
  /** Raw operations: full keys, wire metadata; same texts as JsStoreCallbacks. */
  put(request: Text, body?: Buffer | null): Sync<Text>;
  get(key: string): Sync<{ meta: Text; body: Buffer }>;
  head(key: string): Sync<Text>;
  copy(request: Text): Sync<Text>;
  delete(request: Text): Sync<Text>;
  deleteMany(keys: Text): Sync<Text>;
  list(request: Text): Sync<Text>;
  /** { putIfAbsent, putIfMatch, deleteIfMatch }; probes once where unknown. */
  capabilities(): Sync<Text>;
  /** Requests so far: { total, byCommand: { PutObjectCommand: n, ... }, retries, bytesIn, bytesOut }. */
  stats(): Text;
  /**
   * Requests by owner since the first call: { rows: [{ resource: string | null, plugin: string | null, byCommand, errors, bytesIn,
   * bytesOut }], netBytes, copiedBytes }, commands without requests left out. Attempts that failed are in byCommand and in errors.
   */
  usage(): Text;
  /** memory only: MemoryStorage snapshot text (spec/05 4.3), its inverse, removal of everything, object count and bytes. */
  snapshot(): string;
  restore(snapshot: string): void;
  clear(): void;
  memoryStats(): Text;
  /** memory only: HEAD that no meter counts; as `head`. */
  peek(key: string): Text;
  /** Frees sockets and marks the handle closed. */
  close(): void;
}

/** A record as read for a later write: keeps the ETag, stored secrets, partition references and content below the boundary. */
export class NativeRead {
  /** Record text, as `get`. */
  readonly text: Text;
  readonly etag: string | null;
}

export class NativeResource {
  /**
   * config: { name, version, attributes, behavior, timestamps, autoDecrypt, passphrase, bcryptRounds, map?, pluginMap?,
   *   pluginAttributeMetadata, definitionHash, allNestedObjectsOptional,
   *   versions: { [v]: { attributes, map?, pluginAttributes? } }, retiredPluginIds?: string[], schemaRegistry?,
   *   partitions: [{ name, fields: [[field, rule], ...] }] with fields in localeCompare order, parallelism, etagQuoted }
   */
  constructor(store: NativeStore, config: Text);
  /** Called with event texts { event, payload } of background work (partitionIndexError, ...). Weak: does not keep the process alive. */
  setEventSink(sink: (event: Text) => void): void;
  /**
   * opts: { id, explicit, refs: 'strict' | 'await' | 'queue' | 'none', dates?: { field: 'YYYY-MM-DD' } }; record has no id member.
   * -> { record, events?: [{ event, payload }] }. explicit: create-if-absent, else InvalidResourceItem 409.
   */
  insert(record: Text, opts: Text): Sync<Text>;
  /**
   * batch: { ids: string[], records: object[], explicit?: ascending indexes, dates?: { [index]: hints }, compact?,
   * shapes?: [[names, explicit], ...] }. rows: flat array of texts, numbers and booleans with the order of the whole batch: for
   * each record either index of a shape, id and values, or -1 for the next of `records`; absent: `records` alone.
   * -> { etag, results } in input order: { record, etag?, events? } | { error }, and with `compact` for a record without a body
   * that reads back exactly as it was given (texts, numbers and booleans in map order) only its `_lastModified` as a number when
   * its ETag is `etag`, else { asGiven: number, etag }. { etag, asGiven: number } when that number stands for every record.
   */
  insertMany(batch: Text, opts: Text, rows?: Text): Promise<Text>;
  get(id: string): Sync<Text>;
  /** ids: string[] -> { results: [{ record } | { missing: true } | { error }] } */
  getMany(ids: Text): Promise<Text>;
  exists(id: string): Sync<boolean>;
  /** GET for a read-modify-write. */
  read(id: string): Sync<NativeRead>;
  /** HEAD for the optimised patch; record decoded from metadata. */
  readHead(id: string): Sync<NativeRead>;
  /** PUT with If-Match of the read. record: the complete new record. opts: { refs, dates?, oldDates?, operation: 'update' | 'upsert', ifMatch? } -> { record, etag, events? }; Precondition error on a lost race. */
  update(read: NativeRead, record: Text, opts: Text): Sync<Text>;
  /** COPY onto itself with new metadata. */
  patch(read: NativeRead, record: Text, opts: Text): Sync<Text>;
  /** HEAD for old references, PUT. */
  replace(id: string, record: Text, opts: Text): Sync<Text>;
  /** -> { inObject, etag?, events? }; etag when the record's own object was written. Precondition error on a lost race. */
  setContent(read: NativeRead, content: Buffer, contentType: string): Sync<Text>;
  /** Null without such a record; an empty body without content. */
  content(id: string): Sync<{ body: Buffer; contentType?: string } | null>;
  hasContent(id: string): Sync<boolean>;
  /** -> { inObject: false, etag?, events? }; rejects for a missing record, Precondition error on a lost race. */
  deleteContent(id: string): Sync<Text>;
  /** read may be null for a record that was not found. The content object goes too. */
  delete(id: string, read: NativeRead | null, opts: Text): Sync<Text>;
  /**
   * ids -> { deleted: string[], errors: [{ id, code, message }], undated?: string[], dates?: string[] }; references and content go
   * too. undated: records that are still there, because their references depend on the days of the texts `dates`, which the
   * next call brings: { text: day }.
   */
  deleteMany(ids: Text, dates?: Text): Promise<Text>;
  /** scope 'records' | 'all' -> { deletedCount } */
  deleteAll(scope: string): Promise<Text>;
  /** { partition?, values?: { field: value } } -> count */
  count(opts: Text): Sync<number>;
  /**
   * opts: { kind: 'ids' | 'records', partition?, values?, filter?, sort?, select?, limit?, offset?, batch?, startAfter?, positions? }.
   * filter, sort, select: src/query; offset skips entries, with a sort results. startAfter: relative key. positions: next() tells
   * `position` (key of the last entry) and `more`.
   */
  scan(opts: Text): NativeScan;
  /** Partition key of a record, or null. */
  partitionKey(partition: string, id: string, record: Text, dates?: Text): string | null;
  /** Codec only: -> { metadata: [[k, wire]], body: string, contentType?, events? } */
  encode(record: Text, operation: string, id?: string): Promise<Text>;
  /**
   * Record of an object read elsewhere. meta: as NativeStore.get -> { record, content }, where content says that the body is
   * binary content by the record-body test (spec/04 16.9).
   */
  decode(id: string, meta: Text, body?: Buffer | null): Sync<Text>;
  /** Waits until queued index work is done. */
  drain(): Promise<void>;
}

export class NativeScan {
  /** -> { items: [...], done: boolean, position?: string, more?: boolean } */
  next(): Sync<Text>;
}

/**
 * Storage of one plugin. Keys are complete; options are texts of
 * { now?: epoch ms, ttl?: seconds, behavior?, contentType?, ifMatch?, ifNoneMatch?, ... }.
 */
export class NativePluginStorage {
  constructor(store: NativeStore, slug: string);
  /** Called with { event, payload } texts (db:storage:degraded). Weak. */
  setEventSink(sink: (event: Text) => void): void;
  /** Throws for a key that no operation accepts. */
  checkKey(key: string): void;
  /** Texts of metadata as values. */
  parseValues(values: Text): Text;
  /** -> { metadata: [[k, value]], body: object | null }: what `set` would store. */
  split(data: Text, options: Text): Text;
  /** -> { etag?, versionId? } */
  set(key: string, data: Text, options: Text): Sync<Text>;
  get(key: string, options: Text): Sync<Text | null>;
  /** keys: string[], options: { parallelism } -> [{ data: object | null } | { error }] */
  getMany(keys: Text, options: Text): Sync<Text>;
  /** options: { resource?, prefix, limit? } -> string[] */
  list(options: Text): Sync<Text>;
  /** options: { prefix, limit?, parallelism } -> object[] */
  listData(options: Text): Sync<Text>;
  delete(key: string): Sync<void>;
  /** options: { resource? } -> objects deleted */
  deleteAll(options: Text): Sync<number>;
  isExpired(key: string, options: Text): Sync<boolean>;
  timeToLive(key: string, options: Text): Sync<number | null>;
  touch(key: string, seconds: number, options: Text): Sync<boolean>;
  /** options: { amount, ttl?, contentType? } -> new value */
  increment(key: string, options: Text): Sync<number>;
  /** options: { version?, ttl?, contentType? }; without a version only where no live entry is -> ETag, or null */
  setIf(key: string, data: Text, options: Text): Sync<string | null>;
  /** -> { version, data } or null */
  getWithVersion(key: string, options: Text): Sync<Text | null>;
  deleteIfVersion(key: string, version: string): Sync<boolean>;
  /**
   * lock: { name, key?, namespace?, ttl, timeout (ms), workerId, retryDelay, maxRetryDelay, discard, now? } ->
   * { name, key, token, workerId, acquiredAt, expiresAt, ttl, fence, etag }, or null. With a namespace the lock is a mutex.
   */
  acquire(lock: Text): Sync<Text | null>;
  /** lock: what `acquire` gave, `ttl` counting from now -> the same, or null when it is gone or another's. */
  renew(lock: Text): Sync<Text | null>;
  release(lock: Text): Sync<boolean>;
  isOwner(lock: Text): Sync<boolean>;
  /** -> { token, workerId, acquiredAt, expiresAt, fence } of a lock that is held, or null */
  lockInfo(lock: Text): Sync<Text | null>;
  /** options: { name, resource?, initialValue, increment, lockTimeout (ms), lockTtl (s), value (reset) } */
  nextSequence(options: Text): Promise<number>;
  resetSequence(options: Text): Promise<void>;
  sequence(options: Text): Sync<Text | null>;
  deleteSequence(options: Text): Sync<boolean>;
  listSequences(options: Text): Sync<Text>;
}

/** A query over records that are already here. Options: { filter?, sort?, select? }. */
export class NativeQuery {
  constructor(options: Text);
  /** { filter, sort, select: attribute names as written, excludes: boolean } */
  describe(): Text;
  /** Positions of the records that match, in the order of the sort. */
  arrange(records: Text): number[];
  /** The records with the chosen attributes. */
  project(records: Text): Text;
}

/** Engine logs of this process for one receiver; holds no event loop open. */
export class NativeLogs {
  /** level: trace to error, anything else is none. Texts: { level, target, message, dropped?: lines lost before this one }. */
  constructor(level: string, callback: (text: Text) => void);
  setLevel(level: string): void;
  close(): void;
}

export class NativeCatalog {
  constructor(store: NativeStore, s3dbVersion: string);
  /** -> { metadata, created, healed, healingLog: string[], backupKey?, lossy? }; rejects when the file cannot be read. */
  load(): Sync<Text>;
  /**
   * local: the metadata as this process wants it, complete, or when partial with the resources that changed; merged with what is
   * stored. remove: resource names deleted on purpose. -> { metadata, whole } as written; not whole: only the resources of local,
   * nobody else changed the others.
   */
  save(local: Text, remove: Text, partial: boolean): Sync<Text>;
}

/**
 * Texts and bytes of the in-memory cache driver, bounded by items and bytes (spec/10 section 10.9). Ids name entries for as long as
 * they live; 0 is no entry.
 */
export class NativeMemoryCache {
  /** { maxItems, maxBytes, ttlMs, lru }: 0 means no limit. */
  constructor(config: string);
  /** Id of the stored entry; 0 when it is larger than the byte limit. `ttlMs` below 0: the limit's; 0: none. `label`: spelling that `keys` reports. */
  setText(key: string, text: string, ttlMs: number, label?: string): number;
  /** As setText for compressed text; `size` is what is accounted. */
  setBytes(key: string, bytes: Buffer, size: number, ttlMs: number, label?: string): number;
  /** Counts a hit or a miss. */
  find(key: string): number;
  /** Hits that were answered from kept values: the first `count` ids, in their order. */
  touchAll(ids: Float64Array, count: number): void;
  /** Notes that the decoded value is kept. Milliseconds that the entry has left; -1 without an end. */
  keep(id: number): number;
  /** Keys of kept entries that have gone since the last call, or null. */
  released(): string[] | null;
  body(id: number): string | Buffer | null;
  /** Body under a key, without effect on order and counters. */
  peek(key: string): string | Buffer | null;
  /** { size, createdAt, lastAccess } */
  facts(key: string): string | null;
  remove(key: string): boolean;
  /** Removes everything and resets the counters. */
  clear(): number;
  /** Removes keys under the prefix but not those under a prefix of `keep`. */
  clearPrefix(prefix: string, keep: string[]): number;
  keys(): string[];
  size(): number;
  bytes(): number;
  /** { hits, misses, sets, deletes, evictions, evictedDueToMemory } */
  counters(): string;
  /** Removes what is over. */
  sweep(): void;
}
/** The first 16 hex digits of the MD5 of a text. */
export function cacheHash(text: string): string;

/** A clock for tests: stands still until moved. `wall`: epoch ms. */
export class NativeManualClock {
  constructor(wall: number);
  /** Moves both clocks forward in one step and wakes what is due. */
  step(ms: number): void;
  /** Sets the wall clock alone. */
  setWall(wall: number): void;
  now(): number;
}

/**
 * Background work of one plugin (src/background). Messages to `dispatch`, in order, as JSON (`t` tells which):
 *
 * - run { part, run, attempt, scheduledAt, startedAt, item?: Text, key? }: call the handler, answer by `settle`
 * - abort { run, reason: 'timeout' | 'lease-lost' | 'stopped' }: abort the signal; the run is still awaited
 * - end { run, reason | null }: a run that did not succeed is over; sent after its failure
 * - failure { task, kind, message, code, attempt, willRetry, run | null }: kind 'failed' | 'timeout' | 'lease-lost' | 'lease' |
 *   'detached' | 'dropped'
 * - leader { part, leader }: this process became, or no longer is, the leader
 * - lock { call, op: 'acquire' | 'renew' | 'release', name?, held?, ttl (s) }: answer by `answer`
 * - reply { request, value }: to the call that was given the request number; value { error } is a failure
 *
 * `dispatch` must not throw. Weak: does not keep the process alive. All times are ms, moments epoch ms.
 */
export class NativeBackground {
  /** locks: lock messages are answered; without it leases and elections are refused. */
  constructor(dispatch: (message: string) => void, locks: boolean, clock?: NativeManualClock);
  /**
   * { name, every | cron + timeZone, immediate?, jitter?, overlap?, maxConcurrent?, maxQueued?, catchUp?, timeout?, onTimeout?, retries?,
   *   backoff?: { base?, max?, jitter? }, lease?: { name, ttl } } -> part
   */
  task(config: Text): number;
  /** { name, concurrency?, maxLength?, overflow?, drainOnStop?, timeout?, onTimeout?, retries?, backoff? } -> part */
  queue(config: Text): number;
  /** { name, lock?, ttl?, retryEvery? } -> part */
  leader(config: Text): number;
  /** End of a run, unknown ones are ignored. code 'ABORT_ERR': the handler obeyed its signal. */
  settle(run: number, ok: boolean, message?: string, code?: string): void;
  /** Answer to a lock call: the lock's text or null; message of the error when not ok. */
  answer(call: number, ok: boolean, text?: string | null): void;
  /** Task: reply { status, attempts, reason?, message?, code? }. Queue: waiting retries become due. Leader: tries now. */
  trigger(part: number, request: number): void;
  /** true: accepted; false: a reply tells when it is. Throws when full or stopped. */
  push(part: number, item: Text, key: string | undefined, request: number): boolean;
  /** Reply when the queue is empty and nothing of it is in work. */
  drain(part: number, request: number): void;
  pause(part: number, paused: boolean): void;
  /** Counters. */
  stats(part: number): Text;
  /** { grace?, abortGrace? }; one part, or null for everything. Reply when nothing runs any more: { dropped } for a queue. */
  stop(part: number | null, config: Text, request: number): void;
  /** Forgets a stopped part. */
  forget(part: number): void;
  /** Ends everything without waiting. */
  shutDown(): void;
}

/** First time of a cron expression after `from` (default now) in an IANA time zone, or null. */
export function cronNext(expression: string, timeZone: string, from?: number): number | null;
