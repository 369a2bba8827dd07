/** Elections of background work: whose clock counts, fences, and who leads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryClient, PluginStorage } from 's3db-native';
import { ElectionLock } from '../../js/plugin/election-lock.js';
import { calls, lab, until } from './support/background.js';

const HOUR = 3_600_000;
const TTL = 3;
const START = Date.UTC(2026, 2, 1);

/** Processes on one storage: `pass(ms)` is time that passes for all; each clock is wrong by its skew. */
function processes(skews) {
  const client = new MemoryClient({ bucket: 'elections' });
  let elapsed = 0;
  const members = skews.map((skew, index) => {
    const storage = new PluginStorage(client, 'lab', { now: () => START + elapsed + skew });
    const leaders = [];
    const due = [];
    const lock = new ElectionLock({
      name: 'chief',
      holder: `p${index}`,
      monotonic: () => elapsed,
      onLeader: (leader) => leaders.push(leader?.workerId ?? null),
      onDue: (ms) => due.push(ms)
    });
    return { storage, leaders, due, lock, acquire: () => lock.acquire(storage, TTL), renew: (held) => lock.renew(storage, held, TTL) };
  });
  return {
    members,
    pass(ms) {
      elapsed += ms;
    }
  };
}

test('spec05_18 a lock that is renewed is never taken over, whatever clocks say', async () => {
  const { members, pass } = processes([0, HOUR, -HOUR]);
  const [right, ahead, behind] = members;
  let held = await right.acquire();
  for (let renewal = 0; renewal < 6; renewal += 1) {
    // For the one ahead it expired an hour ago.
    assert.equal(await ahead.acquire(), null);
    assert.equal(await behind.acquire(), null);
    pass(2000);
    held = await right.renew(held);
    assert.ok(held);
  }
  assert.deepEqual([ahead.leaders, behind.leaders], [['p0'], ['p0']]);
});

test('spec05_18 a lock that stood unchanged for its time to live is taken over, whatever clocks say', async () => {
  for (const skews of [
    [0, HOUR],
    [0, -HOUR],
    [HOUR, 0],
    [-HOUR, 0]
  ]) {
    const { members, pass } = processes(skews);
    const [dead, heir] = members;
    const first = await dead.acquire();
    assert.equal(await heir.acquire(), null);
    assert.ok(heir.due[0] >= TTL * 1000 && heir.due[0] < TTL * 1100, `due in ${heir.due[0]} ms`);
    pass(TTL * 1000 - 1);
    assert.equal(await heir.acquire(), null, 'too early');
    pass(heir.due.at(-1));
    const second = await heir.acquire();
    assert.ok(second, `${skews}`);
    assert.ok(second.fence > first.fence, 'fences grow');
    assert.equal(await dead.renew(first), null, 'the one before finds out');
    assert.deepEqual(heir.leaders, ['p0', 'p1']);
    // The stored times are of the day again.
    const stored = await heir.storage._lockInfo('chief');
    assert.equal(stored.acquiredAt, heir.storage._clock());
    assert.ok(stored.expiresAt >= heir.storage._clock() + TTL * 1000);
  }
});

test('spec05_18 a lock is left to its holder for the time to live that the holder chose', async () => {
  const { members, pass } = processes([0, 0]);
  const [patient, hasty] = members;
  await patient.lock.acquire(patient.storage, 30);
  assert.equal(await hasty.lock.acquire(hasty.storage, 1), null);
  pass(29_000);
  assert.equal(await hasty.lock.acquire(hasty.storage, 1), null);
  pass(2000);
  assert.ok(await hasty.lock.acquire(hasty.storage, 1));
});

test('spec05_18 of many that find a free or an abandoned lock one gets it', async () => {
  const { members, pass } = processes([0, HOUR, -HOUR, 5000, -5000]);
  const winners = async () => (await Promise.all(members.map(({ acquire }) => acquire()))).filter((lock) => lock !== null);
  assert.equal((await winners()).length, 1);
  assert.equal((await winners()).length, 0);
  pass(TTL * 2000);
  assert.equal((await winners()).length, 1);
});

test('spec05_18 a released lock is free at once, and a purged one does not lower the fence', async () => {
  const { members, pass } = processes([0, HOUR]);
  const [one, two] = members;
  const first = await one.acquire();
  await one.storage.releaseLock(first);
  const second = await two.acquire();
  assert.ok(second.fence > first.fence);
  await two.storage.deleteAll();
  pass(2 * HOUR);
  const third = await one.acquire();
  assert.ok(third.fence > second.fence);
});

test('spec05_18 a fence goes to the work of a term and of a lease', async () => {
  const client = new MemoryClient({ bucket: 'fences' });
  const storage = new PluginStorage(client, 'lab');
  const { background } = lab({ storage: () => storage });
  const terms = calls();
  const leaders = calls();
  const leader = background.leader('chief', {
    workerId: 'me',
    onElected: (run) => terms.note(run.fence),
    onLeader: (who) => leaders.note(who)
  });
  await terms.reached(1);
  const [[fence]] = terms.seen;
  const stored = await storage._lockInfo('chief');
  assert.deepEqual([leader.fence, stored.fence, stored.workerId], [fence, fence, { id: 'me', ttl: 30_000 }]);
  assert.deepEqual([leader.leader, leaders.seen], [{ workerId: 'me', fence }, [[{ workerId: 'me', fence }]]]);
  const seen = [];
  const task = background.every(1_000_000, async (run) => seen.push(run.fence, (await storage._lockInfo('job')).fence), {
    lease: { name: 'job' }
  });
  await task.trigger();
  await task.trigger();
  assert.ok(seen[0] === seen[1] && seen[2] === seen[3] && seen[0] < seen[2], `${seen}`);
  const free = background.every(1_000_000, (run) => seen.push('fence' in run));
  await free.trigger();
  assert.equal(seen.at(-1), false);
  await leader.stop();
  assert.deepEqual([leader.fence, leader.leader, leaders.seen.at(-1)], [null, null, [null]]);
  await background.stop();
});

test('spec05_18 a leader whose machine slept is none until it has renewed', async () => {
  const storage = new PluginStorage(new MemoryClient({ bucket: 'sleep' }), 'lab');
  const { background, clock } = lab({ storage: () => storage });
  const terms = calls();
  const leader = background.leader('chief', { ttl: 3000, onElected: () => terms.note() });
  await terms.reached(1);
  assert.equal(leader.isLeader, true);
  // The wall clock goes on during sleep, the one of the engine does not.
  clock.setWall(clock.now() + HOUR);
  assert.deepEqual([leader.isLeader, leader.fence], [false, null]);
  clock.step(1000);
  await until(() => leader.isLeader);
  await background.stop();
});

test('spec05_18 two elections of a process may not share a lock', async () => {
  const storage = new PluginStorage(new MemoryClient({ bucket: 'shared' }), 'lab');
  const { background } = lab({ storage: () => storage });
  background.leader('chief');
  assert.throws(() => background.leader('other', { lock: 'chief' }), { code: 'BACKGROUND_NAME_TAKEN' });
  assert.throws(() => background.leader('other', { workerId: '' }), { name: 'ValidationError' });
  assert.throws(() => background.leader('third', { ttl: 10 }), { name: 'ValidationError' });
  background.leader('third', { ttl: 1000 });
  await background.stop();
});
