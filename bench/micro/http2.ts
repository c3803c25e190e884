/*
 * What HTTP/2 costs without sockets: ns per request and answer through a connection of the server role.
 *
 *   scripts/node bench/micro/http2.ts [--streams N] [--body BYTES] [--runs N]
 *
 * A client has sent N requests (100), whose blocks refer to the dynamic table as a browser's or h2load's do, and all come
 * by one read. Each is answered at once with a head of four fields and a body of that many bytes (100); what is to be
 * sent is taken by one write. Medians of 15 runs.
 */
import { parseArgs } from "node:util";
import { Http2Connection } from "../../src/http2/connection.ts";
import type { FieldList } from "../../src/http2/field-list.ts";
import type { Http2ConnectionOptions, Http2Owner, Http2Stream, StreamUser } from "../../src/http2/peer.ts";

const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "100" },
    body: { type: "string", default: "100" },
    runs: { type: "string", default: "15" },
  },
});
const streamsPerRead = Number(values.streams);
const body = Buffer.alloc(Number(values.body), 120);
const runs = Number(values.runs);
const READS_PER_RUN = Math.ceil(50_000 / streamsPerRead);

const options: Omit<Http2ConnectionOptions, "role"> = {
  maxConcurrentStreams: 10_000,
  streamWindow: 262_144,
  connectionWindow: 1_048_576,
  maxFrameSize: 16_384,
  headerTableSize: 4096,
  enableConnectProtocol: true,
  maxHeadSize: 16_384,
  maxHeaders: 100,
  limits: {
    maxResets: 100,
    maxPings: 100,
    maxSettings: 20,
    maxContinuations: 8,
    maxEmptyFrames: 100,
    maxQueuedReplies: 256,
  },
  now: () => 0,
};

const silent: Omit<Http2Owner, "onStream"> = {
  onOutput() {},
  onSettings() {},
  onGoAway() {},
  onPong() {},
  onConnectionError(code, reason) {
    throw new Error(`${code} ${reason}`);
  },
};

const answerLines =
  "content-type: text/plain\r\ncontent-length: 100\r\nserver: bench\r\ndate: Sat, 21 Nov 2026 20:00:00 GMT\r\n";

/** Answers a request as soon as it is complete. */
class Answerer implements StreamUser {
  private readonly stream: Http2Stream;

  constructor(stream: Http2Stream) {
    this.stream = stream;
  }

  onHead(_fields: FieldList, end: boolean): void {
    if (!end) return;
    const { encoder } = server;
    encoder.begin();
    encoder.status(200);
    encoder.lines(answerLines, 0, answerLines.length);
    this.stream.sendHead(body.length === 0);
    if (body.length > 0) this.stream.sendData(body, true);
  }

  onData(): void {}
  onReset(): void {}
  onDrain(): void {}

  onSent(): void {
    this.stream.release();
  }
}

let server: Http2Connection;
let answered = 0;

/** Counts what comes back. */
class Asker implements StreamUser {
  stream!: Http2Stream;

  onHead(_fields: FieldList, end: boolean): void {
    if (end) answered++;
  }

  onData(_buffer: Buffer, from: number, to: number, end: boolean): void {
    this.stream.consumed(to - from);
    if (end) answered++;
  }

  onReset(code: number): void {
    throw new Error(`reset ${code}`);
  }

  onDrain(): void {}
  onSent(): void {}
}

const fields = [
  [":method", "GET"],
  [":path", "/index.html?a=1"],
  [":scheme", "https"],
  [":authority", "www.example.com"],
  ["user-agent", "bench/1.0"],
  ["accept", "*/*"],
] as const;

/** Bytes of all requests, one buffer per read, so that the measured loop has only the server in it. */
function requests(client: Http2Connection): Buffer[] {
  const reads: Buffer[] = [];
  for (let read = 0; read < READS_PER_RUN; read++) {
    const pieces: Buffer[] = [];
    for (let i = 0; i < streamsPerRead; i++) {
      const asker = new Asker();
      asker.stream = client.openStream(asker)!;
      client.encoder.begin();
      for (const [name, value] of fields) client.encoder.field(name, value);
      asker.stream.sendHead(true);
    }
    for (let bytes = client.takeOutput(); bytes !== null; bytes = client.takeOutput()) {
      pieces.push(Buffer.from(bytes));
      client.recycle(bytes);
    }
    reads.push(Buffer.concat(pieces));
    const answers = drain(server, reads.at(-1)!);
    client.receive(answers, 0, answers.length);
  }
  return reads;
}

function drain(connection: Http2Connection, read: Buffer): Buffer {
  connection.receive(read, 0, read.length);
  const pieces: Buffer[] = [];
  for (let bytes = connection.takeOutput(); bytes !== null; bytes = connection.takeOutput()) {
    pieces.push(Buffer.from(bytes));
    connection.recycle(bytes);
  }
  return Buffer.concat(pieces);
}

function newServer(): Http2Connection {
  const connection = new Http2Connection(
    { ...options, role: "server" },
    { ...silent, onStream: (stream) => new Answerer(stream) },
  );
  connection.start();
  return connection;
}

server = newServer();
const client = new Http2Connection(
  { ...options, role: "client", streamWindow: 0x7fffffff, connectionWindow: 0x7fffffff },
  {
    ...silent,
    onStream() {
      throw new Error("the server has opened a stream");
    },
  },
);
client.start();
const reads = requests(client);
if (answered !== reads.length * streamsPerRead) throw new Error(`${answered} answers`);

const times: number[] = [];
let sent = 0;
for (let run = 0; run < runs; run++) {
  server = newServer();
  const begin = process.hrtime.bigint();
  for (const read of reads) {
    server.receive(read, 0, read.length);
    for (let bytes = server.takeOutput(); bytes !== null; bytes = server.takeOutput()) {
      sent += bytes.length;
      server.recycle(bytes);
    }
  }
  times.push(Number(process.hrtime.bigint() - begin) / (reads.length * streamsPerRead));
}
times.sort((a, b) => a - b);
console.log(
  `${streamsPerRead} streams per read, body of ${body.length}: ${times[runs >> 1].toFixed(0)} ns per request and answer ` +
    `(best ${times[0].toFixed(0)}), ${(sent / runs / reads.length / streamsPerRead).toFixed(0)} bytes sent for each`,
);
