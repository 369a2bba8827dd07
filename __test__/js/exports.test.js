// Exports of the main entry that s3db.js 13.6 has (spec/01 section 1.2), and those of later versions (section 14).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as entry from 's3db-native';

// Names are looked up one by one.
const exported = { ...entry };

const words = (text) => text.trim().split(/\s+/);

const GROUPS = {
  database: words('Database S3db default'),
  'core classes': words('Resource Schema Validator ConnectionString'),
  clients: words('S3Client Client MemoryClient MemoryStorage'),
  streams: words('ResourceReader ResourceWriter ResourceIdsReader ResourceIdsPageReader streamToString'),
  behaviours: words('behaviors getBehavior AVAILABLE_BEHAVIORS DEFAULT_BEHAVIOR'),
  'types and testing': words('generateTypes printTypes Factory Seeder'),
  errors: words(`BaseError S3dbError DatabaseError ValidationError AuthenticationError PermissionError EncryptionError ResourceNotFound
    NoSuchBucket NoSuchKey NotFound MissingMetadata InvalidResourceItem UnknownError ConnectionStringError CryptoError SchemaError
    ResourceError PartitionError AnalyticsNotEnabledError PluginError PluginStorageError PartitionDriverError BehaviorError StreamError
    MetadataLimitError ErrorMap mapAwsError`),
  base62: words(`encode decode encodeDecimal decodeDecimal encodeFixedPoint decodeFixedPoint encodeFixedPointBatch decodeFixedPointBatch
    base62Encode base62Decode`),
  'size calculator': words(`calculateUTF8Bytes clearUTF8Memory calculateAttributeNamesSize calculateAttributeSizes calculateTotalSize
    getSizeBreakdown calculateEffectiveLimit calculateSystemOverhead transformValue`),
  crypto: words('sha256 md5 encrypt decrypt'),
  'password hashing': words('hashPassword hashPasswordSync verifyPassword compactHash expandHash isBcryptHash'),
  ids: words('idGenerator passwordGenerator getUrlAlphabet createCustomGenerator initializeNanoid getNanoidInitializationError'),
  'try-fn': words('tryFn tryFnSync'),
  'plugin base': words('Plugin PluginObject'),
  plugins: words(`ApiPlugin AuditPlugin BackupPlugin CachePlugin CloudInventoryPlugin CookieFarmPlugin CookieFarmSuitePlugin CostsPlugin
    EventualConsistencyPlugin FullTextPlugin GeoPlugin IdentityPlugin ImporterPlugin MLPlugin MetricsPlugin PuppeteerPlugin
    QueueConsumerPlugin RelationPlugin ReplicatorPlugin S3QueuePlugin SchedulerPlugin SpiderSuitePlugin StateMachinePlugin TTLPlugin
    TfStatePlugin VectorPlugin`),
  'cache drivers': words('Cache MemoryCache S3Cache FilesystemCache PartitionAwareFilesystemCache')
};

for (const [group, names] of Object.entries(GROUPS)) {
  test(`spec01_1_2 the main entry exports ${group}`, () => {
    assert.deepEqual(
      names.filter((name) => exported[name] === undefined),
      []
    );
  });
}

test('spec01_1_2 what lies beside the main entry in 13.6 is exported as well', () => {
  const names = words(`PluginStorage ErrorClassifier RETRIABLE NON_RETRIABLE RedisCache MultiTierCache CacheError requirePluginDependency
    S3_DEFAULT_REGION S3_DEFAULT_ENDPOINT metadataEncode metadataDecode dictionaryEncode dictionaryDecode encodeGeoLat encodeMoney
    encodeIPv4 AsyncEventEmitter`);
  assert.deepEqual(
    names.filter((name) => exported[name] === undefined),
    []
  );
});

test('spec01_1_2 values, identities and key orders are those of 13.6', async () => {
  const { AVAILABLE_BEHAVIORS, DEFAULT_BEHAVIOR, ErrorMap, PluginObject, sha256, Client, S3Client } = exported;
  assert.deepEqual(AVAILABLE_BEHAVIORS, words('user-managed enforce-limits truncate-data body-overflow body-only'));
  assert.equal(DEFAULT_BEHAVIOR, 'user-managed');
  assert.deepEqual(Object.keys(ErrorMap), words('NotFound NoSuchKey UnknownError NoSuchBucket MissingMetadata InvalidResourceItem'));
  assert.equal(Client, S3Client);
  for (const step of ['setup', 'start', 'stop']) assert.equal(typeof PluginObject[step], 'function', step);
  assert.match(await sha256('a'), /^[0-9a-f]{64}$/);
  for (const name of GROUPS.plugins) assert.match(Function.prototype.toString.call(exported[name]), /^class /, name);
});

test('spec01_1_4 the version is that of the package, in the database and in its metadata', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const database = new exported.Database({ connectionString: 'memory://exports/version' });
  await database.connect();
  assert.deepEqual([database.s3dbVersion, database.savedMetadata.s3dbVersion, exported.getVersion()], [version, version, version]);
  await database.disconnect();
});

test('spec01_14 the main entry exports the additions of later versions', () => {
  const names = words(`getVersion FileSystemClient FileSystemStorage HTTP_CLIENT_PROFILES createLogger ProcessManager getProcessManager
    resetProcessManager SafeEventEmitter createSafeEventEmitter CronManager getCronManager resetCronManager createCronManager
    intervalToCron CRON_PRESETS CoordinatorPlugin resolveCacheMemoryLimit mapWithConcurrency forEachWithConcurrency detectAlgorithm
    isArgon2Hash`);
  assert.deepEqual(
    names.filter((name) => exported[name] === undefined),
    []
  );
  assert.deepEqual(Object.keys(exported.HTTP_CLIENT_PROFILES), ['balanced', 'throughput', 'resilient']);
});
