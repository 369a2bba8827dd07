/** A Redis server of its own for a test, on a free port. */
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';

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

function launch(port) {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--daemonize', 'no'];
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
  const state = { child: await launch(port) };
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
      state.child = await launch(port);
    },
    pause: () => state.child.kill('SIGSTOP'),
    resume: () => state.child.kill('SIGCONT')
  };
}
