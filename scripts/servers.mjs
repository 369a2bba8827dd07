// S3 servers for tests and benchmarks: each on a free port of the loopback, with a bucket, ended with this process at the latest.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ACCESS_KEY = 'test-access-key';
const SECRET_KEY = 'test-secret-key';
const BUCKET = 's3db-test';
const START_TIMEOUT_MS = 60_000;

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (result) => {
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', () => end(true));
    socket.on('error', () => end(false));
  });
}

/** Starts a server process and waits until its port answers. */
async function serve(name, command, args, { port, env }) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let log = '';
  let ended;
  const keep = (text) => {
    log = (log + text).slice(-4000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => {
    ended = error.message;
  });
  child.on('exit', (code, signal) => {
    ended = `it ended with ${signal ?? `exit code ${code}`}`;
    running.delete(child);
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(port))) {
    if (ended || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${name} did not start: ${ended ?? 'no answer on its port'}\n${log.trim()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const stop = async () => {
    if (!running.has(child)) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await gone;
  };
  return { pid: child.pid, stop };
}

function describe(name, port, handle) {
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    name,
    endpoint,
    bucket: BUCKET,
    accessKeyId: ACCESS_KEY,
    secretAccessKey: SECRET_KEY,
    connectionString: `http://${ACCESS_KEY}:${SECRET_KEY}@127.0.0.1:${port}/${BUCKET}`,
    ...handle
  };
}

/** The strict server of this project (Cargo binary `s3-strict`): signatures checked, conditional writes atomic. */
export async function startStrict(bin, extra = []) {
  const port = await freePort();
  const args = ['--port', String(port), '--buckets', BUCKET, '--access-key', ACCESS_KEY, '--secret-key', SECRET_KEY, ...extra];
  return describe('s3-strict', port, await serve('s3-strict', bin, args, { port }));
}

/** s3s-fs on a temporary folder; `dataDir` keeps the folder elsewhere. */
export async function startS3sFs(bin, { dataDir } = {}) {
  const port = await freePort();
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 's3s-fs-'));
  mkdirSync(join(folder, BUCKET), { recursive: true });
  const args = ['--host', '127.0.0.1', '--port', String(port), '--access-key', ACCESS_KEY, '--secret-key', SECRET_KEY, folder];
  const handle = await serve('s3s-fs', bin, args, { port, env: { RUST_LOG: 'error' } });
  const stop = async () => {
    await handle.stop();
    if (!dataDir) rmSync(folder, { recursive: true, force: true });
  };
  return describe('s3s-fs', port, { ...handle, stop });
}

/** moto (Python), in memory. */
export async function startMoto({ path, python }) {
  const port = await freePort();
  const handle = await serve('moto', python, ['-m', 'moto.server', '--host', '127.0.0.1', '--port', String(port)], {
    port,
    env: { PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1' }
  });
  const answer = await fetch(`http://127.0.0.1:${port}/${BUCKET}`, { method: 'PUT' });
  if (!answer.ok) {
    await handle.stop();
    throw new Error(`moto refused to make a bucket: HTTP ${answer.status}`);
  }
  return describe('moto', port, handle);
}
