import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Database, MemoryClient } from '../../js/index.js';
import { freshStore } from './support/databases.js';

/** A logger that keeps its lines. */
function recorder(lines = [], bindings = {}) {
  const write = (level) => (text) => lines.push({ level, text, bindings });
  const logger = { lines };
  for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) logger[level] = write(level);
  logger.child = (more) => recorder(lines, { ...bindings, ...more });
  return logger;
}

/** Waits until a line of the logger matches. */
async function lineOf(logger, pattern) {
  for (let turn = 0; turn < 400; turn += 1) {
    const line = logger.lines.find(({ text }) => pattern.test(text));
    if (line) return line;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`no line matches ${pattern} among ${logger.lines.map(({ text }) => text).join('\n')}`);
}

async function open(options) {
  const database = new Database({ connectionString: freshStore('memory'), ...options });
  await database.connect();
  const users = await database.createResource({
    name: 'users',
    attributes: { name: 'string', token: 'secret|optional' },
    passphrase: 'own passphrase'
  });
  return { database, users };
}

test('decision 24: engine logs reach the logger from its level on, with their request, and no values', async () => {
  const logger = recorder();
  const { database, users } = await open({ logger, logLevel: 'debug', passphrase: 'the passphrase' });
  await users.insert({ id: 'u1', name: 'a confidential name', token: 'a confidential token' });
  const line = await lineOf(logger, /store command=put key=.*resource=users\/data\/id=u1.*: done/);
  assert.equal(line.level, 'debug');
  assert.match(line.text, /^\[s3db::store::layers::trace\] /);
  const all = JSON.stringify(logger.lines);
  assert.doesNotMatch(all, /confidential|the passphrase|own passphrase/);
  await database.disconnect();
  const { length } = logger.lines;
  const silent = await open({ logger, logLevel: 'error' });
  await silent.users.insert({ id: 'u2', name: 'x' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(logger.lines.length, length);
  await silent.database.disconnect();
});

test('decision 24: warnings of the engine reach a logger that has no level', async () => {
  const logger = recorder();
  // A store of one's own that ignores conditions: the engine warns that races are judged more weakly.
  const inner = new MemoryClient({ bucket: 'weak', keyPrefix: '' });
  const client = new Proxy(inner, {
    get(target, name) {
      if (name === 'putObject') return ({ ifMatch, ifNoneMatch, ...rest }) => target.putObject(rest);
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    }
  });
  const database = new Database({ client: plainClient(client), logger });
  await database.connect();
  const users = await database.createResource({ name: 'users', attributes: { name: 'string' } });
  await users.insert({ id: 'u1', name: 'x' });
  const line = await lineOf(logger, /store ignores conditional writes/);
  assert.equal(line.level, 'warn');
  await database.disconnect();
});

/** A client object of the caller's own, with the methods that the library needs. */
function plainClient(client) {
  const methods = [
    'putObject',
    'getObject',
    'headObject',
    'deleteObject',
    'deleteObjects',
    'copyObject',
    'listObjects',
    'getAllKeys',
    'on',
    'emit'
  ];
  const plain = { bucket: 'weak', keyPrefix: '', config: { bucket: 'weak', keyPrefix: '' } };
  for (const name of methods) if (typeof client[name] === 'function') plain[name] = client[name];
  return plain;
}

test('child loggers carry name and bindings, at the level of childLevels or setChildLevel', () => {
  const logger = recorder();
  const database = new Database({ connectionString: freshStore('memory'), logger, loggerOptions: { childLevels: { quiet: 'error' } } });
  assert.equal(database.logger, logger);
  const child = database.getChildLogger('worker', { queue: 'mail' });
  child.info('hello');
  assert.deepEqual(logger.lines, [{ level: 'info', text: 'hello', bindings: { name: 'worker', queue: 'mail' } }]);
  assert.equal(database.getChildLogger('quiet').level, 'error');
  database.setChildLevel('worker', 'fatal');
  assert.equal(child.level, 'fatal');
  assert.equal(database.getChildLogger('worker').level, 'fatal');
  assert.equal(logger.level, undefined);
  assert.throws(() => database.setChildLevel('worker', 'loud'), { name: 'DatabaseError', message: /Unknown log level 'loud'/ });
});

test('levels that mean nothing are refused with the valid ones', () => {
  for (const options of [{ logLevel: 'loud' }, { loggerOptions: { level: 'loud' } }, { loggerOptions: { childLevels: { a: 'loud' } } }]) {
    assert.throws(
      () => new Database({ connectionString: freshStore('memory'), ...options }),
      (error) => {
        assert.equal(error.name, 'DatabaseError');
        assert.match(error.message, /Unknown log level 'loud'/);
        assert.match(error.suggestion, /trace, debug, info, warn, error, fatal, silent/);
        return true;
      }
    );
  }
});

test('without logger and level nothing is written; the console logger keeps to its level', () => {
  const program = (options) => `
    import { Database } from ${JSON.stringify(new URL('../../js/index.js', import.meta.url).href)};
    const database = new Database({ connectionString: 'memory://logs/x', ...${JSON.stringify(options)} });
    await database.connect();
    const users = await database.createResource({ name: 'users', attributes: { name: 'string' } });
    await users.insert({ id: 'u1', name: 'x' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    database.getChildLogger('part').warn('child line');
    await database.disconnect();`;
  const run = (options) => {
    const result = spawnSync(process.execPath, ['--input-type=module', '--eval', program(options)], { encoding: 'utf8' });
    assert.equal(result.status, 0, result.stderr);
    return result.stdout + result.stderr;
  };
  assert.equal(run({}).trim(), '[s3db][part] child line');
  assert.equal(run({ logLevel: 'silent' }), '');
  assert.match(run({ logLevel: 'debug' }), /^\[s3db\] \[s3db::store::layers::trace\] store command=/m);
});
