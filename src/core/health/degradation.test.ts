import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { degradationLevel, DegradationLevel, Importance, isServed, poolFailed } from "./degradation.ts";

const thresholds = { full: 0.7, reduced: 0.3 };
const { full, reduced, critical, none } = DegradationLevel;

describe("degradationLevel", () => {
  it.each([
    [10, 10, full],
    [7, 10, full],
    [6, 10, reduced],
    [3, 10, reduced],
    [2, 10, critical],
    [1, 10, critical],
    [0, 10, none],
    [0, 0, none],
    [1, 1, full],
    [2, 3, reduced],
  ])("with %i of %i servers is %i", (ready, total, level) => {
    expect(degradationLevel(ready, total, thresholds)).toBe(level);
  });

  it("meets a threshold exactly, for every whole percentage", () => {
    for (let percent = 2; percent <= 100; percent++) {
      expect(degradationLevel(percent, 100, { full: percent / 100, reduced: 0 })).toBe(full);
      expect(degradationLevel(percent - 1, 100, { full: percent / 100, reduced: 0 })).toBe(reduced);
    }
  });

  it("never serves less with more servers", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(50), (total, some) => {
        const ready = Math.min(some, total - 1);
        const fewer = degradationLevel(ready, total, thresholds);
        const more = degradationLevel(ready + 1, total, thresholds);
        return more <= fewer;
      }),
    );
  });
});

describe("isServed", () => {
  it("leaves out first the unimportant, then all but the critical, then all", () => {
    const served = [full, reduced, critical, none].map((level) =>
      Object.values(Importance).filter((importance) => isServed(level, importance)),
    );
    expect(served).toEqual([[0, 1, 2], [1, 2], [2], []]);
  });
});

describe("poolFailed", () => {
  it("is true below the minimum, and always without a ready server", () => {
    expect([0, 1, 2, 3].map((ready) => poolFailed(ready, 2))).toEqual([true, true, false, false]);
    expect([0, 1].map((ready) => poolFailed(ready, 1))).toEqual([true, false]);
    expect([0, 1].map((ready) => poolFailed(ready, 0))).toEqual([true, false]);
  });
});
