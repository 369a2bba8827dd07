/** Errors of operations, row by row of spec/03 section 22: class, message, status, code, and what every error carries. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as namespace from '../../js/index.js';
import { connectDatabase, makeDatabase } from './support/databases.js';

const library = { ...namespace };
const ATTRIBUTES = { name: 'string|required', kind: 'string|optional', note: 'string|optional' };
const PARTITIONS = { byKind: { fields: { kind: 'string' } } };

async function resourceWith(config = {}) {
  const db = await connectDatabase();
  return db.createResource({ name: 'items', attributes: ATTRIBUTES, partitions: PARTITIONS, ...config });
}

const failing = (error) => async (database, method) => {
  const { client } = database;
  client[method] = async () => {
    throw error;
  };
};
const sdkError = (name, status) => Object.assign(new Error(`said ${name}`), { name, $metadata: { httpStatusCode: status } });

/** `[title, class, status, message, provoke, more?]`: more are members the error must have. */
const ROWS = [
  [
    'an invalid configuration',
    'ResourceError',
    400,
    /^Invalid Resource items configuration:\n.*'attributes' cannot be empty/s,
    () => resourceWith({ attributes: {}, partitions: {} }),
    { resourceName: 'items' }
  ],
  [
    'a partition of an unknown field',
    'PartitionError',
    400,
    /^Partition 'p' uses field 'absent' which does not exist in resource attributes\. Available fields: .*name/,
    () => resourceWith({ partitions: { p: { fields: { absent: 'string' } } } }),
    { partitionName: 'p', fieldName: 'absent', resourceName: 'items' }
  ],
  ...['getPartitionKey', 'listIds', 'count', 'getFromPartition'].map((method) => [
    `an unknown partition in ${method}`,
    'PartitionError',
    400,
    "Partition 'absent' not found",
    async () => {
      const items = await resourceWith();
      const options = { partition: 'absent', partitionName: 'absent', partitionValues: { kind: 'a' }, id: 'one', data: { kind: 'a' } };
      return items[method](options);
    },
    { partitionName: 'absent' }
  ]),
  [
    'getFromPartition without values',
    'PartitionError',
    400,
    "No partition values provided for partition 'byKind'",
    async () => (await resourceWith()).getFromPartition({ id: 'one', partitionName: 'byKind' }),
    { partitionName: 'byKind' }
  ],
  [
    'an id that no partition key has',
    'PartitionError',
    400,
    'Partition key not found for ID one',
    async () => (await resourceWith()).extractPartitionValuesFromKey('one', ['kind=a/id=two'], [['kind', 'string']]),
    {}
  ],
  [
    'an invalid record in insert',
    'InvalidResourceItem',
    422,
    "The 'name' field is required.",
    async () => (await resourceWith()).insert({ kind: 'a' }),
    { resourceName: 'items' }
  ],
  [
    'an invalid record in replace',
    'InvalidResourceItem',
    422,
    "The 'name' field is required.",
    async () => {
      const items = await resourceWith();
      await items.insert({ id: 'one', name: 'a' });
      return items.replace('one', { kind: 'a' });
    },
    { resourceName: 'items' }
  ],
  [
    'an invalid record in update',
    'InvalidResourceItem',
    422,
    /^validation: \[/,
    async () => {
      const items = await resourceWith();
      await items.insert({ id: 'one', name: 'a' });
      return items.update('one', { name: 5 });
    },
    { resourceName: 'items' }
  ],
  [
    'an id that is taken',
    'InvalidResourceItem',
    409,
    "Resource with id 'one' already exists",
    async () => {
      const items = await resourceWith();
      await items.insert({ id: 'one', name: 'a' });
      return items.insert({ id: 'one', name: 'b' });
    },
    {}
  ],
  [
    'an id of blanks',
    'InvalidResourceItem',
    422,
    'Generated ID is invalid',
    async () => (await resourceWith()).insert({ id: '  ', name: 'a' }),
    {}
  ],
  [
    'an id that is no text',
    'ValidationError',
    400,
    'Resource id must be a string',
    async () => (await resourceWith()).get({}),
    { field: 'id' }
  ],
  ['an empty id', 'ValidationError', 400, 'Resource id cannot be empty', async () => (await resourceWith()).get(''), { field: 'id' }],
  [
    'a patch of nothing',
    'ValidationError',
    400,
    'fields must be a non-empty object',
    async () => (await resourceWith()).patch('one', null),
    { field: 'fields' }
  ],
  [
    'a replacement with nothing',
    'ValidationError',
    400,
    'fullData must be a non-empty object',
    async () => (await resourceWith()).replace('one', null),
    { field: 'fullData' }
  ],
  [
    'updateConditional without an ETag',
    'ValidationError',
    428,
    'updateConditional requires ifMatch option with ETag value',
    async () => (await resourceWith()).updateConditional('one', { name: 'a' }),
    {}
  ],
  [
    'an invalid patch',
    'ValidationError',
    422,
    'Validation failed during patch',
    async () => {
      const items = await resourceWith({ behavior: 'enforce-limits' });
      await items.insert({ id: 'one', name: 'a' });
      return items.patch('one', { name: 5 });
    },
    {}
  ],
  [
    'update of a missing record',
    'ResourceError',
    404,
    "Resource with id 'absent' does not exist",
    async () => (await resourceWith()).update('absent', { name: 'a' }),
    { id: 'absent' }
  ],
  [
    'getOrThrow of a missing record',
    'ResourceError',
    404,
    "Resource 'items' with id 'absent' not found",
    async () => (await resourceWith()).getOrThrow('absent'),
    { code: 'RESOURCE_NOT_FOUND', id: 'absent', resourceName: 'items' }
  ],
  [
    'a record that is not in the partition',
    'ResourceError',
    404,
    "Resource with id 'absent' not found in partition 'byKind'",
    async () => (await resourceWith()).getFromPartition({ id: 'absent', partitionName: 'byKind', partitionValues: { kind: 'a' } }),
    {}
  ],
  ...['deleteAll', 'deleteAllData'].map((method) => [
    `${method} without paranoid: false`,
    'ResourceError',
    400,
    `${method}() is a dangerous operation and requires paranoid: false option.`,
    async () => (await resourceWith())[method](),
    {}
  ]),
  [
    'a middleware of an unknown method',
    'ResourceError',
    400,
    'No such method for middleware: absent',
    async () => (await resourceWith()).useMiddleware('absent', () => undefined),
    {}
  ],
  [
    'next called twice',
    'ResourceError',
    500,
    'Resource middleware next() called multiple times',
    async () => {
      const items = await resourceWith();
      items.useMiddleware('count', async (_, next) => {
        await next();
        return next();
      });
      return items.count();
    },
    {}
  ],
  [
    'a plugin attribute without a plugin',
    'ResourceError',
    400,
    'Plugin name is required when adding plugin attributes',
    async () => (await resourceWith()).addPluginAttribute('x', 'string'),
    { resourceName: 'items' }
  ],
  [
    'a state machine that is not configured',
    'ResourceError',
    400,
    "State machine not configured for resource 'items'",
    async () => (await resourceWith()).state.get('one'),
    {}
  ],
  ...[
    ['insert', (items) => items.insert({ id: 'two', name: 'a', note: 'x'.repeat(3000) })],
    ['update', (items) => items.update('one', { note: 'x'.repeat(3000) })],
    ['upsert', (items) => items.upsert({ id: 'one', name: 'a', note: 'x'.repeat(3000) })]
  ].map(([operation, run]) => [
    `a record over the limit in ${operation}`,
    'MetadataLimitError',
    413,
    `Metadata size exceeds 2KB limit on ${operation === 'upsert' ? 'update' : operation}`,
    async () => {
      const items = await resourceWith({ behavior: 'enforce-limits' });
      await items.insert({ id: 'one', name: 'a' });
      return run(items);
    },
    { absoluteLimit: 2047 }
  ]),
  [
    'an unknown behaviour',
    'BehaviorError',
    400,
    'Unknown behavior: absent',
    async () => (await resourceWith({ behavior: 'absent' })).insert({ name: 'a' }),
    { behavior: 'absent', availableBehaviors: library.AVAILABLE_BEHAVIORS }
  ],
  ...['get', 'delete'].map((method) => [
    `${method} of a missing record`,
    'NoSuchKey',
    404,
    /^No such key: .*resource=items\/data\/id=absent \[bucket:test-/,
    async () => (await resourceWith())[method]('absent'),
    { id: 'absent', resourceName: 'items' }
  ]),
  [
    'patch of a missing record',
    'NoSuchKey',
    404,
    /^No such key: .*resource=items\/data\/id=absent \[bucket:test-/,
    async () => (await resourceWith({ behavior: 'enforce-limits' })).patch('absent', { name: 'a' }),
    { id: 'absent', resourceName: 'items' }
  ],
  [
    'an unknown resource',
    'ResourceNotFound',
    404,
    /^Resource not found: absent\/absent \[bucket:test-/,
    async () => (await connectDatabase()).getResource('absent'),
    { resourceName: 'absent', id: 'absent' }
  ]
];

for (const [title, name, status, message, provoke, members] of ROWS) {
  test(`spec03_22 ${title} is a ${name} with status ${status}`, async () => {
    let error;
    try {
      await provoke();
    } catch (caught) {
      error = caught;
    }
    assert.ok(error, 'it fails');
    assert.equal(error.name, name, error.stack);
    assert.ok(error instanceof library[name] && error instanceof library.S3dbError);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    assert.equal(error.statusCode, status);
    assert.equal(error.retriable, false);
    assert.equal(typeof error.title, 'string');
    assert.ok(error.thrownAt instanceof Date);
    assert.ok(typeof (error.suggestion ?? error.description) === 'string', 'it says what to do');
    assert.equal(error.toJson().message, error.message);
    assert.ok(error.data !== null && typeof error.data === 'object');
    for (const [member, value] of Object.entries(members)) assert.deepEqual(error[member], value, member);
  });
}

const FROM_THE_STORE = [
  ['NoSuchBucket', 404, 'NoSuchBucket', 404, false],
  ['AccessDenied', 403, 'PermissionError', 403, false],
  ['SlowDown', 503, 'UnknownError', 503, true]
];

for (const [code, status, name, mapped, retriable] of FROM_THE_STORE) {
  test(`spec03_22 ${code} of the store is a ${name} with its code`, async () => {
    const db = await connectDatabase();
    const items = await db.createResource({ name: 'items', attributes: ATTRIBUTES });
    const cause = sdkError(code, status);
    await failing(library.mapAwsError(cause, { bucket: db.bucket, key: 'k' }))(db, 'getObject');
    await assert.rejects(items.get('one'), (error) => {
      assert.deepEqual([error.name, error.statusCode, error.code, error.retriable], [name, mapped, code, retriable]);
      assert.equal(error.original, cause);
      return true;
    });
  });
}

test('spec03_22 data of InvalidResourceItem has the validation and the attributes', async () => {
  const items = await resourceWith();
  await assert.rejects(items.insert({ kind: 5 }), ({ data }) => {
    assert.equal(data.resourceName, 'items');
    assert.deepEqual(data.attributes, { kind: 5 });
    assert.deepEqual(data.validation.map(({ type, field }) => [type, field]).sort(), [
      ['required', 'name'],
      ['string', 'kind']
    ]);
    return true;
  });
});

test('spec03_22 validate with throwOnError throws an Error with validationErrors and invalidData', async () => {
  const items = await resourceWith();
  await assert.rejects(items.validate({ kind: 5 }, { throwOnError: true }), (error) => {
    assert.equal(error.message, 'Validation failed');
    assert.equal(error.validationErrors.length, 2);
    assert.deepEqual(error.invalidData, { kind: 5 });
    return true;
  });
});

test('spec01_12_33 ResourceNotFound has resourceName and id of its own', async () => {
  const db = makeDatabase();
  await assert.rejects(db.getResource('absent'), (error) => {
    assert.ok(Object.hasOwn(error, 'resourceName') && Object.hasOwn(error, 'id'));
    assert.deepEqual([error.resourceName, error.id], ['absent', 'absent']);
    return true;
  });
});
