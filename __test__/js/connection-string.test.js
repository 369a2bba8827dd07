import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionString, S3_DEFAULT_ENDPOINT, S3_DEFAULT_REGION } from '../../js/client/connection-string.js';
import { ConnectionStringError } from '../../js/errors/index.js';

test('spec01_5 parts are own enumerable properties in the documented order', () => {
  const s3 = new ConnectionString('s3://KEY:SE%2FCRET@bucket/a/b/?foo=bar');
  assert.deepEqual(Object.entries(s3), [
    ['region', S3_DEFAULT_REGION],
    ['bucket', 'bucket'],
    ['accessKeyId', 'KEY'],
    ['secretAccessKey', 'SE/CRET'],
    ['endpoint', S3_DEFAULT_ENDPOINT],
    ['keyPrefix', 'a/b/'],
    ['foo', 'bar']
  ]);
  const http = new ConnectionString('http://K:S@localhost:9000/bucket/x');
  assert.deepEqual(Object.keys(http), ['region', 'forcePathStyle', 'endpoint', 'accessKeyId', 'secretAccessKey', 'bucket', 'keyPrefix']);
  assert.equal(http.endpoint, 'http://localhost:9000');
  assert.ok(s3 instanceof ConnectionString);
});

test('spec01_12_26 a bad string is a ConnectionStringError without credentials', () => {
  for (const bad of [undefined, null, '', 'K:S3CRET@x', 's3://KEY:S3CRET@', 's3://KEY:S3/CRET@bucket']) {
    assert.throws(
      () => new ConnectionString(bad),
      (error) =>
        error instanceof ConnectionStringError &&
        error.code === 'ERR_INVALID_URL' &&
        error.statusCode === 400 &&
        error.original instanceof TypeError &&
        error.message.startsWith('Invalid connection string')
    );
  }
  assert.throws(
    () => new ConnectionString('s3://KEY:S3/CRET@bucket'),
    (error) => !JSON.stringify(error).includes('S3/CRET') && !error.message.includes('S3/CRET')
  );
});

test('spec01_12_27 parameters cannot name members of the prototype', () => {
  const parsed = new ConnectionString('s3://bucket?constructor=x&__proto__=y&own=z');
  assert.equal(parsed.constructor, ConnectionString);
  assert.equal(parsed.own, 'z');
});
