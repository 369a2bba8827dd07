// npm run bench [-- --quick] [-- --only memory,s3,secret,resource,import,load, or names of cases]
//
// Each case runs in fresh processes, alternating between this library and s3db.js 19.5.10 (and, for S3, a bare aws-sdk-s3
// loop), on one s3s-fs server. The median of the rounds counts. Results: bench/results/<time>.jsonl and the table below it.
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { buildAll, cargoEnv } from '../scripts/build.mjs';
import { installRival, installS3sFs } from '../scripts/install.mjs';
import { root, targetBin } from '../scripts/paths.mjs';
import { must } from '../scripts/proc.mjs';
import { startS3sFs } from '../scripts/servers.mjs';

const CONCURRENCY = 32;
const TIMEOUT_MS = 600_000;
const args = process.argv.slice(2);
const quick = args.includes('--quick');
const at = args.indexOf('--only');
const only = at < 0 ? undefined : args[at + 1].split(',');
const ROUNDS = quick ? 1 : 3;

// `rivalCount`: fewer records where s3db.js would take many minutes; rates are per record.
const S3_CASES = ['insertMany', 'getMany', 'list', 'query'].map((name) => ({
  group: 's3',
  case: name,
  count: 2000,
  bare: name === 'insertMany' ? 'put' : 'get'
}));
const CASES = [
  ...S3_CASES,
  { group: 'memory', case: 'insertMany', count: 20_000, rivalCount: 2_000, memory: true },
  { group: 'memory', case: 'get', count: 20_000, rivalCount: 5_000, memory: true },
  { group: 'secret', case: 'secretWrite', count: 1_000, rivalCount: 50, memory: true },
  { group: 'secret', case: 'secretRead', count: 1_000, rivalCount: 50, memory: true },
  { group: 'resource', case: 'query', count: 20_000, rivalCount: 4_000, memory: true },
  { group: 'resource', case: 'partitionList', count: 20_000, rivalCount: 4_000, memory: true },
  { group: 'resource', case: 'updatePartitioned', count: 2_000, rivalCount: 300, memory: true },
  { group: 'resource', case: 'createResources', count: 50, memory: true },
  { group: 'resource', case: 'createResourcesTogether', count: 50, memory: true },
  { group: 'load', case: 'load', count: 140_000, rivalCount: 20_000, memory: true, rounds: 1 }
];

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Runs a program in the folder of a library, where bare specifiers find it, and hands back its marked line. */
function child(cwd, program, env, flags = []) {
  return new Promise((resolve, reject) => {
    const argv = [...flags, '--input-type=module', '--eval', program];
    const running = spawn(process.execPath, argv, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let log = '';
    const timer = setTimeout(() => running.kill('SIGKILL'), TIMEOUT_MS);
    running.stdout.on('data', (text) => {
      out += text;
    });
    running.stderr.on('data', (text) => {
      log = (log + text).slice(-3000);
    });
    running.on('exit', (code, signal) => {
      clearTimeout(timer);
      const line = out.split('\n').find((each) => each.startsWith('\u0001'));
      if (line) resolve(JSON.parse(line.slice(1)));
      else reject(new Error(`ended with ${signal ?? code}: ${log || out.slice(-1000)}`));
    });
  });
}

const worker = new URL('./worker.mjs', import.meta.url).href;

function runCase(library, task) {
  const program = `globalThis.library = await import('${library.specifier}'); await import('${worker}');`;
  return child(library.folder, program, { BENCH_TASK: JSON.stringify({ ...task, library: library.name }) }, ['--expose-gc']);
}

async function runBare(server, task) {
  const argv = [
    server.endpoint,
    server.bucket,
    server.accessKeyId,
    server.secretAccessKey,
    task.bare,
    String(task.count),
    String(CONCURRENCY),
    task.prefix
  ];
  // Reading needs what writing wrote.
  if (task.bare === 'get') await must(targetBin('bare_s3'), argv.with(4, 'put'), { quiet: true });
  return JSON.parse(await must(targetBin('bare_s3'), argv, { quiet: true }));
}

/** Import of the package in a fresh process: time, and resident memory above that of a bare process. */
async function importCase(library) {
  const program = `
    const rss = process.memoryUsage.rss();
    const started = performance.now();
    ${library ? `await import('${library.specifier}');` : ''}
    const ms = performance.now() - started;
    process.stdout.write('\\n\\u0001' + JSON.stringify({ ms, rss: process.memoryUsage.rss(), grown: process.memoryUsage.rss() - rss }) + '\\n');
    process.exit(0);`;
  return child(library?.folder ?? root, program, {});
}

function combine(runs) {
  const keys = Object.keys(runs[0]);
  return Object.fromEntries(keys.map((key) => [key, median(runs.map((run) => run[key]))]));
}

const perRecord = ({ count, ms, cpuMicros }) => ({ rate: (count / ms) * 1000, cpu: cpuMicros / count });
const digits = (value, places = 1) => (Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toFixed(places));
const rows = [['case', 'measure', 's3db-native', 's3db.js 19.5.10', 'ratio', 'bare aws-sdk-s3', 'of bare']];

function report(task, ours, theirs, bare) {
  const a = perRecord(ours);
  const b = perRecord(theirs);
  const c = bare && perRecord(bare);
  const label = `${task.group} ${task.case}`;
  rows.push([
    label,
    'records a second',
    digits(a.rate),
    digits(b.rate),
    `${digits(a.rate / b.rate)} x`,
    c ? digits(c.rate) : '',
    c ? `${digits((a.rate / c.rate) * 100, 0)} %` : ''
  ]);
  rows.push([label, 'CPU us a record', digits(a.cpu), digits(b.cpu), `1/${digits(b.cpu / a.cpu)}`, c ? digits(c.cpu) : '', '']);
  if (task.group === 'secret')
    rows.push([label, 'event loop blocked, ms at most', digits(ours.blockedMs), digits(theirs.blockedMs), '', '', '']);
  if (task.case === 'load') {
    rows.push([
      label,
      'resident bytes a record',
      digits(ours.bytesPerRecord),
      digits(theirs.bytesPerRecord),
      `1/${digits(theirs.bytesPerRecord / ours.bytesPerRecord)}`,
      '',
      ''
    ]);
    rows.push([
      label,
      'listIds, MB above the loaded store',
      digits(ours.listPeak / 2 ** 20),
      digits(theirs.listPeak / 2 ** 20),
      '',
      '',
      ''
    ]);
  } else {
    rows.push([
      label,
      'resident MB',
      digits(ours.rss / 2 ** 20),
      digits(theirs.rss / 2 ** 20),
      `1/${digits(theirs.rss / ours.rss)}`,
      '',
      ''
    ]);
  }
}

const resultsDir = join(root, 'bench', 'results');
mkdirSync(resultsDir, { recursive: true });
const resultFile = join(resultsDir, `${new Date().toISOString().replaceAll(':', '-')}.jsonl`);
const keep = (line) => appendFileSync(resultFile, `${JSON.stringify(line)}\n`);

async function main() {
  await buildAll();
  const manifest = join(root, 'bench', 'rust', 'Cargo.toml');
  await must('cargo', ['build', '--release', '--locked', '--manifest-path', manifest], { cwd: root, env: cargoEnv() });
  const [rivalAt, s3sFs] = await Promise.all([installRival(), installS3sFs()]);
  for (const { missing } of [rivalAt, s3sFs]) if (missing) throw new Error(`the benchmark needs s3db.js 19.5.10 and s3s-fs: ${missing}`);
  const us = { name: 'ours', specifier: 's3db-native', folder: root };
  const rival = { name: 'rival', specifier: 's3db.js', folder: rivalAt.path };
  keep({ node: process.version, cpu: cpus()[0].model, cores: cpus().length, memory: totalmem(), rounds: ROUNDS, concurrency: CONCURRENCY });

  for (const task of CASES) {
    if (only && !only.includes(task.group) && !only.includes(task.case)) continue;
    const runs = { ours: [], rival: [], bare: [] };
    for (let round = 0; round < (task.rounds ?? ROUNDS); round += 1) {
      const note = (name, result) => {
        runs[name].push(result);
        keep({ group: task.group, case: task.case, library: name, round, ...result });
        process.stderr.write(`${task.group} ${task.case} ${name} ${round + 1}: ${digits((result.count / result.ms) * 1000)} a second\n`);
      };
      // A server for each program: s3s-fs walks through the files of everybody for each LIST.
      const on = async (name, run) => {
        const server = task.group === 's3' ? await startS3sFs(s3sFs.path) : undefined;
        try {
          note(name, await run(server, { concurrency: CONCURRENCY, connectionString: server?.connectionString, prefix: name }));
        } finally {
          await server?.stop();
        }
      };
      await on('ours', (_, common) => runCase(us, { ...task, ...common }));
      await on('rival', (_, common) => runCase(rival, { ...task, ...common, count: task.rivalCount ?? task.count }));
      if (task.bare) await on('bare', (server, { prefix }) => runBare(server, { ...task, prefix }));
    }
    report(task, combine(runs.ours), combine(runs.rival), runs.bare.length > 0 ? combine(runs.bare) : undefined);
  }

  if (!only || only.includes('import')) {
    const runs = { none: [], ours: [], rival: [] };
    for (let round = 0; round < 5; round += 1) {
      runs.none.push(await importCase());
      runs.ours.push(await importCase(us));
      runs.rival.push(await importCase(rival));
    }
    const [ours, theirs] = [combine(runs.ours), combine(runs.rival)];
    for (const [name, list] of Object.entries(runs)) for (const run of list) keep({ group: 'import', library: name, ...run });
    rows.push(['import', 'ms', digits(ours.ms), digits(theirs.ms), `1/${digits(theirs.ms / ours.ms)}`, '', '']);
    rows.push([
      'import',
      'MB that it adds',
      digits(ours.grown / 2 ** 20),
      digits(theirs.grown / 2 ** 20),
      `1/${digits(theirs.grown / ours.grown)}`,
      '',
      ''
    ]);
    rows.push([
      'import',
      'MB of the whole process',
      digits(ours.rss / 2 ** 20),
      digits(theirs.rss / 2 ** 20),
      `1/${digits(theirs.rss / ours.rss)}`,
      '',
      ''
    ]);
  }

  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const text = (row) =>
    `| ${row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join(' | ')} |`;
  console.log(`\n${text(rows[0])}\n| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  for (const row of rows.slice(1)) console.log(text(row));
  console.log(`\nraw results: ${resultFile}`);
}

main().catch((error) => {
  console.error(`bench failed: ${error.message}`);
  process.exitCode = 1;
});
