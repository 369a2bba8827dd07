import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromNative, holdForeign, nativeReport } from '../../js/errors/from-native.js';
import * as errors from '../../js/errors/index.js';

const { BaseError, PermissionError, S3dbError, ValidationError, mapAwsError } = errors;

const classNamed = (name) => Object.entries(errors).find(([exported]) => exported === name)[1];

const MESSAGE_CLASSES = [
  ['DatabaseError', 500],
  ['ValidationError', 422],
  ['AuthenticationError', 401],
  ['PermissionError', 403],
  ['EncryptionError', 500],
  ['ResourceError', 400],
  ['UnknownError', 500],
  ['ConnectionStringError', 400],
  ['CryptoError', 500],
  ['SchemaError', 400],
  ['PartitionError', 400],
  ['PluginError', 500],
  ['PluginStorageError', 500],
  ['PartitionDriverError', 503],
  ['BehaviorError', 400],
  ['StreamError', 500],
  ['MetadataLimitError', 413]
];

const OBJECT_CLASSES = [
  ['ResourceNotFound', { bucket: 'b', resourceName: 'users', id: 'u1' }, 404, 'Resource not found: users/u1 [bucket:b]'],
  ['NoSuchBucket', { bucket: 'b' }, 404, 'Bucket does not exists [bucket:b]'],
  ['NoSuchKey', { bucket: 'b', key: 'k' }, 404, 'No such key: k [bucket:b]'],
  ['NotFound', { bucket: 'b', key: 'k' }, 404, 'Not found: k [bucket:b]'],
  ['MissingMetadata', { bucket: 'b' }, 500, 'Missing metadata for bucket [bucket:b]'],
  ['InvalidResourceItem', { bucket: 'b', resourceName: 'users', message: 'bad' }, 422, 'bad'],
  ['AnalyticsNotEnabledError', { resourceName: 'urls', field: 'clicks' }, 400, 'Analytics not enabled for urls.clicks']
];

const SUGGESTING = [
  'DatabaseError',
  'ValidationError',
  'AuthenticationError',
  'PermissionError',
  'EncryptionError',
  'ResourceError',
  'ConnectionStringError',
  'CryptoError',
  'SchemaError'
];

for (const [name, status] of MESSAGE_CLASSES) {
  test(`spec01_6_2 ${name} has its name, intended status and given details`, () => {
    const Class = classNamed(name);
    const error = new Class('went wrong', { custom: 1, bucket: 'b' });
    assert.ok(error instanceof S3dbError && error instanceof BaseError && error instanceof Error);
    assert.equal(error.name, name);
    assert.equal(error.message, 'went wrong');
    assert.equal(error.title, name);
    assert.equal(error.statusCode, status);
    assert.equal(error.custom, 1);
    assert.equal(error.data.custom, 1);
    assert.equal(error.data.bucket, 'b');
    assert.equal(error.retriable, false);
    assert.ok(error.thrownAt instanceof Date);
    assert.equal(String(error), `${name} | went wrong`);
    assert.equal(
      typeof error.suggestion === 'string' && error.suggestion.length > 0,
      SUGGESTING.includes(name) || name === 'PluginStorageError'
    );
    assert.equal(new Class('x', { statusCode: 418 }).statusCode, 418);
  });
}

for (const [name, details, status, message] of OBJECT_CLASSES) {
  test(`spec01_6_2 ${name} builds its message from its fields`, () => {
    const Class = classNamed(name);
    const error = new Class(details);
    assert.equal(error.name, name);
    assert.equal(error.message, message);
    assert.equal(error.statusCode, status);
    for (const [key, value] of Object.entries(details)) {
      if (key !== 'message') assert.equal(error[key], value);
    }
    assert.equal(new Class({ ...details, statusCode: 409 }).statusCode, 409);
  });
}

const OWN_STATUS = ['DatabaseError', 'ValidationError', 'AuthenticationError', 'PermissionError', 'EncryptionError', 'ResourceError'];
const GIVEN = { suggestion: 's', description: 'd', title: 't', hint: 'h', docs: 'https://docs', retriable: true, code: 'GIVEN', extra: 1 };

for (const [name, , status] of [...MESSAGE_CLASSES.map(([each, number]) => [each, undefined, number]), ...OBJECT_CLASSES]) {
  test(`spec01_6_2 ${name} keeps what is passed and takes the rest from its original`, () => {
    const Class = classNamed(name);
    const fields = OBJECT_CLASSES.find(([each]) => each === name)?.[1];
    const make = (details) => (fields ? new Class({ ...fields, ...details }) : new Class('text', details));
    const given = make(GIVEN);
    for (const [key, value] of Object.entries(GIVEN)) assert.equal(given[key], value, key);
    assert.equal(given.data.extra, 1);
    assert.equal(make({}).retriable, false);
    const original = Object.assign(new Error('cause'), { code: 'Teapot', $metadata: { httpStatusCode: 418, requestId: 'r1' } });
    const error = make({ original });
    assert.deepEqual([error.code, error.requestId, error.awsMessage, error.original], ['Teapot', 'r1', 'cause', original]);
    assert.deepEqual(error.metadata, original.$metadata);
    assert.equal(error.statusCode, OWN_STATUS.includes(name) ? status : 418);
    const explicit = make({ original, statusCode: 409, code: 'MINE' });
    assert.deepEqual([explicit.statusCode, explicit.code], [409, 'MINE']);
    const json = error.toJson();
    assert.deepEqual([json.name, json.message, json.statusCode, json.code], [name, error.message, error.statusCode, 'Teapot']);
    assert.equal(error.toJSON().original.message, 'cause');
  });
}

test('spec01_6_2 required fields that are not strings raise ValidationError in the documented order', () => {
  const message = (make) => {
    try {
      make();
    } catch (error) {
      assert.ok(error instanceof ValidationError);
      return error.message;
    }
    return undefined;
  };
  assert.equal(
    message(() => new errors.ResourceNotFound({})),
    'ResourceNotFound requires id to be a string'
  );
  assert.equal(
    message(() => new errors.ResourceNotFound({ id: 'a' })),
    'ResourceNotFound requires bucket to be a string'
  );
  assert.equal(
    message(() => new errors.ResourceNotFound({ id: 'a', bucket: 'b' })),
    'ResourceNotFound requires resourceName to be a string'
  );
  assert.equal(
    message(() => new errors.NoSuchKey({})),
    'NoSuchKey requires key to be a string'
  );
  assert.equal(
    message(() => new errors.NoSuchKey({ key: 'k' })),
    'NoSuchKey requires bucket to be a string'
  );
  assert.equal(
    message(() => new errors.NoSuchKey({ key: 'k', bucket: 'b', id: null })),
    'NoSuchKey requires id to be a string when provided'
  );
  assert.equal(
    message(() => new errors.NotFound({})),
    'NotFound requires key to be a string'
  );
  assert.equal(
    message(() => new errors.NoSuchBucket({})),
    'NoSuchBucket requires bucket to be a string'
  );
  assert.equal(
    message(() => new errors.MissingMetadata({ bucket: 1 })),
    'MissingMetadata requires bucket to be a string'
  );
  assert.equal(
    message(() => new errors.InvalidResourceItem({ bucket: 'b' })),
    'InvalidResourceItem requires resourceName to be a string'
  );
  assert.throws(() => new BaseError(), TypeError);
});

test('spec01_6_1 facts of the original fill what the caller did not give, and explicit values win', () => {
  const original = Object.assign(new Error('slow'), { Code: 'SlowDown', $metadata: { httpStatusCode: 503, requestId: 'r1' } });
  const error = new errors.UnknownError('x', { original });
  assert.equal(error.code, 'SlowDown');
  assert.equal(error.statusCode, 503);
  assert.equal(error.requestId, 'r1');
  assert.equal(error.awsMessage, 'slow');
  assert.deepEqual(error.metadata, { httpStatusCode: 503, requestId: 'r1' });
  assert.notEqual(error.metadata, original.$metadata);
  const explicit = new errors.UnknownError('x', { original, code: 'Mine', statusCode: 400 });
  assert.equal(explicit.code, 'Mine');
  assert.equal(explicit.statusCode, 400);
  assert.equal(new errors.ValidationError('x', { original }).statusCode, 422);
});

test('spec01_12_36 details cannot overwrite name, message, stack or the prototype', () => {
  const details = JSON.parse('{"name":"Evil","message":"evil","stack":"evil","constructor":1,"__proto__":{"polluted":true}}');
  const error = new errors.ValidationError('real', details);
  assert.equal(error.name, 'ValidationError');
  assert.equal(error.message, 'real');
  assert.match(error.stack, /ValidationError|Error: real/);
  assert.notEqual(error.stack, 'evil');
  assert.equal(error.polluted, undefined);
  assert.equal(error.data.polluted, undefined);
  assert.ok(error instanceof errors.ValidationError);
});

test('spec01_12_26 toJson and toJSON hide bodies, credentials and user information', () => {
  const error = new errors.UnknownError('x', {
    commandName: 'PutObjectCommand',
    commandInput: { Bucket: 'b', Key: 'k', Body: 'private text', Metadata: { name: 'private text' } },
    settings: { secretAccessKey: 'private text', note: 'https://user:pass@host/x' }
  });
  for (const text of [JSON.stringify(error.toJson()), JSON.stringify(error)]) {
    assert.doesNotMatch(text, /private text|user:pass/);
    assert.match(text, /"Bucket":"b","Key":"k"/);
  }
  assert.deepEqual(Object.keys(error.toJson()), [
    ...['name', 'message', 'code', 'statusCode', 'requestId', 'awsMessage', 'bucket', 'key', 'thrownAt', 'retriable', 'suggestion'],
    ...['docs', 'title', 'hint', 'commandName', 'commandInput', 'metadata', 'description', 'data', 'original', 'stack']
  ]);
});

test('spec01_6_1 verbose adds the unknown details to the message', () => {
  assert.equal(new errors.DatabaseError('x', { verbose: true, extra: 1 }).message, 'x\n\nVerbose:\n\n{\n  "extra": 1\n}');
});

test('spec01_6_2 PartitionError, PartitionDriverError and MetadataLimitError derive their extras', () => {
  const details = { resourceName: 'users', partitionName: 'byX', fieldName: 'x', availableFields: ['a', 'b'] };
  const strict = new errors.PartitionError('x', details).description;
  for (const part of ['users', 'byX', "'x'", 'a, b', 'dot notation', 'strictValidation: false']) assert.ok(strict.includes(part), part);
  assert.ok(!new errors.PartitionError('x', { ...details, strictValidation: false }).description.includes('strictValidation'));
  assert.equal(new errors.PartitionError('x').description, 'Partition: x');
  assert.equal(new errors.PartitionError('x', { partitionName: 'p' }).description, "x\nConcerns partition 'p'.");
  assert.equal(new errors.PartitionDriverError('x', { queueSize: 5, maxQueueSize: 5 }).retriable, true);
  assert.equal(new errors.PartitionDriverError('x', { queueSize: 4, maxQueueSize: 5 }).retriable, false);
  const limit = new errors.MetadataLimitError('x', { totalSize: 3000, effectiveLimit: 2000 });
  assert.equal(limit.absoluteLimit, 2047);
  assert.equal(limit.excess, 1000);
  assert.ok(limit.description.includes('3000'));
  assert.equal(new errors.MetadataLimitError('x').description, undefined);
});

const CONTEXT = { bucket: 'b', key: 'k' };
const aws = (code, status) => Object.assign(new Error('m'), { name: code, $metadata: { httpStatusCode: status } });
const MAPPED = [
  ['NoSuchKey', 404, 'NoSuchKey', 404, 'No such key: k [bucket:b]', false],
  ['NotFound', 404, 'NoSuchKey', 404, 'No such key: k [bucket:b]', false],
  ['NoSuchBucket', 404, 'NoSuchBucket', 404, 'Bucket does not exists [bucket:b]', false],
  ['AccessDenied', 403, 'PermissionError', 403, 'Access denied', false],
  ['Forbidden', undefined, 'PermissionError', 403, 'Access denied', false],
  ['Anything', 403, 'PermissionError', 403, 'Access denied', false],
  ['InvalidAccessKeyId', 403, 'PermissionError', 403, 'Access denied', false],
  ['SignatureDoesNotMatch', 403, 'PermissionError', 403, 'Access denied', false],
  ['ExpiredToken', 400, 'PermissionError', 403, 'Access denied', false],
  ['ValidationError', undefined, 'ValidationError', 422, 'Validation error', false],
  ['InvalidArgument', 400, 'ValidationError', 422, 'Validation error', false],
  ['MissingMetadata', undefined, 'MissingMetadata', 500, 'Missing metadata for bucket [bucket:b]', false],
  ['PreconditionFailed', 412, 'ResourceError', 412, 'Precondition failed', false],
  ['PRECONDITION_FAILED', undefined, 'ResourceError', 412, 'Precondition failed', false],
  ['SlowDown', 503, 'UnknownError', 503, /^Unknown error: m \| Status: 503/, true],
  ['RequestTimeout', 400, 'UnknownError', 400, /^Unknown error: m/, true],
  ['InternalError', 500, 'UnknownError', 500, /^Unknown error: m/, true],
  ['TooMany', 429, 'UnknownError', 429, /^Unknown error: m/, true],
  ['Weird', 418, 'UnknownError', 418, /^Unknown error: m/, false]
];

for (const [code, status, name, mappedStatus, message, retriable] of MAPPED) {
  test(`spec01_6_3 mapAwsError turns ${code} ${status ?? ''} into ${name}`, () => {
    const cause = aws(code, status);
    const error = mapAwsError(cause, CONTEXT);
    assert.equal(error.name, name);
    assert.equal(error.statusCode, mappedStatus);
    assert.equal(error.original, cause);
    assert.equal(error.code, code === 'PRECONDITION_FAILED' ? 'PreconditionFailed' : code);
    assert.equal(error.bucket, 'b');
    assert.equal(error.retriable, retriable);
    assert.ok(error.description);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
  });
}

test('spec01_6_3 mapAwsError of an unknown error lists code, status and first stack line', () => {
  const cause = Object.assign(new Error('boom'), { code: 'Weird', statusCode: 418 });
  assert.equal(mapAwsError(cause, CONTEXT).message, 'Unknown error: boom | Code: Weird | Status: 418 | Stack: Error: boom');
  assert.equal(mapAwsError({ message: 'm' }, { ...CONTEXT, retriable: true }).retriable, true);
  assert.throws(() => mapAwsError(aws('NoSuchKey', 404)), ValidationError);
});

test('spec01_12_34 errors of credentials say what to check, each its own', () => {
  const of = (code) =>
    mapAwsError(Object.assign(new Error('no'), { name: code, $metadata: { httpStatusCode: 403 } }), { bucket: 'b', key: 'k' });
  const native = (code) => fromNative(new Error(JSON.stringify({ kind: 'Permission', message: 'no', code, status: 403, fields: {} })));
  for (const [code, remedy] of [
    ['SignatureDoesNotMatch', /secretAccessKey/],
    ['InvalidAccessKeyId', /accessKeyId/],
    ['ExpiredToken', /sessionToken/],
    ['AccessDenied', /policies/]
  ]) {
    for (const error of [of(code), native(code)]) {
      assert.ok(error instanceof PermissionError, code);
      assert.equal(error.code, code);
      assert.match(error.suggestion, remedy);
    }
  }
  assert.match(native('CredentialsProviderError').suggestion, /AWS_ACCESS_KEY_ID/);
});

test('spec05_2_8 not-found and precondition errors of any client are recognised, through original too', () => {
  const { isNotFound, isPrecondition } = errors;
  for (const error of [
    { name: 'NoSuchKey' },
    { code: 'NotFound' },
    { Code: 'NoSuchKey' },
    { statusCode: 404 },
    { $metadata: { httpStatusCode: 404 } }
  ]) {
    assert.equal(isNotFound(error), true);
    assert.equal(isNotFound({ original: { original: error } }), true);
    assert.equal(isPrecondition(error), false);
  }
  assert.equal(isNotFound({ name: 'NoSuchBucket', statusCode: 404 }), false);
  assert.equal(isNotFound(undefined), false);
  for (const error of [{ code: 'PreconditionFailed' }, { name: 'PRECONDITION_FAILED' }, { statusCode: 412 }]) {
    assert.equal(isPrecondition({ original: error }), true);
    assert.equal(isNotFound(error), false);
  }
});

test('native errors become the published classes with their fields', () => {
  const native = (report) => new Error(JSON.stringify({ fields: {}, retriable: false, ...report }));
  const missing = fromNative(
    native({ kind: 'NoSuchKey', message: 'No such key: k', code: 'NotFound', status: 404, fields: { key: 'k' } }),
    {
      bucket: 'b',
      resourceName: 'users',
      id: 'u1'
    }
  );
  assert.ok(missing instanceof errors.NoSuchKey);
  assert.equal(missing.message, 'No such key: k [bucket:b]');
  assert.deepEqual([missing.code, missing.statusCode, missing.resourceName, missing.id], ['NotFound', 404, 'users', 'u1']);
  const limit = fromNative(native({ kind: 'MetadataLimit', message: 'too big', fields: { totalSize: 9, effectiveLimit: 5 } }));
  assert.ok(limit instanceof errors.MetadataLimitError);
  assert.deepEqual([limit.message, limit.totalSize, limit.excess, limit.statusCode], ['too big', 9, 4, 413]);
  const lost = fromNative(native({ kind: 'Precondition', message: 'Precondition failed' }));
  assert.deepEqual([lost.name, lost.code, lost.statusCode], ['ResourceError', 'PreconditionFailed', 412]);
  const slow = fromNative(native({ kind: 'Network', message: 'reset', retriable: true }));
  assert.deepEqual([slow.name, slow.retriable, slow.statusCode], ['UnknownError', true, 500]);
  const item = fromNative(
    { kind: 'InvalidResourceItem', message: 'duplicate', status: 409, fields: {} },
    { bucket: 'b', resourceName: 'r' }
  );
  assert.deepEqual([item.name, item.message, item.statusCode], ['InvalidResourceItem', 'duplicate', 409]);
  assert.equal(nativeReport(new Error('{"kind":"Mystery"}')), null);
});

test('errors that are not native, and those JavaScript threw itself, come back by identity', () => {
  const own = new TypeError('mine');
  assert.equal(fromNative(own), own);
  const id = holdForeign(own);
  const carried = new Error(JSON.stringify({ kind: 'Unknown', message: 'mine', fields: {}, retriable: false, foreign: id }));
  assert.equal(fromNative(carried), own);
  assert.equal(fromNative(carried).name, 'UnknownError');
});
