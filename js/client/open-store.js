/** Opening a native store: its errors are typed, and name what was given. */
import { fromNative } from '../errors/from-native.js';
import { ValidationError } from '../errors/index.js';
import { native } from '../native/load.js';

/**
 * @param {'memory' | 'file' | 's3'} kind
 * @param {{ bucket: string, [setting: string]: unknown }} settings
 * @returns {import('../native/binding.d.ts').NativeStore}
 */
export function openStore(kind, settings) {
  try {
    return native.NativeStore[kind](JSON.stringify(settings));
  } catch (error) {
    throw fromNative(error, { bucket: settings.bucket, operation: 'open' });
  }
}

/**
 * Refuses limits that are no number of bytes; nothing, and 0, mean the default.
 * @param {Record<string, unknown>} limits by option
 */
export function checkLimits(limits) {
  for (const [field, value] of Object.entries(limits)) {
    if (!value || (Number.isSafeInteger(value) && value > 0)) continue;
    throw new ValidationError(`${field} must be a whole number of bytes above 0`, {
      field,
      value,
      statusCode: 400,
      suggestion: `Correct or leave out ${field}.`
    });
  }
}
