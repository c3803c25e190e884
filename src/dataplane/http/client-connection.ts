import type { Socket } from "node:net";
import { errors } from "../../core/errors.ts";
import type { Answer } from "../../core/filtering/filter.ts";
import { ChunkedDecoder } from "../../http1/chunked.ts";
import { FieldId } from "../../http1/fields.ts";
import { parseRequestHead } from "../../http1/request-head.ts";
import { clientFromForwarded } from "../../core/net/forwarded.ts";
import type { HttpListener } from "../listener.ts";
import type { ListenerPlan } from "../plan.ts";
import type { Timed } from "../timer-wheel.ts";
import { READ_SIZE, sharedReadBuffer, type TransportOwner } from "../transport.ts";
import type { UpstreamConnection } from "../upstream/upstream-connection.ts";
import { answerText } from "./answer.ts";
import { frameChunk } from "./chunk-framing.ts";
import { errorAnswer, type AnswerableError } from "./error-answer.ts";
import type { Exchange } from "./exchange.ts";
import {
  acceptableRequestId,
  forwardedLines,
  forwardedLinesBehindProxy,
  type ForwardedParts,
} from "./forwarded-fields.ts";

/** Waiting for the first byte of a request. */
const IDLE = 0;
/** Part of a head is there. */
const HEAD = 1;
/** A request is running and its body still coming. */
const BODY = 2;
/** A request is running and has come completely. */
const WAIT = 3;
const TUNNEL = 4;
/** The last answer was sent; what still comes is thrown away until the client closes too. */
const LINGER = 5;
const CLOSED = 6;

/** How long and for how many bytes a connection lingers, so that the last answer is not lost to a reset (RFC 9112 9.6). */
const LINGER_TIME = 2000;
const LINGER_BYTES = 1_048_576;
/** A client that closed its sending half may still want a quick answer; a slow one is for nobody. */
const HALF_CLOSED_GRACE = 1000;
/** How long a body may be slow before its rate counts. */
const RATE_GRACE = 10_000;

/** One client's HTTP/1.1 connection: requests in, answers out, one at a time and in order. */
export class ClientConnection implements TransportOwner, Timed, ForwardedParts {
  readBuffer: Buffer = sharedReadBuffer;
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly listener: HttpListener;
  readonly remote: string;
  #socket!: Socket;
  #state = IDLE;
  #exchange: Exchange | null = null;
  /** What has come of an incomplete head. */
  #text = "";
  /** Bytes behind the running request: the beginning of the next ones. */
  #stash: Buffer | null = null;
  #inLoop = false;
  #close = false;
  #peerEnded = false;
  #readPaused = false;
  #stalled = false;
  #requests = 0;
  #bodyLeft = 0;
  #bodyBytes = 0;
  #bodyStartedAt = 0;
  #bodyWasPaused = false;
  #decoder: ChunkedDecoder | null = null;
  #lingered = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #trustPlan: ListenerPlan | null = null;
  #trusted = false;
  #linesAuthority = "\n";
  #lines = "";

  constructor(listener: HttpListener, remote: string) {
    this.listener = listener;
    this.remote = remote;
  }

  get secure(): boolean {
    return false;
  }
  get scheme(): "http" | "https" {
    return this.secure ? "https" : "http";
  }
  get port(): string {
    return this.listener.portText;
  }
  get forwarded(): boolean {
    return this.listener.plan.config.forwarded;
  }
  get idle(): boolean {
    return this.#state === IDLE;
  }

  attach(socket: Socket): void {
    this.#socket = socket;
    this.#wait(this.listener.plan.config.limits.idleTimeout);
  }

  // --- reading ---

  onData(buffer: Buffer, length: number): boolean {
    this.#inLoop = true;
    this.#bytesIn += length;
    const goOn = this.#take(buffer, length);
    this.#inLoop = false;
    return goOn;
  }

  #take(buffer: Buffer, length: number): boolean {
    let position = 0;
    do {
      switch (this.#state) {
        case IDLE:
        case HEAD:
          position = this.#readHead(buffer, position, length);
          break;
        case BODY:
          position = this.#decoder === null ? this.#readBody(buffer, position, length) : this.#readChunks(buffer, position, length);
          break;
        case WAIT:
          // The client did not wait for its answer (pipelining): the rest waits, and so does reading.
          this.#stash = Buffer.from(buffer.subarray(position, length));
          return false;
        case TUNNEL:
          return this.#readTunnel(buffer, position, length);
        case LINGER:
          this.#lingered += length - position;
          if (this.#lingered > LINGER_BYTES) this.#socket.destroy();
          return this.#lingered <= LINGER_BYTES;
        default:
          return false;
      }
    } while (position < length);
    return !this.#readPaused;
  }

  #readHead(buffer: Buffer, from: number, length: number): number {
    const { limits } = this.listener.plan.config;
    const exchange = (this.#exchange ??= this.listener.exchanges.take());
    const { head } = exchange;
    const before = this.#text.length;
    // A head that is over the limit is refused before the end of what is looked at here.
    const cut = Math.min(length, from + limits.maxHeadSize + 4);
    const text = before === 0 ? buffer.latin1Slice(from, cut) : this.#text + buffer.latin1Slice(from, cut);
    const status = parseRequestHead(head, text, 0, limits);
    if (status === 1) {
      this.#text = "";
      // The exchange may be over, and its head empty, when `begin` returns.
      const end = from + head.end - before;
      this.#begin(exchange);
      return end;
    }
    if (status === 0) {
      this.#text = text;
      if (this.#state === IDLE) {
        this.#state = HEAD;
        this.#wait(limits.headTimeout);
      }
      return length;
    }
    this.#refuseHead(exchange, head.error!, head.error!.reason);
    return length;
  }

  #refuseHead(exchange: Exchange, error: AnswerableError, message: string): void {
    this.#text = "";
    this.#state = BODY;
    this.#close = true;
    this.listener.clients.refused(this.listener.slot);
    exchange.id = this.listener.context.requestId();
    this.write(errorAnswer(error, message, exchange.head.getById(FieldId.accept), exchange.id, true, true));
    this.count(error.status, 0);
    exchange.discard();
    this.exchangeDone();
  }

  #begin(exchange: Exchange): void {
    const { head } = exchange;
    const { plan, context } = this.listener;
    const most = plan.config.limits.maxRequestsPerConnection;
    this.#requests++;
    this.#close = !head.keepAlive || this.#peerEnded || context.draining || (most !== 0 && this.#requests >= most);
    if (head.chunked || head.contentLength > 0) {
      this.#state = BODY;
      this.#bodyLeft = head.contentLength;
      this.#bodyBytes = 0;
      this.#bodyWasPaused = false;
      this.#bodyStartedAt = context.now;
      if (head.chunked) {
        this.#decoder ??= new ChunkedDecoder();
        this.#decoder.reset();
      } else this.#decoder = null;
      this.#wait(plan.config.limits.bodyTimeout);
    } else {
      this.#state = WAIT;
      this.deadline = Infinity;
    }
    exchange.start(this);
  }

  /** More of the body is coming than this read has: reads go to a buffer that can be handed on. */
  #ownBuffer(): void {
    this.readBuffer = Buffer.allocUnsafeSlow(READ_SIZE);
  }

  #readBody(buffer: Buffer, from: number, length: number): number {
    const to = Math.min(length, from + this.#bodyLeft);
    const exchange = this.#exchange!;
    this.#bodyLeft -= to - from;
    if (!this.#checkBody(to - from)) return length;
    const shared = buffer === sharedReadBuffer;
    const bytes = shared ? Buffer.from(buffer.subarray(from, to)) : buffer.subarray(from, to);
    const goOn = exchange.filtersRequestBody ? exchange.onRequestFiltered(Buffer.from(bytes)) : exchange.onRequestData(bytes);
    if (this.#state !== BODY || this.#exchange !== exchange) return length;
    if (shared) {
      if (this.#bodyLeft > 0) this.#ownBuffer();
    } else if (!exchange.requestTaken) this.#ownBuffer();
    if (this.#bodyLeft === 0) this.#bodyDone(exchange, exchange.filtersRequestBody ? "0\r\n\r\n" : "");
    else if (!goOn) this.#pauseReading();
    return to;
  }

  #readChunks(buffer: Buffer, from: number, length: number): number {
    const decoder = this.#decoder!;
    const exchange = this.#exchange!;
    let position = from;
    let goOn = true;
    for (;;) {
      const event = decoder.next(buffer, position, length);
      position = decoder.position;
      if (event === 1) {
        const data = buffer.subarray(decoder.dataStart, decoder.dataEnd);
        if (!this.#checkBody(data.length)) return length;
        if (!(exchange.filtersRequestBody ? exchange.onRequestFiltered(Buffer.from(data)) : exchange.onRequestData(frameChunk(data))))
          goOn = false;
        if (this.#state !== BODY || this.#exchange !== exchange) return length;
      } else if (event === 2) {
        this.#bodyDone(exchange, decoder.trailers === "" ? "0\r\n\r\n" : `0\r\n${decoder.trailers}\r\n`);
        return position;
      } else if (event === 0) {
        if (!goOn) this.#pauseReading();
        return length;
      } else {
        this.listener.clients.refused(this.listener.slot);
        exchange.refuse(decoder.error!);
        return length;
      }
    }
  }

  /** Counts bytes of the body; false when the request was refused for their number or rate. */
  #checkBody(bytes: number): boolean {
    const { limits } = this.listener.plan.config;
    const { now } = this.listener.context;
    this.#bodyBytes += bytes;
    this.deadline = now + limits.bodyTimeout;
    if (limits.maxBodySize !== 0 && this.#bodyBytes > limits.maxBodySize) {
      this.#exchange!.refuse(errors.bodyTooLarge);
      return false;
    }
    const elapsed = now - this.#bodyStartedAt;
    if (elapsed > RATE_GRACE && !this.#bodyWasPaused && this.#bodyBytes * 1000 < limits.minBodyRate * elapsed) {
      this.#exchange!.refuse(errors.bodyTooSlow);
      return false;
    }
    return true;
  }

  #bodyDone(exchange: Exchange, ending: string): void {
    this.#state = WAIT;
    this.readBuffer = sharedReadBuffer;
    this.deadline = Infinity;
    exchange.onRequestEnd(ending);
  }

  #pauseReading(): void {
    this.#readPaused = true;
    this.#bodyWasPaused = true;
    this.deadline = Infinity;
    // Within the loop the pause is its return value.
    if (!this.#inLoop) this.#socket.pause();
  }

  /** The other side can take more of the body. */
  resumeReading(): void {
    if (!this.#readPaused) return;
    this.#readPaused = false;
    if (this.#state === BODY) this.#wait(this.listener.plan.config.limits.bodyTimeout);
    if (!this.#inLoop) this.#socket.resume();
  }

  // --- writing ---

  write(data: string | Uint8Array): void {
    this.#bytesOut += data.length;
    if (typeof data === "string") this.#socket.write(data, "latin1");
    else this.#socket.write(data);
    if (this.#socket.writableNeedDrain && !this.#stalled) {
      this.#stalled = true;
      if (this.#state !== TUNNEL) this.#wait(this.listener.plan.config.limits.bodyTimeout);
    }
  }
  cork(): void {
    this.#socket.cork();
  }
  uncork(): void {
    this.#socket.uncork();
  }
  get unsent(): number {
    return this.#socket.writableLength;
  }
  get needsDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  onDrain(): void {
    this.#stalled = false;
    if (this.#state === WAIT) this.deadline = Infinity;
    this.#exchange?.onClientDrain();
  }

  /** The line about this connection in the answer that is being written. */
  connectionLine(exchange: Exchange): string {
    if (this.listener.context.draining || this.listener.retired) this.#close = true;
    if (this.#close) return "Connection: close\r\n";
    return exchange.head.minor === 0 ? "Connection: keep-alive\r\n" : "";
  }

  closeAfterAnswer(): void {
    this.#close = true;
  }

  answer(exchange: Exchange, answer: Answer): void {
    if (this.#state === BODY) this.#close = true;
    const connection = this.connectionLine(exchange);
    for (const part of answerText(answer, exchange.head.method === "HEAD", connection)) this.write(part);
  }

  answerError(exchange: Exchange, error: AnswerableError, message: string): void {
    if (this.#state === BODY) this.#close = true;
    const { head } = exchange;
    const extra = error.status === 503 ? "Retry-After: 1\r\n" : "";
    // The connection line is Connection: close or, for HTTP/1.0, keep-alive.
    const line = this.connectionLine(exchange);
    this.write(
      errorAnswer(error, message, head.getById(FieldId.accept), exchange.id, this.#close, head.method !== "HEAD", this.#close ? extra : extra + line),
    );
  }

  count(status: number, duration: number): void {
    const { clients, slot } = this.listener;
    clients.answered(slot, status, duration);
    clients.addBytes(slot, this.#bytesIn, this.#bytesOut);
    this.#bytesIn = this.#bytesOut = 0;
  }

  // --- the exchange ---

  /** Says who the client is and what the request is called. */
  identify(exchange: Exchange): void {
    const { plan, context } = this.listener;
    if (this.#trustPlan !== plan) {
      this.#trustPlan = plan;
      this.#trusted = plan.isTrusted !== null && plan.isTrusted(this.remote);
      this.#linesAuthority = "\n";
    }
    if (!this.#trusted) {
      exchange.client = this.remote;
      exchange.id = context.requestId();
      return;
    }
    const { head } = exchange;
    exchange.client = clientFromForwarded(this.remote, head.all("x-forwarded-for").join(","), plan.isTrusted!);
    const id = head.getById(FieldId.xRequestId);
    exchange.id = acceptableRequestId(id) ? id : context.requestId();
  }

  forwardedLines(exchange: Exchange): string {
    const { head } = exchange;
    if (this.#trusted) return forwardedLinesBehindProxy(this, head);
    if (head.authority !== this.#linesAuthority) {
      this.#linesAuthority = head.authority;
      this.#lines = forwardedLines(this, head.authority);
    }
    return this.#lines;
  }

  /** The answer is complete. */
  exchangeDone(): void {
    this.forget();
    if (this.#state === CLOSED || this.#state === LINGER) return;
    this.readBuffer = sharedReadBuffer;
    if (this.#close || this.#state === BODY || this.#peerEnded) return this.#linger();
    this.#state = IDLE;
    this.#wait(this.listener.plan.config.limits.idleTimeout);
    if (this.#stash !== null && !this.#inLoop) this.#unstash();
  }

  /** Goes on with the requests that came behind the one that is done. */
  #unstash(): void {
    while (this.#stash !== null && this.#state === IDLE) {
      const stash = this.#stash;
      this.#stash = null;
      this.onData(stash, stash.length);
    }
    if (this.#stash === null && !this.#readPaused && this.#state !== CLOSED) this.#socket.resume();
  }

  /** The exchange is no longer this connection's. */
  forget(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    if (exchange !== null) this.listener.exchanges.give(exchange);
  }

  // --- tunnels ---

  becomeTunnel(head: string, rest: Buffer): void {
    this.listener.clients.upgraded(this.listener.slot);
    this.write(head);
    if (rest.length > 0) this.write(rest);
    this.#state = TUNNEL;
    this.#ownBuffer();
    this.#wait(this.listener.plan.config.limits.tunnelIdleTimeout);
    const stash = this.#stash;
    this.#stash = null;
    if (stash !== null) this.#exchange!.tunnelSend(stash);
    if (!this.#inLoop) this.#socket.resume();
    if (this.#peerEnded) this.#exchange!.tunnelClientEnded();
  }

  #readTunnel(buffer: Buffer, from: number, length: number): boolean {
    const exchange = this.#exchange!;
    const shared = buffer === sharedReadBuffer;
    this.deadline = this.listener.context.now + this.listener.plan.config.limits.tunnelIdleTimeout;
    const goOn = exchange.tunnelSend(shared ? Buffer.from(buffer.subarray(from, length)) : buffer.subarray(from, length));
    if (!shared && !exchange.requestTaken) this.#ownBuffer();
    if (!goOn) this.#readPaused = true;
    return goOn;
  }

  tunnelWrite(buffer: Buffer, start: number, end: number, upstream: UpstreamConnection): boolean {
    this.deadline = this.listener.context.now + this.listener.plan.config.limits.tunnelIdleTimeout;
    this.write(buffer.subarray(start, end));
    if (this.unsent > 0) upstream.replaceBuffer();
    return !this.needsDrain;
  }

  /** The server has sent its last byte. */
  tunnelEnded(): void {
    this.#socket.end();
  }

  /** The server's connection is gone. */
  tunnelClosed(): void {
    this.#state = LINGER;
    this.#wait(LINGER_TIME);
    this.#socket.destroySoon();
  }

  // --- the end ---

  onEnd(): void {
    this.#peerEnded = true;
    switch (this.#state) {
      case WAIT:
        this.#wait(HALF_CLOSED_GRACE);
        return;
      case TUNNEL:
        this.#exchange!.tunnelClientEnded();
        return;
      case BODY:
      case HEAD:
        this.#socket.destroy();
        return;
      case IDLE:
        this.#linger();
    }
  }

  onClose(): void {
    this.#state = CLOSED;
    this.listener.context.wheel.disarm(this);
    this.#stash = null;
    const exchange = this.#exchange;
    if (exchange !== null) {
      if (exchange.running) exchange.clientGone(errors.clientGone);
      else {
        exchange.discard();
        this.forget();
      }
    }
    this.listener.closed(this);
  }

  onDeadline(): void {
    switch (this.#state) {
      case IDLE:
        return this.#linger();
      case WAIT:
        // The grace of a half-closed connection is for answers that have not begun.
        if (!this.#stalled && this.#exchange?.responseStarted === true) return;
        break;
      case HEAD:
        return this.#refuseHead(this.#exchange!, errors.headTimeout, errors.headTimeout.message);
      case BODY:
        if (!this.#stalled) return this.#exchange!.refuse(errors.bodyTimeout);
    }
    this.cut();
  }

  onBug(error: unknown): void {
    this.listener.context.log("error", `client connection: ${error instanceof Error ? error.stack : String(error)}`);
  }

  /** Closes an idle connection at once, a busy one after its answer. */
  drain(): void {
    if (this.#state === IDLE) this.#linger();
    else this.#close = true;
  }

  /** Ends the connection without ceremony. */
  cut(): void {
    this.#socket.destroy();
  }

  #linger(): void {
    this.#state = LINGER;
    this.#stash = null;
    this.#readPaused = false;
    // An answer that the client is slow to take gets the time that its body would have had.
    this.#wait(this.unsent > 0 ? this.listener.plan.config.limits.bodyTimeout : LINGER_TIME);
    this.#socket.end();
    if (!this.#inLoop) this.#socket.resume();
  }

  #wait(time: number): void {
    const { context } = this.listener;
    this.deadline = context.now + time;
    context.wheel.arm(this);
  }
}
