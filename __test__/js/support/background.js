/** Helpers for tests of background work: calls are awaited, never slept for. */
import { test as nodeTest } from 'node:test';
import { Background, ManualClock } from 's3db-native';

const ATTEMPT_MS = 12_000;
const ATTEMPTS = 10;
const holds = new Set();
const labs = new Set();
let attempts = 0;

/**
 * A test that moves a clock by hand. The engine reads the two hands of a clock one after the other; a step of the test that
 * falls between them is lost, which real time never does. The body is then run again from the start, on a clock of its own.
 */
export function test(name, body) {
  nodeTest(name, async (context) => {
    for (let attempt = 1; ; attempt += 1) {
      let timer;
      const lost = new Promise((resolve) => {
        timer = setTimeout(resolve, ATTEMPT_MS, true);
      });
      const given = await Promise.race([body(context), lost]);
      clearTimeout(timer);
      if (given !== true) return;
      // What the attempt still waits for is given up with it.
      attempts += 1;
      for (const hold of holds) clearInterval(hold);
      holds.clear();
      for (const background of labs) background.stop({ grace: 0, abortGrace: 0 }).catch(() => {});
      labs.clear();
      if (attempt === ATTEMPTS) throw new Error(`no end in ${ATTEMPTS} attempts of ${ATTEMPT_MS} ms`);
    }
  });
}

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
  const background = new Background({ name: 'lab', clock, onError, ...options });
  labs.add(background);
  return { clock, failures, reported, background };
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
      holds.add(hold);
      return new Promise((resolve) => {
        reached = () => {
          if (seen.length < count) return;
          clearInterval(hold);
          holds.delete(hold);
          resolve(seen);
        };
        reached();
      });
    }
  };
}

/** Lets messages of the engine arrive until `test()` holds. */
export async function until(test) {
  const mine = attempts;
  while (!test()) {
    await new Promise((resolve) => setImmediate(resolve));
    if (attempts !== mine) await new Promise(() => {});
  }
}

/** Waits until the task runs nothing: its next tick finds a free slot. */
export async function idle(task) {
  await until(() => task.stats().running === 0);
}
