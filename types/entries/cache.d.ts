export * from '../cache.js';
export { CachePlugin as default } from '../cache.js';
