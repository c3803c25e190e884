import { errors, type ProxyError } from "../../core/errors.ts";
import { openConnection } from "../connect.ts";
import type { Timed } from "../timer-wheel.ts";
import type { PoolRuntime } from "../upstream/pool-runtime.ts";
import type { UpstreamServer } from "../upstream/upstream-server.ts";
import type { WorkerContext } from "../worker-context.ts";
import { RelayEnd, type EndUser } from "./relay-end.ts";

/** Who wanted the connection. */
export interface LinkOwner {
  linkConnected(link: ServerLink): void;
  /** There was no connection; it is booked, and the link is of no use any more. */
  linkFailed(link: ServerLink, error: ProxyError): void;
  /** The server's time is over: a relay over the link should end. */
  linkClosing(): void;
}

/**
 * A connection to a server that carries a client's bytes as they are, and all that is booked about it: it counts as one
 * request in flight, and as one connection, until it is closed; its latency is the time until the server's first byte.
 */
export class ServerLink implements EndUser, Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly relayEnd: RelayEnd = new RelayEnd(this);
  readonly server: UpstreamServer;
  readonly #pool: PoolRuntime;
  readonly #context: WorkerContext;
  readonly #owner: LinkOwner;
  #trial: boolean;
  #connected = false;
  /** By the clock, when the client's first bytes were sent; 0 before. */
  #sentAt = 0;
  #answered = false;
  #released = false;

  /** The server has been taken: counted as a request in flight (`trial`: and as a trial), and as a connection. */
  constructor(pool: PoolRuntime, server: UpstreamServer, trial: boolean, context: WorkerContext, owner: LinkOwner) {
    this.#pool = pool;
    this.server = server;
    this.#trial = trial;
    this.#context = context;
    this.#owner = owner;
    server.connections.passed.add(this);
  }

  connect(): void {
    const { address, config } = this.server.connections;
    this.deadline = this.#context.now + config.connectTimeout;
    this.#context.wheel.arm(this);
    this.relayEnd.attach(openConnection(address, this.relayEnd));
  }

  /** The client's first bytes go out now. */
  begin(): void {
    this.#sentAt = this.#context.clock.now();
  }

  /** Closes the connection at once, for a reason that is not the server's fault. */
  cut(): void {
    this.relayEnd.destroy();
    this.#release();
  }

  /** The server's time is over, or it was taken out of service. */
  end(): void {
    if (this.#connected) this.#owner.linkClosing();
    else this.#fail(errors.serverGone);
  }

  onConnect(): void {
    if (this.#released) return;
    this.#context.wheel.disarm(this);
    this.#connected = true;
    this.server.connections.reached();
    this.#owner.linkConnected(this);
  }

  onDeadline(): void {
    this.#unreachable(errors.connectTimeout, "timed out", "timeout");
  }

  /** The server speaks before the relay has begun: not read any further until then. */
  onData(): boolean {
    throw new Error("bytes of a server that was sent nothing");
  }

  onFirstData(): void {
    const { clock, scoreboard } = this.#context;
    const { slot } = this.server;
    const now = clock.now();
    const latency = now - this.#sentAt;
    this.#answered = true;
    this.server.connections.heardAt = this.#context.now;
    scoreboard.complete(slot, latency, true, 0, now);
    this.#pool.complete(this.server, latency, true, 0);
    this.#pool.passive.answered(slot, 0, now, this.#trial);
    this.#trial = false;
  }

  onEnd(): void {
    this.relayEnd.destroy();
  }

  onClose(error: Error | undefined): void {
    if (this.#released) return;
    if (!this.#connected) {
      const { code } = (error ?? {}) as NodeJS.ErrnoException;
      return this.#unreachable(errors.connectFailed, error?.message ?? "closed", code);
    }
    // Neither we nor the client wanted it to end: the server has taken the client's bytes without a word.
    if (this.#sentAt !== 0 && !this.#answered && !this.relayEnd.leaving && !this.relayEnd.sendingEnded) {
      const now = this.#context.clock.now();
      this.#bookFailure(now);
      this.#pool.passive.failed(this.server.slot, errors.connectionLost, now, this.#trial);
      this.#trial = false;
    }
    this.#release();
  }

  onBug(error: unknown): void {
    this.#context.log("error", `connection to a server: ${error instanceof Error ? error.stack : String(error)}`);
  }

  #unreachable(error: ProxyError, reason: string, code: string | undefined): void {
    this.#context.scoreboard.connectFailed(this.server.slot);
    this.server.connections.unreachable(reason, code);
    this.#fail(error);
  }

  #fail(error: ProxyError): void {
    this.#bookFailure(this.#context.clock.now());
    this.cut();
    this.#owner.linkFailed(this, error);
  }

  #bookFailure(now: number): void {
    this.#context.scoreboard.complete(this.server.slot, NaN, false, 0, now);
    this.#pool.complete(this.server, NaN, false, 0);
  }

  /** The place on the server is free again. */
  #release(): void {
    if (this.#released) return;
    this.#released = true;
    const { server } = this;
    const { scoreboard, wheel } = this.#context;
    wheel.disarm(this);
    server.connections.passed.delete(this);
    scoreboard.end(server.slot);
    scoreboard.connectionClosed(server.slot);
    if (this.#trial) this.#pool.passive.endTrial(server.slot);
    if (this.#pool.queue.length !== 0) this.#pool.queue.advance();
  }
}
