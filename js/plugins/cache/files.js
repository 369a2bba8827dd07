/** File work of the filesystem drivers. */
import { mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { randomHex } from './builtins.js';

export const isMissing = (error) => error?.code === 'ENOENT' || error?.code === 'ENOTDIR';

/** Text of a file, null when there is none. */
export async function readText(file, encoding = 'utf8') {
  try {
    return await readFile(file, encoding);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/**
 * Writes a file that waits to be put in place: beside it, or in `folder`. Resolves its path.
 * @param {string} file where it will go
 */
export async function prepareFile(file, content, { encoding = 'utf8', mode = 0o644, createDirectory = true, folder = dirname(file) } = {}) {
  const side = join(folder, `${basename(file)}.${process.pid}.${randomHex(6)}.tmp`);
  const write = () => writeFile(side, content, { encoding, mode });
  try {
    try {
      await write();
    } catch (error) {
      if (!isMissing(error) || !createDirectory) throw error;
      await mkdir(folder, { recursive: true });
      await write();
    }
  } catch (error) {
    await unlink(side).catch(() => {});
    throw error;
  }
  return side;
}

/** Puts a prepared file in place in one step: readers see the old content or the new one. */
export async function placeFile(side, file, { createDirectory = true } = {}) {
  try {
    await rename(side, file);
  } catch (error) {
    if (!isMissing(error) || !createDirectory) throw error;
    await mkdir(dirname(file), { recursive: true });
    await rename(side, file);
  }
}

/** Prepares a file and puts it in place. */
export async function replaceFile(file, content, options) {
  const side = await prepareFile(file, content, options);
  try {
    await placeFile(side, file, options);
  } catch (error) {
    await unlink(side).catch(() => {});
    throw error;
  }
}

/** Creates a file and the folder it is in; false when there is one. */
export async function createFile(file, content, { mode = 0o644 } = {}) {
  await mkdir(dirname(file), { recursive: true });
  try {
    await writeFile(file, content, { mode, flag: 'wx' });
    return true;
  } catch (error) {
    if (error?.code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a file; true when it was there. */
export async function removeFile(file) {
  try {
    await unlink(file);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Removes a folder with what is in it. */
export async function removeFolder(folder) {
  // Somebody may be putting a file in place there.
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Entries of a folder, none when it is missing. */
export async function entriesOf(folder) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Every file below a folder. */
export async function* filesBelow(folder) {
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** Size and time of a file, null when it is gone. */
export async function statOf(file) {
  try {
    return await stat(file);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
