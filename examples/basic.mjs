// Records, partitions and secrets in memory. With a connection string as argument: on any store.
//
//   node examples/basic.mjs [connection string]
import { S3db } from 's3db-native';

const db = new S3db({ connectionString: process.argv[2] ?? 'memory://example/basic', passphrase: 'a passphrase of your own' });
await db.connect();

const users = await db.createResource({
  name: 'users',
  attributes: { name: 'string|required', age: 'number', token: 'secret|optional', address: { city: 'string' } },
  timestamps: true,
  asyncPartitions: false,
  partitions: { byCity: { fields: { 'address.city': 'string' } } }
});

const ada = await users.insert({ name: 'Ada', age: 36, token: 'only readable with the passphrase', address: { city: 'London' } });
await users.insertMany([
  { name: 'Grace', age: 45, address: { city: 'New York' } },
  { name: 'Alan', age: 41, address: { city: 'London' } }
]);
await users.update(ada.id, { age: 37 });

const londoners = await users.list({ partition: 'byCity', partitionValues: { 'address.city': 'London' } });
console.log(`${await users.count()} users, in London: ${londoners.map(({ name }) => name).sort()}`);
const { token, age } = await users.get(ada.id);
console.log(`Ada is ${age}, her token is ${token}`);

await users.deleteMany(await users.listIds());
await db.disconnect();
