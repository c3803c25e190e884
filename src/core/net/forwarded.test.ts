import { describe, expect, it } from "vitest";
import { compileCidrs } from "./cidr.ts";
import { clientFromForwarded, clientFromForwardedField } from "./forwarded.ts";

const trusted = compileCidrs(["10.0.0.0/8", "2001:db8:f::/48"]);

describe("the client behind proxies, from X-Forwarded-For", () => {
  it.each([
    ["a stranger's word counts for nothing", "192.0.2.9", "203.0.113.1", "192.0.2.9"],
    ["one trusted proxy", "10.0.0.1", "203.0.113.1", "203.0.113.1"],
    ["what the client wrote itself", "10.0.0.1", "127.0.0.1, 203.0.113.1", "203.0.113.1"],
    ["a chain of trusted proxies", "10.0.0.1", "203.0.113.1, 10.0.0.3,10.0.0.2", "203.0.113.1"],
    ["everybody is trusted", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
    ["no field", "10.0.0.1", "", "10.0.0.1"],
    ["garbage ends the walk", "10.0.0.1", "203.0.113.1, evil, 10.0.0.2", "10.0.0.2"],
    ["garbage at the end", "10.0.0.1", "203.0.113.1, unknown", "10.0.0.1"],
    ["an empty entry", "10.0.0.1", "203.0.113.1,", "10.0.0.1"],
    ["mapped addresses", "::ffff:10.0.0.1", "::ffff:203.0.113.1", "203.0.113.1"],
    ["IPv6", "2001:db8:f::1", "2001:DB8::7", "2001:db8::7"],
    ["with ports", "10.0.0.1", "203.0.113.1:4711", "203.0.113.1"],
    ["IPv6 with port", "10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"],
    ["a Unix socket", "", "203.0.113.1", ""],
  ])("%s", (_name, remote, values, expected) => {
    expect(clientFromForwarded(remote, values, trusted)).toBe(expected);
  });
});

describe("the client behind proxies, from Forwarded", () => {
  it.each([
    ["a stranger's word counts for nothing", "192.0.2.9", "for=203.0.113.1", "192.0.2.9"],
    ["one trusted proxy", "10.0.0.1", "for=203.0.113.1;proto=https;by=10.0.0.1", "203.0.113.1"],
    ["the last element first", "10.0.0.1", "for=127.0.0.1, For=203.0.113.1", "203.0.113.1"],
    ["quoted IPv6 with port", "10.0.0.1", 'proto=http;for="[2001:db8::7]:4711"', "2001:db8::7"],
    ["a comma in quotes", "10.0.0.1", 'for=127.0.0.1;x="a, for=1.1.1.1", for=203.0.113.1', "203.0.113.1"],
    ["an escape in quotes", "10.0.0.1", 'for="203.0.113.\\1"', "203.0.113.1"],
    ["a hidden client", "10.0.0.1", "for=203.0.113.1, for=_hidden, for=10.0.0.2", "10.0.0.2"],
    ["unknown", "10.0.0.1", "for=unknown", "10.0.0.1"],
    ["no for parameter", "10.0.0.1", "for=203.0.113.1, proto=http", "10.0.0.1"],
    ["bad syntax", "10.0.0.1", 'for="203.0.113.1', "10.0.0.1"],
    ["an open end", "10.0.0.1", "for=127.0.0.1, for=203.0.113.1;", "10.0.0.1"],
    ["two in one element", "10.0.0.1", "for=127.0.0.1;for=203.0.113.1", "10.0.0.1"],
    ["no field", "10.0.0.1", "", "10.0.0.1"],
  ])("%s", (_name, remote, values, expected) => {
    expect(clientFromForwardedField(remote, values, trusted)).toBe(expected);
  });
});
