/** Helpers for tests of background work: calls are awaited, never slept for. */
import { Background, ManualClock } from 's3db-native';

/** 2026-03-01T00:00:00Z, a Sunday. */
export const START = Date.UTC(2026, 2, 1);

/** Background work on a clock that the test moves; `failures` are those reported so far. */
export function lab(options = {}) {
  const clock = new ManualClock(START);
  const failures = [];
  const reported = calls();
  const onError = (error, info) => {
    failures.push({ error, ...info });
    reported.note(error, info);
  };
  return { clock, failures, reported, background: new Background({ name: 'lab', clock, onError, ...options }) };
}

/** Notes calls; `reached(n)` resolves when there were `n`, and keeps the process alive until then. */
export function calls() {
  const seen = [];
  let reached = () => {};
  return {
    seen,
    note(...args) {
      seen.push(args);
      reached();
    },
    reached(count) {
      const hold = setInterval(() => {}, 2 ** 31 - 1);
      return new Promise((resolve) => {
        reached = () => {
          if (seen.length < count) return;
          clearInterval(hold);
          resolve(seen);
        };
        reached();
      });
    }
  };
}

/** Lets messages of the engine arrive until `test()` holds. */
export async function until(test) {
  while (!test()) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until the task runs nothing: its next tick finds a free slot. */
export async function idle(task) {
  await until(() => task.stats().running === 0);
}
