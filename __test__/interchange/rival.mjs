// s3db.js 19.5.10 as a child process: JSON lines in, JSON lines out. Started by client.mjs in the folder where it is installed.
//
//   { op: 'open', connectionString, options }     a database
//   { op: 'create', config }                      a resource
//   { op: 'insert', resource, records }
//   { op: 'update', resource, changes }           changes: [{ id, ...fields }]
//   { op: 'get', resource, ids }                  the records in that order
//   { op: 'list', resource, options }             ids by partition
//   { op: 'method', resource, method, args }      a call of a method of a resource
//   { op: 'setContent', resource, contents }      contents: [{ id, base64, contentType }]
//   { op: 'content', resource, ids }              [{ base64, contentType, has }] in that order
//   { op: 'verify', password, hash }              whether the hash is that password's
//   { op: 'storage', slug, method, args }         a call of its PluginStorage
//   { op: 'plugin', name, options, method, args } a call of one of its plugins, installed at the first call
//   { op: 'close' }
import { createInterface } from 'node:readline';

const rival = globalThis.rival;
let db;
const plugins = {};

async function inTens(list, work) {
  const results = [];
  for (let at = 0; at < list.length; at += 10) results.push(...(await Promise.all(list.slice(at, at + 10).map(work))));
  return results;
}

const operations = {
  async open({ connectionString, options }) {
    db = new rival.S3db({ connectionString, logLevel: 'silent', ...options });
    await db.connect();
    // Its HTTP client takes the empty answer (204) to a DELETE, which has taken effect, for a failure.
    const remove = db.client.deleteObject.bind(db.client);
    db.client.deleteObject = async (...args) => {
      try {
        return await remove(...args);
      } catch (error) {
        if (!error.message.includes('status code 204')) throw error;
        return {};
      }
    };
  },
  async create({ config }) {
    await db.createResource(config);
  },
  async insert({ resource, records }) {
    const target = await db.getResource(resource);
    await inTens(records, (record) => target.insert(record));
  },
  async update({ resource, changes }) {
    const target = await db.getResource(resource);
    await inTens(changes, ({ id, ...fields }) => target.update(id, fields));
  },
  async get({ resource, ids }) {
    const target = await db.getResource(resource);
    return inTens(ids, (id) => target.get(id));
  },
  async list({ resource, options }) {
    return (await db.getResource(resource)).listIds(options);
  },
  async method({ resource, method, args }) {
    return (await db.getResource(resource))[method](...args);
  },
  async setContent({ resource, contents }) {
    const target = await db.getResource(resource);
    await inTens(contents, ({ id, base64, contentType }) => target.setContent({ id, buffer: Buffer.from(base64, 'base64'), contentType }));
  },
  async content({ resource, ids }) {
    const target = await db.getResource(resource);
    return inTens(ids, async (id) => {
      const { buffer, contentType } = await target.content(id);
      return { base64: buffer === null ? null : Buffer.from(buffer).toString('base64'), contentType, has: await target.hasContent(id) };
    });
  },
  async verify({ password, hash }) {
    return rival.verifyPassword(password, hash);
  },
  async plugin({ name, options, method, args }) {
    plugins[name] ??= await db.usePlugin(new rival[name](options));
    return plugins[name][method](...args);
  },
  async storage({ slug, method, args }) {
    return new rival.PluginStorage(db.client, slug)[method](...args);
  },
  async close() {
    await db.disconnect();
    db = undefined;
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = { value: await operations[op](request) };
  } catch (error) {
    answer = { error: { name: error.name, message: error.message, data: error.data } };
  }
  process.stdout.write(`\u0001${JSON.stringify(answer)}\n`);
}
process.exit(0);
