/** Shortest encoding of a text for metadata headers; records do not use it. */

const PRINTABLE = /^[\x20-\x7e]*$/;
const BASE64_SHAPE = /^[A-Za-z0-9+/]+={0,2}$/;

const looksLikeBase64 = (text) => text.length >= 4 && text.length % 4 === 0 && BASE64_SHAPE.test(text);
const toBase64 = (text) => Buffer.from(text, 'utf8').toString('base64');
const toUrl = (text) => encodeURIComponent(text.toWellFormed());

/**
 * @param {any} value
 * @returns {string}
 */
export function optimizedEncode(value) {
  if (value === null || value === undefined) return String(value);
  const text = String(value);
  if (PRINTABLE.test(text)) {
    // Marked, so that the reader does not take it for base64 or for a mark of its own.
    return looksLikeBase64(text) || /^[!%]/.test(text) ? `!${text}` : text;
  }
  const base64 = toBase64(text);
  if (/[\u0100-\uffff]/.test(text)) return base64;
  const url = toUrl(text);
  return url.length <= base64.length ? `%${url}` : base64;
}

/**
 * @param {any} value
 * @returns {any}
 */
export function optimizedDecode(value) {
  if (value === null || value === undefined) return value;
  const text = String(value);
  if (text === 'null') return null;
  if (text === 'undefined') return undefined;
  if (text.startsWith('!')) return text.slice(1);
  if (text.startsWith('%')) {
    try {
      return decodeURIComponent(text.slice(1));
    } catch {
      return text;
    }
  }
  if (looksLikeBase64(text)) {
    const decoded = Buffer.from(text, 'base64').toString('utf8');
    if (/[\u0080-\uffff]/.test(decoded) && toBase64(decoded) === text) return decoded;
  }
  return text;
}

/**
 * Lengths of a value under each encoding.
 * @param {any} value
 */
export function compareEncodings(value) {
  const text = String(value);
  const base64Pure = toBase64(text).length;
  const urlPure = toUrl(text).length;
  const encoded = optimizedEncode(value);
  let optimizedMethod = 'base64';
  if (encoded === text) optimizedMethod = 'none';
  else if (encoded.startsWith('!')) optimizedMethod = 'ascii-marked';
  else if (encoded.startsWith('%')) optimizedMethod = 'url';
  return {
    original: Buffer.byteLength(text, 'utf8'),
    base64Pure,
    base64Prefixed: base64Pure + 2,
    urlPure,
    urlPrefixed: urlPure + 2,
    optimized: encoded.length,
    optimizedMethod
  };
}
