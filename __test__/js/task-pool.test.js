// The pool of an S3 client: concurrency that is found by itself, and which tasks the figures know.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Database, UnknownError, ValidationError } from '../../js/index.js';

const S3 = 's3://key:secret@bucket/prefix';

function poolOf(executorPool, options) {
  const { client } = new Database({ connectionString: S3, executorPool: { timeout: 0, ...executorPool }, ...options });
  const tuned = [];
  client.on('pool:tuned', (change) => tuned.push(change));
  return { client, pool: client.pool, tuned };
}

/** Runs tasks that end on the next turn; those from `failing` on fail as a store that throttles. */
const runTasks = (pool, count, failing = Number.POSITIVE_INFINITY) =>
  Promise.allSettled(
    Array.from({ length: count }, (_, index) =>
      pool.run('task', async () => {
        await new Promise((resolve) => setImmediate(resolve));
        if (index >= failing) throw new UnknownError('slow down', { code: 'SlowDown', retriable: true });
      })
    )
  );

test('spec05_18 autotune widens a pool whose tasks wait, to its bound', async () => {
  const { pool, tuned } = poolOf({ concurrency: 10, autotune: { maxConcurrency: 12 } });
  await runTasks(pool, 100);
  assert.deepEqual(tuned, [
    { from: 10, to: 11 },
    { from: 11, to: 12 }
  ]);
  assert.equal(pool.stats().concurrency, 12);
});

test('spec05_18 autotune leaves a pool alone where nothing waits, and one without it as it is', async () => {
  const idle = poolOf({ concurrency: 50, autotune: true });
  for (let round = 0; round < 6; round += 1) await runTasks(idle.pool, 10);
  assert.deepEqual([idle.tuned, idle.pool.concurrency], [[], 50]);
  for (const autotune of [undefined, false, { enabled: false, maxConcurrency: 99 }]) {
    const { pool, tuned } = poolOf({ concurrency: 2, autotune });
    await runTasks(pool, 60);
    assert.deepEqual([tuned, pool.concurrency], [[], 2]);
  }
});

test('spec05_18 autotune narrows a pool when the store throttles, to its bound', async () => {
  const { pool, tuned } = poolOf({ concurrency: 12, retries: 0, autotune: { minConcurrency: 5 } });
  await runTasks(pool, 60, 0);
  assert.deepEqual(tuned, [
    { from: 12, to: 8 },
    { from: 8, to: 5 }
  ]);
});

test('spec05_18 autotune narrows a pool whose tasks take longer than the target', async (t) => {
  t.mock.timers.enable({ apis: ['Date'] });
  const { pool, tuned } = poolOf({ concurrency: 10, autotune: { targetLatency: 50 } });
  const slow = () => pool.run('task', async () => t.mock.timers.tick(80));
  for (let task = 0; task < 20; task += 1) await slow();
  assert.deepEqual(tuned, [
    { from: 10, to: 9 },
    { from: 9, to: 8 }
  ]);
});

for (const [field, autotune] of [
  ['minConcurrency', { minConcurrency: 0 }],
  ['maxConcurrency', { minConcurrency: 5, maxConcurrency: 4 }],
  ['targetLatency', { targetLatency: 'fast' }]
]) {
  test(`spec05_18 autotune refuses ${JSON.stringify(autotune)}`, () => {
    assert.throws(
      () => poolOf({ autotune }),
      (error) => error instanceof ValidationError && error.field === `executorPool.autotune.${field}`
    );
  });
}

test('spec01_14 monitoring, of the pool or as taskExecutorMonitoring, says which tasks the figures know', async () => {
  const countOf = async (executorPool, options) => {
    const { client, pool } = poolOf(executorPool, options);
    await runTasks(pool, 20);
    assert.equal(pool.stats().processedCount, 20);
    return client.getAggregateMetrics().count;
  };
  assert.equal(await countOf({}), 20);
  assert.equal(await countOf({ monitoring: true }), 20);
  assert.equal(await countOf({ monitoring: false }), 0);
  assert.equal(await countOf({ monitoring: { enabled: false } }), 0);
  assert.equal(await countOf({ monitoring: { collectMetrics: false } }), 0);
  assert.equal(await countOf({ monitoring: { sampleRate: 0.25 } }), 5);
  assert.equal(await countOf({}, { taskExecutorMonitoring: { sampleRate: 0.5 } }), 10);
  assert.equal(await countOf({ monitoring: true }, { taskExecutorMonitoring: false }), 20);
  assert.throws(() => poolOf({ monitoring: { sampleRate: 2 } }), { name: 'ValidationError', field: 'executorPool.monitoring.sampleRate' });
  assert.throws(() => poolOf({ monitoring: 'all' }), { name: 'ValidationError', field: 'executorPool.monitoring' });
});
