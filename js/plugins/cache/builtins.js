/** Gzip and random text: their modules are loaded at first use, importing the package costs neither. */
import { createRequire } from 'node:module';

const requireBuiltin = createRequire(import.meta.url);
let zlib;

function loaded() {
  zlib ??= requireBuiltin('node:zlib');
  return zlib;
}

function promised(name, input) {
  return new Promise((resolve, reject) => {
    loaded()[name](input, (error, output) => (error ? reject(error) : resolve(output)));
  });
}

/** Gzip of a text or bytes, off the main thread. */
export const compress = (input) => promised('gzip', input);
/** Bytes of a gzip, off the main thread. */
export const expand = (input) => promised('gunzip', input);
/** Gzip of a text, now. */
export const compressSync = (text) => loaded().gzipSync(text);
/** Bytes of a gzip, now. */
export const expandSync = (bytes) => loaded().gunzipSync(bytes);

/** Random text of `size` bytes in hex. */
export const randomHex = (size) => requireBuiltin('node:crypto').randomBytes(size).toString('hex');
