/** Defects of 13.6 in the database that must not come back (spec/01 section 12). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Plugin } from '../../js/plugin/plugin.js';
import { connectDatabase, makeDatabase, readMetadata, readText } from './support/databases.js';

test('spec01_12_07_a_lossy_recovery_is_backed_up_first_and_announced', async () => {
  const db = await connectDatabase();
  for (const name of ['first', 'second', 'third']) await db.createResource({ name, attributes: { a: 'string' } });
  const whole = await readText(db, 's3db.json');
  const cut = whole.slice(0, whole.lastIndexOf('}', whole.lastIndexOf('"third"')) + 1);
  await db.client.putObject({ key: 's3db.json', body: cut, contentType: 'application/json' });
  const again = makeDatabase(db.options);
  const healed = [];
  const warnings = [];
  again.on('db:metadata-healed', (event) => healed.push(event));
  again.on('db:warning', ({ code }) => warnings.push(code));
  await again.connect();
  assert.equal(healed.length, 1);
  assert.equal(await readText(again, healed[0].backupKey), cut, 'the text as it was');
  assert.deepEqual(Object.keys((await readMetadata(again)).resources), Object.keys(again.resources));
  assert.ok(Object.keys(again.resources).includes('first'));
  assert.deepEqual(warnings, ['METADATA_LOSSY_RECOVERY']);
});

test('spec01_12_15_plugins_are_kept_by_disconnect_and_installed_again_by_a_reconnect', async () => {
  const calls = [];
  class TracePlugin extends Plugin {
    async onInstall() {
      calls.push('install');
    }
    async onStart() {
      calls.push('start');
    }
    async onStop() {
      calls.push('stop');
    }
  }
  const plugin = new TracePlugin();
  const db = makeDatabase({ plugins: [plugin] });
  await db.connect();
  assert.equal(db.plugins, db.pluginRegistry);
  await db.disconnect();
  assert.deepEqual(db.pluginList, [plugin]);
  assert.equal(db.plugins, db.pluginRegistry, 'they stay one object');
  await db.connect();
  assert.equal(db.getPlugin('trace'), plugin);
  assert.deepEqual(calls, ['install', 'start', 'stop', 'install', 'start']);
});
