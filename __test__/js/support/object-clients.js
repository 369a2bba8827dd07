/** Clients written by users: they know nothing of this package. */

const missing = (key) => Object.assign(new Error(`nothing at ${key}`), { name: 'NoSuchKey', $metadata: { httpStatusCode: 404 } });

/** A plain object over a Map with the complete method set, keys in insertion order, no ETags. */
export function plainClient() {
  const objects = new Map();
  const calls = [];
  const record = (name, args) => calls.push([name, ...args]);
  const find = (key) => {
    if (!objects.has(key)) throw missing(key);
    return objects.get(key);
  };
  const keysUnder = (prefix = '') => [...objects.keys()].filter((key) => key.startsWith(prefix));
  return {
    objects,
    calls,
    async putObject(request) {
      record('putObject', [request]);
      objects.set(request.key, { ...request, at: new Date() });
      return {};
    },
    async getObject(key) {
      record('getObject', [key]);
      const { metadata, body, contentType, at } = find(key);
      return { Metadata: metadata, Body: body, ContentType: contentType, LastModified: at };
    },
    async headObject(key) {
      record('headObject', [key]);
      const { metadata, body, contentType, at } = find(key);
      return { Metadata: metadata, ContentType: contentType, ContentLength: Buffer.byteLength(body ?? ''), LastModified: at };
    },
    async copyObject({ from, to, metadata, metadataDirective, contentType }) {
      record('copyObject', [from, to]);
      const source = find(from);
      objects.set(to, metadataDirective === 'REPLACE' ? { ...source, metadata, contentType } : { ...source });
      return {};
    },
    async deleteObject(key) {
      record('deleteObject', [key]);
      objects.delete(key);
    },
    async deleteObjects(keys) {
      record('deleteObjects', [keys]);
      for (const key of keys) objects.delete(key);
      return { Deleted: keys.map((Key) => ({ Key })), Errors: [] };
    },
    async getKeysPage({ prefix, offset = 0, amount = 100 }) {
      record('getKeysPage', [prefix, offset, amount]);
      return keysUnder(prefix).slice(offset, offset + amount);
    },
    async getAllKeys({ prefix }) {
      record('getAllKeys', [prefix]);
      return keysUnder(prefix);
    },
    async listObjects({ prefix, maxKeys = 1000, continuationToken }) {
      record('listObjects', [prefix]);
      const start = Number(continuationToken ?? 0);
      const keys = keysUnder(prefix);
      const page = keys.slice(start, start + maxKeys);
      const more = start + maxKeys < keys.length;
      return {
        Contents: page.map((Key) => ({ Key, Size: 1 })),
        IsTruncated: more,
        NextContinuationToken: more ? String(start + maxKeys) : undefined
      };
    }
  };
}

/** A class with private state, a key prefix in its replies, ETags and conditional writes. */
export class ClassClient {
  #objects = new Map();
  #serial = 0;
  config = { bucket: 'class-bucket', keyPrefix: 'pre/fix' };

  async putObject({ key, metadata, body, contentType, ifMatch, ifNoneMatch }) {
    const current = this.#objects.get(key);
    if ((ifNoneMatch === '*' && current) || (ifMatch && current?.ETag !== ifMatch.replace(/"/g, ''))) {
      throw Object.assign(new Error('condition'), { code: 'PreconditionFailed', statusCode: 412 });
    }
    this.#serial += 1;
    const ETag = `etag-${this.#serial}`;
    this.#objects.set(key, { Metadata: metadata, bytes: Buffer.from(body), ContentType: contentType, ETag, LastModified: new Date() });
    return { ETag: `"${ETag}"` };
  }

  async getObject(key) {
    const { bytes, ...found } = this.#find(key);
    return {
      ...found,
      ContentLength: bytes.length,
      Body: { transformToString: async () => bytes.toString(), transformToByteArray: async () => bytes }
    };
  }

  async headObject(key) {
    const { bytes, ...found } = this.#find(key);
    return { ...found, ContentLength: bytes.length };
  }

  async deleteObject(key, { ifMatch } = {}) {
    if (ifMatch && this.#objects.get(key)?.ETag !== ifMatch)
      throw Object.assign(new Error('condition'), { $metadata: { httpStatusCode: 412 } });
    this.#objects.delete(key);
  }

  async listObjects({ prefix }) {
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix));
    return { Contents: keys.map((key) => ({ Key: `pre/fix/${key}`, Size: this.#objects.get(key).bytes.length })), IsTruncated: false };
  }

  #find(key) {
    const found = this.#objects.get(key);
    if (!found) throw Object.assign(new Error('gone'), { statusCode: 404 });
    return found;
  }
}

/** Only what every operation needs. */
export function minimalClient() {
  const { putObject, getObject, headObject, objects } = plainClient();
  return { putObject, getObject, headObject, objects };
}
