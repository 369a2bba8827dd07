// Plugin storage shared with s3db.js 19.5.10 on an independent S3 server: data, time to live, locks, counters.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PluginStorage, S3Client } from 's3db-native';
import { startRival } from '../interchange/client.mjs';

const { S3DB_TEST_RIVAL: folder, S3DB_TEST_S3S_FS: server } = process.env;
const skip = folder && server ? false : (process.env.S3DB_TEST_RIVAL_MISSING ?? 'needs s3db.js and s3s-fs, which npm test brings');

/** What both sides store and read alike. */
const ENTRIES = {
  small: { name: 'Ada', age: 36, active: true, score: -1.5 },
  unicode: { text: 'Grüße 東京 🚀', quote: '"x"' },
  nested: { list: [1, 'two', { three: 3 }], object: { deep: { er: [true, null] } } },
  large: { name: 'big', blob: 'x'.repeat(5000), list: Array.from({ length: 50 }, (_, i) => i) }
};
const BEHAVIORS = ['body-overflow', 'body-only'];

describe('plugin storage shared with s3db.js 19.5.10', { skip }, () => {
  let rival;
  let ours;
  const theirs = (method, ...args) => rival.call('storage', { slug: 'shared', method, args });
  const key = (...parts) => ours.getPluginKey(null, ...parts);

  before(async () => {
    rival = startRival(folder);
    const connectionString = `${server}/plugin-storage-${process.pid}`;
    await rival.call('open', { connectionString, options: { executorPool: { retries: 0 } } });
    ours = new PluginStorage(new S3Client({ connectionString }), 'shared');
  });

  after(async () => {
    await rival.call('close');
    await rival.stop();
  });

  test('spec05_10_3_entries_of_s3db_js_are_read_here', async () => {
    for (const behavior of BEHAVIORS) {
      for (const [name, data] of Object.entries(ENTRIES)) {
        await theirs('set', key('theirs', behavior, name), data, { behavior });
        assert.deepEqual(await ours.get(key('theirs', behavior, name)), data, `${behavior} ${name}`);
      }
    }
    assert.deepEqual(await ours.list('theirs/'), await theirs('list', 'theirs/'));
  });

  test('spec05_10_2_entries_written_here_are_read_by_s3db_js', async () => {
    for (const behavior of BEHAVIORS) {
      for (const [name, data] of Object.entries({ ...ENTRIES, exact: { camelCase: 1, zeros: '007', when: '2024-01-01' } })) {
        await ours.set(key('ours', behavior, name), data, { behavior });
        assert.deepEqual(await theirs('get', key('ours', behavior, name)), data, `${behavior} ${name}`);
      }
    }
    assert.deepEqual(await theirs('list', 'ours/'), await ours.list('ours/'));
  });

  test('spec05_10_6_both_sides_agree_on_the_time_to_live', async () => {
    for (const behavior of BEHAVIORS) {
      const at = key('ttl', behavior);
      await theirs('set', at, { a: 1 }, { ttl: 100, behavior });
      const left = await ours.getTTL(at);
      assert.ok(left > 90 && left <= 100, `${behavior}: ${left}`);
      assert.equal(await ours.touch(at, 100), true, behavior);
      assert.deepEqual(await theirs('get', at), { a: 1 });
      const later = await theirs('getTTL', at);
      assert.ok(later > 190 && later <= 200, `${behavior}: ${later}`);
      await ours.set(at, { b: 2 }, { ttl: 50, behavior });
      const own = await theirs('getTTL', at);
      assert.ok(own > 40 && own <= 50, `${behavior}: ${own}`);
      assert.equal(await theirs('isExpired', at), false);
      await theirs('set', at, { a: 1 }, { ttl: 0.01, behavior });
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(await ours.isExpired(at), true);
      assert.equal(await ours.get(at), null);
      await ours.set(at, { a: 1 }, { ttl: 0.01, behavior });
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(await theirs('get', at), null);
    }
  });

  test('spec05_10_7_a_lock_of_either_side_keeps_the_other_out', async () => {
    const held = await theirs('acquireLock', 'job', { ttl: 60, timeout: 0, workerId: 'theirs' });
    assert.equal(held.token.length > 10, true);
    assert.equal(await ours.isLocked('job'), true);
    assert.equal(await ours.acquireLock('job'), null);
    await theirs('releaseLock', held);
    const lock = await ours.acquireLock('job', { ttl: 60, workerId: 'ours' });
    assert.equal(lock.workerId, 'ours');
    assert.equal(await theirs('isLocked', 'job'), true);
    assert.equal(await theirs('acquireLock', 'job', { ttl: 60, timeout: 0 }), null);
    await theirs('releaseLock', held);
    assert.equal(await ours.isOwner(lock), true, 'their stale handle releases nothing');
    await ours.releaseLock(lock);
    assert.equal(await theirs('isLocked', 'job'), false, 'a released lock is free there');
    const again = await theirs('acquireLock', 'job', { ttl: 60, timeout: 2000 });
    assert.notEqual(again, null);
    await ours.releaseLock('job', again.token);
    assert.equal(await theirs('isLocked', 'job'), false, 'released here by name and token');
    const last = await ours.acquireLock('job');
    assert.ok(last.fence > lock.fence);
  });

  test('spec05_10_8_counters_continue_on_either_side', async () => {
    await theirs('set', key('counter'), { value: 5, note: 'kept' });
    assert.equal(await ours.increment(key('counter'), 2), 7);
    const seen = await theirs('get', key('counter'));
    assert.equal(seen.value, 7);
    assert.equal(seen.note, 'kept');
    await theirs('set', key('counter'), { value: 20, note: 'kept' });
    assert.equal(await ours.decrement(key('counter')), 19);
    assert.deepEqual(await ours.get(key('counter')), { value: 19, note: 'kept' });
  });

  test('spec05_18_sequences_continue_on_either_side', async () => {
    const first = await theirs('nextSequence', 'invoice', { initialValue: 10 });
    assert.equal(first, 10);
    assert.equal(await ours.nextSequence('invoice'), 11);
    assert.equal(await theirs('nextSequence', 'invoice'), 12);
    assert.equal(await ours.getSequence('invoice'), 13);
    assert.equal(await theirs('getSequence', 'invoice'), 13);
  });
});
