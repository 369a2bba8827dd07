/** The measuring layer around the methods of a resource (spec/12 sections B.2 and B.8). */
import { markTransparent } from '../../util/transparent.js';

/** Measured methods and what they count as. */
export const MEASURED = {
  insert: 'insert',
  update: 'update',
  delete: 'delete',
  deleteMany: 'delete',
  get: 'get',
  getMany: 'get',
  getAll: 'list',
  list: 'list',
  listIds: 'list',
  page: 'list',
  count: 'count'
};

function layerOf(inner, operation, record) {
  return function measured(...args) {
    const started = performance.now();
    let result;
    try {
      result = inner.apply(this, args);
    } catch (error) {
      record(operation, performance.now() - started, error);
      throw error;
    }
    if (typeof result?.then !== 'function') {
      record(operation, performance.now() - started);
      return result;
    }
    return result.then(
      (value) => {
        record(operation, performance.now() - started);
        return value;
      },
      (error) => {
        record(operation, performance.now() - started, error);
        throw error;
      }
    );
  };
}

/**
 * Measures a resource. The unmeasured methods are at `_insert`, `_update`, ...; bulk operations of the engine run on, and
 * are reported as the calls they stand for.
 * @param {object} resource
 * @param {(operation: string, duration: number, error?: Error) => void} record
 * @param {(bulk: { operation: string, calls: number, duration: number, errors: Error[] }) => void} recordBulk
 * @returns {() => void} restores the resource
 */
export function measure(resource, record, recordBulk) {
  let active = true;
  const undo = [];
  const note = (...args) => {
    if (active) record(...args);
  };
  for (const [method, operation] of Object.entries(MEASURED)) {
    const inner = resource[method];
    if (typeof inner !== 'function') continue;
    const layer = layerOf(inner, operation, note);
    markTransparent(layer, inner);
    const name = `_${method}`;
    const first = !Object.hasOwn(resource, name);
    if (first) Object.defineProperty(resource, name, { value: inner, writable: true, configurable: true, enumerable: false });
    resource[method] = layer;
    undo.push(() => {
      // What was put around the layer since stays, and the layer passes calls on.
      if (resource[method] === layer) resource[method] = inner;
      if (first) delete resource[name];
    });
  }
  if (typeof resource._tap === 'function') undo.push(resource._tap('bulk', (bulk) => recordBulk(bulk)));
  return () => {
    active = false;
    for (const each of undo.reverse()) each();
  };
}
