/** Constructor options of a database: defaults, connection string from parts, unknown keys. */
import { CLIENT_OPTIONS } from '../client/create-client.js';
import { HTTP_OPTIONS } from '../client/http-options.js';
import { POOL_OPTIONS } from '../client/task-pool.js';
import { DatabaseError } from '../errors/index.js';
import { passwordSettings, unknownSecurityOptions } from '../schema/security.js';
import { nearestName } from '../util/nearest-name.js';
import { warnOnce } from '../util/warn.js';
import { withoutEffect } from './effects.js';

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

/** Options that 13.6 lacks: there is no code yet that passes anything but booleans. */
const BOOLEANS = [
  ...['exitOnSignal', 'autoCleanup', 'disableResourceEvents', 'deferMetadataWrites'],
  ...['trustUnsignedHooks', 'requirePassphrase', 'strictOptions']
];

/** Options that are objects, with the names in them. */
const GROUPS = {
  httpClientOptions: HTTP_OPTIONS,
  executorPool: POOL_OPTIONS,
  clientOptions: CLIENT_OPTIONS,
  loggerOptions: ['level', 'pretty', 'destination', 'childLevels']
};

/** Groups that a boolean may stand for. */
const SWITCHES = ['executorPool'];

const ACCEPTED = new Set([...KNOWN_OPTIONS, ...LATER_OPTIONS]);

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

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
  const { metadataWriteDelay: delay, bcryptRounds: rounds, plugins, client, logger, passphrase } = options;
  if (delay !== undefined && !(Number.isFinite(delay) && delay >= 0)) refuseValue('metadataWriteDelay', 'a number of milliseconds');
  if (passphrase && typeof passphrase !== 'string') refuseValue('passphrase', 'text');
  if (rounds && !(Number.isInteger(rounds) && rounds >= 4 && rounds <= 31)) refuseValue('bcryptRounds', 'a whole number from 4 to 31');
  if (plugins !== undefined && plugins !== null && !Array.isArray(plugins)) refuseValue('plugins', 'an array of plugins');
  if (logger && typeof logger !== 'object') refuseValue('logger', 'an object with methods such as warn and error');
  if (client !== undefined && client !== null && typeof client !== 'object') refuseValue('client', 'a client object');
  for (const option of Object.keys(GROUPS)) {
    const value = options[option];
    if (value === undefined || value === null || isObject(value) || (SWITCHES.includes(option) && typeof value === 'boolean')) continue;
    refuseValue(option, SWITCHES.includes(option) ? 'a boolean or an object' : 'an object');
  }
}

/** Names of the options, those in groups with a dot, each with the names that would be right. */
function* namesIn(options) {
  for (const key of Object.keys(options)) yield { option: key, name: key, valid: ACCEPTED, shown: KNOWN_OPTIONS };
  for (const [group, names] of Object.entries(GROUPS)) {
    if (!isObject(options[group])) continue;
    for (const name of Object.keys(options[group])) yield { option: `${group}.${name}`, name, valid: new Set(names), shown: names, group };
  }
}

/** One warning per unknown key, or the typed error under `strictOptions`. */
export function checkOptions(database, options) {
  checkValues(options);
  for (const { option, name, valid, shown, group } of namesIn(options)) {
    // HTTP/2 has as many names as a client has knobs.
    if (valid.has(name) || (group === 'httpClientOptions' && name.startsWith('http2'))) continue;
    const near = nearestName(name, valid);
    const nearest = near && group ? `${group}.${near}` : near;
    if (options.strictOptions === true) {
      refuse(unknownText(option, nearest), option, `Valid options${group ? ` in ${group}` : ''}: ${shown.join(', ')}.`, shown);
    }
    warnUnknown(database, option, nearest);
  }
}

const unknownText = (option, nearest) => `Unknown option '${option}' for Database${nearest ? `; did you mean '${nearest}'?` : ''}`;

function refuse(message, option, suggestion, validOptions) {
  throw new DatabaseError(message, { operation: 'constructor', option, validOptions, statusCode: 400, retriable: false, suggestion });
}

/** One warning per option that nothing reads, or the typed error under `strictOptions`. */
export function checkEffects(database, options) {
  for (const { option, beside, remedy } of withoutEffect(database, options)) {
    const message = `Option '${option}' has no effect${beside ? ` beside '${beside}'` : ''}; ${remedy}`;
    if (options.strictOptions === true) refuse(message, option, `Leave '${option}' out, or ${remedy}.`);
    warnLater(database, { code: 'OPTION_WITHOUT_EFFECT', message, details: { option } });
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

function warnUnknown(database, option, nearest) {
  warnLater(database, { code: 'UNKNOWN_OPTION', message: unknownText(option, nearest), details: { option, nearest } });
}

/** Listeners can only be added after the constructor returned. */
function warnLater(database, warning) {
  setImmediate(() => warnOnce(database, warning));
}

function partsGiven({ bucket, accessKeyId, secretAccessKey }) {
  return Boolean(bucket || accessKeyId || secretAccessKey);
}

/** The error of the platform would show what was given, credentials too. */
function endpointOf(endpoint) {
  let url;
  try {
    url = new URL(endpoint);
  } catch {
    // Refused below.
  }
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') refuseValue('endpoint', 'a URL such as https://host:9000');
  return url;
}

/** The connection string of the options: the given one, else one built from parts, else undefined. */
export function connectionStringOf(options) {
  const { connectionString, bucket, region = 'us-east-1', accessKeyId, secretAccessKey, endpoint, forcePathStyle } = options;
  if (connectionString) return connectionString;
  if (!partsGiven(options)) return undefined;
  if (endpoint) {
    const url = endpointOf(endpoint);
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

/** The pool that is asked for, with what `taskExecutorMonitoring` says unless the pool itself says something. */
export function poolOptions({ executorPool, taskExecutorMonitoring }) {
  if (!executorPool || taskExecutorMonitoring === undefined || taskExecutorMonitoring === null) return executorPool ?? undefined;
  return { monitoring: taskExecutorMonitoring, ...(executorPool === true ? {} : executorPool) };
}
