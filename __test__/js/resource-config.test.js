import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsyncEventEmitter, MemoryClient, Resource, ResourceError } from '../../js/index.js';
import { HOOK_NAMES } from '../../js/resource/hooks.js';

const client = new MemoryClient({ bucket: 'config' });
const valid = { name: 'users', client, attributes: { name: 'string|required' } };

function problems(config) {
  try {
    new Resource(config);
  } catch (error) {
    assert.ok(error instanceof ResourceError, String(error));
    return error;
  }
  return assert.fail('the configuration was accepted');
}

const CASES = [
  [{ name: undefined }, "Resource 'name' is required"],
  [{ name: 5 }, "Resource 'name' must be a string"],
  [{ name: '  ' }, "Resource 'name' cannot be empty"],
  [{ client: null }, "S3 'client' is required"],
  [{ attributes: undefined }, "Resource 'attributes' are required"],
  [{ attributes: ['a'] }, "Resource 'attributes' must be an object"],
  [{ attributes: 'x' }, "Resource 'attributes' must be an object"],
  [{ attributes: {} }, "Resource 'attributes' cannot be empty"],
  [{ version: 1 }, "Resource 'version' must be a string"],
  [{ behavior: 1 }, "Resource 'behavior' must be a string"],
  [{ passphrase: null }, "Resource 'passphrase' must be a string"],
  [{ parallelism: 1.5 }, "Resource 'parallelism' must be an integer"],
  [{ parallelism: 0 }, "Resource 'parallelism' must be greater than 0"],
  [{ observers: {} }, "Resource 'observers' must be an array"],
  [{ cache: 1 }, "Resource 'cache' must be a boolean"],
  [{ autoDecrypt: 'no' }, "Resource 'autoDecrypt' must be a boolean"],
  [{ timestamps: 1 }, "Resource 'timestamps' must be a boolean"],
  [{ paranoid: null }, "Resource 'paranoid' must be a boolean"],
  [{ allNestedObjectsOptional: 0 }, "Resource 'allNestedObjectsOptional' must be a boolean"],
  [{ idGenerator: null }, "Resource 'idGenerator' must be a function or a number (size)"],
  [{ idGenerator: 0 }, "Resource 'idGenerator' size must be greater than 0"],
  [{ idSize: 1.5 }, "Resource 'idSize' must be an integer"],
  [{ idSize: 0 }, "Resource 'idSize' must be greater than 0"],
  [{ partitions: [] }, "Resource 'partitions' must be an object"],
  [{ partitions: { p: 1 } }, "Partition 'p' must be an object"],
  [{ partitions: { p: {} } }, "Partition 'p' must have a 'fields' property"],
  [{ partitions: { p: { fields: ['name'] } } }, "Partition 'p.fields' must be an object"],
  [{ partitions: { p: { fields: { name: 1 } } } }, "Partition 'p.fields.name' must be a string"],
  [{ map: 'x' }, "Resource 'map' must be an object"],
  [{ map: { name: 5 } }, "Resource 'map.name' must be a non-empty string"],
  [{ map: { name: '_v' } }, "Resource 'map.name' must not be the reserved name '_v'"],
  [{ map: { name: 'a', other: 'a' } }, "Resource 'map.other' must differ from 'map.name'"],
  [{ map: { name: 'a b' } }, "Resource 'map.name' must consist of A-Z, a-z, 0-9, - and _"],
  [{ hooks: [] }, "Resource 'hooks' must be an object"],
  [{ hooks: { nope: [] } }, `Invalid hook event 'nope'. Valid events: ${HOOK_NAMES.join(', ')}`],
  [{ hooks: { beforeInsert: 1 } }, "Resource 'hooks.beforeInsert' must be an array"],
  [{ events: [] }, "Resource 'events' must be an object"],
  [{ events: { inserted: 1 } }, "Resource 'events.inserted' must be a function or array of functions"],
  [{ events: { inserted: [() => {}, 1] } }, "Resource 'events.inserted[1]' must be a function"]
];

for (const [change, message] of CASES) {
  test(`a configuration with ${JSON.stringify(change, (_, value) => (typeof value === 'function' ? 'fn' : value === undefined ? 'undefined' : value))} is refused`, () => {
    const error = problems({ ...valid, ...change });
    assert.deepEqual(error.validation, [message]);
    const name = change.name === undefined && 'name' in change ? '[unnamed]' : String('name' in change ? change.name : 'users');
    assert.equal(error.message, `Invalid Resource ${name} configuration:\n  \u2022 ${message}`);
    assert.equal(error.statusCode, 400);
  });
}

test('all problems are collected into one error', () => {
  assert.deepEqual(problems({}).validation, [
    "Resource 'name' is required",
    "S3 'client' is required",
    "Resource 'attributes' are required"
  ]);
});

test('null partitions, hooks and events count as empty', () => {
  const resource = new Resource({ ...valid, partitions: null, hooks: null, events: null });
  assert.deepEqual(resource.config.partitions, {});
});

test('an unknown validator type is refused', () => {
  assert.throws(() => new Resource({ ...valid, attributes: { a: 'nonsense' } }), /Invalid 'nonsense' type in validator schema\./);
});

test('properties have the documented names and defaults', () => {
  const resource = new Resource(valid);
  assert.equal(resource.constructor.name, 'Resource');
  assert.ok(resource instanceof AsyncEventEmitter);
  const { name, version, behavior, observers, parallelism, passphrase, bcryptRounds, versioningEnabled, strictValidation, idSize } =
    resource;
  assert.deepEqual(
    { name, version, behavior, observers, parallelism, passphrase, bcryptRounds, versioningEnabled, strictValidation, idSize },
    {
      name: 'users',
      version: '1',
      behavior: 'user-managed',
      observers: [],
      parallelism: 10,
      passphrase: 'secret',
      bcryptRounds: 10,
      versioningEnabled: false,
      strictValidation: true,
      idSize: 22
    }
  );
  assert.deepEqual(Object.keys(resource.config), [
    'cache',
    'hooks',
    'paranoid',
    'timestamps',
    'partitions',
    'autoDecrypt',
    'allNestedObjectsOptional',
    'asyncEvents',
    'asyncPartitions',
    'strictPartitions',
    'createdBy'
  ]);
  assert.equal(resource.options, resource.config);
  assert.deepEqual(Object.keys(resource.hooks), HOOK_NAMES);
  assert.equal(resource._instanceId.length, 7);
  assert.equal(resource.guard, null);
});

test('the wrapped methods are own, writable, enumerable properties with their originals beside them', () => {
  const resource = new Resource(valid);
  for (const method of resource._middlewareMethods) {
    const descriptor = Object.getOwnPropertyDescriptor(resource, method);
    assert.ok(descriptor.writable && descriptor.enumerable, method);
    assert.equal(typeof resource[`_original_${method}`], 'function');
    assert.ok(resource._middlewares.has(method));
  }
});

test("the caller's attributes and partitions are never changed", () => {
  const attributes = { name: 'string' };
  const partitions = {};
  const resource = new Resource({ ...valid, attributes, partitions, timestamps: true });
  assert.deepEqual(attributes, { name: 'string' });
  assert.deepEqual(partitions, {});
  assert.deepEqual(Object.keys(resource.attributes), ['name', 'createdAt', 'updatedAt']);
  assert.deepEqual(resource.config.partitions, {
    byCreatedDate: { fields: { createdAt: 'date|maxlength:10' } },
    byUpdatedDate: { fields: { updatedAt: 'date|maxlength:10' } }
  });
});

test('$schema is a plain copy of what was passed, before timestamps were added', () => {
  const config = {
    ...valid,
    attributes: { name: 'string', nested: { a: 'number' } },
    timestamps: true,
    description: 'people',
    hooks: { beforeInsert: [(data) => data] }
  };
  const resource = new Resource(config);
  config.attributes.nested.a = 'string';
  assert.deepEqual(resource.$schema.attributes, { name: 'string', nested: { a: 'number' } });
  assert.equal(resource.$schema.description, 'people');
  assert.equal(resource.$schema.hooks.beforeInsert[0], config.hooks.beforeInsert[0]);
  assert.equal(typeof resource.$schema._createdAt, 'number');
});

test('numeric and custom id generators are reported by type', () => {
  assert.equal(new Resource({ ...valid, idGenerator: 8, idSize: 30 }).idSize, 8);
  assert.equal(new Resource({ ...valid, idGenerator: 8 }).idGeneratorType, 8);
  const custom = new Resource({ ...valid, idGenerator: () => 5 });
  assert.equal(custom.idGeneratorType, 'custom_function');
  assert.equal(custom.idGenerator(), '5');
  assert.equal(new Resource({ ...valid, idSize: 12 }).idGenerator().length, 12);
});

test('spec03_25_38_many_resources_keep_only_their_own_options_in_schema', () => {
  const observers = [{ emit() {} }];
  const resource = new Resource({ ...valid, observers, database: { huge: true } });
  assert.equal('client' in resource.$schema, false);
  assert.equal('database' in resource.$schema, false);
  assert.equal('observers' in resource.$schema, false);
});

test('getDefinitionHash covers attributes and behaviour and is cached', () => {
  const one = new Resource(valid);
  const two = new Resource({ ...valid, behavior: 'body-only' });
  assert.match(one.getDefinitionHash(), /^sha256:[0-9a-f]{64}$/);
  assert.notEqual(one.getDefinitionHash(), two.getDefinitionHash());
  one.updateAttributes({ name: 'string', age: 'number' });
  assert.notEqual(one.getDefinitionHash(), new Resource(valid).getDefinitionHash());
  let reads = 0;
  one.attributes = new Proxy(one.attributes, {
    ownKeys(target) {
      reads += 1;
      return Reflect.ownKeys(target);
    }
  });
  const hash = one.getDefinitionHash();
  assert.equal(reads, 1);
  assert.equal(one.getDefinitionHash(), hash);
  assert.equal(reads, 1, 'hashed once');
});

test('export has the schema, the configuration and the live hooks', () => {
  const resource = new Resource({ ...valid, timestamps: true });
  const exported = resource.export();
  assert.equal(exported.name, 'users');
  assert.equal(exported.timestamps, true);
  assert.equal(exported.hooks, resource.hooks);
  assert.deepEqual(exported.map, resource.schema.map);
});

test('updateAttributes is atomic: a refused definition changes nothing', () => {
  const resource = new Resource({ ...valid, partitions: { byName: { fields: { name: 'string' } } } });
  assert.throws(() => resource.updateAttributes({ age: 'number' }), /uses field 'name' which does not exist/);
  assert.deepEqual(resource.attributes, { name: 'string|required' });
  const { oldAttributes, newAttributes } = resource.updateAttributes({ name: 'string', age: 'number' });
  assert.deepEqual(oldAttributes, { name: 'string|required' });
  assert.deepEqual(newAttributes, { name: 'string', age: 'number' });
});

test('state without a machine rejects with a typed error', async () => {
  const resource = new Resource(valid);
  await assert.rejects(resource.state.send('1', 'go'), {
    name: 'ResourceError',
    message: "State machine not configured for resource 'users'"
  });
  resource._attachStateMachine({ send: async (id, event) => [id, event] });
  assert.deepEqual(await resource.state.send('1', 'go'), ['1', 'go']);
});

test('helpers on keys and bodies', () => {
  const resource = new Resource(valid);
  assert.equal(resource.getResourceKey('a'), 'resource=users/data/id=a');
  assert.equal(resource.getResourceKey('https://x/a'), 'resource=users/data/id=https:/x/a');
  assert.equal(resource.calculateContentLength('é'), 2);
  assert.equal(resource.calculateContentLength(Buffer.from('abc')), 3);
  assert.equal(resource.calculateContentLength({ a: 1 }), 7);
  assert.equal(resource.calculateContentLength(null), 0);
  assert.equal(resource.extractVersionFromKey('resource=users/v=2/id=1'), '2');
  assert.equal(resource.extractVersionFromKey('resource=users/data/id=1'), null);
  assert.deepEqual(resource.extractIdsFromKeys(['resource=users/data/id=a/b', 'resource=users/v=1/id=c', 'x']), ['a/b', 'c']);
});

test('applyDefaults fills shorthand, object and nested defaults for undefined only', () => {
  const resource = new Resource({
    ...valid,
    attributes: {
      role: 'string|default:user',
      active: 'boolean|default:true',
      score: 'number|default:5',
      level: { type: 'number', default: 3 },
      made: { type: 'string', default: () => 'now' },
      profile: { city: 'string|default:Lisbon' }
    }
  });
  const input = { score: null, profile: {} };
  assert.deepEqual(resource.applyDefaults(input), {
    score: null,
    profile: { city: 'Lisbon' },
    role: 'user',
    active: true,
    level: 3,
    made: 'now'
  });
  assert.deepEqual(input, { score: null, profile: {} });
});
