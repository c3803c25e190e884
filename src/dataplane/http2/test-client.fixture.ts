import { Http2Connection } from "../../http2/connection.ts";
import type { FieldList } from "../../http2/field-list.ts";
import type { Http2ConnectionOptions, Http2Owner, Http2Stream, StreamUser } from "../../http2/peer.ts";
import type { TestProxy } from "../http/proxy.fixture.ts";
import { settled, type FakeSocket } from "../socket.fixture.ts";

const options: Http2ConnectionOptions = {
  role: "client",
  maxConcurrentStreams: 100,
  streamWindow: 65_535,
  connectionWindow: 1_000_000,
  maxFrameSize: 16_384,
  headerTableSize: 4096,
  enableConnectProtocol: false,
  maxHeadSize: 65_536,
  maxHeaders: 200,
  limits: {
    maxResets: 1e6,
    maxPings: 1e6,
    maxSettings: 1e6,
    maxContinuations: 100,
    maxEmptyFrames: 1e6,
    maxQueuedReplies: 1e6,
  },
  now: () => 0,
};

/** One request of the test client, and what came of it. */
export class TestRequest implements StreamUser {
  stream!: Http2Stream;
  status = 0;
  readonly headers: Record<string, string> = {};
  readonly trailers: Record<string, string> = {};
  body = "";
  ended = false;
  /** Code of the reset; undefined without one. */
  reset: number | undefined;
  /** Bytes of the body are used up as they come. */
  reads = true;

  onHead(fields: FieldList, end: boolean): void {
    const target = this.status >= 200 ? this.trailers : this.headers;
    for (const { name, value } of fields.fields.slice(0, fields.count)) target[name] = value;
    if (this.status < 200) this.status = Number(this.headers[":status"]);
    this.ended = end;
  }
  onData(buffer: Buffer, from: number, to: number, end: boolean): void {
    this.body += buffer.latin1Slice(from, to);
    if (this.reads) this.stream.consumed(to - from);
    this.ended = end;
  }
  onReset(code: number): void {
    this.reset = code;
  }
  onDrain(): void {
    // Tests send little.
  }
  onSent(): void {
    // Nothing depends on it.
  }
}

/** An HTTP/2 client of a listener without an address: it speaks with the codec in the other role, over a fake socket. */
export class Http2TestClient implements Http2Owner {
  readonly codec: Http2Connection;
  readonly socket: FakeSocket;
  /** Last streams of the GOAWAYs that came, with their codes. */
  readonly farewells: [last: number, code: number][] = [];

  constructor(proxy: TestProxy, changes: Partial<Http2ConnectionOptions> = {}) {
    this.codec = new Http2Connection({ ...options, ...changes }, this);
    this.socket = proxy.connect();
    this.codec.start();
  }

  /** Carries bytes both ways until there are none left. */
  async exchange(): Promise<void> {
    for (let quiet = 0; quiet < 2;) {
      const out = this.codec.takeOutput();
      if (out !== null) this.socket.receive(out);
      await settled();
      const back = Buffer.from(this.socket.takeSent(), "latin1");
      if (back.length > 0) this.codec.receive(back, 0, back.length);
      quiet = out === null && back.length === 0 ? quiet + 1 : 0;
    }
  }

  /** Opens a stream with that head; `end`: without a body. */
  async request(
    fields: Readonly<Record<string, string>> = {},
    end = true,
    request = new TestRequest(),
  ): Promise<TestRequest> {
    request.stream = this.codec.openStream(request)!;
    const { encoder } = this.codec;
    encoder.begin();
    const head = { ":method": "GET", ":scheme": "http", ":path": "/", ":authority": "a", ...fields };
    for (const [name, value] of Object.entries(head)) encoder.field(name, value);
    request.stream.sendHead(end);
    await this.exchange();
    return request;
  }

  onStream(): StreamUser {
    throw new Error("a server opens no streams");
  }
  onOutput(): void {
    // `exchange` asks by itself.
  }
  onSettings(): void {
    // Nothing depends on them.
  }
  onGoAway(last: number, code: number): void {
    this.farewells.push([last, code]);
  }
  onPong(): void {
    // Not asked for.
  }
  onConnectionError(_code: number, reason: string): void {
    throw new Error(reason);
  }
}
