import { Readable } from 'node:stream';

/**
 * Body of an object that is already in memory: a Node stream with the helpers of SDK bodies.
 * Unlike an SDK stream the transforms may be called more than once.
 */
export class ObjectBody extends Readable {
  #bytes;

  /** @param {Buffer} bytes */
  constructor(bytes) {
    super();
    this.#bytes = bytes;
  }

  /** @private */
  _read() {
    if (this.#bytes.length > 0) this.push(this.#bytes);
    this.push(null);
  }

  /**
   * @param {BufferEncoding} [encoding]
   * @returns {Promise<string>}
   */
  async transformToString(encoding = 'utf8') {
    return this.#bytes.toString(encoding);
  }

  /** @returns {Promise<Uint8Array>} */
  async transformToByteArray() {
    return new Uint8Array(this.#bytes);
  }

  /** @returns {ReadableStream<Uint8Array>} */
  transformToWebStream() {
    const bytes = this.#bytes;
    return new ReadableStream({
      start(controller) {
        if (bytes.length > 0) controller.enqueue(new Uint8Array(bytes));
        controller.close();
      }
    });
  }

  /** Bytes without consuming the stream. */
  get bytes() {
    return this.#bytes;
  }
}

const toBuffer = (chunk) => {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  if (Buffer.isBuffer(chunk)) return chunk;
  if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer || chunk instanceof SharedArrayBuffer) return Buffer.from(chunk);
  if (Array.isArray(chunk)) return Buffer.from(chunk);
  return null;
};

/**
 * Bytes of a body that needs no waiting, or null when it has to be read asynchronously.
 * Falsy bodies are empty, as `putObject` documents.
 * @param {unknown} body
 * @returns {Buffer | null}
 */
export function bytesNow(body) {
  if (body === undefined || body === null || body === '' || body === 0 || body === false) return Buffer.alloc(0);
  if (body instanceof ObjectBody) return body.bytes;
  return toBuffer(body);
}

async function collect(iterable) {
  const chunks = [];
  for await (const chunk of iterable) {
    const bytes = toBuffer(chunk);
    if (bytes === null) throw new TypeError(`body stream yields ${typeof chunk}; expected strings or bytes`);
    chunks.push(bytes);
  }
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

/**
 * Bytes of a body in any form: string, Buffer, typed array, ArrayBuffer, Blob, SDK body, Node or web
 * stream, (async) iterable of chunks.
 * @param {unknown} body
 * @returns {Promise<Buffer>}
 */
export async function readBody(body) {
  const now = bytesNow(body);
  if (now !== null) return now;
  if (typeof body.transformToByteArray === 'function') return toBuffer(await body.transformToByteArray()) ?? Buffer.alloc(0);
  if (typeof body[Symbol.asyncIterator] === 'function') return collect(body);
  if (typeof body.getReader === 'function') return collect(readChunks(body.getReader()));
  if (typeof body.arrayBuffer === 'function') return Buffer.from(await body.arrayBuffer());
  if (typeof body.transformToString === 'function') return Buffer.from(await body.transformToString());
  if (typeof body[Symbol.iterator] === 'function') return collect(body);
  throw new TypeError('body must be a string, Buffer, Uint8Array, ArrayBuffer, Blob or stream');
}

async function* readChunks(reader) {
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}
