/** File work of the filesystem drivers. */
import { mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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

/** Puts a file in place in one step: readers see the old content or the new one. */
export async function replaceFile(file, content, { encoding = 'utf8', mode = 0o644, createDirectory = true } = {}) {
  const side = `${file}.${process.pid}.${randomHex(6)}.tmp`;
  const write = () => writeFile(side, content, { encoding, mode });
  try {
    try {
      await write();
    } catch (error) {
      if (!isMissing(error) || !createDirectory) throw error;
      await mkdir(dirname(file), { recursive: true });
      await write();
    }
    await rename(side, file);
  } catch (error) {
    await unlink(side).catch(() => {});
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
  await rm(folder, { recursive: true, force: true });
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
