// Reading sources for the checks.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { root } from './paths.mjs';

/** Files under a folder of the checkout with one of the endings, as slash paths relative to the checkout. */
export function sources(folder, endings) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) =>
      relative(root, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join('/')
    )
    .filter((name) => !name.includes('node_modules/'))
    .sort();
}

/** A source file as lines of code: comments, blank lines and inline Rust test modules removed. */
export function codeLines(file) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  const rust = file.endsWith('.rs');
  const result = [];
  let block = false;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at].trim();
    if (block) {
      if (line.includes('*/')) block = false;
      continue;
    }
    if (rust && line === '#[cfg(test)]' && /^mod \w+ \{$/.test(lines[at + 1]?.trim() ?? '')) {
      // rustfmt closes a module at the column where it opened.
      const close = `${/^\s*/.exec(lines[at + 1])[0]}}`;
      while (at < lines.length && lines[at] !== close) at += 1;
      continue;
    }
    if (line === '' || line.startsWith('//')) continue;
    if (line.startsWith('/*')) {
      block = !line.includes('*/');
      continue;
    }
    result.push(line);
  }
  return result;
}
