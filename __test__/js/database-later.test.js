import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Database, DatabaseError, FileSystemClient, MemoryClient, ValidationError } from '../../js/index.js';
import { connectDatabase, freshStore, makeDatabase, readMetadata } from './support/databases.js';

const attributes = { name: 'string|required' };
const S3 = 's3://key:secret@bucket/prefix';

test('spec01_14 databaseOptions is options, and security shows what is in use', () => {
  const database = makeDatabase({ security: { passphrase: 'p', pepper: 'x', bcrypt: { rounds: 12 } } });
  assert.equal(database.databaseOptions, database.options);
  assert.deepEqual(database.security, { passphrase: 'p', pepper: 'x', bcrypt: { rounds: 12 } });
  assert.deepEqual(makeDatabase({ passphrase: 'own', bcryptRounds: 4, security: { passphrase: 'p' } }).security, {
    passphrase: 'own',
    bcrypt: { rounds: 4 }
  });
});

test('spec01_14 listResources gives names with exported definitions', async () => {
  const database = await connectDatabase();
  assert.deepEqual(await database.listResources(), []);
  const resource = await database.createResource({ name: 'users', attributes, timestamps: true });
  const [listed] = await database.listResources();
  assert.deepEqual(listed, resource.export());
  assert.equal(listed.name, 'users');
  assert.equal(listed.timestamps, true);
  assert.equal(listed.attributes.name, 'string|required');
});

test('spec01_14 parallelism is an accessor that reads what 13.6 reads, and auto goes by the cores', () => {
  const database = makeDatabase({ parallelism: '15' });
  assert.equal(database.parallelism, 15);
  database.parallelism = 'invalid';
  assert.equal(database.parallelism, 10);
  database.parallelism = '7 at a time';
  assert.equal(database.parallelism, 7);
  const expected = Math.min(64, Math.max(10, 8 * availableParallelism()));
  assert.equal(makeDatabase({ parallelism: 'auto' }).parallelism, expected);
  assert.equal(database.config.parallelism, 7);
  assert.equal(makeDatabase({ parallelism: 'auto' }).client.parallelism, expected);
});

/** Most reads of records under way at a time while `run` runs. */
async function widest(client, run) {
  let now = 0;
  let most = 0;
  const getObject = client.getObject.bind(client);
  client.getObject = async (key) => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 5));
    try {
      return await getObject(key);
    } finally {
      now -= 1;
    }
  };
  try {
    await run();
  } finally {
    delete client.getObject;
  }
  return most;
}

test('spec01_14 setConcurrency bounds what runs at a time from then on, except for resources with a bound of their own', async () => {
  const client = new MemoryClient({ bucket: 'later-concurrency', parallelism: 5 });
  const database = await connectDatabase({ client, parallelism: 5 });
  const users = await database.createResource({ name: 'users', attributes });
  const own = await database.createResource({ name: 'own', attributes, parallelism: 4 });
  for (const resource of [users, own])
    await resource.insertMany(Array.from({ length: 20 }, (_, index) => ({ id: `r${index}`, name: 'x' })));
  assert.equal(await widest(client, () => users.list()), 5);
  database.setConcurrency(2);
  assert.equal(database.parallelism, 2);
  assert.equal(client.parallelism, 2);
  assert.equal(await widest(client, () => users.list()), 2);
  assert.equal(await widest(client, () => own.list()), 4);
  assert.equal((await database.createResource({ name: 'later', attributes })).parallelism, 2);
  database.setConcurrency('auto');
  assert.equal(users.parallelism, database.parallelism);
});

for (const value of [0, -1, 1.5, '4', undefined, null]) {
  test(`spec01_14 setConcurrency refuses ${String(value)} (${typeof value})`, () => {
    const database = makeDatabase({ parallelism: 3 });
    assert.throws(
      () => database.setConcurrency(value),
      (error) => error instanceof ValidationError && error.field === 'concurrency' && error.statusCode === 400
    );
    assert.equal(database.parallelism, 3);
  });
}

test('spec01_14 executorPool is the pool of the S3 client; its concurrency is parallelism unless that is given', () => {
  const database = new Database({ connectionString: S3, executorPool: { concurrency: 3, retries: 1 } });
  assert.equal(database.taskExecutor, database.client.pool);
  assert.equal(database.taskExecutor.concurrency, 3);
  assert.equal(database.taskExecutor.retries, 1);
  assert.equal(database.parallelism, 3);
  database.setConcurrency(6);
  assert.equal(database.taskExecutor.concurrency, 6);
  assert.equal(new Database({ connectionString: S3, executorPool: { concurrency: 3 }, parallelism: 8 }).parallelism, 8);
  for (const executorPool of [false, undefined, { enabled: false }])
    assert.equal(new Database({ connectionString: S3, executorPool }).taskExecutor, null);
});

test('spec01_14 a pool that is widened starts what waits', async () => {
  const { pool } = new Database({ connectionString: S3, executorPool: { concurrency: 1, timeout: 0 } }).client;
  const release = [];
  const started = [];
  const tasks = [1, 2, 3].map((number) =>
    pool.run('task', () => {
      started.push(number);
      return new Promise((resolve) => release.push(resolve));
    })
  );
  assert.deepEqual(started, [1]);
  pool.setConcurrency(3);
  assert.deepEqual(started, [1, 2, 3]);
  for (const done of release) done();
  await Promise.all(tasks);
  assert.throws(() => pool.setConcurrency(0), ValidationError);
});

test('spec01_14 ensureClientInitialized opens the store, and rejects with the typed error where that fails', async () => {
  const database = makeDatabase();
  assert.equal(await database.ensureClientInitialized(), undefined);
  const client = new FileSystemClient({ basePath: '/tmp/s3db-later' });
  const broken = makeDatabase({ client });
  Object.defineProperty(client, 'client', {
    get() {
      throw new ValidationError('no store', { field: 'basePath' });
    }
  });
  await assert.rejects(broken.ensureClientInitialized(), /no store/);
});

test('spec01_14 prewarmResources tells what was compiled, what was before, and what is unknown', async () => {
  const database = await connectDatabase();
  for (const name of ['one', 'two']) await database.createResource({ name, attributes: { [name]: 'string|required' } });
  assert.deepEqual(database.prewarmResources(['one', 'nobody']), { warmed: ['one'], skipped: ['nobody'], alreadyCompiled: [] });
  assert.equal(database.resources.one.isSchemaCompiled(), true);
  assert.equal(database.resources.two.isSchemaCompiled(), false);
  assert.deepEqual(database.prewarmResources(), { warmed: ['two'], skipped: [], alreadyCompiled: ['one'] });
});

for (const [option, value] of [
  ['exitOnSignal', 'yes'],
  ['autoCleanup', 1],
  ['disableResourceEvents', 'true'],
  ['deferMetadataWrites', 1],
  ['metadataWriteDelay', '100'],
  ['metadataWriteDelay', -1]
]) {
  test(`spec01_14 ${option}: ${JSON.stringify(value)} is refused`, () => {
    assert.throws(
      () => makeDatabase({ [option]: value }),
      (error) => error instanceof DatabaseError && error.option === option && error.statusCode === 400
    );
  });
}

// Deferred writes of definitions

const storedNames = async (database) => Object.keys((await readMetadata(database)).resources).sort();

/** A delay that no test waits for. */
const NEVER = 3_600_000;

test('spec01_14 deferMetadataWrites: definitions are written together, by flushMetadata at the latest', async () => {
  const database = await connectDatabase({ deferMetadataWrites: true, metadataWriteDelay: NEVER });
  const uploads = [];
  database.on('db:metadata-uploaded', () => uploads.push('upload'));
  const created = [];
  database.on('db:resource-created', (name) => created.push(name));
  for (const name of ['a', 'b', 'c']) await database.createResource({ name, attributes });
  assert.deepEqual(created, ['a', 'b', 'c']);
  await database.resources.a.insert({ id: 'x', name: 'usable before the definition is written' });
  assert.deepEqual(await storedNames(database), []);
  await database.flushMetadata();
  assert.deepEqual(await storedNames(database), ['a', 'b', 'c']);
  assert.equal(uploads.length, 1);
  await database.flushMetadata();
  assert.equal(uploads.length, 1);
  // Another definition of what is stored is written at once: records must not have one that nobody else knows.
  await database.createResource({ name: 'a', attributes: { ...attributes, more: 'string|optional' } });
  assert.equal((await readMetadata(database)).resources.a.currentVersion, 'v2');
  assert.equal(database.resources.a.version, 'v2');
});

test('spec01_14 deferMetadataWrites: the delay writes, and disconnect does', async () => {
  const connectionString = freshStore();
  const database = makeDatabase({ connectionString, deferMetadataWrites: true, metadataWriteDelay: 1 });
  await database.connect();
  const uploaded = once(database, 'db:metadata-uploaded');
  await database.createResource({ name: 'a', attributes });
  await uploaded;
  assert.deepEqual(await storedNames(database), ['a']);
  database.options.metadataWriteDelay = NEVER;
  await database.createResource({ name: 'b', attributes });
  await database.disconnect();
  const again = await connectDatabase({ connectionString });
  assert.deepEqual(Object.keys(again.resources), ['a', 'b']);
});

test('spec01_14 deferMetadataWrites: a write that fails rejects flushMetadata, is logged, and is tried again', async () => {
  const client = new MemoryClient({ bucket: 'later-deferred' });
  const errors = [];
  const logger = { error: (text) => errors.push(text), warn() {}, info() {}, debug() {}, trace() {}, fatal() {} };
  const database = await connectDatabase({ client, logger, deferMetadataWrites: true, metadataWriteDelay: 1 });
  const putObject = client.putObject.bind(client);
  let failing = true;
  client.putObject = async (options) => {
    if (failing && options.key.includes('s3db.json'))
      throw Object.assign(new Error('store is away'), { statusCode: 403, code: 'AccessDenied' });
    return putObject(options);
  };
  database.options.metadataWriteDelay = NEVER;
  await database.createResource({ name: 'a', attributes });
  database.options.metadataWriteDelay = 1;
  await assert.rejects(database.flushMetadata());
  assert.match(errors[0], /definitions of a could not be written/);
  const uploaded = once(database, 'db:metadata-uploaded');
  failing = false;
  // Retries alone do not keep a process alive.
  const awake = setInterval(() => {}, 1000);
  await uploaded;
  clearInterval(awake);
  assert.deepEqual(await storedNames(database), ['a']);
});

test('spec01_14 deferMetadataWrites: a background write that fails is an event, also behind a listener that throws', async () => {
  const client = new MemoryClient({ bucket: 'later-deferred-event' });
  const logged = [];
  const note = (text) => logged.push(text);
  const logger = { error: note, warn: note, info() {}, debug() {}, trace() {}, fatal() {} };
  const database = await connectDatabase({ client, logger, deferMetadataWrites: true, metadataWriteDelay: 1 });
  const awake = setInterval(() => {}, 1000);
  let failing = true;
  const putObject = client.putObject.bind(client);
  client.putObject = async (options) => {
    if (failing && options.key.includes('s3db.json')) throw Object.assign(new Error('store is away'), { statusCode: 503 });
    return putObject(options);
  };
  const failures = [];
  database.on('db:metadata-write-failed', (event) => failures.push(event));
  database.on('db:metadata-write-failed', () => {
    throw new Error('listener');
  });
  const uploaded = once(database, 'db:metadata-uploaded');
  await database.createResource({ name: 'a', attributes });
  while (failures.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
  failing = false;
  await uploaded;
  clearInterval(awake);
  const [{ resources, error, retryIn }, second] = failures;
  assert.deepEqual(resources, ['a']);
  assert.match(error.message, /store is away/);
  assert.ok(retryIn > 0 && second.retryIn > retryIn);
  assert.ok(logged.some((text) => text.includes("a listener of 'db:metadata-write-failed' failed: listener")));
  assert.deepEqual(await storedNames(database), ['a']);
});

// Process exit

test('spec01_14 autoCleanup: false registers no listener of the process', async () => {
  const before = process.listenerCount('exit');
  const database = new Database({ connectionString: freshStore(), autoCleanup: false });
  await database.connect();
  assert.equal(database._exitListenerRegistered, false);
  assert.equal(database._exitListener, null);
  assert.ok(process.listenerCount('exit') <= before);
  await database.disconnect();
});

test('spec01_14 exitOnSignal: listeners exist while such a database is connected', async () => {
  const counts = () => [process.listenerCount('SIGTERM'), process.listenerCount('SIGINT')];
  const before = counts();
  const open = async (options) => {
    const database = makeDatabase({ connectionString: freshStore(), ...options });
    await database.connect();
    return database;
  };
  const plain = await open({});
  assert.deepEqual(counts(), before);
  const [one, two] = [await open({ exitOnSignal: true }), await open({ exitOnSignal: true })];
  assert.deepEqual(
    counts(),
    before.map((count) => count + 1)
  );
  await one.disconnect();
  await plain.disconnect();
  assert.deepEqual(
    counts(),
    before.map((count) => count + 1)
  );
  await two.disconnect();
  assert.deepEqual(counts(), before);
});

const entry = fileURLToPath(new URL('../../js/index.js', import.meta.url));

/** Output and end of a process that gets signals once it is connected. */
async function signalled(options, stop, signals) {
  const script = `
    const { Database, Plugin } = await import(${JSON.stringify(entry)});
    class Slow extends Plugin { async onStop() { ${stop} } }
    const database = new Database({ connectionString: 'memory://signals/a', plugins: [new Slow()], ...${JSON.stringify(options)} });
    await database.connect();
    setInterval(() => {}, 1000);
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const waiting = [...signals];
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (/(ready|stopping)\n$/.test(output) && waiting.length > 0) child.kill(waiting.shift());
  });
  const [code, signal] = await once(child, 'close');
  return { output, code, signal };
}

const TAKES_TIME = "await new Promise((resolve) => setTimeout(resolve, 20)); console.log('stopped');";

const unixOnly = process.platform === 'win32' ? 'signals end a process at once on Windows' : false;

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130]
]) {
  test(`spec01_14 exitOnSignal: ${signal} disconnects before the process ends with ${code}`, { skip: unixOnly }, async () => {
    assert.deepEqual(await signalled({ exitOnSignal: true }, TAKES_TIME, [signal]), { output: 'ready\nstopped\n', code, signal: null });
  });
}

test('spec01_14 exitOnSignal: a second signal ends the process at once', { skip: unixOnly }, async () => {
  const hangs = "console.log('stopping'); await new Promise(() => {});";
  const ended = await signalled({ exitOnSignal: true }, hangs, ['SIGTERM', 'SIGINT']);
  assert.deepEqual(ended, { output: 'ready\nstopping\n', code: 130, signal: null });
});

test('spec01_14 without exitOnSignal a signal has its own effect', { skip: unixOnly }, async () => {
  assert.deepEqual(await signalled({}, TAKES_TIME, ['SIGTERM']), { output: 'ready\n', code: null, signal: 'SIGTERM' });
});

// Names that callers reach for (sections 2.11 and 2.12)

test('spec01_2_11 members that plugins and callers reach for are there, and the object is extensible', async () => {
  const database = await connectDatabase();
  const functions = `_executeHooks _getPluginName _registerExitListener _normalizePartitions _applyMiddlewares _serializeHooks
    _deserializeHooks _originalConnect _originalCreateResource _originalUploadMetadataFile _originalDisconnect resource init start use
    installPlugin stopPlugins getPlugin deleteResource`;
  for (const name of functions.split(/\s+/)) assert.equal(typeof database[name], 'function', name);
  const users = await database.createResource({ name: 'users', attributes });
  assert.equal(database._resourcesMap.users, users);
  assert.ok(database._hooks instanceof Map);
  assert.ok([...database._hookEvents].includes('afterCreateResource'));
  assert.equal(typeof database._exitListener, 'function');
  assert.deepEqual([database._exitListenerRegistered, database._hooksInstalled], [true, true]);
  const hooks = { beforeInsert: 5, other: 'x' };
  assert.deepEqual(
    [database._serializeHooks(hooks), database._serializeHooks(null), database._deserializeHooks('text')],
    [hooks, null, 'text']
  );
  database._previousCreateResourceForFullText = database._createResource = 1;
  assert.equal(database._createResource, 1);
  const made = await database._originalCreateResource({ name: 'made', attributes });
  assert.equal(database.resources.made, made);
  assert.equal(database.resource('users'), users);
  assert.equal(await database.resource('users'), users);
  assert.throws(() => database.resource('nobody'), { name: 'ResourceNotFound' });
});
