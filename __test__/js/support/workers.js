/** Processes of their own for tests. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Runs a worker of this folder; it gets the request as JSON and prints its answer as JSON.
 * @param {string} name file of the worker
 * @param {object} request
 * @returns {Promise<{ answer: any, signal: string | null }>} signal: SIGKILL for a worker that ended itself so; other ends reject
 */
export function runWorker(name, request) {
  const worker = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(process.execPath, [worker, JSON.stringify(request)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let log = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    log += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve({ answer: JSON.parse(out), signal });
      else reject(new Error(`${name} ended with ${code ?? signal}\n${log}`));
    });
  });
}
