/** Bounded concurrency over an array, results in input order. */

/**
 * Runs `fn(item, index)` for every item with at most `limit` at a time. The first rejection stops
 * new work and rejects after what is running has settled.
 */
export async function mapBounded(items, limit, fn) {
  const results = new Array(items.length);
  let next = 0;
  let failed = false;
  let failure;
  const worker = async () => {
    while (!failed && next < items.length) {
      const index = next;
      next += 1;
      try {
        results[index] = await fn(items[index], index);
      } catch (error) {
        if (!failed) {
          failed = true;
          failure = error;
        }
      }
    }
  };
  const width = Math.max(1, Math.min(Number.isInteger(limit) && limit > 0 ? limit : 10, items.length));
  await Promise.all(Array.from({ length: width }, worker));
  if (failed) throw failure;
  return results;
}
