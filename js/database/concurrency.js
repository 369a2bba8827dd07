/** How many requests an operation has under way at a time. */
import { availableParallelism } from 'node:os';
import { ValidationError } from '../errors/index.js';

const DEFAULT = 10;
const MOST_AUTOMATIC = 64;

/** Resources that were created with a `parallelism` of their own. */
const own = new WeakSet();

/** Requests wait for the network rather than for a core: eight per core, from the default up to a bound. */
const automatic = () => Math.min(MOST_AUTOMATIC, Math.max(DEFAULT, 8 * availableParallelism()));

/** `parallelism` as 13.6 reads it: the leading integer of the text, 10 when there is none; `auto` goes by the cores. */
export function readParallelism(value) {
  if (value === 'auto') return automatic();
  return Number.parseInt(String(value), 10) || DEFAULT;
}

/** The option of a database: `parallelism`, else the concurrency of the pool that it asks for. */
export function parallelismOf({ parallelism, executorPool }) {
  return readParallelism(parallelism ?? executorPool?.concurrency ?? DEFAULT);
}

/** Keeps the `parallelism` that a resource was created with out of `setConcurrency`. */
export function keepOwnParallelism(resource) {
  own.add(resource);
}

/** Sets the concurrency of the client, its pool, resources that have none of their own, and those to come. */
export function setConcurrency(database, value) {
  const wanted = value === 'auto' ? automatic() : value;
  if (!Number.isInteger(wanted) || wanted < 1) {
    throw new ValidationError(`setConcurrency requires a whole number above 0 or 'auto', got '${String(value)}'`, {
      field: 'concurrency',
      value: String(value),
      operation: 'setConcurrency',
      statusCode: 400,
      retriable: false,
      suggestion: "Pass a number such as 20, or 'auto'."
    });
  }
  database.parallelism = wanted;
  const { client } = database;
  if (client && 'parallelism' in client) client.parallelism = wanted;
  client?.pool?.setConcurrency?.(wanted);
  for (const name of Object.keys(database._resourcesMap)) {
    const resource = database._resourcesMap[name];
    if (!own.has(resource)) resource.parallelism = wanted;
  }
}
