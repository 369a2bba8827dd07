/** Where the lines of a logger of the library go: the console, or one's own file or stream. */
import { createWriteStream } from 'node:fs';
import { format } from 'node:util';
import { ValidationError } from '../errors/index.js';
import { redactUrls } from '../errors/redact.js';

const CONSOLE = { trace: 'debug', debug: 'debug', info: 'info', warn: 'warn', error: 'error', fatal: 'error' };

/** Sinks by the options that asked for them: the loggers of a database share one. */
const made = new WeakMap();

function refuse(field, value, expected) {
  throw new ValidationError(`Option '${field}' must be ${expected}`, {
    field,
    value: typeof value,
    statusCode: 400,
    suggestion: `Correct or leave out '${field}'.`
  });
}

/** Refuses what can be no destination. */
export function checkSink({ destination, pretty } = {}, path = 'loggerOptions') {
  if (pretty !== undefined && typeof pretty !== 'boolean') refuse(`${path}.pretty`, pretty, 'a boolean');
  if (destination === undefined || destination === null || typeof destination?.write === 'function') return;
  if (typeof destination !== 'string' || destination === '') refuse(`${path}.destination`, destination, 'a file path or a stream');
}

const toConsole = (level, prefix, args) => console[CONSOLE[level]](prefix, ...args);

function textOf(level, prefix, args, pretty) {
  const time = new Date().toISOString();
  const msg = redactUrls(format(...args));
  if (pretty) return `${time} ${level.toUpperCase()} ${prefix} ${msg}`;
  return JSON.stringify({ level, time, name: prefix.slice(1, -1).replaceAll('][', '.'), msg });
}

function openFile(path) {
  const file = createWriteStream(path, { flags: 'a' });
  // A log that cannot be written must not end the process.
  file.once('error', (error) => console.error(`[s3db] the log file ${path} cannot be written: ${error.message}`));
  file.on('error', () => {});
  return file;
}

/**
 * @param {{ destination?: string | { write(text: string): any }, pretty?: boolean } | undefined | null} options destination: file path
 *   or stream, default the console; pretty: text rather than a line of JSON, default on the console only
 * @returns {(level: string, prefix: string, args: any[]) => void}
 */
export function sinkOf(options) {
  if (!options) return toConsole;
  if (!made.has(options)) made.set(options, open(options));
  return made.get(options);
}

function open({ destination, pretty }) {
  if (destination === undefined || destination === null) {
    if (pretty !== false) return toConsole;
    return (level, prefix, args) => console[CONSOLE[level]](textOf(level, prefix, args, false));
  }
  let stream = typeof destination === 'string' ? undefined : destination;
  return (level, prefix, args) => {
    stream ??= openFile(destination);
    stream.write(`${textOf(level, prefix, args, pretty === true)}\n`);
  };
}
