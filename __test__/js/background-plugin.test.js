/** Background work as plugins have it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Database, Plugin } from 's3db-native';
import { calls } from './support/background.js';

class TickingPlugin extends Plugin {
  warnings = [];
  runs = calls();

  constructor(options) {
    super({ logger: { warn: (text) => this.warnings.push(text), debug() {}, info() {}, error() {} }, ...options });
  }

  async onStart() {
    this.task = this.background.every(1, ({ name }) => this.runs.note(name), { name: 'tick' });
    this.scheduleCron('0 3 * * *', () => {}, 'nightly');
  }
}

async function connected(plugin) {
  const db = new Database({ connectionString: 'memory://background/test' });
  await db.usePlugin(plugin);
  await db.connect();
  return db;
}

test('spec05_18 the tasks of a plugin end with disconnect and start again with connect', async () => {
  const plugin = new TickingPlugin();
  const db = await connected(plugin);
  await plugin.runs.reached(3);
  assert.deepEqual(plugin.cronManager.list(), ['nightly']);
  const { task } = plugin;
  await db.disconnect();
  const count = plugin.runs.seen.length;
  assert.deepEqual([task.active, plugin.background.tasks], [false, []]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(plugin.runs.seen.length, count);
  await db.connect();
  await plugin.runs.reached(count + 1);
  await db.disconnect();
});

test('spec05_18 a failing task of a plugin is the event plugin.error and a logged warning', async () => {
  const plugin = new TickingPlugin();
  const db = await connected(plugin);
  const events = calls();
  plugin.on('plugin.error', (event) => events.note(event));
  const cause = new Error('no luck');
  await plugin.scheduleInterval(60_000, () => Promise.reject(cause), 'unlucky').trigger();
  await events.reached(1);
  const event = { plugin: plugin.name, error: cause, task: 'unlucky', attempt: 1, kind: 'failed', willRetry: false };
  assert.deepEqual(events.seen, [[event]]);
  assert.match(plugin.warnings[0], /'unlucky' failed: no luck/);
  assert.equal(await plugin.stopAllCronJobs(), 2);
  assert.equal(plugin.task.active, true);
  await db.disconnect();
});

test('spec05_18 uninstalling a plugin that was never started ends its tasks', async () => {
  const plugin = new TickingPlugin();
  const db = new Database({ connectionString: 'memory://background/test' });
  await db.connect();
  await plugin.install(db);
  await plugin.onStart();
  await plugin.runs.reached(1);
  await plugin.uninstall();
  assert.deepEqual(plugin.background.tasks, []);
  await db.disconnect();
});

test('spec05_18 a lease of a plugin is a lock of its storage', async () => {
  const plugin = new TickingPlugin();
  const db = await connected(plugin);
  const locked = [];
  const lease = { name: 'sweep', ttl: 10_000 };
  const task = plugin.background.every(60_000, async () => locked.push(await plugin.getStorage().isLocked('sweep')), { lease });
  assert.equal((await task.trigger()).status, 'done');
  assert.deepEqual([locked, await plugin.getStorage().isLocked('sweep')], [[true], false]);
  await db.disconnect();
});
