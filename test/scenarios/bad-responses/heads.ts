import { type BadResponse, ok } from "./bad-response.ts";

/** Status lines that are malformed, in front of a good rest. */
const statusLines: readonly [what: string, line: string][] = [
  ["no version", "200 OK"],
  ["lower case", "http/1.1 200 OK"],
  ["another protocol", "ICY 200 OK"],
  ["another version", "HTTP/2.0 200 OK"],
  ["a version without minor number", "HTTP/1 200 OK"],
  ["a version with a sign", "HTTP/+1.1 200 OK"],
  ["no status", "HTTP/1.1"],
  ["a status that is a word", "HTTP/1.1 OK"],
  ["two digits", "HTTP/1.1 20 OK"],
  ["four digits", "HTTP/1.1 2000 OK"],
  ["a status with a sign", "HTTP/1.1 +20 OK"],
  ["a hexadecimal status", "HTTP/1.1 0xc8 OK"],
  ["a status below 100", "HTTP/1.1 099 OK"],
  ["status 000", "HTTP/1.1 000 OK"],
  ["a letter behind the status", "HTTP/1.1 200OK"],
  ["two spaces before the status", "HTTP/1.1  200 OK"],
  ["a tab before the status", "HTTP/1.1\t200 OK"],
  ["a space in front", " HTTP/1.1 200 OK"],
  ["NUL in the reason", "HTTP/1.1 200 O\0K"],
  ["a control byte in the reason", "HTTP/1.1 200 O\x01K"],
  ["a bare CR in the reason", "HTTP/1.1 200 O\rK"],
  ["a request line", "GET / HTTP/1.1"],
];

const fieldLines: readonly [what: string, rfc: string, line: string][] = [
  ["a field without a colon", "RFC 9112 5", "nocolon"],
  ["an empty field name", "RFC 9110 5.1", ": value"],
  ["a space in a field name", "RFC 9110 5.1", "X Y: z"],
  ["NUL in a field name", "RFC 9110 5.1", "X\0: y"],
  ["an obs-text byte in a field name", "RFC 9110 5.1", "X\xff: y"],
  ["NUL in a field value", "RFC 9110 5.5", "X: \0"],
  ["a control byte in a field value", "RFC 9110 5.5", "X: a\x01b"],
  ["DEL in a field value", "RFC 9110 5.5", "X: a\x7fb"],
  ["a bare CR in a field value", "RFC 9112 2.2", "X: a\rSet-Cookie: b"],
  ["a bare LF behind a field", "RFC 9112 2.2", "X: a\nSet-Cookie: b"],
];

const lengths: readonly [what: string, value: string][] = [
  ["a plus sign", "+5"],
  ["a minus sign", "-5"],
  ["a hexadecimal number", "0x5"],
  ["a list of different values", "5, 6"],
  ["no value", ""],
  ["a word", "five"],
  ["a fraction", "5.0"],
  ["an underscore", "1_0"],
  ["2^64 + 5", "18446744073709551621"],
  ["2^53", "9007199254740992"],
];

const codings: readonly string[] = [
  "gzip",
  "identity",
  "chunked, chunked",
  "chunked, gzip",
  "gzip, chunked",
  "xchunked",
  "",
  '"chunked"',
];

const bad = (name: string, rfc: string, bytes: string, rest: Partial<BadResponse> = {}): BadResponse => ({
  name,
  rfc,
  bytes,
  client: 502,
  ...rest,
});

export const heads: readonly BadResponse[] = [
  ...statusLines.map(([what, line]) =>
    bad(`a status line with ${what}`, "RFC 9112 4", `${line}\r\nContent-Length: 2\r\n\r\nok`, { ending: "end" }),
  ),
  ...fieldLines.map(([what, rfc, line]) => bad(what, rfc, ok(["Content-Length: 2", line], "ok"), { ending: "end" })),
  bad("white space before the first field", "RFC 9112 2.2", ok([" X: y", "Content-Length: 2"], "ok")),
  bad("bare LF throughout", "RFC 9112 2.2", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", { ending: "end" }),
  bad("a head over the limit", "RFC 6585 5", ok([`X: ${"y".repeat(200_000)}`, "Content-Length: 2"], "ok")),
  bad("a head without end", "RFC 6585 5", `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(100_000)}`),
  bad("a status line without end", "RFC 9112 4", `HTTP/1.1 200 ${"x".repeat(200_000)}`),
  bad("bytes that are no HTTP", "RFC 9112 4", "SSH-2.0-OpenSSH_9.2\r\n"),
  bad("a TLS alert", "RFC 9112 4", "\x15\x03\x01\x00\x02\x02\x46", { ending: "end" }),
];

export const framing: readonly BadResponse[] = [
  ...lengths.map(([what, value]) =>
    bad(`Content-Length with ${what}`, "RFC 9110 8.6", ok([`Content-Length: ${value}`], "hello"), { ending: "end" }),
  ),
  bad("two Content-Length fields that differ", "RFC 9112 6.3", ok(["Content-Length: 2", "Content-Length: 5"], "hello")),
  bad(
    "Content-Length and Transfer-Encoding",
    "RFC 9112 6.3",
    ok(["Content-Length: 5", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
  ),
  bad(
    "Transfer-Encoding and Content-Length",
    "RFC 9112 6.3",
    ok(["Transfer-Encoding: chunked", "Content-Length: 5"], "0\r\n\r\n"),
  ),
  ...codings.map((value) =>
    bad(`Transfer-Encoding: ${value || "(empty)"}`, "RFC 9112 6.3", ok([`Transfer-Encoding: ${value}`], "0\r\n\r\n"), {
      ending: "end",
    }),
  ),
  bad(
    "two Transfer-Encoding fields",
    "RFC 9112 6.3",
    ok(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
  ),
  bad(
    "Transfer-Encoding in HTTP/1.0",
    "RFC 9112 6.1",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ),
  bad("a space before the colon of Content-Length", "RFC 9112 5.1", ok(["Content-Length : 2"], "ok")),
];
