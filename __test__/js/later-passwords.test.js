// Passwords of later versions (spec/04 section 18): the security option, Argon2id, pepper, compact hashes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import {
  compactHash,
  Database,
  detectAlgorithm,
  expandHash,
  hashPassword,
  isArgon2Hash,
  isBcryptHash,
  isPasswordHash,
  Schema,
  Validator,
  verifyPassword
} from '../../js/index.js';
import { SchemaActions } from '../../js/schema/schema-actions.js';
import { connectDatabase, freshStore, readObject, reopen } from './support/databases.js';
import { golden } from './support/golden.js';
import { turnsDuring } from './support/turns.js';

const CHEAP = { memoryCost: 64, timeCost: 1, parallelism: 1 };
const SECURITY = { passphrase: 'p', pepper: 'pepper', bcrypt: { rounds: 4 }, argon2: CHEAP };
const DEFINITIONS = { bare: 'password', bcrypt: 'password:bcrypt', argon: 'password:argon2id' };
const secretsOf = () => ({ bare: 'hunter22', bcrypt: 'hunter22', argon: 'hunter22' });

test('spec04_18 hashes that s3db.js 21 stored verify with their pepper', async () => {
  for (const { password, pepper, stored, full, algorithm } of golden('later-types').passwords) {
    for (const hash of [stored, full]) {
      assert.equal(await verifyPassword(password, hash, pepper), true, hash);
      assert.equal(await verifyPassword(`${password}x`, hash, pepper), false);
      if (pepper) assert.equal(await verifyPassword(password, hash), false);
      assert.equal(detectAlgorithm(hash), algorithm);
      assert.equal(isPasswordHash(hash), true);
      assert.equal(isArgon2Hash(hash), algorithm === 'argon2id');
      assert.equal(isBcryptHash(hash), algorithm === 'bcrypt');
    }
    assert.equal(expandHash(stored), full);
    if (algorithm === 'argon2id') assert.equal(compactHash(full), stored);
  }
});

test('spec04_18 every password type stores the hash of its algorithm, in both notations', async () => {
  const db = await connectDatabase({ security: SECURITY });
  const users = await db.createResource({ name: 'users', behavior: 'enforce-limits', attributes: DEFINITIONS });
  const objects = await db.createResource({
    name: 'objects',
    behavior: 'enforce-limits',
    attributes: Object.fromEntries(Object.entries(DEFINITIONS).map(([name, type]) => [name, { type }]))
  });
  for (const resource of [users, objects]) {
    const inserted = await resource.insert({ id: 'one', ...secretsOf() });
    const { metadata } = await readObject(db, `resource=${resource.name}/data/id=one`);
    for (const name of Object.keys(DEFINITIONS)) assert.equal(metadata[resource.schema.map[name]], inserted[name], name);
    assert.equal(inserted.bare.length, 53);
    assert.match(inserted.bcrypt, /^\$4\$[./\w]{53}$/);
    assert.match(inserted.argon, /^\$j\|6\|1\|1\$[+/\w]{22}\$[+/\w]{43}$/);
    const stored = await resource.get('one');
    for (const name of Object.keys(DEFINITIONS)) {
      assert.equal(await verifyPassword('hunter22', stored[name], 'pepper'), true, name);
      assert.equal(await verifyPassword('hunter22', stored[name], { pepper: 'pepper' }), true, name);
      assert.equal(await verifyPassword('hunter22', stored[name]), false, `${name} without pepper`);
      assert.equal(await verifyPassword('hunter23', stored[name], 'pepper'), false, name);
    }
  }
  assert.deepEqual(users.schema.options.hooks.beforeMap.argon, [{ action: 'hashPassword', params: { algorithm: 'argon2id' } }]);
});

test('spec04_18 a stored hash is never hashed again, by update, replace or insert', async () => {
  const db = await connectDatabase({ security: SECURITY });
  const users = await db.createResource({ name: 'users', attributes: { ...DEFINITIONS, name: 'string|optional' } });
  const { bcrypt, argon } = await users.insert({ id: 'one', ...secretsOf() });
  await users.update('one', { name: 'a' });
  await users.replace('one', { ...(await users.get('one')), bare: 'hunter22', name: 'b' });
  await users.insert({ id: 'two', bare: 'hunter22', bcrypt, argon });
  for (const id of ['one', 'two']) {
    const found = await users.get(id);
    assert.deepEqual([found.bcrypt, found.argon], [bcrypt, argon]);
    assert.equal(await verifyPassword('hunter22', found.bare, 'pepper'), true);
  }
  // A new password is hashed.
  await users.update('one', { argon: 'another one' });
  assert.equal(await verifyPassword('another one', (await users.get('one')).argon, 'pepper'), true);
});

test('spec04_18 older records, other databases and another pepper', async () => {
  const connectionString = freshStore();
  const plain = await connectDatabase({ connectionString, bcryptRounds: 4 });
  const users = await plain.createResource({ name: 'users', attributes: { name: 'string', pin: 'password' } });
  const { pin } = await users.insert({ id: 'one', name: 'a', pin: 'hunter22' });
  const later = await reopen(plain, { connectionString, security: SECURITY });
  const again = await later.getResource('users');
  // What was hashed without pepper stays as it is and verifies without.
  await again.update('one', { name: 'b' });
  assert.equal((await again.get('one')).pin, pin);
  assert.equal(await verifyPassword('hunter22', pin), true);
  await again.update('one', { pin: 'hunter23' });
  assert.equal(await verifyPassword('hunter23', (await again.get('one')).pin, 'pepper'), true);
  // A resource may have settings of its own, over those of its database.
  const own = await later.createResource({ name: 'own', attributes: DEFINITIONS, security: { pepper: 'other', argon2: { timeCost: 2 } } });
  const { argon, bare } = await own.insert({ id: 'one', ...secretsOf() });
  assert.match(argon, /^\$j\|6\|2\|1\$/);
  assert.equal(await verifyPassword('hunter22', argon, 'other'), true);
  assert.equal(await verifyPassword('hunter22', bare, 'other'), true);
  assert.equal(await verifyPassword('hunter22', bare, 'pepper'), false);
});

test('spec04_18 hashing by Argon2id leaves the event loop free', async () => {
  const db = await connectDatabase();
  const items = await db.createResource({ name: 'items', attributes: { password: 'password:argon2id' } });
  await items.insert({ id: 'warm', password: 'correct horse' });
  const { result, turns } = await turnsDuring(() => items.insert({ id: 'one', password: 'correct horse' }));
  const { password } = result;
  // Blocked, the loop would take one or two turns in the tenth of a second and more that 64 MiB take.
  assert.ok(turns > 20, `${turns} turns`);
  assert.match(password, /^\$j\|g\|3\|4\$/);
  assert.equal(await verifyPassword('correct horse', password), true);
});

describe('the security option', () => {
  test('spec04_18 security gives passphrase, pepper and costs; the options of 13.6 win', () => {
    const of = (options) => new Database({ connectionString: freshStore(), ...options });
    assert.deepEqual(of({}).security, { passphrase: 'secret', bcrypt: { rounds: 10 } });
    assert.equal(of({ security: {} }).bcryptRounds, 12);
    assert.equal(of({ security: { passphrase: 'q', bcrypt: { rounds: 13 } } }).bcryptRounds, 13);
    const both = of({ passphrase: 'p', bcryptRounds: 5, security: { passphrase: 'q', bcrypt: { rounds: 13 }, pepper: 'x' } });
    assert.deepEqual([both.passphrase, both.bcryptRounds, both.security.pepper], ['p', 5, 'x']);
    assert.equal(of({ security: null }).bcryptRounds, 10);
  });

  test('spec04_18 wrong settings are errors that name the option', () => {
    const wrong = [
      ['x', 'security'],
      [{ passphrase: 5 }, 'security.passphrase'],
      [{ pepper: 5 }, 'security.pepper'],
      [{ bcrypt: 12 }, 'security.bcrypt'],
      [{ bcrypt: { rounds: 3 } }, 'security.bcrypt.rounds'],
      [{ bcrypt: { rounds: '12' } }, 'security.bcrypt.rounds'],
      [{ argon2: { memoryCost: 1000 } }, 'security.argon2.memoryCost'],
      [{ argon2: { memoryCost: 16, parallelism: 4 } }, 'security.argon2.memoryCost'],
      [{ argon2: { timeCost: 0 } }, 'security.argon2.timeCost'],
      [{ argon2: { timeCost: 1.5 } }, 'security.argon2.timeCost'],
      [{ argon2: { parallelism: 0 } }, 'security.argon2.parallelism']
    ];
    for (const [security, field] of wrong) {
      const refused = (error) => {
        assert.equal(error.name, 'ValidationError');
        assert.equal(error.field, field);
        assert.ok(error.suggestion.includes(field));
        return true;
      };
      assert.throws(() => new Database({ connectionString: freshStore(), security }), refused, field);
      assert.throws(() => new Schema({ name: 's', attributes: { a: 'password' }, security }), refused, field);
    }
  });

  test('spec04_18 an unknown setting warns, and neither pepper nor passphrase is in an error or a print of a resource', async () => {
    const warned = [];
    const db = new Database({ connectionString: freshStore(), security: { ...SECURITY, pepper: 'very secret pepper', pepperr: 'x' } });
    db.on('db:warning', (warning) => warned.push(warning));
    await db.connect();
    const users = await db.createResource({ name: 'users', attributes: { pin: 'password:argon2id|min:8' } });
    assert.deepEqual(
      warned.filter(({ code }) => code === 'UNKNOWN_OPTION').map(({ details }) => details.option),
      ['security.pepperr']
    );
    assert.equal(inspect(users.schema, { depth: 9, showHidden: false }).includes('very secret pepper'), false);
    assert.equal(JSON.stringify(users.export()).includes('very secret pepper'), false);
    await assert.rejects(users.insert({ pin: 'short' }), (error) => {
      assert.equal(inspect(error, { depth: 9 }).includes('very secret pepper'), false);
      assert.equal(error.validation[0].message, "This password 'pin' field length must be at least 8 long.");
      return true;
    });
    await db.disconnect();
  });
});

test('spec04_18 hashPassword takes an algorithm, its cost and a pepper', async () => {
  assert.match(await hashPassword('x', { algorithm: 'argon2id', argon2: CHEAP }), /^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
  const peppered = await hashPassword('x', { algorithm: 'argon2id', argon2: CHEAP, pepper: 'pepper' });
  assert.equal(await verifyPassword('x', peppered), false);
  assert.equal(await verifyPassword('x', peppered, 'pepper'), true);
  assert.match(await hashPassword('x', { rounds: 4, pepper: 'pepper' }), /^\$2b\$04\$/);
  assert.match(await hashPassword('x', { bcrypt: { rounds: 5 } }), /^\$2b\$05\$/);
  const refused = [
    [{ algorithm: 'scrypt' }, 'algorithm'],
    [{ round: 4 }, 'round'],
    [{ pepper: 5 }, 'pepper'],
    [{ algorithm: 'argon2id', argon2: { memoryCost: 1000 } }, 'memoryCost'],
    [{ rounds: 3 }, 'rounds']
  ];
  for (const [options, field] of refused) await assert.rejects(hashPassword('x', options), { name: 'ValidationError', field });
  await assert.rejects(hashPassword('', { algorithm: 'argon2id' }), { message: 'Password must be a non-empty string' });
});

test('spec04_18 the encrypt action leaves what decrypts, and the Validator hashes by the named algorithm', async () => {
  const once = await SchemaActions.encrypt('x', { passphrase: 'p' });
  assert.equal(await SchemaActions.encrypt(once, { passphrase: 'p' }), once);
  assert.notEqual(await SchemaActions.encrypt(once, { passphrase: 'q' }), once);
  const check = new Validator({ security: SECURITY }).compile({
    $$async: true,
    a: 'password:argon2id',
    b: 'password:bcrypt',
    c: 'password'
  });
  const record = { a: 'hunter22', b: 'hunter22', c: 'hunter22' };
  assert.equal(await check(record), true);
  assert.deepEqual([detectAlgorithm(record.a), record.b.slice(0, 3), record.c.length], ['argon2id', '$4$', 53]);
  for (const hash of [record.a, record.b]) assert.equal(await verifyPassword('hunter22', hash, 'pepper'), true);
  assert.equal(await verifyPassword('hunter22', record.c, { rounds: 4, pepper: 'pepper' }), true);
  assert.equal((await check({ ...record, a: '' }))[0].type, 'passwordHashingProblem');
});
