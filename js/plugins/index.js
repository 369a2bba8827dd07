/** Plugins by name. */
export { AuditPlugin } from './audit/audit-plugin.js';
export { CostsPlugin } from './costs/costs-plugin.js';
export {
  ApiPlugin,
  BackupPlugin,
  CachePlugin,
  CloudInventoryPlugin,
  CookieFarmPlugin,
  CookieFarmSuitePlugin,
  EventualConsistencyPlugin,
  FullTextPlugin,
  GeoPlugin,
  IdentityPlugin,
  ImporterPlugin,
  MetricsPlugin,
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
  TTLPlugin,
  VectorPlugin
} from './unavailable.js';
