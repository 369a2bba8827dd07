// A store of your own: any object with these methods serves as client. This one keeps objects in a Map.
//
//   node examples/own-client.mjs
import { S3db } from 's3db-native';

const objects = new Map();
const missing = (key) => Object.assign(new Error(`no object ${key}`), { name: 'NoSuchKey' });

const client = {
  bucket: 'a map',
  async putObject({ key, metadata = {}, body = '', contentType, ifMatch, ifNoneMatch }) {
    const current = objects.get(key);
    if ((ifNoneMatch === '*' && current) || (ifMatch && current?.ETag !== ifMatch)) {
      throw Object.assign(new Error('precondition failed'), { name: 'PreconditionFailed' });
    }
    const stored = {
      Metadata: metadata,
      Body: Buffer.from(body),
      ContentType: contentType,
      ETag: String(Math.random()),
      LastModified: new Date()
    };
    objects.set(key, stored);
    return { ETag: stored.ETag };
  },
  async getObject(key) {
    if (!objects.has(key)) throw missing(key);
    return objects.get(key);
  },
  async headObject(key) {
    return client.getObject(key);
  },
  async deleteObject(key, { ifMatch } = {}) {
    if (ifMatch && objects.get(key)?.ETag !== ifMatch)
      throw Object.assign(new Error('precondition failed'), { name: 'PreconditionFailed' });
    objects.delete(key);
    return {};
  },
  async getAllKeys({ prefix = '' } = {}) {
    return [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
};

const db = new S3db({ client });
await db.connect();
const notes = await db.createResource({ name: 'notes', attributes: { text: 'string|required' } });
await notes.insert({ id: 'first', text: 'kept in a Map' });
console.log((await notes.get('first')).text, [...objects.keys()]);
await db.disconnect();
