// Expiries shared with s3db.js 19.5.10 on an independent S3 server: either side expires what the other wrote.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Database, TTLPlugin } from 's3db-native';
import { startRival } from '../interchange/client.mjs';

const { S3DB_TEST_RIVAL: folder, S3DB_TEST_S3S_FS: server } = process.env;
const skip = folder && server ? false : (process.env.S3DB_TEST_RIVAL_MISSING ?? 'needs s3db.js and s3s-fs, which npm test brings');

const attributes = { name: 'string|required', expires: 'string|optional' };
const rules = () => ({ sessions: { field: 'expires', onExpire: 'hard-delete' } });
const past = () => new Date(Date.now() - 5000).toISOString();
const future = () => new Date(Date.now() + 3_600_000).toISOString();

describe('expiries shared with s3db.js 19.5.10', { skip }, () => {
  const connectionString = `${server}/ttl-${randomUUID()}`;
  let rival;
  let database;
  const theirs = (method, ...args) =>
    rival.call('plugin', {
      name: 'TTLPlugin',
      options: { resources: rules(), enableCoordinator: false, skipColdStart: true, logLevel: 'silent' },
      method,
      args
    });
  const idsLeft = async (resource) => (await database.resources[resource].listIds()).sort();

  before(async () => {
    database = new Database({ connectionString });
    await database.connect();
    await database.createResource({ name: 'sessions', attributes });
    await database.usePlugin(new TTLPlugin({ resources: rules() }));
    rival = startRival(folder);
    await rival.call('open', { connectionString, options: { executorPool: { retries: 0 } } });
    // Installs it.
    await theirs('getStats');
  });

  after(async () => {
    await database.disconnect();
    await rival.call('close');
    await rival.stop();
  });

  test('spec11_12_what_was_written_here_is_expired_by_s3db_js', async () => {
    const { sessions } = database.resources;
    await sessions.insertMany([
      { id: 'ours-old', name: 'a', expires: past() },
      { id: 'ours-new', name: 'b', expires: future() }
    ]);
    assert.deepEqual(await idsLeft('plg_ttl_expiration_index'), ['sessions:ours-new', 'sessions:ours-old']);
    await theirs('runCleanup');
    assert.deepEqual(await idsLeft('sessions'), ['ours-new']);
    assert.deepEqual(await idsLeft('plg_ttl_expiration_index'), ['sessions:ours-new']);
  });

  test('spec11_12_what_s3db_js_wrote_is_expired_here', async () => {
    await rival.call('insert', {
      resource: 'sessions',
      records: [
        { id: 'theirs-old', name: 'a', expires: past() },
        { id: 'theirs-new', name: 'b', expires: future() }
      ]
    });
    assert.deepEqual(await idsLeft('plg_ttl_expiration_index'), ['sessions:ours-new', 'sessions:theirs-new', 'sessions:theirs-old']);
    await database.plugins.ttl.runCleanup();
    assert.deepEqual(await idsLeft('sessions'), ['ours-new', 'theirs-new']);
    assert.deepEqual(await idsLeft('plg_ttl_expiration_index'), ['sessions:ours-new', 'sessions:theirs-new']);
    const [entry] = await database.resources.plg_ttl_expiration_index.getMany(['sessions:theirs-new']);
    assert.deepEqual([entry.resourceName, entry.recordId], ['sessions', 'theirs-new']);
  });
});
