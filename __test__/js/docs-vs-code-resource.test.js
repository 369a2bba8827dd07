/** Where the documentation of 13.6 and its code differ (spec/03 section 24): what holds here. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { connectDatabase, reopen, settle } from './support/databases.js';

const ATTRIBUTES = { name: 'string|required', kind: 'string|optional', profile: { country: 'string|optional' } };

async function resourceWith(config = {}) {
  const db = await connectDatabase();
  return db.createResource({ name: 'items', attributes: ATTRIBUTES, partitions: { byKind: { fields: { kind: 'string' } } }, ...config });
}

const records = (count) => Array.from({ length: count }, (_, at) => ({ id: `id-${at}`, name: `n${at}`, kind: at % 2 ? 'odd' : 'even' }));

test('spec03_24 get of a missing id rejects with NoSuchKey, getOrNull gives null', async () => {
  const items = await resourceWith();
  await assert.rejects(items.get('absent'), { name: 'NoSuchKey' });
  assert.equal(await items.getOrNull('absent'), null);
});

test('spec03_24 upsert takes one object, or an id and data', async () => {
  const items = await resourceWith();
  await items.upsert({ id: 'one', name: 'a' });
  await items.upsert('one', { name: 'b' });
  await items.upsert('two', { name: 'c' });
  assert.deepEqual(
    (await items.list()).map(({ id, name }) => [id, name]),
    [
      ['one', 'b'],
      ['two', 'c']
    ]
  );
});

test('spec03_24 delete gives the response of the client', async () => {
  const items = await resourceWith();
  await items.insert({ id: 'one', name: 'a' });
  const response = await items.delete('one');
  assert.equal(response.name, undefined, 'not the record');
  assert.equal(typeof response, 'object');
});

test('spec03_24 deleteMany gives the reports of the client, with counts that are not enumerable, and cleans partitions', async () => {
  const items = await resourceWith();
  const seen = [];
  items.on('deleted-many', (count) => seen.push(count));
  await items.insertMany(records(4));
  const result = await items.deleteMany(['id-0', 'id-1', 'id-2']);
  assert.ok(Array.isArray(result));
  assert.deepEqual([result.deleted, result.errors], [3, 0]);
  assert.ok(!Object.keys(result).includes('deleted') && !Object.keys(result).includes('errors'));
  assert.deepEqual(await items.listIds({ partition: 'byKind' }), ['id-3']);
  await settle();
  assert.deepEqual(seen, [3]);
});

test('spec03_24 getMany leaves missing ids out', async () => {
  const items = await resourceWith();
  await items.insertMany(records(2));
  assert.deepEqual(
    (await items.getMany(['id-1', 'absent', 'id-0'])).map(({ id }) => id),
    ['id-1', 'id-0']
  );
});

test('spec03_24 a page has the members of the code and the documented ones', async () => {
  const items = await resourceWith();
  await items.insertMany(records(5));
  const page = await items.page({ offset: 2, size: 2 });
  assert.deepEqual([page.totalItems, page.page, page.pageSize, page.totalPages, page.hasMore], [5, 1, 2, 3, true]);
  assert.deepEqual([page.total, page.pages, page.offset, page.size, page.hasNext, page.hasPrev], [5, 3, 2, 2, true, true]);
  assert.deepEqual((await items.paginate({ size: 1 })).items[0].id, 'id-0');
});

test('spec03_24 query finds dotted keys', async () => {
  const items = await resourceWith();
  await items.insert({ id: 'one', name: 'a', profile: { country: 'PT' } });
  await items.insert({ id: 'two', name: 'b', profile: { country: 'BR' } });
  assert.deepEqual(
    (await items.query({ 'profile.country': 'PT' })).map(({ id }) => id),
    ['one']
  );
});

for (const behavior of ['user-managed', 'enforce-limits']) {
  test(`spec03_24 patch runs the hooks of update and emits updated under ${behavior}`, async () => {
    const items = await resourceWith({ behavior });
    const seen = [];
    items.addHook('beforeUpdate', (data) => {
      seen.push(['beforeUpdate', data.name]);
      return data;
    });
    items.addHook('afterUpdate', (data) => {
      seen.push(['afterUpdate', data.name]);
      return data;
    });
    items.on('updated', ({ $before, $after }) => seen.push(['updated', $before.name, $after.name]));
    await items.insert({ id: 'one', name: 'a' });
    await items.patch('one', { name: 'b' });
    await settle();
    assert.deepEqual(seen, [
      ['beforeUpdate', 'b'],
      ['afterUpdate', 'b'],
      ['updated', 'a', 'b']
    ]);
  });
}

test('spec03_24 replace runs its own hooks and emits updated and replaced', async () => {
  const items = await resourceWith();
  const seen = [];
  for (const hook of ['beforeReplace', 'afterReplace', 'beforeUpdate', 'afterUpdate']) {
    items.addHook(hook, (data) => {
      seen.push(hook);
      return data;
    });
  }
  for (const event of ['updated', 'replaced']) {
    items.on(event, ({ $before, $after }) => seen.push(`${event} ${$before} ${$after.name}`));
  }
  await items.insert({ id: 'one', name: 'a' });
  await items.replace('one', { name: 'b' });
  await settle();
  assert.deepEqual(seen, ['beforeReplace', 'afterReplace', 'updated undefined b', 'replaced undefined b']);
});

test('spec03_24 bulk events have hyphenated names, truncate and overflow are emitted', async () => {
  const seen = [];
  const db = await connectDatabase();
  const items = await db.createResource({ name: 'items', attributes: { name: 'string' } });
  for (const event of ['inserted-many', 'deleted-many', 'fetched-many']) items.on(event, () => seen.push(event));
  await items.insertMany([{ id: 'one', name: 'a' }]);
  await items.getMany(['one']);
  await items.deleteMany(['one']);
  const long = { id: 'long', name: 'x'.repeat(4000) };
  for (const [behavior, event] of [
    ['truncate-data', 'truncate'],
    ['body-overflow', 'overflow']
  ]) {
    const large = await db.createResource({ name: behavior, attributes: { name: 'string' }, behavior });
    large.on(event, () => seen.push(event));
    await large.insert(long);
  }
  await settle();
  assert.deepEqual(seen, ['inserted-many', 'fetched-many', 'deleted-many', 'truncate', 'overflow']);
});

test('spec03_24 updated carries $before and $after, deleted the record with both', async () => {
  const items = await resourceWith();
  const events = {};
  items.on('updated', (event) => {
    events.updated = event;
  });
  items.on('deleted', (event) => {
    events.deleted = event;
  });
  await items.insert({ id: 'one', name: 'a' });
  await items.update('one', { name: 'b' });
  await items.delete('one');
  await settle();
  const { updated, deleted } = events;
  assert.deepEqual([updated.name, updated.$before.name, updated.$after.name], ['b', 'a', 'b']);
  assert.deepEqual([deleted.name, deleted.$before.name, deleted.$after], ['b', 'b', null]);
});

test('spec03_24 the argument of afterUpdate has $before and $after that are not enumerable', async () => {
  const items = await resourceWith();
  let seen;
  items.addHook('afterUpdate', (data) => {
    seen = [data.name, data.$before?.name, data.$after?.name, Object.keys(data).some((key) => key.startsWith('$'))];
    return data;
  });
  await items.insert({ id: 'one', name: 'a' });
  await items.update('one', { name: 'b' });
  assert.deepEqual(seen, ['b', 'a', 'b', false]);
});

test('spec03_24 beforeUpdate gets the merged record and beforeDelete the record', async () => {
  const items = await resourceWith();
  const seen = [];
  items.addHook('beforeUpdate', (data) => {
    seen.push([data.name, data.kind]);
    return data;
  });
  items.addHook('beforeDelete', (record) => {
    seen.push([record.id, record.name]);
  });
  await items.insert({ id: 'one', name: 'a', kind: 'k' });
  await items.update('one', { name: 'b' });
  await items.delete('one');
  assert.deepEqual(seen, [
    ['b', 'k'],
    ['one', 'b']
  ]);
});

test('spec03_24 options that beforeList returns are used', async () => {
  const items = await resourceWith();
  await items.insertMany(records(6));
  items.addHook('beforeList', (options) => ({ ...options, partition: 'byKind', partitionValues: { kind: 'odd' }, limit: 2, offset: 1 }));
  assert.deepEqual(
    (await items.list()).map(({ id }) => id),
    ['id-3', 'id-5']
  );
});

test('spec03_24 an error of an after hook rejects the call', async () => {
  const items = await resourceWith();
  items.addHook('afterInsert', () => {
    throw new Error('from the hook');
  });
  await assert.rejects(items.insert({ id: 'one', name: 'a' }), { message: 'from the hook' });
  assert.equal(await items.exists('one'), true);
});

test('spec03_24 afterInsert gets the record, which has an item getter unless the resource declares item', async () => {
  const items = await resourceWith();
  const seen = [];
  items.addHook('afterInsert', (record) => {
    seen.push(record.name, record.item === record, Object.keys(record).includes('item'));
  });
  await items.insert({ id: 'one', name: 'a' });
  assert.deepEqual(seen, ['a', true, false]);
  const declared = await resourceWith({ attributes: { ...ATTRIBUTES, item: 'string' } });
  declared.addHook('afterInsert', (record) => {
    seen.push(record.item);
  });
  await declared.insert({ id: 'one', name: 'a', item: 'own' });
  assert.equal(seen.pop(), 'own');
});

test('spec03_24 removeHook takes a hook away', async () => {
  const items = await resourceWith();
  let calls = 0;
  const hook = (data) => {
    calls += 1;
    return data;
  };
  items.addHook('beforeInsert', hook);
  await items.insert({ name: 'a' });
  items.removeHook('beforeInsert', hook);
  await items.insert({ name: 'b' });
  assert.equal(calls, 1);
});

test('spec03_24 a middleware sees the arguments as ctx.args, and events as method names are aliases', async () => {
  const items = await resourceWith();
  const seen = [];
  items.useMiddleware('inserted', async (context, next) => {
    seen.push(context.method, context.args.length, context.args[1]);
    return next();
  });
  await items.insert({ id: 'one', name: 'a' }, { user: 'ada' });
  assert.deepEqual(seen, ['insert', 2, { user: 'ada' }]);
});

test('spec03_24 with synchronous events listeners run during the operation and are not awaited', async () => {
  const items = await resourceWith({ asyncEvents: false });
  const seen = [];
  items.on('inserted', async () => {
    seen.push('started');
    await settle();
    seen.push('ended');
  });
  await items.insert({ id: 'one', name: 'a' });
  assert.deepEqual(seen, ['started']);
});

test('spec03_24 asyncPartitions is on by default, and references follow within milliseconds', async () => {
  const items = await resourceWith();
  assert.equal(items.config.asyncPartitions, true);
  await items.insert({ id: 'one', name: 'a', kind: 'k' });
  assert.deepEqual(await items.listIds({ partition: 'byKind', partitionValues: { kind: 'k' } }), ['one']);
});

test('spec03_24 records of older versions are read by their version and keep its v form', async () => {
  const db = await connectDatabase({ versioningEnabled: true });
  const items = await db.createResource({ name: 'items', attributes: { a: 'string', b: 'number' } });
  assert.equal(items.version, 'v1');
  await items.insert({ id: 'one', a: 'x', b: 62 });
  const next = await db.createResource({ name: 'items', attributes: { extra: 'string|optional', a: 'string', b: 'number' } });
  assert.equal(next.version, 'v2');
  const record = await next.get('one');
  assert.deepEqual([record.a, record.b, record._v, record._originalVersion, record._versionMapped], ['x', 62, 'v2', '1', true]);
  const again = await reopen(db, { versioningEnabled: true });
  assert.equal((await again.resources.items.get('one')).b, 62);
});

test('spec03_24 streams honour their options, pipe, and are asynchronously iterable', async () => {
  const items = await resourceWith();
  await pipeline(Readable.from(records(7)), items.writable({ batchSize: 3, concurrency: 2 }));
  assert.equal(await items.count(), 7);
  const reader = items.readable({ batchSize: 2 });
  const ids = [];
  for await (const record of reader) ids.push(record.id);
  assert.deepEqual(
    ids,
    records(7).map(({ id }) => id)
  );
  assert.equal(reader.batchSize, 2);
  const stream = items.readable();
  assert.equal(typeof stream.pipe, 'function', 'a stream at once');
  assert.equal(await stream, stream, 'and awaiting it is harmless');
  stream.destroy();
});

test('spec03_24 partitions on fields of an object with props work', async () => {
  const items = await resourceWith({
    attributes: { address: { type: 'object', props: { city: 'string' } } },
    partitions: { byCity: { fields: { 'address.city': 'string' } } }
  });
  await items.insert({ id: 'one', address: { city: 'Porto' } });
  assert.deepEqual(await items.listIds({ partition: 'byCity', partitionValues: { 'address.city': 'Porto' } }), ['one']);
});

test('spec03_24 findOrphanedPartitions gives an object by name', async () => {
  assert.deepEqual((await resourceWith()).findOrphanedPartitions(), {});
});

test('spec03_24 the result of validate has isValid and valid', async () => {
  const items = await resourceWith();
  const good = await items.validate({ name: 'a' });
  const bad = await items.validate({});
  assert.deepEqual([good.isValid, good.valid, bad.isValid, bad.valid], [true, true, false, false]);
});

test('spec03_24 MetadataLimitError has totalSize, effectiveLimit, limit and excess', async () => {
  const items = await resourceWith({ behavior: 'enforce-limits' });
  await assert.rejects(items.insert({ name: 'x'.repeat(3000) }), (error) => {
    assert.equal(error.name, 'MetadataLimitError');
    assert.ok(error.totalSize > 3000 && error.effectiveLimit < 2048);
    assert.equal(error.limit, error.effectiveLimit);
    assert.equal(error.excess, error.totalSize - error.effectiveLimit);
    return true;
  });
});

test('spec03_24 $schema has every option that was passed', async () => {
  const items = await resourceWith({ description: 'text', api: { enabled: true }, anything: 1 });
  assert.deepEqual([items.$schema.description, items.$schema.api, items.$schema.anything], ['text', { enabled: true }, 1]);
});

test('spec03_24 truncated values have no marker appended', async () => {
  const items = await resourceWith({ behavior: 'truncate-data' });
  await items.insert({ id: 'one', name: 'x'.repeat(4000) });
  assert.match((await items.get('one')).name, /^x+$/);
});

test('spec03_24 unique is not enforced', async () => {
  const items = await resourceWith({ attributes: { name: 'string|unique' }, partitions: {} });
  await items.insertMany([{ name: 'same' }, { name: 'same' }]);
  assert.equal(await items.count(), 2);
});

test('spec03_24 exists emits no event', async () => {
  const items = await resourceWith();
  const seen = [];
  items.on('exists', (event) => seen.push(event));
  await items.insert({ id: 'one', name: 'a' });
  await items.exists('one');
  await settle();
  assert.deepEqual(seen, []);
});
