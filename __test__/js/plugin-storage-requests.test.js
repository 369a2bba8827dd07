// What plugin storage asks of a client: how much, and how much at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryClient, PluginStorage } from '../../js/index.js';

test('spec05_16_36_40_a_purge_deletes_in_batches_and_lists_nothing_but_what_is_its_own', async () => {
  const client = new MemoryClient({ bucket: 'purge', keyPrefix: 'app' });
  const storage = new PluginStorage(client, 'demo');
  const items = Array.from({ length: 1200 }, (_, i) => ({ key: storage.getPluginKey(null, 'item', String(i)), data: { i } }));
  await storage.batchSet(items);
  await storage.set(storage.getPluginKey('users', 'cache'), { a: 1 });
  const records = 2500;
  for (let i = 0; i < records; i += 1) await client.putObject({ key: `resource=users/data/id=${i}` });
  const requests = [];
  client.on('cl:request', (name, input) => requests.push([name, input]));
  assert.equal(await storage.deleteAll(), items.length + 1);
  const of = (name) => requests.filter(([each]) => each === name).map(([, input]) => input);
  const batches = of('DeleteObjectsCommand').map(({ Delete }) => Delete.Objects.length);
  assert.equal(
    batches.reduce((sum, size) => sum + size, 0),
    items.length + 1
  );
  assert.deepEqual([of('DeleteObjectCommand').length, batches.length <= 4], [0, true], `${batches}`);
  const lists = of('ListObjectsV2Command');
  assert.ok(lists.length > 0 && lists.length < 10, `${lists.length} lists`);
  for (const { Prefix, Delimiter } of lists) {
    const own = /^app\/(plugin=demo\/|resource=users\/plugin=demo\/)/.test(Prefix);
    assert.ok(own || (Prefix === 'app/resource=' && Delimiter === '/'), `${Prefix} ${Delimiter}`);
  }
  assert.equal(await client.count({ prefix: 'resource=users/data/' }), records);
});

test('spec05_16_37_batches_run_side_by_side_up_to_the_parallelism_of_the_client', async () => {
  const memory = new MemoryClient({ bucket: 'batches' });
  let running = 0;
  let most = 0;
  const counted =
    (method) =>
    async (...args) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      return memory[method](...args);
    };
  const client = { parallelism: 4, config: {}, getObject: counted('getObject'), putObject: counted('putObject') };
  const storage = new PluginStorage(client, 'demo');
  const keys = Array.from({ length: 20 }, (_, i) => storage.getPluginKey(null, String(i)));
  await storage.batchSet(keys.map((key, i) => ({ key, data: { i } })));
  assert.equal(most, 4);
  most = 0;
  const read = await storage.batchGet(keys);
  assert.deepEqual([most, read.map(({ data }) => data.i)], [4, keys.map((_, i) => i)]);
});
