/** Durations with bounded memory: logarithmic buckets, as in HDR histograms, precise to about 3 %. */

const SUB_BUCKETS = 32;
/** Longest duration told apart, ms: more than a day counts as a day. */
const LONGEST = 86_400_000;

/** Bucket of a duration in milliseconds; microseconds are the smallest unit. */
function bucketOf(duration) {
  const micros = Math.max(1, Math.min(duration, LONGEST) * 1000);
  const octave = Math.floor(Math.log2(micros));
  const part = Math.min(SUB_BUCKETS - 1, Math.floor((micros / 2 ** octave - 1) * SUB_BUCKETS));
  return octave * SUB_BUCKETS + part;
}

/** Middle of a bucket in milliseconds. */
function middleOf(bucket) {
  const octave = Math.floor(bucket / SUB_BUCKETS);
  const part = bucket % SUB_BUCKETS;
  return (2 ** octave * (1 + (part + 0.5) / SUB_BUCKETS)) / 1000;
}

export class Histogram {
  constructor() {
    this.count = 0;
    this.total = 0;
    this.min = 0;
    this.max = 0;
    /** Bucket -> number; at most 37 octaves of 32. */
    this.buckets = new Map();
  }

  /** Adds a duration in milliseconds, `times` times. */
  add(duration, times = 1) {
    if (times <= 0) return;
    const bucket = bucketOf(duration);
    this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + times);
    this.min = this.count === 0 ? duration : Math.min(this.min, duration);
    this.max = Math.max(this.max, duration);
    this.count += times;
    this.total += duration * times;
  }

  /** Adds everything of another one. */
  merge(other) {
    if (other.count === 0) return this;
    for (const [bucket, number] of other.buckets) this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + number);
    this.min = this.count === 0 ? other.min : Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.count += other.count;
    this.total += other.total;
    return this;
  }

  /** Duration below which a share of the calls stayed, 0 to 1; 0 without calls. */
  quantile(share) {
    if (this.count === 0) return 0;
    const rank = Math.max(1, Math.ceil(share * this.count));
    let seen = 0;
    for (const bucket of [...this.buckets.keys()].sort((a, b) => a - b)) {
      seen += this.buckets.get(bucket);
      if (seen >= rank) return Math.min(this.max, Math.max(this.min, middleOf(bucket)));
    }
    return this.max;
  }

  get average() {
    return this.count === 0 ? 0 : this.total / this.count;
  }
}
