/** Option names of `createResource`. Any other key is kept in `$schema`, so only what looks like a slip of the pen is told. */
import { ResourceError } from '../errors/index.js';
import { nearestName } from '../util/nearest-name.js';
import { warnOnce } from '../util/warn.js';

const OPTIONS = new Set([
  ...['name', 'attributes', 'behavior', 'partitions', 'timestamps', 'paranoid', 'hooks', 'events', 'middlewares', 'guard'],
  ...['idGenerator', 'idSize', 'versioningEnabled', 'version', 'passphrase', 'bcryptRounds', 'security', 'parallelism', 'observers'],
  ...['cache', 'autoDecrypt', 'allNestedObjectsOptional', 'strictValidation', 'strictHooks', 'asyncEvents', 'disableEvents'],
  ...['disableResourceEvents', 'lazySchema', 'asyncPartitions', 'strictPartitions', 'map', 'createdBy', 'description'],
  ...['client', 'database', 'verbose', 'api', 'logger', 'logLevel']
]);

/** One warning per key that is all but the name of an option; the typed error under `strictOptions`. */
export function checkResourceOptions(database, config) {
  for (const key of Object.keys(config)) {
    if (OPTIONS.has(key)) continue;
    const nearest = nearestName(key, OPTIONS, key.length < 8 ? 1 : 2);
    if (nearest === null) continue;
    const message = `Unknown option '${key}' for resource '${config.name}'; did you mean '${nearest}'?`;
    if (database.options.strictOptions === true) {
      throw new ResourceError(message, {
        resourceName: config.name,
        operation: 'createResource',
        option: key,
        statusCode: 400,
        retriable: false,
        suggestion: `Write '${nearest}', or give the key another name.`
      });
    }
    warnOnce(database, { code: 'UNKNOWN_OPTION', resource: config.name, message, details: { option: key, nearest } });
  }
}
