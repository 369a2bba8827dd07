/** Where the documentation of 13.6 and its code differ (spec/01 section 11): what holds here. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { storeFor } from '../../js/client/store-for.js';
import { S3Client } from '../../js/index.js';
import { native } from '../../js/native/load.js';
import { Plugin } from '../../js/plugin/plugin.js';
import { connectDatabase, makeDatabase, reopen } from './support/databases.js';

/** Settings of the S3 stores that `run` opens. */
async function openedStores(run) {
  const { NativeStore } = native;
  const opened = [];
  const watched = {
    s3(text) {
      opened.push(JSON.parse(text));
      return NativeStore.s3(text);
    }
  };
  Object.defineProperty(native, 'NativeStore', { value: watched });
  try {
    await run();
  } finally {
    Object.defineProperty(native, 'NativeStore', { value: NativeStore });
  }
  return opened;
}

test('spec01_11 httpClientOptions of the database reach the client, over the defaults of the code', () => {
  const db = makeDatabase({ connectionString: 'http://k:s@127.0.0.1:1/bucket', httpClientOptions: { maxSockets: 7 } });
  assert.equal(db.client.httpClientOptions.maxSockets, 7);
  const { httpClientOptions } = new S3Client({ connectionString: 'http://k:s@127.0.0.1:1/bucket' });
  assert.deepEqual(
    [httpClientOptions.maxSockets, httpClientOptions.maxFreeSockets, httpClientOptions.timeout, httpClientOptions.keepAlive],
    [500, 100, 60_000, true]
  );
});

test('spec01_11 a session token of the database reaches the client', () => {
  const parts = { connectionString: undefined, bucket: 'b', accessKeyId: 'k', secretAccessKey: 's', sessionToken: 'token/+' };
  assert.equal(makeDatabase(parts).client.config.sessionToken, 'token/+');
});

test('spec01_11 session token and HTTP options of the database are those of the requests', async () => {
  const heard = [];
  const server = createServer((request, response) => {
    heard.push(request.headers);
    response.writeHead(404, { 'content-type': 'application/xml' });
    response.end('<Error><Code>NoSuchKey</Code><Message>none</Message></Error>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const db = makeDatabase({
      connectionString: undefined,
      bucket: 'b',
      accessKeyId: 'k',
      secretAccessKey: 's',
      sessionToken: 'token/+',
      endpoint: `http://127.0.0.1:${server.address().port}`,
      forcePathStyle: true,
      httpClientOptions: { keepAlive: false }
    });
    assert.equal(await db.client.exists('nothing'), false);
    assert.equal(heard[0]['x-amz-security-token'], 'token/+');
    assert.match(heard[0].authorization, /SignedHeaders=[^,]*x-amz-security-token/);
    db.client.client.destroy();
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  const opened = await openedStores(() =>
    makeDatabase({
      connectionString: 'http://k:s@127.0.0.1:1/bucket',
      httpClientOptions: { maxSockets: 7, timeout: 1234, keepAlive: false }
    })
  );
  const { maxSockets, timeout, keepAlive } = opened[0].http;
  assert.deepEqual({ maxSockets, timeout, keepAlive }, { maxSockets: 7, timeout: 1234, keepAlive: false });
});

test('spec01_11 getResource takes strictValidation: false for a resource with orphaned partitions', async () => {
  const db = await connectDatabase();
  await db.createResource({ name: 'items', attributes: { a: 'string', b: 'string' }, partitions: { byB: { fields: { b: 'string' } } } });
  const file = await db.client.getObject('s3db.json');
  const metadata = JSON.parse(await file.Body.transformToString());
  delete metadata.resources.items.versions.v1.attributes.b;
  await db.client.putObject({ key: 's3db.json', body: JSON.stringify(metadata), contentType: 'application/json' });
  const again = await reopen(db);
  const items = await again.getResource('items', { strictValidation: false });
  assert.deepEqual(Object.keys(items.findOrphanedPartitions()), ['byB']);
});

test('spec01_11 an object as cache option means true for resources and stays on the database', async () => {
  const cache = { type: 'memory', ttl: 5 };
  const db = await connectDatabase({ cache });
  const items = await db.createResource({ name: 'items', attributes: { a: 'string' } });
  assert.equal(db.cache, cache);
  assert.equal(items.config.cache, true);
  const off = await connectDatabase({ cache: false });
  assert.equal((await off.createResource({ name: 'items', attributes: { a: 'string' } })).config.cache, false);
});

test('spec01_11 usePlugin instantiates a class, also before connect, and emits the plugin events on the database', async () => {
  const order = [];
  class TracePlugin extends Plugin {
    async onInstall() {
      order.push(`install ${this.database.isConnected()}`);
    }
    async onStart() {
      order.push('start');
    }
  }
  const db = makeDatabase();
  for (const event of ['installed', 'started', 'stopped']) db.on(`db:plugin:${event}`, () => order.push(event));
  const plugin = await db.usePlugin(TracePlugin);
  assert.ok(plugin instanceof TracePlugin);
  assert.deepEqual(order, []);
  await db.connect();
  assert.deepEqual(order, ['install true', 'installed', 'start', 'started']);
  await db.uninstallPlugin(plugin);
  assert.ok(order.includes('stopped'));
  assert.equal(db.getPlugin('trace') ?? null, null);
});

test('spec01_11 payloads of database events are those of the code', async () => {
  const db = makeDatabase();
  const seen = {};
  for (const event of ['db:connected', 'db:metadata-uploaded', 'disconnected', 'db:disconnected']) {
    db.on(event, (...args) => {
      seen[event] = args;
    });
  }
  await db.connect();
  await db.createResource({ name: 'items', attributes: { a: 'string' } });
  assert.ok(seen['db:connected'].length === 1 && seen['db:connected'][0] instanceof Date);
  assert.deepEqual(Object.keys(seen['db:metadata-uploaded'][0].resources), ['items']);
  await db.disconnect();
  assert.ok(seen.disconnected[0] instanceof Date && seen['db:disconnected'][0] instanceof Date);
});

test('spec01_11 s3 strings use the endpoint of their region, and config keeps the one of the code', async () => {
  for (const [query, endpoint] of [
    ['region=eu-west-1', undefined],
    ['region=eu-west-1&endpoint=http://127.0.0.1:1', 'http://127.0.0.1:1']
  ]) {
    const [opened] = await openedStores(() => {
      const client = new S3Client({ connectionString: `s3://k:s@bucket/path?${query}` });
      storeFor(client);
      const { config } = client;
      assert.deepEqual([config.region, config.endpoint], ['eu-west-1', endpoint ?? 'https://s3.us-east-1.amazonaws.com']);
    });
    assert.deepEqual([opened.region, opened.endpoint], ['eu-west-1', endpoint]);
  }
});
