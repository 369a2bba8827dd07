/** Database hooks, and record hooks that apply to every resource. */
import { DatabaseError } from '../errors/index.js';
import { isHookName } from '../resource/hooks.js';
import { currentOwner } from '../util/owner-scope.js';

/** Names of database hooks. */
export const DATABASE_HOOKS = [
  'beforeConnect',
  'afterConnect',
  'beforeCreateResource',
  'afterCreateResource',
  'beforeUploadMetadata',
  'afterUploadMetadata',
  'beforeDisconnect',
  'afterDisconnect',
  'resourceCreated',
  'resourceUpdated'
];

/** Registers a hook; record hook names apply it to every resource, present and future. */
export function addHook(database, event, fn) {
  const known = database._hooks.has(event);
  if (!known && !isHookName(event)) {
    throw new DatabaseError(`Unknown hook event: ${event}`, {
      operation: 'addHook',
      invalidEvent: event,
      availableEvents: database._hookEvents,
      statusCode: 400,
      retriable: false,
      suggestion: `Use one of: ${database._hookEvents.join(', ')}, or a record hook such as beforeInsert.`
    });
  }
  if (typeof fn !== 'function') {
    throw new DatabaseError('Hook function must be a function', {
      operation: 'addHook',
      event,
      receivedType: typeof fn,
      statusCode: 400,
      retriable: false,
      suggestion: 'Pass a function as the second argument.'
    });
  }
  const owner = currentOwner();
  owner?.track('database-hook', () => removeHook(database, event, fn));
  if (known) {
    if (owner !== undefined) database._hookOwners.set(fn, owner);
    database._hooks.get(event).push(fn);
    return;
  }
  const entry = { event, fn, attached: new WeakMap() };
  database._recordHooks.push(entry);
  for (const name of Object.keys(database._resourcesMap)) attach(database, entry, database._resourcesMap[name]);
}

function attach(database, entry, resource) {
  if (entry.attached.has(resource)) return;
  const { fn, event } = entry;
  const wrapped = (data) => fn.call(resource, data, { resource, database, event });
  entry.attached.set(resource, wrapped);
  resource.addHook(entry.event, wrapped);
}

/** Applies the record hooks of the database to a resource. */
export function attachRecordHooks(database, resource) {
  for (const entry of database._recordHooks) attach(database, entry, resource);
}

function detach(database, entry) {
  for (const name of Object.keys(database._resourcesMap)) {
    const resource = database._resourcesMap[name];
    const wrapped = entry.attached.get(resource);
    if (wrapped) resource.removeHook(entry.event, wrapped);
  }
}

/** Removes the first identical hook; silent when there is none. */
export function removeHook(database, event, fn) {
  const list = database._hooks.get(event);
  if (list) {
    const index = list.indexOf(fn);
    if (index !== -1) list.splice(index, 1);
    return;
  }
  const index = database._recordHooks.findIndex((entry) => entry.event === event && entry.fn === fn);
  if (index !== -1) detach(database, database._recordHooks.splice(index, 1)[0]);
}

/** Copy of the hooks of an event. */
export function getHooks(database, event) {
  const list = database._hooks.get(event);
  if (list) return [...list];
  return database._recordHooks.filter((entry) => entry.event === event).map((entry) => entry.fn);
}

/** Removes all hooks of an event. */
export function clearHooks(database, event) {
  const list = database._hooks.get(event);
  if (list) list.length = 0;
  for (const fn of list ? [] : getHooks(database, event)) removeHook(database, event, fn);
}

/** Runs the hooks of an event in order; errors go to `hookError` or, under `strictHooks`, reject. */
export async function executeHooks(database, event, context = {}) {
  const list = database._hooks.get(event);
  if (!list) return;
  for (let i = 0; i < list.length; i += 1) {
    try {
      const handler = list[i];
      const owner = database._hookOwners.get(handler);
      // What a plugin attaches to resources from its hook is the plugin's, as if done while it was installed.
      if (owner === undefined) await handler({ database, ...context });
      else await owner.run(() => handler({ database, ...context }), context.resource ? [context.resource] : []);
    } catch (error) {
      database.emit('hookError', { event, error, context });
      if (database.strictHooks) {
        throw hookFailure(event, error, context);
      }
    }
  }
}

function hookFailure(event, error, context) {
  const failure = new DatabaseError(`Hook execution failed for event '${event}': ${error?.message ?? error}`, {
    event,
    originalError: error,
    operation: 'executeHooks',
    retriable: false,
    suggestion: 'Correct the hook, or disable strictHooks.'
  });
  // Configurations have passphrases: there for who asks, and not for who prints the error.
  const hidden = { value: context, enumerable: false, configurable: true, writable: true };
  Object.defineProperty(failure, 'context', hidden);
  Object.defineProperty(failure.data, 'context', hidden);
  return failure;
}

/** Makes the four hooked methods own properties of the instance, as callers reassign them. */
export function installHooks(database) {
  if (database._hooksInstalled) return;
  database._originalConnect = database.connect.bind(database);
  database._originalCreateResource = database.createResource.bind(database);
  database._originalUploadMetadataFile = database.uploadMetadataFile.bind(database);
  database._originalDisconnect = database.disconnect.bind(database);

  const around =
    (original, before, after) =>
    async (...args) => {
      await database._executeHooks(before, { args });
      const result = await original(...args);
      await database._executeHooks(after, { result, args });
      return result;
    };
  const connectHooked = around(database._originalConnect, 'beforeConnect', 'afterConnect');
  // A repeated or concurrent connect() joins the first and runs no hooks of its own.
  database.connect = (...args) => {
    if (database._connected && database._disconnecting === null) return Promise.resolve();
    database._connecting ??= connectHooked(...args).finally(() => {
      database._connecting = null;
    });
    return database._connecting;
  };
  database.createResource = async (config) => {
    await database._executeHooks('beforeCreateResource', { config });
    // Of concurrent calls with one name, one creates.
    const report = { created: false };
    const resource = await database._originalCreateResource(config, report);
    await database._executeHooks('afterCreateResource', { resource, config });
    await database._executeHooks(report.created ? 'resourceCreated' : 'resourceUpdated', { resource, config });
    return resource;
  };
  database.uploadMetadataFile = around(database._originalUploadMetadataFile, 'beforeUploadMetadata', 'afterUploadMetadata');
  const disconnectHooked = around(database._originalDisconnect, 'beforeDisconnect', 'afterDisconnect');
  // Joins one under way, unless a connect() that came after it waits for it.
  database.disconnect = (...args) => {
    if (database._disconnecting !== null && database._connecting === null) return database._disconnecting;
    const disconnecting = disconnectHooked(...args).finally(() => {
      if (database._disconnecting === disconnecting) database._disconnecting = null;
    });
    database._disconnecting = disconnecting;
    return disconnecting;
  };
  database._hooksInstalled = true;
}
