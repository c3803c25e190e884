/*
 * A log-linear latency histogram of 32-bit counters: microseconds, 16 steps per power of two, so a bucket is at most
 * 1/16 of its value wide. Values up to 2^32 µs (71 minutes) have a bucket; longer ones count in the last.
 */

const STEP_BITS = 4;
const STEPS = 1 << STEP_BITS;
/** Number of buckets. */
export const BUCKETS = (32 - STEP_BITS + 1) * STEPS;
const LONGEST_MS = 4_294_967;

/** Bucket that a latency in ms counts in. */
export function bucketOf(milliseconds: number): number {
  if (!(milliseconds < LONGEST_MS)) return BUCKETS - 1;
  const micros = (milliseconds * 1000) >>> 0;
  if (micros < STEPS) return micros;
  const shift = 31 - Math.clz32(micros) - STEP_BITS;
  return (shift + 1) * STEPS + ((micros >>> shift) & (STEPS - 1));
}

/** Smallest latency in ms that counts in a bucket. The smallest of the next bucket is this one's upper edge. */
export function bucketFloor(bucket: number): number {
  if (bucket < STEPS) return bucket / 1000;
  const shift = Math.floor(bucket / STEPS) - 1;
  return ((STEPS + (bucket % STEPS)) * 2 ** shift) / 1000;
}

/**
 * Latency in ms below which a share (0..1) of the counted values lies, taken at the middle of its bucket;
 * NaN for an empty histogram.
 */
export function quantile(counts: ArrayLike<number>, share: number): number {
  let total = 0;
  for (let i = 0; i < BUCKETS; i++) total += counts[i]!;
  if (total === 0) return NaN;
  const rank = Math.max(1, Math.ceil(share * total));
  let seen = 0;
  let bucket = 0;
  while (bucket < BUCKETS - 1) {
    seen += counts[bucket]!;
    if (seen >= rank) break;
    bucket++;
  }
  return (bucketFloor(bucket) + bucketFloor(bucket + 1)) / 2;
}
