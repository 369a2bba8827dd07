/** Public names of the package. */
export { Client, FileSystemClient, MemoryClient, MemoryStorage, S3Client } from './client/index.js';
export { ConnectionString } from './client/connection-string.js';
export { Database, Database as S3db, S3db as default } from './database/database.js';
export * from './errors/index.js';
export { Resource } from './resource/resource.js';
export { AsyncEventEmitter } from './util/async-event-emitter.js';
