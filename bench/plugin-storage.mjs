// node bench/plugin-storage.mjs: a hot counter from 8 processes, and the requests of a lock, on the strict server.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isProgram, targetBin } from '../scripts/paths.mjs';
import { startStrict } from '../scripts/servers.mjs';

const PROCESSES = 8;
const INCREMENTS = 250;
const LOCKS = 200;

const self = fileURLToPath(import.meta.url);

/** Requests of a client so far. */
const requests = (client) => JSON.parse(client.client.store.stats()).total;

const tasks = {
  async increment(storage) {
    const key = storage.getPluginKey(null, 'hot');
    for (let i = 0; i < INCREMENTS; i += 1) await storage.increment(key);
  },
  /** All increments of the process at once: they are written together. */
  async together(storage) {
    const key = storage.getPluginKey(null, 'hot-together');
    await Promise.all(Array.from({ length: INCREMENTS }, () => storage.increment(key)));
  },
  async lock(storage) {
    for (let i = 0; i < LOCKS; i += 1) await storage.releaseLock(await storage.acquireLock('alone'));
  },
  async discard(storage) {
    for (let i = 0; i < LOCKS; i += 1) await storage.releaseLock(await storage.acquireLock(`once-${i}`, { discard: true }));
  }
};

async function work(task, connectionString) {
  const { PluginStorage, S3Client } = await import('s3db-native');
  const client = new S3Client({ connectionString });
  const storage = new PluginStorage(client, 'bench');
  // Connections and the probe do not count.
  await storage.acquireLock(`warm-${process.pid}`);
  const before = requests(client);
  const started = performance.now();
  await tasks[task](storage);
  process.stdout.write(JSON.stringify({ ms: performance.now() - started, requests: requests(client) - before }));
}

function run(task, connectionString) {
  const child = spawn(process.execPath, [self, task, connectionString], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`${task} ended with ${code}`))));
  });
}

async function main() {
  const server = await startStrict(targetBin('s3-strict'));
  const cases = [
    ['increment', PROCESSES, INCREMENTS, 2],
    ['together', PROCESSES, INCREMENTS, 2],
    ['increment', 1, INCREMENTS, 2],
    ['lock', 1, LOCKS, 3],
    ['discard', 1, LOCKS, 2]
  ];
  try {
    console.log('case        processes  operations      per s  requests/op  lost races');
    for (const [index, [task, processes, each, ideal]] of cases.entries()) {
      const results = await Promise.all(Array.from({ length: processes }, () => run(task, `${server.connectionString}/bench-${index}`)));
      const operations = processes * each;
      const sent = results.reduce((sum, { requests: n }) => sum + n, 0);
      const rate = operations / (Math.max(...results.map(({ ms }) => ms)) / 1000);
      // A lost race costs the write, the look at who won, and the next attempt.
      const lost = task === 'increment' ? Math.round((sent - operations * ideal) / 2) : '';
      console.log(
        `${task.padEnd(12)}${String(processes).padStart(9)}${String(operations).padStart(12)}${rate.toFixed(0).padStart(11)}${(sent / operations).toFixed(2).padStart(13)}${String(lost).padStart(12)}`
      );
    }
  } finally {
    await server.stop();
  }
}

if (isProgram(import.meta.url)) {
  const [task, connectionString] = process.argv.slice(2);
  await (task === undefined ? main() : work(task, connectionString));
}
