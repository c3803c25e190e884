import { errors, type ProxyError } from "../../core/errors.ts";
import type { Timed } from "../timer-wheel.ts";
import { frameChunk, LAST_CHUNK } from "../chunk-framing.ts";
import { openConnection } from "../connect.ts";
import {
  giveReadBuffer,
  sharedReadBuffer,
  takeReadBuffer,
  type ConnectingOwner,
  type StreamSocket,
} from "../transport.ts";
import type { RequestChannel } from "./request-channel.ts";
import { ResponseReader, type AnsweredConnection } from "./response-reader.ts";
import type { ServerConnection } from "./server-connection.ts";
import { ALPN_HTTP1 } from "./server-tls.ts";
import type { ConnectionHome, UpstreamUser } from "./upstream-user.ts";

const CONNECTING = 0;
const IDLE = 1;
const HEAD = 2;
const BODY = 3;
const TUNNEL = 4;
const CLOSED = 5;

/** A client that keeps the server waiting for so many ms may have made it lose its patience. */
const KEPT_WAITING = 1000;

/** One HTTP/1.1 connection to a server: one request at a time, in use or waiting for the next. */
export class UpstreamConnection
  implements ConnectingOwner, Timed, AnsweredConnection, RequestChannel, ServerConnection
{
  /**
   * Heads and short answers are used up at once, so they are read into the buffer that all share and that stays in the
   * processor's cache. Bodies are handed on as they lie, so they need buffers of their own.
   */
  readBuffer: Buffer = sharedReadBuffer;
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly #home: ConnectionHome<UpstreamConnection>;
  #socket!: StreamSocket;
  #state = CONNECTING;
  /** Who uses the connection at the moment. */
  user: UpstreamUser | null = null;
  #uses = 0;
  #requestSent = false;
  /** The body goes out in chunks. */
  #chunked = false;
  #paused = false;
  #pausedAt = 0;
  #keptWaiting = false;
  /** By `context.now`: when the user got the connection, or when the last byte of the request so far was sent. */
  #sentAt = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  readonly #reader = new ResponseReader(this);

  constructor(home: ConnectionHome<UpstreamConnection>) {
    this.#home = home;
  }

  /** Begins to connect. Separate from the constructor so that the home knows the connection before anything happens. */
  connect(): void {
    const { address, tls, config } = this.#home;
    this.#setDeadline(config.connectTimeout);
    this.#socket = tls === null ? openConnection(address, this) : tls.open(address, this, ALPN_HTTP1);
  }

  /** Instead of `connect`: takes a connection over that was made already, and is unused until `use`. */
  adopt(socket: StreamSocket): void {
    this.#socket = socket;
    this.#state = IDLE;
    this.#setDeadline(this.#home.config.idleTimeout);
  }

  /** Gives the connection to a user. */
  use(user: UpstreamUser): void {
    this.user = user;
    this.#uses++;
    this.#requestSent = false;
    this.#chunked = false;
    this.#keptWaiting = false;
    this.#sentAt = this.#home.context.now;
    this.#reader.begin();
    if (this.#state !== CONNECTING) this.#state = HEAD;
  }

  get connected(): boolean {
    return this.#state !== CONNECTING && this.#state !== CLOSED;
  }

  /** True when a request was answered on this connection before the present one. */
  get reused(): boolean {
    return this.#uses > 1;
  }

  /** Bytes written that the kernel has not taken. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  get needsDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  sendHead(text: string, chunked: boolean): void {
    this.#chunked = chunked;
    this.#setDeadline(this.#home.config.responseTimeout);
    this.#bytesOut += text.length;
    this.#socket.write(text, "latin1");
  }

  sendBody(bytes: Uint8Array): void {
    this.#sentAt = this.#home.context.now;
    this.deadline = this.#sentAt + this.#home.config.responseTimeout;
    this.#write(this.#chunked ? frameChunk(bytes) : bytes);
  }

  sendTunnel(bytes: Uint8Array): void {
    this.#write(bytes);
  }

  #write(bytes: Uint8Array | string): void {
    this.#bytesOut += bytes.length;
    if (typeof bytes === "string") this.#socket.write(bytes, "latin1");
    else this.#socket.write(bytes);
  }

  /** Collects what is written until `uncork`, so that it leaves in one system call. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** The request is complete: the connection may be used again after the answer. */
  requestSent(trailers: string): void {
    if (this.#chunked) this.#write(trailers === "" ? LAST_CHUNK : `0\r\n${trailers}\r\n`);
    this.#requestSent = true;
    this.#sentAt = this.#home.context.now;
  }

  /** It is the client's turn: the rest of the request's body has not come from it. */
  get waitsForBody(): boolean {
    return this.#state === HEAD && !this.#requestSent;
  }

  /** Whether some of the request has not been sent. */
  get incomplete(): boolean {
    return !this.#requestSent;
  }

  /** When the last byte so far was sent, by `context.now`. */
  get lastSentAt(): number {
    return this.#sentAt;
  }

  /**
   * The client sent its body, or took the answer, with pauses that may have made the server give up: how the exchange
   * ended says nothing about the server.
   */
  get keptWaiting(): boolean {
    return this.#keptWaiting;
  }

  /** The user's request (or the connection for it) was sent between these times, and nothing has come since. */
  isUnanswered(before: number, after: number): boolean {
    if (this.user === null) return false;
    // The user's time is exact, the other one that of a tick; but it may be of an earlier try, or of the head alone.
    const sentAt = Math.max(this.#sentAt, this.user.sentAt);
    if (sentAt >= before || sentAt <= after) return false;
    return this.#state === CONNECTING || (this.#state === HEAD && this.#requestSent && !this.#reader.inHead);
  }

  unanswered(before: number, after: number): number {
    return this.isUnanswered(before, after) ? 1 : 0;
  }

  moveUnanswered(error: ProxyError, before: number): void {
    if (this.isUnanswered(before, 0)) this.user!.onServerSuspect(this.connected ? error : errors.connectTimeout);
  }

  endUse(): void {
    if (this.#state === TUNNEL) this.user?.onServerClosing();
    else this.#fail(this.connected ? errors.serverRemoved : errors.serverGone);
  }

  /** Ends the sending half of a tunnel. */
  endTunnel(): void {
    this.#socket.end();
  }

  pauseReading(): void {
    this.#markPaused();
    this.deadline = Infinity;
    this.#socket.pause();
  }

  resumeReading(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#home.context.now - this.#pausedAt >= KEPT_WAITING) this.#keptWaiting = true;
    if (this.#state === BODY) this.#setDeadline(this.user!.bodyTimeout);
    this.#socket.resume();
  }

  /** The user took the bytes that it was given; the next read goes elsewhere. */
  replaceBuffer(): void {
    this.#reader.replaceBuffer();
  }

  /** A connection opened ahead of need goes to the idle ones once it is made. */
  prewarm(): void {
    this.user = null;
  }

  /** Closes the idle connection if nobody uses it within that many ms. */
  expire(after: number): void {
    this.#setDeadline(after);
  }

  /** Gives up: the user is not told. */
  destroy(): void {
    this.user = null;
    this.#close();
  }

  /** Gives up: the user is told. */
  abort(error: ProxyError): void {
    this.#fail(error);
  }

  onConnect(): void {
    if (this.#state === CLOSED) return;
    this.#home.reached();
    if (this.user === null) {
      this.#state = IDLE;
      this.#setDeadline(this.#home.config.idleTimeout);
      this.#home.release(this);
      return;
    }
    this.#state = HEAD;
    this.user.onConnected();
  }

  onData(buffer: Buffer, length: number): boolean {
    this.#bytesIn += length;
    this.#home.heardAt = this.#home.context.now;
    switch (this.#state) {
      case HEAD:
        this.#reader.readHead(buffer, length);
        break;
      case BODY:
        this.#reader.readBody(buffer, 0, length);
        break;
      case TUNNEL:
        if (!this.user!.onTunnelData(buffer, 0, length)) this.#markPaused();
        break;
      default:
        // Bytes that nobody asked for: whatever they are, the connection cannot be trusted any more.
        this.destroy();
        return false;
    }
    return !this.#paused;
  }

  // --- what the reader tells ---

  onBodyBegins(): void {
    this.#state = BODY;
    this.#setDeadline(this.user!.bodyTimeout);
  }

  onBodyMoved(goOn: boolean): void {
    if (!goOn) this.#markPaused();
    this.deadline = this.#paused ? Infinity : this.#home.context.now + this.user!.bodyTimeout;
  }

  onUpgrade(): void {
    this.#state = TUNNEL;
    this.deadline = Infinity;
    if (this.readBuffer === sharedReadBuffer) this.readBuffer = takeReadBuffer();
  }

  /** The answer is complete: the connection goes back or away, then the user is told. */
  onAnswered(trailers: string): void {
    this.#countBytes();
    // A short answer: the next one will be short as well, most likely. Nobody refers to what was read.
    if (this.#state === HEAD && this.readBuffer !== sharedReadBuffer) {
      giveReadBuffer(this.readBuffer);
      this.readBuffer = sharedReadBuffer;
    }
    const user = this.user!;
    const most = this.#home.config.maxRequestsPerConnection;
    this.user = null;
    if (
      this.#reader.keepAlive &&
      this.#requestSent &&
      this.#socket.writableLength === 0 &&
      (most === 0 || this.#uses < most)
    ) {
      this.#state = IDLE;
      if (this.#paused) this.resumeReading();
      this.#setDeadline(this.#home.config.idleTimeout);
      this.#home.release(this);
    } else this.#close();
    user.onResponseEnd(trailers);
  }

  #notConnected(error: ProxyError, reason: string, code: string | undefined): void {
    this.#home.context.scoreboard.connectFailed(this.#home.slot);
    this.#home.unreachable(reason, code);
    this.#fail(error);
  }

  onRefused(reason: string): void {
    this.#home.refused(reason);
    this.#fail(errors.badResponse);
  }

  /** The connection ended before there was a complete head. */
  #headEnded(): void {
    if (this.#reader.inHead) this.onRefused("the connection ended within the head");
    else this.#fail(errors.connectionLost);
  }

  onFailed(error: ProxyError): void {
    this.#fail(error);
  }

  #markPaused(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#pausedAt = this.#home.context.now;
  }

  #fail(error: ProxyError): void {
    const user = this.user;
    if (this.waitsForBody && this.#home.context.now - this.#sentAt >= KEPT_WAITING) this.#keptWaiting = true;
    const reused = this.reused;
    this.user = null;
    this.#close();
    user?.onUpstreamFailure(error, reused);
  }

  onEnd(): void {
    switch (this.#state) {
      case HEAD:
        return this.#headEnded();
      case BODY:
        if (this.#reader.endsWithConnection) this.onAnswered("");
        else this.#fail(errors.responseTruncated);
        return;
      case TUNNEL:
        this.user!.onTunnelEnd();
        return;
      default:
        this.destroy();
    }
  }

  onDrain(): void {
    if (this.#state === HEAD || this.#state === BODY || this.#state === TUNNEL) this.user!.onUpstreamDrain();
  }

  onClose(error: Error | undefined): void {
    switch (this.#state) {
      case CLOSED:
        return;
      case CONNECTING:
        return this.#notConnected(
          errors.connectFailed,
          error === undefined ? "closed" : error.message,
          (error as NodeJS.ErrnoException | undefined)?.code,
        );
      case HEAD:
        // With TLS 1.3 a server may end the handshake and refuse our certificate only then.
        if (error !== undefined && this.#home.tls !== null) this.#home.refused(error.message);
        return this.#headEnded();
      case IDLE:
        return this.destroy();
      default:
        return this.#fail(errors.responseTruncated);
    }
  }

  onBug(error: unknown): void {
    this.#home.context.log("error", `upstream connection: ${error instanceof Error ? error.stack : String(error)}`);
  }

  onDeadline(): void {
    switch (this.#state) {
      case CONNECTING:
        return this.#notConnected(errors.connectTimeout, "timed out", "timeout");
      case HEAD:
        // The client's own deadlines bound how long it may take over its body.
        if (this.waitsForBody) return this.#setDeadline(this.#home.config.responseTimeout);
        return this.#fail(errors.responseTimeout);
      case BODY:
        return this.#fail(errors.responseBodyTimeout);
      case IDLE:
        // Of those that are kept ahead of need none is too old, unless the server thinks so.
        if (this.#home.size > this.#home.config.prewarm) return this.destroy();
        return this.#setDeadline(this.#home.config.idleTimeout);
      default:
    }
  }

  #countBytes(): void {
    if (this.#bytesIn + this.#bytesOut === 0) return;
    this.#home.context.scoreboard.addBytes(this.#home.slot, this.#bytesIn, this.#bytesOut);
    this.#bytesIn = this.#bytesOut = 0;
  }

  #setDeadline(after: number): void {
    const context = this.#home.context;
    this.deadline = context.now + after;
    context.wheel.arm(this);
  }

  #close(): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#countBytes();
    this.#home.context.wheel.disarm(this);
    this.#socket.destroy();
    this.#home.closed(this);
  }
}
