/** One process listener for SIGTERM and SIGINT, for all who want to finish something before the process ends. */

const CODES = { SIGTERM: 143, SIGINT: 130 };

/** Functions to their deadlines, ms. */
const closers = new Map();
let closing = false;

function listen(on) {
  for (const signal of Object.keys(CODES)) process[on ? 'on' : 'off'](signal, closeAll);
}

async function closeAll(signal) {
  const code = CODES[signal];
  // The second signal is a demand.
  if (closing) process.exit(code);
  closing = true;
  setTimeout(() => process.exit(code), Math.max(...closers.values())).unref();
  await Promise.allSettled([...closers.keys()].map((close) => close()));
  process.exit(code);
}

/**
 * Has `close` awaited when SIGTERM or SIGINT comes; then the process ends with 143 or 130.
 * @param {() => any} close
 * @param {number} [deadline] ms after which it ends anyway
 */
export function onSignal(close, deadline = 10_000) {
  if (closers.size === 0 && !closing) listen(true);
  closers.set(close, deadline);
}

/** Takes it back; the signals have their own effect again with the last one. */
export function offSignal(close) {
  // What runs because of a signal keeps its listeners: the next one must still end the process.
  if (closers.delete(close) && closers.size === 0 && !closing) listen(false);
}
