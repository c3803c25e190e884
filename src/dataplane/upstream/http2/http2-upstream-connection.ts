import type { ProxyError } from "../../../core/errors.ts";
import { Http2Connection } from "../../../http2/connection.ts";
import { ErrorCode } from "../../../http2/error-code.ts";
import type { HpackEncoder } from "../../../http2/hpack/encoder.ts";
import type { Http2Owner, StreamUser } from "../../../http2/peer.ts";
import type { Timed } from "../../timer-wheel.ts";
import {
  giveReadBuffer,
  sharedReadBuffer,
  takeReadBuffer,
  type StreamSocket,
  type TransportOwner,
} from "../../transport.ts";
import type { SharedConnection } from "../server-connection.ts";
import type { ServerHome, UpstreamUser } from "../upstream-user.ts";
import { connectionOptions } from "./connection-options.ts";
import type { StreamHost } from "./stream-host.ts";
import { StreamList } from "./stream-list.ts";
import { UpstreamStream } from "./upstream-stream.ts";

/** The server's first SETTINGS have not come; */
const PREFACE = 0;
/** requests are sent; */
const OPEN = 1;
/** the connection takes no more and ends with the last one; */
const LEAVING = 2;
/** it is over. */
const CLOSED = 3;

/** A server that says nothing for so long, in ms, while requests wait for it, is asked whether it is there, */
const SILENCE = 10_000;
/** and has this long to answer (RFC 9113 6.7). */
const PING_TIMEOUT = 5000;

/** Who is told about connections of this kind. */
export interface Http2Home extends ServerHome {
  /** There is room again, or there will never be any; nobody may be using the connection any more. */
  sharedFreed(connection: SharedConnection): void;
  sharedClosed(connection: SharedConnection): void;
}

/** What waits for the connection to be made. */
export interface Http2Opening {
  ready(): void;
  failed(reason: string, code: string | undefined): void;
}

/**
 * One HTTP/2 connection to a server: a socket, the protocol's codec, and the streams of the requests on it. What is to be
 * sent is gathered and leaves by one write per turn of the event loop.
 */
export class Http2UpstreamConnection implements TransportOwner, Timed, Http2Owner, StreamHost, SharedConnection {
  /** Bodies are handed on as they lie, so it is not shared. */
  readBuffer: Buffer = takeReadBuffer();
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly home: Http2Home;
  lost = false;
  readonly #socket: StreamSocket;
  readonly #opening: Http2Opening;
  readonly #codec: Http2Connection;
  /** The window of the connection is made for so many. */
  readonly #maxStreams: number;
  #state = PREFACE;
  readonly #streams = new StreamList();
  #uses = 0;
  #hasAnswered = false;
  #held: UpstreamStream | null = null;
  /** The buffer that is being read, if it is the connection's own. */
  #reading: Buffer | null = null;
  #flushing = false;
  #heardAt: number;
  #pinged = false;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(home: Http2Home, socket: StreamSocket, opening: Http2Opening) {
    this.home = home;
    this.#socket = socket;
    this.#opening = opening;
    this.#heardAt = home.context.now;
    this.#maxStreams = home.config.maxStreams;
    this.#codec = new Http2Connection(connectionOptions(home), this);
  }

  /** Sends the preface and our SETTINGS. Separate from the constructor: the socket must know its owner first. */
  begin(): void {
    this.#codec.start();
  }

  // --- requests ---

  get unused(): boolean {
    return this.#streams.size === 0;
  }

  get leaving(): boolean {
    return this.#state !== OPEN;
  }

  get hasRoom(): boolean {
    return this.#state === OPEN && this.#streams.size < this.#maxStreams && this.#codec.canOpen;
  }

  get capacity(): number {
    return Math.min(this.#maxStreams, this.#codec.peerMaxStreams);
  }

  get reused(): boolean {
    return this.#hasAnswered;
  }

  get encoder(): HpackEncoder {
    return this.#codec.encoder;
  }

  get allowsConnectProtocol(): boolean {
    return this.#codec.peerAllowsConnectProtocol;
  }

  open(user: UpstreamUser): UpstreamStream {
    const stream = new UpstreamStream(this, user);
    stream.attach(this.#codec.openStream(stream)!);
    const most = this.home.config.maxRequestsPerConnection;
    if (++this.#uses === most) this.#state = LEAVING;
    // While it was unused, silence meant nothing.
    if (this.#streams.size === 0) {
      this.#heardAt = this.home.context.now;
      this.#wait(SILENCE);
    }
    this.#streams.add(stream);
    return stream;
  }

  ended(stream: UpstreamStream, answered: boolean): void {
    if (answered) this.#hasAnswered = true;
    this.#streams.remove(stream);
    if (this.#state === CLOSED) return;
    this.#countBytes();
    if (this.#streams.size === 0) {
      this.#pinged = false;
      if (this.#state === LEAVING) return this.#goodbye();
      this.#wait(this.home.config.idleTimeout);
    }
    this.home.sharedFreed(this);
  }

  hold(stream: UpstreamStream): void {
    this.#held = stream;
  }

  flushHeld(): void {
    this.#held?.flushHead(false);
  }

  letGo(stream: UpstreamStream): void {
    if (this.#held === stream) this.#held = null;
  }

  takeBuffer(): void {
    if (this.#reading === this.readBuffer) this.readBuffer = takeReadBuffer();
  }

  unanswered(before: number, after: number): number {
    return this.#streams.unanswered(before, after);
  }

  moveUnanswered(error: ProxyError, before: number): void {
    this.#streams.moveUnanswered(error, before);
  }

  // --- ends ---

  leave(): void {
    if (this.#state !== OPEN) return;
    this.#state = LEAVING;
    if (this.#streams.size === 0) this.#goodbye();
  }

  expire(after: number): void {
    if (this.#streams.size === 0) this.#wait(after);
  }

  endUse(): void {
    this.leave();
    for (const stream of this.#streams.now()) stream.endUse();
  }

  abort(error: ProxyError): void {
    if (this.#state === CLOSED) return;
    this.#state = LEAVING;
    for (const stream of this.#streams.now()) stream.fail(error);
    this.#goodbye();
  }

  /** It came to nothing before it was ready; the socket is its owner's. */
  drop(): void {
    this.#state = CLOSED;
  }

  /** Nobody uses it any more: it is closed, and the server is told (RFC 9113 6.8). */
  #goodbye(): void {
    if (this.#state === CLOSED) return;
    this.#codec.goAway(ErrorCode.noError);
    this.#close(true);
  }

  /** The connection is of no use any more. */
  #lost(): void {
    if (this.#state === CLOSED) return;
    this.lost = true;
    this.#close(false);
    // All streams hear of it, with whether their requests had left.
    this.#codec.socketClosed();
  }

  /** @param soon what was said last is still sent */
  #close(soon: boolean): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#countBytes();
    this.home.context.wheel.disarm(this);
    // Not from within what the codec calls.
    if (soon) this.onOutput();
    else this.#socket.destroy();
    this.home.sharedClosed(this);
  }

  #countBytes(): void {
    if (this.#bytesIn + this.#bytesOut === 0) return;
    this.home.context.scoreboard.addBytes(this.home.slot, this.#bytesIn, this.#bytesOut);
    this.#bytesIn = this.#bytesOut = 0;
  }

  #wait(time: number): void {
    const { context } = this.home;
    this.deadline = context.now + time;
    context.wheel.arm(this);
  }

  onDeadline(now: number): void {
    if (this.#state === CLOSED || this.#state === PREFACE) return;
    if (this.#streams.size === 0) {
      // Of those that are kept ahead of need none is too old, unless the server thinks so.
      if (this.home.size > this.home.config.prewarm) return this.leave();
      return this.#wait(this.home.config.idleTimeout);
    }
    const silent = now - this.#heardAt;
    if (this.#pinged && silent >= PING_TIMEOUT) {
      this.home.refused("the server did not answer a ping of HTTP/2");
      return this.#lost();
    }
    if (silent < SILENCE) return this.#wait(SILENCE - silent);
    this.#pinged = true;
    this.#codec.ping();
    this.#wait(PING_TIMEOUT);
  }

  // --- the socket ---

  onData(buffer: Buffer, length: number): boolean {
    if (this.#state === CLOSED) return false;
    const { home } = this;
    this.#bytesIn += length;
    this.#heardAt = home.heardAt = home.context.now;
    this.#pinged = false;
    this.#reading = buffer;
    this.#codec.receive(buffer, 0, length);
    this.flushHeld();
    this.#reading = null;
    return !this.#isClosed();
  }

  /** Asked anew: it may have been closed within a call. */
  #isClosed(): boolean {
    return this.#state === CLOSED;
  }

  onEnd(): void {
    if (this.#state === PREFACE) return this.#opening.failed("the server closed the connection", undefined);
    this.#lost();
  }

  onClose(error: Error | undefined): void {
    if (this.#state === PREFACE)
      return this.#opening.failed(
        error === undefined ? "the server closed the connection" : error.message,
        (error as NodeJS.ErrnoException | undefined)?.code,
      );
    this.#lost();
    // Nothing refers to its bytes: who kept some has taken the buffer away.
    giveReadBuffer(this.readBuffer);
    this.readBuffer = sharedReadBuffer;
  }

  onDrain(): void {
    this.#codec.blocked = false;
    this.#write();
  }

  onBug(error: unknown): void {
    this.home.context.log("error", `upstream connection: ${error instanceof Error ? error.stack : String(error)}`);
    // The socket is destroyed after this.
    if (this.#state === PREFACE) this.#opening.failed("a bug", undefined);
    else this.#lost();
  }

  /** What was gathered is written once the other sockets have been read. */
  onOutput(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(flush, this);
  }

  /** For `onOutput`. */
  flushNow(): void {
    this.#flushing = false;
    try {
      this.#write();
    } catch (error) {
      this.onBug(error);
      return this.#socket.destroy();
    }
    if (this.#state === CLOSED) this.#socket.destroySoon();
  }

  #write(): void {
    const socket = this.#socket;
    while (!socket.writableNeedDrain) {
      const bytes = this.#codec.takeOutput();
      if (bytes === null) return;
      this.#bytesOut += bytes.length;
      socket.write(bytes);
      if (socket.writableLength === 0 || socket.copiesWrites === true) this.#codec.recycle(bytes);
    }
    this.#codec.blocked = true;
  }

  // --- the codec ---

  onStream(): StreamUser {
    // Pushes are turned off in our SETTINGS, so the codec has ended a connection that begins a stream.
    throw new Error("a server began a stream");
  }

  onSettings(): void {
    if (this.#state === PREFACE) {
      this.#state = OPEN;
      this.#wait(this.home.config.idleTimeout);
      return this.#opening.ready();
    }
    if (this.#state === OPEN) this.home.sharedFreed(this);
  }

  onGoAway(_last: number, code: number): void {
    if (this.#state === PREFACE) return this.#opening.failed(`the server sent GOAWAY with code ${code}`, undefined);
    if (code !== ErrorCode.noError) this.home.refused(`GOAWAY with code ${code}`);
    if (this.#state !== OPEN) return;
    this.leave();
    // Who waits needs another one.
    this.home.sharedFreed(this);
  }

  onPong(): void {
    // Bytes have come, and that is what was asked for.
  }

  onConnectionError(code: number, reason: string): void {
    if (this.#state === PREFACE)
      return this.#opening.failed(`the server does not speak HTTP/2: ${reason}`, "ERR_NOT_HTTP2");
    if (this.#state === CLOSED) return;
    this.home.refused(`HTTP/2 error ${code}: ${reason}`);
    this.#close(true);
  }
}

function flush(connection: Http2UpstreamConnection): void {
  connection.flushNow();
}
