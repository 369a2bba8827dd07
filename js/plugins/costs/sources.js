/**
 * Where the requests of a client are counted. Our own clients count them where they are made, so that bulk operations of
 * the engine are counted and stay fast; only foreign transports are followed by their events.
 */
import { CommandClient } from '../../client/command-client.js';
import { MemoryClient } from '../../client/memory-client.js';
import { NativeTransport } from '../../client/native-transport.js';
import { storeFor } from '../../client/store-for.js';

const FAILURES = {
  'cl:PutObject': 'PutObjectCommand',
  'cl:GetObject': 'GetObjectCommand',
  'cl:HeadObject': 'HeadObjectCommand',
  'cl:CopyObject': 'CopyObjectCommand',
  'cl:DeleteObject': 'DeleteObjectCommand'
};

/** Stores whose meters see every request of the client, or null when only its events tell. */
function meteredStores(client) {
  if (client instanceof MemoryClient) return [client.storage.native];
  if (client instanceof CommandClient) return client.client instanceof NativeTransport ? client.client.stores : null;
  return typeof client.on === 'function' ? null : [storeFor(client)];
}

const keyOfRow = ({ resource, plugin }) => `${resource}\n${plugin}`;

/** Follows a client: `read()` reports what came since the last call, `stop()` ends it. */
export class RequestSource {
  #client;
  #sink;
  /** Store -> what was last read from it. */
  #seen = new Map();
  #listeners = [];

  /**
   * @param {object} client
   * @param {{ requests(delta: object): void, command(name: string, response: object, input: object): void,
   *   failed(name: string, input: object): void, bytes(delta: { net: number, copied: number }): void }} sink
   */
  constructor(client, sink) {
    this.#client = client;
    this.#sink = sink;
    const stores = meteredStores(client);
    if (stores === null) this.#listen();
    else for (const store of stores) this.#seen.set(store, this.#snapshot(store));
  }

  #listen() {
    const on = (event, listener) => {
      this.#client.on(event, listener);
      this.#listeners.push([event, listener]);
    };
    on('cl:response', (name, response, input) => this.#sink.command(name, response, input));
    for (const [event, name] of Object.entries(FAILURES)) {
      on(event, (outcome, { key, to } = {}) => {
        if (outcome instanceof Error) this.#sink.failed(name, { Key: key ?? to });
      });
    }
  }

  /** Text and content of a store's usage; null when the store is closed. */
  #snapshot(store) {
    try {
      const text = store.usage();
      const { rows, netBytes, copiedBytes } = JSON.parse(text);
      return { text, rows: new Map(rows.map((row) => [keyOfRow(row), row])), netBytes, copiedBytes };
    } catch {
      return null;
    }
  }

  read() {
    if (this.#listeners.length > 0) return;
    const stores = meteredStores(this.#client) ?? [];
    for (const store of stores) {
      const before = this.#seen.get(store);
      const now = this.#snapshot(store);
      if (now === null || now.text === before?.text) continue;
      this.#seen.set(store, now);
      for (const [key, row] of now.rows) this.#report(row, before?.rows.get(key));
      this.#sink.bytes({ net: now.netBytes - (before?.netBytes ?? 0), copied: now.copiedBytes - (before?.copiedBytes ?? 0) });
    }
  }

  #report(row, before) {
    const sent = row.bytesOut - (before?.bytesOut ?? 0);
    const received = row.bytesIn - (before?.bytesIn ?? 0);
    for (const [command, total] of Object.entries(row.byCommand)) {
      const count = total - (before?.byCommand[command] ?? 0);
      if (count <= 0) continue;
      this.#sink.requests({
        command,
        count,
        errors: (row.errors[command] ?? 0) - (before?.errors[command] ?? 0),
        bytesIn: command === 'PutObjectCommand' ? sent : 0,
        bytesOut: command === 'GetObjectCommand' ? received : 0,
        resource: row.resource,
        plugin: row.plugin
      });
    }
  }

  /** Takes the listeners off. */
  stop() {
    for (const [event, listener] of this.#listeners) this.#client.removeListener?.(event, listener);
    this.#listeners = [];
  }
}
