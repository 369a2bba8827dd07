// Rooms use only what docs/rooms.toml lists; napi is named in src/binding alone.
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { root } from './paths.mjs';
import { codeLines, sources } from './source.mjs';

/** The two tables of docs/rooms.toml: `{ rust: { room: string[] }, js: { ... } }`. */
function tables() {
  const result = {};
  let current;
  for (const line of readFileSync(join(root, 'docs', 'rooms.toml'), 'utf8').split('\n')) {
    const header = /^\[(\w+)\]$/.exec(line.trim());
    const row = /^([\w-]+) = (\[.*\])$/.exec(line.trim());
    if (header) current = result[header[1]] = {};
    else if (row) current[row[1]] = JSON.parse(row[2]);
    else if (line.trim() !== '' && !line.startsWith('#')) throw new Error(`docs/rooms.toml: cannot read the line ${line}`);
  }
  return result;
}

const roomOf = (file, base) =>
  file
    .slice(base.length + 1)
    .split('/')[0]
    .replace(/\.(rs|js)$/, '');

function* rustEdges(file) {
  if (/(^|\/)tests?(\.rs|\/)/.test(file)) return;
  const text = codeLines(file).join('\n');
  for (const match of text.matchAll(/\bcrate::(?:\{([^;]*?)\};|(\w+))/g)) {
    if (match[2]) yield match[2];
    else for (const each of match[1].matchAll(/(?:^|,)\s*(\w+)/g)) yield each[1];
  }
}

function* jsEdges(file) {
  const text = codeLines(file).join('\n');
  for (const match of text.matchAll(/(?:from\s+|import\s*\(?\s*)['"](\.[^'"]+)['"]/g)) {
    const target = posix.join(posix.dirname(file), match[1]);
    if (target.startsWith('js/')) yield roomOf(target, 'js');
  }
}

/** @returns {{ passed: number, failed: number, skipped: number }} */
export function checkRooms() {
  const { rust, js } = tables();
  const problems = [];
  let edges = 0;
  const check = (files, base, table, edgesOf) => {
    for (const file of files) {
      const room = roomOf(file, base);
      const allowed = table[room];
      if (!allowed) {
        problems.push(`${file}: the room ${room} has no row in docs/rooms.toml`);
        continue;
      }
      for (const used of new Set(edgesOf(file))) {
        edges += 1;
        if (used === room || allowed.includes('*') || allowed.includes(used)) continue;
        // An item re-exported at the crate root is no room.
        if (base === 'src' && !(used in table)) continue;
        problems.push(`${file}: ${room} may not use ${used}`);
      }
    }
  };
  const rustFiles = sources('src', ['.rs']);
  check(rustFiles, 'src', rust, rustEdges);
  check(sources('js', ['.js']), 'js', js, jsEdges);
  for (const file of rustFiles) {
    if (file.startsWith('src/binding')) continue;
    if (codeLines(file).some((line) => /\bnapi(_derive)?\b/.test(line))) problems.push(`${file}: only src/binding names napi`);
  }
  for (const problem of problems) console.log(problem);
  if (problems.length === 0) console.log(`${edges} uses between rooms, all allowed`);
  return { passed: problems.length === 0 ? 1 : 0, failed: problems.length === 0 ? 0 : 1, skipped: 0 };
}
