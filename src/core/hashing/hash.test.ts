import { describe, expect, it } from "vitest";
import { combine, hashString, mix32 } from "./hash.ts";

describe("hashString", () => {
  it("is MurmurHash3 over UTF-16 code units, low byte first", () => {
    // Published values of MurmurHash3_x86_32 for "" and, packed into code units, for the bytes of "test".
    expect(hashString("")).toBe(0);
    expect(hashString("", 1)).toBe(0x514e28b7);
    expect(hashString(String.fromCharCode(0x6574, 0x7473))).toBe(0xba6bd213);
    expect(hashString(String.fromCharCode(0x6574, 0x7473), 0x9747b28c)).toBe(0x704b81dc);
  });

  it("tells strings apart that differ in length, order or high bytes", () => {
    const texts = [
      "",
      "\0",
      "\0\0",
      "ab",
      "ba",
      "a",
      "aa",
      "aaa",
      "é",
      "é".normalize("NFD"),
      "日本",
      "日",
      "\u0161",
      "a\u0100",
    ];
    expect(new Set(texts.map((text) => hashString(text))).size).toBe(texts.length);
  });

  it("spreads similar keys evenly over buckets", () => {
    for (const makeKey of [
      (index: number) => `10.0.${index >> 8}.${index & 255}`,
      (index: number) => `user-${index}`,
      (index: number) => `/images/${index}.png`,
    ]) {
      for (const bucketOf of [
        (hash: number) => hash >>> 24,
        (hash: number) => hash & 255,
        (hash: number) => hash % 251,
      ]) {
        const counts = new Float64Array(256);
        for (let index = 0; index < 25_600; index++) counts[bucketOf(hashString(makeKey(index)))]++;
        // Chi-squared with 255 (or 250) degrees of freedom: above 350 with a chance under 1 in 10,000.
        const used = counts.filter((count) => count > 0);
        const expected = 25_600 / used.length;
        const chiSquared = used.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
        expect(used.length).toBeGreaterThanOrEqual(251);
        expect(chiSquared).toBeLessThan(350);
      }
    }
  });

  it("changes about half of the output bits with each input bit", () => {
    for (let bit = 0; bit < 8; bit++) {
      let changed = 0;
      for (let index = 0; index < 500; index++) {
        const text = `10.1.2.${index}`;
        const other = text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) ^ (1 << bit));
        let difference = hashString(text) ^ hashString(other);
        for (; difference !== 0; difference &= difference - 1) changed++;
      }
      expect(changed / 500).toBeGreaterThan(15);
      expect(changed / 500).toBeLessThan(17);
    }
  });
});

describe("mix32 and combine", () => {
  it("are unsigned, and mix32 is one to one", () => {
    const seen = new Set<number>();
    for (let value = -5000; value < 5000; value++) seen.add(mix32(value));
    expect(seen.size).toBe(10_000);
    for (const value of seen) expect(value).toBeGreaterThanOrEqual(0);
    expect(combine(1, 2)).not.toBe(combine(2, 1));
    expect(combine(0xffffffff, 0xffffffff)).toBeGreaterThanOrEqual(0);
  });
});
