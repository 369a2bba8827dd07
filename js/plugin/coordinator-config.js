/** Options of coordinators, under the names of later versions (spec/05 section 18). All times in milliseconds. */
import { PluginError } from '../errors/index.js';

const DEFAULTS = {
  enableCoordinator: true,
  startupJitterMin: 0,
  startupJitterMax: 5000,
  coldStartDuration: 0,
  skipColdStart: false,
  coordinatorWorkInterval: null,
  heartbeatInterval: 5000,
  heartbeatJitter: 1000,
  leaseTimeout: 15_000,
  workerTimeout: 20_000,
  epochFencingEnabled: true,
  epochGracePeriodMs: 5000
};
/** Below these an election is only noise. */
const LEAST = { coordinatorWorkInterval: 1, heartbeatInterval: 100, leaseTimeout: 1000, workerTimeout: 1000 };
const LONGEST = 2 ** 31 - 1;

function refuse(owner, field, expected, value) {
  const shown = value !== null && typeof value === 'object' ? 'an object' : `${value}`;
  return new PluginError(`${field} of ${owner} must be ${expected}, received ${shown}`, {
    pluginName: owner,
    operation: 'coordinator',
    field,
    statusCode: 400,
    retriable: false,
    suggestion: `Give ${expected} as '${field}'.`
  });
}

/**
 * The options of a coordinator with their defaults.
 * @param {any} given what else is in there belongs to others
 * @param {string} owner for errors
 * @throws {PluginError} with `field` and the remedy
 */
export function coordinatorConfig(given, owner) {
  const config = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) {
    const value = given?.[name] ?? DEFAULTS[name];
    if (value !== null && typeof DEFAULTS[name] === 'boolean') {
      if (typeof value !== 'boolean') throw refuse(owner, name, 'true or false', value);
    } else if (value !== null) {
      const least = LEAST[name] ?? 0;
      const expected = `a number of milliseconds from ${least} to ${LONGEST}`;
      if (typeof value !== 'number' || !(value >= least && value <= LONGEST)) throw refuse(owner, name, expected, value);
    }
    config[name] = value;
  }
  // A default gives way to what was given.
  if (given?.startupJitterMax === undefined) config.startupJitterMax = Math.max(config.startupJitterMax, config.startupJitterMin);
  if (given?.heartbeatJitter === undefined) config.heartbeatJitter = Math.min(config.heartbeatJitter, config.heartbeatInterval / 5);
  const beat = config.heartbeatInterval + config.heartbeatJitter;
  if (given?.workerTimeout === undefined) config.workerTimeout = Math.max(config.workerTimeout, 2 * beat);
  if (config.startupJitterMax < config.startupJitterMin) {
    throw refuse(owner, 'startupJitterMax', `startupJitterMin (${config.startupJitterMin}) or more`, config.startupJitterMax);
  }
  if (config.heartbeatJitter >= config.heartbeatInterval) {
    throw refuse(owner, 'heartbeatJitter', `below heartbeatInterval (${config.heartbeatInterval})`, config.heartbeatJitter);
  }
  if (config.workerTimeout <= beat) {
    throw refuse(owner, 'workerTimeout', `above heartbeatInterval and heartbeatJitter together (${beat})`, config.workerTimeout);
  }
  return config;
}
