// npm run build: the addon in release form (s3db.node) and the package files (dist/). Does only what is out of date.
// `--addon` or `--dist` does one half.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { ensureModules } from './modules.mjs';
import { addonPath, isProgram, root, targetDir } from './paths.mjs';
import { have } from './proc.mjs';

const require = createRequire(import.meta.url);
const dist = join(root, 'dist');

/** Cargo with this checkout's target directory. */
export function cargoEnv() {
  return { ...process.env, CARGO_TARGET_DIR: targetDir };
}

function libraryName() {
  if (process.platform === 'win32') return 's3db.dll';
  return process.platform === 'darwin' ? 'libs3db.dylib' : 'libs3db.so';
}

/** Builds the addon and puts it at `s3db.node`; Cargo itself knows what is up to date. */
export function buildAddon({ quiet = false } = {}) {
  if (!have('cargo')) throw new Error('cargo was not found: install stable Rust (1.88 or later), then run this again');
  const args = ['build', '--release', '--lib', '--locked', ...(quiet ? ['--quiet'] : [])];
  const result = spawnSync('cargo', args, { cwd: root, env: cargoEnv(), stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status !== 0) throw new Error(`cargo ${args.join(' ')} failed`);
  const library = join(targetDir, 'release', libraryName());
  const built = statSync(library);
  const current = existsSync(addonPath) ? statSync(addonPath) : null;
  if (current && current.size === built.size && current.mtimeMs >= built.mtimeMs) return false;
  // A process may have the old file mapped: replace it, never write into it.
  const side = `${addonPath}.${process.pid}.part`;
  copyFileSync(library, side);
  renameSync(side, addonPath);
  return true;
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function stampOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/**
 * Entries of the package: `{ name, source }` where `dist/<name>.mjs` and `.cjs` come from `js/<name>.js`.
 * The export map in package.json is the one list; patterns are expanded over the files there are.
 */
export function entries() {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const names = new Set();
  for (const target of Object.values(manifest.exports)) {
    if (target === null || typeof target === 'string') continue;
    const path = (target.import.default ?? target.import).replace('./dist/', '').replace(/\.mjs$/, '');
    if (!path.includes('*')) {
      names.add(path);
      continue;
    }
    const [before] = path.split('*');
    const closed = Object.keys(manifest.exports).filter((name) => manifest.exports[name] === null && name.endsWith('/*'));
    const folder = join(root, 'js', before);
    for (const file of filesUnder(folder)) {
      const name = relative(join(root, 'js'), file).replace(/\\/g, '/');
      if (name.endsWith('.js') && !closed.some((each) => `./${name}`.startsWith(each.slice(0, -1)))) names.add(name.replace(/\.js$/, ''));
    }
  }
  return [...names].map((name) => ({ name, source: join(root, 'js', `${name}.js`) }));
}

/** Modules of Node that importing the package must not load: each costs megabytes, and only some operations need them. */
const LAZY = /^var (import_node_\w+) = require\("(node:(?:crypto|fs\/promises|net|readline|stream\/promises|vm|zlib))"\);$/gm;
const LAZY_HELPER = `const __lazy = (name) => { let all; return new Proxy({}, { get: (_, key) => (all ??= require(name))[key] }); };`;

/** The helper by which the bundler keeps names runs for every closure that is made; only a renamed function or class needs it. */
const NAME = 'var __name = (target, value) => __defProp(target, "name", { value, configurable: true });';
const CHEAP_NAME =
  'var __name = (target, value) => (target.name === value || target.name === "" ? target : __defProp(target, "name", { value, configurable: true }));';

/** Makes the bundle load the modules of `LAZY` when one of their members is used first, and name only what was renamed. */
function lighten(file) {
  const text = readFileSync(file, 'utf8');
  if (!text.includes(NAME)) throw new Error('the name helper of the bundler has another form: adapt scripts/build.mjs');
  writeFileSync(file, text.replace(NAME, CHEAP_NAME).replace(LAZY, 'var $1 = __lazy("$2");'));
}

const isIdentifier = (name) => /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name);

function writeWrappers(name, moduleNames) {
  const file = join(dist, name);
  mkdirSync(dirname(file), { recursive: true });
  const specifierOf = (target) => {
    const path = relative(dirname(file), join(dist, target)).replace(/\\/g, '/');
    return path.startsWith('.') ? path : `./${path}`;
  };
  const key = JSON.stringify(name);
  // Compiled code (TypeScript with esModuleInterop, Babel) takes `default` of a module with this mark, else the whole module.
  const mark = moduleNames.includes('default') ? "Object.defineProperty(module.exports, '__esModule', { value: true });\n" : '';
  writeFileSync(`${file}.cjs`, `'use strict';\nmodule.exports = require('${specifierOf('core.cjs')}')[${key}];\n${mark}`);
  const named = moduleNames.filter((each) => each !== 'default' && isIdentifier(each));
  const lines = [`import core from '${specifierOf('bridge.cjs')}';`, `const entry = core[${key}];`];
  // A local name for each, since an exported name may be a reserved word.
  for (const [index, each] of named.entries()) lines.push(`const e${index} = entry[${JSON.stringify(each)}];`);
  lines.push(`export { ${named.map((each, index) => `e${index} as ${each}`).join(', ')} };`);
  if (moduleNames.includes('default')) lines.push('export default entry.default;');
  writeFileSync(`${file}.mjs`, `${lines.join('\n')}\n`);
}

/** Declarations of an entry for which the export map names none: what is an export of the root has its type from there, the rest is `any`. */
function writeEntryDeclarations(name, entry, root) {
  const rootNames = new Map(Object.entries(root).map(([each, value]) => [value, each]));
  for (const [format, index] of [
    ['mts', './index.mjs'],
    ['cts', './index.cjs']
  ]) {
    const from = relative(dirname(join(dist, name)), join(dist, index)).replace(/\\/g, '/');
    const source = JSON.stringify(from.startsWith('.') ? from : `./${from}`);
    const lines = Object.keys(entry)
      .filter((each) => each === 'default' || isIdentifier(each))
      .map((each) => {
        const known = root[each] === entry[each] && each !== 'default' ? each : rootNames.get(entry[each]);
        // Of an object, a constant, two names may have one value by chance.
        const shared = known !== undefined && (typeof entry[each] === 'function' || known === each);
        if (shared) return `export { ${known === each ? each : `${known} as ${each}`} } from ${source};`;
        return each === 'default' ? 'declare const entry: any;\nexport default entry;' : `export declare const ${each}: any;`;
      });
    writeFileSync(join(dist, `${name}.d.${format}`), `${lines.join('\n')}\n`);
  }
}

/**
 * Declarations of what the package really is, one CommonJS bundle: TypeScript takes a `.d.ts` of this package for a module, so both
 * formats read a `.d.cts`, the same one, else a generated augmentation of one format would miss the code of the other.
 */
export function writeDeclarations() {
  const rewrite = (text) => text.replace(/(from\s+|import\()(['"])(\.[^'"]*)\.js\2/g, '$1$2$3.cjs$2');
  const copy = (from, to) => {
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, rewrite(readFileSync(from, 'utf8')));
  };
  for (const file of [join(root, 'index.d.ts'), ...filesUnder(join(root, 'types'))]) {
    const target = join(dist, relative(root, file)).replace(/\.d\.ts$/, '');
    copy(file, `${target}.d.cts`);
    if (file === join(root, 'index.d.ts') || dirname(file) === join(root, 'types', 'entries')) copy(file, `${target}.d.mts`);
  }
}

/** Bundles js/ into one CommonJS file; both module formats re-export its objects, so `instanceof` holds across them. */
export async function buildDist() {
  ensureModules();
  const sources = [...filesUnder(join(root, 'js')), ...filesUnder(join(root, 'types'))];
  const stamp = stampOf([...sources, join(root, 'index.d.ts'), join(root, 'package.json'), join(root, 'scripts', 'build.mjs')]);
  const stampFile = join(dist, '.stamp');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return false;
  const { build } = await import('esbuild');
  rmSync(dist, { recursive: true, force: true });
  const list = entries();
  const absent = list.filter(({ source }) => !existsSync(source));
  if (absent.length > 0) throw new Error(`package.json exports what has no source: ${absent.map(({ source }) => source).join(', ')}`);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  await build({
    stdin: {
      contents: list.map(({ name, source }) => `export * as ${JSON.stringify(name)} from ${JSON.stringify(source)};`).join('\n'),
      resolveDir: root
    },
    outfile: join(dist, 'core.cjs'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    keepNames: true,
    legalComments: 'none',
    external: Object.keys(manifest.dependencies),
    define: { 'import.meta.url': '__module_url' },
    banner: { js: `const __module_url = require('node:url').pathToFileURL(__filename).href;\n${LAZY_HELPER}` },
    logLevel: 'warning'
  });
  lighten(join(dist, 'core.cjs'));
  // ESM imports this instead of the bundle: Node would search the whole bundle for export names, which takes 10 MB.
  writeFileSync(join(dist, 'bridge.cjs'), `'use strict';\nconst core = require('./core.cjs');\nmodule.exports = core;\n`);
  const core = require(join(dist, 'core.cjs'));
  for (const { name } of list) {
    writeWrappers(name, Object.keys(core[name]));
    if (name !== 'index') writeEntryDeclarations(name, core[name], core.index);
  }
  writeDeclarations();
  writeFileSync(stampFile, stamp);
  return true;
}

/** Both halves, addon first: the bundle loads it. */
export async function buildAll(options) {
  ensureModules();
  buildAddon(options);
  await buildDist();
}

if (isProgram(import.meta.url)) {
  const only = process.argv.slice(2);
  const started = Date.now();
  try {
    if (!only.includes('--dist')) console.log(buildAddon() ? 'built s3db.node' : 's3db.node is up to date');
    if (!only.includes('--addon')) console.log((await buildDist()) ? 'built dist/' : 'dist/ is up to date');
    console.log(`done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
