/** What sections 5 to 18 of spec/03 promise of every method: results, events, hooks and copies, on every store. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { s3ConnectionString, withoutS3 } from './support/clients.js';
import { allKeys, connectDatabase, freshStore, settle } from './support/databases.js';

const STORES = [
  { store: 'memory', skip: false, open: () => freshStore('memory') },
  { store: 'file', skip: false, open: () => freshStore('file') },
  { store: 'strict S3', skip: withoutS3, open: s3ConnectionString }
];
const BEHAVIORS = ['user-managed', 'enforce-limits', 'truncate-data', 'body-overflow', 'body-only'];
const SYSTEM = ['_contentLength', '_lastModified', '_hasContent', '_mimeType', '_etag', '_v', '_definitionHash'];
const visible = (record) => Object.keys(record).filter((key) => !key.startsWith('_'));

for (const { store, skip, open } of STORES) {
  describe(`promises of resources (${store})`, { skip }, () => {
    const create = async (config = {}, options = {}) => {
      const database = await connectDatabase({ connectionString: open(), ...options });
      const attributes = { name: 'string', n: 'number|optional', kind: 'string|optional' };
      const resource = await database.createResource({ name: 'items', attributes, asyncPartitions: false, ...config });
      return { database, resource };
    };

    for (const behavior of BEHAVIORS) {
      test(`spec03_5 shapes of results under ${behavior} (${store})`, async () => {
        const { resource } = await create({ behavior, partitions: { byKind: { fields: { kind: 'string' } } } });
        const inserted = await resource.insert({ id: 'a', name: 'A', n: 1, kind: 'k' });
        const read = await resource.get('a');
        assert.deepEqual(Object.keys(read), ['name', 'n', 'kind', 'id', ...SYSTEM]);
        assert.deepEqual(Object.keys(inserted), Object.keys(read));
        assert.ok(read._lastModified instanceof Date);
        assert.deepEqual([read._v, read._definitionHash], [resource.version, resource.getDefinitionHash()]);
        const [listed] = await resource.list({ partition: 'byKind', partitionValues: { kind: 'k' } });
        assert.deepEqual(listed, { ...read, _partition: 'byKind', _partitionValues: { kind: 'k' } });
        for (const records of [
          await resource.list(),
          await resource.getMany(['a']),
          await resource.getAll(),
          await resource.query({ n: 1 })
        ]) {
          assert.deepEqual(records, [read]);
        }
        const written = { name: 'A', n: 2, kind: 'k', id: 'a' };
        assert.deepEqual(await resource.update('a', { n: 2 }), written);
        assert.deepEqual(await resource.patch('a', { n: 3 }), { ...written, n: 3 });
        assert.deepEqual(await resource.upsert({ id: 'a', n: 4 }), { ...written, n: 4 });
        assert.deepEqual(await resource.replace('a', { name: 'B' }), { name: 'B', id: 'a' });
        const { _etag } = await resource.get('a');
        const conditional = await resource.updateConditional('a', { n: 5 }, { ifMatch: _etag });
        assert.deepEqual(conditional, { success: true, data: { name: 'B', n: 5, id: 'a' }, etag: (await resource.get('a'))._etag });
        // A record that was read may be given back as it is: nothing of what reads add is stored.
        await resource.insert({ ...listed, id: 'b' });
        await resource.replace('a', listed);
        await resource.update('a', listed);
        for (const id of ['a', 'b']) assert.deepEqual(Object.keys(await resource.get(id)), Object.keys(read));
      });

      test(`spec03_25_14 attributes that are declared under names of system fields survive every write under ${behavior} (${store})`, async () => {
        const declared = ['_error', '_decryptionFailed', '_expiresAt', '_versionId', '$before', '$after'];
        const attributes = { name: 'string', ...Object.fromEntries(declared.map((name) => [name, 'string|optional'])) };
        const { resource } = await create({ behavior, attributes });
        const values = Object.fromEntries(declared.map((name) => [name, `of ${name}`]));
        const own = (record) => Object.fromEntries(declared.map((name) => [name, record[name]]));
        await resource.insert({ id: 'a', name: 'A', ...values });
        const { _etag } = await resource.get('a');
        for (const write of [
          () => resource.updateConditional('a', { name: 'B' }, { ifMatch: _etag }).then(({ data }) => data),
          () => resource.update('a', { name: 'C' }),
          () => resource.patch('a', { name: 'D' }),
          () => resource.replace('a', { name: 'E', ...values })
        ]) {
          assert.deepEqual(own(await write()), values);
          assert.deepEqual(own(await resource.get('a')), values);
        }
      });

      test(`spec03_7_1 timestamps of every write under ${behavior} (${store})`, async () => {
        const { resource } = await create({ behavior, timestamps: true });
        const later = async (work) => {
          await settle();
          return work();
        };
        const first = await resource.insert({ id: 'a', name: 'A', createdAt: 'given', updatedAt: 'given' });
        assert.equal(first.createdAt, first.updatedAt);
        assert.equal(new Date(first.createdAt).toISOString(), first.createdAt);
        const seen = [first.updatedAt];
        const { _etag } = await resource.get('a');
        for (const write of [
          () => resource.updateConditional('a', { n: 1 }, { ifMatch: _etag }).then(({ data }) => data),
          () => resource.update('a', { n: 2 }),
          () => resource.patch('a', { n: 3 }),
          () => resource.upsert({ id: 'a', n: 4 }),
          () => resource.replace('a', { name: 'B', createdAt: first.createdAt })
        ]) {
          const { createdAt, updatedAt } = await later(write);
          assert.equal(createdAt, first.createdAt);
          seen.push(updatedAt);
        }
        const replaced = await later(() => resource.replace('a', { name: 'C' }));
        assert.equal(replaced.createdAt, replaced.updatedAt, 'a replacement without one starts anew');
        assert.deepEqual(seen, [...new Set(seen)].sort(), 'updatedAt grows with every write');
        assert.equal((await resource.list({ partition: 'byUpdatedDate', partitionValues: { updatedAt: new Date() } })).length, 1);
      });

      test(`spec03_12 a record of an older version is copied before it is rewritten, and keeps its content (${behavior}, ${store})`, async () => {
        const { database, resource } = await create({ behavior }, { versioningEnabled: true });
        const ids = ['update', 'patch', 'updateConditional'];
        for (const id of ids) {
          await resource.insert({ id, name: 'A', n: 1 });
          await resource.setContent({ id, buffer: 'content' });
        }
        // The new attribute comes first, which shifts the codes of the others.
        await database.createResource({
          name: 'items',
          behavior,
          asyncPartitions: false,
          attributes: { extra: 'string|optional', ...resource.$schema.attributes }
        });
        const { _etag } = await resource.get('updateConditional');
        await resource.update('update', { extra: 'x' });
        await resource.patch('patch', { extra: 'x' });
        assert.equal((await resource.updateConditional('updateConditional', { extra: 'x' }, { ifMatch: _etag })).success, true);
        for (const id of ids) {
          const record = await resource.get(id);
          assert.deepEqual([record.extra, record.name, record.n, record._versionMapped], ['x', 'A', 1, undefined]);
          assert.equal(String((await resource.content(id)).buffer), 'content');
          const copy = await database.client.headObject(`resource=items/historical/id=${id}`);
          assert.equal(copy.Metadata._v, 'v1');
          assert.ok(copy.Metadata._historicalTimestamp ?? copy.Metadata._historicaltimestamp);
          await resource.update(id, { n: 2 });
        }
        assert.equal((await allKeys(database, 'resource=items/historical/')).length, ids.length);
        assert.deepEqual(await resource.listIds({ partition: 'byVersion', partitionValues: { _v: 'v1' } }), []);
      });
    }

    test(`spec03_14_2 every operation emits its event and the variant for the id (${store})`, async () => {
      const { resource } = await create({ behavior: 'enforce-limits', partitions: { byKind: { fields: { kind: 'string' } } } });
      const seen = [];
      const names = ['inserted', 'updated', 'replaced', 'deleted', 'fetched', 'partition-fetched'];
      for (const event of [...names, 'content-set', 'content-fetched', 'content-deleted']) {
        for (const name of [event, `${event}:a`]) resource.on(name, () => seen.push(name));
      }
      const of = async (work) => {
        await work();
        await settle();
        return seen.splice(0);
      };
      const both = (...events) => events.flatMap((event) => [event, `${event}:a`]);
      assert.deepEqual(await of(() => resource.insert({ id: 'a', name: 'A', kind: 'k' })), both('inserted'));
      assert.deepEqual(await of(() => resource.get('a')), both('fetched'));
      assert.deepEqual(await of(() => resource.update('a', { n: 1 })), both('fetched', 'updated'));
      assert.deepEqual(await of(() => resource.patch('a', { n: 2 })), both('updated'));
      assert.deepEqual(await of(() => resource.replace('a', { name: 'A', kind: 'k' })), both('updated', 'replaced'));
      assert.deepEqual(await of(() => resource.upsert({ id: 'a', n: 3 })), both('fetched', 'updated'));
      const place = { id: 'a', partitionName: 'byKind', partitionValues: { kind: 'k' } };
      assert.deepEqual(await of(() => resource.getFromPartition(place)), both('fetched', 'partition-fetched'));
      assert.deepEqual(await of(() => resource.setContent({ id: 'a', buffer: 'x' })), both('fetched', 'content-set'));
      assert.deepEqual(await of(() => resource.content('a')), both('content-fetched'));
      assert.deepEqual(await of(() => resource.deleteContent('a')), both('content-deleted'));
      assert.deepEqual(await of(() => resource.exists('a')), []);
      assert.deepEqual(await of(() => resource.delete('a')), both('fetched', 'deleted'));
    });

    for (const [behavior, event, own] of [
      ['user-managed', 'exceedsLimit', ['totalSize', 'limit', 'excess']],
      ['truncate-data', 'truncate', ['fieldName', 'originalLength', 'truncatedLength', 'truncatedFields', 'originalSize', 'finalSize']],
      ['body-overflow', 'overflow', ['strategy', 'originalSize', 'maxSize', 'metadataSize', 'bodySize']]
    ]) {
      test(`spec03_14_2 ${event} is told once for every write that does not fit (${store})`, async () => {
        const { resource } = await create({ behavior });
        const seen = [];
        resource.on(event, (payload) => seen.push(payload));
        const large = 'x'.repeat(3000);
        await resource.insert({ id: 'a', name: large });
        await resource.insertMany([{ id: 'b', name: large }]);
        const { _etag } = await resource.get('a');
        await resource.updateConditional('a', { n: 0, name: large }, { ifMatch: _etag });
        await resource.update('a', { n: 1, name: large });
        await resource.patch('a', { n: 2, name: large });
        await resource.replace('a', { name: large });
        await resource.upsert({ id: 'a', name: large });
        await resource.update('a', { name: 'fits' });
        await settle();
        assert.deepEqual(
          seen.map(({ operation, id }) => [operation, id]),
          [
            ['insert', undefined],
            ['insert', undefined],
            ['update', 'a'],
            ['update', 'a'],
            ['update', 'a'],
            ['insert', undefined],
            ['update', 'a']
          ]
        );
        for (const { operation, id, data, ...rest } of seen) {
          assert.deepEqual(Object.keys(rest), own);
          assert.equal(data.name, large);
        }
        if (event === 'exceedsLimit')
          for (const { totalSize, limit, excess } of seen) assert.deepEqual([limit, excess], [2047, totalSize - 2047]);
      });
    }

    test(`spec03_13_2 an after hook that throws rejects, the write stays and its event is not emitted (${store})`, async () => {
      for (const [hook, event, run] of [
        ['afterInsert', 'inserted', (resource) => resource.insert({ id: 'b', name: 'B' })],
        ['afterUpdate', 'updated', (resource) => resource.update('a', { n: 3 })],
        ['afterReplace', 'replaced', (resource) => resource.replace('a', { name: 'A', n: 3 })],
        ['afterDelete', 'deleted', (resource) => resource.delete('a')],
        ['afterGet', 'fetched', (resource) => resource.get('a')],
        ['afterCount', 'count', (resource) => resource.count()],
        ['afterGetMany', 'fetched-many', (resource) => resource.getMany(['a'])],
        ['afterDeleteMany', 'deleted-many', (resource) => resource.deleteMany(['a'])]
      ]) {
        const { resource } = await create();
        await resource.insert({ id: 'a', name: 'A', n: 1 });
        await settle();
        const seen = [];
        resource.on(event, () => seen.push(event));
        const fail = () => {
          throw new Error(hook);
        };
        resource.addHook(hook, fail);
        await assert.rejects(run(resource), { message: hook });
        await settle();
        assert.deepEqual(seen, [], hook);
        resource.removeHook(hook, fail);
        const expected = { afterInsert: ['a', 'b'], afterDelete: [], afterDeleteMany: [] }[hook] ?? ['a'];
        assert.deepEqual(await resource.listIds(), expected, hook);
        if (hook === 'afterUpdate' || hook === 'afterReplace') assert.equal((await resource.get('a')).n, 3);
      }
    });

    test(`spec03_13_2 a before hook that throws leaves everything as it was (${store})`, async () => {
      for (const [hook, run] of [
        ['beforeInsert', (resource) => resource.insert({ id: 'b', name: 'B' })],
        ['beforeUpdate', (resource) => resource.update('a', { n: 3 })],
        ['beforePatch', (resource) => resource.patch('a', { n: 3 })],
        ['beforeReplace', (resource) => resource.replace('a', { name: 'C' })],
        ['beforeDelete', (resource) => resource.delete('a')],
        ['beforeDeleteMany', (resource) => resource.deleteMany(['a'])],
        ['beforeGet', (resource) => resource.setContent({ id: 'a', buffer: 'x' })],
        ['beforeExists', (resource) => resource.exists('a')],
        ['beforeCount', (resource) => resource.page()],
        ['beforeQuery', (resource) => resource.query({ n: 1 })],
        ['beforeGetMany', (resource) => resource.getMany(['a'])]
      ]) {
        const { database, resource } = await create({ partitions: { byName: { fields: { name: 'string' } } } });
        await resource.insert({ id: 'a', name: 'A', n: 1 });
        const before = [await allKeys(database, 'resource=items/'), await resource.get('a')];
        const fail = () => {
          throw new Error(hook);
        };
        resource.addHook(hook, fail);
        await assert.rejects(run(resource), { message: hook });
        resource.removeHook(hook, fail);
        assert.deepEqual([await allKeys(database, 'resource=items/'), await resource.get('a')], before, hook);
      }
    });

    test(`spec03_8_10 deleteAll removes records, content and references, and leaves copies of older versions (${store})`, async () => {
      const { database, resource } = await create({ paranoid: false, partitions: { byName: { fields: { name: 'string' } } } });
      await resource.insertMany(['a', 'b'].map((id) => ({ id, name: id })));
      await resource.update('a', { n: 1 });
      await resource.setContent({ id: 'a', buffer: '{"beside":true}' });
      await resource.createHistoricalVersion('a', await resource.get('a'));
      const seen = [];
      for (const event of ['deleted-all', 'deleted-all-data']) resource.on(event, (payload) => seen.push([event, payload]));
      assert.deepEqual(await resource.deleteAll(), { deletedCount: 2, version: 'v1' });
      assert.deepEqual(await allKeys(database, 'resource=items/'), ['resource=items/historical/id=a']);
      await resource.insert({ id: 'c', name: 'c' });
      const { deletedCount, resource: name } = await resource.deleteAllData();
      assert.equal(name, 'items');
      assert.deepEqual(await allKeys(database, 'resource=items/'), []);
      await settle();
      assert.deepEqual(seen, [
        ['deleted-all', { version: 'v1', prefix: 'resource=items/data', deletedCount: 2 }],
        ['deleted-all-data', { resource: 'items', prefix: 'resource=items', deletedCount }]
      ]);
    });

    test(`spec03_8_3 update merges as 13.6 does (${store})`, async () => {
      const attributes = {
        o: 'object|optional',
        list: 'array|items:any|optional',
        at: 'date|optional',
        p: { a: 'string|optional', b: { c: 'number|optional' } }
      };
      const { resource } = await create({ attributes });
      for (const [base, change, expected] of [
        [{ o: { a: 1 } }, { o: { b: 2 } }, { o: { a: 1, b: 2 } }],
        [{ o: { a: [1, 2, 3] } }, { o: { a: [9] } }, { o: { a: [9, 2, 3] } }],
        [{ o: { a: 1 } }, { o: { a: undefined, c: null } }, { o: { a: 1, c: null } }],
        [{ o: { a: 1 } }, { o: {} }, { o: { a: 1 } }],
        [{ o: { a: 1 } }, { o: null }, { o: null }],
        [{ o: { a: 1 } }, { 'o.x.y': 5 }, { o: { a: 1, x: { y: 5 } } }],
        [{ o: { a: 1 } }, { 'o.a.b': 5 }, { o: { a: { b: 5 } } }],
        [{ o: { a: { z: 1 } } }, { 'o.a': { q: 1 } }, { o: { a: { q: 1 } } }],
        [{ list: [1, 2] }, { list: [9] }, { list: [9] }],
        [{ list: [1] }, { list: [] }, { list: [] }],
        [{ p: { a: 'x', b: { c: 1 } } }, { p: { b: { c: 2 } } }, { p: { a: 'x', b: { c: 2 } } }],
        [{ at: new Date(0) }, { at: new Date(5) }, { at: new Date(5) }],
        [{ u: { a: 1 } }, { u: { b: [1] } }, { u: { a: 1, b: [1] } }]
      ]) {
        const { id } = await resource.insert(base);
        const result = await resource.update(id, change);
        const read = await resource.get(id);
        const picked = Object.fromEntries(Object.keys(expected).map((key) => [key, read[key]]));
        assert.deepEqual(picked, expected);
        assert.deepEqual(visible(result).sort(), visible(read).sort());
      }
    });
  });
}
