/** Tests of the plugin guide: each promise on the memory store, on the strict S3 server and on s3s-fs, named by its row (spec/05 section 19). */
import { after, test } from 'node:test';
import { Database } from '../../../js/index.js';
import { s3ConnectionString, s3sFsConnectionString, withoutS3, withoutS3sFs } from './clients.js';
import { freshStore } from './databases.js';

const STORES = [
  { name: 'memory', skip: false, connectionString: () => freshStore('memory') },
  { name: 's3', skip: withoutS3, connectionString: () => s3ConnectionString() },
  { name: 's3s-fs', skip: withoutS3sFs, connectionString: () => s3sFsConnectionString() }
];

const open = new Set();

after(async () => {
  for (const database of open) await database.disconnect();
});

/**
 * @param {number} row row of the table in spec/05 section 19
 * @param {string} promise what the guide says
 * @param {(tools: { make: Function, connect: Function, connectionString: string, store: string }) => Promise<void>} run
 *   `make(options)` is an unconnected database on an empty path, the same path for every call of one test
 */
export function guide(row, promise, run) {
  for (const { name, skip, connectionString } of STORES) {
    test(`guide ${row}: ${promise} [${name}]`, { skip }, async () => {
      const address = connectionString();
      const make = (options = {}) => {
        const database = new Database({ connectionString: address, ...options });
        open.add(database);
        return database;
      };
      const connect = async (options) => {
        const database = make(options);
        await database.connect();
        return database;
      };
      await run({ make, connect, connectionString: address, store: name });
    });
  }
}

/** A promise that this version does not keep yet, with what it waits for; shown in the generated table. */
export function guideLater(_row, _promise, _reason) {}
