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

test('spec04_18_argon2id_is_refused_until_it_is_supported', async () => {
  const db = new S3db({ connectionString: 'memory://password-argon2id' });
  await db.connect();
  await assert.rejects(db.createResource({ name: 'users', attributes: { login: 'password:argon2id' } }), { name: 'SchemaError' });
  await db.disconnect();
});
