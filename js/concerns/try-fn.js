export { tryFn, tryFn as default, tryFnSync } from '../util/try-fn.js';
