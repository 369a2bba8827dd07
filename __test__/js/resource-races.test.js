// Writers that share a record, each with a database of its own, on a server that keeps conditional writes atomic.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectDatabase } from './support/databases.js';

const BEHAVIORS = ['user-managed', 'enforce-limits', 'truncate-data', 'body-overflow', 'body-only'];
const WRITERS = 8;
const ROUNDS = 6;
const { S3DB_TEST_S3: server } = process.env;
const skip = server ? false : 'S3DB_TEST_S3 names no server';
const fields = Array.from({ length: WRITERS }, (_, i) => `f${i}`);
const attributes = { turn: 'number|required', winner: 'string|optional', ...Object.fromEntries(fields.map((f) => [f, 'string|optional'])) };

describe('eight writers of one record', { skip }, () => {
  const connectionString = `${server}/races-${process.pid}-${Date.now().toString(36)}`;
  const definition = (behavior) => ({
    name: `race-${behavior}`,
    attributes,
    behavior,
    partitions: { byWinner: { fields: { winner: 'string' } } }
  });
  let writers;

  const resourcesOf = async (behavior) => {
    if (!writers) {
      const first = await connectDatabase({ connectionString });
      for (const each of BEHAVIORS) await first.createResource(definition(each));
      writers = [first, ...(await Promise.all(Array.from({ length: WRITERS - 1 }, () => connectDatabase({ connectionString }))))];
    }
    return writers.map((database) => database.resource(`race-${behavior}`));
  };
  for (const behavior of BEHAVIORS) {
    test(`updateConditional: exactly one wins each round and nothing is lost (${behavior})`, async () => {
      const resources = await resourcesOf(behavior);
      await resources[0].insert({ id: 'cas', turn: 0 });
      for (let round = 1; round <= ROUNDS; round += 1) {
        const reads = await Promise.all(resources.map((resource) => resource.get('cas')));
        for (const read of reads) assert.equal(read.turn, round - 1);
        const outcomes = await Promise.all(
          resources.map((resource, i) =>
            resource.updateConditional('cas', { turn: reads[i].turn + 1, winner: `w${i}` }, { ifMatch: reads[i]._etag })
          )
        );
        const winners = outcomes.flatMap(({ success }, i) => (success ? [i] : []));
        assert.equal(winners.length, 1, `round ${round}: ${JSON.stringify(outcomes)}`);
        for (const { success, error } of outcomes) {
          if (!success) assert.equal(error, 'ETag mismatch - object was modified by another process');
        }
        const stored = await resources[winners[0]].get('cas');
        assert.deepEqual([stored.turn, stored.winner, stored._etag], [round, `w${winners[0]}`, outcomes[winners[0]].etag]);
      }
      assert.equal((await resources[0].get('cas')).turn, ROUNDS);
    });

    test(`update: every change survives or is refused with a typed conflict (${behavior})`, async () => {
      const resources = await resourcesOf(behavior);
      await resources[0].insert({ id: 'merge', turn: 0 });
      const outcomes = await Promise.allSettled(resources.map((resource, i) => resource.update('merge', { [`f${i}`]: `by ${i}` })));
      const stored = await resources[0].get('merge');
      outcomes.forEach(({ status, reason }, i) => {
        if (status === 'fulfilled') assert.equal(stored[`f${i}`], `by ${i}`, `writer ${i}`);
        else assert.deepEqual([reason.name, reason.statusCode, reason.retriable, reason.id], ['ResourceError', 409, true, 'merge']);
      });
      assert.ok(outcomes.filter(({ status }) => status === 'fulfilled').length >= 2);
    });
  }
});
