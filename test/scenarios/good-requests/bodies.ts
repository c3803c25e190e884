import { get, type GoodRequest, head } from "./good-request.ts";

const post = (lines: readonly string[], after: string) => head("POST / HTTP/1.1", "Host: a", ...lines) + after;

const chunked = (name: string, after: string, body: string, rfc = "RFC 9112 7.1"): GoodRequest => ({
  name,
  rfc,
  bytes: post(["Transfer-Encoding: chunked"], after),
  seen: [{ method: "POST", body }],
});

export const bodies: readonly GoodRequest[] = [
  {
    name: "an empty body by length",
    rfc: "RFC 9110 8.6",
    bytes: post(["Content-Length: 0"], ""),
    seen: [{ method: "POST", body: "" }],
  },
  { name: "a POST without a length", rfc: "RFC 9112 6.3", bytes: post([], ""), seen: [{ method: "POST", body: "" }] },
  {
    name: "a GET with a body",
    rfc: "RFC 9110 9.3.1",
    bytes: `${get("Content-Length: 5")}hello`,
    seen: [{ body: "hello" }],
  },
  {
    name: "a DELETE with a body",
    rfc: "RFC 9110 9.3.5",
    bytes: `${head("DELETE / HTTP/1.1", "Host: a", "Content-Length: 2")}hi`,
    seen: [{ method: "DELETE", body: "hi" }],
  },
  {
    name: "a body of every byte",
    rfc: "RFC 9110 6.4",
    bytes: post(["Content-Length: 256"], String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i))),
    seen: [{ method: "POST", body: String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i)) }],
  },
  {
    name: "a body that looks like a request",
    rfc: "RFC 9112 6.3",
    bytes: post(["Content-Length: 36"], "GET /smuggled HTTP/1.1\r\nHost: abc\r\n\r\n".slice(0, 36)),
    seen: [{ method: "POST", body: "GET /smuggled HTTP/1.1\r\nHost: abc\r\n\r\n".slice(0, 36) }],
  },
  {
    name: "a length with spaces around it",
    rfc: "RFC 9112 5.1",
    bytes: post(["Content-Length:   5  "], "hello"),
    seen: [{ method: "POST", body: "hello" }],
  },
  chunked("one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"),
  chunked("no chunk", "0\r\n\r\n", ""),
  chunked("chunks of one byte", `${[..."hello"].map((char) => `1\r\n${char}\r\n`).join("")}0\r\n\r\n`, "hello"),
  chunked("a chunk size in upper case", `A\r\n0123456789\r\n0\r\n\r\n`, "0123456789"),
  chunked("a chunk size in lower case", `a\r\n0123456789\r\n0\r\n\r\n`, "0123456789"),
  chunked("a chunk size with zeros in front", "0005\r\nhello\r\n0\r\n\r\n", "hello"),
  chunked("a chunk of CR LF", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"),
  chunked("a chunk that looks like the end", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"),
  chunked("a last chunk of several zeros", "5\r\nhello\r\n000\r\n\r\n", "hello"),
  chunked("a chunk extension, which is not forwarded", "5;name\r\nhello\r\n0\r\n\r\n", "hello", "RFC 9112 7.1.1"),
  chunked("a chunk extension with a value", "5;name=value\r\nhello\r\n0;x=y\r\n\r\n", "hello", "RFC 9112 7.1.1"),
  chunked("a quoted chunk extension", '5;name="a;b"\r\nhello\r\n0\r\n\r\n', "hello", "RFC 9112 7.1.1"),
  {
    name: "trailers, which never become headers",
    rfc: "RFC 9110 6.5.1",
    bytes: post(["Transfer-Encoding: chunked", "Trailer: X-Sum"], "5\r\nhello\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n"),
    seen: [{ method: "POST", body: "hello", headers: { "x-sum": undefined, host: "a" } }],
  },
  {
    name: "Transfer-Encoding: Chunked in mixed case",
    rfc: "RFC 9112 7",
    bytes: post(["Transfer-Encoding: Chunked"], "2\r\nhi\r\n0\r\n\r\n"),
    seen: [{ method: "POST", body: "hi" }],
  },
  {
    name: "a GET with a chunked body",
    rfc: "RFC 9112 6.3",
    bytes: `${get("Transfer-Encoding: chunked")}2\r\nhi\r\n0\r\n\r\n`,
    seen: [{ body: "hi" }],
  },
];

export const connections: readonly GoodRequest[] = [
  {
    name: "three pipelined requests",
    rfc: "RFC 9112 9.3.2",
    bytes: ["/1", "/2", "/3"].map((path) => head(`GET ${path} HTTP/1.1`, "Host: a")).join(""),
    seen: [{ target: "/1" }, { target: "/2" }, { target: "/3" }],
  },
  {
    name: "pipelined requests with bodies",
    rfc: "RFC 9112 9.3.2",
    bytes: `${post(["Content-Length: 3"], "one")}${post(["Transfer-Encoding: chunked"], "3\r\ntwo\r\n0\r\n\r\n")}${get()}`,
    seen: [{ method: "POST", body: "one" }, { method: "POST", body: "two" }, {}],
  },
  {
    name: "an empty line between pipelined requests, as old clients send it behind a POST",
    rfc: "RFC 9112 2.2",
    bytes: `${post(["Content-Length: 3"], "one")}\r\n${get()}`,
    seen: [{ method: "POST", body: "one" }, {}],
  },
  { name: "HTTP/1.0 without Host", rfc: "RFC 9112 3.2", bytes: head("GET / HTTP/1.0"), seen: [{}], closes: true },
  {
    name: "HTTP/1.0 with Host",
    rfc: "RFC 9112 9.3",
    bytes: head("GET / HTTP/1.0", "Host: a"),
    seen: [{ headers: { host: "a" } }],
    closes: true,
  },
  {
    name: "HTTP/1.0 with keep-alive, two requests",
    rfc: "RFC 9112 9.3",
    bytes: head("GET /1 HTTP/1.0", "Host: a", "Connection: keep-alive") + head("GET /2 HTTP/1.0", "Host: a"),
    seen: [{ target: "/1" }, { target: "/2" }],
    closes: true,
  },
  {
    name: "HTTP/1.0 POST with a length",
    rfc: "RFC 9112 6.3",
    bytes: `${head("POST / HTTP/1.0", "Host: a", "Content-Length: 5")}hello`,
    seen: [{ method: "POST", body: "hello" }],
    closes: true,
  },
];
