// Plugin attributes: the full contract (spec/05 section 9).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Schema } from '../../js/index.js';
import { allKeys, connectDatabase, readMetadata, readObject, reopen } from './support/databases.js';

const attributes = { name: 'string|required', age: 'number|optional' };

async function withUsers(options = {}) {
  const database = await connectDatabase();
  const users = await database.createResource({ name: 'users', attributes, ...options });
  return { database, users };
}

test('spec05_09_stored_ids_are_those_of_13_6', async () => {
  const { users } = await withUsers();
  const ids = {};
  for (const [name, plugin] of [
    ['_hasEmbedding', 'VectorPlugin'],
    ['_vector_clusterId', 'VectorPlugin'],
    ['_vector_clusterVersion', 'VectorPlugin'],
    ['_ttl_expiresAt', 'TTLPlugin'],
    ['_ttl_cohort', 'TTLPlugin'],
    ['_myField', 'MyPlugin'],
    ['_index_status', 'IndexingPlugin']
  ]) {
    assert.equal(users.addPluginAttribute(name, 'string|optional', plugin), undefined);
    ids[name] = users.schema.pluginMap[name];
  }
  assert.deepEqual(ids, {
    _hasEmbedding: 'p1wd',
    _vector_clusterId: 'p2us',
    _vector_clusterVersion: 'px7h',
    _ttl_expiresAt: 'p1ef',
    _ttl_cohort: 'p3rb',
    _myField: 'p4eg',
    _index_status: 'p4et'
  });
});

test('spec05_09_adding_marks_the_definition_and_tells_the_database', async () => {
  const { database, users } = await withUsers();
  const events = [];
  database.on('plugin-attribute-added', (event) => events.push(event));
  database.on('plugin-attribute-removed', (event) => events.push(event));
  const definition = { type: 'boolean', optional: true };
  users.addPluginAttribute('_flag', definition, 'MyPlugin');
  users.addPluginAttribute('_text', 'string|optional', 'MyPlugin');
  assert.deepEqual(definition, { type: 'boolean', optional: true }, 'the given object is not touched');
  assert.equal(users.schema.attributes._flag.__plugin__, 'MyPlugin');
  assert.equal(typeof users.schema.attributes._flag.__pluginCreated__, 'number');
  assert.equal(users.schema._pluginAttributeMetadata._text.__plugin__, 'MyPlugin');
  assert.deepEqual(users.schema._pluginAttributes.MyPlugin.toSorted(), ['_flag', '_text']);
  const id = users.schema.pluginMap._flag;
  assert.equal(users.schema.reversedPluginMap[id], '_flag');
  assert.equal(users.removePluginAttribute('_text', 'MyPlugin'), true);
  assert.deepEqual(events, [
    { resource: 'users', attribute: '_flag', plugin: 'MyPlugin', definition },
    { resource: 'users', attribute: '_text', plugin: 'MyPlugin', definition: 'string|optional' },
    { resource: 'users', attribute: '_text', plugin: 'MyPlugin' }
  ]);
  assert.equal(users.removePluginAttribute('_text'), false);
  assert.equal(users.removePluginAttribute('name'), false);
  assert.equal(users.removePluginAttribute('_flag'), true, 'without a name any owner');
});

for (const behavior of ['user-managed', 'body-overflow', 'body-only', 'truncate-data', 'enforce-limits']) {
  test(`spec05_09_both_notations_read_back_as_their_type: ${behavior}`, async () => {
    const { database, users } = await withUsers({ behavior });
    users.addPluginAttribute('_flag', { type: 'boolean', optional: true }, 'MyPlugin');
    users.addPluginAttribute('_count', { type: 'number', optional: true }, 'MyPlugin');
    users.addPluginAttribute('_on', 'boolean|optional', 'MyPlugin');
    users.addPluginAttribute('_n', 'number|optional', 'MyPlugin');
    await users.insert({ id: 'a', name: 'Ada', _flag: true, _count: 5, _on: false, _n: 1.5 });
    const read = async (resource) => {
      const { _flag, _count, _on, _n, name } = await resource.get('a');
      return [_flag, _count, _on, _n, name];
    };
    assert.deepEqual(await read(users), [true, 5, false, 1.5, 'Ada']);
    await database.uploadMetadataFile();
    const again = await reopen(database);
    assert.deepEqual(await read(again.resources.users), [true, 5, false, 1.5, 'Ada'], 'after a restart, without the plugin');
    assert.deepEqual(Object.keys(again.resources.users.schema.map), ['name', 'age'], 'and apart from the attributes of the user');
  });
}

test('spec05_09_removal_drops_the_rule_and_leaves_no_raw_ids_in_reads', async () => {
  const { users } = await withUsers();
  users.addPluginAttribute('_must', 'string|required', 'MyPlugin');
  await assert.rejects(users.insert({ name: 'a' }), { name: 'InvalidResourceItem' });
  await users.insert({ id: 'a', name: 'Ada', _must: 'x' });
  users.removePluginAttribute('_must', 'MyPlugin');
  await users.insert({ id: 'b', name: 'Bob' });
  const record = await users.get('a');
  assert.equal(record.name, 'Ada');
  assert.deepEqual(
    Object.keys(record).filter((key) => /^p/.test(key) || key === '_must'),
    []
  );
});

test('spec05_09_export_and_import_keep_owners', async () => {
  const { users } = await withUsers();
  users.addPluginAttribute('_text', 'string|optional', 'MyPlugin');
  const exported = users.schema.export();
  assert.deepEqual(Object.keys(exported.pluginMap), ['_text']);
  assert.equal(exported._pluginAttributeMetadata._text.__plugin__, 'MyPlugin');
  assert.deepEqual(exported._pluginAttributes, { MyPlugin: ['_text'] });
  const imported = Schema.import(exported);
  assert.deepEqual(imported.pluginMap, exported.pluginMap);
  assert.equal(imported._pluginAttributeMetadata._text.__plugin__, 'MyPlugin');
});

test('spec05_09_body_records_carry_the_plugin_map', async () => {
  const { database, users } = await withUsers({ behavior: 'body-only' });
  users.addPluginAttribute('_text', 'string|optional', 'MyPlugin');
  await users.insert({ id: 'a', name: 'Ada', _text: 'x' });
  const [key] = (await allKeys(database)).filter((each) => each.endsWith('id=a'));
  const { metadata } = await readObject(database, key);
  assert.deepEqual(JSON.parse(metadata._pluginMap ?? metadata._pluginmap), { _text: users.schema.pluginMap._text });
});

test('spec05_09_one_new_version_for_a_new_attribute_and_none_for_a_stored_one', async () => {
  const { database, users } = await withUsers();
  const versions = async () => Object.keys((await readMetadata(database)).resources.users.versions);
  assert.deepEqual(await versions(), ['v1']);
  users.addPluginAttribute('_flag', { type: 'boolean', optional: true }, 'MyPlugin');
  await database.uploadMetadataFile();
  assert.deepEqual(await versions(), ['v1', 'v2']);
  const again = await reopen(database);
  again.resources.users.addPluginAttribute('_flag', { type: 'boolean', optional: true }, 'MyPlugin');
  await again.uploadMetadataFile();
  await again.createResource({ name: 'users', attributes });
  assert.deepEqual(await versions(), ['v1', 'v2']);
  assert.ok(again.resources.users.schema.pluginMap._flag, 'a re-declaration keeps it');
});
