/** Packages of the application: found from its directory as well as from this package, which may lie elsewhere. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

function requires() {
  return [createRequire(import.meta.url), createRequire(join(process.cwd(), 'package.json'))];
}

/**
 * Folder and version of an installed package, read without running it; null when it is not installed, version null when
 * its manifest names none.
 */
export function findPackage(name) {
  for (const require of requires()) {
    for (const folder of require.resolve.paths(name) ?? []) {
      const manifest = join(folder, name, 'package.json');
      if (!existsSync(manifest)) continue;
      try {
        return { folder: join(folder, name), version: JSON.parse(readFileSync(manifest, 'utf8')).version ?? null };
      } catch {
        return { folder: join(folder, name), version: null };
      }
    }
  }
  return null;
}

/** Entry file that a manifest names for `import`. */
function importEntry(manifest) {
  let target = manifest.exports?.['.'] ?? manifest.exports;
  while (target !== null && typeof target === 'object') {
    target = Array.isArray(target) ? target[0] : (target.node ?? target.import ?? target.default ?? target.require);
  }
  return target ?? manifest.module ?? manifest.main ?? 'index.js';
}

/** The module of an installed package, wherever it was found. */
export async function importPackage(name) {
  try {
    return await import(name);
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND' && error?.code !== 'MODULE_NOT_FOUND') throw error;
  }
  for (const require of requires()) {
    try {
      return await import(pathToFileURL(require.resolve(name)).href);
    } catch (error) {
      if (!['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED'].includes(error?.code)) throw error;
    }
  }
  // Packages that export nothing to `require` are imported by the file that their manifest names.
  const found = findPackage(name);
  if (found === null) throw Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });
  const manifest = JSON.parse(readFileSync(join(found.folder, 'package.json'), 'utf8'));
  return import(pathToFileURL(join(found.folder, importEntry(manifest))).href);
}
