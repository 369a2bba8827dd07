// One process among several that insert into one resource: the request comes as JSON argument, the ids go to stdout as JSON.
//
//   { connectionString, idGenerator, singles, bulk }
import { S3db } from '../../../js/index.js';

const { connectionString, idGenerator, singles, bulk } = JSON.parse(process.argv[2]);
const database = new S3db({ connectionString });
await database.connect();
const resource = await database.createResource({ name: 'orders', attributes: { n: 'number' }, idGenerator });
const ids = [];
for (let n = 0; n < singles; n += 1) ids.push((await resource.insert({ n })).id);
const many = await resource.insertMany(Array.from({ length: bulk }, (_, n) => ({ n })));
if (many.errors.length > 0) throw many.errors[0].error;
for (const { id } of many) ids.push(id);
await database.disconnect();
process.stdout.write(`${JSON.stringify(ids)}\n`);
