// node bench/ttl.mjs: requests and time of a clean-up of 10,000 expired among 100,000 records, and of 1,000 and 100 among as many,
// in memory; 100 among 1,000 on the strict server; beside both s3db.js 19.5.10, in memory with fewer records (its clean-up takes
// one after the other). A connection string as argument is used in place of the strict server.
import { spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startMeter } from '../__test__/js/support/meter.js';
import { installRival } from '../scripts/install.mjs';
import { isProgram, root, targetBin } from '../scripts/paths.mjs';
import { startStrict } from '../scripts/servers.mjs';

const self = fileURLToPath(import.meta.url);
const RUNS = [
  { records: 100_000, expired: 10_000 },
  { records: 100_000, expired: 1_000 },
  { records: 100_000, expired: 100 },
  { records: 10_000, expired: 1_000 }
];
const RIVAL_RUNS = [{ records: 3_000, expired: 300 }];
const SERVER_RUN = { records: 1_000, expired: 100 };

/** Seconds of one clean-up, or with `count` its requests: counted before the server, in memory by a listener. */
async function cleanup(library, { records, expired, rival, count, connectionString }) {
  const meter = connectionString && count ? await startMeter(connectionString) : null;
  const store = connectionString
    ? { connectionString: meter?.connectionString ?? connectionString, parallelism: 32, executorPool: { concurrency: 32, retries: 0 } }
    : { client: new library.MemoryClient({ bucket: 'bench', keyPrefix: 'ttl' }) };
  const db = new library.S3db({
    ...store,
    logLevel: 'silent',
    passphrase: 'bench passphrase',
    security: { passphrase: 'bench passphrase' }
  });
  await db.connect();
  const { client } = db;
  const sessions = await db.createResource({ name: 'sessions', attributes: { name: 'string', expires: 'string' }, timestamps: false });
  const ttl = new library.TTLPlugin({
    resources: { sessions: { field: 'expires', onExpire: 'hard-delete' } },
    enableCoordinator: false,
    skipColdStart: true,
    logLevel: 'silent'
  });
  await db.usePlugin(ttl);
  const now = Date.now();
  const past = new Date(now - 5_000).toISOString();
  // Spread over three months to come, as sessions are.
  const later = (at) => new Date(now + (1 + (at % 90)) * 86_400_000).toISOString();
  const rows = Array.from({ length: records }, (_, at) => ({
    id: `s-${at}`,
    name: `session ${at}`,
    expires: at < expired ? past : later(at)
  }));
  // What s3db.js inserts in bulk never expires: its index does not see it.
  if (rival) {
    for (let at = 0; at < rows.length; at += 32) await Promise.all(rows.slice(at, at + 32).map((row) => sessions.insert(row)));
  } else await sessions.insertMany(rows);
  const requests = {};
  const before = { ...meter?.counts };
  if (count && meter === null) {
    client.on('command.request', (command) => {
      const name = typeof command === 'string' ? command : (command?.constructor?.name ?? 'other');
      requests[name] = (requests[name] ?? 0) + 1;
    });
  }
  const started = performance.now();
  await ttl.runCleanup();
  const seconds = (performance.now() - started) / 1000;
  for (const [kind, total] of Object.entries(meter?.counts ?? {})) requests[kind] = total - (before[kind] ?? 0);
  const left = await sessions.count();
  if (left !== records - expired) throw new Error(`${left} of ${records - expired} records are left`);
  await db.disconnect();
  return { records, expired, requests, seconds };
}

function run(folder, specifier, task) {
  const program = `globalThis.library = await import('${specifier}'); await import('${pathToFileURL(self).href}');`;
  const env = { ...process.env, BENCH_TTL: JSON.stringify(task) };
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit']
  });
  let out = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(out.split('\u0001')[1])) : reject(new Error(`it ended with ${code}`))));
  });
}

let paths = 0;

/** One clean-up for the time, one for the requests; on a server each has a path of its own. */
async function measure(name, folder, specifier, { server, ...task }) {
  const own = () => {
    paths += 1;
    return server ? { connectionString: `${server}/ttl-${process.pid}-${paths}` } : {};
  };
  const { seconds } = await run(folder, specifier, { ...task, ...own() });
  // s3db.js counts nothing on its in-memory client.
  const { requests } = task.rival && !server ? {} : await run(folder, specifier, { ...task, ...own(), count: true });
  report(name, { ...task, requests, seconds });
}

function report(name, { records, expired, requests, seconds }) {
  const time = `${name}: ${expired} of ${records} expired in ${seconds.toFixed(2)} s (${((seconds * 1e6) / expired).toFixed(0)} µs each)`;
  if (requests === undefined) {
    console.log(time);
    return;
  }
  const total = Object.values(requests).reduce((sum, count) => sum + count, 0);
  const each = Object.entries(requests)
    .map(([command, count]) => `${command} ${count}`)
    .join(', ');
  console.log(`${time}, ${(total / expired).toFixed(2)} requests each (${each})`);
}

if (process.env.BENCH_TTL) {
  const result = await cleanup(globalThis.library, JSON.parse(process.env.BENCH_TTL));
  process.stdout.write(`\u0001${JSON.stringify(result)}\u0001\n`, () => process.exit(0));
} else if (isProgram(import.meta.url)) {
  const ours = pathToFileURL(`${root}/dist/index.mjs`).href;
  const rival = await installRival();
  if (rival.missing) console.log(`s3db.js: ${rival.missing}`);
  const [given] = process.argv.slice(2);
  const strict = given ? null : await startStrict(targetBin('s3-strict'));
  try {
    for (const task of RUNS) await measure('ours', root, ours, task);
    if (!rival.missing) for (const task of RIVAL_RUNS) await measure('s3db.js 19.5.10', rival.path, 's3db.js', { ...task, rival: true });
    const server = given ?? strict.connectionString;
    await measure('ours on a server', root, ours, { ...SERVER_RUN, server });
    if (!rival.missing) await measure('s3db.js 19.5.10 on it', rival.path, 's3db.js', { ...SERVER_RUN, server, rival: true });
  } finally {
    await strict?.stop();
  }
}
