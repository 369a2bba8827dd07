/** Checks and loads the optional packages of plugins (spec/05 section 11). */
import { PLUGIN_DEPENDENCIES } from './dependency-registry.js';
import { findPackage, importPackage } from './installed-package.js';

export { PLUGIN_DEPENDENCIES };

function unknownIdentifier(id) {
  return `Unknown plugin identifier: ${id}. Available plugins: ${Object.keys(PLUGIN_DEPENDENCIES).join(', ')}`;
}

function outcome(fields = {}) {
  const result = { valid: true, missing: [], incompatible: [], messages: [], ...fields };
  // Alias of the documentation; not enumerable, so that results compare as documented.
  Object.defineProperty(result, 'isValid', { get: () => result.valid });
  return result;
}

async function satisfies(version, range) {
  const { default: check } = await import('semver/functions/satisfies.js');
  return check(version, range, { includePrerelease: true });
}

/** One package: what is wrong, and the message about it. */
async function checkPackage(name, { version: range, description, installCommand }, checkVersions) {
  const found = findPackage(name);
  if (found === null) {
    return {
      problem: 'missing',
      message: `\u274c Missing dependency: ${name}\n   Description: ${description}\n   Required: ${range}\n   Install: ${installCommand}`
    };
  }
  const { version } = found;
  if (!checkVersions || version === null) return { message: `\u2705 ${name}@${version ?? 'unknown'} (installed)` };
  if (await satisfies(version, range)) return { message: `\u2705 ${name}@${version} (compatible with ${range})` };
  return {
    problem: 'incompatible',
    message: `\u26a0\ufe0f  Incompatible version: ${name}\n   Installed: ${version}\n   Required: ${range}\n   Update: ${installCommand}`
  };
}

function boxed(title) {
  const line = '\u2550'.repeat(title.length + 4);
  return `\u2554${line}\u2557\n\u2551  ${title}  \u2551\n\u255a${line}\u255d`;
}

function report(id, { name, docsUrl, dependencies }, { missing, incompatible, messages }, caller) {
  const failing = [...missing, ...incompatible];
  const total = Object.keys(dependencies).length;
  return [
    `${name} - Missing dependencies detected!`,
    '',
    boxed(`${name} - Missing Dependencies`),
    '',
    `Plugin: ${id}`,
    ...(caller ? [`Required by: ${caller}`] : []),
    `Status: ${total - failing.length}/${total} dependencies satisfied`,
    '',
    ...messages,
    '',
    'Quick fix - Run all install commands:',
    ...failing.map((pkg) => `  ${dependencies[pkg].installCommand}`),
    '',
    'Or install everything at once:',
    `  pnpm add ${Object.keys(dependencies).join(' ')}`,
    '',
    `Documentation: ${docsUrl}`,
    '',
    'Troubleshooting:',
    '  - Install the packages in the application that uses the plugin, not globally.',
    '  - After changing versions, remove node_modules and the lock file entries of the package and install again.',
    '  - In tests that replace these packages, set S3DB_SKIP_PLUGIN_DEP_CHECK=1.'
  ].join('\n');
}

/**
 * Checks the packages that a plugin needs.
 * @param {string} pluginId a key of `PLUGIN_DEPENDENCIES`
 * @param {{ throwOnError?: boolean, checkVersions?: boolean, caller?: string } | string} [options] both true by default;
 *   a text is the name of the caller
 * @returns {Promise<{ valid: boolean, missing: string[], incompatible: string[], messages: string[] }>}
 * @throws {Error} with `pluginId`, `pluginName`, `missing`, `incompatible`, `docsUrl`, when something is missing
 */
export async function requirePluginDependency(pluginId, options = {}) {
  const { throwOnError = true, checkVersions = true, caller } = typeof options === 'string' ? { caller: options } : (options ?? {});
  if (!Object.hasOwn(PLUGIN_DEPENDENCIES, pluginId)) {
    const message = unknownIdentifier(pluginId);
    if (throwOnError) throw new Error(message);
    return outcome({ valid: false, messages: [message] });
  }
  if (process.env.S3DB_SKIP_PLUGIN_DEP_CHECK === '1') return outcome();
  const entry = PLUGIN_DEPENDENCIES[pluginId];
  const result = outcome();
  for (const [name, dependency] of Object.entries(entry.dependencies)) {
    const { problem, message } = await checkPackage(name, dependency, checkVersions);
    if (problem !== undefined) result[problem].push(name);
    result.messages.push(message);
  }
  result.valid = result.missing.length === 0 && result.incompatible.length === 0;
  if (!result.valid && throwOnError) {
    const error = new Error(report(pluginId, entry, result, caller));
    Object.assign(error, {
      pluginId,
      pluginName: entry.name,
      missing: result.missing,
      incompatible: result.incompatible,
      docsUrl: entry.docsUrl
    });
    throw error;
  }
  return result;
}

/** Results by identifier; never rejects. */
export async function checkPluginDependencies(pluginIds, options = {}) {
  const results = new Map();
  for (const id of pluginIds) results.set(id, await requirePluginDependency(id, { ...options, throwOnError: false }));
  return results;
}

/** Status of every plugin's packages, as text. */
export async function getPluginDependencyReport() {
  const ids = Object.keys(PLUGIN_DEPENDENCIES);
  const results = await checkPluginDependencies(ids);
  const lines = [boxed('S3DB.JS - Plugin Dependency Status Report'), ''];
  let ready = 0;
  for (const id of ids) {
    const { valid, messages } = results.get(id);
    if (valid) ready += 1;
    lines.push(`${valid ? '\u2705 READY' : '\u274c MISSING'} - ${PLUGIN_DEPENDENCIES[id].name}`, `  Plugin: ${id}`);
    for (const message of messages) lines.push(message.replace(/^/gm, '  '));
    lines.push('');
  }
  lines.push(`Summary: ${ready}/${ids.length} plugins ready to use`);
  return lines.join('\n');
}

/**
 * The module of an optional package.
 * @param {string} name package name
 * @param {{ pluginId?: string, caller?: string, feature?: string }} [context] the identifier whose packages are checked
 *   first, the class that asks, what it is needed for
 * @throws {Error} the report of `requirePluginDependency`, or one that names the package and the command to install it
 */
export async function loadPluginDependency(name, { pluginId, caller, feature } = {}) {
  const id = pluginId ?? (Object.hasOwn(PLUGIN_DEPENDENCIES, name) ? name : undefined);
  if (id !== undefined) await requirePluginDependency(id, { caller });
  try {
    return await importPackage(name);
  } catch (error) {
    if (findPackage(name) !== null) throw error;
    throw Object.assign(
      new Error(
        `${caller ?? 'A plugin'} - Missing dependencies detected!\n\n\u274c Missing dependency: ${name}` +
          `${feature ? `\n   Needed for: ${feature}` : ''}\n   Install: pnpm add ${name}\n\n` +
          `Quick fix - Run all install commands:\n  pnpm add ${name}`
      ),
      { pluginId: id ?? name, pluginName: caller, missing: [name], incompatible: [], cause: error }
    );
  }
}

export default requirePluginDependency;
