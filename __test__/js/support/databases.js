/** Databases for tests: a fresh bucket per call, on the embedded stores. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { storeFor } from '../../../js/client/store-for.js';
import { Database } from '../../../js/index.js';

const open = new Set();
const directories = [];
let buckets = 0;

after(async () => {
  for (const database of open) await database.disconnect();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** Kinds of embedded stores that every operation is tested on. */
export const STORES = ['memory', 'file'];

/** Connection string of an empty store. */
export function freshStore(kind = 'memory') {
  if (kind === 'file') {
    const directory = mkdtempSync(join(tmpdir(), 's3db-test-'));
    directories.push(directory);
    return `file://${directory}`;
  }
  buckets += 1;
  return `memory://test-${process.pid}-${buckets}/prefix`;
}

/** A database that is disconnected after the file; not yet connected. */
export function makeDatabase(options = {}) {
  const database = new Database({ ...(options.client ? {} : { connectionString: freshStore() }), ...options });
  open.add(database);
  return database;
}

/** A connected database. */
export async function connectDatabase(options = {}) {
  const database = makeDatabase(options);
  await database.connect();
  return database;
}

/** A second database over the same store. */
export function reopen(database, options = {}) {
  return connectDatabase({ ...database.options, ...options });
}

/** Text of `s3db.json` as stored, parsed. */
export async function readMetadata(database) {
  return JSON.parse(await readText(database, 's3db.json'));
}

/** Body of an object as text. */
export async function readText(database, key) {
  const { Body } = await database.client.getObject(key);
  return Body.transformToString();
}

/** Metadata and body of an object. */
export async function readObject(database, key) {
  const response = await database.client.getObject(key);
  return { metadata: response.Metadata, body: await response.Body.transformToString(), contentType: response.ContentType };
}

/** All keys of the store, relative to its prefix. */
export async function allKeys(database, prefix = '') {
  return database.client.getAllKeys({ prefix });
}

/** Requests that `run` causes, by command. */
export async function requestsOf(database, run) {
  const store = storeFor(database.client);
  const before = JSON.parse(store.stats()).byCommand;
  await run();
  const counts = {};
  const now = JSON.parse(store.stats()).byCommand;
  for (const command of Object.keys(now)) {
    const count = now[command] - (before[command] ?? 0);
    if (count > 0) counts[command.replace('Command', '')] = count;
  }
  return counts;
}

/** Waits for events emitted on a later turn. */
export function settle() {
  return new Promise((resolve) => {
    // On a machine that stalls the timer may come before what was left for the next turn.
    setTimeout(() => setImmediate(resolve), 20);
  });
}
