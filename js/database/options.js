/** Constructor options of a database: defaults, connection string from parts, unknown keys. */
import { DatabaseError } from '../errors/index.js';
import { passwordSettings, unknownSecurityOptions } from '../schema/security.js';
import { nearestName } from '../util/nearest-name.js';
import { warnOnce } from '../util/warn.js';

const KNOWN_OPTIONS = [
  'connectionString',
  'client',
  'bucket',
  'region',
  'accessKeyId',
  'secretAccessKey',
  'sessionToken',
  'endpoint',
  'forcePathStyle',
  'verbose',
  'parallelism',
  'plugins',
  'cache',
  'passphrase',
  'requirePassphrase',
  'bcryptRounds',
  'versioningEnabled',
  'persistHooks',
  'trustUnsignedHooks',
  'strictValidation',
  'strictHooks',
  'strictOptions',
  'httpClientOptions'
];

/** Options of later versions, accepted without a warning. */
const LATER_OPTIONS = [
  'security',
  'clientOptions',
  'executorPool',
  'taskExecutorMonitoring',
  'logLevel',
  'logger',
  'loggerOptions',
  'processManager',
  'cronManager',
  'exitOnSignal',
  'autoCleanup',
  'disableResourceEvents',
  'deferMetadataWrites',
  'metadataWriteDelay',
  'keyPrefix',
  'id',
  'AwsS3Client'
];

/** Options of later versions whose value is checked. */
const BOOLEANS = ['exitOnSignal', 'autoCleanup', 'disableResourceEvents', 'deferMetadataWrites'];

const ACCEPTED = new Set([...KNOWN_OPTIONS, ...LATER_OPTIONS]);

function refuseValue(option, requirement) {
  throw new DatabaseError(`Option '${option}' must be ${requirement}`, {
    operation: 'constructor',
    option,
    statusCode: 400,
    retriable: false,
    suggestion: `Pass ${requirement}, or leave '${option}' out.`
  });
}

/** Refuses values that mean nothing. */
function checkValues(options) {
  for (const option of BOOLEANS)
    if (options[option] !== undefined && typeof options[option] !== 'boolean') refuseValue(option, 'a boolean');
  const { metadataWriteDelay: delay } = options;
  if (delay !== undefined && !(Number.isFinite(delay) && delay >= 0)) refuseValue('metadataWriteDelay', 'a number of milliseconds');
}

/** One warning per unknown key, or the typed error under `strictOptions`. */
export function checkOptions(database, options) {
  checkValues(options);
  for (const key of Object.keys(options)) {
    if (ACCEPTED.has(key)) continue;
    const near = nearestName(key, ACCEPTED);
    const message = `Unknown option '${key}' for Database${near ? `; did you mean '${near}'?` : ''}`;
    if (options.strictOptions === true) {
      throw new DatabaseError(message, {
        operation: 'constructor',
        option: key,
        validOptions: KNOWN_OPTIONS,
        statusCode: 400,
        retriable: false,
        suggestion: `Valid options: ${KNOWN_OPTIONS.join(', ')}.`
      });
    }
    warnUnknown(database, key, near);
  }
}

const DEFAULT_PASSPHRASE = 'secret';

/** Passphrase and costs: the options of 13.6 win over `security` of later versions. */
export function applySecurity(database, options) {
  const { passphrase, rounds } = passwordSettings(options.security);
  database.passphrase = options.passphrase || passphrase || DEFAULT_PASSPHRASE;
  database.bcryptRounds = options.bcryptRounds || rounds || 10;
  database._security = options.security ?? null;
  for (const key of unknownSecurityOptions(options.security)) warnUnknown(database, `security.${key}`);
}

function warnUnknown(database, option, near) {
  const message = `Unknown option '${option}' for Database${near ? `; did you mean '${near}'?` : ''}`;
  // Listeners can only be added after the constructor returned.
  setImmediate(() => warnOnce(database, { code: 'UNKNOWN_OPTION', message, details: { option, nearest: near } }));
}

function partsGiven({ bucket, accessKeyId, secretAccessKey }) {
  return Boolean(bucket || accessKeyId || secretAccessKey);
}

/** The connection string of the options: the given one, else one built from parts, else undefined. */
export function connectionStringOf(options) {
  const { connectionString, bucket, region = 'us-east-1', accessKeyId, secretAccessKey, endpoint, forcePathStyle } = options;
  if (connectionString) return connectionString;
  if (!partsGiven(options)) return undefined;
  if (endpoint) {
    const url = new URL(endpoint);
    if (accessKeyId) url.username = encodeURIComponent(accessKeyId);
    if (secretAccessKey) url.password = encodeURIComponent(secretAccessKey);
    url.pathname = `/${bucket || 's3db'}`;
    if (forcePathStyle) url.searchParams.set('forcePathStyle', 'true');
    return url.href;
  }
  if (accessKeyId && secretAccessKey) {
    const path = forcePathStyle ? '&forcePathStyle=true' : '';
    const user = `${encodeURIComponent(accessKeyId)}:${encodeURIComponent(secretAccessKey)}`;
    return `s3://${user}@${encodeURIComponent(bucket || 's3db')}?region=${encodeURIComponent(region)}${path}`;
  }
  // Without keys the default credential chain of the SDK decides.
  if (bucket && !accessKeyId && !secretAccessKey) return `s3://${encodeURIComponent(bucket)}?region=${encodeURIComponent(region)}`;
  return undefined;
}
