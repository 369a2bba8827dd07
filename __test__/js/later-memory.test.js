// Nothing is kept of the texts whose sizes are asked for (spec/04 section 15, item 35).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { calculateTotalSize, calculateUTF8Bytes } from '../../js/index.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

test('spec04_15_35 the size functions keep none of the texts they measure', () => {
  const measure = (from, count) => {
    for (let index = from; index < from + count; index += 1) {
      const text = `${index}:${'é'.repeat(10_000)}`;
      assert.equal(calculateUTF8Bytes(text), String(index).length + 20_001);
      assert.equal(calculateTotalSize({ text }), 4 + String(index).length + 20_001);
    }
  };
  const used = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  measure(0, 200);
  const before = used();
  const resident = process.memoryUsage().rss;
  // A cache of 10,000 entries, as in 13.6, would hold 60 MB of these.
  measure(1000, 3000);
  assert.ok(used() - before < 10e6, `${used() - before} bytes more`);
  assert.ok(process.memoryUsage().rss - resident < 100e6);
});
