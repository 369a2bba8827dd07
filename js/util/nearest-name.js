/** Which valid name a misspelt one was meant to be. */

function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1].toLowerCase() === b[j - 1].toLowerCase() ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

/**
 * The candidate with the smallest edit distance (case ignored), or null when none is near.
 * @param {number} [limit] greatest distance that is near
 */
export function nearestName(name, candidates, limit = Math.max(2, Math.floor(name.length / 2))) {
  let best = null;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const steps = distance(name, candidate);
    if (steps < bestDistance) {
      best = candidate;
      bestDistance = steps;
    }
  }
  return bestDistance <= limit ? best : null;
}
