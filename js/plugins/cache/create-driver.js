/** Builds the driver of a CachePlugin from its configuration. */
import { FilesystemCache } from './filesystem-cache.js';
import { MemoryCache } from './memory-cache.js';
import { MultiTierCache } from './multi-tier-cache.js';
import { PartitionAwareFilesystemCache } from './partition-aware-filesystem-cache.js';
import { RedisCache } from './redis-cache.js';
import { S3Cache } from './s3-cache.js';

function withoutUndefined(config) {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

/**
 * @param {string | object} name
 * @param {object} config options of the driver
 * @param {{ client: object, slug: string, plugin: object }} context `plugin`: `plugin.config`
 */
function build(name, config, context) {
  if (typeof name === 'object') return name;
  switch (name) {
    case 'memory':
      return new MemoryCache(config);
    case 'redis':
      return new RedisCache(config);
    case 'filesystem': {
      if (!context.plugin.partitionAware || config.partitionAware === false) return new FilesystemCache(config);
      const { partitionStrategy, trackUsage, preloadRelated } = context.plugin;
      return new PartitionAwareFilesystemCache({ partitionStrategy, trackUsage, preloadRelated, ...config });
    }
    default:
      return new S3Cache({ ...config, client: config.client ?? context.client, slug: context.slug });
  }
}

/** Options of one tier: its own `ttl` and limits, then its `config`. */
function tierConfig({ ttl, maxSize, maxMemoryBytes, maxMemoryPercent, maxBytes, config }) {
  return withoutUndefined({ ttl, maxSize, maxMemoryBytes, maxMemoryPercent, maxBytes, ...config });
}

/** The driver for `plugin.config`. */
export function createDriver(plugin, { client, slug }) {
  const context = { client, slug, plugin };
  if (!plugin.isMultiTier) return build(plugin.driver, withoutUndefined(plugin.config), context);
  const drivers = plugin.drivers.map((tier, index) => {
    const driver = build(tier.driver, tierConfig(tier), context);
    return { driver, name: tier.name ?? `L${index + 1}-${typeof tier.driver === 'string' ? tier.driver : driver.constructor.name}` };
  });
  const { promoteOnHit, strategy, fallbackOnError, verbose } = plugin;
  return new MultiTierCache({ drivers, promoteOnHit, strategy, fallbackOnError, verbose });
}
