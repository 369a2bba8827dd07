/** Command objects: `constructor.name` and `input` as in the AWS SDK v3 (any object of that shape works as a command). */

class Command {
  /** @param {object} input fields with SDK names (`Bucket`, `Key`, ...) */
  constructor(input = {}) {
    this.input = input;
  }
}

/** Writes an object. */
export class PutObjectCommand extends Command {}
/** Reads an object with its body. */
export class GetObjectCommand extends Command {}
/** Reads an object's metadata. */
export class HeadObjectCommand extends Command {}
/** Copies an object inside the bucket. */
export class CopyObjectCommand extends Command {}
/** Deletes one object. */
export class DeleteObjectCommand extends Command {}
/** Deletes up to 1000 objects. */
export class DeleteObjectsCommand extends Command {}
/** Lists one page of keys. */
export class ListObjectsV2Command extends Command {}

const callerKeys = new WeakMap();

/**
 * Remembers the key as the caller of a client method gave it (without `keyPrefix`), so that an
 * error mapped while the command is sent names that key.
 * @template {object} C
 * @param {C} command
 * @param {string} key
 * @returns {C}
 */
export function withCallerKey(command, key) {
  callerKeys.set(command, key);
  return command;
}

/**
 * Key to name in errors about a command.
 * @param {object} command
 * @returns {string | undefined}
 */
export function callerKeyOf(command) {
  return callerKeys.get(command) ?? command?.input?.Key;
}

/**
 * Name of a command, for dispatch and events.
 * @param {object} command
 * @returns {string}
 */
export function commandName(command) {
  return command?.constructor?.name ?? String(command);
}

/**
 * Input of a command without body and metadata, for errors: keys and sizes only.
 * @param {object} [input]
 */
export function summarizeInput(input = {}) {
  const { Body, Metadata, Delete, ...rest } = input;
  const summary = {};
  for (const [name, value] of Object.entries(rest)) {
    if (value !== undefined && (typeof value !== 'object' || value === null)) summary[name] = value;
  }
  if (Body !== undefined && Body !== null) summary.bodyBytes = Body.byteLength ?? Body.length;
  if (Metadata) summary.metadataNames = Object.keys(Metadata).length;
  if (Delete?.Objects) summary.objects = Delete.Objects.length;
  return summary;
}
