/** Pages of resources whose lists have hooks and middlewares. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectDatabase, freshStore, requestsOf, STORES, settle } from './support/databases.js';

const idsOf = (records) => records.map(({ id }) => id);
const FORMS = {
  offset: (resource, options, at) => resource.page({ ...options, offset: at * options.size }),
  'offset without totals': (resource, options, at) => resource.page({ ...options, offset: at * options.size, skipCount: true }),
  cursor: (resource, options, _at, { nextCursor } = {}) => resource.page({ ...options, cursor: nextCursor })
};

/** Items of every page, until there is no next one. */
async function pagesOf(resource, form, options) {
  const pages = [];
  let page;
  do {
    page = await FORMS[form](resource, options, pages.length, page);
    pages.push(page.items);
    assert.ok(pages.length <= 20, 'pages come to an end');
  } while (form === 'cursor' ? page.nextCursor !== null : page.hasMore);
  return pages;
}

for (const kind of STORES) {
  describe(`pages on the ${kind} store`, () => {
    const create = async () => {
      const database = await connectDatabase({ connectionString: freshStore(kind) });
      const resource = await database.createResource({
        name: 'items',
        attributes: { tenant: 'string', n: 'number', token: 'string|optional' },
        partitions: { byTenant: { fields: { tenant: 'string' } } },
        asyncPartitions: false
      });
      const rows = Array.from({ length: 10 }, (_, n) => ({ id: `r${n}`, n, tenant: n % 2 ? 'odd' : 'even', token: 't' }));
      await resource.insertMany(rows);
      return resource;
    };

    for (const form of Object.keys(FORMS)) {
      test(`spec03_13_2 list hooks run for every page by ${form}`, async () => {
        const resource = await create();
        resource.addHook('beforeList', (options) => ({ ...options, partition: 'byTenant', partitionValues: { tenant: 'odd' } }));
        resource.addHook('afterList', (records) => records.map(({ token, ...record }) => record));
        const items = (await pagesOf(resource, form, { size: 2 })).flat();
        assert.deepEqual(idsOf(items), ['r1', 'r3', 'r5', 'r7', 'r9']);
        assert.ok(!items.some((record) => 'token' in record), 'what the hook takes out stays out');
      });

      test(`spec03_15 middlewares of list and methods in its place see every page by ${form}`, async () => {
        const resource = await create();
        const seen = [];
        resource.useMiddleware('list', async (context, next) => {
          seen.push(context.args[0].limit);
          return (await next()).map((record) => ({ ...record, token: 'hidden' }));
        });
        const { list } = resource;
        resource.list = async (...args) => (await list(...args)).map((record) => ({ ...record, wrapped: true }));
        const items = (await pagesOf(resource, form, { size: 4 })).flat();
        assert.deepEqual(
          idsOf(items),
          Array.from({ length: 10 }, (_, n) => `r${n}`)
        );
        assert.ok(items.every(({ token, wrapped }) => token === 'hidden' && wrapped));
        assert.deepEqual(seen, [4, 4, 4]);
      });

      test(`spec03_9_7 a page that a hook has emptied is not the last one (by ${form})`, async () => {
        const resource = await create();
        resource.addHook('afterList', (records) => records.filter(({ n }) => n < 1 || n > 7));
        for (const place of [{}, { partition: 'byTenant', partitionValues: { tenant: 'even' } }]) {
          const items = (await pagesOf(resource, form, { size: 2, ...place })).flat();
          assert.deepEqual(idsOf(items), place.partition ? ['r0', 'r8'] : ['r0', 'r8', 'r9']);
        }
      });
    }

    test('spec03_9_8 a query reads on when a hook has emptied a page', async () => {
      const resource = await create();
      await resource.insertMany(
        Array.from({ length: 100 }, (_, n) => ({ id: `s${String(n).padStart(3, '0')}`, n: 100 + n, tenant: 'even' }))
      );
      resource.addHook('afterList', (records) => records.filter(({ n }) => n >= 190));
      assert.deepEqual(idsOf(await resource.query({ tenant: 'even' }, { limit: 2 })), ['s090', 's091']);
      const place = { partition: 'byTenant', partitionValues: { tenant: 'even' } };
      assert.equal((await resource.query({ n: { $gte: 195 } }, place)).length, 5);
    });

    test('spec03_9_7 a page costs one listing, also behind middlewares that keep its records, and follows the listing behind others', async () => {
      const resource = await create();
      const { database } = resource;
      const reads = { ListObjectsV2: 1, GetObject: 3 };
      assert.deepEqual(await requestsOf(database, () => resource.page({ size: 3, skipCount: true })), { ...reads, ListObjectsV2: 2 });
      const counted = await requestsOf(database, () => resource.page({ size: 3 }));
      assert.deepEqual(counted, { ...reads, ListObjectsV2: 2 }, 'one for the total');
      resource.useMiddleware('list', async (_context, next) => (await next()).map((record) => ({ ...record, seen: true })));
      assert.deepEqual(await requestsOf(database, () => resource.page({ size: 3 })), counted);
      resource.useMiddleware('list', async (_context, next) => (await next()).reverse());
      const items = (await pagesOf(resource, 'cursor', { size: 3 })).flat();
      assert.deepEqual(
        idsOf(items).sort(),
        Array.from({ length: 10 }, (_, n) => `r${n}`)
      );
    });

    test('spec03_15 a list that passes on copies of its options gets the pages after their cursors', async () => {
      const resource = await create();
      const { list } = resource;
      resource.list = (options) => list(JSON.parse(JSON.stringify(options)));
      for (const place of [{}, { partition: 'byTenant', partitionValues: { tenant: 'even' } }]) {
        const items = (await pagesOf(resource, 'cursor', { size: 3, ...place })).flat();
        assert.deepEqual(idsOf(items), idsOf(await list(place)));
      }
    });

    test('spec03_14_2 a page by cursor emits list and paginated, as one by offset does', async () => {
      const resource = await create();
      const { nextCursor } = await resource.page({ size: 3 });
      await settle();
      const seen = [];
      resource.on('list', (payload) => seen.push(['list', payload]));
      resource.on('paginated', ({ items }) => seen.push(['paginated', items.length]));
      await resource.page({ size: 3, cursor: nextCursor });
      await settle();
      assert.deepEqual(seen, [
        ['list', { count: 3, errors: 0 }],
        ['paginated', 3]
      ]);
    });
  });
}
