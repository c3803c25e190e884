import { describe, expect, it } from "vitest";
import { Suspects } from "./suspects.ts";

describe("suspect addresses", () => {
  it("are those of the last ten seconds", () => {
    const suspects = new Suspects();
    expect(suspects.has("192.0.2.1", 0)).toBe(false);
    suspects.note("192.0.2.1", 1000);
    suspects.note("192.0.2.2", 5000);
    expect([suspects.has("192.0.2.1", 10_999), suspects.has("192.0.2.1", 11_000)]).toEqual([true, false]);
    expect([suspects.has("192.0.2.2", 11_000), suspects.has("192.0.2.3", 11_000)]).toEqual([true, false]);
    suspects.note("192.0.2.2", 12_000);
    expect(suspects.has("192.0.2.2", 21_000)).toBe(true);
  });

  it("are a bounded number: the oldest are forgotten", () => {
    const suspects = new Suspects();
    for (let i = 0; i < 1024; i++) suspects.note(`a${i}`, 0);
    suspects.note("a0", 0);
    suspects.note("new", 0);
    expect(["a0", "a1", "a2", "new"].map((address) => suspects.has(address, 1))).toEqual([true, false, true, true]);
  });
});
