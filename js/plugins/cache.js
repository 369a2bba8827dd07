/** CachePlugin and its drivers: sub-path `plugins/cache`. */
export { Cache } from './cache/cache.js';
export { CacheError } from './cache/cache-error.js';
export { CachePlugin, CachePlugin as default } from './cache/cache-plugin.js';
export { FilesystemCache } from './cache/filesystem-cache.js';
export { MemoryCache } from './cache/memory-cache.js';
export { resolveCacheMemoryLimit } from './cache/memory-limit.js';
export { MultiTierCache } from './cache/multi-tier-cache.js';
export { PartitionAwareFilesystemCache } from './cache/partition-aware-filesystem-cache.js';
export { RedisCache } from './cache/redis-cache.js';
export { S3Cache } from './cache/s3-cache.js';
