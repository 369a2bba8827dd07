// What the tests of interchange with s3db.js 19.5.10 share: both sides on one independent S3 server.
import { after, before } from 'node:test';
import { S3db } from 's3db-native';
import { startRival } from './client.mjs';

// A server that keeps its objects serves several runs.
const RUN = `${process.pid}-${Date.now().toString(36)}`;
const PASSPHRASE = 'interchange passphrase';

const { S3DB_TEST_RIVAL: folder, S3DB_TEST_S3S_FS: server } = process.env;

/** Reason to skip, or false. */
export const skip = folder && server ? false : (process.env.S3DB_TEST_RIVAL_MISSING ?? 'needs s3db.js and s3s-fs, which npm test brings');

export const passphrase = PASSPHRASE;

/** A database of this library. */
export const ours = (prefix) => new S3db({ connectionString: `${server}/${prefix}-${RUN}`, passphrase: PASSPHRASE, parallelism: 20 });

export const idsOf = (list) => list.map(({ id }) => id);

/** A record without what the library adds, ready to compare. */
export const bare = (record) =>
  JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(record).filter(([key]) => !key.startsWith('_')))));

/** s3db.js for the tests of a suite: `open(prefix)`, and `call` of client.mjs. */
export function withRival() {
  const rival = {};
  before(() => {
    const started = startRival(folder);
    // It retries a 404 for seven seconds unless told otherwise.
    const options = { passphrase: PASSPHRASE, security: { passphrase: PASSPHRASE }, executorPool: { retries: 0 } };
    Object.assign(rival, started, {
      open: (prefix) => started.call('open', { connectionString: `${server}/${prefix}-${RUN}`, options })
    });
  });
  after(() => rival.stop());
  return rival;
}
