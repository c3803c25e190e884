import { type BadRequest, get, head } from "./bad-request.ts";

/** Characters that are no token characters (RFC 9110 5.6.2), in a field name. */
const badNames = ["(", ")", "<", ">", "@", ",", ";", "\\", '"', "/", "[", "]", "?", "=", "{", "}", " ", "\t"];

/** Control bytes that no field value may have. CR and LF are among the line ends. */
const controls = [0x00, 0x01, 0x02, 0x07, 0x08, 0x0b, 0x0c, 0x0e, 0x1b, 0x1f, 0x7f];

export const fields: readonly BadRequest[] = [
  ...badNames.map((char) => ({
    name: `a field name with ${JSON.stringify(char)}`,
    rfc: "RFC 9110 5.1",
    bytes: get(`X${char}Y: z`),
    status: 400,
  })),
  ...[0x00, 0x01, 0x0b, 0x1f, 0x7f, 0x80, 0xff].map((code) => ({
    name: `a field name with byte 0x${code.toString(16)}`,
    rfc: "RFC 9110 5.1",
    bytes: get(`X${String.fromCharCode(code)}Y: z`),
    status: 400,
  })),
  ...controls.map((code) => ({
    name: `a field value with byte 0x${code.toString(16)}`,
    rfc: "RFC 9110 5.5",
    bytes: get(`X: a${String.fromCharCode(code)}b`),
    status: 400,
  })),
  { name: "a field line without a colon", rfc: "RFC 9112 5", bytes: get("no colon here"), status: 400 },
  { name: "a field line that is one word", rfc: "RFC 9112 5", bytes: get("word"), status: 400 },
  { name: "an empty field name", rfc: "RFC 9110 5.1", bytes: get(": value"), status: 400 },
  { name: "a line that is only a colon", rfc: "RFC 9110 5.1", bytes: get(":"), status: 400 },
  { name: "a space before the colon", rfc: "RFC 9112 5.1", bytes: get("X : y"), status: 400 },
  { name: "a tab before the colon", rfc: "RFC 9112 5.1", bytes: get("X\t: y"), status: 400 },
  { name: "a folded field", rfc: "RFC 9112 5.2", bytes: get("X: y", " z"), status: 400 },
  { name: "a field folded with a tab", rfc: "RFC 9112 5.2", bytes: get("X: y", "\tz"), status: 400 },
  { name: "a folded line of white space only", rfc: "RFC 9112 5.2", bytes: get("X: y", " "), status: 400 },
  {
    name: "white space before the first field",
    rfc: "RFC 9112 2.2",
    bytes: head("GET / HTTP/1.1", " Host: a"),
    status: 400,
  },
  {
    name: "a tab before the first field",
    rfc: "RFC 9112 2.2",
    bytes: head("GET / HTTP/1.1", "\tX: y", "Host: a"),
    status: 400,
  },
  {
    name: "a line of white space before the first field",
    rfc: "RFC 9112 2.2",
    bytes: head("GET / HTTP/1.1", " ", "Host: a"),
    status: 400,
  },
  { name: "an unknown expectation", rfc: "RFC 9110 10.1.1", bytes: get("Expect: 200-ok"), status: 417 },
  {
    name: "an expectation with a parameter",
    rfc: "RFC 9110 10.1.1",
    bytes: get("Expect: 100-continue;x=1"),
    status: 417,
  },
];
