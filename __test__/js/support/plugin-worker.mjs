// One process among several on one plugin storage: what it does comes as JSON argument, what it found goes to stdout as JSON.
//
//   { client: { kind: 's3' | 'file', options }, task: 'count' | 'lock' | 'crash', rounds }
import { FileSystemClient, PluginStorage, S3Client } from '../../../js/index.js';

const { client: wanted, task, rounds } = JSON.parse(process.argv[2]);
const client = wanted.kind === 's3' ? new S3Client(wanted.options) : new FileSystemClient(wanted.options);
const storage = new PluginStorage(client, 'shared');
const key = (name) => storage.getPluginKey(null, name);

const tasks = {
  /** Increments, one after the other; the values seen. */
  async count() {
    const values = [];
    for (let round = 0; round < rounds; round += 1) values.push(await storage.increment(key('counter')));
    return { values };
  },

  /** Rounds of acquire, look around, release. */
  async lock() {
    const fences = [];
    for (let round = 0; round < rounds; round += 1) {
      const lock = await storage.acquireLock('hot', {
        ttl: 60,
        timeout: 240_000,
        workerId: process.pid,
        retryDelay: 10,
        maxRetryDelay: 60
      });
      if (lock === null) throw new Error('the lock was not to be had');
      // A second holder would find this object, or a fence that is not below its own.
      await client.putObject({ key: key('inside'), body: String(process.pid), ifNoneMatch: '*' });
      const last = await storage.get(key('last'));
      if (last !== null && !(last.fence < lock.fence)) throw new Error(`fence ${lock.fence} after ${last.fence}`);
      await storage.set(key('last'), { fence: lock.fence });
      await client.deleteObject(key('inside'));
      fences.push(lock.fence);
      await storage.releaseLock(lock);
    }
    return { fences };
  },

  /** Dies while it holds the lock. */
  async crash() {
    const lock = await storage.acquireLock('crash', { ttl: 1.5, workerId: process.pid });
    process.stdout.write(`${JSON.stringify(lock)}\n`, () => process.kill(process.pid, 'SIGKILL'));
    await new Promise(() => {});
  }
};

process.stdout.write(`${JSON.stringify(await tasks[task]())}\n`);
