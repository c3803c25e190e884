import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { RefreshRule } from "./refresh-rule.ts";

const settings = { minRefresh: 1000, maxRefresh: 60_000, emptyAfter: 30_000 };
const rule = (more: object = {}) => new RefreshRule({ ...settings, ...more }, () => 0);

describe("the time to the next question", () => {
  it.each([
    [0, 1000],
    [5000, 5000],
    [3_600_000, 60_000],
  ])("after a time to live of %d ms is %d ms", (ttl, next) => {
    expect(rule().answered(1, ttl, 0)).toEqual({ believed: true, next });
  });

  it("doubles while the source fails, and is as before after an answer", () => {
    const failing = rule();
    expect([1, 2, 3, 4].map(() => failing.failed())).toEqual([1000, 2000, 4000, 8000]);
    for (let i = 0; i < 100; i++) failing.failed();
    expect(failing.failed()).toBe(60_000);
    failing.answered(1, 5000, 0);
    expect(failing.failed()).toBe(1000);
  });

  it("has a part of chance, never below the time to live", () => {
    const chance = new RefreshRule(settings, seededRandom(1));
    const waits = Array.from({ length: 200 }, () => chance.answered(1, 5000, 0).next);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(5000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(5500);
    expect(new Set(waits).size).toBeGreaterThan(100);
  });
});

describe("an answer without servers", () => {
  it("is believed once it has lasted", () => {
    const empty = rule();
    let now = 0;
    for (;;) {
      const { believed, next } = empty.answered(0, 0, now);
      if (believed) break;
      expect(next).toBeLessThanOrEqual(5000);
      now += next;
    }
    expect(now).toBe(30_000);
  });

  it("counts from the beginning after one with servers, and goes on counting over failures", () => {
    const empty = rule();
    empty.answered(0, 0, 0);
    empty.answered(2, 0, 29_000);
    expect(empty.answered(0, 0, 31_000).believed).toBe(false);
    empty.failed();
    expect(empty.answered(0, 0, 61_000).believed).toBe(true);
  });

  it("is believed at once when that is wanted", () => {
    expect(rule({ emptyAfter: 0 }).answered(0, 5000, 0)).toEqual({ believed: true, next: 5000 });
  });

  it("is never believed before its time, whatever else happens, and always in the end", () => {
    const step = fc.tuple(fc.constantFrom("servers", "empty", "failed"), fc.nat(10_000));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const any = rule();
        let now = 0;
        let since: number | undefined;
        for (const [what, elapsed] of steps) {
          now += elapsed;
          if (what === "failed") expect(any.failed()).toBeGreaterThan(0);
          if (what === "servers") since = undefined;
          if (what === "empty") since ??= now;
          if (what === "servers") expect(any.answered(3, 0, now).believed).toBe(true);
          if (what === "empty") expect(any.answered(0, 0, now).believed).toBe(now - since! >= 30_000);
        }
      }),
    );
  });
});
