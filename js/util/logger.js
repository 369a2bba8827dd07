/** Loggers: the one given, else the console at a level (decision 24). */

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const CONSOLE = { trace: 'debug', debug: 'debug', info: 'info', warn: 'warn', error: 'error', fatal: 'error' };
const silent = () => {};

/**
 * Logger on the console.
 * @param {string} threshold lowest level that is written; any other text, `silent` for one, writes nothing
 * @param {string} prefix first argument of every line
 */
export function consoleLogger(threshold, prefix) {
  const logger = {};
  const assign = (level) => {
    const from = LEVELS.indexOf(level);
    for (const [index, name] of LEVELS.entries()) {
      logger[name] = from === -1 || index < from ? silent : (...args) => console[CONSOLE[name]](prefix, ...args);
    }
  };
  assign(threshold);
  let current = threshold;
  Object.defineProperty(logger, 'level', {
    get: () => current,
    set: (level) => {
      current = level;
      assign(level);
    }
  });
  logger.child = (bindings = {}) => consoleLogger(current, `${prefix}[${Object.values(bindings).join(' ')}]`);
  return logger;
}

/**
 * @param {object} plugin `options.logger` wins over the database's; without either, `options.logLevel` (`trace` to
 *   `fatal`, `silent`) or `verbose` sets what reaches the console, warnings and errors by default
 */
export function pluginLogger(plugin) {
  const given = plugin.options.logger ?? plugin.database?.options?.logger;
  if (given) return given;
  return consoleLogger(levelOf(plugin.options) ?? levelOf(plugin.database?.options) ?? 'warn', `[${plugin.name}]`);
}

/** The level that options ask for: `logLevel`, `loggerOptions.level`, or `debug` for `verbose`. */
export function levelOf(options) {
  return options?.logLevel ?? options?.loggerOptions?.level ?? (options?.verbose ? 'debug' : undefined);
}

/** A logger with a name and bindings, where the given logger can make one. */
export function childLogger(logger, name, bindings = {}) {
  return typeof logger.child === 'function' ? logger.child({ name, ...bindings }) : logger;
}
