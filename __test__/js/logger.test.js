// Loggers of the library: destination, form, and that no credentials are written.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger, Plugin } from '../../js/index.js';
import { temporaryDirectory } from './support/clients.js';
import { connectDatabase, makeDatabase } from './support/databases.js';

/** A stream that keeps its lines. */
function stream() {
  const lines = [];
  return { lines, write: (text) => lines.push(text) };
}

test('spec01_14 createLogger writes from its level on, with name and bindings, as lines of JSON or as text', () => {
  const destination = stream();
  const logger = createLogger({ level: 'warn', name: 'jobs', bindings: { queue: 'mail' }, destination });
  logger.info('unseen');
  logger.warn('seen %d of %s', 1, 's3://KEYID:CONFIDENTIAL@bucket');
  logger.level = 'info';
  logger.child({ part: 'a' }).info('from the child');
  const [first, second, ...more] = destination.lines.map((line) => JSON.parse(line));
  assert.deepEqual(first, { level: 'warn', time: first.time, name: 'jobs.mail', msg: 'seen 1 of s3://***@bucket' });
  assert.ok(!Number.isNaN(Date.parse(first.time)));
  assert.deepEqual([second.name, second.msg, more], ['jobs.mail.a', 'from the child', []]);
  const text = stream();
  createLogger({ destination: text, pretty: true }).error('plain');
  assert.match(text.lines[0], /^\d{4}-\d\d-\d\dT[\d:.]+Z ERROR \[s3db\] plain\n$/);
});

test('spec01_14 createLogger writes to the console unless it is told where, and refuses what means nothing', (t) => {
  const written = [];
  t.mock.method(console, 'info', (...args) => written.push(args));
  t.mock.method(console, 'error', (...args) => written.push(args));
  createLogger({ name: 'x' }).info('a', 1);
  createLogger({ name: 'x', level: 'fatal' }).error('unseen');
  createLogger({ name: 'x', pretty: false }).fatal('b');
  assert.deepEqual(written[0], ['[x]', 'a', 1]);
  assert.deepEqual([JSON.parse(written[1][0]).msg, written.length], ['b', 2]);
  for (const [options, field] of [
    [{ level: 'loud' }, 'level'],
    [{ pretty: 'yes' }, 'createLogger.pretty'],
    [{ destination: '' }, 'createLogger.destination'],
    [{ destination: {} }, 'createLogger.destination']
  ]) {
    assert.throws(() => createLogger(options), { name: 'ValidationError', field });
  }
});

test('spec01_14 loggerOptions: destination and pretty hold for the database, its children and its plugins', async () => {
  const destination = stream();
  class Talking extends Plugin {
    async onInstall() {
      this.logger.warn('from the plugin');
    }
  }
  const database = await connectDatabase({ loggerOptions: { destination, pretty: true }, plugins: [new Talking()] });
  database.logger.warn('from the database');
  database.getChildLogger('part').warn('from the child');
  assert.deepEqual(
    destination.lines.map((line) => line.replace(/^\S+ /, '')),
    ['WARN [Talking] from the plugin\n', 'WARN [s3db] from the database\n', 'WARN [s3db][part] from the child\n']
  );
  for (const loggerOptions of [{ pretty: 1 }, { destination: 5 }]) {
    const field = `loggerOptions.${Object.keys(loggerOptions)[0]}`;
    assert.throws(() => makeDatabase({ loggerOptions }), { name: 'ValidationError', field });
  }
});

test('spec01_14 loggerOptions: a file is appended to; one that cannot be written ends nothing', async (t) => {
  const path = join(temporaryDirectory(), 'log.txt');
  const lineOf = async (text) => {
    for (let turn = 0; turn < 400; turn += 1) {
      try {
        if (readFileSync(path, 'utf8').includes(text)) return readFileSync(path, 'utf8');
      } catch {
        // Not there yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`no line with '${text}'`);
  };
  makeDatabase({ loggerOptions: { destination: path } }).logger.warn('first');
  await lineOf('first');
  makeDatabase({ loggerOptions: { destination: path } }).logger.warn('second');
  const lines = (await lineOf('second')).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).msg),
    ['first', 'second']
  );
  const told = new Promise((resolve) => {
    t.mock.method(console, 'error', resolve);
  });
  makeDatabase({ loggerOptions: { destination: join(path, 'below-a-file') } }).logger.warn('lost');
  assert.match(await told, /log file .*below-a-file cannot be written/);
});
