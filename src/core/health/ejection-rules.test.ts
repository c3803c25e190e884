import { describe, expect, it } from "vitest";
import { ejectionLength, ejectionsAt, jittered, mostEjected } from "./ejection-rules.ts";

const longest = (count: number) => ejectionLength(times, count, () => 0);
/** Three in a row, the last of which was over at 100 s. */
const at = (now: number) => ejectionsAt(3, 100_000, 30_000, now);
const times = { ejectionTime: 30_000, maxEjectionTime: 300_000 };

describe("the length of an ejection", () => {
  it("is a multiple of the first one, up to the longest", () => {
    expect([1, 2, 3, 10, 11, 1000].map(longest)).toEqual([30_000, 60_000, 90_000, 300_000, 300_000, 300_000]);
  });

  it("is up to a tenth shorter by chance, and never longer", () => {
    expect(ejectionLength(times, 1, () => 0.999_999)).toBeGreaterThan(26_999);
    expect(ejectionLength(times, 1, () => 0.5)).toBe(28_500);
    expect(jittered(1000, () => 0)).toBe(1000);
  });
});

describe("ejections in a row", () => {
  it("fall by one for each time of a first ejection that passes without another", () => {
    expect([90_000, 100_000, 129_999, 130_000, 160_000, 190_000, 1e9].map(at)).toEqual([3, 3, 3, 2, 1, 0, 0]);
  });

  it("are none for a server that never was", () => {
    expect(ejectionsAt(0, NaN, 30_000, 5)).toBe(0);
  });
});

describe("how many may be ejected", () => {
  it.each([
    [1, 0.1, 1],
    [9, 0.1, 1],
    [10, 0.1, 1],
    [19, 0.1, 1],
    [20, 0.1, 2],
    [100, 0.29, 29],
    [3, 0, 1],
    [3, 1, 3],
    [10_000, 0.1, 1000],
  ])("of %d servers at %d is %d", (servers, share, most) => {
    expect(mostEjected(servers, share)).toBe(most);
  });
});
