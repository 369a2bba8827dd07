/** Listings of several pages: the next page of keys is on its way while records are read, if it is certain to be needed. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Database } from '../../js/index.js';
import { s3ConnectionString, withoutS3 } from './support/clients.js';
import { startMeter } from './support/meter.js';

const COUNT = 1500;

describe('listing ahead', { skip: withoutS3 }, () => {
  let meter;
  let database;
  let numbers;

  before(async () => {
    meter = await startMeter(s3ConnectionString());
    database = new Database({ connectionString: meter.connectionString, parallelism: 16 });
    await database.connect();
    numbers = await database.createResource({
      name: 'numbers',
      attributes: { n: 'number', odd: 'boolean' },
      partitions: { byOdd: { fields: { odd: 'boolean' } } }
    });
    const records = Array.from({ length: COUNT }, (_, n) => ({ id: `n${String(n).padStart(5, '0')}`, n, odd: n % 2 === 1 }));
    assert.equal((await numbers.insertMany(records)).length, COUNT);
  });

  after(async () => {
    await database.disconnect();
    await meter.close();
  });

  /** What `work` finds, how many listings it takes, and the reads that had arrived when the second one did. */
  async function watch(work) {
    meter.order.length = 0;
    const found = await work();
    const order = meter.order.filter((kind) => kind === 'list' || kind === 'get');
    const second = order.indexOf('list', order.indexOf('list') + 1);
    return { found: found.length, lists: order.filter((kind) => kind === 'list').length, reads: order.length, earlier: second - 1 };
  }

  const certain = {
    'a query that matches little': [() => numbers.query({ n: -1 }), 0],
    'a query that sorts': [() => numbers.query({ odd: true }, { sort: { n: -1 }, limit: 10 }), 10],
    'a list of all': [() => numbers.list(), COUNT]
  };
  for (const [name, [work, expected]] of Object.entries(certain)) {
    it(`the next page of keys is listed while records are read, when it is certain to be needed: ${name}`, async () => {
      const { found, lists, reads, earlier } = await watch(work);
      assert.deepEqual([found, lists, reads], [expected, 2, COUNT + 2]);
      assert.ok(earlier < 950, `${earlier} of the first 1,000 reads came before the second listing`);
    });
  }

  const uncertain = {
    'a query that fills its limit from a page': [() => numbers.query({ odd: true }, { limit: 500 }), 500],
    'a list within a page': [() => numbers.list({ limit: 1000 }), 1000],
    'a list of a small limit': [() => numbers.list({ limit: 7 }), 7]
  };
  for (const [name, [work, expected]] of Object.entries(uncertain)) {
    it(`a page of keys that may not be needed is not listed: ${name}`, async () => {
      const { found, lists } = await watch(work);
      assert.deepEqual([found, lists], [expected, 1]);
    });
  }
});
