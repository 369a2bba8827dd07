/** Node streams over the records of a resource. */
import { Readable, Transform, Writable } from 'node:stream';
import { StreamError } from '../errors/index.js';
import { mapBounded } from '../util/concurrency.js';
import { markPartition } from './list.js';
import { isMissing } from './missing.js';
import { partitionOf } from './partitions.js';

function requireResource(resource, name) {
  if (resource) return;
  throw new StreamError(`Resource is required for ${name}`, {
    operation: 'constructor',
    statusCode: 400,
    retriable: false,
    suggestion: `Pass the resource: new ${name}({ resource }).`
  });
}

/** Object-mode stream of pages (arrays) of ids, in key order; each is also a `page` event. */
export class ResourceIdsPageReader extends Readable {
  #batches;

  /** @param {{ resource: object, batchSize?: number, partition?: string, partitionValues?: object }} options */
  constructor({ resource, batchSize = 1000, partition, partitionValues } = {}) {
    requireResource(resource, 'ResourceIdsPageReader');
    super({ objectMode: true, highWaterMark: 2 });
    this.resource = resource;
    this.client = resource.client;
    this.#batches = resource._scan({ kind: 'ids', partition, partitionValues, batch: batchSize });
  }

  _read() {
    this.#batches.next().then(
      ({ value, done }) => {
        if (done) return this.push(null);
        this.emit('page', value);
        return this.push(value);
      },
      (error) => this.destroy(error)
    );
  }

  build() {
    return this;
  }
}

/** Object-mode stream of ids, in key order; each is also an `id` event. */
export class ResourceIdsReader extends Readable {
  #pages;

  /** @param {{ resource: object, partition?: string, partitionValues?: object }} options */
  constructor(options = {}) {
    requireResource(options.resource, 'ResourceIdsReader');
    super({ objectMode: true, highWaterMark: 1000 });
    this.resource = options.resource;
    this.client = options.resource.client;
    const { resource, partition, partitionValues } = options;
    this.#pages = resource._scan({ kind: 'ids', partition, partitionValues, batch: 1000 });
  }

  _read() {
    this.#pages.next().then(
      ({ value, done }) => {
        if (done) return this.push(null);
        for (const id of value) {
          this.emit('id', id);
          this.push(id);
        }
        return undefined;
      },
      (error) => this.destroy(error)
    );
  }

  build() {
    return this;
  }
}

/**
 * Object-mode stream of records in key order. A record that cannot be read is an `error` event
 * `(error, id)` that does not end the stream; without a listener it destroys the stream. Records that vanished since
 * they were listed are left out, and those that are not where a reference of the partition says.
 */
export class ResourceReader extends Readable {
  #started = false;
  #place;

  /** @param {{ resource: object, batchSize?: number, concurrency?: number, partition?: string, partitionValues?: object }} options */
  constructor({ resource, batchSize = 10, concurrency = 5, partition, partitionValues } = {}) {
    requireResource(resource, 'ResourceReader');
    super({ objectMode: true, highWaterMark: batchSize });
    this.resource = resource;
    this.client = resource.client;
    this.batchSize = batchSize;
    this.concurrency = concurrency;
    this.input = new ResourceIdsPageReader({ resource, batchSize, partition, partitionValues });
    if (partition) this.#place = { partition, definition: partitionOf(resource, partition), partitionValues: partitionValues ?? {} };
    this.transform = new Transform({
      objectMode: true,
      highWaterMark: 1,
      transform: (ids, encoding, callback) => this._transform(ids, encoding, callback)
    });
  }

  #start() {
    this.#started = true;
    const fail = (error) => this.destroy(error);
    this.input.on('error', fail);
    this.transform.on('error', fail);
    this.transform.on('data', (record) => {
      if (!this.push(record)) this.transform.pause();
    });
    this.transform.on('end', () => this.push(null));
    this.input.pipe(this.transform);
  }

  _read() {
    if (this.#started) this.transform.resume();
    else this.#start();
  }

  /** Loads the records of a page of ids and pushes them in order. */
  _transform(ids, _encoding, callback) {
    const load = async (id) => {
      try {
        const record = await this.resource.get(id);
        return { record: this.#place ? markPartition(this.resource, record, this.#place) : record };
      } catch (error) {
        return isMissing(this.resource, id, error) ? { record: undefined } : { error, id };
      }
    };
    mapBounded(Array.isArray(ids) ? ids : [ids], this.concurrency, load).then((loaded) => {
      for (const { record, error, id } of loaded) {
        if (record !== undefined) this.transform.push(record);
        else if (error === undefined) continue;
        else if (this.listenerCount('error') > 0) this.emit('error', error, id);
        else return callback(error);
      }
      return callback();
    });
  }

  _destroy(error, callback) {
    this.input.destroy();
    this.transform.destroy();
    callback(error);
  }

  build() {
    return this;
  }
}

/**
 * Object-mode stream that inserts what is written. A record that cannot be inserted is an `error`
 * event `(error, record)` and the others go on; without a listener it destroys the stream.
 */
export class ResourceWriter extends Writable {
  #pending = [];
  #writing = false;

  /** @param {{ resource: object, batchSize?: number, concurrency?: number }} options */
  constructor({ resource, batchSize = 10, concurrency = 5 } = {}) {
    requireResource(resource, 'ResourceWriter');
    super({ objectMode: true, highWaterMark: batchSize });
    this.resource = resource;
    this.client = resource.client;
    this.batchSize = batchSize;
    this.concurrency = concurrency;
  }

  /** Records handed over and not inserted yet. */
  get buffer() {
    return this.#pending;
  }

  /** Whether inserts are under way. */
  get writing() {
    return this.#writing;
  }

  /** Whether `end()` was called. */
  get ended() {
    return this.writableEnded;
  }

  _write(record, _encoding, callback) {
    this.#insert([record], callback);
  }

  _writev(chunks, callback) {
    this.#insert(
      chunks.map(({ chunk }) => chunk),
      callback
    );
  }

  #insert(records, callback) {
    this.#pending = [...records];
    this.#writing = true;
    let failure = null;
    const write = async (record) => {
      try {
        await this.resource.insert(record);
      } catch (error) {
        if (this.listenerCount('error') > 0) this.emit('error', error, record);
        else failure ??= error;
      }
      this.#pending.splice(this.#pending.indexOf(record), 1);
    };
    mapBounded(records, this.concurrency, write).then(() => {
      this.#writing = false;
      callback(failure);
    });
  }

  build() {
    return this;
  }
}

/**
 * UTF-8 text of a stream.
 * @param {AsyncIterable<Buffer | Uint8Array | string>} stream
 * @returns {Promise<string>}
 */
export async function streamToString(stream) {
  if (!stream) {
    throw new StreamError('Stream is undefined', {
      operation: 'streamToString',
      statusCode: 400,
      retriable: false,
      suggestion: 'Pass a readable stream.'
    });
  }
  const chunks = [];
  for await (const chunk of stream) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
