import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { isWindow, recheckDelay, renewalByLifetime, renewalInWindow } from "./renewal-time.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;

describe("renewal by lifetime", () => {
  const validity = { notBefore: 0, notAfter: 90 * DAY };

  it("is so long before the end, and up to a tenth of that earlier", () => {
    expect(renewalByLifetime(validity, 30 * DAY, () => 0)).toBe(60 * DAY);
    expect(renewalByLifetime(validity, 30 * DAY, () => 0.999_999_999)).toBeGreaterThanOrEqual(57 * DAY);
    expect(renewalByLifetime(validity, 10 * DAY, () => 0)).toBe(80 * DAY);
  });

  it("leaves no more than a third of a short life", () => {
    expect(renewalByLifetime({ notBefore: 0, notAfter: 6 * DAY }, 30 * DAY, () => 0)).toBe(4 * DAY);
    expect(renewalByLifetime({ notBefore: 0, notAfter: 3 * HOUR }, 30 * DAY, () => 0)).toBe(2 * HOUR);
  });

  it("comes out before the end for every chance", () => {
    const random = seededRandom(1);
    for (let i = 0; i < 1000; i++) {
      const at = renewalByLifetime(validity, 30 * DAY, random);
      expect(at).toBeLessThanOrEqual(60 * DAY);
      expect(at).toBeGreaterThanOrEqual(57 * DAY);
    }
  });

  it("takes a certificate whose end comes before its beginning for one that has ended", () => {
    expect(renewalByLifetime({ notBefore: 5, notAfter: 3 }, 30 * DAY, () => 0.5)).toBe(3);
  });
});

describe("renewal in the authority's window", () => {
  it("is spread over all of it", () => {
    const random = seededRandom(7);
    const window = { start: 1000, end: 2000 };
    const points = Array.from({ length: 1000 }, () => renewalInWindow(window, random));
    expect(Math.min(...points)).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...points)).toBeLessThanOrEqual(2000);
    const tenths = new Set(points.map((point) => Math.floor((point - 1000) / 100)));
    expect(tenths.size).toBeGreaterThanOrEqual(10);
  });

  it.each([
    [{ start: 1, end: 2 }, true],
    [{ start: 2, end: 2 }, false],
    [{ start: 3, end: 2 }, false],
    [{ start: Number.NaN, end: 2 }, false],
    [{ start: 1, end: Number.NaN }, false],
  ])("needs a window with an end after its start: %j", (window, usable) => {
    expect(isWindow(window)).toBe(usable);
  });
});

it.each([
  [null, 6 * HOUR],
  [0, 60_000],
  [2 * HOUR, 2 * HOUR],
  [40 * DAY, DAY],
])("asks again after what the authority says (%s ms), within a minute and a day", (said, expected) => {
  expect(recheckDelay(said)).toBe(expected);
});
