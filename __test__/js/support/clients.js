import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { FileSystemClient, MemoryClient, S3Client } from '../../../js/client/index.js';

/** Reason to skip tests that need an S3 server, or false. */
export const withoutS3 = process.env.S3DB_TEST_S3 ? false : 'S3DB_TEST_S3 names no server';

export const withoutS3sFs = process.env.S3DB_TEST_S3S_FS ? false : 'S3DB_TEST_S3S_FS names no server';

let serial = 0;
const unique = (name) => {
  serial += 1;
  return `${name}-${process.pid}-${Date.now().toString(36)}-${serial}`;
};

/** A directory that goes away after the test file. */
export function temporaryDirectory() {
  const path = mkdtempSync(join(tmpdir(), 's3db-client-'));
  after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Connection string of an unused path on the test server. */
export const s3ConnectionString = (prefix = unique('client')) => under(process.env.S3DB_TEST_S3, prefix);

/** The same on s3s-fs. */
export const s3sFsConnectionString = (prefix = unique('client')) => under(process.env.S3DB_TEST_S3S_FS, prefix);

function under(server, prefix) {
  const url = new URL(server);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${prefix}`;
  return url.href;
}

/** A client that never reaches a server: requests go to `send`. */
export function clientSending(send, options = {}) {
  return new S3Client({ connectionString: 's3://key:secret@my-bucket/app/x', AwsS3Client: { send, config: {} }, ...options });
}

/** The three kinds of clients; each call of `make` gives an empty database path. */
export const kinds = [
  { name: 'memory', skip: false, make: () => new MemoryClient({ keyPrefix: 'app/x' }) },
  {
    name: 'file',
    skip: false,
    make: () => new FileSystemClient({ basePath: temporaryDirectory(), keyPrefix: 'app/x', durability: 'none' })
  },
  { name: 's3', skip: withoutS3, make: () => new S3Client({ connectionString: s3ConnectionString() }) }
];

/** Every event of an emitter with its arguments, in order. */
export function recordEvents(client) {
  const events = [];
  const { emit } = client;
  client.emit = function recording(name, ...args) {
    if (name !== 'newListener' && name !== 'removeListener') events.push([name, ...args]);
    return emit.call(this, name, ...args);
  };
  return events;
}

/** The error of a promise that must reject. */
export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}
