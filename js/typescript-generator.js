/** Sub-path `typescript-generator`: declarations of the resources of a database. */

import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DatabaseError, ValidationError } from './errors/index.js';
import { declarationsOf } from './typegen/generate.js';

export { generateFieldComment, isFieldOptional, mapFieldTypeToTypeScript } from './typegen/type-of.js';

const DEFAULT_PATH = './types/database.d.ts';

/**
 * Writes and returns the TypeScript declarations of all resources (spec/01 section 8). The file appears whole or not at all.
 * @param {{ resources: Record<string, any> }} database
 * @param {object} [options]
 * @param {string | false | null} [options.outputPath] default `./types/database.d.ts`; a falsy value writes nothing. Missing
 *   folders are made
 * @param {string} [options.moduleName] name the package is imported by, default `s3db.js`
 * @param {boolean} [options.includeResource] default true: import `Resource` and type `database.resources`
 * @param {boolean} [options.includeComments] default true: doc comments
 * @param {boolean} [options.includeMetadata] default false: also the fields that reading adds (`_etag`, `_v`, ...), optional
 * @param {string} [options.header] text added to the comment at the top
 * @param {'interface' | 'type'} [options.formatStyle] default `interface`
 * @returns {Promise<string>} the text
 * @throws {ValidationError} an option has the wrong type
 * @throws {DatabaseError} the file cannot be written
 */
export async function generateTypes(database, options = {}) {
  const given = options ?? {};
  const { outputPath = DEFAULT_PATH } = given;
  if (outputPath && typeof outputPath !== 'string') {
    throw new ValidationError("Invalid option 'outputPath' of generateTypes", {
      field: 'outputPath',
      value: outputPath,
      suggestion: 'Pass a file path, or false to write nothing.'
    });
  }
  const text = declarationsOf(database, given);
  if (outputPath) await writeWhole(resolve(outputPath), text);
  return text;
}

/**
 * Prints the declarations and writes nothing.
 * @param {{ resources: Record<string, any> }} database
 * @param {object} [options] as `generateTypes`, `outputPath` apart
 * @returns {Promise<string>} the text
 */
export async function printTypes(database, options = {}) {
  const text = await generateTypes(database, { ...options, outputPath: null });
  console.log(text);
  return text;
}

/** Writes beside the target and renames, so that no reader sees half a file. */
async function writeWhole(path, text) {
  const side = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(side, 'wx');
    try {
      await file.writeFile(text, 'utf8');
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(side, path);
  } catch (error) {
    await rm(side, { force: true }).catch(() => {});
    throw new DatabaseError(`Could not write the generated types to ${path}: ${error.message}`, {
      operation: 'generateTypes',
      path,
      original: error,
      suggestion: "Check that 'outputPath' names a file in a folder that this process can write to."
    });
  }
}

export default { generateTypes, printTypes };
