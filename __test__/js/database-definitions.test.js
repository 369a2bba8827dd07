// A definition and its version take effect together: no record has the one under the name of the other (spec/01 section 12, item 9).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryClient } from '../../js/index.js';
import { connectDatabase, makeDatabase, readMetadata } from './support/databases.js';

const older = { name: 'string' };
const newer = { title: 'string', name: 'string' };
const BEHAVIORS = ['user-managed', 'enforce-limits', 'truncate-data', 'body-overflow', 'body-only'];
const fields = ({ title, name }) => ({ title, name });

/** A connected database whose writes of metadata can be held back. */
async function held(options) {
  const client = new MemoryClient({ bucket: `definitions-${Math.random()}` });
  const database = await connectDatabase({ client, ...options });
  const putObject = client.putObject.bind(client);
  let open = () => {};
  let gate = Promise.resolve();
  let reached;
  client.putObject = async (request) => {
    if (request.key === 's3db.json') {
      reached?.();
      await gate;
    }
    return putObject(request);
  };
  const hold = () => {
    const waiting = new Promise((resolve) => {
      reached = resolve;
    });
    gate = new Promise((resolve) => {
      open = resolve;
    });
    return waiting;
  };
  return { client, database, hold, open: () => open() };
}

for (const behavior of BEHAVIORS) {
  test(`spec01_12_9 records written while another definition is being stored read back as they were given (${behavior})`, async () => {
    const { client, database, hold, open } = await held();
    const notes = await database.createResource({ name: 'notes', attributes: older, behavior });
    const reached = hold();
    const declared = database.createResource({ name: 'notes', attributes: newer, behavior });
    await reached;
    assert.deepEqual([notes.version, Object.keys(notes.attributes)], ['v1', ['name']]);
    await notes.insert({ id: 'during', name: 'N' });
    open();
    assert.equal(await declared, notes);
    assert.deepEqual([notes.version, Object.keys(notes.attributes)], ['v2', ['title', 'name']]);
    await notes.insert({ id: 'after', title: 'T', name: 'N' });
    delete client.putObject;
    const other = await makeDatabase({ client });
    await other.connect();
    for (const reader of [notes, other.resources.notes]) {
      assert.deepEqual(fields(await reader.get('during')), { title: undefined, name: 'N' });
      assert.deepEqual(fields(await reader.get('after')), { title: 'T', name: 'N' });
    }
  });
}

test('spec01_12_9 under deferMetadataWrites a record has the definition that its version names', async () => {
  const options = { deferMetadataWrites: true, metadataWriteDelay: 3_600_000 };
  const { client, database } = await held(options);
  const notes = await database.createResource({ name: 'notes', attributes: older });
  await notes.insert({ id: 'first', name: 'N' });
  // Not stored yet, and records have it.
  await database.createResource({ name: 'notes', attributes: newer });
  await notes.insert({ id: 'second', title: 'T', name: 'N' });
  await database.createResource({ name: 'notes', attributes: { title: 'string' } });
  await notes.insert({ id: 'third', title: 'T' });
  assert.deepEqual(Object.keys((await readMetadata(database)).resources.notes.versions), ['v1', 'v2', 'v3']);
  const other = await makeDatabase({ client });
  await other.connect();
  for (const reader of [notes, other.resources.notes]) {
    assert.deepEqual(fields(await reader.get('first')), { title: undefined, name: 'N' });
    assert.deepEqual(fields(await reader.get('second')), { title: 'T', name: 'N' });
    assert.deepEqual(fields(await reader.get('third')), { title: 'T', name: undefined });
  }
});

test('spec01_12_9 of two other definitions at one time the last one counts, and both calls resolve', async () => {
  const { database, hold, open } = await held();
  const notes = await database.createResource({ name: 'notes', attributes: older });
  const reached = hold();
  const first = database.createResource({ name: 'notes', attributes: newer });
  await reached;
  const second = database.createResource({ name: 'notes', attributes: { body: 'string' } });
  open();
  await Promise.all([first, second]);
  assert.deepEqual(Object.keys(notes.attributes), ['body']);
  const { currentVersion, versions } = (await readMetadata(database)).resources.notes;
  assert.equal(notes.version, currentVersion);
  assert.deepEqual(Object.keys(versions[currentVersion].attributes), ['body']);
});

test('spec01_12_9 another definition counts as well where uploadMetadataFile was replaced', async () => {
  const database = await connectDatabase();
  const notes = await database.createResource({ name: 'notes', attributes: older });
  database.uploadMetadataFile = async () => {};
  await database.createResource({ name: 'notes', attributes: newer });
  assert.deepEqual(Object.keys(notes.attributes), ['title', 'name']);
});

test('spec01_12_9 a deletion that cannot be stored leaves the resource, and may be tried again', async () => {
  const { client, database } = await held();
  const notes = await database.createResource({ name: 'notes', attributes: older });
  const { putObject } = client;
  client.putObject = async () => {
    throw Object.assign(new Error('denied'), { code: 'AccessDenied', statusCode: 403 });
  };
  await assert.rejects(database.deleteResource('notes'), /denied/);
  assert.equal(database.resources.notes, notes);
  client.putObject = putObject;
  await notes.insert({ id: 'a', name: 'A' });
  await database.uploadMetadataFile();
  assert.deepEqual(Object.keys((await readMetadata(database)).resources), ['notes']);
  await database.deleteResource('notes');
  assert.deepEqual([Object.keys((await readMetadata(database)).resources), database.resourceExists('notes')], [[], false]);
});
