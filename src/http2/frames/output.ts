import { FRAME_HEADER_SIZE, FRAME_SIZE, FrameType, Flag, writeFrameHeader, writeUint32 } from "./frame-type.ts";

/** One read of 64 KiB fits with the headers of its frames and a head before it. */
const SLAB_SIZE = 65_536 + 1024;
const MAX_FREE_SLABS = 64;

/** Slabs that no connection uses at the moment; more are left to the collector. */
const freeSlabs: Buffer[] = [];

const NO_SLAB = Buffer.alloc(0);

/** Below this many bytes a loop is faster than the call of a copying function. */
const SHORT_COPY = 32;

/** Copies source[from, to) to target at a position. */
export function copyBytes(source: Uint8Array, from: number, to: number, target: Buffer, at: number): void {
  if (to - from <= SHORT_COPY) for (let i = from, j = at; i < to;) target[j++] = source[i++];
  else if (from === 0 && to === source.length) target.set(source, at);
  else Buffer.prototype.copy.call(source, target, at, from, to);
}

/**
 * The frames that wait to be sent, one behind the other in large buffers, so that many frames go out by one write. A
 * connection without output holds no buffer.
 */
export class Output {
  private slab: Buffer = NO_SLAB;
  private used = 0;
  /** Full ones, before `slab`, and how much of each is used. */
  private readonly full: Buffer[] = [];
  private readonly fullUsed: number[] = [];
  /** Handed out by `take`, with the slabs that they are parts of. */
  private readonly taken: Buffer[] = [];
  private readonly takenSlabs: Buffer[] = [];
  /** Bytes that wait. */
  pending = 0;
  /** Bytes that were taken since the connection began; `takenBytes + pending` is the position of the next frame. */
  takenBytes = 0;

  /** Room without beginning another buffer. */
  get room(): number {
    return this.slab === NO_SLAB ? SLAB_SIZE : this.slab.length - this.used;
  }

  /** Makes room for that many bytes in one piece (at most a frame), and returns their position in `buffer`. */
  private reserve(length: number): number {
    if (this.slab.length - this.used < length) {
      if (this.used > 0) {
        this.full.push(this.slab);
        this.fullUsed.push(this.used);
      }
      this.slab = freeSlabs.pop() ?? Buffer.allocUnsafeSlow(SLAB_SIZE);
      this.used = 0;
    }
    const at = this.used;
    this.used = at + length;
    this.pending += length;
    return at;
  }

  /** Bytes as they are: the client's preface. */
  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    copyBytes(bytes, 0, bytes.length, this.slab, at);
  }

  /** A header block, in as many frames as it needs (RFC 9113 6.2, 6.10). */
  head(stream: number, block: Uint8Array, length: number, end: boolean): void {
    const first = Math.min(length, FRAME_SIZE);
    const flags = (end ? Flag.endStream : 0) | (first === length ? Flag.endHeaders : 0);
    this.block(FrameType.headers, flags, stream, block, 0, first);
    for (let from = first; from < length;) {
      const to = Math.min(length, from + FRAME_SIZE);
      this.block(FrameType.continuation, to === length ? Flag.endHeaders : 0, stream, block, from, to);
      from = to;
    }
  }

  private block(type: number, flags: number, stream: number, block: Uint8Array, from: number, to: number): void {
    const at = this.reserve(FRAME_HEADER_SIZE + to - from);
    writeFrameHeader(this.slab, at, to - from, type, flags, stream);
    copyBytes(block, from, to, this.slab, at + FRAME_HEADER_SIZE);
  }

  /** DATA with bytes[from, to), which must not be longer than a frame. */
  data(stream: number, bytes: Uint8Array, from: number, to: number, end: boolean): void {
    const at = this.reserve(FRAME_HEADER_SIZE + to - from);
    writeFrameHeader(this.slab, at, to - from, FrameType.data, end ? Flag.endStream : 0, stream);
    if (to > from) copyBytes(bytes, from, to, this.slab, at + FRAME_HEADER_SIZE);
  }

  /** The header of a DATA frame; returns where its `length` bytes of content go in `buffer`. */
  dataInto(stream: number, length: number, end: boolean): number {
    const at = this.reserve(FRAME_HEADER_SIZE + length);
    return writeFrameHeader(this.slab, at, length, FrameType.data, end ? Flag.endStream : 0, stream);
  }

  /** What positions returned by `dataInto` mean. */
  get buffer(): Buffer {
    return this.slab;
  }

  /** SETTINGS with identifiers and values in turn (RFC 9113 6.5.1). */
  settings(pairs: readonly number[]): void {
    const length = pairs.length * 3;
    let at = this.reserve(FRAME_HEADER_SIZE + length);
    at = writeFrameHeader(this.slab, at, length, FrameType.settings, 0, 0);
    for (let i = 0; i < pairs.length; i += 2) {
      this.slab[at] = pairs[i] >>> 8;
      this.slab[at + 1] = pairs[i];
      at = writeUint32(this.slab, at + 2, pairs[i + 1]);
    }
  }

  settingsAck(): void {
    const at = this.reserve(FRAME_HEADER_SIZE);
    writeFrameHeader(this.slab, at, 0, FrameType.settings, Flag.ack, 0);
  }

  /** PING with the 8 bytes at a position. */
  ping(ack: boolean, bytes: Uint8Array, from: number): void {
    const at = this.reserve(FRAME_HEADER_SIZE + 8);
    writeFrameHeader(this.slab, at, 8, FrameType.ping, ack ? Flag.ack : 0, 0);
    copyBytes(bytes, from, from + 8, this.slab, at + FRAME_HEADER_SIZE);
  }

  windowUpdate(stream: number, increment: number): void {
    const at = this.reserve(FRAME_HEADER_SIZE + 4);
    writeUint32(this.slab, writeFrameHeader(this.slab, at, 4, FrameType.windowUpdate, 0, stream), increment);
  }

  rstStream(stream: number, code: number): void {
    const at = this.reserve(FRAME_HEADER_SIZE + 4);
    writeUint32(this.slab, writeFrameHeader(this.slab, at, 4, FrameType.rstStream, 0, stream), code);
  }

  /** GOAWAY; `reason` is ASCII for whoever reads the peer's log (RFC 9113 6.8). */
  goAway(lastStream: number, code: number, reason: string): void {
    const length = 8 + reason.length;
    let at = this.reserve(FRAME_HEADER_SIZE + length);
    at = writeFrameHeader(this.slab, at, length, FrameType.goAway, 0, 0);
    at = writeUint32(this.slab, at, lastStream);
    at = writeUint32(this.slab, at, code);
    if (reason !== "") this.slab.latin1Write(reason, at);
  }

  /** The oldest buffer with frames, or null when nothing waits. It is the caller's until `recycle`. */
  take(): Buffer | null {
    let slab: Buffer;
    let used: number;
    if (this.full.length > 0) {
      slab = this.full.shift()!;
      used = this.fullUsed.shift()!;
    } else {
      if (this.used === 0) return null;
      slab = this.slab;
      used = this.used;
      this.slab = NO_SLAB;
      this.used = 0;
    }
    const bytes = slab.subarray(0, used);
    this.taken.push(bytes);
    this.takenSlabs.push(slab);
    this.pending -= used;
    this.takenBytes += used;
    return bytes;
  }

  /** Gives a buffer of `take` back, once its bytes are on their way. Others are ignored. */
  recycle(bytes: Buffer): void {
    const at = this.taken.indexOf(bytes);
    if (at < 0) return;
    const slab = this.takenSlabs[at];
    this.taken.splice(at, 1);
    this.takenSlabs.splice(at, 1);
    if (freeSlabs.length < MAX_FREE_SLABS) freeSlabs.push(slab);
  }
}
