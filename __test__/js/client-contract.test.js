import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { kinds, rejection } from './support/clients.js';

const bare = (etag) => etag.replace(/"/g, '');

for (const { name, skip, make } of kinds) {
  describe(`client on ${name}`, { skip }, () => {
    it('spec05_2_5_objects_round_trip_with_metadata_and_content_type', async () => {
      const client = make();
      const metadata = {
        text: 'plain',
        accent: 'São Paulo',
        emoji: '🦀',
        empty: '',
        nothing: null,
        missing: undefined,
        n: 12,
        word: 'null',
        padded: ' x '
      };
      await client.putObject({ key: 'a/b', metadata, body: 'héllo', contentType: 'text/plain', contentEncoding: 'identity' });
      const object = await client.getObject('a/b');
      assert.deepEqual(object.Metadata, { ...metadata, n: '12' });
      assert.equal(await object.Body.transformToString(), 'héllo');
      assert.equal(object.ContentType, 'text/plain');
      assert.equal(object.ContentEncoding, 'identity');
      assert.equal(object.ContentLength, 6);
      assert.ok(object.LastModified instanceof Date);
      assert.equal(bare(object.ETag), 'be50e8478cf24ff3595bc7307fb91b50');
      const head = await client.headObject('a/b');
      assert.deepEqual(head.Metadata, object.Metadata);
      assert.equal(head.Body, undefined);
      assert.equal(head.ContentLength, 6);
    });

    it('spec05_2_5_bodies_of_every_form_are_stored', async () => {
      const client = make();
      const bodies = {
        string: 'abc',
        buffer: Buffer.from('abc'),
        bytes: new Uint8Array([97, 98, 99]),
        stream: Readable.from(['a', Buffer.from('bc')]),
        web: new Blob(['abc']).stream(),
        blob: new Blob(['abc'])
      };
      for (const [key, body] of Object.entries(bodies)) await client.putObject({ key, body });
      for (const key of Object.keys(bodies)) assert.equal(await (await client.getObject(key)).Body.transformToString(), 'abc', key);
      for (const [i, body] of [undefined, null, '', 0].entries()) {
        await client.putObject({ key: `empty${i}`, body });
        assert.equal((await client.headObject(`empty${i}`)).ContentLength, 0);
      }
      await assert.rejects(client.putObject({ key: 'bad', body: 17 }));
    });

    it('spec05_2_5_body_is_a_stream_with_the_transforms_of_the_sdk', async () => {
      const client = make();
      await client.putObject({ key: 'k', body: Buffer.from([0xff, 0x00, 0x61]) });
      assert.deepEqual([...(await (await client.getObject('k')).Body.transformToByteArray())], [0xff, 0, 0x61]);
      assert.equal(await (await client.getObject('k')).Body.transformToString('base64'), '/wBh');
      const chunks = [];
      for await (const chunk of (await client.getObject('k')).Body) chunks.push(...chunk);
      assert.deepEqual(chunks, [0xff, 0, 0x61]);
      const web = (await client.getObject('k')).Body.transformToWebStream();
      assert.deepEqual([...new Uint8Array(await new Response(web).arrayBuffer())], [0xff, 0, 0x61]);
    });

    it('spec05_2_5_conditions_of_writes_are_honoured', async () => {
      const client = make();
      const first = await client.putObject({ key: 'k', body: '1', ifNoneMatch: '*' });
      const clash = await rejection(client.putObject({ key: 'k', body: '2', ifNoneMatch: '*' }));
      assert.equal(clash.name, 'ResourceError');
      assert.equal(clash.code, 'PreconditionFailed');
      assert.equal(clash.statusCode, 412);
      assert.equal(
        (await rejection(client.putObject({ key: 'k', body: '2', ifMatch: '"00000000000000000000000000000000"' }))).statusCode,
        412
      );
      await client.putObject({ key: 'k', body: '2', ifMatch: first.ETag });
      assert.equal(await (await client.getObject('k')).Body.transformToString(), '2');
      assert.equal((await rejection(client.deleteObject('k', { ifMatch: first.ETag }))).statusCode, 412);
      await client.deleteObject('k', { ifMatch: (await client.headObject('k')).ETag });
      assert.equal(await client.exists('k'), false);
    });

    it('spec05_2_5_exists_and_delete_of_missing_objects', async () => {
      const client = make();
      assert.equal(await client.exists('nope'), false);
      await client.deleteObject('nope');
      const error = await rejection(client.getObject('nope'));
      assert.equal(error.name, 'NoSuchKey');
      assert.equal(error.code, 'NoSuchKey');
      assert.equal(error.statusCode, 404);
      assert.equal((await rejection(client.headObject('nope'))).name, 'NoSuchKey');
      assert.equal((await rejection(client.copyObject({ from: 'nope', to: 'x' }))).name, 'NoSuchKey');
    });

    it('spec05_2_4_keys_are_normalized_under_the_prefix_and_may_not_leave_it', async () => {
      const client = make();
      await client.putObject({ key: 'a//b/./c', body: 'x' });
      await client.putObject({ key: '/lead', body: 'x' });
      await client.putObject({ key: 'dir/', body: 'x' });
      assert.deepEqual(await client.getAllKeys({}), ['a/b/c', 'dir/', 'lead']);
      for (const key of ['../x', '../../other/x', 'a/../../x', '..', '', 7]) {
        assert.equal((await rejection(client.putObject({ key, body: '' }))).name, 'ValidationError', String(key));
        assert.equal((await rejection(client.getObject(key))).name, 'ValidationError');
        assert.equal((await rejection(client.deleteObjects([key]))).name, 'ValidationError');
      }
      assert.equal((await rejection(client.listObjects({ prefix: '../' }))).name, 'ValidationError');
    });

    it('spec05_2_4_keys_with_special_characters_survive_copy_and_move', async () => {
      const client = make();
      const keys = ['sp ace', 'pl+us', 'per%20cent', 'ünï/cödé', 'q?a&b=c', 'quote\'"', '日本語', '🦀'];
      for (const key of keys) await client.putObject({ key, body: key });
      for (const key of keys) {
        await client.copyObject({ from: key, to: `copy/${key}` });
        assert.equal(await (await client.getObject(`copy/${key}`)).Body.transformToString(), key);
        assert.equal(await client.moveObject({ from: key, to: `moved/${key}` }), true);
        assert.equal(await client.exists(key), false);
      }
      assert.equal(await client.count({ prefix: 'moved/' }), keys.length);
    });

    it('spec05_2_5_copy_replaces_metadata_only_when_told_to', async () => {
      const client = make();
      await client.putObject({ key: 'k', metadata: { a: '1', b: '2' }, body: 'x', contentType: 'text/css' });
      await client.copyObject({ from: 'k', to: 'same', metadata: { a: '9' } });
      assert.deepEqual((await client.headObject('same')).Metadata, { a: '1', b: '2' });
      const copied = await client.copyObject({
        from: 'k',
        to: 'k',
        metadata: { a: 'ü' },
        metadataDirective: 'REPLACE',
        contentType: 'text/html'
      });
      assert.equal(typeof copied.CopyObjectResult.ETag, 'string');
      const head = await client.headObject('k');
      assert.deepEqual(head.Metadata, { a: 'ü' });
      assert.equal(head.ContentType, 'text/html');
      const error = await rejection(client.copyObject({ from: 'k', to: 'y', copySourceIfMatch: '"00000000000000000000000000000000"' }));
      assert.equal(error.statusCode, 412);
    });

    it('spec05_16_14_moving_an_object_onto_itself_keeps_it', async () => {
      const client = make();
      await client.putObject({ key: 'a/k', body: 'x' });
      assert.equal(await client.moveObject({ from: 'a/k', to: 'a//k' }), true);
      assert.deepEqual(await client.moveAllObjects({ prefixFrom: 'a/', prefixTo: 'a/' }), ['a/k']);
      assert.equal(await client.exists('a/k'), true);
    });

    it('spec05_2_5_listing_pages_tokens_and_offsets', async () => {
      const client = make();
      const keys = Array.from({ length: 25 }, (_, i) => `p/${String(i).padStart(3, '0')}`);
      for (const key of [...keys].reverse()) await client.putObject({ key });
      await client.putObject({ key: 'q' });
      assert.deepEqual(await client.getAllKeys({ prefix: 'p/' }), keys);
      assert.equal((await client.getAllKeys()).length, 26);
      assert.equal(await client.count({ prefix: 'p/' }), 25);
      assert.equal(await client.count(), 26);
      const page = await client.listObjects({ prefix: 'p/', maxKeys: 10 });
      assert.equal(page.IsTruncated, true);
      assert.equal(page.KeyCount, 10);
      assert.match(page.Contents[0].Key, /app\/x\/p\/000$|client-.*\/p\/000$/);
      const next = await client.listObjects({ prefix: 'p/', maxKeys: 20, continuationToken: page.NextContinuationToken });
      assert.equal(next.Contents.length, 15);
      assert.equal(next.IsTruncated, false);
      assert.deepEqual(await client.getKeysPage({ prefix: 'p/', offset: 7, amount: 4 }), keys.slice(7, 11));
      assert.deepEqual(await client.getKeysPage({ prefix: 'p/', offset: 25, amount: 4 }), []);
      assert.deepEqual(await client.getKeysPage({ prefix: 'p/', offset: 0, amount: 0 }), []);
      assert.equal((await client.getKeysPage()).length, 26);
      assert.equal(await client.getContinuationTokenAfterOffset({ prefix: 'p/', offset: 0 }), null);
      assert.equal(await client.getContinuationTokenAfterOffset({ prefix: 'p/', offset: 25 }), null);
      const token = await client.getContinuationTokenAfterOffset({ prefix: 'p/', offset: 20 });
      const rest = await client.listObjects({ prefix: 'p/', continuationToken: token });
      assert.equal(rest.Contents.length, 5);
    });

    it('spec05_2_5_delimiter_and_start_after_are_accepted', async () => {
      const client = make();
      for (const key of ['d/a/1', 'd/a/2', 'd/b', 'd/c/1', 'e']) await client.putObject({ key });
      const page = await client.listObjects({ prefix: 'd/', delimiter: '/' });
      assert.deepEqual(
        page.CommonPrefixes.map(({ Prefix }) => Prefix.replace(/^.*?d\//, 'd/')),
        ['d/a/', 'd/c/']
      );
      assert.deepEqual(
        page.Contents.map(({ Key }) => Key.replace(/^.*?d\//, 'd/')),
        ['d/b']
      );
      assert.equal(page.KeyCount, 3);
      const after = await client.listObjects({ prefix: 'd/', startAfter: 'd/b' });
      assert.equal(after.Contents.length, 1);
      const all = await client.listObjects({ maxKeys: 2, delimiter: '/' });
      assert.equal(all.CommonPrefixes.length + (all.Contents?.length ?? 0), 2);
      assert.equal(all.IsTruncated, false);
    });

    it('spec05_16_43_a_page_of_no_keys_is_empty_and_not_truncated', async () => {
      const client = make();
      await client.putObject({ key: 'a' });
      const page = await client.listObjects({ maxKeys: 0 });
      assert.equal(page.IsTruncated, false);
      assert.equal(page.KeyCount, 0);
      assert.equal((await client.listObjects({ maxKeys: null })).KeyCount, 1);
    });

    it('spec05_16_2_the_empty_prefix_stays_inside_the_database_path', async () => {
      const client = make();
      const { keyPrefix } = client;
      await client.putObject({ key: 'mine' });
      const root = `${keyPrefix}2/other`;
      await client.sendCommand({ constructor: { name: 'PutObjectCommand' }, input: { Bucket: client.bucket, Key: root, Body: 'x' } });
      assert.deepEqual(await client.getAllKeys(), ['mine']);
      assert.equal(await client.count(), 1);
      assert.equal(await client.deleteAll(), 1);
      const get = { constructor: { name: 'GetObjectCommand' }, input: { Bucket: client.bucket, Key: root } };
      assert.equal(await (await client.sendCommand(get)).Body.transformToString(), 'x');
      await client.sendCommand({ constructor: { name: 'DeleteObjectCommand' }, input: { Bucket: client.bucket, Key: root } });
    });

    it('spec05_2_5_delete_all_under_a_prefix_and_delete_many', async () => {
      const client = make();
      for (let i = 0; i < 12; i += 1) await client.putObject({ key: `${i % 2 ? 'odd' : 'even'}/${i}` });
      assert.equal(await client.deleteAll({ prefix: 'odd/' }), 6);
      assert.deepEqual(await client.getAllKeys(), ['even/0', 'even/10', 'even/2', 'even/4', 'even/6', 'even/8']);
      await client.deleteObjects(['even/0', 'even/2', 'missing']);
      assert.equal(await client.count(), 4);
      assert.equal(await client.deleteAll(), 4);
      assert.equal(await client.deleteAll(), 0);
    });

    it('spec05_2_5_move_all_renames_every_key_under_a_prefix', async () => {
      const client = make();
      for (const key of ['from/a', 'from/b/from/c', 'other']) await client.putObject({ key, body: key });
      assert.deepEqual((await client.moveAllObjects({ prefixFrom: 'from/', prefixTo: 'to/$&/' })).sort(), ['to/$&/a', 'to/$&/b/from/c']);
      assert.deepEqual(await client.getAllKeys(), ['other', 'to/$&/a', 'to/$&/b/from/c']);
    });

    it('spec05_2_5_more_than_a_page_of_keys_is_counted_listed_and_deleted', async () => {
      const client = make();
      const keys = Array.from({ length: 1203 }, (_, i) => `many/${String(i).padStart(5, '0')}`);
      for (let i = 0; i < keys.length; i += 50) await Promise.all(keys.slice(i, i + 50).map((key) => client.putObject({ key })));
      assert.equal(await client.count({ prefix: 'many/' }), 1203);
      assert.deepEqual(await client.getAllKeys({ prefix: 'many/' }), keys);
      assert.deepEqual(await client.getKeysPage({ prefix: 'many/', offset: 1100, amount: 200 }), keys.slice(1100));
      await client.deleteObjects(keys);
      assert.equal(await client.count({ prefix: 'many/' }), 0);
    });

    it('spec05_2_3_direct_commands_take_raw_keys_and_metadata', async () => {
      const client = make();
      const key = `${client.keyPrefix}/raw`;
      class PutObjectCommand {
        constructor(input) {
          this.input = input;
        }
      }
      const put = await client.sendCommand(
        new PutObjectCommand({ Bucket: client.bucket, Key: key, Body: 'x', Metadata: { m: 'b:8J+mgA==' } })
      );
      assert.match(put.ETag, /^"[0-9a-f]{32}"$/);
      const head = await client.sendCommand({ constructor: { name: 'HeadObjectCommand' }, input: { Bucket: client.bucket, Key: key } });
      assert.deepEqual(head.Metadata, { m: 'b:8J+mgA==' });
      assert.match(head.ETag, /^"[0-9a-f]{32}"$/);
      assert.deepEqual((await client.headObject('raw')).Metadata, { m: '🦀' });
      const unknown = { constructor: { name: 'PutBucketPolicyCommand' }, input: {} };
      const error = await rejection(client.sendCommand(unknown));
      assert.equal(error.name, 'DatabaseError');
      assert.match(error.message, /Unsupported command: PutBucketPolicyCommand/);
      assert.equal(error.statusCode, 400);
    });
  });
}
