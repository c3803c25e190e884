import type { Timed } from "../timer-wheel.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { EndsRelay, RelayEnd } from "./relay-end.ts";

/** How long both sides may take to end once one of them is gone or the relay must end, in ms. */
export const CLOSE_GRACE = 5000;
/** After so many ms without a byte, buffers are given back. */
const QUIET_TIME = 5000;
/** Bytes are told to the owner at least every so many. */
const COUNT_EVERY = 1_048_576;

/** Whose relay it is. */
export interface RelayOwner {
  /** So many bytes were received from each side since the last call. */
  count(fromClient: number, fromServer: number): void;
}

/**
 * Two connections whose bytes go from each to the other, whatever they mean: backpressure from end to end, each
 * direction ends by itself (RFC 9293 3.6), and a connection that is lost takes the other one along. Knows nothing of who
 * chose the server, or why.
 */
export class Relay implements EndsRelay, Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly #client: RelayEnd;
  readonly #server: RelayEnd;
  readonly #context: WorkerContext;
  readonly #idleTimeout: number;
  readonly #owner: RelayOwner;
  #fromClient = 0;
  #fromServer = 0;
  /** When a byte came last, by `context.now`. */
  #movedAt: number;
  #closing = false;

  /** @param idleTimeout longest silence of both sides together, in ms */
  constructor(client: RelayEnd, server: RelayEnd, context: WorkerContext, idleTimeout: number, owner: RelayOwner) {
    this.#client = client;
    this.#server = server;
    this.#context = context;
    this.#idleTimeout = idleTimeout;
    this.#owner = owner;
    this.#movedAt = context.now;
  }

  /** Begins, with what the client has sent so far. */
  begin(first: Uint8Array): void {
    const { wheel, now } = this.#context;
    this.#movedAt = now;
    this.deadline = now + Math.min(QUIET_TIME, this.#idleTimeout);
    wheel.arm(this);
    this.#client.join(this, this.#server);
    this.#server.join(this, this.#client);
    this.moved(this.#client, first.length);
    if (first.length > 0) this.#server.write(first);
    if (this.#client.ended) this.#server.endSending();
    if (!this.#server.needsDrain) this.#client.resume();
    this.#server.resume();
  }

  moved(end: RelayEnd, length: number): void {
    this.#movedAt = this.#context.now;
    if (end === this.#client) this.#fromClient += length;
    else this.#fromServer += length;
    if (this.#fromClient + this.#fromServer >= COUNT_EVERY) this.#count();
  }

  closed(end: RelayEnd): void {
    const other = end === this.#client ? this.#server : this.#client;
    if (other.closed) {
      this.#context.wheel.disarm(this);
      this.#count();
      return;
    }
    // After two ends in good order there is nothing left to send, and the other one closes by itself. If not, it gets
    // what was meant for it.
    this.#wait();
    other.finish();
  }

  /** Ends both connections behind what was sent on them. */
  close(): void {
    if (this.#closing) return;
    this.#wait();
    this.#server.finish();
    this.#client.finish();
  }

  /** Ends both connections at once. */
  cut(): void {
    this.#server.destroy();
    this.#client.destroy();
  }

  onDeadline(now: number): void {
    if (this.#closing) return this.cut();
    const silence = now - this.#movedAt;
    if (silence >= this.#idleTimeout) return this.close();
    if (silence >= QUIET_TIME) {
      this.#client.shrink();
      this.#server.shrink();
    }
    this.deadline = Math.min(now + QUIET_TIME, this.#movedAt + this.#idleTimeout);
    this.#context.wheel.arm(this);
  }

  /** From now on the connections have a short time to end. */
  #wait(): void {
    this.#closing = true;
    this.deadline = this.#context.now + CLOSE_GRACE;
    this.#context.wheel.arm(this);
  }

  #count(): void {
    if (this.#fromClient + this.#fromServer === 0) return;
    this.#owner.count(this.#fromClient, this.#fromServer);
    this.#fromClient = this.#fromServer = 0;
  }
}
