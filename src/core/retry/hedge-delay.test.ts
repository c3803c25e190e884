import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { HedgeDelay } from "./hedge-delay.ts";

const open = { percentile: 95, minDelay: 0, maxDelay: 1e9 };
const feed = (hedge: HedgeDelay, count: number, latency: () => number) => {
  for (let sample = 0; sample < count; sample++) hedge.observe(latency());
  return hedge.delay();
};

describe("HedgeDelay", () => {
  it("knows nothing before 50 samples", () => {
    const hedge = new HedgeDelay(open);
    expect(feed(hedge, 49, () => 10)).toBeNaN();
    hedge.observe(10);
    expect(hedge.delay()).toBeGreaterThan(9.3);
    expect(hedge.delay()).toBeLessThan(10.7);
  });

  it("passes over samples that are none", () => {
    const hedge = new HedgeDelay(open);
    expect(feed(hedge, 1000, () => NaN)).toBeNaN();
    expect(feed(hedge, 1000, () => -1)).toBeNaN();
  });

  it("finds the percentile within 7 % for exponential latencies of any scale", () => {
    const percentiles = fc.constantFrom(50, 90, 95, 99);
    fc.assert(
      fc.property(percentiles, fc.double({ min: 0.5, max: 5000, noNaN: true }), fc.nat(), (percentile, mean, seed) => {
        const random = seededRandom(seed);
        const hedge = new HedgeDelay({ ...open, percentile });
        const found = feed(hedge, 20_000, () => -mean * Math.log(1 - random()));
        const exact = -mean * Math.log(1 - percentile / 100);
        // 7 % for the buckets, the rest for chance: the last 1,000 samples count half of the weight or more.
        expect(found / exact).toBeGreaterThan(percentile === 99 ? 0.7 : 0.8);
        expect(found / exact).toBeLessThan(percentile === 99 ? 1.4 : 1.25);
      }),
      { numRuns: 30 },
    );
  });

  it("keeps the relative error of a single value below 7 %, from a sixteenth of a millisecond to an hour", () => {
    for (let latency = 1; latency < 4_000_000; latency *= 1.07) {
      const found = feed(new HedgeDelay(open), 50, () => latency);
      expect(Math.abs(found / latency - 1)).toBeLessThan(0.07);
    }
  });

  it("follows latencies that rise and fall", () => {
    const hedge = new HedgeDelay(open);
    expect(feed(hedge, 5000, () => 10)).toBeLessThan(11);
    // Far more than 5 % of the recent ones are slow after 200.
    expect(feed(hedge, 200, () => 100)).toBeGreaterThan(90);
    expect(feed(hedge, 6000, () => 10)).toBeLessThan(11);
  });

  it("stays within its bounds, and takes what is beyond its range as the longest", () => {
    const hedge = new HedgeDelay({ percentile: 99, minDelay: 5, maxDelay: 1000 });
    expect(feed(hedge, 200, () => 0)).toBe(5);
    expect(feed(hedge, 2000, () => Infinity)).toBe(1000);
    expect(feed(new HedgeDelay(open), 50, () => 1e15)).toBeGreaterThan(3_600_000);
  });
});
