/** One process listener for all databases: of `exit`, and of the signals where a database asks for it. */

const SIGNALS = { SIGTERM: 143, SIGINT: 130 };
const DEADLINE = 10_000;

const listeners = new Set();
const closers = new Set();
let closing = false;

function runAll() {
  for (const listener of listeners) listener();
}

/** Runs `listener` when the process exits. */
export function onExit(listener) {
  if (listeners.size === 0) process.on('exit', runAll);
  listeners.add(listener);
}

/** Takes a listener back; the process listener goes with the last one. */
export function offExit(listener) {
  if (listeners.delete(listener) && listeners.size === 0) process.off('exit', runAll);
}

async function closeAll(signal) {
  const code = SIGNALS[signal];
  // The second signal is a demand.
  if (closing) process.exit(code);
  closing = true;
  setTimeout(() => process.exit(code), DEADLINE).unref();
  await Promise.allSettled([...closers].map((close) => close()));
  process.exit(code);
}

/** Before SIGTERM or SIGINT ends the process, `close` is awaited for at most ten seconds. */
export function onSignal(close) {
  if (closers.size === 0) for (const signal of Object.keys(SIGNALS)) process.on(signal, closeAll);
  closers.add(close);
}

/** Takes it back; the signals have their own effect again with the last one. */
export function offSignal(close) {
  // What runs because of a signal keeps its listeners: the next one must still end the process.
  if (closers.delete(close) && closers.size === 0 && !closing) for (const signal of Object.keys(SIGNALS)) process.off(signal, closeAll);
}
