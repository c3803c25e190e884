import type { ConnectionState } from "./connection-state.ts";
import { ControlFrames } from "./control-frames.ts";
import { ErrorCode } from "./error-code.ts";
import type { FrameSink } from "./frames/frame-reader.ts";
import { Flag, FrameType, readUint31 } from "./frames/frame-type.ts";
import { HeadBlocks } from "./head-blocks.ts";
import { IdlePriorities } from "./idle-priorities.ts";
import { isIncremental, parsePriority, urgencyOf } from "./priority.ts";
import type { ConnectionStream } from "./stream.ts";
import { StreamFrames } from "./stream-frames.ts";

/** Bytes of a PRIORITY_UPDATE that are looked at; no meaningful value is longer. */
const MAX_PRIORITY = 256;

const NO_BYTES = Buffer.alloc(0);

/** What frames mean (RFC 9113 section 6), one after the other. */
export class Receiver implements FrameSink {
  private readonly state: ConnectionState;
  private readonly heads: HeadBlocks;
  readonly control: ControlFrames;
  private readonly stream: StreamFrames;
  private readonly idlePriorities = new IdlePriorities();
  private begun = false;
  /** Who gets the content of the DATA frame that is under way; null: nobody. */
  private reader: ConnectionStream | null = null;
  private readerEnds = false;

  constructor(state: ConnectionState) {
    this.state = state;
    this.heads = new HeadBlocks(state.options);
    this.control = new ControlFrames(state, this.heads);
    this.stream = new StreamFrames(state, this.heads, this.idlePriorities);
  }

  get over(): boolean {
    return this.state.over;
  }

  onFrame(type: number, flags: number, stream: number, buffer: Buffer, from: number, to: number): void {
    if (!this.expected(type, flags, stream)) return;
    switch (type) {
      case FrameType.headers:
        return this.headers(flags, stream, buffer, from, to);
      case FrameType.windowUpdate:
        return this.stream.windowUpdate(stream, buffer, from, to);
      case FrameType.rstStream:
        return this.stream.rstStream(stream, buffer, from, to);
      case FrameType.continuation:
        return this.continuation(flags, stream, buffer, from, to);
      case FrameType.settings:
        return this.control.settings(flags, stream, buffer, from, to);
      case FrameType.ping:
        return this.control.ping(flags, stream, buffer, from, to);
      case FrameType.goAway:
        return this.control.goAway(stream, buffer, from, to);
      case FrameType.priority:
        return this.stream.priority(stream, to - from);
      case FrameType.priorityUpdate:
        return this.priorityUpdate(stream, buffer, from, to);
      case FrameType.pushPromise:
        return this.state.fail(ErrorCode.protocolError, "PUSH_PROMISE, which nobody may send here");
      default:
        // Unknown frames are to be ignored (RFC 9113 4.1), and to be counted.
        this.state.idleFrame();
    }
  }

  /** Whether this frame may come now: SETTINGS is the first (RFC 9113 3.4), and nothing parts a header block (4.3). */
  private expected(type: number, flags: number, stream: number): boolean {
    if (!this.begun) {
      if (type !== FrameType.settings || (flags & Flag.ack) !== 0) {
        this.state.fail(ErrorCode.protocolError, "the first frame is not SETTINGS");
        return false;
      }
      this.begun = true;
    }
    const block = this.heads.stream;
    if (block !== 0 && (type !== FrameType.continuation || stream !== block)) {
      this.state.fail(ErrorCode.protocolError, "a header block is parted by another frame");
      return false;
    }
    return true;
  }

  onBadLength(type: number, stream: number, padding: boolean): void {
    if (padding) this.state.fail(ErrorCode.protocolError, "padding is as long as its frame");
    else
      this.state.fail(ErrorCode.frameSizeError, `a frame of type ${type} has no length that it may have (${stream})`);
  }

  // ---- DATA

  onDataFrame(flags: number, stream: number, content: number, padding: number): void {
    this.reader = null;
    if (!this.expected(FrameType.data, flags, stream)) return;
    const end = (flags & Flag.endStream) !== 0;
    const reader = this.stream.data(stream, content, padding, end);
    if (reader === null) return;
    if (content === 0) {
      if (end) this.stream.content(reader, NO_BYTES, 0, 0, true);
      return;
    }
    this.reader = reader;
    this.readerEnds = end;
  }

  onContent(buffer: Buffer, from: number, to: number, left: number): void {
    const { reader } = this;
    if (reader !== null) this.stream.content(reader, buffer, from, to, left === 0 && this.readerEnds);
  }

  // ---- header blocks

  private headers(flags: number, stream: number, buffer: Buffer, from: number, to: number): void {
    if (stream === 0) return this.state.fail(ErrorCode.protocolError, "HEADERS without a stream");
    if ((flags & (Flag.padded | Flag.priority)) !== 0) {
      let padding = 0;
      let start = from;
      if ((flags & Flag.padded) !== 0) {
        if (from === to) return this.onBadLength(FrameType.headers, stream, false);
        padding = buffer[start++];
      }
      if ((flags & Flag.priority) !== 0) start += 5;
      if (start > to) return this.onBadLength(FrameType.headers, stream, false);
      if (start + padding > to) return this.onBadLength(FrameType.headers, stream, true);
      from = start;
      to -= padding;
    }
    const end = (flags & Flag.endStream) !== 0;
    if ((flags & Flag.endHeaders) !== 0) return this.decoded(stream, end, this.heads.decode(buffer, from, to));
    this.heads.begin(stream, end);
    this.addFragment(buffer, from, to);
  }

  private continuation(flags: number, stream: number, buffer: Buffer, from: number, to: number): void {
    const { heads, state } = this;
    if (heads.stream === 0) return state.fail(ErrorCode.protocolError, "CONTINUATION without a header block");
    if (++heads.continuations > state.options.limits.maxContinuations) return state.abuse("maxContinuations");
    this.addFragment(buffer, from, to);
    if (state.over || (flags & Flag.endHeaders) === 0) return;
    const { end } = heads;
    this.decoded(stream, end, heads.finish());
  }

  private addFragment(buffer: Buffer, from: number, to: number): void {
    if (from === to && this.state.meter.empty()) return this.state.abuse("maxEmptyFrames");
    if (!this.heads.add(buffer, from, to)) this.state.abuse("maxHeadSize");
  }

  private decoded(stream: number, end: boolean, problem: string | null): void {
    if (problem !== null) this.state.fail(ErrorCode.compressionError, problem);
    else this.stream.head(stream, end);
  }

  // ---- priorities

  /** RFC 9218 7.1. */
  private priorityUpdate(stream: number, buffer: Buffer, from: number, to: number): void {
    const { state, idlePriorities } = this;
    if (!state.isServer) return state.fail(ErrorCode.protocolError, "PRIORITY_UPDATE from a server");
    if (stream !== 0) return state.fail(ErrorCode.protocolError, "PRIORITY_UPDATE on a stream");
    if (to - from < 4) return state.fail(ErrorCode.frameSizeError, "PRIORITY_UPDATE of less than 4 bytes");
    const id = readUint31(buffer, from);
    if (id % 2 === 0) return state.fail(ErrorCode.protocolError, "PRIORITY_UPDATE for a stream that is no request");
    state.idleFrame();
    if (state.over) return;
    const priority = parsePriority(buffer.latin1Slice(from + 4, Math.min(to, from + 4 + MAX_PRIORITY)));
    const known = state.streams.get(id);
    if (known !== undefined) {
      known.setPriority(urgencyOf(priority), isIncremental(priority));
      known.priorityFixed = true;
    } else if (id > state.lastPeerStream) {
      if (!idlePriorities.has(id) && idlePriorities.size + state.streamCount >= state.options.maxConcurrentStreams)
        return state.fail(ErrorCode.protocolError, "PRIORITY_UPDATE for more streams than there may be");
      idlePriorities.set(id, priority);
    }
  }
}
