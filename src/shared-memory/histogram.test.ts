import { describe, expect, it } from "vitest";
import { BUCKETS, bucketFloor, bucketOf, quantile } from "./histogram.ts";

describe("latency histogram", () => {
  it("puts every value between its bucket's edges, which lie within 1/16", () => {
    for (let ms = 0.0005; ms < 4_000_000; ms *= 1.013) {
      const bucket = bucketOf(ms);
      const floor = bucketFloor(bucket);
      const ceiling = bucketFloor(bucket + 1);
      expect(floor).toBeLessThanOrEqual(ms);
      expect(ceiling).toBeGreaterThan(ms);
      if (ms > 0.016) expect((ceiling - floor) / floor).toBeLessThanOrEqual(1 / 16 + 1e-9);
    }
  });

  it("has a bucket for everything", () => {
    expect(bucketOf(0)).toBe(0);
    expect(bucketOf(Infinity)).toBe(BUCKETS - 1);
    expect(bucketOf(1e12)).toBe(BUCKETS - 1);
    expect(bucketOf(4_294_966)).toBe(BUCKETS - 1);
  });

  it("numbers the buckets without a gap", () => {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      expect(bucketOf(bucketFloor(bucket) + 0.0002)).toBe(bucket);
    }
  });

  it("finds quantiles to the width of a bucket", () => {
    const counts = new Float64Array(BUCKETS);
    for (let ms = 1; ms <= 1000; ms++) counts[bucketOf(ms)]! += 1;
    for (const share of [0.5, 0.9, 0.99]) {
      expect(Math.abs(quantile(counts, share) / (share * 1000) - 1)).toBeLessThan(1 / 16);
    }
    expect(quantile(new Float64Array(BUCKETS), 0.5)).toBeNaN();
  });
});
