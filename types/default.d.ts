import { Database } from './database.js';
import type { DatabaseConfig } from './options.js';

/** The default export: a subclass of `Database` that adds nothing. */
declare class S3db extends Database {
  constructor(options: DatabaseConfig);
}

export { S3db };
