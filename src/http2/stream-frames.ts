import type { ConnectionState } from "./connection-state.ts";
import { ErrorCode } from "./error-code.ts";
import type { FieldList } from "./field-list.ts";
import { readUint31, readUint32 } from "./frames/frame-type.ts";
import type { HeadBlocks } from "./head-blocks.ts";
import type { IdlePriorities } from "./idle-priorities.ts";
import { isIncremental, urgencyOf } from "./priority.ts";
import type { ConnectionStream } from "./stream.ts";

/** The head of an answer is not the final one: its status is 1xx. */
function isInformational(fields: FieldList): boolean {
  if (fields.count === 0) return false;
  const { name, value } = fields.fields[0];
  return name === ":status" && value.length === 3 && value.charCodeAt(0) === 49;
}

/** What frames on streams do to these (RFC 9113 5.1). */
export class StreamFrames {
  private readonly state: ConnectionState;
  private readonly heads: HeadBlocks;
  private readonly idlePriorities: IdlePriorities;

  constructor(state: ConnectionState, heads: HeadBlocks, idlePriorities: IdlePriorities) {
    this.state = state;
    this.heads = heads;
    this.idlePriorities = idlePriorities;
  }

  /** Nobody has opened the stream yet. */
  private isIdle(id: number): boolean {
    const { state } = this;
    const byClient = (id & 1) === 1;
    // A server never opens any here, because nobody enables push.
    if (!byClient) return true;
    return state.isServer ? id > state.lastPeerStream : id >= state.nextStream;
  }

  /** The stream is above the last one that our GOAWAY promises to work on: what comes on it is ignored (RFC 9113 6.8). */
  private isRefused(id: number): boolean {
    const { state } = this;
    return state.isServer && (id & 1) === 1 && id > state.goAwaySent;
  }

  // ---- heads

  /** A header block has been decoded. */
  head(id: number, end: boolean): void {
    const { state } = this;
    const stream = state.streams.get(id);
    if (stream !== undefined) return this.further(stream, end);
    if (this.isRefused(id)) return state.idleFrame();
    if (this.isIdle(id)) {
      if (!state.isServer || (id & 1) === 0)
        return state.fail(ErrorCode.protocolError, "HEADERS on a stream that the peer may not open");
      return this.request(id, end);
    }
    if (state.closedStreams.wasReset(id)) return state.idleFrame();
    if (state.closedStreams.hasEnded(id)) return state.fail(ErrorCode.streamClosed, "HEADERS on a closed stream");
    state.fail(ErrorCode.protocolError, "HEADERS on a stream that was passed over or closed long ago");
  }

  private request(id: number, end: boolean): void {
    const { state } = this;
    state.lastPeerStream = id;
    const priority = this.idlePriorities.take(id);
    if (!state.hasRoom) return state.refuseId(id);
    state.headsTaken++;
    const stream = state.open(id);
    stream.headReceived = true;
    stream.remoteEnded = end;
    stream.user = state.owner.onStream(stream);
    if (stream.closed) return;
    if (priority >= 0) {
      stream.setPriority(urgencyOf(priority), isIncremental(priority));
      stream.priorityFixed = true;
    }
    stream.user.onHead(this.heads.fields, end);
    if (end && stream.expectedLength > 0) state.streamError(stream, ErrorCode.protocolError);
  }

  /** An answer's head, or trailers. */
  private further(stream: ConnectionStream, end: boolean): void {
    const { state } = this;
    const { fields } = this.heads;
    if (stream.remoteEnded) return state.streamError(stream, ErrorCode.streamClosed);
    state.headsTaken++;
    if (stream.headReceived) {
      // Trailers end the stream; there is no other head behind the first (RFC 9113 8.1).
      if (!end) return state.streamError(stream, ErrorCode.protocolError);
      if (stream.expectedLength >= 0 && stream.receivedLength !== stream.expectedLength)
        return state.streamError(stream, ErrorCode.protocolError);
    } else {
      const informational = isInformational(fields);
      if (informational && end) return state.streamError(stream, ErrorCode.protocolError);
      stream.headReceived = !informational;
    }
    if (end) state.endRemote(stream);
    stream.user.onHead(fields, end);
    if (end && !stream.closed && stream.expectedLength > stream.receivedLength)
      state.streamError(stream, ErrorCode.protocolError);
  }

  // ---- DATA

  /**
   * A DATA frame begins, with content and padding of these lengths. Returns who gets the content; null if nobody does: then
   * it is credited already.
   */
  data(id: number, content: number, padding: number, end: boolean): ConnectionStream | null {
    const { state } = this;
    const length = content + padding;
    if (!state.credit.window.take(length)) {
      state.fail(ErrorCode.flowControlError, "DATA beyond the connection's window");
      return null;
    }
    if (content === 0 && !end && state.meter.empty()) {
      state.abuse("maxEmptyFrames");
      return null;
    }
    const stream = state.streams.get(id);
    if (stream === undefined) {
      this.dataWithoutStream(id);
      state.credit.give(length);
      return null;
    }
    const error = this.dataError(stream, content, length, end);
    if (error >= 0) {
      state.credit.give(length);
      state.streamError(stream, error);
      return null;
    }
    stream.receivedLength += content;
    stream.outstanding += content;
    if (padding > 0) {
      state.credit.giveStream(stream, padding);
      state.credit.give(padding);
    }
    return stream;
  }

  /** The code of the error that a DATA frame is on this stream, or -1. */
  private dataError(stream: ConnectionStream, content: number, length: number, end: boolean): number {
    if (stream.remoteEnded) return ErrorCode.streamClosed;
    if (!stream.headReceived) return ErrorCode.protocolError;
    if (!stream.receiveWindow.take(length)) return ErrorCode.flowControlError;
    const expected = stream.expectedLength;
    if (expected < 0) return -1;
    const received = stream.receivedLength + content;
    return received > expected || (end && received < expected) ? ErrorCode.protocolError : -1;
  }

  private dataWithoutStream(id: number): void {
    const { state } = this;
    if (id === 0) return state.fail(ErrorCode.protocolError, "DATA without a stream");
    if (this.isRefused(id)) return;
    if (this.isIdle(id)) return state.fail(ErrorCode.protocolError, "DATA on an idle stream");
    if (!state.closedStreams.wasReset(id)) state.resetId(id, ErrorCode.streamClosed, true);
  }

  /** Content for a stream; `end`: its last. */
  content(stream: ConnectionStream, buffer: Buffer, from: number, to: number, end: boolean): void {
    if (stream.closed) return;
    if (end) this.state.endRemote(stream);
    stream.user.onData(buffer, from, to, end);
  }

  // ---- the others

  /** RFC 9113 6.4. */
  rstStream(id: number, buffer: Buffer, from: number, to: number): void {
    const { state } = this;
    if (id === 0) return state.fail(ErrorCode.protocolError, "RST_STREAM without a stream");
    if (to - from !== 4) return state.fail(ErrorCode.frameSizeError, "RST_STREAM of a length other than 4");
    const stream = state.streams.get(id);
    if (stream === undefined) {
      if (!this.isRefused(id) && this.isIdle(id)) state.fail(ErrorCode.protocolError, "RST_STREAM on an idle stream");
      else state.idleFrame();
      return;
    }
    const code = readUint32(buffer, from);
    // Behind a complete answer a reset costs nobody anything (RFC 9113 8.1).
    const harmless = state.isServer ? stream.endSent : stream.remoteEnded;
    state.closedStreams.addEnded(id);
    state.abandon(stream, code, state.isServer || code !== ErrorCode.refusedStream);
    if (!harmless && state.meter.reset()) state.abuse("maxResets");
  }

  /** RFC 9113 6.9. */
  windowUpdate(id: number, buffer: Buffer, from: number, to: number): void {
    const { state } = this;
    if (to - from !== 4) return state.fail(ErrorCode.frameSizeError, "WINDOW_UPDATE of a length other than 4");
    state.idleFrame();
    if (state.over) return;
    const increment = readUint31(buffer, from);
    if (id === 0) {
      if (increment === 0) return state.fail(ErrorCode.protocolError, "WINDOW_UPDATE by nothing");
      if (!state.sender.widen(increment)) state.fail(ErrorCode.flowControlError, "the window exceeds 2^31-1");
      return;
    }
    const stream = state.streams.get(id);
    if (stream === undefined) {
      if (!this.isRefused(id) && this.isIdle(id))
        state.fail(ErrorCode.protocolError, "WINDOW_UPDATE on an idle stream");
    } else if (increment === 0) state.streamError(stream, ErrorCode.protocolError);
    else if (!state.sender.widenStream(stream, increment)) state.streamError(stream, ErrorCode.flowControlError);
  }

  /** RFC 9113 6.3: deprecated, and only looked at for its form. */
  priority(id: number, length: number): void {
    const { state } = this;
    if (id === 0) return state.fail(ErrorCode.protocolError, "PRIORITY without a stream");
    if (length === 5) return state.idleFrame();
    const stream = state.streams.get(id);
    if (stream !== undefined) state.streamError(stream, ErrorCode.frameSizeError);
    else if (this.isIdle(id)) state.fail(ErrorCode.frameSizeError, "PRIORITY of a length other than 5");
    else state.idleFrame();
  }
}
