// 500 varied records written with s3db.js 19.5.10 and read here, and the reverse, on an independent S3 server.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decrypt, verifyPassword } from 's3db-native';
import { BEHAVIORS, definition, guardedDefinition, guardedRecords, records } from '../interchange/records.mjs';
import { bare, idsOf, ours, passphrase, skip, withRival } from '../interchange/setup.mjs';

const PLAIN = 80;
const GUARDED = 20;
// Under the other behaviours an update of s3db.js 19 waits two seconds and more for a request that it repeats.
const UPDATED_BY_RIVAL = ['user-managed', 'body-only'];
const IN_GERMANY = { partition: 'byCountry', partitionValues: { country: 'DE' } };

const inCountry = (list, country) => idsOf(list.filter((record) => record.country === country)).sort();

/** Every fifth record gets new values, so that the other side also reads what an update writes. */
const changesFor = (list) =>
  list.filter((_, index) => index % 5 === 0).map(({ id }, index) => ({ id, note: `changed ${index}`, count: -1 - index }));

const withChanges = (list) => {
  const changed = new Map(changesFor(list).map((change) => [change.id, change]));
  return list.map((record) => ({ ...record, ...changed.get(record.id) }));
};

describe('interchange with s3db.js 19.5.10', { skip }, () => {
  const rival = withRival();

  test('records written by s3db.js are read here, values, partitions, secrets and passwords', async () => {
    await rival.open('theirs');
    // An update of s3db.js can lose a reference, so its own listing is the measure.
    const indexed = {};
    for (const behavior of BEHAVIORS) {
      const plain = records(behavior, PLAIN);
      await rival.call('create', { config: definition(behavior) });
      await rival.call('insert', { resource: `plain-${behavior}`, records: plain });
      if (UPDATED_BY_RIVAL.includes(behavior)) await rival.call('update', { resource: `plain-${behavior}`, changes: changesFor(plain) });
      indexed[behavior] = await rival.call('list', { resource: `plain-${behavior}`, options: IN_GERMANY });
      await rival.call('create', { config: guardedDefinition(behavior) });
      await rival.call('insert', { resource: `guarded-${behavior}`, records: guardedRecords(behavior, GUARDED) });
    }
    await rival.call('close');

    const db = ours('theirs');
    await db.connect();
    let read = 0;
    for (const behavior of BEHAVIORS) {
      const plain = db.resource(`plain-${behavior}`);
      const written = records(behavior, PLAIN);
      const expected = UPDATED_BY_RIVAL.includes(behavior) ? withChanges(written) : written;
      assert.equal(plain.behavior, behavior);
      assert.deepEqual((await plain.listIds()).sort(), idsOf(expected).sort());
      for (const record of expected) {
        const found = bare(await plain.get(record.id));
        // An update of s3db.js writes back what it read, misread addresses included.
        const judged = record.note?.startsWith('changed ') ? comparable : (same) => same;
        assert.deepEqual(judged(found), judged(record), `${behavior} ${record.id}`);
        read += 1;
      }
      assert.ok(indexed[behavior].length > 5);
      assert.deepEqual((await plain.listIds(IN_GERMANY)).sort(), indexed[behavior].sort(), behavior);
      if (!UPDATED_BY_RIVAL.includes(behavior)) assert.deepEqual(indexed[behavior], inCountry(expected, 'DE'));

      const guarded = db.resource(`guarded-${behavior}`);
      for (const { pin, ...record } of guardedRecords(behavior, GUARDED)) {
        const { pin: hash, ...found } = bare(await guarded.get(record.id));
        assert.deepEqual(found, record, `${behavior} ${record.id}`);
        assert.equal(await verifyPassword(pin, hash), true, `${behavior} ${record.id} password`);
        assert.equal(await verifyPassword(`${pin}x`, hash), false);
        read += 1;
      }
    }
    assert.equal(read, 500);
    await db.disconnect();
  });

  test('records written here are read by s3db.js, values, partitions, secrets and passwords', async () => {
    const db = ours('ours');
    await db.connect();
    for (const behavior of BEHAVIORS) {
      const plain = await db.createResource(definition(behavior));
      const inserted = await plain.insertMany(records(behavior, PLAIN));
      assert.deepEqual(inserted.errors, []);
      for (const { id, ...fields } of changesFor(records(behavior, PLAIN))) await plain.update(id, fields);
      const guarded = await db.createResource(guardedDefinition(behavior));
      assert.deepEqual((await guarded.insertMany(guardedRecords(behavior, GUARDED))).errors, []);
    }
    await db.disconnect();

    await rival.open('ours');
    let read = 0;
    for (const behavior of BEHAVIORS) {
      const resource = `plain-${behavior}`;
      const expected = withChanges(records(behavior, PLAIN));
      const found = await rival.call('get', { resource, ids: idsOf(expected) });
      for (const [index, record] of expected.entries()) {
        assert.deepEqual(comparable(bare(found[index])), comparable(record), `${behavior} ${record.id}`);
        read += 1;
      }
      const german = await rival.call('list', { resource, options: IN_GERMANY });
      assert.deepEqual(german.sort(), inCountry(expected, 'DE'), behavior);

      const secrets = guardedRecords(behavior, GUARDED);
      const kept = await rival.call('get', { resource: `guarded-${behavior}`, ids: idsOf(secrets) });
      for (const [index, { pin, ...record }] of secrets.entries()) {
        const { pin: hash, ...other } = bare(kept[index]);
        // Under body-only s3db.js 19 may return a top-level secret as ciphertext, also one that it wrote itself.
        if (behavior === 'body-only' && other.token !== record.token) other.token = await decrypt(other.token, passphrase);
        assert.deepEqual(other, record, `${behavior} ${record.id}`);
        assert.equal(await rival.call('verify', { password: pin, hash }), true, `${behavior} ${record.id} password`);
        read += 1;
      }
    }
    assert.equal(read, 500);
    await rival.call('close');
  });
});

/** Without `ip`: s3db.js 19 takes some of its own stored addresses for base64 text and misreads them. */
function comparable({ ip, ...record }) {
  return record;
}
