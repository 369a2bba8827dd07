/** Hooks that a plugin adds by resource name: attached now, or as soon as a resource of that name exists. */
import { PluginError } from '../errors/index.js';

export class PluginHooks {
  #plugin;
  #records = [];
  /** Database whose new resources are watched. */
  #watched = null;

  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** Notes a hook in `plugin.hooks` and attaches it. */
  add(resourceName, event, handler) {
    if (typeof handler !== 'function') {
      throw new PluginError(`Hook '${event}' of '${resourceName}' must be a function`, {
        pluginName: this.#plugin.name,
        operation: 'addHook',
        resourceName,
        event,
        statusCode: 400,
        retriable: false,
        suggestion: 'Pass a function as the third argument of addHook().'
      });
    }
    const { hooks } = this.#plugin;
    if (!hooks.has(resourceName)) hooks.set(resourceName, new Map());
    const events = hooks.get(resourceName);
    if (!events.has(event)) events.set(event, []);
    events.get(event).push(handler);
    this.#records.push({ resourceName, event, handler, attached: new Set() });
    this.attach();
  }

  /** Takes a hook off again. */
  remove(resourceName, event, handler) {
    const handlers = this.#plugin.hooks.get(resourceName)?.get(event);
    const index = handlers?.indexOf(handler) ?? -1;
    if (index !== -1) handlers.splice(index, 1);
    const at = this.#records.findIndex(
      (record) => record.resourceName === resourceName && record.event === event && record.handler === handler
    );
    if (at === -1) return;
    const [record] = this.#records.splice(at, 1);
    for (const resource of record.attached) resource.removeHook(event, handler);
  }

  /** Takes all of them off. */
  clear() {
    for (const { resourceName, event, handler } of [...this.#records]) this.remove(resourceName, event, handler);
    this.#plugin.hooks.clear();
  }

  /** Attaches what can be attached to the resources of the plugin's database, and watches for the rest. */
  attach() {
    const { database } = this.#plugin;
    if (!database || this.#records.length === 0) return;
    for (const record of this.#records) {
      const resource = database.resources?.[record.resourceName];
      if (resource === undefined || record.attached.has(resource)) continue;
      record.attached.add(resource);
      resource.addHook(record.event, record.handler);
    }
    if (this.#watched === database || typeof database.addHook !== 'function') return;
    this.#watched = database;
    const onCreated = async () => this.attach();
    database.addHook('afterCreateResource', onCreated);
    this.#plugin._ledger.track('database-hook', () => {
      database.removeHook('afterCreateResource', onCreated);
      if (this.#watched === database) this.#watched = null;
    });
  }
}
