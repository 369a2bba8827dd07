/** Filling and reporting on the cache of a resource (spec/10 section 10.7). */
import { CacheError } from './cache-error.js';

const PAGE = 100;

function partitionValuesOf(plugin, record, resource) {
  return plugin.getPartitionValues(record, resource);
}

/** Reads pages of a resource, then the list of every partition value that they contain. */
export async function warmCache(plugin, resourceName, { includePartitions = true, sampleSize = PAGE, ...options } = {}) {
  const resource = plugin.database.resources[resourceName];
  if (!resource) {
    throw new CacheError(`Resource not found for cache warming: ${resourceName}`, {
      operation: 'warmCache',
      resourceName,
      availableResources: Object.keys(plugin.database.resources),
      statusCode: 404,
      retriable: false,
      suggestion: 'Create the resource first, or check its name.'
    });
  }
  const names = Object.keys(resource.config.partitions ?? {});
  if (includePartitions && names.length > 0 && typeof resource.warmPartitionCache === 'function') {
    return resource.warmPartitionCache(names, options);
  }
  const sample = [];
  for (let offset = 0; sample.length < sampleSize; offset += PAGE) {
    const { items } = await resource.page({ offset, size: PAGE });
    sample.push(...items);
    if (items.length < PAGE) break;
  }
  const records = sample.slice(0, sampleSize);
  if (includePartitions) for (const name of names) await warmPartition(plugin, resource, name, records);
  return { resourceName, recordsSampled: records.length, partitionsWarmed: includePartitions ? names.length : 0 };
}

async function warmPartition(plugin, resource, partition, records) {
  const seen = new Set();
  const fields = Object.keys(resource.config.partitions[partition].fields ?? {});
  for (const record of records) {
    const partitionValues = partitionValuesOf(plugin, record, resource)[partition];
    if (!fields.every((field) => partitionValues[field] !== undefined)) continue;
    const id = JSON.stringify(partitionValues);
    if (seen.has(id)) continue;
    seen.add(id);
    await resource.list({ partition, partitionValues });
  }
}

/** Usage of partitions by resource, with recommendations. */
export async function analyzeUsage(plugin) {
  const { driver, database } = plugin;
  if (typeof driver?.getPartitionStats !== 'function') {
    return { message: 'Cache usage analysis is only available with PartitionAwareFilesystemCache' };
  }
  const resourceStats = {};
  const recommendations = {};
  for (const name of Object.keys(database.resources)) {
    if (!plugin.shouldCacheResource(name)) continue;
    try {
      resourceStats[name] = await driver.getPartitionStats(name);
      recommendations[name] = await driver.getCacheRecommendations(name);
    } catch (error) {
      resourceStats[name] = { error: error.message };
    }
  }
  const all = Object.entries(recommendations).flatMap(([resource, list]) => list.map((entry) => ({ resource, ...entry })));
  const pick = (kind) =>
    all
      .filter(({ recommendation }) => recommendation === kind)
      .sort((a, b) => b.priority - a.priority)
      .slice(0, 5);
  const mostUsedPartitions = pick('preload');
  const leastUsedPartitions = pick('archive');
  return {
    totalResources: Object.keys(resourceStats).length,
    resourceStats,
    recommendations,
    summary: {
      mostUsedPartitions,
      leastUsedPartitions,
      suggestedOptimizations: [
        `Consider preloading ${mostUsedPartitions.length} high-usage partitions`,
        `Archive ${leastUsedPartitions.length} unused partitions`,
        `Monitor cache hit rates for partition efficiency`
      ]
    }
  };
}
