import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { AVAILABLE_BEHAVIORS, behaviors, DEFAULT_BEHAVIOR, getBehavior } from '../../js/behaviors/index.js';
import { BehaviorError, MetadataLimitError } from '../../js/errors/index.js';

const resource = () =>
  Object.assign(new EventEmitter(), {
    name: 'r',
    version: 'v1',
    config: { timestamps: false },
    schema: { map: { name: '0', big: '1' }, pluginMap: {} }
  });

test('spec04_11 the five behaviours are listed in order and unknown ones refused', () => {
  assert.deepEqual(Object.keys(behaviors), AVAILABLE_BEHAVIORS);
  assert.equal(DEFAULT_BEHAVIOR, 'user-managed');
  assert.equal(getBehavior('body-only'), behaviors['body-only']);
  for (const name of ['nope', 'toString', undefined]) {
    assert.throws(
      () => getBehavior(name),
      (error) =>
        error instanceof BehaviorError &&
        error.message === `Unknown behavior: ${name}` &&
        error.statusCode === 400 &&
        error.availableBehaviors.length === 5
    );
  }
});

test('spec04_11_1 a record that fits stays in metadata and one that does not goes where the behaviour says', async () => {
  const small = { resource: resource(), data: { name: 'x' }, mappedData: { _v: 'v1', 0: 'x' } };
  assert.deepEqual(await behaviors['user-managed'].handleInsert(small), { mappedData: { _v: 'v1', 0: 'x' }, body: '' });
  assert.deepEqual(JSON.parse((await behaviors['body-only'].handleInsert(small)).body), { _v: 'v1', 0: 'x' });
  const big = 'y'.repeat(3000);
  const large = { resource: resource(), id: 'i', data: { big }, mappedData: { _v: 'v1', 1: big } };
  const overflow = await behaviors['body-overflow'].handleInsert(large);
  assert.equal(JSON.parse(overflow.body)[1], big);
  assert.equal(overflow.mappedData.$overflow, 'true');
  await assert.rejects(
    behaviors['enforce-limits'].handleInsert(large),
    (error) => error instanceof MetadataLimitError && error.statusCode === 413 && error.operation === 'insert'
  );
  const seen = [];
  large.resource.on('exceedsLimit', (payload) => seen.push(payload));
  await behaviors['user-managed'].handleInsert(large);
  assert.equal(seen.length, 1);
  assert.equal(seen[0].operation, 'insert');
  assert.equal(seen[0].data, large.data);
});

test('spec04_11_4 handleGet merges the body under the metadata', async () => {
  const got = await behaviors['body-overflow'].handleGet({
    resource: resource(),
    metadata: { _v: 'v1', 0: 'x', $overflow: 'true' },
    body: '{"1":"y"}'
  });
  assert.deepEqual(got.metadata, { _v: 'v1', 0: 'x', 1: 'y' });
});
