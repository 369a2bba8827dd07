/** Every program of examples/ runs as it stands: JavaScript on its source, TypeScript after `tsc --strict`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'examples');
const programs = readdirSync(folder, { recursive: true }).sort();

function run(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000 });
  assert.equal(status, 0, `${args[0]}: ${stderr}${stdout}`);
  return stdout;
}

const directory = mkdtempSync(join(tmpdir(), 's3db-examples-'));
after(() => rmSync(directory, { recursive: true, force: true }));

for (const name of programs.filter((each) => each.endsWith('.mjs'))) {
  test(`the example ${name} runs`, () => {
    assert.notEqual(run([join(folder, name)]), '');
  });
}

for (const name of programs.filter((each) => each.endsWith('.ts'))) {
  test(`the example ${name} compiles and runs`, () => {
    // As in an application: the package lies in node_modules.
    mkdirSync(join(directory, 'node_modules'), { recursive: true });
    symlinkSync(root, join(directory, 'node_modules', 's3db-native'));
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    const options = ['--strict', '--target', 'es2022', '--module', 'node16', '--moduleResolution', 'node16', '--types', 'node'];
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const types = ['--typeRoots', join(root, 'node_modules', '@types')];
    run([tsc, ...options, ...types, '--rootDir', folder, '--outDir', directory, '--ignoreConfig', join(folder, name)]);
    assert.notEqual(run([join(directory, name.replace(basename(name), basename(name, '.ts')).concat('.js'))]), '');
  });
}

test('there are examples in both languages', () => {
  assert.ok(programs.filter((name) => name.endsWith('.mjs')).length >= 3);
  assert.ok(programs.filter((name) => name.endsWith('.ts')).length >= 1);
});
