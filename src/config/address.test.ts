import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isLoopback,
  parseListenAddress,
  parseResolverAddress,
  parseServerAddress,
  type AddressResult,
} from "./address.ts";
import { editDistance, nearestName } from "./nearest.ts";
import { looksSlow } from "./regex.ts";
import { parseDuration, parseSize } from "./units.ts";

const reason = (result: AddressResult) => ("reason" in result ? result.reason : undefined);

describe("addresses", () => {
  it.each([
    ["127.0.0.1:80", { kind: "tcp", host: "127.0.0.1", port: 80 }],
    ["[::1]:65535", { kind: "tcp", host: "::1", port: 65_535 }],
    ["Example.com:1", { kind: "tcp", host: "example.com", port: 1 }],
    ["unix:/run/a b.sock", { kind: "unix", path: "/run/a b.sock" }],
  ])("%s", (text, expected) => {
    expect(parseServerAddress(text)).toEqual({ address: expected });
    expect(parseListenAddress(text)).toEqual({ address: expected });
  });

  it("for listening alone: every address, and a free port", () => {
    expect(parseListenAddress(":0")).toEqual({ address: { kind: "tcp", host: "", port: 0 } });
    expect(reason(parseServerAddress(":80"))).toMatch(/host/);
    expect(reason(parseServerAddress("a:0"))).toMatch(/port/);
  });

  it.each([
    "",
    ":",
    "a",
    "a:",
    "a:b",
    "a:65536",
    "a:99999999999999999999",
    "http://a:80",
    "::1:80",
    "::1",
    "[::1]",
    "[::1]:",
    "[1.2.3.4]:80",
    "1.2.3:80",
    "256.1.1.1:80",
    "a b:80",
    "-a:80",
    "a:80/x",
    "unix:",
    "unix:run",
    `unix:/${"x".repeat(107)}`,
    "a..b:80",
    "a\n:80",
    "a:+80",
  ])("refused: %s", (text) => {
    expect(reason(parseServerAddress(text))).toEqual(expect.any(String));
    expect(reason(parseListenAddress(text))).toEqual(expect.any(String));
  });

  it.each([
    ["127.9.9.9:1", true],
    ["localhost:1", true],
    ["[0:0:0:0:0:0:0:1]:1", true],
    ["unix:/a", true],
    ["0.0.0.0:1", false],
    [":1", false],
    ["[::]:1", false],
    ["127.example.com:1", false],
  ])("loopback: %s %s", (text, expected) => {
    const result = parseListenAddress(text);
    expect("address" in result && isLoopback(result.address)).toBe(expected);
  });
});

describe("units", () => {
  it.each([
    ["250ms", 250],
    ["5s", 5000],
    ["1.5m", 90_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    ["7", 7],
    [7, 7],
    ["s", undefined],
    ["-1s", undefined],
    ["5 s", undefined],
    [-1, undefined],
    [null, undefined],
  ])("duration %s", (text, expected) => expect(parseDuration(text)).toBe(expected));
  it.each([
    ["64KiB", 65_536],
    ["10MB", 10_000_000],
    ["1kB", 1000],
    ["1GiB", 2 ** 30],
    ["512", 512],
    ["1.5KiB", 1536],
    ["1TB", undefined],
    ["KiB", undefined],
    [1.5, undefined],
  ])("size %s", (text, expected) => expect(parseSize(text)).toBe(expected));
});

describe("near names", () => {
  it.each([
    ["algoritm", "algorithm"],
    ["sevrers", "servers"],
    ["max_servers", "maxServers"],
    ["zzz", undefined],
  ])("%s is %s", (name, expected) => {
    expect(nearestName(name, ["algorithm", "servers", "maxServers", "listen"])).toBe(expected);
  });

  it("the distance is one of a metric's: symmetric, and 0 for equal texts alone", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe("expressions that may be slow", () => {
  it.each([
    ["(a+)+", true],
    ["(a*b)*", true],
    ["((a|b+)c)*", true],
    ["(a{2,})*", true],
    ["^/v[0-9]+/x*$", false],
    ["(ab)+", false],
    ["[(a+)+]", false],
    ["\\(a+\\)+", false],
    ["(a+){2}", false],
  ])("%s: %s", (source, expected) => expect(looksSlow(source)).toBe(expected));
});

describe("resolvers", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1", 53],
    ["192.0.2.1:5353", "192.0.2.1", 5353],
    ["2001:db8::1", "2001:db8::1", 53],
    ["[2001:db8::1]:5353", "2001:db8::1", 5353],
  ])("%s", (text, host, port) => {
    expect(parseResolverAddress(text)).toEqual({ host, port });
  });

  it.each(["", "dns.example.com", "dns.example.com:53", "192.0.2.1:0", "192.0.2.1:65536", "unix:/x", "[::1]"])(
    "refuses %j",
    (text) => {
      expect(parseResolverAddress(text)).toBeUndefined();
    },
  );
});
