import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { allKeys, connectDatabase, freshStore, readObject, requestsOf, STORES, settle } from './support/databases.js';

const BEHAVIORS = ['user-managed', 'enforce-limits', 'truncate-data', 'body-overflow', 'body-only'];
const IN_OBJECT = ['user-managed', 'enforce-limits', 'truncate-data'];
const attributes = { name: 'string|required', city: 'string|optional', token: 'secret|optional', bio: 'string|optional' };
const partitions = { byCity: { fields: { city: 'string' } } };
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 0xff, 0xfe]);
const DATA = 'resource=docs/data/id=a';
const BESIDE = 'resource=docs/content/id=a';

async function create({ kind = 'memory', ...config } = {}) {
  const database = await connectDatabase({ connectionString: freshStore(kind), passphrase: 'a passphrase of tests' });
  const resource = await database.createResource({ name: 'docs', attributes, paranoid: false, asyncPartitions: false, ...config });
  return { database, resource };
}

const put = (resource, buffer = PNG, contentType = 'image/png', id = 'a') => resource.setContent({ id, buffer, contentType });
const attributesOf = ({ id, name, city, token, bio }) => ({ id, name, city, token, bio });

async function holds(resource, bytes = PNG, contentType = 'image/png', id = 'a') {
  const found = await resource.content(id);
  assert.ok(Buffer.isBuffer(found.buffer));
  assert.deepEqual([found.buffer.toString('hex'), found.contentType], [Buffer.from(bytes).toString('hex'), contentType]);
  assert.equal(await resource.hasContent(id), bytes.length > 0);
}

async function holdsNone(resource, id = 'a') {
  assert.equal((await resource.content(id)).buffer.length, 0);
  assert.equal(await resource.hasContent(id), false);
}

for (const kind of STORES) {
  for (const behavior of BEHAVIORS) {
    describe(`content under ${behavior} on the ${kind} store`, () => {
      const small = { id: 'a', name: 'Ana', city: 'Lisbon', token: 'confidential' };
      const large = { ...small, bio: 'long text '.repeat(400) };
      const records = ['enforce-limits', 'truncate-data'].includes(behavior) ? [small] : [small, large];

      for (const record of records) {
        const size = record === large ? 'large' : 'small';

        test(`spec03_25_13 ${size}: setContent costs no attribute and every write keeps content (${behavior}, ${kind})`, async () => {
          const { resource } = await create({ kind, behavior, partitions });
          await resource.insert(record);
          await put(resource);
          await holds(resource);
          assert.deepEqual(attributesOf(await resource.get('a')), attributesOf(record));

          await resource.update('a', { city: 'Porto' });
          await holds(resource);
          assert.equal((await resource.get('a')).bio, record.bio);
          await resource.patch('a', { city: 'Faro' });
          await holds(resource);
          const read = await resource.get('a');
          const outcome = await resource.updateConditional('a', { city: 'Braga' }, { ifMatch: read._etag });
          assert.equal(outcome.success, true, outcome.error);
          await holds(resource);
          const stale = await resource.updateConditional('a', { city: 'Evora' }, { ifMatch: read._etag });
          assert.equal(stale.success, false);
          await put(resource, PNG.subarray(1), 'image/other');
          await resource.replace('a', { ...record, city: 'Tavira' });
          await holds(resource, PNG.subarray(1), 'image/other');
          assert.deepEqual(attributesOf(await resource.get('a')), attributesOf({ ...record, city: 'Tavira' }));
          assert.deepEqual(await resource.listIds({ partition: 'byCity', partitionValues: { city: 'Tavira' } }), ['a']);

          await resource.deleteContent('a');
          await holdsNone(resource);
          assert.deepEqual(attributesOf(await resource.get('a')), attributesOf({ ...record, city: 'Tavira' }));
        });
      }

      test(`every delete removes content (${behavior}, ${kind})`, async () => {
        for (const partitioned of [undefined, partitions]) {
          const { database, resource } = await create({ kind, behavior, ...(partitioned && { partitions }) });
          const fill = async () => {
            for (const id of ['a', 'b', 'c']) {
              await resource.insert({ ...small, id });
              await put(resource, PNG, 'image/png', id);
              await put(resource, '{"json":true}', 'application/json', id);
            }
            assert.equal((await allKeys(database, 'resource=docs/content')).length, 3);
          };
          await fill();
          await resource.delete('a');
          assert.deepEqual(await allKeys(database, 'resource=docs/content'), ['resource=docs/content/id=b', 'resource=docs/content/id=c']);
          await resource.deleteMany(['b', 'c']);
          assert.deepEqual(await allKeys(database, 'resource=docs/'), []);
          await fill();
          await resource.deleteAll();
          assert.deepEqual(await allKeys(database, 'resource=docs/'), []);
          await fill();
          await resource.deleteAllData();
          assert.deepEqual(await allKeys(database, 'resource=docs/'), []);
          await resource.insert(small);
          await holdsNone(resource);
        }
      });
    });
  }
}

test('content is in the object or beside it as the table says', async () => {
  for (const behavior of BEHAVIORS) {
    const { database, resource } = await create({ behavior });
    await resource.insert({ id: 'a', name: 'Ana' });
    const before = await readObject(database, DATA);
    await put(resource);
    const beside = !IN_OBJECT.includes(behavior);
    assert.deepEqual(await allKeys(database, 'resource=docs/content'), beside ? [BESIDE] : [], behavior);
    const after = await readObject(database, DATA);
    if (beside) assert.deepEqual(after, before);
    else {
      assert.deepEqual(after.metadata, before.metadata);
      assert.equal(after.contentType, 'image/png');
    }
    const read = await resource.get('a');
    if (!beside) assert.deepEqual([read._contentLength, read._hasContent, read._mimeType], [PNG.length, true, 'image/png']);
  }
});

test('content goes beside a body with record data or a token, and JSON content always does', async () => {
  const { database, resource } = await create();
  await resource.insert({ id: 'a', name: 'Ana' });
  await resource.update('a', { name: 'Bea' });
  await put(resource);
  await holds(resource);
  assert.equal((await database.client.getObject(BESIDE)).Metadata._v, resource.version);
  assert.equal((await resource.get('a'))._contentLength, 0);

  await resource.insert({ id: 'j', name: 'Json' });
  for (const [text, type] of [
    ['{"name":"injected"}', 'text/plain'],
    ['12', 'text/plain'],
    ['not json', 'application/json']
  ]) {
    await put(resource, text, type, 'j');
    await holds(resource, Buffer.from(text), type, 'j');
    assert.equal((await resource.get('j')).name, 'Json');
    assert.ok((await allKeys(database, 'resource=docs/content')).includes('resource=docs/content/id=j'), text);
  }
  // Binary content again: it is in the object, and nothing is left beside it.
  await resource.insert({ id: 'k', name: 'Kay' });
  await put(resource, '[1]', 'application/json', 'k');
  await put(resource, PNG, 'image/png', 'k');
  await holds(resource, PNG, 'image/png', 'k');
  assert.ok(!(await allKeys(database, 'resource=docs/content')).includes('resource=docs/content/id=k'));
  await put(resource, '[2]', 'application/json', 'k');
  await holds(resource, Buffer.from('[2]'), 'application/json', 'k');
  await put(resource, '', 'text/empty', 'k');
  await holds(resource, Buffer.alloc(0), 'text/empty', 'k');
});

test('content of any form keeps its bytes', async () => {
  const { resource } = await create({ behavior: 'body-only' });
  await resource.insert({ id: 'a', name: 'Ana' });
  const bytes = Buffer.from('Zürich 🚀');
  const forms = {
    text: 'Zürich 🚀',
    buffer: bytes,
    view: new Uint8Array(bytes),
    arrayBuffer: new Uint8Array(bytes).buffer,
    blob: new Blob([bytes]),
    stream: Readable.from([bytes.subarray(0, 3), bytes.subarray(3)]),
    web: new Blob([bytes]).stream()
  };
  for (const [name, buffer] of Object.entries(forms)) {
    const stored = await resource.setContent({ id: 'a', buffer });
    assert.deepEqual([stored._contentLength, stored._hasContent, stored._mimeType], [bytes.length, true, 'application/octet-stream'], name);
    await holds(resource, bytes, 'application/octet-stream');
  }
  const megabytes = Buffer.alloc(3 << 20, 7);
  await put(resource, megabytes, 'application/x-big');
  assert.equal(Buffer.compare((await resource.getContent('a')).buffer, megabytes), 0);
});

test('content of a missing record, and what is no content', async () => {
  const { resource } = await create();
  assert.deepEqual(await resource.content('none'), { buffer: null, contentType: null });
  assert.equal(await resource.hasContent('none'), false);
  await assert.rejects(put(resource, PNG, 'image/png', 'none'), (error) => {
    assert.equal(error.name, 'ResourceError');
    assert.equal(error.message, "Resource with id 'none' not found");
    assert.deepEqual([error.statusCode, error.id, error.resourceName], [404, 'none', 'docs']);
    return true;
  });
  await assert.rejects(resource.deleteContent('none'), { name: 'NoSuchKey', statusCode: 404 });
  await resource.insert({ id: 'a', name: 'Ana' });
  await holdsNone(resource);
  for (const buffer of [undefined, null, 7, true, {}]) {
    await assert.rejects(resource.setContent({ id: 'a', buffer }), { name: 'ValidationError', field: 'buffer', statusCode: 400 });
  }
  await assert.rejects(resource.setContent(), { name: 'ValidationError', field: 'options' });
  await assert.rejects(resource.setContent({ id: 'a', buffer: 'x', contentType: 5 }), { field: 'contentType' });
  await assert.rejects(resource.setContent({ id: '', buffer: 'x' }), { name: 'ValidationError', field: 'id' });
  const failed = Readable.from(
    (async function* broken() {
      yield 'x';
      throw new Error('source broke');
    })()
  );
  await assert.rejects(put(resource, failed), { message: 'source broke' });
  await holdsNone(resource);
  await resource.deleteContent('a');
  await holdsNone(resource);
});

test('content events, get hooks and middlewares', async () => {
  const { resource } = await create();
  await resource.insert({ id: 'a', name: 'Ana' });
  const seen = [];
  for (const event of ['content-set', 'content-set:a', 'content-fetched', 'content-fetched:a', 'content-deleted', 'content-deleted:a']) {
    resource.on(event, (payload) => seen.push([event, payload]));
  }
  let reads = 0;
  resource.addHook('beforeGet', (data) => {
    reads += 1;
    return data;
  });
  const methods = [];
  for (const method of ['setContent', 'content', 'hasContent', 'deleteContent']) {
    resource.useMiddleware(method, async (ctx, next) => {
      methods.push(ctx.method);
      return next();
    });
  }
  await put(resource);
  await resource.getContent('a');
  await resource.hasContent('a');
  const { ETag } = await resource.deleteContent('a');
  await settle();
  const set = { id: 'a', contentType: 'image/png', contentLength: PNG.length };
  assert.deepEqual(seen, [
    ['content-set', set],
    ['content-set:a', set],
    ['content-fetched', set],
    ['content-fetched:a', set],
    ['content-deleted', 'a'],
    ['content-deleted:a', 'a']
  ]);
  assert.equal(reads, 1);
  assert.deepEqual(methods, ['setContent', 'content', 'hasContent', 'deleteContent']);
  assert.equal(ETag, (await resource.get('a'))._etag);
});

test('requests of the content methods', async () => {
  const { database, resource } = await create();
  const count = (run) => requestsOf(database, run);
  await resource.insert({ id: 'a', name: 'Ana' });
  assert.deepEqual(await count(() => put(resource)), { GetObject: 1, PutObject: 1, DeleteObject: 1 });
  assert.deepEqual(await count(() => resource.content('a')), { GetObject: 1 });
  assert.deepEqual(await count(() => resource.hasContent('a')), { HeadObject: 1 });
  assert.deepEqual(await count(() => resource.replace('a', { name: 'Bea' })), { HeadObject: 1, CopyObject: 1, PutObject: 1 });
  assert.deepEqual(await count(() => resource.content('a')), { GetObject: 2 });
  assert.deepEqual(await count(() => resource.hasContent('a')), { HeadObject: 2, GetObject: 1 });
  assert.deepEqual(await count(() => put(resource)), { GetObject: 1, PutObject: 1 });
  assert.deepEqual(await count(() => resource.deleteContent('a')), { HeadObject: 1, GetObject: 1, DeleteObject: 1 });
  await resource.insert({ id: 'b', name: 'Ben' });
  await put(resource, PNG, 'image/png', 'b');
  assert.deepEqual(await count(() => resource.deleteContent('b')), { HeadObject: 1, PutObject: 1, DeleteObject: 1 });
  assert.deepEqual(await count(() => resource.delete('b')), { GetObject: 1, DeleteObject: 2 });
});

test('removing content gives the record an ETag that it never had', async () => {
  const { resource } = await create();
  const inserted = await resource.insert({ id: 'a', name: 'Ana' });
  await put(resource);
  await resource.update('a', { name: 'Bea' });
  await resource.deleteContent('a');
  const outcome = await resource.updateConditional('a', { name: 'stale' }, { ifMatch: inserted._etag });
  assert.equal(outcome.success, false);
  assert.equal((await resource.get('a')).name, 'Bea');
});

test('an update moves content beside the record, whatever its size', async () => {
  const { database, resource } = await create({ behavior: 'enforce-limits' });
  await resource.insert({ id: 'a', name: 'Ana' });
  await put(resource);
  await resource.patch('a', { city: 'Porto' });
  assert.deepEqual(await allKeys(database, 'resource=docs/content'), []);
  const request = () => resource.update('a', { city: 'Faro' });
  assert.deepEqual(await requestsOf(database, request), { GetObject: 1, PutObject: 2 });
  await holds(resource);
  assert.deepEqual(await allKeys(database, 'resource=docs/content'), [BESIDE]);
});

for (const kind of STORES) {
  test(`two updates of a record with content, both read before either writes, are both kept (${kind})`, async () => {
    for (const behavior of BEHAVIORS) {
      const { resource } = await create({ kind, behavior });
      await resource.insert({ id: 'a', name: 'Ana' });
      await put(resource);
      let waiting = 0;
      let go;
      const both = new Promise((resolve) => {
        go = resolve;
      });
      resource.addHook('beforeUpdate', async (record) => {
        waiting += 1;
        if (waiting === 2) go();
        await both;
        return record;
      });
      await Promise.all([resource.update('a', { city: 'Lisbon' }), resource.update('a', { bio: 'text' })]);
      await holds(resource);
      const { city, bio } = await resource.get('a');
      assert.deepEqual({ city, bio }, { city: 'Lisbon', bio: 'text' }, behavior);
    }
  });
}

test('an update that lost its race does not put old content over newer', async () => {
  const { resource } = await create();
  await resource.insert({ id: 'a', name: 'Ana' });
  await put(resource);
  let first = true;
  resource.addHook('beforeUpdate', async (record) => {
    if (!first) return record;
    first = false;
    await resource.update('a', { bio: 'text' });
    await put(resource, Buffer.from('newer'), 'text/plain');
    return record;
  });
  await resource.update('a', { city: 'Lisbon' });
  await holds(resource, Buffer.from('newer'), 'text/plain');
  assert.deepEqual(attributesOf(await resource.get('a')), { id: 'a', name: 'Ana', city: 'Lisbon', token: undefined, bio: 'text' });
});

test('a copy beside the record that a lost race left gives way to the content in the record', async () => {
  const { database, resource } = await create();
  await resource.insert({ id: 'a', name: 'Ana' });
  await put(resource);
  await database.client.putObject({ key: BESIDE, body: 'older', contentType: 'text/plain' });
  await holds(resource);
  await resource.update('a', { city: 'Lisbon' });
  await holds(resource);
});

test('an update that overflows moves content beside the record', async () => {
  const { database, resource } = await create();
  await resource.insert({ id: 'a', name: 'Ana' });
  await put(resource);
  await resource.update('a', { bio: 'long text '.repeat(400) });
  await holds(resource);
  assert.deepEqual(await allKeys(database, 'resource=docs/content'), [BESIDE]);
  assert.equal((await resource.get('a')).bio.length, 4000);
});

test('content that s3db.js 13.6 left in a body-overflow object is read there and moves at the next update', async () => {
  const { database, resource } = await create({ behavior: 'body-overflow' });
  await resource.insert({ id: 'a', name: 'Ana', city: 'Lisbon' });
  const { metadata } = await readObject(database, DATA);
  await database.client.putObject({ key: DATA, metadata, body: PNG, contentType: 'image/png' });
  await holds(resource);
  assert.deepEqual(await allKeys(database, 'resource=docs/content'), []);
  await resource.update('a', { city: 'Porto' });
  await holds(resource);
  assert.deepEqual(await allKeys(database, 'resource=docs/content'), [BESIDE]);
  await put(resource, 'text', 'text/plain');
  await holds(resource, Buffer.from('text'), 'text/plain');
  assert.deepEqual(await allKeys(database, 'resource=docs/content'), [BESIDE]);
  assert.deepEqual(attributesOf(await resource.get('a')).city, 'Porto');
});

test('a token whose content type a copy lost is no content', async () => {
  const { database, resource } = await create();
  await resource.insert({ id: 'a', name: 'Ana' });
  await resource.update('a', { name: 'Bea' });
  const { metadata, body } = await readObject(database, DATA);
  assert.match(body, /^\{"_rev":"[^"]{22}"\}$/);
  await database.client.putObject({ key: DATA, metadata, body, contentType: 'binary/octet-stream' });
  await holdsNone(resource);
});

test('a failing store is an error, not missing content', async () => {
  const { database, resource } = await create();
  await resource.insert({ id: 'a', name: 'Ana' });
  const fail = async () => {
    throw Object.assign(new Error('no'), { name: 'AccessDenied', statusCode: 403, $metadata: { httpStatusCode: 403 } });
  };
  database.client.headObject = fail;
  database.client.getObject = fail;
  await assert.rejects(resource.hasContent('a'), { name: 'AccessDenied', message: 'no' });
  await assert.rejects(resource.content('a'), { name: 'AccessDenied', message: 'no' });
  await assert.rejects(put(resource), { name: 'AccessDenied', message: 'no' });
  await assert.rejects(resource.deleteContent('a'), { name: 'AccessDenied', message: 'no' });
});

const server = process.env.S3DB_TEST_S3;
test('content and fields written at once on an S3 server all survive', {
  skip: server ? false : 'S3DB_TEST_S3 names no server'
}, async () => {
  const database = await connectDatabase({ connectionString: `${server}/content-${process.pid}-${Date.now()}` });
  for (const behavior of BEHAVIORS) {
    const resource = await database.createResource({ name: `race-${behavior}`, attributes, behavior });
    await resource.insert({ id: 'a', name: 'Ana' });
    // COPY leaves the ETag of bodies alone, so the race is one of PUTs (spec/04 16.9).
    await Promise.all([put(resource), resource.update('a', { city: 'Lisbon' }), resource.update('a', { bio: 'text' })]);
    await holds(resource);
    const { city, bio } = await resource.get('a');
    assert.deepEqual({ city, bio }, { city: 'Lisbon', bio: 'text' }, behavior);
    await resource.delete('a');
    assert.deepEqual(await database.client.getAllKeys({ prefix: `resource=race-${behavior}/` }), []);
  }
});
