import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { retryDelay } from "./backoff.ts";

const config = { backoff: 25, maxBackoff: 250 };

describe("retryDelay", () => {
  it("does not delay the first retry", () => {
    expect(retryDelay(1, config, () => 0.5)).toBe(0);
  });

  it("doubles the longest wait up to the cap", () => {
    const longest = [2, 3, 4, 5, 6, 7, 60].map((retry) => retryDelay(retry, config, () => 0));
    expect(longest).toEqual([25, 50, 100, 200, 250, 250, 250]);
  });

  it("spreads the waits over the whole time", () => {
    const random = seededRandom(7);
    const waits = Array.from({ length: 2000 }, () => retryDelay(3, config, random));
    for (let tenth = 0; tenth < 10; tenth++) {
      const inTenth = waits.filter((wait) => wait > tenth * 5 && wait <= tenth * 5 + 5).length;
      expect(inTenth).toBeGreaterThan(140);
      expect(inTenth).toBeLessThan(260);
    }
  });

  it("is above zero and never above the cap", () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), chance, (retry, drawn) => {
        const wait = retryDelay(retry, config, () => drawn);
        return wait > 0 && wait <= Math.min(250, 25 * 2 ** (retry - 2));
      }),
    );
  });
});
