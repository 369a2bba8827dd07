/** Guard helpers for web frameworks. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  allOf,
  anyOf,
  applyGuardsToDelete,
  applyGuardsToGet,
  applyGuardsToInsert,
  applyGuardsToList,
  applyGuardsToUpdate,
  createExpressContext,
  createFastifyContext,
  createHonoContext,
  requireAdmin,
  requireOwnership,
  requireRole,
  requireScopes,
  requireTenant
} from '../../js/concerns/guards-helpers.js';
import { connectDatabase } from './support/databases.js';

const request = { user: { id: 'u1' }, params: { id: '1' }, body: { a: 1 }, query: { q: 'x' }, headers: { host: 'h' } };
const SHAPE = [
  'user',
  'params',
  'body',
  'query',
  'headers',
  'partitionName',
  'partitionValues',
  'tenantId',
  'userId',
  'setPartition',
  'raw'
];

describe('guards-helpers', () => {
  let resource;
  before(async () => {
    const db = await connectDatabase();
    resource = await db.createResource({
      name: 'guarded',
      attributes: { owner: 'string', region: 'string' },
      partitions: { byRegion: { fields: { region: 'string' } } },
      guard: {
        list: (ctx) => {
          if (ctx.user?.region) ctx.setPartition('byRegion', { region: ctx.user.region });
          return Boolean(ctx.user);
        },
        insert: (ctx) => {
          if (ctx.user) ctx.body.owner = ctx.user.id;
          return Boolean(ctx.user);
        },
        '*': requireOwnership('owner')
      }
    });
    await resource.insert({ id: 'n', owner: 'u1', region: 'north' });
    await resource.insert({ id: 's', owner: 'u2', region: 'south' });
  });

  test('contexts of Express and Fastify requests have the documented shape', () => {
    for (const create of [createExpressContext, createFastifyContext]) {
      const ctx = create(request);
      assert.deepEqual(Object.keys(ctx), SHAPE);
      assert.deepEqual([ctx.user, ctx.params, ctx.body, ctx.query, ctx.headers], Object.values(request));
      assert.deepEqual([ctx.partitionName, ctx.partitionValues, ctx.tenantId, ctx.userId], [null, {}, null, null]);
      assert.equal(ctx.raw, request);
      ctx.setPartition('byRegion', { region: 'north' });
      assert.deepEqual([ctx.partitionName, ctx.partitionValues], ['byRegion', { region: 'north' }]);
      const empty = create({});
      assert.deepEqual([empty.user, empty.params, empty.body, empty.query, empty.headers], [null, {}, {}, {}, {}]);
    }
  });

  test('the context of a Hono request is asynchronous, and a body that is not JSON becomes {}', async () => {
    const c = (json) => ({
      get: (name) => (name === 'user' ? request.user : undefined),
      req: { json, param: () => request.params, query: () => request.query, header: () => request.headers }
    });
    const ctx = await createHonoContext(c(async () => request.body));
    assert.deepEqual(Object.keys(ctx), SHAPE);
    assert.deepEqual([ctx.user, ctx.params, ctx.body, ctx.query, ctx.headers], Object.values(request));
    const broken = await createHonoContext(c(async () => JSON.parse('<html>')));
    assert.deepEqual(broken.body, {});
  });

  test('list: options with the partition of the guard, or a 403', async () => {
    const ctx = createExpressContext({ user: { id: 'u1', region: 'south' } });
    const options = await applyGuardsToList(resource, ctx, { limit: 5 });
    assert.deepEqual(options, { limit: 5, partition: 'byRegion', partitionValues: { region: 'south' } });
    assert.deepEqual(
      (await resource.list(options)).map(({ id }) => id),
      ['s']
    );
    assert.deepEqual(await applyGuardsToList(resource, createExpressContext({ user: { id: 'u1' } })), {});
    await assert.rejects(applyGuardsToList(resource, createExpressContext({})), {
      name: 'ResourceError',
      message: 'Forbidden: Guard denied access to list',
      statusCode: 403
    });
  });

  test('get: the record, or null when it is missing or denied', async () => {
    const record = await resource.get('n');
    const ctx = createExpressContext({ user: { sub: 'u1' } });
    assert.equal(await applyGuardsToGet(resource, ctx, record), record);
    assert.equal(await applyGuardsToGet(resource, ctx, await resource.get('s')), null);
    assert.equal(await applyGuardsToGet(resource, ctx, null), null);
  });

  test('insert: what the guard wrote into the body is part of the data', async () => {
    const ctx = createExpressContext({ user: { id: 'u3' }, body: { region: 'west' } });
    assert.deepEqual(await applyGuardsToInsert(resource, ctx, { region: 'east', more: 1 }), { region: 'west', more: 1, owner: 'u3' });
    await assert.rejects(applyGuardsToInsert(resource, createExpressContext({}), {}), {
      message: 'Forbidden: Guard denied access to insert',
      statusCode: 403
    });
  });

  test('update and delete: true, 404 without a record, 403 when denied', async () => {
    for (const [operation, apply] of [
      ['update', applyGuardsToUpdate],
      ['delete', applyGuardsToDelete]
    ]) {
      const ctx = createExpressContext({ user: { id: 'u1' } });
      assert.equal(await apply(resource, ctx, await resource.get('n')), true);
      await assert.rejects(apply(resource, ctx, null), { message: 'Resource not found', statusCode: 404 });
      await assert.rejects(apply(resource, ctx, await resource.get('s')), {
        message: `Forbidden: Guard denied access to ${operation}`,
        statusCode: 403
      });
    }
  });

  test('guard factories answer by scopes, role, owner and tenant', () => {
    const scoped = { user: { scope: 'read write' } };
    const rows = [
      [requireScopes(['admin', 'read']), scoped, null, true],
      [requireScopes(['admin', 'read'], 'all'), scoped, null, false],
      [requireScopes(['write', 'read'], 'all'), { user: { scopes: ['read', 'write'] } }, null, true],
      [requireScopes('write'), scoped, null, true],
      [requireScopes(['read']), {}, null, false],
      [requireRole('editor'), { user: { role: 'editor' } }, null, true],
      [requireRole('editor'), { user: { roles: ['a', 'editor'] } }, null, true],
      [requireRole('editor'), { user: { roles: 'editor' } }, null, false],
      [requireRole('editor'), {}, null, false],
      [requireAdmin(), { user: { scope: 'x admin' } }, null, true],
      [requireAdmin(), scoped, null, false],
      [requireOwnership(), { user: { sub: 'u', id: 'other' } }, { userId: 'u' }, true],
      [requireOwnership('owner'), { user: { id: 'u' } }, { owner: 'u' }, true],
      [requireOwnership(), { user: { id: 'u' } }, null, false],
      [requireOwnership(), { user: {} }, { userId: undefined }, false],
      [requireTenant(), { user: {} }, null, true],
      [requireTenant(), { tenantId: 't' }, { tenantId: 't' }, true],
      [requireTenant('org'), { user: { tenantId: 't' } }, { org: 't' }, true],
      [requireTenant(), { user: { tid: 't' } }, { tenantId: 't' }, true],
      [requireTenant(), { user: { tid: 't' } }, { tenantId: 'other' }, false],
      [requireTenant(), {}, { tenantId: undefined }, false]
    ];
    for (const [index, [guard, ctx, record, expected]] of rows.entries()) assert.equal(guard(ctx, record), expected, `row ${index}`);
    assert.throws(() => requireScopes(['a'], 'some'), { name: 'ValidationError', field: 'mode' });
  });

  test('anyOf and allOf ask in order and stop early', async () => {
    const asked = [];
    const guard = (name, answer) => async () => {
      asked.push(name);
      return answer;
    };
    assert.equal(await anyOf(guard('a', false), guard('b', true), guard('c', true))({}, null), true);
    assert.equal(await allOf(guard('d', true), guard('e', false), guard('f', true))({}, null), false);
    assert.deepEqual(asked, ['a', 'b', 'd', 'e']);
    assert.equal(await anyOf()({}), false);
    assert.equal(await allOf()({}), true);
    assert.equal(await anyOf(guard('g', 1))({}), false, 'only true allows');
  });
});
