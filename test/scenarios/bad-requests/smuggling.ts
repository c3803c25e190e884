import { type BadRequest, head, post, SMUGGLED } from "./bad-request.ts";

/*
 * Combinations from the literature on request smuggling (Linhart et al. 2005; Kettle 2019 to 2025) and from
 * advisories of servers and proxies: what one side frames by length and the other by chunks.
 */
const CHUNKED_AND_REST = `0\r\n\r\n${SMUGGLED}`;
const both = "RFC 9112 6.3";

/** Spellings of the field name or line that hide Transfer-Encoding from one of two parsers. */
const hidden: readonly [what: string, rfc: string, lines: readonly string[]][] = [
  ["a space before the colon", "RFC 9112 5.1", ["Transfer-Encoding : chunked"]],
  ["a tab before the colon", "RFC 9112 5.1", ["Transfer-Encoding\t: chunked"]],
  ["NUL before the colon", "RFC 9112 5", ["Transfer-Encoding\0: chunked"]],
  ["a vertical tab before the colon", "RFC 9112 5", ["Transfer-Encoding\x0b: chunked"]],
  ["a bare CR before the colon", "RFC 9112 2.2", ["Transfer-Encoding\r: chunked"]],
  ["the value on a folded line", "RFC 9112 5.2", ["Transfer-Encoding:", " chunked"]],
  ["the value on a line folded by tab", "RFC 9112 5.2", ["Transfer-Encoding:", "\tchunked"]],
  ["the field on a folded line", "RFC 9112 5.2", ["X: y", " Transfer-Encoding: chunked"]],
  ["the colon on the next line", "RFC 9112 5", ["Transfer-Encoding", ": chunked"]],
  ["a bare LF in front of it", "RFC 9112 2.2", ["X: y\nTransfer-Encoding: chunked"]],
  ["a bare CR in front of it", "RFC 9112 2.2", ["X: y\rTransfer-Encoding: chunked"]],
  ["a line that is only CR in front of it", "RFC 9112 2.2", ["X: y", "\rTransfer-Encoding: chunked"]],
  ["NUL in the line before", "RFC 9110 5.5", ["X: y\0Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]],
  ["a name in UTF-8", "RFC 9110 5.1", ["Tran\xc5\xbffer-Encoding: chunked"]],
  ["an obs-text byte in front of the name", "RFC 9110 5.1", ["\xa0Transfer-Encoding: chunked"]],
  ["parentheses in the name", "RFC 9110 5.1", ["(Transfer-Encoding): chunked"]],
  ["quotes around the name", "RFC 9110 5.1", ['"Transfer-Encoding": chunked']],
  ["no colon", "RFC 9112 5", ["Transfer-Encoding chunked"]],
  ["an equals sign for the colon", "RFC 9112 5", ["Transfer-Encoding= chunked"]],
];

export const smuggling: readonly BadRequest[] = [
  {
    name: "CL.TE: Content-Length before Transfer-Encoding",
    rfc: both,
    bytes: post(["Content-Length: 48", "Transfer-Encoding: chunked"], CHUNKED_AND_REST),
    status: 400,
  },
  {
    name: "TE.CL: Transfer-Encoding before Content-Length",
    rfc: both,
    bytes: post(["Transfer-Encoding: chunked", "Content-Length: 4"], `2b\r\n${SMUGGLED}\r\n0\r\n\r\n`),
    status: 400,
  },
  {
    name: "CL.0: Content-Length 0 with Transfer-Encoding",
    rfc: both,
    bytes: post(["Content-Length: 0", "Transfer-Encoding: chunked"], CHUNKED_AND_REST),
    status: 400,
  },
  {
    name: "a GET with both",
    rfc: both,
    bytes: head("GET / HTTP/1.1", "Host: a", "Content-Length: 5", "Transfer-Encoding: chunked") + CHUNKED_AND_REST,
    status: 400,
  },
  {
    name: "both, with other fields between and in other case",
    rfc: both,
    bytes: post(["tRANSFER-eNCODING: chunked", "Accept: */*", "cONTENT-lENGTH: 5"], CHUNKED_AND_REST),
    status: 400,
  },
  {
    name: "both, and Connection lists Transfer-Encoding",
    rfc: both,
    bytes: post(["Connection: Transfer-Encoding", "Transfer-Encoding: chunked", "Content-Length: 5"], CHUNKED_AND_REST),
    status: 400,
  },
  {
    name: "both, and Connection lists Content-Length",
    rfc: both,
    bytes: post(["Connection: Content-Length", "Content-Length: 5", "Transfer-Encoding: chunked"], CHUNKED_AND_REST),
    status: 400,
  },
  {
    name: "Content-Length with an unknown Transfer-Encoding",
    rfc: both,
    bytes: post(["Content-Length: 5", "Transfer-Encoding: x"], `hello${SMUGGLED}`),
    status: 400,
  },
  {
    name: "Content-Length with an empty Transfer-Encoding",
    rfc: both,
    bytes: post(["Content-Length: 5", "Transfer-Encoding:"], `hello${SMUGGLED}`),
    status: 400,
  },
  {
    name: "both behind a good pipelined request",
    rfc: both,
    bytes:
      head("GET /first HTTP/1.1", "Host: a") +
      post(["Content-Length: 48", "Transfer-Encoding: chunked"], CHUNKED_AND_REST),
    status: 400,
    goodBefore: 1,
  },
  ...hidden.map(([what, rfc, lines]) => ({
    name: `TE.TE: ${what}`,
    rfc,
    bytes: post(["Content-Length: 5", ...lines], CHUNKED_AND_REST),
    status: 400,
  })),
  {
    name: "Content-Length hidden by a space before the colon",
    rfc: "RFC 9112 5.1",
    bytes: post(["Content-Length : 43"], SMUGGLED),
    status: 400,
  },
  {
    name: "Content-Length on a folded line",
    rfc: "RFC 9112 5.2",
    bytes: post(["X: y", " Content-Length: 43"], SMUGGLED),
    status: 400,
  },
  {
    name: "a second request line among the fields",
    rfc: "RFC 9112 5",
    bytes: post(["X: y", "GET /smuggled HTTP/1.1", "Host: b"]),
    status: 400,
  },
  {
    name: "a head that ends in LF LF",
    rfc: "RFC 9112 2.2",
    bytes: `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 43\n\n${SMUGGLED}`,
    status: 400,
  },
  {
    name: "a head that ends in LF CR LF",
    rfc: "RFC 9112 2.2",
    bytes: `GET / HTTP/1.1\r\nHost: a\n\r\n${SMUGGLED}`,
    status: 400,
  },
  {
    name: "a head that seems to end in CR CR",
    rfc: "RFC 9112 2.2",
    bytes: `GET / HTTP/1.1\r\nHost: a\r\r${SMUGGLED}`,
    status: 400,
  },
];
