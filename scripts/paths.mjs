// Where things are: the checkout, the cache outside it, and the Cargo target directory.
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Everything that tests and benchmarks install lives here, never in the checkout. `S3DB_CACHE` moves it. */
export const cacheDir = process.env.S3DB_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 's3db-native');

/** Cargo's target directory: `CARGO_TARGET_DIR`, else one per checkout in the cache, so that checkouts do not disturb each other. */
export const targetDir =
  process.env.CARGO_TARGET_DIR || join(cacheDir, 'target', createHash('sha256').update(root).digest('hex').slice(0, 12));

/** The addon as built from this checkout. */
export const addonPath = join(root, 's3db.node');

/** Path of an executable in the Cargo target directory. */
export const targetBin = (name) => join(targetDir, 'release', process.platform === 'win32' ? `${name}.exe` : name);

/** Whether the module at `url` is the program that runs. */
export const isProgram = (url) => process.argv[1] !== undefined && url === pathToFileURL(process.argv[1]).href;
