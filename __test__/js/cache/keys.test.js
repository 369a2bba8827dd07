import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CachePlugin } from '../../../js/index.js';

const plugin = new CachePlugin({ driver: 'memory' });
const users = { name: 'users' };
const key = (...args) => plugin.generateCacheKey(users, ...args);

test('spec10_04 keys are those of s3db.js 13.6', async () => {
  const vectors = [
    [['count'], 'resource=users/action=count.json.gz'],
    [['get', { id: 'u1' }], 'resource=users/action=get/ebb882321de94849.json.gz'],
    [['get', { id: 'a' }], 'resource=users/action=get/6a1a81494a7765ad.json.gz'],
    [['getMany', { ids: ['a', 'b'] }], 'resource=users/action=getMany/9023e7849a018766.json.gz'],
    [['page', { offset: 0, size: 10 }], 'resource=users/action=page/df59a9c9818e3da5.json.gz'],
    [['page', { offset: undefined, size: 2 }], 'resource=users/action=page/e556d95284d9fb8b.json.gz'],
    [
      ['query', { filter: { n: 1 }, options: { limit: undefined, offset: undefined } }],
      'resource=users/action=query/da6575c7e70d09b8.json.gz'
    ],
    [['list', {}, 'byRegion', { region: 'US' }], 'resource=users/action=list/partition:byRegion/region:US.json.gz'],
    [
      ['getFromPartition', { id: 'u1', partitionName: 'byRegion' }, 'byRegion', { region: 'US' }],
      'resource=users/action=getFromPartition/partition:byRegion/region:US/824365191a5a5991.json.gz'
    ]
  ];
  for (const [args, expected] of vectors) assert.equal(await key(...args), expected);
});

test('spec10_04 partition fields keep their order, null and undefined are left out, and without values there is no part', async () => {
  assert.equal(
    await key('list', {}, 'p', { b: 1, a: null, c: undefined, d: 'x' }),
    'resource=users/action=list/partition:p/b:1/d:x.json.gz'
  );
  assert.equal(await key('list', {}, 'p', {}), 'resource=users/action=list.json.gz');
  assert.equal(await key('list', {}, null, { a: 1 }), 'resource=users/action=list.json.gz');
});

test('spec10_04 hashes sort members at every level, drop undefined ones and read dates through toJSON', () => {
  assert.equal(plugin.hashParams({ b: { y: 1, x: 2 }, a: 1 }), plugin.hashParams({ a: 1, b: { x: 2, y: 1 } }));
  assert.equal(plugin.hashParams({ a: 1, b: undefined }), plugin.hashParams({ a: 1 }));
  assert.equal(plugin.hashParams({ at: new Date(0) }), plugin.hashParams({ at: '1970-01-01T00:00:00.000Z' }));
  assert.match(plugin.hashParams(undefined), /^[0-9a-f]{16}$/);
  assert.notEqual(plugin.hashParams(undefined), plugin.hashParams({}));
});

test('spec10_14_20 no value leaves its segment', async () => {
  assert.equal(
    await key('list', {}, 'p', { path: '../../resource=other/action=list', rate: '50%' }),
    'resource=users/action=list/partition:p/path:..%2F..%2Fresource=other%2Faction=list/rate:50%25.json.gz'
  );
  assert.equal(await plugin.generateCacheKey({ name: '..' }, 'count'), 'resource=%2E%2E/action=count.json.gz');
});
