import { FieldId } from "../../http1/fields.ts";
import { parseRequestHead } from "../../http1/parse-request-head.ts";
import { sharedReadBuffer } from "../transport.ts";
import { BodyReader, type BodySource } from "./body-reader.ts";
import { ClientOutput } from "./client-output.ts";
import { BODY, CLOSED, HEAD, IDLE, LINGER, TUNNEL, WAIT, type ClientState } from "./client-state.ts";
import type { Downstream } from "./downstream.ts";
import { errorAnswer, type AnswerableError } from "./error-answer.ts";
import type { Exchange } from "./exchange.ts";

/** How many bytes a connection that lingers may still get: more is no client that has only not noticed yet. */
const LINGER_BYTES = 1_048_576;

/** What an HTTP/2 client sends first (RFC 9113 3.4). */
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** What comes in on a client's connection: heads, which begin exchanges; bodies; what belongs to a tunnel or to nobody. */
export abstract class ClientInput extends ClientOutput implements BodySource, Downstream {
  readBuffer: Buffer = sharedReadBuffer;
  /** The running exchange, or the one whose head is coming. */
  current: Exchange | null = null;
  protected state: ClientState = IDLE;
  /** Bytes behind the running request: the beginning of the next ones. */
  protected stash: Buffer | null = null;
  protected inLoop = false;
  protected peerEnded = false;
  protected readPaused = false;
  /** What has come of an incomplete head. */
  #text = "";
  #body: BodyReader | null = null;
  #requests = 0;
  #lingered = 0;

  abstract exchangeDone(): void;
  abstract forget(): void;
  abstract becomeTunnel(head: string, rest: Buffer): void;
  abstract tunnelClosed(): void;
  /** The client speaks HTTP/2: another connection takes the socket over, beginning with these bytes. */
  protected abstract becomeHttp2(bytes: Buffer): void;

  onData(buffer: Buffer, length: number): boolean {
    this.inLoop = true;
    this.bytesIn += length;
    const goOn = this.#take(buffer, length);
    this.inLoop = false;
    return goOn;
  }

  #take(buffer: Buffer, length: number): boolean {
    let position = 0;
    do {
      switch (this.state) {
        case IDLE:
        case HEAD:
          position = this.#readHead(buffer, position, length);
          break;
        case BODY:
          position = this.#body!.read(buffer, position, length);
          break;
        case WAIT:
          // The client did not wait for its answer (pipelining): the rest waits, and so does reading.
          this.stash = Buffer.from(buffer.subarray(position, length));
          return false;
        case TUNNEL:
          if (this.tunnel!.fromClient(buffer, position, length)) return true;
          this.readPaused = true;
          return false;
        case LINGER:
          this.#lingered += length - position;
          if (this.#lingered > LINGER_BYTES) this.socket.destroy();
          return this.#lingered <= LINGER_BYTES;
        default:
          return false;
      }
    } while (position < length);
    return !this.readPaused;
  }

  #readHead(buffer: Buffer, from: number, length: number): number {
    const { limits } = this.host.plan.config;
    const exchange = (this.current ??= this.host.exchanges.take());
    const { head } = exchange;
    const before = this.#text.length;
    // A head that is over the limit is refused before the end of what is looked at here.
    const cut = Math.min(length, from + limits.maxHeadSize + 4);
    const text = before === 0 ? buffer.latin1Slice(from, cut) : this.#text + buffer.latin1Slice(from, cut);
    // "PRI": a client that knows beforehand that HTTP/2 is understood here. No method that anybody uses begins so.
    if (this.#requests === 0 && text.charCodeAt(0) === 80 && text.charCodeAt(2) === 73 && this.#isHttp2(text)) {
      if (text.length >= PREFACE.length) {
        this.#switch(exchange, text.slice(0, before), buffer.subarray(from, length));
        return length;
      }
      this.#text = text;
      if (this.state === IDLE) {
        this.state = HEAD;
        this.wait(limits.headTimeout);
      }
      return length;
    }
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
      if (this.state === IDLE) {
        this.state = HEAD;
        this.wait(limits.headTimeout);
      }
      return length;
    }
    this.refuseHead(exchange, head.error!, head.error!.reason);
    return length;
  }

  /** Whether this is the preface of HTTP/2 or its beginning. */
  #isHttp2(text: string): boolean {
    if (this.tls !== null || this.host.plan.config.http2 === false) return false;
    return text.startsWith(PREFACE) || PREFACE.startsWith(text);
  }

  #switch(exchange: Exchange, before: string, bytes: Buffer): void {
    this.#text = "";
    exchange.discard();
    this.forget();
    this.becomeHttp2(Buffer.concat([Buffer.from(before, "latin1"), bytes]));
  }

  protected refuseHead(exchange: Exchange, error: AnswerableError, message: string): void {
    this.#text = "";
    this.state = BODY;
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
    this.close = !head.keepAlive || this.peerEnded || context.draining || (most !== 0 && this.#requests >= most);
    if (head.chunked || head.contentLength > 0) {
      this.state = BODY;
      this.#body ??= new BodyReader(this, this.host);
      this.#body.begin(head);
      this.wait(plan.config.limits.bodyTimeout);
    } else {
      this.state = WAIT;
      this.deadline = Infinity;
    }
    const client = this.identity.client(plan, head);
    exchange.start(this, plan, client, this.identity.requestId(head) ?? context.requestId());
  }

  bodyDone(): void {
    this.state = WAIT;
    this.readBuffer = sharedReadBuffer;
    this.deadline = Infinity;
  }

  pauseReading(): void {
    this.readPaused = true;
    this.#body!.paused();
    // Nothing tells of a client that goes while it is not read from, so the pause has an end as well.
    this.wait(this.host.plan.config.limits.bodyTimeout);
    // Within the loop the pause is its return value.
    if (!this.inLoop) this.socket.pause();
  }

  /** The other side can take more of the body. */
  resumeReading(): void {
    if (!this.readPaused) return;
    this.readPaused = false;
    if (this.state === BODY) {
      this.#body!.resumed();
      this.wait(this.host.plan.config.limits.bodyTimeout);
    }
    if (!this.inLoop) this.socket.resume();
  }

  /** Goes on with the requests that came behind the one that is done. */
  protected unstash(): void {
    while (this.stash !== null && this.state === IDLE) {
      const stash = this.stash;
      this.stash = null;
      this.onData(stash, stash.length);
    }
    if (this.stash === null && !this.readPaused && this.state !== CLOSED) this.socket.resume();
  }

  protected get bodyComing(): boolean {
    return this.state === BODY;
  }

  protected onStalled(): void {
    if (this.state !== TUNNEL) this.wait(this.host.plan.config.limits.bodyTimeout);
  }
}
