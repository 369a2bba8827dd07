import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DatabaseError } from '../errors/index.js';
import { commandName } from './commands.js';

/** A real SDK client runs only commands of the SDK: it asks them for their middleware. */
const needsSdkCommands = (client) => typeof client?.middlewareStack?.add === 'function';

let loading = null;

/** The SDK, found from this package or from the application; an optional dependency. */
function loadSdk() {
  loading ??= import('@aws-sdk/client-s3').catch((first) => {
    try {
      return createRequire(join(process.cwd(), 'noop.js'))('@aws-sdk/client-s3');
    } catch {
      loading = null;
      throw new DatabaseError('AwsS3Client is an AWS SDK client, but @aws-sdk/client-s3 cannot be loaded to make its commands', {
        operation: 'sendCommand',
        original: first,
        statusCode: 500,
        suggestion: 'Install @aws-sdk/client-s3, or pass the module as AwsS3Commands: import * as AwsS3Commands from "@aws-sdk/client-s3".'
      });
    }
  });
  return loading;
}

/**
 * The command as `client` can run it: of the SDK for a real SDK client, else as it is.
 * @param {object} client
 * @param {object} command
 * @param {object} [sdk] module `@aws-sdk/client-s3`
 */
export async function commandFor(client, command, sdk) {
  if (!needsSdkCommands(client) || typeof command?.resolveMiddleware === 'function') return command;
  const Class = (sdk ?? (await loadSdk()))[commandName(command)];
  return Class === undefined ? command : new Class(command.input);
}
