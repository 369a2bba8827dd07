/** Memory of the process: figures, differences, samples and heap snapshots (spec/10 section 10.16). */
import { createRequire } from 'node:module';
import { ValidationError } from '../errors/index.js';

const MIB = 1 << 20;
const FIGURES = ['heapUsed', 'heapTotal', 'external', 'rss'];
const requireBuiltin = createRequire(import.meta.url);

const inMB = (bytes) => Number((bytes / MIB).toFixed(2));
const megabytes = (usage, names) => Object.fromEntries(names.map((name) => [`${name}MB`, inMB(usage[name])]));

/** Memory of the process and of V8, in bytes, and the main figures in MB (`rssMB`, `heapUsedMB`, ...). */
export function getMemoryUsage() {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const heap = requireBuiltin('node:v8').getHeapStatistics();
  const usage = {
    ...{ rss, heapTotal, heapUsed, external, arrayBuffers },
    totalHeapSize: heap.total_heap_size,
    totalHeapSizeExecutable: heap.total_heap_size_executable,
    totalPhysicalSize: heap.total_physical_size,
    totalAvailableSize: heap.total_available_size,
    usedHeapSize: heap.used_heap_size,
    heapSizeLimit: heap.heap_size_limit,
    mallocedMemory: heap.malloced_memory,
    peakMallocedMemory: heap.peak_malloced_memory
  };
  return { ...usage, ...megabytes(usage, ['rss', 'heapTotal', 'heapUsed', 'external', 'heapSizeLimit']) };
}

/** One line of it: `RSS: 172.6MB | Heap: 62.82/90.46MB | External: 4.75MB`. */
export function formatMemoryUsage(usage = getMemoryUsage()) {
  return `RSS: ${usage.rssMB}MB | Heap: ${usage.heapUsedMB}/${usage.heapTotalMB}MB | External: ${usage.externalMB}MB`;
}

/**
 * What has changed between two results of `getMemoryUsage`.
 * @returns {{ diff: object, diffMB: object, before: object, after: object }} bytes, MB, and the figures in MB
 */
export function compareMemorySnapshots(before, after) {
  const diff = Object.fromEntries(FIGURES.map((name) => [name, after[name] - before[name]]));
  const diffMB = Object.fromEntries(FIGURES.map((name) => [name, inMB(diff[name])]));
  return { diff, diffMB, before: megabytes(before, FIGURES), after: megabytes(after, FIGURES) };
}

/**
 * Runs a function and tells what memory grew meanwhile; with `--expose-gc` garbage is collected before and after.
 * @template T
 * @param {() => T | Promise<T>} work what it throws is thrown
 * @returns {Promise<{ result: T, duration: number, memory: object, heapGrowthMB: number }>} `duration` in milliseconds
 */
export async function measureMemory(work) {
  if (typeof work !== 'function') throw notOf('work', 'a function', work);
  globalThis.gc?.();
  const before = getMemoryUsage();
  const started = performance.now();
  const result = await work();
  const duration = Math.round(performance.now() - started);
  globalThis.gc?.();
  const memory = compareMemorySnapshots(before, getMemoryUsage());
  return { result, duration, memory, heapGrowthMB: memory.diffMB.heapUsed };
}

/**
 * Writes a heap snapshot for the developer tools; the process stands still meanwhile.
 * @param {string} directory made when it is missing
 * @returns {Promise<string>} path of the file
 */
export async function captureHeapSnapshot(directory) {
  if (typeof directory !== 'string' || directory === '') throw notOf('directory', 'a path', directory);
  const { mkdirSync } = requireBuiltin('node:fs');
  const { join } = requireBuiltin('node:path');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `heap-${new Date().toISOString().replace(/[:.]/g, '-')}.heapsnapshot`);
  return requireBuiltin('node:v8').writeHeapSnapshot(file);
}

/** Samples of the heap over time, the newest `maxSamples`; its timer does not keep the process alive. */
export class MemorySampler {
  /** @param {{ maxSamples?: number, sampleIntervalMs?: number }} [options] 100, 30000 */
  constructor({ maxSamples = 100, sampleIntervalMs = 30_000 } = {}) {
    for (const [name, value] of Object.entries({ maxSamples, sampleIntervalMs })) {
      if (!Number.isFinite(value) || value < 1) throw notOf(name, 'a number of 1 or more', value);
    }
    this.samples = [];
    this.maxSamples = maxSamples;
    this.sampleInterval = sampleIntervalMs;
    this.timer = null;
    this.isRunning = false;
  }

  /** Takes a sample now and then every `sampleIntervalMs`. */
  start() {
    if (this.isRunning) return;
    this.isRunning = true;
    this.sample();
    this.timer = setInterval(() => this.sample(), this.sampleInterval);
    this.timer.unref();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.isRunning = false;
  }

  /** Takes a sample: `{ timestamp, heapUsed, heapTotal, external, rss, heapUsedMB }`. */
  sample() {
    const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
    const sample = { timestamp: Date.now(), heapUsed, heapTotal, external, rss, heapUsedMB: inMB(heapUsed) };
    this.samples.push(sample);
    if (this.samples.length > this.maxSamples) this.samples.splice(0, this.samples.length - this.maxSamples);
    return sample;
  }

  getSamples() {
    return [...this.samples];
  }

  /** Least, most and mean of the heap, and the time they span; null without samples. */
  getStats() {
    const { samples } = this;
    if (samples.length === 0) return null;
    const used = samples.map(({ heapUsedMB }) => heapUsedMB);
    return {
      sampleCount: samples.length,
      minHeapUsedMB: Math.min(...used),
      maxHeapUsedMB: Math.max(...used),
      avgHeapUsedMB: Number((used.reduce((sum, each) => sum + each, 0) / used.length).toFixed(2)),
      currentHeapUsedMB: used.at(-1),
      timeRangeMs: samples.at(-1).timestamp - samples[0].timestamp
    };
  }

  /**
   * Whether the heap has grown by more than a share from the first sample to the last.
   * @param {number} [threshold] 0.1 for ten percent
   * @returns {false | { detected: true, growthRate: number, startHeapMB: number, endHeapMB: number, samples: number, timeRangeMs: number }}
   *   `growthRate` in percent
   */
  detectLeak(threshold = 0.1) {
    const { samples } = this;
    if (samples.length < 2) return false;
    const [first, last] = [samples[0], samples.at(-1)];
    const growth = (last.heapUsed - first.heapUsed) / first.heapUsed;
    if (!(growth > threshold)) return false;
    return {
      detected: true,
      growthRate: Math.round(growth * 100),
      startHeapMB: first.heapUsedMB,
      endHeapMB: last.heapUsedMB,
      samples: samples.length,
      timeRangeMs: last.timestamp - first.timestamp
    };
  }

  reset() {
    this.samples = [];
  }
}

function notOf(field, expected, value) {
  return new ValidationError(`${field} must be ${expected}`, {
    field,
    value: typeof value === 'number' ? value : typeof value,
    statusCode: 400,
    suggestion: `Pass ${expected} as ${field}.`
  });
}
