import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normaliseAddress, parseAddress } from "./address.ts";
import { compileCidrs, parseCidr } from "./cidr.ts";

const bits = (text: string) =>
  parseAddress(text)!
    .words.map((word) => word.toString(2).padStart(32, "0"))
    .join("");

describe("addresses", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:201", "192.0.2.1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["::1", "::1"],
    ["::", "::"],
    ["fe80::1%eth0", "fe80::1"],
    ["64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
  ])("reads %s as %s", (text, expected) => {
    expect(normaliseAddress(text)).toBe(expected);
  });

  it.each([
    "",
    "localhost",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "0x1.2.3.4",
    "1.2.3.4 ",
    "1..2.3",
    "1.2.3.4:80",
    ":",
    ":::",
    "1::2::3",
    "12345::",
    "::1%",
    "::1/64",
    "[::1]",
    "::ffff:1.2.3",
    "::1.2.3.04",
    "1:2:3:4:5:6:7:8:9",
    "1".repeat(999),
  ])("refuses %j", (text) => {
    expect(parseAddress(text)).toBeUndefined();
    expect(normaliseAddress(text)).toBeUndefined();
  });
});

describe("CIDR lists", () => {
  it.each<[string[], string, boolean]>([
    [[], "192.0.2.1", false],
    [["192.0.2.0/24"], "192.0.2.255", true],
    [["192.0.2.0/24"], "192.0.3.0", false],
    [["192.0.2.77/24"], "192.0.2.1", true],
    [["192.0.2.1"], "::ffff:192.0.2.1", true],
    [["::ffff:192.0.2.0/120"], "192.0.2.9", true],
    [["0.0.0.0/0"], "255.255.255.255", true],
    [["0.0.0.0/0"], "::1", false],
    [["::/0"], "2001:db8::1", true],
    [["::/0"], "192.0.2.1", false],
    [["2001:db8::/33"], "2001:db8:7fff::1", true],
    [["2001:db8::/33"], "2001:db8:8000::1", false],
    [["fe80::/10"], "fe80::1%eth0", true],
    [["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24"], "10.200.0.1", true],
    [["128.0.0.0/1"], "200.1.1.1", true],
    [["10.0.0.0/8"], "unix", false],
    [["10.0.0.0/8"], "", false],
  ])("%j has %s: %s", (list, address, expected) => {
    expect(compileCidrs(list)(address)).toBe(expected);
  });

  it.each([
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "::/129",
    "example.com",
    "::ffff:0.0.0.0/90",
    "10.0.0/8",
  ])("refuses %s", (text) => {
    expect(() => compileCidrs([text])).toThrow(`"${text}"`);
  });

  it("has what one of its blocks has, whatever else is in the list", () => {
    // Few different bits, so that blocks and addresses meet often.
    const byte = fc.constantFrom(0, 1, 2, 128, 192, 255);
    const v4 = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join("."));
    const group = fc.constantFrom("0", "1", "8000", "ffff", "c000");
    // Six zero groups would make an IPv4-mapped address, which has rules of its own (above).
    const v6 = fc.array(group, { minLength: 7, maxLength: 7 }).map((groups) => `2001:${groups.join(":")}`);
    const block = fc.oneof(
      fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([address, prefix]) => `${address}/${prefix}`),
      fc.tuple(v6, fc.integer({ min: 0, max: 128 })).map(([address, prefix]) => `${address}/${prefix}`),
    );
    fc.assert(
      fc.property(fc.array(block, { maxLength: 30 }), fc.oneof(v4, v6), (list, address) => {
        const expected = list.some((text) => {
          const { prefix } = parseCidr(text);
          const base = bits(text.split("/")[0]);
          return base.length === bits(address).length && base.slice(0, prefix) === bits(address).slice(0, prefix);
        });
        expect(compileCidrs(list)(address)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });
});
