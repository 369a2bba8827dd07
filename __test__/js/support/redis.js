/** A Redis server of its own for a test, on a free port. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Reason to skip, or false. */
export const withoutRedis = spawnSync('redis-server', ['--version']).status === 0 ? false : 'redis-server is not installed';

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function launch(port, directory) {
  // Nothing is saved unless a test sends SAVE; what was saved is loaded again at a restart.
  const options = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--save',
    '',
    '--appendonly',
    'no',
    '--daemonize',
    'no'
  ];
  const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'ignore'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
    child.stdout.on('data', (text) => {
      if (String(text).includes('Ready to accept connections')) resolve(child);
    });
  });
}

/** `{ port, kill, restart, pause, resume }`; the caller kills it in the end. */
export async function startRedis() {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 's3db-redis-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const state = { child: await launch(port, directory) };
  const end = () =>
    new Promise((resolve) => {
      const { child } = state;
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else {
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }
    });
  return {
    port,
    kill: end,
    restart: async () => {
      await end();
      state.child = await launch(port, directory);
    },
    pause: () => state.child.kill('SIGSTOP'),
    resume: () => state.child.kill('SIGCONT')
  };
}
