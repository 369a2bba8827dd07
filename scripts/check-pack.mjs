// The packed package: only the files it needs, and it works from an install folder in both module formats, also under the alias s3db.js.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { must, run } from './proc.mjs';
import { subpaths } from './subpaths.mjs';

const ALLOWED = [
  /^package\.json$/,
  /^README\.md$/,
  /^CHANGELOG\.md$/,
  /^LICENSE-(MIT|APACHE)$/,
  /^index\.d\.ts$/,
  /^types\/.*\.d\.ts$/,
  /^dist\/.*\.(cjs|mjs|d\.[cm]ts)$/,
  /^s3db\.node$/
];

const WORK = `
async function work(S3db) {
  const db = new S3db({ connectionString: 'memory://pack/check' });
  await db.connect();
  const items = await db.createResource({ name: 'items', attributes: { name: 'string|required' } });
  await items.insert({ id: 'one', name: 'first' });
  const found = await items.get('one');
  if (found.name !== 'first') throw new Error('read something else: ' + JSON.stringify(found));
  await db.disconnect();
}
`;

/** Imports and requires every sub-path of the installed package. */
const everySubpath = (name) => `
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
for (const path of ${JSON.stringify(subpaths())}) {
  const specifier = '${name}' + path;
  const cjs = require(specifier);
  if (path === '/package.json') continue;
  const esm = await import(specifier);
  for (const key of Object.keys(cjs)) if (esm[key] !== cjs[key]) throw new Error(specifier + ': ' + key + ' differs');
  if (Object.keys(esm).length !== Object.keys(cjs).length) throw new Error(specifier + ': the lists of names differ');
}
`;

/** @returns {Promise<{ passed: number, failed: number, skipped: number }>} */
export async function checkPack() {
  const folder = mkdtempSync(join(tmpdir(), 's3db-pack-'));
  const result = { passed: 0, failed: 0, skipped: 0 };
  const judge = (good, text) => {
    if (good) result.passed += 1;
    else result.failed += 1;
    console.log(`${good ? 'ok' : 'not ok'}: ${text}`);
  };
  try {
    const output = await must('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root, quiet: true });
    const listed = JSON.parse(output.slice(output.search(/[[{]/)));
    const [packed] = Array.isArray(listed) ? listed : Object.values(listed);
    const extra = packed.files.map(({ path }) => path).filter((path) => !ALLOWED.some((pattern) => pattern.test(path)));
    judge(
      extra.length === 0,
      extra.length === 0 ? `${packed.files.length} files, nothing foreign` : `files that do not belong: ${extra.join(', ')}`
    );
    const modules = join(folder, 'node_modules');
    mkdirSync(join(modules, 's3db-native'), { recursive: true });
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    await must('tar', ['-xzf', join(folder, archive), '-C', join(modules, 's3db-native'), '--strip-components=1'], { quiet: true });
    symlinkSync(join(root, 'node_modules', 'fastest-validator'), join(modules, 'fastest-validator'));
    symlinkSync('s3db-native', join(modules, 's3db.js'));
    for (const name of ['s3db-native', 's3db.js']) {
      writeFileSync(join(folder, 'use.mjs'), `import S3db from '${name}';\n${WORK}\nawait work(S3db);\n`);
      writeFileSync(join(folder, 'use.cjs'), `const { S3db } = require('${name}');\n${WORK}\nwork(S3db);\n`);
      writeFileSync(join(folder, 'subpaths.mjs'), everySubpath(name));
      for (const file of ['use.mjs', 'use.cjs', 'subpaths.mjs']) {
        const { code, output: said } = await run(process.execPath, [file], { cwd: folder, quiet: true });
        judge(code === 0, `${file} with ${name}${code === 0 ? '' : `\n${said}`}`);
      }
    }
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
