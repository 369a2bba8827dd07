// The same for CommonJS.
import crypto = require('s3db-native/concerns/crypto');
import plugins = require('s3db-native/plugins');

const hash: Promise<string> = crypto.sha256('text');
const cache: InstanceType<typeof plugins.CachePlugin> = new plugins.CachePlugin();
// @ts-expect-error: the types are those of the root, not `any`
const wrong: Promise<number> = crypto.sha256('text');
export = { hash, cache, wrong };
