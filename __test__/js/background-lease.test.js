/** Leases and elections of background work over the locks of a plugin's storage. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Background, MemoryClient, PluginStorage } from 's3db-native';
import { calls, lab, until } from './support/background.js';

const storageOf = (client) => new PluginStorage(client, 'lab');

/** Two processes, as far as their storage can tell. */
function pair() {
  const client = new MemoryClient({ bucket: 'leases' });
  return [lab({ storage: () => storageOf(client) }), lab({ storage: () => storageOf(client) }), storageOf(client)];
}

test('spec05_18 of two processes one runs a task with a lease, and the lock is given back', async () => {
  const [one, two, storage] = pair();
  let end;
  const held = () =>
    new Promise((resolve) => {
      end = resolve;
    });
  const lease = { name: 'job', ttl: 30_000 };
  const first = one.background.every(1000, held, { lease }).trigger();
  await until(() => end !== undefined);
  const second = two.background.every(1000, () => {}, { lease });
  assert.deepEqual(await second.trigger(), { status: 'skipped', reason: 'lease', attempts: 0 });
  assert.equal(await storage.isLocked('job'), true);
  end();
  assert.equal((await first).status, 'done');
  assert.equal(await storage.isLocked('job'), false);
  assert.equal((await second.trigger()).status, 'done');
  assert.deepEqual([one.failures, two.failures], [[], []]);
  await Promise.all([one.background.stop(), two.background.stop()]);
});

test('spec05_18 a lock that is taken away aborts the run and is reported', async () => {
  const [one, , storage] = pair();
  const signals = calls();
  const task = one.background.every(
    // No tick within the test: a second run would wait for its end.
    1_000_000,
    ({ signal }) => {
      signals.note(signal);
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
    { lease: { name: 'job', ttl: 3000 }, name: 'swept' }
  );
  const outcome = task.trigger();
  await signals.reached(1);
  await storage.delete('plugin=lab/locks/job');
  one.clock.step(1000);
  await until(() => signals.seen[0][0].aborted);
  assert.equal(signals.seen[0][0].reason.reason, 'lease-lost');
  assert.equal((await outcome).status, 'failed');
  assert.deepEqual(
    one.failures.map(({ task: name, kind }) => [name, kind]),
    [['swept', 'lease-lost']]
  );
  await one.background.stop();
});

test('spec05_18 a storage that fails is a failure of the run, with the error of the storage', async () => {
  const broken = new Error('storage is down');
  const { background, failures } = lab({ storage: () => Promise.reject(broken) });
  const task = background.every(1000, () => assert.fail('ran without its lock'), { lease: { name: 'job' } });
  const outcome = await task.trigger();
  assert.deepEqual([outcome.status, outcome.attempts, outcome.error], ['failed', 0, broken]);
  assert.deepEqual([failures.length, failures[0].kind, failures[0].error], [1, 'lease', broken]);
  await background.stop();
});

test('spec05_18 one process leads, and another takes over when it stops', async () => {
  const [one, two] = pair();
  const terms = calls();
  const losses = calls();
  const elect = ({ background }, who) =>
    background.leader('chief', {
      ttl: 3000,
      onElected: ({ signal }) => {
        terms.note(who, signal);
        return new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      onLost: () => losses.note(who)
    });
  const first = elect(one, 'one');
  await terms.reached(1);
  const second = elect(two, 'two');
  await until(() => second.stats().nextRunAt !== null);
  assert.deepEqual([first.isLeader, second.isLeader], [true, false]);
  await first.stop();
  await losses.reached(1);
  assert.deepEqual([first.isLeader, losses.seen, terms.seen[0][1].aborted], [false, [['one']], true]);
  await second.trigger();
  await terms.reached(2);
  assert.deepEqual([terms.seen[1][0], second.isLeader], ['two', true]);
  await Promise.all([one.background.stop(), two.background.stop()]);
  assert.deepEqual([one.failures, two.failures], [[], []]);
});

test('spec05_18 an election without a storage is refused', () => {
  const background = new Background();
  assert.throws(
    () => background.leader('chief'),
    (error) => error.field === 'lease' || error.data?.field === 'lease'
  );
});
