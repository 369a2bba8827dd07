/** Sub-path `plugins/ttl`. */
export { TTLPlugin } from './ttl/ttl-plugin.js';
