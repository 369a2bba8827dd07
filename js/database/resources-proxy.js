/** `db.resources` and `db.plugins`: objects by name that never show inherited members. */

/** A proxy whose string properties are only the own ones of the target. */
export function ownProperties(target, fallback) {
  return new Proxy(target, {
    get(map, name, receiver) {
      if (typeof name === 'symbol') return Reflect.get(map, name, receiver);
      if (Object.hasOwn(map, name)) return map[name];
      return fallback ? fallback(map, name) : undefined;
    },
    has(map, name) {
      return typeof name === 'symbol' ? Reflect.has(map, name) : Object.hasOwn(map, name);
    }
  });
}

const plain = (name) => name.toLowerCase().replace('plugin', '');

/** Plugin of a name in another spelling: any case, with or without `Plugin`, slug or namespace. */
export function findPlugin(registry, name) {
  for (const key of Object.keys(registry)) {
    if (key.toLowerCase() === name.toLowerCase() || plain(key) === plain(name)) return registry[key];
  }
  for (const key of Object.keys(registry)) {
    const plugin = registry[key];
    if (plugin?.slug === name || plugin?.namespace === name) return plugin;
  }
  return undefined;
}
