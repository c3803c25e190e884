import { type BadRequest, get, head, post, SMUGGLED } from "./bad-request.ts";

const RFC = "RFC 9110 8.6";

/** A Content-Length that is not one plain decimal number. */
const malformed: readonly [what: string, value: string][] = [
  ["a plus sign", "+5"],
  ["a minus sign", "-5"],
  ["minus zero", "-0"],
  ["a hexadecimal number", "0x5"],
  ["a hexadecimal number without prefix", "a"],
  ["an octal prefix", "0o5"],
  ["a binary prefix", "0b101"],
  ["an underscore between digits", "1_0"],
  ["a space between digits", "1 0"],
  ["a tab between digits", "1\t0"],
  ["a fraction", "5.0"],
  ["an exponent", "5e0"],
  ["a list of the same value", "5, 5"],
  ["a list of different values", "5, 6"],
  ["a list without space", "5,5"],
  ["a comma behind", "5,"],
  ["a comma in front", ",5"],
  ["no value", ""],
  ["a word", "five"],
  ["quotes", '"5"'],
  ["a parameter", "5;q=1"],
  ["a semicolon", "5;"],
  ["a unit", "5B"],
  ["2^53", "9007199254740992"],
  ["2^64", "18446744073709551616"],
  ["2^64 + 5, which wraps to 5", "18446744073709551621"],
  ["Arabic-Indic digits in UTF-8", "\xd9\xa5"],
  ["a full-width digit in UTF-8", "\xef\xbc\x95"],
  ["a non-breaking space in front", "\xa05"],
  ["a tab in front, which servers treat differently", "\t5"],
  ["a tab behind", "5\t"],
  ["NaN", "NaN"],
  ["Infinity", "Infinity"],
];

export const lengths: readonly BadRequest[] = [
  ...malformed.map(([what, value]) => ({
    name: `Content-Length with ${what}`,
    rfc: RFC,
    bytes: post([`Content-Length: ${value}`], "hello"),
    status: 400,
  })),
  {
    name: "Content-Length with a vertical tab",
    rfc: "RFC 9110 5.5",
    bytes: post(["Content-Length: \x0b5"], "hello"),
    status: 400,
  },
  {
    name: "Content-Length with NUL behind the digits",
    rfc: "RFC 9110 5.5",
    bytes: post(["Content-Length: 5\0"], "hello"),
    status: 400,
  },
  { name: "a malformed Content-Length of a GET", rfc: RFC, bytes: get("Content-Length: x"), status: 400 },
  {
    name: "a negative Content-Length in HTTP/1.0",
    rfc: RFC,
    bytes: head("POST / HTTP/1.0", "Host: a", "Content-Length: -1"),
    status: 400,
  },
  {
    name: "two Content-Length fields that differ",
    rfc: "RFC 9112 6.3",
    bytes: post(["Content-Length: 5", "Content-Length: 43"], `hello${SMUGGLED}`),
    status: 400,
  },
  {
    name: "two Content-Length fields that agree",
    rfc: "RFC 9112 6.3",
    bytes: post(["Content-Length: 5", "Content-Length: 5"], "hello"),
    status: 400,
  },
  {
    name: "two Content-Length fields in different case",
    rfc: "RFC 9112 6.3",
    bytes: post(["content-length: 0", "CONTENT-LENGTH: 43"], SMUGGLED),
    status: 400,
  },
  {
    name: "two Content-Length fields apart from each other, the first zero",
    rfc: "RFC 9112 6.3",
    bytes: post(["Content-Length: 0", "X-Between: y", "Content-Length: 43"], SMUGGLED),
    status: 400,
  },
  {
    name: "Content-Length, one good and one malformed",
    rfc: "RFC 9112 6.3",
    bytes: post(["Content-Length: 5", "Content-Length: +5"], "hello"),
    status: 400,
  },
];
