import { type BadResponse, chunkedOk, ok, STRAY } from "./bad-response.ts";

/** Chunked bodies that go wrong behind a good first chunk. */
const chunks: readonly [what: string, after: string][] = [
  ["a chunk size that is no number", "zz\r\nhello\r\n0\r\n\r\n"],
  ["an empty chunk size", "\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size with a prefix", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size with a sign", "+5\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size that overflows", "10000000000000005\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size ended by a bare LF", "5\nhello\r\n0\r\n\r\n"],
  ["chunk data longer than its size", "5\r\nhello!\r\n0\r\n\r\n"],
  ["chunk data ended by a bare LF", "5\r\nhello\n0\r\n\r\n"],
  ["a chunk extension with a bare LF", "5;a\nb\r\nhello\r\n0\r\n\r\n"],
  ["a malformed trailer", "0\r\nnocolon\r\n\r\n"],
  ["a trailer with NUL", "0\r\nX: \0\r\n\r\n"],
  ["a second answer in place of a chunk", STRAY],
];

const FIRST = "5\r\nfirst\r\n";

export const bodies: readonly BadResponse[] = [
  ...chunks.map(([what, after]): BadResponse => ({
    name: what,
    rfc: "RFC 9112 7.1",
    bytes: chunkedOk(FIRST + after),
    client: "cut",
  })),
  {
    name: "an end in the middle of a length",
    rfc: "RFC 9112 8",
    bytes: ok(["Content-Length: 10"], "hello"),
    ending: "end",
    client: "cut",
  },
  {
    name: "a reset in the middle of a length",
    rfc: "RFC 9112 8",
    bytes: ok(["Content-Length: 10"], "hello"),
    ending: "reset",
    client: "cut",
  },
  {
    name: "an end before the first byte of a length",
    rfc: "RFC 9112 8",
    bytes: ok(["Content-Length: 10"]),
    ending: "end",
    client: "cut",
  },
  {
    name: "an end in the middle of a chunk",
    rfc: "RFC 9112 8",
    bytes: chunkedOk("5\r\nhel"),
    ending: "end",
    client: "cut",
  },
  { name: "an end between chunks", rfc: "RFC 9112 8", bytes: chunkedOk(FIRST), ending: "end", client: "cut" },
  {
    name: "an end before the last CRLF",
    rfc: "RFC 9112 8",
    bytes: chunkedOk(`${FIRST}0\r\n`),
    ending: "end",
    client: "cut",
  },
  {
    name: "an end in a chunk-size line",
    rfc: "RFC 9112 8",
    bytes: chunkedOk(`${FIRST}5`),
    ending: "end",
    client: "cut",
  },
  { name: "a reset between chunks", rfc: "RFC 9112 8", bytes: chunkedOk(FIRST), ending: "reset", client: "cut" },
  {
    name: "a reset of a body without a length",
    rfc: "RFC 9112 8",
    bytes: ok(["X: y"], "hello"),
    ending: "reset",
    client: "cut",
  },
];

export const endings: readonly BadResponse[] = [
  { name: "an end without an answer", rfc: "RFC 9112 8", bytes: "", ending: "end", client: 502 },
  { name: "a reset without an answer", rfc: "RFC 9112 8", bytes: "", ending: "reset", client: 502 },
  {
    name: "an end without an answer to a POST",
    rfc: "RFC 9112 8",
    bytes: "",
    ending: "end",
    method: "POST",
    client: 502,
  },
  { name: "an end in the status line", rfc: "RFC 9112 8", bytes: "HTTP/1.1 20", ending: "end", client: 502 },
  {
    name: "an end behind the status line",
    rfc: "RFC 9112 8",
    bytes: "HTTP/1.1 200 OK\r\n",
    ending: "end",
    client: 502,
  },
  {
    name: "an end in the fields",
    rfc: "RFC 9112 8",
    bytes: "HTTP/1.1 200 OK\r\nContent-Le",
    ending: "end",
    client: 502,
  },
  {
    name: "an end before the empty line",
    rfc: "RFC 9112 8",
    bytes: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
    ending: "end",
    client: 502,
  },
  {
    name: "a reset in the fields",
    rfc: "RFC 9112 8",
    bytes: "HTTP/1.1 200 OK\r\nContent-Le",
    ending: "reset",
    client: 502,
  },
  {
    name: "an end behind a 100",
    rfc: "RFC 9110 15.2",
    bytes: "HTTP/1.1 100 Continue\r\n\r\n",
    ending: "end",
    client: 502,
  },
  {
    name: "101 without having been asked",
    rfc: "RFC 9110 15.2.2",
    bytes: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes",
    client: 502,
  },
  {
    name: "1,000 answers 103 and no other",
    rfc: "RFC 9110 15.2",
    bytes: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(1000),
    client: 502,
  },
  {
    name: "a 100 with a length",
    rfc: "RFC 9112 6.3",
    bytes: `HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello${ok(["Content-Length: 2"], "ok")}`,
    client: 502,
  },
];

/** The answer is good; what comes behind it shows that the connection is out of step. */
export const leftovers: readonly BadResponse[] = [
  {
    name: "bytes behind a length",
    rfc: "RFC 9112 9.2",
    bytes: ok(["Content-Length: 5"], "helloextra"),
    client: "whole",
  },
  {
    name: "a second answer behind a length",
    rfc: "RFC 9112 9.2",
    bytes: ok(["Content-Length: 5"], `hello${STRAY}`),
    client: "whole",
  },
  {
    name: "a second answer behind chunks",
    rfc: "RFC 9112 9.2",
    bytes: chunkedOk(`5\r\nhello\r\n0\r\n\r\n${STRAY}`),
    client: "whole",
  },
  {
    name: "one CR LF too many behind chunks",
    rfc: "RFC 9112 9.2",
    bytes: chunkedOk("5\r\nhello\r\n0\r\n\r\n\r\n"),
    client: "whole",
  },
  {
    name: "a body behind the answer to HEAD",
    rfc: "RFC 9110 9.3.2",
    bytes: ok(["Content-Length: 5"], "hello"),
    method: "HEAD",
    client: "whole",
  },
  { name: "a body behind a 204", rfc: "RFC 9112 6.3", bytes: "HTTP/1.1 204 No Content\r\n\r\nhello", client: "whole" },
  {
    name: "a body behind a 304",
    rfc: "RFC 9112 6.3",
    bytes: 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\nhello',
    client: "whole",
  },
];

/** All groups of bad responses' bodies by name. */
export const bodyGroups = { bodies, endings, leftovers };
