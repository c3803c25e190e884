import { describe, expect, it } from "vitest";
import { exponential, stream } from "./chance.ts";
import { LatencyRecord } from "./latency-record.ts";

describe("LatencyRecord", () => {
  it("finds mean and quantiles of an exponential distribution", () => {
    const record = new LatencyRecord();
    const random = stream(1, "test");
    for (let sample = 0; sample < 400_000; sample++) record.add(exponential(random, 20));
    expect(record.mean / 20).toBeCloseTo(1, 1);
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      expect(record.quantile(share) / (-20 * Math.log(1 - share))).toBeCloseTo(1, 1);
    }
  });

  it("is the same when it is put together from parts", () => {
    const [whole, first, second] = [new LatencyRecord(), new LatencyRecord(), new LatencyRecord()];
    for (let sample = 1; sample <= 1000; sample++) {
      whole.add(sample);
      (sample % 3 === 0 ? first : second).add(sample);
    }
    first.addAll(second);
    expect(first.count).toBe(1000);
    expect(first.mean).toBe(whole.mean);
    expect(first.quantile(0.75)).toBe(whole.quantile(0.75));
    expect(first.quantile(0.75) / 750).toBeCloseTo(1, 1);
  });

  it("knows nothing without latencies and bears any", () => {
    const record = new LatencyRecord();
    expect(record.quantile(0.5)).toBeNaN();
    record.add(0);
    record.add(1e12);
    expect(record.quantile(0.5)).toBeLessThan(0.02);
    expect(record.quantile(1)).toBeGreaterThan(3_600_000);
  });
});
