/** Passwords beyond what bcrypt reads (spec/04 15.30). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S3db } from '../../js/index.js';

test('spec04_15_30_a_password_over_72_bytes_raises_one_database_warning', async () => {
  const db = new S3db({ connectionString: 'memory://password-warning' });
  await db.connect();
  const warnings = [];
  db.on('db:warning', (warning) => warnings.push(warning));
  const users = await db.createResource({ name: 'users', attributes: { login: 'password' }, bcryptRounds: 4 });
  await users.insert({ login: 'x'.repeat(72) });
  assert.deepEqual(warnings, []);
  const secret = 'y'.repeat(80);
  await users.insert({ login: secret });
  await users.insertMany([{ login: secret }]);
  assert.deepEqual(
    warnings.map(({ code, resource, details }) => ({ code, resource, details })),
    [{ code: 'PASSWORD_TRUNCATED', resource: 'users', details: { field: 'login' } }]
  );
  assert.equal(JSON.stringify(warnings).includes(secret), false);
  await db.disconnect();
});

test('spec04_18_the_72_bytes_include_the_pepper_and_do_not_concern_argon2id', async () => {
  const security = { pepper: 'p'.repeat(10), bcrypt: { rounds: 4 }, argon2: { memoryCost: 64, timeCost: 1, parallelism: 1 } };
  const db = new S3db({ connectionString: 'memory://password-pepper', security });
  await db.connect();
  const warnings = [];
  db.on('db:warning', (warning) => warnings.push(warning));
  const attributes = { plain: 'password|optional', bcrypt: 'password:bcrypt|optional', argon: 'password:argon2id|optional' };
  const users = await db.createResource({ name: 'users', attributes });
  await users.insert({ plain: 'x'.repeat(62), bcrypt: 'x'.repeat(62), argon: 'x'.repeat(100) });
  assert.deepEqual(warnings, []);
  await users.insert({ bcrypt: 'x'.repeat(63) });
  assert.deepEqual(
    warnings.map(({ code, details }) => [code, details.field]),
    [['PASSWORD_TRUNCATED', 'bcrypt']]
  );
  await db.disconnect();
});
