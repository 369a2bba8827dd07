/** What a flush stores: the records of spec/12 sections B.3 and B.8, each with what to do when it cannot be written. */
import { addError, mergeOperations } from './counters.js';

let serial = 0;

function idOf(kind, now) {
  serial = (serial + 1) % 36 ** 4;
  const random = Math.floor(Math.random() * 36 ** 5)
    .toString(36)
    .padStart(5, '0');
  return `${kind}-${now}-${serial.toString(36).padStart(4, '0')}${random}`;
}

/** Metadata are empty when NODE_ENV is test, as in 13.6. */
const labelled = (metadata) => (process.env.NODE_ENV === 'test' ? {} : metadata);

function operationRecords(operations, resourceName, label, stamp) {
  const records = [];
  for (const [operation, { count, totalTime, errors }] of Object.entries(operations)) {
    if (count === 0) continue;
    records.push({
      operation,
      record: {
        id: idOf('metrics', stamp.now),
        type: 'operation',
        resourceName,
        operation,
        count,
        totalTime,
        errors,
        avgTime: totalTime / count,
        timestamp: stamp.timestamp,
        createdAt: stamp.createdAt,
        metadata: labelled(label)
      },
      numbers: { [operation]: { count, totalTime, errors } }
    });
  }
  return records;
}

/** Records for the resource of operation counts. */
function metricsOf(window, stamp) {
  const writes = operationRecords(window.operations, 'global', { global: 'true' }, stamp).map(({ record, numbers }) => ({
    record,
    restore: (counters) => {
      mergeOperations(counters.window.operations, numbers);
      mergeOperations(counters.metrics.operations, numbers);
    }
  }));
  for (const [name, operations] of Object.entries(window.resources)) {
    for (const { record, numbers } of operationRecords(operations, name, { resource: 'true' }, stamp)) {
      writes.push({
        record,
        restore: (counters) => {
          for (const table of [counters.window, counters.metrics]) {
            table.resources[name] ??= {};
            mergeOperations(table.resources[name], numbers);
          }
        }
      });
    }
  }
  return writes;
}

function performanceOf(window, stamp) {
  const base = (resourceName, operation, duration) => ({
    id: idOf('perf', stamp.now),
    resourceName,
    operation,
    duration,
    timestamp: stamp.timestamp,
    createdAt: stamp.createdAt
  });
  const writes = [];
  for (const { resourceName, operation, histogram } of window.latencies.entries.values()) {
    const { count, min, max } = histogram;
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => histogram.quantile(share));
    writes.push({
      record: {
        ...base(resourceName, operation, histogram.average),
        metadata: labelled({ perf: 'true', count, min, max, p50, p95, p99 })
      },
      restore: (counters) => counters.window.latencies.of(resourceName, operation).merge(histogram)
    });
  }
  for (const call of window.slow) {
    writes.push({
      record: {
        ...base(call.resourceName, call.operation, call.duration),
        timestamp: call.timestamp,
        createdAt: call.timestamp.slice(0, 10),
        metadata: labelled({ perf: 'true', slow: 'true' })
      },
      restore: (counters) => counters.window.slow.push(call)
    });
  }
  return writes;
}

function errorsOf(window, stamp) {
  return [...window.errors.values()].map((entry) => {
    const { resourceName, operation, error, stack, timestamp, count } = entry;
    return {
      record: {
        id: idOf('error', stamp.now),
        resourceName,
        operation,
        error,
        ...(stack ? { stack } : {}),
        timestamp,
        createdAt: timestamp.slice(0, 10),
        metadata: labelled({ error: 'true', count })
      },
      restore: (counters) => addError(counters.window, entry)
    };
  });
}

/** Writes of a window by the resource that they go to. */
export function writesOf(window, now = Date.now()) {
  const timestamp = new Date(now).toISOString();
  const stamp = { now, timestamp, createdAt: timestamp.slice(0, 10) };
  return { metrics: metricsOf(window, stamp), performance: performanceOf(window, stamp), errors: errorsOf(window, stamp) };
}

/**
 * Stores writes, at most ten at once.
 * @returns {Promise<{ write: object, error: Error }[]>} those that failed
 */
export async function store(resource, writes, batchSize) {
  const failed = [];
  for (let at = 0; at < writes.length; at += batchSize) {
    const batch = writes.slice(at, at + batchSize);
    try {
      const result = await resource.insertMany(batch.map(({ record }) => record));
      for (const { index, error } of result?.errors ?? []) {
        // A try that was thought to have failed did arrive.
        if (error?.statusCode !== 409) failed.push({ write: batch[index], error });
      }
    } catch (error) {
      for (const write of batch) failed.push({ write, error });
    }
  }
  return failed;
}
