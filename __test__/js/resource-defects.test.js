/** Defects of 13.6 in resources and schemas that must not come back (spec/03 section 25, spec/04 section 15). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256, Validator, verifyPassword } from '../../js/index.js';
import { allKeys, connectDatabase, makeDatabase, requestsOf, settle } from './support/databases.js';
import { plainClient } from './support/object-clients.js';
import { turnsDuring } from './support/turns.js';

const PARTITIONED = { name: 'items', attributes: { kind: 'string', n: 'number' }, partitions: { byKind: { fields: { kind: 'string' } } } };

async function onPlainClient(config = PARTITIONED) {
  const client = plainClient();
  const db = makeDatabase({ client });
  await db.connect();
  return { client, db, items: await db.createResource({ asyncPartitions: false, ...config }) };
}

const refused = Object.assign(new Error('the store is busy'), { name: 'SlowDown', $metadata: { httpStatusCode: 503 } });

test('spec03_25_19_a_failed_write_leaves_the_partition_index_as_it_was', async () => {
  const { client, items } = await onPlainClient();
  await items.insert({ id: 'one', kind: 'old', n: 1 });
  const before = [...client.objects.keys()].filter((key) => key.includes('partition='));
  const { putObject } = client;
  client.putObject = async (request) => {
    if (request.key.includes('/data/')) throw refused;
    return putObject.call(client, request);
  };
  await assert.rejects(items.update('one', { kind: 'new' }));
  client.putObject = putObject;
  assert.deepEqual(
    [...client.objects.keys()].filter((key) => key.includes('partition=')),
    before
  );
  assert.deepEqual(await items.listIds({ partition: 'byKind', partitionValues: { kind: 'old' } }), ['one']);
  assert.deepEqual(await items.listIds({ partition: 'byKind', partitionValues: { kind: 'new' } }), []);
  assert.equal((await items.get('one')).kind, 'old');
});

test('spec03_25_19_the_record_is_written_before_its_references_move', async () => {
  const { client, items } = await onPlainClient();
  await items.insert({ id: 'one', kind: 'old', n: 1 });
  client.calls.length = 0;
  await items.update('one', { kind: 'new' });
  const writes = client.calls
    .filter(([name]) => name === 'putObject' || name.startsWith('deleteObject'))
    .map(([name, argument]) => {
      const key = typeof argument === 'string' ? argument : (argument.key ?? argument[0]);
      return `${name === 'putObject' ? 'put' : 'delete'} ${key.includes('partition=') ? (key.includes('kind=new') ? 'new' : 'old') : 'record'}`;
    });
  assert.deepEqual(writes, ['put record', 'put new', 'delete old']);
});

test('spec03_25_21_a_delete_whose_read_fails_deletes_nothing', async () => {
  const { client, items } = await onPlainClient();
  await items.insert({ id: 'one', kind: 'a', n: 1 });
  const { getObject } = client;
  client.getObject = async () => {
    throw refused;
  };
  await assert.rejects(items.delete('one'), (error) => error === refused);
  client.getObject = getObject;
  assert.equal(await items.exists('one'), true);
  assert.deepEqual(await items.listIds({ partition: 'byKind' }), ['one']);
});

test('spec03_25_33_hasMore_is_true_only_when_there_is_more', async () => {
  const db = await connectDatabase();
  const items = await db.createResource({ name: 'items', attributes: { n: 'number' } });
  assert.equal((await items.page({ size: 5 })).hasMore, false, 'nothing at all');
  await items.insertMany(Array.from({ length: 4 }, (_, n) => ({ n })));
  for (const skipCount of [false, true]) {
    const at = async (offset, size) => (await items.page({ offset, size, skipCount })).hasMore;
    assert.deepEqual([await at(0, 2), await at(2, 2), await at(0, 4), await at(4, 2), await at(0, 9)], [true, false, false, false, false]);
  }
});

test('spec03_25_37_validation_failures_have_one_list_of_errors', async () => {
  const db = await connectDatabase();
  const items = await db.createResource({ name: 'items', attributes: { n: 'number' }, behavior: 'enforce-limits' });
  await items.insert({ id: 'one', n: 1 });
  const listOf = async (work) => {
    try {
      await work();
    } catch (error) {
      return error.errors?.map(({ type, field }) => [type, field]);
    }
    return 'no error';
  };
  const expected = [['number', 'n']];
  assert.deepEqual(await listOf(() => items.insert({ n: 'x' })), expected);
  assert.deepEqual(await listOf(() => items.update('one', { n: 'x' })), expected);
  assert.deepEqual(await listOf(() => items.patch('one', { n: 'x' })), expected);
  assert.deepEqual(await listOf(() => items.replace('one', { n: 'x' })), expected);
  assert.deepEqual(await listOf(() => items.validate({ n: 'x' }, { throwOnError: true })), expected);
});

test('spec03_25_42_a_query_lists_once_and_a_limited_partition_list_reads_only_its_records', async () => {
  const db = await connectDatabase();
  const items = await db.createResource({ ...PARTITIONED, asyncPartitions: false });
  await items.insertMany(Array.from({ length: 400 }, (_, n) => ({ kind: 'a', n })));
  const query = await requestsOf(db, () => items.query({ n: -1 }));
  assert.deepEqual(query, { ListObjectsV2: 1, GetObject: 400 });
  const list = await requestsOf(db, () => items.listPartition({ partition: 'byKind', partitionValues: { kind: 'a' }, limit: 3 }));
  assert.equal(list.GetObject, 3);
  assert.equal(list.ListObjectsV2, 1);
});

test('spec04_15_26_databases_of_one_process_keep_their_passphrases_and_costs_apart', async () => {
  const attributes = { key: 'secret', password: 'password' };
  const made = [];
  for (const [passphrase, bcryptRounds] of [
    ['first', 4],
    ['second', 5]
  ]) {
    const db = await connectDatabase({ passphrase, bcryptRounds });
    const items = await db.createResource({ name: 'items', attributes });
    await items.insert({ id: 'one', key: 'k', password: 'correct horse' });
    made.push({ db, items, passphrase });
  }
  for (const { db, items, passphrase } of made) {
    const record = await items.get('one');
    assert.equal(record.key, 'k');
    assert.equal(await verifyPassword('correct horse', record.password), true);
    const [key] = await allKeys(db, 'resource=items/data/');
    const { Metadata } = await db.client.getObject(key);
    assert.equal(await import('../../js/index.js').then(({ decrypt }) => decrypt(Metadata['0'], passphrase)), 'k');
  }
  assert.deepEqual([new Validator({ passphrase: 'a' }).passphrase, new Validator({ passphrase: 'b' }).passphrase], ['a', 'b']);
});

test('spec03_25_43_an_update_reads_and_writes_the_record_once', async () => {
  const db = await connectDatabase({ passphrase: 'p' });
  const items = await db.createResource({ name: 'items', attributes: { key: 'secret', n: 'number' } });
  await items.insert({ id: 'one', key: 'k', n: 1 });
  let mapped = 0;
  const { mapper } = items.schema;
  items.schema.mapper = function counted(...args) {
    mapped += 1;
    return mapper.apply(this, args);
  };
  assert.deepEqual(await requestsOf(db, () => items.update('one', { n: 2 })), { GetObject: 1, PutObject: 1 });
  assert.ok(mapped <= 1, `mapped ${mapped} times`);
  assert.equal(items.getDefinitionHash(), items.getDefinitionHash());
  assert.equal((await sha256('x')).length, 64);
});

// Permanent: a busy store would be asked again for a while.
const denied = Object.assign(new Error('not for you'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } });

const failReferences = (client) => {
  const { putObject } = client;
  client.putObject = async (request) => {
    if (request.key.includes('partition=')) throw denied;
    return putObject.call(client, request);
  };
};

for (const [mode, config] of [
  ['asynchronous', { asyncPartitions: true }],
  ['awaited', { asyncPartitions: false }]
]) {
  test(`spec03_25_44_a_failed_reference_in_${mode}_mode_is_an_event_and_the_write_succeeds`, async () => {
    const { client, db, items } = await onPlainClient({ ...PARTITIONED, ...config });
    const failures = [];
    items.on('partitionIndexError', (event) => failures.push(event));
    failReferences(client);
    await items.insert({ id: 'one', kind: 'a', n: 1 });
    assert.equal((await items.get('one')).kind, 'a');
    // Queued index work, repetitions included, is over when disconnect is; the event comes one turn later.
    await db.disconnect();
    await settle();
    const [{ operation, id, error, message }] = failures;
    assert.deepEqual([operation, id, error], ['insert', 'one', denied]);
    assert.match(message, /not for you/);
  });
}

test('spec03_25_44_a_failed_reference_under_strictPartitions_rejects', async () => {
  const { client, items } = await onPlainClient({ ...PARTITIONED, strictPartitions: true });
  failReferences(client);
  await assert.rejects(items.insert({ id: 'one', kind: 'a', n: 1 }), (error) => error === denied);
});

test('spec03_25_25_an_insert_that_was_stored_resolves_although_nothing_can_be_read', async () => {
  const { client, items } = await onPlainClient({ name: 'items', attributes: { n: 'number' } });
  for (const method of ['getObject', 'headObject']) {
    client[method] = async () => {
      throw refused;
    };
  }
  assert.equal((await items.insert({ n: 1 })).n, 1);
});

test('spec03_25_40_a_record_with_a_body_is_read_by_one_request', async () => {
  const db = await connectDatabase();
  const items = await db.createResource({ name: 'items', attributes: { text: 'string' }, behavior: 'body-only' });
  await items.insert({ id: 'one', text: 'x'.repeat(5000) });
  assert.deepEqual(await requestsOf(db, () => items.get('one')), { GetObject: 1 });
  assert.deepEqual(await requestsOf(db, () => items.update('one', { text: 'y' })), { GetObject: 1, PutObject: 1 });
});

test('spec04_15_29_hashing_a_password_leaves_the_event_loop_free', async () => {
  const db = await connectDatabase({ bcryptRounds: 12 });
  const items = await db.createResource({ name: 'items', attributes: { password: 'password' } });
  await items.insert({ id: 'warm', password: 'correct horse' });
  const { turns } = await turnsDuring(() => items.insert({ id: 'one', password: 'correct horse' }));
  // Blocked, the loop would take one or two turns in the quarter of a second that the hash takes.
  assert.ok(turns > 20, `${turns} turns`);
});
