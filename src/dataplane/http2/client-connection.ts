import { Http2Connection } from "../../http2/connection.ts";
import { ErrorCode } from "../../http2/error-code.ts";
import type { Http2Owner, Http2Stream, StreamUser } from "../../http2/peer.ts";
import type { ClientBoard } from "../../shared-memory/client-board.ts";
import { ClientIdentity } from "../http/client-identity.ts";
import type { ConnectionHost, HostedConnection } from "../http/connection-host.ts";
import type { ExchangePool } from "../http/exchange-pool.ts";
import type { ListenerPlan } from "../plan.ts";
import type { TlsSession } from "../tls/tls-session.ts";
import type { Timed } from "../timer-wheel.ts";
import { sharedReadBuffer, type StreamSocket, type TransportOwner } from "../transport.ts";
import type { WorkerContext } from "../worker-context.ts";
import { Http2ClientRequest } from "./client-request.ts";
import { codecOptions } from "./codec-options.ts";
import { flushSoon, type Flushed } from "./flush.ts";
import type { RequestHost, StartedRequest } from "./request-host.ts";

/** How long a client may take to confirm that it knows of the end of the connection, in ms (RFC 9113 6.8). */
const SHUTDOWN_GRACE = 1000;
/** How long a connection lingers, so that the last frames are not lost to a reset. */
const LINGER_TIME = 2000;
/** How many bytes a connection that lingers may still get. */
const LINGER_BYTES = 1_048_576;
/** A client that has closed its sending half gets what comes within this time, and as much as comes without longer pauses. */
const HALF_CLOSED_GRACE = 1000;

/** The client's settings have not come. */
const PREFACE = 0;
const OPEN = 1;
/** The last frames were sent; what still comes is thrown away until the client closes too. */
const LINGER = 2;
const CLOSED = 3;

/** One client's HTTP/2 connection: many requests at a time. */
export class Http2ClientConnection
  implements TransportOwner, Http2Owner, RequestHost, HostedConnection, Flushed, Timed
{
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  /** All that is read is used up or copied at once. */
  readonly readBuffer: Buffer = sharedReadBuffer;
  readonly context: WorkerContext;
  readonly exchanges: ExchangePool;
  readonly clients: ClientBoard;
  readonly identity: ClientIdentity;
  readonly tls: TlsSession | null;
  readonly host: ConnectionHost;
  readonly #codec: Http2Connection;
  readonly #requests = new Set<Http2ClientRequest>();
  /** Those whose heads have come in the present read. */
  readonly #starting: StartedRequest[] = [];
  #socket!: StreamSocket;
  #state = PREFACE;
  #flushing = false;
  #served = 0;
  /** The client was told that the connection ends: 1 that it will, 2 with which stream. */
  #farewell = 0;
  /** The connection ends as soon as all has gone out. */
  #ending = false;
  #peerEnded = false;
  #lingered = 0;
  /** Bytes written when the present wait began. */
  #written = 0;
  #seen = 0;

  constructor(host: ConnectionHost, remote: string, tls: TlsSession | null) {
    this.host = host;
    this.context = host.context;
    this.exchanges = host.exchanges;
    this.clients = host.clients;
    this.tls = tls;
    this.identity = new ClientIdentity(remote, tls, host.portText);
    const { config, isTrusted } = host.plan;
    // Behind a proxy are many.
    const isSuspect = host.abuses.suspects.has(remote, host.context.now) && isTrusted?.(remote) !== true;
    this.#codec = new Http2Connection(codecOptions(config, host.context, isSuspect), this);
  }

  get plan(): ListenerPlan {
    return this.host.plan;
  }
  get slot(): number {
    return this.host.slot;
  }

  attach(socket: StreamSocket): void {
    this.#socket = socket;
    this.#wait(this.plan.config.limits.headTimeout);
    this.#codec.start();
    if (this.context.draining || this.host.retired) this.drain();
  }

  // --- what the socket says ---

  onData(buffer: Buffer, length: number): boolean {
    if (this.#state === LINGER) {
      this.#lingered += length;
      if (this.#lingered > LINGER_BYTES) this.#socket.destroy();
      return this.#lingered <= LINGER_BYTES;
    }
    this.#codec.receive(buffer, 0, length);
    const starting = this.#starting;
    if (starting.length > 0) {
      for (const request of starting) request.start();
      starting.length = 0;
    }
    return true;
  }

  onDrain(): void {
    this.#codec.blocked = false;
    this.flush();
  }

  onEnd(): void {
    this.#peerEnded = true;
    if (this.#state === LINGER || this.#requests.size === 0) return this.#linger();
    this.#seen = this.#written;
    this.#wait(HALF_CLOSED_GRACE);
  }

  onClose(): void {
    this.#state = CLOSED;
    this.context.wheel.disarm(this);
    this.#codec.socketClosed();
    this.host.closed(this);
  }

  onBug(error: unknown): void {
    this.context.log("error", `client connection: ${error instanceof Error ? error.stack : String(error)}`);
  }

  // --- what the codec says ---

  onStream(stream: Http2Stream): StreamUser {
    const request = new Http2ClientRequest(this, this.#codec, stream);
    this.#requests.add(request);
    if (this.#requests.size === 1 && !this.#peerEnded) this.#wait(this.plan.config.limits.bodyTimeout);
    const most = this.plan.config.limits.maxRequestsPerConnection;
    if (++this.#served === most) this.#sayFarewell();
    return request;
  }

  onSettings(): void {
    if (this.#state !== PREFACE) return;
    this.#state = OPEN;
    if (this.#requests.size === 0) this.#wait(this.plan.config.limits.idleTimeout);
  }

  onOutput(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    flushSoon(this);
  }

  onGoAway(): void {
    // The client will open no more streams; it closes when it has got its answers.
  }

  onPong(): void {
    if (this.#farewell === 1) this.#sayFarewell();
  }

  onConnectionError(_code: number, reason: string, abuse: string): void {
    this.clients.refused(this.slot);
    const text = `listener ${this.plan.name}: HTTP/2 connection of ${this.identity.remote} closed: ${reason}`;
    if (abuse === "") this.context.log("debug", text);
    else {
      this.host.abuses.suspects.note(this.identity.remote, this.context.now);
      const line = this.host.abuses.line(abuse, text, this.context.now);
      if (line !== undefined) this.context.log("warn", line);
    }
    this.#end();
  }

  // --- the requests ---

  requestOver(request: object): void {
    this.#requests.delete(request as Http2ClientRequest);
    if (this.#requests.size > 0 || this.#state !== OPEN || this.#ending) return;
    if (this.#peerEnded || this.#farewell === 2) return this.#end();
    if (this.#farewell === 0) this.#wait(this.plan.config.limits.idleTimeout);
  }

  startSoon(request: StartedRequest): void {
    this.#starting.push(request);
  }

  /** Writes all that may be written now. */
  flush(): void {
    this.#flushing = false;
    const socket = this.#socket;
    const codec = this.#codec;
    if (this.#state === CLOSED) return;
    try {
      while (!socket.writableNeedDrain) {
        const output = codec.takeOutput();
        if (output === null) break;
        this.#written += output.length;
        socket.write(output);
        if (socket.copiesWrites === true || socket.writableLength === 0) codec.recycle(output);
      }
      codec.blocked = socket.writableNeedDrain;
      if (this.#ending && !codec.hasOutput) this.#linger();
    } catch (error) {
      this.onBug(error);
      socket.destroy();
    }
  }

  // --- the end ---

  /** Tells the client, in two steps, that the connection takes no more requests, and ends it after the last answer. */
  drain(): void {
    if (this.#farewell !== 0 || this.#state > OPEN) return;
    this.#farewell = 1;
    this.#codec.announceShutdown();
    this.#codec.ping();
    if (this.#requests.size === 0) this.#wait(SHUTDOWN_GRACE);
  }

  #sayFarewell(): void {
    if (this.#farewell === 2) return;
    this.#farewell = 2;
    this.#codec.goAway(ErrorCode.noError);
    if (this.#requests.size === 0) this.#end();
  }

  closeTunnel(): void {
    for (const request of this.#requests) request.closeTunnel();
  }

  cut(): void {
    this.#socket.destroy();
  }

  onDeadline(): void {
    const { limits } = this.plan.config;
    if (this.#state === LINGER) return this.cut();
    if (this.#ending) {
      // What is to be sent at the end is not taken.
      if (this.#written === this.#seen) return this.cut();
      this.#seen = this.#written;
      return this.#wait(limits.bodyTimeout);
    }
    if (this.#peerEnded) {
      if (this.#written === this.#seen) return this.cut();
      this.#seen = this.#written;
      return this.#wait(HALF_CLOSED_GRACE);
    }
    if (this.#farewell === 1) this.#sayFarewell();
    if (this.#state === PREFACE) {
      this.#codec.goAway(ErrorCode.settingsTimeout);
      return this.#end();
    }
    if (this.#requests.size === 0) {
      this.#codec.goAway(ErrorCode.noError);
      return this.#end();
    }
    // The socket takes nothing for so long, although there is something: nobody reads on the other side.
    if (this.#socket.writableNeedDrain && this.#written === this.#seen) return this.cut();
    this.#seen = this.#written;
    this.#wait(limits.bodyTimeout);
  }

  /** After the last answer, once that has gone out. May be called from within the codec, which cannot be asked for output then. */
  #end(): void {
    if (!this.#ending) {
      this.#ending = true;
      this.#seen = this.#written;
      this.#wait(this.plan.config.limits.bodyTimeout);
    }
    this.onOutput();
  }

  #linger(): void {
    if (this.#state >= LINGER) return;
    this.#state = LINGER;
    this.#wait(this.#socket.writableLength > 0 ? this.plan.config.limits.bodyTimeout : LINGER_TIME);
    this.#socket.end();
  }

  #wait(time: number): void {
    this.deadline = this.context.now + time;
    this.context.wheel.arm(this);
  }
}
