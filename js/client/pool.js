/**
 * Runs `task` over `items`, at most `limit` at a time, in order of start.
 * @template T
 * @param {T[]} items
 * @param {number} limit
 * @param {(item: T, index: number) => Promise<void>} task must not reject
 */
export async function forEachLimited(items, limit, task) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next;
      next += 1;
      await task(items[index], index);
    }
  };
  const count = Math.max(1, Math.min(items.length, Math.trunc(Number(limit)) || 10));
  await Promise.all(Array.from({ length: count }, worker));
}

/**
 * Splits a list.
 * @template T
 * @param {T[]} items
 * @param {number} size
 * @returns {T[][]}
 */
export function chunksOf(items, size) {
  const chunks = [];
  for (let i = 0; i < items.length; i += size) chunks.push(items.slice(i, i + size));
  return chunks;
}
