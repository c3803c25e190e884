import { AbuseMeter } from "./abuse-meter.ts";
import { ClosedStreams } from "./closed-streams.ts";
import { ErrorCode } from "./error-code.ts";
import { initialReceiveWindow, ReceiveWindow } from "./flow-window.ts";
import { MAX_31_BITS } from "./frames/frame-type.ts";
import { IdleFrames } from "./idle-frames.ts";
import { OutputTurns } from "./output-turns.ts";
import type { Http2ConnectionOptions, Http2Owner, StreamUser } from "./peer.ts";
import { ReceiveCredit } from "./receive-credit.ts";
import { Sender } from "./sender.ts";
import { PeerSettings } from "./settings.ts";
import { ConnectionStream, type StreamHost } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";

/** Streams that the server has not told us a limit for yet: what RFC 9113 6.5.2 asks servers to allow at least. */
const STREAMS_BEFORE_SETTINGS = 100;

/**
 * Streams that a client may be refused for free as long as it has not acknowledged our settings. Most take 100 for granted,
 * some open what they have; one that never acknowledges has no right to more.
 */
const EARLY_REFUSALS = 1000;

/** When more than this waits for a peer that does not read, it gets no new streams. */
const MAX_BACKLOG = 256 * 1024;

/** A connection's streams, what they share, and how they and it come to an end. */
export class ConnectionState implements StreamHost {
  readonly options: Http2ConnectionOptions;
  readonly owner: Http2Owner;
  readonly isServer: boolean;
  readonly sender = new Sender();
  readonly streams = new StreamTable();
  readonly closedStreams = new ClosedStreams();
  readonly meter: AbuseMeter;
  readonly peer: PeerSettings;
  readonly turns: OutputTurns;
  readonly credit: ReceiveCredit;

  /** Streams that count against the limit of whoever opens them. */
  streamCount = 0;
  /** Highest stream that the peer has opened; the next that we open. */
  lastPeerStream = 0;
  nextStream = 1;
  /** Last streams in the GOAWAY that we have sent and that we have got. */
  goAwaySent = MAX_31_BITS;
  goAwayReceived = Infinity;
  settingsAcknowledged = false;
  /** Nothing is received any more. */
  over = false;

  private queuedReplies = 0;
  private readonly idleFrames: IdleFrames;
  /** Heads of the peer that were taken. */
  headsTaken = 0;
  private earlyRefusals = 0;

  constructor(options: Http2ConnectionOptions, owner: Http2Owner) {
    this.options = options;
    this.owner = owner;
    this.isServer = options.role === "server";
    this.meter = new AbuseMeter(options.limits, options.now);
    this.idleFrames = new IdleFrames(options.limits.maxEmptyFrames, options.now);
    this.peer = new PeerSettings(!this.isServer);
    this.turns = new OutputTurns(this.sender, owner);
    this.credit = new ReceiveCredit(options, this.sender, this.turns);
  }

  // ---- opening and closing

  /** Streams of ours that may be open at one time. */
  get peerMaxStreams(): number {
    return this.peer.received ? this.peer.maxConcurrentStreams : STREAMS_BEFORE_SETTINGS;
  }

  /** A new stream of the peer can be worked on. */
  get hasRoom(): boolean {
    if (this.streamCount >= this.options.maxConcurrentStreams) return false;
    return !this.sender.blocked || this.sender.output.pending <= MAX_BACKLOG;
  }

  get canOpen(): boolean {
    if (this.isServer || this.over || this.goAwayReceived !== Infinity) return false;
    return this.streamCount < this.peerMaxStreams && this.nextStream + 2 * this.unsentHeads <= MAX_31_BITS;
  }

  /** Streams of ours whose head was not sent. */
  private unsentHeads = 0;

  /** A stream of the peer (server role), or one of ours that gets its identifier later. */
  open(id: number): ConnectionStream {
    const { streamWindow } = this.options;
    const window = new ReceiveWindow(streamWindow, initialReceiveWindow(streamWindow, this.settingsAcknowledged));
    const stream = new ConnectionStream(this, id, this.sender.initialWindow, window);
    this.streamCount++;
    this.streams.add(stream);
    return stream;
  }

  openOurs(user: StreamUser): ConnectionStream | null {
    if (!this.canOpen) return null;
    const stream = this.open(0);
    stream.user = user;
    this.unsentHeads++;
    return stream;
  }

  /** The stream leaves the connection. */
  close(stream: ConnectionStream): void {
    stream.closed = true;
    this.sender.forget(stream);
    this.streams.remove(stream);
    if (stream.id === 0) this.unsentHeads--;
    if (!this.isServer || stream.released) this.streamCount--;
  }

  /** The peer has sent its last: an end. */
  endRemote(stream: ConnectionStream): void {
    stream.remoteEnded = true;
    if (stream.endSent) this.closeProperly(stream);
  }

  private endLocal(stream: ConnectionStream): void {
    stream.endSent = true;
    if (stream.remoteEnded) this.closeProperly(stream);
    stream.user.onSent();
  }

  private closeProperly(stream: ConnectionStream): void {
    this.closedStreams.addEnded(stream.id);
    this.close(stream);
  }

  /** The peer has reset it, or the connection has ended. */
  abandon(stream: ConnectionStream, code: number, processed: boolean): void {
    this.close(stream);
    this.credit.giveOutstanding(stream);
    stream.user.onReset(code, processed);
  }

  releaseStream(stream: ConnectionStream): void {
    if (stream.released) return;
    stream.released = true;
    this.credit.giveOutstanding(stream);
    if (this.isServer && stream.closed) this.streamCount--;
  }

  // ---- errors

  resetStream(stream: ConnectionStream, code: number, provoked: boolean): void {
    if (stream.closed) return;
    this.close(stream);
    this.credit.giveOutstanding(stream);
    if (stream.id !== 0) this.resetId(stream.id, code, provoked);
  }

  /** The peer has violated what holds for the stream (RFC 9113 5.4.2). */
  streamError(stream: ConnectionStream, code: number): void {
    if (stream.closed) return;
    this.close(stream);
    this.credit.giveOutstanding(stream);
    this.writeReset(stream.id, code);
    stream.user.onReset(code, true);
    this.countReset(true);
  }

  /** A stream of the peer finds no room. Before it knows our settings, a client may rightly open more than they allow. */
  refuseId(id: number): void {
    this.resetId(id, ErrorCode.refusedStream, this.settingsAcknowledged || ++this.earlyRefusals > EARLY_REFUSALS);
  }

  /** A frame has come that moves nothing by itself. */
  idleFrame(): void {
    if (this.idleFrames.add(this.headsTaken + this.sender.usefulFrames)) this.abuse("maxEmptyFrames");
  }

  /** RST_STREAM for a stream that is not in the table (any more). */
  resetId(id: number, code: number, provoked: boolean): void {
    if (this.over) return;
    this.writeReset(id, code);
    this.countReset(provoked);
  }

  private writeReset(id: number, code: number): void {
    this.sender.output.rstStream(id, code);
    this.closedStreams.addReset(id);
  }

  private countReset(provoked: boolean): void {
    this.countReply();
    if (provoked && this.meter.reset()) this.abuse("maxResets");
    this.turns.announce();
  }

  /** A limit is exceeded: the connection ends. */
  abuse(limit: string): void {
    this.fail(ErrorCode.enhanceYourCalm, `${limit} is exceeded`, limit);
  }

  /** An error of the connection (RFC 9113 5.4.1). */
  fail(code: number, reason: string, abuse = ""): void {
    if (this.over) return;
    this.end();
    this.sender.output.goAway(Math.min(this.lastPeerStream, this.goAwaySent), code, reason);
    this.abandonAll(code);
    this.owner.onConnectionError(code, reason, abuse);
    this.turns.announce();
  }

  /** The socket is gone. */
  socketClosed(): void {
    if (this.over) return;
    this.end();
    this.abandonAll(ErrorCode.cancel);
  }

  private end(): void {
    this.over = true;
    this.credit.stopped = true;
  }

  private abandonAll(code: number): void {
    const { takenBytes } = this.sender.output;
    for (let stream = this.streams.first; stream !== null; stream = this.streams.first) {
      const unsent = stream.headAt < 0 || stream.headAt >= takenBytes;
      this.abandon(stream, code, this.isServer || !unsent);
    }
  }

  /** Streams of ours above the last that the peer works on are over, those that have not begun too. */
  abandonAbove(last: number): void {
    let next: ConnectionStream | null = null;
    for (let stream = this.streams.first; stream !== null; stream = next) {
      next = stream.next;
      if (stream.id !== 0 && stream.id <= last) continue;
      if (stream.id !== 0) this.closedStreams.addReset(stream.id);
      this.abandon(stream, ErrorCode.refusedStream, false);
      // The user may have ended others meanwhile.
      next = this.streams.first;
    }
  }

  /** An answer waits that the peer has made us send. */
  countReply(): void {
    if (this.sender.blocked && ++this.queuedReplies > this.options.limits.maxQueuedReplies)
      this.abuse("maxQueuedReplies");
  }

  // ---- sending

  sendHead(stream: ConnectionStream, end: boolean): void {
    if (stream.sendingEnded) throw new Error("a head on a stream that is over: ask sendingEnded before encoder.begin");
    if (stream.id === 0) {
      stream.id = this.nextStream;
      this.nextStream += 2;
      this.unsentHeads--;
      this.streams.index(stream);
    }
    if (this.sender.head(stream, end)) {
      stream.localEnded = true;
      this.endLocal(stream);
    } else stream.localEnded = end;
    this.turns.announce();
  }

  sendData(stream: ConnectionStream, bytes: Uint8Array, end: boolean, from: number, to: number): void {
    if (stream.localEnded || stream.closed) return;
    if (stream.headAt < 0) throw new Error("DATA before a head");
    stream.localEnded = end;
    if (this.sender.data(stream, bytes, end, from, to)) this.endLocal(stream);
    this.turns.announce();
  }

  reprioritized(stream: ConnectionStream): void {
    this.sender.reschedule(stream);
  }

  consumed(stream: ConnectionStream, bytes: number): void {
    this.credit.consumed(stream, bytes);
  }

  takeOutput(): Buffer | null {
    const { sender } = this;
    if (!this.over) sender.fill();
    const bytes = sender.output.take();
    if (sender.output.pending === 0) this.queuedReplies = 0;
    if (sender.advanced.length > 0) this.tellAdvanced();
    if (bytes === null) this.turns.allTaken();
    return bytes;
  }

  private tellAdvanced(): void {
    const { advanced } = this.sender;
    this.turns.enter();
    for (let i = 0; i < advanced.length; i++) {
      const stream = advanced[i];
      if (stream.closed) continue;
      if (stream.localEnded && stream.queue.length === 0 && !stream.endSent) this.endLocal(stream);
      else if (stream.drained && !stream.localEnded) {
        stream.drained = false;
        stream.user.onDrain();
      }
    }
    advanced.length = 0;
    this.turns.leave();
  }
}
