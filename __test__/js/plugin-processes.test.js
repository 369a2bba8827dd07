// Counters and locks of plugin storage under several processes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FileSystemClient, PluginStorage, S3Client } from '../../js/index.js';
import { s3ConnectionString, temporaryDirectory, withoutS3 } from './support/clients.js';
import { runWorker } from './support/workers.js';

const run = (request) => runWorker('plugin-worker.mjs', request);

const kinds = [
  {
    name: 's3',
    skip: withoutS3,
    processes: 8,
    counts: 250,
    rounds: [63, 63, 63, 63, 62, 62, 62, 62],
    options: () => ({ connectionString: s3ConnectionString() }),
    make: (options) => new S3Client(options)
  },
  {
    name: 'file',
    skip: false,
    processes: 4,
    counts: 100,
    rounds: [25, 25, 25, 25],
    options: () => ({ basePath: temporaryDirectory(), keyPrefix: 'app', durability: 'none' }),
    make: (options) => new FileSystemClient(options)
  }
];

for (const { name, skip, processes, counts, rounds, options, make } of kinds) {
  describe(`processes on ${name}`, { skip }, () => {
    test('spec05_10_8_no_increment_is_lost_between_processes', async () => {
      const given = options();
      const request = { client: { kind: name, options: given }, task: 'count', rounds: counts };
      const results = await Promise.all(Array.from({ length: processes }, () => run(request)));
      const values = results.flatMap(({ answer }) => answer.values).sort((a, b) => a - b);
      assert.deepEqual(
        values,
        Array.from({ length: processes * counts }, (_, i) => i + 1),
        'every value was given out once'
      );
      const storage = new PluginStorage(make(given), 'shared');
      assert.deepEqual(await storage.get(storage.getPluginKey(null, 'counter')), { value: processes * counts });
    });

    test('spec05_10_7_one_holder_at_a_time_among_processes', async () => {
      const client = { kind: name, options: options() };
      const results = await Promise.all(rounds.map((each) => run({ client, task: 'lock', rounds: each })));
      const total = rounds.reduce((sum, each) => sum + each, 0);
      const fences = results.flatMap(({ answer }) => answer.fences);
      assert.equal(fences.length, total);
      assert.equal(new Set(fences).size, total);
      for (const { answer } of results)
        assert.deepEqual(
          answer.fences,
          [...answer.fences].sort((a, b) => a - b)
        );
    });

    test('spec05_10_7_the_lock_of_a_crashed_holder_is_taken_over_once', async () => {
      const given = options();
      const { answer: lost, signal } = await run({ client: { kind: name, options: given }, task: 'crash' });
      assert.equal(signal, 'SIGKILL');
      const storages = Array.from({ length: 4 }, () => new PluginStorage(make(given), 'shared'));
      const locks = await Promise.all(storages.map((storage) => storage.acquireLock('crash', { ttl: 60, timeout: 4000, retryDelay: 20 })));
      const winners = locks.filter((lock) => lock !== null);
      assert.equal(winners.length, 1);
      assert.ok(winners[0].fence > lost.fence);
      assert.ok(winners[0].acquiredAt > lost.expiresAt, 'not before it had expired');
    });
  });
}
