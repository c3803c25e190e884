import { describe, expect, it } from "vitest";
import { ratios, spread } from "./statistics.ts";

describe("spread", () => {
  it("takes the middle value of an odd count and the mean of the two middle ones of an even count", () => {
    expect(spread([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
    expect(spread([4, 1, 2, 10])).toEqual({ median: 3, min: 1, max: 10 });
  });
  it("does not reorder its argument and refuses an empty one", () => {
    const values = [3, 1, 2];
    spread(values);
    expect(values).toEqual([3, 1, 2]);
    expect(() => spread([])).toThrow("needs a value");
  });
});

describe("ratios", () => {
  it("divides round by round, so that a disturbance of a whole round cancels out", () => {
    expect(ratios([10, 40, 10], [20, 80, 20])).toEqual({ median: 0.5, min: 0.5, max: 0.5 });
  });
  it("leaves out failed rounds and says undefined when none is left", () => {
    expect(ratios([10, NaN, 30], [10, 10, 10])).toEqual({ median: 2, min: 1, max: 3 });
    expect(ratios([NaN], [1])).toBeUndefined();
    expect(ratios([1], [])).toBeUndefined();
  });
});
