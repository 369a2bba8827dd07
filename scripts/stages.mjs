// The stages of `npm test`. Each resolves to `{ passed, failed, skipped, reasons?, names? }`; `names` are the tests that passed.
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { cargoEnv } from './build.mjs';
import { root } from './paths.mjs';
import { run } from './proc.mjs';

const TEST_TIMEOUT_MS = 300_000;

/** One command as one test. */
export async function command(program, args, options = {}) {
  const { code } = await run(program, args, { cwd: root, env: cargoEnv(), ...options });
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

/** Results of several stages as one. */
export function total(results) {
  const sum = { passed: 0, failed: 0, skipped: 0, reasons: [], names: new Set() };
  for (const result of results) {
    for (const key of ['passed', 'failed', 'skipped']) sum[key] += result[key];
    sum.reasons.push(...(result.reasons ?? []));
    for (const name of result.names ?? []) sum.names.add(name);
  }
  return sum;
}

/** `cargo test`, counted from libtest's own lines; a run that executed nothing has failed. */
export async function cargoTest(env) {
  const result = { passed: 0, failed: 0, skipped: 0, reasons: [], names: new Set() };
  const onLine = (line) => {
    const test = /^test (\S+)(?: - should panic| - compile)? \.\.\. (ok|FAILED|ignored)(?:, (.*))?$/.exec(line);
    if (test) {
      const [, name, outcome, reason] = test;
      if (outcome === 'ok') result.names.add(name).add(name.split('::').pop());
      if (outcome === 'ignored') result.reasons.push(`${name}: ${reason ?? 'ignored without a reason'}`);
      if (outcome !== 'ok') console.log(line);
      return;
    }
    const summary = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/.exec(line);
    if (summary) {
      result.passed += Number(summary[1]);
      result.failed += Number(summary[2]);
      result.skipped += Number(summary[3]);
      if (Number(summary[1]) + Number(summary[2]) === 0) return;
    }
    if (line.trim() !== '' && !/^running \d+ tests?$/.test(line)) console.log(line);
  };
  const args = ['test', '--release', '--features', 'testkit', '--no-default-features', '--locked', '--no-fail-fast'];
  const { code } = await run('cargo', args, { cwd: root, env: { ...cargoEnv(), ...env }, quiet: true, onLine });
  if (code !== 0 && result.failed === 0) result.failed = 1;
  if (code === 0 && result.passed === 0) {
    console.log('cargo test executed no test');
    result.failed = 1;
  }
  return result;
}

/** All `*.test.js` under `__test__/js`. */
export function testFiles(filter) {
  const folder = join(root, '__test__', 'js');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.js') && (!filter || name.includes(filter)))
    .sort()
    .map((name) => join(folder, name));
}

/** node:test on one Node binary. */
export async function nodeTest(bin, files, env) {
  const result = { passed: 0, failed: 0, skipped: 0, reasons: [], names: new Set() };
  const output = new Map();
  const failures = [];
  const onLine = (line) => {
    let event;
    try {
      event = JSON.parse(line);
    } catch {
      if (line.trim() !== '') console.log(line);
      return;
    }
    if (event.output !== undefined) {
      output.set(event.file, `${output.get(event.file) ?? ''}${event.output}`);
      return;
    }
    const where = event.file ? `${relative(root, event.file)}: ${event.name}` : event.name;
    if (event.skip !== undefined) {
      result.skipped += 1;
      result.reasons.push(`${where}: ${event.skip}`);
    } else if (event.todo) {
      result.failed += 1;
      failures.push({ ...event, where, error: 'a test marked todo is not finished' });
    } else if (event.ok) {
      result.passed += 1;
      result.names.add(event.name);
    } else if (event.failureType !== 'subtestsFailed') {
      result.failed += 1;
      failures.push({ ...event, where });
    }
  };
  const args = [
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    `--test-reporter=${join(root, 'scripts', 'reporter.mjs')}`,
    '--test-reporter-destination=stdout',
    ...files
  ];
  const { code } = await run(bin, args, { cwd: root, env: { ...process.env, ...env }, quiet: true, onLine });
  const shown = new Set();
  for (const { where, error, file } of failures) {
    console.log(`\nnot ok: ${where}\n${indent(error)}`);
    if (output.has(file) && !shown.has(file)) {
      shown.add(file);
      console.log(`  output of ${basename(file)}:\n${indent(output.get(file).trimEnd().split('\n').slice(-40).join('\n'))}`);
    }
  }
  if (code !== 0 && result.failed === 0) {
    console.log(`${bin} --test ended with exit code ${code}`);
    result.failed = 1;
  }
  if (code === 0 && result.passed === 0) {
    console.log('node --test executed no test');
    result.failed = 1;
  }
  return result;
}

const indent = (text) => String(text).replace(/^/gm, '    ');
