/** Plugin storages on every kind of store. */
import { FileSystemClient, MemoryClient, PluginStorage, S3Client } from '../../../js/index.js';
import { s3ConnectionString, temporaryDirectory, withoutS3 } from './clients.js';
import { ClassClient, plainClient } from './object-clients.js';

/** Each call of `make` gives a client over an empty database path. */
export const clientKinds = [
  { name: 'memory', skip: false, make: () => new MemoryClient({ keyPrefix: 'app/x' }) },
  {
    name: 'file',
    skip: false,
    make: () => new FileSystemClient({ basePath: temporaryDirectory(), keyPrefix: 'app/x', durability: 'none' })
  },
  { name: 's3', skip: withoutS3, make: () => new S3Client({ connectionString: s3ConnectionString() }) },
  { name: 'object', skip: false, make: () => new ClassClient() },
  { name: 'object without conditions', skip: false, weak: true, make: plainClient }
];

/** A storage over a fresh client. */
export const storageOn = ({ make }, slug = 'demo', options = undefined) => new PluginStorage(make(), slug, options);

/** A clock that tests move. */
export function clock(start = Date.now()) {
  const now = () => now.time;
  now.time = start;
  now.advance = (seconds) => {
    now.time += seconds * 1000;
  };
  return now;
}
