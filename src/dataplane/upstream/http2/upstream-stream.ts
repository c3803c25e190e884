import { errors, type ProxyError } from "../../../core/errors.ts";
import { BODY_CHUNKED, BODY_NONE, bodyKind, ResponseHead, type BodyKind } from "../../../http1/response-head.ts";
import { ErrorCode } from "../../../http2/error-code.ts";
import type { FieldList } from "../../../http2/field-list.ts";
import { readResponse } from "../../../http2/messages/response-fields.ts";
import { readTrailers } from "../../../http2/messages/trailers.ts";
import type { StreamUser } from "../../../http2/peer.ts";
import type { RequestChannel } from "../request-channel.ts";
import { switchedHead } from "./extended-connect.ts";
import { BODY, CLOSED, failLater, HEAD, HELD, RequestStream, TUNNEL } from "./request-stream.ts";

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
export class UpstreamStream extends RequestStream implements RequestChannel, StreamUser {
  /** Neighbours among the streams of the connection; the connection's own business. */
  next: UpstreamStream | null = null;
  previous: UpstreamStream | null = null;
  #head: ResponseHead = sharedHead;
  #kind: BodyKind = BODY_NONE;
  /** The held answer's body, of which the end is missing. */
  #whole = "";
  #informational = 0;
  #pausedAt = 0;
  /** Bytes that were received and that the user has not room for. */
  #withheld = 0;
  /** The bytes being handed on lie in the connection's buffer. */
  #lent = false;

  onSent(): void {
    // The request is complete from the moment on at which its end was written.
  }

  onHead(fields: FieldList, end: boolean): void {
    if (this.state === CLOSED) return;
    if (this.state === TUNNEL) return this.#refuse("fields within a tunnel (RFC 8441 5)");
    if (this.state !== HEAD) return this.#onTrailers(fields, end);
    this.host.flushHeld();
    // Whoever got that one may have given this one up.
    if (this.#isClosed()) return;
    const user = this.user!;
    const head = user.keepsHead ? new ResponseHead() : sharedHead;
    const problem = readResponse(fields, end, head, user.method);
    if (problem !== null) return this.#refuse(problem);
    if (head.status < 200) {
      if (++this.#informational > MAX_INFORMATIONAL) return this.#refuse("too many 1xx answers");
      return user.onInformational(head);
    }
    if (this.isConnect && head.status < 300) return this.#switched(head, end);
    this.#head = head;
    const kind = bodyKind(head, user.method);
    // An answer that ends here has no body, or one of length 0.
    this.#kind = end ? BODY_NONE : kind;
    if (end) return this.#pass("");
    this.stream.expectedLength = kind === BODY_NONE ? 0 : head.contentLength;
    this.#hold();
  }

  #hold(): void {
    this.state = HELD;
    this.#whole = "";
    this.host.hold(this);
  }

  /** Passes the held head on, and what is there of the body; `more` when bytes of it come right behind. */
  flushHead(more: boolean): void {
    if (this.state !== HELD) return;
    this.host.letGo(this);
    const user = this.user!;
    const whole = this.#whole;
    this.#whole = "";
    this.state = BODY;
    this.wait(user.bodyTimeout);
    user.onResponseHead(this.#head, this.#kind, more || whole !== "");
    if (whole === "" || this.user !== user) return;
    const bytes = Buffer.from(whole, "latin1");
    this.#move(user.onResponseData(bytes, 0, bytes.length), 0);
  }

  onData(buffer: Buffer, from: number, to: number, end: boolean): void {
    if (this.state === CLOSED) return;
    if (this.state === TUNNEL) return this.#onTunnelData(buffer, from, to, end);
    if (this.state === HEAD) return this.#refuse("a body without a head (RFC 9113 8.1)");
    const size = to - from;
    if (this.state === HELD) {
      const all = this.#kind === BODY_NONE ? 0 : this.#head.contentLength;
      // Of a longer body nothing is gathered; of a short one the end may come by itself, in DATA without content.
      if (this.#kind !== BODY_CHUNKED && all <= WHOLE_LIMIT && this.#whole.length + size === all) {
        if (size > 0) {
          this.#whole += buffer.latin1Slice(from, to);
          this.stream.consumed(size);
        }
        if (end) this.#pass(this.#whole);
        return;
      }
      const user = this.user;
      this.flushHead(size > 0);
      if (this.user !== user) return;
    }
    if (size > 0) {
      const user = this.user!;
      let goOn: boolean;
      if (size <= SMALL) goOn = user.onResponseData(Buffer.from(buffer.subarray(from, to)), 0, size);
      else {
        this.#lent = true;
        goOn = user.onResponseData(buffer, from, to);
        this.#lent = false;
      }
      if (this.user !== user) return;
      this.#move(goOn, size);
    }
    if (end) this.#answered("");
  }

  /** Bytes were passed on: the server may send as many more, now or when the user has room. */
  #move(goOn: boolean, size: number): void {
    if (!goOn) this.#markPaused();
    if (this.paused) {
      this.#withheld += size;
      this.deadline = Infinity;
      return;
    }
    if (size > 0) this.stream.consumed(size);
    if (this.state === BODY) this.deadline = this.host.home.context.now + this.user!.bodyTimeout;
  }

  /** The answer is there as a whole. */
  #pass(text: string): void {
    const user = this.user!;
    this.host.letGo(this);
    this.state = BODY;
    this.#whole = "";
    user.onWholeResponse(this.#head, text, 0, text.length);
    if (this.user === user) this.#answered("");
  }

  #onTrailers(fields: FieldList, end: boolean): void {
    if (!end) return this.#refuse("trailers that do not end the stream (RFC 9113 8.1)");
    const trailers = readTrailers(fields);
    if (trailers === null) return this.#refuse("malformed trailers (RFC 9113 8.1)");
    const user = this.user;
    this.flushHead(true);
    if (this.user === user) this.#answered(trailers);
  }

  #switched(head: ResponseHead, end: boolean): void {
    const user = this.user!;
    this.state = TUNNEL;
    this.deadline = Infinity;
    user.onUpgraded(switchedHead(head, this.webSocketKey), Buffer.alloc(0));
    if (end && this.user === user) this.#onTunnelEnd();
  }

  #onTunnelData(buffer: Buffer, from: number, to: number, end: boolean): void {
    const user = this.user!;
    if (to > from) {
      const goOn = user.onTunnelData(Buffer.from(buffer.subarray(from, to)), 0, to - from);
      if (this.user !== user) return;
      this.#move(goOn, to - from);
    }
    if (end) this.#onTunnelEnd();
  }

  #onTunnelEnd(): void {
    this.peerEnded = true;
    this.user!.onTunnelEnd();
    if (this.tunnelEnded) process.nextTick(failLater, this, errors.responseTruncated);
  }

  /** The answer is complete: the stream's place is free again, then the user is told. */
  #answered(trailers: string): void {
    const user = this.user!;
    // The rest of an upload that the server does not want any more.
    if (!this.complete) this.stream.reset(ErrorCode.cancel);
    this.#close(true);
    user.onResponseEnd(trailers);
  }

  pauseReading(): void {
    this.#markPaused();
    this.deadline = Infinity;
  }

  #markPaused(): void {
    if (this.paused) return;
    this.paused = true;
    this.#pausedAt = this.host.home.context.now;
  }

  resumeReading(): void {
    if (!this.paused || this.state === CLOSED) return;
    this.paused = false;
    if (this.host.home.context.now - this.#pausedAt >= KEPT_WAITING) this.patienceTried = true;
    if (this.state === BODY) this.wait(this.user!.bodyTimeout);
    const size = this.#withheld;
    this.#withheld = 0;
    if (size > 0) this.stream.consumed(size);
  }

  replaceBuffer(): void {
    if (this.#lent) this.host.takeBuffer();
  }

  // --- ends ---

  /** Asked anew: it may have been closed within a call. */
  #isClosed(): boolean {
    return this.state === CLOSED;
  }

  /** The user's request was sent between these times, and nothing has come since. */
  isUnanswered(before: number, after: number): boolean {
    if (this.state !== HEAD || !this.complete) return false;
    const sentAt = Math.max(this.sentAt, this.user!.sentAt);
    return sentAt < before && sentAt > after;
  }

  suspect(error: ProxyError): void {
    this.user!.onServerSuspect(error);
  }

  endUse(): void {
    if (this.state === TUNNEL) this.user!.onServerClosing();
    else this.fail(errors.serverRemoved);
  }

  onReset(code: number, processed: boolean): void {
    if (!processed && this.state <= HELD) return this.#over(errors.refusedStream, true);
    if (this.state > HELD) return this.#over(errors.responseTruncated, false);
    if (code === ErrorCode.http11Required) this.host.home.refused("the server wants this request in HTTP/1.1");
    if (code !== ErrorCode.protocolError) return this.#over(errors.connectionLost, this.host.lost && this.reused);
    this.host.home.refused("a stream of HTTP/2 ended with PROTOCOL_ERROR");
    this.#over(errors.badResponse, false);
  }

  destroy(): void {
    if (this.state === CLOSED) return;
    this.stream.reset(ErrorCode.cancel);
    this.#close(false);
  }

  /** Gives up: the user is told. */
  fail(error: ProxyError): void {
    if (this.state === CLOSED) return;
    this.stream.reset(ErrorCode.cancel);
    this.#over(error, false);
  }

  /** What came is no valid answer. */
  #refuse(reason: string): void {
    const begun = this.state === BODY || this.state === TUNNEL;
    this.host.home.refused(reason);
    this.stream.reset(ErrorCode.protocolError, true);
    this.#over(begun ? errors.responseTruncated : errors.badResponse, false);
  }

  #over(error: ProxyError, reused: boolean): void {
    if (this.state === CLOSED) return;
    const user = this.user!;
    if (this.waitsForBody && this.host.home.context.now - this.sentAt >= KEPT_WAITING) this.patienceTried = true;
    this.#close(false);
    user.onUpstreamFailure(error, reused);
  }

  onDeadline(): void {
    if (this.state === CLOSED) return;
    if (this.state === BODY) return this.fail(errors.responseBodyTimeout);
    if (this.state === TUNNEL) return;
    // The client's own deadlines bound how long it may take over its body.
    if (this.waitsForBody) return this.wait(this.host.home.config.responseTimeout);
    this.fail(errors.responseTimeout);
  }

  #close(answered: boolean): void {
    this.state = CLOSED;
    this.user = null;
    this.host.home.context.wheel.disarm(this);
    this.host.letGo(this);
    this.stream.release();
    this.host.ended(this, answered);
  }
}
