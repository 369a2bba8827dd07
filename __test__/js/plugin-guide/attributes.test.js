// The plugin guide: attributes that plugins add to resources, and resources that they own.
import assert from 'node:assert/strict';
import { Plugin } from '../../../js/index.js';
import { readMetadata, readObject } from '../support/databases.js';
import { guide } from '../support/guide.js';

const attributes = { name: 'string|required', email: 'string|optional' };

guide(27, 'resource.addPluginAttribute(name, definition, plugin) with ids of their own', async ({ connect }) => {
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  users.addPluginAttribute('_hasEmbedding', { type: 'boolean', optional: true }, 'VectorPlugin');
  users.addPluginAttribute('_vector_clusterId', 'string|optional', 'VectorPlugin');
  users.addPluginAttribute('_ttl_expiresAt', { type: 'number', optional: true }, 'TTLPlugin');
  users.addPluginAttribute('_ttl_cohort', 'string|optional', 'TTLPlugin');
  assert.deepEqual(users.schema.pluginMap, {
    _hasEmbedding: 'p1wd',
    _vector_clusterId: 'p2us',
    _ttl_expiresAt: 'p1ef',
    _ttl_cohort: 'p3rb'
  });
  await users.insert({ id: 'a', name: 'Ada', _hasEmbedding: true, _ttl_expiresAt: 5 });
  const { _hasEmbedding, _ttl_expiresAt } = await users.get('a');
  assert.deepEqual([_hasEmbedding, _ttl_expiresAt], [true, 5]);
});

guide(28, 'ids of user attributes never shift', async ({ connect }) => {
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  await users.insert({ id: 'before', name: 'Ada', email: 'ada@example.com' });
  const map = { ...users.schema.map };
  users.addPluginAttribute('_hasEmbedding', { type: 'boolean', optional: true }, 'VectorPlugin');
  assert.deepEqual(users.schema.map, map);
  await database.uploadMetadataFile();
  const { metadata } = await readObject(database, 'resource=users/data/id=before');
  assert.deepEqual([metadata[map.name], metadata[map.email]], ['Ada', 'ada@example.com']);
  const again = await connect();
  assert.deepEqual(again.resources.users.schema.map, map);
  assert.deepEqual(again.resources.users.schema.pluginMap, { _hasEmbedding: 'p1wd' });
  assert.equal((await again.resources.users.get('before')).email, 'ada@example.com');
});

guide(29, 'the three errors of the attribute API', async ({ connect }) => {
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  users.addPluginAttribute('_hasEmbedding', 'boolean|optional', 'VectorPlugin');
  assert.throws(() => users.addPluginAttribute('email', 'string|optional', 'MyPlugin'), {
    message: "Attribute 'email' already exists and is not from plugin 'MyPlugin'"
  });
  assert.throws(() => users.addPluginAttribute('_myField', 'string|optional'), {
    message: 'Plugin name is required when adding plugin attributes'
  });
  assert.throws(() => users.removePluginAttribute('_hasEmbedding', 'WrongPlugin'), {
    message: "Attribute '_hasEmbedding' belongs to plugin 'VectorPlugin', not 'WrongPlugin'"
  });
});

/** The guide's complete example. */
class IndexingPlugin extends Plugin {
  constructor(options = {}) {
    super(options);
    this.name = 'IndexingPlugin';
  }

  async onInstall() {
    for (const resource of Object.values(this.database.resources)) {
      resource.addPluginAttribute(
        '_index_status',
        {
          type: 'string',
          optional: true,
          enum: ['pending', 'indexed', 'failed']
        },
        'IndexingPlugin'
      );

      resource.addPluginAttribute(
        '_index_indexedAt',
        {
          type: 'number',
          optional: true
        },
        'IndexingPlugin'
      );

      resource.addPluginAttribute(
        '_index_version',
        {
          type: 'string',
          optional: true
        },
        'IndexingPlugin'
      );

      // Install hooks to auto-update status
      resource.addHook('afterInsert', async ({ item }) => {
        await resource.update(item.id, { _index_status: 'pending' });
      });
    }
  }

  async onUninstall() {
    for (const resource of Object.values(this.database.resources)) {
      // Clean up attributes
      resource.removePluginAttribute('_index_status', 'IndexingPlugin');
      resource.removePluginAttribute('_index_indexedAt', 'IndexingPlugin');
      resource.removePluginAttribute('_index_version', 'IndexingPlugin');
    }
  }
}

guide(30, 'resource.removePluginAttribute in a loop over resources', async ({ connect }) => {
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  const orders = await database.createResource({ name: 'orders', attributes });
  const plugin = await database.usePlugin(new IndexingPlugin());
  assert.ok(users.schema.attributes._index_status && orders.schema.attributes._index_version);
  await plugin.uninstall();
  for (const resource of [users, orders]) {
    assert.deepEqual(Object.keys(resource.schema.attributes), ['name', 'email']);
    assert.equal((await resource.insert({ id: 'x', name: 'a' })).name, 'a');
  }
});

guide(31, "createdBy: '<Plugin>' marks the resources of plugins, and is stored", async ({ connect }) => {
  const database = await connect();
  await database.createResource({ name: 'plg_audit_logs', attributes, createdBy: 'AuditPlugin' });
  assert.equal((await readMetadata(database)).resources.plg_audit_logs.createdBy, 'AuditPlugin');
  const again = await connect();
  assert.equal(again.resources.plg_audit_logs.config.createdBy, 'AuditPlugin');
});

guide(32, "resource.addHook('afterInsert', async ({ item }) => ...) gets the record", async ({ connect }) => {
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  await database.usePlugin(new IndexingPlugin());
  const { id } = await users.insert({ name: 'Ada' });
  assert.equal((await users.get(id))._index_status, 'pending');
});

guide(33, 'direct writes to schema.attributes are tolerated', async ({ connect }) => {
  const database = await connect();
  const users = await database.createResource({ name: 'users', attributes });
  if (!users.schema.attributes._myField) users.schema.attributes._myField = { type: 'boolean', optional: true };
  assert.equal((await users.insert({ id: 'a', name: 'Ada' })).name, 'Ada');
  assert.equal((await users.get('a')).name, 'Ada');
});
