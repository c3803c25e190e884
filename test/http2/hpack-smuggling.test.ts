import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { upstreamRequestHead } from "../../src/dataplane/http/upstream-request.ts";
import { COMPLETE } from "../../src/http1/parse-status.ts";
import { parseRequestHead } from "../../src/http1/parse-request-head.ts";
import { RequestHead } from "../../src/http1/request-head.ts";
import { FieldList } from "../../src/http2/field-list.ts";
import { HpackDecoder } from "../../src/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../src/http2/hpack/encoder.ts";
import { readRequest } from "../../src/http2/messages/request-fields.ts";
import { readTrailers } from "../../src/http2/messages/trailers.ts";
import { writeRequest } from "../../src/http2/messages/write-request.ts";

/*
 * What a client of HTTP/2 can bring into the head that a server of HTTP/1.1 gets. HPACK carries any byte; the oracle is our
 * own strict parser, which is compared with others in test/fuzz/http1.
 */

const numRuns = Number(process.env["EVENKEEL_FUZZ_CASES"] ?? 4000);
const seed = process.env["EVENKEEL_FUZZ_SEED"];
const parameters = seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
const limits = { maxRequestLine: 8192, maxHeadSize: 65_536, maxHeaders: 200 };

/** What attacks are made of, and what is harmless. */
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: fc.constantFrom(..."abcXYZ019-_.~/?=&;"), maxLength: 8 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "\r\n", "\r", "\n", "\0", " ", "\t", ":", "@", "#", "%0d%0a", "%00", "%2e%2e/", "../", "//", "\\", "\x7f", "\x80", "ÿ",
      " HTTP/1.1\r\n", "\r\nHost: evil\r\n", "\r\n\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n", "Transfer-Encoding: chunked",
      "chunked", "\r\nContent-Length: 5", "trailers", "100-continue", "h", "5", "0",
    ), // prettier-ignore
  },
);
const text = fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join(""));

const field: fc.Arbitrary<[string, string]> = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      "accept", "cookie", "host", "content-length", "te", "expect", "x-forwarded-for", "x-a", "x-b", "user-agent",
      "transfer-encoding", "connection", "upgrade", "keep-alive", ":path", "Transfer-Encoding", "http2-settings",
    ), // prettier-ignore
    fc.oneof(text, fc.constantFrom("h", "5", "0", "trailers", "chunked", "a=b")),
  ),
  fc.tuple(text, text),
);

const request = fc.record({
  method: fc.oneof({ weight: 5, arbitrary: fc.constantFrom("GET", "POST", "HEAD", "OPTIONS") }, text),
  scheme: fc.oneof({ weight: 9, arbitrary: fc.constantFrom("https", "http") }, text),
  path: fc.oneof(
    { weight: 3, arbitrary: text.map((rest) => `/${rest}`) },
    { weight: 1, arbitrary: fc.constantFrom("/", "*") },
    text,
  ),
  authority: fc.oneof({ weight: 5, arbitrary: fc.constantFrom("h", "H:80", "[::1]:1") }, text),
  fields: fc.array(field, { maxLength: 4 }),
  end: fc.boolean(),
});

/** The list as it comes out of a header block of literals, whose bytes are as they are. */
function decoded(list: [string, string][]): FieldList {
  const block = Buffer.concat(list.flatMap(([name, value]) => [Buffer.from([0x10]), literal(name), literal(value)]));
  const fields = new FieldList();
  expect(new HpackDecoder(4096).decode(block, 0, block.length, fields)).toBeNull();
  return fields;
}

function literal(value: string): Buffer {
  if (value.length > 126) throw new Error("too long for one byte of length");
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, "latin1")]);
}

function namesAndValues(head: RequestHead): string[] {
  return Array.from({ length: head.count }, (_, i) => `${head.nameAt(i).toLowerCase()}: ${head.valueAt(i)}`);
}

describe("what passes from HTTP/2", () => {
  it("is one request of HTTP/1.1 that reads the same", () => {
    let passed = 0;
    let refused = 0;
    fc.assert(
      fc.property(request, ({ method, scheme, path, authority, fields, end }) => {
        const list: [string, string][] = [
          [":method", method],
          [":scheme", scheme],
          [":path", path],
          [":authority", authority],
          ...fields,
        ];
        const head = new RequestHead();
        const problem = readRequest(decoded(list), end, head, limits);
        if (problem !== null) {
          refused++;
          return;
        }
        passed++;
        const hasBody = head.chunked || head.contentLength > 0;
        const forwarded = {
          head,
          id: "id-1",
          path: head.path,
          query: head.query,
          rewrittenHost: "",
          hasBody,
          wantsUpgrade: false,
          view: null,
        };
        const sent = upstreamRequestHead(forwarded, false, "X-Forwarded-Proto: https\r\n", "server");
        const read = new RequestHead();
        // It is complete at its last byte and not before, so there is nothing behind it that could be another request.
        expect(parseRequestHead(read, sent, 0, limits), `${read.error?.code}: ${JSON.stringify(sent)}`).toBe(COMPLETE);
        expect(read.end).toBe(sent.length);
        expect(read).toMatchObject({
          method: head.method,
          path: head.path,
          query: head.query,
          host: head.host,
          authority: head.authority,
          contentLength: head.contentLength,
          chunked: head.chunked,
          asterisk: head.asterisk,
          keepAlive: true,
          upgrade: false,
        });
        expect(read.method).toBe(method);
        // No field but those that were sent, and ours.
        const own = new Set([`host: ${head.authority}`, "x-forwarded-proto: https", "x-request-id: id-1"]);
        if (head.chunked) own.add("transfer-encoding: chunked");
        const crumbs = fields.filter(([name]) => name === "cookie").map(([, value]) => value);
        const given = new Set([...fields.map(([name, value]) => `${name}: ${value}`), `cookie: ${crumbs.join("; ")}`]);
        for (const line of namesAndValues(read)) expect(own.has(line) || given.has(line), line).toBe(true);

        // The same by HTTP/2 to the server.
        const encoder = new HpackEncoder();
        encoder.begin();
        writeRequest(encoder, sent, scheme);
        const again = new FieldList();
        expect(new HpackDecoder(4096).decode(encoder.buffer, 0, encoder.length, again)).toBeNull();
        const second = new RequestHead();
        expect(readRequest(again, end, second, limits)).toBeNull();
        expect(second).toMatchObject({
          method: head.method,
          path: head.path,
          query: head.query,
          host: head.host,
          contentLength: head.contentLength,
          chunked: head.chunked,
        });
      }),
      parameters,
    );
    // Both happen often enough, or nothing was tested.
    expect(passed).toBeGreaterThan(numRuns / 50);
    expect(refused).toBeGreaterThan(numRuns / 50);
  });

  it("is no more than lines in trailers", () => {
    let passed = 0;
    fc.assert(
      fc.property(fc.array(field, { maxLength: 2 }), (fields) => {
        const lines = readTrailers(decoded(fields));
        if (lines === null) return;
        passed++;
        const given = new Set(fields.map(([name, value]) => `${name}: ${value}`));
        for (const line of lines.split("\r\n").slice(0, -1)) expect(given.has(line), line).toBe(true);
        expect(lines).toMatch(/^(?:[^\r\n\0]+\r\n)*$/);
      }),
      parameters,
    );
    expect(passed).toBeGreaterThan(numRuns / 20);
  });
});
