import { describe, expect, it } from "vitest";
import { COMPLETE, NEED_MORE, REFUSED } from "./parse-status.ts";
import { ResponseHead, bodyKind, parseResponseHead } from "./response-head.ts";

const limits = { maxHeadSize: 1000, maxHeaders: 10 };

function parse(text: string, method = "GET"): ResponseHead {
  const head = new ResponseHead();
  const status = parseResponseHead(head, text, 0, limits, method);
  expect(status === REFUSED, head.error?.code).toBe(head.error !== null);
  return head;
}

function byteByByte(text: string, method = "GET"): ResponseHead {
  const head = new ResponseHead();
  let status: number = NEED_MORE;
  for (let taken = 1; taken <= text.length && status === NEED_MORE; taken++) {
    status = parseResponseHead(head, text.slice(0, taken), 0, limits, method);
  }
  return head;
}

const ok = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}\r\n`;

const refused: [rfc: string, name: string, text: string, code: string, method?: string][] = [
  ["9112 2.2", "empty line first", `\r\n${ok("")}`, "invalid_status_line"],
  ["9112 2.2", "bare LF after the status line", "HTTP/1.1 200 OK\n\r\n", "bare_line_feed"],
  ["9112 2.2", "bare LF after the status", "HTTP/1.1 200\n\r\n", "bare_line_feed"],
  ["9112 2.2", "bare CR in the status line", "HTTP/1.1 200 O\rK\r\n\r\n", "bare_carriage_return"],
  ["9112 2.2", "bare LF after a field", ok("A: b\n"), "bare_line_feed"],
  ["9112 2.2", "bare CR in a field", ok("A: b\rc\r\n"), "bare_carriage_return"],
  ["9112 2.3", "HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", "invalid_status_line"],
  ["9112 2.3", "HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", "invalid_status_line"],
  ["9112 2.3", "HTTP/0.9 page", "<html></html>", "invalid_status_line"],
  ["9112 2.3", "lower case", "http/1.1 200 OK\r\n\r\n", "invalid_status_line"],
  ["9112 2.3", "ICY", "ICY 200 OK\r\n\r\n", "invalid_status_line"],
  ["9112 4", "two spaces", "HTTP/1.1  200 OK\r\n\r\n", "invalid_status_line"],
  ["9112 4", "two digits", "HTTP/1.1 20 OK\r\n\r\n", "invalid_status_line"],
  ["9112 4", "four digits", "HTTP/1.1 2000 OK\r\n\r\n", "invalid_status_line"],
  ["9112 4", "status 099", "HTTP/1.1 099 OK\r\n\r\n", "invalid_status_line"],
  ["9112 4", "status 600", "HTTP/1.1 600 OK\r\n\r\n", "invalid_status_line"],
  ["9112 4", "signed status", "HTTP/1.1 +20 OK\r\n\r\n", "invalid_status_line"],
  ["9112 4", "hexadecimal status", "HTTP/1.1 2a0 OK\r\n\r\n", "invalid_status_line"],
  ["9112 4", "NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n", "invalid_status_line"],
  ["9112 5.1", "space before the colon", ok("Content-Length : 5\r\n"), "space_before_colon"],
  ["9112 5.2", "folded value", ok("A: b\r\n c\r\n"), "folded_header"],
  ["9112 2.2", "space before the first field", ok(" A: b\r\n"), "space_before_first_header"],
  ["9110 5.5", "NUL in a value", ok("A: \0\r\n"), "invalid_header_value"],
  ["9112 5", "line without colon", ok("A\r\n"), "invalid_header"],
  ["6585 5", "head too large", ok(`A: ${"b".repeat(1000)}\r\n`), "head_too_large"],
  ["6585 5", "reason too large", `HTTP/1.1 200 ${"b".repeat(1000)}\r\n\r\n`, "head_too_large"],
  ["6585 5", "too many fields", ok("A: b\r\n".repeat(11)), "too_many_headers"],
  ["9112 6.3", "length and coding", ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "length_and_chunked"],
  ["9112 6.3", "coding and length", ok("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "length_and_chunked"],
  ["9112 6.3", "differing lengths", ok("Content-Length: 5\r\nContent-Length: 6\r\n"), "repeated_content_length"],
  ["9112 6.3", "equal lengths", ok("Content-Length: 5\r\nContent-Length: 5\r\n"), "repeated_content_length"],
  ["9110 8.6", "list of lengths", ok("Content-Length: 5, 5\r\n"), "invalid_content_length"],
  ["9110 8.6", "signed length", ok("Content-Length: +5\r\n"), "invalid_content_length"],
  ["9110 8.6", "length of 2^53", ok("Content-Length: 9007199254740992\r\n"), "invalid_content_length"],
  ["9112 6.3", "coding not last chunked", ok("Transfer-Encoding: gzip\r\n"), "invalid_transfer_encoding"],
  ["9112 6.3", "identity", ok("Transfer-Encoding: identity\r\n"), "invalid_transfer_encoding"],
  ["9112 6.1", "gzip, chunked", ok("Transfer-Encoding: gzip, chunked\r\n"), "unknown_transfer_coding"],
  [
    "9112 6.3",
    "two codings",
    ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    "invalid_transfer_encoding",
  ],
  [
    "9112 6.1",
    "coding in HTTP/1.0",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "transfer_encoding_in_http_1_0",
  ],
  ["9112 6.1", "coding in 204", "HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n", "body_not_allowed"],
  ["9110 8.6", "length in 204", "HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", "body_not_allowed"],
  ["9110 8.6", "length in 103", "HTTP/1.1 103 x\r\nContent-Length: 5\r\n\r\n", "body_not_allowed"],
  ["9110 8.6", "length in 2xx to CONNECT", ok("Content-Length: 5\r\n"), "body_not_allowed", "CONNECT"],
];

describe("parseResponseHead", () => {
  it.each(refused)("RFC %s: refuses %s", (_rfc, _name, text, code, method) => {
    expect(parse(text, method).error?.code).toBe(code);
    expect(byteByByte(text, method).error?.code).toBe(code);
  });

  it("reads status, reason and fields", () => {
    const text = "HTTP/1.1 404 Not \xe4 Found\r\nServer: a\r\nContent-Length: 3\r\n\r\nabc";
    for (const head of [parse(text), byteByByte(text)]) {
      expect(head).toMatchObject({
        status: 404,
        minor: 1,
        reason: "Not \xe4 Found",
        contentLength: 3,
        keepAlive: true,
      });
      expect(head.statusLine).toBe("HTTP/1.1 404 Not \xe4 Found\r\n");
      expect(head.get("server")).toBe("a");
      expect(head.end).toBe(text.length - 3);
    }
  });

  it("accepts a status line without reason, with and without its space", () => {
    expect(parse("HTTP/1.1 200 \r\n\r\n")).toMatchObject({ status: 200, reason: "", error: null });
    expect(parse("HTTP/1.1 599\r\n\r\n")).toMatchObject({ status: 599, reason: "", error: null });
  });

  it("parses interim and final heads one behind the other", () => {
    const text = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n";
    const head = new ResponseHead();
    expect(parseResponseHead(head, text, 0, limits, "GET")).toBe(COMPLETE);
    expect([head.status, head.get("link")]).toEqual([103, "</a>"]);
    const next = head.end;
    head.reset();
    expect(parseResponseHead(head, text, next, limits, "GET")).toBe(COMPLETE);
    expect([head.status, head.end, head.has(2)]).toEqual([204, text.length, true]);
    expect(head.statusLine).toBe("HTTP/1.1 204 No Content\r\n");
  });

  it.each([
    ["HTTP/1.1", "", true],
    ["HTTP/1.1", "Connection: close\r\n", false],
    ["HTTP/1.0", "", false],
    ["HTTP/1.0", "Connection: Keep-Alive\r\n", true],
    ["HTTP/1.0", "Connection: keep-alive, close\r\n", false],
  ])("RFC 9112 9.3: %s with %j keeps the connection: %s", (version, lines, keepAlive) => {
    expect(parse(`${version} 200 OK\r\n${lines}\r\n`).keepAlive).toBe(keepAlive);
  });

  it("RFC 9110 7.8: knows a switch of protocols", () => {
    const lines = "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(parse(`HTTP/1.1 101 x\r\n${lines}`).upgrade).toBe(true);
    expect(parse(`HTTP/1.1 200 x\r\n${lines}`).upgrade).toBe(false);
    expect(parse("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n").upgrade).toBe(false);
  });
});

describe("bodyKind (RFC 9112 6.3)", () => {
  it.each([
    ["GET", 200, "Content-Length: 5\r\n", 1],
    ["GET", 200, "Content-Length: 0\r\n", 1],
    ["GET", 200, "Transfer-Encoding: chunked\r\n", 2],
    ["GET", 200, "", 3],
    ["HEAD", 200, "Content-Length: 5\r\n", 0],
    ["HEAD", 200, "Transfer-Encoding: chunked\r\n", 0],
    ["HEAD", 200, "", 0],
    ["GET", 304, "Content-Length: 5\r\n", 0],
    ["GET", 304, "Transfer-Encoding: chunked\r\n", 0],
    ["GET", 204, "", 0],
    ["GET", 100, "", 0],
    ["GET", 101, "", 0],
    ["CONNECT", 200, "", 0],
    ["CONNECT", 407, "Content-Length: 5\r\n", 1],
    ["POST", 205, "Content-Length: 0\r\n", 1],
  ])("%s answered with %i and %j: %i", (method, status, lines, kind) => {
    const head = parse(`HTTP/1.1 ${status} x\r\n${lines}\r\n`, method);
    expect(head.error).toBeNull();
    expect(bodyKind(head, method)).toBe(kind);
  });
});
