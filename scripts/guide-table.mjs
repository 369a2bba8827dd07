// docs/parity/plugin-guide.md: the promises of the plugin guide and the tests that hold them, made from the tests.
//   node scripts/guide-table.mjs           writes it
// The checks of `npm test` compare it with what is there.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isProgram, root } from './paths.mjs';

const ROWS = 92;
const table = join(root, 'docs', 'parity', 'plugin-guide.md');

/** Calls of `guide(row, 'promise', ...)` and `guideLater(row, 'promise', 'reason')` in the tests. */
function promises() {
  const folder = join(root, '__test__', 'js', 'plugin-guide');
  const found = [];
  for (const name of readdirSync(folder).sort()) {
    const source = readFileSync(join(folder, name), 'utf8');
    const call = /\bguide(Later)?\(\s*(\d+),\s*(['"])((?:(?!\3).)+)\3(?:,\s*(['"])((?:(?!\5).)+)\5)?/g;
    for (const [, later, row, , promise, , reason] of source.matchAll(call)) {
      found.push({ row: Number(row), promise, later: Boolean(later), reason });
    }
  }
  return found.sort((a, b) => a.row - b.row);
}

/** Text of the table, and the rows that no test names. */
export function guideTable() {
  const found = promises();
  const missing = Array.from({ length: ROWS }, (_, at) => at + 1).filter((row) => !found.some((each) => each.row === row));
  const cell = (text) => text.replaceAll('|', '\\|');
  const lines = found.map(({ row, promise, later, reason }) => {
    const tests = later ? '' : ['memory', 's3', 's3s-fs'].map((store) => `\`guide ${row}: ${promise} [${store}]\``).join(', ');
    return `| ${row} | ${cell(promise)}${reason && later ? `: ${cell(reason)}` : ''} | ${later ? 'later' : 'holds'} | ${cell(tests)} |`;
  });
  const text = [
    '# The plugin guide, promise by promise',
    '',
    'Made by `node scripts/guide-table.mjs` from the tests in `__test__/js/plugin-guide`, each of which runs what the guide shows on the',
    'memory store, on the strict S3 server of this project and on s3s-fs. Items are the rows of spec/05 section 19.',
    '',
    '| Item | Promise | Status | Tests |',
    '|---|---|---|---|',
    ...lines,
    ''
  ].join('\n');
  return { text, missing };
}

/** @returns {{ passed: number, failed: number, skipped: number }} */
export function checkGuide() {
  const { text, missing } = guideTable();
  const current = existsSync(table) ? readFileSync(table, 'utf8') : '';
  if (missing.length > 0) console.log(`rows of the plugin guide without a test: ${missing.join(', ')}`);
  if (current !== text) console.log('docs/parity/plugin-guide.md is not what the tests say: run node scripts/guide-table.mjs');
  const good = missing.length === 0 && current === text;
  if (good) console.log(`${ROWS} promises of the plugin guide have a row`);
  return { passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: 0 };
}

if (isProgram(import.meta.url)) {
  const { text, missing } = guideTable();
  writeFileSync(table, text);
  if (missing.length > 0) console.log(`rows without a test: ${missing.join(', ')}`);
}
