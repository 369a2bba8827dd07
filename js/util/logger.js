/** Loggers: the one given, else the console, or another destination, at a level (decision 24). */
import { ValidationError } from '../errors/index.js';
import { checkSink, sinkOf } from './log-sink.js';

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const silent = () => {};

/**
 * Logger on the console, or where `sink` writes.
 * @param {string} threshold lowest level that is written; any other text, `silent` for one, writes nothing
 * @param {string} prefix first argument of every line
 * @param {(level: string, prefix: string, args: any[]) => void} [sink]
 */
export function consoleLogger(threshold, prefix, sink = sinkOf()) {
  const logger = {};
  const assign = (level) => {
    const from = LEVELS.indexOf(level);
    for (const [index, name] of LEVELS.entries()) {
      logger[name] = from === -1 || index < from ? silent : (...args) => sink(name, prefix, args);
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
  logger.child = (bindings = {}) => consoleLogger(current, `${prefix}[${Object.values(bindings).join(' ')}]`, sink);
  return logger;
}

/**
 * A logger as the library itself uses it.
 * @param {{ level?: string, name?: string, bindings?: Record<string, unknown>, destination?: string | { write(text: string): any },
 *   pretty?: boolean }} [options] level: default `info`; see `sinkOf` for destination and pretty
 * @throws {ValidationError} naming the option
 */
export function createLogger(options = {}) {
  const { level = 'info', name = 's3db', bindings } = options;
  if (![...LEVELS, 'silent'].includes(level)) {
    throw new ValidationError(`Unknown log level '${String(level)}'`, {
      field: 'level',
      value: level,
      statusCode: 400,
      suggestion: `Use one of: ${LEVELS.join(', ')}, silent.`
    });
  }
  checkSink(options, 'createLogger');
  const logger = consoleLogger(level, `[${name}]`, sinkOf(options));
  return bindings ? logger.child(bindings) : logger;
}

/**
 * @param {object} plugin `options.logger` wins over the database's; without either, `options.logLevel` (`trace` to
 *   `fatal`, `silent`) or `verbose` sets what reaches the console, warnings and errors by default
 */
export function pluginLogger(plugin) {
  const shared = plugin.database?.options;
  const given = plugin.options.logger ?? shared?.logger;
  if (given) return given;
  return consoleLogger(levelOf(plugin.options) ?? levelOf(shared) ?? 'warn', `[${plugin.name}]`, sinkOf(shared?.loggerOptions));
}

/** The level that options ask for: `logLevel`, `loggerOptions.level`, or `debug` for `verbose`. */
export function levelOf(options) {
  return options?.logLevel ?? options?.loggerOptions?.level ?? (options?.verbose ? 'debug' : undefined);
}

/** A logger with a name and bindings, where the given logger can make one. */
export function childLogger(logger, name, bindings = {}) {
  return typeof logger.child === 'function' ? logger.child({ name, ...bindings }) : logger;
}
