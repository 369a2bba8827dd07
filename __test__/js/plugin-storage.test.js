// Entries, listing, batches and the time to live of plugin storage, on every kind of store.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FileSystemClient, MemoryClient, PluginStorage, PluginStorageError, S3Client } from '../../js/index.js';
import { temporaryDirectory } from './support/clients.js';
import { clientKinds, clock, storageOn } from './support/storages.js';

const key = (storage, ...parts) => storage.getPluginKey(null, ...parts);

/** Metadata and body as stored. */
async function stored(storage, at) {
  const { Metadata, Body, ContentType } = await storage.client.getObject(at);
  const body = typeof Body === 'string' || Body === undefined ? (Body ?? '') : await Body.transformToString();
  return { metadata: Metadata ?? {}, body, contentType: ContentType };
}

for (const kind of clientKinds) {
  describe(`plugin storage on ${kind.name}`, { skip: kind.skip }, () => {
    test('spec05_10_2_entries_come_back_as_they_were_written', async () => {
      const storage = storageOn(kind);
      const data = {
        text: 'plain',
        accents: 'Grüße 東京 🚀',
        padded: '  x ',
        zeros: '007',
        exponent: '1e3',
        hex: '0x10',
        yes: 'true',
        json: '{"a":1}',
        broken: '{a',
        nothing: 'null',
        empty: '',
        number: -1.5,
        huge: 2 ** 60,
        flag: false,
        missing: null,
        list: [1, 'two', { three: 3 }],
        nested: { deep: { er: [true] } },
        camelCase: 'kept',
        'odd name!': 1,
        when: new Date(0)
      };
      for (const behavior of ['body-overflow', 'body-only']) {
        const at = key(storage, behavior);
        const response = await storage.set(at, data, { behavior });
        if (!kind.weak) assert.equal(typeof response.ETag, 'string');
        const { when, ...rest } = await storage.get(at);
        const { when: _, ...expected } = data;
        assert.deepEqual(rest, expected, behavior);
        assert.equal(when, '1970-01-01T00:00:00.000Z');
      }
      assert.equal(await storage.get(key(storage, 'unknown')), null);
    });

    test('spec05_10_2_data_of_any_shape_is_copied_shallowly', async () => {
      const storage = storageOn(kind);
      for (const [given, expected] of [
        [null, {}],
        [['a', 'b'], { 0: 'a', 1: 'b' }],
        ['xy', { 0: 'x', 1: 'y' }],
        [{ a: undefined, f: () => 1, b: 1 }, { b: 1 }]
      ]) {
        await storage.put(key(storage, 'shape'), given);
        assert.deepEqual(await storage.get(key(storage, 'shape')), expected);
      }
    });

    test('spec05_10_2_overflow_goes_to_the_body_smallest_fields_stay', async () => {
      const storage = storageOn(kind);
      const big = 'x'.repeat(2000);
      await storage.set(key(storage, 'k'), { big, small: 'y', other: 'z'.repeat(100) });
      const { metadata, body, contentType } = await stored(storage, key(storage, 'k'));
      assert.deepEqual(Object.keys(metadata).sort(), ['other', 'small']);
      assert.deepEqual(JSON.parse(body), { big });
      assert.equal(contentType, 'application/json');
      // Exactly 2044 bytes of names and values fit.
      await storage.set(key(storage, 'full'), { a: 'x'.repeat(2043) });
      assert.equal((await stored(storage, key(storage, 'full'))).body, '');
      await storage.set(key(storage, 'over'), { a: 'x'.repeat(2044) });
      assert.deepEqual((await stored(storage, key(storage, 'over'))).metadata, {});
      assert.equal((await storage.get(key(storage, 'over'))).a.length, 2044);
    });

    test('spec05_10_2_enforce_limits_refuses_what_does_not_fit', async () => {
      const storage = storageOn(kind);
      await storage.set(key(storage, 'fits'), { a: 'x', n: 5 }, { behavior: 'enforce-limits' });
      assert.deepEqual(await storage.get(key(storage, 'fits')), { a: 'x', n: 5 });
      await assert.rejects(storage.set(key(storage, 'big'), { a: 'x'.repeat(3000) }, { behavior: 'enforce-limits' }), (error) => {
        assert.equal(error.name, 'MetadataLimitError');
        assert.equal(error.message, 'Data exceeds metadata limit with enforce-limits behavior');
        assert.equal(error.data.totalSize, 3001);
        assert.equal(error.data.effectiveLimit, 2044);
        assert.equal(error.data.absoluteLimit, 2047);
        assert.equal(error.data.excess, 957);
        assert.equal(error.statusCode, 413);
        return true;
      });
      await assert.rejects(storage.set(key(storage, 'k'), {}, { behavior: 'nope' }), {
        name: 'BehaviorError',
        message: 'Unknown behavior: nope'
      });
    });

    test('spec05_10_6_time_to_live_under_every_behavior', async () => {
      for (const behavior of ['body-overflow', 'body-only', 'enforce-limits']) {
        const now = clock();
        const storage = storageOn(kind, 'demo', { now });
        const at = key(storage, 'session');
        await storage.set(at, { user: 'a' }, { ttl: 60, behavior });
        assert.equal(await storage.getTTL(at), 60);
        assert.equal(await storage.isExpired(at), false);
        now.advance(59.5);
        assert.equal(await storage.getTTL(at), 0);
        assert.deepEqual(await storage.get(at), { user: 'a' });
        assert.equal(await storage.touch(at, 30), true, behavior);
        assert.deepEqual(await storage.get(at), { user: 'a' });
        assert.equal(await storage.getTTL(at), 30);
        now.advance(31);
        assert.equal(await storage.isExpired(at), true);
        assert.equal(await storage.getTTL(at), 0);
        assert.equal(await storage.touch(at, 30), false, 'expired entries are refused');
        assert.deepEqual(await storage.list(), [], 'and removed');
        assert.equal(await storage.has(at), false);
        assert.equal(await storage.isExpired(at), true);
        assert.equal(await storage.getTTL(at), null);
      }
    });

    test('spec05_10_3_an_expired_entry_is_removed_by_reading', async () => {
      const now = clock();
      const storage = storageOn(kind, 'demo', { now });
      await storage.set(key(storage, 'a'), { x: 1 }, { ttl: 1 });
      await storage.set(key(storage, 'b'), { x: 'y'.repeat(3000) }, { ttl: 1 });
      now.advance(2);
      assert.equal((await storage.list()).length, 2, 'expired entries are listed');
      assert.equal(await storage.get(key(storage, 'a')), null);
      assert.equal(await storage.has(key(storage, 'b')), false);
      assert.deepEqual(await storage.list(), []);
    });

    test('spec05_10_2_a_ttl_that_is_no_number_above_zero_is_ignored', async () => {
      const storage = storageOn(kind);
      for (const ttl of [0, -5, '60', NaN, undefined, null]) {
        await storage.set(key(storage, 'k'), { a: 1 }, { ttl });
        assert.equal(await storage.getTTL(key(storage, 'k')), null);
        assert.equal(await storage.isExpired(key(storage, 'k')), false);
        assert.equal(await storage.touch(key(storage, 'k'), 5), false, 'no ttl, nothing to extend');
      }
    });

    test('spec05_10_6_touch_keeps_every_value_and_refuses_no_number', async () => {
      const storage = storageOn(kind);
      const data = { list: [1, { a: 'b' }], text: 'x', flag: true, n: 7 };
      await storage.set(key(storage, 'k'), data, { ttl: 100 });
      const before = await stored(storage, key(storage, 'k'));
      assert.equal(await storage.touch(key(storage, 'k'), 50), true);
      const after = await stored(storage, key(storage, 'k'));
      const expiry = ({ metadata: { _expiresAt, _expiresat } }) => Number(_expiresAt ?? _expiresat);
      assert.equal(expiry(after) - expiry(before), 50_000);
      const bare = ({ metadata: { _expiresAt, _expiresat, ...rest }, body }) => ({
        rest: Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)])),
        body
      });
      assert.deepEqual(bare(after), bare(before));
      await assert.rejects(storage.touch(key(storage, 'k'), NaN), { name: 'PluginStorageError' });
      assert.equal(await storage.touch(key(storage, 'gone'), 1), false);
    });

    test('spec05_10_6_touch_moves_the_expiry_of_a_body_only_record_of_13_6_to_metadata', async () => {
      const storage = storageOn(kind);
      const at = key(storage, 'old');
      const expiresAt = Date.now() + 60_000;
      await storage.client.putObject({
        key: at,
        metadata: {},
        body: JSON.stringify({ a: { b: 1 }, _expiresAt: expiresAt }),
        contentType: 'application/json'
      });
      assert.deepEqual(await storage.get(at), { a: { b: 1 } });
      assert.equal(await storage.touch(at, 60), true);
      const { metadata, body } = await stored(storage, at);
      assert.equal(Number(metadata._expiresAt ?? metadata._expiresat), expiresAt + 60_000);
      assert.equal(body, '{"a":{"b":1}}');
      assert.deepEqual(await storage.get(at), { a: { b: 1 } });
    });

    test('spec05_10_3_records_of_13_6_are_read', async () => {
      const storage = storageOn(kind);
      const at = key(storage, 'old');
      const put = (metadata, body = '') => storage.client.putObject({ key: at, metadata, body, contentType: 'application/json' });
      await put({ firstname: 'a', n: '5', f: 'true', o: '{"x":[1]}', bad: '{oops', _expiresat: String(Date.now() + 60_000) });
      assert.deepEqual(await storage.get(at), { firstname: 'a', n: 5, f: true, o: { x: [1] }, bad: '{oops' });
      await put({ a: '1', b: '2' }, JSON.stringify({ b: 'body wins', c: null }));
      assert.deepEqual(await storage.get(at), { a: 1, b: 'body wins', c: null });
      await put({}, 'no json');
      await assert.rejects(storage.get(at), { name: 'PluginStorageError', message: 'Failed to parse JSON body' });
      assert.equal(await storage.isExpired(at), true, 'unreadable counts as expired');
      assert.equal(await storage.getTTL(at), null);
    });

    test('spec05_10_4_lists_page_past_a_thousand_and_stay_in_their_namespace', async () => {
      const storage = storageOn(kind);
      const other = new PluginStorage(storage.client, 'demo2');
      const count = 1005;
      const items = Array.from({ length: count }, (_, i) => ({ key: key(storage, 'item', String(i).padStart(4, '0')), data: { i } }));
      assert.ok((await storage.batchSet(items)).every(({ ok }) => ok));
      await other.set(key(other, 'item', '1'), {});
      await storage.set(storage.getPluginKey('users', 'cache', 'u1'), { a: 1 });
      await storage.set(storage.getPluginKey('users2', 'cache', 'u1'), { a: 1 });
      await storage.set('resource=users/data/id=plugin=demo/x', { mine: 1 });
      assert.equal((await storage.list()).length, count);
      assert.deepEqual(
        await storage.list('item/', { limit: 1002 }),
        items.slice(0, 1002).map((item) => item.key)
      );
      assert.deepEqual(
        await storage.list('item/100'),
        items.slice(1000).map((item) => item.key)
      );
      assert.deepEqual(await storage.list('', { limit: 0 }), []);
      assert.deepEqual(await storage.listForResource('users'), ['resource=users/plugin=demo/cache/u1']);
      assert.deepEqual(await storage.listForResource('users', 'nope'), []);
      assert.equal(await storage.deleteAll('users2'), 1);
      assert.equal(await storage.deleteAll(), count + 1, 'both scopes');
      assert.deepEqual(await storage.list(), []);
      assert.deepEqual(await storage.listForResource('users'), []);
      assert.equal((await other.list()).length, 1);
      assert.deepEqual(await storage.get('resource=users/data/id=plugin=demo/x'), { mine: 1 }, 'records that only look alike stay');
      assert.equal(await storage.deleteAll(), 0);
    });

    test('spec05_10_5_batches_answer_per_item_in_order', async () => {
      const storage = storageOn(kind);
      const results = await storage.batchPut([
        { key: key(storage, 'a'), data: { v: 1 } },
        { key: '../escape', data: {} },
        { key: key(storage, 'c'), data: { v: 3 }, options: { ttl: 60 } }
      ]);
      assert.deepEqual(
        results.map(({ key: at, ok }) => [at, ok]),
        [
          [key(storage, 'a'), true],
          ['../escape', false],
          [key(storage, 'c'), true]
        ]
      );
      assert.equal(results[0].error, null);
      assert.ok(results[1].error instanceof PluginStorageError);
      const read = await storage.batchGet([key(storage, 'c'), key(storage, 'missing'), '../escape', key(storage, 'a')]);
      assert.deepEqual(
        read.map(({ ok, data }) => [ok, data]),
        [
          [true, { v: 3 }],
          [true, null],
          [false, null],
          [true, { v: 1 }]
        ]
      );
      assert.equal(read[2].error.name, 'PluginStorageError');
      const set = await storage.batchSet([{ key: key(storage, 'd'), data: {} }]);
      assert.deepEqual(set, [{ ok: true, key: key(storage, 'd') }]);
    });

    test('spec05_18_data_under_a_prefix', async () => {
      const storage = storageOn(kind);
      for (const n of [2, 1, 3]) await storage.set(key(storage, 'p', String(n)), { n });
      await storage.set(key(storage, 'q'), { n: 9 });
      assert.deepEqual(await storage.listWithPrefix('p/'), [{ n: 1 }, { n: 2 }, { n: 3 }]);
      assert.deepEqual(await storage.listWithPrefix('p/', { limit: 2 }), [{ n: 1 }, { n: 2 }]);
      assert.deepEqual(await storage.listKeysWithPrefix('q'), [key(storage, 'q')]);
    });

    test('spec05_18_versions_guard_against_lost_updates', async () => {
      const storage = storageOn(kind);
      const at = key(storage, 'doc');
      assert.deepEqual(await storage.getWithVersion(at), { data: null, version: null });
      const first = await storage.setIfNotExists(at, { n: 1 });
      if (!kind.weak) assert.ok(first);
      assert.equal(typeof first, 'string');
      assert.equal(await storage.setIfNotExists(at, { n: 2 }), null);
      const { data, version } = await storage.getWithVersion(at);
      assert.deepEqual(data, { n: 1 });
      const racers = await Promise.all([2, 3, 4].map((n) => storage.setIfVersion(at, { n }, version)));
      assert.equal(racers.filter((result) => result !== null).length, 1);
      assert.equal(await storage.setIfVersion(at, { n: 9 }, version), null);
      assert.equal(await storage.deleteIfVersion(at, version), false);
      const now = await storage.getWithVersion(at);
      assert.equal(await storage.deleteIfVersion(at, now.version), true);
      assert.equal(await storage.get(at), null);
      assert.equal(await storage.deleteIfVersion(at, now.version), false);
      // Entries of `set`, whose ETag says nothing.
      await storage.set(at, { n: 10 });
      const plain = await storage.getWithVersion(at);
      await storage.set(at, { n: 11 });
      assert.equal(await storage.setIfVersion(at, { n: 12 }, plain.version), null);
      const fresh = await storage.getWithVersion(at);
      assert.notEqual(await storage.setIfVersion(at, { n: 12 }, fresh.version), null);
      assert.deepEqual(await storage.get(at), { n: 12 });
    });

    test('spec05_18_set_if_not_exists_takes_the_place_of_an_expired_entry', async () => {
      const now = clock();
      const storage = storageOn(kind, 'demo', { now });
      for (const behavior of ['body-only', 'body-overflow']) {
        const at = key(storage, behavior);
        await storage.set(at, { n: 1 }, { ttl: 5, behavior });
        assert.equal(await storage.setIfNotExists(at, { n: 2 }), null);
        now.advance(6);
        assert.notEqual(await storage.setIfNotExists(at, { n: 2 }, { ttl: 5 }), null);
        assert.deepEqual(await storage.get(at), { n: 2 });
        assert.equal(await storage.getTTL(at), 5);
      }
    });

    test('spec05_18_sequences_give_every_number_once', async () => {
      const storage = storageOn(kind);
      const other = new PluginStorage(storage.client, 'demo');
      const taken = await Promise.all(
        Array.from({ length: 12 }, (_, i) => (i % 2 ? storage : other).nextSequence('invoice', { lockTimeout: 60_000 }))
      );
      assert.deepEqual(
        taken.sort((a, b) => a - b),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
      );
      assert.equal(await storage.getSequence('invoice'), 13);
      const [{ value, name, resourceName, createdAt, updatedAt }] = await storage.listSequences();
      assert.deepEqual([value, name, resourceName], [13, 'invoice', null]);
      assert.ok(Date.parse(createdAt) <= Date.parse(updatedAt));
      await storage.resetSequence('invoice', 100);
      assert.equal(await storage.nextSequence('invoice', { increment: 10 }), 100);
      assert.equal(await storage.nextSequence('invoice'), 110);
      assert.ok((await storage.listSequences())[0].resetAt);
      assert.equal(await storage.nextSequence('no', { resourceName: 'orders', initialValue: 7 }), 7);
      assert.equal(storage.getSequenceKey('orders', 'no', 'value'), 'resource=orders/plugin=demo/sequence=no/value');
      assert.deepEqual(
        (await storage.listSequences({ resourceName: 'orders' })).map((s) => [s.name, s.value]),
        [['no', 8]]
      );
      assert.deepEqual(
        (await storage.listSequences()).map((s) => s.name),
        ['invoice']
      );
      assert.equal(await storage.deleteSequence('invoice'), true);
      assert.equal(await storage.deleteSequence('invoice'), false);
      assert.equal(await storage.getSequence('invoice'), null);
      await assert.rejects(storage.nextSequence(''), { name: 'PluginStorageError' });
    });

    test('spec05_10_8_counters', async () => {
      const now = clock();
      const storage = storageOn(kind, 'demo', { now });
      const at = key(storage, 'calls');
      assert.equal(await storage.increment(at), 1);
      assert.equal(await storage.increment(at, 5), 6);
      assert.equal(await storage.decrement(at, 2), 4);
      assert.deepEqual(await storage.get(at), { value: 4 });
      const values = await Promise.all(Array.from({ length: 20 }, () => storage.increment(at)));
      assert.deepEqual(
        values.sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, i) => i + 5)
      );
      // An expiry is kept until a new one is given, and an expired counter starts again.
      assert.equal(await storage.increment(key(storage, 'hour'), 1, { ttl: 10 }), 1);
      assert.equal(await storage.increment(key(storage, 'hour'), 1), 2);
      assert.equal(await storage.getTTL(key(storage, 'hour')), 10);
      await storage.increment(key(storage, 'hour'), 1, { ttl: 20 });
      assert.equal(await storage.getTTL(key(storage, 'hour')), 20);
      now.advance(21);
      assert.equal(await storage.increment(key(storage, 'hour')), 1);
      assert.equal(await storage.getTTL(key(storage, 'hour')), null);
      // Other fields stay, whatever wrote them.
      await storage.set(key(storage, 'mixed'), { value: 2, note: '007', list: [1], camelCase: 1 }, { ttl: 60 });
      assert.equal(await storage.increment(key(storage, 'mixed'), 0.5), 2.5);
      assert.deepEqual(await storage.get(key(storage, 'mixed')), { value: 2.5, note: '007', list: [1], camelCase: 1 });
      assert.ok((await storage.getTTL(key(storage, 'mixed'))) > 50);
      await storage.set(key(storage, 'text'), { value: 'abc' });
      await assert.rejects(storage.increment(key(storage, 'text')), { name: 'PluginStorageError', statusCode: 400 });
      await assert.rejects(storage.increment(at, NaN), { name: 'PluginStorageError' });
      await assert.rejects(storage.increment(at, '1'), { name: 'PluginStorageError' });
    });

    test('spec05_10_1_parent_segments_never_reach_the_store', async () => {
      const storage = storageOn(kind);
      for (const bad of ['../x', key(storage, '..', '..', 'x'), 'a/..']) {
        for (const attempt of [
          () => storage.set(bad, {}),
          () => storage.get(bad),
          () => storage.delete(bad),
          () => storage.touch(bad, 1),
          () => storage.increment(bad),
          () => storage.isExpired(bad),
          () => storage.getTTL(bad),
          () => storage.setIfNotExists(bad, {}),
          () => storage.list('../'),
          () => storage.acquireLock('../../x'),
          () => storage.isLocked('../x')
        ]) {
          await assert.rejects(attempt(), (error) => error instanceof PluginStorageError && /\.\./.test(error.message), bad);
        }
      }
    });

    test('spec05_10_1_raw_keys_are_shared_and_invisible_to_lists', async () => {
      const storage = storageOn(kind);
      const other = new PluginStorage(storage.client, 'other');
      await storage.put('session:abc123', { user: 1 });
      assert.deepEqual(await other.get('session:abc123'), { user: 1 });
      assert.deepEqual(await storage.list(), []);
      await storage.deleteAll();
      assert.deepEqual(await storage.get('session:abc123'), { user: 1 });
      await storage.delete('session:abc123');
      assert.equal(await storage.delete('session:abc123'), undefined);
      assert.equal(await storage.get('session:abc123'), null);
    });
  });
}

describe('plugin storage', () => {
  test('spec05_10_1_construction_and_keys', () => {
    const client = new MemoryClient();
    assert.throws(() => new PluginStorage(undefined, 'x'), {
      name: 'PluginStorageError',
      message: 'PluginStorage requires a client instance'
    });
    assert.throws(() => new PluginStorage(client, ''), { name: 'PluginStorageError', message: 'PluginStorage requires a pluginSlug' });
    const storage = new PluginStorage(client, 'cache--ns');
    assert.equal(storage.client, client);
    assert.equal(storage.pluginSlug, 'cache--ns');
    assert.equal(storage.getPluginKey(null, 'a', 'b'), 'plugin=cache--ns/a/b');
    assert.equal(storage.getPluginKey('users', 'a b', '%'), 'resource=users/plugin=cache--ns/a b/%');
    assert.equal(storage.getPluginKey(''), 'plugin=cache--ns/');
    assert.deepEqual(storage._removeKeyPrefix(['a']), ['a']);
    assert.deepEqual(new PluginStorage(new MemoryClient({ keyPrefix: 'p/q' }), 's')._removeKeyPrefix(['p/q/a', 'p/qb']), ['a', 'b']);
  });

  test('spec05_10_2_semi_public_helpers', () => {
    const storage = new PluginStorage(new MemoryClient(), 's');
    assert.deepEqual(storage._applyBehavior({ a: 1, b: [1], C: 2 }, 'body-overflow'), { metadata: { a: 1, b: '[1]' }, body: { C: 2 } });
    assert.deepEqual(storage._applyBehavior({ a: 1 }, 'body-only'), { metadata: {}, body: { a: 1 } });
    assert.deepEqual(storage._applyBehavior({ a: 1, b: null }, 'enforce-limits'), { metadata: { a: 1, b: null }, body: null });
    assert.throws(() => storage._applyBehavior({}, 'x'), { name: 'BehaviorError' });
    assert.deepEqual(storage._parseMetadataValues({ a: '1', b: ' 2 ', c: 'true', d: '[1]', e: '{x}', f: 'x', g: 7 }), {
      a: 1,
      b: 2,
      c: true,
      d: [1],
      e: '{x}',
      f: 'x',
      g: 7
    });
    for (const attempt of [1, 2, 5, 9]) {
      const wait = storage._computeBackoff(attempt, 100, 1000);
      const base = Math.min(100 * 2 ** (attempt - 1), 1000);
      assert.ok(wait >= base && wait < base + 50);
    }
  });

  test('spec05_10_2_stored_bytes_are_those_of_13_6', async () => {
    const client = new MemoryClient();
    const storage = new PluginStorage(client, 's');
    await storage.set('k', { name: 'x', n: 1, ok: true, list: ['a'] });
    const { Metadata, ContentType, ContentLength } = await client.getObject('k');
    assert.deepEqual({ ...Metadata }, { name: 'x', n: '1', ok: 'true', list: '["a"]' });
    assert.equal(ContentType, 'application/json');
    assert.equal(ContentLength, 0);
  });

  test('spec05_10_2_conditions_pass_to_the_store_and_surface_as_412', async () => {
    for (const client of [new MemoryClient(), new FileSystemClient({ basePath: temporaryDirectory(), durability: 'none' })]) {
      const storage = new PluginStorage(client, 's');
      const { ETag } = await storage.set('k', { a: 1 }, { behavior: 'body-only', ifNoneMatch: '*' });
      await assert.rejects(storage.set('k', { a: 2 }, { ifNoneMatch: '*' }), (error) => {
        assert.equal(error.name, 'PluginStorageError');
        assert.equal(error.message, 'Failed to save plugin data');
        assert.equal(error.code, 'PreconditionFailed');
        assert.equal(error.statusCode, 412);
        assert.equal(error.data.pluginSlug, 's');
        assert.equal(error.data.key, 'k');
        assert.equal(error.data.operation, 'set');
        assert.ok(error.original instanceof Error);
        assert.match(error.description, /s[\s\S]*k[\s\S]*set/);
        assert.equal(typeof error.suggestion, 'string');
        return true;
      });
      await storage.set('k', { a: 2 }, { behavior: 'body-only', ifMatch: ETag });
      await assert.rejects(storage.set('k', { a: 3 }, { ifMatch: ETag }), { statusCode: 412 });
    }
  });

  test('spec05_10_9_failures_carry_the_cause', async () => {
    const denied = Object.assign(new Error('no'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } });
    const fail = async () => {
      throw denied;
    };
    const storage = new PluginStorage({ putObject: fail, getObject: fail, deleteObject: fail, listObjects: fail }, 's');
    for (const [attempt, message] of [
      [() => storage.set('k', {}), 'Failed to save plugin data'],
      [() => storage.get('k'), 'Failed to retrieve plugin data'],
      [() => storage.delete('k'), 'Failed to delete plugin data'],
      [() => storage.list(), 'Failed to list plugin data'],
      [() => storage.listForResource('r'), 'Failed to list resource data']
    ]) {
      await assert.rejects(attempt(), (error) => {
        assert.equal(error.name, 'PluginStorageError');
        assert.equal(error.message, message);
        assert.equal(error.original, denied);
        assert.equal(error.code, 'AccessDenied');
        assert.equal(error.statusCode, 403);
        return true;
      });
    }
  });

  test('spec05_2_8_only_the_methods_needed_are_called_and_a_missing_one_is_named', async () => {
    const response = { ETag: '"x"', own: 1 };
    const puts = [];
    const putObject = async (request) => {
      puts.push(request);
      return response;
    };
    const writer = new PluginStorage({ putObject }, 's');
    assert.equal(
      await writer.set('k', { a: 1, big: 'x'.repeat(3000) }, { ifNoneMatch: '*' }),
      response,
      'the response of the client itself'
    );
    assert.deepEqual(puts, [
      { key: 'k', metadata: { a: 1 }, contentType: 'application/json', body: JSON.stringify({ big: 'x'.repeat(3000) }), ifNoneMatch: '*' }
    ]);
    const reader = new PluginStorage(
      { getObject: async () => ({ Metadata: { a: '1' }, Body: new Uint8Array(Buffer.from('{"b":2}')) }) },
      's'
    );
    assert.deepEqual(await reader.get('k'), { a: 1, b: 2 });
    const lister = new PluginStorage(
      { config: { keyPrefix: 'p' }, listObjects: async () => ({ Contents: [{ Key: 'p/plugin=s/a' }] }) },
      's'
    );
    assert.deepEqual(await lister.list(), ['plugin=s/a']);
    const head = { Metadata: { _expiresat: String(Date.now() + 5000) }, ContentLength: 0 };
    const toucher = new PluginStorage({ headObject: async () => head, copyObject: async () => ({}) }, 's');
    assert.equal(await toucher.touch('k', 5), true);
    const empty = new PluginStorage({}, 's');
    for (const [attempt, method] of [
      [() => empty.set('k', {}), 'putObject'],
      [() => empty.get('k'), 'getObject'],
      [() => empty.delete('k'), 'deleteObject'],
      [() => empty.list(), 'listObjects'],
      [() => empty.touch('k', 1), 'headObject'],
      [() => empty.increment('k'), 'getObject'],
      [() => empty.acquireLock('k'), 'getObject']
    ]) {
      await assert.rejects(attempt(), { name: 'DatabaseError', message: `Client does not implement ${method}()` });
    }
  });

  test('spec05_10_3_not_found_in_any_form_is_null', async () => {
    for (const error of [
      { name: 'NoSuchKey' },
      { code: 'NoSuchKey' },
      { Code: 'NotFound' },
      { statusCode: 404 },
      { original: { name: 'NoSuchKey' } },
      { $metadata: { httpStatusCode: 404 } }
    ]) {
      const getObject = async () => {
        throw Object.assign(new Error('gone'), error);
      };
      assert.equal(await new PluginStorage({ getObject }, 's').get('k'), null, JSON.stringify(error));
    }
  });

  test('spec05_18_the_clock_of_tests_moves_time', async () => {
    const now = clock(1_000_000);
    const storage = new PluginStorage(new MemoryClient(), 's', { now });
    await storage.set('k', { a: 1 }, { ttl: 10 });
    assert.equal((await storage.client.getObject('k')).Metadata._expiresAt, '1010000');
  });

  test('spec05_10_0_a_listener_of_commands_sees_them', async () => {
    const client = new S3Client({ connectionString: 's3://k:s@b/app', AwsS3Client: { send: async () => ({ ETag: '"e"' }), config: {} } });
    const seen = [];
    client.on('cl:request', (command) => seen.push(command));
    const storage = new PluginStorage(client, 's');
    assert.equal((await storage.set('k', { a: 1 })).ETag, '"e"');
    assert.deepEqual(seen, ['PutObjectCommand']);
  });
});
