// npm test: builds, starts its own servers and runs every check and test.
//
//   npm test                       everything
//   npm test -- --only rust,js     some stages: build, lint, rust, js, types, checks
//   npm test -- --only js page     JavaScript test files whose path contains "page", on this Node alone
//
// The last line is `N passed, N failed, N skipped`; the exit code is 1 when anything failed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildAll, cargoEnv } from './build.mjs';
import { checks } from './check.mjs';
import { installMoto, installRival, installRuntimes, installS3sFs } from './install.mjs';
import { ensureModules } from './modules.mjs';
import { root, targetBin, targetDir } from './paths.mjs';
import { must, seconds } from './proc.mjs';
import { startMoto, startS3sFs, startStrict } from './servers.mjs';
import { cargoTest, command, nodeTest, testFiles, total } from './stages.mjs';

const STAGES = ['build', 'lint', 'rust', 'js', 'types', 'checks'];
const ENGINE = ['--release', '--features', 'testkit', '--no-default-features', '--locked'];

const args = process.argv.slice(2);
const at = args.indexOf('--only');
const only = at < 0 ? STAGES : (args[at + 1] ?? '').split(',');
const filter = at < 0 ? undefined : args[at + 2];
const unknown = only.filter((name) => !STAGES.includes(name));
if (unknown.length > 0 || (at < 0 && args.length > 0)) {
  console.error(
    `unknown ${unknown.length > 0 ? `stage ${unknown.join(', ')}` : `argument ${args[0]}`}; use --only with ${STAGES.join(', ')}`
  );
  process.exit(2);
}

ensureModules();
const rows = [];

/** Runs one stage under its heading; an exception is one failure of the stage. */
async function stage(name, work) {
  console.log(`\n== ${name}`);
  const started = Date.now();
  let result;
  try {
    result = await work();
  } catch (error) {
    console.log(error.message);
    result = { passed: 0, failed: 1, skipped: 0 };
  }
  rows.push({ name, ms: Date.now() - started, ...result });
  return result;
}

const ok = { passed: 1, failed: 0, skipped: 0 };
const env = {};
const servers = [];
const missing = [];

/** Starts a server and names it to the tests; one that cannot be had is a skipped suite with its reason. */
async function offer(variable, label, installed, start) {
  if (installed.missing) {
    missing.push(`${label} suites: ${installed.missing}`);
    return;
  }
  const server = await start(installed);
  servers.push(server);
  env[variable] = server.connectionString;
  console.log(`${label} answers at ${server.endpoint}`);
}

async function prepare() {
  // The slow downloads run beside the compiler.
  const wanted = Promise.all([installMoto(), installS3sFs(), installRival()]);
  await must('cargo', ['build', ...ENGINE, '--bin', 's3-strict'], { cwd: root, env: cargoEnv() });
  const [moto, s3sFs, rival] = await wanted;
  await offer('S3DB_TEST_S3', 's3-strict', { path: targetBin('s3-strict') }, ({ path }) => startStrict(path));
  await offer('S3DB_TEST_S3S_FS', 's3s-fs', s3sFs, ({ path }) => startS3sFs(path));
  await offer('S3DB_TEST_MOTO', 'moto', moto, (installed) => startMoto(installed));
  if (rival.missing) env.S3DB_TEST_RIVAL_MISSING = rival.missing;
  else env.S3DB_TEST_RIVAL = rival.path;
  return { passed: 0, failed: 0, skipped: missing.length, reasons: missing };
}

async function lint() {
  const engine = ['clippy', ...ENGINE, '--all-targets', '--', '-D', 'warnings'];
  const addon = ['clippy', '--release', '--locked', '--lib', '--', '-D', 'warnings'];
  return total([
    await command('cargo', ['fmt', '--check']),
    await command('cargo', engine),
    await command('cargo', addon),
    await command(process.execPath, [join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings', '.'])
  ]);
}

async function types() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const results = [];
  for (const name of ['esm', 'cjs']) {
    results.push(await command(process.execPath, [tsc, '--noEmit', '-p', join('__test__', 'types', `tsconfig.${name}.json`)]));
  }
  return total(results);
}

/** The JavaScript tests on this Node and, for a whole run, on the other supported lines. */
async function javascript(names) {
  const files = testFiles(filter);
  const own = `Node ${process.versions.node.split('.')[0]}`;
  const first = await stage(`JavaScript tests, ${own}`, () => nodeTest(process.execPath, files, env));
  for (const name of first.names ?? []) names.add(name);
  if (filter) return;
  const installed = await installRuntimes();
  if (installed.missing) {
    rows.push({ name: 'JavaScript tests, Node 22 and 24', ms: 0, passed: 0, failed: 0, skipped: 1, reasons: [installed.missing] });
    return;
  }
  // What s3db.js writes does not depend on the Node that reads it: a minute and a half, once.
  const { S3DB_TEST_RIVAL: _, ...others } = { ...env, S3DB_TEST_RIVAL_MISSING: `runs on ${own} alone` };
  for (const { label, bin } of installed.runtimes) {
    if (label !== own) await stage(`JavaScript tests, ${label}`, () => nodeTest(bin, files, others));
  }
}

const names = new Set();
const has = (name) => only.includes(name);
try {
  let built = true;
  if (has('build') || has('js') || has('types') || has('checks')) {
    const result = await stage('build', async () => {
      await buildAll();
      return ok;
    });
    built = result.failed === 0;
  }
  if (has('lint')) await stage('lint and format', lint);
  if (has('rust') || (has('js') && built)) await stage('servers', prepare);
  if (has('rust')) {
    const result = await stage('Rust tests', () => cargoTest(env));
    for (const name of result.names ?? []) names.add(name);
  }
  if (has('js') && built) await javascript(names);
  if (has('types') && built) await stage('types', types);
  if (has('checks') && built) {
    if (has('rust') && has('js') && !filter) writeFileSync(join(targetDir, 's3db-test-names.json'), JSON.stringify([...names]));
    for (const { name, work } of checks) await stage(name, work);
  }
} finally {
  for (const server of servers) await server.stop();
}

const sum = total(rows);
console.log('\n== summary');
for (const { name, ms, passed, failed, skipped } of rows) {
  const counts = `${passed} passed, ${failed} failed, ${skipped} skipped`.padEnd(40);
  console.log(`${name.padEnd(34)} ${counts} ${seconds(ms)}`);
}
if (sum.reasons.length > 0) console.log(`\nskipped:\n${[...new Set(sum.reasons)].map((reason) => `  ${reason}`).join('\n')}`);
console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed > 0 ? 1 : 0;
