// Connects, disconnects and what goes wrong in them: the last call decides, and nothing stays behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { storeFor } from '../../js/client/store-for.js';
import { MemoryClient } from '../../js/index.js';
import { connectDatabase, freshStore, makeDatabase, readMetadata } from './support/databases.js';

const attributes = { name: 'string|required' };

/** A database whose reads of metadata wait for `open()`. */
function gated(options) {
  const client = new MemoryClient({ bucket: `turns-${Math.random()}` });
  let open;
  const gate = new Promise((resolve) => {
    open = resolve;
  });
  const getObject = client.getObject.bind(client);
  client.getObject = async (key) => {
    await gate;
    return getObject(key);
  };
  return { database: makeDatabase({ client, ...options }), open };
}

const state = (database) => [database.isConnected(), database._connected, database._exitListenerRegistered];

test('spec01_2_5 a disconnect during connect comes after it, and leaves nothing connected', async () => {
  const log = [];
  const plugin = { install: async () => log.push('install'), start: async () => log.push('start'), stop: async () => log.push('stop') };
  const { database, open } = gated({ plugins: [plugin] });
  for (const event of ['db:connected', 'disconnected', 'db:disconnected']) database.on(event, () => log.push(event));
  const connecting = database.connect();
  const disconnecting = database.disconnect();
  await new Promise((resolve) => setTimeout(resolve, 20));
  open();
  await Promise.all([connecting, disconnecting]);
  assert.deepEqual(log, ['install', 'start', 'db:connected', 'disconnected', 'stop', 'db:disconnected']);
  assert.deepEqual(state(database), [false, false, false]);
});

test('spec01_2_5 a connect during disconnect comes after it, and leaves the database connected', async () => {
  const database = await connectDatabase();
  await database.createResource({ name: 'users', attributes });
  const disconnecting = database.disconnect();
  await database.connect();
  await disconnecting;
  assert.deepEqual(state(database), [true, true, true]);
  assert.deepEqual(Object.keys(database.resources), ['users']);
  await database.resources.users.insert({ id: 'a', name: 'A' });
});

test('spec01_2_5 disconnects of one time are one; after a connect that waits they are another', async () => {
  const database = await connectDatabase();
  const events = [];
  database.on('disconnected', () => events.push('disconnected'));
  await Promise.all([database.disconnect(), database.disconnect()]);
  assert.deepEqual(events, ['disconnected']);
  await database.connect();
  const last = Promise.all([database.disconnect(), database.connect(), database.disconnect()]);
  await last;
  assert.deepEqual(state(database), [false, false, false]);
});

test('spec01_2_5 a plugin may disconnect its database while it is installed', async () => {
  const log = [];
  const plugin = {
    async install(database) {
      log.push('install');
      await database.disconnect();
      log.push('disconnected');
    },
    stop: async () => log.push('stop')
  };
  const database = makeDatabase({ plugins: [plugin] });
  await database.connect();
  assert.deepEqual(log.slice(0, 2), ['install', 'disconnected']);
  await database.disconnect();
});

test('spec01_2_5 listeners that throw do not keep disconnect from its work', async () => {
  const warnings = [];
  const logger = { warn: (text) => warnings.push(text), error() {}, info() {}, debug() {} };
  const log = [];
  const plugin = (label) => ({ install: async () => {}, start: async () => {}, stop: async () => log.push(label) });
  const database = await connectDatabase({ logger, plugins: [plugin('one'), plugin('two')] });
  for (const event of ['disconnected', 'db:plugin:stopped', 'db:disconnected'])
    database.on(event, () => {
      throw new Error(`no ${event}`);
    });
  await database.disconnect();
  assert.deepEqual(log, ['two', 'one']);
  assert.deepEqual(state(database), [false, false, false]);
  assert.equal(database.listenerCount('disconnected'), 0);
  assert.deepEqual(
    warnings.map((text) => /no [\w:]+/.exec(text)[0]),
    ['no disconnected', 'no db:plugin:stopped', 'no db:plugin:stopped', 'no db:disconnected']
  );
});

test('spec01_4 a connect that a stored definition fails names it, and the next one reads the file anew', async () => {
  const first = await connectDatabase({ connectionString: freshStore() });
  await first.createResource({ name: 'good', attributes });
  await first.createResource({ name: 'users', attributes });
  const text = JSON.stringify(await readMetadata(first));
  const put = (body) => first.client.putObject({ key: 's3db.json', body, contentType: 'application/json' });
  await put(text.replace(/("users":.*?)"string\|required"/, '$1"strng"'));
  const database = makeDatabase(first.options);
  await assert.rejects(database.connect(), (error) => {
    assert.equal(error.name, 'SchemaError');
    assert.match(error.message, /Invalid 'strng' type/);
    assert.deepEqual([error.resourceName, error.key], ['users', 's3db.json']);
    assert.match(error.suggestion, /'users' in s3db\.json/);
    assert.match(error.toJSON().suggestion, /'users' in s3db\.json/);
    return true;
  });
  assert.deepEqual([database.isConnected(), database._engineLogs, Object.keys(database.resources)], [false, null, []]);
  await put(text);
  await database.connect();
  assert.deepEqual(Object.keys(database.resources), ['good', 'users']);
});

test('spec01_12_22 after a failed plugin the next connect takes definitions as they are then', async () => {
  const first = await connectDatabase({ connectionString: freshStore() });
  await first.createResource({ name: 'users', attributes });
  let failing = true;
  const plugin = {
    install: async () => {
      if (failing) throw new Error('not yet');
    }
  };
  const database = makeDatabase({ ...first.options, plugins: [plugin] });
  await assert.rejects(database.connect(), /not yet/);
  await first.createResource({ name: 'users', attributes: { ...attributes, age: 'number|optional' } });
  failing = false;
  const changes = [];
  database.on('db:resource-definitions-changed', (event) => changes.push(event));
  await database.connect();
  assert.deepEqual(Object.keys(database.resources.users.attributes), ['name', 'age']);
  assert.deepEqual(changes, []);
});

test('spec01_2_9 of concurrent createResource calls of one name one runs the hooks of creation', async () => {
  const database = await connectDatabase();
  const ran = [];
  for (const event of ['resourceCreated', 'resourceUpdated']) database.addHook(event, () => ran.push(event));
  await Promise.all([database.createResource({ name: 'users', attributes }), database.createResource({ name: 'users', attributes })]);
  assert.deepEqual(ran.sort(), ['resourceCreated', 'resourceUpdated']);
});

test('spec01_2_4 a store that cannot be reached is named in the error of connect, without credentials', async () => {
  const connectionString = 'http://KEYID:CONFIDENTIAL@127.0.0.1:1/bucket/app';
  const database = makeDatabase({ connectionString, httpClientOptions: { maxRetries: 0 } });
  await assert.rejects(database.connect(), (error) => {
    assert.deepEqual([error.code, error.retriable, error.key], ['ECONNREFUSED', true, 's3db.json']);
    assert.match(error.suggestion, /http:\/\/127\.0\.0\.1:1/);
    assert.doesNotMatch(`${inspect(error)}${JSON.stringify(error)}`, /CONFIDENTIAL|KEYID/);
    return true;
  });
  assert.deepEqual(state(database), [false, false, true]);
});

test('spec01_2_4 a store that fails is told with what to do, and overwrites nothing', async () => {
  const database = makeDatabase({ connectionString: freshStore() });
  // As the engine reports a server that answers 503.
  const answer = {
    kind: 'Unknown',
    message: 'GetObject failed with SlowDown: no',
    code: 'SlowDown',
    status: 503,
    retriable: true,
    fields: {}
  };
  const load = () => Promise.reject(new Error(JSON.stringify(answer)));
  await database.ensureClientInitialized();
  database._catalog = { store: storeFor(database.client), handle: { load } };
  await assert.rejects(database.connect(), { name: 'UnknownError', statusCode: 503, retriable: true, suggestion: /try again later/ });
  assert.deepEqual(await database.client.getAllKeys({ prefix: '' }), []);
  await database.connect();
});

/** A plugin that takes some turns to install, and notes its steps. */
function slowPlugin(log, label) {
  return {
    async install() {
      log.push(`install ${label}`);
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    },
    start: async () => log.push(`start ${label}`),
    stop: async () => log.push(`stop ${label}`)
  };
}

test('spec01_2_8 one instance is installed once, however often it is listed or used at a time', async () => {
  const log = [];
  const listed = slowPlugin(log, 'listed');
  const used = slowPlugin(log, 'used');
  const database = await connectDatabase({ plugins: [listed, listed] });
  assert.deepEqual(await Promise.all([database.usePlugin(used), database.usePlugin(used)]), [used, used]);
  await database.disconnect();
  assert.deepEqual(log, ['install listed', 'start listed', 'install used', 'start used', 'stop used', 'stop listed']);
  // A class makes one each time.
  class Counted {
    install() {
      log.push('counted');
    }
  }
  await connectDatabase({ plugins: [Counted, Counted] });
  assert.deepEqual(log.slice(6), ['counted', 'counted']);
});

test('spec01_2_8 a plugin that is used while the database connects is installed once, under a name of its own', async () => {
  for (const wait of [0, 3]) {
    const log = [];
    const database = makeDatabase({ plugins: [slowPlugin(log, 'one')] });
    const connecting = database.connect();
    for (let turn = 0; turn < wait; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const using = database.usePlugin(slowPlugin(log, 'two'));
    await Promise.all([connecting, using]);
    assert.deepEqual(Object.keys(database.plugins).sort(), ['object', 'object2'], `${wait}`);
    await database.disconnect();
    assert.deepEqual([...log].sort(), ['install one', 'install two', 'start one', 'start two', 'stop one', 'stop two'], `${wait}`);
  }
});

test('spec01_2_8 a plugin that is used while the database disconnects does not outlive it', async () => {
  for (const wait of [0, 1]) {
    const log = [];
    const database = await connectDatabase({ plugins: [slowPlugin(log, 'one')] });
    const disconnecting = database.disconnect();
    if (wait > 0) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([database.usePlugin(slowPlugin(log, 'two')), disconnecting]);
    const count = (step) => log.filter((line) => line === `${step} two`).length;
    assert.equal(count('start'), count('stop'), `${wait}`);
    assert.ok(count('stop') === 0 || log.lastIndexOf('stop two') > log.lastIndexOf('start two'), `${wait}`);
    await database.connect();
    assert.equal(Object.keys(database.plugins).length, 2, `${wait}`);
    await database.disconnect();
    assert.equal(count('start'), count('stop'), `${wait}`);
  }
});
