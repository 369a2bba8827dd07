/** S3 over TLS: the embedded engine brings its own, and does not use that of Node. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer } from 'node:tls';
import { s3ConnectionString, temporaryDirectory, withoutS3 } from './support/clients.js';

const directory = temporaryDirectory();
const withoutOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed';

/** A certificate authority and a certificate of it for `localhost`. */
function certificates() {
  const file = (name) => join(directory, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', file('ca.key'), '-out', file('ca.pem'), '-days', '2', '-subj', '/CN=test authority');
  openssl('req', ...newKey, '-keyout', file('server.key'), '-out', file('server.csr'), '-subj', '/CN=localhost');
  writeFileSync(file('extensions'), 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n');
  const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file('extensions')];
  openssl('x509', '-req', '-in', file('server.csr'), ...signed, '-out', file('server.pem'), '-days', '2');
  return { authority: file('ca.pem'), key: readFileSync(file('server.key')), cert: readFileSync(file('server.pem')) };
}

describe('S3 over TLS', { skip: withoutS3 || withoutOpenssl }, () => {
  let files;
  let server;
  let connectionString;

  before(async () => {
    files = certificates();
    const target = new URL(s3ConnectionString());
    const { hostname, port } = target;
    server = createServer({ key: files.key, cert: files.cert }, (secure) => {
      const plain = connect(Number(port), hostname);
      secure.pipe(plain).pipe(secure);
      for (const [one, other] of [
        [secure, plain],
        [plain, secure]
      ])
        one.on('error', () => other.destroy());
    });
    // A client that does not trust the certificate ends the handshake.
    server.on('tlsClientError', () => {});
    await new Promise((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    target.protocol = 'https:';
    target.hostname = 'localhost';
    target.port = server.address().port;
    connectionString = target.href;
  });

  after(() => server.close());

  /** What a process of its own, which reads the certificates at its start, reports. */
  async function report(env) {
    const program = `
      import { Database } from '${new URL('../../js/index.js', import.meta.url)}';
      const say = (result) => process.stdout.write('\\u0001' + JSON.stringify(result));
      const database = new Database({ connectionString: process.argv[1], logLevel: 'silent', executorPool: { retries: 0 } });
      try {
        await database.connect();
        const users = await database.createResource({ name: 'users', attributes: { name: 'string', age: 'number' } });
        await users.insertMany(Array.from({ length: 50 }, (_, age) => ({ name: 'n' + age, age })));
        say({ found: (await users.query({ age: { $gte: 40 } })).length });
        await database.disconnect();
      } catch (error) {
        say({ name: error.name, code: error.code, message: error.message });
      }
      process.exit(0);`;
    const { NODE_EXTRA_CA_CERTS: _, ...plain } = process.env;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program, connectionString], { env: { ...plain, ...env } });
    let [out, log] = ['', ''];
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      log += text;
    });
    await new Promise((resolve) => child.on('close', resolve));
    assert.ok(out.includes('\u0001'), log);
    return JSON.parse(out.split('\u0001')[1]);
  }

  it('records are written and read over TLS, with the certificates of NODE_EXTRA_CA_CERTS', async () => {
    assert.deepEqual(await report({ NODE_EXTRA_CA_CERTS: files.authority }), { found: 10 });
  });

  it('a certificate that nobody vouches for is refused with an error that says so, and without the credentials', async () => {
    const { code, message } = await report({});
    assert.equal(code, 'ERR_TLS');
    assert.match(message, /TLS failed: .*certificate/);
    assert.ok(!message.includes('test-secret-key'));
  });
});
