import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { AuditPlugin, CachePlugin, Database, MemoryClient, Resource, ResourceError } from '../../js/index.js';
import { connectDatabase } from './support/databases.js';

const attributes = { name: 'string|required', status: 'string|optional' };

test('spec03_27 disableEvents: nothing is emitted, listeners are dropped with one warning', async () => {
  const database = await connectDatabase();
  const warnings = [];
  database.on('db:warning', (warning) => warnings.push(warning));
  const heard = [];
  const quiet = await database.createResource({
    name: 'quiet',
    attributes,
    disableEvents: true,
    asyncEvents: false,
    events: { inserted: () => heard.push('configured') }
  });
  const loud = await database.createResource({ name: 'loud', attributes, asyncEvents: false });
  assert.equal(quiet.eventsDisabled, true);
  assert.equal(loud.eventsDisabled, false);
  for (const method of ['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'])
    assert.equal(
      quiet[method]('inserted', () => heard.push(method)),
      quiet,
      method
    );
  assert.equal(quiet.listenerCount('inserted'), 0);
  loud.on('inserted', () => heard.push('loud'));
  await quiet.insert({ id: 'a', name: 'A' });
  await quiet.update('a', { name: 'B' });
  await loud.insert({ id: 'a', name: 'A' });
  assert.equal(quiet.emit('inserted', {}), false);
  assert.equal(quiet.emitSync('inserted', {}), false);
  assert.deepEqual(heard, ['loud']);
  assert.equal((await quiet.get('a')).name, 'B');
  const told = warnings.filter(({ code }) => code === 'EVENTS_DISABLED');
  assert.deepEqual(
    told.map(({ resource }) => resource),
    ['quiet']
  );
  assert.match(told[0].message, /inserted/);
});

test('spec03_27 disableResourceEvents of the database reaches created and restored resources; a resource may decide otherwise', async () => {
  const client = new MemoryClient({ bucket: 'later-events' });
  const first = await connectDatabase({ client });
  await first.createResource({ name: 'stored', attributes });
  const second = await connectDatabase({ client, disableResourceEvents: true });
  assert.equal(second.resources.stored.eventsDisabled, true);
  assert.equal((await second.createResource({ name: 'made', attributes })).eventsDisabled, true);
  const own = await second.createResource({ name: 'own', attributes, disableEvents: false, asyncEvents: false });
  assert.equal(own.eventsDisabled, false);
  let heard = 0;
  own.on('inserted', () => {
    heard += 1;
  });
  await own.insert({ name: 'x' });
  assert.equal(heard, 1);
  const created = [];
  second.on('db:resource-created', (name) => created.push(name));
  await second.createResource({ name: 'third', attributes });
  assert.deepEqual(created, ['third'], 'events of the database stay');
});

test('spec03_27 a re-declaration switches events on again', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({ name: 'switch', attributes, asyncEvents: false, disableEvents: true });
  let heard = 0;
  const events = {
    inserted() {
      heard += 1;
    }
  };
  assert.equal(await database.createResource({ name: 'switch', attributes, asyncEvents: false, disableEvents: false, events }), resource);
  await resource.insert({ name: 'x' });
  assert.equal(heard, 1);
  await database.createResource({ name: 'switch', attributes, disableEvents: true });
  await resource.insert({ name: 'y' });
  assert.equal(heard, 1);
});

test('spec03_27 plugins that follow writes still see them under disableEvents', async () => {
  const audit = new AuditPlugin({ includeData: true });
  const cache = new CachePlugin({ driver: 'memory' });
  const database = await connectDatabase({ plugins: [audit, cache], disableResourceEvents: true });
  const resource = await database.createResource({ name: 'followed', attributes });
  const { id } = await resource.insert({ name: 'one' });
  assert.equal((await resource.list()).length, 1);
  await resource.update(id, { name: 'two' });
  assert.equal((await resource.list())[0].name, 'two', 'the cache was invalidated');
  const logs = await audit.getAuditLogs({ resourceName: 'followed' });
  assert.deepEqual(logs.map(({ operation }) => operation).sort(), ['insert', 'update']);
});

for (const option of ['disableEvents', 'disableResourceEvents', 'lazySchema']) {
  test(`spec03_27 ${option} must be a boolean`, () => {
    assert.throws(
      () => new Resource({ name: 'r', client: new MemoryClient({ bucket: 'later-check' }), attributes, [option]: 'yes' }),
      (error) => error instanceof ResourceError && error.validation[0] === `Resource '${option}' must be a boolean`
    );
  });
}

test('spec03_27 dispose tells resource:disposed once, then forgets listeners; the resource can still be used', async () => {
  const database = await connectDatabase();
  for (const asyncEvents of [true, false]) {
    const resource = await database.createResource({ name: `gone-${asyncEvents}`, attributes, asyncEvents });
    await resource.insert({ id: 'a', name: 'A' });
    const heard = [];
    resource.on('resource:disposed', (event) => heard.push(event));
    resource.on('inserted', () => heard.push('inserted'));
    resource.dispose();
    assert.deepEqual(heard, [{ resourceName: `gone-${asyncEvents}` }]);
    assert.deepEqual(resource.eventNames(), []);
    assert.equal(resource.isSchemaCompiled(), false);
    await resource.insert({ id: 'b', name: 'B' });
    await assert.rejects(resource.insert({ id: 'c' }), /name/);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    assert.equal(heard.length, 1);
  }
});

test('spec03_27 a listener of resource:disposed that throws does not keep the others registered', async () => {
  const database = await connectDatabase();
  const resource = await database.createResource({ name: 'gone', attributes });
  resource.on('resource:disposed', () => {
    throw new Error('no');
  });
  resource.on('inserted', () => {});
  assert.throws(() => resource.dispose(), /no/);
  assert.deepEqual(resource.eventNames(), []);
});

test('spec03_27 resources are disposed by deleteResource and disconnect', async () => {
  const database = new Database({ connectionString: 'memory://resource-later-end/db' });
  await database.connect();
  const heard = new EventEmitter();
  const names = [];
  heard.on('end', (name) => names.push(name));
  for (const name of ['first', 'second']) {
    const resource = await database.createResource({ name, attributes });
    resource.on('resource:disposed', ({ resourceName }) => heard.emit('end', resourceName));
  }
  await database.deleteResource('first');
  assert.deepEqual(names, ['first']);
  await database.disconnect();
  assert.deepEqual(names, ['first', 'second']);
});

test('spec03_27 the check of records is compiled with the first record, by prewarmSchema, or at once under lazySchema: false', async () => {
  const database = await connectDatabase();
  const lazy = await database.createResource({ name: 'lazy', attributes: { lazy: 'string|required' }, lazySchema: true });
  assert.equal(lazy.isSchemaCompiled(), false);
  assert.equal(lazy.prewarmSchema(), true);
  assert.equal(lazy.isSchemaCompiled(), true);
  assert.equal(lazy.prewarmSchema(), false);
  await assert.rejects(lazy.insert({}), /lazy/);

  const eager = await database.createResource({ name: 'eager', attributes: { eager: 'string|required' }, lazySchema: false });
  assert.equal(eager.isSchemaCompiled(), true);
  eager.updateAttributes({ eager: 'string|required', more: 'string|optional' });
  assert.equal(eager.isSchemaCompiled(), true, 'a new definition as well');

  const plain = await database.createResource({ name: 'plain', attributes: { plain: 'string|required' } });
  assert.equal(plain.isSchemaCompiled(), false);
  await plain.insert({ plain: 'x' });
  assert.equal(plain.isSchemaCompiled(), true);
});

test('spec03_27 security of a resource gives its passphrase and cost, the older names win', async () => {
  const database = await connectDatabase({ passphrase: 'database', bcryptRounds: 4 });
  const secrets = { pin: 'secret|required' };
  const newer = await database.createResource({
    name: 'newer',
    attributes: secrets,
    security: { passphrase: 'own', bcrypt: { rounds: 5 } }
  });
  assert.deepEqual([newer.passphrase, newer.bcryptRounds], ['own', 5]);
  await newer.insert({ id: 'a', pin: '1234' });
  assert.equal((await newer.get('a')).pin, '1234');
  newer.passphrase = 'database';
  assert.notEqual((await newer.get('a')).pin, '1234', 'it was stored under the passphrase of security');
  const both = await database.createResource({
    name: 'both',
    attributes: secrets,
    passphrase: 'older',
    bcryptRounds: 6,
    security: { passphrase: 'own', bcrypt: { rounds: 5 } }
  });
  assert.deepEqual([both.passphrase, both.bcryptRounds], ['older', 6]);
});
