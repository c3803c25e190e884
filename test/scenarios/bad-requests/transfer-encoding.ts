import { type BadRequest, head, post, SMUGGLED } from "./bad-request.ts";

const EMPTY = "0\r\n\r\n";

/** Codings that end in something other than chunked: the length is in doubt (RFC 9112 6.3). */
const unframed = ["gzip", "identity", "deflate", "compress", "cow", "xchunked", "chunkedx", "trailers"];

/** Forms in which some servers see `chunked` and others do not. */
const obscured: readonly [what: string, value: string][] = [
  ["chunked twice", "chunked, chunked"],
  ["chunked and then another coding", "chunked, gzip"],
  ["chunked and then identity", "chunked, identity"],
  ["quotes", '"chunked"'],
  ["single quotes", "'chunked'"],
  ["a parameter", "chunked;q=0.5"],
  ["a semicolon", "chunked;"],
  ["a comma in front", ", chunked"],
  ["a comma behind", "chunked,"],
  ["two words", "chunked identity"],
  ["a tab in front", "\tchunked"],
  ["a tab behind", "chunked\t"],
  ["no value", ""],
  ["only a comma", ","],
  ["a non-breaking space in front", "\xa0chunked"],
  ["a byte order mark in front", "\xef\xbb\xbfchunked"],
  ["a byte of obs-text behind", "chunked\xff"],
  ["the Kelvin sign in UTF-8 for its k", "chun\xe2\x84\xaaed"],
  ["parentheses", "(chunked)"],
  ["a null word", "chunked=1"],
];

/** Bytes that no field value may have. */
const control: readonly [what: string, value: string][] = [
  ["a vertical tab in front", "\x0bchunked"],
  ["a vertical tab behind", "chunked\x0b"],
  ["a form feed in front", "\x0cchunked"],
  ["a backspace", "chunkedd\x08"],
  ["NUL in front", "\0chunked"],
  ["NUL behind", "chunked\0"],
  ["DEL behind", "chunked\x7f"],
  ["a bare CR in front", "\rchunked"],
  ["a bare CR inside", "chun\rked"],
];

export const transferEncoding: readonly BadRequest[] = [
  ...unframed.map((value) => ({
    name: `Transfer-Encoding: ${value}`,
    rfc: "RFC 9112 6.3",
    bytes: post([`Transfer-Encoding: ${value}`], EMPTY),
    status: 400,
  })),
  {
    name: "Transfer-Encoding: gzip, chunked, which is framed but not understood",
    rfc: "RFC 9112 6.1",
    bytes: post(["Transfer-Encoding: gzip, chunked"], EMPTY),
    status: 501,
  },
  ...obscured.map(([what, value]) => ({
    name: `Transfer-Encoding with ${what}`,
    rfc: "RFC 9112 6.3",
    bytes: post([`Transfer-Encoding: ${value}`], EMPTY),
    status: 400,
  })),
  ...control.map(([what, value]) => ({
    name: `Transfer-Encoding with ${what}`,
    rfc: "RFC 9110 5.5",
    bytes: post([`Transfer-Encoding: ${value}`], EMPTY),
    status: 400,
  })),
  {
    name: "two Transfer-Encoding fields, both chunked",
    rfc: "RFC 9112 6.3",
    bytes: post(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], EMPTY),
    status: 400,
  },
  {
    name: "two Transfer-Encoding fields, the second identity",
    rfc: "RFC 9112 6.3",
    bytes: post(["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], EMPTY),
    status: 400,
  },
  {
    name: "two Transfer-Encoding fields, the first identity",
    rfc: "RFC 9112 6.3",
    bytes: post(["Transfer-Encoding: identity", "Transfer-Encoding: chunked"], EMPTY),
    status: 400,
  },
  {
    name: "two Transfer-Encoding fields, the second empty",
    rfc: "RFC 9112 6.3",
    bytes: post(["Transfer-Encoding: chunked", "Transfer-Encoding:"], EMPTY),
    status: 400,
  },
  {
    name: "Transfer-Encoding in HTTP/1.0",
    rfc: "RFC 9112 6.1",
    bytes: head("POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked") + EMPTY,
    status: 400,
  },
  {
    name: "Transfer-Encoding in HTTP/1.0 with keep-alive and a length",
    rfc: "RFC 9112 6.1",
    bytes:
      head("POST / HTTP/1.0", "Host: a", "Connection: keep-alive", "Content-Length: 5", "Transfer-Encoding: chunked") +
      EMPTY +
      SMUGGLED,
    status: 400,
  },
  {
    name: "Transfer-Encoding: chunked of a GET in front of another coding",
    rfc: "RFC 9112 6.3",
    bytes: head("GET / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked, x") + EMPTY,
    status: 400,
  },
];
