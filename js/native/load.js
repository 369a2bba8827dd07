/** Sole loader of the native addon. */

import { createRequire } from 'node:module';
import { DatabaseError } from '../errors/index.js';

const requireFrom = createRequire(import.meta.url);

/** Addon of this platform: the local build, seen from here or from the bundle in dist/, else the platform package. */
function load() {
  const failures = [];
  const attempt = (candidate) => {
    try {
      return requireFrom(candidate);
    } catch (error) {
      failures.push(`${candidate}: ${error.message.split('\n', 1)[0]}`);
      return undefined;
    }
  };
  const local = attempt('../../s3db.node') ?? attempt('../s3db.node');
  if (local) return local;
  // Asked only now: the report that tells the C library takes ten milliseconds.
  const platform = platformName();
  const installed = attempt(`@s3db-native/${platform}`);
  if (installed) return installed;
  throw new DatabaseError(`The native addon of s3db-native could not be loaded on ${platform}`, {
    code: 'ERR_NATIVE_ADDON_MISSING',
    platform,
    failures,
    description: failures.join('\n'),
    suggestion: `Run \`npm run build\` in a source checkout, or reinstall with optional dependencies so that @s3db-native/${platform} is present.`
  });
}

function platformName() {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') return `${base}-msvc`;
  if (process.platform !== 'linux') return base;
  // Only glibc puts its version into the report.
  const { glibcVersionRuntime } = process.report?.getReport().header ?? {};
  return `${base}-${glibcVersionRuntime ? 'gnu' : 'musl'}`;
}

let addon;

/** The whole addon, loaded by the first call: importing the package costs no engine. */
export function loadNative() {
  addon ??= load();
  return addon;
}

const NAMES = [
  ...[
    'NativeBackground',
    'NativeCatalog',
    'NativeLogs',
    'NativeManualClock',
    'NativeMemoryCache',
    'NativePluginStorage',
    'NativeQuery',
    'NativeRead'
  ],
  ...['NativeResource', 'NativeScan', 'NativeSchema', 'NativeStore'],
  ...['cacheHash', 'cronNext', 'decrypt', 'encrypt', 'hashArgon2', 'hashPassword', 'hashPasswordSync', 'ids', 'pure', 'verifyPassword']
];

/** Members of the addon (contract: binding.d.ts). The first one used loads it and makes all of them plain members. */
export const native = {};

for (const name of NAMES) {
  Object.defineProperty(native, name, {
    configurable: true,
    enumerable: true,
    get() {
      const all = loadNative();
      for (const each of NAMES) Object.defineProperty(native, each, { value: all[each], enumerable: true });
      return all[name];
    }
  });
}
