/** Statistics of a CachePlugin (spec/10 section 10.7). */

export function freshStats() {
  return { hits: 0, misses: 0, writes: 0, deletes: 0, errors: 0, startTime: Date.now() };
}

/** `'1d 2h 3m 4s'` without its zero parts, at least `'0s'`. */
export function formatUptime(seconds) {
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [Math.floor(seconds % 60), 's']
  ];
  const text = parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
  return text === '' ? '0s' : text;
}

const percent = (rate) => `${(rate * 100).toFixed(2)}%`;

export function statsReport(stats, operations) {
  const { hits, misses, writes, deletes, errors, startTime } = stats;
  const total = hits + misses;
  const hitRateDecimal = total > 0 ? hits / total : 0;
  const missRateDecimal = total > 0 ? misses / total : 0;
  const uptime = Math.max(0, Math.floor((Date.now() - startTime) / 1000));
  const perSecond = (count) => (uptime > 0 ? (count / uptime).toFixed(2) : 0);
  return {
    ...{ hits, misses, writes, deletes, errors, total, operations },
    hitRate: percent(hitRateDecimal),
    missRate: percent(missRateDecimal),
    hitRateDecimal,
    missRateDecimal,
    uptime,
    uptimeFormatted: formatUptime(uptime),
    startTime: new Date(startTime).toISOString(),
    hitsPerSecond: perSecond(hits),
    missesPerSecond: perSecond(misses),
    writesPerSecond: perSecond(writes)
  };
}
