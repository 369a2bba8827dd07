// What a JavaScript hook adds to bulk inserts: insertMany of 10,000 small records in memory, with one `afterInsert` hook and
// without, in turns. The ceiling is 2 times.
//   npm run build && node bench/hooks.mjs
import { S3db } from 's3db-native';
import { smallRecords } from './cases.mjs';

const COUNT = 10_000;
const ROUNDS = 7;
const attributes = { name: 'string|required', email: 'string', age: 'number|integer:true', active: 'boolean' };

/** Milliseconds of one insertMany on a database of its own. */
async function run(name, hooked) {
  const db = new S3db({ connectionString: `memory://bench-hooks-${name}` });
  await db.connect();
  const resource = await db.createResource({ name: 'items', attributes });
  let calls = 0;
  if (hooked) {
    resource.addHook('afterInsert', async (record) => {
      calls += 1;
      return record;
    });
  }
  await resource.insertMany(smallRecords(2000));
  const records = smallRecords(COUNT);
  const started = performance.now();
  await resource.insertMany(records);
  const ms = performance.now() - started;
  if (calls !== (hooked ? COUNT + 2000 : 0)) throw new Error(`the hook ran ${calls} times`);
  await db.disconnect();
  return ms;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const plain = [];
const hooked = [];
for (let round = 0; round < ROUNDS; round += 1) {
  plain.push(await run(`plain-${round}`, false));
  hooked.push(await run(`hooked-${round}`, true));
}
const [without, withHook] = [median(plain), median(hooked)];
console.log(`without a hook ${without.toFixed(1)} ms, with one ${withHook.toFixed(1)} ms: ${(withHook / without).toFixed(2)} times`);
