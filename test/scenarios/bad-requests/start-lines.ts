import { type BadRequest, get, head } from "./bad-request.ts";

const LINE = "RFC 9112 3";
const VERSION = "RFC 9112 2.3";

const line = (name: string, text: string, rfc = LINE, status = 400): BadRequest => ({
  name,
  rfc,
  bytes: head(text, "Host: a"),
  status,
});

/** The method and the spaces of the request line. */
export const startLines: readonly BadRequest[] = [
  line("no version (HTTP/0.9)", "GET /"),
  line("a method alone", "GET"),
  line("two spaces behind the method", "GET  / HTTP/1.1"),
  line("two spaces before the version", "GET /  HTTP/1.1"),
  line("a tab behind the method", "GET\t/ HTTP/1.1"),
  line("a tab before the version", "GET /\tHTTP/1.1"),
  line("a vertical tab between the parts", "GET\x0b/\x0bHTTP/1.1"),
  line("a space behind the version", "GET / HTTP/1.1 "),
  line("a space before the method", " GET / HTTP/1.1"),
  line("a space in the target", "GET /a b HTTP/1.1"),
  line("a second version", "GET / HTTP/1.1 HTTP/1.1"),
  line("no method", " / HTTP/1.1"),
  line("no target", "GET HTTP/1.1"),
  line("a colon in the method", "GE:T / HTTP/1.1", "RFC 9110 9.1"),
  line("quotes around the method", '"GET" / HTTP/1.1', "RFC 9110 9.1"),
  line("a comma behind the method", "GET, / HTTP/1.1", "RFC 9110 9.1"),
  line("a slash in the method", "GE/T / HTTP/1.1", "RFC 9110 9.1"),
  line("NUL in the method", "GE\0T / HTTP/1.1", "RFC 9110 9.1"),
  line("an obs-text byte in the method", "GET\xff / HTTP/1.1", "RFC 9110 9.1"),
  line("DEL in the method", "GET\x7f / HTTP/1.1", "RFC 9110 9.1"),
  { name: "a TLS greeting", rfc: LINE, bytes: "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", status: 400 },
  { name: "a response", rfc: LINE, bytes: head("HTTP/1.1 200 OK", "Host: a"), status: 400 },
  { name: "a body without a head", rfc: LINE, bytes: '{"json": true}\r\n\r\n', status: 400 },
  { name: "an SMTP greeting", rfc: LINE, bytes: "EHLO example.com\r\n\r\n", status: 400 },
  {
    name: "garbage behind a good request",
    rfc: LINE,
    bytes: `${get()}garbage\r\n\r\n`,
    status: 400,
    goodBefore: 1,
  },
  {
    name: "a body behind a GET without a length",
    rfc: "RFC 9112 6.3",
    bytes: `${get()}{"a":1}\r\n\r\n`,
    status: 400,
    goodBefore: 1,
  },
];

export const versions: readonly BadRequest[] = [
  line("HTTP/2.0", "GET / HTTP/2.0", "RFC 9110 15.6.6", 505),
  line("HTTP/3.0", "GET / HTTP/3.0", "RFC 9110 15.6.6", 505),
  line("HTTP/0.9 as a version", "GET / HTTP/0.9", "RFC 9110 15.6.6", 505),
  line("HTTP/9.9", "GET / HTTP/9.9", "RFC 9110 15.6.6", 505),
  line("HTTP/2 without a minor version", "GET / HTTP/2", VERSION),
  line("HTTP/1", "GET / HTTP/1", VERSION),
  line("HTTP/1.", "GET / HTTP/1.", VERSION),
  line("HTTP/.1", "GET / HTTP/.1", VERSION),
  line("HTTP/1,1", "GET / HTTP/1,1", VERSION),
  line("HTTP/01.1", "GET / HTTP/01.1", VERSION),
  line("HTTP/1.01", "GET / HTTP/1.01", VERSION),
  line("HTTP/1.10", "GET / HTTP/1.10", VERSION),
  line("HTTP/11.1", "GET / HTTP/11.1", VERSION),
  line("HTTP/+1.1", "GET / HTTP/+1.1", VERSION),
  line("HTTP/1.1.1", "GET / HTTP/1.1.1", VERSION),
  line("HTTP/1.x", "GET / HTTP/1.x", VERSION),
  line("http/1.1 in lower case", "GET / http/1.1", VERSION),
  line("Http/1.1 in mixed case", "GET / Http/1.1", VERSION),
  line("HTTPS/1.1", "GET / HTTPS/1.1", VERSION),
  line("HTTP 1.1", "GET / HTTP 1.1", VERSION),
  line("HTTP-1.1", "GET / HTTP-1.1", VERSION),
  line("ICY/1.1", "GET / ICY/1.1", VERSION),
  line("NUL behind the version", "GET / HTTP/1.1\0", VERSION),
  line("text behind the version", "GET / HTTP/1.1x", VERSION),
  {
    name: "the preface of HTTP/2, but for its last bytes",
    rfc: "RFC 9113 3.4",
    bytes: "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    status: 505,
  },
];
