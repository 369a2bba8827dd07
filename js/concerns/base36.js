/** Keys in base36, as s3db.js 21 numbers attributes: digits and lower-case letters. */

/**
 * @param {number} number cut to a whole number
 * @returns {string} `undefined` for what is no finite number
 */
export function encodeKey(number) {
  return typeof number === 'number' && Number.isFinite(number) ? Math.trunc(number).toString(36) : 'undefined';
}

/**
 * @param {string} text
 * @returns {number} NaN for what is no key
 */
export function decodeKey(text) {
  if (typeof text !== 'string' || !/^-?[\da-z]*$/.test(text)) return Number.NaN;
  const digits = text.replace('-', '');
  let number = 0;
  for (const digit of digits) number = number * 36 + Number.parseInt(digit, 36);
  return text.startsWith('-') ? -number : number;
}
