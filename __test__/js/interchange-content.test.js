// Bytes and binary content written with s3db.js 19.5.10 and read here, and the reverse, on an independent S3 server.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  BEHAVIORS,
  bytesDefinition,
  bytesRecords,
  CONTENT_BEHAVIORS,
  contents,
  guardedDefinition,
  guardedRecords
} from '../interchange/records.mjs';
import { bare, idsOf, ours, skip, withRival } from '../interchange/setup.mjs';

describe('content interchanged with s3db.js 19.5.10', { skip }, () => {
  const rival = withRival();

  test('bytes and bitmaps written by s3db.js are read here, and the reverse', async () => {
    await rival.open('their-bytes');
    for (const behavior of BEHAVIORS) {
      await rival.call('create', { config: bytesDefinition(behavior) });
      await rival.call('insert', { resource: `bytes-${behavior}`, records: bytesRecords(behavior, 8) });
    }
    await rival.call('close');
    const theirs = ours('their-bytes');
    await theirs.connect();
    for (const behavior of BEHAVIORS) {
      for (const { id, data, flags, at } of bytesRecords(behavior, 8)) {
        const found = await theirs.resource(`bytes-${behavior}`).get(id);
        assert.deepEqual([found.data, found.flags, found.at], [Buffer.from(data, 'base64'), Buffer.from(flags, 'base64'), at], id);
      }
    }
    await theirs.disconnect();

    const db = ours('our-bytes');
    await db.connect();
    for (const behavior of BEHAVIORS) {
      const resource = await db.createResource(bytesDefinition(behavior));
      const asBuffers = ({ data, flags, ...record }) => ({
        ...record,
        data: Buffer.from(data, 'base64'),
        flags: Buffer.from(flags, 'base64')
      });
      assert.deepEqual((await resource.insertMany(bytesRecords(behavior, 8).map(asBuffers))).errors, []);
      await resource.update(`${behavior}-0`, { name: 'changed' });
    }
    await db.disconnect();
    await rival.open('our-bytes');
    for (const behavior of BEHAVIORS) {
      const expected = bytesRecords(behavior, 8);
      const found = await rival.call('get', { resource: `bytes-${behavior}`, ids: idsOf(expected) });
      for (const [index, { id, data, flags, at }] of expected.entries()) {
        const read = [found[index].data, found[index].flags].map((value) => Buffer.from(value).toString('base64'));
        assert.deepEqual([...read, found[index].at], [data, flags, at], id);
      }
    }
    await rival.call('close');
  });

  test('content written by s3db.js is read here and kept by writes', async () => {
    const small = (behavior) => guardedRecords(behavior, 12, 3);
    await rival.open('their-content');
    for (const behavior of CONTENT_BEHAVIORS) {
      await rival.call('create', { config: guardedDefinition(behavior) });
      await rival.call('insert', { resource: `guarded-${behavior}`, records: small(behavior) });
      await rival.call('setContent', { resource: `guarded-${behavior}`, contents: contents(behavior, 12) });
    }
    await rival.call('close');

    const db = ours('their-content');
    await db.connect();
    for (const behavior of CONTENT_BEHAVIORS) {
      const resource = db.resource(`guarded-${behavior}`);
      const holds = async ({ id, base64, contentType }) => {
        const found = await resource.content(id);
        assert.deepEqual([found.buffer.toString('base64'), found.contentType, await resource.hasContent(id)], [base64, contentType, true]);
      };
      for (const [index, content] of contents(behavior, 12).entries()) {
        await holds(content);
        const { pin, ...record } = small(behavior)[index];
        const { pin: hash, ...found } = bare(await resource.get(content.id));
        assert.deepEqual(found, record, content.id);
        await resource.update(content.id, { name: `new ${index}` });
        await resource.patch(content.id, { country: 'XX' });
        await holds(content);
        const { token, name, country } = await resource.get(content.id);
        assert.deepEqual({ token, name, country }, { token: record.token, name: `new ${index}`, country: 'XX' });
      }
    }
    await db.disconnect();
  });

  test('content written here in the object of a record is read by s3db.js', async () => {
    const db = ours('our-content');
    await db.connect();
    for (const behavior of CONTENT_BEHAVIORS) {
      const resource = await db.createResource(guardedDefinition(behavior));
      assert.deepEqual((await resource.insertMany(guardedRecords(behavior, 12, 3))).errors, []);
      for (const { id, base64, contentType } of contents(behavior, 12)) {
        await resource.setContent({ id, buffer: Buffer.from(base64, 'base64'), contentType });
      }
    }
    await db.disconnect();

    await rival.open('our-content');
    for (const behavior of CONTENT_BEHAVIORS) {
      const resource = `guarded-${behavior}`;
      const expected = contents(behavior, 12);
      const found = await rival.call('content', { resource, ids: idsOf(expected) });
      assert.deepEqual(
        found,
        expected.map(({ base64, contentType }) => ({ base64, contentType, has: true }))
      );
      const read = await rival.call('get', { resource, ids: idsOf(expected) });
      for (const [index, { pin, ...record }] of guardedRecords(behavior, 12, 3).entries()) {
        const { pin: hash, ...other } = bare(read[index]);
        assert.deepEqual(other, record, record.id);
      }
    }
    await rival.call('close');
  });
});
