// CachePlugin and binary content (spec/10 section 6).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CachePlugin } from '../../../js/index.js';
import { temporaryDirectory } from '../support/clients.js';
import { connectDatabase } from '../support/databases.js';

for (const driver of ['memory', 's3', 'filesystem']) {
  test(`spec10_06 setContent and deleteContent clear what was cached: ${driver}`, async () => {
    const database = await connectDatabase();
    const files = await database.createResource({ name: 'files', attributes: { name: 'string' } });
    await database.usePlugin(new CachePlugin({ driver, config: driver === 'filesystem' ? { directory: temporaryDirectory() } : {} }));
    await files.insert({ id: 'a', name: 'a.txt' });
    const state = async () => {
      const { buffer } = await files.content('a');
      return [(await files.get('a'))._hasContent, await files.hasContent('a'), buffer.toString()];
    };
    // Twice each time: the second answer may come from the cache.
    for (const [change, expected] of [
      [async () => {}, [false, false, '']],
      [() => files.setContent({ id: 'a', buffer: Buffer.from('one'), contentType: 'text/plain' }), [true, true, 'one']],
      [() => files.setContent({ id: 'a', buffer: Buffer.from('two'), contentType: 'text/plain' }), [true, true, 'two']],
      [() => files.deleteContent('a'), [false, false, '']]
    ]) {
      await change();
      assert.deepEqual(await state(), expected);
      assert.deepEqual(await state(), expected);
    }
  });
}
