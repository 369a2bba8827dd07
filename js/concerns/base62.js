/**
 * Base62 numbers: whole, decimal and fixed point. In JavaScript, since a call of the engine costs
 * many times the work; all arithmetic is in doubles, as in the engine.
 */

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const BASE = 62;
const VALUES = new Map([...ALPHABET].map((symbol, value) => [symbol.charCodeAt(0), value]));

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

/** Digits of a positive whole number. */
function digits(number) {
  let rest = number;
  let text = '';
  while (rest > 0) {
    text = ALPHABET[rest % BASE] + text;
    rest = Math.floor(rest / BASE);
  }
  return text;
}

/**
 * @param {number} number rounded down
 * @returns {string} `undefined` for what is no finite number
 */
export function encode(number) {
  if (!isNumber(number)) return 'undefined';
  if (number === 0) return '0';
  return number < 0 ? `-${digits(-Math.floor(number))}` : digits(Math.floor(number));
}

/**
 * @param {string} text
 * @returns {number} NaN for what is no base62 text
 */
export function decode(text) {
  if (typeof text !== 'string') return Number.NaN;
  const negative = text.charCodeAt(0) === 45;
  let number = 0;
  for (let i = negative ? 1 : 0; i < text.length; i += 1) {
    const value = VALUES.get(text.charCodeAt(i));
    if (value === undefined) return Number.NaN;
    number = number * BASE + value;
  }
  return negative ? -number : number;
}

/**
 * Base62 whole part; the digits after the point stay decimal.
 * @param {number} number
 * @returns {string}
 */
export function encodeDecimal(number) {
  if (!isNumber(number)) return 'undefined';
  const [whole, fraction] = String(Math.abs(number)).split('.');
  const text = encode(Number(whole));
  return (number < 0 ? '-' : '') + (fraction ? `${text}.${fraction}` : text);
}

/**
 * @param {string} text
 * @returns {number}
 */
export function decodeDecimal(text) {
  if (typeof text !== 'string') return Number.NaN;
  const negative = text.startsWith('-');
  const [whole, fraction] = (negative ? text.slice(1) : text).split('.');
  const integer = decode(whole);
  if (Number.isNaN(integer)) return Number.NaN;
  const number = fraction ? Number(`${integer}.${fraction}`) : integer;
  return negative ? -number : number;
}

/** Scaled whole number; `none` for what is no number or overflows when scaled. */
function encodeScaled(number, scale, none) {
  const scaled = isNumber(number) ? Math.round(number * scale) : Number.NaN;
  if (!Number.isFinite(scaled)) return none;
  if (scaled === 0) return '0';
  return scaled < 0 ? `-${digits(-scaled)}` : digits(scaled);
}

/**
 * @param {number} number
 * @param {number} [precision] decimals kept
 * @returns {string}
 */
export function encodeFixedPoint(number, precision = 6) {
  const text = encodeScaled(number, 10 ** precision);
  return text === undefined ? 'undefined' : `^${text}`;
}

/**
 * @param {string} text
 * @param {number} [precision]
 * @returns {number}
 */
export function decodeFixedPoint(text, precision = 6) {
  if (typeof text !== 'string' || !text.startsWith('^')) return Number.NaN;
  return decode(text.slice(1)) / 10 ** precision;
}

/**
 * @param {number[]} numbers
 * @param {number} [precision]
 * @returns {string}
 */
export function encodeFixedPointBatch(numbers, precision = 6) {
  if (!Array.isArray(numbers)) return '';
  const scale = 10 ** precision;
  return `^[${numbers.map((number) => encodeScaled(number, scale, '')).join(',')}]`;
}

/**
 * @param {string} text
 * @param {number} [precision]
 * @returns {number[]} NaN for items that are no numbers
 */
export function decodeFixedPointBatch(text, precision = 6) {
  if (typeof text !== 'string' || !text.startsWith('^[')) return [];
  const inner = text.slice(2, -1);
  if (inner === '') return [];
  const scale = 10 ** precision;
  return inner.split(',').map((item) => (item === '' ? Number.NaN : decode(item) / scale));
}
