/** Cron expressions of five fields: minute, hour, day of month, month, day of week. */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 7, names: DAYS }
];

function numberOf(text, { min, max, names }) {
  const named = names.indexOf(text.toLowerCase());
  const number = named >= 0 ? named + min : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}

function isPart(text, field) {
  const [range, step, rest] = text.split('/');
  if (rest !== undefined || (step !== undefined && !/^[1-9]\d?$/.test(step))) return false;
  if (range === '*') return true;
  const [from, to, more] = range.split('-');
  if (more !== undefined) return false;
  const first = numberOf(from, field);
  if (to === undefined) return first !== undefined;
  const last = numberOf(to, field);
  return first !== undefined && last !== undefined && first <= last;
}

/**
 * @param {string} text
 * @returns {string | undefined} without outer spaces; undefined for what is no expression
 */
export function cronText(text) {
  const trimmed = text.trim();
  const fields = trimmed.split(/\s+/);
  if (fields.length !== FIELDS.length) return undefined;
  return fields.every((field, i) => field.split(',').every((part) => isPart(part, FIELDS[i]))) ? trimmed : undefined;
}
