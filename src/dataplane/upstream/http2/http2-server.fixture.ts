import { Http2Connection } from "../../../http2/connection.ts";
import type { FieldList } from "../../../http2/field-list.ts";
import type { Http2Owner, Http2Stream, StreamUser } from "../../../http2/peer.ts";
import { settled, type FakeSocket } from "../../socket.fixture.ts";

const anything = 1_000_000;

/** One request as the server got it. */
export class ServedStream implements StreamUser {
  readonly stream: Http2Stream;
  readonly #codec: Http2Connection;
  /** Lines `name: value` of the head, then of the trailers. */
  readonly fields: string[] = [];
  body = "";
  ended = false;
  resetBy: number | null = null;
  /** Whether what comes is credited at once. */
  reads = true;

  constructor(stream: Http2Stream, codec: Http2Connection) {
    this.stream = stream;
    this.#codec = codec;
  }

  /** Sends a head with these lines, each with its CRLF. */
  head(status: number, lines = "", end = false): this {
    const { encoder } = this.#codec;
    encoder.begin();
    encoder.status(status);
    encoder.lines(lines, 0, lines.length);
    this.stream.sendHead(end);
    if (end) this.stream.release();
    return this;
  }

  data(text: string, end = false): this {
    this.stream.sendData(Buffer.from(text, "latin1"), end);
    if (end) this.stream.release();
    return this;
  }

  trailers(lines: string): this {
    const { encoder } = this.#codec;
    encoder.begin(true);
    encoder.lines(lines, 0, lines.length);
    this.stream.sendHead(true);
    this.stream.release();
    return this;
  }

  onHead(fields: FieldList, end: boolean): void {
    for (const { name, value } of fields.fields.slice(0, fields.count)) this.fields.push(`${name}: ${value}`);
    this.ended ||= end;
  }
  onData(buffer: Buffer, from: number, to: number, end: boolean): void {
    this.body += buffer.latin1Slice(from, to);
    this.ended ||= end;
    if (this.reads) this.stream.consumed(to - from);
  }
  onReset(code: number): void {
    this.resetBy = code;
    this.stream.release();
  }
  onDrain(): void {}
  onSent(): void {}
}

/** A server that speaks HTTP/2 at the other end of a `FakeSocket`, in virtual time. */
export class FakeHttp2Server implements Http2Owner {
  readonly codec: Http2Connection;
  readonly streams: ServedStream[] = [];
  readonly #socket: FakeSocket;
  /** Code of the client's GOAWAY; null before. */
  goneWith: number | null = null;
  problem = "";

  constructor(socket: FakeSocket, options: { maxStreams?: number; connectProtocol?: boolean } = {}) {
    this.#socket = socket;
    this.codec = new Http2Connection(
      {
        role: "server",
        maxConcurrentStreams: options.maxStreams ?? 100,
        streamWindow: 65_535,
        connectionWindow: 65_535,
        maxFrameSize: 16_384,
        headerTableSize: 4096,
        enableConnectProtocol: options.connectProtocol ?? false,
        maxHeadSize: 65_536,
        maxHeaders: 100,
        limits: {
          maxResets: anything,
          maxPings: anything,
          maxSettings: anything,
          maxContinuations: anything,
          maxEmptyFrames: anything,
          maxQueuedReplies: anything,
        },
        now: () => 0,
      },
      this,
    );
    this.codec.start();
  }

  /** Lets everything arrive that is on its way, on both sides; what the server sends in one go comes in one read. */
  async turn(): Promise<void> {
    for (let quiet = 0; quiet < 2; quiet++) {
      await settled();
      const sent = this.#socket.takeSent();
      if (sent !== "") {
        quiet = 0;
        const bytes = Buffer.from(sent, "latin1");
        this.codec.receive(bytes, 0, bytes.length);
      }
      const pieces: Buffer[] = [];
      for (let piece = this.codec.takeOutput(); piece !== null; piece = this.codec.takeOutput())
        pieces.push(Buffer.from(piece));
      if (pieces.length === 0) continue;
      quiet = 0;
      this.#socket.receive(Buffer.concat(pieces));
    }
  }

  onStream(stream: Http2Stream): StreamUser {
    const served = new ServedStream(stream, this.codec);
    this.streams.push(served);
    return served;
  }
  onOutput(): void {}
  onSettings(): void {}
  onGoAway(_: number, code: number): void {
    this.goneWith = code;
  }
  onPong(): void {}
  onConnectionError(_: number, reason: string): void {
    this.problem = reason;
  }
}
