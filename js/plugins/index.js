/** Plugins by name. */
export { AuditPlugin } from './audit/audit-plugin.js';
export {
  Cache,
  CacheError,
  CachePlugin,
  FilesystemCache,
  MemoryCache,
  MultiTierCache,
  PartitionAwareFilesystemCache,
  RedisCache,
  resolveCacheMemoryLimit,
  S3Cache
} from './cache.js';
export { CostsPlugin } from './costs/costs-plugin.js';
export { MetricsPlugin } from './metrics/metrics-plugin.js';
export { TTLPlugin } from './ttl/ttl-plugin.js';
export {
  ApiPlugin,
  BackupPlugin,
  CloudInventoryPlugin,
  CookieFarmPlugin,
  CookieFarmSuitePlugin,
  EventualConsistencyPlugin,
  FullTextPlugin,
  GeoPlugin,
  IdentityPlugin,
  ImporterPlugin,
  MLPlugin,
  PuppeteerPlugin,
  QueueConsumerPlugin,
  RelationPlugin,
  ReplicatorPlugin,
  S3QueuePlugin,
  SchedulerPlugin,
  SpiderSuitePlugin,
  StateMachinePlugin,
  TfStatePlugin,
  VectorPlugin
} from './unavailable.js';
