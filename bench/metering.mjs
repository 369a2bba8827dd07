// node bench/metering.mjs: what CostsPlugin, MetricsPlugin and AuditPlugin add to a bulk insert in memory: requests and time.
import { AuditPlugin, CostsPlugin, MetricsPlugin, S3db } from 's3db-native';
import { smallRecords } from './cases.mjs';

const COUNT = 20_000;
const quiet = { flushInterval: 0, prometheus: { enabled: false } };
const CASES = {
  none: () => [],
  costs: () => [new CostsPlugin()],
  metrics: () => [new MetricsPlugin(quiet)],
  audit: () => [new AuditPlugin()],
  'audit, batch': () => [new AuditPlugin({ format: 'batch' })]
};

async function run(name) {
  const db = new S3db({
    connectionString: `memory://metering-${name.replace(/\W+/g, '-')}-${Math.random()}/bench`,
    plugins: CASES[name]()
  });
  await db.connect();
  const attributes = { name: 'string|required', email: 'string', age: 'number|integer:true', active: 'boolean' };
  const resource = await db.createResource({ name: 'bench', attributes });
  await resource.insertMany(smallRecords(2_000));
  await db.plugins.audit?.flush();
  const requests = () => JSON.parse(db.client.storage.native.stats()).total;
  const before = requests();
  const started = performance.now();
  await resource.insertMany(smallRecords(COUNT));
  const answered = performance.now() - started;
  await db.plugins.audit?.flush();
  const stored = performance.now() - started;
  const sent = requests() - before;
  await db.disconnect();
  return { answered, stored, sent };
}

console.log(`insertMany of ${COUNT} records in memory\nplugin        requests/record  answered ms  stored ms`);
for (const name of Object.keys(CASES)) {
  await run(name);
  const { answered, stored, sent } = await run(name);
  const columns = [
    name.padEnd(13),
    (sent / COUNT).toFixed(2).padStart(15),
    answered.toFixed(0).padStart(12),
    stored.toFixed(0).padStart(10)
  ];
  console.log(columns.join(' '));
}
