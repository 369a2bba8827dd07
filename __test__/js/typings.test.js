// Type names that TypeScript code of s3db.js 13.6 uses, with the fields they have there (spec/01 section 10).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);

const text = ['types/', 'types/plugins/']
  .flatMap((folder) => readdirSync(new URL(folder, root)).map((name) => `${folder}${name}`))
  .filter((file) => file.endsWith('.d.ts'))
  .map((file) => readFileSync(new URL(file, root), 'utf8'))
  .join('\n');

/** Text of a declaration, with those it extends. */
function declarationOf(name, seen = new Set()) {
  if (seen.has(name)) return '';
  seen.add(name);
  const parts = [
    ...text.matchAll(
      new RegExp(`^export (?:declare )?(?:interface|class) ${name}(?:<[^{]*>)?(?: extends ([^{]+))? \\{([^]*?)\\n?\\}$`, 'gm')
    )
  ];
  const alias = new RegExp(`^export type ${name}(?:<[^=]*>)? =([^]*?);$`, 'm').exec(text);
  const own = [...parts.map((part) => part[2]), alias?.[1] ?? ''].join('\n');
  const bases = parts.flatMap((part) => part[1]?.match(/\w+/g) ?? []);
  return own + bases.map((base) => declarationOf(base, seen)).join('\n');
}

const words = (list) => list.trim().split(/\s+/);

const FIELDS = {
  HttpClientOptions: 'keepAlive keepAliveMsecs maxSockets maxFreeSockets timeout',
  DatabaseConfig: `connectionString region accessKeyId secretAccessKey sessionToken bucket endpoint forcePathStyle verbose parallelism
    passphrase versioningEnabled persistHooks cache plugins client httpClientOptions strictValidation strictHooks bcryptRounds`,
  ResourceConfig: `name client database version attributes behavior passphrase parallelism observers cache autoDecrypt timestamps partitions
    paranoid allNestedObjectsOptional hooks idGenerator idSize versioningEnabled map events`,
  PartitionConfig: 'fields description',
  ListOptions: 'limit offset partition partitionValues',
  PageOptions: 'offset size partition partitionValues skipCount',
  PluginInterface: 'name setup start stop beforeSetup afterSetup beforeStart afterStart beforeStop afterStop',
  PluginConfig: 'enabled',
  AuditPluginConfig: 'enabled trackOperations includeData retentionDays logToConsole customLogger',
  CacheConfig: 'type ttl maxSize enableCompression storageClass enableEncryption',
  CachePluginConfig: 'enabled type ttl maxSize enableCompression storageClass enableEncryption',
  CostsPluginConfig: 'enabled trackOperations trackStorage trackRequests costThreshold alertOnThreshold customPricing',
  FulltextPluginConfig: 'enabled searchableFields indexOnInsert indexOnUpdate searchAlgorithm maxResults',
  GeoResourceConfig: 'latField lonField precision addGeohash',
  GeoPluginConfig: 'enabled resources verbose',
  MetricsPluginConfig: 'enabled trackLatency trackThroughput trackErrors customMetrics exportToCloudWatch',
  QueueConsumerPluginConfig: 'enabled consumers',
  QueueConsumerConfig: 'driver config resources',
  SQSConsumerConfig: `region accessKeyId secretAccessKey sessionToken queueUrl maxNumberOfMessages waitTimeSeconds visibilityTimeout
    messageRetentionPeriod maxReceiveCount deadLetterQueueUrl logMessages autoDeleteMessages sqsClientOptions`,
  RabbitMQConsumerConfig: `connectionUrl queueName exchangeName routingKey durable autoDelete exclusive arguments prefetch autoAck
    logMessages connectionOptions`,
  ReplicatorPluginConfig: 'enabled replicators persistReplicatorLog replicatorLogResource logErrors batchSize maxRetries timeout verbose',
  ReplicatorConfig: 'driver config resources',
  S3dbReplicatorConfig: `connectionString region accessKeyId secretAccessKey sessionToken createResources overwriteExisting
    preservePartitions syncMetadata batchSize maxConcurrency logProgress targetPrefix resourceMapping validateData retryAttempts retryDelay`,
  SQSReplicatorConfig: `region accessKeyId secretAccessKey sessionToken defaultQueueUrl resourceQueues maxRetries retryDelay logMessages
    messageDelaySeconds messageAttributes messageGroupId useFIFO batchSize compressMessages messageFormat sqsClientOptions`,
  BigQueryReplicatorConfig: `projectId datasetId credentials location logTable batchSize maxRetries writeDisposition createDisposition
    tableMapping logOperations`,
  BigQueryResourceConfig: 'table actions transform',
  PostgresReplicatorConfig: `database resourceArn secretArn region tableMapping logOperations schema maxRetries retryDelay useUpsert
    conflictColumn`,
  MemoryCacheConfig: `maxSize ttl enableStats evictionPolicy logEvictions cleanupInterval caseSensitive serializer deserializer
    enableCompression compressionThreshold tags persistent persistencePath persistenceInterval`,
  S3CacheConfig: `bucket region accessKeyId secretAccessKey sessionToken prefix ttl enableCompression compressionThreshold storageClass
    enableEncryption encryptionAlgorithm kmsKeyId maxConcurrency retryAttempts retryDelay logOperations metadata contentType
    enableVersioning maxKeys enableCacheControl cacheControl s3ClientOptions enableLocalCache localCacheSize localCacheTtl`,
  EventualConsistencyPluginConfig: `resources consolidation locks garbageCollection analytics batch lateArrivals checkpoints cohort reducer
    verbose`,
  EventualConsistencyAnalyticsOptions: 'period startDate endDate date breakdown fillGaps',
  EventualConsistencyTopRecordsOptions: 'period date metric limit',
  EventualConsistencyAnalyticsResult: 'cohort count sum avg min max recordCount add sub set',
  EventualConsistencyTopRecordResult: 'recordId count sum',
  EventualConsistencyCohortInfo: 'date hour month',
  EventualConsistencyResourceExtensions: 'set add sub increment decrement consolidate recalculate getConsolidatedValue',
  GeoResourceExtensions: 'findNearby findInBounds getDistance',
  ReplicatorStats: 'replicators stats lastSync',
  ExceedsLimitEvent: 'operation id totalSize limit excess data',
  TruncateEvent: 'operation id fieldName originalLength truncatedLength data',
  OverflowEvent: 'operation id strategy originalSize maxSize data',
  DefinitionChangeEvent: 'type resourceName currentHash savedHash fromVersion toVersion deletedVersion',
  EnforceLimitsBehaviorConfig: `enabled maxBodySize maxMetadataSize maxKeySize maxValueSize maxFields maxNestingDepth maxArrayLength
    maxStringLength maxNumberValue minNumberValue enforcementMode logViolations throwOnViolation customValidator fieldLimits excludeFields
    includeFields applyToInsert applyToUpdate applyToUpsert applyToRead warningThreshold context validateMetadata validateBody validateKeys
    validateValues`,
  DataTruncateBehaviorConfig: `enabled truncateIndicator priorityFields preserveStructure fieldLimits defaultLimit truncateMode preserveWords
    preserveSentences excludeFields includeFields applyToInsert applyToUpdate applyToUpsert logTruncations warnOnTruncation customTruncator
    fieldTruncators validateOnRead warningThreshold context preserveHTML preserveMarkdown preserveTags`,
  BodyOverflowBehaviorConfig: `enabled metadataReserve priorityFields preserveOrder maxBodySize overflowStrategy truncateMode
    truncateIndicator preserveStructure overflowFields overflowStorage logOverflow customTruncator customOverflowHandler validateOnRead
    validateOnWrite warningThreshold context`,
  BodyOnlyBehaviorConfig: `enabled excludeFields includeFields applyToRead applyToList applyToFind applyToStream preserveArrays deepFilter
    customFilter logFilteredFields context`,
  UserManagedBehaviorConfig: 'enabled',
  DeleteOptions: 'id'
};

/** Declared there without a list of fields, or as other things than objects. */
const NAMES = words(`HookConfig EventListenerConfig QueryOptions InsertOptions UpdateOptions CountOptions BehaviorName PluginFunction`);

for (const [name, fields] of Object.entries(FIELDS)) {
  test(`spec01_10 ${name} is declared, with the fields of 13.6`, () => {
    const declaration = declarationOf(name);
    assert.notEqual(declaration, '');
    assert.deepEqual(
      words(fields).filter((field) => !new RegExp(`\\b${field}\\b`).test(declaration)),
      []
    );
  });
}

test('spec01_10 the other type names of 13.6 are declared', () => {
  assert.deepEqual(
    NAMES.filter((name) => !new RegExp(`^export (?:interface|type) ${name}\\b`, 'm').test(text)),
    []
  );
});
