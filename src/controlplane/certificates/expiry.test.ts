import { describe, expect, it } from "vitest";
import { DAY } from "../../../test/support/certificates.ts";
import { statusOf } from "./certificate-entry.ts";
import { expiryLevel, ExpiryWatch } from "./expiry.ts";
import type { InspectedPair } from "../../config/certificates/inspect-pair.ts";

const of = (days: number) => ({ notBefore: 0, notAfter: days * DAY });

describe("expiry", () => {
  it("has levels at 30, 14, 7, 3 and 1 days, and at the end", () => {
    const year = of(365);
    const at = (left: number) => expiryLevel(year, year.notAfter - left * DAY);
    expect([31, 30, 14.1, 14, 7, 3, 2, 1, 0.01, 0, -1].map(at)).toEqual([undefined, 30, 30, 14, 7, 3, 3, 1, 1, 0, 0]);
  });

  it("does not warn of what has most of its life before it", () => {
    const short = of(6);
    expect(expiryLevel(short, 0)).toBeUndefined();
    expect(expiryLevel(short, 4 * DAY)).toBeUndefined();
    expect(expiryLevel(short, 5 * DAY)).toBe(1);
    expect(expiryLevel(of(90), 60 * DAY)).toBe(30);
    expect(expiryLevel(of(89), 60 * DAY)).toBeUndefined();
  });

  it("is told once per level, and anew for another certificate", () => {
    const watch = new ExpiryWatch();
    const look = (key: string, day: number) =>
      watch.look([{ key, validity: of(365) }], day * DAY).map(({ level }) => level);
    expect(look("a", 300)).toEqual([]);
    expect(look("a", 336)).toEqual([30]);
    expect(look("a", 340)).toEqual([]);
    // Only the last of several that were passed at once.
    expect(look("a", 359)).toEqual([7]);
    expect(look("a", 364.5)).toEqual([1]);
    expect(look("a", 365)).toEqual([0]);
    expect(look("a", 400)).toEqual([]);
    expect(look("b", 400)).toEqual([0]);
  });

  it("makes the status, after what is wrong with the files", () => {
    const pair = { notBefore: 10 * DAY, notAfter: 375 * DAY } as InspectedPair;
    const status = (day: number, errors: string[] = []) => statusOf({ pair, errors }, day * DAY);
    expect(status(100)).toEqual({ status: "ok", reason: null });
    expect(status(350)).toEqual({ status: "expiring", reason: "it expires at 1971-01-11T00:00:00.000Z" });
    expect(status(375).status).toBe("expired");
    expect(status(5)).toEqual({ status: "invalid", reason: "it is not valid before 1970-01-11T00:00:00.000Z" });
    expect(status(100, ["gone"])).toEqual({
      status: "invalid",
      reason: "gone; what was read before is still shown",
    });
  });
});
