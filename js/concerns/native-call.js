import { fromNative } from '../errors/from-native.js';
import { native } from '../native/load.js';
import { fromText, toText } from '../native/text.js';

/**
 * Calls a pure function of the engine; failures are published errors.
 * @param {string} name
 * @param {any[]} args
 */
export function call(name, args) {
  return callText(name, () => toText(args));
}

/**
 * The same with arguments that are text already.
 * @param {string} name
 * @param {() => string} args JSON of the array of arguments
 */
export function callText(name, args) {
  try {
    return fromText(native.pure(name, args()));
  } catch (error) {
    throw fromNative(error, { operation: name });
  }
}

/**
 * Function of the engine under its published name.
 * @param {string} name
 * @returns {(...args: any[]) => any}
 */
export function pureFunction(name) {
  const wrapped = (...args) => call(name, args);
  return Object.defineProperty(wrapped, 'name', { value: name });
}
