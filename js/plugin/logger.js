/** The logger of a plugin: the one given to it or to the database, else the console at the chosen level (decision 24). */

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const CONSOLE = { trace: 'debug', debug: 'debug', info: 'info', warn: 'warn', error: 'error', fatal: 'error' };
const silent = () => {};

function consoleLogger(threshold, prefix) {
  const logger = {};
  const from = LEVELS.indexOf(threshold);
  for (const [index, level] of LEVELS.entries()) {
    logger[level] = from === -1 || index < from ? silent : (...args) => console[CONSOLE[level]](prefix, ...args);
  }
  logger.child = (bindings = {}) => consoleLogger(threshold, `${prefix}[${Object.values(bindings).join(' ')}]`);
  return logger;
}

/**
 * @param {object} plugin `options.logger` wins over the database's; without either, `options.logLevel` (`trace` to
 *   `fatal`, `silent`) or `verbose` sets what reaches the console, warnings and errors by default
 */
export function loggerOf(plugin) {
  const given = plugin.options.logger ?? plugin.database?.options?.logger;
  if (given) return given;
  const verbose = plugin.options.verbose ?? plugin.database?.verbose;
  const level = plugin.options.logLevel ?? plugin.database?.options?.logLevel ?? (verbose ? 'debug' : 'warn');
  return consoleLogger(level, `[${plugin.name}]`);
}

/** A logger with a name and bindings, where the given logger can make one. */
export function childLogger(logger, name, bindings = {}) {
  return typeof logger.child === 'function' ? logger.child({ name, ...bindings }) : logger;
}
