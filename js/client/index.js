/** Clients of the object stores. */
export { storeCallbacks } from './adapter.js';
export {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand
} from './commands.js';
export { createClient } from './create-client.js';
export { FileSystemClient } from './filesystem-client.js';
export { FileSystemStorage } from './filesystem-storage.js';
export { HTTP_CLIENT_PROFILES } from './http-options.js';
export { MemoryClient } from './memory-client.js';
export { MemoryStorage } from './memory-storage.js';
export { nativeStoreOf } from './native-store-of.js';
export { Client, default, S3Client } from './s3-client.js';
export { storeFor } from './store-for.js';
