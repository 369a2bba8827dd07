/** The logger of a database, its children, and the engine's logs on their way to it (decision 24). */
import { DatabaseError } from '../errors/index.js';
import { native } from '../native/load.js';
import { checkSink, sinkOf } from '../util/log-sink.js';
import { childLogger, consoleLogger, LEVELS, levelOf } from '../util/logger.js';

const VALID = [...LEVELS, 'silent'];

function checkLevel(level, option, operation) {
  if (level === undefined || VALID.includes(level)) return;
  throw new DatabaseError(`Unknown log level '${String(level)}' in '${option}'`, {
    operation,
    option,
    statusCode: 400,
    retriable: false,
    suggestion: `Use one of: ${VALID.join(', ')}.`
  });
}

/** Refuses levels that mean nothing. */
export function checkLogOptions({ logLevel, loggerOptions }) {
  checkLevel(logLevel, 'logLevel', 'constructor');
  checkLevel(loggerOptions?.level, 'loggerOptions.level', 'constructor');
  checkSink(loggerOptions ?? {});
  for (const [name, level] of Object.entries(loggerOptions?.childLevels ?? {}))
    checkLevel(level, `loggerOptions.childLevels.${name}`, 'constructor');
}

/** The given logger, else the console or `loggerOptions.destination` at `logLevel`, `loggerOptions.level`, `debug` with `verbose`, or `warn`. */
export function loggerOf({ options }) {
  return options.logger ?? consoleLogger(levelOf(options) ?? 'warn', '[s3db]', sinkOf(options.loggerOptions));
}

function stateOf(database) {
  database._childLoggers ??= { levels: { ...database.options.loggerOptions?.childLevels }, made: new Map() };
  return database._childLoggers;
}

/** Sets the level of a child, unless it is the very logger of the database. */
function setLevel(database, logger, level) {
  if (level !== undefined && logger !== database.logger) logger.level = level;
}

/** A logger with a name and bindings, at the level set for that name. */
export function getChildLogger(database, name, bindings = {}) {
  const { levels, made } = stateOf(database);
  const logger = childLogger(database.logger, name, bindings);
  setLevel(database, logger, levels[name]);
  // The last one of a name; callers keep theirs, but need not.
  made.set(name, new WeakRef(logger));
  return logger;
}

/** Level of the children of a name, those to come and the last one made. */
export function setChildLevel(database, name, level) {
  checkLevel(level, 'level', 'setChildLevel');
  const { levels, made } = stateOf(database);
  levels[name] = level;
  const logger = made.get(name)?.deref();
  if (logger) setLevel(database, logger, level);
}

/** The level from which engine logs are wanted: only of who asked for logs, by a logger, a level or `verbose`. */
function engineLevel({ options, verbose }) {
  const asked = options.logLevel ?? options.loggerOptions?.level ?? options.logger?.level;
  if (asked !== undefined) return asked;
  if (options.logger) return 'warn';
  // Every request is a line at `debug`, which is more than `verbose` ever meant.
  return verbose ? 'info' : 'silent';
}

/** Starts the forwarding of engine logs. They carry no database: every database that asked gets those of the process. */
export function startEngineLogs(database) {
  const level = engineLevel(database);
  if (database._engineLogs || !LEVELS.includes(level)) return;
  database._engineLogs = new native.NativeLogs(level, (text) => {
    const { level: of, target, message, dropped } = JSON.parse(text);
    try {
      if (dropped) database.logger.warn?.(`[s3db] ${dropped} engine logs were dropped: the logger is too slow`);
      database.logger[of]?.(`[${target}] ${message}`);
    } catch (error) {
      // A logger that fails must not end the process; there is no other logger to tell.
      database.emit('loggerError', error);
    }
  });
}

/** Ends the forwarding. */
export function stopEngineLogs(database) {
  database._engineLogs?.close();
  database._engineLogs = null;
}

/** Emits; a listener that throws is reported, and keeps nothing else from being done. */
export function tell(database, event, info) {
  try {
    database.emit(event, info);
  } catch (error) {
    database.logger.warn?.(`[database] a listener of '${event}' failed: ${error?.message ?? error}`);
  }
}
