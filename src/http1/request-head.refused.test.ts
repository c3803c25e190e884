import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMPLETE, NEED_MORE, REFUSED, type RequestLimits } from "./parse-status.ts";
import { parseRequestHead } from "./parse-request-head.ts";
import { RequestHead } from "./request-head.ts";

const limits: RequestLimits = { maxRequestLine: 200, maxHeadSize: 1000, maxHeaders: 10 };

/** Outcome of a head in one piece: the error's code, "more" or "ok". */
function outcome(text: string, start = 0): string {
  const head = new RequestHead();
  const status = parseRequestHead(head, text, start, limits);
  return status === COMPLETE ? "ok" : status === NEED_MORE ? "more" : head.error!.code;
}

/** Outcome when the bytes come one by one, and how many it took. */
function byteByByte(text: string): { outcome: string; taken: number } {
  const head = new RequestHead();
  for (let taken = 1; taken <= text.length; taken++) {
    const status = parseRequestHead(head, text.slice(0, taken), 0, limits);
    if (status === COMPLETE) return { outcome: "ok", taken };
    if (status === REFUSED) return { outcome: head.error!.code, taken };
  }
  return { outcome: "more", taken: text.length };
}

const H = "Host: h\r\n";
const get = (lines: string) => `GET / HTTP/1.1\r\n${H}${lines}\r\n`;

/** What is refused: section, name, head, code. */
const refused: [rfc: string, name: string, text: string, code: string][] = [
  ["9112 2.2", "bare LF after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", "bare_line_feed"],
  ["9112 2.2", "bare CR after the request line", "GET / HTTP/1.1\rHost: h\r\n\r\n", "bare_carriage_return"],
  ["9112 2.2", "bare LF after a field", "GET / HTTP/1.1\r\nHost: h\n\r\n", "bare_line_feed"],
  ["9112 2.2", "bare CR in a value", get("A: b\rc\r\n"), "bare_carriage_return"],
  ["9112 2.2", "CR CR LF after a field", get("A: b\r\r\n"), "bare_carriage_return"],
  ["9112 2.2", "blank line with a bare LF", `GET / HTTP/1.1\r\n${H}\n`, "bare_line_feed"],
  ["9112 2.2", "blank line with a bare CR", `GET / HTTP/1.1\r\n${H}\rX`, "bare_carriage_return"],
  ["9112 2.2", "two empty lines first", `\r\n\r\n${get("")}`, "empty_lines"],
  ["9112 2.2", "empty line with a bare LF first", `\n${get("")}`, "bare_line_feed"],
  ["9112 2.2", "space before the first field", `GET / HTTP/1.1\r\n ${H}\r\n`, "space_before_first_header"],
  ["9112 2.2", "tab before the first field", `GET / HTTP/1.1\r\n\t${H}\r\n`, "space_before_first_header"],
  ["9112 3", "no target", "GET HTTP/1.1\r\nHost: h\r\n\r\n", "invalid_request_line"],
  ["9112 3", "two spaces before the target", `GET  / HTTP/1.1\r\n${H}\r\n`, "invalid_request_line"],
  ["9112 3", "two spaces before the version", `GET /  HTTP/1.1\r\n${H}\r\n`, "invalid_version"],
  ["9112 3", "tab as separator", `GET\t/ HTTP/1.1\r\n${H}\r\n`, "invalid_method"],
  ["9112 3", "space behind the version", `GET / HTTP/1.1 \r\n${H}\r\n`, "invalid_version"],
  ["9112 3", "HTTP/0.9", "GET /\r\n", "invalid_request_line"],
  ["9112 3", "space first", ` ${get("")}`, "invalid_request_line"],
  ["9110 9.1", "method with a slash", `GE/T / HTTP/1.1\r\n${H}\r\n`, "invalid_method"],
  ["9110 9.1", "method with NUL", `G\0T / HTTP/1.1\r\n${H}\r\n`, "invalid_method"],
  ["9110 9.1", "TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "invalid_method"],
  ["9112 3", "method of 33 bytes", `${"M".repeat(33)} / HTTP/1.1\r\n${H}\r\n`, "method_too_long"],
  ["9112 3", "request line too long", `GET /${"a".repeat(300)} HTTP/1.1\r\n${H}\r\n`, "uri_too_long"],
  ["9112 3", "query too long", `GET /?${"a".repeat(300)} HTTP/1.1\r\n${H}\r\n`, "uri_too_long"],
  ["9112 2.3", "lower-case http", `GET / http/1.1\r\n${H}\r\n`, "invalid_version"],
  ["9112 2.3", "no minor version", `GET / HTTP/1\r\n${H}\r\n`, "invalid_version"],
  ["9112 2.3", "two-digit minor version", `GET / HTTP/1.10\r\n${H}\r\n`, "invalid_version"],
  ["9112 2.3", "two-digit major version", `GET / HTTP/11.1\r\n${H}\r\n`, "invalid_version"],
  ["9112 2.3", "signed version", `GET / HTTP/+1.1\r\n${H}\r\n`, "invalid_version"],
  ["9112 2.3", "comma in the version", `GET / HTTP/1,1\r\n${H}\r\n`, "invalid_version"],
  ["9110 15.6.6", "HTTP/2.0", `GET / HTTP/2.0\r\n${H}\r\n`, "unsupported_version"],
  ["9110 15.6.6", "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "unsupported_version"],
  ["9110 15.6.6", "HTTP/1.2", `GET / HTTP/1.2\r\n${H}\r\n`, "unsupported_version"],
  ["9110 15.6.6", "HTTP/0.9 written out", `GET / HTTP/0.9\r\n${H}\r\n`, "unsupported_version"],
  ["9112 3.2", "target without slash", `GET index.html HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2", "query only", `GET ?a=b HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2", "fragment", `GET /a#b HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2", "fragment in the query", `GET /?a#b HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2", "NUL in the target", `GET /\0 HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2", "byte above 127 in the path", `GET /\xe4 HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2", "byte above 127 in the query", `GET /?\xe4 HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2", "DEL in the query", `GET /?\x7f HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2", "backslash in the path", `GET /a\\b HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2.2", "other scheme", `GET ftp://h/ HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2.2", "scheme without slashes", `GET http:h/ HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2.2", "empty authority", `GET http:///a HTTP/1.1\r\n${H}\r\n`, "invalid_host"],
  ["9112 3.2.2", "empty authority with a query", `GET http://?a HTTP/1.1\r\n${H}\r\n`, "invalid_host"],
  ["9112 3.2.2", "scheme cut off by a query", `GET http:/?/x HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9110 4.2.4", "user information", `GET http://u:p@h/ HTTP/1.1\r\n${H}\r\n`, "invalid_host"],
  ["9112 3.2.3", "authority-form without CONNECT", `GET h:80 HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2.3", "CONNECT with a path", `CONNECT / HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2.3", "CONNECT without port", `CONNECT h HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2.3", "CONNECT with a URI", `CONNECT http://h:1/ HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2.4", "asterisk without OPTIONS", `GET * HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["9112 3.2.4", "two asterisks", `OPTIONS ** HTTP/1.1\r\n${H}\r\n`, "invalid_target"],
  ["3986 6.2.2", "above the root", `GET /../a HTTP/1.1\r\n${H}\r\n`, "invalid_path"],
  ["3986 6.2.2", "above the root, escaped", `GET /%2e%2E/a HTTP/1.1\r\n${H}\r\n`, "invalid_path"],
  ["3986 2.1", "broken escape", `GET /%4 HTTP/1.1\r\n${H}\r\n`, "invalid_path"],
  ["3986 2.1", "escaped NUL", `GET /%00 HTTP/1.1\r\n${H}\r\n`, "invalid_path"],
  ["9112 5", "empty field name", get(": b\r\n"), "invalid_header"],
  ["9112 5", "field without colon", get("Abc\r\n"), "invalid_header"],
  ["9112 5", "NUL in a name", get("A\0: b\r\n"), "invalid_header"],
  ["9112 5", "byte above 127 in a name", get("\xc4: b\r\n"), "invalid_header"],
  ["9112 5", "parenthesis in a name", get("A(b): c\r\n"), "invalid_header"],
  ["9112 5.1", "space before the colon", get("A : b\r\n"), "space_before_colon"],
  ["9112 5.1", "tab before the colon", get("A\t: b\r\n"), "space_before_colon"],
  ["9112 5.1", "space before the colon of a length", get("Content-Length : 5\r\n"), "space_before_colon"],
  ["9112 5.2", "folded value", get("A: b\r\n c\r\n"), "folded_header"],
  ["9112 5.2", "value folded with a tab", get("A: b\r\n\tc\r\n"), "folded_header"],
  ["9110 5.5", "NUL in a value", get("A: b\0c\r\n"), "invalid_header_value"],
  ["9110 5.5", "vertical tab in a value", get("A: \x0b\r\n"), "invalid_header_value"],
  ["9110 5.5", "DEL in a value", get("A: \x7f\r\n"), "invalid_header_value"],
  ["9110 5.5", "escape in a value", get("A: \x1b[31m\r\n"), "invalid_header_value"],
  ["6585 5", "head too large", get(`A: ${"b".repeat(1000)}\r\n`), "head_too_large"],
  ["6585 5", "name too long", get(`${"a".repeat(1000)}: b\r\n`), "head_too_large"],
  ["6585 5", "too many fields", get("A: b\r\n".repeat(10)), "too_many_headers"],
  ["9112 3.2", "no Host", "GET / HTTP/1.1\r\n\r\n", "missing_host"],
  ["9112 3.2", "no Host with an absolute target", "GET http://h/ HTTP/1.1\r\n\r\n", "missing_host"],
  ["9112 3.2", "two Hosts", get("Host: i\r\n"), "repeated_host"],
  ["9112 3.2", "two equal Hosts", get("hOST: h\r\n"), "repeated_host"],
  ["9110 7.2", "empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "invalid_host"],
  ["9110 7.2", "Host with a comma", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "invalid_host"],
  ["9110 7.2", "Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "invalid_host"],
  ["9110 7.2", "Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "invalid_host"],
  ["9110 7.2", "Host with user information", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "invalid_host"],
  ["9110 7.2", "Host with a bad port", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "invalid_host"],
  [
    "9110 7.2",
    "malformed Host although the target is absolute",
    "GET http://h/ HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "invalid_host",
  ],
  ["9110 7.2", "malformed Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a@b\r\n\r\n", "invalid_host"],
  ["9112 6.3", "length and chunked", get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "length_and_chunked"],
  ["9112 6.3", "chunked and length", get("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "length_and_chunked"],
  [
    "9112 6.3",
    "length 0 and chunked",
    get("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
    "length_and_chunked",
  ],
  ["9112 6.3", "two differing lengths", get("Content-Length: 5\r\nContent-Length: 6\r\n"), "repeated_content_length"],
  ["9112 6.3", "two equal lengths", get("Content-Length: 5\r\nContent-Length: 5\r\n"), "repeated_content_length"],
  ["9110 8.6", "list of equal lengths", get("Content-Length: 5, 5\r\n"), "invalid_content_length"],
  ["9110 8.6", "list of differing lengths", get("Content-Length: 5,6\r\n"), "invalid_content_length"],
  ["9110 8.6", "plus sign", get("Content-Length: +5\r\n"), "invalid_content_length"],
  ["9110 8.6", "minus sign", get("Content-Length: -5\r\n"), "invalid_content_length"],
  ["9110 8.6", "hexadecimal", get("Content-Length: 0x5\r\n"), "invalid_content_length"],
  ["9110 8.6", "hexadecimal digit", get("Content-Length: a\r\n"), "invalid_content_length"],
  ["9110 8.6", "underscore", get("Content-Length: 1_0\r\n"), "invalid_content_length"],
  ["9110 8.6", "space within", get("Content-Length: 1 0\r\n"), "invalid_content_length"],
  ["9110 8.6", "fraction", get("Content-Length: 5.0\r\n"), "invalid_content_length"],
  ["9110 8.6", "exponent", get("Content-Length: 1e1\r\n"), "invalid_content_length"],
  ["9110 8.6", "quoted", get('Content-Length: "5"\r\n'), "invalid_content_length"],
  ["9110 8.6", "superscript digit", get("Content-Length: \xb2\r\n"), "invalid_content_length"],
  ["9110 8.6", "empty", get("Content-Length:\r\n"), "invalid_content_length"],
  ["9110 8.6", "2^53", get("Content-Length: 9007199254740992\r\n"), "invalid_content_length"],
  ["9110 8.6", "2^64", get("Content-Length: 18446744073709551616\r\n"), "invalid_content_length"],
  ["9112 6.3", "coding that is not last chunked", get("Transfer-Encoding: gzip\r\n"), "invalid_transfer_encoding"],
  ["9112 6.3", "chunked not last", get("Transfer-Encoding: chunked, gzip\r\n"), "invalid_transfer_encoding"],
  ["9112 6.3", "chunked twice", get("Transfer-Encoding: chunked, chunked\r\n"), "invalid_transfer_encoding"],
  [
    "9112 6.3",
    "two fields",
    get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    "invalid_transfer_encoding",
  ],
  ["9112 6.3", "identity", get("Transfer-Encoding: identity\r\n"), "invalid_transfer_encoding"],
  ["9112 6.3", "identity, chunked", get("Transfer-Encoding: identity, chunked\r\n"), "invalid_transfer_encoding"],
  ["9112 6.3", "empty list element", get("Transfer-Encoding: ,chunked\r\n"), "invalid_transfer_encoding"],
  ["9112 6.3", "empty list element last", get("Transfer-Encoding: chunked,\r\n"), "invalid_transfer_encoding"],
  ["9112 6.3", "quoted", get('Transfer-Encoding: "chunked"\r\n'), "invalid_transfer_encoding"],
  ["9112 6.3", "prefix", get("Transfer-Encoding: xchunked\r\n"), "invalid_transfer_encoding"],
  ["9112 6.3", "parameter", get("Transfer-Encoding: chunked;a=b\r\n"), "invalid_transfer_encoding"],
  ["9112 6.3", "empty coding", get("Transfer-Encoding:\r\n"), "invalid_transfer_encoding"],
  ["9112 6.3", "tab behind", get("Transfer-Encoding: chunked \t\r\n"), "invalid_transfer_encoding"],
  ["9112 6.3", "tab before", get("Transfer-Encoding:\t chunked\r\n"), "invalid_transfer_encoding"],
  ["9110 8.6", "tab behind the length", get("Content-Length: 5\t\r\n"), "invalid_content_length"],
  ["9112 6.1", "gzip, chunked", get("Transfer-Encoding: gzip, chunked\r\n"), "unknown_transfer_coding"],
  ["9112 6.1", "in HTTP/1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer_encoding_in_http_1_0"],
  ["9110 10.1.1", "unknown expectation", get("Expect: 200-ok\r\n"), "unknown_expectation"],
  ["9110 10.1.1", "list of expectations", get("Expect: 100-continue, x\r\n"), "unknown_expectation"],
];

describe("parseRequestHead", () => {
  it.each(refused)("RFC %s: refuses %s", (_rfc, _name, text, code) => {
    expect(outcome(text)).toBe(code);
    expect(byteByByte(text).outcome).toBe(code);
    // The same somewhere in the text, as a pipelined request.
    expect(outcome(`earlier${text}`, 7)).toBe(code);
  });

  it("reports an error with the byte that causes it", () => {
    expect(byteByByte("GET / HTTP/1.1\nHost: h\r\n\r\n").taken).toBe(15);
    expect(byteByByte(`GET / HTTP/1.1\r\n${H}A : b`).taken).toBe(27);
    expect(byteByByte(`GET / HTTP/1.1\r\n${H}${H}\r\n`).taken).toBe(34);
    expect(byteByByte(`GET /${"a".repeat(300)}`).taken).toBe(limits.maxRequestLine);
  });

  it("gives the same result wherever the bytes are split", () => {
    const samples = refused.map(([, , text]) => text);
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.array(fc.nat(300), { maxLength: 5 }), (text, cuts) => {
        const head = new RequestHead();
        let status: number = NEED_MORE;
        for (const cut of [...cuts, text.length].sort((a, b) => a - b)) {
          if (status === NEED_MORE) status = parseRequestHead(head, text.slice(0, cut), 0, limits);
        }
        expect(status).toBe(REFUSED);
        expect(head.error!.code).toBe(outcome(text));
      }),
    );
  });
});
