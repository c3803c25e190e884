import { FRAME_HEADER_SIZE, FRAME_SIZE, INITIAL_WINDOW, MAX_31_BITS } from "./frames/frame-type.ts";
import { Output } from "./frames/output.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import { Scheduler } from "./scheduler.ts";
import type { ConnectionStream } from "./stream.ts";

/** As long as less waits in the output, bodies go there directly: by one copy. What comes then waits in its stream, for its turn. */
const DIRECT_LIMIT = 64 * 1024;

/** A stream with more unsent bytes wants no more; one with less wants more again. */
const HIGH_WATER = 64 * 1024;
const LOW_WATER = 16 * 1024;

/** Rather than beginning a shorter frame at the end of a buffer, the next buffer is waited for. */
const MIN_FRAME = 1024;

/**
 * A part of a body with fewer bytes is one that the peer gets by opening its windows byte by byte: that does not count as
 * work that updates are for. Small devices have windows of a few hundred bytes, and update them by halves.
 */
const USEFUL_FRAME = 64;

/** What a connection sends: heads at once, bodies as the peer's windows and the socket allow (RFC 9113 5.2, 6.9). */
export class Sender {
  readonly output = new Output();
  readonly encoder = new HpackEncoder();
  private readonly scheduler = new Scheduler();
  /** The socket does not take more. */
  blocked = false;
  /** Window of the connection, and the one that new streams get from the peer's settings. */
  window = INITIAL_WINDOW;
  initialWindow = INITIAL_WINDOW;
  /** Bytes of bodies that were sent. */
  sentBytes = 0;
  /** Frames of bodies that were sent, other than those that a small window has made small. */
  usefulFrames = 0;
  /** Bytes that wait in all streams. */
  queuedBytes = 0;
  /** Streams that `fill` has sent to their end, or so far that they want more. */
  readonly advanced: ConnectionStream[] = [];

  /** Something can be sent. */
  get hasOutput(): boolean {
    return this.output.pending > 0 || (!this.scheduler.empty && this.window > 0 && !this.blocked);
  }

  /** Sends the encoder's block. True if it went out with the end of the stream. */
  head(stream: ConnectionStream, end: boolean): boolean {
    const { encoder, output } = this;
    if (stream.queue.length > 0) {
      if (!encoder.independent || !end) throw new Error("trailers that have to wait need encoder.begin(true), and end");
      stream.trailers = Buffer.from(encoder.buffer.subarray(0, encoder.length));
      return false;
    }
    if (stream.headAt < 0) stream.headAt = output.takenBytes + output.pending;
    output.head(stream.id, encoder.buffer, encoder.length, end);
    return end;
  }

  /** Sends or keeps bytes[from, to). True if the end of the stream went out. */
  data(stream: ConnectionStream, bytes: Uint8Array, end: boolean, from: number, to: number): boolean {
    const { output } = this;
    if (from === to) {
      if (!end || stream.queue.length > 0) return false;
      output.data(stream.id, bytes, from, from, true);
      return true;
    }
    let at = from;
    if (stream.queue.length === 0 && this.scheduler.empty && !this.blocked) {
      while (at < to && output.pending < DIRECT_LIMIT) {
        const count = Math.min(to - at, FRAME_SIZE, this.window, stream.sendWindow);
        if (count <= 0) break;
        this.spend(stream, count);
        if (at + count === to || count >= USEFUL_FRAME) this.usefulFrames++;
        output.data(stream.id, bytes, at, at + count, end && at + count === to);
        at += count;
      }
      if (at === to) return end;
    }
    stream.queue.append(bytes, at, to);
    this.queuedBytes += to - at;
    if (stream.queue.length > HIGH_WATER) stream.needsDrain = true;
    if (stream.sendWindow > 0) this.scheduler.add(stream);
    return false;
  }

  private spend(stream: ConnectionStream, count: number): void {
    this.window -= count;
    this.sentBytes += count;
    stream.sendWindow -= count;
  }

  /** Puts waiting bytes into the output, up to a buffer full. */
  fill(): void {
    const { scheduler, output } = this;
    if (this.blocked) return;
    while (!scheduler.empty && this.window > 0) {
      const stream = scheduler.choose();
      const count = Math.min(stream.queue.length, stream.sendWindow, this.window, FRAME_SIZE);
      const room = output.room - FRAME_HEADER_SIZE;
      if (room < count && room < MIN_FRAME) return;
      this.sendQueued(stream, Math.min(count, room));
    }
  }

  private sendQueued(stream: ConnectionStream, count: number): void {
    const { queue } = stream;
    const last = queue.length === count;
    const ends = last && stream.localEnded;
    const at = this.output.dataInto(stream.id, count, ends && stream.trailers === null);
    queue.moveTo(this.output.buffer, at, count);
    this.queuedBytes -= count;
    this.spend(stream, count);
    if (last || count >= USEFUL_FRAME) this.usefulFrames++;
    if (ends && stream.trailers !== null) this.sendTrailers(stream, stream.trailers);
    if (stream.needsDrain && queue.length <= LOW_WATER) {
      stream.needsDrain = false;
      stream.drained = true;
    }
    if (stream.drained || ends) this.advanced.push(stream);
    if (last || stream.sendWindow <= 0) this.scheduler.remove(stream);
    else this.scheduler.sent(stream, count);
  }

  private sendTrailers(stream: ConnectionStream, trailers: Buffer): void {
    stream.trailers = null;
    // A change of the table's size has to stand at the beginning of the next block that is sent, whichever it is.
    this.encoder.begin();
    const { buffer, length } = this.encoder;
    const block = length === 0 ? trailers : Buffer.concat([buffer.subarray(0, length), trailers]);
    this.output.head(stream.id, block, block.length, true);
  }

  /** The stream is over: what waits is dropped. */
  forget(stream: ConnectionStream): void {
    this.scheduler.remove(stream);
    this.queuedBytes -= stream.queue.length;
    stream.queue.clear();
    stream.trailers = null;
    stream.needsDrain = false;
    stream.drained = false;
  }

  /** Urgency has changed. */
  reschedule(stream: ConnectionStream): void {
    if (stream.scheduledAt < 0) return;
    this.scheduler.remove(stream);
    this.scheduler.add(stream);
  }

  /** The peer allows that many bytes more. False if that is more than a window can be. */
  widen(increment: number): boolean {
    this.window += increment;
    return this.window <= MAX_31_BITS;
  }

  /** The same for a stream; negative when the peer's settings have made its windows smaller. */
  widenStream(stream: ConnectionStream, increment: number): boolean {
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_31_BITS) return false;
    if (stream.sendWindow <= 0) this.scheduler.remove(stream);
    else if (stream.queue.length > 0) this.scheduler.add(stream);
    return true;
  }
}
