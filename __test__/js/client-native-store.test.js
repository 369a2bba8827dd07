import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClient, FileSystemClient, MemoryClient, nativeStoreOf, S3Client, storeFor } from '../../js/client/index.js';
import { clientSending, kinds, rejection, temporaryDirectory } from './support/clients.js';
import { plainClient } from './support/object-clients.js';

const fresh = () => [
  new MemoryClient({ keyPrefix: 'p' }),
  new FileSystemClient({ basePath: temporaryDirectory() }),
  new S3Client({ connectionString: 'http://k:s@127.0.0.1:1/bucket/p' })
];

describe('nativeStoreOf', () => {
  it('gives the store of an untouched client', () => {
    for (const client of fresh()) {
      const store = nativeStoreOf(client);
      assert.ok(store !== null, client.constructor.name);
      assert.equal(nativeStoreOf(client), store);
      assert.equal(storeFor(client), store);
    }
    assert.deepEqual(
      fresh().map((client) => nativeStoreOf(client).kind),
      ['memory', 'file', 's3']
    );
    class Untouched extends MemoryClient {}
    assert.ok(nativeStoreOf(new Untouched()) !== null);
  });

  it('gives null for other clients', () => {
    assert.equal(nativeStoreOf(plainClient()), null);
    assert.equal(nativeStoreOf({}), null);
    assert.equal(nativeStoreOf(clientSending(async () => ({}))), null);
  });

  it('gives null when a method was replaced on the instance, in a subclass or on the prototype', () => {
    const methods = [
      'putObject',
      'getObject',
      'headObject',
      'copyObject',
      'deleteObject',
      'deleteObjects',
      'listObjects',
      'getKeysPage',
      'getAllKeys',
      'count',
      'deleteAll',
      'exists',
      'sendCommand',
      'emit'
    ];
    for (const name of methods) {
      for (const client of fresh()) {
        client[name] = async () => {};
        assert.equal(nativeStoreOf(client), null, `${client.constructor.name}.${name}`);
        delete client[name];
        assert.ok(nativeStoreOf(client) !== null);
      }
    }
    class Counting extends MemoryClient {
      async getObject(key) {
        return super.getObject(key);
      }
    }
    assert.equal(nativeStoreOf(new Counting()), null);
    const { putObject } = MemoryClient.prototype;
    const client = new MemoryClient();
    try {
      MemoryClient.prototype.putObject = function patched(...args) {
        return putObject.apply(this, args);
      };
      assert.equal(nativeStoreOf(client), null);
    } finally {
      MemoryClient.prototype.putObject = putObject;
    }
    assert.ok(nativeStoreOf(client) !== null);
  });

  it('gives null while somebody listens to commands', () => {
    for (const client of fresh()) {
      client.on('error', () => {});
      assert.ok(nativeStoreOf(client) !== null);
      for (const event of ['cl:response', 'cl:PutObject', 'command.request', 'putObject', 'deleteAllComplete']) {
        const listener = () => {};
        client.on(event, listener);
        assert.equal(nativeStoreOf(client), null, event);
        client.off(event, listener);
        assert.ok(nativeStoreOf(client) !== null);
      }
    }
  });

  it('gives null when what is behind the client changed', () => {
    const [memory, , s3] = fresh();
    s3.client.send = async () => ({});
    assert.equal(nativeStoreOf(s3), null);
    delete s3.client.send;
    s3.config.keyPrefix = 'elsewhere';
    assert.equal(nativeStoreOf(s3), null);
    s3.client = s3.createClient();
    assert.ok(nativeStoreOf(s3) !== null);
    const { storage } = memory;
    storage.put = async () => ({});
    assert.equal(nativeStoreOf(memory), null);
    delete storage.put;
    memory.keyPrefix = 'q';
    assert.equal(nativeStoreOf(memory), null);
    for (const options of [{ autoPersist: true, persistPath: '/tmp/x.json' }, { maxMemoryMB: 5 }, { verbose: true }]) {
      assert.equal(nativeStoreOf(new MemoryClient(options)), null);
    }
  });

  it('gives one store for every call, so that hot paths may ask each time', () => {
    for (const client of fresh()) {
      const store = nativeStoreOf(client);
      for (let i = 0; i < 100; i += 1) assert.equal(nativeStoreOf(client), store, client.constructor.name);
    }
  });

  for (const { name, skip, make } of kinds) {
    it(`spec05_2_8_native_and_public_routes_reach_the_same_objects_on_${name}`, { skip }, async () => {
      const client = make();
      const store = nativeStoreOf(client);
      const full = `${client.keyPrefix}/k`;
      await client.putObject({ key: 'k', body: 'x', metadata: { a: 'ü' } });
      const { meta, body } = await store.get(full);
      assert.deepEqual(JSON.parse(meta).metadata, [['a', 'b:w7w=']]);
      assert.equal(body.toString(), 'x');
      await store.put(JSON.stringify({ key: full, metadata: [['a', 'y']] }), Buffer.from('z'));
      assert.equal(await (await client.getObject('k')).Body.transformToString(), 'z');
    });
  }
});

describe('createClient', () => {
  it('spec05_4_4_connection_strings_choose_the_client', async () => {
    const s3 = createClient('s3://k:s@bucket/pre', {
      parallelism: 3,
      httpClientOptions: { timeout: 5 },
      sessionToken: 'tok',
      verbose: true
    });
    assert.ok(s3 instanceof S3Client);
    assert.deepEqual(
      [s3.bucket, s3.keyPrefix, s3.parallelism, s3.httpClientOptions.timeout, s3.config.sessionToken, s3.verbose],
      ['bucket', 'pre', 3, 5, 'tok', true]
    );
    assert.ok(createClient('https://k:s@minio.example.com:9000/bucket') instanceof S3Client);
    const bucket = `create-${Date.now()}`;
    const one = createClient(`memory://${bucket}/a%20b`);
    const two = createClient(`memory://${bucket}?enforceLimits=true&metadataLimit=100`);
    assert.ok(one instanceof MemoryClient);
    assert.deepEqual([one.bucket, one.keyPrefix, two.storage.enforceLimits, two.storage.metadataLimit], [bucket, 'a b', true, 100]);
    await one.putObject({ key: 'k' });
    assert.deepEqual(await two.getAllKeys(), ['a b/k']);
    const path = temporaryDirectory();
    const file = createClient(`file://${path}`, { clientOptions: { keyPrefix: 'db', durability: 'none' } });
    assert.ok(file instanceof FileSystemClient);
    assert.deepEqual([file.basePath, file.bucket, file.keyPrefix], [path, 's3db', 'db']);
    await file.putObject({ key: 'k', body: 'on disk' });
    const again = createClient(`file://${path}?keyPrefix=db`);
    assert.equal(await (await again.getObject('k')).Body.transformToString(), 'on disk');
  });

  it('spec05_4_4_a_file_client_needs_a_path_and_knows_its_options', async () => {
    assert.throws(() => new FileSystemClient(), { name: 'ValidationError', message: /requires a path/ });
    assert.throws(() => createClient('file://'), /requires a path/);
    assert.throws(() => new FileSystemClient({ basePath: temporaryDirectory(), durability: 'some' }), { message: /Valid: full, none/ });
    const client = new FileSystemClient({ basePath: temporaryDirectory() });
    const error = await rejection(client.sendCommand({ constructor: { name: 'GetObjectCommand' }, input: { Bucket: 'other', Key: 'k' } }));
    assert.equal(error.name, 'NoSuchBucket');
  });
});
