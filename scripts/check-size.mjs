// Source files have at most 500 lines of code, unless scripts/size-exceptions.txt gives a reason.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { codeLines, sources } from './source.mjs';

const CEILING = 500;

function exceptions() {
  const file = join(root, 'scripts', 'size-exceptions.txt');
  const found = new Map();
  if (!existsSync(file)) return found;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [path, ...reason] = line.trim().split(/\s+/);
    found.set(path, reason.join(' '));
  }
  return found;
}

/** @returns {{ passed: number, failed: number, skipped: number }} */
export function checkSize() {
  const excused = exceptions();
  const problems = [];
  const files = [
    ...sources('src', ['.rs']),
    ...sources('js', ['.js']),
    ...sources('scripts', ['.mjs']),
    ...sources('bench', ['.mjs', '.rs']),
    ...sources('types', ['.d.ts']),
    'index.d.ts'
  ].filter((file) => existsSync(join(root, file)));
  for (const file of files) {
    const size = codeLines(file).length;
    if (size <= CEILING) continue;
    if (excused.get(file)) excused.delete(file);
    else
      problems.push(
        `${file} has ${size} lines of code, more than ${CEILING}: split it by concern, or give a reason in scripts/size-exceptions.txt`
      );
  }
  for (const file of excused.keys()) problems.push(`scripts/size-exceptions.txt lists ${file}, which needs no exception`);
  for (const problem of problems) console.log(problem);
  if (problems.length === 0) console.log(`${files.length} files, none above ${CEILING} lines of code`);
  return { passed: problems.length === 0 ? 1 : 0, failed: problems.length === 0 ? 0 : 1, skipped: 0 };
}
