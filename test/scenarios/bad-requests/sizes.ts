import { type BadRequest, chunked, get, head, post } from "./bad-request.ts";

/*
 * The limits are the defaults of the listener (request line 8 KiB, head 32 KiB, 100 fields), except for the body,
 * which the scenario limits to 100 KiB.
 */
export const BODY_LIMIT = 100 * 1024;

export const sizes: readonly BadRequest[] = [
  {
    name: "a request line of 8 KiB and one byte",
    rfc: "RFC 9112 3",
    bytes: head(`GET /${"a".repeat(8192 - "GET / HTTP/1.1".length + 1)} HTTP/1.1`, "Host: a"),
    status: 414,
  },
  {
    name: "a path of 20 KB",
    rfc: "RFC 9112 3",
    bytes: head(`GET /${"a".repeat(20_000)} HTTP/1.1`, "Host: a"),
    status: 414,
  },
  {
    name: "a query of 20 KB",
    rfc: "RFC 9112 3",
    bytes: head(`GET /?${"a".repeat(20_000)} HTTP/1.1`, "Host: a"),
    status: 414,
  },
  { name: "a target without end", rfc: "RFC 9112 3", bytes: `GET /${"a".repeat(60_000)}`, status: 414 },
  {
    name: "a field value of 40 KB",
    rfc: "RFC 6585 5",
    bytes: get(`X: ${"y".repeat(40_000)}`),
    status: 431,
  },
  {
    name: "a field value without end",
    rfc: "RFC 6585 5",
    bytes: `GET / HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(60_000)}`,
    status: 431,
  },
  { name: "a field name of 40 KB", rfc: "RFC 6585 5", bytes: get(`${"x".repeat(40_000)}: y`), status: 431 },
  {
    name: "a head of many fields over 32 KiB",
    rfc: "RFC 6585 5",
    bytes: get(...Array.from({ length: 50 }, (_, i) => `X-${i}: ${"y".repeat(1000)}`)),
    status: 431,
  },
  {
    name: "101 fields",
    rfc: "RFC 6585 5",
    bytes: get(...Array.from({ length: 100 }, (_, i) => `X-${i}: y`)),
    status: 431,
  },
  {
    name: "2,000 empty fields",
    rfc: "RFC 6585 5",
    bytes: get(...Array.from({ length: 2000 }, () => "X:")),
    status: 431,
  },
  {
    name: "a method of 1,000 letters",
    rfc: "RFC 9112 3",
    bytes: head(`${"G".repeat(1000)} / HTTP/1.1`, "Host: a"),
    status: 501,
  },
  {
    name: "a length over the limit of bodies",
    rfc: "RFC 9110 15.5.14",
    bytes: post([`Content-Length: ${BODY_LIMIT + 1}`]),
    status: 413,
  },
  {
    name: "a length of 2^53 - 1",
    rfc: "RFC 9110 15.5.14",
    bytes: post(["Content-Length: 9007199254740991"]),
    status: 413,
  },
  {
    name: "a chunk over the limit of bodies",
    rfc: "RFC 9110 15.5.14",
    bytes: chunked(`${(BODY_LIMIT + 1).toString(16)}\r\n${"x".repeat(BODY_LIMIT + 1)}\r\n0\r\n\r\n`),
    status: 413,
    inBody: true,
  },
  {
    name: "small chunks over the limit of bodies",
    rfc: "RFC 9110 15.5.14",
    bytes: chunked(`${`1000\r\n${"x".repeat(4096)}\r\n`.repeat(BODY_LIMIT / 4096 + 1)}0\r\n\r\n`),
    status: 413,
    inBody: true,
  },
];
