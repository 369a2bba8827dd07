import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideBulk } from '../../js/resource/bulk.js';
import { allKeys, connectDatabase, readObject } from './support/databases.js';

const attributes = {
  name: 'string|required',
  type: 'string|optional',
  n: 'number|optional',
  tags: 'array|items:string|optional',
  meta: { a: 'string|optional' }
};
const partitions = { byType: { fields: { type: 'string' } } };
const records = Array.from({ length: 30 }, (_, i) => ({
  id: `id-${String(i).padStart(3, '0')}`,
  name: `name ${i} é`,
  type: `t${i % 3}`,
  n: i / 4,
  tags: ['a', `b|${i}`],
  meta: { a: i % 2 ? 'x' : null }
}));

/** The same operations on a resource where nothing is in the way, and on one where every method runs in JavaScript. */
const OBSTACLES = {
  none: () => {},
  hooks: (resource) => {
    for (const name of ['beforeInsert', 'afterInsert', 'beforeGet', 'afterGet']) resource.addHook(name, (data) => data);
  },
  listeners: (resource) => {
    for (const event of ['inserted', 'fetched']) resource.on(event, () => {});
  },
  middlewares: (resource) => {
    for (const method of ['insert', 'get', 'listIds']) resource.useMiddleware(method, (_ctx, next) => next());
  },
  overrides: (resource) => {
    for (const method of ['insert', 'get', 'getFromPartition', 'list']) {
      const original = resource[method];
      resource[method] = (...args) => original.apply(resource, args);
    }
  }
};

async function outcome(obstacle, behavior) {
  const database = await connectDatabase();
  const resource = await database.createResource({ name: 'items', attributes, partitions, behavior, asyncPartitions: false });
  OBSTACLES[obstacle](resource);
  for (const operation of ['insertMany', 'getMany', 'listMain', 'getAll']) {
    // Listeners of stored records are told after each native batch.
    const expected = obstacle === 'none' || (obstacle === 'listeners' && operation === 'insertMany');
    const decision = decideBulk(resource, operation);
    assert.equal(decision.allowed, expected, `${operation}: ${decision.reason}`);
    assert.equal(decision.reason === '', expected);
  }
  const strip = (list) => list.map(({ _lastModified, ...record }) => record);
  const results = {
    inserted: strip(await resource.insertMany([...records.slice(0, 10), { n: 1 }, ...records.slice(10)])),
    many: strip(await resource.getMany(['id-003', 'gone', 'id-001'])),
    list: strip(await resource.list({ limit: 7, offset: 3 })),
    partition: strip(await resource.list({ partition: 'byType', partitionValues: { type: 't1' }, limit: 4 })),
    query: strip(await resource.query({ type: 't2' }, { limit: 4 })),
    queryOffset: strip(await resource.query({ 'meta.a': 'x' }, { offset: 5, limit: 100 })),
    all: strip(await resource.getAll()),
    page: strip((await resource.page({ size: 5, offset: 25 })).items)
  };
  const stored = {};
  for (const key of (await allKeys(database)).filter((key) => key.startsWith('resource='))) stored[key] = await readObject(database, key);
  return { results, stored };
}

for (const behavior of ['user-managed', 'body-overflow', 'body-only']) {
  for (const obstacle of ['hooks', 'listeners', 'middlewares', 'overrides']) {
    test(`both routes give the same results and bytes: ${obstacle}, ${behavior}`, async () => {
      const native = await outcome('none', behavior);
      const javascript = await outcome(obstacle, behavior);
      assert.deepEqual(javascript.results, native.results);
      assert.deepEqual(javascript.stored, native.stored);
    });
  }
}

for (const route of ['batch', 'single']) {
  test(`hooks and listeners follow every stored record of insertMany: ${route}`, async () => {
    const database = await connectDatabase();
    const resource = await database.createResource({ name: 'items', attributes, asyncEvents: false });
    if (route === 'single') resource.addHook('beforeInsert', (data) => data);
    assert.equal(decideBulk(resource, 'insertMany').allowed, route === 'batch');
    const seen = [];
    const heard = [];
    resource.addHook('afterInsert', async ({ item }) => {
      seen.push(item.id);
      if (item.n === 2) throw new Error('hook refused');
      return { ...item, hooked: true };
    });
    resource.on('inserted', (record) => {
      heard.push(record.id);
      if (record.n === 3) throw new Error('listener refused');
    });
    resource.on('inserted:b', (record) => heard.push(`variant ${record.id}`));
    const result = await resource.insertMany(['a', 'b', 'c', 'd', 'e'].map((id, n) => ({ id, name: id, n })));
    assert.deepEqual(seen.sort(), ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(heard.sort(), ['a', 'b', 'd', 'e', 'variant b']);
    assert.deepEqual(
      result.map(({ id, hooked }) => [id, hooked]),
      [
        ['a', true],
        ['b', true],
        ['e', true]
      ]
    );
    assert.deepEqual(
      result.errors.map(({ index, error }) => [index, error.message]),
      [
        [2, 'hook refused'],
        [3, 'listener refused']
      ]
    );
    assert.equal(await resource.count(), 5);
  });
}

test('the reason names the first obstacle', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({ name: 'items', attributes });
  assert.deepEqual(decideBulk(resource, 'getMany'), { allowed: true, reason: '' });
  resource.on('fetched:id-1', () => {});
  assert.deepEqual(decideBulk(resource, 'getMany'), { allowed: false, reason: 'listener fetched' });
  resource.addHook('afterGet', () => {});
  assert.deepEqual(decideBulk(resource, 'getMany'), { allowed: false, reason: 'hook afterGet' });
  resource.get = async () => null;
  assert.deepEqual(decideBulk(resource, 'getMany'), { allowed: false, reason: 'method get' });
});
