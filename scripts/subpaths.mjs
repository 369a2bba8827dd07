// The sub-paths of the package as users write them: the export map with its patterns expanded over js/.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';

/** `''` for the root, else `/name`; patterns once for each file, with and without `.js` as the map has it. */
export function subpaths() {
  const { exports: map } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const closed = Object.keys(map).filter((name) => map[name] === null);
  const isHidden = (name) => closed.some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : each === name));
  const names = new Set();
  for (const [pattern, target] of Object.entries(map)) {
    if (target === null) continue;
    if (!pattern.includes('*')) names.add(pattern);
    else for (const name of expand(pattern)) if (!isHidden(name)) names.add(name);
  }
  return [...names].map((name) => name.slice(1)).sort();
}

function expand(pattern) {
  const [before, after] = pattern.split('*');
  const folder = join(root, 'js', before);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.js'))
    .map((name) => `${before}${name.replaceAll('\\', '/').slice(0, -3)}${after}`);
}
