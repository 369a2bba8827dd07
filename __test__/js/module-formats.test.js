/** The package in programs that compile to CommonJS, and in programs of both formats. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generateTypes } from '../../js/typescript-generator.js';
import { subpaths } from '../../scripts/subpaths.mjs';
import { connectDatabase } from './support/databases.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 's3db-formats-'));
after(() => rmSync(folder, { recursive: true, force: true }));

mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
symlinkSync(root, join(folder, 'node_modules', 's3db.js'));
symlinkSync(join(root, 'node_modules', '@types', 'node'), join(folder, 'node_modules', '@types', 'node'));
writeFileSync(join(folder, 'package.json'), '{}');

/** What the compiler says of files in an application whose package.json names no type, so that its `.ts` are CommonJS. */
function compile(...files) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--strict', '--target', 'es2022', '--module', 'node16', '--moduleResolution', 'node16', '--types', 'node'];
  return spawnSync(process.execPath, [tsc, ...options, ...files], { cwd: folder, encoding: 'utf8' }).stdout;
}

test('the default import of TypeScript that compiles to CommonJS is the class, as its type says', () => {
  const program = `import S3db, { Database } from 's3db.js';
import createTypes from 's3db.js/typescript-generator';
class Application extends S3db {
  readonly label: string = 'mine';
}
const db: Database = new Application({ connectionString: 'memory://formats/cjs' });
console.log(db instanceof S3db, (db as Application).label, typeof createTypes.generateTypes);
`;
  writeFileSync(join(folder, 'application.ts'), program);
  assert.equal(compile('application.ts'), '');
  const { stdout, stderr } = spawnSync(process.execPath, ['application.js'], { cwd: folder, encoding: 'utf8' });
  assert.equal(stdout, 'true mine function\n', stderr);
});

test('modules with a default export are marked for compilers, and the mark is no export', () => {
  let marked = 0;
  for (const path of subpaths()) {
    if (path === '/package.json') continue;
    const module = require(`s3db-native${path}`);
    assert.equal(module.__esModule, 'default' in module ? true : undefined, path);
    assert.ok(!Object.keys(module).includes('__esModule'), path);
    if (module.__esModule) marked += 1;
  }
  assert.ok(marked > 0);
});

test('generated declarations reach the code of both formats', async () => {
  const db = await connectDatabase();
  await db.createResource({ name: 'users', attributes: { name: 'string|required' } });
  await generateTypes(db, { outputPath: join(folder, 'database.d.ts') });
  for (const extension of ['mts', 'cts']) {
    writeFileSync(
      join(folder, `use.${extension}`),
      `import type { Database } from 's3db.js';
export async function nameOf(db: Database): Promise<string> {
  const { name } = await db.resources.users.get('one');
  // @ts-expect-error names are text
  const wrong: number = name;
  // @ts-expect-error no such resource
  db.resources.absent;
  return wrong ? name : '';
}
`
    );
  }
  assert.equal(compile('database.d.ts', 'use.mts', 'use.cts'), '');
});
