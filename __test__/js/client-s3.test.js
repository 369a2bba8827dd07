import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Client, HTTP_CLIENT_PROFILES, S3Client } from '../../js/client/index.js';
import { clientSending, recordEvents, rejection, s3ConnectionString, withoutS3 } from './support/clients.js';

const failWith =
  (name, status, extra = {}) =>
  async () => {
    throw Object.assign(new Error(`${name} happened`), { name, $metadata: { httpStatusCode: status, requestId: 'r1' }, ...extra });
  };

describe('S3Client construction', () => {
  it('spec05_2_1_options_defaults_and_properties', () => {
    const client = new S3Client({ connectionString: 'https://ak:sk@example.com:9000/bucket/some/path?region=eu-west-1' });
    assert.equal(Client, S3Client);
    assert.equal(client.id.length, 77);
    assert.equal(client.verbose, false);
    assert.equal(client.parallelism, 10);
    assert.deepEqual(client.httpClientOptions, {
      keepAlive: true,
      keepAliveMsecs: 1000,
      maxSockets: 500,
      maxFreeSockets: 100,
      timeout: 60000
    });
    assert.equal(client.bucket, 'bucket');
    assert.equal(client.keyPrefix, 'some/path');
    assert.equal(client.region, 'eu-west-1');
    assert.throws(() => {
      client.bucket = 'x';
    }, TypeError);
    assert.equal(
      new S3Client({ connectionString: 's3://b', id: 'mine', httpClientOptions: { maxSockets: 0 } }).httpClientOptions.maxSockets,
      0
    );
    assert.throws(() => new S3Client(), TypeError);
    assert.throws(() => new S3Client({}), { name: 'ConnectionStringError' });
  });

  it('spec05_2_2_create_client_looks_like_an_sdk_client_and_follows_the_config', async () => {
    const client = new S3Client({ connectionString: 'https://ak:sk@example.com/bucket/path' });
    const made = client.createClient();
    assert.notEqual(made, client.client);
    assert.equal(typeof made.send, 'function');
    assert.equal(typeof made.destroy, 'function');
    assert.equal(await made.config.region(), 'us-east-1');
    assert.equal(made.config.forcePathStyle, true);
    client.config.region = 'sa-east-1';
    client.config.bucket = 'other';
    const again = client.createClient();
    assert.equal(await again.config.region(), 'sa-east-1');
    assert.equal(again.bucket, 'other');
  });

  it('spec05_18_http_options_of_later_versions_are_understood_and_checked', () => {
    const make = (httpClientOptions, httpClientProfile) =>
      new S3Client({ connectionString: 's3://k:s@b', httpClientOptions, httpClientProfile });
    assert.equal(make({}, 'resilient').httpClientOptions.timeout, HTTP_CLIENT_PROFILES.resilient.timeout);
    assert.equal(make({ timeout: 5 }, 'resilient').httpClientOptions.timeout, 5);
    assert.throws(() => make({}, 'fast'), { name: 'ValidationError', message: /balanced, throughput, resilient/ });
    assert.throws(() => make({ timeout: 'soon' }), { name: 'ValidationError', message: /httpClientOptions.timeout/ });
  });

  it('spec05_16_32_credentials_are_not_shown_when_the_client_is_inspected_as_a_string', () => {
    const client = new S3Client({ connectionString: 'https://ak:topsecret@example.com/bucket' });
    assert.equal(Object.keys(client).includes('connectionString'), false);
    assert.equal(client.connectionString, 'https://ak:topsecret@example.com/bucket');
  });
});

describe('S3Client composition', () => {
  it('spec05_2_3_object_methods_send_commands_with_sdk_names_and_fields', async () => {
    const sent = [];
    const client = clientSending(async (command) => {
      sent.push([command.constructor.name, command.input]);
      return {};
    });
    await client.putObject({
      key: 'k',
      metadata: { 'a b': 'ü', c: 1 },
      body: 'x',
      contentType: 't/p',
      contentEncoding: 'gzip',
      contentLength: 1,
      ifMatch: '"e"',
      ifNoneMatch: '*'
    });
    await client.putObject({ key: 'k' });
    await client.getObject('k');
    await client.headObject('k');
    await client.copyObject({
      from: 'a b+c%',
      to: 'k',
      metadata: { 'x.y': 'z' },
      metadataDirective: 'REPLACE',
      contentType: 't/p',
      copySourceIfMatch: '"e"'
    });
    await client.deleteObject('k');
    await client.deleteObject('k', { ifMatch: '"e"' });
    await client.listObjects({ prefix: 'p' });
    await client.listObjects();
    await client.deleteObjects(['k']);
    assert.deepEqual(sent[0], [
      'PutObjectCommand',
      {
        Bucket: 'my-bucket',
        Key: 'app/x/k',
        Metadata: { a_b: 'b:w7w=', c: '1' },
        Body: 'x',
        ContentType: 't/p',
        ContentEncoding: 'gzip',
        ContentLength: 1,
        IfMatch: '"e"',
        IfNoneMatch: '*'
      }
    ]);
    assert.deepEqual(sent[1][1], { Bucket: 'my-bucket', Key: 'app/x/k', Metadata: {}, Body: Buffer.alloc(0) });
    assert.deepEqual(sent[2], ['GetObjectCommand', { Bucket: 'my-bucket', Key: 'app/x/k' }]);
    assert.equal(sent[3][0], 'HeadObjectCommand');
    assert.deepEqual(sent[4][1], {
      Bucket: 'my-bucket',
      CopySource: 'my-bucket/app/x/a%20b%2Bc%25',
      Key: 'app/x/k',
      MetadataDirective: 'REPLACE',
      Metadata: { x_y: 'z' },
      ContentType: 't/p',
      CopySourceIfMatch: '"e"'
    });
    assert.deepEqual(sent[5], ['DeleteObjectCommand', { Bucket: 'my-bucket', Key: 'app/x/k' }]);
    assert.equal(sent[6][1].IfMatch, '"e"');
    assert.deepEqual(sent[7], ['ListObjectsV2Command', { Bucket: 'my-bucket', MaxKeys: 1000, Prefix: 'app/x/p' }]);
    assert.equal(sent[8][1].Prefix, 'app/x/');
    assert.deepEqual(sent[9], ['DeleteObjectsCommand', { Bucket: 'my-bucket', Delete: { Objects: [{ Key: 'app/x/k' }] } }]);
  });

  it('spec05_2_3_methods_reach_their_collaborators_through_the_instance', async () => {
    const client = clientSending(async () => ({ Contents: [], KeyCount: 0 }));
    const calls = [];
    for (const name of [
      'sendCommand',
      'headObject',
      'copyObject',
      'deleteObject',
      'listObjects',
      'getAllKeys',
      'moveObject',
      'getContinuationTokenAfterOffset'
    ]) {
      const original = client[name];
      client[name] = function spy(...args) {
        calls.push(name);
        return original.apply(this, args);
      };
    }
    const during = async (work) => {
      calls.length = 0;
      await work();
      return calls.join(' ');
    };
    assert.equal(await during(() => client.exists('k')), 'headObject sendCommand');
    assert.equal(
      await during(() => client.moveObject({ from: 'a', to: 'b' })),
      'moveObject copyObject sendCommand deleteObject sendCommand'
    );
    assert.equal(await during(() => client.count()), 'listObjects sendCommand');
    assert.equal(await during(() => client.getAllKeys()), 'getAllKeys listObjects sendCommand');
    assert.equal(await during(() => client.getKeysPage({ offset: 5 })), 'getContinuationTokenAfterOffset listObjects sendCommand');
    assert.equal(await during(() => client.moveAllObjects({ prefixFrom: 'a', prefixTo: 'b' })), 'getAllKeys listObjects sendCommand');
    assert.equal(await during(() => client.deleteAll()), '', 'deleteAll sends by itself');
  });

  it('spec05_16_35_delete_objects_checks_keys_only_when_exists_was_replaced', async () => {
    const sent = [];
    const client = clientSending(async (command) => {
      sent.push(command.constructor.name);
      return { Deleted: [] };
    });
    const keys = Array.from({ length: 2500 }, (_, i) => `k${i}`);
    const report = await client.deleteObjects(keys);
    assert.deepEqual(sent, ['DeleteObjectsCommand', 'DeleteObjectsCommand', 'DeleteObjectsCommand']);
    assert.equal(report.deleted.length, 3);
    client.exists = async (key) => {
      if (key === 'k1') throw new Error('protected');
      return true;
    };
    const refused = await client.deleteObjects(['k0', 'k1']);
    assert.deepEqual(refused.deleted, []);
    assert.deepEqual(refused.notFound[0].item, ['k0', 'k1']);
    assert.match(refused.notFound[0].message, /protected/);
    assert.deepEqual(await client.deleteObjects([]), { deleted: [], notFound: [] });
  });

  it('spec05_2_5_delete_objects_reports_failures_per_key_and_never_rejects_for_them', async () => {
    const client = clientSending(async () => ({
      Deleted: [{ Key: 'app/x/a' }],
      Errors: [{ Key: 'app/x/b', Code: 'AccessDenied', Message: 'no' }]
    }));
    const { deleted, notFound } = await client.deleteObjects(['a', 'b']);
    assert.equal(deleted.length, 1);
    assert.deepEqual(
      notFound.map(({ message, item, raw }) => [message, item, raw.Code]),
      [['no', ['b'], 'AccessDenied']]
    );
    const failing = clientSending(failWith('SlowDown', 503));
    const report = await failing.deleteObjects(['a']);
    assert.equal(report.notFound[0].raw.code, 'SlowDown');
    assert.deepEqual(report.notFound[0].item, ['a']);
  });

  it('spec05_2_5_delete_all_finishes_its_pages_and_then_reports_what_failed', async () => {
    let pages = 0;
    const client = clientSending(async ({ constructor: { name } }) => {
      if (name === 'ListObjectsV2Command') {
        pages += 1;
        return { Contents: [{ Key: `app/x/${pages}` }], IsTruncated: pages === 1, NextContinuationToken: 't' };
      }
      return pages === 1 ? { Errors: [{ Key: 'app/x/1', Code: 'AccessDenied', Message: 'no' }] } : { Deleted: [{ Key: 'app/x/2' }] };
    });
    const error = await rejection(client.deleteAll({ prefix: 'p' }));
    assert.equal(pages, 2);
    assert.equal(error.name, 'UnknownError');
    assert.deepEqual(error.data.errors, [{ key: '1', code: 'AccessDenied', message: 'no' }]);
  });

  it('spec05_16_5_metadata_names_that_differ_only_in_case_are_refused', async () => {
    const client = clientSending(async () => ({}));
    for (const work of [
      () => client.putObject({ key: 'k', metadata: { a: 1, A: 2 } }),
      () => client.copyObject({ from: 'k', to: 'l', metadata: { 'x.y': 1, X_Y: 2 }, metadataDirective: 'REPLACE' })
    ]) {
      const error = await rejection(work());
      assert.equal(error.name, 'ValidationError');
      assert.equal(error.field, 'metadata');
    }
  });
});

describe('S3Client events', () => {
  it('spec05_2_6_every_method_announces_itself_once', async () => {
    const client = clientSending(async () => ({ ETag: '"e"', Contents: [{ Key: 'app/x/a' }], KeyCount: 1, Deleted: [{ Key: 'app/x/a' }] }));
    const events = recordEvents(client);
    const names = async (work) => {
      events.length = 0;
      await work();
      return events.map(([name]) => name).join(' ');
    };
    assert.equal(await names(() => client.putObject({ key: 'a' })), 'cl:request cl:response cl:PutObject');
    assert.equal(events[0][1], 'PutObjectCommand');
    assert.equal(events[1][2].ETag, '"e"');
    assert.equal(events[1][3], events[0][2]);
    assert.deepEqual(Object.keys(events[2][2]), ['key', 'metadata', 'contentType', 'body', 'contentEncoding', 'contentLength']);
    assert.equal(await names(() => client.getObject('a')), 'cl:request cl:response cl:GetObject');
    assert.deepEqual(events[2][2], { key: 'a' });
    assert.equal(await names(() => client.headObject('a')), 'cl:request cl:response cl:HeadObject');
    assert.equal(await names(() => client.copyObject({ from: 'a', to: 'b' })), 'cl:request cl:response cl:CopyObject');
    assert.deepEqual(events[2][2], { from: 'a', to: 'b', metadataDirective: undefined });
    assert.equal(await names(() => client.deleteObject('a')), 'cl:request cl:response cl:DeleteObject');
    assert.equal(await names(() => client.listObjects({})), 'cl:request cl:response cl:ListObjects');
    assert.equal(await names(() => client.deleteObjects(['a'])), 'cl:request cl:response cl:DeleteObjects');
    assert.deepEqual(events[2][2], ['a']);
    assert.equal(await names(() => client.deleteAll({ prefix: 'p' })), 'cl:DeleteAll cl:DeleteAllComplete');
    assert.deepEqual(events, [
      ['cl:DeleteAll', { prefix: 'p', batch: 1, total: 1 }],
      ['cl:DeleteAllComplete', { prefix: 'p', totalDeleted: 1 }]
    ]);
    assert.match(await names(() => client.count({ prefix: 'p' })), /cl:Count$/);
    assert.deepEqual(events.at(-1), ['cl:Count', 1, { prefix: 'p' }]);
    assert.match(await names(() => client.getAllKeys({})), /cl:GetAllKeys$/);
    assert.match(await names(() => client.getKeysPage({ amount: 1 })), /cl:GetKeysPage$/);
    assert.match(await names(() => client.getContinuationTokenAfterOffset({ offset: 1 })), /cl:GetContinuationTokenAfterOffset$/);
    assert.match(await names(() => client.moveAllObjects({ prefixFrom: 'a', prefixTo: 'b' })), /cl:MoveAllObjects$/);
  });

  it('spec05_2_6_failures_are_announced_with_the_error_and_without_a_response', async () => {
    const client = clientSending(failWith('AccessDenied', 403));
    const events = recordEvents(client);
    const error = await rejection(client.putObject({ key: 'a' }));
    assert.deepEqual(
      events.map(([name]) => name),
      ['cl:request', 'cl:PutObject']
    );
    assert.equal(events[1][1], error);
  });

  it('spec05_15_older_event_names_reach_their_listeners_on_success_only', async () => {
    let fail = false;
    const client = clientSending(async () => (fail ? failWith('Boom', 500)() : { KeyCount: 0 }));
    const seen = [];
    for (const name of [
      'command.request',
      'command.response',
      'putObject',
      'getObject',
      'headObject',
      'deleteObject',
      'copyObject',
      'listObjects',
      'count',
      'getAllKeys',
      'getKeysPage',
      'deleteObjects',
      'deleteAllComplete'
    ]) {
      client.on(name, () => seen.push(name));
    }
    await client.putObject({ key: 'a' });
    assert.deepEqual(seen.splice(0), ['command.request', 'command.response', 'putObject']);
    await client.count();
    assert.deepEqual(seen.splice(0), ['command.request', 'command.response', 'listObjects', 'count']);
    fail = true;
    await rejection(client.getObject('a'));
    assert.deepEqual(seen.splice(0), ['command.request']);
  });

  it('a listener that throws is not taken for a failed request', async () => {
    const client = clientSending(async () => ({}));
    client.on('cl:PutObject', () => {
      throw new RangeError('listener');
    });
    assert.equal((await rejection(client.putObject({ key: 'a' }))).name, 'RangeError');
  });
});

describe('S3Client task pool', () => {
  it('spec05_18_requests_pass_a_pool_when_one_is_asked_for', async () => {
    let running = 0;
    let most = 0;
    const send = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((done) => setTimeout(done, 5));
      running -= 1;
      return {};
    };
    assert.equal(clientSending(send).getQueueStats(), null);
    const client = clientSending(send, { executorPool: { concurrency: 2 } });
    const seen = [];
    for (const name of ['pool:taskStarted', 'pool:taskCompleted']) client.on(name, ({ name: command }) => seen.push(`${name} ${command}`));
    await Promise.all(Array.from({ length: 6 }, (_, i) => client.headObject(`k${i}`)));
    assert.equal(most, 2);
    assert.equal(seen.filter((text) => text === 'pool:taskCompleted HeadObjectCommand').length, 6);
    assert.equal(client.getQueueStats().processedCount, 6);
    assert.equal(client.getAggregateMetrics().count, 6);
    assert.equal(client.getAggregateMetrics(Date.now() + 1000).count, 0);
    client.pausePool();
    const waiting = client.headObject('later');
    await new Promise((done) => setTimeout(done, 20));
    assert.deepEqual([client.getQueueStats().queueSize, running], [1, 0]);
    client.resumePool();
    await client.drainPool();
    await waiting;
    client.pausePool();
    const refused = rejection(client.headObject('never'));
    client.stopPool();
    assert.match((await refused).message, /stopped/);
    assert.match((await rejection(client.headObject('never'))).message, /stopped/);
    assert.throws(() => clientSending(send, { taskExecutor: { concurrency: 0 } }), { name: 'ValidationError' });
  });

  it('spec05_18_the_pool_retries_and_limits_the_time_of_a_request', async () => {
    let attempts = 0;
    const flaky = async () => {
      attempts += 1;
      return attempts < 3 ? failWith('SlowDown', 503)() : {};
    };
    const client = clientSending(flaky, { taskExecutor: { retries: 3, retryDelay: 1 } });
    await client.headObject('k');
    assert.equal(client.getQueueStats().retryCount, 2);
    const never = clientSending(() => new Promise(() => {}), { taskExecutor: { timeout: 10 } });
    const error = await rejection(never.headObject('k'));
    assert.deepEqual([error.code, error.retriable], ['ETIMEDOUT', true]);
    const fatal = clientSending(failWith('AccessDenied', 403), { taskExecutor: { retries: 3, retryDelay: 1 } });
    await rejection(fatal.headObject('k'));
    assert.equal(fatal.getQueueStats().retryCount, 0);
  });
});

describe('S3Client errors', () => {
  it('spec05_2_7_errors_are_mapped_once_with_the_key_of_the_caller', async () => {
    const expectations = [
      ['NoSuchKey', 404, 'NoSuchKey', 404, /^No such key: k \[bucket:my-bucket\]$/],
      ['NotFound', 404, 'NoSuchKey', 404, /^No such key: k/],
      ['NoSuchBucket', 404, 'NoSuchBucket', 404, /^Bucket does not exists \[bucket:my-bucket\]$/],
      ['AccessDenied', 403, 'PermissionError', 403, /^Access denied$/],
      ['Whatever', 403, 'PermissionError', 403, /^Access denied$/],
      ['InvalidArgument', 400, 'ValidationError', 422, /^Validation error$/],
      ['PreconditionFailed', 412, 'ResourceError', 412, /^Precondition failed$/],
      ['InternalThing', 500, 'UnknownError', 500, /^Unknown error: InternalThing happened/]
    ];
    for (const [code, status, className, statusCode, message] of expectations) {
      const client = clientSending(failWith(code, status));
      const error = await rejection(client.getObject('k'));
      assert.equal(error.name, className, code);
      assert.equal(error.statusCode, statusCode, code);
      assert.match(error.message, message);
      assert.equal(error.code, code);
      assert.equal(error.key, 'k');
      assert.equal(error.bucket, 'my-bucket');
      assert.equal(error.data.bucket, 'my-bucket');
      assert.equal(error.original.name, code);
      assert.equal(error.original.original, undefined);
      assert.equal(typeof error.description, 'string');
    }
  });

  it('spec05_2_7_throttling_and_server_errors_are_retriable', async () => {
    for (const [code, status] of [
      ['SlowDown', 503],
      ['InternalError', 500],
      ['TooManyRequestsException', 429],
      ['TimeoutError', undefined]
    ]) {
      assert.equal((await rejection(clientSending(failWith(code, status)).headObject('k'))).retriable, true, code);
    }
    assert.equal((await rejection(clientSending(failWith('NoSuchKey', 404)).headObject('k'))).retriable, false);
  });

  it('spec05_2_7_the_key_of_a_failed_copy_is_the_destination', async () => {
    const error = await rejection(clientSending(failWith('NoSuchKey', 404)).copyObject({ from: 'a', to: 'b' }));
    assert.equal(error.key, 'b');
  });

  it('spec05_16_33_errors_carry_no_bodies', async () => {
    const error = await rejection(
      clientSending(failWith('Boom', 500)).putObject({ key: 'k', body: 'very secret', metadata: { m: 'hidden' } })
    );
    assert.equal(error.commandName, 'PutObjectCommand');
    assert.equal(error.commandInput.Key, 'app/x/k');
    assert.equal(error.commandInput.bodyBytes, 11);
    assert.equal(/very secret|hidden/.test(JSON.stringify(error.toJson())), false);
  });

  it('spec05_2_5_listing_and_moving_wrap_the_cause_and_keep_its_code', async () => {
    const client = clientSending(failWith('NoSuchBucket', 404));
    const listing = await rejection(client.listObjects({}));
    assert.equal(listing.name, 'UnknownError');
    assert.equal(listing.message, 'Unknown error in listObjects');
    assert.equal(listing.code, 'NoSuchBucket');
    assert.equal(listing.statusCode, 404);
    assert.equal(listing.original.name, 'NoSuchBucket');
    const moving = await rejection(client.moveObject({ from: 'a', to: 'b' }));
    assert.equal(moving.message, 'Unknown error in moveObject');
    assert.deepEqual([moving.data.from, moving.data.to], ['a', 'b']);
    assert.equal(moving.original.name, 'NoSuchBucket');
  });

  it('spec05_2_5_move_all_tries_every_key_before_it_reports', async () => {
    const client = clientSending(async ({ constructor: { name }, input }) => {
      if (name === 'ListObjectsV2Command') return { Contents: ['a/1', 'a/2', 'a/3'].map((key) => ({ Key: `app/x/${key}` })) };
      if (name === 'CopyObjectCommand' && input.Key.endsWith('2')) return failWith('AccessDenied', 403)();
      return {};
    });
    const error = await rejection(client.moveAllObjects({ prefixFrom: 'a/', prefixTo: 'b/' }));
    assert.equal(error.message, 'Some objects could not be moved');
    const { totalKeys, failedCount, successCount, operation, errors } = error.data;
    assert.deepEqual(
      { totalKeys, failedCount, successCount, operation },
      { totalKeys: 3, failedCount: 1, successCount: 2, operation: 'moveAllObjects' }
    );
    assert.equal(errors.length, 1);
  });

  it('spec05_2_5_exists_is_false_only_for_missing_objects', async () => {
    assert.equal(await clientSending(failWith('NotFound', 404)).exists('k'), false);
    assert.equal((await rejection(clientSending(failWith('AccessDenied', 403)).exists('k'))).name, 'PermissionError');
  });
});

describe('S3Client on a server', { skip: withoutS3 }, () => {
  it('spec05_2_7_a_missing_bucket_and_bad_credentials_have_their_classes', async () => {
    const url = new URL(s3ConnectionString());
    url.pathname = '/no-such-bucket-here';
    const missing = await rejection(new S3Client({ connectionString: url.href }).getObject('k'));
    assert.equal(missing.name, 'NoSuchBucket');
    const denied = new URL(s3ConnectionString());
    denied.password = 'wrong';
    const error = await rejection(new S3Client({ connectionString: denied.href }).getObject('k'));
    assert.equal(error.name, 'PermissionError');
    assert.equal(error.statusCode, 403);
    assert.equal(JSON.stringify(error.toJson()).includes('wrong'), false);
  });

  it('an option that the transport does not know is refused, not ignored', async () => {
    const client = new S3Client({ connectionString: s3ConnectionString() });
    const command = { constructor: { name: 'GetObjectCommand' }, input: { Bucket: client.bucket, Key: 'k', Range: 'bytes=0-1' } };
    const error = await rejection(client.sendCommand(command));
    assert.match(error.message, /does not support Range/);
  });

  it('spec05_16_20_a_silent_server_ends_in_a_retriable_timeout', async () => {
    const { createServer } = await import('node:net');
    const server = createServer(() => {});
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    try {
      const connectionString = `http://k:s@127.0.0.1:${server.address().port}/bucket`;
      const client = new S3Client({ connectionString, httpClientOptions: { timeout: 200, maxRetries: 0 } });
      const error = await rejection(client.getObject('k'));
      assert.equal(error.retriable, true);
      assert.equal(error.code, 'ETIMEDOUT');
    } finally {
      server.close();
    }
  });
});

const withoutSdk = withoutS3 || (process.env.S3DB_TEST_RIVAL ? false : 'S3DB_TEST_RIVAL names no folder with the AWS SDK');

describe('S3Client over a client of the AWS SDK', { skip: withoutSdk }, () => {
  it('spec05_2_1_an_sdk_client_is_used_with_commands_of_the_sdk', async () => {
    const { createRequire } = await import('node:module');
    const sdk = createRequire(join(process.env.S3DB_TEST_RIVAL, 'package.json'))('@aws-sdk/client-s3');
    const connectionString = s3ConnectionString();
    const { origin, username, password } = new URL(connectionString);
    const AwsS3Client = new sdk.S3Client({
      endpoint: origin,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: decodeURIComponent(username), secretAccessKey: decodeURIComponent(password) }
    });
    const client = new S3Client({ connectionString, AwsS3Client, AwsS3Commands: sdk });
    assert.equal(client.client, AwsS3Client);
    await client.putObject({ key: 'a ü', body: 'x', metadata: { m: 'ü' } });
    await client.copyObject({ from: 'a ü', to: 'b+c' });
    const object = await client.getObject('b+c');
    assert.deepEqual([object.Metadata, await object.Body.transformToString()], [{ m: 'ü' }, 'x']);
    assert.deepEqual(await client.getAllKeys(), ['a ü', 'b+c']);
    await client.deleteObject('a ü');
    const missing = await rejection(client.headObject('a ü'));
    assert.deepEqual([missing.name, missing.code, missing.key], ['NoSuchKey', 'NotFound', 'a ü']);
    client.destroy();
    assert.equal(await client.exists('b+c'), true, 'a client of the caller stays open');
    AwsS3Client.destroy();
  });
});
