/**
 * Object whose members are made by `make` when somebody looks at them for the first time.
 * @template {object} T
 * @param {() => T} make
 * @returns {T}
 */
export function lazyObject(make) {
  const target = {};
  let filled = false;
  const fill = () => {
    if (!filled) Object.assign(target, make());
    filled = true;
    return target;
  };
  const traps = ['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'set', 'defineProperty', 'deleteProperty'];
  return new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, (_, ...rest) => Reflect[trap](fill(), ...rest)])));
}
