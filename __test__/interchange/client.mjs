// The other side of rival.mjs: calls it and hands back values or throws.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Starts s3db.js from the folder that holds its node_modules. */
export function startRival(folder) {
  const script = new URL('./rival.mjs', import.meta.url).href;
  const program = `globalThis.rival = await import('s3db.js'); await import(${JSON.stringify(script)});`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
  const waiting = [];
  let log = '';
  child.stderr.on('data', (text) => {
    log = (log + text).slice(-4000);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('\u0001')) return;
    const { value, error } = JSON.parse(line.slice(1));
    const { resolve, reject } = waiting.shift();
    if (error) reject(Object.assign(new Error(`s3db.js: ${error.message}`), { name: error.name, data: error.data }));
    else resolve(value);
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`s3db.js ended with exit code ${code}\n${log}`));
  });
  const call = (op, request = {}) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify({ op, ...request })}\n`);
    });
  const stop = () => {
    child.stdin.end();
    return new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve()));
  };
  return { call, stop };
}
