// Audit logs and metrics shared with s3db.js 19.5.10 on an independent S3 server.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { AuditPlugin, Database, MetricsPlugin } from 's3db-native';
import { startRival } from '../interchange/client.mjs';

const { S3DB_TEST_RIVAL: folder, S3DB_TEST_S3S_FS: server } = process.env;
const skip = folder && server ? false : (process.env.S3DB_TEST_RIVAL_MISSING ?? 'needs s3db.js and s3s-fs, which npm test brings');

const attributes = { name: 'string|required', city: 'string|optional' };
const quiet = { flushInterval: 0, prometheus: { enabled: false } };

describe('audit logs and metrics shared with s3db.js 19.5.10', { skip }, () => {
  const connectionString = `${server}/audit-${randomUUID()}`;
  let rival;
  let database;
  const theirs = (name, method, ...args) => rival.call('plugin', { name, options: { logLevel: 'silent', ...quiet }, method, args });

  before(async () => {
    database = new Database({ connectionString, plugins: [new AuditPlugin(), new MetricsPlugin(quiet)] });
    await database.connect();
    const users = await database.createResource({ name: 'users', attributes, partitions: { byCity: { fields: { city: 'string' } } } });
    await users.insert({ id: 'a', name: 'Ada', city: 'Rome' });
    await users.update('a', { name: 'Ada B' });
    await assert.rejects(users.get('nobody'));
    await users.delete('a');
    await database.plugins.audit.flush();
    await database.plugins.metrics.flushMetrics();
    rival = startRival(folder);
    await rival.call('open', { connectionString, options: { executorPool: { retries: 0 } } });
  });

  after(async () => {
    await database.disconnect();
    await rival.call('close');
    await rival.stop();
  });

  test('spec12_a7_entries_written_here_are_read_by_s3db_js', async () => {
    const entries = await theirs('AuditPlugin', 'getAuditLogs', { resourceName: 'users' });
    assert.deepEqual(
      entries.map(({ operation, recordId }) => `${operation} ${recordId}`),
      ['insert a', 'update a', 'delete a']
    );
    const parsed = (value) => (typeof value === 'string' ? JSON.parse(value) : value);
    assert.deepEqual([parsed(entries[1].oldData).name, parsed(entries[1].newData).name, entries[0].partition], ['Ada', 'Ada B', 'byCity']);
    const history = await theirs('AuditPlugin', 'getRecordHistory', 'users', 'a');
    assert.equal(history.length, 3);
  });

  test('spec12_b8_metrics_stored_here_are_read_by_s3db_js', async () => {
    const records = await theirs('MetricsPlugin', 'getMetrics', { resourceName: 'users', operation: 'insert' });
    assert.deepEqual([records.length, records[0].count, records[0].errors], [1, 1, 0]);
    const errors = await theirs('MetricsPlugin', 'getErrorLogs', { resourceName: 'users' });
    assert.deepEqual([errors.length, errors[0].operation], [1, 'get']);
    assert.ok((await theirs('MetricsPlugin', 'getPerformanceLogs', { resourceName: 'users' })).length >= 4);
  });

  test('spec12_a7_entries_written_by_s3db_js_are_read_here', async () => {
    await theirs('AuditPlugin', 'logAudit', {
      resourceName: 'orders',
      operation: 'insert',
      recordId: 'o1',
      newData: '{"total":3}',
      partition: 'byDay',
      partitionValues: '{"byDay":{"day":"x"}}'
    });
    let found = [];
    const deadline = Date.now() + 10_000;
    while (found.length === 0 && Date.now() < deadline) {
      found = await database.plugins.audit.getAuditLogs({ resourceName: 'orders', recordId: 'o1' });
    }
    assert.equal(found.length, 1);
    assert.deepEqual([found[0].newData, found[0].userId, found[0].partitionValues], [{ total: 3 }, 'system', { byDay: { day: 'x' } }]);
  });
});
