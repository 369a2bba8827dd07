/** Failures that belong to something else than the record at hand, and what operations must not make of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResourceError } from '../../js/index.js';
import { allKeys, connectDatabase, settle } from './support/databases.js';

const BY_TYPE = { byType: { fields: { type: 'string' } } };
const OF_X = { partition: 'byType', partitionValues: { type: 'x' } };
const idsOf = (records) => records.map(({ id }) => id);

async function create(config = {}) {
  const database = await connectDatabase();
  const attributes = { name: 'string', type: 'string|optional' };
  const items = await database.createResource({ name: 'items', attributes, partitions: BY_TYPE, asyncPartitions: false, ...config });
  const related = await database.createResource({ name: 'related', attributes: { x: 'string' } });
  await items.insert({ id: 'a', name: 'A', type: 'x' });
  return { database, items, related };
}

/** Every operation that reads the record. */
const READS = {
  get: (items) => items.get('a'),
  getOrNull: (items) => items.getOrNull('a'),
  getOrThrow: (items) => items.getOrThrow('a'),
  getMany: (items) => items.getMany(['a']),
  getAll: (items) => items.getAll(),
  list: (items) => items.list(),
  'list of a partition': (items) => items.list(OF_X),
  page: (items) => items.page(),
  query: (items) => items.query({ name: 'A' }),
  getFromPartition: (items) => items.getFromPartition({ id: 'a', partitionName: 'byType', partitionValues: { type: 'x' } }),
  update: (items) => items.update('a', { name: 'B' }),
  updateConditional: (items) => items.updateConditional('a', { name: 'B' }, { ifMatch: 'any' }),
  setContent: (items) => items.setContent({ id: 'a', buffer: 'x' }),
  delete: (items) => items.delete('a'),
  readable: async (items) => {
    for await (const record of items.readable()) assert.ok(record);
  }
};

for (const [name, run] of Object.entries(READS)) {
  test(`spec03_13 an afterGet hook that does not find something else fails ${name}, which does not take the record for missing`, async () => {
    const { database, items, related } = await create();
    const before = await allKeys(database, 'resource=items/');
    const unrelated = [
      async () => related.get('gone'),
      async () => related.update('gone', { x: 'y' }),
      async () => database.client.getObject('files/gone'),
      async () => {
        throw Object.assign(new Error('the service knows no such page'), { statusCode: 404 });
      }
    ];
    for (const fail of unrelated) {
      let thrown;
      const hook = async () => {
        try {
          await fail();
        } catch (error) {
          thrown = error;
          throw error;
        }
      };
      items.addHook('afterGet', hook);
      await assert.rejects(run(items), (error) => error === thrown);
      items.removeHook('afterGet', hook);
    }
    assert.deepEqual(await allKeys(database, 'resource=items/'), before, 'nothing was deleted');
    assert.equal((await items.get('a')).name, 'A', 'nothing was written');
  });
}

test('spec03_9_1 a hook that says NoSuchKey of the record hides it', async () => {
  const { items } = await create();
  items.addHook('afterGet', (record) => {
    throw Object.assign(new Error(`NoSuchKey: ${record.id}`), { name: 'NoSuchKey' });
  });
  assert.equal(await items.getOrNull('a'), null);
  await assert.rejects(items.getOrThrow('a'), { code: 'RESOURCE_NOT_FOUND' });
  assert.deepEqual(await items.list(), []);
});

test('spec03_9_1 a client may give its errors an id of its own', async () => {
  const { database, items } = await create();
  database.client.getObject = async () => {
    throw Object.assign(new Error('gone'), { name: 'NoSuchKey', id: 'request-7', $metadata: { httpStatusCode: 404 } });
  };
  assert.equal(await items.getOrNull('a'), null);
  assert.deepEqual(await items.getMany(['a']), []);
});

test('spec03_8_6 upsert rejects with what an insert hook failed of, and does not update', async () => {
  const { items, related } = await create();
  await related.insert({ id: 'taken', x: '1' });
  const updates = [];
  items.addHook('beforeUpdate', (data) => {
    updates.push(data.id);
  });
  for (const [hook, other, statusCode] of [
    ['beforeInsert', { id: 'taken', x: '2' }, 409],
    ['afterInsert', { id: 'taken', x: '2' }, 409],
    ['afterInsert', { id: 'free' }, 422]
  ]) {
    const fail = async () => {
      await related.insert(other);
    };
    items.addHook(hook, fail);
    await assert.rejects(items.upsert({ id: `new-${hook}-${statusCode}`, name: 'N' }), { name: 'InvalidResourceItem', statusCode });
    items.removeHook(hook, fail);
  }
  assert.deepEqual(updates, []);
});

for (const behavior of ['user-managed', 'enforce-limits']) {
  test(`spec03_8_3 a failed precondition of a hook is no reason to run update and patch again (${behavior})`, async () => {
    const { items } = await create({ behavior });
    let calls = 0;
    items.addHook('beforeUpdate', () => {
      calls += 1;
      throw new ResourceError('somebody else was faster', { statusCode: 412, code: 'PreconditionFailed' });
    });
    await assert.rejects(items.update('a', { name: 'B' }), { message: 'somebody else was faster' });
    await assert.rejects(items.patch('a', { name: 'B' }), { message: 'somebody else was faster' });
    assert.equal(calls, 2);
  });

  test(`spec03_8_3 $before is what was stored, whatever a hook does to nested values of its argument (${behavior})`, async () => {
    const attributes = { name: 'string', tags: 'array|items:string', profile: { city: 'string' } };
    const database = await connectDatabase();
    const nested = await database.createResource({ name: 'nested', behavior, attributes });
    await nested.insert({ id: 'a', name: 'A', tags: ['x'], profile: { city: 'Porto' } });
    const events = [];
    nested.on('updated', (event) => events.push(event));
    nested.addHook('beforeUpdate', (data) => {
      data.tags.push('y');
      data.profile.city = 'Faro';
      return data;
    });
    await nested.patch('a', { name: 'B' });
    await settle();
    const [{ $before, $after }] = events;
    assert.deepEqual([$before.tags, $before.profile], [['x'], { city: 'Porto' }]);
    assert.deepEqual([$after.tags, $after.profile], [['x', 'y'], { city: 'Faro' }]);
  });
}

test('spec03_13_2 what beforeList does not return stays', async () => {
  const { items } = await create();
  await items.insertMany([
    { id: 'b', name: 'B', type: 'y' },
    { id: 'c', name: 'C', type: 'x' }
  ]);
  items.addHook('beforeList', () => ({ limit: 5 }));
  assert.deepEqual(idsOf(await items.list(OF_X)), ['a', 'c']);
});

for (const [what, rule, value] of [
  ['a date after the year 9999', 'date', '+010000-01-01T00:00:00Z'],
  ['a text cut inside of a surrogate pair', 'string|maxlength:3', 'ab\u{1f44d}'],
  ['a text with half of a surrogate pair', 'string', 'a\ud83d']
]) {
  for (const hooked of [false, true]) {
    test(`spec03_11_3 ${what} has the same key in JavaScript and in the engine${hooked ? ', read through methods' : ''}`, async () => {
      const database = await connectDatabase();
      const items = await database.createResource({
        name: 'items',
        attributes: { at: rule === 'date' ? 'date' : 'string' },
        partitions: { byAt: { fields: { at: rule } } },
        asyncPartitions: false
      });
      const at = rule === 'date' ? new Date(value) : value;
      const record = await items.insert({ id: 'a', at });
      const key = items.getPartitionKey({ partitionName: 'byAt', id: 'a', data: record });
      assert.deepEqual(await allKeys(database, 'resource=items/partition='), [key]);
      if (hooked) items.addHook('afterGet', (found) => found);
      for (const partitionValues of [{ at }, {}]) {
        const options = { partition: 'byAt', partitionValues };
        assert.deepEqual(idsOf(await items.list(options)), ['a']);
        assert.deepEqual(await items.listIds(options), ['a']);
        assert.equal(await items.count(options), 1);
      }
      assert.equal((await items.getFromPartition({ id: 'a', partitionName: 'byAt', partitionValues: { at } })).id, 'a');
    });
  }
}

test('spec03_11_3 partitions by day and by month of one field do not disturb each other', async () => {
  const database = await connectDatabase();
  const items = await database.createResource({
    name: 'items',
    attributes: { at: 'string' },
    partitions: { byDay: { fields: { at: 'date|maxlength:10' } }, byMonth: { fields: { at: 'date|maxlength:7' } } },
    asyncPartitions: false
  });
  const values = ['2024-05-15T10:00:00+05:00', '2024-05-16T10:00:00.000Z', '2024-06-16'];
  await items.insertMany(values.map((at, i) => ({ id: `r${i}`, at })));
  const found = (partition, at) => items.listIds({ partition, partitionValues: { at } });
  assert.deepEqual(await Promise.all(values.map((at) => found('byDay', at))), [['r0'], ['r1'], ['r2']]);
  assert.deepEqual(await Promise.all(values.map((at) => found('byMonth', at))), [['r0', 'r1'], ['r0', 'r1'], ['r2']]);
  await items.insert({ id: 'year', at: '2023' });
  assert.deepEqual(await found('byDay', '2023'), ['year']);
  await items.update('r0', { at: values[2] });
  assert.deepEqual(await found('byDay', values[0]), []);
  assert.deepEqual(await found('byMonth', values[0]), ['r1']);
  assert.deepEqual(await found('byMonth', values[2]), ['r0', 'r2']);
});

for (const [name, id, refused] of [
  ['an object', {}, true],
  ['an array', ['a'], true],
  ['a Date', new Date(0), true],
  ['a boolean', true, true],
  ['a function', () => 1, true],
  ['a symbol', Symbol('a'), true],
  ['a number', 7, false],
  ['a bigint', 7n, false]
]) {
  test(`spec03_6_2 ${name} ${refused ? 'is refused' : 'becomes text'} as the id of an insert`, async () => {
    const { database, items } = await create();
    const before = await allKeys(database, 'resource=items/');
    if (!refused) {
      assert.equal((await items.insert({ id, name: 'A' })).id, '7');
      assert.equal((await items.upsert({ id, name: 'B' })).name, 'B');
      assert.equal((await items.get('7')).name, 'B');
      return;
    }
    const expected = { name: 'ValidationError', message: 'Resource id must be a string', statusCode: 400, field: 'id' };
    await assert.rejects(items.insert({ id, name: 'A' }), expected);
    await assert.rejects(items.upsert({ id, name: 'A' }), expected);
    assert.deepEqual(
      (await items.insertMany([{ id, name: 'A' }])).errors.map(({ error }) => error.message),
      [expected.message]
    );
    assert.deepEqual(await allKeys(database, 'resource=items/'), before);
  });
}

test('spec03_6_1 a generator that gives nothing falls back to the default', async () => {
  for (const idGenerator of [() => undefined, () => null, async () => undefined]) {
    const database = await connectDatabase();
    const items = await database.createResource({ name: 'items', attributes: { name: 'string' }, idGenerator });
    const made = [await items.insert({ name: 'A' }), ...(await items.insertMany([{ name: 'B' }]))];
    assert.deepEqual(
      made.map(({ id }) => id.length),
      [22, 22]
    );
  }
});

test('spec03_9 null in the place of options means none', async () => {
  const { items } = await create();
  for (const method of ['list', 'listIds', 'listMain', 'page', 'query', 'count', 'readable']) {
    const result = await items[method](null);
    if (method === 'count') assert.equal(result, 1);
    else if (method === 'readable') result.destroy();
    else assert.equal((result.items ?? result).length, 1, method);
  }
  for (const options of [null, undefined, {}]) {
    await assert.rejects(items.getFromPartition(options), { name: 'PartitionError', statusCode: 400 });
  }
});

test('spec03_6_3 no record has an empty id, and getMany takes arrays only', async () => {
  const { items } = await create();
  assert.equal(await items.exists(''), false);
  assert.equal(await items.hasContent(''), false);
  assert.deepEqual(await items.content(''), { buffer: null, contentType: null });
  for (const hooked of [false, true]) {
    if (hooked) items.addHook('afterGet', (record) => record);
    for (const ids of [undefined, null, 'abc', new Set(['a']), {}]) {
      await assert.rejects(items.getMany(ids), { name: 'ValidationError', message: 'getMany requires an array of ids', statusCode: 400 });
    }
  }
});

test('spec03_8_2 insertMany takes arrays, iterables and asynchronous iterables, and rejects with what they throw', async () => {
  const { items } = await create();
  const rows = () => ['b', 'c'].map((id) => ({ id, name: id }));
  async function* produced() {
    yield* rows();
  }
  async function* broken() {
    yield { id: 'd', name: 'd' };
    throw new Error('no more');
  }
  for (const source of [rows(), new Set(rows()), produced()]) {
    assert.deepEqual(idsOf(await items.insertMany(source)), ['b', 'c']);
    await items.deleteMany(['b', 'c']);
  }
  await assert.rejects(items.insertMany(broken()), { message: 'no more' });
  assert.deepEqual(await items.listIds(), ['a'], 'nothing of a broken source is stored');
  await assert.rejects(items.insertMany({ name: 'x' }), { name: 'ValidationError', message: /^"items" must be an array/ });
});

const denied = Object.assign(new Error('not for you'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } });

test('spec03_11_5 under strictPartitions updateConditional rejects when references fail: the record has changed', async () => {
  const { database, items } = await create({ strictPartitions: true });
  const { _etag } = await items.get('a');
  const { putObject } = database.client;
  database.client.putObject = async (request) => {
    if (request.key.includes('partition=')) throw denied;
    return putObject.call(database.client, request);
  };
  await assert.rejects(items.updateConditional('a', { type: 'y' }, { ifMatch: _etag }), (error) => error === denied);
  assert.equal((await items.get('a')).type, 'y');
  // A write that fails is a result still.
  const result = await items.updateConditional('a', { type: 'z' }, { ifMatch: _etag });
  assert.deepEqual([result.success, result.error], [false, 'ETag mismatch - object was modified by another process']);
});

for (const replaced of [false, true]) {
  test(`spec03_11_5 references follow updateConditional under strictPartitions${replaced ? ', through a replaced method' : ''}`, async () => {
    const { database, items } = await create({ strictPartitions: true, versioningEnabled: true });
    if (replaced) {
      const { handlePartitionReferenceUpdates } = items;
      items.handlePartitionReferenceUpdates = (...args) => handlePartitionReferenceUpdates.apply(items, args);
    }
    // A hook that changes what is read does not change which reference the stored record has.
    items.addHook('afterGet', (record) => ({ ...record, type: 'shown' }));
    const { _etag } = await items.get('a');
    const { success } = await items.updateConditional('a', { type: 'y' }, { ifMatch: _etag });
    assert.equal(success, true);
    assert.deepEqual(await allKeys(database, 'resource=items/partition='), [
      'resource=items/partition=byType/type=y/id=a',
      `resource=items/partition=byVersion/_v=${items.version}/id=a`
    ]);
  });
}

test('spec03_15 a declaration with a middleware of an unknown method declares nothing', async () => {
  const database = await connectDatabase();
  const refused = { name: 'ResourceError', message: 'No such method for middleware: nope', statusCode: 400 };
  const middlewares = { insert: (_context, next) => next(), nope: (_context, next) => next() };
  await assert.rejects(database.createResource({ name: 'items', attributes: { a: 'string' }, middlewares }), refused);
  assert.deepEqual(Object.keys(database.resources), []);
  const items = await database.createResource({ name: 'items', attributes: { a: 'string' } });
  const again = {
    name: 'items',
    attributes: { a: 'string', b: 'number' },
    behavior: 'body-only',
    hooks: { beforeInsert: [(data) => data] }
  };
  await assert.rejects(database.createResource({ ...again, middlewares }), refused);
  assert.deepEqual([items.attributes, items.behavior, items.hooks.beforeInsert.length], [{ a: 'string' }, 'user-managed', 0]);
});

test('spec03_15 a middleware that is no function is refused by its method, and nothing is declared', async () => {
  const database = await connectDatabase();
  const attributes = { a: 'string' };
  const next = (_context, go) => go();
  for (const [middlewares, method] of [
    [{ insert: 5 }, 'insert'],
    [{ get: [next, undefined] }, 'get'],
    [[next, 'log'], '*'],
    ['log', '*']
  ]) {
    await assert.rejects(database.createResource({ name: 'items', attributes, middlewares }), {
      name: 'ResourceError',
      message: `Middleware for '${method}' must be a function`,
      statusCode: 400
    });
  }
  assert.deepEqual(Object.keys(database.resources), []);
  const items = await database.createResource({ name: 'items', attributes, middlewares: { insert: undefined, get: next } });
  assert.deepEqual([items._middlewares.get('insert').length, items._middlewares.get('get').length], [0, 1]);
});

test('spec03_2_4 a declaration that is refused leaves the mode of events as it was', async () => {
  const { database, items } = await create();
  await assert.rejects(database.createResource({ name: 'items', attributes: { name: 'nonsense' }, asyncEvents: false }), {
    name: 'SchemaError'
  });
  assert.equal(items._asyncMode, true);
});

test('spec03_25_4 a guard that is no object of rules is the rule of every operation, and denies where it is unknown', async () => {
  const user = { roles: ['admin'] };
  for (const [guard, expected] of [
    ['admin', false],
    [5, false],
    [true, true],
    [() => false, false],
    [async (context) => context.user === user, true],
    [null, true],
    [undefined, true]
  ]) {
    const { items } = await create({ guard });
    for (const operation of ['get', 'insert', 'anything'])
      assert.equal(await items.executeGuard(operation, { user }), expected, String(guard));
  }
});

test('decision_13 record hooks of the database are bound to the resource that they run for', async () => {
  const { database, items, related } = await create();
  const seen = [];
  database.addHook('beforeInsert', function note(data, { resource, event }) {
    seen.push([this === resource, this?.name, event, data.id]);
    return data;
  });
  await items.insert({ id: 'b', name: 'B' });
  await related.insert({ id: 'r', x: '1' });
  const later = await database.createResource({ name: 'later', attributes: { x: 'string' } });
  await later.insertMany([{ id: 'l', x: '1' }]);
  assert.deepEqual(seen, [
    [true, 'items', 'beforeInsert', 'b'],
    [true, 'related', 'beforeInsert', 'r'],
    [true, 'later', 'beforeInsert', 'l']
  ]);
});
