// The parity ledgers in docs/parity (by area, and one of the decisions): every row that says `holds` names tests, and those tests exist and passed.
//
// A ledger table has the columns Item, Statement, Status and Tests. Status is one of
//   holds   the statement is true here; the tests in backticks prove it
//   open    not built yet
//   later   belongs to a later area, which the statement names
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, targetDir } from './paths.mjs';

const STATUSES = ['holds', 'open', 'later'];
const cells = (line) =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

function* rowsOf(text) {
  let columns;
  for (const line of text.split('\n')) {
    if (!line.trim().startsWith('|')) {
      columns = undefined;
      continue;
    }
    const row = cells(line);
    if (!columns) {
      const names = row.map((cell) => cell.toLowerCase());
      columns = names.includes('status') && names.includes('tests') ? names : [];
    } else if (columns.length > 0 && !/^[-: ]+$/.test(row[0])) {
      yield Object.fromEntries(columns.map((name, index) => [name, row[index] ?? '']));
    }
  }
}

/** Names of the tests of the last whole run, or undefined. */
function lastNames() {
  const file = join(targetDir, 's3db-test-names.json');
  return existsSync(file) ? new Set(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
}

/** @returns {{ passed: number, failed: number, skipped: number, reasons?: string[] }} */
export function checkParity() {
  const folder = join(root, 'docs', 'parity');
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.md')) : [];
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 1, reasons: ['parity ledger: docs/parity has no table yet'] };
  const ran = lastNames();
  if (!ran) return { passed: 0, failed: 0, skipped: 1, reasons: ['parity ledger: needs one whole run of npm test first'] };
  const counts = { holds: 0, open: 0, later: 0 };
  const problems = [];
  for (const file of files.sort()) {
    for (const row of rowsOf(readFileSync(join(folder, file), 'utf8'))) {
      const where = `docs/parity/${file}, item ${row.item}`;
      const tests = [...row.tests.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
      if (!STATUSES.includes(row.status)) problems.push(`${where}: the status ${row.status} is none of ${STATUSES.join(', ')}`);
      else counts[row.status] += 1;
      if (row.status === 'holds' && tests.length === 0) problems.push(`${where}: holds, but names no test`);
      for (const name of tests) if (!ran.has(name)) problems.push(`${where}: the test ${name} did not run and pass`);
    }
  }
  for (const problem of problems) console.log(problem);
  console.log(`${files.length} ledgers: ${counts.holds} items hold, ${counts.open} open, ${counts.later} later`);
  return { passed: problems.length === 0 ? 1 : 0, failed: problems.length === 0 ? 0 : 1, skipped: 0 };
}
