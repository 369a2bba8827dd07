/** Unknown option keys of built-in plugins (decisions 22 and 32; spec/05 section 6.1). */
import { PluginError } from '../errors/index.js';
import { nearestName } from '../util/nearest-name.js';
import { warnOnce } from '../util/warn.js';

/** Read by the base class, so valid for every plugin. */
export const BASE_OPTIONS = [
  'slug',
  'namespace',
  'instanceId',
  'storage',
  'logger',
  'logLevel',
  'verbose',
  'enabled',
  'resources',
  'database',
  'client',
  'driver',
  'config',
  'resourceNames',
  'strictOptions'
];

/**
 * Warns once per instance about each key that the plugin does not know, or throws under `strictOptions`. Only classes
 * that list their own `static optionNames` are checked: a subclass may carry options of its own.
 */
export function checkPluginOptions(plugin, database) {
  const type = plugin.constructor;
  if (!Object.hasOwn(type, 'optionNames')) return;
  const valid = [...new Set([...type.optionNames, ...BASE_OPTIONS])];
  checkKeys(plugin, database, { given: plugin.options, valid, shown: type.optionNames });
}

/**
 * The same for one object of the options.
 * @param {object} plugin
 * @param {object | null | undefined} database
 * @param {{ given: any, valid: string[], shown?: string[], path?: string }} check `path` of the object in the options;
 *   `shown`: the names that an error lists
 */
export function checkKeys(plugin, database, { given, valid, shown = valid, path }) {
  if (given === null || typeof given !== 'object' || Array.isArray(given)) return;
  const className = plugin.constructor.pluginName ?? plugin.constructor.name;
  for (const key of Object.keys(given)) {
    if (valid.includes(key)) continue;
    const option = path === undefined ? key : `${path}.${key}`;
    const near = nearestName(key, valid);
    const message = `Unknown option '${option}' for ${className}${near ? `; did you mean '${near}'?` : ''}`;
    if (database?.options?.strictOptions === true) {
      throw new PluginError(message, {
        pluginName: plugin.name,
        operation: 'install',
        option,
        validOptions: shown,
        statusCode: 400,
        retriable: false,
        suggestion: `Valid options${path === undefined ? '' : ` in ${path}`}: ${shown.join(', ')}.`
      });
    }
    const details = { option, nearest: near };
    plugin.emit('plugin.warning', { code: 'UNKNOWN_OPTION', message, plugin: plugin.name, details });
    warnOnce(database, { code: 'UNKNOWN_OPTION', message, plugin: plugin.instanceName ?? plugin.name, details });
  }
}
