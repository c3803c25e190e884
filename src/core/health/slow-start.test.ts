import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normaliseScales, slowStartScale } from "./slow-start.ts";

const linear = { window: 30_000, aggression: 1, minimumShare: 0.1 };

const at = (time: number) => slowStartScale(1000, 1000 + time, linear);

describe("slowStartScale", () => {
  it("rises in a straight line from the minimum to 1 at the end of the window", () => {
    expect(at(0)).toBe(0.1);
    expect(at(3000)).toBeCloseTo(0.1, 12);
    expect(at(15_000)).toBeCloseTo(0.5, 12);
    expect(at(29_999)).toBeLessThan(1);
    expect(at(30_000)).toBe(1);
    expect(at(1e9)).toBe(1);
  });

  it("rises sooner with more aggression", () => {
    expect(slowStartScale(0, 7500, { ...linear, aggression: 2 })).toBeCloseTo(0.5, 12);
    expect(slowStartScale(0, 15_000, { ...linear, aggression: 0.5 })).toBeCloseTo(0.25, 12);
  });

  it("is 1 without a window and for a server of which nothing is known", () => {
    expect(slowStartScale(0, 0, { ...linear, window: 0 })).toBe(1);
    expect(slowStartScale(0, 0, { ...linear, window: NaN })).toBe(1);
    expect(slowStartScale(NaN, 5000, linear)).toBe(1);
  });

  it("is never 0", () => {
    expect(slowStartScale(0, 0, { ...linear, minimumShare: 0 })).toBe(0.001);
  });

  it("is the minimum when the other thread's clock is a little ahead", () => {
    expect(slowStartScale(1005, 1000, linear)).toBe(0.1);
  });

  it("never falls with time and stays between the minimum and 1", () => {
    const config = fc.record({
      window: fc.integer({ min: 1, max: 600_000 }),
      aggression: fc.double({ min: 0.1, max: 10, noNaN: true }),
      minimumShare: fc.double({ min: 0.01, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(config, fc.nat(700_000), fc.nat(100_000), (config, time, more) => {
        const before = slowStartScale(0, time, config);
        expect(before).toBeGreaterThanOrEqual(config.minimumShare);
        expect(before).toBeLessThanOrEqual(1);
        expect(slowStartScale(0, time + more, config)).toBeGreaterThanOrEqual(before);
      }),
    );
  });
});

const normalised = (...scales: number[]) => {
  const list = Float64Array.from(scales);
  normaliseScales(list);
  return [...list];
};

describe("normaliseScales", () => {
  it("lets a pool of nothing but new servers work at once", () => {
    expect(normalised(0.1, 0.1, 0.1)).toEqual([1, 1, 1]);
    expect(normalised(0.2, 0.1)).toEqual([1, 0.5]);
  });

  it("changes nothing when one server has its whole share, and takes an empty list", () => {
    expect(normalised(0.1, 1, 0.5)).toEqual([0.1, 1, 0.5]);
    expect(normalised()).toEqual([]);
  });
});
