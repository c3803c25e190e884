import { errors, type ProxyError } from "../../../core/errors.ts";
import { writeRequest } from "../../../http2/messages/write-request.ts";
import type { Http2Stream } from "../../../http2/peer.ts";
import type { Timed } from "../../timer-wheel.ts";
import type { UpstreamUser } from "../upstream-user.ts";
import { connectRequest } from "./extended-connect.ts";
import type { StreamHost } from "./stream-host.ts";

/** No part of the answer has come but 1xx; */
export const HEAD = 0;
/** its head has come, and is held until it is known whether all of the answer is in the same read; */
export const HELD = 1;
/** its head was passed on; */
export const BODY = 2;
/** bytes go both ways; */
export const TUNNEL = 3;
/** the stream is nobody's any more. */
export const CLOSED = 4;

/** The sending half of a request on an HTTP/2 connection: what `RequestChannel` has of it. */
export abstract class RequestStream implements Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  protected readonly host: StreamHost;
  protected stream!: Http2Stream;
  protected user: UpstreamUser | null;
  /** One of the constants above. */
  protected state = HEAD;
  /** The request was sent to its end. */
  protected complete = false;
  /** The request asks for a tunnel: its end is not the request's. */
  protected isConnect = false;
  protected webSocketKey = "";
  protected sentAt: number;
  /** The user takes nothing at the moment. */
  protected paused = false;
  protected patienceTried = false;
  /** Of a tunnel: the server's half has ended, and ours. */
  protected peerEnded = false;
  protected tunnelEnded = false;
  /** The request's head, until it is known whether a body follows. */
  #head = "";

  constructor(host: StreamHost, user: UpstreamUser) {
    this.host = host;
    this.user = user;
    this.sentAt = host.home.context.now;
  }

  /** The codec's stream, right after the constructor: the codec must know the user first. */
  attach(stream: Http2Stream): void {
    this.stream = stream;
  }

  abstract onDeadline(now: number): void;

  /** Gives up: the user is told. */
  abstract fail(error: ProxyError): void;

  readonly connected = true;

  get reused(): boolean {
    return this.host.reused;
  }

  /** What is written is copied. */
  readonly unsent = 0;

  get needsDrain(): boolean {
    return this.stream.needsDrain;
  }

  get waitsForBody(): boolean {
    return this.state <= HELD && !this.complete;
  }

  get incomplete(): boolean {
    return !this.complete;
  }

  get lastSentAt(): number {
    return this.sentAt;
  }

  get keptWaiting(): boolean {
    return this.patienceTried;
  }

  get isTunnel(): boolean {
    return this.state === TUNNEL;
  }

  sendHead(text: string, _chunked: boolean): void {
    if (this.state === CLOSED) return;
    this.wait(this.host.home.config.responseTimeout);
    this.#head = text;
    // Other protocols than WebSocket have no name in HTTP/2: a server may ignore such a wish (RFC 9110 7.8).
    const connect = this.user!.wantsUpgrade ? connectRequest(text) : null;
    this.isConnect = connect !== null;
    if (connect === null) return;
    this.complete = true;
    if (this.host.allowsConnectProtocol) {
      this.#head = connect.head;
      this.webSocketKey = connect.key;
      return this.#sendPendingHead(false);
    }
    this.#head = "";
    // The caller is in the middle of sending.
    process.nextTick(failLater, this, errors.upgradeNotPossible);
  }

  #sendPendingHead(end: boolean): void {
    const text = this.#head;
    this.#head = "";
    if (this.stream.sendingEnded) return;
    const { encoder, home } = this.host;
    encoder.begin();
    writeRequest(encoder, text, home.tls === null ? "http" : "https");
    this.stream.sendHead(end);
  }

  sendBody(bytes: Uint8Array): void {
    if (this.state === CLOSED) return;
    if (this.#head !== "") this.#sendPendingHead(false);
    this.sentAt = this.host.home.context.now;
    this.deadline = this.paused ? Infinity : this.sentAt + this.host.home.config.responseTimeout;
    this.stream.sendData(bytes, false);
  }

  requestSent(trailers: string): void {
    if (this.state === CLOSED || this.isConnect) return;
    this.complete = true;
    this.sentAt = this.host.home.context.now;
    if (trailers === "") {
      if (this.#head !== "") this.#sendPendingHead(true);
      else this.stream.sendEnd();
      return;
    }
    if (this.#head !== "") this.#sendPendingHead(false);
    if (this.stream.sendingEnded) return;
    const { encoder } = this.host;
    encoder.begin(true);
    encoder.lines(trailers, 0, trailers.length);
    this.stream.sendHead(true);
  }

  sendTunnel(bytes: Uint8Array): void {
    if (this.state === TUNNEL) this.stream.sendData(bytes, false);
  }

  endTunnel(): void {
    if (this.state !== TUNNEL || this.tunnelEnded) return;
    this.tunnelEnded = true;
    this.stream.sendEnd();
    if (this.peerEnded) process.nextTick(failLater, this, errors.responseTruncated);
  }

  cork(): void {
    // All that is written in one turn leaves together.
  }

  uncork(): void {
    if (this.state !== CLOSED && this.#head !== "") this.#sendPendingHead(false);
  }

  onDrain(): void {
    if (this.state !== CLOSED) this.user!.onUpstreamDrain();
  }

  protected wait(after: number): void {
    const { context } = this.host.home;
    this.deadline = context.now + after;
    context.wheel.arm(this);
  }
}

/** For `process.nextTick`: the caller is in the middle of something. */
export function failLater(stream: RequestStream, error: ProxyError): void {
  stream.fail(error);
}
