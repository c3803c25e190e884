import { errors } from "../../core/errors.ts";
import { FieldId } from "../../http1/fields.ts";
import { parseRequestHead } from "../../http1/parse-request-head.ts";
import { sharedReadBuffer, takeReadBuffer, type StreamSocket, type TransportOwner } from "../transport.ts";
import { BodyReader, type BodySource } from "./body-reader.ts";
import { ClientOutput } from "./client-output.ts";
import type { ConnectionHost } from "./connection-host.ts";
import type { BufferLender, Downstream } from "./downstream.ts";
import { errorAnswer, type AnswerableError } from "./error-answer.ts";
import type { Exchange } from "./exchange.ts";
import { Tunnel, type TunnelClient } from "./tunnel.ts";

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
/**
 * A client that closed its sending half looks like one that is gone. It gets an answer that comes within this time,
 * and as much of it as comes without longer pauses.
 */
const HALF_CLOSED_GRACE = 1000;

const WEBSOCKET = /\r\nUpgrade: *websocket *\r\n/i;
/** Lends bytes that nobody will overwrite. */
const OWN_BYTES: BufferLender = { replaceBuffer: () => undefined };

/** One client's HTTP/1.1 connection: requests in, answers out, one at a time and in order. */
export class ClientConnection extends ClientOutput implements TransportOwner, Downstream, BodySource, TunnelClient {
  readBuffer: Buffer = sharedReadBuffer;
  /** The running exchange, or the one whose head is coming. */
  current: Exchange | null = null;
  #state = IDLE;
  /** What has come of an incomplete head. */
  #text = "";
  /** Bytes behind the running request: the beginning of the next ones. */
  #stash: Buffer | null = null;
  #body: BodyReader | null = null;
  #tunnel: Tunnel | null = null;
  #inLoop = false;
  #peerEnded = false;
  #readPaused = false;
  #requests = 0;
  #lingered = 0;
  #bytesSeen = 0;

  /** @param remote the client's address, without port */
  constructor(host: ConnectionHost, remote: string, secure: boolean) {
    super(host, remote, secure);
  }

  attach(socket: StreamSocket): void {
    this.socket = socket;
    this.wait(this.host.plan.config.limits.idleTimeout);
  }

  // --- reading ---

  onData(buffer: Buffer, length: number): boolean {
    this.#inLoop = true;
    this.bytesIn += length;
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
          position = this.#body!.read(buffer, position, length);
          break;
        case WAIT:
          // The client did not wait for its answer (pipelining): the rest waits, and so does reading.
          this.#stash = Buffer.from(buffer.subarray(position, length));
          return false;
        case TUNNEL:
          if (this.#tunnel!.fromClient(buffer, position, length)) return true;
          this.#readPaused = true;
          return false;
        case LINGER:
          this.#lingered += length - position;
          if (this.#lingered > LINGER_BYTES) this.socket.destroy();
          return this.#lingered <= LINGER_BYTES;
        default:
          return false;
      }
    } while (position < length);
    return !this.#readPaused;
  }

  #readHead(buffer: Buffer, from: number, length: number): number {
    const { limits } = this.host.plan.config;
    const exchange = (this.current ??= this.host.exchanges.take());
    const { head } = exchange;
    const before = this.#text.length;
    // A head that is over the limit is refused before the end of what is looked at here.
    const cut = Math.min(length, from + limits.maxHeadSize + 4);
    const text = before === 0 ? buffer.latin1Slice(from, cut) : this.#text + buffer.latin1Slice(from, cut);
    const status = parseRequestHead(head, text, 0, limits, before === 0 && from === 0 ? buffer : null);
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
        this.wait(limits.headTimeout);
      }
      return length;
    }
    this.#refuseHead(exchange, head.error!, head.error!.reason);
    return length;
  }

  #refuseHead(exchange: Exchange, error: AnswerableError, message: string): void {
    this.#text = "";
    this.#state = BODY;
    this.close = true;
    this.host.clients.refused(this.host.slot);
    exchange.id = this.host.context.requestId();
    this.write(
      errorAnswer(error, message, exchange.head.getById(FieldId.accept), exchange.id, "Connection: close\r\n", true),
    );
    this.count(error.status, 0);
    exchange.discard();
    this.exchangeDone();
  }

  #begin(exchange: Exchange): void {
    const { head } = exchange;
    const { plan, context } = this.host;
    const most = plan.config.limits.maxRequestsPerConnection;
    this.#requests++;
    this.close = !head.keepAlive || this.#peerEnded || context.draining || (most !== 0 && this.#requests >= most);
    if (head.chunked || head.contentLength > 0) {
      this.#state = BODY;
      this.#body ??= new BodyReader(this, this.host);
      this.#body.begin(head);
      this.wait(plan.config.limits.bodyTimeout);
    } else {
      this.#state = WAIT;
      this.deadline = Infinity;
    }
    const client = this.identity.client(plan, head);
    exchange.start(this, plan, client, this.identity.requestId(head) ?? context.requestId());
  }

  bodyDone(): void {
    this.#state = WAIT;
    this.readBuffer = sharedReadBuffer;
    this.deadline = Infinity;
  }

  pauseReading(): void {
    this.#readPaused = true;
    this.#body!.paused = true;
    // Nothing tells of a client that goes while it is not read from, so the pause has an end as well.
    this.wait(this.host.plan.config.limits.bodyTimeout);
    // Within the loop the pause is its return value.
    if (!this.#inLoop) this.socket.pause();
  }

  /** The other side can take more of the body. */
  resumeReading(): void {
    if (!this.#readPaused) return;
    this.#readPaused = false;
    if (this.#state === BODY) {
      this.#body!.resumed();
      this.wait(this.host.plan.config.limits.bodyTimeout);
    }
    if (!this.#inLoop) this.socket.resume();
  }

  // --- writing ---

  protected get bodyComing(): boolean {
    return this.#state === BODY;
  }

  protected onStalled(): void {
    if (this.#state !== TUNNEL) this.wait(this.host.plan.config.limits.bodyTimeout);
  }

  onDrain(): void {
    this.stalled = false;
    if (this.#state === WAIT) this.deadline = Infinity;
    this.current?.leg.resume();
  }

  // --- the exchange ---

  /** The answer is complete. */
  exchangeDone(): void {
    this.forget();
    if (this.#state === CLOSED || this.#state === LINGER) return;
    this.readBuffer = sharedReadBuffer;
    if (this.close || this.#state === BODY || this.#peerEnded) return this.#linger();
    this.#state = IDLE;
    this.wait(this.host.plan.config.limits.idleTimeout);
    if (this.#stash !== null && !this.#inLoop) this.#unstash();
  }

  /** Goes on with the requests that came behind the one that is done. */
  #unstash(): void {
    while (this.#stash !== null && this.#state === IDLE) {
      const stash = this.#stash;
      this.#stash = null;
      this.onData(stash, stash.length);
    }
    if (this.#stash === null && !this.#readPaused && this.#state !== CLOSED) this.socket.resume();
  }

  /** The exchange is no longer this connection's. */
  forget(): void {
    const exchange = this.current;
    this.current = null;
    if (exchange !== null) this.host.exchanges.give(exchange);
  }

  // --- tunnels ---

  becomeTunnel(head: string, rest: Buffer): void {
    const { leg } = this.current!;
    this.host.clients.upgraded(this.host.slot);
    this.write(head);
    this.#state = TUNNEL;
    this.deadline = Infinity;
    const { context, plan } = this.host;
    const tunnel = new Tunnel(this, leg, context, WEBSOCKET.test(head), plan.config.limits.tunnelIdleTimeout);
    this.#tunnel = tunnel;
    if (rest.length > 0) tunnel.fromServer(rest, OWN_BYTES);
    this.readBuffer = takeReadBuffer();
    const stash = this.#stash;
    this.#stash = null;
    if (stash !== null) tunnel.fromClient(stash, 0, stash.length);
    if (!this.#inLoop) this.socket.resume();
    if (this.#peerEnded) tunnel.clientEnded();
  }

  tunnelWrite(bytes: Buffer, from: BufferLender): boolean {
    return this.#tunnel!.fromServer(bytes, from);
  }

  tunnelEnded(): void {
    this.#tunnel!.serverEnded();
  }

  endSending(): void {
    this.socket.end();
  }

  closeTunnel(): void {
    if (this.#state === TUNNEL) this.#tunnel!.close();
  }

  tunnelClosed(): void {
    this.#tunnel!.over();
    // One that was told why gets the time to read it.
    if (this.#tunnel!.closing) return this.#linger();
    this.#state = LINGER;
    this.wait(LINGER_TIME);
    this.socket.destroySoon();
  }

  // --- the end ---

  onEnd(): void {
    this.#peerEnded = true;
    switch (this.#state) {
      case WAIT:
        this.#bytesSeen = this.bytesOut;
        this.wait(HALF_CLOSED_GRACE);
        return;
      case TUNNEL:
        this.#tunnel!.clientEnded();
        return;
      case BODY:
      case HEAD:
        this.socket.destroy();
        return;
      case IDLE:
        this.#linger();
    }
  }

  onClose(): void {
    this.#state = CLOSED;
    this.host.context.wheel.disarm(this);
    this.#tunnel?.over();
    this.#stash = null;
    const exchange = this.current;
    if (exchange !== null) {
      if (exchange.running) exchange.clientGone(errors.clientGone);
      else {
        exchange.discard();
        this.forget();
      }
    }
    this.host.closed(this);
  }

  onDeadline(): void {
    switch (this.#state) {
      case IDLE:
        return this.#linger();
      case WAIT:
        // A half-closed connection stays as long as its answer moves.
        if (this.#peerEnded && !this.stalled && this.bytesOut !== this.#bytesSeen) {
          this.#bytesSeen = this.bytesOut;
          return this.wait(HALF_CLOSED_GRACE);
        }
        break;
      case HEAD:
        return this.#refuseHead(this.current!, errors.headTimeout, errors.headTimeout.message);
      case BODY:
        // The exchange may have been cut in this very tick, by a deadline of its server's.
        if (this.current === null) break;
        if (this.#readPaused) return this.current.refuse(errors.requestStalled);
        if (!this.stalled) return this.current.refuse(errors.bodyTimeout);
    }
    this.cut();
  }

  onBug(error: unknown): void {
    this.host.context.log("error", `client connection: ${error instanceof Error ? error.stack : String(error)}`);
  }

  /** Closes an idle connection at once, a busy one after its answer. */
  drain(): void {
    if (this.#state === IDLE) this.#linger();
    else this.close = true;
  }

  #linger(): void {
    this.#state = LINGER;
    this.#stash = null;
    this.#readPaused = false;
    // An answer that the client is slow to take gets the time that its body would have had.
    this.wait(this.unsent > 0 ? this.host.plan.config.limits.bodyTimeout : LINGER_TIME);
    this.socket.end();
    if (!this.#inLoop) this.socket.resume();
  }
}
