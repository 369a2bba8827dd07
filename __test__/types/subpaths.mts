// Sub-paths under `tsc --strict`: what is also an export of the root has its type, the rest is there.
import { decrypt, encrypt } from 's3db-native/concerns/crypto';
import createLogger from 's3db-native/concerns/logger';
import { stableJson } from 's3db-native/concerns/stable-hash.js';
import tryFn from 's3db-native/concerns/try-fn.js';
import { S3db } from 's3db-native/lite';
import { CachePlugin, TTLPlugin } from 's3db-native/plugins';
import { requireRole } from 's3db-native/plugins/api/concerns/guards-helpers';
import { AuditPlugin } from 's3db-native/plugins/audit';

const secret: string = await encrypt('text', 'passphrase');
const [ok, error] = await tryFn(async () => decrypt(secret, 'passphrase'));
if (!ok) createLogger({ level: 'warn' }).warn(String(error), stableJson({ a: 1 }));

const db = new S3db({ connectionString: 'memory://types/subpaths', plugins: [new AuditPlugin(), new CachePlugin()] });
const ttl: TTLPlugin = await db.usePlugin(new TTLPlugin({ resources: {} }));
// @ts-expect-error: the types are those of the root, not `any`
const wrong: number = await encrypt('text', 'passphrase');

export { requireRole, ttl, wrong };
