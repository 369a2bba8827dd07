/** `database.getGlobalCoordinator(namespace)`: elections of the application, one per namespace (spec/01 section 14). */
import { DatabaseError } from '../errors/index.js';
import { Coordinator } from '../plugin/coordinator.js';
import { coordinatorConfig } from '../plugin/coordinator-config.js';
import { PluginStorage } from '../plugin/plugin-storage.js';
import { nearestName } from '../util/nearest-name.js';
import { warnOnce } from '../util/warn.js';

const OPTIONS = ['heartbeatInterval', 'heartbeatJitter', 'leaseTimeout', 'workerTimeout', 'startupJitterMin', 'startupJitterMax'];
/** Of later versions, for parts that this coordinator does not need: accepted, without effect (decision 22). */
const LATER = [
  'diagnosticsEnabled',
  'contentionEnabled',
  'contentionThreshold',
  'contentionRateLimitMs',
  'metricsBufferSize',
  'stateCacheTtl'
];

function fail(message, details) {
  return new DatabaseError(message, { operation: 'getGlobalCoordinator', statusCode: 400, retriable: false, ...details });
}

function configOf(database, namespace, given) {
  const config = {};
  for (const [key, value] of Object.entries(given)) {
    if (OPTIONS.includes(key)) config[key] = value;
    else if (!LATER.includes(key)) {
      const near = nearestName(key, OPTIONS);
      const message = `Unknown option '${key}' for the coordinator of '${namespace}'${near ? `; did you mean '${near}'?` : ''}`;
      if (database.options.strictOptions === true)
        throw fail(message, { option: key, suggestion: `Valid options: ${OPTIONS.join(', ')}.` });
      warnOnce(database, { code: 'UNKNOWN_OPTION', message, details: { option: key, nearest: near } });
    }
  }
  // Nothing is spread over time unless asked for: an application takes part when it says so.
  return coordinatorConfig({ startupJitterMax: config.startupJitterMin ?? 0, ...config }, `the coordinator of '${namespace}'`);
}

function makeCoordinator(database, namespace, config) {
  const storage = new PluginStorage(database.client, 'coordinator');
  return new Coordinator({
    namespace,
    pluginName: 'coordinator',
    storage: () => storage,
    lock: `namespace=${namespace}`,
    config,
    onError: (error, failure) => {
      database.emit('plugin.error', { plugin: 'coordinator', namespace, error, ...failure });
      database.logger.warn(`[s3db] coordinator of '${namespace}': ${error?.message ?? error}`);
    }
  });
}

/**
 * @param {import('./database.js').Database} database
 * @param {string} namespace
 * @param {{ autoStart?: boolean, config?: object }} [options] `autoStart` (false) takes part at once
 */
export function getGlobalCoordinator(database, namespace, { autoStart = false, config } = {}) {
  if (typeof namespace !== 'string' || namespace === '') {
    throw fail('Database.getGlobalCoordinator: namespace is required', {
      field: 'namespace',
      suggestion: "Name what is coordinated, for example getGlobalCoordinator('reports')."
    });
  }
  let coordinator = database._coordinators.get(namespace);
  if (coordinator === undefined) {
    coordinator = makeCoordinator(database, namespace, configOf(database, namespace, config ?? {}));
    database._coordinators.set(namespace, coordinator);
  } else if (config !== undefined) {
    const wanted = configOf(database, namespace, config);
    const field = OPTIONS.find((name) => config[name] !== undefined && wanted[name] !== coordinator.config[name]);
    if (field !== undefined) {
      throw fail(`The coordinator of '${namespace}' exists with another ${field}: ${coordinator.config[field]}`, {
        field,
        suggestion: 'Give the options where the coordinator is asked for first, or the same everywhere.'
      });
    }
  }
  if (autoStart) coordinator.start();
  return coordinator;
}

/** Ends every part in elections; the next request makes new coordinators. */
export async function stopCoordinators(database) {
  const running = [...database._coordinators.values()];
  database._coordinators.clear();
  await Promise.all(running.map((coordinator) => coordinator.stop()));
}
