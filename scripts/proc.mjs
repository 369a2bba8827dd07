// Running commands: one way, with captured or shown output and an honest failure.
import { spawn, spawnSync } from 'node:child_process';

/**
 * Runs a command to its end.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean, onLine?: (line: string) => void }} [options]
 *   `quiet` keeps the output back; it is in the result either way.
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(command, args, { cwd, env, quiet = false, onLine } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    let rest = '';
    const take = (stream, target) => {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        chunks.push(text);
        if (!quiet) target.write(text);
        if (onLine) {
          const lines = (rest + text).split('\n');
          rest = lines.pop();
          for (const line of lines) onLine(line);
        }
      });
    };
    take(child.stdout, process.stdout);
    take(child.stderr, process.stderr);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (onLine && rest) onLine(rest);
      resolve({ code: code ?? (signal ? 1 : 0), output: chunks.join('') });
    });
  });
}

/** Runs a command and throws, with what it printed, when it fails. */
export async function must(command, args, options = {}) {
  const result = await run(command, args, options);
  if (result.code !== 0) {
    const shown = options.quiet ? `\n${result.output.trim().split('\n').slice(-40).join('\n')}` : '';
    throw new Error(`${command} ${args.join(' ')} failed with exit code ${result.code}${shown}`);
  }
  return result.output;
}

/** Whether a command can be started at all. */
export function have(command, args = ['--version']) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Milliseconds as people read them. */
export function seconds(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
