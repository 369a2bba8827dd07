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
  const className = type.pluginName ?? type.name;
  for (const key of Object.keys(plugin.options)) {
    if (valid.includes(key)) continue;
    const near = nearestName(key, valid);
    const message = `Unknown option '${key}' for ${className}${near ? `; did you mean '${near}'?` : ''}`;
    if (database?.options?.strictOptions === true) {
      throw new PluginError(message, {
        pluginName: plugin.name,
        operation: 'install',
        option: key,
        validOptions: type.optionNames,
        statusCode: 400,
        retriable: false,
        suggestion: `Valid options: ${type.optionNames.join(', ')}.`
      });
    }
    const details = { option: key, nearest: near };
    plugin.emit('plugin.warning', { code: 'UNKNOWN_OPTION', message, plugin: plugin.name, details });
    warnOnce(database, { code: 'UNKNOWN_OPTION', message, plugin: plugin.instanceName ?? plugin.name, details });
  }
}
