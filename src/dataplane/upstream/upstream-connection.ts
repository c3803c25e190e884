import { errors, type ProxyError } from "../../core/errors.ts";
import { ChunkedDecoder } from "../../http1/chunked.ts";
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  BODY_UNTIL_CLOSE,
  bodyKind,
  parseResponseHead,
  ResponseHead,
} from "../../http1/response-head.ts";
import type { Timed } from "../timer-wheel.ts";
import { openConnection } from "../connect.ts";
import {
  giveReadBuffer,
  sharedReadBuffer,
  takeReadBuffer,
  type ConnectingOwner,
  type StreamSocket,
} from "../transport.ts";
import type { ConnectionHome, UpstreamUser } from "./upstream-user.ts";

const CONNECTING = 0;
const IDLE = 1;
const HEAD = 2;
const BODY = 3;
const TUNNEL = 4;
const CLOSED = 5;

/** 1xx answers that one request may get before its real one. */
const MAX_INFORMATIONAL = 16;
/** Answers up to this many bytes that come in one read go on as one string. */
const WHOLE_LIMIT = 16_384;

const headLimits = { maxRequestLine: 8192, maxHeadSize: 65_536, maxHeaders: 256 };

/** Heads are used up within the call that brings them, so one serves all connections whose head comes in one piece. */
const sharedHead = new ResponseHead();

/** One HTTP/1.1 connection to a server: one request at a time, in use or waiting for the next. */
export class UpstreamConnection implements ConnectingOwner, Timed {
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
  #user: UpstreamUser | null = null;
  #uses = 0;
  #bodyKind: number = BODY_NONE;
  #bodyLeft = 0;
  #keepAlive = false;
  #requestSent = false;
  #paused = false;
  /** The bytes being handed on are a copy of what was read, and whether the user kept them. */
  #inCopy = false;
  #taken = false;
  #informational = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  /** Bytes of a head of which more is missing, and the head itself, which remembers how far it was read. */
  #partial = "";
  #ownHead: ResponseHead | null = null;
  #decoder: ChunkedDecoder | null = null;

  constructor(home: ConnectionHome<UpstreamConnection>) {
    this.#home = home;
  }

  /** Begins to connect. Separate from the constructor so that the home knows the connection before anything happens. */
  connect(): void {
    this.#setDeadline(this.#home.config.connectTimeout);
    this.#socket = openConnection(this.#home.address, this);
  }

  /** Gives the connection to a user. */
  use(user: UpstreamUser): void {
    this.#user = user;
    this.#uses++;
    this.#requestSent = false;
    this.#informational = 0;
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

  /** Writes the request's head, as latin1. */
  sendHead(text: string): void {
    this.#setDeadline(this.#home.config.responseTimeout);
    this.#bytesOut += text.length;
    this.#socket.write(text, "latin1");
  }

  /** Writes bytes of the request's body; they must stay as they are until `unsent` is 0. */
  send(bytes: Uint8Array | string): void {
    if (this.#state !== TUNNEL) this.deadline = this.#home.context.now + this.#home.config.responseTimeout;
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
  requestSent(): void {
    this.#requestSent = true;
  }

  /** Ends the sending half of a tunnel. */
  endTunnel(): void {
    this.#socket.end();
  }

  pauseReading(): void {
    this.#paused = true;
    this.deadline = Infinity;
    this.#socket.pause();
  }

  resumeReading(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#state === BODY) this.#setDeadline(this.#user!.bodyTimeout);
    this.#socket.resume();
  }

  /** The user took the bytes that it was given; the next read goes elsewhere. */
  replaceBuffer(): void {
    this.#taken = true;
    if (!this.#inCopy) this.readBuffer = takeReadBuffer();
  }

  /** A connection opened ahead of need goes to the idle ones once it is made. */
  prewarm(): void {
    this.#user = null;
  }

  /** Closes the idle connection if nobody uses it within that many ms. */
  expire(after: number): void {
    this.#setDeadline(after);
  }

  /** Gives up: the user is not told. */
  destroy(): void {
    this.#user = null;
    this.#close();
  }

  /** Gives up: the user is told. */
  abort(error: ProxyError): void {
    this.#fail(error);
  }

  onConnect(): void {
    if (this.#state === CLOSED) return;
    if (this.#user === null) {
      this.#state = IDLE;
      this.#setDeadline(this.#home.config.idleTimeout);
      this.#home.release(this);
      return;
    }
    this.#state = HEAD;
    this.#user.onConnected();
  }

  onData(buffer: Buffer, length: number): boolean {
    this.#bytesIn += length;
    switch (this.#state) {
      case HEAD:
        this.#readHead(buffer, length);
        break;
      case BODY:
        this.#readBody(buffer, 0, length);
        break;
      case TUNNEL:
        if (!this.#user!.onTunnelData(buffer, 0, length)) this.#paused = true;
        break;
      default:
        // Bytes that nobody asked for: whatever they are, the connection cannot be trusted any more.
        this.destroy();
        return false;
    }
    return !this.#paused;
  }

  #readHead(buffer: Buffer, length: number): void {
    const cut = Math.min(length, WHOLE_LIMIT);
    const before = this.#partial.length;
    const text = before === 0 ? buffer.latin1Slice(0, cut) : this.#partial + buffer.latin1Slice(0, cut);
    const user = this.#user!;
    let head = this.#ownHead;
    if (head === null) {
      if (user.keepsHead) head = this.#ownHead = new ResponseHead();
      else head = sharedHead;
      head.reset();
    }
    const status = parseResponseHead(head, text, 0, headLimits, user.method, before === 0 ? buffer : null);
    if (status === 0) {
      if (head === sharedHead) {
        // Another connection will use the shared one before more bytes come.
        this.#ownHead = new ResponseHead();
        this.#ownHead.reset();
      }
      if (cut < length) {
        this.#partial = before === 0 ? buffer.latin1Slice(0, length) : this.#partial + buffer.latin1Slice(0, length);
        const again = parseResponseHead(this.#ownHead!, this.#partial, 0, headLimits, user.method);
        if (again === 0) return;
        if (again === 2) return this.#refuse(this.#ownHead!.error);
        return this.#gotHead(
          this.#ownHead!,
          this.#partial,
          buffer,
          length - (this.#partial.length - this.#ownHead!.end),
          length,
        );
      }
      this.#partial = text;
      return;
    }
    if (status === 2) return this.#refuse(head.error);
    this.#gotHead(head, text, buffer, head.end - before, length);
  }

  /** `from`: where in the buffer the bytes behind the head begin. */
  #gotHead(head: ResponseHead, text: string, buffer: Buffer, from: number, length: number): void {
    const user = this.#user!;
    this.#partial = "";
    this.#ownHead = null;
    if (head.status < 200) {
      if (head.status === 101) return this.#upgraded(head, buffer, from, length);
      if (++this.#informational > MAX_INFORMATIONAL) return this.#refuse({ reason: "too many 1xx answers" });
      user.onInformational(head);
      if (from < length && this.#state === HEAD) {
        // The real answer is in the same read; it is rare enough to be copied to where a read would have put it.
        const rest = Buffer.from(buffer.subarray(from, length));
        this.#readHead(rest, rest.length);
      }
      return;
    }
    const kind = bodyKind(head, user.method);
    this.#bodyKind = kind;
    this.#keepAlive = head.keepAlive && kind !== BODY_UNTIL_CLOSE;
    const available = length - from;
    if (
      kind === BODY_NONE ||
      (kind === BODY_LENGTH && head.contentLength <= available && head.end + head.contentLength <= text.length)
    ) {
      const size = kind === BODY_NONE ? 0 : head.contentLength;
      if (available > size) this.#keepAlive = false;
      user.onWholeResponse(head, text, head.end, head.end + size);
      if (this.#user === user) this.#finish("");
      return;
    }
    if (kind === BODY_CHUNKED) {
      const decoder = (this.#decoder ??= new ChunkedDecoder());
      decoder.reset();
      if (user.takesChunks && length <= WHOLE_LIMIT && from < length && wholePlainBody(decoder, buffer, from, length)) {
        const end = head.end + (decoder.position - from);
        if (decoder.position < length) this.#keepAlive = false;
        user.onWholeResponse(head, text, head.end, end);
        if (this.#user === user) this.#finish("");
        return;
      }
      decoder.reset();
    }
    this.#bodyLeft = kind === BODY_LENGTH ? head.contentLength : 0;
    this.#state = BODY;
    this.#setDeadline(user.bodyTimeout);
    user.onResponseHead(head, kind, from < length);
    if (this.#state !== BODY) return;
    if (kind !== BODY_CHUNKED && this.readBuffer === sharedReadBuffer) {
      this.readBuffer = takeReadBuffer();
      if (from < length) this.#readCopied(buffer, from, length);
    } else if (from < length) this.#readBody(buffer, from, length);
  }

  /** The beginning of a body that lies in the shared buffer. */
  #readCopied(buffer: Buffer, from: number, length: number): void {
    const copy = takeReadBuffer();
    buffer.copy(copy, 0, from, length);
    this.#inCopy = true;
    this.#taken = false;
    this.#readBody(copy, 0, length - from);
    this.#inCopy = false;
    if (!this.#taken) giveReadBuffer(copy);
  }

  #readBody(buffer: Buffer, from: number, length: number): void {
    const user = this.#user!;
    if (this.#bodyKind === BODY_CHUNKED) return this.#readChunks(buffer, from, length);
    let to = length;
    if (this.#bodyKind === BODY_LENGTH && length - from >= this.#bodyLeft) {
      to = from + this.#bodyLeft;
      if (to < length) this.#keepAlive = false;
    }
    this.#bodyLeft -= to - from;
    const goOn = user.onResponseData(buffer, from, to);
    if (this.#state !== BODY) return;
    if (this.#bodyKind === BODY_LENGTH && this.#bodyLeft === 0) this.#finish("");
    else if (!goOn) this.#paused = true;
    else this.deadline = this.#home.context.now + user.bodyTimeout;
    if (this.#paused) this.deadline = Infinity;
  }

  #readChunks(buffer: Buffer, from: number, length: number): void {
    const user = this.#user!;
    const decoder = this.#decoder!;
    let position = from;
    for (;;) {
      const event = decoder.next(buffer, position, length);
      position = decoder.position;
      if (event === 1) {
        if (!user.onResponseData(buffer, decoder.dataStart, decoder.dataEnd)) this.#paused = true;
        if (this.#state !== BODY) return;
      } else if (event === 2) {
        if (position < length) this.#keepAlive = false;
        return this.#finish(decoder.trailers);
      } else if (event === 0) break;
      else return this.#refuse(decoder.error);
    }
    this.deadline = this.#paused ? Infinity : this.#home.context.now + user.bodyTimeout;
  }

  #upgraded(head: ResponseHead, buffer: Buffer, from: number, length: number): void {
    const user = this.#user!;
    if (!user.wantsUpgrade) return this.#fail(errors.unexpectedUpgrade);
    if (!head.upgrade) return this.#refuse({ reason: "101 without Upgrade and Connection: upgrade (RFC 9110 15.2.2)" });
    this.#state = TUNNEL;
    this.deadline = Infinity;
    if (this.readBuffer === sharedReadBuffer) this.readBuffer = takeReadBuffer();
    user.onUpgraded(head, Buffer.from(buffer.subarray(from, length)));
  }

  /** The answer is complete: the connection goes back or away, then the user is told. */
  #finish(trailers: string): void {
    this.#countBytes();
    // A short answer: the next one will be short as well, most likely. Nobody refers to what was read.
    if (this.#state === HEAD && this.readBuffer !== sharedReadBuffer) {
      giveReadBuffer(this.readBuffer);
      this.readBuffer = sharedReadBuffer;
    }
    const user = this.#user!;
    const most = this.#home.config.maxRequestsPerConnection;
    this.#user = null;
    if (
      this.#keepAlive &&
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

  #notConnected(error: ProxyError, reason: string): void {
    this.#home.context.scoreboard.connectFailed(this.#home.slot);
    this.#home.unreachable(reason);
    this.#fail(error);
  }

  #refuse(error: { readonly reason: string } | null): void {
    this.#home.refused(error === null ? "malformed" : error.reason);
    this.#fail(errors.badResponse);
  }

  /** The connection ended before there was a complete head. */
  #headEnded(): void {
    if (this.#partial === "") this.#fail(errors.connectionLost);
    else this.#refuse({ reason: "the connection ended within the head" });
  }

  #fail(error: ProxyError): void {
    const user = this.#user;
    const reused = this.reused;
    this.#user = null;
    this.#close();
    user?.onUpstreamFailure(error, reused);
  }

  onEnd(): void {
    switch (this.#state) {
      case HEAD:
        return this.#headEnded();
      case BODY:
        if (this.#bodyKind === BODY_UNTIL_CLOSE) this.#finish("");
        else this.#fail(errors.responseTruncated);
        return;
      case TUNNEL:
        this.#user!.onTunnelEnd();
        return;
      default:
        this.destroy();
    }
  }

  onDrain(): void {
    if (this.#state === HEAD || this.#state === BODY || this.#state === TUNNEL) this.#user!.onUpstreamDrain();
  }

  onClose(error: Error | undefined): void {
    switch (this.#state) {
      case CLOSED:
        return;
      case CONNECTING:
        return this.#notConnected(errors.connectFailed, error === undefined ? "closed" : error.message);
      case HEAD:
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
        return this.#notConnected(errors.connectTimeout, "timed out");
      case HEAD:
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

/** Whether the whole chunked body is there, in a form that may go on as it is: no extensions, no trailers. */
function wholePlainBody(decoder: ChunkedDecoder, buffer: Buffer, from: number, length: number): boolean {
  let position = from;
  for (;;) {
    const event = decoder.next(buffer, position, length);
    position = decoder.position;
    if (event !== 1) return event === 2 && decoder.plain && decoder.trailers === "";
  }
}
