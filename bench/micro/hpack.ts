/**
 * What HPACK costs: `scripts/node bench/micro/hpack.ts [rounds]`. Prints the median of several rounds, in nanoseconds of
 * CPU time per head. "Repeated" is the steady state of a connection: the tables hold what does not change. "First" is a new connection's
 * first head, with the making of the decoder or encoder.
 */
import { HpackDecoder } from "../../src/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../src/http2/hpack/encoder.ts";
import { FieldId, HOP_BY_HOP, fieldTable } from "../../src/http1/fields.ts";
import { RequestHead } from "../../src/http1/request-head.ts";
import { FieldList } from "../../src/http2/field-list.ts";
import { readRequest } from "../../src/http2/messages/request-fields.ts";
import { writeRequest } from "../../src/http2/messages/write-request.ts";

const rounds = Number(process.argv[2] ?? 15);
const ITERATIONS = 50_000;

const request: [string, string][] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "www.example.com"],
  [":path", "/articles/2026/11/21/what-the-balancer-saw?page=2&sort=newest"],
  [
    "user-agent",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  ],
  ["accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"],
  ["accept-encoding", "gzip, deflate, br, zstd"],
  ["accept-language", "en-GB,en;q=0.9,de;q=0.8"],
  ["referer", "https://www.example.com/articles?page=1"],
  ["cookie", "session=0c1f2b9a7d3e4f5061728394a5b6c7d8; theme=dark; consent=1"],
];

const dates = Array.from({ length: 60 }, (_, i) => `Sat, 21 Nov 2026 15:00:${String(i).padStart(2, "0")} GMT`);
/** The answer as an HTTP/1.1 server sends it, without what belongs to the connection. */
function response(date: string, length: number): string {
  return [
    "Server: nginx/1.22.1",
    `Date: ${date}`,
    "Content-Type: text/html; charset=utf-8",
    `Content-Length: ${length}`,
    "Cache-Control: public, max-age=3600",
    "Vary: Accept-Encoding",
    'ETag: "6560c0de-c"',
    "Strict-Transport-Security: max-age=63072000",
    "",
  ].join("\r\n");
}

function textOf(bytes: Buffer): string {
  return bytes.latin1Slice(0, bytes.length);
}

let sink = 0;

function measure(name: string, run: (i: number) => void): void {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const begin = process.threadCpuUsage();
    for (let i = 0; i < ITERATIONS; i++) run(i);
    const { user, system } = process.threadCpuUsage(begin);
    samples.push(((user + system) * 1000) / ITERATIONS);
  }
  samples.sort((a, b) => a - b);
  const median = samples[samples.length >> 1];
  console.log(`${name.padEnd(60)} ${median.toFixed(0).padStart(6)} ns   (best ${samples[0].toFixed(0)})`);
}

function requestBlock(encoder: HpackEncoder, path: string): Buffer {
  encoder.begin();
  for (const [name, value] of request) encoder.field(name, name === ":path" ? path : value);
  return Buffer.from(encoder.buffer.subarray(0, encoder.length));
}

function decoderBench(): void {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(4096);
  const fields = new FieldList(32768, 100);
  const decode = (block: Buffer) => {
    fields.reset();
    if (decoder.decode(block, 0, block.length, fields) !== null) throw new Error("malformed");
    sink += fields.count;
  };
  const first = requestBlock(new HpackEncoder(), request[3][1]);
  measure(`decode request, first (${first.length} bytes)`, () => {
    fields.reset();
    if (new HpackDecoder(4096).decode(first, 0, first.length, fields) !== null) throw new Error("malformed");
    sink += fields.count;
  });
  for (let i = 0; i < 3; i++) decode(requestBlock(encoder, request[3][1]));
  const all = requestBlock(encoder, request[3][1]);
  measure(`decode request, repeated, path too (${all.length} bytes)`, () => decode(all));
  const blocks = dates.map((_, i) => requestBlock(encoder, `${request[3][1]}&i=${i}`));
  measure(`decode request, repeated, another path (${blocks[0].length} bytes)`, (i) => decode(blocks[i % 60]));
}

function encoderBench(): void {
  const text = response(dates[0], 12);
  measure(`encode response, first (${text.length} bytes of text)`, () => {
    const encoder = new HpackEncoder();
    encoder.begin();
    encoder.status(200);
    encoder.lines(text, 0, text.length);
    sink += encoder.length;
  });
  const encoder = new HpackEncoder();
  const encode = (lines: string) => {
    encoder.begin();
    encoder.status(200);
    encoder.lines(lines, 0, lines.length);
    sink += encoder.length;
  };
  // Each answer is a text of its own, decoded from bytes just before, as on the request path.
  const bytes = Buffer.from(text, "latin1");
  const decoded = () => textOf(bytes);
  measure("(making the text, which the following include)", () => (sink += decoded().length));
  measure("encode response, repeated", () => encode(decoded()));
  const texts = Array.from({ length: 1000 }, (_, i) => Buffer.from(response(dates[0], 100 + i), "latin1"));
  measure("encode response, repeated, another length each", (i) => encode(textOf(texts[i % 1000])));
  const dated = dates.map((date) => Buffer.from(response(date, 12), "latin1"));
  measure("encode response, repeated, another date each", (i) => encode(textOf(dated[i % 60])));
  measure("encode response, repeated, another date every 1000", (i) =>
    encode(textOf(dated[Math.floor(i / 1000) % 60])),
  );
}

/** Both directions of a request through the proxy: from fields to a head, and from a head to fields. */
function messagesBench(): void {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(4096);
  const fields = new FieldList(32768, 100);
  const head = new RequestHead();
  const limits = { maxRequestLine: 8192, maxHeadSize: 32768, maxHeaders: 100 };
  let block = requestBlock(encoder, request[3][1]);
  const read = () => {
    fields.reset();
    if (decoder.decode(block, 0, block.length, fields) !== null) throw new Error("malformed");
    if (readRequest(fields, true, head, limits) !== null) throw new Error("refused");
    sink += head.linesEnd;
  };
  for (let i = 0; i < 3; i++, block = requestBlock(encoder, request[3][1])) read();
  measure("decode request, repeated, and readRequest", read);
  measure("the same, and keptLines", () => {
    read();
    sink += head.keptLines(HOP_BY_HOP).length;
  });
  const lines = head.keptLines(fieldTable(FieldId.host));
  let id = 0;
  const upstream = new HpackEncoder();
  measure("write request to a server, another id each", () => {
    upstream.begin();
    const text = `GET /articles HTTP/1.1\r\nHost: www.example.com\r\n${lines}X-Request-Id: ${id++}\r\n\r\n`;
    writeRequest(upstream, text, "https");
    sink += upstream.length;
  });
}

decoderBench();
encoderBench();
messagesBench();
if (sink === 0) throw new Error("nothing was measured");
