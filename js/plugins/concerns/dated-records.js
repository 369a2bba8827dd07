/** Records of plugins that carry their day in `createdAt` and in the partition `byDate`. */

export const DAY_MS = 86_400_000;
export const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;

/** Day of a time as `YYYY-MM-DD`, UTC. */
export const dayOf = (time) => new Date(time).toISOString().slice(0, 10);

/** Days that a resource has records of, ascending: one listing of prefixes. */
export async function storedDays(log) {
  const prefix = `resource=${log.name}/partition=byDate/createdAt=`;
  const days = new Set();
  const note = (key) => {
    const at = key.indexOf(prefix);
    if (at !== -1) days.add(key.slice(at + prefix.length).split('/')[0]);
  };
  const { client } = log;
  if (typeof client.listObjects !== 'function') {
    for (const key of await client.getAllKeys({ prefix })) note(key);
    return [...days].sort();
  }
  let continuationToken;
  do {
    const page = await client.listObjects({ prefix, delimiter: '/', continuationToken });
    for (const { Prefix } of page.CommonPrefixes ?? []) note(Prefix);
    // A client that groups nothing lists the references themselves.
    for (const { Key } of page.Contents ?? []) note(Key);
    continuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (continuationToken);
  return [...days].sort();
}

/** Deletes the days before `cutoff` (`YYYY-MM-DD`, kept), whole days at a time; resolves the number of records. */
export async function deleteDaysBefore(log, cutoff) {
  let deleted = 0;
  for (const day of await storedDays(log)) {
    if (!DATE_ONLY.test(day) || day >= cutoff) continue;
    const ids = await log.listIds({ partition: 'byDate', partitionValues: { createdAt: day } });
    if (ids.length === 0) continue;
    const report = await log.deleteMany(ids);
    deleted += report?.deleted ?? ids.length;
  }
  return deleted;
}
