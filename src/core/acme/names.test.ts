import { describe, expect, it } from "vitest";
import { challengeRecord, isCertificateName, isHostName, isWildcard, matchesName } from "./names.ts";

it.each(["example.com", "a.b-c.example", "xn--bcher-kva.example", "1.example"])("%s is a host name", (name) => {
  expect(isHostName(name)).toBe(true);
  expect(isCertificateName(name)).toBe(true);
  expect(isCertificateName(`*.${name}`)).toBe(true);
});

it.each([
  "",
  "com",
  "Example.com",
  "example.com.",
  "-a.example",
  "a-.example",
  "a..example",
  "bücher.example",
  "192.0.2.1",
  "::1",
  "a b.example",
  "a.example\n",
  "*.*.example",
  "a.*.example",
  `${"a".repeat(64)}.example`,
  `${"a.".repeat(127)}a`,
])("%j is none", (name) => {
  expect(isHostName(name)).toBe(false);
  expect(isCertificateName(name)).toBe(false);
});

it("takes a wildcard for no host name", () => {
  expect(isHostName("*.example.com")).toBe(false);
  expect(isWildcard("*.example.com")).toBe(true);
  expect(isWildcard("example.com")).toBe(false);
});

it("puts the record of a wildcard where its base has it", () => {
  expect(challengeRecord("*.example.com")).toBe("_acme-challenge.example.com");
  expect(challengeRecord("www.example.com")).toBe("_acme-challenge.www.example.com");
});

describe("a pattern", () => {
  it.each([
    ["a.example", "a.example", true],
    ["a.example", "b.example", false],
    ["*.example.com", "a.example.com", true],
    ["*.example.com", "example.com", false],
    ["*.example.com", "a.b.example.com", false],
    ["*.example.com", ".example.com", false],
    ["*.example.com", "aexample.com", false],
  ])("%s against %s: %s", (pattern, name, expected) => {
    expect(matchesName(pattern, name)).toBe(expected);
  });
});
