import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { MemoryClient } from '../../js/client/index.js';
import { rejection, temporaryDirectory } from './support/clients.js';

async function filled() {
  const client = new MemoryClient({ bucket: 'bkt', keyPrefix: 'app' });
  await client.putObject({ key: 's3db.json', body: '{}' });
  await client.putObject({ key: 'resource=users/data/id=u1', metadata: { _v: 'v1', 0: 'Ana', 1: 'x' }, body: '{"1":"body wins","2":[1]}' });
  await client.putObject({ key: 'resource=users/data/id=a/b', metadata: { 0: 'Zoë' }, body: 'not json' });
  await client.putObject({ key: 'resource=users/partition=byName/name=Ana/id=u1', metadata: { _v: 'v1' } });
  await client.putObject({ key: 'resource=old/id=o1', metadata: { a: '1' } });
  return client;
}

/** A database with one resource, as far as backups use it. */
function databaseWith(records) {
  const users = {
    behavior: 'body-overflow',
    attributes: { name: 'string' },
    config: { partitions: { byName: { fields: { name: 'string' } } }, timestamps: true },
    get: async (id) => ({ id, name: `name of ${id}`, _lastModified: new Date(), _etag: 'e', _private: 'kept' }),
    insert: async (record) => {
      if (records.some(({ id }) => id === record.id)) throw new Error(`Resource with id '${record.id}' already exists`);
      records.push(record);
      return record;
    }
  };
  const created = [];
  return { resources: { users }, created, createResource: async (config) => created.push(config) };
}

describe('MemoryClient backups', () => {
  it('spec05_3_5_exports_records_once_and_without_internal_fields', async () => {
    const client = await filled();
    const directory = join(temporaryDirectory(), 'a', 'b');
    const result = await client.exportBackup(directory);
    assert.equal(result.manifest, join(directory, 's3db.json'));
    assert.equal(result.resourceCount, 2);
    assert.equal(result.totalRecords, 3);
    assert.equal(result.files.users, join(directory, 'users.jsonl.gz'));
    const raw = readFileSync(result.files.users);
    const lines = gunzipSync(raw)
      .toString()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(lines, [
      { 0: 'Zoë', _body: 'not json', id: 'a/b' },
      { 0: 'Ana', 1: 'body wins', 2: [1], id: 'u1' }
    ]);
    const text = readFileSync(result.manifest, 'utf8');
    const manifest = JSON.parse(text);
    assert.equal(text, JSON.stringify(manifest, null, 2));
    assert.deepEqual(manifest, result.stats);
    assert.equal(manifest.version, '1.0');
    assert.equal(manifest.bucket, 'bkt');
    assert.equal(manifest.keyPrefix, 'app');
    assert.equal(manifest.compressed, true);
    assert.deepEqual(manifest.resources.users, { schema: null, stats: { recordCount: 2, fileSize: raw.length } });
    assert.equal(manifest.totalSize, result.totalSize);
  });

  it('spec05_3_5_with_a_database_records_and_schemas_come_from_it', async () => {
    const client = await filled();
    const directory = temporaryDirectory();
    const { files, stats } = await client.exportBackup(directory, { database: databaseWith([]), compress: false, resources: ['users'] });
    assert.deepEqual(Object.keys(files), ['users']);
    assert.equal(
      readFileSync(files.users, 'utf8'),
      '{"id":"a/b","name":"name of a/b","_private":"kept"}\n{"id":"u1","name":"name of u1","_private":"kept"}'
    );
    assert.deepEqual(stats.resources.users.schema, {
      attributes: { name: 'string' },
      partitions: { byName: { fields: { name: 'string' } } },
      behavior: 'body-overflow',
      timestamps: true
    });
  });

  it('spec05_3_6_imports_through_the_database_and_reports_bad_lines', async () => {
    const client = await filled();
    const directory = temporaryDirectory();
    await client.exportBackup(directory, { database: databaseWith([]), resources: ['users'] });
    writeFileSync(
      join(directory, 'users.jsonl.gz'),
      gzipSync('{"id":"1","name":"a"}\nnot json\n\n{"id":"1","name":"again"}\n{"id":"2","name":"b"}')
    );
    const records = [];
    const database = databaseWith(records);
    const result = await client.importBackup(directory, { database });
    assert.deepEqual(records, [
      { id: '1', name: 'a' },
      { id: '2', name: 'b' }
    ]);
    assert.equal(database.created[0].name, 'users');
    assert.equal(result.resourcesImported, 1);
    assert.equal(result.recordsImported, 2);
    assert.deepEqual(
      result.errors.map(({ resource, line }) => [resource, line]),
      [
        ['users', 2],
        ['users', 4]
      ]
    );
  });

  it('spec05_3_6_without_a_database_records_become_plain_objects', async () => {
    const client = await filled();
    const directory = temporaryDirectory();
    await client.exportBackup(directory);
    const other = new MemoryClient();
    await other.putObject({ key: 'old-data' });
    const result = await other.importBackup(directory, { clear: true, resources: ['users'] });
    assert.deepEqual(result, { resourcesImported: 1, recordsImported: 2, errors: [] });
    assert.deepEqual(await other.getAllKeys(), ['resource=users/id=a/b', 'resource=users/id=u1']);
    assert.deepEqual((await other.headObject('resource=users/id=u1')).Metadata, { 0: 'Ana', 1: 'body wins', 2: '[1]' });
    assert.equal(await (await other.getObject('resource=users/id=a/b')).Body.transformToString(), 'not json');
  });

  it('spec05_3_6_a_missing_manifest_rejects_and_a_broken_file_is_reported', async () => {
    const directory = temporaryDirectory();
    const client = new MemoryClient();
    assert.match((await rejection(client.importBackup(directory))).message, /Failed to read backup manifest/);
    writeFileSync(join(directory, 's3db.json'), '{');
    assert.equal((await rejection(client.importBackup(directory))).name, 'ResourceError');
    writeFileSync(join(directory, 's3db.json'), '{}');
    writeFileSync(join(directory, 'users.jsonl.gz'), 'this is no gzip');
    const result = await client.importBackup(directory);
    assert.equal(result.recordsImported, 0);
    assert.equal(result.errors.length, 1);
    assert.equal(result.errors[0].resource, 'users');
  });

  it('spec05_16_31_resource_names_never_leave_the_directory', async () => {
    const client = new MemoryClient();
    await client.putObject({ key: 'resource=../evil/data/id=1', metadata: { a: '1' } });
    const directory = join(temporaryDirectory(), 'inner');
    mkdirSync(directory);
    const error = await rejection(client.exportBackup(directory));
    assert.equal(error.name, 'ValidationError');
    assert.match(error.message, /cannot be used as a file name/);
  });

  it('spec05_16_41_exports_and_imports_hold_no_resource_in_memory', () => {
    // Records of 60 MB, which live in the engine, and a heap of 48 MB for JavaScript.
    const program = `
      import { stat } from 'node:fs/promises';
      import { Database, MemoryClient } from '${new URL('../../js/index.js', import.meta.url)}';
      const open = async (client) => {
        const database = new Database({ client, logLevel: 'silent' });
        await database.connect();
        return database;
      };
      const database = await open(new MemoryClient({ bucket: 'from' }));
      const texts = await database.createResource({ name: 'texts', attributes: { text: 'string' }, behavior: 'body-only' });
      for (let at = 0; at < 30; at += 1)
        await texts.insertMany(Array.from({ length: 100 }, (_, n) => ({ id: at + '-' + n, text: String(n % 10).repeat(20_000) })));
      const { stats } = await database.client.exportBackup(process.argv[1], { database, compress: false });
      const other = await open(new MemoryClient({ bucket: 'to' }));
      const { recordsImported, errors } = await other.client.importBackup(process.argv[1], { database: other });
      const { size } = await stat(process.argv[1] + '/texts.jsonl');
      process.stdout.write(JSON.stringify({ exported: stats.totalRecords, size, counted: stats.totalSize, recordsImported, errors }));
      process.exit(0);`;
    const argv = ['--max-old-space-size=48', '--input-type=module', '--eval', program, temporaryDirectory()];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    assert.equal(status, 0, stderr.slice(-2000));
    const { size, ...report } = JSON.parse(stdout);
    assert.ok(size > 60_000_000);
    assert.deepEqual(report, { exported: 3_000, counted: size, recordsImported: 3_000, errors: [] });
  });
});
