import { errors } from "../../core/errors.ts";
import { sharedReadBuffer, takeReadBuffer, type StreamSocket, type TransportOwner } from "../transport.ts";
import { handOver } from "../connect.ts";
import { Http2ClientConnection } from "../http2/client-connection.ts";
import { ClientInput } from "./client-input.ts";
import { BODY, CLOSED, HEAD, IDLE, LINGER, TUNNEL, WAIT } from "./client-state.ts";
import type { BufferLender } from "./buffer-lender.ts";
import type { TunnelClient } from "./tunnel-ends.ts";
import { Tunnel } from "./tunnel.ts";

/** How long a connection lingers, so that the last answer is not lost to a reset (RFC 9112 9.6). */
const LINGER_TIME = 2000;
/**
 * A client that closed its sending half looks like one that is gone. It gets an answer that comes within this time,
 * and as much of it as comes without longer pauses.
 */
const HALF_CLOSED_GRACE = 1000;

const WEBSOCKET = /\r\nUpgrade: *websocket *\r\n/i;
/** Lends bytes that nobody will overwrite. */
const OWN_BYTES: BufferLender = { replaceBuffer: () => undefined };

/** One client's HTTP/1.1 connection: requests in, answers out, one at a time and in order. */
export class ClientConnection extends ClientInput implements TransportOwner, TunnelClient {
  /** What had been written when the grace of a half-closed client began. */
  #bytesSeen = 0;

  attach(socket: StreamSocket): void {
    this.socket = socket;
    this.wait(this.host.plan.config.limits.idleTimeout);
  }

  onDrain(): void {
    this.stalled = false;
    if (this.state === WAIT) this.deadline = Infinity;
    this.current?.leg.resume();
  }

  // --- the exchange ---

  /** The answer is complete. */
  exchangeDone(): void {
    this.forget();
    if (this.state === CLOSED || this.state === LINGER) return;
    this.readBuffer = sharedReadBuffer;
    if (this.close || this.state === BODY || this.peerEnded) return this.#linger();
    this.state = IDLE;
    this.wait(this.host.plan.config.limits.idleTimeout);
    if (this.stash !== null && !this.inLoop) this.unstash();
  }

  /** The exchange is no longer this connection's. */
  forget(): void {
    const exchange = this.current;
    this.current = null;
    if (exchange !== null) this.host.exchanges.give(exchange);
  }

  protected becomeHttp2(bytes: Buffer): void {
    const { host, socket } = this;
    host.context.wheel.disarm(this);
    this.state = CLOSED;
    const next = new Http2ClientConnection(host, this.identity.remote, null);
    host.replace(this, next);
    handOver(socket, next);
    next.attach(socket);
    next.onData(bytes, bytes.length);
  }

  // --- tunnels ---

  becomeTunnel(head: string, rest: Buffer): void {
    const { leg } = this.current!;
    this.host.clients.upgraded(this.host.slot);
    this.write(head);
    this.state = TUNNEL;
    this.deadline = Infinity;
    const tunnel = new Tunnel(this, leg, this.host, WEBSOCKET.test(head));
    this.tunnel = tunnel;
    if (rest.length > 0) tunnel.fromServer(rest, OWN_BYTES);
    this.readBuffer = takeReadBuffer();
    const stash = this.stash;
    this.stash = null;
    if (stash !== null) tunnel.fromClient(stash, 0, stash.length);
    if (!this.inLoop) this.socket.resume();
    if (this.peerEnded) tunnel.clientEnded();
  }

  tunnelClosed(): void {
    const { closing } = this.tunnel!;
    this.tunnel!.over();
    // One that was told why gets the time to read it.
    if (closing) return this.#linger();
    this.state = LINGER;
    this.wait(LINGER_TIME);
    this.socket.destroySoon();
  }

  // --- the end ---

  onEnd(): void {
    this.peerEnded = true;
    switch (this.state) {
      case WAIT:
        this.#bytesSeen = this.bytesOut;
        this.wait(HALF_CLOSED_GRACE);
        return;
      case TUNNEL:
        this.tunnel!.clientEnded();
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
    this.state = CLOSED;
    this.host.context.wheel.disarm(this);
    this.tunnel?.over();
    this.stash = null;
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
    switch (this.state) {
      case IDLE:
        return this.#linger();
      case WAIT:
        // A half-closed connection stays as long as its answer moves.
        if (this.peerEnded && !this.stalled && this.bytesOut !== this.#bytesSeen) {
          this.#bytesSeen = this.bytesOut;
          return this.wait(HALF_CLOSED_GRACE);
        }
        break;
      case HEAD:
        return this.refuseHead(this.current!, errors.headTimeout, errors.headTimeout.message);
      case BODY:
        // The exchange may have been cut in this very tick, by a deadline of its server's.
        if (this.current === null) break;
        if (this.readPaused) return this.current.refuse(errors.requestStalled);
        if (!this.stalled) return this.current.refuse(errors.bodyTimeout);
    }
    this.cut();
  }

  onBug(error: unknown): void {
    this.host.context.log("error", `client connection: ${error instanceof Error ? error.stack : String(error)}`);
  }

  /** Closes an idle connection at once, a busy one after its answer. */
  drain(): void {
    if (this.state === IDLE) this.#linger();
    else this.close = true;
  }

  #linger(): void {
    this.state = LINGER;
    this.stash = null;
    this.readPaused = false;
    // An answer that the client is slow to take gets the time that its body would have had.
    this.wait(this.socket.writableLength > 0 ? this.host.plan.config.limits.bodyTimeout : LINGER_TIME);
    this.socket.end();
    if (!this.inLoop) this.socket.resume();
  }
}
