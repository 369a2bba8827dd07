// node bench/cache.mjs: a cached get on the memory driver beside s3db.js 19.5.10, and a million reads under a Zipf law.
import { spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installRival } from '../scripts/install.mjs';
import { isProgram, root } from '../scripts/paths.mjs';

const self = fileURLToPath(import.meta.url);
const BATCH = 200;
const BATCHES = 500;
const RIVAL_BATCHES = 50;
const KEYS = 100_000;
const READS = 1_000_000;
const MAX_BYTES = 8 << 20;

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const record = (at) => ({ name: `name ${at}`, email: `user${at}@example.com`, age: at % 90, active: at % 2 === 0 });

async function open(library, options) {
  const client = new library.MemoryClient({ bucket: 'bench', keyPrefix: 'cache' });
  const db = new library.S3db({ client, logLevel: 'silent', security: { passphrase: 'bench' }, passphrase: 'bench' });
  await db.connect();
  const attributes = { name: 'string|required', email: 'string', age: 'number|integer:true', active: 'boolean' };
  const users = await db.createResource({ name: 'users', attributes, timestamps: false });
  // s3db.js 19 caches the resources that are there when the plugin comes.
  const plugin = new library.CachePlugin({ driver: 'memory', logLevel: 'silent', ...options });
  await db.usePlugin(plugin);
  return { db, plugin, users };
}

/** Microseconds of one cached `resource.get`, and of one hit of the driver alone: medians of batches. */
async function hit(library, batches) {
  const { db, plugin, users } = await open(library, { config: { maxSize: 10_000 } });
  const ids = Array.from({ length: 100 }, (_, at) => `user-${at}`);
  for (const [at, id] of ids.entries()) await users.insert({ id, ...record(at) });
  for (let round = 0; round < 3; round += 1) for (const id of ids) await users.get(id);
  const time = async (work) => {
    const times = [];
    for (let batch = -20; batch < batches; batch += 1) {
      const started = performance.now();
      for (let i = 0; i < BATCH; i += 1) await work(ids[i % ids.length]);
      if (batch >= 0) times.push(((performance.now() - started) * 1000) / BATCH);
    }
    return median(times);
  };
  const before = plugin.getStats().hits;
  const get = await time((id) => users.get(id));
  if (plugin.getStats().hits < before + BATCH * batches) throw new Error('these reads were no hits');
  const keys = new Map();
  for (const id of ids) keys.set(id, await plugin.generateCacheKey(users, 'get', { id }));
  const driver = await time((id) => plugin.driver.get(keys.get(id)));
  await db.disconnect();
  return { get, driver };
}

/** Ids by a Zipf law with exponent 1: the rank of each read, from the cumulated weights. */
function zipf() {
  const weights = new Float64Array(KEYS);
  let sum = 0;
  for (let at = 0; at < KEYS; at += 1) {
    sum += 1 / (at + 1);
    weights[at] = sum;
  }
  let seed = 42;
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const target = (seed / 2 ** 32) * sum;
    let low = 0;
    let high = KEYS - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (weights[middle] < target) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

async function load(library) {
  const result = {};
  for (const evictionPolicy of ['lru', 'fifo']) {
    const { db, plugin, users } = await open(library, { config: { maxSize: 0, maxMemoryBytes: MAX_BYTES, evictionPolicy } });
    await users.insertMany(Array.from({ length: KEYS }, (_, at) => ({ id: `user-${at}`, ...record(at) })));
    const next = zipf();
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    let highest = 0;
    const started = performance.now();
    for (let i = 0; i < READS; i += 1) {
      await users.get(`user-${next()}`);
      if (i % 10_000 === 0) highest = Math.max(highest, plugin.driver.currentMemoryBytes);
    }
    const seconds = (performance.now() - started) / 1000;
    globalThis.gc?.();
    const { hitRateDecimal } = plugin.getStats();
    const entries = await plugin.driver.size();
    result[evictionPolicy] = { hitRatio: hitRateDecimal, entries, highest, seconds, rssMB: (process.memoryUsage().rss - before) / 2 ** 20 };
    await db.disconnect();
  }
  return result;
}

/** Runs one task in a process of its own. */
function run(task, library) {
  const child = spawn(process.execPath, ['--expose-gc', self, task, library], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(out.split('\u0001')[1])) : reject(new Error(`${task} ended with ${code}`))
    );
  });
}

async function main() {
  const ours = pathToFileURL(`${root}/dist/index.mjs`).href;
  const mine = await run('hit', ours);
  console.log(`cached get: ${mine.get.toFixed(2)} µs, driver hit: ${mine.driver.toFixed(2)} µs (medians)`);
  const rival = await installRival();
  if (rival.missing) console.log(`s3db.js: ${rival.missing}`);
  else {
    const theirs = await run('hit-rival', rival.path);
    console.log(
      `s3db.js 19.5.10: cached get ${theirs.get.toFixed(2)} µs (${(theirs.get / mine.get).toFixed(1)} times), ` +
        `driver hit ${theirs.driver.toFixed(2)} µs (${(theirs.driver / mine.get).toFixed(1)} times our cached get)`
    );
  }
  for (const [policy, { hitRatio, entries, highest, seconds, rssMB }] of Object.entries(await run('load', ours))) {
    console.log(
      `${policy}: ${READS} Zipf reads of ${KEYS} records in ${seconds.toFixed(1)} s, hit ratio ${hitRatio.toFixed(3)}, ${entries} entries, ` +
        `at most ${(highest / 2 ** 20).toFixed(2)} of ${MAX_BYTES / 2 ** 20} MiB accounted, resident memory grew by ${rssMB.toFixed(0)} MiB`
    );
  }
}

if (isProgram(import.meta.url)) {
  const [task, place] = process.argv.slice(2);
  if (task === undefined) await main();
  else {
    let result;
    if (task === 'hit-rival') {
      const { createRequire } = await import('node:module');
      const require = createRequire(`${place}/package.json`);
      result = await hit(await import(pathToFileURL(require.resolve('s3db.js')).href), RIVAL_BATCHES);
    } else {
      const library = await import(place);
      result = task === 'hit' ? await hit(library, BATCHES) : await load(library);
    }
    process.stdout.write(`\u0001${JSON.stringify(result)}\u0001`, () => process.exit(0));
  }
}
