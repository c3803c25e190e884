/**
 * What the HTTP/1.1 codec costs: `scripts/node bench/micro/http1.ts [rounds]`. Prints the median of several rounds, in nanoseconds
 * per head or in MB/s. Every iteration parses text that was decoded from bytes just before, as on the request path: the
 * decoding alone is printed too, to be subtracted.
 */
import { ChunkedDecoder } from "../../src/http1/chunked.ts";
import { FieldId, HOP_BY_HOP, fieldTable } from "../../src/http1/fields.ts";
import { COMPLETE } from "../../src/http1/parse-status.ts";
import { parseRequestHead } from "../../src/http1/parse-request-head.ts";
import { RequestHead } from "../../src/http1/request-head.ts";
import { ResponseHead, parseResponseHead } from "../../src/http1/response-head.ts";

const limits = { maxRequestLine: 8192, maxHeadSize: 32768, maxHeaders: 100 };
const rounds = Number(process.argv[2] ?? 15);

const wrk = Buffer.from("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
const browser = Buffer.from(
  [
    "GET /articles/2026/11/21/what-the-balancer-saw?page=2&sort=newest HTTP/1.1",
    "Host: www.example.com",
    "Connection: keep-alive",
    "Cache-Control: max-age=0",
    'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"',
    "Upgrade-Insecure-Requests: 1",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Referer: https://www.example.com/articles?page=1",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
    'If-None-Match: W/"5f3c-18c2a9d1e40"',
    "Cookie: session=0c1f2b9a7d3e4f5061728394a5b6c7d8; theme=dark; consent=1",
    "",
    "",
  ].join("\r\n"),
);
const response = Buffer.from(
  [
    "HTTP/1.1 200 OK",
    "Server: nginx/1.22.1",
    "Date: Sat, 21 Nov 2026 15:00:00 GMT",
    "Content-Type: text/plain",
    "Content-Length: 12",
    "Connection: keep-alive",
    'ETag: "6560c0de-c"',
    "",
    "",
  ].join("\r\n"),
);

let sink = 0;

function measure(name: string, iterations: number, run: () => void): void {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const begin = process.hrtime.bigint();
    for (let i = 0; i < iterations; i++) run();
    samples.push(Number(process.hrtime.bigint() - begin) / iterations);
  }
  samples.sort((a, b) => a - b);
  const median = samples[samples.length >> 1];
  console.log(`${name.padEnd(44)} ${median.toFixed(0).padStart(7)} ns   (best ${samples[0].toFixed(0)})`);
}

function requestBench(name: string, bytes: Buffer): void {
  const head = new RequestHead();
  measure(`${name} (${bytes.length} bytes): decode only`, 100_000, () => {
    sink += bytes.toString("latin1", 0, bytes.length).length;
  });
  measure(`${name}: decode and parse`, 100_000, () => {
    head.reset();
    if (parseRequestHead(head, bytes.toString("latin1", 0, bytes.length), 0, limits) !== COMPLETE)
      throw new Error("refused");
    sink += head.end;
  });
  const drop = HOP_BY_HOP.slice();
  drop.set(fieldTable(FieldId.xForwardedFor, FieldId.xForwardedProto).map((mark, id) => mark | drop[id]));
  measure(`${name}: keptLines`, 100_000, () => {
    sink += head.keptLines(drop).length;
  });
}

function responseBench(): void {
  const head = new ResponseHead();
  measure(`response (${response.length} bytes): decode only`, 100_000, () => {
    sink += response.toString("latin1", 0, response.length).length;
  });
  measure("response: decode and parse", 100_000, () => {
    head.reset();
    const status = parseResponseHead(head, response.toString("latin1", 0, response.length), 0, limits, "GET");
    if (status !== COMPLETE) throw new Error("refused");
    sink += head.end;
  });
  measure("response: keptLines", 100_000, () => {
    sink += head.keptLines(HOP_BY_HOP).length;
  });
}

function chunkedBench(size: number): void {
  const chunk = Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), Buffer.alloc(size, 97), Buffer.from("\r\n")]);
  const piece = Buffer.concat(Array.from({ length: Math.ceil(65536 / chunk.length) }, () => chunk));
  const decoder = new ChunkedDecoder();
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const begin = process.hrtime.bigint();
    const repetitions = 200;
    for (let i = 0; i < repetitions; i++) {
      decoder.mark();
      let at = 0;
      while (decoder.next(piece, at, piece.length) === 1) {
        sink += decoder.dataEnd - decoder.dataStart;
        at = decoder.position;
      }
      if (!decoder.plain) throw new Error("not plain");
    }
    samples.push((piece.length * repetitions * 1000) / Number(process.hrtime.bigint() - begin));
  }
  samples.sort((a, b) => a - b);
  console.log(
    `chunked, chunks of ${size} bytes`.padEnd(44),
    samples[samples.length >> 1].toFixed(0).padStart(7),
    "MB/s",
  );
}

requestBench("wrk request", wrk);
requestBench("browser request", browser);
responseBench();
for (const size of [16, 256, 4096, 65536]) chunkedBench(size);
if (sink === 0) throw new Error("nothing was measured");
