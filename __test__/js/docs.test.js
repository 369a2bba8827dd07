/** The programs in the documentation run as they stand. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Code blocks of a page that import the package: `{ language, code }`. */
function programsOf(page) {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  return [...text.matchAll(/^```(js|ts)\n([\s\S]*?)^```$/gm)]
    .map(([, language, code]) => ({ language, code }))
    .filter(({ code }) => /^import .* from 's3db-native/m.test(code));
}

/** Pages whose blocks are one program, run by background-docs.test.js. */
const ONE_PROGRAM = ['background.md'];

const pages = readdirSync(join(root, 'docs'), { recursive: true }).filter(
  (name) => name.endsWith('.md') && !ONE_PROGRAM.includes(name) && programsOf(name).length > 0
);

test('pages with programs are found', () => {
  for (const page of ['typescript.md', 'testing-data.md']) assert.ok(pages.includes(page), page);
});

for (const page of pages) {
  test(`the programs of docs/${page} run`, () => {
    const folder = mkdtempSync(join(tmpdir(), 's3db-docs-'));
    try {
      mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
      symlinkSync(root, join(folder, 'node_modules', 's3db-native'));
      symlinkSync(join(root, 'node_modules', '@types', 'node'), join(folder, 'node_modules', '@types', 'node'));
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      for (const [index, { language, code }] of programsOf(page).entries()) {
        const file = join(folder, `program${index}.${language}`);
        // A top-level export makes the file a module for the compiler.
        writeFileSync(file, language === 'ts' ? `${code}\nexport {};\n` : code);
        const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
        const options = ['--strict', '--target', 'es2022', '--module', 'node16', '--moduleResolution', 'node16', '--types', 'node'];
        if (language === 'ts') {
          const compiled = spawnSync(process.execPath, [tsc, ...options, file], { cwd: folder, encoding: 'utf8' });
          assert.equal(compiled.stdout, '', `${page}, program ${index + 1}`);
        }
        const { status, stderr } = spawnSync(process.execPath, [file.replace(/\.ts$/, '.js')], {
          cwd: folder,
          encoding: 'utf8',
          timeout: 60_000
        });
        assert.equal(status, 0, `${page}, program ${index + 1}: ${stderr}`);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
