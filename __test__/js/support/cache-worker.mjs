/**
 * A process whose cache directory (its argument) cannot be written; prints what happened as JSON. Another process
 * has stored `u1` with `n: 1` there.
 */
import { CachePlugin, Database } from '../../../js/index.js';

const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(error.message));
const plugin = new CachePlugin({ driver: 'filesystem', retryAttempts: 1, retryDelay: 20, config: { directory: process.argv[2] } });
const database = new Database({ connectionString: 'memory://worker/prefix', plugins: [plugin] });
const events = { set: 0, get: 0, clear: 0 };
plugin.on('plg:cache:error', ({ operation }) => {
  events[operation] += 1;
});
plugin.on('plg:cache:clear-error', () => {
  events.clear += 1;
});
await database.connect();
const users = await database.createResource({ name: 'users', attributes: { n: 'number' } });
const seen = [];
await users.insert({ id: 'u1', n: 2 });
const look = async () => seen.push((await users.get('u1')).n, (await users.list())[0].n, await users.count());
await look();
await users.update('u1', { n: 3 });
await look();
await look();
const { hits } = plugin.getStats();
await database.disconnect();
process.stdout.write(JSON.stringify({ seen, hits, events, unhandled }));
