/** The blocks of docs/background.md run as they stand, as one program. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

test('spec05_18 the page about background work runs', () => {
  const page = readFileSync(new URL('../../docs/background.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, block]) => block);
  assert.ok(blocks.length >= 5);
  const head = `
    import { MemoryClient, PluginStorage } from 's3db-native';
    const storage = new PluginStorage(new MemoryClient({ bucket: 'docs' }), 'my-plugin');
    console.assert = (held, ...rest) => { if (!held) throw new Error('assertion of the page failed ' + rest); };`;
  const args = ['--input-type=module', '--eval', [head, ...blocks, "console.log('done');"].join('\n')];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual([status, stdout.trim(), stderr], [0, 'done', '']);
});
