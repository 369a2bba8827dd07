/** Partition keys of dates, made by the engine and by JavaScript (spec/03 11.2 and 11.3). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allKeys, connectDatabase, freshStore, STORES } from './support/databases.js';

const DATES = {
  '2024-05-17': { byDay: '2024-05-17', byMonth: '2024-05-01', byYear: '2024-01-01' },
  '2024-05': { byDay: '2024-05-01', byMonth: '2024-05-01', byYear: '2024-01-01' },
  2024: { byDay: '2024-01-01', byMonth: '2024-01-01', byYear: '2024-01-01' },
  '2024-02-30': { byDay: '2024-03-01', byMonth: '2024-02-01', byYear: '2024-01-01' },
  'January 15, 2024': { byDay: '2024-01-15' },
  'not a date': { byDay: 'not a date' }
};

for (const store of STORES) {
  test(`spec03_11_3 dates that are cut, run over or only read by JavaScript have one key on every route (${store})`, async () => {
    const db = await connectDatabase({ connectionString: freshStore(store) });
    const days = await db.createResource({
      name: 'days',
      attributes: { at: 'string' },
      asyncPartitions: false,
      partitions: {
        byDay: { fields: { at: 'date' } },
        byMonth: { fields: { at: 'date|maxlength:7' } },
        byYear: { fields: { at: 'date|maxlength:4' } },
        byThree: { fields: { at: 'date|maxlength:3' } }
      }
    });
    const texts = Object.keys(DATES);
    // Alone, together, and behind a hook in JavaScript.
    for (const [at, text] of texts.entries()) await days.insert({ id: `alone-${at}`, at: text });
    await days.insertMany(texts.map((text, at) => ({ id: `many-${at}`, at: text })));
    days.addHook('afterList', (result) => result);
    for (const [at, text] of texts.entries()) {
      for (const id of [`alone-${at}`, `many-${at}`]) {
        const record = await days.get(id);
        for (const [partition, { fields }] of Object.entries(days.config.partitions)) {
          const key = days.getPartitionKey({ partitionName: partition, id, data: record });
          assert.ok((await allKeys(db, `resource=days/partition=${partition}/`)).includes(key), `${text}: ${key}`);
          const day = days.applyPartitionRule(text, fields.at);
          if (DATES[text][partition] !== undefined) assert.equal(day, DATES[text][partition], partition);
          // Requested values are cut as well: a day that is cut to three characters is another one.
          if (partition === 'byThree') continue;
          for (const value of [text, day]) {
            const found = await days.listIds({ partition, partitionValues: { at: value } });
            assert.ok(found.includes(id), `${partition} of ${value}`);
            const records = await days.list({ partition, partitionValues: { at: value } });
            assert.ok(
              records.some((each) => each.id === id),
              `records, ${partition} of ${value}`
            );
          }
          assert.equal((await days.getFromPartition({ id, partitionName: partition, partitionValues: { at: text } })).at, text);
        }
      }
    }
    // What is deleted leaves no reference.
    await days.deleteMany(texts.map((_, at) => `many-${at}`));
    for (const at of texts.keys()) await days.delete(`alone-${at}`);
    assert.deepEqual(await allKeys(db, 'resource=days/'), []);
  });
}

test('a record that cannot be deleted keeps its content', async () => {
  const db = await connectDatabase();
  const files = await db.createResource({ name: 'files', attributes: { name: 'string' }, behavior: 'body-only' });
  await files.insert({ id: 'a', name: 'x' });
  await files.setContent({ id: 'a', buffer: Buffer.from('kept'), contentType: 'text/plain' });
  const { client } = db;
  client.deleteObject = async (key) => {
    if (!key.includes('content')) throw Object.assign(new Error('not for you'), { name: 'AccessDenied', statusCode: 403 });
    return Object.getPrototypeOf(client).deleteObject.call(client, key);
  };
  await assert.rejects(files.delete('a'), /not for you/);
  delete client.deleteObject;
  assert.equal((await files.content('a')).buffer.toString(), 'kept');
  await files.delete('a');
  assert.deepEqual(await allKeys(db, 'resource=files/'), []);
});
