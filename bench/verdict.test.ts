import { describe, expect, it } from "vitest";
import { verdict } from "./verdict.ts";

describe("verdict", () => {
  it("calls a difference one when all rounds agree and the median is beyond the noise", () => {
    expect(verdict({ min: 1.01, median: 1.05, max: 1.3 }, 5)).toBe("slower");
    expect(verdict({ min: 0.7, median: 0.9, max: 0.99 }, 5)).toBe("faster");
  });
  it("does not when rounds disagree or the median is within the noise", () => {
    expect(verdict({ min: 0.98, median: 1.05, max: 1.3 }, 5)).toBe("no difference beyond the noise");
    expect(verdict({ min: 1.001, median: 1.01, max: 1.02 }, 5)).toBe("no difference beyond the noise");
    expect(verdict({ min: 0.7, median: 0.9, max: 1.01 }, 5)).toBe("no difference beyond the noise");
  });
  it("does not judge fewer than three rounds", () => {
    expect(verdict({ min: 2, median: 2, max: 2 }, 2)).toBe("too few rounds");
    expect(verdict({ min: 2, median: 2, max: 2 }, 3)).toBe("slower");
  });
  it("says failed when there is nothing to compare", () => {
    expect(verdict(undefined, 5)).toBe("failed");
  });
});
