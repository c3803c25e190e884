import { Flag, FRAME_HEADER_SIZE, FrameType, readUint31 } from "./frame-type.ts";

/** Who gets the frames. Buffers are valid until the call returns. */
export interface FrameSink {
  /** Nothing more is wanted: the connection is over. Looked at after every call. */
  readonly over: boolean;
  /** A whole frame other than DATA, its payload in buffer[from, to). Of types that are not known, only the header. */
  onFrame(type: number, flags: number, stream: number, buffer: Buffer, from: number, to: number): void;
  /** A DATA frame begins. `content` bytes of it are content, `padding` the rest: the padding and the byte with its length. */
  onDataFrame(flags: number, stream: number, content: number, padding: number): void;
  /** Content of the DATA frame that has begun last, in buffer[from, to), `left` bytes of it still to come. */
  onContent(buffer: Buffer, from: number, to: number, left: number): void;
  /** A frame that cannot be: longer than we allow, or shorter than its flags say. `padding`: by its padding. */
  onBadLength(type: number, stream: number, padding: boolean): void;
}

// What comes next.
const HEADER = 0;
const CONTENT = 1;
const SKIPPED = 2;
const PAYLOAD = 3;

const NO_BUFFER = Buffer.alloc(0);

/**
 * Tells the frames in a stream of bytes apart (RFC 9113 4.1), however it is cut. Content of DATA frames goes on piece by
 * piece; other frames are gathered when a read ends within one, up to `maxFrameSize` bytes.
 */
export class FrameReader {
  private readonly sink: FrameSink;
  private readonly maxFrameSize: number;
  private state = HEADER;
  /** The header (and length of padding) that is under way when a read ends within it. */
  private readonly header = Buffer.alloc(FRAME_HEADER_SIZE + 1);
  private headerLength = 0;
  /** Of the frame that is under way. */
  private type = 0;
  private flags = 0;
  private stream = 0;
  /** Bytes to come of what the state says, and of the padding behind content. */
  private left = 0;
  private padding = 0;
  private gathered: Buffer = NO_BUFFER;

  constructor(sink: FrameSink, maxFrameSize: number) {
    this.sink = sink;
    this.maxFrameSize = maxFrameSize;
  }

  /** No frame is under way. */
  get atBoundary(): boolean {
    return this.state === HEADER && this.headerLength === 0;
  }

  /** Takes the bytes in buffer[from, to). */
  read(buffer: Buffer, from: number, to: number): void {
    const sink = this.sink;
    let at = from;
    while (at < to && !sink.over) {
      if (this.state !== HEADER) at = this.readPayload(buffer, at, to);
      else if (this.headerLength === 0 && to - at > FRAME_HEADER_SIZE) at = this.begin(buffer, at, to);
      else at = this.gatherHeader(buffer, at, to);
    }
  }

  private gatherHeader(buffer: Buffer, from: number, to: number): number {
    const header = this.header;
    let at = from;
    while (at < to && this.headerLength < FRAME_HEADER_SIZE) header[this.headerLength++] = buffer[at++];
    if (this.headerLength < FRAME_HEADER_SIZE) return at;
    if (header[3] === FrameType.data && (header[4] & Flag.padded) !== 0 && this.payloadLength(header, 0) > 0) {
      // The byte with the length of the padding is taken together with the header.
      if (at === to) return at;
      header[this.headerLength++] = buffer[at++];
    }
    const length = this.headerLength;
    this.headerLength = 0;
    this.begin(header, 0, length);
    return at;
  }

  private payloadLength(buffer: Buffer, at: number): number {
    return (buffer[at] << 16) | (buffer[at + 1] << 8) | buffer[at + 2];
  }

  /** Takes a frame whose header stands at `at`, with the byte behind it if that is needed; returns what follows. */
  private begin(buffer: Buffer, at: number, to: number): number {
    const length = (buffer[at] << 16) | (buffer[at + 1] << 8) | buffer[at + 2];
    const type = buffer[at + 3];
    const flags = buffer[at + 4];
    const stream = readUint31(buffer, at + 5);
    const payload = at + FRAME_HEADER_SIZE;
    if (length > this.maxFrameSize) {
      this.sink.onBadLength(type, stream, false);
      return to;
    }
    if (type === FrameType.data) return this.beginData(buffer, payload, to, flags, stream, length);
    if (type > FrameType.continuation && type !== FrameType.priorityUpdate) {
      this.sink.onFrame(type, flags, stream, buffer, payload, payload);
      this.skip(length);
      return payload;
    }
    if (payload + length <= to) {
      this.sink.onFrame(type, flags, stream, buffer, payload, payload + length);
      return payload + length;
    }
    this.type = type;
    this.flags = flags;
    this.stream = stream;
    this.left = length;
    this.gathered = Buffer.allocUnsafe(length);
    this.state = PAYLOAD;
    return payload;
  }

  private beginData(buffer: Buffer, at: number, to: number, flags: number, stream: number, length: number): number {
    let padding = 0;
    let from = at;
    if ((flags & Flag.padded) !== 0) {
      padding = length === 0 ? 1 : buffer[at] + 1;
      if (padding > length) {
        this.sink.onBadLength(FrameType.data, stream, length > 0);
        return to;
      }
      from++;
    }
    const content = length - padding;
    this.sink.onDataFrame(flags, stream, content, padding);
    const rest = from === at ? 0 : padding - 1;
    if (content === 0) {
      this.skip(rest);
      return from;
    }
    if (from + content <= to) {
      this.sink.onContent(buffer, from, from + content, 0);
      this.skip(rest);
      return from + content;
    }
    this.left = content;
    this.padding = rest;
    this.state = CONTENT;
    return from;
  }

  private skip(length: number): void {
    if (length === 0) return;
    this.left = length;
    this.state = SKIPPED;
  }

  private readPayload(buffer: Buffer, at: number, to: number): number {
    const end = Math.min(to, at + this.left);
    const left = (this.left -= end - at);
    if (this.state === CONTENT) {
      if (left === 0) this.endContent();
      this.sink.onContent(buffer, at, end, left);
    } else if (this.state === SKIPPED) {
      if (left === 0) this.state = HEADER;
    } else {
      const gathered = this.gathered;
      buffer.copy(gathered, gathered.length - left - (end - at), at, end);
      if (left === 0) {
        this.state = HEADER;
        this.gathered = NO_BUFFER;
        this.sink.onFrame(this.type, this.flags, this.stream, gathered, 0, gathered.length);
      }
    }
    return end;
  }

  private endContent(): void {
    this.state = HEADER;
    this.skip(this.padding);
  }
}
