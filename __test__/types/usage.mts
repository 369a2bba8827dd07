// Compiled under `tsc --strict` as an ES module: what users of the package write.
import S3dbDefault, {
  AuditPlugin,
  type CacheDriver,
  type CachedResource,
  CacheError,
  CachePlugin,
  type ConditionalResult,
  ConnectionString,
  CostsPlugin,
  createSafeEventEmitter,
  Database,
  type DatabaseConfig,
  DistributedLock,
  encrypt,
  Factory,
  generateTypes,
  getBehavior,
  HighPerformanceInserter,
  InMemoryPersistence,
  idGenerator,
  MemoryCache,
  MemoryClient,
  MetricsPlugin,
  MultiTierCache,
  mapWithConcurrency,
  type PageResult,
  type PartitionConfig,
  PartitionQueue,
  Plugin,
  type PluginError,
  type PluginLock,
  PluginStorage,
  RedisCache,
  Resource,
  type ResourceConfig,
  ResourceIdsPageReader,
  ResourceIdsReader,
  S3Client,
  S3db,
  S3Mutex,
  type SafeEventEmitter,
  Schema,
  Seeder,
  type Stored,
  StreamInserter,
  sid,
  tryFn,
  tryFnSync,
  ulid,
  uuidv7,
  ValidationError,
  Validator
} from 's3db-native';
import { type GuardContext, requireRole } from 's3db-native/concerns/guards-helpers';
import generator, { mapFieldTypeToTypeScript } from 's3db-native/typescript-generator';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

interface User {
  name: string;
  age: number;
  profile?: { city: string };
}

const options: DatabaseConfig = { connectionString: 'memory://types/test', parallelism: 10, passphrase: 'x' };
const db: Database = new S3dbDefault(options);
const later = new Database({
  connectionString: 'memory://a/later',
  parallelism: 'auto',
  executorPool: { concurrency: 4, retries: 2 },
  deferMetadataWrites: true,
  metadataWriteDelay: 50,
  exitOnSignal: true,
  autoCleanup: false,
  disableResourceEvents: true,
  security: { passphrase: 'p', bcrypt: { rounds: 12 } }
});
later.parallelism = '5';
later.setConcurrency('auto');
same<typeof later.parallelism, number>(true);
same<ReturnType<typeof later.prewarmResources>, { warmed: string[]; skipped: string[]; alreadyCompiled: string[] }>(true);
// @ts-expect-error a boolean
new Database({ connectionString: 'memory://a/later', exitOnSignal: 'yes' });
// @ts-expect-error a number of milliseconds
new Database({ connectionString: 'memory://a/later', metadataWriteDelay: '100' });
const quiet = new Resource<User>({
  name: 'q',
  client: later.client,
  attributes: { name: 'string' },
  disableEvents: true,
  lazySchema: false
});
same<typeof quiet.eventsDisabled, boolean>(true);
same<ReturnType<typeof quiet.prewarmSchema>, boolean>(true);
quiet.on('resource:disposed', ({ resourceName }) => same<typeof resourceName, string>(true));
quiet.dispose();
quiet.composeFullObjectFromWrite({ id: 'a', metadata: {}, body: '' }).then((record) => same<typeof record, User & { id: string }>(true));

mapWithConcurrency([1, 2], async (item, index) => `${item}${index}`, { concurrency: 2 }).then(({ results, errors }) => {
  same<typeof results, string[]>(true);
  same<(typeof errors)[number]['item'], number>(true);
});
const safe: SafeEventEmitter = createSafeEventEmitter({ autoCleanup: false, logLevel: 'silent' });
safe.destroy();

const named: S3db = new S3db({ bucket: 'b' });
const logged = new S3db({
  connectionString: 'memory://a/b',
  logger: console,
  logLevel: 'debug',
  loggerOptions: { childLevels: { a: 'error' } }
});
logged.getChildLogger('worker', { queue: 'mail' }).info('hello');
logged.setChildLevel('worker', 'fatal');
// @ts-expect-error: no such level
logged.setChildLevel('worker', 'loud');
// @ts-expect-error options are required
new Database();
// @ts-expect-error parallelism is a number or text
new Database({ parallelism: true });

await db.connect();
const users = await db.createResource<User>({
  name: 'users',
  attributes: { name: 'string|required', age: 'number', profile: { city: 'string' } },
  behavior: 'body-overflow',
  partitions: { byAge: { fields: { age: 'number' } } },
  hooks: { beforeInsert: [(data) => data] },
  middlewares: { insert: async (context, next) => (context.args.length > 0 ? next() : null) }
});
same<typeof users, Resource<User>>(true);
await db.createResource({ name: 'short', attributes: { a: 'string' }, partitions: ['a'] });
// @ts-expect-error attributes are required
await db.createResource({ name: 'none' });
// @ts-expect-error not a behaviour
await db.createResource({ name: 'none', attributes: { a: 'string' }, behavior: 'body-always' });

const inserted = await users.insert({ name: 'Ada', age: 36 });
same<typeof inserted, Stored<User>>(true);
const name: string = inserted.name;
const modified: Date = inserted._lastModified;
await users.insert({ id: 'one', name: 'Ada', age: 36 });
// @ts-expect-error age is missing
await users.insert({ name: 'Ada' });
// @ts-expect-error age is a number
await users.insert({ name: 'Ada', age: '36' });

const many = await users.insertMany([{ name: 'B', age: 1 }]);
const failures: { error: Error; item: any }[] = many.errors;
const maybe: Stored<User> | null = await users.getOrNull('one');
await users.update('one', { age: 37, 'profile.city': 'London' });
await users.patch('one', { age: null });
// @ts-expect-error name is text
await users.update('one', { name: 7 });
const listed = await users.list({ partition: 'byAge', partitionValues: { age: 36 }, limit: 5 });
same<(typeof listed)[number], Stored<User>>(true);
const ids: string[] = await users.listIds();
const count: number = await users.count({ partition: 'byAge' });
const page: PageResult<User> = await users.page({ size: 10 });
const total: number | null = page.totalItems;
const found = await users.query({ name: 'Ada' }, { limit: 1 });
same<typeof found, Stored<User>[]>(true);
const conditional: ConditionalResult<User> = await users.updateConditional('one', { age: 1 }, { ifMatch: inserted._etag });
if (conditional.success) conditional.data.age.toFixed();
else conditional.error.trim();
// @ts-expect-error ifMatch is needed
await users.updateConditional('one', { age: 1 });
const withContent = await users.setContent({ id: 'one', buffer: Buffer.from('x'), contentType: 'text/plain' });
const contentLength: number = withContent._contentLength;
await users.setContent({ id: 'one', buffer: process.stdin });
// @ts-expect-error a number is no content
await users.setContent({ id: 'one', buffer: 5 });
const content = await users.content('one');
if (content.buffer === null) same<typeof content.contentType, null>(true);
else content.buffer.toString('base64');
const hasContent: boolean = await users.hasContent('one');
const { ETag } = await users.deleteContent('one');
users.on('content-set', ({ id, contentLength: bytes }) => id.repeat(bytes));
for await (const record of users.readable({ batchSize: 10 })) same<typeof record, Stored<User>>(true);
users.on('inserted', (record) => same<typeof record, Stored<User>>(true));
users.on('inserted:one', (record) => record);
db.on('db:resource-created', (created) => created.toUpperCase());
db.on('db:warning', ({ code, message }) => `${code} ${message}`);
db.addHook('afterConnect', async () => undefined);
db.addHook('beforeInsert', async () => undefined);

// Without a type argument records are `any`, as in the JavaScript of old.
const loose = await db.createResource({ name: 'loose', attributes: { a: 'string' } });
const record = await loose.insert({ a: 'x', whatever: 1 });
record.anything.goes;
const restored: Resource = db.resources.users as Resource;
const resource: Resource<User> = await db.getResource<User>('users');

const config: ResourceConfig = { name: 'direct', client: new MemoryClient(), attributes: { a: 'string' } };
new Resource<User>(config);
const partition: PartitionConfig = { fields: { 'profile.city': 'string|maxlength:3' } };
const client = new S3Client({ connectionString: 's3://k:s@b/p' });
client.on('cl:request', (command) => command);
const keys: string[] = await client.getAllKeys({ prefix: 'resource=users' });
const body: string = await (await client.getObject('k')).Body.transformToString();
const parsed: string = new ConnectionString('s3://b').bucket;

const schema = new Schema({ name: 's', attributes: { a: 'string' } });
const mapped: Record<string, any> = await schema.mapper({ a: 'x' });
new Validator({ passphrase: 'p' }).compile({ a: 'string' });
const cipher: string = await encrypt('text', 'pass');
const behavior = await getBehavior('body-only').handleInsert({});
const bodyText: string = behavior.body;
const id: string = idGenerator(10);

const [ok, error, value] = await tryFn(() => users.get('one'));
if (ok) same<typeof value, Stored<User>>(true);
else if (error instanceof ValidationError) error.statusCode.toFixed();
const [, , plain] = tryFnSync(() => 1);
same<typeof plain, number | null>(true);

const factory = Factory.define<User>('users', ({ seq }) => ({ name: `User ${seq}`, age: () => seq }));
factory.trait('old', { age: 99 }).beforeCreate((attributes) => ({ ...attributes, age: attributes.age + 1 }));
const madeUser: Stored<User> = await factory.create({ name: 'Own' }, { database: db, traits: 'old' });
const builtUsers: User[] = await factory.buildMany(2);
// @ts-expect-error age is a number
await factory.build({ age: 'old' });
const seeded: Record<string, any[]> = await new Seeder(db, { verbose: false }).seed({ users: 2 });
const declarations: string = await generateTypes(db, { outputPath: null, formatStyle: 'type' });
// @ts-expect-error no such style
await generator.generateTypes(db, { formatStyle: 'class' });
const mappedType: string = mapFieldTypeToTypeScript('string');
const allowed: boolean = requireRole('admin')({} as GuardContext);

const costs = await CostsPlugin.setup(db, { region: 'eu-west-1', customPricing: { put: 0.00001, storage: 0.02 } });
const putCount: number = costs.costs.requests.counts.put + costs.costs.requests.put;
const projectedCost: number = (await costs.estimate({ days: 7 })).projected.totalCost;
await db.usePlugin(CostsPlugin);
// @ts-expect-error no such storage class
new CostsPlugin({ storageClass: 'COLD' });
const audit = new AuditPlugin({
  trackOperations: ['inserted', 'deleteMany'],
  mode: 'sync',
  format: 'batch',
  getMetadata: async () => ({ a: 1 })
});
audit.getCurrentUserId = ({ recordId }) => recordId;
const auditUsers: (string | undefined)[] = (await audit.getAuditLogs({ operation: 'deleted', order: 'desc', limit: null })).map(
  (e) => e.userId
);
await audit.logAudit('insert', 'users', 'id', {});
const metrics = new MetricsPlugin({ trackSlowQueries: true, prometheus: { port: 0 }, onSlowQuery: ({ duration }) => duration.toFixed() });
const p99: number = metrics.getResourceMetrics('users').p99;
const hitRate: number = (await metrics.getMetrics({ limit: 1 })).cache.hitRate;
// @ts-expect-error no such mode
new MetricsPlugin({ prometheus: { mode: 'push' } });
// @ts-expect-error no such mode
new AuditPlugin({ mode: 'quick' });
await db.disconnect();

export {
  allowed,
  auditUsers,
  body,
  bodyText,
  builtUsers,
  cipher,
  count,
  declarations,
  failures,
  hitRate,
  id,
  ids,
  keys,
  madeUser,
  mapped,
  mappedType,
  maybe,
  modified,
  name,
  named,
  p99,
  parsed,
  partition,
  projectedCost,
  putCount,
  resource,
  restored,
  seeded,
  total
};

// Plugins
interface CounterOptions {
  resource: string;
  verbose?: boolean;
}
class CounterPlugin extends Plugin<CounterOptions> {
  private timer?: NodeJS.Timeout;
  constructor(options: CounterOptions) {
    super(options);
    this.slug = 'counter';
  }
  override async onInstall(): Promise<void> {
    const target: string = this.options.resource;
    this.addHook(target, 'afterInsert', async () => undefined);
    this.addMiddleware(target, 'get', async (next, id: string) => next(id));
    this.wrapResourceMethod(this.database.resource(target), 'list', async (result) => result);
  }
  override onStart(): void {
    this.timer = setInterval(() => this.emit('tick'), 1000);
  }
  override onStop(): void {
    clearInterval(this.timer);
  }
}
const counter = await db.usePlugin(new CounterPlugin({ resource: 'users' }), 'counterHot');
same<typeof counter, CounterPlugin>(true);
await counter.uninstall({ purgeData: true, purgeResources: true });
await db.uninstallPlugin(counter, { purgeData: true });
// @ts-expect-error a resource is required
new CounterPlugin({});

// Plugin storage
const storage = new PluginStorage(db.client, 'demo', { now: () => Date.now() });
const at: string = storage.getPluginKey(null, 'a', 1);
await storage.set(at, { n: 1 }, { ttl: 5, behavior: 'body-only', ifNoneMatch: '*' });
// @ts-expect-error not a behaviour of plugin storage
await storage.set(at, {}, { behavior: 'user-managed' });
const entry = await storage.get<{ n: number }>(at);
same<typeof entry, { n: number } | null>(true);
const lock = await storage.acquireLock('job', { ttl: 5, timeout: null, workerId: { pid: 1 }, discard: true });
same<typeof lock, PluginLock | null>(true);
if (lock !== null) {
  const fence: number = lock.fence;
  await storage.releaseLock(lock);
  await storage.releaseLock('job', lock.token);
  same<typeof fence, number>(true);
}
// @ts-expect-error a name needs the token
await storage.releaseLock('job');
const ran = await storage.withLock('job', {}, (held) => held.token.length);
same<typeof ran, number | null>(true);
const versioned = await storage.getWithVersion<{ n: number }>(at);
if (versioned.version !== null) await storage.setIfVersion(at, { n: versioned.data.n + 1 }, versioned.version);
const due: number = await storage.nextSequence('no', { resourceName: 'orders' });
const read = await storage.batchGet([at]);
const problem: Error | undefined = read[0].error;
const mutexLock = await new S3Mutex(storage, 'ns').tryLock('k', { ttl: 5 });
if (mutexLock) await new S3Mutex(storage).unlock(mutexLock);
const info = await new DistributedLock(storage).getLockInfo('job');
same<NonNullable<typeof info>['fence'], number>(true);

// Cache
const cachePlugin = new CachePlugin({
  driver: 'multi',
  config: {
    strategy: 'all',
    destinations: [
      { driver: 'memory', config: { maxSize: 1000 } },
      { driver: 'filesystem', config: { path: './cache' } }
    ]
  },
  methodPolicies: { count: false, get: { ttlMs: 5 } }
});
await db.usePlugin(cachePlugin, 'cacheHot');
const operations: number = cachePlugin.getStats().operations;
const memoryCache = new MemoryCache({ maxMemoryBytes: 1000, evictionPolicy: 'lru' });
new CachePlugin({ driver: memoryCache });
new MultiTierCache({ drivers: [{ driver: memoryCache }, { driver: new RedisCache({ host: 'localhost' }) }] });
const cacheKey: string = await cachePlugin.generateCacheKey(users, 'get', { id: 'a' });
const cachedUsers = users as typeof users & CachedResource;
const hotDriver: CacheDriver | null = cachedUsers.getCacheDriver('cache--hot-path');
await users.get('a', { skipCache: true });
await users.list({ limit: 1, skipCache: true });
const cacheFailure: PluginError = new CacheError('text', { statusCode: 413 });
// @ts-expect-error not a driver
new CachePlugin({ driver: 'memcached' });
// @ts-expect-error not an eviction policy
new MemoryCache({ evictionPolicy: 'random' });

export { cacheFailure, cacheKey, due, hotDriver, operations, problem };

// Queries
await users.query(
  { age: { $gte: 18, $lt: 65 }, $or: [{ name: /^A/ }, { 'profile.city': { $in: ['Paris'] } }] },
  { sort: { age: -1 }, select: ['name'] }
);
const explained = await users.explain({ age: 5 }, { usePartition: true });
same<typeof explained.partition, string | null>(true);
const byCursor = await users.page({ size: 10, cursor: (await users.page({ size: 10 })).nextCursor });
same<typeof byCursor.nextCursor, string | null>(true);
// @ts-expect-error a direction is 1, -1, 'asc' or 'desc'
await users.query({}, { sort: { age: 2 } });

// Ids
await db.createResource({ name: 'a', attributes: { n: 'number' }, idGenerator: 'incremental:ORD-0001' });
await db.createResource({ name: 'b', attributes: { n: 'number' }, idGenerator: { type: 'incremental', mode: 'fast', batchSize: 5 } });
await db.createResource({ name: 'c', attributes: { n: 'number' }, idGenerator: ({ n }) => `c${n}` });
await db.createResource({ name: 'd', attributes: { n: 'number' }, idGenerator: ulid });
await db.createResource({ name: 'e', attributes: { n: 'number' }, idGenerator: idGenerator });
// @ts-expect-error not a mode
await db.createResource({ name: 'f', attributes: { n: 'number' }, idGenerator: { type: 'incremental', mode: 'slow' } });
// @ts-expect-error not a generator
await db.createResource({ name: 'g', attributes: { n: 'number' }, idGenerator: 'random' });
const sequence: number | null = await users.getSequenceValue();
const reservedIds = await users.reserveIdBatch(5);
if (reservedIds !== null) same<typeof reservedIds.ids, string[]>(true);
const batch = users.getBatchStatus();
if (batch !== null) same<typeof batch.remaining, number>(true);
const made: string[] = [sid(5), ulid(), uuidv7()];
// @ts-expect-error the name comes first
await users.resetSequence(5);

export { made, sequence };

// Many records
const inserter = new HighPerformanceInserter(users, { batchSize: 10, maxFailureHistory: 5 });
await inserter.bulkAdd([{ name: 'a', age: 1 }]);
const throughput: number = inserter.getStats().throughput;
// @ts-expect-error not a record of the resource
await inserter.add({ nom: 'a' });
const fast = await new StreamInserter(users, { skipHooks: true }).bulkInsert([{ name: 'a', age: 1 }]);
same<typeof fast.failed, number>(true);
const partitionQueue = new PartitionQueue({ persistence: new InMemoryPersistence(), database: db });
partitionQueue.on('retry', ({ item, delay }) => item.retries + delay);
const item: string = await partitionQueue.enqueue({ type: 'update', resource: 'users', data: { original: {}, updated: {} } });
// @ts-expect-error not an operation
await partitionQueue.enqueue({ type: 'rename', resource: users, data: {} });

export { item, throughput };

// What reads and writes of a resource return
const paged = await users.page({ size: 2 });
same<typeof paged.total, number | null>(true);
same<typeof paged.hasNext, boolean>(true);
const upserted = await users.upsert({ id: 'a', name: 'a', age: 1 });
same<typeof upserted._etag, string | undefined>(true);
same<typeof upserted.id, string>(true);
const bulk = await users.insertMany(
  (async function* records() {
    yield { name: 'a', age: 1 };
  })()
);
same<(typeof bulk.errors)[number]['index'], number>(true);
const checked = await users.validate({ name: 'a' }, { includeId: true });
same<typeof checked.isValid, boolean>(true);
// @ts-expect-error not an option
await users.validate({ name: 'a' }, { strict: true });
same<ReturnType<typeof users.removeHook>, boolean>(true);
users.on('orphanedPartitionsRemoved', ({ removed }) => same<typeof removed, string[]>(true));
users.on('partitionIndexError', ({ id, error }) => [same<typeof id, string>(true), same<typeof error, Error>(true)]);
for await (const id of new ResourceIdsReader({ resource: users, partition: 'byName' })) same<typeof id, string>(true);
for await (const ids of new ResourceIdsPageReader({ resource: users, batchSize: 10 })) same<typeof ids, string[]>(true);
const writer = users.writable();
same<typeof writer.writing, boolean>(true);
await db.createResource({ name: 'h', attributes: { n: 'number' }, guard: async (context) => context.user !== null });
// @ts-expect-error no rule
await db.createResource({ name: 'i', attributes: { n: 'number' }, guard: 'admin' });
