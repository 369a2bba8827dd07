/**
 * Values of the types that later versions added: what each accepts, and the one form in which it is stored and returned.
 * A function returns undefined for what is no value of its type.
 */

import { cronText } from './cron-text.js';

const DAY = 86_400_000;
/** Calendar date, time and offset; a time without offset is local, as `Date.parse` reads it. */
const DATE_TIME = /^([+-]\d{6}|\d{4})-(\d{2})-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;
const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,3}))?)?$/;
const CIDR = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;
const SEMVER = /^v?(\d+)\.(\d+)\.(\d+)(-[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*)?(\+[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*)?$/;
const PHONE = /^\+?([1-9]\d{6,14})$/;
const COLOR = /^#?([\da-f]{3}|[\da-f]{6})$/i;
const ISO_DURATION = /^P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const ISO_UNITS = [7 * DAY, DAY, 3_600_000, 60_000, 1000];
const SHORT_DURATION = /^(?:\d+(?:\.\d+)?\s*(?:w|d|h|ms|m|s)\s*)+$/i;
const SHORT_UNITS = { w: 7 * DAY, d: DAY, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const LOCALE = /^([a-z]{2})(?:[-_]([a-z]{2}))?$/i;
const BARCODE = /^(?:\d{8}|\d{12,14})$/;
const BASE64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/;

const isoOf = (time) => (Number.isNaN(new Date(time).getTime()) ? undefined : new Date(time).toISOString());
const onText = (read) => (value) => (typeof value === 'string' ? read(value) : undefined);

/** Milliseconds of a date, a number of milliseconds or a text with a date that exists. */
function instant(value) {
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'number') return value;
  const parts = typeof value === 'string' ? DATE_TIME.exec(value) : null;
  if (parts === null) return Number.NaN;
  const [year, month, day] = parts.slice(1).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // `Date.parse` takes 30 February for 1 March.
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? new Date(value).getTime() : Number.NaN;
}

const datetime = (value) => isoOf(instant(value));

function dateonly(value) {
  const iso = isoOf(instant(value));
  if (iso === undefined) return undefined;
  return typeof value === 'string' ? value.split(/[T ]/)[0] : iso.split('T')[0];
}

function timeonly(value) {
  if (value instanceof Date) return isoOf(value)?.split('T')[1].slice(0, -1);
  const parts = typeof value === 'string' ? TIME.exec(value) : null;
  if (parts === null) return undefined;
  const [, hour, minute, second = '00', fraction = ''] = parts;
  return `${hour}:${minute}:${second}.${fraction.padEnd(3, '0')}`;
}

const cidr = onText((text) => {
  const numbers = CIDR.exec(text)?.slice(1).map(Number);
  if (numbers === undefined || numbers[4] > 32 || numbers.slice(0, 4).some((each) => each > 255)) return undefined;
  return `${numbers.slice(0, 4).join('.')}/${numbers[4]}`;
});

const semver = onText((text) => {
  const parts = SEMVER.exec(text);
  if (parts === null) return undefined;
  const [, major, minor, patch, prerelease = '', build = ''] = parts;
  return [major, minor, patch].map((each) => each.replace(/^0+(?=\d)/, '')).join('.') + prerelease + build;
});

const phone = onText((text) => {
  const digits = PHONE.exec(text.replace(/[\s().-]/g, ''))?.[1];
  return digits === undefined ? undefined : `+${digits}`;
});

const color = onText((text) => {
  const digits = COLOR.exec(text)?.[1].toLowerCase();
  if (digits === undefined) return undefined;
  return `#${digits.length === 3 ? digits.replace(/./g, '$&$&') : digits}`;
});

function millisecondsOf(text) {
  const iso = ISO_DURATION.exec(text.toUpperCase());
  if (iso !== null && !/[PT]$/i.test(text)) return iso.slice(1).reduce((sum, each, i) => sum + Number(each ?? 0) * ISO_UNITS[i], 0);
  if (!SHORT_DURATION.test(text)) return undefined;
  let sum = 0;
  for (const [, number, unit] of text.toLowerCase().matchAll(/(\d+(?:\.\d+)?)\s*(ms|[wdhms])/g)) sum += Number(number) * SHORT_UNITS[unit];
  return sum;
}

/** ISO 8601 text of days, hours, minutes and seconds; years and months have no fixed length. */
function duration(value) {
  const given = typeof value === 'string' ? millisecondsOf(value.trim()) : value;
  if (typeof given !== 'number' || !(given >= 0 && given < Number.MAX_SAFE_INTEGER)) return undefined;
  const total = Math.round(given);
  const part = (unit, size, below) => {
    const number = Math.floor(total / size) % below;
    return number === 0 ? '' : `${number}${unit}`;
  };
  const days = part('D', DAY, Number.POSITIVE_INFINITY);
  const fraction = total % 1000;
  const second = Math.floor(total / 1000) % 60;
  const seconds = fraction === 0 ? part('S', 1000, 60) : `${second}.${String(fraction).padStart(3, '0')}S`;
  const time = part('H', 3_600_000, 24) + part('M', 60_000, 60) + seconds;
  if (days === '' && time === '') return 'PT0S';
  return `P${days}${time === '' ? '' : `T${time}`}`;
}

const locale = onText((text) => {
  const parts = LOCALE.exec(text);
  if (parts === null) return undefined;
  return parts[1].toLowerCase() + (parts[2] === undefined ? '' : `-${parts[2].toUpperCase()}`);
});

const letters = (count) => {
  const form = new RegExp(`^[a-z]{${count}}$`, 'i');
  return onText((text) => (form.test(text) ? text.toUpperCase() : undefined));
};

function ean(value) {
  const text = Number.isSafeInteger(value) && value >= 0 ? String(value).padStart(13, '0') : value;
  return typeof text === 'string' && BARCODE.test(text) ? text : undefined;
}

/** Bytes of a binary value, of base64 text, or of what JSON makes of a Buffer. */
function bytesOf(value) {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return Buffer.from(value);
  if (typeof value === 'string') return BASE64.test(value) ? Buffer.from(value, 'base64') : undefined;
  if (value?.type === 'Buffer' && Array.isArray(value.data)) return Buffer.from(value.data);
  return undefined;
}

function bitsOf(value, count) {
  const bytes = bytesOf(value);
  return bytes === undefined || (count !== undefined && bytes.length !== Math.ceil(count / 8)) ? undefined : bytes;
}

/** ISO 4217 code in capitals. */
export const currencyCode = letters(3);

const FORMATS = {
  datetime,
  dateonly,
  timeonly,
  cidr,
  semver,
  phone,
  color,
  duration,
  cron: onText(cronText),
  locale,
  country: letters(2),
  ean,
  buffer: bytesOf,
  bits: bitsOf
};

/** Error messages by type. */
export const FORMAT_MESSAGES = {
  datetime: "The '{field}' field must be a valid datetime.",
  dateonly: "The '{field}' field must be a valid date.",
  timeonly: "The '{field}' field must be a valid time (HH:mm, HH:mm:ss, or HH:mm:ss.SSS).",
  cidr: "The '{field}' field must be a valid CIDR notation (e.g., 192.168.1.0/24).",
  semver: "The '{field}' field must be a valid semantic version (e.g., 1.2.3).",
  phone: "The '{field}' field must be a valid phone number in E.164 format (e.g., +5511999999999).",
  color: "The '{field}' field must be a valid hex color (e.g., #FF5733 or #F57).",
  duration: "The '{field}' field must be a valid duration (e.g., PT1H30M, 1h30m, 90m).",
  cron: "The '{field}' field must be a valid 5-field cron expression (e.g., 0 */5 * * *).",
  locale: "The '{field}' field must be a valid locale (e.g., pt-BR, en-US, or just en).",
  country: "The '{field}' field must be a valid 2-letter country code (e.g., BR, US, DE).",
  ean: "The '{field}' field must be a valid barcode (EAN-8, UPC-A 12, EAN-13, or GTIN-14 digits).",
  buffer: "The '{field}' field must be a Buffer, a Uint8Array or base64 text.",
  bits: "The '{field}' field must be a bitmap of the declared size: a Buffer, a Uint8Array or base64 text."
};

/** Types with a stored form of their own. */
export const FORMAT_TYPES = Object.keys(FORMATS);

/**
 * The function that brings values of a type into their stored form; undefined for other types.
 * @param {string} type without parameter
 * @param {string} [written] with parameter: `bits:64`
 * @returns {((value: any) => any) | undefined}
 */
export function formatOf(type, written = type) {
  const read = Object.hasOwn(FORMATS, type) ? FORMATS[type] : undefined;
  if (type !== 'bits') return read;
  const count = /^bits:(\d+)$/.exec(written)?.[1];
  return (value) => bitsOf(value, count === undefined ? undefined : Number(count));
}

/**
 * Check of the engine for a type: the value in its stored form, or an error.
 * @param {string} type
 * @param {string} [written]
 */
export function formatCheck(type, written) {
  const read = formatOf(type, written);
  return (value, errors) => {
    if (value === undefined || value === null) return value;
    const stored = read(value);
    if (stored !== undefined) return stored;
    errors.push({ type, actual: value });
    return value;
  };
}
