// One case in its own process: `BENCH_TASK` says which; the library is already imported (see run.mjs). Prints one marked JSON line.
import { cases } from './cases.mjs';

const task = JSON.parse(process.env.BENCH_TASK);
try {
  const result = await cases[task.case](globalThis.library, task);
  process.stdout.write(`\n\u0001${JSON.stringify(result)}\n`, () => process.exit(0));
} catch (error) {
  process.stderr.write(`${error.stack}\n`, () => process.exit(1));
}
