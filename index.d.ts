// Declarations of s3db-native. Held by type tests and by a comparison with what import and require return.

export * from './types/background.js';
export * from './types/behavior-options.js';
export * from './types/bulk.js';
export * from './types/cache.js';
export * from './types/client.js';
export * from './types/coordinator.js';
export * from './types/database.js';
export { S3db as default } from './types/default.js';
export * from './types/errors.js';
export * from './types/functions.js';
export * from './types/guards.js';
export * from './types/managers.js';
export * from './types/options.js';
export * from './types/plugin.js';
export * from './types/plugin-options.js';
export * from './types/plugin-storage.js';
export * from './types/plugins.js';
export * from './types/resource.js';
export * from './types/schema.js';
export * from './types/testing.js';
export * from './types/typescript-generator.js';
