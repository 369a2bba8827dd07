/** One process `exit` listener for all databases. */

const listeners = new Set();

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
