import { describe, expect, it } from "vitest";
import { FieldList } from "../field-list.ts";
import { HpackDecoder } from "../hpack/decoder.ts";
import { HpackEncoder } from "../hpack/encoder.ts";
import { writeRequest } from "./write-request.ts";

function written(text: string, scheme = "https", encoder = new HpackEncoder(), decoder = new HpackDecoder(4096)) {
  const fields = new FieldList();
  encoder.begin();
  writeRequest(encoder, text, scheme);
  expect(decoder.decode(encoder.buffer, 0, encoder.length, fields)).toBeNull();
  return fields.fields.slice(0, fields.count).map(({ name, value }) => `${name}: ${value}`);
}

const cases: [what: string, text: string, expected: string[]][] = [
  [
    "GET",
    "GET /a?b HTTP/1.1\r\nHost: h:1\r\nAccept: */*\r\nX-Request-Id: 1\r\n\r\n",
    [":method: GET", ":scheme: https", ":path: /a?b", ":authority: h:1", "accept: */*", "x-request-id: 1"],
  ],
  ["only a Host", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", [":method: GET", ":scheme: https", ":path: /", ":authority: h"]],
  ["no field", "DELETE / HTTP/1.1\r\n\r\n", [":method: DELETE", ":scheme: https", ":path: /"]],
  [
    "Host in the middle, in another case",
    "POST / HTTP/1.1\r\nA: 1\r\nhOST:h \r\nB: 2\r\n\r\n",
    [":method: POST", ":scheme: https", ":path: /", ":authority: h", "a: 1", "b: 2"],
  ],
  [
    "Host last, and one that only ends like it",
    "PUT /x HTTP/1.1\r\nX-Host: a\r\nHost: h\r\n\r\n",
    [":method: PUT", ":scheme: https", ":path: /x", ":authority: h", "x-host: a"],
  ],
  [
    "what belongs to a connection stays behind",
    "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\n" +
      "Proxy-Connection: x\r\nHTTP2-Settings: a\r\nTE: gzip\r\nUpgrade: foo\r\n\r\n",
    [":method: POST", ":scheme: https", ":path: /", ":authority: h"],
  ],
  [
    "TE: trailers goes on",
    "POST / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n",
    [":method: POST", ":scheme: https", ":path: /", ":authority: h", "te: trailers"],
  ],
  [
    "white space around values",
    "GET / HTTP/1.1\r\nHost: h\r\nA:1\r\nB: \t 2 \t\r\nC:\r\n\r\n",
    [":method: GET", ":scheme: https", ":path: /", ":authority: h", "a: 1", "b: 2", "c: "],
  ],
  [
    "OPTIONS *",
    "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    [":method: OPTIONS", ":scheme: https", ":path: *", ":authority: h"],
  ],
  [
    "CONNECT",
    "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nA: b\r\n\r\n",
    [":method: CONNECT", ":authority: h:443", "a: b"],
  ],
  [
    "a WebSocket",
    "GET /chat HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc=\r\nOrigin: o\r\n" +
      "Connection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n",
    [
      ":method: CONNECT",
      ":protocol: websocket",
      ":scheme: https",
      ":path: /chat",
      ":authority: h",
      "sec-websocket-version: 13",
      "origin: o",
    ],
  ],
];

describe("a request for a server that speaks HTTP/2", () => {
  it.each(cases)("%s", (_, text, expected) => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096);
    for (let i = 0; i < 4; i++) expect(written(text, "https", encoder, decoder)).toEqual(expected);
    expect(written(text, "http")).toEqual(expected.map((field) => field.replace(":scheme: https", ":scheme: http")));
  });

  it("becomes a few bytes when it repeats", () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096);
    for (let i = 0; i < 3; i++) written(cases[0][1], "https", encoder, decoder);
    expect(encoder.length).toBe(6);
  });

  it("marks what must never be indexed", () => {
    const encoder = new HpackEncoder();
    encoder.begin();
    const lines = "Authorization: Basic YTpi\r\nProxy-Authorization: a\r\nCookie: a=b\r\nSet-Cookie: c=d\r\n";
    encoder.lines(lines, 0, lines.length);
    const first = encoder.length;
    encoder.begin();
    encoder.lines(lines, 0, lines.length);
    expect(encoder.length).toBe(first);
    // Indices 23, 49, 32 and 55 behind the four bits of 6.2.3.
    const hex = encoder.buffer.toString("hex", 0, encoder.length);
    for (const start of ["1f08", "1f22", "1f11", "1f28"]) expect(hex).toContain(start);
  });
});
