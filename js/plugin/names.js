/** Names of plugins: slugs, namespaces and registry names are parts of stored keys (spec/05 sections 6.1 and 8). */

/** Class name that names are derived from: a fixed `static pluginName` of the class itself, else its name at run time. */
export function classNameOf(plugin) {
  const type = plugin.constructor;
  // Inherited static names would give a subclass the stored keys of its parent.
  if (typeof type === 'function' && Object.hasOwn(type, 'pluginName') && type.pluginName) return type.pluginName;
  return type?.name || 'Object';
}

/** Key of the registry: `EventualConsistencyPlugin` gives `eventualconsistency`. */
export function registryName(plugin) {
  return classNameOf(plugin).replace('Plugin', '').toLowerCase();
}

/** Slug of a class name: `EventualConsistencyPlugin` gives `eventual-consistency`; digits do not separate. */
export function slugOf(className) {
  return className
    .replace(/Plugin$/, '')
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .toLowerCase();
}

/** Namespace as it appears in slugs, or null: `'  Hot Path!! '` gives `hot-path`. */
export function normalizeNamespace(value) {
  if (value === null || value === undefined) return null;
  const normal = String(value)
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return normal === '' ? null : normal;
}
