import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileSystemClient, FileSystemStorage, ValidationError } from '../../js/index.js';
import { temporaryDirectory } from './support/clients.js';

const open = (basePath = temporaryDirectory()) => new FileSystemStorage({ basePath, durability: 'none' });

test('spec01_14 FileSystemStorage writes, reads, copies and deletes objects by full key', async () => {
  const storage = open();
  const { ETag, Location } = await storage.put('a/b', { body: 'text', metadata: { Name: 'é%' }, contentType: 'text/plain' });
  assert.equal(Location, '/s3db/a/b');
  const object = await storage.get('a/b');
  assert.ok(Buffer.isBuffer(object.Body));
  assert.deepEqual([object.Body.toString(), object.ETag, object.ContentType, object.ContentLength], ['text', ETag, 'text/plain', 4]);
  assert.deepEqual(object.Metadata, { Name: 'é%' });
  assert.equal((await storage.head('a/b')).ETag, ETag);
  await storage.copy('a/b', 'a/c');
  await storage.copy('a/b', 'a/d', { metadata: { other: '1' }, metadataDirective: 'REPLACE' });
  assert.deepEqual([(await storage.head('a/c')).Metadata, (await storage.head('a/d')).Metadata], [{ Name: 'é%' }, { other: '1' }]);
  assert.deepEqual([await storage.exists('a/d'), await storage.exists('a/x')], [true, false]);
  await storage.delete('a/d');
  assert.equal(await storage.exists('a/d'), false);
  const { Deleted, Errors } = await storage.deleteMultiple(['a/b', 'a/c', 'a/x']);
  assert.deepEqual([Deleted.length, Errors], [3, []]);
});

test('spec01_14 FileSystemStorage lists pages and groups, and shares the layout of FileSystemClient', async () => {
  const basePath = temporaryDirectory();
  const storage = open(basePath);
  for (const key of ['x/1', 'x/2', 'x/y/3', 'z']) await storage.put(key, { body: key });
  const page = await storage.list({ prefix: 'x/', delimiter: '/', maxKeys: 2 });
  assert.deepEqual([page.Contents.map(({ Key }) => Key), page.CommonPrefixes, page.IsTruncated], [['x/1', 'x/2'], [], true]);
  const rest = await storage.list({ prefix: 'x/', delimiter: '/', continuationToken: page.NextContinuationToken });
  assert.deepEqual([rest.Contents, rest.CommonPrefixes, rest.IsTruncated], [[], [{ Prefix: 'x/y/' }], false]);
  const client = new FileSystemClient({ basePath, durability: 'none' });
  assert.deepEqual(await client.getAllKeys({ prefix: '' }), ['x/1', 'x/2', 'x/y/3', 'z']);
});

test('spec01_14 FileSystemStorage holds conditions and gives the errors of the clients', async () => {
  const storage = open();
  const { ETag } = await storage.put('k', { body: '1', ifNoneMatch: '*' });
  await assert.rejects(storage.put('k', { body: '2', ifNoneMatch: '*' }), {
    name: 'ResourceError',
    code: 'PreconditionFailed',
    statusCode: 412
  });
  await storage.put('k', { body: '2', ifMatch: ETag });
  await assert.rejects(storage.put('k', { body: '3', ifMatch: ETag }), { code: 'PreconditionFailed' });
  await assert.rejects(storage.get('absent'), { name: 'NoSuchKey', key: 'absent', bucket: 's3db' });
  assert.throws(() => new FileSystemStorage(), ValidationError);
});
