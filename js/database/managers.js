/** `processManager` and `cronManager` of a database: those of its options, else its own, which end with the connection. */
import { DatabaseError } from '../errors/index.js';
import { CronManager } from '../plugin/cron-manager.js';
import { ProcessManager } from '../plugin/process-manager.js';

const CLASSES = { processManager: ProcessManager, cronManager: CronManager };
/** Ends of jobs of the database's own manager. */
const GRACE = 5000;

/** Refuses managers that are none. */
export function checkManagers(options) {
  for (const [option, type] of Object.entries(CLASSES)) {
    const value = options[option];
    if (value === undefined || value === null || value instanceof type) continue;
    throw new DatabaseError(`Option '${option}' must be a ${type.name}`, {
      operation: 'constructor',
      option,
      statusCode: 400,
      retriable: false,
      suggestion: `Pass new ${type.name}() or get${type.name}(), or leave '${option}' out.`
    });
  }
}

/** The manager of that option; one of the database's own is made when it is asked for. */
export function managerOf(database, option) {
  const given = database.options[option];
  if (given) return given;
  const { _managers: own } = database;
  const logger = typeof database.logger?.error === 'function' ? database.logger : undefined;
  // Signals are the business of the database.
  own[option] ??= new CLASSES[option]({ exitOnSignal: false, shutdownTimeout: GRACE, logger });
  return own[option];
}

const cleanupName = (database) => `database ${database.id}`;

/** The shutdown of a given ProcessManager disconnects the database. */
export function registerWithManager(database) {
  database.options.processManager?.registerCleanup(() => database.disconnect(), cleanupName(database));
}

/** Ends the managers that are the database's own. */
export async function stopManagers(database) {
  database.options.processManager?.unregisterCleanup(cleanupName(database));
  const own = Object.values(database._managers);
  database._managers = {};
  await Promise.all(own.map((manager) => manager.shutdown()));
}
