/**
 * What cache instances put on a resource (spec/10 section 10.3). Each installation and removal makes the members anew from
 * the instances there are, in the order of their installation.
 */
import { cacheKey } from './keys.js';

/** Resource -> instances `{ key, plugin, cache }` in order of installation. */
const instances = new WeakMap();

const PARTITION_MEMBERS = ['clearPartitionCache', 'getPartitionCacheStats', 'getCacheRecommendations', 'warmPartitionCache'];
const MEMBERS = [
  ...['cacheInstances', 'cache', 'getCacheDriver', 'cacheKeyResolvers', 'cacheKeyFor', 'getCacheKeyResolver'],
  ...['cacheNamespaces', 'getCacheNamespace', ...PARTITION_MEMBERS]
];

export function instancesOf(resource) {
  return instances.get(resource) ?? [];
}

/** A key that no other instance on the resource has. */
export function freeKey(resource, wanted, plugin) {
  const taken = new Set(
    instancesOf(resource)
      .filter((entry) => entry.plugin !== plugin)
      .map(({ key }) => key)
  );
  let key = wanted;
  for (let number = 2; taken.has(key); number += 1) key = `${wanted}${number}`;
  return key;
}

function registryNames(plugin) {
  const registry = plugin.database?.pluginRegistry ?? {};
  return Object.keys(registry).filter((name) => registry[name] === plugin);
}

/** The instance that a name means: its key, else slug, namespace, registry name. */
function find(list, name) {
  const by = [
    (entry) => entry.key === name,
    (entry) => entry.plugin.slug === name,
    (entry) => entry.plugin.namespace === name,
    (entry) => registryNames(entry.plugin).includes(name)
  ];
  for (const matches of by) {
    const found = list.find(matches);
    if (found !== undefined) return found;
  }
  return null;
}

/** Key of a result of a resource; an id alone means its `get` entry. */
export async function resolveKey(resource, { action, params = {}, partition, partitionValues, id } = {}) {
  if (action === undefined && id !== undefined) return cacheKey(resource.name, 'get', { id });
  return cacheKey(resource.name, action, params, partition, partitionValues);
}

function define(resource, name, value, enumerable) {
  Object.defineProperty(resource, name, { value, enumerable, writable: true, configurable: true });
}

function rebuild(resource, list) {
  if (list.length === 0) {
    instances.delete(resource);
    for (const name of MEMBERS) delete resource[name];
    return;
  }
  instances.set(resource, list);
  const first = list[0];
  const resolver = () => (options) => resolveKey(resource, options);
  const table = (make) => Object.fromEntries(list.map((entry) => [entry.key, make(entry)]));
  const resolvers = table(resolver);
  define(
    resource,
    'cacheInstances',
    table(({ plugin }) => plugin.driver),
    true
  );
  define(resource, 'cache', first.plugin.driver, false);
  define(resource, 'cacheKeyResolvers', resolvers, true);
  define(resource, 'cacheKeyFor', resolvers[first.key], true);
  define(
    resource,
    'cacheNamespaces',
    table(({ facade }) => facade),
    false
  );
  define(resource, 'getCacheDriver', (name = null) => (name ? (find(list, name)?.plugin.driver ?? null) : resource.cache), false);
  define(
    resource,
    'getCacheKeyResolver',
    (name = null) => {
      if (!name) return resource.cacheKeyFor;
      const found = find(list, name);
      return found === null ? null : resolvers[found.key];
    },
    false
  );
  define(resource, 'getCacheNamespace', (name = null) => (name ? find(list, name) : first)?.facade ?? null, false);
  definePartitionMembers(resource, list);
}

function definePartitionMembers(resource, list) {
  const entry = list.find(({ plugin }) => typeof plugin.driver.clearPartition === 'function');
  if (entry === undefined) {
    for (const name of PARTITION_MEMBERS) delete resource[name];
    return;
  }
  const { plugin, cache } = entry;
  const clear = async (partition, values = {}) => {
    const done = await plugin.driver.clearPartition(resource.name, partition, values);
    cache.generation += 1;
    return done;
  };
  define(resource, 'clearPartitionCache', clear, true);
  define(resource, 'getPartitionCacheStats', (partition = null) => plugin.driver.getPartitionStats(resource.name, partition), true);
  define(resource, 'getCacheRecommendations', () => plugin.driver.getCacheRecommendations(resource.name), true);
  define(
    resource,
    'warmPartitionCache',
    (partitions = [], options = {}) => plugin.driver.warmPartitionCache(resource.name, { partitions, ...options }),
    true
  );
}

/** Adds an instance to a resource. */
export function attach(resource, entry) {
  rebuild(resource, [...instancesOf(resource).filter(({ plugin }) => plugin !== entry.plugin), entry]);
}

/** Takes an instance off a resource; the members go with the last one. */
export function detach(resource, plugin) {
  const list = instancesOf(resource);
  if (list.some((entry) => entry.plugin === plugin)) {
    rebuild(
      resource,
      list.filter((entry) => entry.plugin !== plugin)
    );
  }
}
