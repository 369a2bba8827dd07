// Coordinators among processes that are killed, that resign, and whose clocks are wrong.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { s3ConnectionString, temporaryDirectory, withoutS3 } from './support/clients.js';

const worker = fileURLToPath(new URL('./support/coordinator-worker.mjs', import.meta.url));
const LEASE = 1500;
const options = { leaseTimeout: LEASE, heartbeatInterval: 300, startupJitterMax: 0, coordinatorWorkInterval: 50 };

/** A process; `until(test)` waits for a line, `lines` are those so far. */
function join(connectionString, clockSkew) {
  const request = JSON.stringify({ connectionString, clockSkew, options });
  const child = spawn(process.execPath, [worker, request], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = [];
  let rest = '';
  let heard = () => {};
  child.stdout.on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    lines.push(...parts.map((part) => JSON.parse(part)));
    heard();
  });
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
  const until = (matches) =>
    new Promise((resolve, reject) => {
      heard = () => lines.some(matches) && resolve(lines.find(matches));
      ended.then((how) => reject(new Error(`the process ended with ${how}`)));
      heard();
    });
  return { child, lines, until, ended };
}

const leads = ({ t }) => t === 'leads';

/** Terms of all processes in order of time: `{ from, to, fence, worker }`. */
function terms(workers) {
  const found = [];
  for (const each of workers) {
    for (const fence of new Set(each.lines.filter(leads).map((line) => line.fence))) {
      const times = each.lines.filter((line) => leads(line) && line.fence === fence).map((line) => line.at);
      found.push({ from: times[0], to: times.at(-1), fence, worker: each });
    }
  }
  return found.sort((a, b) => a.from - b.from);
}

const kinds = [
  { name: 's3', skip: withoutS3, kills: 2, address: () => s3ConnectionString() },
  { name: 'file', skip: false, kills: 1, address: () => `file://${temporaryDirectory()}?durability=none` }
];

for (const { name, skip, kills, address } of kinds) {
  describe(`coordinators on ${name}`, { skip }, () => {
    test(`spec05_18 one process coordinates at a time, also when leaders are killed and clocks are wrong [${name}]`, {
      timeout: 120_000
    }, async (t) => {
      const connectionString = address();
      // An hour ahead, right, an hour behind, and a little off.
      const workers = [3_600_000, 0, -3_600_000, 1700].slice(0, kills + 2).map((skew) => join(connectionString, skew));
      t.after(() => {
        for (const { child } of workers) child.kill('SIGKILL');
      });
      await Promise.all(workers.map(({ until }) => until(({ t }) => t === 'ready')));
      const living = new Set(workers);
      for (let kill = 0; kill < kills; kill += 1) {
        const leader = await Promise.race([...living].map((each) => each.until(leads).then(() => each)));
        living.delete(leader);
        leader.child.kill('SIGKILL');
        assert.equal(await leader.ended, 'SIGKILL');
      }
      // One more term begins before the rest goes, the leader first.
      const last = await Promise.race([...living].map((each) => each.until(leads).then(() => each)));
      living.delete(last);
      last.child.stdin.write('stop');
      await last.until(({ t }) => t === 'gone');
      const resigned = last.lines.findLast(({ t: what }) => what === 'resigned');
      const [heir] = living;
      const first = await heir.until((line) => leads(line) && line.fence > resigned.fence);
      heir.child.stdin.write('stop');
      assert.deepEqual(await Promise.all([last.ended, heir.ended]), [0, 0]);

      // More where a machine stalled for longer than the lease.
      const all = terms(workers);
      assert.ok(all.length >= kills + 2, `${all.length} terms`);
      for (let at = 1; at < all.length; at += 1) {
        const [before, term] = [all[at - 1], all[at]];
        assert.ok(before.to < term.from, `a term began ${before.to - term.from} µs before the one before it had ended`);
        assert.ok(before.fence < term.fence, `fence ${term.fence} after ${before.fence}`);
        // After a crash: the lease from the last renewal on, the next look at it, and what a busy machine adds.
        assert.ok(term.from - before.to < (LEASE + 10_000) * 1000, 'taken over within the lease');
      }
      // Who resigned had told so before the next one began.
      assert.ok(resigned.at < first.at);
    });
  });
}
