/** Turns of the event loop. */

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<{ result: T, turns: number }>} how many turns the loop took meanwhile; one or two when it was blocked
 */
export async function turnsDuring(work) {
  let turns = 0;
  let pending = true;
  const turn = () => {
    turns += 1;
    if (pending) setImmediate(turn);
  };
  setImmediate(turn);
  const result = await work();
  pending = false;
  return { result, turns };
}
