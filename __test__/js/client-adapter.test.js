import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { MemoryClient, S3Client, storeCallbacks, storeFor } from '../../js/client/index.js';
import { fromNative } from '../../js/errors/from-native.js';
import { Database } from '../../js/index.js';
import { clientSending, rejection } from './support/clients.js';
import { ClassClient, minimalClient, plainClient } from './support/object-clients.js';

/** The native store over a client, with objects instead of texts. */
function adapted(client) {
  const store = storeFor(client);
  const ask = async (work) => {
    try {
      return JSON.parse(await work());
    } catch (error) {
      throw fromNative(error);
    }
  };
  return {
    kind: store.kind,
    put: (request, body) => ask(() => store.put(JSON.stringify(request), body === undefined ? null : Buffer.from(body))),
    get: async (key) => {
      try {
        const { meta, body } = await store.get(key);
        return { ...JSON.parse(meta), body };
      } catch (error) {
        throw fromNative(error);
      }
    },
    head: (key) => ask(() => store.head(key)),
    copy: (request) => ask(() => store.copy(JSON.stringify(request))),
    delete: (request) => ask(() => store.delete(JSON.stringify(request))),
    deleteMany: (keys) => ask(() => store.deleteMany(JSON.stringify(keys))),
    list: (request) => ask(() => store.list(JSON.stringify({ maxKeys: 1000, ...request })))
  };
}

const keysOf = ({ entries }) => entries.map(({ key }) => key);

async function listAll(store, request) {
  const keys = [];
  let token;
  do {
    const page = await store.list({ ...request, token });
    keys.push(...keysOf(page));
    token = page.nextToken ?? undefined;
  } while (token !== undefined);
  return keys;
}

describe('client objects', () => {
  for (const [name, make] of [
    ['a plain object over a Map', plainClient],
    ['a class', () => new ClassClient()]
  ]) {
    it(`spec05_2_8_${name.replaceAll(' ', '_')}_works_as_a_store`, async () => {
      const client = make();
      const store = adapted(client);
      assert.equal(store.kind, 'js');
      await store.put(
        {
          key: 'r/b',
          metadata: [
            ['0', 'b:w7w='],
            ['n', 'null']
          ],
          contentType: 'application/json'
        },
        '{"a":"ü"}'
      );
      await store.put({ key: 'r/a', metadata: [] });
      const object = await store.get('r/b');
      assert.deepEqual(object.metadata, [
        ['0', 'b:w7w='],
        ['n', 'null']
      ]);
      assert.equal(object.body.toString(), '{"a":"ü"}');
      assert.equal(object.size, 10);
      assert.equal(object.contentType, 'application/json');
      assert.ok(object.lastModified > Date.now() - 60000);
      assert.equal((await store.head('r/b')).size, 10);
      await store.copy({ from: 'r/b', to: 'r/c', metadata: [['0', 'x']], contentType: 'text/plain' });
      assert.deepEqual((await store.head('r/c')).metadata, [['0', 'x']]);
      assert.equal((await store.get('r/c')).body.toString(), '{"a":"ü"}');
      assert.deepEqual(keysOf(await store.list({ prefix: 'r/' })), ['r/a', 'r/b', 'r/c']);
      await store.delete({ key: 'r/a' });
      assert.deepEqual(await store.deleteMany(['r/b', 'r/none']), { deleted: ['r/b', 'r/none'], errors: [] });
      assert.deepEqual(keysOf(await store.list({ prefix: 'r/' })), ['r/c']);
      const error = await rejection(store.get('r/b'));
      assert.ok(['NoSuchKey', 'Error'].includes(error.name), error.name);
    });
  }

  it('spec05_2_8_metadata_and_bodies_reach_the_client_decoded', async () => {
    const client = plainClient();
    const store = adapted(client);
    await store.put(
      {
        key: 'k',
        metadata: [
          ['a', 'b:8J+mgA=='],
          ['n', 'null'],
          ['u', 'undefined'],
          ['w', 'b:bnVsbA==']
        ],
        contentType: 'application/json'
      },
      '{"x":1}'
    );
    const [, request] = client.calls[0];
    assert.deepEqual(request, {
      key: 'k',
      metadata: { a: '🦀', n: null, u: undefined, w: 'null' },
      body: '{"x":1}',
      contentType: 'application/json'
    });
    await store.put({ key: 'bin', metadata: [], contentType: 'image/png' }, Buffer.from([0xff, 1]));
    assert.deepEqual(client.calls[1][1].body, Buffer.from([0xff, 1]));
    await store.put({ key: 'none', metadata: [] });
    assert.deepEqual(client.calls[2][1], { key: 'none', metadata: {}, body: '' });
    assert.deepEqual((await store.get('k')).metadata, [
      ['a', 'b:8J+mgA=='],
      ['n', 'null'],
      ['u', 'undefined'],
      ['w', 'b:bnVsbA==']
    ]);
  });

  it('spec05_2_8_bodies_are_read_in_any_form', async () => {
    const forms = {
      string: () => 'añb',
      buffer: () => Buffer.from('añb'),
      bytes: () => new TextEncoder().encode('añb'),
      arrayBuffer: () => new TextEncoder().encode('añb').buffer,
      node: () => Readable.from([Buffer.from('a'), 'ñb']),
      web: () => new Blob(['añb']).stream(),
      blob: () => new Blob(['añb']),
      iterable: async function* chunks() {
        yield 'añ';
        yield new Uint8Array([98]);
      },
      sdk: () => ({ transformToByteArray: async () => new TextEncoder().encode('añb') }),
      text: () => ({ transformToString: async () => 'añb' })
    };
    for (const [name, form] of Object.entries(forms)) {
      const store = adapted({ getObject: async () => ({ Body: form() }) });
      const { body, size, metadata, etag } = await store.get('k');
      assert.equal(body.toString(), 'añb', name);
      assert.equal(size, 4);
      assert.deepEqual(metadata, []);
      assert.equal(etag ?? null, null);
    }
    const empty = await adapted({ getObject: async () => ({}) }).get('k');
    assert.equal(empty.body.length, 0);
  });

  it('spec05_2_8_a_missing_method_fails_the_operation_that_needs_it', async () => {
    const store = adapted(minimalClient());
    await store.put({ key: 'k', metadata: [] }, 'x');
    for (const [work, method] of [
      [() => store.delete({ key: 'k' }), 'deleteObject'],
      [() => store.deleteMany(['k']), 'deleteObject'],
      [() => store.list({ prefix: '' }), 'listObjects'],
      [() => adapted({}).put({ key: 'k', metadata: [] }), 'putObject'],
      [() => adapted({}).get('k'), 'getObject'],
      [() => adapted({}).head('k'), 'headObject']
    ]) {
      const error = await rejection(work());
      assert.equal(error.name, 'DatabaseError');
      assert.equal(error.message, `Client does not implement ${method}()`);
    }
  });

  it('spec05_2_8_copy_and_batch_delete_have_fallbacks', async () => {
    const client = { ...minimalClient(), parallelism: 2 };
    const deleted = [];
    client.deleteObject = async (key) => {
      if (key === 'denied') throw Object.assign(new Error('no'), { code: 'AccessDenied' });
      deleted.push(key);
    };
    const store = adapted(client);
    await store.put({ key: 'a', metadata: [['m', 'x']], contentType: 'text/css' }, 'body');
    await store.copy({ from: 'a', to: 'b' });
    const copied = await store.get('b');
    assert.deepEqual([copied.metadata, copied.contentType, copied.body.toString()], [[['m', 'x']], 'text/css', 'body']);
    await store.copy({ from: 'a', to: 'a', metadata: [['m', 'y']] });
    assert.deepEqual([client.objects.get('a').metadata, client.objects.get('a').contentType], [{ m: 'y' }, 'text/css']);
    const report = await store.deleteMany(['a', 'denied', 'b']);
    assert.deepEqual(report, { deleted: ['a', 'b'], errors: [{ key: 'denied', code: 'AccessDenied', message: 'no' }] });
    assert.deepEqual(deleted, ['a', 'b']);
  });

  it('spec05_2_8_reports_of_batch_deletes_are_read_in_both_shapes', async () => {
    const reportOf = async (reply) => adapted({ config: { keyPrefix: 'p' }, deleteObjects: async () => reply }).deleteMany(['a', 'b', 'c']);
    assert.deepEqual(await reportOf({ Deleted: [], Errors: [{ Key: 'p/b', Code: 'X', Message: 'm' }] }), {
      deleted: ['a', 'c'],
      errors: [{ key: 'b', code: 'X', message: 'm' }]
    });
    const raw = Object.assign(new Error('slow'), { code: 'SlowDown' });
    assert.deepEqual(await reportOf({ deleted: [{}], notFound: [{ message: 'slow', raw, item: ['a', 'b'] }] }), {
      deleted: ['c'],
      errors: [
        { key: 'a', code: 'SlowDown', message: 'slow' },
        { key: 'b', code: 'SlowDown', message: 'slow' }
      ]
    });
    assert.deepEqual(await reportOf(undefined), { deleted: ['a', 'b', 'c'], errors: [] });
  });

  it('spec05_2_8_errors_of_the_client_come_back_as_the_same_objects', async () => {
    class Custom extends Error {}
    const thrown = [
      Object.assign(new Custom('one'), { extra: { deep: true } }),
      Object.assign(new Error('gone'), { Code: 'NoSuchKey' }),
      Object.assign(new Error('cond'), { $metadata: { httpStatusCode: 412 } }),
      Object.assign(new Error('net'), { code: 'ECONNRESET' })
    ];
    for (const error of thrown) {
      const store = adapted({
        headObject: async () => {
          throw error;
        }
      });
      assert.equal(await rejection(store.head('k')), error);
    }
    const text = adapted({ headObject: () => Promise.reject('just text') });
    assert.equal(await rejection(text.head('k')), 'just text');
  });

  it('spec05_2_8_errors_are_recognised_by_name_code_and_status', async () => {
    const kindOf = async (error) => {
      const rejected = await rejection(storeCallbacks({ getObject: () => Promise.reject(error) }).get('k'));
      return JSON.parse(rejected.message);
    };
    const expectations = [
      [{ name: 'NoSuchKey' }, 'NoSuchKey'],
      [{ code: 'NotFound' }, 'NoSuchKey'],
      [{ statusCode: 404 }, 'NoSuchKey'],
      [{ original: { Code: 'NoSuchKey' } }, 'NoSuchKey'],
      [{ code: 'NoSuchBucket', statusCode: 404 }, 'NoSuchBucket'],
      [{ code: 'PRECONDITION_FAILED' }, 'Precondition'],
      [{ $metadata: { httpStatusCode: 412 } }, 'Precondition'],
      [{ name: 'AccessDenied' }, 'Permission'],
      [{ code: 'NotImplemented' }, 'Unsupported'],
      [{ code: 'ETIMEDOUT' }, 'Network'],
      [{}, 'Unknown']
    ];
    for (const [members, kind] of expectations) {
      const report = await kindOf(Object.assign(new Error('x'), members));
      assert.equal(report.kind, kind, JSON.stringify(members));
      assert.equal(report.message, 'x');
      assert.equal(typeof report.foreign, 'number');
    }
    assert.equal((await kindOf(Object.assign(new Error('x'), { statusCode: 503 }))).retriable, true);
    assert.equal((await kindOf(Object.assign(new Error('x'), { statusCode: 503, retriable: false }))).retriable, false);
  });

  it('spec05_2_8_a_client_that_answers_nothing_for_a_missing_object_means_missing', async () => {
    const error = await rejection(adapted({ getObject: async () => undefined }).get('k'));
    assert.equal(error.code, 'NoSuchKey');
  });

  it('spec05_2_8_a_length_that_head_does_not_tell_is_that_of_the_body', async () => {
    const store = adapted({ headObject: async () => ({}), getObject: async () => ({ Body: 'four' }) });
    assert.equal((await store.head('k')).size, 4);
  });

  it('spec05_2_8_methods_replaced_later_are_used', async () => {
    const client = plainClient();
    const store = adapted(client);
    await store.put({ key: 'k', metadata: [] });
    client.headObject = async () => ({ Metadata: { spied: 'yes' }, ContentLength: 7 });
    assert.deepEqual((await store.head('k')).metadata, [['spied', 'yes']]);
    assert.equal(storeFor(client), storeFor(client));
  });
});

describe('listing over client objects', () => {
  const many = Array.from({ length: 2345 }, (_, i) => `resource=r/data/id=${String((i * 7919) % 2345).padStart(5, '0')}`);
  const sorted = [...many].sort();

  for (const [name, methods] of [
    ['getKeysPage', ['getKeysPage']],
    ['getAllKeys', ['getAllKeys']],
    ['listObjects', ['listObjects']]
  ]) {
    it(`spec05_2_8_${name}_alone_lists_every_key_in_order`, async () => {
      const full = plainClient();
      for (const key of many) full.objects.set(key, {});
      const client = Object.fromEntries(methods.map((method) => [method, full[method]]));
      const store = adapted(client);
      assert.deepEqual(await listAll(store, { prefix: 'resource=r/data/' }), sorted);
      assert.deepEqual(await listAll(store, { prefix: 'resource=r/data/', maxKeys: 999 }), sorted);
      assert.deepEqual(keysOf(await store.list({ prefix: 'resource=r/', startAfter: sorted[2343] })), [sorted[2344]]);
      assert.deepEqual((await store.list({ prefix: '', delimiter: '/' })).commonPrefixes, ['resource=r/']);
    });

    it(`spec05_2_8_deleting_while_listing_with_${name}_skips_nothing`, async () => {
      const full = plainClient();
      for (const key of sorted) full.objects.set(key, {});
      const client = { ...Object.fromEntries(methods.map((method) => [method, full[method]])), deleteObjects: full.deleteObjects };
      const store = adapted(client);
      let token;
      do {
        const page = await store.list({ prefix: 'resource=r/', token });
        await store.deleteMany(keysOf(page));
        token = page.nextToken ?? undefined;
      } while (token !== undefined);
      assert.equal(full.objects.size, 0);
    });
  }

  it('spec03_21_records_are_listed_with_get_keys_page_and_references_with_get_all_keys', async () => {
    const client = plainClient();
    const store = adapted(client);
    await store.list({ prefix: 'resource=r/data', maxKeys: 10 });
    await store.list({ prefix: 'resource=r/partition=p/' });
    assert.deepEqual(client.calls, [
      ['getKeysPage', 'resource=r/data', 0, 10],
      ['getAllKeys', 'resource=r/partition=p/']
    ]);
  });

  it('spec05_2_8_the_key_prefix_of_the_client_is_stripped_from_replies', async () => {
    const client = { keyPrefix: 'app', getAllKeys: async () => ['app/b', 'app/a'] };
    assert.deepEqual(keysOf(await adapted(client).list({ prefix: '' })), ['a', 'b']);
  });

  it('spec03_21_spies_on_our_own_clients_are_called', async () => {
    const client = new MemoryClient({ keyPrefix: 'app' });
    for (const key of ['resource=r/data/id=1', 'resource=r/partition=p/x=1/id=1']) await client.putObject({ key });
    const calls = [];
    for (const name of [
      'getKeysPage',
      'getAllKeys',
      'putObject',
      'getObject',
      'headObject',
      'copyObject',
      'deleteObject',
      'deleteObjects'
    ]) {
      const original = client[name];
      client[name] = function spy(...args) {
        calls.push(name);
        return original.apply(this, args);
      };
    }
    const store = adapted(client);
    assert.equal(store.kind, 'js');
    assert.deepEqual(keysOf(await store.list({ prefix: 'resource=r/data' })), ['resource=r/data/id=1']);
    assert.deepEqual(keysOf(await store.list({ prefix: 'resource=r/partition=p/' })), ['resource=r/partition=p/x=1/id=1']);
    await store.put({ key: 'k', metadata: [['a', 'b:w7w=']] }, 'x');
    assert.deepEqual((await store.get('k')).metadata, [['a', 'b:w7w=']]);
    await store.head('k');
    await store.copy({ from: 'k', to: 'l' });
    await store.delete({ key: 'k' });
    await store.deleteMany(['l']);
    assert.deepEqual(calls, [
      'getKeysPage',
      'getAllKeys',
      'putObject',
      'getObject',
      'headObject',
      'copyObject',
      'deleteObject',
      'deleteObjects'
    ]);
  });

  it('our own watched clients page with the tokens of their store', async () => {
    const requests = [];
    const client = clientSending(async ({ input }) => {
      requests.push(input.ContinuationToken);
      const first = input.ContinuationToken === undefined;
      return {
        Contents: [{ Key: first ? 'app/x/a' : 'app/x/b', Size: 3, ETag: '"e"', LastModified: new Date(5000) }],
        IsTruncated: first,
        NextContinuationToken: first ? 'T' : undefined
      };
    });
    assert.ok(client instanceof S3Client);
    const store = adapted(client);
    const page = await store.list({ prefix: '' });
    assert.deepEqual(page.entries, [{ key: 'a', size: 3, etag: 'e', lastModified: 5000 }]);
    assert.deepEqual(await listAll(store, { prefix: '' }), ['a', 'b']);
    assert.deepEqual(requests, [undefined, undefined, 'T']);
  });

  it('as many calls run at once as the resource asks for', async () => {
    const client = plainClient();
    const { getObject } = client;
    let [watching, running, most] = [false, 0, 0];
    client.getObject = async (key) => {
      if (watching) {
        running += 1;
        most = Math.max(most, running);
        for (let turns = 0; turns < 50 && most < 40; turns += 1) await new Promise((resolve) => setTimeout(resolve, 20));
        running -= 1;
      }
      return getObject.call(client, key);
    };
    const db = new Database({ client, parallelism: 40 });
    await db.connect();
    const resource = await db.createResource({ name: 'r', attributes: { n: 'number' }, behavior: 'body-only' });
    const inserted = await resource.insertMany(Array.from({ length: 60 }, (_, n) => ({ n })));
    watching = true;
    assert.equal((await resource.getMany(inserted.map(({ id }) => id))).length, 60);
    assert.equal(most, 40);
    await db.disconnect();
  });
});
