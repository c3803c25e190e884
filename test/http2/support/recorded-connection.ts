import { Http2Connection } from "../../../src/http2/connection.ts";
import type { FieldList } from "../../../src/http2/field-list.ts";
import type {
  AbuseLimits,
  Http2ConnectionOptions,
  Http2Owner,
  Http2Stream,
  StreamUser,
} from "../../../src/http2/peer.ts";
import { codes, describeFrame, preface, settings, settingsAck, splitFrames, type FieldPairs } from "./raw-frames.ts";

export const limits: AbuseLimits = {
  maxResets: 20,
  maxPings: 20,
  maxSettings: 10,
  maxContinuations: 4,
  maxEmptyFrames: 20,
  maxQueuedReplies: 30,
};

export const defaults: Omit<Http2ConnectionOptions, "role" | "now"> = {
  maxConcurrentStreams: 10,
  streamWindow: 65_535,
  connectionWindow: 65_535,
  maxFrameSize: 16_384,
  headerTableSize: 4096,
  enableConnectProtocol: false,
  maxHeadSize: 8192,
  maxHeaders: 50,
  limits,
};

/** The user of one stream: writes down what it hears. */
export class RecordingUser implements StreamUser {
  readonly stream: Http2Stream;
  readonly body: Buffer[] = [];
  /** Consume at once what comes. */
  consumes = true;
  private readonly note: (event: string) => void;

  constructor(stream: Http2Stream, note: (event: string) => void) {
    this.stream = stream;
    this.note = note;
  }

  onHead(fields: FieldList, end: boolean): void {
    const list = fields.fields.slice(0, fields.count);
    const text = list.map(({ name, value }) => `${name}=${value}`).join(" ");
    const length = list.find(({ name }) => name === "content-length");
    if (length !== undefined) this.stream.expectedLength = Number(length.value);
    this.note(`${this.stream.id} head${fields.overflow ? " overflow" : ""} ${text}${end ? " end" : ""}`);
  }

  onData(buffer: Buffer, from: number, to: number, end: boolean): void {
    this.body.push(Buffer.from(buffer.subarray(from, to)));
    if (this.consumes) this.stream.consumed(to - from);
    this.note(`${this.stream.id} data ${to - from}${end ? " end" : ""}`);
  }

  onReset(code: number, processed: boolean): void {
    this.note(`${this.stream.id} reset ${codes[code]}${processed ? "" : " unprocessed"}`);
  }

  onDrain(): void {
    this.note(`${this.stream.id} drain`);
  }

  onSent(): void {
    this.note(`${this.stream.id} sent`);
  }
}

/** A connection whose events and frames are written down as lines of text. */
export class RecordedConnection implements Http2Owner {
  readonly connection: Http2Connection;
  readonly events: string[] = [];
  readonly users = new Map<number, RecordingUser>();
  /** Milliseconds that the limits see. */
  time = 0;
  announced = 0;

  constructor(options: Partial<Http2ConnectionOptions> & { role: "server" | "client" }) {
    this.connection = new Http2Connection({ ...defaults, now: () => this.time, ...options }, this);
    this.connection.start();
  }

  /** A connection on which both sides' SETTINGS were exchanged and acknowledged. */
  static established(
    options: Partial<Http2ConnectionOptions> & { role: "server" | "client" },
    peerSettings: Readonly<Record<number, number>> = {},
  ): RecordedConnection {
    const recorded = new RecordedConnection(options);
    if (options.role === "server") recorded.feed(preface);
    recorded.feed(settings(peerSettings), settingsAck);
    recorded.frames();
    recorded.events.length = 0;
    return recorded;
  }

  readonly note = (event: string): void => {
    this.events.push(event);
  };

  feed(...pieces: readonly Buffer[]): void {
    const bytes = Buffer.concat(pieces);
    this.connection.receive(bytes, 0, bytes.length);
  }

  /** The bytes that are to be sent now. */
  output(): Buffer {
    const pieces: Buffer[] = [];
    for (let piece = this.connection.takeOutput(); piece !== null; piece = this.connection.takeOutput()) {
      pieces.push(Buffer.from(piece));
      this.connection.recycle(piece);
    }
    return Buffer.concat(pieces);
  }

  /** The frames that are to be sent now, without the client's preface. */
  frames(): string[] {
    let bytes = this.output();
    if (bytes.subarray(0, preface.length).equals(preface)) bytes = bytes.subarray(preface.length);
    return splitFrames(bytes).map(describeFrame);
  }

  stream(id: number): Http2Stream {
    return this.users.get(id)!.stream;
  }

  /** Opens a stream (client role) with a head. */
  request(fields: FieldPairs, end: boolean): Http2Stream {
    const note = this.note;
    let user: RecordingUser | undefined;
    const stream = this.connection.openStream({
      onHead: (list, last) => user!.onHead(list, last),
      onData: (buffer, from, to, last) => user!.onData(buffer, from, to, last),
      onReset: (code, processed) => user!.onReset(code, processed),
      onDrain: () => user!.onDrain(),
      onSent: () => user!.onSent(),
    })!;
    user = new RecordingUser(stream, note);
    this.head(stream, fields, end);
    this.users.set(stream.id, user);
    return stream;
  }

  /** Sends a head on a stream. */
  head(stream: Http2Stream, fields: FieldPairs, end: boolean): void {
    const { encoder } = this.connection;
    encoder.begin();
    for (const [name, value] of fields) encoder.field(name, value);
    stream.sendHead(end);
  }

  onStream(stream: Http2Stream): StreamUser {
    const user = new RecordingUser(stream, this.note);
    this.users.set(stream.id, user);
    return user;
  }

  onOutput(): void {
    this.announced++;
  }

  onSettings(): void {
    this.note("settings");
  }

  onGoAway(last: number, code: number): void {
    this.note(`goaway ${last} ${codes[code]}`);
  }

  onPong(): void {
    this.note("pong");
  }

  onConnectionError(code: number, _reason: string, abuse: string): void {
    this.note(`error ${codes[code]}${abuse === "" ? "" : ` ${abuse}`}`);
  }
}
