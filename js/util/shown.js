/** How objects that hold secrets are printed: `console.log` and error reports show what they are, not what they keep. */

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * @param {Function} type class whose instances are printed as `Name { ... }`
 * @param {(instance: any) => object} summary what to show
 */
export function showAs(type, summary) {
  Object.defineProperty(type.prototype, INSPECT, {
    value(depth, options, inspect) {
      const name = this.constructor?.name ?? type.name;
      if (depth < 0) return `[${name}]`;
      return `${name} ${inspect(summary(this), { ...options, depth: options.depth === null ? null : depth })}`;
    },
    enumerable: false,
    configurable: true,
    writable: true
  });
}
