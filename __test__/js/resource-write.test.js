import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectDatabase, freshStore, readObject, requestsOf, STORES, settle } from './support/databases.js';

const attributes = {
  name: 'string|required',
  age: 'number|optional',
  tags: 'array|items:string|optional',
  profile: { city: 'string|optional', zip: 'string|optional' }
};

for (const kind of STORES) {
  describe(`writes on the ${kind} store`, () => {
    const create = async (config = {}) => {
      const database = await connectDatabase({ connectionString: freshStore(kind) });
      const resource = await database.createResource({ name: 'users', attributes, ...config });
      return { database, resource };
    };

    test('insert resolves what a read returns, except for the time of the response', async () => {
      const { resource } = await create({ timestamps: true });
      const inserted = await resource.insert({ name: 'Ana', age: 3, profile: { city: 'Lisbon' } });
      const read = await resource.get(inserted.id);
      assert.equal(inserted.id.length, 22);
      assert.ok(inserted._lastModified instanceof Date);
      const { _lastModified: a, ...one } = inserted;
      const { _lastModified: b, ...two } = read;
      assert.deepEqual(one, two);
      assert.deepEqual(Object.keys(one), Object.keys(two));
      assert.ok(Math.abs(a - b) < 2000);
      assert.equal(read._v, resource.version);
      assert.equal('_versionMapped' in read, false);
    });

    test('the caller keeps its object', async () => {
      const { resource } = await create({ timestamps: true });
      const input = { id: 'a', name: 'Ana', profile: { city: 'x' } };
      await resource.insert(input);
      assert.deepEqual(input, { id: 'a', name: 'Ana', profile: { city: 'x' } });
    });

    test('an explicit id that exists is a duplicate', async () => {
      const { resource } = await create();
      await resource.insert({ id: 'a', name: 'Ana' });
      await assert.rejects(resource.insert({ id: 'a', name: 'Bob' }), (error) => {
        assert.equal(error.name, 'InvalidResourceItem');
        assert.equal(error.message, "Resource with id 'a' already exists");
        assert.equal(error.statusCode, 409);
        return true;
      });
      assert.equal((await resource.get('a')).name, 'Ana');
    });

    test('concurrent inserts of one id: exactly one succeeds', async () => {
      const { resource } = await create();
      const results = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => resource.insert({ id: 'same', name: `n${i}` })));
      assert.equal(results.filter((r) => r.status === 'fulfilled').length, 1);
    });

    test('invalid records are refused with their validation errors', async () => {
      const { resource } = await create();
      await assert.rejects(resource.insert({ age: 'x' }), (error) => {
        assert.equal(error.name, 'InvalidResourceItem');
        assert.equal(error.statusCode, 422);
        assert.equal(error.message, error.data.validation[0].message);
        assert.equal(error.data.resourceName, 'users');
        return true;
      });
      await assert.rejects(resource.insert(undefined), { name: 'ValidationError' });
      await assert.rejects(resource.insert({ id: '  ', name: 'x' }), (error) => {
        assert.equal(error.message, 'Generated ID is invalid');
        assert.equal(error.data.validation[0].field, 'id');
        return true;
      });
    });

    test('number ids become text', async () => {
      const { resource } = await create();
      const record = await resource.insert({ id: 123, name: 'x' });
      assert.equal(record.id, '123');
      assert.equal((await resource.get('123')).name, 'x');
    });

    test('insertMany keeps input order, leaves failures out and lists them', async () => {
      const { resource } = await create();
      const results = await resource.insertMany([{ id: 'a', name: 'A' }, { name: 5n }, { id: 'b', name: 'B' }]);
      assert.deepEqual(
        results.map((r) => r.id),
        ['a', 'b']
      );
      assert.equal(results.errors.length, 1);
      assert.equal(results.errors[0].index, 1);
      assert.deepEqual(Object.keys(results), ['0', '1']);
    });

    test('update merges plain objects, replaces the rest and writes dotted paths', async () => {
      const { resource } = await create();
      await resource.insert({ id: 'a', name: 'Ana', age: 1, tags: ['x', 'y'], profile: { city: 'L', zip: '1' } });
      const updated = await resource.update('a', { profile: { city: 'P' }, tags: ['z'], age: 2 });
      assert.deepEqual(updated, { name: 'Ana', age: 2, tags: ['z'], profile: { city: 'P', zip: '1' }, id: 'a' });
      await resource.update('a', { 'profile.zip': '2' });
      const { profile } = await resource.get('a');
      assert.deepEqual(profile, { city: 'P', zip: '2' });
    });

    test('update of a missing record is a 404', async () => {
      const { resource } = await create();
      await assert.rejects(resource.update('nope', { name: 'x' }), (error) => {
        assert.equal(error.name, 'ResourceError');
        assert.equal(error.message, "Resource with id 'nope' does not exist");
        assert.equal(error.statusCode, 404);
        return true;
      });
      await assert.rejects(resource.update('', { name: 'x' }), {
        name: 'ValidationError',
        message: 'Resource id cannot be empty',
        statusCode: 400
      });
    });

    test('an update that fails validation names the errors', async () => {
      const { resource } = await create();
      await resource.insert({ id: 'a', name: 'Ana' });
      await assert.rejects(resource.update('a', { name: null }), (error) => {
        assert.equal(error.name, 'InvalidResourceItem');
        assert.ok(error.message.startsWith('validation: ['));
        return true;
      });
    });

    test('spec03_25_23_concurrent_partial_updates_both_survive', async () => {
      const { resource } = await create();
      await resource.insert({ id: 'a', name: 'Ana', age: 1 });
      await Promise.all([
        resource.update('a', { age: 2 }),
        resource.update('a', { tags: ['t'] }),
        resource.update('a', { profile: { city: 'L' } })
      ]);
      const { age, tags, profile } = await resource.get('a');
      assert.deepEqual({ age, tags, profile }, { age: 2, tags: ['t'], profile: { city: 'L' } });
    });

    for (const behavior of ['user-managed', 'enforce-limits', 'truncate-data', 'body-overflow', 'body-only']) {
      test(`spec03_25_24_updateConditional_fails_on_a_stale_etag_under_${behavior.replace('-', '_')}`, async () => {
        const { resource } = await create({ behavior });
        await resource.insert({ id: 'a', name: 'Ana', age: 1 });
        const { _etag } = await resource.get('a');
        const first = await resource.updateConditional('a', { age: 2 }, { ifMatch: _etag });
        assert.equal(first.success, true);
        assert.notEqual(first.etag, _etag);
        const second = await resource.updateConditional('a', { age: 3 }, { ifMatch: _etag });
        assert.deepEqual(second, { success: false, error: 'ETag mismatch - object was modified by another process' });
        assert.equal((await resource.updateConditional('a', { age: 3 }, { ifMatch: first.etag })).success, true);
        assert.equal((await resource.get('a')).age, 3);
      });
    }

    test('updateConditional reports what went wrong', async () => {
      const { resource } = await create();
      await assert.rejects(resource.updateConditional('a', {}), { statusCode: 428, field: 'ifMatch' });
      assert.deepEqual(await resource.updateConditional('a', {}, { ifMatch: 'x' }), {
        success: false,
        error: "Resource with id 'a' does not exist"
      });
      await resource.insert({ id: 'a', name: 'Ana' });
      const { _etag } = await resource.get('a');
      const invalid = await resource.updateConditional('a', { name: null }, { ifMatch: _etag });
      assert.equal(invalid.success, false);
      assert.ok(invalid.error.startsWith('Validation failed: ['));
      assert.ok(Array.isArray(invalid.validationErrors));
    });

    for (const behavior of ['user-managed', 'enforce-limits', 'truncate-data']) {
      test(`patch under ${behavior} merges, keeps createdAt and changes updatedAt`, async () => {
        const { resource } = await create({ behavior, timestamps: true });
        const before = await resource.insert({ id: 'a', name: 'Ana', profile: { city: 'L', zip: '1' } });
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
        const patched = await resource.patch('a', { profile: { zip: '2' } });
        assert.deepEqual(patched.profile, { city: 'L', zip: '2' });
        assert.equal(patched.createdAt, before.createdAt);
        assert.notEqual(patched.updatedAt, before.updatedAt);
        const read = await resource.get('a');
        assert.deepEqual(read.profile, { city: 'L', zip: '2' });
        assert.equal('metadata' in read, false);
      });
    }

    test('patch and replace check their arguments', async () => {
      const { resource } = await create({ behavior: 'enforce-limits' });
      await assert.rejects(resource.patch('a', null), { message: 'fields must be a non-empty object', statusCode: 400, field: 'fields' });
      await assert.rejects(resource.replace('a', null), {
        message: 'fullData must be a non-empty object',
        statusCode: 400,
        field: 'fullData'
      });
      await resource.insert({ id: 'a', name: 'Ana' });
      await assert.rejects(resource.patch('a', { name: null }), (error) => {
        assert.equal(error.message, 'Validation failed during patch');
        assert.equal(error.statusCode, 422);
        assert.equal(error[0].field, 'name');
        assert.ok(Array.isArray(error.errors));
        return true;
      });
      await assert.rejects(resource.patch('missing', { name: 'x' }), { name: 'NoSuchKey' });
    });

    test('replace writes the whole record under the id of the argument', async () => {
      const { resource } = await create();
      await resource.insert({ id: 'a', name: 'Ana', age: 1 });
      const replaced = await resource.replace('a', { id: 'b', name: 'Bob' });
      assert.deepEqual(replaced, { name: 'Bob', id: 'a' });
      assert.equal('age' in (await resource.get('a')), false);
      assert.equal(await resource.exists('b'), false);
      await resource.replace('new', { name: 'New' });
      assert.equal((await resource.get('new')).name, 'New');
    });

    test('upsert inserts and updates, in both argument forms', async () => {
      const { resource } = await create();
      await resource.upsert({ id: 'a', name: 'Ana', age: 1 });
      await resource.upsert({ id: 'a', age: 2 });
      await resource.upsert('b', { name: 'Bob' });
      assert.equal((await resource.get('a')).name, 'Ana');
      assert.equal((await resource.get('a')).age, 2);
      assert.equal((await resource.get('b')).name, 'Bob');
      assert.equal((await resource.upsert({ name: 'Carl' })).id.length, 22);
      await assert.rejects(resource.upsert({ id: 'c' }), { name: 'InvalidResourceItem' });
    });

    test('updated, replaced and deleted carry before and after', async () => {
      const { resource } = await create();
      const seen = [];
      for (const event of ['inserted', 'inserted:a', 'updated', 'updated:a', 'replaced', 'deleted', 'deleted:a']) {
        resource.on(event, (payload) => seen.push([event, payload.$before?.name, payload.$after?.name]));
      }
      await resource.insert({ id: 'a', name: 'Ana' });
      await resource.update('a', { name: 'Bob' });
      await resource.replace('a', { name: 'Cyd' });
      await resource.delete('a');
      await settle();
      assert.deepEqual(seen, [
        ['inserted', undefined, undefined],
        ['inserted:a', undefined, undefined],
        ['updated', 'Ana', 'Bob'],
        ['updated:a', 'Ana', 'Bob'],
        ['updated', undefined, 'Cyd'],
        ['updated:a', undefined, 'Cyd'],
        ['replaced', undefined, 'Cyd'],
        ['deleted', 'Cyd', undefined],
        ['deleted:a', 'Cyd', undefined]
      ]);
    });

    test('delete removes, is idempotent, and rejects for a missing record', async () => {
      const { resource } = await create();
      await resource.insert({ id: 'a', name: 'Ana' });
      await resource.delete('a');
      assert.equal(await resource.exists('a'), false);
      const deleted = [];
      resource.on('deleted', (payload) => deleted.push(payload.id));
      await assert.rejects(resource.delete('a'), (error) => error.name === 'NoSuchKey' && error.message.includes('No such key'));
      await settle();
      assert.deepEqual(deleted, ['a']);
    });

    test('deleteMany reports per chunk and tells observers and listeners', async () => {
      const { database, resource } = await create();
      await resource.insertMany([
        { id: 'a', name: 'A' },
        { id: 'b', name: 'B' }
      ]);
      const seen = [];
      resource.on('deleted', (id) => seen.push(id));
      database.on('deleted', (name, id) => seen.push(`${name}/${id}`));
      const results = await resource.deleteMany(['a', 'b', 'missing']);
      await settle();
      assert.equal(results.length, 1);
      assert.deepEqual(
        results[0].Deleted.map((d) => d.Key),
        ['a', 'b', 'missing'].map((id) => `resource=users/data/id=${id}`)
      );
      assert.deepEqual(
        seen.filter((s) => s.includes('/')),
        ['users/a', 'users/b', 'users/missing']
      );
      assert.deepEqual(
        seen.filter((s) => !s.includes('/')),
        ['a', 'b', 'missing']
      );
      assert.equal(await resource.count(), 0);
    });

    test('deleteAll and deleteAllData need paranoid: false', async () => {
      const { resource } = await create();
      await assert.rejects(resource.deleteAll(), {
        message: 'deleteAll() is a dangerous operation and requires paranoid: false option.',
        statusCode: 400
      });
      await assert.rejects(resource.deleteAllData(), {
        message: 'deleteAllData() is a dangerous operation and requires paranoid: false option.'
      });
      const { resource: free } = await create({
        paranoid: false,
        partitions: { byName: { fields: { name: 'string' } } },
        asyncPartitions: false
      });
      await free.insertMany([{ name: 'A' }, { name: 'B' }]);
      assert.deepEqual(await free.deleteAll(), { deletedCount: 2, version: free.version });
      assert.equal(await free.count({ partition: 'byName' }), 0);
      await free.insert({ name: 'C' });
      const result = await free.deleteAllData();
      assert.equal(result.resource, 'users');
      assert.equal(await free.count(), 0);
    });

    test('spec03_25_01_secrets_are_never_stored_in_clear', async () => {
      const { database, resource } = await create({ attributes: { name: 'string', token: 'secret|optional' }, passphrase: 'p4ss' });
      await resource.insert({ id: 'a', name: 'Ana', token: 'TOPSECRET' });
      await resource.update('a', { name: 'Bob' });
      const stored = JSON.stringify(await readObject(database, 'resource=users/data/id=a'));
      assert.equal(stored.includes('TOPSECRET'), false);
      assert.equal((await resource.get('a')).token, 'TOPSECRET');
    });

    test('spec03_25_15_an_untouched_password_keeps_its_hash', async () => {
      const { resource } = await create({ attributes: { name: 'string', pw: 'password|optional' }, bcryptRounds: 4 });
      const { pw } = await resource.insert({ id: 'a', name: 'Ana', pw: 'hunter22' });
      assert.equal(pw.length, 53);
      const updated = await resource.update('a', { name: 'Bob' });
      assert.equal(updated.pw, pw);
      assert.equal((await resource.get('a')).pw, pw);
    });

    test('spec03_25_06_replace_and_patch_return_the_hash_of_a_password', async () => {
      const { resource } = await create({
        attributes: { name: 'string', pw: 'password|optional' },
        bcryptRounds: 4,
        behavior: 'enforce-limits'
      });
      await resource.insert({ id: 'a', name: 'Ana' });
      assert.notEqual((await resource.patch('a', { pw: 'hunter22' })).pw, 'hunter22');
      assert.notEqual((await resource.replace('a', { name: 'Ana', pw: 'hunter33' })).pw, 'hunter33');
    });

    test('spec03_25_18_timestamps_add_no_metadata_object', async () => {
      const { database, resource } = await create({ timestamps: true });
      await resource.insert({ id: 'a', name: 'Ana' });
      await resource.update('a', { age: 1 });
      const { metadata } = await readObject(database, 'resource=users/data/id=a');
      assert.equal(
        Object.keys(metadata).some((key) => key.startsWith('metadata')),
        false
      );
    });

    test('a declared metadata object is kept up to date', async () => {
      const { resource } = await create({ attributes: { name: 'string', metadata: { updatedAt: 'string|optional' } }, timestamps: true });
      await resource.insert({ id: 'a', name: 'Ana' });
      const updated = await resource.update('a', { name: 'Bob' });
      assert.equal(updated.metadata.updatedAt, updated.updatedAt);
    });

    test('spec03_25_14_system_fields_are_never_stored', async () => {
      const { database, resource } = await create();
      await resource.insert({ id: 'a', name: 'Ana' });
      const full = await resource.get('a');
      await resource.update('a', { ...full, name: 'Bob' });
      const { metadata, body } = await readObject(database, 'resource=users/data/id=a');
      for (const field of ['_contentlength', '_lastmodified', '_etag', '_definitionhash', '_mimetype', '_hascontent']) {
        assert.equal(JSON.stringify({ metadata, body }).toLowerCase().includes(field), false, field);
      }
    });

    test('spec03_25_17_dates_replace_and_survive_updates', async () => {
      const { resource } = await create({ attributes: { name: 'string', born: 'date|optional' } });
      await resource.insert({ id: 'a', name: 'Ana', born: new Date('2020-01-02T03:04:05.000Z') });
      await resource.update('a', { born: new Date('2021-01-02T03:04:05.000Z') });
      const { born } = await resource.update('a', { name: 'Bob' });
      assert.equal(new Date(born).toISOString(), '2021-01-02T03:04:05.000Z');
    });

    test('spec03_25_16_a_record_over_the_limit_can_be_updated', async () => {
      const { resource } = await create({ attributes: { name: 'string', text: 'string' } });
      const events = [];
      resource.on('exceedsLimit', (payload) => events.push(payload.operation));
      await resource.insert({ id: 'a', name: 'Ana', text: 'x'.repeat(5000) });
      await resource.update('a', { name: 'Bob' });
      await settle();
      const record = await resource.get('a');
      assert.equal(record.name, 'Bob');
      assert.equal(record.text.length, 5000);
      assert.deepEqual(events, ['insert', 'update']);
    });

    test('enforce-limits refuses what does not fit', async () => {
      const { resource } = await create({ attributes: { text: 'string' }, behavior: 'enforce-limits' });
      await assert.rejects(resource.insert({ text: 'x'.repeat(5000) }), (error) => {
        assert.equal(error.name, 'MetadataLimitError');
        assert.equal(error.message, 'Metadata size exceeds 2KB limit on insert');
        assert.equal(error.statusCode, 413);
        assert.ok(error.totalSize > error.effectiveLimit);
        return true;
      });
    });
  });
}

test('spec03_25_03_reserved_path_segments_never_reach_a_prototype', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({ name: 'users', attributes });
  await resource.insert({ id: 'a', name: 'Ana' });
  for (const key of ['__proto__.polluted', 'constructor.prototype.polluted', 'profile.__proto__.polluted']) {
    await assert.rejects(resource.update('a', { [key]: 1 }), { name: 'ValidationError' });
  }
  await assert.rejects(resource.update('a', { profile: JSON.parse('{"__proto__":{"polluted":1}}') }), { name: 'ValidationError' });
  assert.equal({}.polluted, undefined);
});

test('spec03_25_02_ids_and_values_cannot_leave_their_prefix', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({ name: 'users', attributes, partitions: { byName: { fields: { name: 'string' } } } });
  for (const run of [
    () => resource.get('x/../../../resource=other/data/id=1'),
    () => resource.delete('../a'),
    () => resource.insert({ id: 'a/../b', name: 'x' })
  ]) {
    await assert.rejects(run(), { name: 'ValidationError' });
  }
  await assert.rejects(resource.insert({ id: 'ok', name: '../../x' }), { name: 'ValidationError' });
});

test('spec03_25_49_an_asynchronous_id_generator_is_awaited', async () => {
  const database = await connectDatabase();
  let n = 0;
  const resource = await database.createResource({
    name: 'users',
    attributes,
    idGenerator: async () => {
      n += 1;
      return `u${n}`;
    }
  });
  assert.equal((await resource.insert({ name: 'A' })).id, 'u1');
  assert.deepEqual(
    (await resource.insertMany([{ name: 'B' }, { name: 'C' }])).map((r) => r.id),
    ['u2', 'u3']
  );
});

test('a blank generated id falls back to the default, a repeated one overwrites', async () => {
  const database = await connectDatabase();
  const blank = await database.createResource({ name: 'blank', attributes, idGenerator: () => ' ' });
  assert.equal((await blank.insert({ name: 'A' })).id.length, 22);
  const same = await database.createResource({ name: 'same', attributes, idGenerator: () => 'one' });
  await same.insert({ name: 'A' });
  await same.insert({ name: 'B' });
  assert.equal((await same.get('one')).name, 'B');
});

test('request counts of writes are those of spec/03 21.3', async () => {
  const database = await connectDatabase();
  const plain = await database.createResource({ name: 'plain', attributes });
  const indexed = await database.createResource({
    name: 'indexed',
    attributes,
    partitions: { byName: { fields: { name: 'string' } } },
    asyncPartitions: false
  });
  const limited = await database.createResource({ name: 'limited', attributes, behavior: 'enforce-limits' });
  const count = (run) => requestsOf(database, run);
  assert.deepEqual(await count(() => plain.insert({ id: 'a', name: 'A' })), { PutObject: 1 });
  assert.deepEqual(await count(() => indexed.insert({ id: 'a', name: 'A' })), { PutObject: 2 });
  assert.deepEqual(await count(() => plain.insertMany([{ name: 'B' }, { name: 'C' }])), { PutObject: 2 });
  assert.deepEqual(await count(() => plain.get('a')), { GetObject: 1 });
  assert.deepEqual(await count(() => plain.exists('a')), { HeadObject: 1 });
  assert.deepEqual(await count(() => plain.update('a', { age: 1 })), { GetObject: 1, PutObject: 1 });
  assert.deepEqual(await count(() => indexed.update('a', { age: 1 })), { GetObject: 1, PutObject: 1 });
  assert.deepEqual(await count(() => indexed.update('a', { name: 'B' })), { GetObject: 1, PutObject: 2, DeleteObject: 1 });
  await limited.insert({ id: 'a', name: 'A' });
  assert.deepEqual(await count(() => limited.patch('a', { age: 2 })), { HeadObject: 1, CopyObject: 1 });
  assert.deepEqual(await count(() => plain.patch('a', { age: 2 })), { GetObject: 1, PutObject: 1 });
  assert.deepEqual(await count(() => plain.replace('a', { name: 'Z' })), { HeadObject: 1, PutObject: 1 });
  assert.deepEqual(await count(() => plain.upsert({ id: 'up', name: 'U' })), { PutObject: 1 });
  assert.deepEqual(await count(() => plain.upsert({ id: 'up', name: 'V' })), { PutObject: 2, GetObject: 1 });
  // One DELETE more than in the table: the content object, of which no request could tell whether it is there.
  assert.deepEqual(await count(() => plain.delete('a')), { GetObject: 1, DeleteObject: 2 });
  assert.deepEqual(await count(() => indexed.delete('a')), { GetObject: 1, DeleteObject: 2, DeleteObjects: 1 });
  assert.deepEqual(await count(() => plain.deleteMany(['x', 'y'])), { DeleteObjects: 1 });
  assert.deepEqual(await count(() => plain.listIds({ limit: 1 })), { ListObjectsV2: 1 });
  assert.deepEqual(await count(() => plain.count()), { ListObjectsV2: 1 });
});
