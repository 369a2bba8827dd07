import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ResourceError, ValidationError } from '../errors/index.js';

/**
 * Writes a snapshot so that a crash leaves either the old file or the new one.
 * @param {string} path
 * @param {object} snapshot
 */
export async function writeSnapshot(path, snapshot) {
  const directory = dirname(path);
  const temporary = `${path}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(directory, { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(JSON.stringify(snapshot, null, 2), 'utf8');
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // What matters is the error that is thrown below; a leftover file is harmless.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new ResourceError(`Failed to save to disk: ${error.message}`, {
      operation: 'saveToDisk',
      persistPath: path,
      statusCode: 500,
      original: error,
      suggestion: 'Check that the directory exists and is writable.'
    });
  }
}

/**
 * @param {string} path
 * @returns {Promise<object>}
 */
export async function readSnapshot(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new ResourceError(`Failed to load from disk: ${error.message}`, {
      operation: 'loadFromDisk',
      persistPath: path,
      statusCode: 500,
      original: error,
      suggestion: 'Check the path and that the file holds a snapshot written by saveToDisk().'
    });
  }
}

/** @param {string | undefined | null} path */
export function requirePath(path) {
  if (typeof path === 'string' && path !== '') return path;
  throw new ValidationError('No persist path configured', {
    field: 'persistPath',
    value: path,
    suggestion: 'Pass a path, or set persistPath in the options.'
  });
}

/**
 * Records of a snapshot with members that a hand-written one may lack.
 * @param {object} objects
 */
export function completeRecords(objects) {
  const complete = Object.create(null);
  for (const [key, record] of Object.entries(objects)) {
    if (record === null || typeof record !== 'object' || (record.body !== undefined && typeof record.body !== 'string')) {
      throw new ValidationError('Invalid snapshot format', {
        field: `objects[${JSON.stringify(key)}]`,
        suggestion: 'Each object needs a base64 body.'
      });
    }
    const body = Buffer.from(record.body ?? '', 'base64');
    complete[key] = {
      body: record.body ?? '',
      metadata: record.metadata ?? {},
      contentType: record.contentType ?? 'application/octet-stream',
      etag: record.etag ?? createHash('md5').update(body).digest('hex'),
      lastModified: record.lastModified ?? new Date().toISOString(),
      size: record.size ?? body.length,
      contentEncoding: record.contentEncoding,
      contentLength: record.contentLength ?? body.length
    };
  }
  return complete;
}

/** Saves after changes: one file write at a time, changes made meanwhile share the next one. */
export class AutoSaver {
  #save;
  #running = null;
  #next = null;

  /** @param {() => Promise<unknown>} save */
  constructor(save) {
    this.#save = save;
  }

  /** Resolves once a save that started after this call is done. */
  request() {
    if (this.#next !== null) return this.#next;
    if (this.#running === null) {
      this.#running = this.#run();
      return this.#running;
    }
    // A failed save is reported to those who asked for it; the next one is tried all the same.
    this.#next = this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        this.#running = this.#run();
        return this.#running;
      });
    return this.#next;
  }

  async #run() {
    try {
      await this.#save();
    } finally {
      this.#running = null;
    }
  }
}
