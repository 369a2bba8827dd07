/** Options of CachePlugin: names, defaults and refusals (spec/10 sections 10.2, 10.13 and 10.16). */
import { checkKeys } from '../../plugin/options.js';
import { nearestName } from '../../util/nearest-name.js';
import { misuse } from './cache-error.js';
import { STRATEGIES } from './multi-tier-cache.js';

export const DRIVERS = ['memory', 'filesystem', 's3', 'redis', 'multi'];

/** Methods whose results are cached, in the order in which their middlewares are registered. */
export const READ_METHODS = [
  'count',
  'listIds',
  'getMany',
  'getAll',
  'page',
  'list',
  'get',
  'exists',
  'content',
  'hasContent',
  'query',
  'getFromPartition'
];

/** Options of the plugin, those of later versions included. */
export const OPTION_NAMES = [
  ...['driver', 'type', 'drivers', 'promoteOnHit', 'strategy', 'fallbackOnError', 'ttl', 'maxSize', 'maxMemoryBytes'],
  ...['maxMemoryPercent', 'maxBytes', 'config', 'include', 'exclude', 'includePartitions', 'partitionStrategy'],
  ...['partitionAware', 'trackUsage', 'preloadRelated', 'retryAttempts', 'retryDelay', 'verbose', 'namespace', 'instanceId'],
  ...['slug', 'methodPolicies', 'logger', 'logLevel', 'enabled', 'legacyClear', 'enableEncryption', 'storageClass'],
  ...['enableStats', 'evictionPolicy', 'heapUsageThreshold', 'monitorInterval', 'redisOptions', 'directory', 'path'],
  ...['keyPrefix', 'client', 'enableCompression', 'compressionThreshold', 'resources']
];

/** Options of the drivers; each accepts those of the others, as s3db.js does. */
const CONFIG_NAMES = [
  ...['ttl', 'maxSize', 'maxMemoryBytes', 'maxMemoryPercent', 'maxBytes', 'inferredMaxMemoryPercent', 'enableStats'],
  ...['evictionPolicy', 'caseSensitive', 'serializer', 'deserializer', 'enableCompression', 'compressionThreshold'],
  ...['logEvictions', 'cleanupInterval', 'tags', 'persistent', 'persistencePath', 'persistenceInterval'],
  ...['heapUsageThreshold', 'monitorInterval', 'client', 'keyPrefix', 'prefix', 'legacyClear', 'bucket', 'region'],
  ...['accessKeyId', 'secretAccessKey', 'sessionToken', 'credentials', 'endpoint', 'encryption', 'enableEncryption'],
  ...['storageClass', 'localCache', 'enableLocalCache', 'localCacheSize', 'localCacheTtl', 'cacheControl', 'contentType'],
  ...['metadata', 'directory', 'path', 'createDirectory', 'fileExtension', 'enableMetadata', 'maxFileSize'],
  ...['enableCleanup', 'encoding', 'fileMode', 'enableBackup', 'backupSuffix', 'enableLocking', 'lockTimeout'],
  ...['enableJournal', 'journalFile', 'partitionStrategy', 'partitionAware', 'trackUsage', 'preloadRelated'],
  ...['preloadThreshold', 'maxCacheSize', 'usageStatsFile', 'host', 'port', 'password', 'db', 'connectTimeout'],
  ...['commandTimeout', 'retryAttempts', 'retryDelay', 'lazyConnect', 'keepAlive', 'keepAliveInitialDelay'],
  ...['retryStrategy', 'redisOptions', 'strategy', 'destinations', 'drivers', 'promoteOnHit', 'fallbackOnError', 'verbose'],
  'crossProcess'
];

function unknownDriver(name) {
  return misuse(`Unknown cache driver: ${name}`, {
    operation: 'constructor',
    driver: String(name),
    validDrivers: DRIVERS,
    suggestion: `Use one of: ${DRIVERS.join(', ')}, or pass a driver object with get, set and clear.`
  });
}

/** A driver name, or a driver object as it is. */
export function checkDriver(driver) {
  if (driver !== null && typeof driver === 'object') {
    const missing = ['get', 'set', 'clear'].filter((name) => typeof driver[name] !== 'function');
    if (missing.length === 0) return driver;
    throw misuse(`Invalid cache driver: it has no ${missing.join(', ')}`, {
      operation: 'constructor',
      suggestion: 'A driver object needs get(key), set(key, value) and clear(prefix).'
    });
  }
  if (!DRIVERS.includes(driver)) throw unknownDriver(driver);
  return driver;
}

function checkStrategy(strategy) {
  if (strategy === 'all') return 'write-through';
  if (STRATEGIES.includes(strategy)) return strategy;
  throw misuse(`Invalid cache strategy: ${strategy}`, {
    operation: 'constructor',
    validStrategies: STRATEGIES,
    suggestion: `Use one of: ${STRATEGIES.join(', ')} (all means write-through).`
  });
}

function nameList(value, option) {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value;
  throw misuse(`${option} must be an array of resource names`, {
    operation: 'constructor',
    option,
    suggestion: `Write ${option}: ['users'].`
  });
}

/** Tiers of the `multi` driver: `drivers`, or `config.destinations`. */
function tiersOf(options, driver) {
  const listed = Array.isArray(options.drivers) && options.drivers.length > 0 ? options.drivers : null;
  if (listed !== null || driver !== 'multi') return listed;
  const destinations = options.config?.destinations ?? options.config?.drivers;
  if (Array.isArray(destinations) && destinations.length > 0) return destinations;
  throw misuse("The 'multi' cache driver needs its tiers", {
    operation: 'constructor',
    option: 'config.destinations',
    suggestion: "Write config: { destinations: [{ driver: 'memory' }, { driver: 'filesystem', config: { path: './cache' } }] }."
  });
}

/** `plugin.config` as callers read it. */
export function readOptions(options) {
  const driver = checkDriver(options.driver ?? options.type ?? 's3');
  const drivers = tiersOf(options, driver);
  for (const tier of drivers ?? []) checkDriver(tier?.driver);
  const nested = options.config ?? {};
  const multi = driver === 'multi' ? nested : {};
  const shortcuts = {};
  for (const name of [
    'maxBytes',
    'enableStats',
    'evictionPolicy',
    'heapUsageThreshold',
    'monitorInterval',
    'redisOptions',
    'legacyClear'
  ]) {
    if (options[name] !== undefined) shortcuts[name] = options[name];
  }
  for (const name of ['directory', 'path', 'keyPrefix', 'client', 'enableCompression', 'compressionThreshold']) {
    if (options[name] !== undefined) shortcuts[name] = options[name];
  }
  return {
    driver,
    drivers: drivers ?? undefined,
    isMultiTier: drivers !== null,
    promoteOnHit: (options.promoteOnHit ?? multi.promoteOnHit) !== false,
    strategy: checkStrategy(options.strategy ?? multi.strategy ?? 'write-through'),
    fallbackOnError: (options.fallbackOnError ?? multi.fallbackOnError) !== false,
    config: {
      ttl: options.ttl,
      maxSize: options.maxSize,
      maxMemoryBytes: options.maxMemoryBytes,
      maxMemoryPercent: options.maxMemoryPercent,
      ...shortcuts,
      ...nested
    },
    include: nameList(options.include, 'include'),
    exclude: nameList(options.exclude, 'exclude') ?? [],
    includePartitions: options.includePartitions !== false,
    partitionStrategy: options.partitionStrategy ?? 'hierarchical',
    partitionAware: options.partitionAware !== false,
    trackUsage: options.trackUsage !== false,
    preloadRelated: options.preloadRelated !== false,
    retryAttempts: Number(options.retryAttempts) || 3,
    retryDelay: Number(options.retryDelay) || 100,
    verbose: options.verbose === true
  };
}

/** `methodPolicies` as full policies by method. */
export function readPolicies(given) {
  const policies = new Map();
  for (const [method, value] of Object.entries(given ?? {})) {
    if (!READ_METHODS.includes(method)) {
      throw misuse(`Unknown method in methodPolicies: ${method}`, {
        operation: 'constructor',
        validMethods: READ_METHODS,
        suggestion: `Did you mean '${nearestName(method, READ_METHODS) ?? READ_METHODS[0]}'? Cached methods: ${READ_METHODS.join(', ')}.`
      });
    }
    const policy = typeof value === 'boolean' ? { enabled: value } : (value ?? {});
    policies.set(method, {
      enabled: policy.enabled !== false,
      ttlMs: Math.max(0, Number(policy.ttlMs) || 0),
      maxPayloadBytes: Math.max(0, Number(policy.maxPayloadBytes) || 0),
      minHitsBeforeStore: Math.max(1, Number(policy.minHitsBeforeStore) || 1)
    });
  }
  return policies;
}

const TIER_NAMES = ['driver', 'name', 'ttl', 'maxSize', 'maxMemoryBytes', 'maxMemoryPercent', 'maxBytes', 'config'];
const POLICY_NAMES = ['enabled', 'ttlMs', 'maxPayloadBytes', 'minHitsBeforeStore'];

/** Checks the keys of nested options: of `config`, of the tiers and of method policies (decisions 22 and 32). */
export function checkNestedOptions(plugin, database) {
  const { config, methodPolicies } = plugin.options;
  const { driver, drivers } = plugin.config;
  const check = (path, given, valid) => checkKeys(plugin, database, { path, given, valid });
  // What Redis gets beyond our own options belongs to its client.
  if (driver !== 'redis') check('config', config, CONFIG_NAMES);
  for (const [index, tier] of (drivers ?? []).entries()) {
    check(`drivers[${index}]`, tier, TIER_NAMES);
    if (typeof tier.driver === 'string' && tier.driver !== 'redis') check(`drivers[${index}].config`, tier.config, CONFIG_NAMES);
  }
  for (const [method, policy] of Object.entries(methodPolicies ?? {})) check(`methodPolicies.${method}`, policy, POLICY_NAMES);
}
