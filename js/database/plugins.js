/** Plugin registry: naming, installation in order, stop in reverse, removal. */
import { DatabaseError } from '../errors/index.js';
import { Ledger } from '../plugin/ledger.js';
import { classNameOf, registryName } from '../plugin/names.js';
import { currentOwner } from '../util/owner-scope.js';
import { tell } from './logging.js';

function isClass(fn) {
  return /^class[\s{]/.test(Function.prototype.toString.call(fn));
}

/** An instance of what the caller passed: instances as they are, classes and factories called. */
function instantiate(database, given) {
  if (typeof given !== 'function') return given;
  // Arrow functions have no prototype and cannot be constructed.
  const made = isClass(given) || given.prototype !== undefined ? new given(database) : given(database);
  const isPromise = typeof made?.then === 'function';
  if (made !== null && typeof made === 'object' && !isPromise) return made;
  const what = isPromise ? 'a promise' : made === null ? 'null' : typeof made;
  throw new TypeError(`A function in place of a plugin must return a plugin, it returned ${what}`);
}

/** Registry name: the alias verbatim, else the class name without `Plugin`, lower-cased. */
export function pluginName(plugin, custom = null) {
  return custom || registryName(plugin);
}

/** A free registry key: the derived name, or the name with the next number. Keys of plugins that are being installed are taken. */
function freeName(database, name, plugin) {
  const taken = (key) =>
    (Object.hasOwn(database.pluginRegistry, key) && database.pluginRegistry[key] !== plugin) ||
    database._plugins.some((entry) => entry.key === key && entry.plugin !== plugin);
  if (!taken(name)) return name;
  let number = 2;
  while (taken(`${name}${number}`)) number += 1;
  return `${name}${number}`;
}

function requirePlugin(plugin) {
  if (plugin === null || (typeof plugin !== 'object' && typeof plugin !== 'function')) {
    throw new TypeError(`A plugin must be an object or a class, received ${plugin === null ? 'null' : typeof plugin}`);
  }
}

function entryOf(database, plugin) {
  return database._plugins.find((entry) => entry.given === plugin || entry.plugin === plugin);
}

/** Takes over plugins that the constructor list has and the registry does not. */
function syncList(database) {
  const listed = [];
  for (const given of database.pluginList) {
    requirePlugin(given);
    // One instance is one plugin, however often it is listed; a class makes one each time.
    let entry = entryOf(database, given) ?? listed.find((each) => each.given === given && typeof given !== 'function');
    if (entry === undefined) entry = { given, plugin: null, alias: null, key: null, state: 'new', listed: true };
    if (!listed.includes(entry)) listed.push(entry);
  }
  database._plugins = [...listed, ...database._plugins.filter((entry) => !listed.includes(entry) && !entry.listed)];
}

function setName(plugin, name) {
  if (typeof plugin.setInstanceName === 'function') plugin.setInstanceName(name);
  else plugin.instanceName = name;
}

function payload(entry) {
  return { name: entry.key, pluginName: classNameOf(entry.plugin), plugin: entry.plugin };
}

/** The ledger of what a plugin registers: its own, or one kept for it when it is not a `Plugin`. */
function ledgerOf(entry) {
  if (entry.plugin._ledger instanceof Ledger) return entry.plugin._ledger;
  entry.ledger ??= new Ledger();
  return entry.ledger;
}

/** Runs a step of a plugin that does not note by itself what it registers. */
async function asOwner(database, entry, run) {
  if (entry.plugin._ledger instanceof Ledger) await run();
  else await ledgerOf(entry).run(run, Object.values(database._resourcesMap));
}

async function install(database, entry) {
  entry.plugin ??= instantiate(database, entry.given);
  const { plugin } = entry;
  const name = pluginName(plugin, entry.alias);
  setName(plugin, name);
  entry.key ??= freeName(database, name, plugin);
  try {
    await asOwner(database, entry, async () => {
      if (typeof plugin.install === 'function') await plugin.install(database);
      else if (typeof plugin.setup === 'function') await plugin.setup(database);
    });
  } catch (error) {
    throw lifecycleError('install', name, error);
  }
  entry.state = 'installed';
  database.pluginRegistry[entry.key] = plugin;
  database.emit('db:plugin:installed', payload(entry));
}

async function start(database, entry) {
  try {
    await asOwner(database, entry, async () => {
      if (typeof entry.plugin.start === 'function') await entry.plugin.start();
    });
  } catch (error) {
    throw lifecycleError('start', entry.key, error);
  }
  entry.state = 'started';
  database.emit('db:plugin:started', payload(entry));
}

function lifecycleError(step, name, error) {
  return new DatabaseError(`Failed to ${step} plugin '${name}': ${error?.message ?? error}`, {
    operation: 'startPlugins',
    pluginName: name,
    original: error,
    retriable: false,
    suggestion: 'Correct the plugin or its options; the database stopped every plugin that had started.'
  });
}

async function stop(database, entry) {
  if (entry.plugin === null || entry.state === 'new' || entry.state === 'stopped') return;
  const info = payload(entry);
  entry.state = 'stopped';
  try {
    if (typeof entry.plugin.stop === 'function') await entry.plugin.stop();
  } catch (error) {
    tell(database, 'plugin.error', { ...info, operation: 'stop', error });
    return;
  }
  tell(database, 'db:plugin:stopped', info);
}

function release(database, entry) {
  if (entry.plugin !== null) ledgerOf(entry).undo();
  if (entry.plugin !== null && typeof entry.plugin.removeAllListeners === 'function') entry.plugin.removeAllListeners();
  if (entry.key !== null && database.pluginRegistry[entry.key] === entry.plugin) delete database.pluginRegistry[entry.key];
  entry.key = null;
  entry.state = 'new';
}

/** Installs, then starts, every plugin that is not running, in order. */
export async function startPlugins(database) {
  syncList(database);
  const pending = database._plugins.filter((entry) => entry.state === 'new' && !entry.starting);
  try {
    for (const entry of pending) await install(database, entry);
    for (const entry of pending) await start(database, entry);
  } catch (error) {
    for (const entry of [...pending].reverse()) {
      await stop(database, entry);
      release(database, entry);
    }
    throw error;
  }
}

/** Stops every plugin in reverse order of installation; they are installed again by the next connect. */
export async function stopPlugins(database) {
  // Those that are being started are stopped as well; a plugin that disconnects while it is would wait for itself.
  if (currentOwner() === undefined) await Promise.allSettled(database._plugins.map(({ starting }) => starting));
  const running = database._plugins.filter((entry) => entry.state === 'installed' || entry.state === 'started');
  for (const entry of running.reverse()) {
    await stop(database, entry);
    release(database, entry);
  }
}

/** Registers a plugin; installs and starts it now when the database is connected, else at connect. */
export async function usePlugin(database, given, alias = null) {
  requirePlugin(given);
  // A class names no instance: each call makes one.
  const known = typeof given === 'function' ? undefined : entryOf(database, given);
  if (known?.starting) await known.starting;
  if (known !== undefined && known.state !== 'new') return known.plugin;
  const plugin = known?.plugin ?? instantiate(database, given);
  if (alias && Object.hasOwn(database.pluginRegistry, alias) && database.pluginRegistry[alias] !== plugin) {
    throw new DatabaseError(`Plugin '${alias}' is already registered`, {
      operation: 'usePlugin',
      pluginName: alias,
      availablePlugins: Object.keys(database.pluginRegistry),
      statusCode: 400,
      retriable: false,
      suggestion: 'Uninstall the registered plugin first, or use another alias.'
    });
  }
  const entry = known ?? { given, plugin, alias, key: null, state: 'new', listed: false };
  entry.plugin = plugin;
  if (alias) entry.alias = alias;
  if (known === undefined) database._plugins.push(entry);
  const name = pluginName(plugin, entry.alias);
  setName(plugin, name);
  entry.key = freeName(database, name, plugin);
  database.pluginRegistry[entry.key] = plugin;
  // A connect under way may install it; one that ends takes it along. A plugin that uses another cannot wait for that.
  if (database._turn !== null && currentOwner() === undefined) await database._turn;
  if (!database.isConnected() || entry.state !== 'new') return plugin;
  entry.starting ??= run(database, entry).finally(() => {
    entry.starting = undefined;
  });
  await entry.starting;
  return plugin;
}

/** Installs and starts a plugin, or takes it out again. */
async function run(database, entry) {
  try {
    await install(database, entry);
    await start(database, entry);
  } catch (error) {
    await stop(database, entry);
    release(database, entry);
    database._plugins = database._plugins.filter((other) => other !== entry);
    throw error;
  }
}

function findEntry(database, target) {
  if (typeof target !== 'string') {
    return database._plugins.find((entry) => entry.plugin === target || entry.given === target || entry.plugin?.constructor === target);
  }
  const normal = target.toLowerCase().replace('plugin', '');
  const named = database._plugins.filter((entry) => entry.key !== null);
  return (
    named.find((entry) => entry.key === target) ??
    named.find((entry) => entry.key === normal) ??
    named.find((entry) => entry.key.toLowerCase().replace('plugin', '') === normal)
  );
}

/** Stops and uninstalls a plugin, named by alias in any case, class name, class or instance. */
export async function uninstallPlugin(database, target, options = {}) {
  const entry = findEntry(database, target);
  if (entry === undefined || entry.plugin === null) {
    const name = typeof target === 'string' ? target : (target?.constructor?.name ?? String(target));
    const availablePlugins = Object.keys(database.pluginRegistry);
    throw new DatabaseError(`Plugin '${name}' not found`, {
      operation: 'uninstallPlugin',
      pluginName: name,
      availablePlugins,
      statusCode: 404,
      retriable: false,
      suggestion: `Installed plugins: ${availablePlugins.join(', ') || '(none)'}.`
    });
  }
  const { plugin } = entry;
  // Running or not, a plugin that was installed is stopped before it goes.
  if (entry.state !== 'stopped' && entry.state !== 'new') await stop(database, entry);
  if (typeof plugin.uninstall === 'function') await plugin.uninstall(options);
  ledgerOf(entry).undo();
  forgetPlugin(database, plugin);
}

/** Takes a plugin out of the registry and the list; does nothing when it is not there. */
export function forgetPlugin(database, plugin) {
  const entry = entryOf(database, plugin);
  if (entry === undefined) return;
  const { key } = entry;
  if (key !== null && database.pluginRegistry[key] === plugin) delete database.pluginRegistry[key];
  database._plugins = database._plugins.filter((other) => other !== entry);
  const index = database.pluginList.findIndex((listed) => listed === plugin || listed === entry.given);
  if (index !== -1) database.pluginList.splice(index, 1);
  database.emit('db:plugin:uninstalled', { name: key, plugin });
}
