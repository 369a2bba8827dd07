/** Names of the resources that plugins own (spec/05 section 12). */

/** Namespace as it appears in resource names: `Tenant-Alpha` gives `tenant_alpha`; null when there is none. */
function underscored(namespace) {
  if (namespace === null || namespace === undefined) return null;
  const normal = String(namespace)
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return normal === '' ? null : normal;
}

/**
 * The name with the prefix `plg_`.
 * @throws {Error} for an empty or non-text name
 */
export function ensurePlgPrefix(name) {
  const text = typeof name === 'string' ? name.trim() : '';
  if (text === '') throw new Error('[resource-names] Resource name must be a non-empty string');
  return text.startsWith('plg_') ? text : `plg_${text.replace(/^_+/, '')}`;
}

function withNamespace(name, namespace) {
  const prefix = underscored(namespace);
  if (prefix === null) return name;
  const rest = name.slice('plg_'.length);
  return rest.startsWith(`${prefix}_`) ? name : `plg_${prefix}_${rest}`;
}

/**
 * Name of a plugin resource: the override, else the default name, else `plg_<pluginKey>_<suffix>`.
 * @param {string} pluginKey
 * @param {{ defaultName?: string, override?: string, suffix?: string }} [names]
 * @param {{ namespace?: string | null, applyNamespaceToOverrides?: boolean }} [options]
 */
export function resolveResourceName(pluginKey, { defaultName, override, suffix } = {}, options = {}) {
  const { namespace, applyNamespaceToOverrides = false } = options;
  if (override) {
    const name = ensurePlgPrefix(override);
    return applyNamespaceToOverrides ? withNamespace(name, namespace) : name;
  }
  if (defaultName) return withNamespace(ensurePlgPrefix(defaultName), namespace);
  if (suffix) return withNamespace(ensurePlgPrefix(`${pluginKey}_${suffix}`), namespace);
  throw new Error(`[resource-names] Missing name parameters for plugin "${pluginKey}"`);
}

/** Names for an object of descriptors; a text is a default name. */
export function resolveResourceNames(pluginKey, descriptors = {}, options = {}) {
  const names = {};
  for (const [key, descriptor] of Object.entries(descriptors)) {
    names[key] = resolveResourceName(pluginKey, typeof descriptor === 'string' ? { defaultName: descriptor } : descriptor, options);
  }
  return names;
}

/**
 * The stored spelling of a namespaced name: databases of later versions hold hyphens (`plg_tenant-a_...`) where this one
 * writes underscores. The hyphen form is used when only that exists.
 * @param {object | undefined} resources `database.resources` or the resources of `s3db.json`
 */
export function existingResourceName(name, namespace, resources) {
  const prefix = underscored(namespace);
  if (prefix === null || resources === undefined || resources === null || name in resources) return name;
  const hyphened = name.replace(`plg_${prefix}_`, `plg_${prefix.replaceAll('_', '-')}_`);
  return hyphened in resources ? hyphened : name;
}
