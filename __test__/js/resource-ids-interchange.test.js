// Incremental ids shared with s3db.js 19.5.10 in one bucket, on an independent S3 server.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRival } from '../interchange/client.mjs';
import { connectDatabase } from './support/databases.js';

const RUN = `${process.pid}-${Date.now().toString(36)}`;
const { S3DB_TEST_RIVAL: folder, S3DB_TEST_S3S_FS: server, S3DB_TEST_S3: strict } = process.env;
const skip =
  folder && server && strict ? false : (process.env.S3DB_TEST_RIVAL_MISSING ?? 'needs s3db.js and s3s-fs, which npm test brings');

const attributes = { n: 'number|optional' };
const idsOf = (records) => records.map(({ id }) => id);
const counted = (from, count) => Array.from({ length: count }, (_, i) => from + i);

describe('incremental ids shared with s3db.js 19.5.10', { skip }, () => {
  let rival;
  const theirs = (resource, method, ...args) => rival.call('method', { resource, method, args });
  // Conditional writes of s3s-fs are not atomic: races are judged by the strict server.
  const connectionString = (name) => `${name === 'both' ? strict : server}/${name}-${RUN}`;

  before(() => {
    rival = startRival(folder);
    // It retries a 404 for seven seconds unless told otherwise.
    rival.open = (name) => rival.call('open', { connectionString: connectionString(name), options: { executorPool: { retries: 0 } } });
  });

  after(() => rival.stop());

  test('either side continues the sequence of the other, in the same form', async () => {
    await rival.open('ids');
    const config = { name: 'orders', attributes, idGenerator: { type: 'incremental', start: 100, increment: 5, prefix: 'O-', padding: 6 } };
    await rival.call('create', { config });
    assert.equal((await theirs('orders', 'insert', { n: 1 })).id, 'O-000100');

    const database = await connectDatabase({ connectionString: connectionString('ids') });
    assert.equal(database.resources.orders.idGeneratorType, 'incremental', 'their metadata says so');
    const orders = await database.createResource(config);
    assert.equal((await orders.insert({ n: 2 })).id, 'O-000105');
    assert.equal((await theirs('orders', 'insert', { n: 3 })).id, 'O-000110');
    assert.deepEqual(idsOf(await orders.insertMany([{ n: 4 }, { n: 5 }])), ['O-000115', 'O-000120']);
    assert.equal(await theirs('orders', 'getSequenceValue'), 125);
    await theirs('orders', 'resetSequence', 'id', 500);
    assert.equal(await orders.getSequenceValue(), 500);
    assert.equal((await orders.insert({ n: 6 })).id, 'O-000500');
    await orders.resetSequence('id', 900);
    assert.equal((await theirs('orders', 'insert', { n: 7 })).id, 'O-000900');
    assert.deepEqual(
      (await orders.listSequences()).map(({ name, value }) => [name, value]),
      [['id', 905]]
    );
    assert.equal((await theirs('orders', 'get', 'O-000120')).n, 5);
    assert.equal((await orders.get('O-000110')).n, 3);
    await rival.call('close');
  });

  test('both sides at once give no number twice', async () => {
    await rival.open('both');
    const config = { name: 'orders', attributes, idGenerator: 'incremental' };
    await rival.call('create', { config });
    const database = await connectDatabase({ connectionString: connectionString('both') });
    const orders = await database.createResource(config);
    const singly = async (insert, count) => {
      const ids = [];
      for (const n of counted(0, count)) ids.push((await insert({ n })).id);
      return ids;
    };
    const [mine, other] = await Promise.all([
      singly((record) => orders.insert(record), 25),
      singly((record) => theirs('orders', 'insert', record), 25)
    ]);
    const all = [...mine, ...other].map(Number).sort((a, b) => a - b);
    assert.deepEqual(all, counted(1, 50));
    assert.equal(await orders.count(), 50);
    await rival.call('close');
  });
});
