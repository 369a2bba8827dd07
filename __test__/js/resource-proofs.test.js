// Promises that hold for every behaviour and every write: secrets and passwords, system fields, deletes, errors of reads
// (spec/03 sections 25 and 28).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behaviors, MemoryClient, verifyPassword } from '../../js/index.js';
import { allKeys, connectDatabase, freshStore, readObject, reopen, STORES } from './support/databases.js';

const BEHAVIORS = Object.keys(behaviors);

/** Every byte of the store as text: keys, metadata, bodies. */
async function everything(database) {
  const texts = [];
  for (const key of await allKeys(database)) texts.push(key, JSON.stringify(await readObject(database, key)));
  return texts.join('\n');
}

const hidden = {
  name: 'string|required',
  token: 'secret|optional',
  pin: 'secretNumber|optional',
  pw: 'password|optional',
  written: { type: 'secret', optional: true },
  nested: { key: 'secret|optional', plain: 'string|optional' }
};

for (const store of STORES) {
  for (const behavior of BEHAVIORS) {
    test(`spec03_28_9 no write stores a secret or a password in clear (${behavior}, ${store})`, async () => {
      const database = await connectDatabase({ connectionString: freshStore(store), passphrase: 'the-passphrase', bcryptRounds: 4 });
      const config = { name: 'vault', attributes: hidden, behavior, versioningEnabled: true, asyncPartitions: false };
      const vault = await database.createResource(config);
      let number = 0;
      const needles = [];
      const secrets = () => {
        number += 1;
        const texts = [`TOKEN-${number}-x`, `${7_000_000 + number}`, `Passw0rd-${number}-x`, `WRITTEN-${number}-x`, `NESTED-${number}-x`];
        needles.push(...texts);
        const [token, pin, pw, written, key] = texts;
        return { token, pin: Number(pin), pw, written, nested: { key, plain: 'seen' } };
      };
      await vault.insert({ id: 'a', name: 'A', ...secrets() });
      await vault.insertMany([
        { id: 'b', name: 'B', ...secrets() },
        { id: 'c', name: 'C', ...secrets() }
      ]);
      await vault.update('a', { name: 'A2' });
      await vault.update('a', secrets());
      await vault.patch('b', { name: 'B2' });
      await vault.patch('b', secrets());
      await vault.replace('c', { name: 'C2', ...secrets() });
      await vault.upsert({ id: 'c', name: 'C3', ...secrets() });
      await vault.upsert({ id: 'd', name: 'D', ...secrets() });
      const { _etag } = await vault.get('d');
      assert.equal((await vault.updateConditional('d', secrets(), { ifMatch: _etag })).success, true);
      const last = secrets();
      await vault.update('d', last);
      await vault.setContent({ id: 'a', buffer: Buffer.from('content'), contentType: 'text/plain' });
      // An older version, rewritten, leaves a historical copy.
      await database.createResource({ ...config, attributes: { ...hidden, more: 'string|optional' } });
      await vault.update('b', { more: 'x', ...secrets() });
      assert.ok((await allKeys(database, 'resource=vault/historical/')).length > 0);
      const bytes = await everything(database);
      for (const needle of [...needles, 'the-passphrase']) assert.equal(bytes.includes(needle), false, needle);
      for (const needle of needles) assert.equal(bytes.includes(Buffer.from(needle).toString('base64')), false, `${needle} in base64`);
      const { pw, ...read } = await vault.get('d');
      assert.deepEqual(
        { token: read.token, pin: read.pin, written: read.written, nested: read.nested },
        { token: last.token, pin: last.pin, written: last.written, nested: last.nested }
      );
      assert.equal(await verifyPassword(last.pw, pw), true);
    });
  }
}

for (const behavior of BEHAVIORS) {
  test(`spec03_25_15 a password is hashed once, and the hash is what writes return (${behavior})`, async () => {
    const database = await connectDatabase({ bcryptRounds: 4 });
    const users = await database.createResource({ name: 'users', attributes: { name: 'string', pw: 'password|optional' }, behavior });
    const inserted = await users.insert({ id: 'a', name: 'A', pw: 'hunter2222' });
    const results = [inserted];
    results.push(await users.update('a', { name: 'B' }));
    results.push(await users.patch('a', { name: 'C' }));
    results.push(await users.upsert({ id: 'a', name: 'D' }));
    const { _etag } = await users.get('a');
    results.push((await users.updateConditional('a', { name: 'E' }, { ifMatch: _etag })).data);
    results.push(await users.replace('a', { ...(await users.get('a')), name: 'F' }));
    results.push(await users.get('a'));
    for (const { pw } of results) assert.equal(pw, inserted.pw);
    assert.equal(await verifyPassword('hunter2222', inserted.pw), true);
    for (const write of [
      (pw) => users.update('a', { pw }),
      (pw) => users.patch('a', { pw }),
      (pw) => users.replace('a', { name: 'G', pw }),
      (pw) => users.upsert({ id: 'a', pw })
    ]) {
      const { pw } = await write('another-one');
      assert.equal(await verifyPassword('another-one', pw), true, String(write));
      assert.equal((await users.get('a')).pw, pw, String(write));
    }
  });

  test(`spec03_25_14 system fields of a record that was read are never written back (${behavior})`, async () => {
    const database = await connectDatabase();
    const users = await database.createResource({ name: 'users', attributes: { name: 'string' }, behavior, partitions: ['name'] });
    await users.insert({ id: 'a', name: 'A' });
    const inPartition = await users.getFromPartition({ id: 'a', partitionName: 'byName', partitionValues: { name: 'A' } });
    await users.update('a', { ...inPartition, name: 'B' });
    await users.patch('a', { ...(await users.get('a')), name: 'C' });
    await users.replace('a', { ...(await users.get('a')), name: 'D' });
    await users.upsert({ ...(await users.get('a')), name: 'E' });
    const current = await users.get('a');
    await users.updateConditional('a', { ...current, name: 'F' }, { ifMatch: current._etag });
    await users.setContent({ id: 'a', buffer: 'text', contentType: 'text/plain' });
    await users.insert({ ...(await users.get('a')), id: 'b' });
    await users.insertMany([{ ...(await users.get('a')), id: 'c' }]);
    const bytes = (await everything(database)).toLowerCase();
    for (const field of [
      '_contentlength',
      '_lastmodified',
      '_etag',
      '_definitionhash',
      '_mimetype',
      '_hascontent',
      '_originalversion',
      '_versionmapped',
      '_partition',
      '$before',
      '$overflow'
    ])
      assert.equal(bytes.includes(field), false, field);
    for (const id of ['a', 'b', 'c']) assert.equal((await users.get(id)).name, 'F', id);
  });

  test(`spec03_25_20 deletes of any kind leave no object of the record (${behavior})`, async () => {
    const database = await connectDatabase();
    const config = {
      name: 'users',
      attributes: { name: 'string' },
      behavior,
      paranoid: false,
      versioningEnabled: true,
      asyncPartitions: false,
      partitions: { byName: { fields: { name: 'string' } } }
    };
    const users = await database.createResource(config);
    const fill = async () => {
      await users.insertMany(['a', 'b', 'c'].map((id) => ({ id, name: `n-${id}` })));
      await users.setContent({ id: 'a', buffer: Buffer.from([0, 1, 2]), contentType: 'image/png' });
      await users.setContent({ id: 'b', buffer: Buffer.from([0, 1, 2]), contentType: 'image/png' });
    };
    const keys = async () => (await allKeys(database, 'resource=users/')).filter((key) => !key.includes('/historical/'));
    await fill();
    await users.delete('a');
    assert.deepEqual(
      (await keys()).filter((key) => key.endsWith('id=a')),
      []
    );
    await users.deleteMany(['b']);
    const left = await keys();
    assert.ok(left.length >= 2);
    assert.ok(
      left.every((key) => key.endsWith('id=c')),
      left.join()
    );
    await users.deleteAll();
    assert.deepEqual(await keys(), []);
    await fill();
    await users.deleteAllData();
    assert.deepEqual(await allKeys(database, 'resource=users/'), []);
  });
}

const BY_KIND = { name: 'items', attributes: { kind: 'string' }, partitions: ['kind'], asyncPartitions: false };

test('decision_7 errors of a listing reject every call that lists', async () => {
  const database = await connectDatabase();
  const items = await database.createResource(BY_KIND);
  await items.insert({ id: 'a', kind: 'x' });
  const boom = Object.assign(new Error('not for you'), { name: 'AccessDenied', code: 'AccessDenied', statusCode: 403 });
  const { client } = database;
  const inPartition = { partition: 'byKind', partitionValues: { kind: 'x' } };
  const calls = {
    list: () => items.list(),
    'list of a partition': () => items.list(inPartition),
    listPartition: () => items.listPartition(inPartition),
    listIds: () => items.listIds(),
    count: () => items.count(),
    'count of a partition': () => items.count(inPartition),
    getAll: () => items.getAll(),
    page: () => items.page(),
    query: () => items.query({ kind: 'x' }),
    readable: () => items.readable().toArray()
  };
  for (const [what, call] of Object.entries(calls)) {
    for (const method of ['listObjects', 'getAllKeys', 'getKeysPage', 'count']) {
      client[method] = async () => {
        throw boom;
      };
    }
    await assert.rejects(call(), (error) => error === boom || error.original === boom, what);
    for (const method of ['listObjects', 'getAllKeys', 'getKeysPage', 'count']) delete client[method];
  }
  assert.equal(await items.count(), 1);
});

test('decision_7 a record that vanishes between listing and reading is left out', async () => {
  const database = await connectDatabase();
  const items = await database.createResource(BY_KIND);
  await items.insertMany([
    { id: 'a', kind: 'x' },
    { id: 'b', kind: 'x' },
    { id: 'c', kind: 'x' }
  ]);
  const { client } = database;
  const getObject = client.getObject.bind(client);
  const inPartition = { partition: 'byKind', partitionValues: { kind: 'x' } };
  for (const call of [
    () => items.list(),
    () => items.list(inPartition),
    () => items.getAll(),
    () => items.getMany(['a', 'b', 'c']),
    async () => (await items.page()).items,
    () => items.query({ kind: 'x' })
  ]) {
    client.getObject = async (key) => {
      if (String(key).endsWith('/data/id=b')) await client.deleteObject(key);
      return getObject(key);
    };
    assert.deepEqual(
      (await call()).map(({ id }) => id),
      ['a', 'c'],
      String(call)
    );
    delete client.getObject;
    await items.insert({ id: 'b', kind: 'x' });
  }
});

test('spec04_16_6 a replacement with hashes that were read keeps them, also nested, and hashes what is new', async () => {
  const database = await connectDatabase({ bcryptRounds: 4 });
  const users = await database.createResource({
    name: 'users',
    attributes: { name: 'string', pw: 'password', deep: { pin: 'password|optional' }, kind: { type: 'password', optional: true } },
    partitions: { byName: { fields: { name: 'string' } } },
    asyncPartitions: false
  });
  const first = await users.insert({ id: 'a', name: 'A', pw: 'hunter2222', deep: { pin: 'four-digits' }, kind: 'of-magic' });
  await users.insert({ id: 'b', name: 'B', pw: 'hunter3333' });
  const replaced = await users.replace('a', { ...(await users.get('a')), name: 'C', kind: 'of-another' });
  assert.deepEqual([replaced.pw, replaced.deep.pin], [first.pw, first.deep.pin]);
  const read = await users.get('a');
  assert.equal(await verifyPassword('hunter2222', read.pw), true);
  assert.equal(await verifyPassword('four-digits', read.deep.pin), true);
  assert.equal(await verifyPassword('of-another', read.kind), true);
  assert.deepEqual(await users.listIds({ partition: 'byName', partitionValues: { name: 'C' } }), ['a']);
  assert.deepEqual(await users.listIds({ partition: 'byName', partitionValues: { name: 'A' } }), []);
  // The hash of another record is a text like any other: it would let its owner in.
  const foreign = await users.replace('b', { name: 'B', pw: first.pw });
  assert.notEqual(foreign.pw, first.pw);
  assert.equal(await verifyPassword('hunter2222', (await users.get('b')).pw), false);
  // Where there is no record, nothing is kept.
  assert.notEqual((await users.replace('new', { name: 'N', pw: first.pw })).pw, first.pw);
  assert.deepEqual(Object.keys(await users.replace('a', { name: 'D', pw: read.pw })).sort(), ['id', 'name', 'pw']);
  assert.equal('deep' in (await users.get('a')), false, 'a replacement forgets what it does not name');
});

test('spec04_16_6 a replacement with a kept hash is written although the record changes meanwhile', async () => {
  const client = new MemoryClient({ bucket: 'kept-hash' });
  const database = await connectDatabase({ client, bcryptRounds: 4 });
  const users = await database.createResource({ name: 'users', attributes: { name: 'string', pw: 'password' } });
  const { pw } = await users.insert({ id: 'a', name: 'A', pw: 'hunter2222' });
  const other = await reopen(database);
  const putObject = client.putObject.bind(client);
  let disturbed = 0;
  client.putObject = async (options) => {
    if (options.key.endsWith('/data/id=a') && disturbed < 2) {
      disturbed += 1;
      const put = client.putObject;
      client.putObject = putObject;
      await other.resources.users.update('a', { name: `other ${disturbed}` });
      client.putObject = put;
    }
    return putObject(options);
  };
  assert.equal((await users.replace('a', { name: 'mine', pw })).pw, pw);
  assert.equal(disturbed, 2);
  delete client.putObject;
  assert.deepEqual([(await users.get('a')).name, (await users.get('a')).pw], ['mine', pw]);
});

for (const behavior of BEHAVIORS.filter((name) => name !== 'enforce-limits')) {
  test(`spec03_25_16 records larger than the limit pass every write on a store that enforces it (${behavior})`, async () => {
    const database = await connectDatabase({ client: new MemoryClient({ bucket: `limits-${behavior}`, enforceLimits: true }) });
    const notes = await database.createResource({ name: 'notes', attributes: { name: 'string', text: 'string' }, behavior });
    const text = (letter) => letter.repeat(5000);
    const check = async (name, letter) => {
      const note = await notes.get('a');
      assert.equal(note.name, name);
      if (behavior === 'truncate-data') assert.match(note.text, new RegExp(`^${letter}{1000,2047}$`));
      else assert.equal(note.text, text(letter));
    };
    await notes.insert({ id: 'a', name: 'A', text: text('a') });
    await check('A', 'a');
    await notes.update('a', { name: 'B' });
    await check('B', 'a');
    await notes.update('a', { text: text('b') });
    await check('B', 'b');
    await notes.patch('a', { name: 'C' });
    await check('C', 'b');
    await notes.replace('a', { name: 'D', text: text('d') });
    await check('D', 'd');
    await notes.upsert({ id: 'a', name: 'E', text: text('e') });
    await check('E', 'e');
    const { _etag } = await notes.get('a');
    assert.equal((await notes.updateConditional('a', { name: 'F' }, { ifMatch: _etag })).success, true);
    await check('F', 'e');
    await assert.rejects(
      database.client.putObject({ key: 'probe', metadata: { big: text('x') } }),
      /metadata/i,
      'the store does enforce the limit'
    );
  });
}
