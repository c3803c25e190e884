import { get, type GoodRequest, head } from "./good-request.ts";

const target = (name: string, sent: string, seen: string, rfc = "RFC 3986 6.2.2"): GoodRequest => ({
  name,
  rfc,
  bytes: head(`GET ${sent} HTTP/1.1`, "Host: a"),
  seen: [{ target: seen }],
});

export const targets: readonly GoodRequest[] = [
  target("a query with question marks", "/a?b?c=d??", "/a?b?c=d??"),
  target("an empty query", "/a?", "/a?"),
  target("a query with what a path may not have", "/a?b=../..//%2f&c=%00", "/a?b=../..//%2f&c=%00"),
  target("sub-delimiters in the path", "/a!$&'()*+,;=:@b", "/a!$&'()*+,;=:@b"),
  target("a path of UTF-8 in percent-encoding", "/%C3%A4", "/%C3%A4"),
  target("a dot segment", "/a/./b", "/a/b"),
  target("dots that stay below the root", "/a/../b", "/b"),
  target("three dots, which are a name", "/a/.../b", "/a/.../b"),
  target("a dot file", "/.well-known/x", "/.well-known/x"),
  target("an encoded unreserved character", "/%61", "/a"),
  target("an encoded slash, which is data and no separator", "/a%2fb", "/a%2Fb"),
  target("an encoded backslash", "/a%5cb", "/a%5Cb"),
  target("two slashes, which are one", "/a//b", "/a/b"),
  target("slashes in front", "///a", "/a"),
  target("a dot segment at the end", "/a/.", "/a/"),
  target("encoded dots that stay below the root", "/a/%2e%2E/b", "/b"),
  target("an encoded space", "/a%20b", "/a%20b"),
  target("lower-case hexadecimal digits", "/%c3%a4", "/%C3%A4"),
  target("a path of 7 KB", `/${"a".repeat(7000)}`, `/${"a".repeat(7000)}`, "RFC 9112 3"),
  {
    name: "absolute-form: its host is the one that counts",
    rfc: "RFC 9112 3.2.2",
    bytes: head("GET http://b.example/x?y HTTP/1.1", "Host: a"),
    seen: [{ target: "/x?y", headers: { host: "b.example" } }],
  },
  {
    name: "absolute-form without a path",
    rfc: "RFC 9112 3.2.2",
    bytes: head("GET http://b.example HTTP/1.1", "Host: b.example"),
    seen: [{ target: "/", headers: { host: "b.example" } }],
  },
  {
    name: "absolute-form with a scheme in upper case and a port",
    rfc: "RFC 3986 3.1",
    bytes: head("GET HTTP://b.example:8080/ HTTP/1.1", "Host: b.example:8080"),
    seen: [{ target: "/", headers: { host: "b.example:8080" } }],
  },
  {
    name: "absolute-form with a query and no path",
    rfc: "RFC 9112 3.2.2",
    bytes: head("GET http://b.example?q=1 HTTP/1.1", "Host: b.example"),
    seen: [{ target: "/?q=1" }],
  },
  {
    name: "OPTIONS *",
    rfc: "RFC 9112 3.2.4",
    bytes: head("OPTIONS * HTTP/1.1", "Host: a"),
    seen: [{ method: "OPTIONS", target: "*" }],
  },
];

export const hosts: readonly GoodRequest[] = [
  ...(
    [
      ["a port", "a:8080"],
      ["an IPv4 address", "192.0.2.1"],
      ["an IPv6 address", "[2001:db8::1]"],
      ["an IPv6 address and a port", "[::1]:80"],
      ["an underscore", "my_host.example"],
      ["a final dot", "a.example."],
    ] as const
  ).map(([what, host]) => ({
    name: `Host with ${what}`,
    rfc: "RFC 9110 7.2",
    bytes: head("GET / HTTP/1.1", `Host: ${host}`),
    seen: [{ headers: { host } }],
  })),
  {
    name: "Host as the last field",
    rfc: "RFC 9110 7.2",
    bytes: head("GET / HTTP/1.1", "X: y", "Host: a"),
    seen: [{ headers: { host: "a", x: "y" } }],
  },
];

export const fields: readonly GoodRequest[] = [
  { name: "one empty line before the request", rfc: "RFC 9112 2.2", bytes: `\r\n${get()}`, seen: [{}] },
  {
    name: "names in lower case",
    rfc: "RFC 9110 5.1",
    bytes: head("GET / HTTP/1.1", "host: a", "x-y: z"),
    seen: [{ headers: { "x-y": "z" } }],
  },
  {
    name: "names in upper case",
    rfc: "RFC 9110 5.1",
    bytes: head("GET / HTTP/1.1", "HOST: a", "X-Y: z"),
    seen: [{ headers: { "x-y": "z" } }],
  },
  { name: "an empty value", rfc: "RFC 9110 5.5", bytes: get("X:"), seen: [{ headers: { x: "" } }] },
  { name: "a value of white space only", rfc: "RFC 9110 5.5", bytes: get("X:  \t "), seen: [{ headers: { x: "" } }] },
  { name: "no space behind the colon", rfc: "RFC 9112 5", bytes: get("X:y"), seen: [{ headers: { x: "y" } }] },
  {
    name: "tabs and spaces around a value",
    rfc: "RFC 9112 5.1",
    bytes: get("X:\t  y z\t "),
    seen: [{ headers: { x: "y z" } }],
  },
  { name: "a tab inside a value", rfc: "RFC 9110 5.5", bytes: get("X: a\tb"), seen: [{ headers: { x: "a\tb" } }] },
  { name: "colons in a value", rfc: "RFC 9110 5.5", bytes: get("X: a:b::c"), seen: [{ headers: { x: "a:b::c" } }] },
  {
    name: "obs-text bytes in a value",
    rfc: "RFC 9110 5.5",
    bytes: get("X: \xe4\xf6\xfc\x80\xff"),
    seen: [{ headers: { x: "\xe4\xf6\xfc\x80\xff" } }],
  },
  { name: "UTF-8 in a value", rfc: "RFC 9110 5.5", bytes: get("X: \xc3\xa4"), seen: [{ headers: { x: "\xc3\xa4" } }] },
  {
    name: "every token character in a name",
    rfc: "RFC 9110 5.6.2",
    bytes: get("!#$%&'*+-.^_`|~09azAZ: y"),
    seen: [{ headers: { "!#$%&'*+-.^_`|~09azaz": "y" } }],
  },
  {
    name: "repeated fields, which stay in order",
    rfc: "RFC 9110 5.3",
    bytes: get("X: 1", "Y: 2", "X: 3"),
    seen: [{ lines: ["X: 1", "X: 3"] }],
  },
  {
    name: "100 fields",
    rfc: "RFC 6585 5",
    bytes: get(...Array.from({ length: 99 }, (_, i) => `X-${i}: ${i}`)),
    seen: [{ headers: { "x-0": "0", "x-98": "98" } }],
  },
  {
    name: "a value of 16 KB",
    rfc: "RFC 6585 5",
    bytes: get(`X: ${"y".repeat(16_000)}`),
    seen: [{ headers: { x: "y".repeat(16_000) } }],
  },
  {
    name: "a method of its own",
    rfc: "RFC 9110 9.1",
    bytes: head("M-SEARCH / HTTP/1.1", "Host: a"),
    seen: [{ method: "M-SEARCH" }],
  },
  {
    name: "a method in lower case, which is another one than GET",
    rfc: "RFC 9110 9.1",
    bytes: head("get / HTTP/1.1", "Host: a"),
    seen: [{ method: "get" }],
  },
  {
    name: "Connection: with empty list members",
    rfc: "RFC 9110 5.6.1",
    bytes: get("Connection: , ,x-gone,,", "X-Gone: y", "X-Stays: z"),
    seen: [{ headers: { "x-gone": undefined, "x-stays": "z" } }],
  },
  {
    name: "Connection: close",
    rfc: "RFC 9112 9.6",
    bytes: get("Connection: close"),
    seen: [{}],
    closes: true,
  },
  {
    name: "Connection: Close, keep-alive",
    rfc: "RFC 9112 9.6",
    bytes: get("Connection: Close, keep-alive"),
    seen: [{}],
    closes: true,
  },
];
