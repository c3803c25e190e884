import { errors, type ProxyError } from "../../core/errors.ts";
import { retryDelay } from "../../core/retry/backoff.ts";
import { ServerChoice } from "../http/server-choice.ts";
import { later } from "../later.ts";
import type { Timed } from "../timer-wheel.ts";
import type { PlaceWaiter } from "../upstream/pool-queue.ts";
import type { PoolRuntime } from "../upstream/pool-runtime.ts";
import type { UpstreamServer } from "../upstream/upstream-server.ts";
import type { WorkerContext } from "../worker-context.ts";
import { ServerLink, type LinkOwner } from "./server-link.ts";

/** Who needs a connection to one of a pool's servers. */
export interface DialOwner {
  dialed(link: ServerLink): void;
  /** There is none to be had. */
  dialFailed(error: ProxyError): void;
  /** The server's time is over: what goes over the connection should end. */
  linkClosing(): void;
}

/** `retries.on` may depend on a request's method; that nothing was sent lets every method through. */
const ANY_METHOD = "GET";

/**
 * Finds a server of a pool and connects to it: by the pool's balancer, passing over servers that are full, waiting in
 * the pool's queue when all are, and going to another server, as `retries` allows, when no connection can be made. Once
 * there is a connection it does not change any more. For one client.
 */
export class ServerDialer implements PlaceWaiter, LinkOwner, Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly #context: WorkerContext;
  readonly #owner: DialOwner;
  readonly #choice: ServerChoice;
  #pool!: PoolRuntime;
  #link: ServerLink | null = null;
  #queued = false;
  /** Why there is another try. */
  #failure: ProxyError | undefined;
  #retries = 0;
  #backoff: NodeJS.Timeout | null = null;
  /** After `#take`: some server was full and may get room. */
  #full = false;

  constructor(context: WorkerContext, owner: DialOwner) {
    this.#context = context;
    this.#owner = owner;
    this.#choice = new ServerChoice(context);
  }

  /** @param hashKey for algorithms that take one, else 0 */
  begin(pool: PoolRuntime, hashKey: number): void {
    this.#pool = pool;
    this.#choice.hashKey = hashKey;
    this.#dispatch();
  }

  /** Gives up: the client is gone. A link that was handed over is its owner's. */
  cut(): void {
    if (this.#backoff !== null) clearTimeout(this.#backoff);
    this.#backoff = null;
    if (this.#queued) {
      this.#queued = false;
      this.#pool.queue.remove(this);
      this.#context.wheel.disarm(this);
    }
    this.#link?.cut();
    this.#link = null;
  }

  #dispatch(): void {
    const { queue } = this.#pool;
    if (queue.length !== 0 && this.#failure === undefined) {
      // Places that other workers have freed are first for those who wait.
      queue.advance();
      if (queue.length !== 0) {
        this.#queueUp();
        return queue.advance();
      }
    }
    let server: UpstreamServer | undefined;
    try {
      server = this.#take();
    } catch (error) {
      this.#context.log("error", `pool ${this.#pool.name}: ${error instanceof Error ? error.stack : String(error)}`);
      return this.#owner.dialFailed(errors.algorithmFailed);
    }
    if (server !== undefined) this.#connect(server);
    else if (this.#full) this.#queueUp();
    else this.#owner.dialFailed(this.#failure ?? errors.noServer);
  }

  /** A server that has room for one more request and one more connection: both are counted there from now on. */
  #take(): UpstreamServer | undefined {
    const { scoreboard } = this.#context;
    this.#full = false;
    let passedOver = 0;
    try {
      for (;;) {
        const server = this.#choice.take(this.#pool);
        this.#full ||= this.#choice.full;
        if (server === undefined) return undefined;
        const { slot, connections } = server;
        if (scoreboard.tryOpen(slot, connections.config.maxConnections)) return server;
        // The limit may be used up by connections that HTTP keeps for its next request.
        scoreboard.wantConnection(slot);
        this.#choice.giveBack(this.#pool, server, this.#choice.trial);
        this.#full = true;
        // Only for the rest of this choice.
        this.#choice.exclude(slot);
        passedOver++;
      }
    } finally {
      for (; passedOver > 0; passedOver--) this.#choice.readmit();
    }
  }

  #connect(server: UpstreamServer): void {
    if (this.#failure !== undefined) this.#context.scoreboard.retried(server.slot);
    this.#link = new ServerLink(this.#pool, server, this.#choice.trial, this.#context, this);
    this.#link.connect();
  }

  // --- waiting for a place ---

  get isChoosy(): boolean {
    return this.#failure !== undefined;
  }

  #queueUp(): void {
    const { queue, config } = this.#pool;
    if (!queue.add(this))
      return this.#owner.dialFailed(this.#failure ?? (queue.limit === 0 ? errors.overloaded : errors.queueFull));
    this.#queued = true;
    this.deadline = this.#context.now + config.queue.timeout;
    this.#context.wheel.arm(this);
  }

  onPlace(): boolean {
    let server: UpstreamServer | undefined;
    try {
      server = this.#take();
    } catch {
      // The first choice has said what is wrong with the algorithm.
    }
    if (server === undefined && this.#full) return false;
    this.#queued = false;
    this.#context.wheel.disarm(this);
    if (server === undefined) this.#owner.dialFailed(this.#failure ?? errors.noServer);
    else this.#connect(server);
    return true;
  }

  onDeadline(): void {
    if (!this.#queued) return;
    this.#queued = false;
    this.#pool.queue.remove(this);
    this.#owner.dialFailed(this.#failure ?? errors.queueTimeout);
  }

  // --- the connection ---

  linkConnected(link: ServerLink): void {
    this.#link = null;
    this.#owner.dialed(link);
  }

  linkFailed(link: ServerLink, error: ProxyError): void {
    this.#link = null;
    const { retry, config } = this.#pool;
    if (this.#retries >= retry.attempts || !retry.allowsError(error, ANY_METHOD)) return this.#owner.dialFailed(error);
    this.#choice.exclude(link.server.slot);
    this.#failure = error;
    this.#retries++;
    const delay = this.#retries < 2 ? 0 : retryDelay(this.#retries, config.retries, this.#context.random);
    if (delay === 0) return this.#dispatch();
    this.#backoff = later(this.#context, delay, () => {
      this.#backoff = null;
      this.#dispatch();
    });
  }

  linkClosing(): void {
    this.#owner.linkClosing();
  }
}
