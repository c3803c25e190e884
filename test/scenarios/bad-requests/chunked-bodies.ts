import { type BadRequest, chunked, SMUGGLED } from "./bad-request.ts";

/** Chunk-size lines (without CRLF) that are malformed, in front of data that would fit the reading "5" or "a". */
const sizes: readonly [what: string, line: string][] = [
  ["no digit", ""],
  ["a space", " "],
  ["a letter that is no digit", "g"],
  ["a prefix 0x", "0x5"],
  ["a plus sign", "+5"],
  ["a minus sign", "-5"],
  ["an underscore", "1_0"],
  ["a space in front", " 5"],
  ["a tab in front", "\t5"],
  ["a space behind", "5 "],
  ["a tab behind", "5\t"],
  ["a space between", "0 5"],
  ["a fraction", "5.0"],
  ["a comma", "5,5"],
  ["17 digits", "00000000000000005"],
  ["2^64", "10000000000000000"],
  ["2^64 + 5, which wraps to 5", "10000000000000005"],
  ["2^63", "8000000000000000"],
  ["2^64 - 1", "ffffffffffffffff"],
  ["2^53", "20000000000000"],
  ["hundreds of zeros", `${"0".repeat(300)}5`],
  ["NUL in front", "\x005"],
  ["NUL behind", "5\0"],
  ["quotes", '"5"'],
  ["an obs-text byte", "5\xff"],
  ["a full-width digit", "\xef\xbc\x95"],
  ["a vertical tab behind", "5\x0b"],
];

/** Extensions that are malformed or hide a line end. */
const extensions: readonly [what: string, line: string][] = [
  ["a bare LF inside", "5;a\nb"],
  ["a bare CR inside", "5;a\rb"],
  ["a bare LF at the end of a name", "5;\n"],
  ["NUL inside", "5;a\0"],
  ["a control byte inside", "5;a=\x01"],
  ["a quoted string with a bare LF", '5;a="b\nc"'],
];

const CHUNK = "RFC 9112 7.1";

export const chunkedBodies: readonly BadRequest[] = [
  ...sizes.map(([what, line]) => ({
    name: `a chunk size with ${what}`,
    rfc: CHUNK,
    bytes: chunked(`${line}\r\nhello\r\n0\r\n\r\n`),
    status: 400,
    inBody: true,
  })),
  ...sizes.slice(0, 8).map(([what, line]) => ({
    name: `a second chunk size with ${what}`,
    rfc: CHUNK,
    bytes: chunked(`5\r\nfirst\r\n${line}\r\nhello\r\n0\r\n\r\n`),
    status: 400,
    inBody: true,
  })),
  ...extensions.map(([what, line]) => ({
    name: `a chunk extension with ${what}`,
    rfc: "RFC 9112 7.1.1",
    bytes: chunked(`${line}\r\nhello\r\n0\r\n\r\n`),
    status: 400,
    inBody: true,
  })),
  ...(
    [
      ["a chunk size ended by a bare LF", "5\nhello\r\n0\r\n\r\n"],
      ["a chunk size ended by a bare CR", "5\rhello\r\n0\r\n\r\n"],
      ["a chunk size ended by CR and a letter", "5\rXhello\r\n0\r\n\r\n"],
      ["chunk data ended by a bare LF", "5\r\nhello\n0\r\n\r\n"],
      ["chunk data ended by a bare CR", "5\r\nhello\r0\r\n\r\n"],
      ["chunk data ended by LF CR", "5\r\nhello\n\r0\r\n\r\n"],
      ["chunk data without an end", "5\r\nhello0\r\n\r\n"],
      ["chunk data one byte longer than its size", "5\r\nhello!\r\n0\r\n\r\n"],
      ["chunk data two bytes longer than its size, which are skipped by some", "5\r\nhelloXX0\r\n\r\n"],
      ["chunk data one byte shorter than its size", "6\r\nhello\r\n0\r\n\r\n"],
      ["the last chunk ended by a bare LF", "0\n\r\n"],
      ["the end ended by a bare LF", "0\r\n\n"],
      ["the end ended by a bare CR and a request", `0\r\n\r${SMUGGLED}`],
      ["a last chunk with a sign", "-0\r\n\r\n"],
      ["a last chunk 0x0", "0x0\r\n\r\n"],
      ["a request in place of the chunk size", SMUGGLED],
      ["two bare LF in place of the end", "0\n\n"],
    ] as const
  ).map(([name, after]) => ({ name, rfc: CHUNK, bytes: chunked(after), status: 400, inBody: true })),
  ...(
    [
      ["a trailer without a colon", "nocolon"],
      ["a trailer with a space before the colon", "X : y"],
      ["a trailer with an empty name", ": y"],
      ["a trailer with NUL", "X: \0"],
      ["a trailer with a bare LF", "X: y\nZ: w"],
      ["a trailer with a bare CR", "X: y\rZ: w"],
      ["a folded trailer", "X: y\r\n z"],
      ["white space before the first trailer", " X: y"],
    ] as const
  ).map(([name, trailer]) => ({
    name,
    rfc: "RFC 9112 7.1.2",
    bytes: chunked(`5\r\nhello\r\n0\r\n${trailer}\r\n\r\n`),
    status: 400,
    inBody: true,
  })),
  {
    name: "a trailer section over the limit of a head",
    rfc: "RFC 6585 5",
    bytes: chunked(`0\r\n${`X: ${"y".repeat(4000)}\r\n`.repeat(10)}\r\n`),
    status: 431,
    inBody: true,
  },
  {
    name: "chunk extensions without end",
    rfc: "RFC 9112 7.1.1",
    bytes: chunked(`5;${"a".repeat(40_000)}\r\nhello\r\n0\r\n\r\n`),
    status: 400,
    inBody: true,
  },
];
