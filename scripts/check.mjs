// npm run check: the checks that need neither a server nor a test run of their own (the ledger reads the last one).
import { checkPack } from './check-pack.mjs';
import { checkParity } from './check-parity.mjs';
import { checkRooms } from './check-rooms.mjs';
import { checkSize } from './check-size.mjs';
import { isProgram } from './paths.mjs';

/** Checks in order, also run at the end of `npm test`. */
export const checks = [
  { name: 'rooms', work: async () => checkRooms() },
  { name: 'file sizes', work: async () => checkSize() },
  { name: 'package', work: checkPack },
  { name: 'parity ledger', work: async () => checkParity() }
];

if (isProgram(import.meta.url)) {
  for (const { name, work } of checks) {
    console.log(`== ${name}`);
    const { failed, reasons } = await work();
    if (failed > 0) process.exitCode = 1;
    for (const reason of reasons ?? []) console.log(`skipped: ${reason}`);
  }
}
