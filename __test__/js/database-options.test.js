// Constructor options: each does something, or is refused or told; errors name the option and the remedy, never a value.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Database, DatabaseError, MemoryClient, S3Client } from '../../js/index.js';
import { connectDatabase, freshStore, settle } from './support/databases.js';

const S3 = 's3://KEYID:CONFIDENTIAL@bucket/prefix';

async function warningsOf(options) {
  const database = new Database(options);
  const warnings = [];
  database.on('db:warning', ({ code, message, details }) => warnings.push({ code, message, option: details.option }));
  await settle();
  return warnings;
}

for (const [option, value] of [
  ['plugins', 'cache'],
  ['plugins', {}],
  ['client', 'memory'],
  ['client', 7],
  ['logger', 'console'],
  ['passphrase', 5],
  ['passphrase', { text: 'CONFIDENTIAL' }],
  ['bcryptRounds', 'CONFIDENTIAL'],
  ['bcryptRounds', 100],
  ['bcryptRounds', 3],
  ['bcryptRounds', 10.5],
  ['httpClientOptions', 'CONFIDENTIAL'],
  ['executorPool', 5],
  ['clientOptions', 'CONFIDENTIAL'],
  ['loggerOptions', 'CONFIDENTIAL'],
  ['trustUnsignedHooks', 'true'],
  ['requirePassphrase', 'true'],
  ['strictOptions', 1]
]) {
  test(`spec01_2_1 ${option}: ${inspect(value)} is refused by name`, () => {
    assert.throws(
      () => new Database({ connectionString: freshStore(), [option]: value }),
      (error) => {
        assert.ok(error instanceof DatabaseError);
        assert.deepEqual([error.option, error.statusCode], [option, 400]);
        assert.match(error.suggestion, new RegExp(`'${option}'`));
        assert.doesNotMatch(`${inspect(error, { depth: 9 })}${JSON.stringify(error)}`, /CONFIDENTIAL/);
        return true;
      }
    );
  });
}

test('spec01_2_1 what is no object of options, and an endpoint that is no URL, are refused without what was given', () => {
  for (const options of ['memory://text/x', 5, null, undefined]) {
    assert.throws(() => new Database(options), {
      name: 'TypeError',
      message: /requires an options object: new Database\(\{ connectionString \}\)/
    });
  }
  assert.throws(
    () => new Database({ bucket: 'b', endpoint: 'KEYID:CONFIDENTIAL@host' }),
    (error) => {
      assert.deepEqual([error.name, error.option], ['DatabaseError', 'endpoint']);
      assert.doesNotMatch(inspect(error, { depth: 9 }), /CONFIDENTIAL|KEYID/);
      return true;
    }
  );
  assert.throws(() => new Database({ accessKeyId: 'KEYID' }), {
    name: 'ConnectionStringError',
    suggestion: /accessKeyId and secretAccessKey/
  });
});

for (const [connectionString, name, field, hint] of [
  ['redis://host/db', 'ConnectionStringError', 'connectionString', /s3:\/\/, http:\/\//],
  ['s3://k:s@b?endpoint=nope', 'ValidationError', 'endpoint', /./],
  ['https://user@host/b', 'ValidationError', 'secretAccessKey', /./],
  ['memory://b?metadataLimit=many', 'ValidationError', 'metadataLimit', /metadataLimit/],
  ['memory://b?maxObjectSize=-5', 'ValidationError', 'maxObjectSize', /maxObjectSize/],
  ['memory://b?keyPrefix=../x', 'ValidationError', 'keyPrefix', /./]
]) {
  test(`spec01_5 ${connectionString} is a typed error that names ${field}`, () => {
    assert.throws(() => new Database({ connectionString }), { name, field, suggestion: hint, message: /^[^{]/ });
  });
}

test('spec01_2_1 the cost of a resource is checked as that of the database', async () => {
  const database = await connectDatabase();
  const config = { name: 'users', attributes: { word: 'password' } };
  for (const bcryptRounds of ['12', 100, 3]) {
    await assert.rejects(database.createResource({ ...config, bcryptRounds }), {
      name: 'ResourceError',
      message: /'bcryptRounds' must be/
    });
  }
  assert.equal((await database.createResource({ ...config, bcryptRounds: 4 })).bcryptRounds, 4);
});

test('decision 22: unknown names inside the options are told once each, with the nearest, or refused', async () => {
  const wrong = {
    httpClientOptions: { timout: 5 },
    executorPool: { concurency: 2 },
    clientOptions: { regoin: 'eu-west-1' },
    loggerOptions: { destinaton: 'x' }
  };
  const warnings = await warningsOf({ connectionString: S3, ...wrong });
  assert.deepEqual(
    warnings.map(({ code, option }) => [code, option]),
    [
      ['UNKNOWN_OPTION', 'httpClientOptions.timout'],
      ['UNKNOWN_OPTION', 'executorPool.concurency'],
      ['UNKNOWN_OPTION', 'clientOptions.regoin'],
      ['UNKNOWN_OPTION', 'loggerOptions.destinaton']
    ]
  );
  assert.match(warnings[1].message, /did you mean 'executorPool\.concurrency'/);
  for (const [group, value] of Object.entries(wrong)) {
    assert.throws(() => new Database({ connectionString: S3, strictOptions: true, [group]: value }), {
      name: 'DatabaseError',
      option: `${group}.${Object.keys(value)[0]}`,
      suggestion: new RegExp(`Valid options in ${group}`)
    });
  }
  const later = { http2MaxConcurrentStreams: 5, pipelining: 1, enableDedup: true, retryAttempts: 2 };
  assert.deepEqual(await warningsOf({ connectionString: S3, strictOptions: true, httpClientOptions: later }), []);
});

test('spec01_2_1 options that nothing reads are told, or refused under strictOptions; those that say the same are not', async () => {
  const effects = async (options) => (await warningsOf(options)).map(({ code, option }) => `${code} ${option}`);
  const told = (...options) => options.map((option) => `OPTION_WITHOUT_EFFECT ${option}`);
  const parts = { region: 'eu-west-1', endpoint: 'http://elsewhere:9000', bucket: 'other', secretAccessKey: 'CONFIDENTIAL2' };
  assert.deepEqual(await effects({ connectionString: S3, ...parts }), told('region', 'endpoint', 'bucket', 'secretAccessKey'));
  const same = { region: 'us-east-1', bucket: 'bucket', accessKeyId: 'KEYID', secretAccessKey: 'CONFIDENTIAL', forcePathStyle: false };
  assert.deepEqual(await effects({ connectionString: S3, ...same }), []);
  assert.deepEqual(
    await effects({ connectionString: 'http://k:s@host:9000/b/p', endpoint: 'http://host:9000/', forcePathStyle: true }),
    []
  );
  // One set of options for a server and for tests in memory.
  assert.deepEqual(await effects({ connectionString: freshStore(), ...parts, httpClientOptions: {}, executorPool: true }), []);
  const client = new MemoryClient({ bucket: 'mine' });
  assert.deepEqual(
    await effects({ client, bucket: 'other', httpClientOptions: { timeout: 1 }, executorPool: true }),
    told('bucket', 'httpClientOptions', 'executorPool')
  );
  assert.deepEqual(await effects({ client, bucket: 'mine', executorPool: false }), []);
  assert.deepEqual(await effects({ connectionString: freshStore(), keyPrefix: 'lost', id: 'x' }), told('keyPrefix', 'id'));
  assert.deepEqual(await effects({ connectionString: freshStore(), taskExecutorMonitoring: true }), told('taskExecutorMonitoring'));
  assert.deepEqual(
    await effects({ connectionString: `${freshStore('file')}?compression=true&locking=true&journal=false`, clientOptions: { ttl: 5 } }),
    told('clientOptions.compression', 'clientOptions.ttl')
  );
  for (const warning of await warningsOf({ connectionString: S3, ...parts })) assert.doesNotMatch(warning.message, /CONFIDENTIAL|other/);
  assert.throws(() => new Database({ connectionString: S3, strictOptions: true, region: 'eu-west-1' }), {
    name: 'DatabaseError',
    option: 'region',
    statusCode: 400,
    suggestion: /connection string/
  });
});

test('spec01_14 parameters of s3 connection strings are options of the client; what is given beside them wins', () => {
  const connectionString = `${S3}?region=eu-west-1&httpClientOptions.timeout=1500&httpClientOptions.maxRetries=0&executorPool.concurrency=3&parallelism=4`;
  const { client } = new Database({ connectionString, httpClientOptions: { timeout: 2500 } });
  assert.ok(client instanceof S3Client);
  assert.deepEqual([client.httpClientOptions.timeout, client.httpClientOptions.maxRetries], [2500, 0]);
  assert.deepEqual([client.pool.concurrency, client.parallelism], [3, 4]);
  assert.deepEqual([client.region, client.config['httpClientOptions.timeout']], ['eu-west-1', '1500']);
  assert.equal(new Database({ connectionString, executorPool: { concurrency: 8 } }).client.pool.concurrency, 8);
});

test('spec01_14 clientOptions replace parts of an s3 connection string, as its parameters do', async () => {
  const clientOptions = { region: 'eu-west-1', endpoint: 'http://127.0.0.1:9000', forcePathStyle: true, keyPrefix: 'a b/c' };
  const database = new Database({ connectionString: S3, clientOptions });
  const { region, endpoint, forcePathStyle, keyPrefix, bucket, secretAccessKey } = database.client.config;
  assert.deepEqual([region, endpoint, forcePathStyle, keyPrefix], ['eu-west-1', 'http://127.0.0.1:9000', 'true', 'a b/c']);
  assert.deepEqual([bucket, secretAccessKey, database.keyPrefix], ['bucket', 'CONFIDENTIAL', 'a b/c']);
  const { hostname } = await database.client.client.config.endpoint();
  assert.equal(hostname, '127.0.0.1');
});
