import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectDatabase, settle } from './support/databases.js';

const attributes = { name: 'string|required', n: 'number|optional' };

async function create(config = {}) {
  const database = await connectDatabase();
  return { database, resource: await database.createResource({ name: 'items', attributes, ...config }) };
}

test('hooks of every operation run in order, with their arguments', async () => {
  const { resource } = await create({ behavior: 'enforce-limits' });
  const seen = [];
  for (const name of Object.keys(resource.hooks)) {
    resource.addHook(name, (data) => {
      seen.push([
        name,
        Array.isArray(data)
          ? data.length
          : Object.keys(data)
              .filter((key) => !key.startsWith('_'))
              .join()
      ]);
      return data;
    });
  }
  const run = async (work) => {
    seen.length = 0;
    await work();
    return seen.map(([name, keys]) => `${name}(${keys})`);
  };
  assert.deepEqual(await run(() => resource.insert({ id: 'a', name: 'A' })), ['beforeInsert(id,name)', 'afterInsert(name,id)']);
  assert.deepEqual(await run(() => resource.get('a')), ['beforeGet(id)', 'afterGet(name,id)']);
  assert.deepEqual(await run(() => resource.update('a', { n: 1 })), [
    'beforeGet(id)',
    'afterGet(name,id)',
    'beforeUpdate(name,id,n)',
    'afterUpdate(name,n,id)'
  ]);
  assert.deepEqual(await run(() => resource.exists('a')), ['beforeExists(id)', 'afterExists(id,exists)']);
  assert.deepEqual(await run(() => resource.patch('a', { n: 2 })), [
    'beforePatch(id,fields,options)',
    'beforeUpdate(name,n,id)',
    'afterUpdate(name,n,id)',
    'afterPatch(name,n,id)'
  ]);
  assert.deepEqual(await run(() => resource.replace('a', { name: 'B' })), ['beforeReplace(id,fullData,options)', 'afterReplace(name,id)']);
  assert.deepEqual(await run(() => resource.count()), [
    'beforeCount(partition,partitionValues)',
    'afterCount(count,partition,partitionValues)'
  ]);
  assert.deepEqual(await run(() => resource.getMany(['a'])), [
    'beforeGetMany(ids)',
    'beforeGet(id)',
    'afterGet(name,id)',
    'afterGetMany(1)'
  ]);
  assert.deepEqual(await run(() => resource.list()), [
    'beforeList(partition,partitionValues,limit,offset)',
    'beforeGet(id)',
    'afterGet(name,id)',
    'afterList(1)'
  ]);
  assert.deepEqual(await run(() => resource.query({ name: 'B' })), [
    'beforeQuery(filter,limit,offset,partition,partitionValues)',
    'beforeList(partition,partitionValues,limit,offset)',
    'beforeGet(id)',
    'afterGet(name,id)',
    'afterList(1)',
    'afterQuery(1)'
  ]);
  assert.deepEqual(await run(() => resource.delete('a')), [
    'beforeGet(id)',
    'afterGet(name,id)',
    'beforeDelete(name,id)',
    'afterDelete(name,id)'
  ]);
  assert.deepEqual(await run(() => resource.deleteMany(['x'])), ['beforeDeleteMany(ids)', 'afterDeleteMany(ids,results)']);
});

test('hook results are chained; undefined leaves the value as it is', async () => {
  const { resource } = await create({
    hooks: {
      beforeInsert: [(data) => ({ ...data, n: 1 }), async (data) => ({ ...data, n: data.n + 1 }), () => {}],
      afterInsert: [(record) => ({ ...record, extra: true }), () => undefined],
      afterGet: [(record) => ({ ...record, seen: true })]
    }
  });
  const inserted = await resource.insert({ id: 'a', name: 'A' });
  assert.deepEqual([inserted.n, inserted.extra], [2, true]);
  assert.equal((await resource.get('a')).seen, true);
});

test('a throwing before hook aborts, a throwing after hook rejects although the write happened', async () => {
  const { resource } = await create();
  const fail = () => {
    throw new Error('veto');
  };
  resource.addHook('beforeInsert', fail);
  await assert.rejects(resource.insert({ id: 'a', name: 'A' }), { message: 'veto' });
  assert.equal(await resource.exists('a'), false);
  assert.equal(resource.removeHook('beforeInsert', fail), true);
  const events = [];
  resource.on('inserted', () => events.push(1));
  resource.addHook('afterInsert', fail);
  await assert.rejects(resource.insert({ id: 'a', name: 'A' }), { message: 'veto' });
  await settle();
  assert.equal(await resource.exists('a'), true);
  assert.deepEqual(events, []);
});

test('hooks are bound to the resource and may choose the id', async () => {
  const { resource } = await create({
    hooks: {
      beforeInsert: [
        function choose(data) {
          return { ...data, id: `${this.name}-1` };
        }
      ]
    }
  });
  assert.equal((await resource.insert({ name: 'A' })).id, 'items-1');
});

test('afterInsert accepts the record and the documented { item } form', async () => {
  const { resource } = await create();
  const seen = [];
  resource.addHook('afterInsert', ({ item }) => {
    seen.push(item.name);
  });
  const record = await resource.insert({ name: 'A' });
  assert.deepEqual(seen, ['A']);
  assert.equal(Object.keys(record).includes('item'), false);
});

test('spec03_25_47_internal_partition_hooks_are_installed_once', async () => {
  const config = { partitions: { byName: { fields: { name: 'string' } } }, hooks: { afterInsert: [(record) => record] } };
  const { database, resource } = await create(config);
  assert.equal(resource.hooks.afterInsert.length, 2);
  assert.equal(resource.hooks.afterDelete.length, 1);
  resource.setupPartitionHooks();
  resource.updateAttributes({ ...attributes });
  await database.createResource({ name: 'items', attributes, ...config });
  assert.equal(resource.hooks.afterInsert.length, 2);
  assert.equal(resource.hooks.afterDelete.length, 1);
});

test('executeHooks is public and leaves unknown names alone', async () => {
  const { resource } = await create();
  resource.addHook('beforeGet', (data) => ({ ...data, x: 1 }));
  assert.deepEqual(await resource.executeHooks('beforeGet', { id: 1 }), { id: 1, x: 1 });
  assert.equal(await resource.executeHooks('nope', 5), 5);
  resource.addHook('nope', () => {});
  assert.throws(() => resource.addHook('beforeGet', 5), { name: 'ResourceError' });
});

test('beforeList may change the options by returning them', async () => {
  const { resource } = await create();
  await resource.insertMany(['a', 'b'].map((id) => ({ id, name: id })));
  resource.addHook('beforeList', (options) => ({ ...options, limit: 1 }));
  assert.equal((await resource.list()).length, 1);
});

test('middlewares wrap in registration order and share a context', async () => {
  const { resource } = await create();
  const seen = [];
  resource.useMiddleware('insert', async (ctx, next) => {
    seen.push('A>');
    ctx.mark = 1;
    const result = await next();
    seen.push('<A');
    return { ...result, wrapped: true };
  });
  resource.useMiddleware('inserted', async (ctx, next) => {
    seen.push(`B>${ctx.mark}${ctx.method}${ctx.resource === resource}`);
    ctx.args = [{ ...ctx.args[0], n: 7 }];
    return next();
  });
  resource.addHook('beforeInsert', (data) => {
    seen.push('hook');
    return data;
  });
  const record = await resource.insert({ name: 'A' });
  assert.deepEqual(seen, ['A>', 'B>1inserttrue', 'hook', '<A']);
  assert.deepEqual([record.n, record.wrapped], [7, true]);
});

test('a middleware may short-circuit, must not call next twice, and needs a known method', async () => {
  const { resource } = await create();
  resource.useMiddleware('get', async () => 'cached');
  assert.equal(await resource.get('a'), 'cached');
  resource.useMiddleware('count', async (_ctx, next) => {
    await next();
    return next();
  });
  await assert.rejects(resource.count(), {
    name: 'ResourceError',
    message: 'Resource middleware next() called multiple times',
    statusCode: 500
  });
  assert.throws(() => resource.useMiddleware('nope', async () => {}), {
    name: 'ResourceError',
    message: 'No such method for middleware: nope'
  });
});

test('nested calls pass through middlewares; patch and insertMany can be wrapped without joining the list', async () => {
  const { resource } = await create();
  const seen = [];
  const watch = (method) =>
    resource.useMiddleware(method, async (_ctx, next) => {
      seen.push(method);
      return next();
    });
  for (const method of ['insert', 'get', 'list', 'listIds', 'count', 'insertMany', 'patch']) watch(method);
  await resource.insertMany([{ id: 'a', name: 'A' }]);
  assert.deepEqual(seen.splice(0), ['insertMany', 'insert']);
  await resource.page({ size: 1 });
  assert.deepEqual(seen.splice(0), ['count', 'list', 'listIds', 'get']);
  await resource.patch('a', { n: 1 });
  assert.deepEqual(seen.splice(0), ['patch']);
  assert.equal(resource._middlewareMethods.includes('patch'), false);
});

test('a cache around get cannot feed stale data into an update', async () => {
  const { resource } = await create();
  await resource.insert({ id: 'a', name: 'A', n: 1 });
  const stale = await resource.get('a');
  await resource.update('a', { n: 2 });
  resource.get = async () => stale;
  assert.equal((await resource.update('a', { name: 'B' })).n, 2);
});

test('methods assigned on the instance are used by the others', async () => {
  const { resource } = await create();
  const seen = [];
  for (const method of ['insert', 'get', 'listIds', 'list']) {
    const original = resource[method];
    resource[method] = async (...args) => {
      seen.push(method);
      return original.apply(resource, args);
    };
  }
  await resource.insertMany([{ id: 'a', name: 'A' }]);
  await resource.getMany(['a']);
  await resource.getOrNull('a');
  await resource.getAll();
  await resource.query({ name: 'A' });
  assert.deepEqual(seen, ['insert', 'get', 'get', 'listIds', 'get', 'list', 'listIds', 'get']);
});

test('spec03_25_04_an_explicit_false_and_unknown_rules_deny', async () => {
  const { resource } = await create({
    guard: { get: false, list: true, update: ['admin'], delete: 'nonsense', insert: (ctx) => ctx.ok, count: () => 1, '*': ['any'] }
  });
  const user = { roles: ['admin'] };
  assert.equal(await resource.executeGuard('get', { user }), false);
  assert.equal(await resource.executeGuard('list', {}), true);
  assert.equal(await resource.executeGuard('update', { user }), true);
  assert.equal(await resource.executeGuard('update', {}), false);
  assert.equal(await resource.executeGuard('delete', { user }), false);
  assert.equal(await resource.executeGuard('insert', { ok: true }), true);
  assert.equal(await resource.executeGuard('count', {}), false);
  assert.equal(await resource.executeGuard('other', { user: { scope: 'x any' } }), true);
});

test('roles are found in every documented place', async () => {
  const { resource } = await create({ guard: ['r'] });
  assert.deepEqual(resource.guard, { '*': ['r'] });
  const check = (user) => resource._checkRolesScopes(['r'], user);
  assert.equal(check({ azp: 'app', resource_access: { app: { roles: ['r'] } } }), true);
  assert.equal(check({ realm_access: { roles: ['r'] } }), true);
  assert.equal(check({ roles: ['r'] }), true);
  assert.equal(check({ scope: 'a r' }), true);
  assert.equal(check({ scope: 'ar' }), false);
  assert.equal(check(null), false);
});

test('spec03_25_36_once_listeners_fire_once_in_async_mode', async () => {
  const { resource } = await create();
  let calls = 0;
  resource.once('inserted', () => {
    calls += 1;
  });
  await resource.insert({ name: 'A' });
  await resource.insert({ name: 'B' });
  await settle();
  assert.equal(calls, 1);
});

test('configured listeners are bound; sync mode runs them during the operation', async () => {
  const seen = [];
  const { resource } = await create({
    asyncEvents: false,
    events: {
      inserted: [
        function onInserted(record) {
          seen.push([this.name, record.name]);
        }
      ]
    }
  });
  await resource.insert({ name: 'A' });
  assert.deepEqual(seen, [['items', 'A']]);
  resource.on('inserted', () => {
    throw new Error('listener');
  });
  await assert.rejects(resource.insert({ name: 'B' }), { message: 'listener' });
});

test('spec03_25_28_bulk_failures_without_error_listeners_do_not_crash', async () => {
  const { database, resource } = await create({ asyncEvents: false });
  const results = await resource.insertMany([{ name: 'A' }, {}]);
  assert.equal(results.length, 1);
  const seen = [];
  database.on('error', (name, error, item) => seen.push([name, error.name, item]));
  await resource.insertMany([{ n: 1 }]);
  assert.deepEqual(seen, [['items', 'InvalidResourceItem', { n: 1 }]]);
});

test('spec03_23 generateId and processPartitionResults in the place of ours are used', async () => {
  const partitions = { byName: { fields: { name: 'string', n: 'number' } } };
  const { resource } = await create({ partitions, asyncPartitions: false });
  let made = 0;
  resource.generateId = () => {
    made += 1;
    return `own-${made}`;
  };
  await resource.insert({ name: 'A', n: 1 });
  await resource.insertMany([
    { name: 'A', n: 2 },
    { name: 'B', n: 3 }
  ]);
  resource.generateId = async () => 'later';
  assert.equal((await resource.insert({ name: 'C', n: 4 })).id, 'later');
  assert.deepEqual(await resource.listIds(), ['later', 'own-1', 'own-2', 'own-3']);
  const seen = [];
  const { processPartitionResults } = resource;
  resource.processPartitionResults = async (...args) => {
    seen.push([args[0], args[1], args[3]]);
    return processPartitionResults.apply(resource, args);
  };
  const records = await resource.list({ partition: 'byName', partitionValues: { name: 'A' }, limit: 2 });
  assert.deepEqual(
    records.map(({ id, _partitionValues }) => [id, _partitionValues]),
    [
      ['own-1', { n: '1', name: 'A' }],
      ['own-2', { n: '2', name: 'A' }]
    ]
  );
  const prefix = 'resource=items/partition=byName/n=';
  assert.deepEqual(seen, [[['own-1', 'own-2'], 'byName', [`${prefix}1/name=A/id=own-1`, `${prefix}2/name=A/id=own-2`]]]);
});

test('spec03_11_1 partitions that are changed in place hold from the next write on', async () => {
  const { database, resource } = await create({ partitions: { first: { fields: { name: 'string' } } }, asyncPartitions: false });
  const referencesOf = async (id) => {
    await resource.insert({ id, name: 'N', n: 1 });
    const keys = await database.client.getAllKeys({ prefix: 'resource=items/partition=' });
    return keys.filter((key) => key.endsWith(`/id=${id}`)).map((key) => key.slice('resource=items/partition='.length));
  };
  const { partitions } = resource.config;
  assert.deepEqual(await referencesOf('a'), ['first/name=N/id=a']);
  delete partitions.first;
  partitions.second = { fields: { n: 'number' } };
  assert.deepEqual(await referencesOf('b'), ['second/n=1/id=b']);
  assert.deepEqual(await resource.listIds({ partition: 'second' }), ['b']);
  partitions.second = { fields: { name: 'string' } };
  assert.deepEqual(await referencesOf('c'), ['second/name=N/id=c']);
  partitions.second.fields.n = 'number';
  assert.deepEqual(await referencesOf('d'), ['second/n=1/name=N/id=d']);
  delete partitions.second.fields.n;
  partitions.second.fields.name = 'string|maxlength:0';
  partitions.third = { fields: { n: 'number' } };
  assert.deepEqual(await referencesOf('e'), ['second/name=/id=e', 'third/n=1/id=e']);
  delete partitions.second;
  delete partitions.third;
  assert.deepEqual(await referencesOf('f'), []);
});

test('spec03_11_5 replaced maintenance of references keeps the order of each record', async () => {
  const { resource } = await create({ partitions: { byName: { fields: { name: 'string' } } } });
  await resource.insert({ id: 'a', name: 'N0' });
  const { handlePartitionReferenceUpdates } = resource;
  const order = [];
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  resource.handlePartitionReferenceUpdates = async (before, after) => {
    if (after.name === 'N1') await held;
    order.push(`${before.name}>${after.name}`);
    await handlePartitionReferenceUpdates.call(resource, before, after);
  };
  await resource.update('a', { name: 'N1' });
  await resource.update('a', { name: 'N2' });
  await resource.insert({ id: 'b', name: 'B' });
  await resource.update('b', { name: 'B1' });
  await settle();
  assert.deepEqual(order, ['B>B1'], 'other records do not wait');
  release();
  await resource._drain();
  assert.deepEqual(order, ['B>B1', 'N0>N1', 'N1>N2']);
  assert.deepEqual(await resource.listIds({ partition: 'byName', partitionValues: { name: 'N2' } }), ['a']);
  assert.equal(await resource.count({ partition: 'byName' }), 2);
});
