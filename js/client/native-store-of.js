import { EventEmitter } from 'node:events';
import { CommandClient } from './command-client.js';
import { MemoryClient } from './memory-client.js';
import { MemoryStorage } from './memory-storage.js';
import { NativeTransport } from './native-transport.js';

/** Tells whether a client is one of ours and still does what it was shipped to do. */

const methodsOf = (...prototypes) => {
  const methods = Object.create(null);
  for (const prototype of prototypes) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const { value } = Object.getOwnPropertyDescriptor(prototype, name);
      if (name !== 'constructor' && typeof value === 'function') methods[name] = value;
    }
  }
  return Object.freeze(methods);
};

// Taken when this module loads, so that a prototype patched later is noticed.
const COMMAND = methodsOf(CommandClient.prototype);
const MEMORY = methodsOf(MemoryClient.prototype);
const STORAGE = methodsOf(MemoryStorage.prototype);
const TRANSPORT = methodsOf(NativeTransport.prototype);
const { emit } = EventEmitter.prototype;

/**
 * Whether the client is an instance of one of our classes or of a subclass.
 * @param {object} client
 */
export const isShipped = (client) => client instanceof CommandClient || client instanceof MemoryClient;

/**
 * Whether a method differs from the one we ship.
 * @param {object} client one of our clients
 * @param {string} name
 */
export const isReplaced = (client, name) => client[name] !== (client instanceof MemoryClient ? MEMORY : COMMAND)[name];

// Written out, not looped: each line is one cached property read, and this runs once per operation.
const sameMethods = (c, m) =>
  c.putObject === m.putObject &&
  c.getObject === m.getObject &&
  c.headObject === m.headObject &&
  c.copyObject === m.copyObject &&
  c.deleteObject === m.deleteObject &&
  c.deleteObjects === m.deleteObjects &&
  c.listObjects === m.listObjects &&
  c.getKeysPage === m.getKeysPage &&
  c.getAllKeys === m.getAllKeys &&
  c.count === m.count &&
  c.deleteAll === m.deleteAll &&
  c.exists === m.exists &&
  c.getContinuationTokenAfterOffset === m.getContinuationTokenAfterOffset &&
  c.sendCommand === m.sendCommand &&
  c.emit === emit;

const sameStorage = (s) =>
  s.put === STORAGE.put &&
  s.get === STORAGE.get &&
  s.head === STORAGE.head &&
  s.copy === STORAGE.copy &&
  s.exists === STORAGE.exists &&
  s.delete === STORAGE.delete &&
  s.deleteMultiple === STORAGE.deleteMultiple &&
  s.list === STORAGE.list;

const COMMAND_EVENTS = new Set([
  'command.request',
  'command.response',
  'putObject',
  'getObject',
  'headObject',
  'copyObject',
  'deleteObject',
  'deleteObjects',
  'deleteAll',
  'deleteAllComplete',
  'listObjects',
  'count',
  'getAllKeys',
  'getKeysPage',
  'getContinuationTokenAfterOffset',
  'moveAllObjects'
]);

const isCommandEvent = (name) => typeof name === 'string' && (name.startsWith('cl:') || COMMAND_EVENTS.has(name));

/** Whether somebody listens to commands. Node keeps the number of events in use; without it the names are asked. */
const isWatched = (client) => client._eventsCount !== 0 && client.eventNames().some(isCommandEvent);

function commandStore(client) {
  const transport = client.client;
  if (!(transport instanceof NativeTransport) || transport.send !== TRANSPORT.send || client.pool !== null) return null;
  const { config } = client;
  if (transport.bucket !== config.bucket || transport.keyPrefix !== (config.keyPrefix ?? '')) return null;
  return sameMethods(client, COMMAND) && !isWatched(client) ? transport.store : null;
}

function memoryStore(client) {
  const { storage } = client;
  if (!(storage instanceof MemoryStorage) || storage.supervised || storage.keyPrefix !== client.keyPrefix) return null;
  return sameMethods(client, MEMORY) && sameStorage(storage) && !isWatched(client) ? storage.native : null;
}

/**
 * The native store behind a client when going straight to it makes no difference that anybody could see:
 * the client is one of ours, no method was replaced on the instance, in a subclass or on the prototype, and
 * nobody listens to its commands. Otherwise null.
 * @param {object} client
 * @returns {import('../native/binding.d.ts').NativeStore | null}
 */
export function nativeStoreOf(client) {
  if (client instanceof CommandClient) return commandStore(client);
  return client instanceof MemoryClient ? memoryStore(client) : null;
}
