import { isGrpc } from "../../core/grpc/content-type.ts";
import { errors } from "../../core/errors.ts";
import { FieldId } from "../../http1/fields.ts";
import { ErrorCode } from "../../http2/error-code.ts";
import type { FieldList } from "../../http2/field-list.ts";
import { readRequest } from "../../http2/messages/request-fields.ts";
import { readTrailers } from "../../http2/messages/trailers.ts";
import type { StreamUser } from "../../http2/peer.ts";
import type { BufferLender } from "../http/buffer-lender.ts";
import type { Downstream } from "../http/downstream.ts";
import type { Exchange } from "../http/exchange.ts";
import { BodyMeter } from "../http/body-meter.ts";
import type { TunnelClient } from "../http/tunnel-ends.ts";
import { Tunnel } from "../http/tunnel.ts";
import type { Timed } from "../timer-wheel.ts";
import { giveReadBuffer, sharedReadBuffer } from "../transport.ts";
import { Http2ClientAnswer } from "./client-answer.ts";

/** Waiting for the head. */
const HEAD = 0;
/** The exchange runs, and the request's body is still coming. */
const BODY = 1;
/** The exchange runs, and the request has come completely. */
const WAIT = 2;
/** Bytes go both ways (RFC 8441). */
const TUNNEL = 3;
/** The exchange is over; what was written is still on its way. */
const SENDING = 4;
const OVER = 5;

/** Lends bytes that nobody will overwrite. */
const OWN_BYTES: BufferLender = { replaceBuffer: () => undefined };

/** One request of an HTTP/2 connection: its stream on one side, its exchange on the other. */
export class Http2ClientRequest extends Http2ClientAnswer implements StreamUser, Downstream, TunnelClient, Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  #exchange: Exchange | null = null;
  #state = HEAD;
  #meter: BodyMeter | null = null;
  /** Longest pause of the body, in ms. */
  #pause = 0;
  #tunnel: Tunnel | null = null;
  /** The client has sent everything. */
  #ended = false;
  /** Received bytes that the client has no credit for yet, because the server does not take them. */
  #owed = 0;

  // --- what comes from the client ---

  onHead(fields: FieldList, end: boolean): void {
    if (end) this.#ended = true;
    if (this.#state !== HEAD) return this.#trailers(fields);
    const host = this.host;
    const exchange = (this.#exchange = host.exchanges.take());
    const { head } = exchange;
    const problem = readRequest(fields, end, head, host.plan.config.limits);
    if (problem !== null) {
      host.clients.refused(host.slot);
      if (problem.malformed) {
        this.stream.reset(ErrorCode.protocolError, true);
        return this.#discard(exchange);
      }
      exchange.id = host.context.requestId();
      this.#state = WAIT;
      this.refuseWith(problem, problem.reason, head, exchange.id, (text) => text);
      this.count(problem.status, 0);
      exchange.discard();
      return this.exchangeDone();
    }
    this.stream.expectedLength = head.contentLength;
    const priority = head.getById(FieldId.priority);
    if (priority !== undefined) this.stream.setPriorityField(priority);
    if (!end && (head.chunked || head.contentLength > 0)) {
      this.#state = BODY;
      const { bodyTimeout, tunnelIdleTimeout } = host.plan.config.limits;
      // The messages of a gRPC call come when there is something to say.
      const isStream = isGrpc(head.getById(FieldId.contentType));
      this.#pause = isStream ? tunnelIdleTimeout : bodyTimeout;
      this.#meter = new BodyMeter();
      this.#meter.rated = !isStream;
      this.#meter.begin(host.context.now);
      this.#wait(this.#pause);
    } else this.#state = WAIT;
    host.startSoon(this);
  }

  /** Begins the exchange, unless that is done or there is nothing to begin any more. */
  start(): void {
    const exchange = this.#exchange;
    if (exchange === null || exchange.running) return;
    const { head } = exchange;
    const { plan, identity, context } = this.host;
    const client = identity.client(plan, head);
    exchange.start(this, plan, client, identity.requestId(head) ?? context.requestId());
  }

  #trailers(fields: FieldList): void {
    if (this.#state !== BODY) return;
    this.start();
    if ((this.#state as number) !== BODY) return;
    const lines = readTrailers(fields);
    if (lines === null) {
      this.host.clients.refused(this.host.slot);
      this.stream.reset(ErrorCode.protocolError, true);
      return this.#gone();
    }
    this.#bodyDone(lines);
  }

  onData(buffer: Buffer, from: number, to: number, end: boolean): void {
    if (end) this.#ended = true;
    const bytes = to - from;
    this.bytesIn += bytes;
    if (this.#state === BODY) this.#body(buffer, from, to, end);
    else if (this.#state === TUNNEL) this.#tunnelData(buffer, from, to, end);
    else this.stream.consumed(bytes);
  }

  #body(buffer: Buffer, from: number, to: number, end: boolean): void {
    const exchange = this.#exchange!;
    const { limits } = this.host.plan.config;
    const { now } = this.host.context;
    const bytes = to - from;
    this.start();
    if (this.#exchange !== exchange) return this.stream.consumed(bytes);
    this.deadline = now + this.#pause;
    const error = this.#meter!.count(bytes, now, limits);
    if (error !== null) {
      this.stream.consumed(bytes);
      return exchange.refuse(error);
    }
    let goOn = true;
    if (bytes > 0) {
      const { request } = exchange.leg;
      const piece = buffer.subarray(from, to);
      // Chunks are copied on their way; other bytes have to stay until they have left, and the buffer is read into again.
      if (request.filtersBody) goOn = request.sendFiltered(Buffer.from(piece));
      else goOn = exchange.head.chunked ? request.sendBorrowed(piece) : request.send(Buffer.from(piece));
      if (this.#exchange !== exchange) return this.stream.consumed(bytes);
    }
    if (end) {
      this.stream.consumed(bytes);
      return this.#bodyDone("");
    }
    if (goOn) return this.stream.consumed(bytes);
    this.#owed += bytes;
    this.#meter!.paused = true;
  }

  #bodyDone(trailers: string): void {
    this.#state = WAIT;
    this.deadline = Infinity;
    this.#exchange!.leg.request.end(trailers);
  }

  onReset(): void {
    this.#ended = true;
    this.#gone();
  }

  /** There is no client any more. */
  #gone(): void {
    this.#tunnel?.over();
    const exchange = this.#exchange;
    if (exchange === null) return this.#over();
    if (exchange.running) exchange.clientGone(errors.clientGone);
    else this.#discard(exchange);
  }

  #discard(exchange: Exchange): void {
    exchange.discard();
    this.forget();
  }

  // --- what goes to the client ---

  onDrain(): void {
    if (this.#state === WAIT) this.deadline = Infinity;
    this.#exchange?.leg.resume();
  }

  onSent(): void {
    if (this.#state !== SENDING) return;
    // The rest of the request has nobody to go to (RFC 9113 8.1).
    if (!this.#ended) this.stream.reset(ErrorCode.noError);
    this.#over();
  }

  protected onStalled(): void {
    if (this.deadline === Infinity && this.#state !== TUNNEL) this.#wait(this.host.plan.config.limits.bodyTimeout);
  }

  resumeReading(): void {
    if (this.#owed === 0) return;
    const owed = this.#owed;
    this.#owed = 0;
    if (this.#state === BODY) {
      this.#meter!.resumed(this.host.context.now);
      this.#wait(this.#pause);
    }
    this.stream.consumed(owed);
  }

  // --- the end ---

  exchangeDone(): void {
    this.#giveBack();
    if (this.#state === OVER) return;
    this.#state = SENDING;
    if (this.#owed > 0) this.resumeReading();
    if (this.stream.closed) return this.#over();
    // A client that does not take the end of its answer holds a place among the streams.
    this.#wait(this.host.plan.config.limits.bodyTimeout);
    if (this.stream.sendingEnded && this.stream.unsent === 0) this.onSent();
  }

  forget(): void {
    this.#giveBack();
    this.#over();
  }

  #giveBack(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    if (exchange !== null) this.host.exchanges.give(exchange);
  }

  /** Nothing is left to be done: the stream's place is free. */
  #over(): void {
    if (this.#state === OVER) return;
    this.#state = OVER;
    this.host.context.wheel.disarm(this);
    this.#tunnel?.over();
    if (!this.stream.closed && !this.stream.sendingEnded) this.stream.reset(ErrorCode.internalError);
    this.stream.release();
    this.host.requestOver(this);
  }

  cut(): void {
    this.stream.reset(ErrorCode.internalError);
    this.#gone();
  }

  onDeadline(): void {
    const exchange = this.#exchange;
    switch (this.#state) {
      case BODY:
        if (exchange === null) return;
        if (this.#owed > 0) return exchange.refuse(errors.requestStalled);
        return exchange.refuse(errors.bodyTimeout);
      case SENDING:
      case WAIT:
        if (this.moves) return this.#wait(this.host.plan.config.limits.bodyTimeout);
        // The client's window has been closed for too long.
        this.stream.reset(ErrorCode.cancel, true);
        return this.#gone();
    }
  }

  #wait(time: number): void {
    const { context } = this.host;
    this.beginWait();
    this.deadline = context.now + time;
    context.wheel.arm(this);
  }

  // --- tunnels (RFC 8441) ---

  /** What a tunnel gets from here are copies, so it need not look for another place for the next read. */
  get readBuffer(): Buffer {
    return sharedReadBuffer;
  }
  set readBuffer(unused: Buffer) {
    giveReadBuffer(unused);
  }

  becomeTunnel(head: string, rest: Buffer): void {
    this.#state = TUNNEL;
    this.deadline = Infinity;
    this.started = true;
    // What is about the connection to the server: there is no key and no proof of it here.
    const lines = head.slice(head.indexOf("\r\n") + 2, -2).replace(/^sec-websocket-accept:.*\r\n/im, "");
    this.head(200, lines, false);
    const { host } = this.host;
    host.clients.upgraded(host.slot);
    const tunnel = (this.#tunnel = new Tunnel(this, this.#exchange!.leg, host, true));
    if (rest.length > 0) tunnel.fromServer(rest, OWN_BYTES);
    if (this.#ended) tunnel.clientEnded();
  }

  #tunnelData(buffer: Buffer, from: number, to: number, end: boolean): void {
    const bytes = to - from;
    if (bytes > 0) {
      const piece = Buffer.from(buffer.subarray(from, to));
      if (this.#tunnel!.fromClient(piece, 0, bytes)) this.stream.consumed(bytes);
      else this.#owed += bytes;
    }
    if (end && this.#state === TUNNEL) this.#tunnel!.clientEnded();
  }

  tunnelWrite(bytes: Buffer, from: BufferLender): boolean {
    return this.#tunnel!.fromServer(bytes, from);
  }
  tunnelEnded(): void {
    this.#tunnel!.serverEnded();
  }
  tunnelClosed(): void {
    this.#tunnel!.over();
    this.endSending();
  }
  closeTunnel(): void {
    this.#tunnel?.close();
  }
}
