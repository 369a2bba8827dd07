/** Every program of examples/ runs as it stands. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));

test('every example runs', () => {
  const programs = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
  assert.ok(programs.length >= 2);
  for (const name of programs) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, name)], { encoding: 'utf8', timeout: 60_000 });
    assert.equal(status, 0, `${name}: ${stderr}`);
    assert.notEqual(stdout, '', name);
  }
});
