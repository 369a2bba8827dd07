/** Factory and Seeder. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Factory, Seeder, ValidationError } from '../../js/index.js';
import { connectDatabase } from './support/databases.js';

afterEach(() => Factory.reset());

const USERS = {
  name: 'users',
  attributes: { name: 'string|required', email: 'string|optional', role: 'string|optional', tags: 'array|items:string|optional' }
};

async function database(options = {}) {
  const db = await connectDatabase();
  await db.createResource({ ...USERS, ...options });
  return db;
}

const define = (options) =>
  Factory.define('users', async ({ seq }) => ({ name: `User ${seq}`, email: `user${seq}@example.com`, role: 'user' }), options);

test('define registers and replaces, new does not', () => {
  const first = define({ any: 'option' });
  assert.equal(Factory.get('users'), first);
  assert.deepEqual(first.options, { any: 'option' });
  assert.equal(first.resourceName, 'users');
  const second = define();
  assert.equal(Factory.get('users'), second);
  const loose = new Factory('others', { a: 1 });
  assert.equal(Factory.get('others'), undefined);
  assert.deepEqual([loose.traits.size, loose.afterCreateCallbacks, loose.beforeCreateCallbacks], [0, [], []]);
  Factory.reset();
  assert.equal(Factory.get('users'), undefined);
});

test('sequences start at 1, are shared by name, and a build takes one number', async () => {
  const users = define();
  assert.deepEqual([users.sequence(), users.sequence(), users.sequence('mail'), users.sequence('mail')], [1, 2, 1, 2]);
  assert.equal(new Factory('users', {}).sequence(), 3, 'shared between factories');
  assert.equal((await users.build()).name, 'User 4');
  Factory.resetSequences();
  assert.equal((await users.build()).name, 'User 1');
  assert.equal(Factory.get('users'), users, 'factories stay');
});

test('build merges the definition, traits in order and overrides, then calls function values', async () => {
  const context = [];
  const users = new Factory('users', {
    name: async ({ seq, factory }) => {
      context.push(factory === users);
      return `Name ${seq}`;
    },
    tags: ['a'],
    role: 'user'
  });
  assert.equal(users.trait('admin', { role: 'admin', level: 1 }), users);
  users.trait('numbered', ({ seq }) => ({ level: seq * 10, email: () => `mail${seq}` }));
  assert.deepEqual(await users.build({ role: ({ seq }) => `role ${seq}` }, { traits: ['admin', 'numbered'] }), {
    name: 'Name 1',
    tags: ['a'],
    role: 'role 1',
    level: 10,
    email: 'mail1'
  });
  assert.deepEqual(context, [true]);
  const plain = new Factory('users', { tags: ['a'] });
  const [one, two] = await plain.buildMany(2);
  one.tags.push('b');
  assert.deepEqual([two.tags, plain.definition.tags], [['a'], ['a']], 'records share nothing with the definition');
  assert.equal((await users.buildWithTraits('admin')).role, 'admin');
  assert.equal((await users.buildWithTraits(['numbered', 'admin'])).level, 1);
});

test('create inserts, and callbacks replace what they return something for', async () => {
  const db = await database();
  Factory.setDatabase(db);
  const users = define();
  const seen = [];
  users
    .beforeCreate(async (attributes) => ({ ...attributes, role: 'replaced' }))
    .beforeCreate((attributes) => {
      attributes.tags = ['changed in place'];
    })
    .afterCreate((created, context) => {
      seen.push(created.id, context.database === db);
    })
    .afterCreate((created) => ({ ...created, extra: true }));
  const created = await users.create({ id: 'one', name: 'Given' });
  assert.equal(created.extra, true);
  assert.deepEqual(seen, ['one', true]);
  const stored = await db.resources.users.get('one');
  assert.deepEqual([stored.name, stored.email, stored.role, stored.tags], ['Given', 'user1@example.com', 'replaced', ['changed in place']]);
});

test('createMany and createWithTraits insert through the options database', async () => {
  const db = await database();
  const users = define().trait('admin', { role: 'admin' });
  const made = await users.createMany(3, { role: 'guest' }, { database: db });
  assert.deepEqual(
    made.map(({ name, role }) => [name, role]),
    [1, 2, 3].map((number) => [`User ${number}`, 'guest'])
  );
  assert.deepEqual(await users.createMany(0, {}, { database: db }), []);
  assert.equal((await users.createWithTraits('admin', {}, { database: db })).role, 'admin');
  assert.equal((await users.createWithTraits(['admin'], { role: 'own' }, { database: db })).role, 'own');
  assert.equal(await db.resources.users.count(), 5);
});

test('spec01_12_45 each database passed in the options has sequences of its own', async () => {
  const [common, a, b] = [await database(), await database(), await database()];
  Factory.setDatabase(common);
  const users = define();
  const nameIn = async (db) => (await users.create({}, db && { database: db })).name;
  assert.deepEqual([await nameIn(), await nameIn(a), await nameIn(a), await nameIn(b)], ['User 1', 'User 1', 'User 2', 'User 1']);
  assert.equal(await nameIn(common), 'User 2', 'the common database by name or not');
  const own = new Factory('users', ({ factory }) => ({ name: `N ${factory.sequence('n')}` }));
  assert.deepEqual([(await own.create({}, { database: a })).name, (await own.create({}, { database: b })).name], ['N 1', 'N 1']);
  Factory.resetSequences();
  assert.deepEqual([await nameIn(), await nameIn(a)], ['User 1', 'User 1']);
});

test('errors of factories are ValidationErrors with the texts of 13.6', async () => {
  const users = define();
  const fails = (promise, message) =>
    assert.rejects(promise, (error) => {
      assert.ok(error instanceof ValidationError);
      assert.deepEqual([error.message, error.statusCode], [message, 422]);
      assert.ok(error.suggestion);
      return true;
    });
  await fails(users.create(), 'Database not set for factory');
  Factory.setDatabase(await connectDatabase());
  await fails(users.create(), "Resource 'users' not found in database");
  await fails(users.build({}, { traits: ['absent'] }), "Trait 'absent' not found in factory 'users'");
  await fails(users.buildMany(-1), 'buildMany requires a count');
  await fails(users.createMany('3'), 'createMany requires a count');
  assert.throws(() => new Factory('', {}), { name: 'ValidationError', field: 'resourceName' });
  assert.throws(() => new Factory('users'), { name: 'ValidationError', field: 'definition' });
});

test('Seeder seeds in key order and keeps what was made before a missing factory', async () => {
  const db = await database();
  await db.createResource({ name: 'posts', attributes: { title: 'string' } });
  define();
  Factory.define('posts', ({ seq }) => ({ title: `Post ${seq}` }));
  const seeder = new Seeder(db, { verbose: false });
  const made = await seeder.seed({ posts: 2, users: 1 });
  assert.deepEqual(Object.keys(made), ['posts', 'users']);
  assert.deepEqual(
    made.posts.map(({ title }) => title),
    ['Post 1', 'Post 2']
  );
  assert.equal((await seeder.seedAndReturn({ posts: 1 })).posts[0].title, 'Post 3');
  await assert.rejects(seeder.seed({ users: 1, absent: 1 }), {
    name: 'ValidationError',
    message: "Factory for 'absent' not found",
    statusCode: 422
  });
  assert.deepEqual([await db.resources.users.count(), await db.resources.posts.count()], [2, 3]);
});

test('Seeder call and run hand over the database, one after the other', async () => {
  const db = await database();
  const seeder = new Seeder(db, { verbose: false });
  const order = [];
  assert.equal(await seeder.call((given) => given === db), true);
  const slow = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    order.push('slow');
    return 1;
  };
  assert.deepEqual(await seeder.run([slow, () => order.push('fast')]), [1, 2]);
  assert.deepEqual(order, ['slow', 'fast']);
});

test('Seeder truncates named or all resources, paranoid ones too, and reset restarts sequences', async () => {
  const db = await database({ paranoid: true });
  await db.createResource({ name: 'posts', attributes: { title: 'string' } });
  define();
  Factory.define('posts', { title: 'x' });
  const seeder = new Seeder(db, { verbose: false });
  await seeder.seed({ users: 3, posts: 2 });
  await seeder.truncate(['users', 'absent']);
  assert.deepEqual([await db.resources.users.count(), await db.resources.posts.count()], [0, 2]);
  await seeder.truncateAll();
  assert.equal(await db.resources.posts.count(), 0);
  await seeder.seed({ users: 1 });
  await seeder.reset();
  assert.equal(await db.resources.users.count(), 0);
  assert.equal((await seeder.seed({ users: 1 })).users[0].name, 'User 1');
});

test('Seeder reports on the console unless verbose is false', async () => {
  const db = await database();
  define();
  const { log } = console;
  const lines = [];
  try {
    console.log = (line) => lines.push(line);
    await new Seeder(db).seed({ users: 1 });
    await new Seeder(db, { verbose: undefined }).truncate(['absent']);
    await new Seeder(db, { verbose: false }).truncate(['absent']);
  } finally {
    console.log = log;
  }
  assert.equal(lines.length, 3);
  for (const line of lines) assert.match(line, /^\[Seeder\] /);
  assert.throws(() => new Seeder(), { name: 'ValidationError', field: 'database' });
});
