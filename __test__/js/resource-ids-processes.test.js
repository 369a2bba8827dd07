// Incremental ids among several processes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { s3ConnectionString, withoutS3 } from './support/clients.js';
import { connectDatabase, freshStore } from './support/databases.js';
import { runWorker } from './support/workers.js';

/** The ids that a process of its own gave out. */
const run = async (request) => (await runWorker('ids-worker.mjs', request)).answer;

const PROCESSES = 4;
const SINGLES = 10;
const BULK = 40;
const EACH = SINGLES + BULK;
const ascending = (a, b) => a - b;

for (const [name, skip, connection] of [
  ['file', false, () => freshStore('file')],
  ['s3', withoutS3, () => s3ConnectionString()]
]) {
  describe(`incremental ids of several processes on ${name}`, { skip }, () => {
    const given = async (idGenerator) => {
      const connectionString = connection();
      const request = { connectionString, idGenerator, singles: SINGLES, bulk: BULK };
      const lists = await Promise.all(Array.from({ length: PROCESSES }, () => run(request)));
      const database = await connectDatabase({ connectionString });
      const stored = await database.resources.orders.listIds();
      return { lists, stored, due: await database.resources.orders.getSequenceValue() };
    };

    test(`spec03_27_ids no number is given twice and none is left out (${name})`, async () => {
      const { lists, stored, due } = await given('incremental');
      const all = lists.flat().map(Number).sort(ascending);
      assert.deepEqual(
        all,
        Array.from({ length: PROCESSES * EACH }, (_, i) => i + 1)
      );
      assert.deepEqual(stored.map(Number).sort(ascending), all);
      assert.equal(due, PROCESSES * EACH + 1);
      for (const list of lists) {
        const numbers = list.map(Number);
        assert.deepEqual(numbers, [...numbers].sort(ascending), 'each process sees them grow');
      }
    });

    test(`spec03_27_ids batches of mode fast do not overlap (${name})`, async () => {
      const { lists, stored } = await given({ type: 'incremental', mode: 'fast', batchSize: 15, prefix: 'F', padding: 5 });
      const all = lists.flat();
      assert.equal(new Set(all).size, PROCESSES * EACH);
      assert.deepEqual([...stored].sort(), all.sort());
    });
  });
}
