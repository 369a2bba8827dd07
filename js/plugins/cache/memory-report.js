/** Reports of the memory driver in the form of spec/10 section 10.9. */

const UNITS = ['B', 'KB', 'MB', 'GB'];

/** `'1.95 KB'`, base 1024; `'0 B'` for nothing. */
export function formatBytes(bytes) {
  if (!(bytes > 0)) return '0 B';
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log(bytes) / Math.log(1024)));
  return `${(bytes / 1024 ** unit).toFixed(2)} ${UNITS[unit]}`;
}

const kilobytes = (bytes) => `${(bytes / 1024).toFixed(2)} KB`;

export function compressionReport({ enabled, threshold, items, compressedItems, original, compressed }) {
  if (!enabled) return { enabled: false, message: 'Compression is disabled' };
  return {
    enabled: true,
    totalItems: items,
    compressedItems,
    compressionThreshold: threshold,
    totalOriginalSize: original,
    totalCompressedSize: compressed,
    averageCompressionRatio: (original > 0 ? compressed / original : 0).toFixed(2),
    spaceSavingsPercent: original > 0 ? ((1 - compressed / original) * 100).toFixed(2) : 0,
    memoryUsage: { uncompressed: kilobytes(original), compressed: kilobytes(compressed), saved: kilobytes(original - compressed) }
  };
}

export function memoryReport({ current, max, percent, items, maxSize, evicted, pressureEvents, total, free }) {
  const ofSystem = total > 0 ? (current / total) * 100 : 0;
  return {
    currentMemoryBytes: current,
    maxMemoryBytes: max,
    maxMemoryPercent: percent,
    memoryUsagePercent: max > 0 ? Number(((current / max) * 100).toFixed(2)) : 0,
    cachePercentOfSystemMemory: Number(ofSystem.toFixed(2)),
    totalItems: items,
    maxSize,
    evictedDueToMemory: evicted,
    memoryPressureEvents: pressureEvents,
    averageItemSize: items > 0 ? Math.round(current / items) : 0,
    memoryUsage: {
      current: formatBytes(current),
      max: max > 0 ? formatBytes(max) : 'unlimited',
      available: max > 0 ? formatBytes(Math.max(0, max - current)) : 'unlimited'
    },
    systemMemory: {
      total: formatBytes(total),
      free: formatBytes(free),
      used: formatBytes(total - free),
      cachePercent: `${ofSystem.toFixed(2)}%`
    }
  };
}
