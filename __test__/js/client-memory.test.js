import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MemoryClient, MemoryStorage } from '../../js/client/index.js';
import { recordEvents, rejection, temporaryDirectory } from './support/clients.js';

const command = (name, input) => ({ constructor: { name }, input });

describe('MemoryClient', () => {
  it('spec05_3_1_defaults_and_properties', () => {
    const client = new MemoryClient();
    assert.equal(client.id.length, 77);
    const { verbose, parallelism, bucket, keyPrefix, region, config, storage } = client;
    assert.deepEqual(
      { verbose, parallelism, bucket, keyPrefix, region },
      { verbose: false, parallelism: 10, bucket: 's3db', keyPrefix: '', region: 'us-east-1' }
    );
    assert.deepEqual(config, { bucket: 's3db', keyPrefix: '', region: 'us-east-1', endpoint: 'memory://localhost', forcePathStyle: true });
    assert.ok(storage instanceof MemoryStorage);
    const { enforceLimits, metadataLimit, maxObjectSize, autoPersist } = storage;
    assert.deepEqual(
      { enforceLimits, metadataLimit, maxObjectSize, autoPersist },
      { enforceLimits: false, metadataLimit: 2048, maxObjectSize: 5 * 1024 ** 3, autoPersist: false }
    );
  });

  it('spec05_3_1_clients_do_not_share_objects_unless_told_to', async () => {
    const [a, b] = [new MemoryClient(), new MemoryClient()];
    await a.putObject({ key: 'k' });
    assert.equal(await b.exists('k'), false);
    const bucket = `shared-${Date.now()}`;
    const [c, d, e] = [
      new MemoryClient({ bucket, shared: true }),
      new MemoryClient({ bucket, shared: true, keyPrefix: 'p' }),
      new MemoryClient({ bucket })
    ];
    await d.putObject({ key: 'k', body: 'x' });
    assert.equal(await (await c.getObject('p/k')).Body.transformToString(), 'x');
    assert.equal(await e.exists('p/k'), false);
    c.clear();
    assert.equal(await d.exists('k'), false);
  });

  it('spec05_3_3_result_shapes_of_direct_methods', async () => {
    const client = new MemoryClient({ bucket: 'bkt', keyPrefix: 'app' });
    const put = await client.putObject({ key: 'k', body: 'abc' });
    const ETag = '900150983cd24fb0d6963f7d28e17f72';
    assert.deepEqual(put, { ETag, VersionId: null, ServerSideEncryption: null, Location: '/bkt/app/k' });
    const object = await client.getObject('k');
    assert.equal(object.ETag, ETag);
    assert.equal(object.ContentType, 'application/octet-stream');
    const copied = await client.copyObject({ from: 'k', to: 'l' });
    assert.equal(copied.Location, '/bkt/app/l');
    assert.equal(copied.ETag, ETag);
    assert.equal(copied.CopyObjectResult.ETag, ETag);
    assert.deepEqual(await client.deleteObject('l'), { DeleteMarker: false, VersionId: null });
    assert.deepEqual(await client.deleteObjects(['k', 'gone']), { Deleted: [{ Key: 'app/k' }, { Key: 'app/gone' }], Errors: [] });
    const list = await client.listObjects();
    assert.deepEqual(list, {
      Contents: [],
      CommonPrefixes: [],
      IsTruncated: false,
      NextContinuationToken: null,
      KeyCount: 0,
      MaxKeys: 1000,
      Prefix: 'app/',
      Delimiter: null
    });
  });

  it('spec05_3_3_missing_objects_are_resource_errors_named_no_such_key', async () => {
    const client = new MemoryClient({ keyPrefix: 'app' });
    const error = await rejection(client.getObject('k'));
    assert.equal(error.constructor.name, 'ResourceError');
    assert.equal(error.name, 'NoSuchKey');
    assert.equal(error.message, 'Object not found: app/k');
    assert.equal((await rejection(client.copyObject({ from: 'k', to: 'l' }))).message, 'Source object not found: app/k');
  });

  it('spec05_18_command_etags_are_quoted_and_conditions_accept_both_forms', async () => {
    const client = new MemoryClient();
    const { ETag } = await client.sendCommand(command('PutObjectCommand', { Key: 'k', Body: 'abc' }));
    assert.equal(ETag, '"900150983cd24fb0d6963f7d28e17f72"');
    const list = await client.sendCommand(command('ListObjectsV2Command', {}));
    assert.equal(list.Contents[0].ETag, ETag);
    const bare = ETag.replaceAll('"', '');
    for (const ifMatch of [ETag, bare, `W/${ETag}`, `"x", ${ETag}`, '*']) await client.putObject({ key: 'k', body: 'abc', ifMatch });
    for (const ifNoneMatch of [ETag, bare, '*', `"x",${ETag}`]) {
      const error = await rejection(client.putObject({ key: 'k', ifNoneMatch }));
      assert.equal(error.message, 'Precondition failed: object already exists for key "k"');
      assert.equal(error.code, 'PreconditionFailed');
    }
    await client.putObject({ key: 'k', body: 'y', ifNoneMatch: '"other"' });
    const mismatch = await rejection(client.putObject({ key: 'k', ifMatch: ETag }));
    assert.equal(mismatch.message, 'Precondition failed: ETag mismatch for key "k"');
    assert.equal((await rejection(client.putObject({ key: 'new', ifMatch: '*' }))).statusCode, 412);
  });

  it('spec05_3_2_commands_are_raw_and_copy_sources_must_name_this_bucket', async () => {
    const client = new MemoryClient({ bucket: 'bkt', keyPrefix: 'app' });
    await client.sendCommand(command('PutObjectCommand', { Bucket: 'anything', Key: 'app/ü k', Body: 'x', Metadata: { M: 'ü' } }));
    assert.deepEqual((await client.sendCommand(command('GetObjectCommand', { Key: 'app/ü k' }))).Metadata, { M: 'ü' });
    for (const CopySource of ['/bkt/app/%C3%BC%20k', 'bkt/app/ü k']) {
      const copied = await client.sendCommand(command('CopyObjectCommand', { Key: 'app/z', CopySource }));
      assert.match(copied.CopyObjectResult.ETag, /^"/);
    }
    assert.equal(
      (await rejection(client.sendCommand(command('CopyObjectCommand', { Key: 'z', CopySource: 'other/app/z' })))).name,
      'NoSuchBucket'
    );
    const keys = async (Prefix) => (await client.sendCommand(command('ListObjectsV2Command', { Prefix }))).Contents.map(({ Key }) => Key);
    assert.deepEqual(await keys('app/z'), ['app/z']);
    assert.deepEqual(await keys('z'), ['app/z']);
    assert.deepEqual(await keys(''), ['app/z', 'app/ü k']);
    const removed = await client.sendCommand(command('DeleteObjectsCommand', { Delete: { Objects: [{ Key: 'app/z' }] } }));
    assert.deepEqual(removed.Deleted, [{ Key: 'app/z' }]);
    assert.equal(typeof client._handlePutObject, 'function');
  });

  it('spec05_3_3_metadata_names_keep_their_case', async () => {
    const client = new MemoryClient();
    await client.putObject({ key: 'k', metadata: { a: '1', A: '2', __proto__x: '3' } });
    assert.deepEqual((await client.headObject('k')).Metadata, { a: '1', A: '2', __proto__x: '3' });
  });

  it('spec05_3_3_events_of_direct_methods', async () => {
    const client = new MemoryClient();
    client.on('putObject', () => {});
    const events = recordEvents(client);
    const names = async (work) => {
      events.length = 0;
      await work();
      return events.map(([name]) => name).join(' ');
    };
    assert.equal(await names(() => client.putObject({ key: 'k', body: 'b' })), 'cl:request cl:response cl:PutObject putObject');
    assert.equal(events[0][1], 'PutObjectCommand');
    assert.equal(events[2][1], null);
    assert.deepEqual(events[2][2], {
      key: 'k',
      metadata: undefined,
      contentType: undefined,
      body: 'b',
      contentEncoding: undefined,
      contentLength: undefined
    });
    assert.equal(await names(() => client.listObjects({})), 'cl:request cl:response cl:ListObjects');
    assert.deepEqual(events[2].slice(1), [null, { prefix: '', count: 1 }]);
    assert.equal(await names(() => rejection(client.getObject('none'))), 'cl:request');
    assert.equal(await names(() => client.deleteObjects(['k'])), 'cl:request cl:response deleteObjects cl:DeleteObjects');
    assert.deepEqual(events[2].slice(1), [null, { keys: ['k'], count: 1 }]);
    await client.putObject({ key: 'k' });
    client.on('deleteAll', () => {});
    assert.match(await names(() => client.deleteAll({ prefix: '' })), /cl:DeleteAll deleteAll cl:DeleteAllComplete$/);
    assert.equal(await names(() => client.sendCommand(command('HeadObjectCommand', { Key: 'k' })).catch(() => {})), 'cl:request');
  });

  it('spec05_3_3_move_all_reports_with_a_context', async () => {
    const client = new MemoryClient();
    for (const key of ['a/1', 'a/2']) await client.putObject({ key });
    const { deleteObject } = client;
    client.deleteObject = function broken(key, ...rest) {
      return key === 'a/2' ? Promise.reject(new Error('no')) : deleteObject.call(this, key, ...rest);
    };
    const error = await rejection(client.moveAllObjects({ prefixFrom: 'a/', prefixTo: 'b/' }));
    assert.equal(error.name, 'UnknownError');
    assert.equal(error.message, 'Some objects could not be moved');
    const { totalKeys, failedCount, successCount, errors } = error.context;
    assert.deepEqual({ totalKeys, failedCount, successCount }, { totalKeys: 2, failedCount: 1, successCount: 1 });
    assert.equal(errors[0].key, 'a/2');
    assert.equal(errors[0].message, 'no');
  });
});

describe('MemoryStorage', () => {
  it('spec05_4_objects_is_a_live_map_of_full_keys', async () => {
    const storage = new MemoryStorage();
    await storage.put('b', { body: 'x', metadata: { m: 1 }, contentType: 'text/plain' });
    await storage.put('a', { body: Buffer.from('yy') });
    const { objects } = storage;
    assert.equal(objects.size, 2);
    assert.deepEqual([...objects.keys()], ['a', 'b']);
    assert.equal(objects.has('a'), true);
    assert.equal(objects.get('zz'), undefined);
    const { body, lastModified, ...record } = objects.get('b');
    assert.equal(body.toString(), 'x');
    assert.match(lastModified, /^\d{4}-.*Z$/);
    assert.deepEqual(record, {
      metadata: { m: '1' },
      contentType: 'text/plain',
      etag: '9dd4e461268c8034f5c8564e155c67a6',
      size: 1,
      contentEncoding: undefined,
      contentLength: 1
    });
    assert.deepEqual(
      [...objects].map(([key]) => key),
      ['a', 'b']
    );
    const seen = [];
    objects.forEach((value, key) => {
      seen.push([key, value.size]);
    });
    assert.deepEqual(seen, [
      ['a', 2],
      ['b', 1]
    ]);
    objects.set('c', { body: 'z' });
    assert.equal(storage.exists('c'), true);
    assert.equal(objects.delete('c'), true);
    assert.equal(objects.delete('c'), false);
    objects.clear();
    assert.equal(objects.size, 0);
  });

  it('spec05_4_2_limits_apply_only_when_enforced', async () => {
    const loose = new MemoryStorage({ metadataLimit: 10 });
    await loose.put('k', { metadata: { name: 'x'.repeat(3000) } });
    const strict = new MemoryStorage({ enforceLimits: true, metadataLimit: 10, maxObjectSize: 4 });
    const error = await rejection(strict.put('k', { metadata: { name: 'éé and more' } }));
    assert.equal(error.name, 'MetadataLimitError');
    assert.match(error.message, /Metadata limit exceeded in memory storage/);
    assert.match(error.message, /Metadata size \(17 bytes\) exceeds limit of 10 bytes/);
    assert.equal(error.data.totalSize, 17);
    assert.equal(error.data.effectiveLimit, 10);
    const large = await rejection(strict.put('k', { body: '12345' }));
    assert.equal(large.name, 'ResourceError');
    assert.match(large.message, /Object size exceeds in-memory limit/);
    assert.equal(large.statusCode, 413);
    await strict.put('k', { body: '1234', metadata: { a: '123456789' } });
    assert.equal(new MemoryStorage({ metadataLimit: 0 }).metadataLimit, 2048);
  });

  it('spec05_4_1_helpers_count_format_and_hash', () => {
    const storage = new MemoryStorage();
    assert.equal(storage._generateETag('abc'), '900150983cd24fb0d6963f7d28e17f72');
    assert.equal(storage._calculateMetadataSize({ é: 'ü', n: 12 }), 7);
    assert.deepEqual(
      [0, 1023, 1536, 1048576, 5 * 1024 ** 3].map((n) => storage._formatBytes(n)),
      ['0 Bytes', '1023 Bytes', '1.5 KB', '1 MB', '5 GB']
    );
  });

  it('spec05_4_1_bad_bodies_and_wrong_lengths_are_refused', async () => {
    const storage = new MemoryStorage();
    assert.equal((await rejection(storage.put('k', { body: 5 }))).name, 'TypeError');
    assert.equal((await rejection(storage.put('k', { body: { a: 1 } }))).name, 'TypeError');
    assert.equal((await rejection(storage.put('k', { body: 'abc', contentLength: 2 }))).field, 'contentLength');
    assert.equal(storage.exists('k'), false);
  });

  it('spec05_4_1_delete_multiple_goes_through_a_replaced_delete', async () => {
    const storage = new MemoryStorage();
    await storage.put('a', {});
    await storage.put('b', {});
    const original = storage.delete;
    storage.delete = function guarded(key) {
      if (key === 'a') throw Object.assign(new Error('kept'), { name: 'Kept' });
      return original.call(this, key);
    };
    assert.deepEqual(await storage.deleteMultiple(['a', 'b']), {
      Deleted: [{ Key: 'b' }],
      Errors: [{ Key: 'a', Code: 'Kept', Message: 'kept' }]
    });
    assert.equal(storage.exists('a'), true);
  });

  it('spec05_4_1_lists_sort_by_bytes_and_pages_may_be_larger_than_1000', async () => {
    const storage = new MemoryStorage();
    for (const key of ['\u{1F980}', '\uFF21', 'z', 'é']) await storage.put(key, {});
    assert.deepEqual(
      (await storage.list({})).Contents.map(({ Key }) => Key),
      ['z', 'é', '\uFF21', '\u{1F980}']
    );
    for (let i = 0; i < 1500; i += 1) await storage.put(`n/${i}`, {});
    const page = await storage.list({ prefix: 'n/', maxKeys: 1200 });
    assert.equal(page.Contents.length, 1200);
    assert.equal(page.IsTruncated, true);
    assert.equal((await storage.list({ prefix: 'n/', maxKeys: 1200, continuationToken: page.NextContinuationToken })).Contents.length, 300);
  });

  it('spec05_16_11_tokens_survive_changes_and_decimal_tokens_are_offsets', async () => {
    const storage = new MemoryStorage();
    for (const key of ['a', 'b', 'c', 'd', 'e']) await storage.put(key, {});
    const { NextContinuationToken: token } = await storage.list({ maxKeys: 2 });
    await storage.delete('a');
    await storage.delete('b');
    assert.deepEqual(
      (await storage.list({ continuationToken: token })).Contents.map(({ Key }) => Key),
      ['c', 'd', 'e']
    );
    assert.deepEqual(
      (await storage.list({ continuationToken: '2' })).Contents.map(({ Key }) => Key),
      ['e']
    );
    const error = await rejection(storage.list({ continuationToken: '??' }));
    assert.equal(error.name, 'ValidationError');
    assert.equal(error.message, 'Invalid continuation token');
  });

  it('spec05_16_44_delimiter_groups_count_toward_the_page', async () => {
    const storage = new MemoryStorage();
    for (const key of ['a/1', 'a/2', 'b', 'c/1']) await storage.put(key, {});
    const first = await storage.list({ delimiter: '/', maxKeys: 2 });
    assert.deepEqual([first.CommonPrefixes, first.Contents.map(({ Key }) => Key), first.KeyCount], [[{ Prefix: 'a/' }], ['b'], 2]);
    const second = await storage.list({ delimiter: '/', maxKeys: 2, continuationToken: first.NextContinuationToken });
    assert.deepEqual([second.CommonPrefixes, second.IsTruncated], [[{ Prefix: 'c/' }], false]);
  });
});

describe('MemoryStorage snapshots', () => {
  it('spec05_4_3_snapshots_are_deep_copies_and_restore_replaces_everything', async () => {
    const client = new MemoryClient({ bucket: 'bkt' });
    await client.putObject({ key: 'k', body: 'abc', metadata: { m: '1' }, contentType: 'text/plain', contentEncoding: 'identity' });
    const snapshot = client.snapshot();
    assert.equal(snapshot.bucket, 'bkt');
    assert.equal(snapshot.objectCount, 1);
    assert.ok(Date.parse(snapshot.timestamp));
    const { lastModified, ...stored } = snapshot.objects.k;
    assert.deepEqual(stored, {
      body: 'YWJj',
      metadata: { m: '1' },
      contentType: 'text/plain',
      etag: '900150983cd24fb0d6963f7d28e17f72',
      size: 3,
      contentEncoding: 'identity',
      contentLength: 3
    });
    snapshot.objects.k.metadata.m = 'changed';
    assert.deepEqual((await client.headObject('k')).Metadata, { m: '1' });
    await client.putObject({ key: 'other' });
    client.restore(snapshot);
    assert.deepEqual(await client.getAllKeys(), ['k']);
    const head = await client.headObject('k');
    assert.deepEqual(head.Metadata, { m: 'changed' });
    assert.equal(head.LastModified.toISOString(), lastModified);
    assert.equal(head.ContentEncoding, 'identity');
    client.restore({ objects: { hand: { body: 'YWJj' } } });
    assert.equal((await client.headObject('hand')).ETag, '900150983cd24fb0d6963f7d28e17f72');
  });

  it('spec05_4_3_bad_snapshots_change_nothing', async () => {
    const client = new MemoryClient();
    await client.putObject({ key: 'k' });
    for (const bad of [undefined, null, {}, { objects: 5 }, { objects: { x: 7 } }, { objects: { x: { body: 7 } } }]) {
      assert.throws(() => client.restore(bad), { name: 'ValidationError', message: 'Invalid snapshot format' });
    }
    assert.equal(await client.exists('k'), true);
  });

  it('spec05_4_3_disk_round_trip_and_documented_errors', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'deep', 'snapshot.json');
    const client = new MemoryClient({ persistPath: path });
    await client.putObject({ key: 'k', body: Buffer.from([0, 255]) });
    assert.equal(await client.saveToDisk(), path);
    assert.deepEqual(readdirSync(join(directory, 'deep')), ['snapshot.json']);
    const text = readFileSync(path, 'utf8');
    assert.equal(text, JSON.stringify(JSON.parse(text), null, 2));
    const other = new MemoryClient();
    const loaded = await other.loadFromDisk(path);
    assert.equal(loaded.objectCount, 1);
    assert.deepEqual([...(await (await other.getObject('k')).Body.transformToByteArray())], [0, 255]);
    const noPath = await rejection(other.saveToDisk());
    assert.equal(noPath.name, 'ValidationError');
    assert.equal(noPath.message, 'No persist path configured');
    assert.equal(noPath.field, 'persistPath');
    assert.equal((await rejection(other.loadFromDisk())).message, 'No persist path configured');
    const unreadable = await rejection(other.loadFromDisk(join(directory, 'none.json')));
    assert.equal(unreadable.name, 'ResourceError');
    assert.match(unreadable.message, /^Failed to load from disk: /);
    writeFileSync(join(directory, 'bad.json'), '{ not json');
    assert.match((await rejection(other.loadFromDisk(join(directory, 'bad.json')))).message, /^Failed to load from disk: /);
    const unwritable = await rejection(other.saveToDisk(join(path, 'below-a-file.json')));
    assert.match(unwritable.message, /^Failed to save to disk: /);
    assert.equal(unwritable.statusCode, 500);
  });

  it('spec05_16_13_auto_persist_saves_after_every_kind_of_change', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'auto.json');
    const client = new MemoryClient({ persistPath: path, autoPersist: true });
    const saved = () => Object.keys(JSON.parse(readFileSync(path, 'utf8')).objects);
    await client.putObject({ key: 'a' });
    assert.deepEqual(saved(), ['a']);
    await Promise.all(['b', 'c', 'd'].map((key) => client.putObject({ key })));
    assert.deepEqual(saved(), ['a', 'b', 'c', 'd']);
    await client.copyObject({ from: 'a', to: 'e' });
    await client.deleteObject('a');
    await client.deleteObjects(['b', 'c']);
    assert.deepEqual(saved(), ['d', 'e']);
    const snapshot = client.snapshot();
    client.clear();
    await client.deleteObject('anything');
    assert.deepEqual(saved(), []);
    client.restore(snapshot);
    await client.deleteObject('anything');
    assert.deepEqual(saved(), ['d', 'e']);
    assert.deepEqual(readdirSync(directory), ['auto.json']);
  });

  it('spec05_16_13_a_failed_save_says_that_the_change_was_made', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'file'), '');
    const client = new MemoryClient({ persistPath: join(directory, 'file', 'x.json'), autoPersist: true });
    const error = await rejection(client.putObject({ key: 'a' }));
    assert.match(error.message, /The change is made in memory/);
    assert.equal(error.applied, true);
    assert.equal(await client.exists('a'), true);
  });

  it('spec05_3_4_stats_describe_what_is_stored', async () => {
    const client = new MemoryClient({ bucket: 'bkt' });
    await client.putObject({ key: 'b', body: 'x'.repeat(1536) });
    await client.putObject({ key: 'a' });
    assert.deepEqual(client.getStats(), { objectCount: 2, totalSize: 1536, totalSizeFormatted: '1.5 KB', keys: ['a', 'b'], bucket: 'bkt' });
  });

  it('spec05_16_42_a_memory_bound_refuses_writes_unless_eviction_is_asked_for', async () => {
    const body = Buffer.alloc(400 * 1024);
    const strict = new MemoryClient({ maxMemoryMB: 1 });
    await strict.putObject({ key: 'a', body });
    await strict.putObject({ key: 'b', body });
    const error = await rejection(strict.putObject({ key: 'c', body }));
    assert.match(error.message, /Memory limit/);
    assert.equal(await strict.exists('c'), false);
    await strict.putObject({ key: 'b', body });
    await strict.deleteObject('a');
    await strict.putObject({ key: 'c', body });
    const evicting = new MemoryClient({ maxMemoryMB: 1, evictionEnabled: true });
    await evicting.putObject({ key: 'a', body });
    await evicting.putObject({ key: 'b', body });
    await evicting.getObject('a');
    await evicting.putObject({ key: 'c', body });
    assert.deepEqual(await evicting.getAllKeys(), ['a', 'c']);
    const { evictions, evictedBytes, memoryUsagePercent } = evicting.getStats();
    assert.deepEqual([evictions, evictedBytes], [1, body.length]);
    assert.ok(memoryUsagePercent > 70 && memoryUsagePercent <= 100);
    assert.throws(() => new MemoryClient({ maxMemoryMB: 'much' }), { name: 'ValidationError' });
  });
});
