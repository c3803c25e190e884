import { errors, type ProxyError } from "../../../core/errors.ts";
import { BODY_CHUNKED, BODY_NONE, bodyKind, ResponseHead, type BodyKind } from "../../../http1/response-head.ts";
import { ErrorCode } from "../../../http2/error-code.ts";
import type { FieldList } from "../../../http2/field-list.ts";
import { readResponse } from "../../../http2/messages/response-fields.ts";
import { readTrailers } from "../../../http2/messages/trailers.ts";
import { writeRequest } from "../../../http2/messages/write-request.ts";
import type { Http2Stream, StreamUser } from "../../../http2/peer.ts";
import type { Timed } from "../../timer-wheel.ts";
import type { RequestChannel } from "../request-channel.ts";
import type { UpstreamUser } from "../upstream-user.ts";
import type { StreamHost } from "./stream-host.ts";
import { connectRequest, switchedHead } from "./extended-connect.ts";

/** No part of the answer has come but 1xx; */
const HEAD = 0;
/** its head has come, and is held until it is known whether all of the answer is in the same read; */
const HELD = 1;
/** its head was passed on; */
const BODY = 2;
/** bytes go both ways; */
const TUNNEL = 3;
/** the stream is nobody's any more. */
const CLOSED = 4;

/** A client that keeps the server waiting for so many ms may have made it lose its patience. */
const KEPT_WAITING = 1000;
/** 1xx answers that one request may get before its real one. */
const MAX_INFORMATIONAL = 16;
/** Answers with a body of up to this many bytes that come in one read go on as one string. */
const WHOLE_LIMIT = 16_384;
/** Bytes that are copied rather than keeping the 64 KiB that they lie in. */
const SMALL = 4096;

/** Heads are used up within the read that brings them, so one serves all streams whose users do not keep theirs. */
const sharedHead = new ResponseHead();

/** One request on an HTTP/2 connection to a server: a stream of it. */
export class UpstreamStream implements RequestChannel, StreamUser, Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  /** Neighbours among the streams of the connection; the connection's own business. */
  next: UpstreamStream | null = null;
  previous: UpstreamStream | null = null;
  readonly #host: StreamHost;
  #stream!: Http2Stream;
  #user: UpstreamUser | null;
  #state = HEAD;
  /** The request's head, until it is known whether a body follows. */
  #requestHead = "";
  #requestSent = false;
  /** The request asks for a tunnel: its end is not the request's. */
  #connect = false;
  #webSocketKey = "";
  #head: ResponseHead = sharedHead;
  #kind: BodyKind = BODY_NONE;
  /** The held answer's body, of which the end is missing. */
  #whole = "";
  #informational = 0;
  #paused = false;
  #pausedAt = 0;
  /** Bytes that were received and that the user has not room for. */
  #withheld = 0;
  #keptWaiting = false;
  #sentAt: number;
  /** The bytes being handed on lie in the connection's buffer. */
  #lent = false;
  #peerEnded = false;
  #tunnelEnded = false;

  constructor(host: StreamHost, user: UpstreamUser) {
    this.#host = host;
    this.#user = user;
    this.#sentAt = host.home.context.now;
  }

  /** The codec's stream, right after the constructor: the codec must know the user first. */
  attach(stream: Http2Stream): void {
    this.#stream = stream;
  }

  readonly connected = true;

  get reused(): boolean {
    return this.#host.reused;
  }

  /** What is written is copied. */
  readonly unsent = 0;

  get needsDrain(): boolean {
    return this.#stream.needsDrain;
  }

  get waitsForBody(): boolean {
    return this.#state <= HELD && !this.#requestSent;
  }

  get incomplete(): boolean {
    return !this.#requestSent;
  }

  get lastSentAt(): number {
    return this.#sentAt;
  }

  get keptWaiting(): boolean {
    return this.#keptWaiting;
  }

  get isTunnel(): boolean {
    return this.#state === TUNNEL;
  }

  // --- the request ---

  sendHead(text: string, _chunked: boolean): void {
    if (this.#state === CLOSED) return;
    this.#setDeadline(this.#host.home.config.responseTimeout);
    this.#requestHead = text;
    // Other protocols than WebSocket have no name in HTTP/2: a server may ignore such a wish (RFC 9110 7.8).
    const connect = this.#user!.wantsUpgrade ? connectRequest(text) : null;
    this.#connect = connect !== null;
    if (connect === null) return;
    this.#requestSent = true;
    if (this.#host.allowsConnectProtocol) {
      this.#requestHead = connect.head;
      this.#webSocketKey = connect.key;
      return this.#sendPendingHead(false);
    }
    this.#requestHead = "";
    // The caller is in the middle of sending.
    process.nextTick(failLater, this, errors.upgradeNotPossible);
  }

  #sendPendingHead(end: boolean): void {
    const text = this.#requestHead;
    this.#requestHead = "";
    if (this.#stream.sendingEnded) return;
    const { encoder, home } = this.#host;
    encoder.begin();
    writeRequest(encoder, text, home.tls === null ? "http" : "https");
    this.#stream.sendHead(end);
  }

  sendBody(bytes: Uint8Array): void {
    if (this.#state === CLOSED) return;
    if (this.#requestHead !== "") this.#sendPendingHead(false);
    this.#sentAt = this.#host.home.context.now;
    this.deadline = this.#paused ? Infinity : this.#sentAt + this.#host.home.config.responseTimeout;
    this.#stream.sendData(bytes, false);
  }

  requestSent(trailers: string): void {
    if (this.#state === CLOSED || this.#connect) return;
    this.#requestSent = true;
    this.#sentAt = this.#host.home.context.now;
    if (trailers === "") {
      if (this.#requestHead !== "") this.#sendPendingHead(true);
      else this.#stream.sendEnd();
      return;
    }
    if (this.#requestHead !== "") this.#sendPendingHead(false);
    if (this.#stream.sendingEnded) return;
    const { encoder } = this.#host;
    encoder.begin(true);
    encoder.lines(trailers, 0, trailers.length);
    this.#stream.sendHead(true);
  }

  sendTunnel(bytes: Uint8Array): void {
    if (this.#state === TUNNEL) this.#stream.sendData(bytes, false);
  }

  endTunnel(): void {
    if (this.#state !== TUNNEL || this.#tunnelEnded) return;
    this.#tunnelEnded = true;
    this.#stream.sendEnd();
    if (this.#peerEnded) process.nextTick(failLater, this, errors.responseTruncated);
  }

  cork(): void {
    // All that is written in one turn leaves together.
  }

  uncork(): void {
    if (this.#state !== CLOSED && this.#requestHead !== "") this.#sendPendingHead(false);
  }

  onDrain(): void {
    if (this.#state !== CLOSED) this.#user!.onUpstreamDrain();
  }

  onSent(): void {
    // The request is complete from the moment on at which its end was written.
  }

  // --- the answer ---

  onHead(fields: FieldList, end: boolean): void {
    if (this.#state === CLOSED) return;
    if (this.#state === TUNNEL) return this.#refuse("fields within a tunnel (RFC 8441 5)");
    if (this.#state !== HEAD) return this.#onTrailers(fields, end);
    this.#host.flushHeld();
    // Whoever got that one may have given this one up.
    if (this.#isClosed()) return;
    const user = this.#user!;
    const head = user.keepsHead ? new ResponseHead() : sharedHead;
    const problem = readResponse(fields, end, head, user.method);
    if (problem !== null) return this.#refuse(problem);
    if (head.status < 200) {
      if (++this.#informational > MAX_INFORMATIONAL) return this.#refuse("too many 1xx answers");
      return user.onInformational(head);
    }
    if (this.#connect && head.status < 300) return this.#switched(head, end);
    this.#head = head;
    const kind = bodyKind(head, user.method);
    // An answer that ends here has no body, or one of length 0.
    this.#kind = end ? BODY_NONE : kind;
    if (end) return this.#pass("");
    this.#stream.expectedLength = kind === BODY_NONE ? 0 : head.contentLength;
    this.#hold();
  }

  #hold(): void {
    this.#state = HELD;
    this.#whole = "";
    this.#host.hold(this);
  }

  /** Passes the held head on, and what is there of the body; `more` when bytes of it come right behind. */
  flushHead(more: boolean): void {
    if (this.#state !== HELD) return;
    this.#host.letGo(this);
    const user = this.#user!;
    const whole = this.#whole;
    this.#whole = "";
    this.#state = BODY;
    this.#setDeadline(user.bodyTimeout);
    user.onResponseHead(this.#head, this.#kind, more || whole !== "");
    if (whole === "" || this.#user !== user) return;
    const bytes = Buffer.from(whole, "latin1");
    this.#move(user.onResponseData(bytes, 0, bytes.length), 0);
  }

  onData(buffer: Buffer, from: number, to: number, end: boolean): void {
    if (this.#state === CLOSED) return;
    if (this.#state === TUNNEL) return this.#onTunnelData(buffer, from, to, end);
    if (this.#state === HEAD) return this.#refuse("a body without a head (RFC 9113 8.1)");
    const size = to - from;
    if (this.#state === HELD) {
      const all = this.#kind === BODY_NONE ? 0 : this.#head.contentLength;
      // Of a longer body nothing is gathered; of a short one the end may come by itself, in DATA without content.
      if (this.#kind !== BODY_CHUNKED && all <= WHOLE_LIMIT && this.#whole.length + size === all) {
        if (size > 0) {
          this.#whole += buffer.latin1Slice(from, to);
          this.#stream.consumed(size);
        }
        if (end) this.#pass(this.#whole);
        return;
      }
      const user = this.#user;
      this.flushHead(size > 0);
      if (this.#user !== user) return;
    }
    if (size > 0) {
      const user = this.#user!;
      let goOn: boolean;
      if (size <= SMALL) goOn = user.onResponseData(Buffer.from(buffer.subarray(from, to)), 0, size);
      else {
        this.#lent = true;
        goOn = user.onResponseData(buffer, from, to);
        this.#lent = false;
      }
      if (this.#user !== user) return;
      this.#move(goOn, size);
    }
    if (end) this.#answered("");
  }

  /** Bytes were passed on: the server may send as many more, now or when the user has room. */
  #move(goOn: boolean, size: number): void {
    if (!goOn) this.#markPaused();
    if (this.#paused) {
      this.#withheld += size;
      this.deadline = Infinity;
      return;
    }
    if (size > 0) this.#stream.consumed(size);
    if (this.#state === BODY) this.deadline = this.#host.home.context.now + this.#user!.bodyTimeout;
  }

  /** The answer is there as a whole. */
  #pass(text: string): void {
    const user = this.#user!;
    this.#host.letGo(this);
    this.#state = BODY;
    this.#whole = "";
    user.onWholeResponse(this.#head, text, 0, text.length);
    if (this.#user === user) this.#answered("");
  }

  #onTrailers(fields: FieldList, end: boolean): void {
    if (!end) return this.#refuse("trailers that do not end the stream (RFC 9113 8.1)");
    const trailers = readTrailers(fields);
    if (trailers === null) return this.#refuse("malformed trailers (RFC 9113 8.1)");
    const user = this.#user;
    this.flushHead(true);
    if (this.#user === user) this.#answered(trailers);
  }

  #switched(head: ResponseHead, end: boolean): void {
    const user = this.#user!;
    this.#state = TUNNEL;
    this.deadline = Infinity;
    user.onUpgraded(switchedHead(head, this.#webSocketKey), Buffer.alloc(0));
    if (end && this.#user === user) this.#onTunnelEnd();
  }

  #onTunnelData(buffer: Buffer, from: number, to: number, end: boolean): void {
    const user = this.#user!;
    if (to > from) {
      const goOn = user.onTunnelData(Buffer.from(buffer.subarray(from, to)), 0, to - from);
      if (this.#user !== user) return;
      this.#move(goOn, to - from);
    }
    if (end) this.#onTunnelEnd();
  }

  #onTunnelEnd(): void {
    this.#peerEnded = true;
    this.#user!.onTunnelEnd();
    if (this.#tunnelEnded) process.nextTick(failLater, this, errors.responseTruncated);
  }

  /** The answer is complete: the stream's place is free again, then the user is told. */
  #answered(trailers: string): void {
    const user = this.#user!;
    // The rest of an upload that the server does not want any more.
    if (!this.#requestSent) this.#stream.reset(ErrorCode.cancel);
    this.#close(true);
    user.onResponseEnd(trailers);
  }

  pauseReading(): void {
    this.#markPaused();
    this.deadline = Infinity;
  }

  #markPaused(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#pausedAt = this.#host.home.context.now;
  }

  resumeReading(): void {
    if (!this.#paused || this.#state === CLOSED) return;
    this.#paused = false;
    if (this.#host.home.context.now - this.#pausedAt >= KEPT_WAITING) this.#keptWaiting = true;
    if (this.#state === BODY) this.#setDeadline(this.#user!.bodyTimeout);
    const size = this.#withheld;
    this.#withheld = 0;
    if (size > 0) this.#stream.consumed(size);
  }

  replaceBuffer(): void {
    if (this.#lent) this.#host.takeBuffer();
  }

  // --- ends ---

  /** Asked anew: it may have been closed within a call. */
  #isClosed(): boolean {
    return this.#state === CLOSED;
  }

  /** The user's request was sent between these times, and nothing has come since. */
  isUnanswered(before: number, after: number): boolean {
    if (this.#state !== HEAD || !this.#requestSent) return false;
    const sentAt = Math.max(this.#sentAt, this.#user!.sentAt);
    return sentAt < before && sentAt > after;
  }

  suspect(error: ProxyError): void {
    this.#user!.onServerSuspect(error);
  }

  endUse(): void {
    if (this.#state === TUNNEL) this.#user!.onServerClosing();
    else this.fail(errors.serverRemoved);
  }

  onReset(code: number, processed: boolean): void {
    if (!processed && this.#state <= HELD) return this.#over(errors.refusedStream, true);
    if (this.#state > HELD) return this.#over(errors.responseTruncated, false);
    if (code === ErrorCode.http11Required) this.#host.home.refused("the server wants this request in HTTP/1.1");
    if (code !== ErrorCode.protocolError) return this.#over(errors.connectionLost, this.#host.lost && this.reused);
    this.#host.home.refused("a stream of HTTP/2 ended with PROTOCOL_ERROR");
    this.#over(errors.badResponse, false);
  }

  destroy(): void {
    if (this.#state === CLOSED) return;
    this.#stream.reset(ErrorCode.cancel);
    this.#close(false);
  }

  /** Gives up: the user is told. */
  fail(error: ProxyError): void {
    if (this.#state === CLOSED) return;
    this.#stream.reset(ErrorCode.cancel);
    this.#over(error, false);
  }

  /** What came is no valid answer. */
  #refuse(reason: string): void {
    const begun = this.#state === BODY || this.#state === TUNNEL;
    this.#host.home.refused(reason);
    this.#stream.reset(ErrorCode.protocolError, true);
    this.#over(begun ? errors.responseTruncated : errors.badResponse, false);
  }

  #over(error: ProxyError, reused: boolean): void {
    if (this.#state === CLOSED) return;
    const user = this.#user!;
    if (this.waitsForBody && this.#host.home.context.now - this.#sentAt >= KEPT_WAITING) this.#keptWaiting = true;
    this.#close(false);
    user.onUpstreamFailure(error, reused);
  }

  onDeadline(): void {
    if (this.#state === CLOSED) return;
    if (this.#state === BODY) return this.fail(errors.responseBodyTimeout);
    if (this.#state === TUNNEL) return;
    // The client's own deadlines bound how long it may take over its body.
    if (this.waitsForBody) return this.#setDeadline(this.#host.home.config.responseTimeout);
    this.fail(errors.responseTimeout);
  }

  #setDeadline(after: number): void {
    const { context } = this.#host.home;
    this.deadline = context.now + after;
    context.wheel.arm(this);
  }

  #close(answered: boolean): void {
    this.#state = CLOSED;
    this.#user = null;
    this.#host.home.context.wheel.disarm(this);
    this.#host.letGo(this);
    this.#stream.release();
    this.#host.ended(this, answered);
  }
}

function failLater(stream: UpstreamStream, error: ProxyError): void {
  stream.fail(error);
}
